"""What people do by day: habits between and within persons, the weather, and the effects on the cramp rate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from crampstudy.simulate.groups import Weather
from crampstudy.simulate.parameters import Effect, Habit
from crampstudy.simulate.people import Column, Floats, around, expit, logit
from crampstudy.simulate.truth import Truth


def history(effects: tuple[Effect, ...]) -> int:
    """Return how many days before the first night the effects look back to."""
    return max((e.lag_nights + e.window_nights - 1 for e in effects if e.part != "person"), default=0)


def draw_habits(
    truth: Truth, participants: int, nights: int, rng: np.random.Generator
) -> tuple[dict[str, NDArray[np.generic]], dict[str, Floats]]:
    """Draw every habit.

    Returns the diary's columns, each participants x nights, and for each gate that an effect reads the days before
    the first night as well (participants x (history + nights), 0/1). Days are independent given the person.
    """
    before = history(truth.effects)
    read = {e.column for e in truth.effects if e.part != "person"}
    columns: dict[str, NDArray[np.generic]] = {}
    gates: dict[str, Floats] = {}
    for row, own in zip(truth.habits, rng.spawn(len(truth.habits)), strict=True):
        person, days, earlier = own.spawn(3)
        chance = _chances(row, person.standard_normal((participants, 1)))
        has = _days(row, chance, days, (participants, nights))
        if row.given:
            has &= columns[row.given].astype(np.bool_)
        if row.column in read:
            past = _days(row, chance, earlier, (participants, before))
            gates[row.column] = np.hstack([past, has]).astype(np.float64)
        columns[row.column] = (
            has if row.kind == "chance" else np.where(has, _amounts(row, person, days, has.shape), 0.0)
        )
    return columns, gates


def temperature(weather: Weather, first: int, n: int, rng: np.random.Generator) -> Floats:
    """Return the mean outdoor temperature of ``n`` days from ``first`` (days from 1970-01-01), in degrees Celsius."""
    days = np.arange(first, first + n).astype("datetime64[D]")
    of_year = (days - days.astype("datetime64[Y]")).astype(np.float64) + 1
    season = weather.amplitude_c * np.cos(2 * np.pi * (of_year - weather.peak_day) / 365.25)
    return np.asarray((weather.mean_c + season + weather.sd_c * rng.standard_normal(n)).round(1), dtype=np.float64)


def log_rate(truth: Truth, people: Mapping[str, Column], gates: Mapping[str, Floats], nights: int) -> Floats:
    """Return the log of every night's mean count at person and night rates of 1 (participants x nights)."""
    n = len(people["age_years"])
    total = np.full((n, nights), -np.inf)
    if truth.cramps.rate_per_week > 0:
        total[:] = np.log(truth.cramps.rate_per_week / 7)
    for effect in truth.effects:
        if effect.part == "person":
            total += effect.log_rate_ratio * _person_x(truth, effect, people[effect.column])[:, None]
        else:
            x = night_x(effect, gates[effect.column], nights)
            total += effect.log_rate_ratio * x
    return total


def night_x(effect: Effect, gate: Floats, nights: int) -> Floats:
    """Return what an effect reads of a gate, for the last ``nights`` columns of it (participants x nights)."""
    sums: Floats = np.cumsum(np.pad(gate, ((0, 0), (1, 0))), axis=1)
    end = gate.shape[1] - effect.lag_nights + 1
    window = effect.window_nights
    x = (sums[:, end - nights : end] - sums[:, end - nights - window : end - window]) / window
    own = x.mean(axis=1, keepdims=True) if effect.part == "within" else 0.0
    return np.asarray(x - own, dtype=np.float64)


def _person_x(truth: Truth, effect: Effect, column: Column) -> Floats:
    if effect.level is not None:
        return np.asarray(column == effect.level, dtype=np.float64)
    if column.dtype == np.bool_:
        return column.astype(np.float64)
    centre, scale = truth.scaling(effect)
    return np.asarray((column.astype(np.float64) - centre) / scale, dtype=np.float64)


def _chances(row: Habit, z: Floats) -> Floats:
    if not 0 < row.chance < 1:
        return np.full_like(z, row.chance)
    return expit(logit(row.chance) + row.chance_spread * z)


def _days(row: Habit, chance: Floats, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    if row.chance == 1:
        return np.ones(shape, dtype=np.bool_)
    return rng.random(shape) < chance


def _amounts(row: Habit, person: np.random.Generator, days: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    log = row.kind != "normal"
    mean = around(np.full((shape[0], 1), row.mean), row.sd_between, log, person.standard_normal((shape[0], 1)))
    if row.kind == "count":
        return days.poisson(mean, shape).astype(np.float64)
    # The spread of days grows with a person's own mean, as its log-normal does.
    sd = row.sd_within / row.mean * mean if log else row.sd_within
    amount = around(mean, sd, log, days.standard_normal(shape)).round(row.decimals)
    # What was done was done for more than nothing, whatever the rounding.
    return np.maximum(amount, 10.0**-row.decimals) if log else np.maximum(amount, 0.0)
