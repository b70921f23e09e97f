"""Poisson, negative-binomial and logistic regression with random effects of the participants.

A random intercept, or a correlated intercept and slope of one column, by adaptive Gauss-Hermite quadrature on
compressed rows. Coefficients are conditional on the participant. All parameters are estimated jointly by maximum
likelihood; the observed information is the differenced exact gradient of the quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.linalg import block_diag

from crampstudy.arrays import Array, Codes
from crampstudy.errors import AnalysisError
from crampstudy.models.common import separation
from crampstudy.models.common.aggregation import Compressed, compress
from crampstudy.models.inference.covariance import CURVED_TO
from crampstudy.models.nights import count
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.logistic import SEPARATED, check_binary
from crampstudy.models.nights.logistic import logistic as logistic_by_night
from crampstudy.models.nights.random_effects.marginal_likelihood import (
    CountConstant,
    MarginalLikelihood,
    PoissonLikelihood,
    TrialsLikelihood,
)
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.random_effects.quadrature import QuadratureRule
from crampstudy.models.nights.random_effects.spreads import Effects, Elements, rotation, triangular
from crampstudy.models.optimise.optimum import Optimum
from crampstudy.models.optimise.profile_likelihood import Fall, Profile
from crampstudy.models.optimise.quasi_newton import maximise, maximise_holding

NODES = 9
"""Quadrature nodes in each dimension, unless set."""

_NO_SPREAD = 1e-3
"""A standard deviation closer to zero than this, in units of its standard error given the rest, is zero."""
_POISSON = 12.0
"""Log theta beyond which a negative binomial is Poisson (alpha below 6e-6)."""
_SPREADS = (0.25, 0.5, 1.0, 2.0)
"""Standard deviations of a random intercept among which the climb starts."""


def poisson(
    matrix: Array,
    counts: Array,
    offset: Array,
    groups: Codes,
    *,
    multiplicity: Array | None = None,
    slope: int | None = None,
    nodes: int = NODES,
) -> MixedFit:
    """Fit log E(y | v) = offset + X b + v, v normal within the participants ``groups`` (codes 0..G-1, length n).

    Args:
        matrix: columns of the model (n x p).
        counts: cramps (n).
        offset: log exposure (n).
        groups: codes of the participants (n), 0..G-1.
        multiplicity: as how many rows (n) a row counts, 1 if not given.
        slope: the column of ``matrix`` that has a random slope besides.
        nodes: quadrature nodes in each dimension; one is Laplace's approximation.

    Raises:
        AnalysisError: the rows do not fit each other, or ``slope`` or ``nodes`` is out of range.

    Source: Pinheiro and Bates 1995 (J Comput Graph Stat 4:12).
    """
    _check(matrix, slope, nodes)
    rows = compress(matrix, counts, offset, groups, "poisson", multiplicity)
    started = count.poisson(rows.matrix, rows.counts, rows.offset)
    if problem := _separation(rows, started.coefficients) or started.problem:
        return _unfitted(rows, problem, nodes, 1 if slope is None else 2)
    return _fit(PoissonLikelihood.of(rows, slope), [np.append(started.coefficients, sd) for sd in _SPREADS], nodes)


def logistic(
    matrix: Array,
    events: Array,
    offset: Array,
    groups: Codes,
    *,
    multiplicity: Array | None = None,
    slope: int | None = None,
    nodes: int = NODES,
) -> MixedFit:
    """Fit logit P(y = 1 | v) = offset + X b + v, v normal within the participants.

    Args:
        matrix: columns of the model (n x p).
        events: 0 or 1 (n).
        offset: log odds (n).
        groups: codes of the participants (n), 0..G-1.
        multiplicity: as how many rows (n) a row counts, 1 if not given.
        slope: the column of ``matrix`` that has a random slope besides.
        nodes: quadrature nodes in each dimension; one is Laplace's approximation.

    Raises:
        AnalysisError: as :func:`poisson`, or an event is neither 0 nor 1.
    """
    _check(matrix, slope, nodes)
    check_binary(events)
    rows = compress(matrix, events, offset, groups, "trials", multiplicity)
    started = _by_night(rows)
    if started.problem:
        return _unfitted(rows, started.problem, nodes, 1 if slope is None else 2)
    model = TrialsLikelihood.of(rows, slope, None)
    return _fit(model, [np.append(started.coefficients, sd) for sd in _SPREADS], nodes)


def negative_binomial(
    matrix: Array,
    counts: Array,
    offset: Array,
    groups: Codes,
    *,
    multiplicity: Array | None = None,
    slope: int | None = None,
    nodes: int = NODES,
) -> MixedFit:
    """Fit the NB2 model with random effects; errors as :func:`poisson`, from whose fit it starts.

    Given the effects the likelihood is linear in the count but for a constant of the dispersion, so that the nights
    of a participant that share design row and exposure are one row.

    Args:
        matrix: columns of the model (n x p).
        counts: cramps (n).
        offset: log exposure (n).
        groups: codes of the participants (n), 0..G-1.
        multiplicity: as how many rows (n) a row counts, 1 if not given.
        slope: the column of ``matrix`` that has a random slope besides.
        nodes: quadrature nodes in each dimension; one is Laplace's approximation.
    """
    start = poisson(matrix, counts, offset, groups, multiplicity=multiplicity, slope=slope, nodes=nodes)
    if start.problem:
        return start
    rows = compress(matrix, counts, offset, groups, "trials", multiplicity)
    times = np.ones(len(counts)) if multiplicity is None else multiplicity
    model = TrialsLikelihood.of(rows, slope, CountConstant.of(counts, groups, times))
    if _no_more_dispersed(model, start, nodes):
        return replace(start, dispersion_at_boundary=True)
    sd = max(float(start.effects.factor[0, 0]), _SPREADS[0])
    starts = [np.concatenate([start.coefficients, [x, sd]]) for x in (-2.0, -1.0, 0.0, 1.0, 2.5, 5.0)]
    return _fit(model, starts, nodes)


def _no_more_dispersed(model: TrialsLikelihood, start: MixedFit, nodes: int) -> bool:
    """Return whether the likelihood at the Poisson fit still rises as alpha falls to nothing."""
    factor, inner = start.effects.factor, np.append(start.coefficients, _POISSON)
    _, scores, _ = model.evaluate(inner, factor, QuadratureRule.of(nodes, len(factor)), np.zeros(start.modes.shape))
    return bool(scores[:, -1].sum() > 0)


_FREE_ELEMENTS = {1: ((0, 0),), 2: ((0, 0), (1, 0), (1, 1))}
"""The free elements of the factor L, effects = L x standard normals, for a random intercept and one with a slope."""


class _Likelihood:
    """A model with some elements of L free: parameters are the model's own, then those elements.

    The modes of the last evaluation are where the next one starts to look for its own.
    """

    def __init__(self, model: MarginalLikelihood, free: Elements, nodes: int) -> None:
        self.model, self.free, self.nodes = model, free, nodes
        dimensions = model.cells.z.shape[1]
        self.rule = QuadratureRule.of(nodes if free else 1, dimensions)
        self.modes = np.zeros((len(model.cells.sums), dimensions))

    def factor(self, at: Array) -> Array:
        made = np.zeros((self.modes.shape[1],) * 2)
        for element, value in zip(self.free, at[len(at) - len(self.free) :], strict=True):
            made[element] = value
        return made

    def __call__(self, theta: Array) -> tuple[float, Array]:
        inner = theta[: len(theta) - len(self.free)]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            values, scores, found = self.model.evaluate(inner, self.factor(theta), self.rule, self.modes)
        total = float(values.sum()) + self.model.constant
        if not np.isfinite(total):
            return -np.inf, np.full((len(values), len(theta)), np.nan)
        self.modes = found.modes
        return total, np.column_stack([scores, *(found.in_factor[:, d, e] for d, e in self.free)])

    def maximise(self, start: Array) -> Optimum:
        """Return the optimum, the standard normals turned so that the diagonal of L is not negative."""
        optimum = maximise(self, start, CURVED_TO)
        signs = np.ones(len(start))
        for i, (_, column) in enumerate(self.free, start=len(start) - len(self.free)):
            diagonal = self.factor(optimum.theta)[column, column]
            signs[i] = -1.0 if diagonal < 0 else 1.0
        theta = optimum.theta * signs
        value, scores = self(theta)
        turned = np.outer(signs, signs)
        parts = None if optimum.curvatures is None else optimum.curvatures * turned
        information = optimum.information * turned
        return replace(optimum, theta=theta, value=value, scores=scores, information=information, curvatures=parts)

    def fall(self, optimum: Optimum, index: int, turn: Callable[[float], float], log_value: float) -> float:
        """Return by how much the likelihood falls where the parameter at ``index`` is what ``turn`` makes of a log."""
        return optimum.value - maximise_holding(self, optimum, index, turn(log_value))

    def falls(self, optimum: Optimum, away: float) -> Fall:
        """Return how the likelihood falls as the spread of the intercept so many slopes away is held.

        That intercept, of a rotation of the effects, is the first of them, and no worse conditioned however far it is.
        """
        own = len(optimum.theta) - len(self.free)
        if self.modes.shape[1] == 1:
            return partial(self.fall, optimum, own, np.exp)
        turn, rest = rotation(away), np.eye(own)
        at = self._rotated(turn, optimum.theta[own:])
        widths = 1e-6 * np.eye(len(at))
        back = [(self._rotated(turn.T, at + w) - self._rotated(turn.T, at - w)) / 2e-6 for w in widths]
        whole = block_diag(rest, np.array(back).T)
        cells = replace(self.model.cells, z=self.model.cells.z @ turn.T)
        rotated = _Likelihood(replace(self.model, cells=cells), self.free, self.nodes)
        moved = replace(
            optimum, theta=np.append(optimum.theta[:own], at), information=whole.T @ optimum.information @ whole
        )
        return partial(rotated.fall, moved, own, lambda log_sd: float(np.exp(log_sd) / np.hypot(1.0, away)))

    def _rotated(self, turn: Array, elements: Array) -> Array:
        factor = triangular(turn @ self.factor(elements))
        return np.array([factor[element] for element in self.free])

    def step_norm(self, step: Array) -> float:
        """Return how far a step goes, 1 being far on the link scale for one step, but not out of sight."""
        matrix, z = self.model.rows.matrix, self.model.cells.z
        p = matrix.shape[1]
        own = len(step) - len(self.free)
        far = [float(np.abs(matrix @ step[:p]).max()) / 4, *np.abs(step[p:own]) / 2]
        for (row, _), value in zip(self.free, step[own:], strict=True):
            far.append(abs(value) * float(np.sqrt(np.mean(z[:, row] ** 2))))
        return float(max(far))

    def best(self, starts: list[Array]) -> Array:
        """Return the start with the highest likelihood."""
        return max(starts, key=lambda start: self(start)[0])


def _fit(model: MarginalLikelihood, starts: list[Array], nodes: int) -> MixedFit:
    """Fit from the best of ``starts``, parameters with a random intercept's standard deviation last."""
    intercept = _Likelihood(model, _FREE_ELEMENTS[1], nodes)
    optimum = intercept.maximise(intercept.best(starts))
    flat = _is_zero(optimum, -1)
    if model.cells.z.shape[1] == 1 or optimum.reason:
        return _plain(model, optimum.theta[:-1], nodes) if flat else _result(intercept, optimum, nodes)
    both = _Likelihood(model, _FREE_ELEMENTS[2], nodes)
    sd = 0.1 if flat else optimum.theta[-1]
    optimum = both.maximise(both.best([np.concatenate([optimum.theta[:-1], [sd, 0.0, x]]) for x in (0.05, 0.2, 0.8)]))
    if _is_zero(optimum, -3):
        alone = _Likelihood(model, _FREE_ELEMENTS[2][2:], nodes)
        optimum = alone.maximise(np.append(optimum.theta[:-3], np.hypot(*optimum.theta[-2:])))
        if _is_zero(optimum, -1):
            return _plain(model, optimum.theta[:-1], nodes)
        return replace(_result(alone, optimum, nodes), at_boundary=True)
    if not _is_zero(optimum, -1):
        return _result(both, optimum, nodes)
    corner = _Likelihood(model, _FREE_ELEMENTS[2][:2], nodes)
    return replace(_result(corner, corner.maximise(optimum.theta[:-1]), nodes), at_boundary=True)


