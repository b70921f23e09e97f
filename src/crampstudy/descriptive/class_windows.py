"""The shares of people by class, counted in windows of 30 calendar nights that were nearly all logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from crampstudy import estimates
from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.descriptive.prevalence import LEVELS
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.surveys.domain_means import boundary_interval, domain_means, logit_interval
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.wording import counted

LOGGED = 25
"""Nights of a window that must have been logged."""
EVERYBODY = "all participants"
NO_RECALL = "logged nights, not recall"
_OF_WINDOWS = {
    "analysis": kinds.CLASS_WINDOWS.name,
    "estimand": f"share of people by cramps in {NIGHTS} calendar nights",
    "model": "cluster-mean",
}

Row = dict[str, Any]


def windows(nights: pl.DataFrame, by: str | None, where: str | None, base: Row, ci_level: float) -> list[Row]:
    """Return the shares of windows by class, a participant's windows together weighing 1.

    Args:
        nights: observed nights, a row each: participant_id, date, cramps and the column ``by``.
        by: the column of the groups, ``None`` for all participants together.
        where: the condition of the part of the cohort, for the rows' population.
        base: the cells that all rows share.
        ci_level: confidence level, above 0 and below 1.
    """
    since = (pl.col("date") - pl.col("date").min().over("participant_id")).dt.total_days()
    label = pl.lit(EVERYBODY) if by is None else pl.col(by).cast(pl.String)
    found = (
        nights.with_columns(_window=since // NIGHTS, _group=label)
        .group_by("participant_id", "_window")
        .agg(pl.col("cramps").sum(), pl.col("_group").first(), logged=pl.len())
        .filter(pl.col("logged") >= LOGGED)
        .drop_nulls("_group")
        .sort("participant_id", "_window")
        .with_columns(_weight=1 / pl.len().over("participant_id"))
    )
    if not found.height:
        lacks = (
            f"no window of {NIGHTS} nights has {LOGGED} of them logged" if nights.height else "no night is of this part"
        )
        return no_window(lacks, where, base)
    base = base | _OF_WINDOWS
    code = found["participant_id"].rle_id().to_numpy().astype(np.intp)
    design = SamplingDesign(code, np.zeros(code.max() + 1, dtype=np.intp), found["_weight"].to_numpy())
    place = np.searchsorted(LOWS, found["cramps"].to_numpy(), side="right") - 1
    groups = found["_group"].to_numpy()
    made = []
    for name in sorted(set(groups)):
        inside = groups == name
        logged = found["logged"].to_numpy()[inside]
        people = counted(len(set(code[inside])), "participants")
        counts = f"{counted(int(inside.sum()), 'windows')}, {logged.mean():.1f} of {NIGHTS} nights logged, of {people}"
        remark = f"{counts}; {NO_RECALL}"
        shared = {"population": part_of(name, where), "n_nights": int(logged.sum())}
        for level, classes in LEVELS.items():
            made.append(_window_row(np.isin(place, classes), inside, design, base | shared, level, remark, ci_level))
    return made


def no_window(reason: str, where: str | None, base: Row) -> list[Row]:
    """Return rows that say why no window could be counted."""
    cells = base | _OF_WINDOWS | {"population": part_of(EVERYBODY, where), "note": reason}
    return [estimates.row(status="not_estimable", **cells, level=level) for level in LEVELS]


def _window_row(
    hits: Any, inside: Any, design: SamplingDesign, cells: Mapping[str, Any], level: str, remark: str, ci_level: float
) -> Row:
    means = domain_means(hits, inside[:, None], design)
    value, error, df, psus = float(means.estimate[0]), float(means.std_error[0]), int(means.df[0]), int(means.psus[0])
    events = int((hits & inside).sum())
    cells = dict(cells) | {"level": level, "n_participants": psus, "n_groups": psus, "n_events": events}
    cells |= {"estimate": value, "df": float(df)}
    if df < 1:
        return estimates.row(status="boundary", **cells, note=remark)
    if events in (0, int(inside.sum())):
        low, high = boundary_interval(round(value), psus, float(psus), df, ci_level)
        cells["estimate"] = float(round(value))
        return estimates.row(status="boundary", **cells, ci_low=low, ci_high=high, note=f"exact limit; {remark}")
    low, high = logit_interval(value, error, df, ci_level)
    return estimates.row(status="converged", **cells, ci_low=low, ci_high=high, std_error=error, note=remark)
