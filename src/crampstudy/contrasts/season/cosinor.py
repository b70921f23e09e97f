"""The annual cycle as numbers: amplitude and peak of a cosine and a sine, and their intervals by the bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from crampstudy.arrays import Array
from crampstudy.nights.calendar import YEAR

_LARGEST = 20.0
"""An amplitude on the log scale beyond all rates."""


@dataclass(frozen=True, slots=True)
class AnnualCycle:
    """A cycle ``cosine cos(2 pi d / 365.25) + sine sin(2 pi d / 365.25)`` of the log rate, d the day of the year.

    ``errors`` (R x 2) are how far coefficients of resampled participants lie from those of the cohort.
    """

    cosine: float
    sine: float
    errors: Array

    @property
    def amplitude(self) -> float:
        """Half of the distance between peak and trough on the log scale."""
        return math.hypot(self.cosine, self.sine)

    @property
    def peak(self) -> float:
        """The day of the year of the peak, above 0 and up to 365.25."""
        turn = math.atan2(self.sine, self.cosine) / (2 * math.pi) % 1
        return turn * YEAR or YEAR

    def amplitude_interval(self, ci_level: float) -> tuple[float, float]:
        """Return the interval of the amplitude, whose lower limit is 0 where no cycle is told from none.

        An amplitude is a length: what is estimated without any cycle is above 0, and so are those of all resampled
        participants, so that their percentiles would never hold 0. The limits are the amplitudes at which what was
        estimated would lie at the end of what is drawn around them, in the direction of the estimate; at the upper
        end relative to what is drawn around 0, which no amplitude falls short of.

        Source: Davison and Hinkley 1997, section 5.3 (inversion of a bootstrap test); Read 2002 (the upper limit).
        """
        part = (1 - ci_level) / 2
        along = np.array([self.cosine, self.sine]) / (self.amplitude or 1.0)
        longer = np.hypot(*self.errors.T)
        found = max(self.amplitude, float(longer.min()))

        def at(amplitude: float) -> Array:
            return np.asarray(np.hypot(*(amplitude * along + self.errors).T))

        def above(amplitude: float) -> float:
            return float((at(amplitude) >= self.amplitude).mean()) - part

        def below(amplitude: float) -> float:
            return float((at(amplitude) <= found).mean() / (longer <= found).mean()) - part

        low = 0.0 if above(0.0) >= 0 else float(brentq(above, 0.0, self.amplitude + longer.max()))
        return low, float(brentq(below, 0.0, found + longer.max() + _LARGEST))

    def peak_interval(self, ci_level: float) -> tuple[float, float] | None:
        """Return the interval of the peak in days, which may pass the turn of the year; ``None`` if it is all of it."""
        drawn = np.array([self.cosine, self.sine]) + self.errors
        away = np.arctan2(drawn[:, 1], drawn[:, 0]) / (2 * math.pi) * YEAR - self.peak
        away = (away + YEAR / 2) % YEAR - YEAR / 2
        low, high = np.quantile(away, [(1 - ci_level) / 2, (1 + ci_level) / 2])
        return None if high - low > YEAR / 2 else (float(self.peak + low), float(self.peak + high))

    def share_of_peaks(self, first: float, last: float) -> float:
        """Return the share of the resampled peaks from the day ``first`` to ``last``, which may be past a new year."""
        drawn = np.array([self.cosine, self.sine]) + self.errors
        day = np.arctan2(drawn[:, 1], drawn[:, 0]) / (2 * math.pi) % 1 * YEAR
        after, before = day >= first - 0.5, day <= last + 0.5
        return float((after & before if first <= last else after | before).mean())


def resampled(influence: Array, variance: Array, replicates: int, rng: np.random.Generator) -> Array:
    """Return by how much two coefficients change in resampled participants (R x 2), of one step each.

    Participants are drawn with replacement; each draws its ``influence`` (G x 2) along. The errors have the
    ``variance`` (2 x 2) of the coefficients, which is wider than theirs where participants are few.

    Source: Davison and Hinkley 1997, section 2.7.2 (influence values); Hu and Kalbfleisch 2000 (of estimating
    functions).
    """
    people = len(influence)
    even = np.full(people, 1 / people)
    drawn = np.array([child.multinomial(people, even) @ influence for child in rng.spawn(replicates)])
    # The sum of all influences is 0, so that only how often each is drawn counts.
    own = np.linalg.cholesky(influence.T @ influence)
    wanted = np.linalg.cholesky(variance)
    return np.asarray(drawn @ np.linalg.inv(own).T @ wanted.T)
