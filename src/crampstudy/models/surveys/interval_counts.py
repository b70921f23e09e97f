"""Regression of counts of which only an interval is known, such as the classes of a question on the past 30 days.

The count of a person is negative binomial with mean exposure x exp(x'b); an answer contributes the chance of its
interval. Options:

- **near-nightly**: a share of people, the same whatever their covariates, cramps night after night, and answers with
  the class that holds one cramp a night. It is what the simulator's near-nightly persons are: their rate, a high
  multiple of the mean, puts practically all of them into the open class, and how high it is the classes cannot tell.
  Rate ratios are then those of everybody else.
- **at most** n nights: the same persons, but the answer counts nights with a cramp, of which there are n, not cramps.
  Censoring the count at n would change nothing, since n and more is in the open class already, and truncating it would
  drop persons who exist. A beta-binomial of n nights has nights that correlate alike at every mean, so that persons
  differ less where the mean is higher, and ratios shrink: it changes the law of persons too. Here only what is counted
  changes, and ratios stay those of rates.

Weights enter as pseudo-likelihood with linearised variance; the domain keeps the full design.

Source: Lawless 1987 (negative binomial); Binder 1983 (pseudo-likelihood).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crampstudy.arrays import Array, Flags
from crampstudy.codebook.recalled import NIGHTS
from crampstudy.errors import AnalysisError
from crampstudy.estimates import Status
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.common.separation import separated
from crampstudy.models.inference.covariance import quantile, without_rounding
from crampstudy.models.surveys.domain_means import domain_means
from crampstudy.models.surveys.interval_distributions import CrampNights, Distribution, NegativeBinomial
from crampstudy.models.surveys.interval_likelihood import (
    IntervalOptimum,
    IntervalRows,
    best,
    nightly,
    obstacle,
    separating,
)
from crampstudy.models.surveys.sampling import SamplingDesign, domain_rows


@dataclass(frozen=True, slots=True)
class IntervalFit:
    """A fitted model of p coefficients on the log scale; numbers are NaN unless ``status`` is converged.

    ``parameters`` are the coefficients, then the log dispersion and the logit of the near-nightly share where they
    were estimated and are not at 0; ``joint`` is their covariance (k x k). ``dispersion`` is alpha in
    Var(y) = mu + alpha mu^2, the relative variance of persons' rates; ``dispersion_error`` the standard error of its
    logarithm, ``near_nightly_error`` that of the share's logit, NaN at a boundary or where it was not estimated.
    ``log_likelihood`` is that of weights with mean 1.
    """

    names: tuple[str, ...]
    parameters: Array
    joint: Array
    df: int
    df_residual: int
    n: int
    n_events: int
    n_psus: int
    status: Status
    reason: str
    iterations: int
    log_likelihood: float
    distribution: Distribution
    dispersion: float
    dispersion_error: float
    near_nightly: float
    near_nightly_error: float
    dispersion_at_boundary: bool = False
    near_nightly_at_boundary: bool = False

    @property
    def coefficients(self) -> Array:
        """Coefficients (p,)."""
        return self.parameters[: len(self.names)]

    @property
    def covariance(self) -> Array:
        """Covariance (p, p) of the coefficients, the other parameters estimated along with them."""
        return self.joint[: len(self.names), : len(self.names)]

    @property
    def std_error(self) -> Array:
        """Standard errors (p,) on the log scale."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float) -> tuple[Array, Array]:
        """Return the t limits (p,), (p,) on the log scale."""
        half = quantile(level, self.df_residual) * self.std_error
        return self.coefficients - half, self.coefficients + half


def independent(n: int) -> SamplingDesign:
    """Return the design of n participants drawn by themselves, each of weight 1."""
    return SamplingDesign(np.arange(n), np.zeros(n, dtype=np.intp), np.ones(n))


@dataclass(frozen=True, slots=True)
class IntervalAnswers:
    """Answers of n rows of which ``low`` <= count <= ``high`` is known, ``high`` NaN or infinite where it is open.

    ``exposure`` are the nights behind each answer, a number or (n,). With ``at_most`` the answers count nights, at most
    so many, instead of cramps.
    """

    low: ArrayLike
    high: ArrayLike
    exposure: ArrayLike = NIGHTS
    at_most: int | None = None

    @property
    def lower(self) -> Array:
        """The lower limits (n,)."""
        return np.asarray(self.low, dtype=np.float64)

    @property
    def distribution(self) -> Distribution:
        """What a person's count follows."""
        return NegativeBinomial() if self.at_most is None else CrampNights(self.at_most)

    def inside(self, members: Flags) -> tuple[Array, Array]:
        """Return the upper limits and the nights of the rows that are ``members`` (n,).

        Raises:
            AnalysisError: the limits are no interval of counts, or an exposure is not above 0.
        """
        lower = self.lower
        upper = _upper(lower[members], np.asarray(self.high, dtype=np.float64)[members])
        nights = np.broadcast_to(np.asarray(self.exposure, dtype=np.float64), lower.shape)[members]
        if not (np.isfinite(nights) & (nights > 0)).all():
            raise AnalysisError("the exposure of an answer is a number of nights above 0")
        return upper, nights


