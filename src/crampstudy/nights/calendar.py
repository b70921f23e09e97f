"""What the date of a night says: its season, and whether it is of a weekend."""

from __future__ import annotations

import math
from typing import Literal

import polars as pl

YEAR = 365.25
"""Days of a year: the angle of 1 January is 2 pi / 365.25."""
Hemisphere = Literal["north", "south"]
HEMISPHERES: tuple[Hemisphere, ...] = ("north", "south")
_FRIDAY, _SATURDAY = 5, 6
CALENDAR = pl.Schema({"season_cos": pl.Float64(), "season_sin": pl.Float64(), "weekend_night": pl.Boolean()})
"""The columns that a date makes."""


def with_calendar(nights: pl.LazyFrame) -> pl.LazyFrame:
    """Return nights with the columns that their dates make, computed when they are asked for."""
    if nights.collect_schema().get("date") != pl.Date():
        return nights
    date = pl.col("date")
    angle = date.dt.ordinal_day().cast(pl.Float64) * (2 * math.pi / YEAR)
    return nights.with_columns(
        season_cos=angle.cos(),
        season_sin=angle.sin(),
        weekend_night=date.dt.weekday().is_in([_FRIDAY, _SATURDAY]),
    )
