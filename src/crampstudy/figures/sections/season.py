"""Rates by calendar month with the fitted annual cycle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables
from crampstudy.estimates import kinds
from crampstudy.estimates.kinds.sections.season import MONTH_NAMES
from crampstudy.estimates.results import of_result
from crampstudy.figures import intervals, points, style
from crampstudy.figures.message import could_not_estimate

_FIRST = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
"""Days before the first of each month, and of the year after."""


@of_result
def season(estimates: pd.DataFrame) -> Figure:
    """Draw the rates of the calendar months with their intervals, and the fitted cycle with its band.

    Where there is no rate, the figure says why; where there is no cycle, the months stand alone.
    """
    every = kinds.MONTHS.rows(estimates)
    rows, cycle = points.estimated(every), points.estimated(kinds.CYCLE.rows(estimates))
    if rows.empty:
        return could_not_estimate(tables.reasons(every) or "there is no estimate")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        if len(cycle):
            _cycle(axes, cycle)
        highest = points.tallest(rows)
        numbers = dict(zip(every["level"], every["n_participants"].fillna(0), strict=True))
        _months(axes, rows, numbers, highest)
        axes.set_ylim(0, 1.05 * highest)
        if len(cycle):
            style.remark(axes, style.CUT, when=float(cycle["ci_high"].max()) > 1.05 * highest)
            style.legend_above(axes)
        axes.set(xlim=(0, _FIRST[-1]), xlabel="", ylabel="Cramps per person-week")
        style.grid(axes, "y")
    return figure


def _cycle(axes: Axes, cycle: pd.DataFrame) -> None:
    import seaborn as sns

    days = cycle["level"].astype(float)
    axes.fill_between(days, cycle["ci_low"], cycle["ci_high"], color=look.PALETTE[1], alpha=0.16, linewidth=0)
    label = "Fitted cycle, adjusted"
    sns.lineplot(x=days, y=cycle["estimate"], color=look.PALETTE[1], errorbar=None, label=label, legend=False, ax=axes)


def _months(axes: Axes, rows: pd.DataFrame, numbers: Mapping[str, float], highest: float) -> None:
    """Draw the rates of ``rows``, cut at the ``highest``; ``numbers`` are how many people logged in each month."""
    names = MONTH_NAMES
    at = np.array([(_FIRST[names.index(name)] + _FIRST[names.index(name) + 1]) / 2 for name in rows["level"]])
    intervals.draw(axes, at, rows, (0.0, highest), colour=look.PALETTE[0], along="y")
    axes.plot(
        at, rows["estimate"], "o", color=look.PALETTE[0], markersize=look.MARKER, markeredgewidth=0, label="Month"
    )
    middle = (_FIRST[:-1] + _FIRST[1:]) / 2
    labels = [f"{name[:3]}\nn = {numbers.get(name, 0):.0f}" for name in names]
    axes.set_xticks(middle, labels)
    axes.tick_params(axis="x", length=0, labelsize=7.5)
