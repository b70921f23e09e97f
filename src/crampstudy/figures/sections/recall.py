"""Recall against log: each person's two numbers, their mean against their difference (Bland-Altman)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

_TICKS = (0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100)
_LARGEST = 160.0
"""Area of the largest bubble, in square points."""


@of_result
def recall(estimates: pd.DataFrame) -> Figure:
    """Draw the difference of recalled and logged cramps over their mean, and the limits of agreement.

    Both stand as square roots, with the mean labelled in cramps; a bubble has the area of the people in it. Where there
    is no estimate, the figure says why.
    """
    every = kinds.RECALL.rows(estimates)
    lines = points.estimated(every[every["scale"] == "root_difference"])
    cells = points.estimated(kinds.RECALL_CELLS.rows(estimates))
    if lines.empty or cells.empty:
        return could_not_estimate(tables.reasons(every) or "there is no estimate")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH * 0.72, 2.9))
        axes = figure.subplots()
        places = np.asarray([[float(part) for part in level.split(", ")] for level in cells["level"]])
        people = cells["n_events"].to_numpy(dtype=float)
        area = np.maximum(_LARGEST * people / people.max(), 4.0)
        axes.scatter(places[:, 0], places[:, 1], s=area, color=look.PALETTE[0], alpha=0.55, linewidths=0)
        for row in wording.records(lines):
            _line(axes, row)
        ticks = [tick for tick in _TICKS if np.sqrt(tick) <= places[:, 0].max() + 0.5]
        axes.set_xticks(np.sqrt(ticks), [str(tick) for tick in ticks])
        axes.set(
            xlabel="Mean of recalled and logged, cramps in 30 nights (square-root scale)",
            ylabel="Recalled − logged\n(difference of square roots)",
        )
        axes.axhline(0, color=look.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
        style.grid(axes, "y")
    return figure


def _line(axes: Axes, row: Mapping[str, Any]) -> None:
    colour, value, name = look.PALETTE[1], row["estimate"], str(row["level"])
    axes.axhline(value, color=colour, linewidth=1.0)
    axes.axhspan(row["ci_low"], row["ci_high"], color=colour, alpha=0.12, linewidth=0)
    style.remark(axes, "shaded along the lines: their intervals; dashed: no difference")
    label = f"{name.replace(' of agreement', '')} {wording.number(value, 2)}"
    axes.annotate(
        label,
        (1, value),
        xytext=(3, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=colour,
        **style.of_row(row),
    )
