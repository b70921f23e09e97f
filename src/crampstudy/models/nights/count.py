"""Poisson and negative-binomial (NB2) regression of counts with an offset, by Newton's method.

Numbers in, numbers out. A fit says by itself whether it may be believed: ``problem`` is ``None`` only when
the score is zero to rounding, every number is finite and the information is positive definite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from crampstudy.arrays import Array, Codes
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.optimise import newton, optimum, products

_SOME = 40_000
"""Of more rows than are taken at once, about so many tell where to begin with all of them."""
_CLEARLY = 10.0
"""So many standard errors away from none, a dispersion needs no Poisson fit to be told."""
_NO_DISPERSION = 16.0
"""Log theta beyond which a negative binomial is Poisson (alpha below 1.2e-7)."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Coefficients and log theta together, k = p + 1: their observed ``information`` (k x k) and the rows' scores.

    Those of the coefficients are the columns of ``matrix`` (n x p) times ``in_predictor`` (n); ``in_log_theta`` (n) are
    those of log theta.
    """

    matrix: Array
    in_predictor: Array
    in_log_theta: Array
    information: Array

    @property
    def scores(self) -> Array:
        """The rows' contributions (n x k) to the score."""
        made = np.empty((len(self.in_log_theta), self.matrix.shape[1] + 1))
        np.multiply(self.matrix, self.in_predictor[:, None], out=made[:, :-1])
        made[:, -1] = self.in_log_theta
        return made

    def sums(self, groups: Codes) -> Array:
        """Return the participants' contributions (G x k), ``groups`` (n) whose the rows are."""
        of_dispersion = cluster_sums(self.in_log_theta, groups)
        return np.column_stack([cluster_sums(self.matrix, groups, self.in_predictor), of_dispersion])


@dataclass(frozen=True, slots=True)
class CountFit:
    """A fitted count model of ``n`` rows and ``p`` coefficients.

    ``in_predictor`` (n) are the derivatives of the rows' log-likelihoods, times their weights, in the linear predictor
    of ``matrix`` (n x p), ``information`` (p x p) is the expected information, both with the dispersion held.
    ``dispersion`` is alpha in Var(y) = mu + alpha mu^2, 0 for Poisson; ``dispersion_error`` the standard error of log
    alpha. ``joint`` is there where a dispersion was estimated along with the coefficients.
    """

    coefficients: Array
    matrix: Array
    in_predictor: Array
    information: Array
    log_likelihood: float
    iterations: int
    dispersion: float = 0.0
    dispersion_error: float = float("nan")
    at_boundary: bool = False
    problem: str | None = None
    joint: Joint | None = None

    @property
    def scores(self) -> Array:
        """The rows' contributions (n x p) to the score of the coefficients."""
        return self.matrix * self.in_predictor[:, None]

    def sums(self, groups: Codes) -> Array:
        """Return the participants' contributions (G x p), ``groups`` (n) whose the rows are."""
        return cluster_sums(self.matrix, groups, self.in_predictor)


def poisson(matrix: Array, counts: Array, offset: Array, weights: Array | None = None) -> CountFit:
    """Fit log E(y) = offset + X b by maximum likelihood.

    ``matrix`` is n x p; ``counts``, ``offset`` (log exposure) and ``weights`` have length n. A row of weight w
    stands for w rows that are all like it.
    """
    times = np.ones(len(counts)) if weights is None else weights
    some = _of_some(poisson, matrix, counts, offset, times)
    start = _start(matrix, counts, offset, times) if some is None else some.coefficients
    found = newton.maximise(_Poisson(matrix, counts, offset, times), start)
    return CountFit(
        coefficients=found.theta,
        matrix=matrix,
        in_predictor=times * (counts - _mean(matrix, found.theta, offset)),
        information=found.information,
        log_likelihood=found.value - float(times @ gammaln(counts + 1)),
        iterations=found.iterations,
        problem=found.reason,
    )


