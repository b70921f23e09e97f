"""Nights as arrays: what every engine is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array

Outcome = str
"""``cramps``, ``cramp_night``, or a column of the diary that is a number."""


@dataclass(frozen=True, slots=True)
class Data:
    """Nights as arrays of length n: ``matrix`` is n x p, ``offset`` log exposure, ``groups`` the participants' codes.

    Codes are 0..G-1; ``nights`` is the calendar night in days since any day, empty where a row stands for several
    nights. ``weights`` say as how many rows a row counts, 1 if absent; ``constant`` is what rows that were added up
    lack of the log-likelihood, ``added`` as how many nights they stand for, their number if absent. ``zero`` (n x q) is
    the design of the zero part of a model that has one, a column of ones if absent. What has a random slope is the
    first number of ``slope`` plus the second times its column.
    """

    matrix: Array
    outcome: Array
    offset: Array
    groups: NDArray[np.intp]
    nights: NDArray[np.int64]
    weights: Array | None = None
    constant: float = 0.0
    zero: Array | None = None
    added: int | None = None
    slope: tuple[float, float] = (0.0, 1.0)

    @property
    def mean(self) -> float:
        """Mean outcome of a night."""
        times = np.ones(len(self.outcome)) if self.weights is None else self.weights
        return float(times @ self.outcome) / (times.sum() if self.added is None else self.added)

    @property
    def baselines(self) -> list[int]:
        """The columns that do not vary, of the zero part after those of the counts: intercepts."""
        both = self.matrix if self.zero is None else np.column_stack([self.matrix, self.zero])
        return np.flatnonzero(np.ptp(both, axis=0) == 0).tolist()