def _plain(model: MarginalLikelihood, inner: Array, nodes: int) -> MixedFit:
    """Return the fit without random effects: that of a variance at its boundary."""
    none = _Likelihood(model, (), nodes)
    return replace(_result(none, none.maximise(inner), nodes), at_boundary=True)


def _is_zero(optimum: Optimum, element: int) -> bool:
    """Return whether a diagonal element of L is zero to the precision of the data."""
    return bool(abs(optimum.theta[element]) * np.sqrt(max(optimum.information[element, element], 0.0)) < _NO_SPREAD)


def _result(likelihood: _Likelihood, optimum: Optimum, nodes: int) -> MixedFit:
    p, own = likelihood.model.rows.matrix.shape[1], len(optimum.theta) - len(likelihood.free)
    factor, problem = likelihood.factor(optimum.theta), optimum.reason
    joint: Array = np.full(optimum.information.shape, np.nan)
    if problem is None:
        joint = np.linalg.inv(optimum.information).astype(np.float64)
    dispersion_error, profile = float("nan"), None
    if own > p and problem is None:
        dispersion_error = float(np.sqrt(joint[p, p]))
        fall = partial(likelihood.fall, optimum, p, _log_theta)
        profile = Profile(-float(optimum.theta[p]), dispersion_error, fall)
    falls = partial(likelihood.falls, optimum) if (0, 0) in likelihood.free else None
    effects = Effects(factor, likelihood.free, joint[own:, own:], likelihood.model.turn, falls)
    return MixedFit(
        coefficients=optimum.theta[:p],
        scores=optimum.scores,
        information=optimum.information,
        log_likelihood=optimum.value,
        iterations=optimum.iterations,
        nodes=nodes,
        effects=effects,
        modes=likelihood.modes @ effects.turned.T,
        dispersion=float(np.exp(-optimum.theta[p])) if own > p else 0.0,
        dispersion_error=dispersion_error,
        problem=problem,
        curvatures=optimum.curvatures,
        profile=profile,
    )


