"""What is foretold: the number of cramps, or whether there is any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.scores import log_loss, poisson_deviance

_LEAST = 1e-6
"""No prediction is certain: means and probabilities keep this distance from their ends."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome by the name of its column."""

    name: str

    @property
    def is_count(self) -> bool:
        """Whether it is a number."""
        return self.name == "cramps"

    def of(self, table: FeatureTable) -> Array:
        """Return what happened in each row."""
        return table.counts if self.is_count else (table.counts > 0).astype(np.float64)

    def loss(self, happened: Array, said: Array) -> Array:
        """Return the loss that training and the choice between models go by, of each row: lower is better."""
        return poisson_deviance(happened, said) if self.is_count else log_loss(happened, said)

    def bounded(self, said: Array) -> Array:
        """Return predictions within what is possible."""
        return np.clip(said, _LEAST, None if self.is_count else 1 - _LEAST)


COUNT, ANY = Outcome("cramps"), Outcome("cramp_night")
SURVEY = Outcome("moderate_severe_vs_rest")
