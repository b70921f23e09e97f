"""Poisson and negative-binomial (NB2) regression of counts with an offset, by Newton's method.

Numbers in, numbers out. A fit says by itself whether it may be believed: ``problem`` is ``None`` only when
the score is zero to rounding, every number is finite and the information is positive definite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

Array = NDArray[np.float64]

_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class CountFit:
    """A fitted count model of ``n`` rows and ``p`` coefficients.

    ``scores`` (n x p) are the rows' contributions to the score of the coefficients, ``information`` (p x p)
    the expected information, both with the dispersion held. ``dispersion`` is alpha in
    Var(y) = mu + alpha mu^2, 0 for Poisson; ``dispersion_error`` the standard error of log alpha.
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


def poisson(matrix: Array, counts: Array, offset: Array) -> CountFit:
    """Fit log E(y) = offset + X b by maximum likelihood.

    ``matrix`` is n x p, ``counts`` and ``offset`` (log exposure) have length n.
    """
    b = _start(matrix, counts, offset)
    log_likelihood, iterations = -np.inf, 0
    for iterations in range(1, _STEPS + 1):  # noqa: B007 - the count is part of the result
        mu = _mean(matrix, b, offset)
        score = matrix.T @ (counts - mu)
        step = _solve((matrix * mu[:, None]).T @ matrix, score)
        if step is None:
            break
        before = log_likelihood
        b, log_likelihood = _halved(b, step, lambda at: _poisson_likelihood(matrix, counts, offset, at))
        if _still(step, b) or log_likelihood == before:
            break
    mu = _mean(matrix, b, offset)
    information = (matrix * mu[:, None]).T @ matrix
    scores = matrix * (counts - mu)[:, None]
    return CountFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=_poisson_likelihood(matrix, counts, offset, b),
        iterations=iterations,
        problem=_problem(b, scores, information),
    )


def negative_binomial(matrix: Array, counts: Array, offset: Array) -> CountFit:
    """Fit the NB2 model with log link and one dispersion by joint maximum likelihood.

    Starts from the Poisson fit. Where the data are no more dispersed than Poisson the likelihood rises
    towards alpha = 0: the Poisson fit is returned with ``at_boundary`` true.

    Source: Lawless 1987 (Can J Stat 15:209); Venables and Ripley 2002 (``MASS::glm.nb``).
    """
    start = poisson(matrix, counts, offset)
    if start.problem:
        return start
    mu = _mean(matrix, start.coefficients, offset)
    # Twice the derivative of the log-likelihood in alpha at 0 (Dean and Lawless 1989).
    if np.sum((counts - mu) ** 2 - counts) <= 0:
        return _as_boundary(start)
    moment = max(np.sum((counts - mu) ** 2 - mu) / np.sum(mu**2), 1e-4)
    at = np.append(start.coefficients, -np.log(moment))
    values, inverse = np.unique(counts, return_inverse=True)
    likelihood, iterations = _nb_likelihood(matrix, counts, offset, at), 0
    for iterations in range(1, _STEPS + 1):  # noqa: B007 - the count is part of the result
        gradient, hessian = _nb_derivatives(matrix, counts, offset, at, values, inverse)
        step = _solve(-hessian, gradient)
        if step is None or step @ gradient < 0:
            # Away from the optimum the curvature in log theta can have the wrong sign: climb, then try again.
            scale = np.append(np.sqrt(np.diag(start.information)), np.sqrt(len(counts)))
            step = gradient / scale**2
        before = likelihood
        at, likelihood = _halved(at, step, lambda x: _nb_likelihood(matrix, counts, offset, x))
        if _still(step, at) or likelihood == before:
            break
    if at[-1] > 16:
        return _as_boundary(start)
    return _nb_result(matrix, counts, offset, at, iterations, values, inverse)


def _nb_result(
    matrix: Array, counts: Array, offset: Array, at: Array, iterations: int, values: Array, inverse: NDArray[np.intp]
) -> CountFit:
    b, theta = at[:-1], np.exp(at[-1])
    mu = _mean(matrix, b, offset)
    shrink = theta / (mu + theta)
    scores = matrix * ((counts - mu) * shrink)[:, None]
    information = (matrix * (mu * shrink)[:, None]).T @ matrix
    gradient, hessian = _nb_derivatives(matrix, counts, offset, at, values, inverse)
    joint = _solve(-hessian, np.eye(len(at))[-1])
    problem = _problem(b, scores, information)
    if problem is None and (joint is None or not joint[-1] > 0 or abs(gradient[-1]) > 1e-5 * len(counts)):
        problem = "the dispersion did not converge"
    return CountFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=_nb_likelihood(matrix, counts, offset, at),
        iterations=iterations,
        dispersion=float(1 / theta),
        dispersion_error=float("nan") if joint is None or joint[-1] <= 0 else float(np.sqrt(joint[-1])),
        problem=problem,
    )


