"""Logistic regression of nights with a cramp, by Newton's method."""

from __future__ import annotations

import numpy as np

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.common.distributions import BINOMIAL
from crampstudy.models.nights.count import CountFit
from crampstudy.models.optimise import newton
from crampstudy.models.surveys import linearised

_SUSPECT_ETA = 10.0
SEPARATED = "the nights with and without the outcome are set apart completely: no finite estimate exists"


def logistic(matrix: Array, outcome: Array, offset: Array, weights: Array | None = None) -> CountFit:
    """Fit logit P(y = 1) = offset + X b by maximum likelihood.

    ``matrix`` is n x p, ``outcome`` (0 or 1) and ``offset`` (log odds; zeros as a rule: an exposure has no place
    on the scale of odds) have length n, as do ``weights``: a row of weight w stands for w rows that are all like it.
    Separated outcomes are a ``problem``.

    Raises:
        AnalysisError: an outcome is neither 0 nor 1.

    Source: separation as in Konis 2007.
    """
    check_binary(outcome)
    times = np.ones(len(outcome)) if weights is None else weights
    b, iterations = newton.climb(
        np.zeros(matrix.shape[1]),
        lambda at: _likelihood(matrix, outcome, offset, times, at),
        lambda at: _derivatives(matrix, outcome, offset, times, at),
    )
    eta = matrix @ b + offset
    _, information = _derivatives(matrix, outcome, offset, times, b)
    scores = matrix * (times * (outcome - BINOMIAL.mean(eta)))[:, None]
    problem = newton.problem(b, scores, information)
    # A likelihood that rises for ever looks flat to rounding in the end, and its score zero.
    if np.abs(eta).max(initial=0) > _SUSPECT_ETA and linearised.separation(outcome, matrix, "logit"):
        problem = SEPARATED
    return CountFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=_likelihood(matrix, outcome, offset, times, b),
        iterations=iterations,
        problem=problem,
    )


def check_binary(outcome: Array) -> None:
    """Raise AnalysisError where an outcome is neither 0 nor 1."""
    if other := sorted(set(np.unique(outcome).tolist()) - {0.0, 1.0}):
        raise AnalysisError(f"a binary outcome is 0 or 1, got {other[0]:g}; make it so, as in cramps > 0")


def _likelihood(matrix: Array, outcome: Array, offset: Array, times: Array, b: Array) -> float:
    eta = matrix @ b + offset
    return float((times * (outcome * eta - np.logaddexp(0.0, eta))).sum())


def _derivatives(matrix: Array, outcome: Array, offset: Array, times: Array, b: Array) -> tuple[Array, Array]:
    mu = BINOMIAL.mean(matrix @ b + offset)
    return matrix.T @ (times * (outcome - mu)), (matrix * (times * mu * (1 - mu))[:, None]).T @ matrix
