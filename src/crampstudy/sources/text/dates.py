"""Dates and times written in a stated format: read exactly as stated, or left as they stand for the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Literal

import polars as pl

from crampstudy.codebook.rules import MIDNIGHT, in_calendar
from crampstudy.sources.text import month_names

__all__ = ["ISO", "MIDNIGHT", "WRITTEN", "Clock", "moments", "nights", "numbered", "problem"]

Clock = Literal["evening", "morning", "timestamp"]
"""What the date of a night is: of its evening, of its morning, or of a moment in it."""

ISO: Mapping[str, str] = {
    "date": r"\d{4}-\d{2}-\d{2}",
    "datetime": r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?",
}
"""What the cleaning reads as a date or a time without being told."""

WRITTEN: Mapping[str, str] = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S%.f"}
"""How the package writes dates and times."""

_ISO_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_NOON = 12
_PATTERNS = {
    "d": r"\d{1,2}",
    "m": r"\d{1,2}",
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "b": rf"{month_names.WORD}\.?",
    "B": rf"{month_names.WORD}\.?",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{2}",
    "S": r"\d{2}(?:\.\d{1,6})?",
    "p": r"[AaPp]\.?\s?[Mm]\.?",
    "z": r"(?:Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}


EPOCH = "%s"
"""The format of Unix seconds, since 1970 in UTC; 12 to 14 digits before the point are milliseconds."""
_SECONDS, _MILLISECONDS = r"^\d{9,11}(\.\d{1,6})?$", r"^\d{12,14}$"


def with_zone(written: str) -> bool:
    """Say whether a format tells moments whose local time needs a time zone."""
    return "%z" in written or written == EPOCH


def problem(written: str, timed: bool) -> str | None:
    """Return what is wrong with a format, ``None`` if nothing; ``timed`` formats must have an hour."""
    if written == EPOCH:
        return None
    used = re.findall(r"%(.)", written)
    if unknown := [f"%{mark}" for mark in used if mark not in _PATTERNS]:
        return f"has {unknown[0]}; allowed: {', '.join('%' + mark for mark in _PATTERNS)}, or {EPOCH} alone"
    for what, marks in {"day": "d", "month": "mbB", "year": "Yy"}.items():
        if sum(used.count(mark) for mark in marks) != 1:
            return f"must have one {what} ({' or '.join('%' + mark for mark in marks)}), such as %d.%m.%Y"
    if timed and not {"H", "M"} <= set(used) and not {"I", "M", "p"} <= set(used):
        return "must have hour and minute, such as %d.%m.%Y %H:%M"
    return None


def is_clock(written: str) -> bool:
    """Say whether a format is of a time of day alone."""
    used = set(re.findall(r"%(.)", written))
    return used <= {"H", "I", "M", "S", "p", "%"} and ({"H", "M"} <= used or {"I", "M", "p"} <= used)


def of_nights(cells: pl.Series, nights: pl.Series, formats: Sequence[str]) -> pl.Series:
    """Return the moment of each time of day in its night: from noon on in the evening, before noon the morning after.

    ``nights`` are the dates on which they begin; ``formats`` are those of the times, by default 23:40 and 23:40:10.
    """
    day = "2000-01-01"
    written = [f"%Y-%m-%d {clock}" for clock in formats or ("%H:%M", "%H:%M:%S")]
    read, _ = moments(pl.select(pl.format(f"{day} {{}}", cells)).to_series(), written, timed=True, zone=None)
    frame = pl.DataFrame({"night": nights.cast(pl.Datetime("us")), "read": read})
    since = pl.col("read") - pl.lit(day).str.to_datetime("%Y-%m-%d")
    late = pl.when(pl.col("read").dt.hour() < _NOON).then(pl.lit(1)).otherwise(0)
    return frame.select(pl.col("night") + since + pl.duration(days=late)).to_series()


def nights(moments: pl.Series, clock: Clock) -> pl.Series:
    """Return the date on which the night of each moment begins; a moment without a time of day is at 0:00.

    By the clock ``evening`` the date is that of the evening: a time before noon contradicts it and has no night.
    ``morning`` dates a night by the day on which it ends, ``timestamp`` is when something was: before noon it belongs
    to the night that began the evening before.
    """
    if clock == "morning":
        return moments.dt.date().dt.offset_by("-1d")
    if clock == "timestamp":
        return moments.dt.offset_by("-12h").dt.date()
    clear = (moments.dt.time() == time()) | (moments.dt.hour() >= _NOON)
    return pl.select(pl.when(clear).then(moments.dt.date())).to_series()


def moments(cells: pl.Series, formats: Sequence[str], timed: bool, zone: str | None) -> tuple[pl.Series, pl.Series]:
    """Return the local date and time of each cell, and whether two formats read it differently.

    A cell that fits none of ``formats`` (by default an ISO 8601 date, or date and time where ``timed``) or fits
    them differently has none. Times that state their distance from UTC become the local time of ``zone``.
    """
    stated = tuple(formats) or (_ISO_TIMES if timed else ("%Y-%m-%d",))
    if timed and not formats and zone is not None:
        stated += tuple(f"{written}%z" for written in _ISO_TIMES)
    frame = cells.alias("x").to_frame().select(_read(written, zone).alias(str(i)) for i, written in enumerate(stated))
    first = frame.select(pl.coalesce(pl.all())).to_series()
    differ = frame.select(pl.any_horizontal((pl.all() != first).fill_null(value=False))).to_series()
    clear = ~differ & pl.select(in_calendar(pl.lit(first), first.dtype)).to_series()
    return pl.select(pl.when(clear).then(first)).to_series(), differ


def numbered(cells: pl.Series, origin: date) -> pl.Series:
    """Return the date of each day number, day 0 being ``origin``; what is no whole number has none."""
    number = cells.cast(pl.Float64, strict=False)
    days = pl.when((number == number.round()) & (number.abs() < 100_000)).then(number).cast(pl.Int64)
    return pl.select(pl.lit(origin) + pl.duration(days=days)).to_series()


def with_offset(cell: pl.Expr) -> pl.Expr:
    """Return times that end in GMT+1 as ones that end in +01:00, and those in GMT as ones in Z."""
    cell = cell.str.replace(r"(\d:\d{2}.*?)\s?(?:GMT|UTC)$", "${1}Z")
    cell = cell.str.replace(r"(\d:\d{2}.*?)\s?(?:GMT|UTC)([+-]\d)", "${1}${2}")
    cell = cell.str.replace(r"(\d:\d{2}[^+-]*[+-])(\d)(:?\d{2})?$", "${1}0${2}${3}")
    return cell.str.replace(r"(\d:\d{2}[^+-]*[+-]\d{2})$", "${1}:00")


def _read(written: str, zone: str | None) -> pl.Expr:
    cell = pl.col("x").str.replace_all(r"\s", " ")
    if written == EPOCH:
        seconds = pl.when(cell.str.contains(_SECONDS)).then(cell).cast(pl.Decimal(20, 6)) * 1_000_000
        milliseconds = pl.when(cell.str.contains(_MILLISECONDS)).then(cell).cast(pl.Int64) * 1_000
        utc = pl.coalesce(seconds.cast(pl.Int64), milliseconds).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return utc.dt.convert_time_zone(zone or "UTC").dt.replace_time_zone(None)
    timed = "%H" in written or "%I" in written
    if not timed:
        cell = cell.str.replace(MIDNIGHT, "")
    elif "%z" in written:
        cell = with_offset(cell)
    if "T" not in written:
        # ISO 8601 has a T where others leave a space.
        cell = cell.str.replace(r"^(\d{4}-\d{2}-\d{2})T(\d)", "$1 $2")
    if "%b" in written or "%B" in written:
        cell, written = _numbered_months(cell, written)
    pattern = re.sub(r"%(.)|([^%])", lambda m: _PATTERNS[m[1]] if m[1] else re.escape(m[2]), written)
    fits: pl.Expr = pl.when(cell.str.contains(f"^(?:{pattern})$")).then(cell)
    if "%p" in written:
        fits = fits.str.replace(r"([AaPp])\.?\s?([Mm])\.?", "$1$2")
    # %S alone would stop at a decimal point.
    engine = written.replace("%S", "%S%.f")
    if "%z" in written:
        utc = fits.str.replace("Z$", "+0000").str.strptime(pl.Datetime("us", "UTC"), engine, strict=False)
        return utc.dt.convert_time_zone(zone or "UTC").dt.replace_time_zone(None)
    if timed:
        return fits.str.strptime(pl.Datetime("us"), engine, strict=False)
    return fits.str.strptime(pl.Date, engine, strict=False).cast(pl.Datetime("us"))


def _numbered_months(cell: pl.Expr, written: str) -> tuple[pl.Expr, str]:
    """Return dates with the numbers of months in the place of their names, and the format that they have then."""
    marks = re.findall(r"%([^%])", written)
    groups = {mark: f"({pattern})" for mark, pattern in _PATTERNS.items()}
    groups |= {"d": f"({_PATTERNS['d']}){month_names.ORDINAL}", "%": "%"}
    pattern = re.sub(r"%(.)|([^%])", lambda m: groups[m[1]] if m[1] else re.escape(m[2]), written)
    found = cell.str.extract_groups(f"(?i)^{pattern}$")
    parts = [found.struct.field(str(place)) for place in range(1, len(marks) + 1)]
    parts = [month_names.number(part) if mark in "bB" else part for mark, part in zip(marks, parts, strict=True)]
    return pl.concat_str(parts, separator=" "), " ".join(f"%{'m' if mark in 'bB' else mark}" for mark in marks)
