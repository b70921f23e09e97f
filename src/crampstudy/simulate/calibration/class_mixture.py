"""How many cramps 30 nights hold, by class, at a given rate: gamma persons, the near-nightly few, Poisson nights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Floats

_TAILS = (special.gammainccinv, special.gammaincinv)
_LEFT_OUT = 1e-11  # of the persons at either end of the gamma
_STEP = 0.2  # on the log scale; the trapezium rule is exact to about 1e-9 there


@dataclass(frozen=True, slots=True)
class Mixture:
    """Persons' rates as multiples of the mean: a gamma, but for the few who cramp nearly every night.

    ``near_nightly_share`` of persons have ``near_nightly_factor`` times the mean rate; the others' gamma of shape
    ``person_shape`` is scaled so that the whole has mean one.

    Raises:
        ParameterError: the shape is not positive, or the near-nightly class alone exceeds a mean of one.
    """

    person_shape: float
    near_nightly_share: float = 0.0
    near_nightly_factor: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.person_shape) and self.person_shape > 0):
            raise ParameterError(f"person_shape is {self.person_shape}; allowed: a finite number above 0")
        taken = self.near_nightly_share * self.near_nightly_factor
        if not (0 <= self.near_nightly_share < 1 and self.near_nightly_factor >= 0 and taken < 1):
            raise ParameterError(
                f"near_nightly_share {self.near_nightly_share:g} of persons at near_nightly_factor "
                f"{self.near_nightly_factor:g} is {taken:g} of the mean rate; allowed: a share from 0 to below 1 "
                "whose product with the factor is below 1"
            )

    def variance(self) -> float:
        """Return the variance of the persons' multiples."""
        share, rest = self.near_nightly_share, self._rest()
        second = share * self.near_nightly_factor**2 + (1 - share) * rest**2 * (1 + 1 / self.person_shape)
        return second - 1

    def nodes(self) -> tuple[Floats, Floats]:
        """Return multiples of the mean rate and their weights, which sum to 1: a quadrature over persons."""
        shape = self.person_shape
        top, low = (math.log(max(inverse(shape, _LEFT_OUT), 1e-300)) for inverse in _TAILS)
        t = np.linspace(low, top, math.ceil((top - low) / min(_STEP, 0.5 / math.sqrt(shape))) + 1)
        weight = np.exp(shape * t - np.exp(t) - special.gammaln(shape))
        weight[[0, -1]] /= 2
        below = special.gammainc(shape, math.exp(low))
        weight *= (1 - below) / weight.sum()
        multiples = np.concatenate([[0.0], np.exp(t) / shape * self._rest(), [self.near_nightly_factor]])
        share = self.near_nightly_share
        return multiples, np.concatenate([[below * (1 - share)], weight * (1 - share), [share]])

    def _rest(self) -> float:
        return (1 - self.near_nightly_share * self.near_nightly_factor) / (1 - self.near_nightly_share)


def window_variance(night_dispersion: float, latent: Sequence[tuple[float, float]] = (), nights: int = NIGHTS) -> float:
    """Return the relative variance of a person's mean rate over ``nights`` nights, from night to night alone.

    ``night_dispersion`` is the variance of independent gamma multiples, ``latent`` lists the log-normal ones as
    (SD of the log, correlation of neighbouring nights).
    """
    lag = np.arange(nights)
    product = np.ones(nights)
    for sd, correlation in latent:
        product = product * np.exp(sd**2 * correlation**lag)
    product[0] *= 1 + night_dispersion
    pairs = np.where(lag == 0, nights, 2 * (nights - lag))
    return float(pairs @ product) / nights**2 - 1


def class_probabilities(
    rate_per_week: Floats, mixture: Mixture, *, variance: float = 0.0, nights: int = NIGHTS
) -> Floats:
    """Return the chance of each class of :data:`LOWS` at mean rates of any shape (…, 5), by quadrature over persons.

    Given the person, the count is negative binomial with dispersion ``variance`` (see :func:`window_variance`):
    exact for independent gamma nights of a constant rate, and close to it (the first two moments agree) where
    nights are correlated.

    Raises:
        ParameterError: ``variance`` is negative.
    """
    if not variance >= 0:
        raise ParameterError(f"variance is {variance}; allowed: a number of at least 0")
    multiples, weights = mixture.nodes()
    mean = np.asarray(rate_per_week, dtype=np.float64)[..., None, None] * nights / 7 * multiples[:, None]
    upper = np.asarray(LOWS[1:]) - 1.0
    if variance > 1e-9:  # less cannot be told from Poisson, and its size would overflow
        size = 1 / variance
        below = special.betainc(size, upper + 1, size / (size + mean))
    else:
        below = special.gammaincc(upper + 1, mean)
    cumulative = np.einsum("...ku,k->...u", below, weights)
    return np.diff(cumulative, axis=-1, prepend=0.0, append=1.0)
