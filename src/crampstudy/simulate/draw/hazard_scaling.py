"""Times to relief whose hazard a remedy multiplies."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from crampstudy.simulate.arrays import Floats


def scale_hazard(z: Floats, log_hazard_ratio: Floats) -> Floats:
    """Return the normal scores of the log times whose hazard is multiplied: the same cramp, with the remedy.

    Proportional hazards (Cox 1972): ``S_r(t) = S(t)^HR``. At the same survival ``u = Phi(-z)`` the score becomes
    ``-Phi^-1(u^(1 / HR))``.
    """
    moved = z.copy()
    at = np.flatnonzero(log_hazard_ratio)
    moved[at] = -ndtri_exp(log_ndtr(-z[at]) * np.exp(-log_hazard_ratio[at]))
    return moved
