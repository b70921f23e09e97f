"""Dates of a bare list, with a time of day or without: which night each of them means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from itertools import product
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.text import dates
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
class Stamps:
    """The night of each cell, ``None`` where there is none, by ``clock``; ``timed`` where some have a time of day."""

    night: pl.Series
    clock: Clock
    timed: bool


def read(cells: pl.Series, written: str, stated: StatedTimes, where: str) -> Stamps:
    """Return the nights of ``cells``, whose date is ``written`` so; ``where`` names the column.

    Raises:
        SourceError: there are times of day, and nobody has said what they mean; or they state their distance from UTC.
        UsageError: what was stated does not fit.
    """
    if stated.clock not in (None, *CLOCKS):
        raise UsageError(f"--clock {stated.clock!r} is not allowed; allowed: {', '.join(CLOCKS)}")
    cells = _zones(cells)
    # A midnight with a zone may be of another day.
    has_time = cells.str.replace(dates.MIDNIGHT, "").str.contains(_CLOCK).fill_null(value=False)
    zoned = cells.filter(has_time & cells.str.contains(_ZONE).fill_null(value=False))
    if len(zoned) and stated.time_zone is None:
        raise SourceError(
            f"{where} states the distance from UTC ({zoned[0]!r}): say where the nights were, such as "
            "--time-zone Europe/Berlin"
        )
    moments = _moments(cells, written, stated.time_zone)
    timed = moments.filter(has_time).drop_nulls()
    if stated.clock is None and (timed.dt.time() != time()).any():
        raise SourceError(
            f"{where} has times of day, such as {cells.filter(has_time & moments.is_not_null())[0]!r}: say what they "
            "mean; --clock timestamp: before noon it is the night that began the evening before; "
            "--clock morning: always the night that ended on this date; "
            "--clock evening: the night that began on this date, none before noon"
        )
    clock = stated.clock or "evening"
    if clock == "timestamp":
        if timed.is_empty():
            raise UsageError(f"--clock timestamp: {where} has no time of day; allowed: evening, morning")
        moments = pl.select(pl.when(cells.str.contains(_CLOCK)).then(moments)).to_series()
    return Stamps(dates.nights(moments, clock), clock, len(timed) > 0)


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


def _moments(cells: pl.Series, written: str, time_zone: str | None) -> pl.Series:
    if "%H" in written or "%I" in written:
        return dates.moments(cells, (written,), timed=True, zone=time_zone)[0]
    timed = cells.str.contains(_CLOCK).any()
    after = product((" ", ", "), _TIMES, ("", "%z", " %z")) if timed else ()
    stated = (written, *(f"{written}{apart}{clock}{offset}" for apart, clock, offset in after))
    return dates.moments(cells, stated, timed=False, zone=time_zone)[0]


def _zones(cells: pl.Series) -> pl.Series:
    """Return GMT+1 as +01:00, and GMT as Z."""
    cells = cells.str.replace_all(r"\s", " ").str.replace(r"(\d:\d{2}.*?)\s?(?:GMT|UTC)$", "${1}Z")
    cells = cells.str.replace(r"(\d:\d{2}.*?)\s?(?:GMT|UTC)([+-]\d)", "${1}${2}")
    cells = cells.str.replace(r"(\d:\d{2}[^+-]*[+-])(\d)(:?\d{2})?$", "${1}0${2}${3}")
    return cells.str.replace(r"(\d:\d{2}[^+-]*[+-]\d{2})$", "${1}:00")
