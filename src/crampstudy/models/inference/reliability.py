"""How well the mean of a participant's nights measures what is usual for the participant, and what follows from that.

By a one-way analysis of variance of nights in participants. The ratio between participants lies nearer to that within
than it should, as the mean is that of a few nights; regression calibration undoes this for all means together.

Source: Shrout and Fleiss 1979 (the intraclass correlation of a mean); Rosner, Spiegelman and Willett 1990.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.nights.person_moments import PersonMoments


@dataclass(frozen=True, slots=True)
class Reliability:
    """Mean squares (q x q) ``between`` and ``within`` participants of q exposures.

    ``nights`` (q) are the mean numbers k0 of nights of a participant on which an exposure is known.
    """

    between: Array
    within: Array
    nights: Array

    @classmethod
    def of(cls, moments: PersonMoments, times: Array | None = None) -> Reliability:
        """Return that of participants, each counted so many ``times`` (G), once if not given."""
        weight = np.ones(len(moments.means)) if times is None else times
        n, people = moments.nights, float(weight.sum())
        total = weight @ n
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = weight @ (n * np.nan_to_num(moments.means)) / total
            scaled = np.sqrt(n) * np.nan_to_num(moments.means - middle)
            between = (scaled * weight[:, None]).T @ scaled / (people - 1)
            spread = np.einsum("g,gab->ab", weight, moments.scatter)
            spread /= np.einsum("g,gab->ab", weight, np.maximum(moments.together - 1, 0))
            # The errors of two means are correlated as far as they are of the same nights.
            shared = moments.together / np.sqrt(n[:, :, None] * n[:, None, :])
            within = spread * np.einsum("g,gab->ab", weight, np.nan_to_num(shared)) / people
            nights = (total - weight @ n**2 / total) / (people - 1)
        return cls(between, within, nights)

    @property
    def values(self) -> Array:
        """The reliability of each mean (q) at the mean number of nights; NaN where nights or participants are too few.

        At most 0 where participants differ by no more than their nights do.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = 1 - np.diag(self.within) / np.diag(self.between)
        return found

    @property
    def correlations(self) -> Array:
        """The intraclass correlation of a night's exposure (q)."""
        between, within = np.diag(self.between), np.diag(self.within)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = (between - within) / (between + (self.nights - 1) * within)
        return found

    def corrected(self, within: Array, between: Array) -> Array:
        """Return coefficients between participants (q), those found given with those within (q) as they are.

        What the mean adds to a night, between less within, is divided by the reliability, of several means by its
        matrix. NaN where participants differ by no more than their nights do.
        """
        size, beyond = np.sqrt(self.nights), self.between - self.within
        if not (np.isfinite(beyond).all() and np.isfinite(size).all()) or np.linalg.eigvalsh(beyond).min() <= 0:
            return np.full(len(within), np.nan)
        added = size * np.linalg.solve(beyond, self.between @ ((between - within) / size))
        return np.asarray(within + added)


def at_nights(correlation: float, nights: float) -> float:
    """Return the reliability of the mean of so many nights of an exposure with this intraclass correlation.

    Source: Spearman 1910 and Brown 1910.
    """
    return nights * correlation / (1 + (nights - 1) * correlation)
