"""Every model of nights behind one signature: from design arrays to coefficients, variance and what else it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crampstudy.estimates import Status
from crampstudy.models import count, gee, inference, logistic, mixed, zeros
from crampstudy.models.compress import Likelihood
from crampstudy.models.covariance import JACKKNIFE_BELOW, Array, Covariance, cluster_sums
from crampstudy.models.families import BINOMIAL, POISSON, Family, negative_binomial
from crampstudy.models.profile import Profile, of_dispersion
from crampstudy.models.small_sample import Nights, Satterthwaite
from crampstudy.models.zero_laws import Counts

Outcome = Literal["cramps", "cramp_night"]
Fitted = count.CountFit | mixed.MixedFit | gee.GeeFit | zeros.ZerosFit


@dataclass(frozen=True, slots=True)
class Data:
    """Nights as arrays of length n: ``matrix`` is n x p, ``offset`` log exposure, ``groups`` the participants' codes.

    Codes are 0..G-1; ``nights`` is the calendar night in days since any day, empty where a row stands for several
    nights. ``weights`` say as how many rows a row counts, 1 if absent; ``constant`` is what rows that were added up
    lack of the log-likelihood. ``zero`` (n x q) is the design of the zero part of a model that has one, a column of
    ones if absent.
    """

    matrix: Array
    outcome: Array
    offset: Array
    groups: NDArray[np.intp]
    nights: NDArray[np.int64]
    weights: Array | None = None
    constant: float = 0.0
    zero: Array | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A parameter beside the coefficients; its ``error`` is on the log scale, NaN where it has none.

    The error of a ``share`` is on the logit scale. Limits come from the ``profile`` where there is one.
    """

    term: str
    scale: str
    unit: str
    estimate: float
    error: float = float("nan")
    status: Status = "converged"
    note: str | None = None
    df: float = float("inf")
    share: bool = False
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class ZeroPart:
    """The part of a model that is about zeros alone: log odds (q) with variance (q x q) and df (q).

    At its boundary there are no excess zeros: no odds to compare, and the ``reason`` says so.
    """

    coefficients: Array
    variance: Array
    df: Array
    status: Status = "converged"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """Coefficients (p) with variance (p x p) and df (p), or the ``problem`` because of which there are none.

    ``moments`` give the degrees of freedom of combinations of coefficients, where these are known.
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
    moments: Satterthwaite | None = None

    @classmethod
    def none(cls, p: int, iterations: int, problem: str, fitted: Fitted | None = None) -> Solved:
        """Return what a fit that failed leaves."""
        missing = np.full(p, np.nan)
        empty = np.full((p, p), np.nan)
        return cls(missing, empty, missing, float("nan"), iterations, "model", missing, problem=problem, fitted=fitted)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model: its outcomes, the default first, its covariances, and whether it takes a random slope.

    ``alike`` is the likelihood by which a participant's rows may be added up; only a model that has it takes weights.
    ``zero_part`` says what the odds of its zero part are of, ``None`` where it has none; ``lacking`` why it cannot be
    asked of an outcome.
    """

    outcomes: tuple[Outcome, ...]
    covariances: tuple[Covariance, ...]
    solve: Callable[[Data, Outcome, Covariance, int | None], Solved]
    random_slope: bool = False
    alike: Likelihood | None = None
    weighted: bool = False
    zero_part: str | None = None
    lacking: Callable[[Array], str | None] | None = None


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
    found = inference.of_regression(fitted, nights, kind)
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
        (*undispersed, *found.notes, *inference.named(found, kind)),
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


