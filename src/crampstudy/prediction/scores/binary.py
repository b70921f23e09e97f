"""Scores of predicted probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from crampstudy.arrays import Array
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class AreaUnderCurve(OneLine):
    """The area under the receiver operating characteristic curve with its standard error and limits."""

    estimate: float
    std_error: float
    ci_low: float
    ci_high: float


def brier(outcome: Array, probability: Array) -> Array:
    """Return the squared distance of each probability from what happened."""
    return np.asarray((probability - outcome) ** 2)


def log_loss(outcome: Array, probability: Array) -> Array:
    """Return minus the log of the probability of what happened."""
    return np.asarray(-special.xlogy(outcome, probability) - special.xlog1py(1 - outcome, -probability))


def weighted_area(outcome: Array, probability: Array, weight: Array | None = None) -> float:
    """Return the chance that of an event and a non-event the event has the higher probability, ties half.

    ``nan`` where there are only events, or none.
    """
    weight = np.ones(len(outcome)) if weight is None else weight
    _, place = np.unique(probability, return_inverse=True)
    events = np.bincount(place, weight * outcome)
    others = np.bincount(place, weight * (1 - outcome))
    pairs = events.sum() * others.sum()
    if not pairs > 0:
        return float("nan")
    return float(events @ (np.cumsum(others) - others / 2) / pairs)


def area_under_curve(outcome: Array, marker: Array, ci_level: float = 0.95) -> AreaUnderCurve:
    """Return the area under the curve of independent people, with the interval of DeLong.

    Source: DeLong, DeLong and Clarke-Pearson 1988, 10.2307/2531595.
    """
    events, others = marker[outcome == 1], marker[outcome == 0]
    area = weighted_area(outcome, marker)
    of_events = _placement(events, others)
    of_others = 1 - _placement(others, events)
    variance = of_events.var(ddof=1) / len(events) + of_others.var(ddof=1) / len(others)
    error = float(np.sqrt(variance))
    reach = float(stats.norm.ppf(0.5 + ci_level / 2)) * error
    return AreaUnderCurve(area, error, max(area - reach, 0.0), min(area + reach, 1.0))


def _placement(own: Array, others: Array) -> Array:
    """Return of each value the share of the others below it, ties half."""
    ordered = np.sort(others)
    below, up_to = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    return np.asarray((below + up_to) / (2 * len(others)))
