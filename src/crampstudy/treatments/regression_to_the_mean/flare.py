"""How far a rate falls because people came in a flare: the run-in's own fall, carried on by serial dependence.

A flare lasts: of the log by which a night stands above the usual, the share ``memory`` is left the night after. How
long it lasts is told by the covariance of a person's counts with their distance in nights; how high it was, by the fall
inside the run-in. Few diaries tell the memory well, so that what is expected is averaged over half-lives from half a
week to the length of the diary, each by how well it describes the covariances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.treatments.regression_to_the_mean.selection import LogRatio

SHORTEST = 3.5
"""EntryNights: what is halved sooner is no flare beside the chance of single nights."""
_HALF_LIVES = 40
_EDGES = (3, 4, 6, 9, 13, 18, 25, 34, 48)
"""Distances in nights whose covariances are taken together; shorter ones have more to do with the night before."""
_WEEK = 7
_STEPS = 50
_FAR = 30.0
"""Logs of a mean beyond this are those of no finite estimate."""
FEWEST = 20
"""With fewer people nothing is said of a memory."""


@dataclass(frozen=True, slots=True)
class EntryNights:
    """Counts of G participants on T nights since the first (``counts``, nan where not logged), and what they are of.

    ``run_in`` (G x T) are the nights before anything was done, ``after`` those that are compared with them, and
    ``arms`` (G) codes of what was done then.
    """

    counts: Array
    run_in: Flags
    after: Flags
    arms: Codes


@dataclass(frozen=True, slots=True)
class Flare:
    """The ratio that the end of a flare brings, and its ``half_life`` in nights with an 80 % range."""

    part: LogRatio
    half_life: float
    between: tuple[float, float]


def expected_of_flare(nights: EntryNights) -> Flare | None:
    """Return the ratio of rates after the run-in to those in it that the end of a flare brings.

    ``None`` where :func:`lacking` says why.
    """
    if _too_little(nights):
        return None
    length = nights.counts.shape[1]
    half_lives = np.geomspace(SHORTEST, max(length, 2 * SHORTEST), _HALF_LIVES)
    memories = 2.0 ** (-1 / half_lives)
    weights = _plausibility(nights, memories)
    parts = [_carried_on(nights, memory) for memory in memories]
    if weights is None or any(part is None for part in parts):
        return None
    logs = np.array([part.log_ratio for part in parts if part])
    mean = float(weights @ logs)
    influence = np.asarray(weights @ np.array([part.influence for part in parts if part]))
    within = np.interp([0.1, 0.5, 0.9], weights.cumsum(), half_lives)
    spread = float(weights @ (logs - mean) ** 2)
    return Flare(LogRatio(mean, influence, spread), float(within[1]), (float(within[0]), float(within[2])))


def lacking(nights: EntryNights) -> str:
    """Return why nothing can be said of a flare's end where :func:`expected_of_flare` says nothing."""
    return _too_little(nights) or "neither a fall inside the run-in nor how long a flare lasts can be told"


def _too_little(nights: EntryNights) -> str:
    """Return what there is too little of for a fall and a memory to be seen, empty where there is enough."""
    length, inside = nights.counts.shape[1], np.where(nights.run_in, nights.counts, np.nan)
    if len(nights.counts) < FEWEST:
        return f"fewer than {FEWEST} participants, too few to tell how long a flare lasts"
    if length <= _EDGES[3]:
        return f"a diary of {length} nights is too short to tell how long a flare lasts"
    if not np.nansum(inside):
        return "no cramp in the run-in"
    if np.isfinite(inside).any(axis=0).sum() < _WEEK:
        return f"a run-in of fewer than {_WEEK} nights is too short to see a fall inside it"
    return ""


def _plausibility(nights: EntryNights, memories: Array) -> Array | None:
    """Return how plausible each memory is, by generalised least squares of the covariances at several distances.

    The covariance at a distance is a constant, in which persons differ, and what of a flare is left at it. The weight
    of a memory is exp(-chi2 / 2).
    """
    products, pairs, basis = _covariances(nights, memories)
    used = pairs.sum(axis=0) > 0
    products, pairs, basis = products[:, used], pairs[:, used], basis[:, used]
    n, k = products.shape
    if k < 3 or n <= 2 * k:
        return None
    at = products.sum(axis=0) / pairs.sum(axis=0)
    own = (products - at * pairs) / pairs.mean(axis=0)
    variance = own.T @ own / n / (n - 1)
    if not np.all(np.isfinite(variance)) or np.linalg.cond(variance) > 1e12:
        return None
    inverse = np.linalg.inv(variance)
    misfits = np.array([_misfit(at, shape, inverse) for shape in basis])
    weights = np.exp((misfits.min() - misfits) / 2)
    return np.asarray(weights / weights.sum())


