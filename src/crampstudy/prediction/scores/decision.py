"""What decisions gain that follow a probability."""

from __future__ import annotations

import numpy as np

from crampstudy.arrays import Array


def net_benefit(outcome: Array, probability: Array, threshold: float, weight: Array | None = None) -> float:
    """Return the net benefit of acting where the probability is at least ``threshold``, per person.

    It is the share of true positives less that of false ones, which count by the odds of the threshold.

    Source: Vickers and Elkin 2006, 10.1177/0272989X06295361.
    """
    weight = np.ones(len(outcome)) if weight is None else weight
    acted = probability >= threshold
    hits, misses = weight[acted] @ outcome[acted], weight[acted] @ (1 - outcome[acted])
    return float((hits - misses * threshold / (1 - threshold)) / weight.sum())


def net_benefit_of_all(outcome: Array, threshold: float, weight: Array | None = None) -> float:
    """Return the net benefit of acting on everybody; to act on nobody has none."""
    return net_benefit(outcome, np.ones(len(outcome)), threshold, weight)
