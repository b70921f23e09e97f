"""Scores of predicted counts, one a night: lower is better, and each is proper.

A prediction is a mean and a dispersion alpha, of a negative binomial with variance mean + alpha mean²; 0 is Poisson.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from crampstudy.arrays import Array

_NEARLY_POISSON = 1e-8
_TAIL = 1e-12
_BLOCK = 200_000
"""Nights whose distributions are in memory at once."""


def poisson_deviance(counts: Array, mean: Array) -> Array:
    """Return the unit deviance of each count: 2 (y log(y / mean) - y + mean)."""
    return np.asarray(2 * (special.xlogy(counts, counts / mean) - counts + mean))


def log_score(counts: Array, mean: Array, alpha: float = 0.0) -> Array:
    """Return minus the log of the probability that each count had."""
    if alpha < _NEARLY_POISSON:
        return np.asarray(mean - special.xlogy(counts, mean) + special.gammaln(counts + 1))
    size = 1 / alpha
    return np.asarray(
        special.betaln(size, counts + 1)
        + np.log(size + counts)
        - size * np.log(size / (size + mean))
        - special.xlogy(counts, mean / (size + mean))
    )


def crps(counts: Array, mean: Array, alpha: float = 0.0) -> Array:
    """Return the continuous ranked probability score of each count: the sum over k of (F(k) - [y <= k])².

    Source: Gneiting and Raftery 2007, 10.1198/016214506000001437; Wei and Held 2014, 10.1007/s11749-014-0380-8.
    """
    if alpha < _NEARLY_POISSON:
        below, at = special.pdtr(counts, mean), np.exp(-log_score(counts, mean))
        spread = special.ive(0, 2 * mean) + special.ive(1, 2 * mean)
        return np.asarray((counts - mean) * (2 * below - 1) + 2 * mean * at - mean * spread)
    parts = [
        _negative_binomial(counts[i : i + _BLOCK], mean[i : i + _BLOCK], 1 / alpha)
        for i in range(0, max(len(counts), 1), _BLOCK)
    ]
    return np.concatenate(parts)


def _negative_binomial(counts: Array, mean: Array, size: float) -> Array:
    chance = size / (size + mean)
    at = chance**size
    below, total = at.copy(), (at - (counts <= 0)) ** 2
    highest, k = (counts.max() if len(counts) else 0), 0
    # Beyond the highest count only the tail is left, whose square adds nothing once it is small.
    while len(counts) and (k < highest or float(np.max(1 - below)) ** 2 > _TAIL):
        k += 1
        at = at * (1 - chance) * (size + k - 1) / k
        below = np.minimum(below + at, 1.0)
        total += (below - (counts <= k)) ** 2
    return total


def dispersion(counts: Array, mean: Array) -> float:
    """Return the alpha that gives counts around their predictions the spread they have, at least 0."""
    return max(float(np.sum((counts - mean) ** 2 - mean) / np.sum(mean**2)), 0.0)
