"""What single cramps are like: where, how long, how painful, and when they begin; participants as clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array, Flags
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.descriptive.rates import ALL
from crampstudy.descriptive.single_cramps.clustered import ClusteredGroup, Row, clusters
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.inference.covariance import quantile
from crampstudy.models.surveys.domain_means import Means
from crampstudy.nights.event_times import episodes

LONG_S = 600
"""Seconds above which a cramp is long: the upper bound of what counts as one (Hallegraeff 2017)."""
LONG = f"above {LONG_S // 60} min"
MEDIAN, CENTILE_90, MEAN, YES = "median", "90th centile", "mean", "true"
_QUANTILES = {"median": (MEDIAN, 0.5), "centile_90": (CENTILE_90, 0.9)}
_LEVELS, _YES_NO = ("site", "side"), ("woke", "at_rest", "residual_soreness")
DURATION, PAIN, ONSET = "duration_s", "pain_0_10", "onset"
_DAY_H = 24
_WIDEST_H = 6.0
"""A mean direction whose limits lie further from it says no more than that there is none."""


def cramp_features(
    cohort: Cohort, bands: AgeBands | None = None, *, where: str | None = None, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return what cramps are like, of all and by age band, and at which hour they begin.

    Shares of sites, sides, cramps above 10 minutes, those that wake, come at rest or leave soreness; median and 90th
    centile of the length; mean pain; the share that begins in each hour and the hour around which they do. A cramp is a
    row each, so that who has more counts more; intervals take participants as clusters: of a share on the logit
    scale, of a quantile those of the share below it.

    Args:
        cohort: a diary with episodes.
        bands: the age bands; without any, or where no age is known, all are taken together.
        where: condition that names a part of the cramps.
        ci_level: confidence level.

    Raises:
        UsageError: the cohort has no episodes, or the condition cannot be read.

    Source: Woodruff 1952 (quantiles); Fisher 1993 (mean direction).
    """
    frame = episodes(cohort, bands)
    frame = frame.filter(subpopulation.select(frame, where).inside)
    n = frame.height
    if not n:
        return estimates.frame([])
    design = clusters(frame["participant_id"])
    base: Row = {"cohort": cohort.name, "outcome": "cramps", "estimand": "of cramps as logged", "ci_level": ci_level}

    def group(label: str, inside: Flags) -> ClusteredGroup:
        return ClusteredGroup(inside, design, base | {"population": part_of(label, where)}, ci_level)

    everybody = group(ALL, np.ones(n, dtype=bool))
    made = [*_of_group(frame, everybody), *_onsets(frame, everybody)]
    banded = frame["age_band"].cast(pl.String)
    for label in bands.labels if bands else ():
        inside = (banded == label).fill_null(value=False).to_numpy()
        people = len(np.unique(design.psu[inside]))
        if people >= FEWEST:
            made += _of_group(frame, group(label, inside))
        elif people:
            made.append(_too_few(group(label, inside), people))
    return estimates.frame(made)


def _too_few(group: ClusteredGroup, people: int) -> Row:
    cells = group.cells | {"analysis": kinds.FEATURE.name, "term": "age_band", "n_participants": people}
    return estimates.row(status="not_estimable", note=f"fewer than {FEWEST} participants had a cramp", **cells)


def _of_group(frame: pl.DataFrame, group: ClusteredGroup) -> Iterator[Row]:
    for name in _LEVELS:
        if (values := _known(frame, name)) is None:
            yield _unmeasured(group, name)
            continue
        for level in codebook.variable(name).levels:
            yield _share(group, _where(values, values.cast(pl.String) == level), kinds.FEATURE, name, level)
    lengths, pains = _known(frame, DURATION), _known(frame, PAIN)
    yield from [_unmeasured(group, DURATION)] if lengths is None else _lengths(group, lengths)
    yield _unmeasured(group, PAIN) if pains is None else _mean(group, pains.cast(pl.Float64).to_numpy())
    for name in _YES_NO:
        values = _known(frame, name)
        known = None if values is None else _where(values, values.cast(pl.Boolean))
        yield _unmeasured(group, name) if known is None else _share(group, known, kinds.FEATURE, name, YES)


def _lengths(group: ClusteredGroup, lengths: pl.Series) -> Iterator[Row]:
    values = lengths.cast(pl.Float64).to_numpy()
    for scale, (level, share) in _QUANTILES.items():
        yield _quantile(group, values, share, {"term": DURATION, "level": level, "scale": scale, "unit": "s"})
    yield _share(group, _where(lengths, lengths > LONG_S), kinds.FEATURE, DURATION, LONG)