def _log_theta(log_alpha: float) -> float:
    return min(-log_alpha, _POISSON)


def _by_night(rows: Compressed) -> CountFit:
    """Return the logistic fit without random effects, a row's nights taken with the outcome and without it."""
    times = np.concatenate([rows.counts, rows.multiplicity - rows.counts])
    some = times > 0
    matrix, offset = np.tile(rows.matrix, (2, 1)), np.tile(rows.offset, 2)
    outcome = np.repeat([1.0, 0.0], len(rows.counts))
    return logistic_by_night(matrix[some], outcome[some], offset[some], times[some])


def _separation(rows: Compressed, coefficients: Array) -> str | None:
    """Say so where a combination of columns sets nights without a cramp apart, so that no estimate is finite."""
    if np.abs(rows.matrix @ coefficients).max() < separation.SUSPECT_PREDICTOR:
        return None
    some, rest = (np.unique(rows.matrix[has], axis=0) for has in (rows.counts > 0, rows.counts == 0))
    return SEPARATED if separation.separating_sides(some, rest, "log") else None


def _unfitted(rows: Compressed, problem: str, nodes: int, dimensions: int) -> MixedFit:
    """Return the fit of a model whose plain likelihood already has no maximum."""
    p, people = rows.matrix.shape[1], int(rows.groups.max()) + 1
    none = np.full((dimensions, dimensions), np.nan)
    return MixedFit(
        coefficients=np.full(p, np.nan),
        scores=np.full((people, p), np.nan),
        information=np.full((p, p), np.nan),
        log_likelihood=float("nan"),
        iterations=0,
        nodes=nodes,
        effects=Effects(none, (), np.empty((0, 0)), np.eye(dimensions)),
        modes=np.full((people, dimensions), np.nan),
        problem=problem,
    )


def _check(matrix: Array, slope: int | None, nodes: int) -> None:
    if slope is not None and not 0 <= slope < matrix.shape[1]:
        raise AnalysisError(f"no column {slope} for a random slope; the columns are 0 to {matrix.shape[1] - 1}")
    if slope is not None and np.ptp(matrix[:, slope]) == 0:
        raise AnalysisError(f"column {slope} does not vary, so its slope cannot; choose another column")
    if not 1 <= nodes <= 100:
        raise AnalysisError(f"quadrature takes 1 to 100 nodes, got {nodes}")
