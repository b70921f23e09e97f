"""How often and how unevenly cramps come in a diary: people by their own rate, and what nights say beyond a rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Flags
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.measures import (
    ENOUGH_NIGHTS,
    NEAR,
    NIGHTLY,
    OFTEN,
    FrequencyMeasure,
    Linearised,
    PersonSums,
)
from crampstudy.descriptive.rates import ALL, age_groups, said_of_nobody
from crampstudy.estimates import ALONE, kinds, note
from crampstudy.estimates.facts import written
from crampstudy.models.inference.covariance import quantile
from crampstudy.models.surveys.domain_means import boundary_interval, logit_interval
from crampstudy.nights import denominator, night_account, person_nights
from crampstudy.wording import counted

UNTOLD = "too few nights with a cramp to tell it from each participant's mean"
EXACT = "exact one-sided limit"
"""The remark of a share of nobody or of everybody."""
ONCE = "no night has more than one cramp, as where a diary asks yes or no"
"""Why nothing is said of how many cramps a night has."""
SUFFERERS = "with a cramp"
_SHARES = ("prevalence", "proportion")
_BINS = {
    "0": 0.0,
    "under 0.25": 0.0,
    "0.25 to under 0.5": 0.25,
    "0.5 to under 1": 0.5,
    "1 to under 2": 1.0,
    "2 to under 3": 2.0,
    "3 to under 5": 3.0,
    "5 to under 7": 5.0,
    "7 or more": 7.0,
}
"""Ranges of cramps a week by their lower limits; the first has no cramp at all, the second any."""
_CURVE = tuple(range(0, 101, 2))

Row = dict[str, Any]


def frequency(cohort: Cohort, bands: AgeBands | None = None, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how often and how unevenly cramps come by age group, of a diary.

    Of the kind ``people by frequency`` are shares of the participants with at least 28 logged nights, by their own
    rate over these; of the kind ``cramp nights`` what all observed nights say, each number with the participants as
    clusters. Intervals are t with participants - 1 degrees of freedom: of shares on the logit scale, of rates and of
    the dispersion on the log scale, of the serial dependence by Fisher's transformation. Whatever rests on one
    participant is no number, and below 5 participants there is no interval. Where no night has more than one cramp,
    what is of the number of a night is no number: it would follow from the share of nights with one.

    Source: Cochran 1977, section 6.3 (ratios of sums); Fisher 1915 (interval of a correlation).
    """
    bands = bands or AgeBands()
    observed = person_nights(cohort, bands, names=("age_years", "age_band"))
    table = sums_of(observed)
    sums = person_sums(table)
    groups = members(table, bands)
    base: Row = {"cohort": cohort.name, "term": "age_band", "model": "person-mean", "ci_level": ci_level}
    whole = whole_group(table, bands)
    why_not = denominator(cohort).why_not or (None if table.height else "no observed night")
    if why_not is not None:
        return estimates.frame(_none(base, whole, why_not))
    remark = note(*night_account(cohort, observed.height, ()).remarks()) or ""
    made: list[Row] = []
    sufferers = {f"{whole} {SUFFERERS}": groups[whole] & (sums.cramps > 0)}
    for label, inside in (groups | sufferers).items():
        made += [_row(m, sums.of(inside), base | {"population": label}, remark) for m in OFTEN]
    once = bool((sums.squares == sums.cramps).all())
    for label, inside in groups.items():
        told = base | {"population": label}
        made += [_row(m, sums.of(inside), told, remark, ONCE if once and m.of_counts else None) for m in NIGHTLY]
    rated = sums.of(groups[whole]).rated
    made += _distribution(rated, base | {"population": whole}, _left_out(sums.of(groups[whole])))
    return estimates.frame(said_of_nobody(made, cohort, bands))


