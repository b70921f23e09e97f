"""Red flags of weeks: a row per participant and week, counted from the participant's first logged night."""

from __future__ import annotations

import pandas as pd
import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.descriptive.episodes import LONG_S
from crampstudy.nights import person_nights
from crampstudy.triage.flags import FEWEST_NIGHTS, LONG, MOST_CRAMPS, WEEK_NIGHTS, WEEKLY

_WHO = "participant_id"


def person_weeks(cohort: Cohort) -> pd.DataFrame:
    """Return one row per participant and week of 7 calendar nights: what was logged, and whether its flags fired.

    Week 1 begins with the participant's first logged night, and the last is that of the last logged one; a week between
    without any logged night has a row as well. ``weekly`` is true of more than 2 logged cramps, however few nights were
    logged, false of at most 2 on at least 5 logged nights, and missing of all others, which cannot be told. ``long`` is
    true where a cramp was longer than 10 minutes, false where ``weekly`` is known and every logged cramp has a length
    that is not, and missing otherwise.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    return weeks_of(cohort).to_pandas()


def weeks_of(cohort: Cohort) -> pl.DataFrame:
    """Return :func:`person_weeks` as polars."""
    nights = person_nights(cohort, names=())
    first = nights.group_by(_WHO).agg(first=pl.col("date").min(), last=pl.col("date").max())
    logged = (
        _numbered(nights, first).group_by(_WHO, "week").agg(nights=pl.len().cast(pl.Int64), cramps=pl.sum("cramps"))
    )
    weeks = first.select(_WHO, "first", week=pl.int_ranges(1, _week(pl.col("last")) + 1, dtype=pl.Int64)).explode(
        "week"
    )
    begins = pl.col("first") + pl.duration(days=(pl.col("week") - 1) * WEEK_NIGHTS)
    more, enough = pl.col("cramps") > MOST_CRAMPS, pl.col("nights") >= FEWEST_NIGHTS
    timed, above = pl.col("_timed") >= pl.col("cramps"), pl.col("_long") > 0
    return (
        weeks.join(logged, on=[_WHO, "week"], how="left")
        .join(_lengths(cohort, first), on=[_WHO, "week"], how="left")
        .with_columns(pl.col("nights", "cramps", "_timed", "_long").fill_null(0))
        .with_columns(pl.when(more).then(statement=True).when(enough).then(statement=False).alias(WEEKLY))
        .with_columns(
            pl.when(above)
            .then(statement=True)
            .when(pl.col(WEEKLY).is_not_null() & timed & _has_lengths(cohort))
            .then(statement=False)
            .alias(LONG)
        )
        .select(_WHO, "week", begins.alias("first_night"), "nights", "cramps", WEEKLY, LONG)
        .sort(_WHO, "week")
    )


def _week(date: pl.Expr) -> pl.Expr:
    """Return the number of the week that a date lies in, from 1."""
    return (date - pl.col("first")).dt.total_days() // WEEK_NIGHTS + 1


def _numbered(rows: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    return rows.join(first, on=_WHO).with_columns(week=_week(pl.col("date")))


def _has_lengths(cohort: Cohort) -> bool:
    own = cohort.frame("episodes")
    return "duration_s" in own.columns and own["duration_s"].null_count() < own.height


def _lengths(cohort: Cohort, first: pl.DataFrame) -> pl.DataFrame:
    """Return of each week how many cramps have a length, and how many of them are long."""
    own = cohort.frame("episodes")
    if "duration_s" not in own.columns:
        own = own.with_columns(duration_s=pl.lit(None, pl.Float64))
    return (
        _numbered(own.select(_WHO, "date", "duration_s"), first)
        .group_by(_WHO, "week")
        .agg(_timed=pl.col("duration_s").count().cast(pl.Int64), _long=(pl.col("duration_s") > LONG_S).sum())
    )
