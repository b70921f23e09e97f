"""The maximum of a likelihood from its gradient alone: BFGS to its neighbourhood, then Newton to rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import ScoredLikelihood
from crampstudy.models.optimise.optimum import Optimum, failure
from crampstudy.progress import track

_STEPS = 100
_FLAT = 1e-3
"""Smallest eigenvalue, relative to the diagonal, of a curvature that tells of every direction."""
_NEAR = 1e-12
"""Squared length of a step in standard errors below which the information is taken for that of the maximum."""
_WIDTH = 1e-3
"""Half the span of a difference, in standard errors."""


def maximise(likelihood: ScoredLikelihood, start: Array, parts_up_to: int = 0) -> Optimum:
    """Climb from ``start`` (k); no step has a norm above 1.

    Of so few clusters, ``parts_up_to``, the optimum has the curvatures too.
    """
    widest = _WIDTH / np.array([max(likelihood.step_norm(unit), 1e-12) for unit in np.eye(len(start))])
    scores = likelihood(start)[1]
    # How the scores vary between clusters is curvature enough to begin with, where they vary in every direction.
    curvature = scores.T @ scores
    if not _full(curvature):
        widths = np.minimum(widest, _WIDTH / _scale(np.diag(curvature)))
        curvature = _information(likelihood, start, widths, 0)[0]
    return _newton_refine(likelihood, _bfgs(likelihood, start, _definite(curvature)), widest, parts_up_to)


def maximise_holding(likelihood: ScoredLikelihood, optimum: Optimum, index: int, value: float) -> float:
    """Return the highest likelihood with the parameter at ``index`` held at ``value``, from the ``optimum`` of all."""
    rest = np.arange(len(optimum.theta)) != index
    block = optimum.information[np.ix_(rest, rest)]
    held = _Held(likelihood, rest, index, value)
    follow = -np.linalg.solve(block, optimum.information[rest, index]) * (value - optimum.theta[index])
    follow /= max(1.0, held.step_norm(follow))
    return _bfgs(held, optimum.theta[rest] + follow, _definite(block)).value


@dataclass(frozen=True, slots=True)
class _Held:
    """A likelihood of the ``others`` (k flags) with the parameter at ``index`` held at ``value``."""

    likelihood: ScoredLikelihood
    others: Array
    index: int
    value: float

    def __call__(self, theta: Array) -> tuple[float, Array]:
        found, scores = self.likelihood(np.insert(theta, self.index, self.value))
        return found, scores[:, self.others]

    def step_norm(self, step: Array) -> float:
        return self.likelihood.step_norm(np.insert(step, self.index, 0.0))


def _bfgs(likelihood: ScoredLikelihood, theta: Array, information: Array) -> Optimum:
    """Climb by BFGS from theta (k) and a first ``information`` B (k x k), minus the second derivative or near it.

    With s a step and y the fall of the gradient along it, B gains y y' / (y's) - B s s' B / (s' B s).

    Source: Nocedal and Wright 2006, section 6.1.
    """
    value, scores = likelihood(theta)
    steps = 0
    for steps in track(iter(range(1, _STEPS + 1)), "steps of the fit"):  # noqa: B007 - the count is a result
        gradient = scores.sum(axis=0)
        step = np.linalg.solve(information, gradient)
        if not step @ gradient > _NEAR:
            break
        step /= max(1.0, likelihood.step_norm(step))
        there, scores_there = likelihood(theta + step)
        for _ in range(30):
            if there >= value - 1e-13 * abs(value):
                break
            step = step / 2
            there, scores_there = likelihood(theta + step)
        else:
            break
        y = gradient - scores_there.sum(axis=0)
        if y @ step > 1e-12 * (step @ information @ step):
            b_s = information @ step
            information = information - np.outer(b_s, b_s) / (step @ b_s) + np.outer(y, y) / (y @ step)
        theta, value, scores = theta + step, there, scores_there
    return Optimum(theta, value, scores, information, steps, None)


def _newton_refine(likelihood: ScoredLikelihood, optimum: Optimum, widest: Array, parts_up_to: int) -> Optimum:
    """Take Newton's steps from differences of the gradient while they shorten it, and judge where they end."""
    theta, value, scores, found = optimum.theta, optimum.value, optimum.scores, optimum.information
    steps, parts = optimum.iterations, None
    for _ in range(10):
        widths = np.minimum(widest, _WIDTH / _scale(np.diag(found)))
        found, parts = _information(likelihood, theta, widths, parts_up_to)
        information, gradient = _definite(found), scores.sum(axis=0)
        step = np.linalg.solve(information, gradient)
        length = float(step @ gradient)
        there, scores_there = likelihood(theta + step)
        rest = scores_there.sum(axis=0)
        steps += 1
        # So close to the maximum the value is flat to rounding: the gradient tells whether the step was good.
        if not np.linalg.solve(information, rest) @ rest < length:
            break
        theta, value, scores = theta + step, there, scores_there
        if length < _NEAR:
            break
    return Optimum(theta, value, scores, found, steps, failure(theta, scores, found), parts)


def _information(
    likelihood: ScoredLikelihood, theta: Array, widths: Array, parts_up_to: int
) -> tuple[Array, Array | None]:
    """Return minus the second derivative (k x k), by central differences of the gradient over ``widths`` (k,).

    Of few clusters also their parts of it (G x k x k).
    """
    rows, parts = [], []
    for width, unit in zip(widths, np.eye(len(theta)), strict=True):
        up, down = likelihood(theta + width * unit)[1], likelihood(theta - width * unit)[1]
        rows.append((down.sum(axis=0) - up.sum(axis=0)) / (2 * width))
        if len(up) <= parts_up_to:
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
