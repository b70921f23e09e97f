"""What is pooled: differences of trials with the covariance of their sampling errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.errors import UsageError
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class TrialEffects(OneLine):
    """TrialEffects of trials, on a scale on which they may be added.

    Args:
        labels: names of the rows, in order.
        values: the effects.
        covariance: that of their sampling errors, rows by rows; diagonal where no two rows share participants.
        clusters: for each row the name of the trial that it is of.
    """

    labels: tuple[str, ...]
    values: Array
    covariance: Array
    clusters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.covariance.shape != (len(self.values), len(self.values)) or len(self.labels) != len(self.values):
            raise UsageError(f"{len(self.values)} effects need as many labels, and a covariance of so many rows")
        if not np.isfinite(self.values).all() or not (np.diag(self.covariance) > 0).all():
            raise UsageError("effects are finite and their variances above 0; leave out what has none")
        if not self.clusters:
            object.__setattr__(self, "clusters", self.labels)

    @property
    def k(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def n_trials(self) -> int:
        """Number of trials, of which a row each is the usual case."""
        return len(set(self.clusters))

    @property
    def dependent(self) -> bool:
        """Whether two rows are of one trial."""
        return self.n_trials < self.k

    @property
    def variances(self) -> Array:
        """Sampling variances."""
        return np.diag(self.covariance)

    def only(self, rows: Sequence[int]) -> TrialEffects:
        """Return the effects of some rows."""
        kept = list(rows)
        names, of = ([texts[i] for i in kept] for texts in (self.labels, self.clusters))
        return TrialEffects(tuple(names), self.values[kept], self.covariance[np.ix_(kept, kept)], tuple(of))


def independent(labels: Sequence[str], values: Array, variances: Array) -> TrialEffects:
    """Return the effects of trials that have no participant in common."""
    return TrialEffects(tuple(labels), np.asarray(values, dtype=float), np.diag(np.asarray(variances, dtype=float)))