def negative_binomial(matrix: Array, counts: Array, offset: Array, weights: Array | None = None) -> CountFit:
    """Fit the NB2 model with log link and one dispersion by joint maximum likelihood; arguments of :func:`poisson`.

    Starts from the Poisson fit. Where the data are no more dispersed than Poisson the likelihood rises
    towards alpha = 0: the Poisson fit is returned with ``at_boundary`` true.

    Source: Lawless 1987 (Can J Stat 15:209); Venables and Ripley 2002 (``MASS::glm.nb``).
    """
    times = np.ones(len(counts)) if weights is None else weights
    likelihood = _NegativeBinomial.of(matrix, counts, offset, times)
    some = _of_some(negative_binomial, matrix, counts, offset, times)
    if some is not None and some.dispersion and likelihood.rises(some.coefficients) > _CLEARLY:
        found = newton.maximise(likelihood, np.append(some.coefficients, -np.log(some.dispersion)))
        if found.reason is None and found.theta[-1] <= _NO_DISPERSION:
            return likelihood.fitted(found)
    start = poisson(matrix, counts, offset, times)
    if start.problem:
        return start
    if likelihood.rises(start.coefficients) <= 0:
        return _as_boundary(start)
    mu = _mean(matrix, start.coefficients, offset)
    moment = max(float(times @ ((counts - mu) ** 2 - mu) / (times @ mu**2)), 1e-4)
    # Away from the optimum the curvature in log theta can have the wrong sign: climb, then try again.
    scale = np.append(np.sqrt(np.diag(start.information)), np.sqrt(times.sum()))
    found = newton.maximise(
        likelihood, np.append(start.coefficients, -np.log(moment)), lambda gradient: np.asarray(gradient / scale**2)
    )
    return _as_boundary(start) if found.theta[-1] > _NO_DISPERSION else likelihood.fitted(found)


