"""How much true effects differ between trials: tau2 by three estimators, its Q-profile interval, and I2.

V is the covariance of the sampling errors, X the design (a column of ones for a pool), M = V + tau2 I the covariance of
the effects, and P = M⁻¹ - M⁻¹X (X'M⁻¹X)⁻¹ X'M⁻¹.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import chdtri

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.evidence.effects import TrialEffects

Method = Literal["REML", "Paule-Mandel", "DerSimonian-Laird"]
METHODS: tuple[Method, ...] = get_args(Method)
"""REML first, which is the primary one."""
_STEPS, _HALVINGS = 200, 60
_TIGHT = 1e-14


@dataclass(frozen=True, slots=True)
class Projection:
    """The matrices of a model at one tau2: the inverse of M, P, and the covariance of the coefficients."""

    weights: Array
    residual: Array
    covariance: Array


def project(effects: TrialEffects, design: Array, tau2: float) -> Projection:
    """Return the matrices of a model at one tau2."""
    weights: Array = np.linalg.inv(effects.covariance + tau2 * np.eye(effects.k)).astype(np.float64)
    covariance: Array = np.linalg.inv(design.T @ weights @ design).astype(np.float64)
    half = weights @ design
    return Projection(weights, weights - half @ covariance @ half.T, covariance)


def cochran_q(effects: TrialEffects, design: Array, tau2: float = 0.0) -> float:
    """Return the weighted sum of squares of the residuals at one tau2; Cochran's Q at 0."""
    return float(effects.values @ project(effects, design, tau2).residual @ effects.values)


def estimate(effects: TrialEffects, design: Array, method: Method) -> float:
    """Return tau2 by one estimator, never below 0."""
    if effects.k <= design.shape[1]:
        raise AnalysisError(f"{effects.k} trials cannot tell how much they differ; at least {design.shape[1] + 1} do")
    estimators: dict[Method, Callable[[TrialEffects, Array], float]] = {
        "REML": _reml,
        "Paule-Mandel": _paule_mandel,
        "DerSimonian-Laird": _moments,
    }
    return estimators[method](effects, design)


def interval(effects: TrialEffects, design: Array, ci_level: float) -> tuple[float, float]:
    """Return the Q-profile interval of tau2: where Q is a quantile of chi-squared that the level leaves.

    Where even 0 is too large both limits are 0. Source: Viechtbauer 2007.
    """
    df, tail = effects.k - design.shape[1], (1 - ci_level) / 2
    return tuple(_where_q(effects, design, float(chdtri(df, p))) for p in (tail, 1 - tail))  # type: ignore[return-value]


def typical_variance(effects: TrialEffects, design: Array) -> float:
    """Return the sampling variance of a typical trial, by which tau2 becomes I2 (Higgins and Thompson 2002)."""
    return float((effects.k - design.shape[1]) / np.trace(project(effects, design, 0.0).residual))


def share(tau2: float, typical: float) -> float:
    """Return I2, from 0 to 1: the share of the variance between estimates that is not by chance."""
    return tau2 / (tau2 + typical) if np.isfinite(tau2) else 1.0


def _moments(effects: TrialEffects, design: Array) -> float:
    at_zero = project(effects, design, 0.0).residual
    excess = float(effects.values @ at_zero @ effects.values) - (effects.k - design.shape[1])
    return max(0.0, float(excess / np.trace(at_zero)))


def _paule_mandel(effects: TrialEffects, design: Array) -> float:
    return _where_q(effects, design, float(effects.k - design.shape[1]))


def _where_q(effects: TrialEffects, design: Array, target: float) -> float:
    """Return the tau2 at which Q, which falls with it, is ``target``; 0 where it is below that from the start."""
    if cochran_q(effects, design) <= target:
        return 0.0
    low, high = 0.0, typical_variance(effects, design)
    while cochran_q(effects, design, high) > target:
        low, high = high, 2 * high
    while high - low > _TIGHT * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if cochran_q(effects, design, middle) > target else (low, middle)
    return (low + high) / 2


def _reml(effects: TrialEffects, design: Array) -> float:
    """Return the tau2 of the highest restricted likelihood, from several starts: it may have more than one top."""
    moments, spread = _moments(effects, design), float(np.var(effects.values, ddof=1))
    tops = {_ascend(effects, design, start) for start in {0.0, moments, 4 * spread}}
    return max(tops, key=lambda tau2: restricted_likelihood(effects, design, tau2))


def restricted_likelihood(effects: TrialEffects, design: Array, tau2: float) -> float:
    """Return the restricted log-likelihood at one tau2, up to a constant."""
    at = project(effects, design, tau2)
    determinants = np.linalg.slogdet(at.weights)[1] + np.linalg.slogdet(at.covariance)[1]
    return float(determinants - effects.values @ at.residual @ effects.values) / 2


def _ascend(effects: TrialEffects, design: Array, tau2: float) -> float:
    """Return the top that Newton's steps reach from one start, each halved where it would lead down.

    Where the likelihood is not concave the step is that of Fisher scoring.
    """
    height = restricted_likelihood(effects, design, tau2)
    for _ in range(_STEPS):
        residual = project(effects, design, tau2).residual
        pulled = residual @ effects.values
        expected = float(np.sum(residual * residual))
        observed = 2 * float(pulled @ residual @ pulled) - expected
        step = float(pulled @ pulled - np.trace(residual)) / (observed if observed > 0 else expected)
        for _ in range(_HALVINGS):
            further = max(0.0, tau2 + step)
            risen = restricted_likelihood(effects, design, further)
            if risen >= height:
                break
            step /= 2
        else:
            return tau2
        if abs(further - tau2) <= _TIGHT * max(further, np.finfo(float).tiny):
            return further
        tau2, height = further, risen
    return tau2