def sums_of(nights: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of each participant of observed nights, sorted by participant and date, with age and band."""
    night, cramp, who = pl.col("date"), pl.col("cramps") > 0, "participant_id"
    # Nights that are at most so many days apart are at most so many rows apart.
    own = {k: pl.col("_own") == pl.col("_own").shift(-k) for k in range(1, NEAR + 1)}
    later = {k: pl.when(same).then((night.shift(-k) - night).dt.total_days()) for k, same in own.items()}
    again = {k: same & cramp & cramp.shift(-k) for k, same in own.items()}
    near = pl.sum_horizontal((days <= NEAR).cast(pl.Int64) for days in later.values())
    near_both = pl.sum_horizontal(((days <= NEAR) & again[k]).cast(pl.Int64) for k, days in later.items())
    next_night = later[1] == 1
    n, k = pl.len().cast(pl.Int64), cramp.sum().cast(pl.Int64)
    return (
        nights.with_columns(_own=pl.col(who).rle_id())
        .with_columns(_pair=next_night, _both=next_night & again[1], _near=near, _near_both=near_both)
        .group_by(who)
        .agg(
            pl.col("age_years", "age_band").first(),
            nights=pl.len(),
            cramps=pl.col("cramps").sum(),
            cramp_nights=cramp.sum(),
            squares=(pl.col("cramps").cast(pl.Float64) ** 2).sum(),
            pairs=pl.col("_pair").sum(),
            both=pl.col("_both").sum(),
            apart=n * (n - 1) // 2 - pl.col("_near").sum(),
            apart_both=k * (k - 1) // 2 - pl.col("_near_both").sum(),
        )
        .sort("participant_id")
    )


def person_sums(table: pl.DataFrame) -> PersonSums:
    """Return the sums of :func:`sums_of` as numbers."""
    return PersonSums(*(table[name].to_numpy().astype(np.float64) for name in PersonSums.__dataclass_fields__))


def whole_group(table: pl.DataFrame, bands: AgeBands) -> str:
    """Return the group of everybody of whom a section speaks: from the first limit on, all where nobody has an age."""
    return f"{bands.limits[0]}+" if table["age_years"].count() else ALL


def members(table: pl.DataFrame, bands: AgeBands) -> dict[str, Flags]:
    """Return which participants each age group holds; without any age there is that of all alone."""
    groups = age_groups(table, bands) if table["age_years"].count() else {ALL: pl.lit(value=True)}
    return {
        label: table.select(own.alias("_").fill_null(value=False) & pl.col("participant_id").is_not_null())
        .to_series()
        .to_numpy()
        for label, own in groups.items()
    }


def _none(base: Row, whole: str, why_not: str) -> Iterator[Row]:
    for kind, measures in ((kinds.OFTEN, OFTEN), (kinds.CRAMP_NIGHTS, NIGHTLY)):
        for measure in measures:
            cells = base | _cells(measure, kind) | {"population": whole, "note": why_not}
            yield estimates.row(status="not_estimable", **cells)
    cells = base | {"analysis": kinds.DISTRIBUTION.name, "outcome": "cramps", "scale": "prevalence"}
    yield estimates.row(status="not_estimable", **cells | {"population": whole, "note": why_not})


def _cells(measure: FrequencyMeasure, kind: kinds.Kind) -> Row:
    return {
        "analysis": kind.name,
        "outcome": "cramp_night" if measure.counted == "cramp_nights" else "cramps",
        "level": measure.level,
        "estimand": measure.estimand,
        "scale": measure.scale,
        "unit": measure.unit,
    }


def _left_out(sums: PersonSums) -> str:
    short = int((sums.nights < ENOUGH_NIGHTS).sum())
    return f"{counted(short, 'participants')} with fewer than {ENOUGH_NIGHTS} logged nights left out" if short else ""


def _row(measure: FrequencyMeasure, sums: PersonSums, cells: Row, remark: str, why_not: str | None = None) -> Row:
    """Return the row of a measure; ``why_not`` is why there is no number, where nothing else is the reason."""
    own = measure.among(sums)
    clusters = len(own.nights)
    cells = cells | _cells(measure, kinds.OFTEN if measure in OFTEN else kinds.CRAMP_NIGHTS)
    cells |= {"n_participants": clusters, "n_groups": clusters, "n_nights": int(own.nights.sum())}
    short = _left_out(sums) if measure.rated else ""
    remark = note(short, remark) or ""
    cells |= {"facts": written({"leaves out": short})}
    basis = clusters if measure.rests_on is None else int(measure.rests_on(own).sum())
    if measure.counted is not None:
        cells["n_events"] = int(getattr(own, measure.counted).sum())
    reason = ALONE if basis == 1 else None
    if not clusters:
        reason = f"no participant with {ENOUGH_NIGHTS} logged nights" if len(sums.nights) else "no observed night"
    elif not basis:
        reason = measure.lacking
    reason = reason or why_not
    if reason is not None:
        # Where nobody is left no count says more.
        short = short if clusters else ""
        told = {"leaves out": short, "most a night": "1" if reason == ONCE else None}
        return estimates.row(status="not_estimable", **cells | {"facts": told}, note=note(reason, short))
    found = measure.of(own)
    if measure.scale == "autocorrelation" and not abs(found.value) < 1:
        return estimates.row(status="not_estimable", **cells, note=UNTOLD)
    if measure.counted is None:
        cells["n_events"] = round(found.value * clusters)
    return with_interval(found, cells, basis, remark)


def with_interval(found: Linearised, cells: Row, basis: int, remark: str) -> Row:
    """Return a row with its interval, on the scale on which the estimate is closest to normal."""
    clusters, level, scale = cells["n_participants"], cells["ci_level"], cells["scale"]
    error = math.sqrt(clusters / (clusters - 1) * float(np.sum(found.influence**2)))
    cells = cells | {"estimate": found.value, "df": float(clusters - 1)}
    if scale in _SHARES and min(found.value, 1 - found.value) < 1e-12:
        # The nights of people who are all alike say nothing of how people differ.
        size = clusters if scale == "prevalence" else cells["n_nights"]
        low, high = boundary_interval(round(found.value), size, float(size), size - 1, level)
        how = EXACT if scale == "prevalence" else f"{EXACT}, nights taken as independent"
        how = how if basis >= estimates.FEWEST else ""
        made = estimates.row(status="boundary", **cells, ci_low=low, ci_high=high, note=note(how, remark))
    elif scale == "index_of_dispersion" and found.value < 1e-12:
        made = estimates.row(status="boundary", **cells, note=note("all nights have the same count", remark))
    else:
        half = quantile(level, clusters - 1)
        if scale in _SHARES:
            low, high = logit_interval(found.value, error, clusters - 1, level)
        elif scale == "autocorrelation":
            error /= 1 - found.value**2
            low, high = (math.tanh(math.atanh(found.value) + side * half * error) for side in (-1, 1))
        else:
            error /= found.value
            low, high = (found.value * math.exp(side * half * error) for side in (-1, 1))
        made = estimates.row(
            status="converged", **cells, ci_low=low, ci_high=high, std_error=error, note=remark or None
        )
    few = basis < estimates.FEWEST and not pd.isna(made["ci_low"])
    reason = f"rests on fewer than {estimates.FEWEST} participants, so no interval"
    return estimates.without_interval(made, reason) if few else made


def _distribution(rated: PersonSums, base: Row, short: str) -> Iterator[Row]:
    """Yield the shares of people by ranges of their rate, then what the people with the most have of all cramps.

    Whom they leave out is said as ``short``.
    """
    n = len(rated.nights)
    base = base | {"n_participants": n, "n_nights": int(rated.nights.sum()), "outcome": "cramps", "term": "cramps"}
    cells = base | {
        "analysis": kinds.DISTRIBUTION.name,
        "estimand": "share of people by their own rate, cramps a week",
        "scale": "prevalence",
        "unit": "proportion",
    }
    if n < 2:
        reason = ALONE if n else f"no participant with {ENOUGH_NIGHTS} logged nights"
        yield estimates.row(status="not_estimable", **cells, note=reason)
        return
    cells |= {"note": short, "facts": {"leaves out": short}}
    # In whole numbers: a quarter of a cramp a week is one in 28 nights.
    place = np.sum([rated.cramps * 28 >= 4 * low * rated.nights for low in list(_BINS.values())[1:]], axis=0)
    place = np.where(rated.cramps > 0, place, 0)
    for k, level in enumerate(_BINS):
        hits = int((place == k).sum())
        yield estimates.row(status="converged", **cells, level=level, estimate=hits / n, n_events=hits)
    if (rated.cramps > 0).sum() < 2:
        return
    ordered = np.sort(rated.rates)[::-1]
    carried = np.concatenate([[0.0], np.cumsum(ordered)]) / ordered.sum()
    cells |= {
        "analysis": kinds.CONCENTRATION.name,
        "estimand": "share of all cramps, everybody's nights being as many",
        "scale": "proportion",
        "n_events": int(rated.cramps.sum()),
    }
    for percent in _CURVE:
        value = float(np.interp(percent / 100 * n, np.arange(n + 1), carried))
        yield estimates.row(status="converged", **cells, level=str(percent), estimate=value)
