"""Intervals of a directly standardised rate of few events, which are taken to come independently of one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy import stats

from crampstudy import estimates, suggestions
from crampstudy.contrasts.cohorts.measures import GroupMeasures
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.nights import NIGHTS_PER_WEEK

Method = Literal["gamma", "dobson", "log"]
METHODS: tuple[Method, ...] = ("gamma", "dobson", "log")
"""Fay and Feuer's, Dobson's from Byar's limits of the number of events, and the normal one on the log scale."""


INDEPENDENT = "an interval of few events takes each as independent of the others, also of one participant"
Row = dict[str, Any]


def standardised_interval(
    events: Sequence[int],
    person_time: Sequence[float],
    weights: Sequence[float],
    method: Method,
    ci_level: float = 0.95,
) -> tuple[float, float, float]:
    """Return a directly standardised rate per unit of person-time with its limits.

    Args:
        events: in each group (k); counts of a Poisson law.
        person_time: of each group (k).
        weights: shares of the standard population (k), made to sum to 1.
        method: one of :data:`METHODS`.
        ci_level: confidence level.

    Raises:
        UsageError: the method is none of these, the groups do not match, or a group has no person-time.

    Source: Fay and Feuer 1997 (gamma); Dobson et al. 1991; Breslow and Day 1987, equation 2.13 (Byar).
    """
    check_method(method)
    counts, time, shares = (np.asarray(each, dtype=float) for each in (events, person_time, weights))
    if not len(counts) == len(time) == len(shares) or (time <= 0).any():
        raise UsageError("each group has a number of events, a person-time above 0 and a weight")
    each = shares / shares.sum() / time
    rate, variance, total = float(each @ counts), float(each**2 @ counts), float(counts.sum())
    tail = (1 - ci_level) / 2
    if method == "gamma":
        largest = float(each.max())
        low = stats.gamma.ppf(tail, rate**2 / variance, scale=variance / rate) if total else 0.0
        above, spread = rate + largest, variance + largest**2
        return rate, float(low), float(stats.gamma.ppf(1 - tail, above**2 / spread, scale=spread / above))
    if not total:
        raise UsageError(f"without an event there is no interval by {method}; take gamma")
    if method == "log":
        half = float(stats.norm.ppf(1 - tail)) * math.sqrt(variance) / rate
        return rate, rate * math.exp(-half), rate * math.exp(half)
    z, step = float(stats.norm.ppf(1 - tail)), math.sqrt(variance / total)
    low, high = (rate + step * (limit - total) for limit in (_byar(total, -z), _byar(total + 1, z)))
    return rate, low, high


def _byar(count: float, z: float) -> float:
    """Return Byar's approximation to the exact limit of a Poisson count."""
    return float(count * (1 - 1 / (9 * count) + z / (3 * math.sqrt(count))) ** 3)


def check_method(method: str) -> None:
    """Check that an interval of few events is one of :data:`METHODS`.

    Raises:
        UsageError: it is none.
    """
    if method not in METHODS:
        said, allowed = f"no interval {method!r} of few events", f"allowed: {', '.join(METHODS)}"
        raise suggestions.unknown(UsageError, said, method, METHODS, allowed)


def few_event_rows(of: GroupMeasures, weights: Sequence[float], method: Method, cells: Row) -> list[Row]:
    """Return the row of a diary's rate at given ``weights`` of its age bands, with the interval of few events.

    Args:
        of: the rates of a diary by age band.
        weights: shares of the standard population in the bands.
        method: the interval, named in ``model``.
        cells: what the row says beside: population, level, reference, estimand and ci_level.

    Raises:
        UsageError: the method is none of :data:`METHODS`.
    """
    check_method(method)
    places = list(of.standard)
    made = cells | {
        "cohort": of.cohort,
        "analysis": kinds.FEW_EVENTS.name,
        "model": method,
        "outcome": of.outcome,
        "scale": of.scale,
        "unit": of.unit,
        "n_participants": int(of.participants[places].sum()),
        "n_events": int(of.events[places].sum()),
    }
    if of.nights is None:
        said = "a survey's prevalence has no person-time, and its interval is of the sampling design"
        return [estimates.row(status="not_estimable", **made | {"note": said})]
    nights = of.nights[places]
    made |= {"n_nights": int(nights.sum()), "note": INDEPENDENT}
    if empty := [of.labels[place] for place, n in zip(places, nights, strict=True) if not n]:
        # What is so of everybody is not said of a group.
        said = f"no number in the group {empty[0]}" if nights.any() else of.why_not[-1]
        return [estimates.row(status="not_estimable", **made | {"note": said})]
    if method != "gamma" and not made["n_events"]:
        said = f"without an event there is no interval by {method}; take gamma"
        return [estimates.row(status="not_estimable", **made | {"note": said})]
    weeks = nights / NIGHTS_PER_WEEK
    rate, low, high = standardised_interval(
        of.events[places].tolist(), weeks.tolist(), weights, method, cells["ci_level"]
    )
    return [estimates.row(status="converged", **made | {"estimate": rate, "ci_low": low, "ci_high": high})]
