"""Newton's method with halved steps, and the guard that says whether its end may be believed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crampstudy.arrays import Array

STEPS = 100
EIGENVALUE = 1e-9
"""Smallest eigenvalue of an information matrix scaled to a diagonal of ones that counts as positive definite."""
SCORE = 1e-5
"""Largest score, in units of its standard error, that counts as zero."""


def climb(
    at: Array, likelihood: Callable[[Array], float], derivatives: Callable[[Array], tuple[Array, Array]]
) -> tuple[Array, int]:
    """Maximise a concave ``likelihood`` from ``at`` (length p).

    ``derivatives`` gives the score (p) and the information (p x p). Returns where it stopped and the number of
    steps; :func:`problem` tells whether that is the maximum.
    """
    value, iterations = -np.inf, 0
    for iterations in range(1, STEPS + 1):  # noqa: B007 - the count is part of the result
        score, information = derivatives(at)
        step = solve(information, score)
        if step is None:
            break
        before = value
        at, value = halved(at, step, likelihood)
        if still(step, at) or value == before:
            break
    return at, iterations


def halved(at: Array, step: Array, likelihood: Callable[[Array], float]) -> tuple[Array, float]:
    """Take ``step``, halved until it does not lower the likelihood; return the new place and its value."""
    here = likelihood(at)
    for _ in range(30):
        there = likelihood(at + step)
        if there >= here:
            return at + step, there
        step = step / 2
    return at, here


def still(step: Array, at: Array) -> bool:
    """Say whether a step is below rounding."""
    return bool(np.max(np.abs(step)) <= 1e-12 * (1 + np.max(np.abs(at))))


def solve(matrix: Array, right: Array) -> Array | None:
    """Solve a linear system; ``None`` where it is singular or its solution not finite."""
    try:
        solution: Array = np.linalg.solve(matrix, right).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return solution if np.all(np.isfinite(solution)) else None


def problem(b: Array, scores: Array, information: Array) -> str | None:
    """Return why coefficients are no solution, or ``None``; ``scores`` (any rows x p) must sum to zero."""
    if not (np.all(np.isfinite(b)) and np.all(np.isfinite(information))):
        return "the coefficients are not finite"
    scale = np.sqrt(np.maximum(np.diag(information), 0))
    if np.any(scale <= 0) or np.linalg.eigvalsh(information / np.outer(scale, scale))[0] < EIGENVALUE:
        return "the information matrix is singular"
    # In units of standard errors, so that the scaling of a column does not matter.
    if not np.max(np.abs(scores.sum(axis=0)) / scale) <= SCORE:
        return "the score did not reach zero"
    return None
