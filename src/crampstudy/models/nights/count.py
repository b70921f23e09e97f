"""Poisson and negative-binomial (NB2) regression of counts with an offset, by Newton's method.

Numbers in, numbers out. A fit says by itself whether it may be believed: ``problem`` is ``None`` only when
the score is zero to rounding, every number is finite and the information is positive definite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from crampstudy.arrays import Array
from crampstudy.models.optimise import newton


@dataclass(frozen=True, slots=True)
class Joint:
    """Scores (n x k) and observed information (k x k) of coefficients and log theta together, k = p + 1."""

    scores: Array
    information: Array


@dataclass(frozen=True, slots=True)
class CountFit:
    """A fitted count model of ``n`` rows and ``p`` coefficients.

    ``scores`` (n x p) are the rows' contributions, times their weights, to the score of the coefficients,
    ``information`` (p x p) the expected information, both with the dispersion held. ``dispersion`` is alpha in
    Var(y) = mu + alpha mu^2, 0 for Poisson; ``dispersion_error`` the standard error of log alpha. ``joint`` is there
    where a dispersion was estimated along with the coefficients.
    """

    coefficients: Array
    scores: Array
    information: Array
    log_likelihood: float
    iterations: int
    dispersion: float = 0.0
    dispersion_error: float = float("nan")
    at_boundary: bool = False
    problem: str | None = None
    joint: Joint | None = None


def poisson(matrix: Array, counts: Array, offset: Array, weights: Array | None = None) -> CountFit:
    """Fit log E(y) = offset + X b by maximum likelihood.

    ``matrix`` is n x p; ``counts``, ``offset`` (log exposure) and ``weights`` have length n. A row of weight w
    stands for w rows that are all like it.
    """
    times = np.ones(len(counts)) if weights is None else weights

    def derivatives(at: Array) -> tuple[Array, Array]:
        mu = _mean(matrix, at, offset)
        return matrix.T @ (times * (counts - mu)), (matrix * (times * mu)[:, None]).T @ matrix

    start = _start(matrix, counts, offset, times)
    b, iterations = newton.climb(start, lambda at: _poisson_varying(matrix, counts, offset, at, times), derivatives)
    mu = _mean(matrix, b, offset)
    information = (matrix * (times * mu)[:, None]).T @ matrix
    scores = matrix * (times * (counts - mu))[:, None]
    return CountFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=_poisson_likelihood(matrix, counts, offset, b, times),
        iterations=iterations,
        problem=newton.problem(b, scores, information),
    )


def negative_binomial(matrix: Array, counts: Array, offset: Array, weights: Array | None = None) -> CountFit:
    """Fit the NB2 model with log link and one dispersion by joint maximum likelihood; arguments of :func:`poisson`.

    Starts from the Poisson fit. Where the data are no more dispersed than Poisson the likelihood rises
    towards alpha = 0: the Poisson fit is returned with ``at_boundary`` true.

    Source: Lawless 1987 (Can J Stat 15:209); Venables and Ripley 2002 (``MASS::glm.nb``).
    """
    times = np.ones(len(counts)) if weights is None else weights
    start = poisson(matrix, counts, offset, times)
    if start.problem:
        return start
    mu = _mean(matrix, start.coefficients, offset)
    # Twice the derivative of the log-likelihood in alpha at 0 (Dean and Lawless 1989).
    if float(times @ ((counts - mu) ** 2 - counts)) <= 0:
        return _as_boundary(start)
    moment = max(float(times @ ((counts - mu) ** 2 - mu) / (times @ mu**2)), 1e-4)
    at = np.append(start.coefficients, -np.log(moment))
    values, inverse = np.unique(counts, return_inverse=True)
    rows = _Rows(matrix, counts, offset, times, values, inverse)
    likelihood, iterations = _nb_likelihood(rows, at), 0
    for iterations in range(1, newton.STEPS + 1):  # noqa: B007 - the count is part of the result
        gradient, hessian = _nb_derivatives(rows, at)
        step = newton.solve(-hessian, gradient)
        if step is None or step @ gradient < 0:
            # Away from the optimum the curvature in log theta can have the wrong sign: climb, then try again.
            scale = np.append(np.sqrt(np.diag(start.information)), np.sqrt(times.sum()))
            step = gradient / scale**2
        before = likelihood
        at, likelihood = newton.halved(at, step, lambda x: _nb_likelihood(rows, x))
        if newton.still(step, at) or likelihood == before:
            break
    if at[-1] > 16:
        return _as_boundary(start)
    return _nb_result(rows, at, iterations)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows with their ``times`` (weights); ``counts`` are ``values[inverse]``."""

    matrix: Array
    counts: Array
    offset: Array
    times: Array
    values: Array
    inverse: NDArray[np.intp]


