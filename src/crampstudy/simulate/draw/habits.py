"""What people do by day: habits that differ between and within persons, with weekday and season, and the weather."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from crampstudy import codebook
from crampstudy.simulate.arrays import Column, Flags, Floats, Integers, expit, logit
from crampstudy.simulate.calendar import EPOCH, annual_cosine, is_weekend
from crampstudy.simulate.draw.people import at_scores
from crampstudy.simulate.truth.scalar_parameters import Weather
from crampstudy.simulate.truth.tables.rows import Effect, Habit
from crampstudy.simulate.truth.truth import Truth


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the calendar says of a participant's nights (participants x nights): Friday or Saturday, and season."""

    weekend: Flags
    season: Floats

    @classmethod
    def of(cls, date: Integers) -> Calendar:
        """Return the calendar of dates."""
        first, last = int(date.min()), int(date.max())
        days = np.arange(first, last + 1)
        weekend = is_weekend(days)
        season = annual_cosine(days)
        return cls(weekend[date - first], season[date - first])


def acting_effects(truth: Truth) -> tuple[Effect, ...]:
    """Return the effects of diary habits that are not zero."""
    return tuple(e for e in truth.effects if e.part != "person" and e.log_rate_ratio)


def days_before(effects: tuple[Effect, ...]) -> int:
    """Return how many days before the first night the effects look back to."""
    return max((e.lag_nights + e.window_nights - 1 for e in effects), default=0)


def draw_habits(
    truth: Truth,
    scores: Mapping[str, Floats],
    date: Integers,
    rng: np.random.Generator,
    only: Collection[str] | None = None,
) -> tuple[dict[str, Column], dict[str, Floats]]:
    """Draw every habit.

    Args:
        truth: The truth.
        scores: The standard normal scores of the persons' usual levels, one value per participant.
        date: The nights' dates (participants x nights), consecutive in each row.
        rng: The generator; each habit has one of its own, and one for the days before.
        only: Names of the habits to draw beside those that act on cramps; all by default.

    Returns:
        The diary's columns, each participants x nights, and what the effects read of them, days before the first night
        included (participants x (history + nights)). Integers are independent given the person and the calendar.
    """
    read = {e.column for e in acting_effects(truth)}
    before = days_before(acting_effects(truth))
    past_date = date[:, :1] + np.arange(-before, 0)
    calendar, past_calendar = Calendar.of(date), Calendar.of(past_date) if before else None
    wanted = {h.column for h in truth.habits} if only is None else read | set(only)
    gates = {h.given for h in truth.habits if h.given and h.column in wanted}
    columns: dict[str, Column] = {}
    past: dict[str, Column] = {}
    for row, own in zip(truth.habits, rng.spawn(len(truth.habits)), strict=True):
        if row.column not in wanted | gates:
            continue
        person, days, earlier = own.spawn(3)
        usual = _Usual.of(row, scores[row.column][:, None], person)
        columns[row.column] = usual.draw(columns, calendar, days)
        if past_calendar and row.column in read | gates:
            past[row.column] = usual.draw(past, past_calendar, earlier)
    whole = {
        name: np.hstack([past[name], columns[name]]).astype(np.float64) if before else columns[name].astype(np.float64)
        for name in read
    }
    return columns, whole


def night_x(truth: Truth, effect: Effect, habit: Floats, nights: int) -> Floats:
    """Return the ``x`` of an effect for the last ``nights`` columns of a habit (participants x nights, or x 1)."""
    centre, scale = truth.scaling(effect)
    end, window = habit.shape[1] - effect.lag_nights, effect.window_nights
    if window == 1:
        x = habit[:, end - nights : end]
    else:
        sums: Floats = np.cumsum(np.pad(habit, ((0, 0), (1, 0))), axis=1)
        x = (sums[:, end + 1 - nights : end + 1] - sums[:, end + 1 - nights - window : end + 1 - window]) / window
    if effect.part == "within":
        x = x - x.mean(axis=1, keepdims=True)
    elif effect.part == "between":
        x = x.mean(axis=1, keepdims=True) - centre
    return np.asarray(x / scale, dtype=np.float64)


def temperature(weather: Weather, start: dt.date, n: int, rng: np.random.Generator) -> Floats:
    """Return the mean outdoor temperature of ``n`` days from ``start``, in degrees Celsius."""
    days = np.arange(n) + (start - EPOCH).days
    season = weather.amplitude_c * annual_cosine(days, weather.peak_day)
    return np.asarray((weather.mean_c + season + weather.sd_c * rng.standard_normal(n)).round(1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Usual:
    """One habit of everybody: the chance of a day with it and the usual amount (participants x 1)."""

    row: Habit
    odds: Floats | None
    mean: Floats

    @classmethod
    def of(cls, row: Habit, score: Floats, person: np.random.Generator) -> _Usual:
        varies = 0 < row.chance < 1
        odds = logit(row.chance) + row.chance_spread * person.standard_normal(score.shape) if varies else None
        mean = np.full(score.shape, row.mean)
        return cls(row, odds, at_scores(mean, row.sd_between, row.kind != "normal", score) if row.mean else mean)

    def draw(self, gates: Mapping[str, Column], calendar: Calendar, days: np.random.Generator) -> Column:
        """Draw the days of a calendar, where the gates drawn before are open."""
        row = self.row
        shape: tuple[int, ...] = calendar.weekend.shape
        has: Flags | None = None
        if self.odds is not None:
            turn = row.kind == "chance"
            odds = self.odds + (row.weekend * calendar.weekend + row.season * calendar.season if turn else 0.0)
            has = days.random(shape) < expit(odds)
        elif row.chance == 0:
            has = np.zeros(shape, dtype=np.bool_)
        if row.given:
            gate = gates[row.given].astype(np.bool_)
            has = gate if has is None else has & gate
        if row.kind == "chance":
            return np.ones(shape, dtype=np.bool_) if has is None else has
        amount = self._amounts(calendar, days, shape)
        return amount if has is None else np.where(has, amount, 0.0)

    def _amounts(self, calendar: Calendar, days: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        row = self.row
        log = row.kind != "normal"
        mean = self.mean
        if row.weekend or row.season:
            mean = mean * (1 + row.weekend * calendar.weekend + row.season * calendar.season)
        if row.kind == "count":
            return days.poisson(mean, shape).astype(np.float64)
        # In place, step by step: with so many nights, making room takes longer than the sums.
        amount = days.standard_normal(shape)
        if log:
            # The spread of days grows with a person's own mean.
            sigma2 = np.log1p((row.sd_within / row.mean) ** 2)
            amount *= np.sqrt(sigma2)
            amount -= sigma2 / 2
            np.exp(amount, out=amount)
            amount *= mean
        else:
            amount *= row.sd_within
            amount += mean
        np.round(amount, row.decimals, out=amount)
        # What was done was done for more than nothing, whatever the rounding.
        least = 10.0**-row.decimals if log else 0.0
        variable = codebook.find(row.column, "diary")
        if variable is None or variable.minimum is None:
            return np.maximum(amount, least, out=amount)
        return np.clip(amount, max(least, variable.minimum), variable.maximum, out=amount)
