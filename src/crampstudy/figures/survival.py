"""Time to relief: the share without relief as steps over time, with how many are still at risk below."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_DASHES = ("-", "--", ":")
_SHADED = 4
"""The largest number of curves whose intervals can be told apart."""
_BARE = "intervals are left out, as those of so many curves could not be told apart"
_IN_MINUTES = 300
"""Seconds from which on the axis counts minutes."""


@of_result
def relief(estimates: pd.DataFrame) -> Figure:
    """Draw the curves of times to relief, a few of them with their pointwise intervals.

    Where there is no curve, the figure says why.
    """
    curves = kinds.RELIEF_CURVE.rows(estimates)
    curves = curves[curves["estimate"].notna()]
    if curves.empty:
        return could_not_estimate(tables.reasons(estimates) or "no episode has a time to relief")
    labels = list(dict.fromkeys(curves["population"]))
    medians = kinds.MEDIAN_RELIEF.rows(estimates)
    worded = wording.remedy if medians["term"].eq("remedy").all() else wording.level
    names = {row["population"]: worded(str(row["level"])) for row in wording.records(medians)}
    at_risk = kinds.AT_RISK.rows(estimates)
    at_risk = at_risk[at_risk["population"].isin(labels)]
    long = float(pd.to_numeric(curves["level"]).max()) > _IN_MINUTES
    unit, name = (60.0, "min") if long else (1.0, "s")
    below = 0.16 * (len(labels) + 1)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9 + below))
        axes, numbers = figure.subplots(2, 1, sharex=True, height_ratios=(2.9, below))
        for position, label in enumerate(labels):
            colour = look.PALETTE[position % len(look.PALETTE)]
            # Colours alone are not told apart in grey.
            dash = _DASHES[position % len(_DASHES)]
            rows = curves[curves["population"] == label]
            _steps(axes, rows, unit, colour, dash, names[label])
            if len(labels) <= _SHADED:
                _shade(axes, rows, unit, colour)
        style.remark(axes, _BARE, when=len(labels) > _SHADED)
        axes.set_ylim(0, 1)
        axes.set_xlim(left=0)
        axes.set_ylabel("Share without relief")
        axes.grid(axis="y")
        axes.legend(loc="upper right", ncols=1 + len(labels) // 5, title=wording.grouping(str(medians["term"].iloc[0])))
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_xlabel(f"Time since the remedy ({name})")
        _numbers(numbers, at_risk, {label: names[label] for label in labels}, unit)
    return figure


def _steps(axes: Axes, rows: pd.DataFrame, unit: float, colour: str, dash: str, label: str) -> None:
    share = np.append(1.0, rows["estimate"].to_numpy(dtype=float))
    axes.step(_times(rows, unit), share, where="post", color=colour, linestyle=dash, label=label)


def _shade(axes: Axes, rows: pd.DataFrame, unit: float, colour: str) -> None:
    low, high = (np.append(1.0, rows[name].to_numpy(dtype=float)) for name in ("ci_low", "ci_high"))
    axes.fill_between(_times(rows, unit), low, high, step="post", color=colour, alpha=0.14, linewidth=0)
    style.remark(axes, style.SHADED)


def _times(rows: pd.DataFrame, unit: float) -> NDArray[np.float64]:
    return np.append(0.0, pd.to_numeric(rows["level"]).to_numpy(dtype=float) / unit)


def _numbers(axes: Axes, rows: pd.DataFrame, names: dict[str, str], unit: float) -> None:
    for line, label in enumerate(names):
        for row in wording.records(rows[rows["population"] == label]):
            here = {"ha": "center", "va": "center", "fontsize": 7, **style.of_row(row)}
            axes.text(float(row["level"]) / unit, line, wording.count(row["estimate"]), **here)
    ticks = sorted({float(level) / unit for level in rows["level"]})
    axes.set_xticks(ticks)
    axes.set_yticks(np.arange(len(names)), list(names.values()))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title("Episodes still at risk", fontsize=8, fontweight="normal")
    axes.tick_params(axis="both", length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=14)
    for side in axes.spines.values():
        side.set_visible(False)
