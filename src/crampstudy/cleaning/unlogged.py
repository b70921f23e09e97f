"""Nights that nobody logged, said to be nights without a cramp: only on the study's word, and only inside a window.

A list of events has a row for each cramp and none for a night without. From the first cramp to the last every rate is
too high, so that the word is not taken without a window: the participants' own ``diary_start`` and ``diary_end``, or
dates that stand in their place where they are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from crampstudy.errors import UsageError
from crampstudy.wording import counted

KEYS = ("unlogged", "observed_from", "observed_to")
"""What the word is called in a source, a mapping and a descriptor."""
WORD = "zero"
SAY = f"--unlogged {WORD}"
"""How the word is given on the command line."""
_EXAMPLE = (date(2025, 1, 1), date(2025, 3, 31))

_ENDS = {"first": "diary_start", "last": "diary_end"}
_NIGHT = ["participant_id", "date"]
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Unlogged:
    """The word that a night without a row had no cramp.

    ``first`` and ``last`` are the nights from which and to which those were observed whose ``diary_start`` or
    ``diary_end`` is not known.
    """

    first: date | None = None
    last: date | None = None


def stated(said: Mapping[str, str], before: Unlogged | None = None) -> Unlogged | None:
    """Return the word as it is said under :data:`KEYS`, ``None`` where it is not; what it leaves open stays as before.

    Raises:
        UsageError: the word or a date is none, or the window ends before it begins.
    """
    unlogged, *dates = (said.get(key) for key in KEYS)
    if unlogged is None and before is None:
        if given := [key for key in KEYS[1:] if key in said]:
            raise UsageError(f"{given[0]} goes with the word that nights without a row had no cramp, unlogged {WORD}")
        return None
    if unlogged not in (None, WORD):
        raise UsageError(f"unlogged is {unlogged!r}; allowed: {WORD}; without it a night without a row is unobserved")
    first, last = (_night(key, text) if text is not None else None for key, text in zip(KEYS[1:], dates, strict=True))
    if before is not None:
        first, last = first or before.first, last or before.last
    if first and last and last < first:
        raise UsageError(f"observed_to is {last}, before observed_from, {first}; give the first night, then the last")
    return Unlogged(first, last)


def _night(key: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{key} is {text!r}, which is not a date; write YYYY-MM-DD") from None


def windows(people: pl.DataFrame, word: Unlogged | None, study: tuple[date, date] | None = None) -> pl.DataFrame:
    """Return the ``first`` and the ``last`` night that each participant was observed, null where it is not known.

    None of them lies outside the ``study``, whose window is no participant's own.
    """
    ends = {
        end: pl.coalesce(
            pl.col(column) if column in people.columns else pl.lit(None, pl.Date),
            pl.lit(None if word is None else getattr(word, end), pl.Date),
        )
        for end, column in _ENDS.items()
    }
    begin, end = study or (None, None)
    return people.select("participant_id", first=ends["first"].clip(begin), last=ends["last"].clip(None, end))


def filled(
    diary: pl.DataFrame, known: pl.DataFrame, unknown: pl.DataFrame, today: date | None = None
) -> tuple[pl.DataFrame, str]:
    """Return the diary with a count of 0 on each night of a window that has no row, and what was done, in words.

    ``known`` are :func:`windows`; ``unknown`` the nights (participant_id and date) of which something is known that is
    no count, such as a row that was set aside: they stay unobserved, as do rows without a count. All other cells of
    a new row are missing.

    Raises:
        UsageError: a participant has no window, or one that ends before it begins or after the day of the reading.
    """
    _check(known, today or date.today(), diary["date"])
    inside = known.select("participant_id", date=pl.date_ranges("first", "last")).explode("date")
    new = inside.join(diary, on=_NIGHT, how="anti").join(unknown, on=_NIGHT, how="anti")
    zeros = new.with_columns(cramps=pl.lit(0, diary.schema["cramps"]))
    made = pl.concat([diary, zeros], how="diagonal").select(diary.columns).sort(_NIGHT)
    uncounted = [diary.filter(pl.col("cramps").is_null()).select(_NIGHT), unknown.join(diary, on=_NIGHT, how="anti")]
    kept = inside.join(pl.concat(uncounted), on=_NIGHT, how="semi").height
    said = (
        f"{new.height:,} of the {counted(inside.height, 'nights')} in the windows of "
        f"{counted(known.height, 'participants')} have no row and were taken as "
        f"nights without a cramp (unlogged: {WORD})"
    )
    return made, said + (f"; {kept:,} stay unobserved, for their row was set aside or has no count" if kept else "")


def _window(nights: pl.Series) -> str:
    """Return a window that holds all of the nights as it is said: an example, or from the first to the last."""
    inside = nights.is_between(*_EXAMPLE).all()
    start, end = _EXAMPLE if inside else (nights.min(), nights.max())
    return f"{SAY} --observed-from {start!s} --observed-to {end!s}"


def _check(known: pl.DataFrame, today: date, nights: pl.Series) -> None:
    lacking = known.filter(pl.col("first").is_null() | pl.col("last").is_null())
    if lacking.height:
        ends = [column for end, column in _ENDS.items() if lacking[end].null_count()]
        raise UsageError(
            f"unlogged: {WORD} needs the window in which each participant's cramps would have been logged: "
            f"{lacking.height:,} of {counted(known.height, 'participants')} ({_named(lacking)}) have no "
            f"{' or '.join(ends)}. Fill in {' and '.join(_ENDS.values())} of participants, or give dates for those who "
            f"have none, such as {_window(nights)}. From the first cramp to the last every rate is too high"
        )
    for wrong, why in (
        (pl.col("last") < pl.col("first"), "the window ends before it begins"),
        (pl.col("last") > today, f"the window ends after {today}, and nights to come cannot have been without a cramp"),
    ):
        found = known.filter(wrong)
        if found.height:
            who, first, last = found.row(0)
            raise UsageError(
                f"unlogged: {WORD}: {why}, for {found.height:,} of "
                f"{counted(known.height, 'participants')} ({_named(found)}), "
                f"first {who}: {first} to {last}; correct diary_start and diary_end, or observed_from and observed_to"
            )


def _named(people: pl.DataFrame) -> str:
    names = ", ".join(people["participant_id"].head(_NAMED))
    return names + (", …" if people.height > _NAMED else "")
