"""Agreement of two readings of the same people: limits of agreement, and weighted kappa; numbers alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import quantile

Weights = Literal["quadratic", "linear", "none"]
_POWERS = {"quadratic": 2, "linear": 1}
COVERED = 0.95
"""Share of the differences that the limits of agreement hold."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its standard error and limits."""

    estimate: float
    std_error: float
    ci_low: float
    ci_high: float


def limits_of_agreement(differences: Array, ci_level: float) -> tuple[Measured, Measured, Measured]:
    """Return the mean of n > 1 differences, and the lower and the upper limit between which 95 % of them lie.

    Each has a t interval with n - 1 degrees of freedom; the variance of a limit is that of the mean plus that of the
    standard deviation.

    Source: Bland and Altman 1999, 10.1177/096228029900800204, section 2.2.
    """
    n, mean, spread = len(differences), float(differences.mean()), float(differences.std(ddof=1))
    z, t = NormalDist().inv_cdf((1 + COVERED) / 2), quantile(ci_level, n - 1)
    of_mean = spread / math.sqrt(n)
    of_limit = spread * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    made = ((mean, of_mean), (mean - z * spread, of_limit), (mean + z * spread, of_limit))
    bias, low, high = (Measured(value, error, value - t * error, value + t * error) for value, error in made)
    return bias, low, high


def weighted_kappa(table: Array, weights: Weights, ci_level: float) -> Measured | None:
    """Return Cohen's weighted kappa of a table of counts (k, k), or the plain agreement beyond chance without weights.

    The standard error is the large-sample one that does not take kappa to be 0, the interval a normal one. ``None``
    where all are in one and the same class, so that there is no agreement beyond chance to speak of.

    Source: Fleiss, Cohen and Everitt 1969, 10.1037/h0028106.
    """
    n, k = float(table.sum()), len(table)
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    w = np.where(apart == 0, 1.0, 0.0) if weights == "none" else 1 - (apart / (k - 1)) ** _POWERS[weights]
    observed, expected = float((w * p).sum()), float((w * np.outer(rows, columns)).sum())
    if math.isclose(expected, 1.0):
        return None
    kappa = (observed - expected) / (1 - expected)
    means = (w @ columns)[:, None] + (rows @ w)[None, :]
    inner = (p * (w - means * (1 - kappa)) ** 2).sum() - (kappa - expected * (1 - kappa)) ** 2
    error = math.sqrt(max(float(inner), 0.0) / n) / (1 - expected)
    half = NormalDist().inv_cdf((1 + ci_level) / 2) * error
    return Measured(kappa, error, kappa - half, kappa + half)