def fit(
    answers: IntervalAnswers,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: SamplingDesign,
    *,
    near_nightly: bool = False,
    dispersion: float | None = None,
) -> IntervalFit:
    """Fit log E(y) = log exposure + X b to ``answers`` of which an interval is known, over a domain.

    Args:
        answers: the intervals, of whole numbers of at least 0, and the nights behind them.
        X: columns of the model (n, p), the intercept too.
        names: what the columns are called.
        members: the domain (n,); cells outside it may be missing.
        design: sampling design of all n rows; :func:`independent` where there is none.
        near_nightly: estimate a share of people who cramp night after night.
        dispersion: hold the dispersion at this number instead of estimating it.

    Raises:
        AnalysisError: the limits are no interval of counts, a cell inside the domain is missing, or an argument is
            out of range.
    """
    inside, y, x, w = domain_rows(answers.lower, X, members, design)
    upper, nights = answers.inside(inside)
    _check(answers.at_most, dispersion)
    top = np.inf if answers.at_most is None else float(answers.at_most)
    scale = np.maximum(np.abs(x).max(axis=0), np.finfo(np.float64).tiny)
    rows = IntervalRows.of(x / scale, nights, y, upper, w)
    psus, strata = design.units(inside)
    p = x.shape[1]
    none = IntervalFit(
        names=tuple(names),
        parameters=np.full(p, np.nan),
        joint=np.full((p, p), np.nan),
        df=psus - strata,
        df_residual=psus - strata - (p - 1),
        n=len(y),
        n_events=int((y > 0).sum()),
        n_psus=psus,
        status="not_estimable",
        reason=obstacle(rows, psus - strata, top),
        iterations=0,
        log_likelihood=float("nan"),
        distribution=answers.distribution,
        dispersion=float("nan"),
        dispersion_error=float("nan"),
        near_nightly=float("nan"),
        near_nightly_error=float("nan"),
    )
    if none.reason:
        return none
    if by := separating(rows, top):
        return replace(none, reason=separated("the answers are separated", [names[i] for i in by]))
    found = best(rows, answers.distribution, near_nightly, dispersion)
    if found.problem:
        return replace(none, status="not_converged", reason=found.problem, iterations=found.optimum.iterations)
    return _result(none, found, rows, scale, inside, design)


def class_probabilities(fitted: IntervalFit, X: ArrayLike, limits: ArrayLike, exposure: ArrayLike = NIGHTS) -> Array:
    """Return the chance (r, K) of each interval of ``limits`` (K, 2) at the rows of ``X`` (r, p).

    Raises:
        AnalysisError: the model has no estimate.
    """
    if fitted.status != "converged":
        raise AnalysisError(f"the model has no estimate ({fitted.status}), so there are no chances; see its reason")
    nights = np.asarray(exposure, dtype=np.float64)
    eta = np.asarray(X, dtype=np.float64) @ fitted.coefficients + np.log(nights)
    chances = []
    for lower, upper in np.asarray(limits, dtype=np.float64):
        usual = np.exp(fitted.distribution.interval(eta, fitted.dispersion, lower, upper)[0])
        chances.append(usual + fitted.near_nightly * (nightly(lower, upper, nights) - usual))
    return np.column_stack(chances)


