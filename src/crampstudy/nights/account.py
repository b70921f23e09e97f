"""What an analysis of nights, or a cohort before any analysis, was made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.cohort.account import OUTSIDE, UNDECIDED, UNOBSERVED, Account, lost_tables
from crampstudy.nights.diary import Diary, observed_night

_FEWEST_UNASKED = 10
"""So many without an answer who are all younger than anyone with one were not asked; fewer may not have answered."""


def inside_condition(cohort: Cohort, table: str) -> int:
    """Return how many rows of a table belong to who meets the condition of the cohort, all where it has none."""
    return cohort.frame(table).height - (len(cohort.attrition.outside) if table == "participants" else 0)


def outside_condition(cohort: Cohort, table: str) -> int:
    """Return how many rows of a table were accepted and do not belong to who meets the condition of the cohort.

    Of a diary they are not in the table any more; of a survey its participants are, for the sampling. Those of whom a
    condition cannot be decided are among them.
    """
    kept = inside_condition(cohort, table)
    counts = [count.rows for count in cohort.attrition.tables if count.table == table]
    return max(sum(counts) - kept, 0) if counts else cohort.frame(table).height - kept


def night_account(
    cohort: Cohort | Diary, observed: int, left_out: Sequence[tuple[str, int]], columns: Sequence[str] = ()
) -> Account:
    """Return the account of an analysis of nights, of which ``observed`` were, and ``left_out`` for other reasons.

    Of a scanned diary only the observed nights are counted.
    """
    if isinstance(cohort, Diary):
        return Account("observed nights", observed, tuple(left_out), columns=tuple(columns))
    rows, outside = cohort.frame("diary").height, outside_condition(cohort, "diary")
    tables = lost_tables(cohort.attrition.tables, "diary")
    apart = left_outside(cohort, "diary")
    without = (*apart, (UNOBSERVED, rows - observed), *left_out)
    return Account(
        "nights", rows + outside, without, tables, tuple(columns), len(apart) if cohort.attrition.part else 0
    )


def of_cohort(cohort: Cohort) -> Account:
    """Return the account of a cohort before any analysis: of its nights, or of a survey's participants."""
    if cohort.kind == "diary":
        return night_account(cohort, int(cohort.frame("diary").select(observed_night(cohort).sum()).item()), ())
    frame = cohort.frame("participants")
    low = frame["recalled_low"].null_count() if "recalled_low" in frame.columns else frame.height
    tables, outside = lost_tables(cohort.attrition.tables, "participants"), len(cohort.attrition.outside)
    left_out = (*left_outside(cohort, "participants"), *unanswered(frame, low - outside))
    return Account("participants", frame.height, left_out, tables)


def unanswered(frame: pl.DataFrame, low: int) -> tuple[tuple[str, int], ...]:
    """Return why people of a ``frame`` have no recalled class, of ``low`` without one, and how many for each reason."""
    youngest = asked_from(frame)
    if youngest is None:
        return (("without a recalled class", low),)
    young = int((frame["age_years"] < youngest).sum())
    return (f"not asked, younger than {youngest}", young), ("without a recalled class", low - young)


def asked_from(frame: pl.DataFrame) -> int | None:
    """Return from which age on a survey asked for cramps, ``None`` where its people do not show it.

    That is the age of the youngest who answered, where many are younger, of whom each would else have left it open.
    """
    if not {"age_years", "recalled_low"} <= {*frame.columns}:
        return None
    youngest = frame.filter(pl.col("recalled_low").is_not_null())["age_years"].min()
    if youngest is None:
        return None
    age = math.floor(float(youngest))  # type: ignore[arg-type]
    return age if int((frame["age_years"] < age).sum()) >= _FEWEST_UNASKED else None


def left_outside(cohort: Cohort, table: str) -> tuple[tuple[str, int], ...]:
    """Return why rows of a table are not of the cohort, and how many: a value is missing, or the condition not met."""
    outside = outside_condition(cohort, table)
    # Of a cohort that was made and not read nobody counted whom it was taken from.
    undecided = min(dict(cohort.attrition.undecided).get(table, 0), outside)
    return tuple((why, n) for why, n in ((UNDECIDED, undecided), (OUTSIDE, outside - undecided)) if n)
