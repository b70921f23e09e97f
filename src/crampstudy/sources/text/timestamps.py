"""Dates of a bare list, with a time of day or without: which night each of them means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from itertools import product
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from crampstudy.errors import OpenQuestion, SourceError, UsageError
from crampstudy.sources.text import dates, month_names
from crampstudy.sources.text.dates import Clock

CLOCKS: tuple[Clock, ...] = get_args(Clock)
TIME = (
    r"(?:,?[T ]\s?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"
    r"(?:\s?(?:Z|(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?|GMT|UTC))?)?$"
)
"""The time of day, if there is one, that may follow a date."""

_CLOCK = r"\d:\d{2}"
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p", "%I:%M:%S%p")
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True, slots=True)
class StatedTimes:
    """What somebody has said of the times: what a date means, and the time zone of those that state their own."""

    clock: Clock | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenDates:
    """How dates are written, as a list of formats; which night each of them means; whether some have a time of day."""

    formats: tuple[str, ...]
    clock: Clock
    timed: bool


def read(cells: pl.Series, written: str, stated: StatedTimes, where: str) -> WrittenDates:
    """Return how ``cells`` are written, whose date is ``written`` so, and what they mean; ``where`` names the column.

    Raises:
        SourceError: there are times of day, and nobody has said what they mean; or they state their distance from UTC.
        UsageError: what was stated does not fit.
    """
    if stated.clock not in (None, *CLOCKS):
        raise UsageError(f"--clock {stated.clock!r} is not allowed; allowed: {', '.join(CLOCKS)}")
    # A midnight with a zone may be of another day.
    plain = cells.to_frame("x").select(dates.with_offset(pl.col("x").str.replace_all(r"\s", " "))).to_series()
    has_time = plain.str.replace(dates.MIDNIGHT, "").str.contains(_CLOCK).fill_null(value=False)
    if written == dates.EPOCH:
        has_time = cells.is_not_null()
    zoned = cells.filter(has_time & (plain.str.contains(_ZONE).fill_null(value=False) | (written == dates.EPOCH)))
    if len(zoned) and stated.time_zone is None:
        raise OpenQuestion(
            f"{where} tells times by their distance from UTC ({zoned[0]!r}): say where the nights were, such as "
            "--time-zone Europe/Berlin",
            ("--time-zone", "Europe/Berlin"),
        )
    if dates.problem(written, timed=False):
        # Day numbers have no time of day.
        return WrittenDates((written,), stated.clock or "evening", timed=False)
    formats, moments = _formats(cells, written, stated.time_zone)
    if moments.null_count() == len(moments):
        raise SourceError(
            f"{where}: no cell is {written}, the first is {cells.drop_nulls().first()!r}; say how dates are written "
            "with --date-format, such as %d.%m.%Y"
        )
    timed = moments.filter(has_time).drop_nulls()
    if stated.clock is None and (timed.dt.time() != time()).any():
        raise OpenQuestion(
            f"{where} has times of day, such as {cells.filter(has_time & moments.is_not_null())[0]!r}: say what they "
            "mean; --clock timestamp: before noon it is the night that began the evening before; "
            "--clock morning: always the night that ended on this date; "
            "--clock evening: the night that began on this date, none before noon",
            ("--clock", "timestamp"),
        )
    clock = stated.clock or "evening"
    if clock == "timestamp":
        formats = tuple(form for form in formats if dates.problem(form, timed=True) is None)
        if timed.is_empty():
            raise UsageError(f"--clock timestamp: {where} has no time of day; allowed: evening, morning")
    return WrittenDates(formats, clock, len(timed) > 0)


def nights(cells: pl.Series, written: WrittenDates, time_zone: str | None) -> pl.Series:
    """Return the night of each cell, as :func:`read` found it to be written."""
    moments, _ = dates.moments(cells, written.formats, timed=False, zone=time_zone)
    return dates.nights(moments, written.clock)


def zone(name: str) -> str:
    """Return a time zone that is known.

    Raises:
        UsageError: it is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--time-zone {name!r} is no time zone; write one such as Europe/Berlin") from None
    return name


def _formats(cells: pl.Series, written: str, time_zone: str | None) -> tuple[tuple[str, ...], pl.Series]:
    """Return the formats that are needed to read the cells, and the moment of each cell."""
    after = product((" ", ", "), _TIMES, ("", "%z", " %z")) if cells.str.contains(_CLOCK).any() else ()
    stated = "%H" in written or "%I" in written or written == dates.EPOCH
    every = [] if stated else [f"{written}{apart}{clock}{offset}" for apart, clock, offset in after]
    if "%B" in written:
        # People write the same month in several ways.
        every += dict.fromkeys(filter(None, map(month_names.format_of, cells.drop_nulls().unique(maintain_order=True))))
    moments = dates.moments(cells, (written,), timed=stated, zone=time_zone)[0]
    needed = [written] if stated or len(moments.drop_nulls()) else []
    for form in every:
        more = dates.moments(cells, (form,), timed=False, zone=time_zone)[0]
        if (moments.is_null() & more.is_not_null()).any():
            needed.append(form)
            moments = moments.zip_with(moments.is_not_null(), more)
    return tuple(needed) or (written,), moments
