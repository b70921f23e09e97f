"""Intervals of a directly standardised rate of few events, which are taken to come independently of one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from crampstudy.errors import UsageError

Method = Literal["gamma", "dobson", "log"]
METHODS: tuple[Method, ...] = ("gamma", "dobson", "log")
"""Fay and Feuer's, Dobson's from Byar's limits of the number of events, and the normal one on the log scale."""


def standardised_interval(
    events: Sequence[int],
    person_time: Sequence[float],
    weights: Sequence[float],
    method: Method,
    ci_level: float = 0.95,
) -> tuple[float, float, float]:
    """Return a directly standardised rate per unit of person-time with its limits.

    Args:
        events: in each group (k); counts of a Poisson law.
        person_time: of each group (k).
        weights: shares of the standard population (k), made to sum to 1.
        method: one of :data:`METHODS`.
        ci_level: confidence level.

    Raises:
        UsageError: the method is none of these, the groups do not match, or a group has no person-time.

    Source: Fay and Feuer 1997 (gamma); Dobson et al. 1991; Breslow and Day 1987, equation 2.13 (Byar).
    """
    if method not in METHODS:
        raise UsageError(f"no interval {method!r} of few events; allowed: {', '.join(METHODS)}")
    counts, time, shares = (np.asarray(each, dtype=float) for each in (events, person_time, weights))
    if not len(counts) == len(time) == len(shares) or (time <= 0).any():
        raise UsageError("each group has a number of events, a person-time above 0 and a weight")
    each = shares / shares.sum() / time
    rate, variance, total = float(each @ counts), float(each**2 @ counts), float(counts.sum())
    tail = (1 - ci_level) / 2
    if method == "gamma":
        largest = float(each.max())
        low = stats.gamma.ppf(tail, rate**2 / variance, scale=variance / rate) if total else 0.0
        above, spread = rate + largest, variance + largest**2
        return rate, float(low), float(stats.gamma.ppf(1 - tail, above**2 / spread, scale=spread / above))
    if not total:
        raise UsageError(f"without an event there is no interval by {method}; take gamma")
    if method == "log":
        half = float(stats.norm.ppf(1 - tail)) * math.sqrt(variance) / rate
        return rate, rate * math.exp(-half), rate * math.exp(half)
    z, step = float(stats.norm.ppf(1 - tail)), math.sqrt(variance / total)
    low, high = (rate + step * (limit - total) for limit in (_byar(total, -z), _byar(total + 1, z)))
    return rate, low, high


def _byar(count: float, z: float) -> float:
    """Return Byar's approximation to the exact limit of a Poisson count."""
    return float(count * (1 - 1 / (9 * count) + z / (3 * math.sqrt(count))) ** 3)
