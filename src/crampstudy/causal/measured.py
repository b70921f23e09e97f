"""What of a cohort may be adjusted for: the columns that it has values of."""

from __future__ import annotations

import polars as pl

from crampstudy import codebook
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights import Diary, diary_columns, people
from crampstudy.nights.calendar import CALENDAR
from crampstudy.nights.derived import derived


@remembered
def measured_in(cohort: Cohort | Diary, beside: str | None = None) -> frozenset[str]:
    """Return the columns with a value, the derived ones among them; of a diary that is only scanned, its columns.

    ``beside`` is a column of the participants: then those columns of theirs that anybody has beside it.
    """
    who = people(cohort)
    found = _with_values(who.filter(pl.col(beside).is_not_null()) if beside in who.columns else who)
    if cohort.kind == "survey":
        return found
    found = _of_table(found, "participants")
    if isinstance(cohort, Diary):
        return found | frozenset(diary_columns(cohort))
    nights = cohort.frame("diary")
    logged = _of_table(_with_values(nights), "diary")
    made = derived(pl.Schema({name: dtype for name, dtype in nights.schema.items() if name in logged}))
    return found | logged | frozenset(CALENDAR) | frozenset(made)


def _with_values(frame: pl.DataFrame) -> frozenset[str]:
    return frozenset(name for name in frame.columns if frame[name].null_count() < frame.height)


def _of_table(names: frozenset[str], table: str) -> frozenset[str]:
    """Return names without those that the codebook has in the other one of participants and diary.

    There they are a diary's own columns, and what is looked for elsewhere is not there.
    """
    return frozenset(name for name in names if not codebook.of_another(name, table))
