"""What a regression says about one night: its mean, the slope of the mean and the variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from crampstudy.arrays import Array


@dataclass(frozen=True, slots=True)
class ResponseFamily:
    """``mean`` of the linear predictor; ``slope`` (its derivative) and ``variance``, both of the mean."""

    name: str
    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    variance: Callable[[Array], Array]


def _exp(eta: Array) -> Array:
    # Beyond e^30 cramps a night nothing is fitted any more; the bounds keep a wild step finite, its variance above 0.
    mean: Array = np.exp(np.clip(eta, -300, 30))
    return mean


def _expit(eta: Array) -> Array:
    mean: Array = special.expit(np.clip(eta, -36, 36)).astype(np.float64)
    return mean


def _same(mu: Array) -> Array:
    return mu


def _bernoulli(mu: Array) -> Array:
    return mu * (1 - mu)


def _one(mu: Array) -> Array:
    return np.ones_like(mu)


POISSON = ResponseFamily("poisson", _exp, _same, _same)
"""Counts with log link."""

BINOMIAL = ResponseFamily("binomial", _expit, _bernoulli, _bernoulli)
"""Outcomes 0 or 1 with logit link."""


def negative_binomial(dispersion: float) -> ResponseFamily:
    """Return the NB2 family with log link and its dispersion held: Var(y) = mu + dispersion mu^2."""
    return ResponseFamily("negative-binomial", _exp, _same, lambda mu: mu + dispersion * mu**2)


def gaussian(variance: float) -> ResponseFamily:
    """Return the family of numbers with identity link and one variance, held."""
    return ResponseFamily("gaussian", _same, _one, lambda mu: np.full_like(mu, variance))


GAUSSIAN = gaussian(1.0)
"""Numbers with identity link, in units of their residual standard deviation."""
