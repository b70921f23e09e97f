"""Trust-region, saddle-free Newton: the maximum of a likelihood that need not be concave, from second derivatives.

Where the curvature has the wrong sign along an axis a step follows the slope there, which leads away from saddle
points (Dauphin et al. 2014); no step moves a linear predictor far. Near the maximum it is Newton's method.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import PointwiseDerivatives, PointwiseLikelihood
from crampstudy.models.optimise.optimum import Optimum, failure, solve

MOST = 200
"""Evaluations of a likelihood within which a climb ends; one that has an end rarely needs 30."""
_NEAR = 1e-16
"""Squared length of a step in standard errors that is below rounding."""
_LEVEL = 1e-8
"""One after which the value rises no more than by its square, which is below rounding."""
_RADIUS = 2.0
"""Farthest that one step may move a linear predictor."""
_MOVING = 1e-3
"""A step that still moves a predictor by this much is not at the maximum, however flat the likelihood."""
_FAR = 10.0
_LAST = 3
"""Newton's steps that are enough once they are short: where more are needed there is no maximum."""
_SHORT = 1e-9
_SAME = 0.05
"""A climb that comes this near to a known maximum, in every linear predictor, would end there."""


def multistart(likelihood: PointwiseLikelihood, starts: Iterable[Array], most: int = MOST) -> list[Optimum]:
    """Return the optima to which the ``starts`` lead within ``most`` evaluations each, each once."""
    optima: list[Optimum] = []
    for start in starts:
        found = maximise(likelihood, start, optima, most)
        if found not in optima:
            optima.append(found)
    return optima


def maximise(likelihood: PointwiseLikelihood, start: Array, known: Sequence[Optimum] = (), most: int = MOST) -> Optimum:
    """Maximise a ``likelihood`` from ``start`` (k).

    A climb that leads to one of the ``known`` optima returns that. One that has found no end when the likelihood was
    evaluated ``most`` times stops there: what is so ill-conditioned takes minutes and has no answer.
    """
    climb = _climb(likelihood, start, known, most, _NEAR)
    if climb.same:
        return climb.same
    designs, weights, theta, here = likelihood.designs, likelihood.weights, climb.theta, climb.here
    spent = f"there was no maximum within {most} evaluations of the likelihood" if climb.left <= 0 else None
    scores = np.hstack([design * (weights * d)[:, None] for design, d in zip(designs, here.first, strict=True)])
    information = _derivatives(designs, weights, here)[1]
    reason = _failure(likelihood, theta, scores, information, spent)
    return Optimum(theta, climb.value, scores, information, climb.steps, reason)


def height(likelihood: PointwiseLikelihood, start: Array) -> float:
    """Return the value of a ``likelihood`` at the maximum to which ``start`` (k) leads, to its rounding.

    What is missing is of the fourth power of the last step, so that it needs fewer than the maximum itself.
    """
    return _climb(likelihood, start, (), MOST, _LEVEL).value


@dataclass(frozen=True, slots=True)
class _Climb:
    """Where a climb ended: ``theta``, its ``value`` and derivatives, and of so many ``steps`` how many were ``left``.

    ``same`` is a known optimum to which it leads.
    """

    theta: Array
    value: float
    here: PointwiseDerivatives
    steps: int
    left: int
    same: Optimum | None = None


def _climb(likelihood: PointwiseLikelihood, start: Array, known: Sequence[Optimum], most: int, near: float) -> _Climb:
    """Climb until a step's squared length in standard errors is below ``near``."""
    designs, weights = likelihood.designs, likelihood.weights
    theta, steps, short, left = start, 0, 0, most
    here = likelihood.pointwise(_predictors(designs, theta))
    value = float(weights @ here.value)
    while left > 0:
        steps += 1
        gradient, information = _derivatives(designs, weights, here)
        if not (np.isfinite(gradient).all() and np.isfinite(information).all()):
            break
        step = saddle_free_step(information, gradient)
        length = float(step @ gradient)
        step /= max(1.0, _step_norm(designs, step) / _RADIUS)
        there = likelihood.pointwise(_predictors(designs, theta + step))
        reached = float(weights @ there.value)
        left -= 1
        for _ in range(40):
            # So close to the maximum the value is flat to rounding.
            if reached >= value - 1e-13 * abs(value):
                break
            step, left = step / 2, left - 1
            there = likelihood.pointwise(_predictors(designs, theta + step))
            reached = float(weights @ there.value)
        else:
            break
        theta, value, here = theta + step, reached, there
        if same := _leads_to(known, designs, theta, value):
            return _Climb(theta, value, here, steps, left, same)
        short += length < _SHORT
        if length < near or short > _LAST:
            break
    return _Climb(theta, value, here, steps, left)


