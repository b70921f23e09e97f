"""What a report is of: one cohort, or several that are compared, and where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crampstudy import sources, wording
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import Account
from crampstudy.provenance import CohortRecord, Origin
from crampstudy.provenance.digests import sha256
from crampstudy.report.outline import default_folder


@dataclass(frozen=True, slots=True)
class Subject:
    """The ``cohorts`` of a report and their ``sources``; ``given`` are the parameters that say which these are.

    Parts of one cohort have one source. Cohorts as they were ``opened``, by the sources that notebooks are given, are
    handed on to these; of parts it is the whole. ``analysed`` are the cohorts of those who meet the condition of the
    report, if it has one, ``None`` where nobody does; ``accounts`` say how each was made up, where that is not that of
    its cohort.
    """

    cohorts: tuple[Cohort, ...]
    sources: tuple[str, ...]
    given: Mapping[str, Any]
    opened: Mapping[str, Cohort] = field(default_factory=dict)
    analysed: tuple[Cohort | None, ...] = ()
    accounts: tuple[Account, ...] = ()

    @property
    def inside(self) -> tuple[Cohort, ...]:
        """The cohorts of those whom the report is of, whole where there is nobody else."""
        return tuple(own or whole for own, whole in zip(self.analysed or self.cohorts, self.cohorts, strict=True))

    @property
    def heading(self) -> str:
        """What readers are shown; of parts of one cohort also whose they are."""
        headings = [cohort.heading for cohort in self.cohorts]
        alike = len({*headings}) < len(headings)
        listed = wording.listed(map(with_name, self.cohorts) if alike else headings)
        if len(self.sources) == len(self.cohorts):
            return listed
        (whole,) = self.opened.values()
        return f"{whole.heading}: {listed}"

    @property
    def folder(self) -> Path:
        """Where the report is written unless a folder is named."""
        return default_folder(*self.cohorts)

    def origin(self, target: Path) -> Origin:
        """Return the sources by what they are called, and a digest that tells them from others, seen from a folder."""
        addresses = [sources.Address.parse(source) for source in self.sources]
        identity = "\0".join(address.identity(seen_from=target) for address in addresses)
        shown = " and ".join(address.title for address in addresses)
        return Origin(shown, sha256(identity.encode(errors="surrogateescape")))

    @property
    def portable(self) -> tuple[str, ...]:
        """The sources as anybody may be told of them."""
        return tuple(sources.Address.parse(source).portable for source in self.sources)

    @property
    def stated(self) -> Mapping[str, str]:
        """What the sources say of nights without a row and of which cramps count, by the name of the option."""
        found: dict[str, dict[str, None]] = {}
        for source in self.sources:
            for name, value in sources.Address.parse(source).of_nights.items():
                found.setdefault(name, {})[value] = None
        return {name: ", ".join(values) for name, values in found.items()}

    @property
    def records(self) -> tuple[CohortRecord, ...]:
        """What is recorded of each cohort."""
        return tuple(map(_record, self.cohorts))


def with_name(cohort: Cohort) -> str:
    """Return what readers are shown, with the name that text and tables have for it."""
    return cohort.heading if cohort.heading == cohort.name else f"{cohort.heading} ({cohort.name})"


def _record(cohort: Cohort) -> CohortRecord:
    rows = {name: cohort.tables[name].height for name in sorted(cohort.tables)}
    return CohortRecord(cohort.name, cohort.kind, cohort.synthetic, cohort.digest, rows)


def absolute(addresses: Sequence[str]) -> list[str]:
    """Return sources as a kernel in another folder finds them."""
    return [str(sources.Address.parse(source).absolute()) for source in addresses]