def _misfit(at: Array, shape: Array, inverse: Array) -> float:
    design = np.column_stack([np.ones(len(at)), shape])
    found = np.linalg.lstsq(design.T @ inverse @ design, design.T @ inverse @ at, rcond=None)[0]
    if found[1] < 0:
        found = np.array([inverse.sum(axis=0) @ at / inverse.sum(), 0.0])
    rest = at - design @ found
    return float(rest @ inverse @ rest)


def _covariances(nights: EntryNights, memories: Array) -> tuple[Array, Array, Array]:
    """Return sums of products of two nights by distance (G x k), their numbers, and what of a flare is left (m x k)."""
    scaled = _relative(nights)
    known = np.isfinite(scaled)
    filled, seen = np.where(known, scaled, 0.0), known.astype(np.float64)
    length = scaled.shape[1]
    sums, numbers, left = [], [], []
    for first, stop in zip(_EDGES, (*_EDGES[1:], _EDGES[-1] + 16), strict=True):
        lags = range(first, min(stop, length))
        of_lags = [(seen[:, lag:] * seen[:, :-lag]).sum(axis=1) for lag in lags]
        total = np.sum(of_lags, axis=0) if of_lags else np.zeros(len(scaled))
        sums.append(sum(((filled[:, lag:] * filled[:, :-lag]).sum(axis=1) for lag in lags), np.zeros(len(scaled))))
        numbers.append(total)
        weights = np.array([each.sum() for each in of_lags])
        powers = memories[:, None] ** np.array([*lags], dtype=np.float64)
        left.append(powers @ weights / weights.sum() if weights.sum() else np.zeros(len(memories)))
    return np.column_stack(sums), np.column_stack(numbers), np.column_stack(left)


def _relative(nights: EntryNights) -> Array:
    """Return the counts over the mean of their week since the first night, less 1; weeks after it by arm."""
    week = np.arange(nights.counts.shape[1]) // _WEEK
    cells = np.where(nights.run_in, 0, nights.arms[:, None] + 1) * (week.max() + 1) + week
    known = np.isfinite(nights.counts)
    total = np.bincount(cells[known], nights.counts[known])
    mean = total / np.maximum(np.bincount(cells[known]), 1)
    usual = np.where(mean > 0, mean, np.nan)[np.where(known, cells, 0)]
    return np.where(known, nights.counts / usual - 1, np.nan)


def _carried_on(nights: EntryNights, memory: float) -> LogRatio | None:
    """Return the ratio to be expected if the fall of the run-in is that of a flare of this memory.

    A Poisson model of the nights of the run-in with memory ** night has the participants as clusters.
    """
    left = memory ** np.arange(nights.counts.shape[1], dtype=np.float64)
    known = nights.run_in & np.isfinite(nights.counts)
    counts = np.where(known, nights.counts, 0.0)
    design = np.column_stack([np.ones(len(left)), left])
    of_night, logged = counts.sum(axis=0), known.sum(axis=0)
    beta = np.array([np.log(of_night.sum() / logged.sum()), 0.0])
    for _ in range(_STEPS):
        mean = np.exp(np.clip(design @ beta, -_FAR, _FAR))
        information = (design * (logged * mean)[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (of_night - logged * mean))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    mean = np.exp(design @ beta)
    scores = (counts - known * mean) @ design
    later = (nights.after & np.isfinite(nights.counts)).sum(axis=0)
    slopes, logs = [], []
    for weight in (later, logged):
        total = weight @ mean
        logs.append(np.log(total / weight.sum()))
        slopes.append((weight * mean) @ design / total)
    influence = np.linalg.solve(information, scores.T).T @ (slopes[0] - slopes[1])
    return LogRatio(float(logs[0] - logs[1]), influence)
