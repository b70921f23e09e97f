"""What a fitted model says of each night: its mean, its variance and, where the model states it, its distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.models.common.distributions import BINOMIAL, POISSON, ResponseFamily, gaussian, negative_binomial
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.random_effects.linear_mixed import LinearMixedFit
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit

_NODES = 25
"""Quadrature nodes over a participant's effect: twelve digits of a night's distribution up to a spread of 1.5."""
_STEP = 1e-4
"""Step of the central differences: their error is about its square."""

OutcomeKind = Literal["count", "binary", "number"]

_ELEMENTS = ((0, 0), (1, 0), (1, 1))
"""The free elements of the factor of the random effects, in the order of a fit's parameters."""


@dataclass(frozen=True, slots=True)
class PredictiveDistribution:
    """A fitted model of n nights and G participants with k parameters: coefficients, log theta, random effects.

    ``link`` (n) is offset + X b; ``own`` (n) what the participant's estimated effects add to it. ``log_theta`` is that
    of Var(y) = mu + mu^2 / theta, infinite where the variance is the mean. The effects of a participant are ``factor``
    (D x D) times standard normals, a night sees them through ``z`` (n x D); D is 0 without random effects. ``scores``
    (G x k) are the participants', ``variance`` (k x k) the inverse information, which a score is turned into a change
    of the parameters with. ``distribution`` is false where the model states mean and variance alone. ``residual`` is
    the variance of a number given the effects; the other kinds have none. ``variance_factor`` is what a model estimates
    its variance to be a multiple by; ``independent`` says that nights are, given the terms, and ``regression`` is the
    fit of a regression of counts.
    """

    kind: OutcomeKind
    matrix: Array
    link: Array
    own: Array
    z: Array
    factor: Array
    log_theta: float
    scores: Array
    variance: Array
    distribution: bool = True
    residual: float = 1.0
    variance_factor: float | None = None
    independent: bool = False
    regression: CountFit | None = None

    @classmethod
    def without_effects(
        cls, data: Data, kind: OutcomeKind, coefficients: Array, scores: Array, information: Array
    ) -> PredictiveDistribution:
        """Return that of a generalised linear model.

        Args:
            data: the nights.
            kind: what their outcome is.
            coefficients: of the columns of ``data.matrix`` (p).
            scores: by participant (G x k).
            information: of the parameters (k x k).
        """
        n = len(data.outcome)
        return cls(
            kind=kind,
            matrix=data.matrix,
            link=data.matrix @ coefficients + data.offset,
            own=np.zeros(n),
            z=np.empty((n, 0)),
            factor=np.empty((0, 0)),
            log_theta=np.inf,
            scores=scores,
            variance=np.linalg.inv(information).astype(np.float64),
        )

    @classmethod
    def of_counts(cls, data: Data, kind: OutcomeKind, fitted: CountFit) -> PredictiveDistribution:
        """Return that of a regression of counts or of nights with a cramp, whose dispersion is a parameter too."""
        scores = cluster_sums(fitted.scores, data.groups)
        plain = cls.without_effects(data, kind, fitted.coefficients, scores, fitted.information)
        plain = replace(plain, regression=fitted)
        if not fitted.dispersion > 0:
            return plain
        law = replace(plain, log_theta=-float(np.log(fitted.dispersion)))
        up, down = (np.log(law.shifted(log_theta=step).chance(data.outcome)) for step in (_STEP, -_STEP))
        theirs = cluster_sums((up - down) / (2 * _STEP), data.groups)
        p = len(law.variance)
        # Coefficients and dispersion are independent in expectation (Lawless 1987).
        variance = np.zeros((p + 1, p + 1))
        variance[:p, :p], variance[p, p] = law.variance, fitted.dispersion_error**2
        return replace(law, scores=np.column_stack([law.scores, theirs]), variance=variance)

    def with_effects(self, data: Data, slope: int | None, fitted: MixedFit | LinearMixedFit) -> PredictiveDistribution:
        """Return it with the participants' random effects; ``slope`` is the column with a random slope."""
        z = np.column_stack([np.ones(len(self.link)), *([] if slope is None else [data.matrix[:, slope]])])
        own = (z * fitted.modes[data.groups]).sum(axis=1)
        return replace(self, own=own, z=z, factor=_factor(fitted))

    @property
    def family(self) -> ResponseFamily:
        """Mean and variance of a night given the participant's effects."""
        if self.kind == "binary":
            return BINOMIAL
        if self.kind == "number":
            return gaussian(self.residual)
        return negative_binomial(np.exp(-self.log_theta)) if np.isfinite(self.log_theta) else POISSON

    @property
    def mean(self) -> Array:
        """Means (n) given the participants' estimated effects."""
        return self.family.mean(self.link + self.own)

    def chance(self, count: Array | float) -> Array:
        """Return the probability (n) of ``count``, over the participants' effects, not given them."""
        return self._over_effects(self._chance, count)

    def chance_below(self, count: Array | float) -> Array:
        """Return the probability (n) of fewer than ``count``, over the participants' effects."""
        return self._over_effects(self._chance_below, count)

    def slopes(self, count: float) -> Array:
        """Return the derivatives (k) of the expected number of nights with ``count`` in the parameters."""
        in_link = self._difference(count, link=_STEP)
        found = [self.matrix.T @ in_link]
        if np.isfinite(self.log_theta):
            found.append(np.array([self._difference(count, log_theta=_STEP).sum()]))
        effects = self.scores.shape[1] - self.matrix.shape[1] - int(np.isfinite(self.log_theta))
        for element in _ELEMENTS[:effects]:
            found.append(np.array([self._difference(count, element=element).sum()]))
        return np.concatenate(found)

    def _difference(
        self, count: float, *, link: float = 0.0, log_theta: float = 0.0, element: tuple[int, int] | None = None
    ) -> Array:
        up = self.shifted(link=link, log_theta=log_theta, element=element, by=_STEP)
        down = self.shifted(link=-link, log_theta=-log_theta, element=element, by=-_STEP)
        return (up.chance(count) - down.chance(count)) / (2 * _STEP)

    def shifted(
        self,
        *,
        link: float = 0.0,
        log_theta: float = 0.0,
        element: tuple[int, int] | None = None,
        by: float = 0.0,
    ) -> PredictiveDistribution:
        """Return the law with its parameters moved: ``link`` and ``log_theta``, or ``element`` of the factor ``by``."""
        factor = self.factor.copy()
        if element is not None:
            factor[element] += by
        return replace(self, link=self.link + link, log_theta=self.log_theta + log_theta, factor=factor)

    def _over_effects(self, chance: Callable[[Array | float, Array], Array], count: Array | float) -> Array:
        spread = self._spread()
        if not spread.any() or self.kind == "number":
            return chance(count, self.link)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        total = np.zeros(len(self.link))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            total += weight * chance(count, self.link + spread * node)
        return total

    def _spread(self) -> Array:
        """Return the standard deviations (n) of what the participants' effects add to the links."""
        if not self.z.shape[1]:
            return np.zeros(len(self.link))
        return np.asarray(np.sqrt(np.square(self.z @ self.factor).sum(axis=1)))

    def _chance(self, count: Array | float, link: Array) -> Array:
        mu = self.family.mean(link)
        if self.kind == "number":
            return np.zeros(len(mu))
        if self.kind == "binary":
            return np.where(np.equal(count, 1), mu, 1 - mu)
        if not np.isfinite(self.log_theta):
            return np.asarray(np.exp(special.xlogy(count, mu) - mu - special.gammaln(np.add(count, 1))))
        theta = np.exp(self.log_theta)
        ways = special.gammaln(count + theta) - special.gammaln(theta) - special.gammaln(np.add(count, 1))
        part = special.xlogy(count, mu / (mu + theta)) - theta * np.log1p(mu / theta)
        return np.asarray(np.exp(ways + part))

    def _chance_below(self, count: Array | float, link: Array) -> Array:
        mu, some = self.family.mean(link), np.greater(count, 0)
        if self.kind == "number":
            return np.asarray(special.ndtr((count - mu) / np.sqrt(self.residual + self._spread() ** 2)))
        if self.kind == "binary":
            return np.where(some, 1 - mu, 0.0)
        least = np.maximum(count, 1)
        if np.isfinite(self.log_theta):
            theta = np.exp(self.log_theta)
            below = special.betainc(theta, least, theta / (theta + mu))
        else:
            below = special.gammaincc(least, mu)
        return np.where(some, below, 0.0)


def _factor(fitted: MixedFit | LinearMixedFit) -> Array:
    """Return L, the random effects being L times standard normals."""
    factor = np.diag(fitted.sd)
    if len(fitted.sd) > 1 and fitted.sd[1] > 0:
        correlation = np.nan_to_num(fitted.correlation)
        factor[1] = fitted.sd[1] * np.array([correlation, np.sqrt(1 - correlation**2)])
    return factor