def _of_some(
    fit: Callable[[Array, Array, Array, Array], CountFit], matrix: Array, counts: Array, offset: Array, times: Array
) -> CountFit | None:
    """Return the fit of so many of the rows that it is near that of all, ``None`` where there are fewer, or none.

    Args:
        fit: of rows.
        matrix: columns of the model (n x p).
        counts: cramps (n).
        offset: log exposure (n).
        times: as how many rows (n) a row counts.
    """
    if len(counts) <= products.WHOLE:
        return None
    every = slice(None, None, -(-len(counts) // _SOME))
    found = fit(np.ascontiguousarray(matrix[every]), counts[every], offset[every], times[every])
    return None if found.problem else found


def _as_boundary(fit: CountFit) -> CountFit:
    return replace(fit, at_boundary=True)


@dataclass(frozen=True, slots=True)
class _Poisson:
    """The sum of w (y eta - e^eta), eta = offset + X b: what varies with b."""

    matrix: Array
    counts: Array
    offset: Array
    weights: Array

    def value(self, theta: Array) -> float:
        found = 0.0
        for rows in products.parts(len(self.counts)):
            eta = self.matrix[rows] @ theta + self.offset[rows]
            each = self.counts[rows] * eta - np.exp(np.clip(eta, -700, 30))
            found += float((self.weights[rows] * each).sum())
        return found

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        return self.expansion(theta)[1:]

    def expansion(self, theta: Array) -> tuple[float, Array, Array]:
        found, k = 0.0, len(theta)
        score, information = np.zeros(k), np.zeros((k, k))
        for rows in products.parts(len(self.counts)):
            matrix, counts, times = self.matrix[rows], self.counts[rows], self.weights[rows]
            eta = matrix @ theta + self.offset[rows]
            mu = np.exp(np.clip(eta, -700, 30))
            found += float((times * (counts * eta - mu)).sum())
            score += matrix.T @ (times * (counts - mu))
            information += products.squares(matrix, times * mu)
        return found, score, information


@dataclass(frozen=True, slots=True)
class _NegativeBinomial:
    """NB2 in b and log theta, alpha = 1 / theta; ``counts`` are ``values[inverse]``, each ``times`` among the rows.

    With mu = exp(offset + X b) the log-density of a count y is log Gamma(y + theta) - log Gamma(theta) - log y! +
    theta log(theta / (mu + theta)) + y log(mu / (mu + theta)).

    Source: Lawless 1987 (Can J Stat 15:209).
    """

    matrix: Array
    counts: Array
    offset: Array
    weights: Array
    values: Array
    inverse: NDArray[np.intp]
    times: Array

    @classmethod
    def of(cls, matrix: Array, counts: Array, offset: Array, weights: Array) -> _NegativeBinomial:
        """Return that of rows; a row of weight w counts w times."""
        inverse, values = pd.factorize(counts, sort=True)
        times = np.bincount(inverse, weights=weights).astype(np.float64)
        return cls(matrix, counts, offset, weights, values, inverse, times)

    def rises(self, coefficients: Array) -> float:
        """Return the score in alpha at 0, in units of its standard error: below 0 there is no dispersion.

        Source: Dean and Lawless 1989.
        """
        each = (self.counts - _mean(self.matrix, coefficients, self.offset)) ** 2 - self.counts
        total = float(self.weights @ each)
        return total / float(np.sqrt(self.weights @ each**2)) if total else 0.0

    def value(self, theta: Array) -> float:
        size = np.exp(np.clip(theta[-1], -30, 30))
        log_size = np.log(size)
        found = float(self.times @ (gammaln(self.values + size) - gammaln(size) - gammaln(self.values + 1)))
        for rows in products.parts(len(self.counts)):
            eta = np.clip(self.matrix[rows] @ theta[:-1] + self.offset[rows], -700, 30)
            log_total = np.log(np.exp(eta) + size)
            each = size * (log_size - log_total) + self.counts[rows] * (eta - log_total)
            found += float((self.weights[rows] * each).sum())
        return found

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        return self.expansion(theta)[1:]

    def expansion(self, theta: Array) -> tuple[float, Array, Array]:
        k, size = len(theta), np.exp(np.clip(theta[-1], -30, 30))
        log_size = np.log(size)
        gradient, hessian = np.zeros(k), np.zeros((k, k))
        beyond = self.values + size
        found = float(self.times @ (gammaln(beyond) - gammaln(size) - gammaln(self.values + 1)))
        in_size = float(self.times @ (digamma(beyond) - digamma(size)))
        twice_size = float(self.times @ (polygamma(1, beyond) - polygamma(1, size)))
        for rows in products.parts(len(self.counts)):
            matrix, counts, times = self.matrix[rows], self.counts[rows], self.weights[rows]
            eta = np.clip(matrix @ theta[:-1] + self.offset[rows], -700, 30)
            mu = np.exp(eta)
            total = mu + size
            log_total, above, share = np.log(total), counts - mu, (counts + size) / total
            found += float((times * (size * (log_size - log_total) + counts * (eta - log_total))).sum())
            gradient[:-1] += matrix.T @ (times * (above * size / total))
            in_size += float(times @ (log_size + 1 - log_total - share))
            twice_size += float(times @ (1 / size - (2 - share) / total))
            hessian[:-1, :-1] -= products.squares(matrix, times * (mu * size * share / total))
            hessian[:-1, -1] += size * (matrix.T @ (times * (mu * above / total**2)))
        gradient[-1] = size * in_size
        hessian[-1, :-1] = hessian[:-1, -1]
        hessian[-1, -1] = size**2 * twice_size + size * in_size
        return found, gradient, -hessian

    def _in_size(self, theta: Array, total: Array) -> Array:
        """Return the derivative of each row's log-likelihood in theta itself; ``total`` (n) is mu + theta."""
        size = np.exp(theta[-1])
        of_values = digamma(self.values + size) - digamma(size)
        slope: Array = of_values[self.inverse] + theta[-1] + 1 - np.log(total) - (self.counts + size) / total
        return slope

    def fitted(self, found: optimum.Optimum) -> CountFit:
        """Return the fit at the maximum that was ``found``."""
        b, size = found.theta[:-1], np.exp(found.theta[-1])
        mu = _mean(self.matrix, b, self.offset)
        shrink = self.weights * size / (mu + size)
        in_predictor = (self.counts - mu) * shrink
        information = products.weighted(self.matrix, mu * shrink)
        joint = optimum.solve(found.information, np.eye(len(found.theta))[-1])
        problem = optimum.failure(b, (self.matrix.T @ in_predictor)[None, :], information)
        flat = abs(found.gradient[-1]) <= 1e-5 * self.weights.sum()
        if problem is None and (joint is None or not joint[-1] > 0 or not flat):
            problem = "the dispersion did not converge"
        in_log_theta = size * self.weights * self._in_size(found.theta, mu + size)
        return CountFit(
            coefficients=b,
            matrix=self.matrix,
            in_predictor=in_predictor,
            information=information,
            log_likelihood=found.value,
            iterations=found.iterations,
            dispersion=float(1 / size),
            dispersion_error=float("nan") if joint is None or joint[-1] <= 0 else float(np.sqrt(joint[-1])),
            problem=problem,
            joint=Joint(self.matrix, in_predictor, in_log_theta, found.information),
        )


def _start(matrix: Array, counts: Array, offset: Array, times: Array) -> Array:
    # One weighted least-squares step from the data themselves, as glm does.
    mu = counts + 0.1
    eta = np.log(mu)
    root = np.sqrt(times * mu)
    right = (eta - offset + (counts - mu) / mu) * root
    return np.linalg.lstsq(matrix * root[:, None], right, rcond=None)[0].astype(np.float64)


def _mean(matrix: Array, b: Array, offset: Array) -> Array:
    # Beyond e^30 cramps a night nothing is fitted any more; the bound keeps a wild step finite.
    mean: Array = np.exp(np.clip(matrix @ b + offset, -700, 30))
    return mean
