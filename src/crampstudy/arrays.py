"""Arrays by what they hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Floats of any shape."""
Codes = NDArray[np.intp]
"""Whole numbers 0..G-1 that stand for participants, strata or classes."""
Flags = NDArray[np.bool_]
"""Yes or no."""
