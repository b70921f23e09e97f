"""Incidence rates from sums per participant: crude, as the mean of persons, and standardised; numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from crampstudy import estimates
from crampstudy.descriptive.rate_intervals import rate_interval, sum_df
from crampstudy.models.inference.covariance import degrees_of_freedom
from crampstudy.nights import NIGHTS_PER_WEEK

FEW_PARTICIPANTS = 10
NO_CRAMP = "no cramp, so no interval"
LONE = "one participant has all of the cramps"
"""What is said of the rate of several participants: it is theirs, and nothing but that one tells of a ratio to it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An incidence rate in cramps per person-week with its standard error on the log scale.

    Without spread, or of fewer than :data:`crampstudy.estimates.FEWEST` participants, it has no limits, status
    ``boundary`` and the reason in ``note``. ``std_error`` is NaN where participants do not differ, or there is one.
    ``alone`` says whether one of several participants has all of the cramps.
    """

    estimate: float
    ci_low: float
    ci_high: float
    std_error: float
    df: float
    participants: int
    nights: int
    cramps: int
    status: estimates.Status
    note: str | None
    alone: bool = False


def incidence_rate(cramps: NDArray[np.int64], nights: NDArray[np.int64], ci_level: float) -> Rate:
    """Return total cramps / observed nights x 7 from the sums per participant (two arrays of length G).

    The standard error stands on the log scale, with the participants as clusters and the factor G/(G-1); the limits
    are those of :func:`~crampstudy.descriptive.rate_intervals.rate_interval`, with G-1 degrees of freedom below 50
    participants. Without any cramp the upper limit is the exact Poisson one, with status ``boundary``.

    Source: Liang and Zeger 1986; Garwood 1936 (exact limit).
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, total, time = len(nights), int(cramps.sum()), int(nights.sum())
    few = estimates.FEWEST <= clusters < FEW_PARTICIPANTS
    notes = [f"fewer than {FEW_PARTICIPANTS} participants"] if few else []
    if not clusters:
        return _bare(math.nan, (0, 0, 0), "not_estimable", "no observed night")
    if not total:
        # A Poisson count of this mean would be 0 in as many samples as lie beyond one limit.
        upper = -math.log((1 - ci_level) / 2) / (time / NIGHTS_PER_WEEK)
        notes.insert(0, "no cramp; exact Poisson upper limit, nights taken as independent")
        if clusters < estimates.FEWEST:
            notes = ["no cramp"]
        bare = _bare(0.0, (clusters, time, 0), "boundary", "; ".join(notes))
        return _judged(replace(bare, ci_low=0.0, ci_high=upper))
    # In whole numbers, so that participants who are all alike differ by exactly nothing.
    excess = (cramps * time - total * nights) / time
    variance = clusters / (clusters - 1) * np.sum(excess**2) / total**2 if clusters > 1 else 0.0
    weekly, error = total / time * NIGHTS_PER_WEEK, float(np.sqrt(variance))
    alone = clusters > 1 and int(np.count_nonzero(cramps)) == 1
    notes += [LONE] if alone and clusters >= estimates.FEWEST else []
    found = _of_weeks(weekly, error, degrees_of_freedom(clusters), (clusters, time, total), notes, ci_level)
    return replace(found, alone=alone)


