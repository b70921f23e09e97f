"""Whether a report comes out the same when it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crampstudy import scratch, sources
from crampstudy.provenance import Record, digests, read
from crampstudy.provenance.changes import Change, changes, listed
from crampstudy.report import run as running
from crampstudy.rerun import differences
from crampstudy.rerun.again import as_recorded, make_again
from crampstudy.rerun.origins import Run


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of making a report again.

    ``apart`` is what its making differs in from that of the report: nothing, and bytes are compared, else estimates.
    ``difference`` is the first that was found, in words.
    """

    apart: tuple[Change, ...]
    difference: str | None
    n_files: int
    n_estimates: int

    def __str__(self) -> str:
        aside = f"made with other parts: {listed(self.apart)}" if self.apart else ""
        if self.difference is not None:
            return f"{self.difference} ({aside or 'made with the same parts on the same platform'})"
        if self.apart:
            return (
                f"the {self.n_estimates:,} estimates are the same within {differences.TOLERANCE:g} of each; "
                f"bytes were not compared, for it was {aside}"
            )
        return f"its {self.n_files} files are the same, byte by byte"


def verify(run: Run, data: tuple[str, ...], progress: running.Progress | None = None) -> Verification:
    """Make a report again in a temporary folder, and compare what comes out.

    On the same platform, with the same packages, code, notebooks and lock, files are compared byte by byte, elsewhere
    estimates at :data:`crampstudy.rerun.differences.TOLERANCE`. What is not as its record says, and data that are
    others, are told before anything is run.

    Raises:
        UsageError: a notebook is not here.
        CrampstudyError: as :func:`crampstudy.report.build.build`.
    """
    told = run.record
    if problem := _edited(run) or _other_data(run, data):
        return Verification((), problem, len(told.outputs), 0)
    with scratch.folder() as place:
        made = make_again(run, as_recorded(run, data, place / "data"), place / "again", progress)
        again = read(made.folder)
        before, after = _contents(run.folder, told), _contents(made.folder, again)
    apart = tuple(changes(making(told), making(again)))
    n_estimates = before[differences.ESTIMATES].count(b"\n") - 1
    if [cohort.sha256 for cohort in told.cohorts] != [cohort.sha256 for cohort in again.cohorts]:
        problem = _told_of_data(told, again)
    elif apart:
        problem = differences.first_estimate(before[differences.ESTIMATES], after[differences.ESTIMATES])
    else:
        problem = differences.first(before, after)
    return Verification(apart, problem, len(told.outputs), n_estimates)


def making(record: Record) -> dict[str, str]:
    """Return what a report was made with, beside its data and its parameters, by name."""
    packages = {f"package {name}": version for name, version in record.packages.items()}
    return {**record.ingredients, **record.platform, **packages}


def _contents(folder: Path, record: Record) -> Mapping[str, bytes]:
    return {name: (folder / name).read_bytes() for name in record.outputs}


def _edited(run: Run) -> str | None:
    for name, digest in run.record.outputs.items():
        if not (run.folder / name).is_file():
            return f"{name} is missing in {run.folder}"
        if digests.of_file(run.folder / name) != digest:
            return f"{name} in {run.folder} is not as it was made: it was changed since"
    return None


def _other_data(run: Run, data: tuple[str, ...]) -> str | None:
    """Say of the data of one cohort that they are others; those of several are told when they are put together."""
    if run.is_comparison:
        return None
    cohort, (recorded,) = sources.open_cohort(data[0]), run.record.cohorts
    if cohort.digest == recorded.sha256:
        return None
    return _rows(recorded.name, recorded.rows, {name: cohort.tables[name].height for name in cohort.tables})


def _told_of_data(told: Record, again: Record) -> str:
    pairs = zip(told.cohorts, again.cohorts, strict=True)
    one, other = next((one, other) for one, other in pairs if one.sha256 != other.sha256)
    return _rows(one.name, one.rows, other.rows)


def _rows(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> str:
    counts = (
        f"{table} {before.get(table, 0):,} rows → {after.get(table, 0):,}"
        for table in dict.fromkeys((*before, *after))
        if before.get(table, 0) != after.get(table, 0)
    )
    return f"the data of {name} are not those of the report: {', '.join(counts) or 'as many rows, other cells'}"
