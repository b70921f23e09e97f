"""The maximum of a likelihood that need not be concave, from its exact second derivatives.

Where the curvature has the wrong sign along an axis a step follows the slope there, which leads away from saddle
points (Dauphin et al. 2014); no step moves a linear predictor far. Near the top it is Newton's method.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.models.nights.zeros.likelihoods import Local
from crampstudy.models.optimise import newton

MOST = 200
"""Evaluations of a likelihood within which a climb ends; one that has an end rarely needs 30."""
_NEAR = 1e-16
"""Squared length of a step in standard errors that is below rounding."""
_REACH = 2.0
"""Farthest that one step may move a linear predictor."""
_MOVING = 1e-3
"""A step that still moves a predictor by this much is not at the top, however flat the likelihood."""
_FAR = 10.0
_LAST = 3
"""Newton's steps that are enough once they are short: where more are needed there is no top."""
_SHORT = 1e-9
_AT = 0.05
"""A climb that comes this near to a known top, in every linear predictor, would end there."""


class Law(Protocol):
    """Rows whose log-likelihood depends on linear predictors; ``times`` (n) is as how many rows each counts."""

    @property
    def times(self) -> Array: ...
    @property
    def designs(self) -> tuple[Array, ...]:
        """A design (n x k_i) per predictor, columns in the order of the parameters."""

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""

    def local(self, predictors: Sequence[Array]) -> Local:
        """Return the rows' log-likelihoods and their derivatives in the predictors."""


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """Where a climb ended: parameters (k), log-likelihood, rows' scores (n x k) and observed information (k x k)."""

    at: Array
    value: float
    scores: Array
    information: Array
    iterations: int
    problem: str | None


def climb_all(law: Law, starts: Iterable[Array], most: int = MOST) -> list[Top]:
    """Return the tops to which the ``starts`` lead within ``most`` evaluations each, each once."""
    tops: list[Top] = []
    for start in starts:
        found = climb(law, start, tops, most)
        if found not in tops:
            tops.append(found)
    return tops


def climb(law: Law, start: Array, known: Sequence[Top] = (), most: int = MOST) -> Top:
    """Maximise the likelihood of ``law`` from ``start`` (k); ``problem`` says why the end is no maximum.

    A climb that leads to one of the ``known`` tops returns that. One that has found no end when the likelihood was
    evaluated ``most`` times stops there: what is so ill-conditioned takes minutes and has no answer.
    """
    designs, times = law.designs, law.times
    at, steps, short, left = start, 0, 0, most
    local = law.local(_predictors(designs, at))
    value = float(times @ local.value)
    while left > 0:
        steps += 1
        gradient, information = _derivatives(designs, times, local)
        if not (np.isfinite(gradient).all() and np.isfinite(information).all()):
            break
        step = _uphill(information, gradient)
        length = float(step @ gradient)
        step /= max(1.0, _reach(designs, step) / _REACH)
        there = law.local(_predictors(designs, at + step))
        reached = float(times @ there.value)
        left -= 1
        for _ in range(40):
            # So close to the top the value is flat to rounding.
            if reached >= value - 1e-13 * abs(value):
                break
            step, left = step / 2, left - 1
            there = law.local(_predictors(designs, at + step))
            reached = float(times @ there.value)
        else:
            break
        at, value, local = at + step, reached, there
        for top in known:
            if _reach(designs, at - top.at) < _AT and value <= top.value + _NEAR * abs(value):
                return top
        short += length < _SHORT
        if length < _NEAR or short > _LAST:
            break
    gradient, information = _derivatives(designs, times, local)
    scores = np.hstack([design * (times * d)[:, None] for design, d in zip(designs, local.first, strict=True)])
    spent = f"there was no maximum within {most} evaluations of the likelihood" if left <= 0 else None
    return Top(at, value, scores, information, steps, _problem(law, at, scores, information, spent))


def curvatures(law: Law, at: Array, groups: NDArray[np.intp], clusters: int) -> Array:
    """Return the clusters' parts (G x k x k) of the observed information at ``at`` (k); ``groups`` (n) are codes."""
    designs, local = law.designs, law.local(_predictors(law.designs, at))
    parts = np.zeros((clusters, len(at), len(at)))
    for g in np.unique(groups):
        rows = groups == g
        own = Local(local.value[rows], tuple(d[rows] for d in local.first), tuple(d[rows] for d in local.second))
        parts[g] = _derivatives([design[rows] for design in designs], law.times[rows], own)[1]
    return parts


def _predictors(designs: Sequence[Array], at: Array) -> list[Array]:
    return [design @ part for design, part in zip(designs, _parts(designs, at), strict=True)]


def _parts(designs: Sequence[Array], at: NDArray[Any]) -> list[NDArray[Any]]:
    return np.split(at, np.cumsum([design.shape[1] for design in designs])[:-1])


def _derivatives(designs: Sequence[Array], times: Array, local: Local) -> tuple[Array, Array]:
    gradient = np.concatenate([design.T @ (times * d) for design, d in zip(designs, local.first, strict=True)])
    pairs = iter(local.second)
    rows: list[list[Array]] = [[np.empty(0)] * len(designs) for _ in designs]
    for i in range(len(designs)):
        for j in range(i, len(designs)):
            rows[i][j] = -(designs[i] * (times * next(pairs))[:, None]).T @ designs[j]
            rows[j][i] = rows[i][j].T
    return gradient, np.block(rows)


def _uphill(information: Array, gradient: Array) -> Array:
    """Return Newton's step with the sizes of the curvatures in the place of the curvatures."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    sizes, axes = np.linalg.eigh(information / np.outer(scale, scale))
    sizes = np.maximum(np.abs(sizes), 1e-10 * np.abs(sizes).max())
    step: Array = axes @ (axes.T @ (gradient / scale) / sizes) / scale
    return step


def _reach(designs: Sequence[Array], step: Array) -> float:
    return max(float(np.abs(moved).max(initial=0.0)) for moved in _predictors(designs, step))


def _problem(law: Law, at: Array, scores: Array, information: Array, spent: str | None) -> str | None:
    designs = law.designs
    found = newton.problem(at, scores, information)
    if found is None:
        step = newton.solve(information, scores.sum(axis=0))
        if step is None or _reach(designs, step) > _MOVING:
            found = "the likelihood still rises, ever more slowly"
    found = found and (spent or found)
    variance = np.zeros_like(information) if found else np.linalg.inv(information)
    own = _parts(designs, np.arange(len(at)))
    for name, design, part, where in reversed(list(zip(law.names, designs, _parts(designs, at), own, strict=True))):
        far = design[np.abs(design @ part) > _FAR]
        if not len(far):
            continue
        # A predictor that is all but infinite, and known no better than that.
        block = variance[np.ix_(where, where)]
        if found or (np.einsum("ij,jk,ik->i", far, block, far) > (far @ part) ** 2).any():
            return f"{name} runs off to 0 or infinity on some nights: no finite estimate exists"
    return found
