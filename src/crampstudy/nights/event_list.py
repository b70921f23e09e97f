"""Whether a diary is person-time, or a list of events without a denominator."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from crampstudy.cleaning.unlogged import EXAMPLE
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights.diary import Diary, observed_night

NO_DENOMINATOR = (
    "this is a list of events: no observed night was without a cramp, and nights are missing between rows, so that "
    "there is no denominator for a rate. If a night without a row was one without a cramp, say so, and say when cramps "
    f"would have been logged: {EXAMPLE}, or the columns 'diary_start' and 'diary_end' of the participants"
)
"""Why there is no rate of a list of events, and what makes it a diary."""
NO_ZERO = (
    "every observed night has a cramp, and no night is missing between rows: rates are those of these nights alone. If "
    f"this is a list of events, they are too high; say when cramps would have been logged: {EXAMPLE}"
)
"""What is to be said of a diary that has no night without a cramp and yet no gap."""


@dataclass(frozen=True, slots=True)
class Denominator:
    """Whether the observed nights of a diary are person-time: ``why_not``, else perhaps a ``doubt``."""

    why_not: str | None = None
    doubt: str | None = None

    @classmethod
    def of(cls, without_cramp: int, observed: int, missing: int) -> Denominator:
        """Judge by how many observed nights had no cramp, how many were observed, and how many between rows were not.

        Without a night without a cramp, a diary with missing nights is a list of events.
        """
        if without_cramp or not observed:
            return cls()
        return cls(why_not=NO_DENOMINATOR) if missing else cls(doubt=NO_ZERO)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the nights is to be told, if anything."""
        return tuple(filter(None, (self.why_not and f"no rate can be estimated: {self.why_not}", self.doubt)))


@remembered
def denominator(cohort: Cohort | Diary) -> Denominator:
    """Return whether the observed nights of a diary are person-time.

    Every rate and every model of nights asks this first. Of a scanned diary no more is read than is needed.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    nights = Diary.of(cohort).nights.with_columns(observed=observed_night(cohort))
    free = nights.filter(pl.col("observed") & (pl.col("cramps") == 0)).select("cramps").head(1)
    if free.collect(engine="streaming").height:
        return Denominator.of(1, 1, 0)
    day = pl.col("date")
    persons = nights.group_by("participant_id").agg(
        expected=(day.max() - day.min()).dt.total_days() + 1, observed=pl.col("observed").sum().cast(pl.Int64)
    )
    expected, observed = persons.select("expected", "observed").sum().collect(engine="streaming").row(0)
    return Denominator.of(0, observed, expected - observed)
