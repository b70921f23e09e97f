"""Which cohorts one model can hold side by side: those with enough people who have all that it takes, and who overlap.

A model leaves out who lacks a value. Where that is all of a cohort, what it says between cohorts rests on the others
alone, and where a term parts the cohorts as completely as their names do, it says nothing of what lies between them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import wording
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.pooling import COHORT
from crampstudy.contrasts.cohorts.asked import ComparisonRequest
from crampstudy.contrasts.cohorts.measures import FEWEST, GroupMeasures
from crampstudy.errors import NoWeight
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.terms.levels import MOST_LEVELS, PEOPLE
from crampstudy.nights import NO_AGE, diary_columns, nights_of_part, observed_night, people


@dataclass(frozen=True, slots=True)
class Comparable:
    """The cohorts ``names`` that a model can hold, the reference first, and of each of the others ``why_not``.

    Why names the cohort, unless it is so in all of them.
    ``complete`` is a table of their participants, or of their nights where a column is of nights, that have a value of
    all columns that the model takes.
    """

    names: tuple[str, ...]
    why_not: Mapping[str, str]
    complete: pl.DataFrame

    def counts(self, by: str) -> dict[str, tuple[int, ...]]:
        """Return how many complete participants of each of the cohorts, in their order, each group has."""
        per = self.complete.group_by(pl.col(by).cast(pl.String), COHORT).agg(pl.col(PEOPLE).n_unique())
        found = {(group, name): n for group, name, n in per.iter_rows()}
        return {group: tuple(found.get((group, name), 0) for name in self.names) for group, _ in found}

    def ages(self, name: str) -> int:
        """Return how many different ages the complete participants of a cohort have."""
        return _of(self.complete, name)["age_years"].n_unique()

    def constant(self, columns: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the columns that do not vary in some of the cohorts, and in which."""
        alike = {
            column: tuple(name for name in self.names if _of(self.complete, name)[column].n_unique() < 2)
            for column in columns
        }
        return {column: names for column, names in alike.items() if names}


def comparable(
    together: Cohort,
    found: Sequence[GroupMeasures],
    columns: Sequence[str],
    asked: ComparisonRequest,
    *,
    youngest: int | None = None,
    overlapping: Collection[str] = (),
) -> Comparable:
    """Return which cohorts a model of all of them can hold.

    A cohort is left out that has no rate or prevalence of its own, fewer than :data:`FEWEST` participants with a value
    of all ``columns``, or nothing in common with the first that is not in one of the ``overlapping`` columns, neither
    directly nor by way of another cohort: no level, and of numbers no part of the range.

    Args:
        together: two or more, pooled.
        found: what each of them has over all, the reference first.
        columns: the columns that the model takes, of participants or of nights.
        asked: the comparison.
        youngest: those below this age are left out.
        overlapping: those of the columns that all cohorts have one coefficient for.
    """
    names = [each.cohort for each in found]
    try:
        rows = _rows(together, columns, asked)
    except NoWeight as problem:
        why = str(problem).partition(";")[0]
        return Comparable((), dict.fromkeys(names, why), people(together, asked.bands).head(0))
    complete, why_not = rows, {each.cohort: each.why_not[-1] for each in found if each.why_not[-1]}
    if len(names) > MOST_LEVELS:
        why_not = dict.fromkeys(names, f"a model holds at most {MOST_LEVELS} cohorts, and there are {len(names)}")
    if youngest is not None:
        complete = complete.filter(pl.col("age_years") >= youngest)
    for column in columns:
        complete = complete.filter(pl.col(column).is_not_null()) if column in complete.columns else complete.head(0)
    for name in names:
        if name not in why_not and (lacking := _lacking(_of(rows, name), _of(complete, name), columns, youngest)):
            why_not[name] = lacking
    for column in overlapping:
        if able := [name for name in names if name not in why_not]:
            why_not |= _apart(complete, able, column)
    able = [name for name in names if name not in why_not]
    in_all = not able and len({*why_not.values()}) == 1
    return Comparable(
        tuple(able),
        {name: why_not[name] + ("" if in_all else f" ({name})") for name in names if name in why_not},
        complete.filter(pl.col(COHORT).is_in(able)),
    )


def _rows(together: Cohort, columns: Collection[str], asked: ComparisonRequest) -> pl.DataFrame:
    """Return who was observed in the part that is asked, with the columns there are; a row a night if one needs it."""
    who = people(together, asked.bands)
    wanted = {PEOPLE, COHORT, asked.by, "age_years", *columns}
    if together.design is not None:
        inside = subpopulation.select(who, asked.where).inside
        weight = who[recalled_outcomes.weight_for(together.design, columns)].fill_null(0.0)
        answered = pl.Series(np.isfinite(recalled_outcomes.classes(who)))
        return who.filter(inside & answered & (weight > 0)).select(name for name in who.columns if name in wanted)
    named = wanted | {*(subpopulation.names(asked.where) if asked.where else ())}
    if named & {*diary_columns(together)} - {PEOPLE}:
        return nights_of_part(together, asked.where, asked.bands, names=wanted)
    # What is of people is asked of people, who are fewer than their nights.
    seen = together.frame("diary").lazy().filter(observed_night(together)).select(PEOPLE).unique().collect()
    who = who.filter(subpopulation.select(who, asked.where).inside).join(seen, on=PEOPLE, how="semi")
    return who.select(name for name in who.columns if name in wanted)


def _of(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.filter(pl.col(COHORT) == name)


def _lacking(rows: pl.DataFrame, complete: pl.DataFrame, columns: Sequence[str], youngest: int | None) -> str:
    """Return what keeps a cohort out of a model, of its ``rows`` and those of them that are complete."""
    for column in columns:
        if column not in rows.columns or rows[column].null_count() == rows.height:
            aged = column in ("age_years", "age_decade", "age_band")
            return NO_AGE if aged else f"no participant has a value of {_label(column)}"
    if complete[PEOPLE].n_unique() >= FEWEST:
        return ""
    whom = "participants" if youngest is None else f"participants of {youngest} years or older"
    return f"fewer than {FEWEST} {whom} have a value of {wording.listed(map(_label, columns))}"


def _apart(complete: pl.DataFrame, names: Sequence[str], column: str) -> dict[str, str]:
    """Return which cohorts have nothing in common with the first in a column, and how that is said."""
    numeric = complete[column].dtype.is_numeric()
    values = {name: _of(complete, name)[column] for name in names}
    if numeric:
        numbers = {name: each.cast(pl.Float64).to_numpy() for name, each in values.items()}
        ends = {name: (float(each.min()), float(each.max())) for name, each in numbers.items()}
        linked = {(a, b) for a in names for b in names if ends[a][0] <= ends[b][1] and ends[b][0] <= ends[a][1]}
    else:
        levels = {name: {*each.unique()} for name, each in values.items()}
        linked = {(a, b) for a in names for b in names if levels[a] & levels[b]}
    reached, new = {names[0]}, {names[0]}
    while new:
        new = {b for a, b in linked if a in new} - reached
        reached |= new
    label, first = _label(column), names[0]
    said = f"{label} has no value in the range of {first}" if numeric else f"{label} has no level that {first} has"
    return {name: said for name in names if name not in reached}


def _label(column: str) -> str:
    return wording.small(wording.label(column))
