"""What a model expects where everybody has one value of a factor or another, and how many are near either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.arrays import Array, Flags
from crampstudy.estimates import kinds
from crampstudy.prediction.factors import Factor, factors_of
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.held_out import HeldOut
from crampstudy.prediction.outcome import SURVEY
from crampstudy.prediction.resampled import FEWEST, limits

NEAR = 0.25
"""A value is near another that is no farther than a quarter of the distance between the two that are compared."""
LEAST_SHARE = 0.01
"""Fewer than one in a hundred participants near a value are too few, however many that is."""
_POINTS, _EACH = 9, 10
_CURVE = 0.05, 0.95
"""A curve has at most nine points, one for ten people held out, between these two quantiles of their values."""
_WEEK = 7
_FEWEST_POINTS = 3
_MANY = 20_000
"""Of more rows than this, nights at equal distances are taken."""
_SAME = 1e-9
Row = dict[str, Any]


def dependence_rows(held: HeldOut) -> pd.DataFrame:
    """Return what the model expects of held-out participants at two values of each factor, and along numbers.

    All rows are set to the first value, then to the second, and what the model expects is averaged over them; the ratio
    of the averages is a rate ratio of counts, else one of probabilities. Limits are of resampled participants who are
    held out, and say nothing of those who were learned from. The *support* of a value is the share of participants with
    a value of their own near it (:data:`NEAR`); where it is that of fewer than five, or than one in a hundred, nothing
    is said, since the model would be asked where it has seen next to nobody. A number whose contrast is declared has a
    curve as well, each point of which is near to what is nearer to it than to the next.

    It is no effect: values are set, and nobody is treated.

    Source: Friedman 2001, 10.1214/aos/1013203451; Zhao and Hastie 2021, 10.1080/07350015.2019.1624293.
    """
    held = held.thinned(_MANY)
    test = held.test
    factors = factors_of(held.table, held.inside)
    rows = estimates.frame(row for factor in factors for row in _of_factor(_Asked(held, test, factor)))
    # All levels of a factor have the support of the first one in common.
    return rows.drop_duplicates("key", ignore_index=True)


def _of_factor(asked: _Asked) -> Iterator[Row]:
    yield from asked.ratio()
    if asked.factor.is_number and asked.factor.declared:
        yield from asked.curve()


def _points(values: Array, most: int) -> Array:
    """Return where a curve is drawn: at each of a few values, else at equal distances; nowhere if all are alike."""
    if not len(values) or most < _FEWEST_POINTS:
        return values[:0]
    low, high = np.quantile(values, _CURVE)
    few = np.unique(values[(values >= low) & (values <= high)])
    points = few if len(few) <= most else np.linspace(low, high, most)
    return points if len(points) > 1 else points[:0]


class _Asked:
    """One factor of the held-out rows."""

    def __init__(self, held: HeldOut, test: FeatureTable, factor: Factor) -> None:
        self.held, self.test, self.factor = held, test, factor
        self.columns = list(factor.columns)
        self.own = test.values[:, self.columns].astype(np.float64)
        self.people = len(np.unique(test.person))
        self.base = {**held.base, "term": factor.term, "unit": factor.unit}

    def ratio(self) -> Iterator[Row]:
        """Yield the ratio of what is expected at the two values, and how many are near each."""
        factor = self.factor
        gap = NEAR * np.abs(factor.at - factor.against)
        ends = ((factor.level, factor.at), (factor.reference, factor.against))
        support = [self.counted(np.all(np.abs(self.own - values) <= gap, axis=1)) for _, values in ends]
        cells = self.base | {"level": factor.level, "reference": factor.reference, "scale": self.scale("ratio")}
        cells |= {"analysis": kinds.PARTIAL_DEPENDENCE.name} | self.counted(np.ones(len(self.own), dtype=bool))
        if min(counts["n_participants"] for counts in support) < self.fewest:
            # Uniform words, so that a section says them once of many factors; how many are near has rows of its own.
            why = f"fewer than {self.fewest} held-out participants are near one of the two values"
            yield estimates.row(status="not_estimable", note=why, **cells)
        else:
            at, against = (self.sums(self.expected(values)) for _, values in ends)
            yield self.estimated(at[0] / against[0], at[1] / against[1], cells)
        for (level, _), counts in zip(ends, support, strict=True):
            cells = self.base | {"level": level, "analysis": kinds.DEPENDENCE_SUPPORT.name, "scale": "proportion"}
            yield estimates.row(status="converged", estimate=counts["n_participants"] / self.people, **cells, **counts)

    def curve(self) -> Iterator[Row]:
        """Yield what is expected where all have one value, along the values of the number."""
        points = _points(self.own[np.isfinite(self.own)], min(_POINTS, self.people // _EACH))
        if not len(points):
            return
        middles = (points[1:] + points[:-1]) / 2
        place = np.searchsorted(middles, self.own[:, 0], "right")
        low, high = points[0] - np.ptp(points[:2]) / 2, points[-1] + np.ptp(points[-2:]) / 2
        inside = (self.own[:, 0] >= low) & (self.own[:, 0] <= high)
        for i, point in enumerate(points):
            near = inside & (place == i)
            cells = self.base | {"level": f"{point:.6g}", "analysis": kinds.DEPENDENCE_CURVE.name}
            cells |= {"scale": self.scale(""), "unit": "cramps per person-week" if self.is_count else None}
            cells |= self.counted(near)
            if cells["n_participants"] < self.fewest:
                why = f"fewer than {self.fewest} held-out participants are near a value of the curve"
                yield estimates.row(status="not_estimable", note=why, **cells)
                continue
            said, drawn = self.sums(self.expected(np.full_like(self.own, point)))
            whole, every = self.sums(np.ones(len(self.own)))
            times = _WEEK if self.is_count else 1
            yield self.estimated(times * said / whole, times * drawn / every, cells)

    @property
    def fewest(self) -> int:
        """Participants of whom one value has to be near, so that anything is said of it."""
        return max(FEWEST, int(np.ceil(LEAST_SHARE * self.people)))

    @property
    def is_count(self) -> bool:
        """Whether cramps are counted."""
        return self.held.outcome.is_count

    def scale(self, of: str) -> str:
        """Return the scale of a ratio or of what is expected."""
        if of == "ratio":
            return "rate_ratio" if self.is_count else "probability_ratio"
        return "rate" if self.is_count else "proportion"

    def counted(self, rows: Flags) -> Row:
        """Return how many participants and nights some rows are of."""
        nights = None if self.held.outcome == SURVEY else int(self.test.nights[rows].sum())
        return {"n_participants": len(np.unique(self.test.person[rows])), "n_nights": nights}

    def expected(self, values: Array) -> Array:
        """Return what the model expects where the factor has other values."""
        given = self.test.values.astype(np.float64)
        given[:, self.columns] = values
        return self.held.expected(given)

    def sums(self, values: Array) -> tuple[float, Array]:
        """Return the weighted sum of rows, and that of each resample."""
        weighted = self.test.nights * values
        return float(weighted.sum()), self.held.resamples.sums(weighted)

    def estimated(self, estimate: float, drawn: Array, cells: Row) -> Row:
        """Return a row with its percentile interval, which there is none of where each participant says the same."""
        low, high = limits(drawn, self.held.base["ci_level"])
        if high - low <= _SAME * abs(estimate):
            unused = abs(estimate - 1) <= _SAME and cells["scale"].endswith("_ratio")
            why = "the model does not use it" if unused else "the same of every participant, so no interval"
            return estimates.row(status="boundary", estimate=estimate, note=why, **cells)
        return estimates.row(status="converged", estimate=estimate, ci_low=low, ci_high=high, **cells)
