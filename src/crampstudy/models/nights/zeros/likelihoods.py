"""Likelihoods of counts with their own part for zeros, row by row: log-likelihood and derivatives.

A likelihood has linear predictors: that of the mean, that of the excess zeros and the log dispersion; derivatives are
exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import PointwiseDerivatives

_FEW = 512
"""Counts below which sums are added up; beyond, they follow from their integrals."""
_MOST = 30.0
"""Log means and log theta beyond this are taken for it: nothing is fitted there, and a wild step stays finite."""


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
    constant = counts * eta - gammaln(counts + 1.0)
    if np.isinf(log_theta):
        none = np.zeros(len(counts))
        return Density(constant - mu, np.asarray(counts - mu), none, -mu, none, none)
    theta = float(np.exp(np.clip(log_theta, -_MOST, _MOST)))
    ways, ways_t, ways_tt = _ways(counts, theta)
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


def _ways(counts: NDArray[np.int64], theta: float) -> tuple[Array, Array, Array]:
    """Return the sums over j below each of ``counts`` (n) of log(1 + j / theta), j / (theta + j) and its slope.

    The slope is that in log theta, its sign turned. Of large counts the far part of a sum is its Euler-Maclaurin
    series, so that a count costs no more for being large.
    """
    few = min(int(counts.max(initial=0)), _FEW)
    below = np.arange(few)
    terms = np.log1p(below / theta), below / (theta + below), below * theta / (theta + below) ** 2
    near = np.minimum(counts, few)
    made = [np.concatenate([[0.0], np.cumsum(term)])[near] for term in terms]
    if not (counts > few).any():
        return made[0], made[1], made[2]
    # From a to b = a + d, a = few + theta: log Gamma, digamma and trigamma there, less those at a.
    d, a = (counts - near).astype(np.float64), few + theta
    b = a + d
    gamma = (b - 0.5) * np.log1p(d / a) - d + (1 / b - 1 / a) / 12 - (1 / b**3 - 1 / a**3) / 360
    digamma = np.log1p(d / a) - (1 / b - 1 / a) / 2 - (1 / b**2 - 1 / a**2) / 12 + (1 / b**4 - 1 / a**4) / 120
    trigamma = -d / (a * b) - d * (a + b) / (a * b) ** 2 / 2 + (1 / b**3 - 1 / a**3) / 6 - (1 / b**5 - 1 / a**5) / 30
    made[0] += gamma + d * np.log1p(few / theta)
    made[1] += d - theta * digamma
    made[2] += theta * digamma + theta**2 * trigamma
    return made[0], made[1], made[2]


def inflated(counts: NDArray[np.int64], eta: Array, s: Array, log_theta: float) -> PointwiseDerivatives:
    """Return a zero with odds exp(``s``), else NB2, in the predictors eta, s and log theta.

    Source: Lambert 1992 (Technometrics 34:1); Ridout, Hinde and Demétrio 2001 (Biometrics 57:219).
    """
    d, zero = density(counts, eta, log_theta), counts == 0
    pi = expit(s)
    # The chance that a zero is an excess one, and that it is not.
    excess, other = np.where(zero, expit(s - d.value), 0.0), np.where(zero, expit(d.value - s), 1.0)
    both = excess * other
    return PointwiseDerivatives(
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


def truncated(counts: NDArray[np.int64], eta: Array, log_theta: float) -> PointwiseDerivatives:
    """Return NB2 given that the count is not zero, in the predictors eta and log theta; ``counts`` are above 0.

    Source: Mullahy 1986 (J Econom 33:341); Grogger and Carson 1991.
    """
    d, at_zero = density(counts, eta, log_theta), density(np.zeros_like(counts), eta, log_theta)
    # -log(1 - e^v), v the log-density of 0, with its first and second derivatives in v.
    once = 1 / np.expm1(np.minimum(-at_zero.value, 700.0))
    twice = once * (1 + once)
    return PointwiseDerivatives(
        value=d.value - np.log(-np.expm1(at_zero.value)),
        first=(d.e + once * at_zero.e, d.t + once * at_zero.t),
        second=(
            d.ee + once * at_zero.ee + twice * at_zero.e**2,
            d.et + once * at_zero.et + twice * at_zero.e * at_zero.t,
            d.tt + once * at_zero.tt + twice * at_zero.t**2,
        ),
    )


def series(counts: NDArray[np.int64], eta: Array) -> PointwiseDerivatives:
    """Return the logarithmic series, of chances p^y / y, in the predictor eta, the log odds of p.

    It is what a zero-truncated NB2 comes to as theta goes to 0, eta being log(mu / theta): the mean before the cut is
    then all but zero, and its ratios are those of the odds.

    Source: Fisher, Corbet and Williams 1943 (J Anim Ecol 12:42).
    """
    p, q = expit(eta), expit(-eta)
    # -log(1 - p), by which the chances add up to 1.
    total = np.logaddexp(0.0, eta)
    share = p / total
    return PointwiseDerivatives(
        value=counts * (eta - total) - np.log(counts) - np.log(total),
        first=(counts * q - share,),
        second=(-counts * p * q - share * q + share**2,),
    )


@dataclass(frozen=True, slots=True)
class Inflated:
    """Rows of a zero-inflated NB2; ``matrix`` is n x p, ``zero`` n x q, all else has length n.

    ``held`` is a log theta that is not estimated, infinite for Poisson.
    """

    matrix: Array
    zero: Array
    counts: NDArray[np.int64]
    offset: Array
    weights: Array
    held: float | None = None

    @property
    def designs(self) -> tuple[Array, ...]:
        """The designs of the predictors, without that of a log theta that is held."""
        theta = np.ones((len(self.counts), 1))
        return (self.matrix, self.zero, theta) if self.held is None else (self.matrix, self.zero)

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""
        return ("the mean", "the chance of an excess zero", "the dispersion")[: 3 if self.held is None else 2]

    def holding(self, log_theta: float) -> Inflated:
        """Return the likelihood of the other parameters, log theta held."""
        return replace(self, held=log_theta)

    def pointwise(self, predictors: Sequence[Array]) -> PointwiseDerivatives:
        """Return the rows' log-likelihoods at the linear ``predictors``, offset left out."""
        eta = predictors[0] + self.offset
        if self.held is None:
            return inflated(self.counts, eta, predictors[1], float(predictors[2][0]))
        found = inflated(self.counts, eta, predictors[1], self.held)
        return replace(found, first=found.first[:2], second=(*found.second[:2], found.second[3]))


