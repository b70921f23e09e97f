"""A large population of a truth: potential outcomes, of which means and contrasts are the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from scipy.optimize import root
from scipy.stats import nbinom, poisson

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.codebook.recalled import LABELS, LOWS, NIGHTS
from crampstudy.progress import track
from crampstudy.simulate.arrays import Column, Flags, Floats, Integers
from crampstudy.simulate.draw import cramp_counts
from crampstudy.simulate.draw.cohort import draw_cramps, draw_rates
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.draw.habits import temperature
from crampstudy.simulate.draw.people import draw_basics, draw_chances, draw_people, person_x
from crampstudy.simulate.draw.recruitment import SLEEP
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.design import nights_needed
from crampstudy.simulate.truth.scalar_parameters import Cramps
from crampstudy.simulate.truth.tables.rows import Effect
from crampstudy.simulate.truth.truth import Truth

P = TypeVar("P")

DRAWS = 1_000_000
"""Potential outcomes: people for contrasts, nights of people for rates and classes."""

_PEOPLE_AT_ONCE = 50_000
_WINDOWS_AT_ONCE = 2_000
NIGHTS_PER_WEEK, _MOST_A_WEEK = 7, 2
"""Of a week with more cramps than that the article would ask for the reason."""
_APART = NIGHTS // 2
"""Nights between two that have no more in common than the person."""


@dataclass(frozen=True)
class Population:
    """A population of ``truth``, drawn when it is first asked: ``draws`` people, and as many nights of fewer people."""

    truth: Truth
    seed: int
    draws: int = DRAWS
    workers: compute.Workers = 1

    @property
    def people(self) -> int:
        """Number of people behind every contrast."""
        return max(self.draws, 2)

    def contrast(self, effect: Effect) -> tuple[float, float]:
        """Return the total log rate ratio of a person-level exposure, and its standard error.

        Everybody is drawn twice with the same chances: without and with a condition, at and one unit above the own
        level of a number. What the exposure causes follows; its own causes stay.
        """
        low, high, low2, high2, both = self._outcomes.moments[effect.term] / self.people
        spread = high2 / high**2 + low2 / low**2 - 2 * both / (high * low)
        return float(np.log(high / low)), float(np.sqrt(max(spread, 0.0) / self.people))

    def projected(self, effect: Effect) -> tuple[float, float]:
        """Return the slope of the log-linear (Poisson) projection of the mean rate on age and sex, and its error."""
        drawn = self._outcomes
        x = (drawn.age - (effect.centre or 0.0)) / (effect.scale or 1.0)
        basis = np.stack([np.ones_like(x), x, *([drawn.female] if 0 < drawn.female.mean() < 1 else [])])

        def scores(b: Floats) -> Floats:
            return np.asarray(basis @ (drawn.rate - np.exp(basis.T @ b)) / len(x), dtype=np.float64)

        start = [np.log(drawn.rate.mean()), effect.log_rate_ratio, 0.0]
        solved = root(scores, start[: len(basis)], tol=1e-12).x
        fitted = np.exp(basis.T @ solved)
        influence = np.linalg.solve((basis * fitted) @ basis.T, basis)[1] * (drawn.rate - fitted)
        return float(solved[1]), float(np.sqrt((influence**2).sum()))

    def rates(self) -> dict[str, tuple[float, float, int]]:
        """Return the mean rate per person-week of all, of each sex and of each age band: value, error, nights drawn."""
        windows = self._windows
        return {
            group: (*_mean(7 * windows.rate[chosen]), int(chosen.sum()) * NIGHTS)
            for group, chosen in windows.groups().items()
        }

    def classes(self) -> dict[str, dict[str, tuple[float, float, int]]]:
        """Return the share of each 30-day class of all and of each age band: value, error, nights drawn."""
        windows = self._windows
        return {
            group: {
                label: (*_mean(windows.classes[chosen, k]), int(chosen.sum()) * NIGHTS)
                for k, label in enumerate(LABELS)
            }
            for group, chosen in windows.groups().items()
            if group not in ("female", "male")
        }

    def nights(self) -> dict[str, NightMoments]:
        """Return what single nights and two nights of one person are like, of all, of each sex and of each age band."""
        windows = self._windows
        return {group: NightMoments(*windows.moments[chosen].T) for group, chosen in windows.groups().items()}

    def variance_of_persons(self) -> float:
        """Return the variance of the persons' mean-one multipliers, in closed form."""
        return _second_moment(self.truth.cramps) - 1

    @cached_property
    def _windows(self) -> _Windows:
        parts = self._drawn(_Windows.of, max(-(-self.draws // NIGHTS), 2), _WINDOWS_AT_ONCE, 1)
        return _Windows(*(np.concatenate([getattr(p, name) for p in parts]) for name in _Windows.__dataclass_fields__))

    @cached_property
    def _outcomes(self) -> _Outcomes:
        parts = self._drawn(_Outcomes.of, self.people, _PEOPLE_AT_ONCE, 0)
        age, female, rate = (np.concatenate([getattr(p, name) for p in parts]) for name in ("age", "female", "rate"))
        moments = {term: np.sum([p.moments[term] for p in parts], axis=0) for term in parts[0].moments}
        return _Outcomes(age, female, rate, moments)

    def _drawn(self, of: Callable[..., P], people: int, at_once: int, part: int) -> list[P]:
        sizes = [min(at_once, people - first) for first in range(0, people, at_once)]
        generators = np.random.default_rng([self.seed, part]).spawn(len(sizes))
        batches = list(zip(sizes, generators, strict=True))
        drawn = compute.map(partial(_some, of, self.truth), batches, workers=self.workers)
        return list(track(drawn, "batches of people for the right answers", len(sizes)))


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """Many people with their rates relative to the reference, and the moments of both outcomes of each exposure.

    ``moments`` has by term the sums of the outcomes without and with it, of their squares and of their product.
    """

    age: Floats
    female: Floats
    rate: Floats
    moments: Mapping[str, Floats]

    @classmethod
    def of(cls, truth: Truth, n: int, rng: np.random.Generator) -> _Outcomes:
        basics_rng, chances_rng = rng.spawn(2)
        basics = draw_basics(truth.people, n, basics_rng)
        chances = draw_chances(truth, n, chances_rng)
        acting = [e for e in truth.effects if e.part == "person" and e.log_rate_ratio]
        exposures = [e for e in truth.effects if e.part == "person" and has_total(truth, e)]
        people = draw_people(truth, basics.age, basics.female, chances, only={e.column for e in (*acting, *exposures)})
        log = {e.term: direct_log_ratio(truth, e) * person_x(truth, e, people[e.column]) for e in acting}
        whole = sum(log.values(), np.zeros(n))
        moments = {}
        for exposure in exposures:
            after = causal_graph.descendants(truth, exposure.column)
            before = {name: column for name, column in people.items() if name not in after}
            touched = [e for e in acting if e.column == exposure.column or e.column in after]
            rest = whole - sum((log[e.term] for e in touched), np.zeros(n))
            both = []
            for x in _levels(truth, exposure, people[exposure.column]):
                fixed = {**before, exposure.column: x}
                made = draw_people(truth, basics.age, basics.female, chances, fixed, {e.column for e in touched})
                own = (direct_log_ratio(truth, e) * person_x(truth, e, made[e.column]) for e in touched)
                both.append(np.exp(sum(own, rest)))
            low, high = both
            moments[exposure.term] = np.asarray([low.sum(), high.sum(), low @ low, high @ high, low @ high])
        return cls(basics.age.astype(np.float64), basics.female.astype(np.float64), np.exp(whole), moments)


def _some(of: Callable[..., P], truth: Truth, batch: tuple[int, np.random.Generator]) -> P:
    return of(truth, *batch)


def has_total(truth: Truth, effect: Effect) -> bool:
    """Return whether a person-level exposure has a total effect that is drawn: a condition or number with effects."""
    numbers = {row.column for row in (*truth.conditions, *truth.measures)}
    return effect.column in numbers and bool(causal_graph.descendants(truth, effect.column))


def _levels(truth: Truth, effect: Effect, own: Column) -> tuple[Column, Column]:
    if own.dtype == np.bool_:
        return np.zeros_like(own), np.ones_like(own)
    return own, own.astype(np.float64) + truth.scaling(effect)[1]


@dataclass(frozen=True, slots=True)
class NightMoments:
    """Chances of nights of each person: of a cramp, on two successive nights, on two nights far apart; mean counts.

    ``square`` is the mean of the squared count, ``above`` the chance that a week of 7 nights has more than 2 cramps.
    Nights are far apart where what lasts from night to night has faded.
    """

    any: Floats
    successive: Floats
    apart: Floats
    rate: Floats
    square: Floats
    above: Floats


@dataclass(frozen=True, slots=True)
class _Windows:
    """30 nights of many people: age, sex, mean count a night, the chance of each class, and moments of nights."""

    age: Floats
    female: Flags
    rate: Floats
    classes: Floats
    moments: Floats

    @classmethod
    def of(cls, truth: Truth, n: int, rng: np.random.Generator) -> _Windows:
        rates_rng, nights_rng = rng.spawn(2)
        habits = [SLEEP] if truth.cramps.sleep_feedback else []
        # The window begins when everybody has got in.
        start = truth.recruitment.run_in_nights
        window = slice(start, start + NIGHTS)
        nights, weather = max(window.stop, nights_needed(truth.design)), None
        if truth.cramps.fluid_by_temperature:
            days = truth.people.start_spread_nights + nights
            weather = temperature(truth.weather, truth.people.start, days, rng.spawn(1)[0])
        drawn = draw_rates(truth, n, nights, rates_rng, habits, weather)
        female = np.asarray(drawn.asked.people["sex"] == "female")
        age = drawn.asked.age.astype(np.float64)
        if start or truth.cramps.sleep_feedback or truth.recruitment.flare:
            counts = draw_cramps(truth, drawn, nights_rng)[:, window]
            seen = _moments_of(counts.astype(np.float64))
            return cls(age, female, counts.mean(axis=1), _class_of(counts.sum(axis=1)), seen)
        # Means need no counting, and multipliers of mean one that are independent of all else can be left out.
        by_terms = drawn.by_terms[:, window]
        lasting = by_terms * np.exp(drawn.asked.log_lasting[:, window])
        nights_given = _with_own_spread(truth, lasting, nights_rng)
        chances, moments = _class_chances(truth, nights_given), _expected_moments(truth, nights_given)
        return cls(age, female, by_terms.mean(axis=1), chances, moments)

    def groups(self) -> dict[str, Flags]:
        bands = AgeBands()
        found: dict[str, Flags] = {"all": np.ones(len(self.age), dtype=np.bool_)}
        found |= {"female": self.female, "male": ~self.female}
        of_band = np.searchsorted(np.asarray(bands.limits), self.age, side="right")
        found |= {label: of_band == k for k, label in enumerate(bands.labels)}
        return {group: chosen for group, chosen in found.items() if chosen.any()}


def _with_own_spread(truth: Truth, nights: Floats, rng: np.random.Generator) -> Floats:
    """Return mean counts (people x nights) with the nights' own multipliers drawn, if they have any."""
    spread = truth.cramps.night_dispersion
    return nights * rng.gamma(1 / spread, spread, nights.shape) if spread else nights


def _second_moment(cramps: Cramps) -> float:
    """Return the mean of the squared multipliers of persons, whose mean is one."""
    share, usual = cramps.near_nightly_share, cramp_counts.usual_multiplier(cramps)
    return (1 - share) * usual**2 * (1 + 1 / cramps.person_shape) + share * cramps.near_nightly_factor**2


def _expected_moments(truth: Truth, nights: Floats) -> Floats:
    """Return the :class:`NightMoments` of mean counts (people x nights), over persons' multipliers in closed form."""
    cramps = truth.cramps
    shape, share, usual = cramps.person_shape, cramps.near_nightly_share, cramp_counts.usual_multiplier(cramps)
    second = _second_moment(cramps)

    def none(mean: Floats) -> Floats:
        often = np.exp(-mean * cramps.near_nightly_factor)
        return np.asarray((1 - share) * (1 + mean * usual / shape) ** -shape + share * often)

    def twice(lag: int) -> Floats:
        first, then = nights[:, :-lag], nights[:, lag:]
        return np.asarray((1 - none(first) - none(then) + none(first + then)).mean(axis=1))

    chances = (1 - none(nights)).mean(axis=1), twice(1), twice(_APART)
    weeks = _weekly(nights)
    above = [1 - _up_to(truth, weeks[:, [k]], _MOST_A_WEEK)[:, 0] for k in range(weeks.shape[1])]
    square = (nights + second * nights**2).mean(axis=1)
    return np.column_stack([*chances, nights.mean(axis=1), square, np.mean(above, axis=0)])


def _weekly(nights: Floats) -> Floats:
    """Return the sums of whole weeks (people x weeks) of nights (people x nights)."""
    whole = nights.shape[1] // NIGHTS_PER_WEEK * NIGHTS_PER_WEEK
    return np.asarray(nights[:, :whole].reshape(len(nights), -1, NIGHTS_PER_WEEK).sum(axis=2))


def _moments_of(counts: Floats) -> Floats:
    """Return the :class:`NightMoments` of nights that were drawn (people x nights)."""
    cramp = counts > 0
    twice = ((cramp[:, :-lag] & cramp[:, lag:]).mean(axis=1) for lag in (1, _APART))
    above = (_weekly(counts) > _MOST_A_WEEK).mean(axis=1)
    return np.column_stack([cramp.mean(axis=1), *twice, counts.mean(axis=1), (counts**2).mean(axis=1), above])


def _class_chances(truth: Truth, nights: Floats) -> Floats:
    """Return each person's chance of every class from mean counts (people x nights), over the persons' multipliers."""
    mean = nights.sum(axis=1)[:, None]
    below = _up_to(truth, mean, np.asarray(LOWS[1:]) - 1)
    return np.diff(np.hstack([np.zeros_like(mean), below, np.ones_like(mean)]), axis=1)


def _up_to(truth: Truth, mean: Floats, most: Integers | int) -> Floats:
    """Return the chance of at most so many cramps where they are ``mean`` (n, 1) on average, over the multipliers."""
    cramps = truth.cramps
    shape, share = cramps.person_shape, cramps.near_nightly_share
    usual = nbinom.cdf(most, shape, shape / (shape + mean * cramp_counts.usual_multiplier(cramps)))
    often = poisson.cdf(most, mean * cramps.near_nightly_factor)
    return np.asarray((1 - share) * usual + share * often)


def _class_of(counts: Column) -> Floats:
    place = np.searchsorted(np.asarray(LOWS[1:]), counts, side="right")
    return np.eye(len(LABELS))[place]


def _mean(values: Floats) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
