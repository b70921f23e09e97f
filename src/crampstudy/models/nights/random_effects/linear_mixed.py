"""Linear models with random effects of the participants, by restricted maximum likelihood (REML).

A random intercept, or a correlated intercept and slope of one column. Given the relative factor L of the effects'
covariance, coefficients and residual variance have a closed form in sums of products by participant, so that the cost
of a step does not grow with the nights. The criterion is climbed on by its exact gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from crampstudy.arrays import Array, Codes
from crampstudy.errors import AnalysisError
from crampstudy.models.inference.covariance import CURVED_TO
from crampstudy.models.nights.linear import least_squares
from crampstudy.models.nights.random_effects.spreads import Effects, Elements, WithEffects, centred
from crampstudy.models.optimise import newton, optimum, products

_INTERCEPT: Elements = ((0, 0),)
_BOTH: Elements = ((0, 0), (1, 0), (1, 1))
_FLAT: Elements = ((0, 0), (1, 0))
"""The free elements of L; the last ones are those of effects that go together completely."""
_STARTS = np.geomspace(0.01, 100.0, 13)
_GAIN = 1e-8
"""A spread that lowers the deviance by less than this is zero."""
_STEP = 1e-4
_NEWTON_STEPS = 20


@dataclass(frozen=True, slots=True)
class LinearMixedFit(WithEffects):
    """A fitted linear mixed model of p coefficients, G participants and D random effects (intercept, then slope).

    ``scores`` (G x p) and ``information`` (p x p) are those of the coefficients at the variances estimated, of which
    they are independent in expectation; ``curvatures`` (G x p x p) the participants' parts of it, where they are few.
    ``log_likelihood`` is the restricted one, as R's ``logLik`` of ``lme4::lmer``. ``effects`` are those of the columns,
    ``residual_error`` the standard error of the logarithm of the ``residual``'s SD, ``share_error`` that of the logit
    of a random intercept's share of the variance; ``modes`` (G x D) the participants' effects. At a boundary an sd is
    0, its error NaN, or ``correlation`` is 1 or -1.
    """

    coefficients: Array
    scores: Array
    information: Array
    log_likelihood: float
    iterations: int
    effects: Effects
    residual: float
    residual_error: float
    share_error: float
    modes: Array
    at_boundary: bool = False
    problem: str | None = None
    curvatures: Array | None = None


def linear_mixed(
    matrix: Array,
    outcome: Array,
    offset: Array,
    groups: Codes,
    *,
    multiplicity: Array | None = None,
    slope: int | None = None,
) -> LinearMixedFit:
    """Fit E(y | v) = offset + X b + v, v normal within the participants ``groups`` (codes 0..G-1, length n).

    Args:
        matrix: columns of the model (n x p).
        outcome: numbers (n).
        offset: added to the mean (n).
        groups: codes of the participants (n), 0..G-1.
        multiplicity: as how many rows (n) a row counts, 1 if not given.
        slope: the column of ``matrix`` that has a random slope besides.

    Raises:
        AnalysisError: ``slope`` is no column that varies.

    Source: Laird and Ware 1982; Bates, Mächler, Bolker and Walker 2015 (the profiled criterion).
    """
    if slope is not None and (not 0 <= slope < matrix.shape[1] or np.ptp(matrix[:, slope]) == 0):
        raise AnalysisError(f"column {slope} does not exist or does not vary, so its slope cannot; choose another")
    times = np.ones(len(outcome)) if multiplicity is None else multiplicity
    problem = _Problem.of(matrix, outcome - offset, groups, times, slope)
    free, at, steps = _best(problem)
    return _result(problem, free, at, steps)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Sums of products by participant: Z (D columns), Q (p, orthogonal, X = Q R), residuals r of least squares.

    The column of a slope is centred and of SD 1; ``turn`` (D x D) turns effects of such columns into those of the
    columns given.
    """

    zza: Array  # G x D x (D + p + 1), Z' [Z, A] with A = [Q, r]
    aa: Array  # G x (p + 1) x (p + 1)
    whole: Array  # the sum of these
    triangle: Array  # R, p x p
    start: Array  # coefficients of least squares
    turn: Array
    n: float

    @classmethod
    def of(cls, matrix: Array, outcome: Array, groups: Codes, times: Array, slope: int | None) -> _Problem:
        root = np.sqrt(times)[:, None]
        length = np.sqrt(times @ np.square(matrix))
        orthogonal, triangle = _orthogonal(matrix / length * root)
        b, residuals = least_squares(matrix, outcome, times)
        z, turn = centred(matrix, slope, times)
        sums = products.within(np.column_stack([z * root, orthogonal, residuals * root[:, 0]]), groups)
        d = z.shape[1]
        aa = sums[:, d:, d:]
        return cls(sums[:, :d], aa, aa.sum(axis=0), triangle * length, b, turn, float(times.sum()))

    @property
    def df(self) -> float:
        return self.n - len(self.start)

    def factor(self, free: Elements, at: Array) -> Array:
        made = np.zeros((self.zza.shape[1],) * 2)
        for element, value in zip(free, at, strict=True):
            made[element] = value
        return made

    def halves(self, factor: Array) -> tuple[Array, Array, Array]:
        """Return by participant W = I + L' Z' Z L, L' Z' [Z, A] and W^-1 of that."""
        d = len(factor)
        right = np.einsum("ij,gjk->gik", factor.T, self.zza)
        inner = np.eye(d) + np.einsum("gij,jk->gik", right[:, :, :d], factor)
        return inner, right, right / inner if d == 1 else np.linalg.solve(inner, right)

    def of_effects(self, right: Array, half: Array) -> Array:
        """Return Z' V^-1 [Z, A] by participant, V the covariance of the nights at residual SD 1."""
        made: Array = self.zza - np.einsum("gij,gik->gjk", right[:, :, : right.shape[1]], half)
        return made

    def of_all(self, right: Array, half: Array) -> Array:
        """Return A' V^-1 A of all participants."""
        d, k = right.shape[1], self.aa.shape[1]
        return self.whole - right[:, :, d:].reshape(-1, k).T @ half[:, :, d:].reshape(-1, k)

    def deviance(self, free: Elements, at: Array) -> tuple[float, Array]:
        """Return minus twice the restricted log-likelihood, without its constant, and its gradient in ``at``."""
        factor = self.factor(free, at)
        inner, right, half = self.halves(factor)
        z, s = self.of_effects(right, half), self.of_all(right, half)
        d, p = len(factor), len(self.start)
        inverse = np.linalg.inv(s[:p, :p])
        b = inverse @ s[:p, p]
        squares = float(s[p, p] - s[:p, p] @ b)
        value = float(
            np.linalg.slogdet(inner)[1].sum() + np.linalg.slogdet(s[:p, :p])[1] + self.df * np.log(squares / self.df)
        )
        of_q, of_e = z[:, :, d : d + p], z[:, :, d + p] - z[:, :, d : d + p] @ b
        slope = z[:, :, :d].sum(axis=0) - np.einsum("gip,pq,gjq->ij", of_q, inverse, of_q)
        slope = slope - self.df / squares * (of_e.T @ of_e)
        in_factor = 2 * slope @ factor
        return value, np.array([in_factor[element] for element in free])