@dataclass(frozen=True, slots=True)
class Truncated:
    """Rows of a zero-truncated NB2 or of the ``series`` it may come to; ``matrix`` is n x p, all else has length n.

    ``held`` is a log theta that is not estimated, infinite for Poisson.
    """

    matrix: Array
    counts: NDArray[np.int64]
    offset: Array
    weights: Array
    held: float | None = None
    series: bool = False

    @property
    def designs(self) -> tuple[Array, ...]:
        """The designs of the predictors, without that of a log theta that is held, or has no place."""
        theta = np.ones((len(self.counts), 1))
        return (self.matrix,) if self.series or self.held is not None else (self.matrix, theta)

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""
        return ("the mean", "the dispersion")[: len(self.designs)]

    def holding(self, log_theta: float) -> Truncated:
        """Return the likelihood of the other parameters, log theta held."""
        return replace(self, held=log_theta)

    def pointwise(self, predictors: Sequence[Array]) -> PointwiseDerivatives:
        """Return the rows' log-likelihoods at the linear ``predictors``, offset left out."""
        eta = predictors[0] + self.offset
        if self.series:
            return series(self.counts, eta)
        if self.held is None:
            return truncated(self.counts, eta, float(predictors[1][0]))
        found = truncated(self.counts, eta, self.held)
        return replace(found, first=found.first[:1], second=found.second[:1])


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of an NB2, or of Poisson where ``held`` is infinite; ``matrix`` is n x p, all else has length n."""

    matrix: Array
    counts: NDArray[np.int64]
    offset: Array
    weights: Array
    held: float | None = None

    @property
    def designs(self) -> tuple[Array, ...]:
        """The designs of the predictors, without that of a log theta that is held."""
        theta = np.ones((len(self.counts), 1))
        return (self.matrix, theta) if self.held is None else (self.matrix,)

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""
        return ("the mean", "the dispersion")[: len(self.designs)]

    def holding(self, log_theta: float) -> Counts:
        """Return the likelihood of the other parameters, log theta held."""
        return replace(self, held=log_theta)

    def pointwise(self, predictors: Sequence[Array]) -> PointwiseDerivatives:
        """Return the rows' log-likelihoods at the linear ``predictors``, offset left out."""
        log_theta = float(predictors[1][0]) if self.held is None else self.held
        d = density(self.counts, predictors[0] + self.offset, log_theta)
        width = len(self.designs)
        return PointwiseDerivatives(d.value, (d.e, d.t)[:width], (d.ee, d.et, d.tt) if width == 2 else (d.ee,))
