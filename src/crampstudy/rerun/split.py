"""The change of one estimate, split over what changed in its inputs by estimating it in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from crampstudy import analyses
from crampstudy.analyses.comparison import ComparisonSettings, compare_cohorts, open_cohorts
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.provenance.changes import Change, changes, listed
from crampstudy.report import outline as outlines
from crampstudy.report import params
from crampstudy.rerun.differences import number
from crampstudy.rerun.moves import nameless, rows
from crampstudy.rerun.origins import Run
from crampstudy.rerun.rows_of_data import table_changes, with_added, without_removed
from crampstudy.rerun.verification import making
from crampstudy.sources import open_cohort

Cohorts = tuple[Cohort, ...]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowSplit:
    """An estimate of two reports, and the ``parts`` of its change by name, which sum to it.

    The last part is what no input explains: of ``software``, what was made with other code, packages or notebooks.
    """

    key: str
    before: float
    after: float
    parts: Mapping[str, float]
    software: tuple[Change, ...]

    @property
    def change(self) -> float:
        """By how much it moved, on its own scale."""
        return self.after - self.before

    @property
    def remainder(self) -> str:
        """What the last part is of."""
        return listed(self.software) or "the same in both reports: rounding"


REMAINDER = "code and lock"


def cohorts_of(run: Run, sources: tuple[str, ...]) -> Cohorts:
    """Return the cohorts of a report from its sources."""
    if not run.is_comparison:
        return (open_cohort(sources[0]),)
    told = run.record.parameters
    return open_cohorts(sources, names=told["names"], split=told["split"], age_bands=told["age_bands"])


def split(before: Run, after: Run, cohorts: tuple[Cohorts, Cohorts], key: str) -> RowSplit:
    """Split the change of the estimate ``key`` over rows removed, added and changed, and parameters.

    The steps go from the first report to the second in that order; each is estimated by the code that is installed.

    Args:
        before: the first report.
        after: the second.
        cohorts: those of each, in the same order.
        key: of the row, as either report has it.

    Raises:
        UsageError: one of the reports has no such row, or the reports are of different kinds.
        AnalysisError: there is no estimate in one of the steps.
    """
    if before.is_comparison != after.is_comparison or len(cohorts[0]) != len(cohorts[1]):
        raise UsageError("the change of a row is split between two reports of one kind, of as many cohorts")
    old, new = (_estimate_in(run, key) for run in (before, after))
    one, two = cohorts
    first, second = before.record.parameters, after.record.parameters
    estimate = _estimator(after, key, cohorts)
    pairs = list(zip(one, two, strict=True))
    steps: list[tuple[str, Cohorts, Parameters]] = [
        ("rows removed", tuple(without_removed(a, b) for a, b in pairs), first),
        ("rows added", tuple(with_added(a, b) for a, b in pairs), first),
        ("rows changed", two, first),
        ("parameters", two, second),
    ]
    value, at, asked = estimate(one, first, "the first report"), one, first
    start, parts = value, dict[str, float]()
    for name, there, with_these in steps:
        same = with_these == asked and not any(table_changes(a, b) for a, b in zip(at, there, strict=True))
        reached = value if same else estimate(there, with_these, name)
        parts[name] = reached - value
        value, at, asked = reached, there, with_these
    parts[REMAINDER] = (new - old) - (value - start)
    software = changes(making(before.record), making(after.record))
    return RowSplit(key, old, new, parts, tuple(software))


def _estimate_in(run: Run, key: str) -> float:
    found = rows(run, alone=True)
    row = found.get(nameless(key))
    if row is None:
        raise UsageError(f"{run.folder} has no row {key!r}; its keys are the first column of estimates.csv")
    value = number(row["estimate"])
    if value != value:
        raise UsageError(f"{run.folder} has no estimate in the row {key!r}: {row['note'] or row['status']}")
    return value


def _estimator(run: Run, key: str, cohorts: tuple[Cohorts, Cohorts]) -> Callable[[Cohorts, Parameters, str], float]:
    """Return a function that estimates the row from cohorts and parameters; its last argument names the step."""
    find = _compared if run.is_comparison else _section(run, key, cohorts[1][0])

    def estimate(there: Cohorts, asked: Parameters, step: str) -> float:
        found = find(there, asked).estimates
        names = found["key"].map(nameless)
        row = found[names == nameless(key)]
        value = float(row["estimate"].iloc[0]) if len(row) else float("nan")
        if value != value:
            why = (row["note"].iloc[0] if len(row) else None) or "there is no such row"
            raise AnalysisError(f"the change of {key} cannot be split: at the step {step!r} {why}")
        return value

    return estimate


def _compared(cohorts: Cohorts, asked: Parameters) -> analyses.Findings:
    own = {field.name: asked[field.name] for field in fields(ComparisonSettings) if field.name in asked}
    return compare_cohorts(cohorts, ComparisonSettings(**own))


def _found(
    name: str, taken: Sequence[str], others: analyses.Others | None, cohorts: Cohorts, asked: Parameters
) -> analyses.Findings:
    """Return what a section finds, with the settings that it takes.

    Args:
        name: that of the section.
        taken: names of the settings.
        others: what it draws on; nothing, so that its own rows alone are made.
        cohorts: those of the run, of which it takes the first.
        asked: the parameters of the run.
    """
    own = {each: asked[each] for each in taken if each in asked}
    return analyses.run(name, cohorts[0], analyses.Settings(**own), others=others)


def _section(run: Run, key: str, cohort: Cohort) -> Callable[[Cohorts, Parameters], analyses.Findings]:
    """Return how the section that has the row finds it; sections are tried in the order of the report."""
    outlined = {path.stem: path for path in outlines.read(outlines.find()).notebooks}
    for name in run.record.notebooks:
        analysis = analyses.ANALYSES.get(name)
        # What draws on other sections says their rows again, but for what has rows of its own.
        if analysis is None or (analysis.draws_on_others and not analysis.on_request) or name not in outlined:
            continue
        others: analyses.Others | None = {} if analysis.draws_on_others else None
        declared = {parameter.name for parameter in params.declared(outlined[name])}
        taken = [field.name for field in fields(analyses.Settings) if field.name in declared]

        find = partial(_found, name, taken, others)

        if nameless(key) in set(find((cohort,), run.record.parameters).estimates["key"].map(nameless)):
            return find
    raise UsageError(
        f"no section that comes with the package estimates the row {key!r}; give the key of one that does, for what a "
        "notebook of one's own estimates is not split"
    )