def _nb_result(rows: _Rows, at: Array, iterations: int) -> CountFit:
    b, theta = at[:-1], np.exp(at[-1])
    mu = _mean(rows.matrix, b, rows.offset)
    shrink = rows.times * theta / (mu + theta)
    scores = rows.matrix * ((rows.counts - mu) * shrink)[:, None]
    information = (rows.matrix * (mu * shrink)[:, None]).T @ rows.matrix
    gradient, hessian = _nb_derivatives(rows, at)
    joint = newton.solve(-hessian, np.eye(len(at))[-1])
    problem = newton.problem(b, scores, information)
    if problem is None and (joint is None or not joint[-1] > 0 or abs(gradient[-1]) > 1e-5 * rows.times.sum()):
        problem = "the dispersion did not converge"
    return CountFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=_nb_likelihood(rows, at),
        iterations=iterations,
        dispersion=float(1 / theta),
        dispersion_error=float("nan") if joint is None or joint[-1] <= 0 else float(np.sqrt(joint[-1])),
        problem=problem,
        joint=Joint(np.column_stack([scores, theta * rows.times * _in_theta(rows, at, mu + theta)]), -hessian),
    )


def _as_boundary(fit: CountFit) -> CountFit:
    return replace(fit, at_boundary=True)


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


def _poisson_likelihood(matrix: Array, counts: Array, offset: Array, b: Array, times: Array | None = None) -> float:
    weights = np.ones(len(counts)) if times is None else times
    return _poisson_varying(matrix, counts, offset, b, weights) - float(weights @ gammaln(counts + 1))


def _poisson_varying(matrix: Array, counts: Array, offset: Array, b: Array, times: Array) -> float:
    """Return the part of the log-likelihood that varies with the coefficients."""
    eta = matrix @ b + offset
    return float((times * (counts * eta - np.exp(np.clip(eta, -700, 30)))).sum())


def _nb_likelihood(rows: _Rows, at: Array) -> float:
    theta = np.exp(np.clip(at[-1], -30, 30))
    eta = np.clip(rows.matrix @ at[:-1] + rows.offset, -700, 30)
    log_total = np.log(np.exp(eta) + theta)
    of_values = gammaln(rows.values + theta) - gammaln(theta) - gammaln(rows.values + 1)
    constant = np.bincount(rows.inverse, weights=rows.times) @ of_values
    each = theta * (np.log(theta) - log_total) + rows.counts * (eta - log_total)
    return float(constant + (rows.times * each).sum())


def _nb_derivatives(rows: _Rows, at: Array) -> tuple[Array, Array]:
    matrix, counts, times, values = rows.matrix, rows.counts, rows.times, rows.values
    theta = np.exp(at[-1])
    mu = _mean(matrix, at[:-1], rows.offset)
    total = mu + theta
    in_eta = (counts - mu) * theta / total
    in_theta = _in_theta(rows, at, total)
    twice_eta = -mu * theta * (counts + theta) / total**2
    twice_theta = (polygamma(1, values + theta) - polygamma(1, theta))[rows.inverse] + 1 / theta
    twice_theta += -2 / total + (counts + theta) / total**2
    cross = mu * (counts - mu) / total**2
    gradient = np.append(matrix.T @ (times * in_eta), theta * (times @ in_theta))
    hessian = np.empty((len(at), len(at)))
    hessian[:-1, :-1] = (matrix * (times * twice_eta)[:, None]).T @ matrix
    hessian[:-1, -1] = hessian[-1, :-1] = theta * (matrix.T @ (times * cross))
    hessian[-1, -1] = theta**2 * (times @ twice_theta) + theta * (times @ in_theta)
    return gradient, hessian


def _in_theta(rows: _Rows, at: Array, total: Array) -> Array:
    """Return the derivative of each row's log-likelihood in theta; ``total`` (n) is mu + theta."""
    theta = np.exp(at[-1])
    of_values = digamma(rows.values + theta) - digamma(theta)
    slope: Array = of_values[rows.inverse] + at[-1] + 1 - np.log(total) - (rows.counts + theta) / total
    return slope
