"""How many of the nights that were expected were observed, by participant."""

from __future__ import annotations

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.nights.diary import observed_night

OR_TAKEN = " or taken as without a cramp"
"""What stands after logged or observed where nights count that are in no file."""


def expected_of(cohort: Cohort) -> str:
    """Return which nights of a diary are expected: those of a window too, where nights without a row were zeros."""
    if not cohort.attrition.filled:
        return "expected are the calendar nights between a participant's first and last entry"
    return (
        "expected are the calendar nights from a participant's first to the last, of the entries and the window "
        f"together; observed are those with a count{OR_TAKEN}"
    )


def or_taken(cohort: Cohort) -> str:
    """Return :data:`OR_TAKEN` of a diary some of whose nights are in no file, empty of any other."""
    return OR_TAKEN if cohort.attrition.filled else ""


def coverage(cohort: Cohort) -> pl.DataFrame:
    """Return one row per participant: nights expected, observed and the longest gap, in nights.

    Expected are the calendar nights from the participant's first to last row; a participant without a
    row has none.
    """
    diary = cohort.frame("diary").with_columns(observed=observed_night(cohort))
    people = cohort.frame("participants").select("participant_id")
    return (
        people.join(spans(diary), on="participant_id", how="left")
        .with_columns(pl.col("nights_expected", "nights_observed").fill_null(0))
        .sort("participant_id")
    )


def spans(nights: pl.DataFrame) -> pl.DataFrame:
    """Return what :func:`coverage` says of those who have a row in ``nights``.

    ``nights`` has participant_id, date and ``observed``.
    """
    seen = nights.filter("observed").sort("participant_id", "date")
    gap = pl.col("date").diff().dt.total_days() - 1
    spans = nights.group_by("participant_id").agg(
        first_night=pl.col("date").min(),
        last_night=pl.col("date").max(),
        nights_expected=(pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1,
        nights_observed=pl.col("observed").sum().cast(pl.Int64),
    )
    gaps = seen.group_by("participant_id").agg(longest_gap=gap.max().fill_null(0))
    return spans.join(gaps, on="participant_id", how="left").sort("participant_id")
