"""Intervals of the cramps of a coming week, right as often as they say in participants who were not learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.arrays import Array, Codes
from crampstudy.estimates import kinds
from crampstudy.prediction.resampled import FEWEST, Resamples, limits
from crampstudy.prediction.rows import STRATA, PredictionSummary, strata_of
from crampstudy.prediction.validation import CHOSEN, FOLDS, SEED, Validated, folds_of

WEEK = 7
LEVEL = 0.9
COVERAGE, WIDTH = "coverage of weekly 90% intervals", "mean width of weekly 90% intervals"
EXPECTED = ("expected below 1 a week", "expected 1 to 3 a week", "expected above 3 a week")
"""Weeks by what was expected of them at their start, which is known beforehand."""
_EDGES = (1.0, 3.0)
_FEWEST_OF_CLASS = 20
"""Participants of a class, each by the share of their weeks in it; fewer have no quantile of their own."""
_SOME = 0.5
"""Added to a mean where it stands for a spread, so that a week of no expected cramps has one."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """Weeks of 7 logged nights of a participant: the participant, what was expected at their start, and the cramps."""

    person: Codes
    expected: Array
    cramps: Array
    stratum: Codes


def weeks_of(found: Validated, predictor: str, stratum: Codes) -> Weeks:
    """Return the whole weeks of validated nights; a week is expected to bring 7 times what its first night was."""
    table = found.table
    first = np.flatnonzero(np.r_[True, table.person[1:] != table.person[:-1]])
    nth = np.arange(len(table.person)) - np.repeat(first, np.diff(np.r_[first, len(table.person)]))
    start = np.flatnonzero(nth % WEEK == 0)
    ends = start + WEEK - 1
    whole = (ends < len(table.person)) & (table.person[np.minimum(ends, len(table.person) - 1)] == table.person[start])
    start = start[whole]
    before = np.r_[0.0, np.cumsum(found.happened)]
    said = WEEK * found.said[predictor][start]
    return Weeks(table.person[start], said, before[start + WEEK] - before[start], stratum[start])


def weights_of(weeks: Weeks) -> Array:
    """Return how much each week counts, so that each participant counts alike however many weeks they have."""
    _, own, number = np.unique(weeks.person, return_inverse=True, return_counts=True)
    return np.asarray(1 / number[own])


def expected_classes(weeks: Weeks) -> Codes:
    """Return the class of each week by what was expected of it, places in :data:`EXPECTED`.

    A class of too few participants is taken together with the one below, the lowest with the one above.
    """
    weight, kind = weights_of(weeks), np.asarray(np.digitize(weeks.expected, _EDGES), dtype=np.intp)
    for place in range(len(_EDGES), 0, -1):
        if weight[kind == place].sum() < _FEWEST_OF_CLASS:
            kind[kind == place] = place - 1
    if weight[kind == 0].sum() < _FEWEST_OF_CLASS and (kind > 0).any():
        kind[kind == 0] = kind[kind > 0].min()
    return kind


def intervals(weeks: Weeks, level: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the limits of each week's cramps, calibrated on weeks of other participants of which as much was expected.

    The distance of what came from what was expected, in roots of what was expected, is compared with those of the other
    folds' participants in the same class, each of whom counts alike over all of their weeks, and one more beyond all of
    them. So the intervals hold what they say in each class, and not only over all.

    Source: Dunn, Wasserman and Ramdas 2023, 10.1080/01621459.2022.2060112 (pooled distribution functions); Vovk 2012,
    10.48550/arXiv.1209.2673 (conditional on a class).
    """
    _, person = np.unique(weeks.person, return_inverse=True)
    fold, kind = folds_of(int(person.max()) + 1, FOLDS, rng)[person], expected_classes(weeks)
    spread, weight = np.sqrt(weeks.expected + _SOME), weights_of(weeks)
    apart = np.abs(weeks.cramps - weeks.expected) / spread
    reach = np.empty(len(apart))
    for number in range(FOLDS):
        for each in np.unique(kind):
            own, others = (fold == number) & (kind == each), (fold != number) & (kind == each)
            reach[own] = _quantile(apart[others], weight[others], level)
    # A count lies within, so that the limits are the whole numbers inside.
    low = np.maximum(np.ceil(weeks.expected - reach * spread - 1e-9), 0)
    return low, np.floor(weeks.expected + reach * spread + 1e-9)


def _quantile(apart: Array, weight: Array, level: float) -> float:
    order = np.argsort(apart, kind="stable")
    # The participant to come counts as one, and lies beyond all others.
    share = np.cumsum(weight[order]) / (weight.sum() + 1)
    place = int(np.searchsorted(share, level - 1e-12))
    return float(apart[order][place]) if place < len(apart) else float("inf")


def coverage_rows(summary: PredictionSummary) -> pd.DataFrame:
    """Return how often the intervals of a week held what came, and how wide they were; of the model also by stratum."""
    stratum = strata_of(summary)
    predictors = (CHOSEN, summary.reference)
    rows = (row for each in predictors for row in _of(summary, each, stratum))
    return estimates.frame(row for row in rows if row["term"] == CHOSEN or row["population"] == "all")


def _of(summary: PredictionSummary, predictor: str, stratum: Codes) -> Iterator[dict[str, Any]]:
    weeks = weeks_of(summary.found, predictor, stratum)
    cells = summary.base | {"analysis": kinds.WEEKLY_INTERVAL.name, "term": predictor, "population": "all"}
    people = len(np.unique(weeks.person))
    if people < 2 * FOLDS:
        why = f"fewer than {2 * FOLDS} participants with 7 logged nights"
        shared = {"level": COVERAGE, "scale": "proportion", "n_participants": people}
        yield estimates.row(status="not_estimable", note=why, **cells | shared)
        return
    low, high = intervals(weeks, LEVEL, np.random.default_rng([SEED, 19]))
    held = ((weeks.cramps >= low) & (weeks.cramps <= high)).astype(np.float64)
    drawn = Resamples.of_participants(weeks.person, np.random.default_rng([SEED, 23]))
    kind = np.digitize(weeks.expected, _EDGES)
    groups = {"all": np.ones(len(held), dtype=bool)} | {name: kind == i for i, name in enumerate(EXPECTED)}
    groups |= {name: weeks.stratum == i for i, name in enumerate(STRATA)}
    for name, inside in groups.items():
        n = len(np.unique(weeks.person[inside]))
        shared = {"population": name, "n_participants": n, "n_nights": WEEK * int(inside.sum())}
        for level, of, scale in ((COVERAGE, held, "proportion"), (WIDTH, high - low, "score")):
            mine = cells | shared | {"level": level, "scale": scale, "n_events": int(weeks.cramps[inside].sum())}
            if n < FEWEST or not np.isfinite(of[inside]).all():
                why = f"fewer than {FEWEST} participants" if n < FEWEST else "too few participants for an upper limit"
                yield estimates.row(status="not_estimable", note=why, **mine)
                continue
            number = drawn.sums(inside.astype(np.float64))
            values = drawn.sums(inside * np.where(np.isfinite(of), of, 0.0)) / np.where(number > 0, number, np.nan)
            limit = limits(values, summary.base["ci_level"])
            around = {"estimate": float(of[inside].mean()), "ci_low": limit[0], "ci_high": limit[1]}
            yield estimates.row(status="converged", **around, **mine)
