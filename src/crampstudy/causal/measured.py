"""What of a cohort may be adjusted for: the columns that it has values of."""

from __future__ import annotations

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights import Diary, diary_columns, people
from crampstudy.nights.calendar import CALENDAR
from crampstudy.nights.derived import derived


@remembered
def measured_in(cohort: Cohort | Diary) -> frozenset[str]:
    """Return the columns with a value, the derived ones among them; of a diary that is only scanned, its columns."""
    found = _with_values(people(cohort))
    if cohort.kind == "survey":
        return found
    if isinstance(cohort, Diary):
        return found | frozenset(diary_columns(cohort))
    nights = cohort.frame("diary")
    logged = _with_values(nights)
    made = derived(pl.Schema({name: dtype for name, dtype in nights.schema.items() if name in logged}))
    return found | logged | frozenset(CALENDAR) | frozenset(made)


def _with_values(frame: pl.DataFrame) -> frozenset[str]:
    return frozenset(name for name in frame.columns if frame[name].null_count() < frame.height)
