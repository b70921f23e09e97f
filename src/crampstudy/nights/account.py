"""What an analysis of nights, or a cohort before any analysis, was made of."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy.cohort import Cohort
from crampstudy.cohort.account import UNOBSERVED, Account, lost_tables
from crampstudy.nights.diary import Diary, observed_night


def night_account(
    cohort: Cohort | Diary, observed: int, left_out: Sequence[tuple[str, int]], columns: Sequence[str] = ()
) -> Account:
    """Return the account of an analysis of nights, of which ``observed`` were, and ``left_out`` for other reasons.

    Of a scanned diary only the observed nights are counted.
    """
    if isinstance(cohort, Diary):
        return Account("observed nights", observed, tuple(left_out), columns=tuple(columns))
    rows = cohort.frame("diary").height
    tables = lost_tables(cohort.attrition.tables, "diary")
    return Account("nights", rows, ((UNOBSERVED, rows - observed), *left_out), tables, tuple(columns))


def of_cohort(cohort: Cohort) -> Account:
    """Return the account of a cohort before any analysis: of its nights, or of a survey's participants."""
    if cohort.kind == "diary":
        return night_account(cohort, int(cohort.frame("diary").select(observed_night(cohort).sum()).item()), ())
    frame = cohort.frame("participants")
    low = frame["recalled_low"].null_count() if "recalled_low" in frame.columns else frame.height
    tables = lost_tables(cohort.attrition.tables, "participants")
    return Account("participants", frame.height, (("without a recalled class", low),), tables)
