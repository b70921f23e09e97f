"""Every model of nights behind one signature: from design arrays to coefficients, variance and what else it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.estimates import Status
from crampstudy.models.coefficients import auxiliary_parameters
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.common.aggregation import Likelihood
from crampstudy.models.common.distributions import BINOMIAL, POISSON, Family, gaussian, negative_binomial
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import CURVED_TO, Covariance, cluster_sums
from crampstudy.models.inference.small_sample import Nights
from crampstudy.models.nights import count, gee, linear, logistic
from crampstudy.models.nights.random_effects import linear_mixed, mixed
from crampstudy.models.nights.zeros import zero_inflated
from crampstudy.models.nights.zeros.likelihoods import Counts
from crampstudy.models.optimise.profile_likelihood import Profile, of_dispersion

Outcome = str
"""``cramps``, ``cramp_night``, or a column of the diary that is a number."""
Fitted = (
    count.CountFit
    | linear.LinearFit
    | mixed.MixedFit
    | linear_mixed.LinearMixedFit
    | gee.GeeFit
    | zero_inflated.ZerosFit
)


@dataclass(frozen=True, slots=True)
class Data:
    """Nights as arrays of length n: ``matrix`` is n x p, ``offset`` log exposure, ``groups`` the participants' codes.

    Codes are 0..G-1; ``nights`` is the calendar night in days since any day, empty where a row stands for several
    nights. ``weights`` say as how many rows a row counts, 1 if absent; ``constant`` is what rows that were added up
    lack of the log-likelihood, ``added`` as how many nights they stand for, their number if absent. ``zero`` (n x q) is
    the design of the zero part of a model that has one, a column of ones if absent. What has a random slope is the
    first number of ``slope`` plus the second times its column.
    """

    matrix: Array
    outcome: Array
    offset: Array
    groups: NDArray[np.intp]
    nights: NDArray[np.int64]
    weights: Array | None = None
    constant: float = 0.0
    zero: Array | None = None
    added: int | None = None
    slope: tuple[float, float] = (0.0, 1.0)

    @property
    def mean(self) -> float:
        """Mean outcome of a night."""
        times = np.ones(len(self.outcome)) if self.weights is None else self.weights
        return float(times @ self.outcome) / (times.sum() if self.added is None else self.added)

    @property
    def baselines(self) -> list[int]:
        """The columns that do not vary, of the zero part after those of the counts: intercepts."""
        both = self.matrix if self.zero is None else np.column_stack([self.matrix, self.zero])
        return np.flatnonzero(np.ptp(both, axis=0) == 0).tolist()


@dataclass(frozen=True, slots=True)
class ZeroPart:
    """The part of a model that is about zeros alone: log odds (q) with variance (q x q) and ``moments``.

    At its boundary there are no excess zeros: no odds to compare, and the ``reason`` says so.
    """

    coefficients: Array
    variance: Array
    moments: automatic.Moments
    status: Status = "converged"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """Coefficients (p) with variance (p x p) and df (p), or the ``problem`` because of which there are none.

    ``moments`` give the degrees of freedom of combinations of coefficients, ``None`` where there are no coefficients.
    ``used`` is the covariance that ``variance`` is, ``effective`` (p) the participants that the coefficients rest on.
    ``fitted`` is what the numerical engine left, for checks of the fit; ``zero`` the zero part of a model that has one.
    ``no_baseline`` says why the intercept is no rate, though ratios are.
    """

    coefficients: Array
    variance: Array
    df: Array
    log_likelihood: float
    iterations: int
    used: Covariance
    effective: Array
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None
    fitted: Fitted | None = None
    zero: ZeroPart | None = None
    no_baseline: str | None = None
    moments: automatic.Moments | None = None

    @classmethod
    def none(cls, p: int, iterations: int, problem: str, fitted: Fitted | None = None) -> Solved:
        """Return what a fit that failed leaves."""
        missing = np.full(p, np.nan)
        empty = np.full((p, p), np.nan)
        return cls(missing, empty, missing, float("nan"), iterations, "model", missing, problem=problem, fitted=fitted)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model: its outcomes, the default first, its covariances, and whether it takes a random slope.

    ``numbers`` says whether any number of the diary that is none of ``outcomes`` is an outcome too.
    ``alike`` is the likelihood by which a participant's rows may be added up; only a model that has it takes weights.
    ``zero_part`` says what the odds of its zero part are of, ``None`` where it has none; ``lacking`` why it cannot be
    asked of nights and an outcome.
    """

    outcomes: tuple[Outcome, ...]
    covariances: tuple[Covariance, ...]
    solve: Callable[[Data, Outcome, Covariance, int | None], Solved]
    random_slope: bool = False
    alike: Likelihood | None = None
    weighted: bool = False
    zero_part: str | None = None
    lacking: Callable[[Data, Outcome], str | None] | None = None
    numbers: bool = False

    def is_number(self, outcome: Outcome) -> bool:
        """Say whether an outcome is a number to this model, with differences instead of ratios."""
        return self.numbers and outcome not in self.outcomes


