"""Logistic regression of nights with a cramp, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.common import separation
from crampstudy.models.common.distributions import BINOMIAL
from crampstudy.models.nights.count import CountFit
from crampstudy.models.optimise import newton, products

SEPARATED = separation.separated("nights with and without the outcome are set apart")


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
    optimum = newton.maximise(_BinomialLikelihood(matrix, outcome, offset, times), np.zeros(matrix.shape[1]))
    eta, problem = matrix @ optimum.theta + offset, optimum.reason
    suspect = np.abs(eta).max(initial=0) > separation.SUSPECT_PREDICTOR
    if suspect and separation.separating(outcome, matrix, "logit"):
        problem = SEPARATED
    return CountFit(
        coefficients=optimum.theta,
        matrix=matrix,
        in_predictor=times * (outcome - BINOMIAL.mean(eta)),
        information=optimum.information,
        log_likelihood=optimum.value,
        iterations=optimum.iterations,
        problem=problem,
    )


def check_binary(outcome: Array) -> None:
    """Raise AnalysisError where an outcome is neither 0 nor 1."""
    if other := sorted(set(np.unique(outcome).tolist()) - {0.0, 1.0}):
        raise AnalysisError(f"a binary outcome is 0 or 1, got {other[0]:g}; make it so, as in cramps > 0")


@dataclass(frozen=True, slots=True)
class _BinomialLikelihood:
    """The sum of w (y eta - log(1 + e^eta)), eta = offset + X b."""

    matrix: Array
    outcome: Array
    offset: Array
    weights: Array

    def value(self, theta: Array) -> float:
        eta = self.matrix @ theta + self.offset
        return float((self.weights * (self.outcome * eta - np.logaddexp(0.0, eta))).sum())

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        mu = BINOMIAL.mean(self.matrix @ theta + self.offset)
        score = self.matrix.T @ (self.weights * (self.outcome - mu))
        return score, products.weighted(self.matrix, self.weights * mu * (1 - mu))