def curvatures(likelihood: PointwiseLikelihood, theta: Array, groups: NDArray[np.intp], clusters: int) -> Array:
    """Return the clusters' parts (G x k x k) of the observed information; ``groups`` (n) are codes."""
    designs, here = likelihood.designs, likelihood.pointwise(_predictors(likelihood.designs, theta))
    parts = np.zeros((clusters, len(theta), len(theta)))
    for g in np.unique(groups):
        rows = groups == g
        own = PointwiseDerivatives(
            here.value[rows], tuple(d[rows] for d in here.first), tuple(d[rows] for d in here.second)
        )
        parts[g] = _derivatives([design[rows] for design in designs], likelihood.weights[rows], own)[1]
    return parts


def saddle_free_step(information: Array, gradient: Array) -> Array:
    """Return Newton's step with the sizes of the curvatures in the place of the curvatures: |H|^-1 g.

    Source: Dauphin et al. 2014.
    """
    scale = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    sizes, axes = np.linalg.eigh(information / np.outer(scale, scale))
    sizes = np.maximum(np.abs(sizes), 1e-10 * np.abs(sizes).max())
    step: Array = axes @ (axes.T @ (gradient / scale) / sizes) / scale
    return step


def _leads_to(known: Sequence[Optimum], designs: Sequence[Array], theta: Array, value: float) -> Optimum | None:
    for optimum in known:
        near = _step_norm(designs, theta - optimum.theta) < _SAME
        if near and value <= optimum.value + _NEAR * abs(value):
            return optimum
    return None


def _predictors(designs: Sequence[Array], theta: Array) -> list[Array]:
    return [design @ part for design, part in zip(designs, _parts(designs, theta), strict=True)]


def _parts(designs: Sequence[Array], theta: NDArray[Any]) -> list[NDArray[Any]]:
    return np.split(theta, np.cumsum([design.shape[1] for design in designs])[:-1])


def _derivatives(designs: Sequence[Array], weights: Array, here: PointwiseDerivatives) -> tuple[Array, Array]:
    """Return the gradient (k) and the information (k x k): sums over rows of X_i' d and -X_i' d_ij X_j."""
    gradient = np.concatenate([design.T @ (weights * d) for design, d in zip(designs, here.first, strict=True)])
    pairs = iter(here.second)
    rows: list[list[Array]] = [[np.empty(0)] * len(designs) for _ in designs]
    for i in range(len(designs)):
        for j in range(i, len(designs)):
            rows[i][j] = -(designs[i] * (weights * next(pairs))[:, None]).T @ designs[j]
            rows[j][i] = rows[i][j].T
    return gradient, np.block(rows)


def _step_norm(designs: Sequence[Array], step: Array) -> float:
    """Return how far a step moves a linear predictor at most."""
    return max(float(np.abs(moved).max(initial=0.0)) for moved in _predictors(designs, step))


def _failure(
    likelihood: PointwiseLikelihood, theta: Array, scores: Array, information: Array, spent: str | None
) -> str | None:
    designs = likelihood.designs
    found = failure(theta, scores, information)
    if found is None:
        step = solve(information, scores.sum(axis=0))
        if step is None or _step_norm(designs, step) > _MOVING:
            found = "the likelihood still rises, ever more slowly"
    found = found and (spent or found)
    variance = np.zeros_like(information) if found else np.linalg.inv(information)
    own = _parts(designs, np.arange(len(theta)))
    parts = zip(likelihood.names, designs, _parts(designs, theta), own, strict=True)
    for name, design, part, where in reversed(list(parts)):
        far = design[np.abs(design @ part) > _FAR]
        if not len(far):
            continue
        # A predictor that is all but infinite, and known no better than that.
        block = variance[np.ix_(where, where)]
        if found or (np.einsum("ij,jk,ik->i", far, block, far) > (far @ part) ** 2).any():
            return f"{name} runs off to 0 or infinity on some nights: no finite estimate exists"
    return found
