"""Ratios by factor as a forest of points and intervals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import estimates as tidy
from crampstudy import look, tables, wording
from crampstudy.estimates.results import of_result
from crampstudy.figures import columns, intervals, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis

_ROW = 0.22
_WINDOW = (0.01, 100.0)
"""What lies beyond says no more than that it does: intervals end there in an arrow."""


@of_result
def ratios(estimates: pd.DataFrame) -> Figure:
    """Draw rate or odds ratios on a log axis, in the order of the rows; the line stands at no association.

    Of a number that has no ratios the differences are drawn, on an axis of its unit.

    A number is drawn at its declared contrast, where it has one, and else per unit. A ratio without an interval is a
    point alone, and an interval that reaches below 0.01 or above 100 ends there in an arrow. Terms that were not
    measured or could not be estimated are left to the table. Where there is no ratio at all, the figure says why.
    """
    compared = tidy.ratios(estimates)
    differ = compared.empty
    rows = estimated(tidy.at_contrasts(tidy.differences(estimates) if differ else compared))
    if rows.empty:
        return could_not_estimate(tables.reasons(estimates) or "no term was measured in this cohort")
    records = wording.records(rows)
    import seaborn as sns

    at = np.arange(len(rows), dtype=float)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.75 + _ROW * len(rows)))
        axes = figure.subplots()
        null = 0.0 if differ else 1.0
        axes.axvline(null, color=look.RULE, linewidth=0.8)
        sns.pointplot(
            x=rows["estimate"].to_numpy(),
            y=at,
            orient="h",
            markers="s",
            markersize=5,
            markeredgewidth=0,
            color=look.PALETTE[0],
            linestyle="none",
            errorbar=None,
            ax=axes,
        )
        ends = (-math.inf, math.inf) if differ else log_axis(axes, rows)
        intervals.draw(axes, at, rows, ends, colour=look.PALETTE[0])
        axes.set_yticks(at, [f"{wording.term(row['term'])}, {wording.contrast(row)}" for row in records])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.3, -0.7)
        axes.set_ylabel("")
        level = f"{rows['ci_level'].iloc[0] * 100:g}"
        scale = rows["scale"].iloc[0].replace("_", " ").capitalize()
        axes.set_xlabel(f"{_in_unit(scale, rows)} ({level}% CI)" if differ else f"{scale} ({level}% CI), log scale")
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
        columns.beside(axes, at, columns.counts(rows) | columns.numbers(rows, "Estimate"), records)
    return figure


def _in_unit(scale: str, rows: pd.DataFrame) -> str:
    unit = rows["unit"].iloc[0]
    return scale if pd.isna(unit) else f"{scale} in {unit.partition(', ')[0]}"


def log_axis(axes: Axes, rows: pd.DataFrame) -> tuple[float, float]:
    """Set a log axis that holds 1 and the rows, and return where it ends."""
    shown = rows[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
    low, high = min(float(np.nanmin(shown)), 1.0), max(float(np.nanmax(shown)), 1.0)
    low, high = (float(limit) for limit in np.clip((low, high), *_WINDOW))
    set_ratio_axis(axes, "x", low / 1.05, high * 1.05)
    return low, high
