"""What differs between two reports: their inputs, and the estimates that moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from crampstudy.errors import SourceError
from crampstudy.provenance.changes import Change, changes, listed
from crampstudy.rerun.moves import Moves, moves
from crampstudy.rerun.origins import Run
from crampstudy.rerun.rows_of_data import TableChange, table_changes
from crampstudy.rerun.split import Cohorts, cohorts_of
from crampstudy.rerun.verification import making


@dataclass(frozen=True, slots=True)
class DataChange:
    """A cohort whose data are not as they were, table by table; where rows cannot be counted, ``why`` says so."""

    cohort: str
    tables: tuple[TableChange, ...]
    why: str | None = None

    def __str__(self) -> str:
        if self.why is not None:
            return f"{self.cohort} differs; {self.why}"
        counts = (f"{t.table} {t.added:,} added, {t.removed:,} removed, {t.changed:,} changed" for t in self.tables)
        return f"{self.cohort}: {'; '.join(counts) or 'the same rows, otherwise described'}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two reports."""

    data: tuple[DataChange, ...]
    parameters: tuple[Change, ...]
    made_with: tuple[Change, ...]
    estimates: Moves

    @property
    def of_inputs(self) -> Iterator[str]:
        """What differs of the inputs, a line each."""
        for change in self.data:
            yield f"data: {change}"
        if self.parameters:
            yield f"parameters: {listed(self.parameters, len(self.parameters))}"
        if self.made_with:
            yield f"made with: {listed(self.made_with, 12)}"
        if not (self.data or self.parameters or self.made_with):
            yield "inputs: the same"


def difference(before: Run, after: Run) -> Difference:
    """Compare two reports; where the data of both are at hand, their rows are counted."""
    parameters = changes(*(_parameters(run) for run in (before, after)))
    made_with = changes(making(before.record), making(after.record))
    return Difference(tuple(_data(before, after)), tuple(parameters), tuple(made_with), moves(before, after))


def cohorts_as_recorded(run: Run, sources: tuple[str, ...], option: str) -> Cohorts:
    """Return the cohorts of a report, and hold them against its record.

    Raises:
        SourceError: they cannot be read, or are not those of the report.
    """
    cohorts = cohorts_of(run, sources)
    for cohort, told in zip(cohorts, run.record.cohorts, strict=True):
        if cohort.digest != told.sha256:
            raise SourceError(
                f"{' and '.join(sources)}: the data of {told.name} are not those of {run.folder} any more; "
                f"name a folder that holds them as they were: {option} DIR"
            )
    return cohorts


def _parameters(run: Run) -> dict[str, str]:
    return {f"parameter {name}": json.dumps(value) for name, value in run.record.parameters.items()}


def _data(before: Run, after: Run) -> Iterator[DataChange]:
    pairs = list(zip(before.record.cohorts, after.record.cohorts, strict=False))
    if all(one.sha256 == other.sha256 for one, other in pairs):
        return
    try:
        cohorts = [cohorts_as_recorded(run, run.sources, option) for run, option in _options(before, after)]
    except SourceError as problem:
        for one, other in pairs:
            if one.sha256 != other.sha256:
                yield DataChange(other.name, (), f"rows are not counted: {problem}")
        return
    for one, other in zip(*cohorts, strict=False):
        if one.digest != other.digest:
            yield DataChange(other.name, table_changes(one, other))


def _options(before: Run, after: Run) -> Iterator[tuple[Run, str]]:
    for run, option in ((before, "--data-a"), (after, "--data-b")):
        if not run.sources:
            raise SourceError(f"it is not known where the data of {run.folder} are; name them: {option} DIR")
        yield run, option
