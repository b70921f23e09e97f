"""How far a rate falls because people were let in by the cramps of a run-in: selection on chance; numbers alone.

The counts of a run-in are negative binomial with one mean and shape among all who were asked, of whom those with too
few were not let in. What is counted afterwards is a line of the run-in rate, whatever a treatment or the end of a flare
does to all of it in proportion: the line says how much of a high run-in lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.special import betainc, gammaln

from crampstudy.arrays import Array

_STEP = 1e-4
_SHAPES = (-4.0, 8.0)
"""Between which the log of the shape is looked for; at the upper limit persons do not differ."""


@dataclass(frozen=True, slots=True)
class LogRatio:
    """The log of a ratio of rates, and what each of G participants adds to its error (``influence``).

    ``spread`` is a variance that does not come of the participants.
    """

    log_ratio: float
    influence: Array
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class RunIn:
    """Of G participants: ``cramps`` in so many logged ``nights`` of a run-in of ``length`` nights.

    Only those with ``criterion`` cramps or more in all nights of it, logged or not, were let in.
    """

    cramps: Array
    nights: Array
    length: Array
    criterion: int


def expected_of_selection(run_in: RunIn, cramps: Array, nights: Array) -> LogRatio | None:
    """Return the ratio of rates after the run-in to those in it that selection alone brings.

    ``cramps`` were counted in so many ``nights`` afterwards. ``None`` where the run-in has no cramp, what was
    counted does not rise with it, so that nothing of it lasts, or all who were asked cannot be told from who got in.
    """
    n = len(cramps)
    if not run_in.cramps.sum():
        return None
    if not run_in.criterion:
        return LogRatio(0.0, np.zeros(n))
    theta, scores, information = _asked(run_in)
    rate, after = run_in.cramps / run_in.nights, cramps / nights
    design = np.column_stack([np.ones(n), rate])
    bread = (design * nights[:, None]).T @ design
    if np.linalg.cond(bread) > 1e12 or np.linalg.cond(information) > 1e12:
        return None
    line = np.linalg.solve(bread, design.T @ (nights * after))
    mean, seen = float(np.exp(theta[0])), float(run_in.cramps.sum() / run_in.nights.sum())
    here, there = float(line @ [1, seen]), float(line @ [1, mean])
    if line[1] <= 0 or min(here, there) <= 0:
        return None
    of_line = np.linalg.solve(bread, (design * (nights * (after - design @ line))[:, None]).T).T
    of_seen = (run_in.cramps - seen * run_in.nights) / run_in.nights.sum()
    of_mean = np.linalg.solve(information, scores.T).T[:, 0]
    gradient = np.array([1, seen]) / here - np.array([1, mean]) / there
    influence = of_line @ gradient + of_seen * (line[1] / here - 1 / seen)
    influence = influence + of_mean * (1 - mean * line[1] / there)
    return LogRatio(float(np.log(here / there) + np.log(mean / seen)), influence)


def lacking(run_in: RunIn) -> str:
    """Return why nothing can be said of selection where :func:`expected_of_selection` says nothing."""
    if not run_in.cramps.sum():
        return "no cramp in the run-in"
    return "the cramps after the run-in do not rise with those in it, so that nothing of a high one lasts"


def _asked(run_in: RunIn) -> tuple[Array, Array, Array]:
    """Return log mean a night and log shape of all who were asked, with the scores (G x 2) and the information."""
    start = np.array([np.log(run_in.cramps.sum() / run_in.nights.sum()), 0.5])
    found = optimize.minimize(
        lambda theta: -_log_likelihood(theta, run_in).sum() / len(run_in.cramps),
        start,
        method="L-BFGS-B",
        bounds=[(start[0] - 6, start[0] + 1), _SHAPES],
        options={"ftol": 1e-13, "gtol": 1e-9},
    )
    theta = np.asarray(found.x, dtype=np.float64)

    def scores(at: Array) -> Array:
        moved = [
            (_log_likelihood(at + step, run_in) - _log_likelihood(at - step, run_in)) / (2 * _STEP)
            for step in _STEP * np.eye(2)
        ]
        return np.column_stack(moved)

    curved = [
        -(scores(theta + step).sum(axis=0) - scores(theta - step).sum(axis=0)) / (2 * _STEP)
        for step in _STEP * np.eye(2)
    ]
    information, own = np.array(curved), scores(theta)
    if theta[1] > _SHAPES[1] - 0.01:
        # Persons who do not differ have no shape to be uncertain of.
        information[0, 1] = information[1, 0] = 0.0
        information[1, 1], own[:, 1] = 1.0, 0.0
    return theta, own, information


def _log_likelihood(theta: Array, run_in: RunIn) -> Array:
    """Return each participant's log-likelihood of the logged count, given that whole run-ins reach the criterion."""
    mean, shape = np.exp(theta)
    own, logged = run_in.cramps, run_in.nights
    chance = shape / (shape + logged * mean)
    counted = gammaln(own + shape) - gammaln(shape) - gammaln(own + 1) + shape * np.log(chance)
    counted = counted + own * np.log1p(-chance)
    # Who logged every night and has fewer was let in for another reason.
    least = np.where(run_in.length > logged, run_in.criterion, np.minimum(run_in.criterion, own))
    unlogged = (run_in.length - logged) * mean
    rest = _at_least(least - own, shape + own, unlogged / (unlogged + shape + logged * mean))
    whole = run_in.length * mean
    entered = _at_least(least, np.full(len(own), shape), whole / (whole + shape))
    return np.asarray(counted + np.log(rest) - np.log(entered))


def _at_least(least: Array, shape: Array, chance: Array) -> Array:
    """Return the chance of so many or more in a negative binomial law."""
    inside = betainc(np.maximum(least, 1.0), shape, np.clip(chance, 0.0, 1.0))
    return np.where(least <= 0, 1.0, np.maximum(inside, np.finfo(np.float64).tiny))
