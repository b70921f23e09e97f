"""What a model has beside its coefficients: dispersion, spread of participants, what follows from it, correlation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.estimates import Status
from crampstudy.models.inference.covariance import degrees_of_freedom, quantile
from crampstudy.models.optimise.profile_likelihood import Profile

Link = Literal["log", "logit", "atanh"]
_QUARTILE = float(special.ndtri(0.75))
_INTERCEPT, _SLOPE = "random intercept", "random slope"
_LIKELIHOOD = "interval from the likelihood"


@dataclass(frozen=True, slots=True)
class Extra:
    """A parameter beside the coefficients; its ``error`` is on the scale of ``link``, NaN where it has none.

    Limits come from the ``profile`` of the likelihood where there is one. ``shown`` turns the estimate and its limits
    into what a reader sees, where that follows from the parameter.
    """

    term: str
    scale: str
    unit: str
    estimate: float
    error: float = float("nan")
    status: Status = "converged"
    note: str | None = None
    df: float = float("inf")
    link: Link = "log"
    shown: Callable[[float], float] | None = None
    profile: Profile | None = None

    def interval(self, ci_level: float) -> tuple[float, float]:
        """Return the limits, infinite where no value above the estimate is excluded."""
        if self.profile is not None:
            low, high = self.profile.limits(ci_level)
            return self.seen(low), high if np.isinf(high) else self.seen(high)
        to, back = {"log": (np.log, np.exp), "logit": (special.logit, special.expit), "atanh": (np.arctanh, np.tanh)}[
            self.link
        ]
        middle, half = to(self.estimate), quantile(ci_level, self.df) * self.error
        return self.seen(float(back(middle - half))), self.seen(float(back(middle + half)))

    def seen(self, value: float) -> float:
        """Return a value of the parameter as it is shown."""
        return self.shown(value) if self.shown else value


class RandomEffects(Protocol):
    """Effects of the participants: standard deviations (D,), errors of their logarithms, the intercept's profile."""

    @property
    def sd(self) -> Array: ...
    @property
    def sd_error(self) -> Array: ...
    @property
    def profile(self) -> Profile | None: ...


class Marginal(Protocol):
    """A marginal model of G participants: its ``scale``, its working correlation ``alpha`` and the errors of both."""

    @property
    def scores(self) -> Array: ...
    @property
    def alpha(self) -> float: ...
    @property
    def alpha_error(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def scale_error(self) -> float: ...


def spread(name: str, sd: float, error: float, where: str, profile: Profile | None = None) -> Extra:
    """Return the standard deviation of the participants' effects.

    Args:
        name: the term of the row.
        sd: the standard deviation.
        error: the standard error of its logarithm.
        where: on which scale it is.
        profile: how the likelihood falls around it.
    """
    unit = f"SD of participants {where}"
    if sd == 0:
        return Extra(name, "standard_deviation", unit, 0.0, status="boundary")
    return Extra(name, "standard_deviation", unit, float(sd), float(error), note=_LIKELIHOOD, profile=profile)


def spreads(of: RandomEffects, where: str) -> list[Extra]:
    """Return the standard deviations of a random intercept and, where there is one, of a random slope."""
    named = zip((_INTERCEPT, _SLOPE), of.sd, of.sd_error, (of.profile, None), strict=False)
    return [spread(name, sd, error, where, profile) for name, sd, error, profile in named]


def of_step(of: Extra, step: float) -> Extra:
    """Return the spread of a random slope per ``step`` of its term, as the slope is shown; others stay as they are."""
    if of.term != _SLOPE or step == 1:
        return of

    def shown(sd: float) -> float:
        return sd * abs(step)

    return replace(of, unit=f"{of.unit}, per {step:g}", shown=shown)


def effects_correlation(value: float, error: float = float("nan")) -> Extra:
    """Return the correlation of a random intercept and slope; ``error`` is that of its inverse hyperbolic tangent."""
    status: Status = "not_estimable" if np.isnan(value) else "boundary" if abs(value) >= 1 else "converged"
    error = error if status == "converged" else float("nan")
    return Extra("random effects", "correlation", "of intercept and slope", value, error, status=status, link="atanh")


def intraclass(of: Extra, residual: float, unit: str) -> Extra:
    """Return the share of the variance that lies between participants: sd^2 / (sd^2 + ``residual``).

    ``of`` is the standard deviation of a random intercept; the limits are those of its limits, the residual variance
    held.
    """

    def shown(sd: float) -> float:
        return sd**2 / (sd**2 + residual)

    return replace(of, term="ICC", scale="icc", unit=unit, shown=shown)


LOGISTIC_RESIDUAL = np.pi**2 / 3
"""Variance of the standard logistic distribution, that of a night on the latent scale of a logistic model."""


def log_residual(mean: float, dispersion: float) -> float:
    """Return the variance of a night on the log scale, of a count of ``mean`` and NB2 ``dispersion`` (Poisson: 0).

    Source: Nakagawa, Johnson and Schielzeth 2017 (J R Soc Interface 14:20170213), the log-normal approximation.
    """
    return float(np.log1p(1 / mean + dispersion))


def median_ratio(of: Extra, kind: Literal["rate", "odds"]) -> Extra:
    """Return the median ratio, higher to lower, of two participants who are alike in the terms.

    ``of`` is the standard deviation of a random intercept, from whose limits the limits follow.

    Source: Larsen and Merlo 2005 (Am J Epidemiol 161:81).
    """

    def shown(sd: float) -> float:
        return float(np.exp(np.sqrt(2) * _QUARTILE * sd))

    unit = f"higher to lower {kind} of two participants alike in the terms"
    return replace(of, term=f"median {kind} ratio", scale=f"m{kind[0]}r", unit=unit, shown=shown)


def residual(sd: float, error: float, participants: int | None = None) -> Extra:
    """Return the standard deviation of a night's number around what the model says; ``error`` is that of its log.

    It comes from so many ``participants``, or from the likelihood.
    """
    unit = "SD of a night around the model, in the outcome's unit"
    if participants is None:
        return Extra("residual", "standard_deviation", unit, sd, error, note=_LIKELIHOOD)
    df = degrees_of_freedom(participants)
    return Extra("residual", "standard_deviation", unit, sd, error, note="interval by participants", df=df)


def share(between: float, within: float, error: float) -> Extra:
    """Return the intraclass correlation of a linear model; ``error`` is that of its logit."""
    unit = "share of the variance between participants"
    if between == 0:
        return Extra("ICC", "icc", unit, 0.0, status="boundary")
    value = between**2 / (between**2 + within**2)
    return Extra("ICC", "icc", unit, value, error, note=_LIKELIHOOD, link="logit")


def marginal(fitted: Marginal, of: str, *, number: bool) -> tuple[Extra, Extra]:
    """Return the working correlation ``of`` two nights of a marginal model, and the scale of its variance."""
    people = len(fitted.scores)
    df = degrees_of_freedom(people)
    alpha = Extra("working correlation", "correlation", of, fitted.alpha, fitted.alpha_error, df=df, link="atanh")
    if number:
        return alpha, residual(float(np.sqrt(fitted.scale)), fitted.scale_error / 2, people)
    return alpha, Extra("scale", "dispersion", "factor of the variance", fitted.scale, fitted.scale_error, df=df)
