"""Who is asked and who gets in: people with their habits and rates, and the run-in that decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.calendar import EPOCH, annual_cosine
from crampstudy.simulate.draw import cramp_counts
from crampstudy.simulate.draw.habits import draw_habits
from crampstudy.simulate.draw.people import draw_basics, draw_chances, draw_people
from crampstudy.simulate.truth.truth import Truth
from crampstudy.wording import counted

SLEEP = "sleep_quality_0_10"
"""The habit through which sleep acts on the cramps of the next night, where it does."""

_ROUNDS = 1_000
"""So many blocks of people are asked before it is said that too few of them would get in."""

_HOPELESS = 20_000
"""After so many people of whom nobody gets in, no more are asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """People as arrays (first axis: people; second: nights), before any treatment.

    ``log_terms`` is the log of a night's mean count given effects, season and natural history, ``log_lasting`` that
    of the lasting multipliers, ``multiplier`` the person's own; ``run_in`` the counts of the run-in and
    ``sleep_before`` what its last night leaves to the next.
    """

    age: Integers
    first_night: Integers
    birth_year: Integers
    people: Mapping[str, Column]
    date: Integers
    habits: Mapping[str, Column]
    log_terms: Floats
    log_lasting: Floats
    multiplier: Floats
    run_in: Integers
    sleep_before: Floats

    def take(self, chosen: Integers) -> Asked:
        """Return some of the people."""
        return _combine([self], lambda arrays: arrays[0][chosen])


def _combine(parts: Sequence[Asked], change: Callable[[list[Any]], Any]) -> Asked:
    """Return people whose every array is made of those that stand in its place in ``parts``."""
    made: dict[str, Any] = {}
    for item in fields(Asked):
        own = [getattr(part, item.name) for part in parts]
        made[item.name] = {k: change([o[k] for o in own]) for k in own[0]} if isinstance(own[0], dict) else change(own)
    return Asked(**made)


def recruit(
    truth: Truth,
    n: int,
    nights: int,
    rng: np.random.Generator,
    habits: Collection[str] | None = None,
    weather: Floats | None = None,
) -> Asked:
    """Ask blocks of ``n`` people until ``n`` have the cramps in their run-in that it takes.

    Args:
        truth: The truth.
        n: Number of people who get in.
        nights: Nights of each.
        rng: The generator.
        habits: The habits to draw beside those that act on cramps; all by default.
        weather: The temperature of every day from the first on; by default that of an average year.

    Raises:
        ParameterError: too few would get in.
    """
    wanted = truth.recruitment
    taken: list[Asked] = []
    missing, people = n, 0
    for asked_rng in (rng.spawn(1)[0] for _ in range(_ROUNDS)):
        asked = ask(truth, n, nights, asked_rng, habits, weather)
        chosen = np.flatnonzero(asked.run_in.sum(axis=1) >= wanted.minimum_cramps)[:missing]
        taken.append(asked.take(chosen))
        missing, people = missing - len(chosen), people + n
        if not missing:
            return taken[0] if len(taken) == 1 else _combine(taken, np.concatenate)
        if missing == n and people >= _HOPELESS:
            break
    raise ParameterError(
        f"of {people} people asked, {n - missing} had {counted(wanted.minimum_cramps, 'cramps')} in "
        f"{counted(wanted.run_in_nights, 'nights')} and {n} are needed; lower recruitment.minimum_cramps or raise "
        "cramps.rate_per_week"
    )


def ask(
    truth: Truth,
    n: int,
    nights: int,
    rng: np.random.Generator,
    only: Collection[str] | None = None,
    weather: Floats | None = None,
) -> Asked:
    """Draw ``n`` people and what decides their cramps, and count those of the run-in.

    Args:
        truth: The truth.
        n: Number of people asked.
        nights: Nights of each.
        rng: The generator.
        only: The habits to draw beside those that act on cramps; all by default.
        weather: As of :func:`recruit`.
    """
    basics_rng, chances_rng, habits_rng, persons_rng, lasting_rng, cramps_rng = rng.spawn(6)
    basics = draw_basics(truth.people, n, basics_rng)
    chances = draw_chances(truth, n, chances_rng)
    people = draw_people(truth, basics.age, basics.female, chances)
    date = basics.first_night[:, None] + np.arange(nights)
    if only is not None and truth.cramps.fluid_by_temperature:
        only = [*only, cramp_counts.FLUID]
    habits, read = draw_habits(truth, chances.habit_scores, date, habits_rng, only)
    cramps, start = truth.cramps, truth.recruitment.run_in_nights
    base = np.log(cramps.rate_per_week / 7) if cramps.rate_per_week else -np.inf
    own = base + cramp_counts.person_log_ratio(truth, people)
    terms = own[:, None] + cramp_counts.night_log_ratio(truth, read, date)
    if cramps.fluid_by_temperature:
        terms = terms + cramp_counts.heat_log_ratio(truth, habits, temperature_of(truth, date, weather))
    asked = Asked(
        age=basics.age,
        first_night=basics.first_night,
        birth_year=basics.birth_year,
        people=people,
        date=date,
        habits=habits,
        log_terms=terms + cramp_counts.history_log_ratio(cramps, nights, start),
        log_lasting=cramp_counts.lasting_log(cramps, date.shape, lasting_rng, truth.recruitment.flare),
        multiplier=cramp_counts.person_multiplier(cramps, n, persons_rng),
        run_in=np.zeros((n, 0), dtype=np.int64),
        sleep_before=np.zeros(n),
    )
    given = np.exp(asked.log_terms[:, :start] + asked.log_lasting[:, :start]) * asked.multiplier[:, None]
    run_in, sleep_before = draw_counts_between(truth, asked, given, 0, start, asked.sleep_before, cramps_rng)
    return replace(asked, run_in=run_in, sleep_before=sleep_before)


def temperature_of(truth: Truth, date: Integers, weather: Floats | None = None) -> Floats:
    """Return the temperature of nights (of the shape of ``date``), by default as in an average year."""
    if weather is not None:
        return np.asarray(weather[date - (truth.people.start - EPOCH).days], dtype=np.float64)
    season = truth.weather.amplitude_c * annual_cosine(date, truth.weather.peak_day)
    return np.asarray(truth.weather.mean_c + season, dtype=np.float64)


def draw_counts_between(
    truth: Truth, asked: Asked, given: Floats, start: int, stop: int, before: Floats, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Count the cramps of the nights from ``start`` to before ``stop``.

    Args:
        truth: The truth.
        asked: The people.
        given: Mean count of each night of the diary given all but the night's own heterogeneity and the feedback.
        start: The first of the nights.
        stop: The night after the last.
        before: What the night before the first leaves, in the sense of :class:`Asked`.
        rng: The generator.
    """
    if start == stop:
        return np.zeros((len(before), 0), dtype=np.int64), before
    usual = asked.habits.get(SLEEP)
    # Sleep that feeds back on nothing need not be drawn.
    sleep = np.zeros_like(given) if usual is None else usual - usual.mean(axis=1, keepdims=True)
    sleep = sleep[:, start:stop]
    return cramp_counts.draw_counts(truth.cramps, given[:, start:stop], sleep, before, truth.burden.sleep_quality, rng)