def _orthogonal(matrix: Array) -> tuple[Array, Array]:
    """Return columns Q (n x p) near orthogonal ones, and the triangle R of ``matrix`` = QR."""
    triangle = products.triangle(matrix)
    if triangle is None:
        return np.linalg.qr(matrix)
    return matrix @ solve_triangular(triangle, np.eye(len(triangle))), triangle


def _best(problem: _Problem) -> tuple[Elements, Array, int]:
    """Return the free elements of L at the optimum, their values and the number of steps."""
    none = problem.deviance((), np.empty(0))[0]
    start = min(_STARTS, key=lambda sd: problem.deviance(_INTERCEPT, np.array([sd]))[0])
    at, value, steps = _minimise(problem, _INTERCEPT, np.array([start]))
    alone = value < none - _GAIN
    if problem.zza.shape[1] == 1:
        return (_INTERCEPT, at, steps) if alone else ((), np.empty(0), steps)
    first = float(at[0]) if alone else 0.1
    starts = [np.array([first, r * sd, np.sqrt(1 - r**2) * sd]) for sd in (0.05, 0.3, 1.5) for r in (-0.5, 0.0, 0.5)]
    ends = [_minimise(problem, _BOTH, one) for one in sorted(starts, key=lambda x: problem.deviance(_BOTH, x)[0])[:3]]
    both, of_both, more = min(ends, key=lambda end: end[1])
    vector = problem.factor(_BOTH, both)
    sizes, axes = np.linalg.eigh(vector @ vector.T)
    flat, of_flat, last = _minimise(problem, _FLAT, axes[:, 1] * np.sqrt(sizes[1]))
    steps += more + last
    if of_both < of_flat - _GAIN:
        return _BOTH, both, steps
    if of_flat < min(none, value) - _GAIN:
        return _FLAT, flat, steps
    return (_INTERCEPT, at, steps) if alone else ((), np.empty(0), steps)


