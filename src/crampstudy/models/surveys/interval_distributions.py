"""Laws of a count of which only an interval is known: its chance, and how that moves with mean and dispersion.

Sums of single counts on the log scale keep the digits of the far tails, which differences of two distribution
functions would lose. The products in the laws are written so that a dispersion of 0 is no special case:
there the counts are Poisson or binomial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError

Part = tuple[Array, Array, Array]
"""Of r rows: the log of the chance, and its derivatives in the log mean and in the dispersion."""

WIDEST = 10_000
"""More single counts than that are not summed."""
_FAR = 1e-5
"""An open interval with less than this chance is summed itself, since the rest would leave it too few digits."""
_SERIES = 1e-3
"""Below this a series has more digits than the function."""
_LEFT = 1e-17
"""The share of a sum that cannot be seen."""
_CUT = 60.0
"""Minus the log of what is left out."""
_NO_SPREAD = 1e-6
"""Below this dispersion what it does to chances is a straight line."""
_CELLS = 2_000_000
"""Rows times rates that are held at once."""


class Distribution(Protocol):
    """A law of counts with log means ``eta`` (r,) and one ``dispersion`` of at least 0."""

    def interval(self, eta: Array, dispersion: float, low: float, high: float) -> Part:
        """Return what is known of the interval from ``low`` to ``high``, both inside; ``high`` may be infinite."""


@dataclass(frozen=True, slots=True)
class NegativeBinomial:
    """NB2: mean exp(eta), variance mean + dispersion mean^2."""

    def interval(self, eta: Array, dispersion: float, low: float, high: float) -> Part:
        """Return the chance of the interval with its derivatives.

        Raises:
            AnalysisError: the interval holds too many counts.
        """
        eta = np.clip(eta, -700, 30)
        if np.isfinite(high):
            return _summed(self._counts(eta, dispersion, low, high))
        if low == 0:
            return np.zeros(len(eta)), np.zeros(len(eta)), np.zeros(len(eta))
        log_below, *slopes_below = _summed(self._counts(eta, dispersion, 0, low - 1))
        with np.errstate(divide="ignore"):
            value = np.log(-np.expm1(np.minimum(log_below, 0.0)))
        far = value < np.log(_FAR)
        odds = np.exp(log_below - np.where(far, 0.0, value))
        made = [value, -odds * slopes_below[0], -odds * slopes_below[1]]
        if far.any():
            for part, found in zip(made, self._tail(eta[far], dispersion, low), strict=True):
                part[far] = found
        return made[0], made[1], made[2]

    def _tail(self, eta: Array, dispersion: float, low: float) -> Part:
        """Sum from ``low`` on until what is left cannot be seen."""
        many = 64
        while True:
            terms = self._counts(eta, dispersion, low, low + many - 1)
            last, before = terms[0][:, -1], terms[0][:, -2]
            # Beyond the mode each ratio of neighbours is below the one before it, or below its limit mu / (mu + theta).
            mu = dispersion * np.exp(eta)
            ratio = np.maximum(np.exp(last - before), mu / (1 + mu))
            total = special.logsumexp(terms[0], axis=1)
            left = last - np.log1p(-np.minimum(ratio, 1 - 1e-12))
            # Only a dispersion far above any estimate, in the thousands, needs more than the widest.
            if many >= WIDEST or np.all((ratio < 1) & (left < total + np.log(_LEFT))):
                return _summed(terms)
            many = min(4 * many, WIDEST)

    def _counts(self, eta: Array, dispersion: float, low: float, high: float) -> Part:
        """Return :data:`Part` of each count from ``low`` to ``high`` (r x counts)."""
        y = _range(low, high)
        j = np.arange(high)
        sums = np.concatenate([[0.0], np.cumsum(np.log1p(dispersion * j))])[int(low) :]
        slopes = np.concatenate([[0.0], np.cumsum(j / (1 + dispersion * j))])[int(low) :]
        mu = np.exp(eta)[:, None]
        t = dispersion * mu
        # log(1 + a mu) / a and minus its derivative in a, by their series where a mu is small.
        small = t < _SERIES
        safe = np.where(small, 1.0, t)
        zero = mu * np.where(
            small, 1 - t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t / 6)))), np.log1p(safe) / safe
        )
        fall = mu**2 * np.where(
            small,
            1 / 2 - t * (2 / 3 - t * (3 / 4 - t * (4 / 5 - t * (5 / 6 - t * 6 / 7)))),
            (np.log1p(safe) - safe / (1 + safe)) / safe**2,
        )
        value = sums - special.gammaln(y + 1) + y * (eta[:, None] - np.log1p(t)) - zero
        return value, (y - mu) / (1 + t), slopes + fall - y * mu / (1 + t)


@dataclass(frozen=True, slots=True)
class CrampNights:
    """Nights with a cramp out of ``trials``, of the persons whose cramps are :class:`NegativeBinomial`.

    A person's rate is gamma with mean exp(eta) and relative variance ``dispersion``; given it cramps come at random,
    and a night with at least one counts once. Integrated over the persons by the trapezium rule on the log scale,
    which is exact to rounding there.
    """

    trials: int

    def interval(self, eta: Array, dispersion: float, low: float, high: float) -> Part:
        """Return the chance of the interval with its derivatives; what lies above ``trials`` cannot be.

        Raises:
            AnalysisError: the whole interval lies above ``trials``.
        """
        if low > self.trials:
            raise AnalysisError(
                f"an answer of at least {low:g} cannot be among {self.trials} nights; leave out at_most or raise it"
            )
        eta = np.clip(eta, -300, np.log(self.trials * 500.0))
        if dispersion < _NO_SPREAD:
            value, in_eta, in_dispersion = self._alike(eta, low, high)
            return value + dispersion * in_dispersion, in_eta, in_dispersion
        chance, in_eta, in_dispersion = self._mixed(eta, dispersion, low, high)
        if low == 0:
            # Persons whose rate is next to nothing are all in here, and the grid need not reach down to them.
            rest, rest_eta, rest_dispersion = self._mixed(eta, dispersion, high + 1, self.trials)
            most = rest < 1 - _FAR
            chance = np.where(most, 1 - rest, chance)
            in_eta = np.where(most, -rest_eta, in_eta)
            in_dispersion = np.where(most, -rest_dispersion, in_dispersion)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(chance), in_eta / chance, in_dispersion / chance

    def _mixed(self, eta: Array, dispersion: float, low: float, high: float) -> Part:
        """Return chances and their derivatives, none on the log scale; exact where ``low`` is above 0."""
        shape = 1 / dispersion
        below, above = _reach(shape)
        step = min(0.12, 0.3 / np.sqrt(shape))
        start, end = eta.min() + below, eta.max() + above
        # One grid of rates for all rows: what a rate implies is worked out once.
        grid = start + step * np.arange(int(np.ceil((end - start) / step)) + 1)
        within = self._given(np.exp(grid) / self.trials, low, high)
        made = [np.empty(len(eta)), np.empty(len(eta)), np.empty(len(eta))]
        for rows in np.array_split(np.arange(len(eta)), max(1, len(eta) * len(grid) // _CELLS)):
            t = grid - eta[rows, None]
            rise = np.expm1(t)
            weight = np.exp(shape * (t - rise))
            in_shape = t - rise
            if shape > 1:
                # The grid holds everybody: the weights sum to 1, which keeps more digits than the gamma function.
                weight /= weight.sum(axis=1, keepdims=True)
                in_shape -= (weight * in_shape).sum(axis=1, keepdims=True)
            else:
                weight *= step * np.exp(shape * np.log(shape) - shape - special.gammaln(shape))
                in_shape += np.log(shape) - special.digamma(shape)
            made[0][rows] = weight @ within
            # By parts: the mean moves the persons, not the chance of a person.
            made[1][rows] = shape * ((weight * rise) @ within)
            made[2][rows] = -(shape**2) * ((weight * in_shape) @ within)
        return made[0], made[1], made[2]

    def _given(self, rate: Array, low: float, high: float) -> Array:
        """Return the chance of the interval at cramps per night ``rate`` (any shape)."""
        within, n = np.empty_like(rate), self.trials
        # From the side on which the chances are small, whose difference keeps its digits.
        rare = rate < np.log(2)
        p, q = -np.expm1(-rate[rare]), np.exp(-rate[~rare])
        within[rare] = _at_least(n, low, p) - _at_least(n, high + 1, p)
        within[~rare] = _at_least(n, n - high, q) - _at_least(n, n - low + 1, q)
        return within

    def _alike(self, eta: Array, low: float, high: float) -> Part:
        """Return the binomial, and how it begins to change when persons begin to differ."""
        n = self.trials
        y = np.arange(low, min(high, n) + 1)
        rate = np.exp(eta)[:, None] / n
        ways = special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1)
        value = ways + special.xlogy(y, -np.expm1(-rate)) - (n - y) * rate
        odds = rate / np.expm1(rate)
        first = y * odds - (n - y) * rate
        second = first - y * odds**2 * np.exp(rate)
        return _summed((value, first, (first**2 + second - first) / 2))


def _at_least(trials: int, k: float, p: Array) -> Array:
    """Return the chance of ``k`` or more out of ``trials``."""
    if k <= 0:
        return np.ones_like(p)
    if k > trials:
        return np.zeros_like(p)
    found: Array = special.betainc(k, trials - k + 1, p)
    return found


def _reach(shape: float) -> tuple[float, float]:
    """Return between which logs of multiples of the mean rate gamma persons lie, but for a negligible few."""
    cut = 1 + _CUT / shape
    low, high = (-cut - float(special.lambertw(-np.exp(-cut), branch).real) for branch in (0, -1))
    # Far down a person has no cramp whatever the rate; exp(-cut) of a small shape is below all numbers.
    return max(low, -40.0), high if np.isfinite(high) else float(np.log(cut + np.log(cut) + 1))


def _range(low: float, high: float) -> Array:
    if high - low >= WIDEST:
        raise AnalysisError(f"the interval from {low:g} to {high:g} holds more than {WIDEST:,} counts; leave it open")
    return np.arange(low, high + 1, dtype=np.float64)


def _summed(terms: Part) -> Part:
    """Add single counts (r x counts) up: log chances are summed as chances, derivatives by their weights."""
    value, in_eta, in_dispersion = terms
    top = value.max(axis=1, keepdims=True)
    weight = np.exp(value - top)
    total = weight.sum(axis=1, keepdims=True)
    weight /= total
    return (
        (top + np.log(total))[:, 0],
        np.einsum("ij,ij->i", weight, in_eta),
        np.einsum("ij,ij->i", weight, in_dispersion),
    )
