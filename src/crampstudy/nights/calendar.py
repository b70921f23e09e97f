"""What the date of a night says: its season, and whether it is of a weekend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import polars as pl

YEAR = 365.25
"""Days of a year: the angle of 1 January is 2 pi / 365.25."""
Hemisphere = Literal["north", "south"]
HEMISPHERES: tuple[Hemisphere, ...] = ("north", "south")
WINTER: Mapping[Hemisphere, tuple[int, int]] = {"north": (305, 59), "south": (121, 243)}
"""Days of the year from 1 November to 28 February, and from 1 May to 31 August."""
_FRIDAY, _SATURDAY = 5, 6
CYCLE = ("season_cos", "season_sin")
"""The two halves of the annual cycle: one without the other holds half of it."""
CALENDAR = pl.Schema({**dict.fromkeys(CYCLE, pl.Float64()), "weekend_night": pl.Boolean()})
"""The columns that a date makes."""


def day_of(day: float) -> str:
    """Return a day of the year as a date in words, whatever turns of the year lie between: ``24 July``."""
    first = date(2023, 1, 1)
    return (first + timedelta(days=(round(day) - 1) % 365)).strftime("%-d %B")


def around(day: float, low: float, high: float) -> str:
    """Return a day of the year as a date with the limits of its interval: ``30 June (5 June to 25 July)``."""
    return f"{day_of(day)} ({day_of(low)} to {day_of(high)})"


def with_calendar(nights: pl.LazyFrame) -> pl.LazyFrame:
    """Return nights with the columns that their dates make, computed when they are asked for."""
    if nights.collect_schema().get("date") != pl.Date():
        return nights
    night = pl.col("date")
    angle = night.dt.ordinal_day().cast(pl.Float64) * (2 * math.pi / YEAR)
    return nights.with_columns(
        season_cos=angle.cos(),
        season_sin=angle.sin(),
        weekend_night=night.dt.weekday().is_in([_FRIDAY, _SATURDAY]),
    )