def _minimise(problem: _Problem, free: Elements, start: Array) -> tuple[Array, float, int]:
    """Minimise the deviance: quasi-Newton steps, then Newton's from differences of the gradient, to rounding."""
    from scipy import optimize

    found = optimize.minimize(lambda at: problem.deviance(free, at), start, jac=True, method="BFGS")
    at, steps = np.asarray(found.x, dtype=np.float64), int(found.nit)
    value, gradient = problem.deviance(free, at)
    for _ in range(_NEWTON_STEPS):
        step = optimum.solve(_curvature(problem, free, at), -gradient)
        if step is None or newton.converged(step, at):
            break
        there, slope = problem.deviance(free, at + step)
        if not np.abs(slope).max() < np.abs(gradient).max():
            break
        at, value, gradient, steps = at + step, there, slope, steps + 1
    # The columns of L have no sign of their own.
    signs = {column: np.sign(at[free.index((column, column))]) or 1.0 for row, column in free if row == column}
    return at * np.array([signs.get(column, 1.0) for _, column in free]), value, steps


def _curvature(problem: _Problem, free: Elements, at: Array) -> Array:
    widths = _STEP * np.maximum(np.abs(at), 1e-2)
    rows = [
        (problem.deviance(free, at + width * unit)[1] - problem.deviance(free, at - width * unit)[1]) / (2 * width)
        for width, unit in zip(widths, np.eye(len(at)), strict=True)
    ]
    made = np.array(rows).reshape(len(at), len(at))
    symmetric: Array = (made + made.T) / 2
    return symmetric


def _result(problem: _Problem, free: Elements, at: Array, steps: int) -> LinearMixedFit:
    factor, p, d = problem.factor(free, at), len(problem.start), problem.zza.shape[1]
    _, right, half = problem.halves(factor)
    z, s = problem.of_effects(right, half), problem.of_all(right, half)
    a = problem.aa - right[:, :, d:].transpose(0, 2, 1) @ half[:, :, d:]
    b = np.linalg.solve(s[:p, :p], s[:p, p])
    squares = float(s[p, p] - s[:p, p] @ b)
    variance = squares / problem.df
    r = problem.triangle
    parts = r.T @ a[:, :p, :p] @ r / variance
    scores = (a[:, :p, p] - a[:, :p, :p] @ b) @ r / variance
    information = parts.sum(axis=0)
    value = problem.deviance(free, at)[0] + 2 * np.linalg.slogdet(r)[1] + problem.df * (1 + np.log(2 * np.pi))
    modes = (z[:, :, d + p] - z[:, :, d : d + p] @ b) @ (factor @ factor.T) @ problem.turn.T
    covariance, residual_error, share_error = _spread(problem, free, at, variance)
    residual = float(np.sqrt(variance))
    coefficients = problem.start + np.linalg.solve(r, b)
    full = len(free) == d * (d + 1) // 2
    return LinearMixedFit(
        coefficients=coefficients,
        scores=scores,
        information=information,
        log_likelihood=-value / 2,
        iterations=steps,
        effects=Effects(residual * factor, free, covariance, problem.turn),
        residual=residual,
        residual_error=residual_error,
        share_error=share_error,
        modes=modes,
        at_boundary=not full,
        problem=optimum.failure(coefficients, scores, information),
        curvatures=parts if len(parts) <= CURVED_TO else None,
    )


def _spread(problem: _Problem, free: Elements, at: Array, variance: float) -> tuple[Array, float, float]:
    """Return the covariance of the elements of L times the residual's SD, and the errors of log SD and logit share.

    They follow from the curvature of the deviance in L; given L, the residual variance has an error of its own, 2 / df
    on the log scale.
    """
    own = 0.5 / problem.df
    if not len(at):
        return np.empty((0, 0)), float(np.sqrt(own)), float("nan")
    slope = _log_sd_slope(problem, free, at)
    relative = 2 * np.linalg.pinv(_curvature(problem, free, at), hermitian=True)
    whole = np.eye(len(at)) + np.outer(at, slope)
    covariance = variance * (whole @ relative @ whole.T + own * np.outer(at, at))
    alone = len(problem.turn) == 1 and at[0] != 0
    share = float(2 / abs(at[0]) * np.sqrt(relative[0, 0])) if alone else float("nan")
    return covariance, float(np.sqrt(slope @ relative @ slope + own)), share


def _log_sd_slope(problem: _Problem, free: Elements, at: Array) -> Array:
    """Return the derivative (k) of the log of the residual's SD in the elements of L."""
    widths = _STEP * np.maximum(np.abs(at), 1e-2)
    units = np.diag(widths)
    gains = [_log_squares(problem, free, at + w) - _log_squares(problem, free, at - w) for w in units]
    return np.array(gains) / (4 * widths)


def _log_squares(problem: _Problem, free: Elements, at: Array) -> float:
    """Return the log of the residual variance at L."""
    p = len(problem.start)
    _, right, half = problem.halves(problem.factor(free, at))
    s = problem.of_all(right, half)
    return float(np.log((s[p, p] - s[:p, p] @ np.linalg.solve(s[:p, :p], s[:p, p])) / problem.df))
