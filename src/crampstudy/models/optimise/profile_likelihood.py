"""Limits of a parameter beside the coefficients from the profile of the likelihood, all others following it.

A dispersion or a spread that the data hardly tell has a likelihood that falls steeply on one side and never on the
other: twice its standard error each way would be an interval of many powers of ten, on the wrong side of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.models.optimise.likelihoods import DispersedLikelihood
from crampstudy.models.optimise.trust_region import height

_QUADRATIC = 0.05
"""Below this standard error of a logarithm the profile is a parabola, to a thousandth of the estimate."""
_FARTHEST = 18.0
"""Logarithms this far from the estimate's are taken for 0 or infinity."""
_EXACT = 1e-7

Fall = Callable[[float], float]
"""By how much the log-likelihood falls where the logarithm of the parameter is held, minus infinity being 0."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A parameter with the ``log_estimate`` at the maximum, its standard error, and how the likelihood falls.

    The limits are where the likelihood-ratio statistic 2 (l(estimate) - l(value)) is the quantile of chi-squared on
    one degree of freedom, z^2.
    """

    log_estimate: float
    error: float
    fall: Fall

    def limits(self, ci_level: float) -> tuple[float, float]:
        """Return the limits, 0 or infinity where the likelihood excludes neither.

        Source: Venzon and Moolgavkar 1988; McCullagh and Nelder 1989, section 7.4.
        """
        z = float(special.stdtrit(np.inf, 0.5 + ci_level / 2))
        if self.error < _QUADRATIC:
            low, high = self.log_estimate - z * self.error, self.log_estimate + z * self.error
        else:
            low = -np.inf if self._excess(-np.inf, z) < 0 else self._limit(-1.0, z)
            high = self._limit(1.0, z)
        return float(np.exp(low)), float(np.exp(high))

    def _excess(self, log_value: float, z: float) -> float:
        """Return by how much the signed root of the likelihood-ratio statistic exceeds ``z``."""
        return float(np.sqrt(2 * max(self.fall(log_value), 0.0))) - z

    def _limit(self, side: float, z: float) -> float:
        """Return where the root of twice the fall, all but a straight line, reaches ``z``."""
        from scipy import optimize

        near, far = self.log_estimate, min(z * self.error, 1.0)
        while self._excess(self.log_estimate + side * far, z) < 0:
            near, far = self.log_estimate + side * far, 2 * far
            if far > _FARTHEST:
                return side * np.inf
        found: float = optimize.brentq(self._excess, near, self.log_estimate + side * far, args=(z,), xtol=_EXACT)
        return found


def of_dispersion(likelihood: DispersedLikelihood, theta: Array, value: float, error: float) -> Profile:
    """Return the profile of the dispersion of counts, log theta last of the parameters ``theta`` (k).

    ``value`` is the log-likelihood there, ``error`` the standard error of log theta.
    """
    return Profile(-float(theta[-1]), error, partial(_fall, likelihood, theta, value))


def _fall(likelihood: DispersedLikelihood, theta: Array, value: float, log_alpha: float) -> float:
    return value - height(likelihood.holding(-log_alpha), theta[:-1])
