"""Sleep and cramps in both directions, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated

_ROW = 0.21
_GROUPS = ("On a cramp night, and the day after", "Before a cramp", "After a cramp (negative control)")


@of_result
def both_directions(estimates: pd.DataFrame) -> Figure:
    """Draw by how many standard deviations scores were worse on cramp nights, and sleep on the nights before cramps.

    Worse is to the right whatever the score; the line stands at no difference. What could not be estimated is left to
    the tables. Where there is nothing at all, the figure says why.
    """
    import seaborn as sns

    rows = estimated(kinds.BOTH_DIRECTIONS.rows(estimates))
    if rows.empty:
        return could_not_estimate(tables.reasons(estimates) or "no score and no sleep was recorded in this cohort")
    rows = rows.assign(group=rows["level"].map(_group))
    at, ticks, headings = _places(rows["group"].tolist())
    records = wording.records(rows)
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 0.8 + _ROW * (max(at) + 1)))
        axes = figure.subplots()
        axes.axvline(0, color=style.RULE, linewidth=0.8)
        for number, colour in enumerate((style.PALETTE[0], style.PALETTE[1], style.PALETTE[6])):
            own = [i for i, group in enumerate(rows["group"]) if group == number]
            y = [at[i] for i in own]
            shown = rows.iloc[own]
            sns.pointplot(
                x=shown["estimate"].to_numpy(),
                y=y,
                orient="h",
                native_scale=True,
                markers=style.MARKERS[number],
                markersize=style.MARKER,
                markeredgewidth=0,
                color=colour,
                linestyle="none",
                errorbar=None,
                ax=axes,
            )
            axes.hlines(y, shown["ci_low"], shown["ci_high"], color=colour)
        axes.set_yticks(ticks, [_label(row) for row in records])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(max(at) + 0.7, -0.7)
        axes.set_ylabel("")
        axes.set_xlabel(f"Standard deviations within participants, worse to the right ({_level(rows)} CI)")
        _headings(axes, headings)
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
    return figure


def _group(level: str) -> int:
    return 0 if level == "within" else 2 if level.startswith("lead") else 1


def _places(groups: list[int]) -> tuple[list[int], list[int], dict[int, int]]:
    """Return the place of each row from above, and of each heading by its group; a heading takes a line."""
    places, headings, at = [], {}, -1
    for group in groups:
        if group not in headings:
            at += 1
            headings[group] = at
        at += 1
        places.append(at)
    return places, places, headings


def _headings(axes: Axes, headings: Mapping[int, int]) -> None:
    for group, place in headings.items():
        axes.text(
            0, place, _GROUPS[group], transform=axes.get_yaxis_transform(), va="center", fontweight=600, fontsize=8.5
        )


def _label(row: Mapping[str, Any]) -> str:
    if row["level"] == "within":
        return wording.outcome(str(row["outcome"]))
    many = wording.counted(int(str(row["level"]).split()[1]), "nights")
    return f"{wording.term(str(row['term']))}, {many} {'after' if _group(row['level']) == 2 else 'before'}"


def _level(rows: pd.DataFrame) -> str:
    return f"{rows['ci_level'].iloc[0] * 100:g}%"