def goodness(
    fitted: IntervalFit,
    answers: IntervalAnswers,
    X: ArrayLike,
    members: ArrayLike,
    design: SamplingDesign,
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return the weighted share of every class, observed beside expected.

    Columns: group, low, high (infinite where open), n,
    observed, std_error (design-based, of observed), expected: the mean of the chances that the model gives the rows.

    Args:
        fitted: the model that was fitted to ``answers``.
        answers: as of :func:`fit`, and so the three arguments that follow.
        X: columns of the model (n, p).
        members: the domain (n,).
        design: sampling design of all n rows.
        groups: (n,), within each of which the classes are shown.

    Raises:
        AnalysisError: the model has no estimate, or the classes overlap, so that their shares cannot be compared.
    """
    inside, y, rows, w = domain_rows(answers.lower, X, members, design)
    upper, nights = answers.inside(inside)
    limits = np.unique(np.column_stack([y, upper]), axis=0)
    if (limits[1:, 0] <= limits[:-1, 1]).any():
        raise AnalysisError("the classes overlap, so their shares cannot be compared; give classes that do not")
    chances = class_probabilities(fitted, rows, limits, nights)
    labels = np.full(len(inside), "all", dtype=object) if groups is None else np.asarray(groups, dtype=object)
    made: list[dict[str, object]] = []
    for label in sorted({str(g) for g in labels[inside]}):
        own = labels[inside].astype(str) == label
        domain = np.zeros(len(inside), dtype=np.bool_)
        domain[inside] = own
        for k, (a, b) in enumerate(limits):
            hit = np.zeros(len(inside))
            hit[inside] = (y == a) & (upper == b)
            seen = domain_means(hit, domain[:, None], design)
            made.append(
                {
                    "group": label,
                    "low": a,
                    "high": b,
                    "n": int(hit[domain].sum()),
                    "observed": float(seen.estimate[0]),
                    "std_error": float(seen.std_error[0]),
                    "expected": float(np.average(chances[own, k], weights=w[own])),
                }
            )
    return pd.DataFrame(made)


def extras(fitted: IntervalFit) -> tuple[Extra, ...]:
    """Return dispersion and near-nightly share as parameters beside the coefficients."""
    if fitted.status != "converged":
        return ()
    df = float(fitted.df_residual)
    unit, expected = "alpha, variance = mean + alpha mean^2", "Poisson"
    if isinstance(fitted.distribution, CrampNights):
        unit, expected = "alpha, relative variance of persons' rates", "binomial"
    found = Extra("dispersion", "dispersion", unit, fitted.dispersion, fitted.dispersion_error, df=df)
    if fitted.dispersion_at_boundary:
        found = replace(
            found, status="boundary", note=f"given the terms, the answers are no more dispersed than {expected}"
        )
    made, unit = [found], "proportion of people"
    if fitted.near_nightly_at_boundary:
        note = "the highest class holds no more than the law without such people expects"
        made.append(Extra("near-nightly", "share", unit, 0.0, status="boundary", note=note))
    elif np.isfinite(fitted.near_nightly_error):
        error = fitted.near_nightly_error
        made.append(Extra("near-nightly", "share", unit, fitted.near_nightly, error, df=df, link="logit"))
    return tuple(made)


def _upper(low: Array, high: Array) -> Array:
    upper = np.where(np.isnan(high), np.inf, high)
    whole = np.isfinite(upper)
    if (low < 0).any() or (low % 1 != 0).any() or (upper[whole] % 1 != 0).any() or (upper < low).any():
        raise AnalysisError(
            "an interval of counts has whole limits, 0 <= low <= high, high empty where it is open; "
            "correct recalled_low and recalled_high"
        )
    return upper


def _check(at_most: int | None, dispersion: float | None) -> None:
    if at_most is not None and at_most < 1:
        raise AnalysisError(f"at_most is a number of nights of at least 1, such as 30; got {at_most}")
    if dispersion is not None and not 0 <= dispersion < np.inf:
        raise AnalysisError(f"a dispersion is a number of at least 0, got {dispersion:g}")


def _result(
    none: IntervalFit, found: IntervalOptimum, rows: IntervalRows, scale: Array, inside: Flags, design: SamplingDesign
) -> IntervalFit:
    model, optimum, p = found.model, found.optimum, len(scale)
    at = optimum.theta
    every = model.parts(at)[1][rows.place] * rows.every_weight[:, None]
    scores = np.zeros((len(inside), len(at)))
    scores[inside] = np.linalg.solve(optimum.information, every.T).T
    units = np.append(scale, np.ones(len(at) - p))
    own = np.diag(np.linalg.inv(optimum.information)).astype(np.float64)
    joint = without_rounding(design.covariance(scores, inside), own) / np.outer(units, units)
    errors = np.sqrt(np.diag(joint))
    if not np.isfinite(errors).all():
        return replace(none, status="not_converged", reason="a standard error is not finite")
    return replace(
        none,
        parameters=at / units,
        joint=joint,
        status="converged",
        iterations=optimum.iterations,
        log_likelihood=optimum.value,
        dispersion=model.dispersion(at),
        dispersion_error=float(errors[p]) if model.dispersed else float("nan"),
        near_nightly=model.share(at),
        near_nightly_error=float(errors[-1]) if model.mixed else float("nan"),
        dispersion_at_boundary=found.asked_dispersion and not model.dispersed,
        near_nightly_at_boundary=found.asked_share and not model.mixed,
    )