def _regression(
    model: Callable[[Array, Array, Array, Array | None], count.CountFit],
    data: Data,
    outcome: Outcome,
    kind: Covariance,
    _: int | None,
) -> Solved:
    fitted = model(data.matrix, data.outcome, data.offset, data.weights)
    return _of_counts(fitted, data, outcome, kind, dispersed=model is count.negative_binomial)


def _of_counts(fitted: count.CountFit, data: Data, outcome: Outcome, kind: Covariance, *, dispersed: bool) -> Solved:
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    family = BINOMIAL if outcome == "cramp_night" else _count_family(fitted)
    nights = Nights(
        data.matrix, data.outcome, data.offset, data.groups, fitted.coefficients, family, multiplicity=data.weights
    )
    found = automatic.of_regression(fitted, nights, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    undispersed = ("the counts are no more dispersed than Poisson",) if fitted.at_boundary else ()
    return Solved(
        fitted.coefficients,
        found.variance,
        found.df,
        fitted.log_likelihood + data.constant,
        fitted.iterations,
        found.used,
        found.effective,
        (_dispersion(fitted, _profile(fitted, data)),) if dispersed else (),
        (*undispersed, *found.notes, *automatic.named(found, kind)),
        fitted=fitted,
        moments=found.moments,
    )


def _count_family(fitted: count.CountFit) -> Family:
    return negative_binomial(fitted.dispersion) if fitted.dispersion else POISSON


def _profile(fitted: count.CountFit, data: Data) -> Profile | None:
    if fitted.at_boundary:
        return None
    times = np.ones(len(data.outcome)) if data.weights is None else data.weights
    law = Counts(data.matrix, np.rint(data.outcome).astype(np.int64), data.offset, times)
    at = np.append(fitted.coefficients, -np.log(fitted.dispersion))
    return of_dispersion(law, at, fitted.log_likelihood, fitted.dispersion_error)


def _dispersion(fitted: count.CountFit | mixed.MixedFit | zero_inflated.ZerosFit, profile: Profile | None) -> Extra:
    boundary = fitted.at_boundary if isinstance(fitted, count.CountFit) else fitted.dispersion_at_boundary
    unit = "alpha, variance = mean + alpha mean^2"
    if np.isinf(fitted.dispersion):
        return Extra("dispersion", "dispersion", unit, np.nan, status="boundary", note=_SERIES)
    if boundary:
        return Extra("dispersion", "dispersion", unit, 0.0, status="boundary")
    note = "interval from the likelihood, which takes nights as independent"
    if isinstance(fitted, mixed.MixedFit):
        note = "interval from the likelihood, which takes nights as independent given the participant"
    return Extra(
        "dispersion", "dispersion", unit, fitted.dispersion, fitted.dispersion_error, note=note, profile=profile
    )


def _zeros(
    model: Callable[[Array, Array, Array, Array, Array | None], zero_inflated.ZerosFit],
    data: Data,
    outcome: Outcome,
    kind: Covariance,
    _: int | None,
) -> Solved:
    zero = np.ones((len(data.outcome), 1)) if data.zero is None else data.zero
    baselines = replace(data, zero=zero).baselines
    fitted = model(data.matrix, zero, data.outcome, data.offset, data.weights)
    p, q = data.matrix.shape[1], zero.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    clusters = int(data.groups.max()) + 1
    scores = cluster_sums(fitted.scores, data.groups)
    parts = fitted.curvatures(data.groups, clusters) if fitted.curvatures and clusters <= CURVED_TO else None
    given = data.matrix, zero, data.outcome, data.offset, np.ones(len(zero)) if data.weights is None else data.weights
    refit = None if fitted.plain else partial(zero_inflated.moved, model, given, fitted, data.groups)
    k = p if fitted.plain else p + q
    held = [i for i in baselines if i < k]
    found = automatic.of_clusters(scores, fitted.information, parts, k, kind, held, refit)
    each = np.eye(k)
    moments = found.moments.turned(each[:p])
    series = bool(np.isinf(fitted.dispersion))
    undispersed = ("the counts are no more dispersed than Poisson",) if fitted.dispersion == 0 else ()
    return Solved(
        fitted.coefficients,
        found.variance[:p, :p],
        moments.df(),
        fitted.log_likelihood + data.constant,
        fitted.iterations,
        found.used,
        moments.effective(),
        (_dispersion(fitted, fitted.profile),),
        (_NO_EXCESS if fitted.plain else _OF_COUNTS[fitted.kind], *undispersed, *automatic.named(found, kind)),
        fitted=fitted,
        zero=(
            _no_zeros(q)
            if fitted.plain
            else ZeroPart(fitted.zero, found.variance[p:, p:], found.moments.turned(each[p:]))
        ),
        moments=moments,
        no_baseline=f"{_SERIES}, with a mean before the cut of all but zero" if series else None,
    )


def _no_zeros(q: int) -> ZeroPart:
    none = np.full(q, np.nan)
    reason = "no more zeros than the counts bring along: the fit is that without a zero part"
    return ZeroPart(none, np.full((q, q), np.nan), automatic.Conventional(np.nan, q), "boundary", reason)


_NO_EXCESS = "no excess zeros: standard errors of coefficients and dispersion together, the chance of one held at 0"
_SERIES = "counts above zero are as dispersed as can be, a logarithmic series"
_OF_COUNTS = {
    "inflated": "rate ratios are those on nights without an excess zero",
    "hurdle": "rate ratios are those before counts are cut off at zero",
}


def _mixed(
    model: Callable[..., mixed.MixedFit], data: Data, outcome: Outcome, kind: Covariance, slope: int | None
) -> Solved:
    fitted = model(data.matrix, data.outcome, data.offset, data.groups, multiplicity=data.weights, slope=slope)
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    odds = model is mixed.logistic
    where = f"on the {'logit' if odds else 'log'} scale"
    effects = fitted.effects.of(*data.slope)
    made = auxiliary_parameters.spreads(effects, where)
    if slope is not None:
        made.append(auxiliary_parameters.effects_correlation(effects.correlation))
    else:
        made += _heterogeneity(made[0], fitted, data, odds=odds)
    if model is mixed.negative_binomial:
        made.append(_dispersion(fitted, fitted.profile))
    return _solved(fitted, found, made, (*_at_boundary(fitted), *automatic.named(found, kind)))


def _solved(fitted: _Clustered, found: automatic.Inference, made: Sequence[Extra], notes: tuple[str, ...]) -> Solved:
    return Solved(
        fitted.coefficients,
        found.variance,
        found.df,
        float("nan") if isinstance(fitted, gee.GeeFit) else fitted.log_likelihood,
        fitted.iterations,
        found.used,
        found.effective,
        tuple(made),
        notes,
        fitted=fitted,
        moments=found.moments,
    )


_Clustered = linear.LinearFit | mixed.MixedFit | linear_mixed.LinearMixedFit | gee.GeeFit


def _heterogeneity(of: Extra, fitted: mixed.MixedFit, data: Data, *, odds: bool) -> tuple[Extra, Extra]:
    """Return the median ratio and the intraclass correlation that follow from a random intercept's spread."""
    if odds:
        latent = "of the latent scale, a night's variance pi^2/3"
        return auxiliary_parameters.median_ratio(of, "odds"), auxiliary_parameters.intraclass(
            of, auxiliary_parameters.LOGISTIC_RESIDUAL, latent
        )
    residual = auxiliary_parameters.log_residual(data.mean, fitted.dispersion)
    added = "" if fitted.dispersion == 0 else " + alpha"
    of_night = f"of the log scale, a night's variance log(1 + 1/{data.mean:.3g}{added}), the mean count of a night"
    return auxiliary_parameters.median_ratio(of, "rate"), auxiliary_parameters.intraclass(of, residual, of_night)


def _at_boundary(fitted: mixed.MixedFit | linear_mixed.LinearMixedFit) -> tuple[str, ...]:
    return ("a variance of the participants is at its boundary",) if fitted.at_boundary else ()


def _linear(data: Data, outcome: Outcome, kind: Covariance, _: int | None) -> Solved:
    fitted = linear.linear(data.matrix, data.outcome, data.offset, data.weights)
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    family = gaussian(fitted.variance)
    nights = Nights(data.matrix, data.outcome, data.offset, data.groups, fitted.coefficients, family, data.weights)
    found = automatic.of_regression(fitted, nights, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    residuals = data.outcome - data.offset - data.matrix @ fitted.coefficients
    error = linear.variance_error(fitted, residuals, data.groups, data.weights)
    if found.used == "model":
        found = replace(found, moments=automatic.Conventional(fitted.df, p))
    made = auxiliary_parameters.residual(float(np.sqrt(fitted.variance)), error, int(data.groups.max()) + 1)
    return _solved(fitted, found, (made,), (*found.notes, *automatic.named(found, kind)))


def _mixed_linear(data: Data, outcome: Outcome, kind: Covariance, slope: int | None) -> Solved:
    fitted = linear_mixed.linear_mixed(
        data.matrix, data.outcome, data.offset, data.groups, multiplicity=data.weights, slope=slope
    )
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    effects = fitted.effects.of(*data.slope)
    made = auxiliary_parameters.spreads(effects, "in the outcome's unit")
    made.append(auxiliary_parameters.residual(fitted.residual, fitted.residual_error))
    if slope is None:
        made.append(auxiliary_parameters.share(float(fitted.sd[0]), fitted.residual, fitted.share_error))
    else:
        made.append(auxiliary_parameters.effects_correlation(effects.correlation, effects.correlation_error))
    return _solved(fitted, found, made, (*_at_boundary(fitted), *automatic.named(found, kind)))


def _gee(working: gee.Working, data: Data, outcome: Outcome, kind: Covariance, _: int | None) -> Solved:
    fitted = gee.gee(
        data.matrix,
        data.outcome,
        data.offset,
        data.groups,
        data.nights,
        family=_MARGINAL.get(outcome, "gaussian"),
        working=working,
    )
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    of = "of any two nights" if working == "exchangeable" else "of neighbouring nights"
    if working == "ar1" and fitted.apart > 1:
        of = f"of nights {fitted.apart} apart"
    made = auxiliary_parameters.marginal(fitted, f"{of} of a participant", number=outcome not in _MARGINAL)
    return _solved(fitted, found, made, automatic.named(found, kind))


_MARGINAL: Mapping[str, gee.FamilyName] = {"cramps": "poisson", "cramp_night": "binomial"}
"""The family of a marginal model follows the outcome; any other outcome is a number."""


def _nothing_within(data: Data, outcome: Outcome) -> str | None:
    if outcome in _MARGINAL:
        return None
    return linear.nothing_within(data.matrix, data.outcome, data.offset, data.groups, data.weights)


_ROBUST: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "model")
_REGRESSION: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "cluster-small", "model")
_COUNTS: tuple[Outcome, ...] = ("cramps",)
_BOTH: tuple[Outcome, ...] = ("cramps", "cramp_night")

