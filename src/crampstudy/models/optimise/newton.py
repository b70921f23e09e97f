"""Newton's method with halved steps, for likelihoods that are concave or nearly so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import ExpandedLikelihood, Likelihood
from crampstudy.models.optimise.optimum import Optimum, failure, solve
from crampstudy.progress import track

STEPS = 100
_ROUNDING = 1e-13
"""A likelihood that falls by less than this share of itself does not fall: a last step halved for that loses digits."""


def maximise(likelihood: Likelihood, start: Array, uphill: Callable[[Array], Array] | None = None) -> Optimum:
    """Maximise a ``likelihood`` from ``start`` (k).

    Where the curvature has the wrong sign, the step is what ``uphill`` makes of the score; without it the climb ends.
    """
    theta, iterations = start, 0
    value, score, information = _expansion(likelihood, start)
    for iterations in track(iter(range(1, STEPS + 1)), "steps of the fit"):
        step = solve(information, score)
        if uphill is not None and (step is None or step @ score < 0):
            step = uphill(score)
        # What the next step would add is below rounding: looking there costs as much as any other step.
        if step is None or converged(step, theta):
            break
        before = value
        theta, value, score, information = _beyond(likelihood, theta, value, step)
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


def _expansion(likelihood: Likelihood, theta: Array) -> tuple[float, Array, Array]:
    if isinstance(likelihood, ExpandedLikelihood):
        return likelihood.expansion(theta)
    return likelihood.value(theta), *likelihood.derivatives(theta)


def _beyond(likelihood: Likelihood, theta: Array, value: float, step: Array) -> tuple[Array, float, Array, Array]:
    """Return where :func:`backtrack` leads, and the likelihood there; nearly always that is a whole step away."""
    if isinstance(likelihood, ExpandedLikelihood):
        there, score, information = likelihood.expansion(theta + step)
        if not _falls(there, value):
            return theta + step, there, score, information
        step = step / 2
    theta, value = backtrack(likelihood, theta, value, step)
    return theta, value, *likelihood.derivatives(theta)


def backtrack(likelihood: Likelihood, theta: Array, value: float, step: Array) -> tuple[Array, float]:
    """Take ``step`` from ``theta``, halved until it does not lower the ``value``; return the new place and its own."""
    for _ in range(30):
        there = likelihood.value(theta + step)
        if not _falls(there, value):
            return theta + step, there
        step = step / 2
    return theta, value


def _falls(there: float, value: float) -> bool:
    # What is no number falls, too.
    return not there >= value - _ROUNDING * abs(value)


def converged(step: Array, theta: Array) -> bool:
    """Say whether a step is below rounding."""
    return bool(np.max(np.abs(step)) <= 1e-12 * (1 + np.max(np.abs(theta))))