def mean_person_rate(cramps: NDArray[np.int64], nights: NDArray[np.int64], ci_level: float) -> Rate:
    """Return the mean over participants of their own rates.

    It differs from the incidence rate when how much is logged goes with how often cramps come. The standard error
    stands on the log scale by the delta method, the limits are those of an incidence rate.
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, time, total = len(nights), int(nights.sum()), int(cramps.sum())
    if not clusters:
        return _bare(math.nan, (0, 0, 0), "not_estimable", "no observed night")
    if not total:
        return _bare(0.0, (clusters, time, 0), "boundary", f"{NO_CRAMP} of the mean of person rates")
    rates = cramps / nights * NIGHTS_PER_WEEK
    mean = float(rates.mean())
    error = float(rates.std(ddof=1) / np.sqrt(clusters) / mean) if np.ptp(rates) > 0 else 0.0
    return _of_weeks(mean, error, degrees_of_freedom(clusters), (clusters, time, total), [], ci_level)


def _bare(estimate: float, counts: tuple[int, int, int], status: estimates.Status, note: str) -> Rate:
    """Return a rate without an interval; ``counts`` are participants, nights and cramps."""
    return Rate(estimate, math.nan, math.nan, math.nan, math.nan, *counts, status, note)


def _of_weeks(
    weekly: float, error: float, df: float, counts: tuple[int, int, int], notes: Sequence[str], ci_level: float
) -> Rate:
    """Return a rate with its interval."""
    low, high = rate_interval(weekly, error, df, ci_level) if error > 0 else (weekly, weekly)
    return _judged(Rate(weekly, low, high, error, df, *counts, "converged", "; ".join(notes) or None))


def _judged(rate: Rate) -> Rate:
    """Return a rate without limits where they are no interval."""
    cells = {name: getattr(rate, name) for name in ("ci_low", "ci_high", "std_error")}
    cells |= {"scale": "rate", "n_participants": rate.participants}
    if (reason := estimates.no_interval(cells)) is None:
        return rate
    note = "; ".join(filter(None, (reason, rate.note)))
    # The spread of a few is shown nowhere; a sum over bands still needs it.
    error = rate.std_error if rate.std_error > 0 else math.nan
    return replace(rate, ci_low=math.nan, ci_high=math.nan, std_error=error, status="boundary", note=note)


def withheld(rate: Rate, why_not: str | None) -> Rate:
    """Return a rate without its numbers where there is a reason against it; what was counted stays."""
    counts = rate.participants, rate.nights, rate.cramps
    return rate if why_not is None else _bare(math.nan, counts, "not_estimable", why_not)


def standardised_rate(rates: Sequence[Rate], weights: Sequence[float], labels: Sequence[str], ci_level: float) -> Rate:
    """Return the directly standardised rate: sum of weight x rate over the bands, variance sum of w2 var(rate).

    Its degrees of freedom are those of Welch and Satterthwaite over the bands, its limits those of an incidence rate.
    A band that is empty, or of one participant alone, makes it ``not_estimable``; its weight is never given to the
    others. With a band whose participants have no spread the variance is unknown and there is no interval. A band
    without a weight is none of them.
    """
    has_weight = [weight > 0 for weight in weights]
    rates, labels = list(compress(rates, has_weight)), list(compress(labels, has_weight))
    weights = [weight for weight in weights if weight > 0]
    people, time, total = (sum(getattr(r, n) for r in rates) for n in ("participants", "nights", "cramps"))
    counts = people, time, total
    if empty := [label for label, rate in zip(labels, rates, strict=True) if rate.status == "not_estimable"]:
        return _bare(math.nan, counts, "not_estimable", f"no rate in the band {empty[0]}")
    if lone := [label for label, rate in zip(labels, rates, strict=True) if rate.participants == 1]:
        return _bare(math.nan, counts, "not_estimable", f"the rate in the band {lone[0]} rests on one participant")
    if not total:
        return _bare(0.0, counts, "boundary", NO_CRAMP)
    estimate = sum(w * r.estimate for w, r in zip(weights, rates, strict=True))
    if alike := [(label, r) for label, r in zip(labels, rates, strict=True) if r.cramps and math.isnan(r.std_error)]:
        return _bare(estimate, counts, "boundary", f"no spread in the band {alike[0][0]}, so no interval")
    # A band without a cramp adds nothing to the sum or to its variance.
    known = [(w, rate) for w, rate in zip(weights, rates, strict=True) if rate.cramps]
    variances = [(w * rate.estimate * rate.std_error) ** 2 for w, rate in known]
    df = sum_df(variances, [rate.df for _, rate in known])
    notes = ["a band without a cramp adds no variance"] if any(not r.cramps for r in rates) else []
    return _of_weeks(estimate, math.sqrt(sum(variances)) / estimate, df, counts, notes, ci_level)