ENGINES: Mapping[str, Engine] = {
    "poisson": Engine(_COUNTS, _REGRESSION, partial(_regression, count.poisson), alike="poisson", weighted=True),
    "negative-binomial": Engine(
        _COUNTS,
        (*_REGRESSION, "cluster-joint"),
        partial(_regression, count.negative_binomial),
        alike="count",
        weighted=True,
    ),
    "logistic": Engine(
        ("cramp_night",), _REGRESSION, partial(_regression, logistic.logistic), alike="count", weighted=True
    ),
    "linear": Engine((), _REGRESSION, _linear, alike="number", weighted=True, numbers=True),
    "mixed-poisson": Engine(_COUNTS, _ROBUST, partial(_mixed, mixed.poisson), random_slope=True, alike="count"),
    "mixed-negative-binomial": Engine(
        _COUNTS, _ROBUST, partial(_mixed, mixed.negative_binomial), random_slope=True, alike="count"
    ),
    "mixed-logistic": Engine(
        ("cramp_night",), _ROBUST, partial(_mixed, mixed.logistic), random_slope=True, alike="count"
    ),
    "mixed-linear": Engine(
        (), _ROBUST, _mixed_linear, random_slope=True, alike="number", lacking=_nothing_within, numbers=True
    ),
    "zero-inflated-negative-binomial": Engine(
        _COUNTS,
        _ROBUST,
        partial(_zeros, zero_inflated.zero_inflated),
        alike="count",
        weighted=True,
        zero_part="odds of an excess zero",
    ),
    "hurdle-negative-binomial": Engine(
        _COUNTS,
        _ROBUST,
        partial(_zeros, zero_inflated.hurdle),
        alike="count",
        weighted=True,
        zero_part="odds of a night without a cramp",
        lacking=lambda data, _: zero_inflated.nothing_on_a_side(data.outcome),
    ),
    "gee-exchangeable": Engine(_BOTH, _ROBUST, partial(_gee, "exchangeable"), lacking=_nothing_within, numbers=True),
    "gee-ar1": Engine(_BOTH, _ROBUST, partial(_gee, "ar1"), lacking=_nothing_within, numbers=True),
}
"""The models of nights by name."""
