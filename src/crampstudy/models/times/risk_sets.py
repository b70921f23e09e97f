"""Who is at risk at each time of an event: intervals (start, stop] within strata, without a loop over times.

Every row is at risk at a run of consecutive event times of its stratum, so that a sum over those at risk is a
difference of cumulative sums, and so is a sum over the times at which a row is at risk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.common.separation import columns_of, scaled, steepest

_ROUNDS = 200
_STRICT = 1e-4
_VIOLATED = 1e-6


@dataclass(frozen=True, slots=True)
class RiskSets:
    """The K distinct event times of all strata, in the order of stratum and time, and n rows that are at risk there.

    Row i is at risk at the event times ``first[i]`` to ``last[i] - 1`` and has its event at ``place[i]``, which is K
    where there is none; ``leaves[i]`` is the last of its event times, K without any, and ``late`` are the rows that
    enter after the first one of their stratum. Event time k is ``time[k]``, with ``deaths[k]`` tied events; its
    stratum begins at ``begin[k]`` and ends before ``end[k]``.
    """

    event: Flags
    first: Codes
    last: Codes
    place: Codes
    leaves: Codes
    late: Codes
    time: Array
    deaths: Codes
    begin: Codes
    end: Codes

    @classmethod
    def of(cls, stop: Array, event: Flags, start: Array | None = None, strata: Codes | None = None) -> RiskSets:
        """Return the risk sets of intervals (start, stop], open to the left without ``start``; all arrays of length n.

        Raises:
            AnalysisError: a time is not finite, or an interval does not end after its start.
        """
        if not np.isfinite(stop).all() or (start is not None and not np.isfinite(start).all()):
            raise AnalysisError("a time is not finite; leave out the rows without one")
        if start is not None and (start >= stop).any():
            i = int(np.flatnonzero(start >= stop)[0])
            raise AnalysisError(
                f"an interval (start, stop] ends after its start; row {i} has ({start[i]:g}, {stop[i]:g}]"
            )
        stratum = np.zeros(len(stop), dtype=np.int64) if strata is None else strata.astype(np.int64)
        # Times as whole numbers: rank 0 is before every event, so that (stratum, time) is one number.
        values = np.unique(stop[event])
        width = len(values) + 1
        known = np.unique(stratum[event] * width + np.searchsorted(values, stop[event]) + 1)
        places, ranks = known // width, known % width
        reached = stratum * width + np.searchsorted(values, stop, side="right")
        last = np.searchsorted(known, reached, side="right")
        opening = np.searchsorted(known, stratum * width, side="left")
        first = opening
        if start is not None:
            first = np.searchsorted(known, stratum * width + np.searchsorted(values, start, side="right"), side="right")
        last = np.maximum(last, first)
        place = np.where(event, last - 1, len(known))
        return cls(
            event=event,
            first=first,
            last=last,
            place=place,
            leaves=np.where(last > first, last - 1, len(known)),
            late=np.flatnonzero((last > first) & (first > opening)),
            time=values[ranks - 1],
            deaths=np.bincount(place[event], minlength=len(known)).astype(np.intp),
            begin=np.searchsorted(places, places, side="left"),
            end=np.searchsorted(places, places, side="right"),
        )

    def at_risk(self, values: Array) -> Array:
        """Return for each event time the sum of ``values`` (n, or n x p) over the rows at risk; K, or K x p."""
        if values.ndim == 2:
            return np.column_stack([self.at_risk(column) for column in values.T])
        k = len(self.time)
        # From the last time on, so that the small sets at the end are not differences of large sums.
        change = np.bincount(self.leaves, weights=values, minlength=k + 1)[:k]
        if len(self.late):
            change -= np.bincount(self.first[self.late] - 1, weights=values[self.late], minlength=k)
        sums = np.append(np.cumsum(change[::-1])[::-1], 0.0)
        return np.asarray(sums[:-1] - sums[self.end])

    def over(self, values: Array) -> Array:
        """Return for each row the sum of ``values`` (K, or K x p) over the event times at which it is at risk."""
        sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        return np.asarray(sums[self.last] - sums[self.first])

    def tied(self, values: Array) -> Array:
        """Return for each event time the sum of ``values`` (n, or n x p) over the rows with their event there."""
        if values.ndim == 2:
            return np.column_stack([self.tied(column) for column in values.T])
        k = len(self.time)
        return np.bincount(self.place, weights=values, minlength=k + 1)[:k].astype(np.float64)

    def highest(self, values: Array) -> Codes:
        """Return for each event time the row at risk whose value (n) is the highest."""
        k = len(self.time)
        rows = np.flatnonzero(self.last > self.first)
        order = rows[np.argsort(values[rows], kind="stable")]
        length = self.last[order] - self.first[order]
        level = np.frexp(length.astype(np.float64))[1] - 1
        # Every run is two runs of a power of two that overlap; the longest are handed down to halves of them.
        best = np.full(k, -1, dtype=np.intp)
        for power in range(int(level.max(initial=0)), -1, -1):
            if power < int(level.max(initial=0)):
                half = best.copy()
                half[1 << power :] = np.maximum(half[1 << power :], best[: max(k - (1 << power), 0)])
                best = half
            rank = np.flatnonzero(level == power)
            np.maximum.at(best, self.first[order[rank]], rank)
            np.maximum.at(best, self.last[order[rank]] - (1 << power), rank)
        return np.asarray(order[best])


def separating(matrix: Array, sets: RiskSets) -> tuple[int, ...]:
    """Return the columns of ``matrix`` (n x p) along which the partial likelihood rises for ever, none if it does not.

    Such a direction ranks every event at least as high as all that are at risk with it, and some event higher than
    one of them. A linear programme finds it; its constraints are added as they are broken.

    Raises:
        AnalysisError: the linear programme cannot be solved.

    Source: Bryson and Johnson 1981.
    """
    x = scaled(matrix)
    events = np.flatnonzero(sets.event)
    number = sets.at_risk(np.ones(len(x)))
    gain = x[events].sum(axis=0) - (sets.at_risk(x) * (sets.deaths / number)[:, None]).sum(axis=0)
    bounds = np.empty((0, x.shape[1]))
    for _ in range(_ROUNDS):
        direction, _ = steepest(gain, bounds)
        value = x @ direction
        top = sets.highest(value)[sets.place[events]]
        broken = value[top] - value[events] > _VIOLATED
        if not broken.any():
            lowest = sets.highest(-value)[sets.place[events]]
            strict = (value[events] - value[lowest]).max(initial=0) > _STRICT
            return columns_of(direction, _STRICT) if strict else ()
        bounds = np.unique(np.vstack([bounds, x[events[broken]] - x[top[broken]]]), axis=0)
    return ()
