"""How often and how unevenly cramps come, from sums per participant: estimates with their influence; numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crampstudy.arrays import Array, Flags
from crampstudy.estimates.kinds.frequency import HALF

ENOUGH_NIGHTS = 28
"""Logged nights from which on a participant's own rate says how often cramps come: four weeks."""
RATED = f"over at least {ENOUGH_NIGHTS} logged nights"
"""In the estimand of what is of those alone whose own rate is known."""
NEAR = 7
"""Nights that are further apart have no more in common than whose they are."""
Scale = Literal["prevalence", "proportion", "rate", "index_of_dispersion", "autocorrelation"]


@dataclass(frozen=True, slots=True)
class PersonSums:
    """Sums over the logged nights of G participants (arrays of length G).

    ``squares`` sums the squared counts of cramps; ``pairs`` are calendar nights in succession that were both logged,
    ``both`` those of them that both had a cramp; ``apart`` and ``apart_both`` are the same of two nights more than
    :data:`NEAR` nights apart.
    """

    nights: Array
    cramps: Array
    cramp_nights: Array
    squares: Array
    pairs: Array
    both: Array
    apart: Array
    apart_both: Array

    def of(self, members: Flags) -> PersonSums:
        """Return the sums of some of the participants."""
        return PersonSums(*(getattr(self, name)[members] for name in self.__dataclass_fields__))

    @property
    def rated(self) -> PersonSums:
        """Those whose own rate is known: of at least :data:`ENOUGH_NIGHTS` logged nights."""
        return self.of(self.nights >= ENOUGH_NIGHTS)

    @property
    def rates(self) -> Array:
        """Each participant's cramps a logged night."""
        return self.cramps / self.nights


@dataclass(frozen=True, slots=True)
class Linearised:
    """An estimate and what each participant adds to its error: ``influence`` sums to 0.

    Its variance is G/(G-1) times the sum of the squared influences, with the G participants as clusters.
    """

    value: float
    influence: Array


@dataclass(frozen=True, slots=True)
class FrequencyMeasure:
    """One number of a group of participants.

    Args:
        level: what the rows call it.
        estimand: what is estimated, in words.
        scale: what kind of number it is, which decides on what scale its interval is made.
        unit: of the number.
        of: the number from the sums of the participants.
        rated: whether it is of those alone whose own rate is known.
        counted: the sum that stands as its events, ``None`` for the participants who are what is asked.
        rests_on: which participants it rests on, ``None`` for all; without any, ``lacking`` says what there is not.
        lacking: why there is no number where it rests on nobody.
        of_counts: whether it is of how many cramps a night has, which a yes or no does not tell.
    """

    level: str
    estimand: str
    scale: Scale
    unit: str
    of: Callable[[PersonSums], Linearised]
    rated: bool = False
    counted: Literal["cramps", "cramp_nights"] | None = None
    rests_on: Callable[[PersonSums], Flags] | None = None
    lacking: str = "no cramp"
    of_counts: bool = False

    def among(self, sums: PersonSums) -> PersonSums:
        """Return the participants that the number is of."""
        return sums.rated if self.rated else sums


def ratio(top: Array, bottom: Array) -> Linearised:
    """Return the ratio of two sums over participants, linearised (Cochran 1977, section 6.3)."""
    value = float(top.sum() / bottom.sum())
    return Linearised(value, (top - value * bottom) / bottom.sum())


def share(hits: Flags) -> Linearised:
    """Return the share of participants who are ``hits``."""
    return ratio(hits.astype(np.float64), np.ones(len(hits)))


def dispersion(sums: PersonSums) -> Linearised:
    """Return the variance of a night's count over its mean, all nights and participants together: 1 if Poisson."""
    nights = sums.nights.sum()
    mean, square = sums.cramps.sum() / nights, sums.squares.sum() / nights
    in_square = (sums.squares - square * sums.nights) / nights
    in_mean = (sums.cramps - mean * sums.nights) / nights
    return Linearised(float(square / mean - mean), in_square / mean - (square / mean**2 + 1) * in_mean)


def serial_dependence(sums: PersonSums) -> Linearised:
    """Return the correlation of cramp nights with those of the night before, about each participant's own mean.

    How often two nights of a participant more than a week apart both have a cramp is what the own mean implies;
    pairs of successive nights with two cramps are counted beyond that, over the variance of a night. Where the
    participant's cramp nights fall at random 0 is expected, in diaries of any length, whereas deviations from the mean
    of a diary of n nights are correlated by about -1/n.
    """
    by_chance = sums.apart_both / np.maximum(sums.apart, 1)
    pairs = np.where(sums.apart > 0, sums.pairs, 0.0)
    return ratio(
        np.where(sums.apart > 0, sums.both, 0.0) - pairs * by_chance,
        pairs * (sums.cramp_nights / sums.nights - by_chance),
    )


