"""What laws of counts with their own part for zeros say of a row: log-likelihood, slopes and curvatures.

A law has linear predictors: that of the mean, that of the excess zeros and the log dispersion. Derivatives are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crampstudy.models.covariance import Array

_MOST = 30.0
"""Log means and log theta beyond this are taken for it: nothing is fitted there, and a wild step stays finite."""


@dataclass(frozen=True, slots=True)
class Local:
    """The log-likelihood of n rows, ``value`` (n), and its derivatives in m predictors.

    ``first`` (m x n); ``second`` holds the pairs i <= j of predictors in the order (0, 0), (0, 1), …, (1, 1), ….
    """

    value: Array
    first: tuple[Array, ...]
    second: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Density:
    """Log-density of NB2 (n) with its derivatives in ``eta`` = log mean and ``t`` = log theta."""

    value: Array
    e: Array
    t: Array
    ee: Array
    et: Array
    tt: Array


def density(counts: NDArray[np.int64], eta: Array, log_theta: float) -> Density:
    """Return the log-density of ``counts`` (n) with log mean ``eta`` (n); Var(y) = mu + mu^2 / theta.

    An infinite ``log_theta`` is Poisson, whose derivatives in it are 0. Sums over the counts below y stand in the
    place of gamma functions, which lose their digits where theta is large.

    Source: Lawless 1987 (Can J Stat 15:209).
    """
    eta = np.clip(eta, -300, _MOST)
    mu = np.exp(eta)
    below = np.arange(int(counts.max(initial=0)))
    constant = counts * eta - _up_to(np.log(below + 1.0))[counts]
    if np.isinf(log_theta):
        none = np.zeros(len(counts))
        return Density(constant - mu, np.asarray(counts - mu), none, -mu, none, none)
    theta = float(np.exp(np.clip(log_theta, -_MOST, _MOST)))
    ways = _up_to(np.log1p(below / theta))[counts]
    ways_t = _up_to(below / (theta + below))[counts]
    ways_tt = _up_to(below * theta / (theta + below) ** 2)[counts]
    total, log_ratio = mu + theta, np.log1p(mu / theta)
    share, gap = mu / total, counts - mu
    return Density(
        value=constant + ways - (counts + theta) * log_ratio,
        e=gap * theta / total,
        t=(counts + theta) * share - theta * log_ratio - ways_t,
        ee=-share * theta * (counts + theta) / total,
        et=gap * share * theta / total,
        tt=ways_tt + theta * (share - log_ratio) - theta * share * gap / total,
    )


def _up_to(terms: Array) -> Array:
    """Return the sums of the first 0, 1, … ``terms``."""
    return np.concatenate([[0.0], np.cumsum(terms)])


def inflated(counts: NDArray[np.int64], eta: Array, s: Array, log_theta: float) -> Local:
    """Return a zero with odds exp(``s``), else NB2, in the predictors eta, s and log theta.

    Source: Lambert 1992 (Technometrics 34:1); Ridout, Hinde and Demétrio 2001 (Biometrics 57:219).
    """
    d, zero = density(counts, eta, log_theta), counts == 0
    pi = expit(s)
    # The chance that a zero is an excess one, and that it is not.
    excess, other = np.where(zero, expit(s - d.value), 0.0), np.where(zero, expit(d.value - s), 1.0)
    both = excess * other
    return Local(
        value=np.where(zero, np.logaddexp(s, d.value), d.value) - np.logaddexp(0.0, s),
        first=(other * d.e, np.where(zero, excess - pi, -pi), other * d.t),
        second=(
            other * d.ee + both * d.e**2,
            -both * d.e,
            other * d.et + both * d.e * d.t,
            both - pi * expit(-s),
            -both * d.t,
            other * d.tt + both * d.t**2,
        ),
    )


def truncated(counts: NDArray[np.int64], eta: Array, log_theta: float) -> Local:
    """Return NB2 given that the count is not zero, in the predictors eta and log theta; ``counts`` are above 0.

    Source: Mullahy 1986 (J Econom 33:341); Grogger and Carson 1991.
    """
    d, at_zero = density(counts, eta, log_theta), density(np.zeros_like(counts), eta, log_theta)
    # -log(1 - e^v), v the log-density of 0, with its first and second derivatives in v.
    once = 1 / np.expm1(-at_zero.value)
    twice = once * (1 + once)
    return Local(
        value=d.value - np.log(-np.expm1(at_zero.value)),
        first=(d.e + once * at_zero.e, d.t + once * at_zero.t),
        second=(
            d.ee + once * at_zero.ee + twice * at_zero.e**2,
            d.et + once * at_zero.et + twice * at_zero.e * at_zero.t,
            d.tt + once * at_zero.tt + twice * at_zero.t**2,
        ),
    )


def series(counts: NDArray[np.int64], eta: Array) -> Local:
    """Return the logarithmic series, of chances p^y / y, in the predictor eta, the log odds of p.

    It is what a zero-truncated NB2 comes to as theta goes to 0, eta being log(mu / theta): the mean before the cut is
    then all but zero, and its ratios are those of the odds.

    Source: Fisher, Corbet and Williams 1943 (J Anim Ecol 12:42).
    """
    p, q = expit(eta), expit(-eta)
    # -log(1 - p), by which the chances add up to 1.
    total = np.logaddexp(0.0, eta)
    share = p / total
    return Local(
        value=counts * (eta - total) - np.log(counts) - np.log(total),
        first=(counts * q - share,),
        second=(-counts * p * q - share * q + share**2,),
    )


@dataclass(frozen=True, slots=True)
class Inflated:
    """Rows of a zero-inflated NB2; ``matrix`` is n x p, ``zero`` n x q, all else has length n."""

    matrix: Array
    zero: Array
    counts: NDArray[np.int64]
    offset: Array
    times: Array
    poisson: bool = False

    @property
    def designs(self) -> tuple[Array, ...]:
        """The designs of the predictors; Poisson has no log theta."""
        theta = np.ones((len(self.counts), 1))
        return (self.matrix, self.zero) if self.poisson else (self.matrix, self.zero, theta)

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""
        return ("the mean", "the chance of an excess zero", "the dispersion")[: 2 if self.poisson else 3]

    def local(self, predictors: Sequence[Array]) -> Local:
        """Return the rows' log-likelihoods at the linear ``predictors``, offset left out."""
        eta = predictors[0] + self.offset
        if not self.poisson:
            return inflated(self.counts, eta, predictors[1], float(predictors[2][0]))
        found = inflated(self.counts, eta, predictors[1], np.inf)
        return replace(found, first=found.first[:2], second=(*found.second[:2], found.second[3]))


@dataclass(frozen=True, slots=True)
class Truncated:
    """Rows of a zero-truncated NB2 or a limit of it; ``matrix`` is n x p, all else has length n."""

    matrix: Array
    counts: NDArray[np.int64]
    offset: Array
    times: Array
    limit: Literal["poisson", "series"] | None = None

    @property
    def designs(self) -> tuple[Array, ...]:
        """The designs of the predictors; a limit has no log theta."""
        theta = np.ones((len(self.counts), 1))
        return (self.matrix,) if self.limit else (self.matrix, theta)

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""
        return ("the mean", "the dispersion")[: 1 if self.limit else 2]

    def local(self, predictors: Sequence[Array]) -> Local:
        """Return the rows' log-likelihoods at the linear ``predictors``, offset left out."""
        eta = predictors[0] + self.offset
        if self.limit == "series":
            return series(self.counts, eta)
        if self.limit is None:
            return truncated(self.counts, eta, float(predictors[1][0]))
        found = truncated(self.counts, eta, np.inf)
        return replace(found, first=found.first[:1], second=found.second[:1])
