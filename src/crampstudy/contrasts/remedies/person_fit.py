"""Regressions that compare each participant with themselves alone: of a number, and of what is yes or no.

Both condition on the participant: whatever stays the same in a person cancels, observed or not. Columns need no
intercept, and those who do not vary tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array, Codes
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.optimise import newton


@dataclass(frozen=True, slots=True)
class PersonFit:
    """Coefficients (p) with the participants' scores (G x p) and parts of the information (G x p x p).

    Where ``problem`` says why, the coefficients are no solution.
    """

    coefficients: Array
    scores: Array
    curvatures: Array
    problem: str | None = None

    @property
    def information(self) -> Array:
        """The information of all participants (p x p)."""
        return np.asarray(self.curvatures.sum(axis=0))


def within_rank(matrix: Array, groups: Codes) -> int:
    """Return the rank of columns (n x p) about their participants' means; ``groups`` (n) are codes 0..G-1."""
    return int(np.linalg.matrix_rank(_centred(matrix, groups)))


def difference(outcome: Array, matrix: Array, groups: Codes) -> PersonFit:
    """Return differences of the mean of ``outcome`` (n) by ``matrix`` (n x p), with an intercept for each participant.

    Source: Cameron and Miller 2015 (fixed effects with clustered errors).
    """
    x, y = _centred(matrix, groups), _centred(outcome[:, None], groups)[:, 0]
    curvatures = _products(x, x, groups)
    coefficients = np.linalg.solve(curvatures.sum(axis=0), x.T @ y)
    scores = cluster_sums(x * (y - x @ coefficients)[:, None], groups)
    return PersonFit(coefficients, scores, curvatures)


def prevalence_ratio(outcome: Array, matrix: Array, groups: Codes, offset: Array | None = None) -> PersonFit:
    """Return log ratios of the share with ``outcome`` (n, 0 or 1) by conditional Poisson regression on ``matrix``.

    Of sums over nights ``offset`` (n) is the logarithm of their number.

    Source: Wooldridge 1999 (consistent for any outcome whose mean is multiplicative given the participant).
    """
    likelihood = _Conditional(outcome, matrix, groups, np.zeros(len(outcome)) if offset is None else offset)
    found = newton.maximise(likelihood, np.zeros(matrix.shape[1]))
    scores, curvatures = likelihood.parts(found.theta)
    return PersonFit(found.theta, scores, curvatures, found.reason)


@dataclass(frozen=True, slots=True)
class _Conditional:
    """The likelihood of which of a participant's rows the events are, given how many they are."""

    outcome: Array
    matrix: Array
    groups: Codes
    offset: Array

    def value(self, theta: Array) -> float:
        predictor, total = self._shares(theta)
        return float(self.outcome @ (predictor - np.log(total)[self.groups]))

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        scores, curvatures = self.parts(theta)
        return scores.sum(axis=0), curvatures.sum(axis=0)

    def parts(self, theta: Array) -> tuple[Array, Array]:
        """Return the participants' scores (G x p) and parts of the information (G x p x p)."""
        predictor, total = self._shares(theta)
        share = np.exp(predictor) / total[self.groups]
        events = cluster_sums(self.outcome, self.groups)
        mean = cluster_sums(self.matrix * share[:, None], self.groups)
        spread = self.matrix - mean[self.groups]
        scores = cluster_sums(self.outcome[:, None] * spread, self.groups)
        return scores, events[:, None, None] * _products(spread * share[:, None], spread, self.groups)

    def _shares(self, theta: Array) -> tuple[Array, Array]:
        predictor = self.matrix @ theta + self.offset
        return predictor, cluster_sums(np.exp(predictor), self.groups)


def _centred(matrix: Array, groups: Codes) -> Array:
    means = cluster_sums(matrix, groups) / np.bincount(groups)[:, None]
    return np.asarray(matrix - means[groups])


def _products(left: Array, right: Array, groups: Codes) -> Array:
    """Return the sums within participants of the products of columns (G x p x p)."""
    n, p = left.shape
    return cluster_sums((left[:, :, None] * right[:, None, :]).reshape(n, p * p), groups).reshape(-1, p, p)