def _share(group: ClusteredGroup, values: Array, kind: kinds.Kind, term: str, level: str) -> Row:
    """Return the share of a group's cramps whose ``values`` (n) are 1."""
    return group.share(values, kind, term=term, level=level, unit="share of cramps")


def _mean(group: ClusteredGroup, values: Array) -> Row:
    cells, means = group.row(values, kinds.FEATURE, term=PAIN, level=MEAN, scale="mean", unit="points")
    return cells if means is None else _around(cells, means, float(means.estimate[0]), group.ci_level)


def _around(cells: Row, means: Means, value: float, ci_level: float) -> Row:
    """Return the row of a ``value`` with a t interval of the error of ``means``."""
    df, error = float(means.df[0]), float(means.std_error[0])
    half = quantile(ci_level, df) * error
    limits = {"ci_low": value - half, "ci_high": value + half, "std_error": error, "df": df}
    return estimates.row(status="converged", estimate=value, **cells | limits)


def _quantile(group: ClusteredGroup, values: Array, share: float, cells: Mapping[str, Any]) -> Row:
    """Return a quantile of a group's ``values`` (n), and as its limits those of the share up to it."""
    made, means = group.row(values, kinds.FEATURE, **cells)
    if means is None:
        return made
    own = np.sort(values[group.inside & np.isfinite(values)])
    middle = _at(own, share)
    below = group.means(np.where(np.isfinite(values), values <= middle, np.nan))
    df = float(below.df[0])
    half = quantile(group.ci_level, df) * float(below.std_error[0])
    made |= {"estimate": middle, "df": df}
    if not 0 < share - half < share + half < 1:
        return estimates.row(status="boundary", note="too few participants for limits of the quantile", **made)
    return estimates.row(status="converged", ci_low=_at(own, share - half), ci_high=_at(own, share + half), **made)


def _at(ordered: Array, share: float) -> float:
    """Return the smallest of ``ordered`` values up to which there is the ``share`` of them."""
    return float(ordered[max(math.ceil(share * len(ordered) - 1e-9) - 1, 0)])


def _onsets(frame: pl.DataFrame, group: ClusteredGroup) -> Iterator[Row]:
    onsets = _known(frame, ONSET)
    if onsets is None:
        yield _unmeasured(group, ONSET, kinds.MEAN_ONSET)
        return
    hours = (onsets.dt.hour().cast(pl.Float64) + onsets.dt.minute() / 60 + onsets.dt.second() / 3600).to_numpy()
    known = np.isfinite(hours)
    yield _mean_onset(group, np.where(known, hours, np.nan))
    for hour in range(_DAY_H):
        inside = np.where(known, np.floor(np.where(known, hours, 0)) == hour, np.nan)
        yield _share(group, inside, kinds.ONSET, ONSET, f"{hour:02}:00")


def _mean_onset(group: ClusteredGroup, hours: Array) -> Row:
    """Return the direction of the mean of the onsets on the circle of a day, by the delta method."""
    angle = hours * 2 * np.pi / _DAY_H
    sine, cosine = np.sin(angle), np.cos(angle)
    cells, means = group.row(sine, kinds.MEAN_ONSET, term=ONSET, scale="clock_hour", unit="hour of the clock")
    if means is None:
        return cells
    s, c = float(means.estimate[0]), float(group.means(cosine).estimate[0])
    influence = (c * sine - s * cosine) / (s * s + c * c) * _DAY_H / (2 * np.pi)
    error = group.means(influence)
    if quantile(group.ci_level, float(error.df[0])) * float(error.std_error[0]) > _WIDEST_H:
        why = "cramps begin so evenly around the clock that their onsets have no middle"
        return estimates.row(status="not_estimable", note=why, **cells)
    return _around(cells, error, math.atan2(s, c) * _DAY_H / (2 * np.pi) % _DAY_H, group.ci_level)


def _known(frame: pl.DataFrame, name: str) -> pl.Series | None:
    """Return a column of the episodes, ``None`` where it is absent or empty."""
    return frame[name] if name in frame.columns and not frame[name].is_null().all() else None


def _where(values: pl.Series, found: pl.Series) -> Array:
    """Return whether it is so (n, 1 or 0), NaN where the value is unknown."""
    known = values.is_not_null().to_numpy()
    return np.where(known, found.fill_null(value=False).to_numpy(), np.nan)


def _unmeasured(group: ClusteredGroup, name: str, kind: kinds.Kind = kinds.FEATURE) -> Row:
    cells = group.cells | {"analysis": kind.name, "term": name}
    return estimates.row(
        status="not_measured", note=f"no cramp was logged with {codebook.variable(name).label.lower()}", **cells
    )
