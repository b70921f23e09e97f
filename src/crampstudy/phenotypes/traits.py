"""What each participant's cramps are like, as numbers with what chance alone leaves uncertain in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.arrays import Array, Flags
from crampstudy.cohort import Cohort
from crampstudy.nights import Diary, observed_night
from crampstudy.readable import OneLine

FREQUENCY, DISPERSION, DURATION, PAIN, SITE, TIMING = TRAITS = (
    "frequency",
    "dispersion",
    "duration",
    "pain",
    "site",
    "timing",
)
"""Cramps a week, how unevenly they come over nights, how long they last, how painful, in the calf or not, and when."""
FEWEST_NIGHTS = 14
"""Logged nights from which on it is known how often somebody has cramps."""
FEWEST_CRAMPS = 5
"""Cramps from which on it is known how unevenly they come."""
WEEK = 7
_NOON_H, _DAY_H = 12, 24
_ALIKE = 1e-12
"""A trait of no more variance than this is the same in all."""
_CORRECTION = 3 / 8
"""Added to a count so that the spread of its root does not depend on its mean (Anscombe 1948)."""
_WHO = "participant_id"


@dataclass(frozen=True, slots=True, repr=False)
class TraitTable(OneLine):
    """What participants' cramps are like.

    Args:
        ids: the participants with a cramp and enough logged nights.
        values: a column each trait (n x 6) on a scale on which its chance does not depend on its size: the root of
            cramps a week, the log of variance over mean, the log of seconds, points, the arc sine of the root of a
            share, hours from noon. ``nan`` is not known.
        chance: the variance that chance within the participant leaves in each (n x 6).
        cramps: cramps of each.
        nights: logged nights of each.
        without_cramp: participants with enough logged nights and no cramp, who are in no group.
        few_nights: participants with fewer logged nights.
    """

    ids: tuple[str, ...]
    values: Array
    chance: Array
    cramps: Array
    nights: Array
    without_cramp: int
    few_nights: int

    @property
    def known(self) -> tuple[int, ...]:
        """The places of the traits that are known of at least half of the participants, and differ."""
        enough = np.isfinite(self.values).sum(axis=0) >= max(2, len(self.ids) / 2)
        # What is the same in all may differ by how it was rounded.
        return tuple(i for i in range(len(TRAITS)) if enough[i] and np.nanvar(self.values[:, i]) > _ALIKE)


def traits_of(cohort: Cohort) -> TraitTable:
    """Return what the cramps of each participant of a diary are like.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary = Diary.of(cohort)
    nights = diary.nights.filter(observed_night(cohort)).select(_WHO, pl.col("cramps").cast(pl.Float64))
    summed = (
        nights.group_by(_WHO)
        .agg(n=pl.len().cast(pl.Float64), total=pl.col("cramps").sum(), squares=(pl.col("cramps") ** 2).sum())
        .with_columns(pl.col(_WHO).cast(pl.String))
        .collect()
        .sort(_WHO)
    )
    enough = summed.filter(pl.col("n") >= FEWEST_NIGHTS)
    own = enough.filter(pl.col("total") > 0)
    single = _of_single_cramps(cohort.frame("episodes"), own[_WHO])
    often, uneven = _of_counts(own)
    made = [often, uneven, *single]
    return TraitTable(
        tuple(own[_WHO]),
        np.column_stack([value for value, _ in made]),
        np.column_stack([chance for _, chance in made]),
        own["total"].to_numpy(),
        own["n"].to_numpy(),
        enough.height - own.height,
        summed.height - enough.height,
    )


Pair = tuple[Array, Array]


def _of_counts(own: pl.DataFrame) -> tuple[Pair, Pair]:
    """Return how often, and how unevenly, cramps come; chance in the first is as large as nights are uneven."""
    n, total, squares = (own[name].to_numpy() for name in ("n", "total", "squares"))
    mean = total / n
    uneven = (squares - n * mean**2) / (n - 1) / mean
    # Pooled over participants, weighted by cramps: who has few says little of it.
    pooled = max(1.0, float(np.average(uneven, weights=total))) if len(n) else 1.0
    often = np.sqrt(WEEK * (total + _CORRECTION) / n), WEEK * pooled / (4 * n)
    known = (total >= FEWEST_CRAMPS) & (uneven > 0)
    return often, (np.where(known, np.log(np.where(known, uneven, 1.0)), np.nan), 2 / (n - 1))


def _of_single_cramps(cramps: pl.DataFrame, ids: pl.Series) -> tuple[Pair, ...]:
    """Return length, pain, site and hour of the participants, in their order."""
    known = [name for name in ("duration_s", "pain_0_10", "site", "onset") if name in cramps.columns]
    lacking = [pl.lit(None).alias(name) for name in ("duration_s", "pain_0_10", "site", "onset") if name not in known]
    site = codebook.variable("site", "episodes").levels[0]
    minutes = pl.col("onset").cast(pl.Datetime).dt.hour() * 60.0 + pl.col("onset").cast(pl.Datetime).dt.minute()
    rows = cramps.with_columns(lacking).select(
        pl.col(_WHO).cast(pl.String),
        duration=pl.col("duration_s").cast(pl.Float64).log(),
        pain=pl.col("pain_0_10").cast(pl.Float64),
        site=(pl.col("site").cast(pl.String) == site).cast(pl.Float64),
        timing=(minutes / 60 - _NOON_H) % _DAY_H,
    )
    order = pl.DataFrame({_WHO: ids})
    return tuple(
        _share(rows, order, name) if name == SITE else _mean(rows, order, name)
        for name in (DURATION, PAIN, SITE, TIMING)
    )


def _sums(rows: pl.DataFrame, order: pl.DataFrame, name: str) -> tuple[Array, Array, Array]:
    """Return number, sum and sum of squares of what is known of each participant's cramps."""
    of = rows.drop_nulls(name).group_by(_WHO).agg(m=pl.len(), sum=pl.col(name).sum(), squares=(pl.col(name) ** 2).sum())
    found = order.join(of, on=_WHO, how="left", maintain_order="left").fill_null(0)
    m, total, squares = (found[column].cast(pl.Float64).to_numpy() for column in ("m", "sum", "squares"))
    return m, total, squares


def _mean(rows: pl.DataFrame, order: pl.DataFrame, name: str) -> Pair:
    """Return each participant's mean with its variance, of the spread within participants that is pooled over them."""
    m, total, squares = _sums(rows, order, name)
    there = m > 0
    within = squares - np.divide(total**2, m, out=np.zeros_like(m), where=there)
    freedom = float((m[there] - 1).sum())
    spread = float(within[there].sum()) / freedom if freedom > 0 else 0.0
    return _known(total, m, there), np.where(there, spread / np.maximum(m, 1), np.nan)


def _share(rows: pl.DataFrame, order: pl.DataFrame, name: str) -> Pair:
    """Return the arc sine of the root of each participant's share with its variance (Anscombe 1948)."""
    m, total, _ = _sums(rows, order, name)
    share = (total + _CORRECTION) / (m + 2 * _CORRECTION)
    return np.where(m > 0, np.arcsin(np.sqrt(share)), np.nan), np.where(m > 0, 1 / (4 * m + 2), np.nan)


def _known(total: Array, m: Array, there: Flags) -> Array:
    return np.where(there, np.divide(total, m, out=np.zeros_like(total), where=there), np.nan)
