"""Newton's method with halved steps, for likelihoods that are concave or nearly so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import Likelihood
from crampstudy.models.optimise.optimum import Optimum, failure, solve
from crampstudy.progress import track

STEPS = 100
_ROUNDING = 1e-13
"""A likelihood that falls by less than this share of itself does not fall: a last step halved for that loses digits."""


def maximise(likelihood: Likelihood, start: Array, uphill: Callable[[Array], Array] | None = None) -> Optimum:
    """Maximise a ``likelihood`` from ``start`` (k).

    Where the curvature has the wrong sign, the step is what ``uphill`` makes of the score; without it the climb ends.
    """
    theta, value, iterations = start, likelihood.value(start), 0
    score, information = likelihood.derivatives(theta)
    for iterations in track(iter(range(1, STEPS + 1)), "steps of the fit"):
        step = solve(information, score)
        if uphill is not None and (step is None or step @ score < 0):
            step = uphill(score)
        # What the next step would add is below rounding: looking there costs as much as any other step.
        if step is None or converged(step, theta):
            break
        before = value
        theta, value = backtrack(likelihood, theta, value, step)
        score, information = likelihood.derivatives(theta)
        # A first step may leave the value as it is to rounding, and yet be worth its digits.
        if value == before and iterations > 1:
            break
    return _optimum(theta, value, score, information, iterations)


def newton_refine(likelihood: Likelihood, optimum: Optimum) -> Optimum:
    """Take one more step where it lessens the score: rounding hides the last gain from the likelihood."""
    step = solve(optimum.information, optimum.gradient)
    if step is None:
        return optimum
    theta = optimum.theta + step
    score, information = likelihood.derivatives(theta)
    if not np.abs(score).max() < np.abs(optimum.gradient).max():
        return optimum
    return _optimum(theta, likelihood.value(theta), score, information, optimum.iterations)


def _optimum(theta: Array, value: float, score: Array, information: Array, iterations: int) -> Optimum:
    scores = score[None, :]
    return Optimum(theta, value, scores, information, iterations, failure(theta, scores, information))


def backtrack(likelihood: Likelihood, theta: Array, value: float, step: Array) -> tuple[Array, float]:
    """Take ``step`` from ``theta``, halved until it does not lower the ``value``; return the new place and its own."""
    for _ in range(30):
        there = likelihood.value(theta + step)
        if there >= value - _ROUNDING * abs(value):
            return theta + step, there
        step = step / 2
    return theta, value


def converged(step: Array, theta: Array) -> bool:
    """Say whether a step is below rounding."""
    return bool(np.max(np.abs(step)) <= 1e-12 * (1 + np.max(np.abs(theta))))
