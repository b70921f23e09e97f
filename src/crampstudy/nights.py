"""Person-time: which nights were observed, of whom, and what is known about each.

A night is observed when an entry was made and the count is there. A night without a row, or without an
entry, is unobserved: it is never a night without cramps.
"""

from __future__ import annotations

import polars as pl

from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError

NIGHTS_PER_WEEK = 7
AGE_CENTRE = 60


def people(cohort: Cohort, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return the participants with the derived ``age_decade`` (per 10 years, centred at 60) and ``age_band``."""
    age = pl.col("age_years")
    return cohort.frame("participants").with_columns(
        age_decade=(age - AGE_CENTRE) / 10,
        age_band=band_of(age, bands or AgeBands()),
    )


def band_of(age: pl.Expr, bands: AgeBands) -> pl.Expr:
    """Return the band label of an age in years as an ordered level; a missing age has none."""
    reached = pl.sum_horizontal((age >= limit).cast(pl.Int64) for limit in bands.limits)
    labels = dict(enumerate(bands.labels))
    return pl.when(age.is_not_null()).then(reached).replace_strict(labels, return_dtype=pl.Enum(bands.labels))


def person_nights(cohort: Cohort, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return one row per observed night: the diary's columns and the participant's, ``cramp_night`` beside ``cramps``.

    Sorted by participant and date.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    if cohort.kind != "diary":
        raise UsageError(f"{cohort.name} is a survey: a recalled class is never turned into nights")
    observed = cohort.frame("diary").filter(observed_night(cohort))
    return (
        observed.join(people(cohort, bands), on="participant_id", how="left")
        .with_columns(cramp_night=pl.col("cramps") > 0)
        .sort("participant_id", "date")
    )


def observed_night(cohort: Cohort) -> pl.Expr:
    """Return whether a diary row is an observed night: an entry was made and its count is there."""
    counted = pl.col("cramps").is_not_null()
    if "entry_made" not in cohort.frame("diary").columns:
        return counted
    return counted & pl.col("entry_made").fill_null(value=True)


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