def _as_boundary(fit: CountFit) -> CountFit:
    return replace(fit, at_boundary=True)


def _start(matrix: Array, counts: Array, offset: Array) -> Array:
    # One weighted least-squares step from the data themselves, as glm does.
    mu = counts + 0.1
    eta = np.log(mu)
    root = np.sqrt(mu)
    right = (eta - offset + (counts - mu) / mu) * root
    return np.linalg.lstsq(matrix * root[:, None], right, rcond=None)[0].astype(np.float64)


def _mean(matrix: Array, b: Array, offset: Array) -> Array:
    # Beyond e^30 cramps a night nothing is fitted any more; the bound keeps a wild step finite.
    mean: Array = np.exp(np.clip(matrix @ b + offset, -700, 30))
    return mean


def _poisson_likelihood(matrix: Array, counts: Array, offset: Array, b: Array) -> float:
    eta = matrix @ b + offset
    return float(counts @ eta - np.exp(np.clip(eta, -700, 30)).sum() - gammaln(counts + 1).sum())


def _nb_likelihood(matrix: Array, counts: Array, offset: Array, at: Array) -> float:
    theta = np.exp(np.clip(at[-1], -30, 30))
    eta = np.clip(matrix @ at[:-1] + offset, -700, 30)
    log_total = np.log(np.exp(eta) + theta)
    values, n = np.unique(counts, return_counts=True)
    constant = n @ (gammaln(values + theta) - gammaln(theta) - gammaln(values + 1))
    return float(constant + np.sum(theta * (np.log(theta) - log_total) + counts * (eta - log_total)))


def _nb_derivatives(
    matrix: Array, counts: Array, offset: Array, at: Array, values: Array, inverse: NDArray[np.intp]
) -> tuple[Array, Array]:
    theta = np.exp(at[-1])
    mu = _mean(matrix, at[:-1], offset)
    total = mu + theta
    in_eta = (counts - mu) * theta / total
    in_theta = (digamma(values + theta) - digamma(theta))[inverse] + at[-1] + 1 - np.log(total)
    in_theta -= (counts + theta) / total
    twice_eta = -mu * theta * (counts + theta) / total**2
    twice_theta = (polygamma(1, values + theta) - polygamma(1, theta))[inverse] + 1 / theta
    twice_theta += -2 / total + (counts + theta) / total**2
    cross = mu * (counts - mu) / total**2
    gradient = np.append(matrix.T @ in_eta, theta * in_theta.sum())
    hessian = np.empty((len(at), len(at)))
    hessian[:-1, :-1] = (matrix * twice_eta[:, None]).T @ matrix
    hessian[:-1, -1] = hessian[-1, :-1] = theta * (matrix.T @ cross)
    hessian[-1, -1] = theta**2 * twice_theta.sum() + theta * in_theta.sum()
    return gradient, hessian


def _halved(at: Array, step: Array, likelihood: Callable[[Array], float]) -> tuple[Array, float]:
    here = likelihood(at)
    for _ in range(30):
        there = likelihood(at + step)
        if there >= here:
            return at + step, there
        step = step / 2
    return at, here


def _still(step: Array, at: Array) -> bool:
    return bool(np.max(np.abs(step)) <= 1e-12 * (1 + np.max(np.abs(at))))


def _solve(matrix: Array, right: Array) -> Array | None:
    try:
        solution: Array = np.linalg.solve(matrix, right).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return solution if np.all(np.isfinite(solution)) else None


def _problem(b: Array, scores: Array, information: Array) -> str | None:
    if not (np.all(np.isfinite(b)) and np.all(np.isfinite(information))):
        return "the coefficients are not finite"
    scale = np.sqrt(np.diag(information))
    if np.any(scale <= 0) or np.linalg.eigvalsh(information / np.outer(scale, scale))[0] < _TOLERANCE:
        return "the information matrix is singular"
    # In units of standard errors, so that the scaling of a column does not matter.
    if np.max(np.abs(scores.sum(axis=0)) / scale) > 1e-5:
        return "the score did not reach zero"
    return None
