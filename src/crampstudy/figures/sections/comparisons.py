"""Ratios between cohorts by group, beside the margins within which they are as good as none."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.arrays import Array
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.figures import intervals, style
from crampstudy.figures.factors import log_axis
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated

_ROW = 0.24


@of_result
def between_cohorts(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio of each group between two cohorts on a log axis, the standardised one last and apart."""
    rows = estimated(estimates[estimates["scale"].str.endswith("_ratio")])
    if rows.empty:
        return could_not_estimate(tables.reasons(estimates) or "no group can be compared")
    import seaborn as sns

    standardised = (rows["analysis"] == kinds.BETWEEN_STANDARDISED.name).to_numpy()
    at: Array = np.arange(len(rows), dtype=float) + np.where(standardised, 0.4, 0.0)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.8 + _ROW * len(rows)))
        axes = figure.subplots()
        axes.axvspan(*MARGINS, color=look.RULE, alpha=0.25, linewidth=0)
        axes.axvline(1.0, color=look.RULE, linewidth=0.8)
        sns.scatterplot(
            x=rows["estimate"].to_numpy(),
            y=at,
            style=standardised,
            markers={False: "s", True: "D"},
            color=look.PALETTE[0],
            legend=False,
            ax=axes,
        )
        intervals.draw(axes, at, rows, log_axis(axes, rows), colour=look.PALETTE[0])
        labels = [
            f"{wording.level(str(level))}{', age-standardised' if by_standard else ''} (n = {wording.count(n)})"
            for level, by_standard, n in zip(rows["level"], standardised, rows["n_participants"], strict=True)
        ]
        axes.set_yticks(at, labels)
        axes.set_ylim(float(at.max()) + 0.7, -0.7)
        axes.set_ylabel("")
        level, scale = f"{rows['ci_level'].iloc[0] * 100:g}", str(rows["scale"].iloc[0]).replace("_", " ").capitalize()
        axes.set_xlabel(
            f"{scale}, {rows['cohort'].iloc[0]} against {rows['reference'].iloc[0]} ({level}% CI), log scale"
        )
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
    return figure