def _dispersion(fitted: count.CountFit | mixed.MixedFit | zeros.ZerosFit, profile: Profile | None) -> Extra:
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
    model: Callable[[Array, Array, Array, Array, Array | None], zeros.ZerosFit],
    data: Data,
    outcome: Outcome,
    kind: Covariance,
    _: int | None,
) -> Solved:
    zero = np.ones((len(data.outcome), 1)) if data.zero is None else data.zero
    fitted = model(data.matrix, zero, data.outcome, data.offset, data.weights)
    p, q = data.matrix.shape[1], zero.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    clusters = int(data.groups.max()) + 1
    scores = cluster_sums(fitted.scores, data.groups)
    parts = fitted.curvatures(data.groups, clusters) if fitted.curvatures and clusters < JACKKNIFE_BELOW else None
    found = inference.of_clusters(scores, fitted.information, parts, p if fitted.plain else p + q, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    series = bool(np.isinf(fitted.dispersion))
    undispersed = ("the counts are no more dispersed than Poisson",) if fitted.dispersion == 0 else ()
    return Solved(
        fitted.coefficients,
        found.variance[:p, :p],
        found.df[:p],
        fitted.log_likelihood + data.constant,
        fitted.iterations,
        found.used,
        found.effective[:p],
        (_dispersion(fitted, fitted.profile),),
        (_NO_EXCESS if fitted.plain else _OF_COUNTS[fitted.kind], *undispersed, *inference.named(found, kind)),
        fitted=fitted,
        zero=_no_zeros(q) if fitted.plain else ZeroPart(fitted.zero, found.variance[p:, p:], found.df[p:]),
        no_baseline=f"{_SERIES}, with a mean before the cut of all but zero" if series else None,
    )


def _no_zeros(q: int) -> ZeroPart:
    none = np.full(q, np.nan)
    reason = "no more zeros than the counts bring along: the fit is that without a zero part"
    return ZeroPart(none, np.full((q, q), np.nan), none, "boundary", reason)


_NO_EXCESS = "no excess zeros: standard errors of coefficients and dispersion together, the chance of one held at 0"
_SERIES = "counts above zero are as dispersed as can be, a logarithmic series"
_OF_COUNTS = {
    "inflated": "rate ratios are those on nights without an excess zero",
    "hurdle": "rate ratios are those before counts are cut off at zero",
}


def _mixed(
    counts: Callable[..., mixed.MixedFit], data: Data, outcome: Outcome, kind: Covariance, slope: int | None
) -> Solved:
    engine = mixed.logistic if outcome == "cramp_night" else counts
    fitted = engine(data.matrix, data.outcome, data.offset, data.groups, multiplicity=data.weights, slope=slope)
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = inference.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    extras = [
        _sd(name, sd, error, fitted.profiles.get(name))
        for name, sd, error in zip(_EFFECTS, fitted.sd, fitted.sd_error, strict=False)
    ]
    if slope is not None:
        extras.append(_correlation(fitted.correlation))
    if counts is mixed.negative_binomial and outcome == "cramps":
        extras.append(_dispersion(fitted, fitted.profiles.get("dispersion")))
    notes = ("a variance of the participants is at its boundary",) if fitted.at_boundary else ()
    return Solved(
        fitted.coefficients,
        found.variance,
        found.df,
        fitted.log_likelihood,
        fitted.iterations,
        found.used,
        found.effective,
        tuple(extras),
        (*notes, *inference.named(found, kind)),
        fitted=fitted,
    )


RANDOM_SLOPE = "random slope"
_EFFECTS = ("random intercept", RANDOM_SLOPE)


def _correlation(value: float) -> Extra:
    status: Status = "not_estimable" if np.isnan(value) else "boundary" if abs(value) >= 1 else "converged"
    return Extra("random effects", "correlation", "of intercept and slope", value, status=status)


def _sd(name: str, sd: float, error: float, profile: Profile | None) -> Extra:
    unit = "SD of participants on the log scale"
    if sd == 0:
        return Extra(name, "standard_deviation", unit, 0.0, status="boundary")
    note = "interval from the likelihood"
    return Extra(name, "standard_deviation", unit, float(sd), float(error), note=note, profile=profile)


def _gee(working: gee.Working, data: Data, outcome: Outcome, kind: Covariance, _: int | None) -> Solved:
    fitted = gee.gee(
        data.matrix,
        data.outcome,
        data.offset,
        data.groups,
        data.nights,
        family="binomial" if outcome == "cramp_night" else "poisson",
        working=working,
    )
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = inference.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    of = "of any two nights" if working == "exchangeable" else "of neighbouring nights"
    if working == "ar1" and fitted.apart > 1:
        of = f"of nights {fitted.apart} apart"
    return Solved(
        fitted.coefficients,
        found.variance,
        found.df,
        float("nan"),
        fitted.iterations,
        found.used,
        found.effective,
        (
            Extra("working correlation", "correlation", f"{of} of a participant", fitted.alpha),
            Extra("scale", "dispersion", "factor of the variance", fitted.scale),
        ),
        inference.named(found, kind),
        fitted=fitted,
    )


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
    "mixed-poisson": Engine(_BOTH, _ROBUST, partial(_mixed, mixed.poisson), random_slope=True, alike="count"),
    "mixed-negative-binomial": Engine(
        _COUNTS, _ROBUST, partial(_mixed, mixed.negative_binomial), random_slope=True, alike="count"
    ),
    "zero-inflated-negative-binomial": Engine(
        _COUNTS,
        _ROBUST,
        partial(_zeros, zeros.zero_inflated),
        alike="count",
        weighted=True,
        zero_part="odds of an excess zero",
    ),
    "hurdle-negative-binomial": Engine(
        _COUNTS,
        _ROBUST,
        partial(_zeros, zeros.hurdle),
        alike="count",
        weighted=True,
        zero_part="odds of a night without a cramp",
        lacking=zeros.nothing_on_a_side,
    ),
    "gee-exchangeable": Engine(_BOTH, _ROBUST, partial(_gee, "exchangeable")),
    "gee-ar1": Engine(_BOTH, _ROBUST, partial(_gee, "ar1")),
}
"""The models of nights by name."""
