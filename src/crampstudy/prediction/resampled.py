"""Intervals from resampled participants, or from resampled sampling units of a survey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array, Codes

RESAMPLES = 300
FEWEST = 5
"""Fewer participants than this have no interval."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """How often each cluster is in each resample (resamples x clusters)."""

    times: Array
    cluster: Codes

    @classmethod
    def of_participants(cls, cluster: Codes, rng: np.random.Generator, number: int = RESAMPLES) -> Resamples:
        """Return resamples of participants with replacement."""
        _, own = np.unique(cluster, return_inverse=True)
        n = int(own.max()) + 1
        return cls(rng.multinomial(n, np.full(n, 1 / n), number).astype(np.float64), own)

    @classmethod
    def of_design(cls, stratum: Codes, psu: Codes, rng: np.random.Generator, number: int = RESAMPLES) -> Resamples:
        """Return resamples of the sampling units of a survey: of n units of a stratum n - 1, scaled.

        A stratum with one unit keeps it.

        Source: Rao and Wu 1988, 10.1080/01621459.1988.10478591.
        """
        units, own = np.unique(np.column_stack([stratum, psu]), axis=0, return_inverse=True)
        times = np.ones((number, len(units)))
        for each in np.unique(units[:, 0]):
            inside = units[:, 0] == each
            n = int(inside.sum())
            if n > 1:
                times[:, inside] = rng.multinomial(n - 1, np.full(n, 1 / n), number) * n / (n - 1)
        return cls(times, own.ravel())

    def only(self, rows: Codes) -> Resamples:
        """Return the resamples of some of the rows."""
        return Resamples(self.times, self.cluster[rows])

    def sums(self, values: Array) -> Array:
        """Return the sum of row values in each resample."""
        return np.asarray(self.times @ np.bincount(self.cluster, values, minlength=self.times.shape[1]))

    def weights(self, number: int) -> Array:
        """Return how often each row is in a resample."""
        return np.asarray(self.times[number, self.cluster])


def limits(values: Array, ci_level: float) -> tuple[float, float]:
    """Return the percentiles of what resamples say that lie as far from its ends, those that say nothing left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - ci_level) / 2, (1 + ci_level) / 2])
    return float(low), float(high)
