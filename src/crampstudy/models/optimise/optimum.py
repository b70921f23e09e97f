"""Where a maximiser ended, and the guards that say whether that may be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array

EIGENVALUE = 1e-9
"""Smallest eigenvalue of an information matrix scaled to a diagonal of ones that counts as positive definite."""
SCORE = 1e-5
"""Largest score, in units of its standard error, that counts as zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The end of a maximisation: parameters ``theta`` (k) and the log-likelihood ``value`` there.

    ``scores`` (any rows x k) add up to the gradient; ``information`` (k x k) is minus the second derivative.
    ``reason`` says why this is no maximum, ``None`` where it is one. ``curvatures`` (G x k x k) are the clusters' parts
    of the information, where they were asked for and are known.
    """

    theta: Array
    value: float
    scores: Array
    information: Array
    iterations: int
    reason: str | None
    curvatures: Array | None = None

    @property
    def gradient(self) -> Array:
        """The first derivative (k) of the log-likelihood."""
        total: Array = self.scores.sum(axis=0)
        return total

    @property
    def converged(self) -> bool:
        """Whether this is a maximum."""
        return self.reason is None


def solve(matrix: Array, right: Array) -> Array | None:
    """Solve a linear system; ``None`` where it is singular or its solution not finite."""
    try:
        solution: Array = np.linalg.solve(matrix, right).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return solution if np.all(np.isfinite(solution)) else None


def failure(theta: Array, scores: Array, information: Array) -> str | None:
    """Return why ``theta`` is no maximum, or ``None``; ``scores`` (any rows x k) must sum to zero."""
    if not (np.all(np.isfinite(theta)) and np.all(np.isfinite(information))):
        return "the coefficients are not finite"
    scale = np.sqrt(np.maximum(np.diag(information), 0))
    if not definite(information):
        return "the information matrix is singular"
    # In units of standard errors, so that the scaling of a column does not matter.
    if not np.max(np.abs(scores.sum(axis=0)) / scale) <= SCORE:
        return "the search for the best fit did not settle"
    return None


def definite(information: Array) -> bool:
    """Say whether a matrix, scaled to a diagonal of ones, is positive definite beyond rounding."""
    scale = np.sqrt(np.maximum(np.diag(information), 0))
    return bool(np.all(scale > 0) and np.linalg.eigvalsh(information / np.outer(scale, scale))[0] >= EIGENVALUE)
