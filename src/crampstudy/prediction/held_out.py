"""A model that is learned once, and the participants that it is asked about afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crampstudy.arrays import Array, Flags
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.models import candidates, predicted
from crampstudy.prediction.outcome import Outcome
from crampstudy.prediction.resampled import Resamples
from crampstudy.prediction.validation import FOLDS, SEED, best, check_enough, folds_of, learned, tried
from crampstudy.readable import OneLine

FIFTH, FIFTH_NEW = "a fifth of the participants held out", "a fifth of the participants held out, baseline alone"


@dataclass(frozen=True, slots=True, repr=False)
class HeldOut(OneLine):
    """A model, and rows that it has not learned from.

    Args:
        model: the fitted pipeline, of all features.
        outcome: what it foretells.
        table: all rows, those that were learned from among them.
        inside: which of them are held out.
        resamples: of the participants held out, or of their sampling units.
        base: cells of every row of estimates.
    """

    model: Any
    outcome: Outcome
    table: FeatureTable
    inside: Flags
    resamples: Resamples
    base: Mapping[str, Any]

    @property
    def test(self) -> FeatureTable:
        """The rows that are held out."""
        return self.table.only(self.inside)

    def expected(self, values: Array) -> Array:
        """Return what the model expects of rows of features: a rate per night, or a probability."""
        return predicted(self.model, self.outcome, values)

    def thinned(self, most: int) -> HeldOut:
        """Return it with at most so many rows held out, at equal distances of all."""
        every = np.flatnonzero(self.inside)
        kept = np.arange(0, len(every), -(-len(every) // most))
        inside = np.zeros_like(self.inside)
        inside[every[kept]] = True
        return replace(self, inside=inside, resamples=self.resamples.only(kept))

    @classmethod
    def of(
        cls, table: FeatureTable, inside: Flags, outcome: Outcome, resamples: Resamples, base: Mapping[str, Any]
    ) -> HeldOut:
        """Learn the best of the models that know every feature from the rows that are not held out.

        Args:
            table: all rows.
            inside: which of them are held out.
            outcome: what is foretold.
            resamples: of the rows held out.
            base: cells of every row of estimates.
        """
        train = table.only(~inside)
        grid = [each for family in candidates(table.names).values() for each in family if not each.past_alone]
        chosen = best(tried(train, outcome, grid, np.random.default_rng([SEED, 29, 1]))).candidate
        cells = {"outcome": outcome.name, "population": "all"}
        return cls(learned(chosen, train, outcome), outcome, table, inside, resamples, {**base, **cells})


def held_out(table: FeatureTable, outcome: Outcome, cohort: str, ci_level: float = 0.95) -> HeldOut:
    """Return a model of four fifths of the participants of a diary, and the others.

    Raises:
        AnalysisError: there is too little to learn from.
    """
    check_enough(table)
    rng = np.random.default_rng([SEED, 29])
    inside = folds_of(len(table.ids), FOLDS, rng)[table.person] == 0
    base = {"cohort": cohort, "model": FIFTH_NEW if table.sums is None else FIFTH, "ci_level": ci_level}
    return HeldOut.of(table, inside, outcome, Resamples.of_participants(table.person[inside], rng), base)
