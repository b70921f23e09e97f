"""The calendar of a simulation: days are counted from 1970-01-01, a Thursday."""

from __future__ import annotations

from datetime import date

import numpy as np

from crampstudy.simulate.arrays import Column, Flags, Floats, Integers

EPOCH = date(1970, 1, 1)
YEAR = 365.25

JULY_PEAK = 205
"""Day of the year of the summer's height in the north: the 24th of July."""


def day_of_year(days: Integers) -> Floats:
    """Return the day of the year (1 to 366)."""
    dates = days.astype("datetime64[D]")
    return np.asarray((dates - dates.astype("datetime64[Y]")).astype(np.float64) + 1, dtype=np.float64)


def annual_cosine(days: Integers, peak_day: float = JULY_PEAK) -> Floats:
    """Return ``cos(2 pi (day of the year - peak_day) / 365.25)``: 1 at the year's height, -1 half a year later."""
    return np.asarray(np.cos(2 * np.pi * (day_of_year(days) - peak_day) / YEAR), dtype=np.float64)


def is_weekend(days: Integers) -> Flags:
    """Return whether a night begins on a Friday or a Saturday."""
    # Day 0 was a Thursday: three days on, Mondays are the multiples of seven.
    return np.isin((days + 3) % 7, (4, 5))


def season_of(first_night: Integers) -> Column:
    """Return the half of the year of an examination on the first night."""
    month = first_night.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.where((month >= 5) & (month <= 10), "may_october", "november_april")
