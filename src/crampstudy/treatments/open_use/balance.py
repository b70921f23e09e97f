"""How far treated and untreated participants differ in what was measured of them, before weighting and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.arrays import Array, Flags


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Standardised mean differences of one variable, or of one ``level`` of it, before weighting and after.

    ``n`` participants have a value. Both have the same denominator, so that weighting moves nothing but the means;
    where no group varies and the means differ there is none.
    """

    variable: str
    level: str | None
    n: int
    n_treated: int
    before: float
    after: float


def imbalances(people: pl.DataFrame, treated: Flags, weights: Array) -> Iterator[Imbalance]:
    """Yield the differences of every column of ``people``, a row a participant: numbers, booleans, each level of texts.

    A column without a value in one of the groups is passed over.
    """
    for column in people.iter_columns():
        known = column.is_not_null().to_numpy()
        inside, own = treated[known], weights[known]
        if inside.all() or not inside.any():
            continue
        values, counts = column.drop_nulls(), (int(known.sum()), int(inside.sum()))
        if values.dtype.is_numeric():
            numbers = values.cast(pl.Float64).to_numpy()
            yield Imbalance(column.name, None, *counts, *_both(numbers, inside, own, deviation(numbers, inside)))
            continue
        for level, hits in _levels(values):
            yield Imbalance(column.name, level, *counts, *_both(hits, inside, own, deviation_of_share(hits, inside)))


def _levels(values: pl.Series) -> Iterator[tuple[str, Array]]:
    texts = values.cast(pl.String)
    levels = ["true"] if values.dtype == pl.Boolean else sorted(texts.unique())
    # Of two levels one says all.
    for level in levels[:1] if len(levels) == 2 else levels:
        yield level, (texts == level).to_numpy().astype(np.float64)


def _both(values: Array, treated: Flags, weights: Array, scale: float) -> tuple[float, float]:
    before = standardised_difference(values, treated, np.ones(len(values)), scale)
    return before, standardised_difference(values, treated, weights, scale)


def standardised_difference(values: Array, treated: Flags, weights: Array, scale: float) -> float:
    """Return the weighted mean of the treated less that of the untreated, in units of ``scale``."""
    mean, other = (float(np.average(values[group], weights=weights[group])) for group in (treated, ~treated))
    if mean == other:
        return 0.0
    return (mean - other) / scale if scale > 0 else float("nan")


def deviation(values: Array, treated: Flags) -> float:
    """Return the root of the mean of both groups' variances (n - 1), without weights."""
    groups = values[treated], values[~treated]
    return float(np.sqrt(np.mean([each.var(ddof=1) if len(each) > 1 else 0.0 for each in groups])))


def deviation_of_share(hits: Array, treated: Flags) -> float:
    """Return the same of what is 0 or 1, whose variance is p (1 - p).

    Source: Austin 2009, 10.1002/sim.3697.
    """
    shares = np.array([hits[treated].mean(), hits[~treated].mean()])
    return float(np.sqrt(np.mean(shares * (1 - shares))))
