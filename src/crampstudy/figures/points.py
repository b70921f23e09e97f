"""Estimates as points with their intervals, side by side in groups."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crampstudy import look, wording
from crampstudy.estimates.facts import of_rows
from crampstudy.figures import intervals, style

_APART = 0.16
"""Between the points of one group, whose groups are 1 apart."""
_CHARACTERS = 88
"""Of the labels of an axis as wide as the text."""
_TALLEST = 5.0
"""How many times the highest estimate an axis reaches, where intervals reach further."""
_MOST_NUMBERED = 10
"""The largest number of groups whose labels have room for the number of participants."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Where estimates stand: ``column`` names a row's group, ``factor`` turns its estimate into the axis's unit."""

    column: str
    order: Sequence[str]
    factor: float = 1.0


def estimated(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have an estimate that is told: not one beyond all that was observed."""
    made = estimates["status"].isin(["converged", "boundary"]) & estimates["estimate"].notna()
    return estimates[made & of_rows(estimates, "beyond").eq("")]


def single_groups(estimates: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of single groups; a summary such as 50+ or all overlaps with them and is not drawn among them."""
    labels = list(dict.fromkeys(estimates[column]))
    open_ended = [label for label in labels if label.endswith("+")]
    # The oldest band begins where the one before it ends, wherever summaries begin.
    ends = [int(upper) for _, dash, upper in (label.rpartition("-") for label in labels) if dash and upper.isdigit()]
    oldest = f"{max(ends) + 1}+" if ends else next(iter(open_ended), None)
    single = [label for label in labels if label != "all" and (label not in open_ended or label == oldest)]
    return estimated(estimates[estimates[column].isin(single)])


def draw(axes: Axes, series: Mapping[str, pd.DataFrame], groups: Groups) -> None:
    """Draw the rows of each series, named for the legend, at their groups; a group without an estimate stays empty.

    The axis ends at the intervals, or where those of rates reach very far at five times the highest estimate.
    """
    import seaborn as sns

    looks = {name: drawn for name, *drawn in zip(series, look.PALETTE, look.MARKERS, strict=False)}
    series = {name: rows for name, rows in series.items() if len(rows)}
    at = {label: position for position, label in enumerate(groups.order)}
    shifts = (np.arange(len(series)) - (len(series) - 1) / 2) * _APART
    drawn = [
        pd.DataFrame(
            {
                "at": rows[groups.column].map(at).astype(float) + shift,
                "y": rows["estimate"] * groups.factor,
                "name": name,
            }
        )
        for shift, (name, rows) in zip(shifts, series.items(), strict=True)
    ]
    colours = {name: looks[name][0] for name in series}
    sns.pointplot(
        pd.concat(drawn),
        x="at",
        y="y",
        hue="name",
        palette=colours,
        markers=[looks[name][1] for name in series],
        markersize=look.MARKER,
        markeredgewidth=0,
        linestyle="none",
        errorbar=None,
        native_scale=True,
        ax=axes,
    )
    top = tallest(pd.concat(series.values()), cut=groups.factor == 1) * groups.factor
    for points, (name, rows) in zip(drawn, series.items(), strict=True):
        shown = rows[["estimate", "ci_low", "ci_high"]].astype(float) * groups.factor
        intervals.draw(axes, points["at"].to_numpy(), shown, (0.0, top), colour=colours[name], along="y")
    axes.set_xlim(-0.5, len(at) - 0.5)
    axes.set_ylim(0, 1.05 * top)
    axes.set_xticks(list(at.values()), _labels(series, groups))
    style.legend_above(axes)
    style.grid(axes, "y")


def tallest(rows: pd.DataFrame, *, cut: bool = True) -> float:
    """Return how high an axis from 0 reaches for the estimates and intervals of rows, ``cut`` where these reach far."""
    farthest = float(rows[["estimate", "ci_high"]].max().max())
    return (min(farthest, _TALLEST * float(rows["estimate"].max())) if cut else farthest) or 1.0


def _labels(series: Mapping[str, pd.DataFrame], groups: Groups) -> list[str]:
    every = pd.concat(series.values())
    numbers = every.groupby(groups.column)["n_participants"].max()
    width = max(8, _CHARACTERS // len(groups.order))
    labels = []
    for label in groups.order:
        number = numbers.get(label)
        below = "" if pd.isna(number) or len(groups.order) > _MOST_NUMBERED else f"\nn = {wording.count(number)}"
        labels.append(textwrap.fill(wording.level(str(label)), width) + below)
    return labels