def carriers(sums: PersonSums, part: float = 0.5) -> Linearised:
    """Return the smallest share of participants who have a ``part`` of all cramps, everybody's nights being as many.

    Participants are taken by their own rate, the highest first; the last one counts in part.

    Source: Shorrocks 1983 (inverse of the Lorenz curve); its influence follows from the two means behind it.
    """
    rates = sums.rates
    ordered = np.sort(rates)[::-1]
    carried = np.concatenate([[0.0], np.cumsum(ordered)]) / ordered.sum()
    last = min(int(np.searchsorted(carried, part, side="left")), len(ordered))
    least = ordered[last - 1]
    value = (last - 1 + (part - carried[last - 1]) / (carried[last] - carried[last - 1])) / len(ordered)
    above = (rates > least).astype(np.float64)
    # Of those at the limit only as many count as are needed, alike.
    at = rates == least
    above[at] = (value * len(rates) - above.sum()) / at.sum()
    return Linearised(float(value), (above - value - rates * (above - part) / least) / len(rates))


def _at_least(numerator: int, denominator: int, of: str = "cramps", *, more: bool = False) -> Callable[..., Linearised]:
    """Return the share with at least so many, or ``more``, in so many nights; whole numbers, which nothing rounds."""

    def found(sums: PersonSums) -> Linearised:
        own, asked = getattr(sums, of) * denominator, sums.nights * numerator
        return share(own > asked if more else own >= asked)

    return found


def _of_rate(level: str, estimand: str, of: Callable[..., Linearised]) -> FrequencyMeasure:
    said = f"share of people with {estimand} {RATED}"
    return FrequencyMeasure(level, said, "prevalence", "proportion", of, rated=True)


OFTEN = (
    _of_rate("at least one a week", "at least 1 cramp in 7 nights", _at_least(1, 7)),
    _of_rate("more than 3 a month", "more than 3 cramps in 30 nights", _at_least(3, 30, more=True)),
    _of_rate("at least 3 a week", "at least 3 cramps in 7 nights", _at_least(3, 7)),
    _of_rate("near-nightly", "a cramp on at least 6 of 7 nights", _at_least(6, 7, "cramp_nights")),
)
"""How many people have cramps how often, by the rate that each has over the own logged nights."""


def _with_a_cramp(sums: PersonSums) -> Flags:
    return np.asarray(sums.cramps > 0)


def _with_both(sums: PersonSums) -> Flags:
    varies = (sums.cramp_nights > 0) & (sums.cramp_nights < sums.nights)
    return np.asarray(varies & (sums.pairs > 0) & (sums.apart > 0))


NIGHTLY = (
    FrequencyMeasure(
        "nights with a cramp",
        "share of the observed nights with a cramp",
        "proportion",
        "proportion",
        lambda sums: ratio(sums.cramp_nights, sums.nights),
        counted="cramp_nights",
    ),
    FrequencyMeasure(
        "cramps a cramp night",
        "mean number of cramps on nights with one",
        "rate",
        "cramps a cramp night",
        lambda sums: ratio(sums.cramps, sums.cramp_nights),
        counted="cramps",
        rests_on=_with_a_cramp,
        of_counts=True,
    ),
    FrequencyMeasure(
        "dispersion",
        "variance of a night's count over its mean, all nights together",
        "index_of_dispersion",
        "variance over mean",
        dispersion,
        counted="cramps",
        rests_on=_with_a_cramp,
        of_counts=True,
    ),
    FrequencyMeasure(
        "serial dependence",
        "correlation of cramp nights with the night before, about each participant's own mean",
        "autocorrelation",
        "correlation, lag 1 night",
        serial_dependence,
        counted="cramp_nights",
        rests_on=_with_both,
        lacking="nobody has nights with and without a cramp, in succession and more than a week apart",
    ),
    FrequencyMeasure(
        HALF,
        f"smallest share of people with half of all cramps, by rates {RATED}",
        "prevalence",
        "proportion",
        carriers,
        rated=True,
        counted="cramps",
        rests_on=_with_a_cramp,
    ),
)
"""What the nights of a diary say beyond a rate."""
