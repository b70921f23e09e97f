"""A participant's own past at the start of each logged night: sums over windows of nights before it, never of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Codes

WINDOWS: tuple[int | None, ...] = (7, 28, 90, None)
"""Calendar nights before a night that a rate is taken over; ``None`` is all of them."""
_PRIOR_CRAMPS, _PRIOR_NIGHTS = 0.5, 5.0
"""What is added to a window's sums, so that an empty one has a log."""
_NEXT = 1_000_000
"""Days between two participants on the one axis of all nights."""
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class History:
    """Sums over the nights before each night, by window: ``cramps``, nights with a cramp, and logged ``nights``."""

    cramps: Mapping[int | None, Array]
    cramp_nights: Mapping[int | None, Array]
    nights: Mapping[int | None, Array]


def history(person: Codes, day: Days, counts: Array) -> History:
    """Return the sums over the windows before each night.

    Args:
        person: participants by number; rows are sorted by it and by day.
        day: the night's date as a number of days, none twice of a participant.
        counts: its cramps.
    """
    at = np.arange(len(person))
    axis = person * _NEXT + (day - (day.min() if len(day) else 0))
    cramps, cramp_nights = _before(counts), _before(counts > 0)
    sums: list[dict[int | None, Array]] = [{}, {}, {}]
    for window in WINDOWS:
        start = person * _NEXT if window is None else np.maximum(axis - window, person * _NEXT)
        first = np.searchsorted(axis, start, "left")
        for found, before in zip(sums, (cramps, cramp_nights, None), strict=True):
            found[window] = np.asarray(at - first if before is None else before[at] - before[first], dtype=np.float32)
    return History(*sums)


def _before(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the sum of all rows before each, and of all of them at the end."""
    return np.concatenate([[0], np.cumsum(values.astype(np.int64))])


def own_past(person: Codes, day: Days, counts: Array, sums: History) -> dict[str, Array]:
    """Return the features of a participant's own past; what no night says yet is ``nan``."""
    rates = {
        f"own_rate_{window or 'all'}": np.log(
            (sums.cramps[window] + _PRIOR_CRAMPS) / (sums.nights[window] + _PRIOR_NIGHTS)
        )
        for window in WINDOWS
    }
    share = np.log((sums.cramp_nights[28] + _PRIOR_CRAMPS) / (sums.nights[28] + _PRIOR_NIGHTS))
    last = previous(person)
    at = np.arange(len(person))
    # The row of the last night with a cramp up to each row; the one before is looked up for the next night.
    cramped = np.maximum.accumulate(np.where(counts > 0, at, -1)) if len(at) else at
    row = np.where(last >= 0, cramped[last], -1)
    known = (row >= 0) & (person[row] == person)
    since = np.where(known, day - day[row], np.nan)
    return {
        **{name: np.asarray(values, dtype=np.float32) for name, values in rates.items()},
        "own_share_28": np.asarray(share, dtype=np.float32),
        "last_night_cramps": np.where(last >= 0, counts[last], np.nan).astype(np.float32),
        "nights_since_logged": np.where(last >= 0, day - day[last], np.nan).astype(np.float32),
        "nights_since_cramp_log": np.log1p(since).astype(np.float32),
        "nights_logged_log": np.log1p(sums.nights[None]).astype(np.float32),
    }


def previous(person: Codes) -> Codes:
    """Return the row of each participant's night before in the table, -1 for the first."""
    row = np.arange(len(person)) - 1
    if len(person):
        first = np.r_[True, person[1:] != person[:-1]]
        row[first] = -1
    return row
