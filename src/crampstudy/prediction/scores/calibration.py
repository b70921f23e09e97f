"""Whether predicted probabilities are as often right as they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.readable import OneLine

_EDGE = 1e-12
_STEPS = 50
_CLOSE, _SINGULAR = 1e-9, 1e-14
_SPAN = 2 / 3
"""Share of the people behind each point of the smooth curve."""
_DELTA = 0.01
"""Within this share of the range of the probabilities the curve is a straight line."""


@dataclass(frozen=True, slots=True, repr=False)
class Calibration(OneLine):
    """Calibration: the line of the logit of what happened on the logit of what was said, and distances of the curve.

    ``average`` and ``largest`` are those of the smooth curve from the probabilities, Eavg and Emax.

    Source: Cox 1958, 10.1093/biomet/45.3-4.562; Harrell 2015, 10.1007/978-3-319-19425-7.
    """

    intercept: float
    slope: float
    average: float
    largest: float


def calibration(outcome: Array, probability: Array) -> Calibration:
    """Return the calibration of probabilities, of people of equal weight."""
    intercept, slope = recalibration(outcome, probability)
    apart = np.abs(smooth_curve(outcome, probability) - probability)
    return Calibration(intercept, slope, float(apart.mean()), float(apart.max()))


def recalibration(outcome: Array, probability: Array, weight: Array | None = None) -> tuple[float, float]:
    """Return intercept and slope of a logistic regression of what happened on the logits of the probabilities.

    Both are ``nan`` where the line cannot be told: all happened, nothing did, all logits are the same, or they part
    those to whom it happened from the others.
    """
    logit = special.logit(np.clip(probability, _EDGE, 1 - _EDGE))
    return _line(outcome, logit, np.ones(len(outcome)) if weight is None else weight, binomial=True)


def rate_recalibration(counts: Array, expected: Array, weight: Array | None = None) -> tuple[float, float]:
    """Return intercept and slope of a Poisson regression of counts on the logs of what was expected."""
    logs = np.log(expected)
    return _line(counts, logs, np.ones(len(counts)) if weight is None else weight, binomial=False)


def _line(outcome: Array, x: Array, weight: Array, *, binomial: bool) -> tuple[float, float]:
    used = weight > 0
    total = float(np.sum(weight * outcome))
    if np.ptp(x[used]) < _EDGE or not total > 0 or (binomial and not total < weight.sum()):
        return float("nan"), float("nan")
    inverse = special.expit if binomial else np.exp
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        mean = inverse(design @ beta)
        spread = weight * (mean * (1 - mean) if binomial else mean)
        information = design.T @ (design * spread[:, None])
        if np.linalg.det(information) <= _SINGULAR * float(np.trace(information)) ** 2:
            break
        step = np.linalg.solve(information, design.T @ (weight * (outcome - mean)))
        # A long step may overshoot where the logits are extreme.
        beta = beta + step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < _CLOSE:
            return float(beta[0]), float(beta[1])
    # Where it happened to all above a value and to none below, the slope has no end.
    return float("nan"), float("nan")


def smooth_curve(outcome: Array, probability: Array) -> Array:
    """Return at each probability how often it happened around there, by lowess without robustness.

    Source: Cleveland 1979, 10.1080/01621459.1979.10481038; Austin and Steyerberg 2019, 10.1002/sim.8281.
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    if np.ptp(probability) == 0:
        return np.full(len(outcome), float(np.mean(outcome)))
    order = np.argsort(probability, kind="stable")
    x, y = probability[order], outcome[order].astype(float)
    smooth = lowess(y, x, frac=_SPAN, it=0, delta=_DELTA * float(np.ptp(x)), return_sorted=True)[:, 1]
    values, place = np.unique(x, return_inverse=True)
    # People of one probability have one point of the curve.
    means = np.bincount(place, smooth) / np.bincount(place)
    return np.asarray(np.interp(probability, values, means))
