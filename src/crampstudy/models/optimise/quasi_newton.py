"""The maximum of a likelihood from its gradient alone: BFGS to its neighbourhood, then Newton to rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import CURVED_TO

Objective = Callable[[Array], tuple[float, Array]]
"""Parameters (k,) to the log-likelihood and the clusters' scores (G x k)."""

_STEPS = 100
_FLAT = 1e-3
"""Smallest eigenvalue, relative to the diagonal, of a curvature that tells of every direction."""
_NEAR = 1e-12
"""Squared length of a step in standard errors below which the information is taken for that of the maximum."""
_WIDTH = 1e-3
"""Half the span of a difference, in standard errors."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Where the climb ended: parameters (k,), scores (G x k) and observed information (k x k) there.

    ``curvatures`` (G x k x k) are the clusters' parts of the information, where they are few.
    """

    at: Array
    value: float
    scores: Array
    information: Array
    iterations: int
    curvatures: Array | None = None


def maximise(objective: Objective, start: Array, reach: Callable[[Array], float]) -> Peak:
    """Climb from ``start`` (k,); no step has a ``reach`` above 1.

    Whether the top was reached is for the caller to judge, from scores and information.
    """
    widest = _WIDTH / np.array([max(reach(unit), 1e-12) for unit in np.eye(len(start))])
    at = start
    _, scores = objective(at)
    # How the scores vary between clusters is curvature enough to begin with, where they vary in every direction.
    curvature = scores.T @ scores
    if not _full(curvature):
        curvature, _ = _information(objective, at, np.minimum(widest, _WIDTH / _scale(np.diag(curvature))))
    return _polished(objective, _climbed(objective, at, _definite(curvature), reach), widest)


def held(objective: Objective, peak: Peak, index: int, value: float, reach: Callable[[Array], float]) -> float:
    """Return the highest likelihood with the parameter at ``index`` held at ``value``, from the ``peak`` of all."""
    rest = np.arange(len(peak.at)) != index
    block = peak.information[np.ix_(rest, rest)]

    def whole(others: Array) -> Array:
        return np.insert(others, index, value)

    def of_others(others: Array) -> tuple[float, Array]:
        found, scores = objective(whole(others))
        return found, scores[:, rest]

    def reach_of_others(step: Array) -> float:
        return reach(np.insert(step, index, 0.0))

    follow = -np.linalg.solve(block, peak.information[rest, index]) * (value - peak.at[index])
    follow /= max(1.0, reach_of_others(follow))
    return _climbed(of_others, peak.at[rest] + follow, _definite(block), reach_of_others).value


def _climbed(objective: Objective, at: Array, hessian: Array, reach: Callable[[Array], float]) -> Peak:
    """Climb by BFGS from a first ``hessian`` (k x k), minus the second derivative or near it."""
    value, scores = objective(at)
    steps = 0
    for steps in range(1, _STEPS + 1):  # noqa: B007 - the count is part of the result
        gradient = scores.sum(axis=0)
        step = np.linalg.solve(hessian, gradient)
        if not step @ gradient > _NEAR:
            break
        step /= max(1.0, reach(step))
        there, scores_there = objective(at + step)
        for _ in range(30):
            if there >= value - 1e-13 * abs(value):
                break
            step = step / 2
            there, scores_there = objective(at + step)
        else:
            break
        fall = gradient - scores_there.sum(axis=0)
        if fall @ step > 1e-12 * (step @ hessian @ step):
            pushed = hessian @ step
            hessian = hessian - np.outer(pushed, pushed) / (step @ pushed) + np.outer(fall, fall) / (fall @ step)
        at, value, scores = at + step, there, scores_there
    return Peak(at, value, scores, hessian, steps)


def _polished(objective: Objective, peak: Peak, widest: Array) -> Peak:
    at, value, scores, found, steps = peak.at, peak.value, peak.scores, peak.information, peak.iterations
    parts: Array | None = None
    for _ in range(10):
        found, parts = _information(objective, at, np.minimum(widest, _WIDTH / _scale(np.diag(found))))
        hill, gradient = _definite(found), scores.sum(axis=0)
        step = np.linalg.solve(hill, gradient)
        length = float(step @ gradient)
        there, scores_there = objective(at + step)
        rest = scores_there.sum(axis=0)
        steps += 1
        # So close to the top the value is flat to rounding: the gradient tells whether the step was good.
        if not np.linalg.solve(hill, rest) @ rest < length:
            break
        at, value, scores = at + step, there, scores_there
        if length < _NEAR:
            break
    return Peak(at, value, scores, found, steps, parts)


def _information(objective: Objective, at: Array, widths: Array) -> tuple[Array, Array | None]:
    """Return minus the second derivative (k x k), by central differences of the gradient over ``widths`` (k,).

    Of few clusters also their parts of it (G x k x k).
    """
    rows, parts = [], []
    for width, unit in zip(widths, np.eye(len(at)), strict=True):
        up, down = objective(at + width * unit)[1], objective(at - width * unit)[1]
        rows.append((down.sum(axis=0) - up.sum(axis=0)) / (2 * width))
        if len(up) <= CURVED_TO:
            parts.append((down - up) / (2 * width))
    made = np.array(rows)
    symmetric: Array = (made + made.T) / 2
    if not parts:
        return symmetric, None
    by_cluster = np.array(parts).transpose(1, 0, 2)
    return symmetric, (by_cluster + by_cluster.transpose(0, 2, 1)) / 2


def _scale(curvature: Array) -> Array:
    """Return the inverse of a parameter's standard error, the others given, from its ``curvature`` (k,)."""
    return np.sqrt(np.maximum(np.abs(np.nan_to_num(curvature)), 1e-12))


def _full(matrix: Array) -> bool:
    scale = _scale(np.diag(matrix))
    return bool(np.isfinite(matrix).all() and np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > _FLAT)


def _definite(matrix: Array) -> Array:
    """Return a positive definite matrix with the same axes, so that a step along it goes uphill."""
    if not np.isfinite(matrix).all():
        return np.eye(len(matrix))
    scale = _scale(np.diag(matrix))
    sizes, axes = np.linalg.eigh(matrix / np.outer(scale, scale))
    sizes = np.maximum(np.abs(sizes), 1e-10 * np.abs(sizes).max())
    made: Array = (axes * sizes) @ axes.T * np.outer(scale, scale)
    return made
