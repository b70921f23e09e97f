"""Simple rules that a model has to beat, tuned on what the model learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.outcome import Outcome

WINDOWS = (7, 28, 90)
"""Nights of the moving average, of which training chooses."""
PRIOR_NIGHTS = (0.5, 2.0, 7.0, 28.0)
"""How many nights at the rate of a participant's age band are added to what they logged, of which training chooses."""
_BORROWED = 28.0
"""Nights at the rate of all that are added to those of an age band."""


@dataclass(frozen=True, slots=True)
class Climate:
    """The rate of each age band, that of all last, which is also that of people without an age."""

    rates: tuple[float, ...]

    @classmethod
    def of(cls, table: FeatureTable, happened: Array) -> Climate:
        """Return the rates of a table's rows, those of small bands drawn towards that of all."""
        band = table.band[table.person]
        overall = (happened.sum() + 0.5) / (table.nights.sum() + 1)
        held = [band == number for number in range(len(table.bands))]
        sums = [(happened[own].sum(), table.nights[own].sum()) for own in held]
        return cls((*((n + _BORROWED * overall) / (of + _BORROWED) for n, of in sums), float(overall)))

    def predict(self, table: FeatureTable) -> Array:
        """Return the rate of each row's age band."""
        return np.asarray(self.rates)[table.band[table.person]]


@dataclass(frozen=True, slots=True)
class MovingAverage:
    """The rate over a window of nights before, with ``prior`` nights at the climate's rate added.

    ``window`` is ``None`` where it is all nights so far: the running rate.
    """

    window: int | None
    prior: float

    def predict(self, table: FeatureTable, outcome: Outcome, climate: Array) -> Array:
        """Return what is expected of each night."""
        assert table.sums is not None
        sums = table.sums.cramps if outcome.is_count else table.sums.cramp_nights
        nights = table.sums.nights[self.window].astype(np.float64)
        return np.asarray((sums[self.window] + self.prior * climate) / (nights + self.prior))


def tuned(table: FeatureTable, outcome: Outcome, climate: Array, windows: tuple[int | None, ...]) -> MovingAverage:
    """Return the moving average that did best on a table."""
    happened = outcome.of(table)
    every = [MovingAverage(window, prior) for window in windows for prior in PRIOR_NIGHTS]
    losses = [float(outcome.loss(happened, each.predict(table, outcome, climate)).mean()) for each in every]
    return every[int(np.argmin(losses))]


def of_nights(
    train: FeatureTable, test: FeatureTable, outcome: Outcome, rng: np.random.Generator
) -> Mapping[str, tuple[Array, Array]]:
    """Return what each rule says of the nights it was tuned on and of those to test it on, by its name."""
    everybody = of_everybody(train, test, outcome)
    of_train, of_test = everybody[CLIMATOLOGY]
    rules = {
        MOVING_AVERAGE: tuned(train, outcome, of_train, WINDOWS),
        RUNNING_RATE: tuned(train, outcome, of_train, (None,)),
    }
    said = {
        name: (rule.predict(train, outcome, of_train), rule.predict(test, outcome, of_test))
        for name, rule in rules.items()
    }
    first, second = said[MOVING_AVERAGE]
    return {
        **everybody,
        PERMUTATION: (rng.permutation(first), rng.permutation(second)),
        **said,
    }


def of_everybody(train: FeatureTable, test: FeatureTable, outcome: Outcome) -> Mapping[str, tuple[Array, Array]]:
    """Return what the rules that know nobody's own past say of the rows they learned from and of those to test on.

    Where all are of one age band, the rate of the band is the one for all.
    """
    happened = outcome.of(train) * (1 if outcome.is_count else train.nights)
    climate, rate = Climate.of(train, happened), float(happened.sum() / train.nights.sum())
    one = np.full(len(train.counts), rate), np.full(len(test.counts), rate)
    of_band = climate.predict(train), climate.predict(test)
    bands = np.unique(np.concatenate([table.band[table.person] for table in (train, test)]))
    return {ONE_RATE: one, CLIMATOLOGY: of_band if len(bands) > 1 else one}


ONE_RATE = "one rate for all"
CLIMATOLOGY = "climatology by age band"
PERMUTATION = "permuted moving average"
MOVING_AVERAGE = "moving average"
RUNNING_RATE = "running rate"
