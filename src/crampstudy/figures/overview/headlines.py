"""The main contrasts of a report in one forest: what is compared, ratio, interval, counts and verdict, aligned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, wording
from crampstudy.estimates.results import of_result
from crampstudy.estimates.sentences import of_part, recalled
from crampstudy.estimates.verdicts import MARGINS, told_in_numbers
from crampstudy.figures import intervals, style
from crampstudy.figures.factors import log_axis
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated

_ROW = 0.25
"""Inches of a row, which has two lines on its left."""
_WIDTHS = (2.3, 1.7, 3.0)
_AT = {"n": 0.09, "events": 0.215, "number": 0.6, "verdict": 0.635}
"""Where the columns on the right stand, as shares of their width: all end there, and the verdict begins."""
_SMALL = 7.2
_LONGEST = 53
"""Letters of a contrast that the first column has room for."""
_COLOURS = {"higher": look.PALETTE[1], "lower": look.PALETTE[0]}


@of_result
def headlines(estimates: pd.DataFrame) -> Figure:
    """Draw ratios of several questions on one log axis, a row each, with what each rests on and its verdict.

    The band shows which ratios are as good as 1; an interval that reaches beyond the axis ends in an arrow. Rows
    without a number, of too few people to tell, or too imprecise to, are left to the text.
    """
    rows = estimated(estimates)
    rows = rows[told_in_numbers(rows)]
    if rows.empty:
        return could_not_estimate("none of the main contrasts could be estimated")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.75 + _ROW * len(rows)))
        left, axes, right = figure.subplots(1, 3, sharey=True, width_ratios=_WIDTHS)
        for side in (left, right):
            side.set_xlim(0, 1)
            side.axis("off")
        _draw(axes, rows)
        axes.set_ylim(len(rows) - 0.4, -1.0)
        _write(left, right, rows)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    import seaborn as sns

    axes.axvspan(*MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
    axes.axvline(1.0, color=look.RULE, linewidth=0.8)
    ends = log_axis(axes, rows)
    colours = [_COLOURS.get(str(verdict), look.INK) for verdict in rows["verdict"]]
    for at, colour in enumerate(colours):
        intervals.draw(axes, [at], rows.iloc[[at]], ends, colour=colour)
    sns.scatterplot(
        x=rows["estimate"].to_numpy(dtype=float),
        y=range(len(rows)),
        hue=range(len(rows)),
        palette=colours,
        marker="s",
        s=22,
        linewidth=0,
        legend=False,
        ax=axes,
        zorder=3,
    )
    axes.tick_params(axis="y", length=0, labelleft=False)
    level = f"{rows['ci_level'].iloc[0] * 100:g}"
    axes.set_xlabel(f"{_scale(rows) or 'Ratio'} ({level}% CI), log scale")
    axes.set_ylabel("")
    style.grid(axes, "x")
    axes.spines["left"].set_visible(False)


def _write(left: Axes, right: Axes, rows: pd.DataFrame) -> None:
    # The columns have their widths, whatever is written in them.
    small: dict[str, Any] = {"fontsize": _SMALL, "va": "center", "in_layout": False}
    bold = {**small, "fontweight": 600, "family": look.SANS}
    left.text(0, -0.8, "Contrast", **bold)
    for name, text in (("n", "People"), ("events", "Events"), ("number", "Ratio (interval)")):
        right.text(_AT[name], -0.8, text, ha="right", **bold)
    right.text(_AT["verdict"], -0.8, "Verdict", **bold)
    several = not _scale(rows)
    for at, row in enumerate(wording.records(rows)):
        number = {"ha": "right", **small, **style.of_row(row)}
        left.text(0, at - 0.17, _named(row, several=several), **small)
        left.text(0, at + 0.2, _compared(row), **{**small, "fontsize": 6.2, "color": look.PALETTE[6]})
        right.text(_AT["n"], at, wording.count(row["n_participants"]), **number)
        right.text(_AT["events"], at, wording.count(row["n_events"]), **number)
        right.text(_AT["number"], at, wording.estimate(row), **number)
        right.text(_AT["verdict"], at, row["verdict"], **small)


def _compared(row: Mapping[str, Any]) -> str:
    """Return what a ratio compares; where that is too long, of centiles without their values, which tables have."""
    text = wording.contrast(row)
    return text if len(text) <= _LONGEST else wording.short_contrast(row)


def _scale(rows: pd.DataFrame) -> str:
    """Return which ratio all rows are, nothing where they differ in it."""
    first, *others = rows["scale"].unique()
    return "" if others else str(first).replace("_", " ").capitalize()


def _named(row: Mapping[str, Any], *, several: bool) -> str:
    """Return what a ratio is of, of a survey with its outcome, and of ``several`` which it is if not that of rates."""
    name = f"{wording.capital(wording.term(str(row['term'])))}{of_part(row)}"
    scale = str(row["scale"]).replace("_", " ") if several and row["scale"] != "rate_ratio" else ""
    # The note says what is moderate-severe.
    return ", ".join(filter(None, (name, scale, recalled(row).replace("severe cramps", "severe"))))
