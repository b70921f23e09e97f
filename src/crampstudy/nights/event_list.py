"""Whether a diary is person-time, or a list of events without a denominator."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.unlogged import SAY
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights.diary import Diary, observed_night
from crampstudy.wording import capital

_NO_RATE = (
    "this is a list of events: no observed night was without a cramp, and nights are missing between rows, so that "
    "there is no denominator for a rate"
)
_WINDOW = f"{SAY} with --observed-from and --observed-to"
_ADVICE = (
    "If a night without a row was one without a cramp, say so, and say when cramps "
    f"would have been logged: {_WINDOW}, or the columns 'diary_start' and 'diary_end' of the participants"
)
NO_DENOMINATOR = f"{_NO_RATE}. {_ADVICE}"
"""Why there is no rate of a list of events, and what makes it a diary."""
NO_ZERO = (
    "every observed night has a cramp, and no night is missing between rows: rates are those of these nights alone. If "
    f"this is a list of events, they are too high; say when cramps would have been logged: {_WINDOW}"
)
"""What is to be said of a diary that has no night without a cramp and yet no gap."""
NO_COUNT = (
    "every night with a count has a cramp, and all others have a row that tells other things: rates are those of the "
    "nights with a count alone. If an empty count stands for no cramp, they are too high; write 0 there"
)
"""What is to be said of a diary whose nights without a count were told of, none of those with one without a cramp."""


def said_once(text: str, written: Callable[[str], str] = str) -> str:
    """Return a text that says once at length why a list of events has no rate, and then shortly.

    Args:
        text: the text.
        written: how it may have been written in it, beside as it is.
    """
    reasons = {_NO_RATE: _AGAIN, capital(_NO_RATE): capital(_AGAIN)}
    places = [at for reason in reasons if (at := text.find(reason)) >= 0]
    if not places:
        return text
    end = min(places) + len(_NO_RATE)
    advices = dict.fromkeys((f". {_ADVICE}", written(f". {_ADVICE}")))
    end += next((len(advice) for advice in advices if text.startswith(advice, end)), 0)
    rest = text[end:]
    for advice in advices:
        rest = rest.replace(advice, "")
    for reason, again in reasons.items():
        rest = rest.replace(reason, again)
    return text[:end] + rest


_AGAIN = "this is a list of events, which has no rate, as said above"


@dataclass(frozen=True, slots=True)
class Denominator:
    """Whether the observed nights of a diary are person-time: ``why_not``, else perhaps a ``doubt``.

    ``rows`` are the first and the last night that has a row, where there is no rate.
    """

    why_not: str | None = None
    doubt: str | None = None
    rows: tuple[date, date] | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls, without_cramp: int, observed: int, missing: int, told: int = 0, rows: tuple[date, date] | None = None
    ) -> Denominator:
        """Judge by how many observed nights had no cramp, how many were observed, and how many between rows were not.

        Without a night without a cramp, a diary with missing nights is a list of events; unless all of these have a
        row that tells of something else, for then nights were asked about whatever came.

        Args:
            without_cramp: observed nights without a cramp.
            observed: nights with a count.
            missing: nights from the first row to the last that were not observed.
            told: those of them that have a row which tells of something else.
            rows: the first and the last night with a row.
        """
        if without_cramp or not observed:
            return cls()
        if missing > told:
            return cls(why_not=NO_DENOMINATOR, rows=rows)
        return cls(doubt=NO_COUNT if missing else NO_ZERO)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the nights is to be told, if anything."""
        return tuple(filter(None, (self.why_not and f"no rate can be estimated: {self.why_not}", self.doubt)))

    @property
    def window(self) -> str | None:
        """What is to be said of a list of events for its own nights to be taken as all that were logged."""
        if self.rows is None:
            return None
        first, last = self.rows
        said = f"{SAY} --observed-from {first} --observed-to {last}"
        return f"its rows lie between {first} and {last}: if that is when cramps would have been logged, say {said}"


def told(columns: Collection[str]) -> pl.Expr:
    """Return whether a row says something of its night: its count, something else, or that no entry was made."""
    night = [v.name for v in codebook.variables("diary") if v.name in columns and v.name not in _NOT_OF_NIGHT]
    made = pl.col("entry_made").eq(False).fill_null(value=False) if "entry_made" in columns else pl.lit(value=False)
    return pl.any_horizontal(made, *(pl.col(name).is_not_null() for name in night))


_NOT_OF_NIGHT = ("participant_id", "date", "entry_made")


@remembered
def denominator(cohort: Cohort | Diary) -> Denominator:
    """Return whether the observed nights of a diary are person-time.

    Every rate and every model of nights asks this first. Of a scanned diary no more is read than is needed.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary = Diary.of(cohort)
    seen = observed_night(cohort)
    nights = diary.nights.with_columns(observed=seen, told=seen | told(diary.schema.names()))
    free = nights.filter(pl.col("observed") & (pl.col("cramps") == 0)).select("cramps").head(1)
    if free.collect(engine="streaming").height:
        return Denominator.of(1, 1, 0)
    day = pl.col("date")
    persons = nights.group_by("participant_id").agg(
        first=day.min(),
        last=day.max(),
        observed=pl.col("observed").sum().cast(pl.Int64),
        told=pl.col("told").sum().cast(pl.Int64),
    )
    expected = (pl.col("last") - pl.col("first")).dt.total_days() + 1
    sums = persons.select(
        expected.sum(), pl.col("observed", "told").sum(), rows_from=pl.col("first").min(), to=pl.col("last").max()
    )
    nights_expected, observed, known, start, end = sums.collect(engine="streaming").row(0)
    rows = None if start is None else (start, end)
    return Denominator.of(0, observed, nights_expected - observed, known - observed, rows)
