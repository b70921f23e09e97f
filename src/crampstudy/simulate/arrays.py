"""Arrays of a simulation by what they hold, and the logit on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.generic]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def expit(x: Floats) -> Floats:
    """Return the inverse of the logit."""
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)


def logit(p: float) -> float:
    """Return the log odds of ``p``, which stands strictly between 0 and 1."""
    return float(np.log(p / (1 - p)))
