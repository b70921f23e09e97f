"""What is recorded of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a report: what it is called, and a digest that tells it from another one of that name."""

    shown: str
    sha256: str


@dataclass(frozen=True, slots=True)
class CohortRecord:
    """A cohort of a report: ``rows`` counts those of each table, ``sha256`` is of their content in any order."""

    name: str
    kind: str
    synthetic: bool
    sha256: str
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """Where a report comes from; nothing in it tells of the machine's folders, of its user, or of the time.

    So the same inputs give the same record.

    Args:
        title: what the report is called.
        version: of the package.
        date_of_data: the last day of the data, ISO 8601.
        origin: the source, told from others.
        sources: the addresses of the sources, each with the last name of its paths alone.
        cohorts: the one cohort of the report, or those that it compares.
        parameters: name to value, defaults with them.
        ingredients: digests (SHA-256) of what else a report is made of, by ``part name``: ``notebook frequency``,
            ``lock requirements.lock``; parts that there is one of by themselves, such as ``code`` and ``fonts``.
        platform: of Python and the machine, by name.
        packages: installed packages, name to version.
        settled: variables of the kernels' environment that are the same in every run, seeds among them.
        outputs: the digest of each file, by its path in the folder.
        sizes: their bytes.
    """

    title: str
    version: str
    date_of_data: str
    origin: Origin
    sources: tuple[str, ...]
    cohorts: tuple[CohortRecord, ...]
    parameters: Mapping[str, Any]
    ingredients: Mapping[str, str]
    platform: Mapping[str, str]
    packages: Mapping[str, str]
    settled: Mapping[str, str]
    outputs: Mapping[str, str]
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def notebooks(self) -> tuple[str, ...]:
        """The names of the notebooks in order."""
        return self.named("notebook")

    def named(self, part: str) -> tuple[str, ...]:
        """Return the names of the ingredients of a part, in order."""
        return tuple(name.removeprefix(f"{part} ") for name in self.ingredients if name.startswith(f"{part} "))
