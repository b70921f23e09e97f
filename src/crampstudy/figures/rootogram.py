"""Counts of cramps against those that models expect, on a root scale: hanging rootograms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crampstudy import look, wording
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_ROW = 1.9
_MOST_LABELS = 11


def rootogram(frame: pd.DataFrame) -> Figure:
    """Draw a panel per model: bars of the observed nights hang from the expected ones; both are square roots.

    A bar that ends above the line at 0 stands for fewer nights than expected, one that reaches below for more. The
    frame is that of ``checks.zeros_found``; where it is empty, the figure says so.

    Source: Kleiber and Zeileis 2016 (Am Stat 70:296).
    """
    if frame.empty:
        return could_not_estimate("no model of the counts was fitted")
    models = list(dict.fromkeys(frame["model"]))
    across = min(len(models), 2)
    down = -(-len(models) // across)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.4 + _ROW * down))
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, model in zip(grid.flat, models, strict=False):
            rows = frame[frame["model"] == model]
            at, top = rows["count"].to_numpy(), rows["expected_root"].to_numpy()
            observed = rows["observed_root"].to_numpy()
            axes.bar(at, observed, bottom=top - observed, width=0.85, color=look.PALETTE[5], label="Observed")
            axes.plot(at, top, "o-", color=look.PALETTE[1], markersize=3, label="Expected")
            axes.axhline(0, color=look.INK, linewidth=0.6)
            axes.set_title(wording.model(model))
            shown = np.arange(0, len(at), -(-len(at) // _MOST_LABELS))
            axes.set_xticks(at[shown], [str(label) for label in rows["cramps"].to_numpy()[shown]])
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.grid(axis="y")
        style.hide_unused(grid, len(models))
        figure.supxlabel("Cramps a night", fontsize=8.5)
        figure.supylabel("Square root of nights", fontsize=8.5)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure
