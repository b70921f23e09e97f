"""Limits of a parameter beside the coefficients from the profile of the likelihood, all others following it.

A dispersion or a spread that the data hardly tell has a likelihood that falls steeply on one side and never on the
other: twice its standard error each way would be an interval of many powers of ten, on the wrong side of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import optimize

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import quantile
from crampstudy.models.nights.zeros.likelihoods import Counts, Inflated, Truncated
from crampstudy.models.optimise.trust_region import climb

_QUADRATIC = 0.05
"""Below this standard error of a logarithm the profile is a parabola, to a thousandth of the estimate."""
_FARTHEST = 18.0
"""Logarithms this far from the estimate's are taken for 0 or infinity."""
_EXACT = 1e-7

Fall = Callable[[float], float]
"""By how much the log-likelihood falls where the logarithm of the parameter is held, minus infinity being 0."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A parameter whose logarithm is ``top`` at the maximum, with a standard error, and how the likelihood falls."""

    top: float
    error: float
    fall: Fall

    def limits(self, ci_level: float) -> tuple[float, float]:
        """Return the limits, 0 or infinity where the likelihood excludes neither.

        Source: Venzon and Moolgavkar 1988; McCullagh and Nelder 1989, section 7.4.
        """
        z = quantile(ci_level, float("inf"))
        if self.error < _QUADRATIC:
            low, high = self.top - z * self.error, self.top + z * self.error
        else:
            low = -np.inf if self._beyond(-np.inf, z) < 0 else self._crossed(-1.0, z)
            high = self._crossed(1.0, z)
        return float(np.exp(low)), float(np.exp(high))

    def _beyond(self, at: float, z: float) -> float:
        return float(np.sqrt(2 * max(self.fall(at), 0.0))) - z

    def _crossed(self, side: float, z: float) -> float:
        """Return where the root of twice the fall, all but a straight line, reaches ``z``."""
        near, far = self.top, min(z * self.error, 1.0)
        while self._beyond(self.top + side * far, z) < 0:
            near, far = self.top + side * far, 2 * far
            if far > _FARTHEST:
                return side * np.inf
        found: float = optimize.brentq(self._beyond, near, self.top + side * far, args=(z,), xtol=_EXACT)
        return found


def of_dispersion(law: Counts | Inflated | Truncated, at: Array, value: float, error: float) -> Profile:
    """Return the profile of the dispersion of a law of counts, log theta last of the parameters ``at`` (k).

    ``value`` is the log-likelihood there, ``error`` the standard error of log theta.
    """
    return Profile(-float(at[-1]), error, partial(_fallen, law, at, value))


def _fallen(law: Counts | Inflated | Truncated, at: Array, value: float, log_alpha: float) -> float:
    return value - climb(replace(law, held=-log_alpha), at[:-1]).value
