"""Standardised ratios of diaries with intervals from participants drawn with replacement in each cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import Margins, verdict
from crampstudy.models.bootstrap import MOST_FAILED, percentile, resample
from crampstudy.nights import NIGHTS_PER_WEEK, nights_of_part
from crampstudy.wording import counted

_SCALES = {"rate_ratio": "ratio of the two", "difference": "cramps per person-week"}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BandedRate:
    """The standardised rate of a diary whose participants are drawn so many times each.

    ``cramps`` and ``nights`` (n x k) are of each participant in each age band, ``weights`` (k) shares of a standard.
    """

    cramps: NDArray[np.int64]
    nights: NDArray[np.int64]
    weights: Array

    def __call__(self, drawn: Array) -> Array:
        """Return the rate in cramps per person-week, NaN where nobody of a band was drawn."""
        time = drawn @ self.nights
        used = self.weights > 0
        if not time[used].all():
            return np.array([np.nan])
        rates = (drawn @ self.cramps)[used] / time[used] * NIGHTS_PER_WEEK
        return np.array([self.weights[used] @ rates])

    @classmethod
    def of(cls, cohort: Cohort, bands: AgeBands, weights: Array, where: str | None) -> BandedRate:
        """Return that of a diary at given ``weights`` of its age bands."""
        inside = nights_of_part(cohort, where, bands, names=("age_band",))
        in_band = [inside["age_band"].cast(pl.String) == label for label in bands.labels[1:]]
        sums = (
            inside.with_columns(pl.Series(f"_{i}", each).fill_null(value=False) for i, each in enumerate(in_band))
            .group_by("participant_id")
            .agg(
                *(pl.col("cramps").filter(pl.col(f"_{i}")).sum().alias(f"c{i}") for i in range(len(in_band))),
                *(pl.col(f"_{i}").sum().cast(pl.Int64).alias(f"n{i}") for i in range(len(in_band))),
            )
            .sort("participant_id")
        )
        cramps, counted_nights = (
            sums.select(f"{part}{i}" for i in range(len(in_band))).to_numpy().astype(np.int64) for part in "cn"
        )
        return cls(cramps, counted_nights, weights)


def resampled_rows(
    cohorts: Sequence[Cohort],
    asked: tuple[AgeBands, Array, str | None],
    cells: Row,
    *,
    replicates: int,
    rng: np.random.Generator,
    margins: Margins,
) -> list[Row]:
    """Return ratio and difference of the standardised rate of each diary against the first, by participant bootstrap.

    The cohorts are drawn from independently of one another, each from a child of its own of ``rng``.

    Args:
        cohorts: diaries, the reference first.
        asked: age bands, the weights of the standard in them, and the condition of the part.
        cells: what the rows say beside: population, level, estimand and ci_level.
        replicates: how many times the participants of each cohort are drawn.
        rng: the source of all draws.
        margins: between these a ratio is as good as 1.

    Source: Efron 1979; for clusters Davison and Hinkley 1997, section 3.8.
    """
    bands, weights, where = asked
    statistics = [BandedRate.of(cohort, bands, weights, where) for cohort in cohorts]
    drawn = [
        resample(each, len(each.nights), replicates=replicates, rng=child)[:, 0]
        for each, child in zip(statistics, rng.spawn(len(cohorts)), strict=True)
    ]
    centre = [float(each(np.ones(len(each.nights)))[0]) for each in statistics]
    made: list[Row] = []
    for i in range(1, len(cohorts)):
        counts = {
            "n_participants": sum(int(statistics[j].nights.any(axis=1).sum()) for j in (0, i)),
            "n_nights": sum(int(statistics[j].nights.sum()) for j in (0, i)),
            "n_events": sum(int(statistics[j].cramps.sum()) for j in (0, i)),
        }
        own = cells | counts | {"cohort": cohorts[i].name, "reference": cohorts[0].name}
        own |= {"analysis": kinds.BETWEEN_BOOTSTRAP.name, "outcome": "cramps", "model": "participant bootstrap"}
        why_not = [
            f"{'no cramp' if centre[j] == 0 else 'nobody in an age band that has a weight'} ({cohorts[j].name})"
            for j in (0, i)
            if not centre[j] > 0
        ]
        if why_not:
            own |= {"note": estimates.note(*why_not)}
            made += [estimates.row(status="not_estimable", **own | {"scale": scale}) for scale in _SCALES]
            continue
        made += _pair((drawn[i], centre[i]), (drawn[0], centre[0]), own, margins)
    return made


def _pair(one: tuple[Array, float], other: tuple[Array, float], cells: Row, margins: Margins) -> list[Row]:
    """Return ratio and difference of two rates, each given as replicates and as what it is in the cohort."""
    usable = (one[0] > 0) & (other[0] > 0)
    failed = len(usable) - int(usable.sum())
    note = counted(len(usable), "replicates") + (f", {failed:,} of them without an estimate" if failed else "")
    if failed > MOST_FAILED * len(usable):
        rows = (cells | {"scale": scale, "unit": unit, "note": note} for scale, unit in _SCALES.items())
        return [estimates.row(status="not_estimable", **each) for each in rows]
    made = []
    for scale, unit in _SCALES.items():
        ratio = scale == "rate_ratio"
        values = np.log(one[0][usable] / other[0][usable]) if ratio else one[0][usable] - other[0][usable]
        low, high = percentile(np.exp(values) if ratio else values, cells["ci_level"])
        estimate = one[1] / other[1] if ratio else one[1] - other[1]
        own = {"estimate": estimate, "ci_low": low, "ci_high": high, "std_error": float(np.std(values, ddof=1))}
        row = estimates.row(status="converged", **cells | own | {"scale": scale, "unit": unit, "note": note})
        said = verdict(row, margins) if ratio else None
        made.append(row if said is None else row | {"verdict": said})
    return made
