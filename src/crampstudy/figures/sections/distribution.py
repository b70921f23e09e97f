"""How unevenly cramps come: people by their rate, what the few with the most have of all, recalled classes by age."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crampstudy import look, tables, wording
from crampstudy.codebook.recalled import LABELS
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.kinds.frequency import HALF
from crampstudy.estimates.results import of_result
from crampstudy.estimates.sentences import part_of_one
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

_SHADES = ("#E8E8E8", "#C6DBEF", "#7FB3D9", "#2F7DB8", "#08406B")
"""Of the recalled classes, more cramps the darker."""
_DARK = 3
"""From this class on the ground is dark, and figures on it are white."""
_ROOM = 4.0
"""Per cent that a part of a bar must have to bear its figure."""


@of_result
def distribution(estimates: pd.DataFrame) -> Figure:
    """Draw people by their cramps a week, and beside that what those with the most have of all cramps.

    Where there is no estimate, the figure says why.
    """
    every = kinds.DISTRIBUTION.rows(estimates)
    rows, curve = points.estimated(every), points.estimated(kinds.CONCENTRATION.rows(estimates))
    if rows.empty:
        return could_not_estimate(tables.reasons(every) or "there is no estimate")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1)) if len(curve) else (figure.subplots(), None)
        _people(left, rows)
        if right is not None:
            nights = kinds.CRAMP_NIGHTS.rows(estimates)
            of_curve = nights["level"].eq(HALF) & nights["population"].eq(curve["population"].iloc[0])
            half = wording.records(nights[of_curve])[0]
            # Of few people it would be a part of one.
            told = half["n_participants"] >= FEWEST and not part_of_one(half)
            _concentration(right, curve, 100 * float(half["estimate"]) if told else None)
    return figure


def _people(axes: Axes, rows: pd.DataFrame) -> None:
    import seaborn as sns

    levels = [wording.level(str(level)).replace(" to under ", "–<").replace("under ", "<") for level in rows["level"]]
    levels = [level.replace("7 or more", "7+") for level in levels]
    sns.barplot(x=levels, y=100 * rows["estimate"].to_numpy(), color=look.PALETTE[0], errorbar=None, ax=axes)
    for at, row in enumerate(wording.records(rows)):
        above: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7, **style.of_row(row)}
        axes.text(at, 100 * row["estimate"] + 0.4, wording.count(row["n_events"]), **above)
    axes.set(xlabel="Cramps a week", ylabel="People (%)", title="a  People by their own rate")
    axes.tick_params(axis="x", labelrotation=35, length=0, labelsize=7.5)
    axes.margins(y=0.1)
    style.grid(axes, "y")


def _concentration(axes: Axes, curve: pd.DataFrame, half: float | None) -> None:
    import seaborn as sns

    people, cramps = curve["level"].astype(float).to_numpy(), 100 * curve["estimate"].to_numpy()
    axes.plot([0, 100], [0, 100], color=look.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.text(70, 62, "all alike", color=look.INK, fontsize=7.5)
    sns.lineplot(x=people, y=cramps, color=look.PALETTE[0], errorbar=None, ax=axes)
    if half is not None:
        axes.plot([0, half, half], [50, 50, 0], color=look.PALETTE[1], linewidth=0.9)
        axes.plot(half, 50, "o", color=look.PALETTE[1], markersize=look.MARKER, markeredgewidth=0)
        told = f"{wording.number(half, 1)}% of people have\nhalf of the cramps"
        axes.text(45, 24, told, color=look.PALETTE[1], va="center")
    axes.set(xlim=(0, 100), ylim=(0, 102), xlabel="People, those with the most first (%)", ylabel="Cramps (%)")
    axes.set_title("b  Cramps carried by the few")
    style.grid(axes, "y")


@of_result
def recalled_classes(estimates: pd.DataFrame) -> Figure:
    """Draw the recalled classes as bars of 100 %, a bar for each age group.

    Where there is no estimate, the figure says why.
    """
    every = kinds.RECALLED.rows(estimates)
    rows = points.single_groups(every, "population")
    if rows.empty:
        return could_not_estimate(tables.reasons(every) or "there is no estimate")
    shares = rows.pivot(index="population", columns="level", values="estimate") * 100
    shares = shares.loc[list(dict.fromkeys(rows["population"])), [label for label in LABELS if label in shares]]
    numbers = rows.groupby("population")["n_participants"].max()
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.9 + 0.3 * len(shares)))
        axes = figure.subplots()
        at, left = np.arange(len(shares)), np.zeros(len(shares))
        for place, label in enumerate(LABELS):
            width = shares[label].to_numpy() if label in shares else np.zeros(len(shares))
            axes.barh(at, width, left=left, height=0.72, color=_SHADES[place], label=wording.ranges(label))
            for y, (start, part) in enumerate(zip(left, width, strict=True)):
                if part >= _ROOM:
                    ink = look.ON_DARK if place >= _DARK else look.ON_LIGHT
                    axes.text(start + part / 2, y, f"{part:.0f}", ha="center", va="center", fontsize=7, color=ink)
            left = left + width
        names = [f"{wording.level(str(name))}  (n = {wording.count(numbers[name])})" for name in shares.index]
        axes.set_yticks(at, names)
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 100), ylim=(len(shares) - 0.4, -0.6), xlabel="People (%)", ylabel="Age (years)")
        axes.xaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=""))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, title="Cramps recalled in 30 nights")
    return figure
