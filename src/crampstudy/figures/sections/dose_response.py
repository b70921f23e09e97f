"""Curves of ratios over the values of exposures, a panel each."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crampstudy import look, tables, wording
from crampstudy.codebook import exposures
from crampstudy.codebook.laboratory import reference_range
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis

_PANEL, _ROOM = 1.42, 0.35
"""Inches of a row of panels, and of what all panels share."""
_IN_ONE_ROW, _COLUMNS = 4, 3
_WINDOW = (1 / 4, 4.0)
"""Intervals that reach beyond are cut there."""
_FARTHEST = (1 / 50, 50.0)
"""And so are the curves of few cramps, which may rise a millionfold."""


@of_result
def dose_response(estimates: pd.DataFrame) -> Figure:
    """Draw the curve of each exposure with its pointwise interval, all of them on one axis, of ratios a log one.

    The point is the reference, where no curve has an interval. Of a laboratory value the reference range is shaded, and
    a dashed line stands at the limit of deficiency. An exposure without a curve has no panel. Where there is none
    at all, the figure says why.
    """
    drawn = estimated(kinds.DOSE_RESPONSE.rows(estimates))
    if drawn.empty:
        reason = tables.reasons(kinds.SHAPE.rows(estimates)) or "no exposure was measured in this cohort"
        return could_not_estimate(reason)
    curves = list(drawn.groupby("term", sort=False))
    columns = len(curves) if len(curves) <= _IN_ONE_ROW else _COLUMNS
    lines = math.ceil(len(curves) / columns)
    differ = drawn["scale"].iloc[0] == "difference"
    with style.journal(axes_titlesize=8, xtick_labelsize=7, ytick_labelsize=7, axes_labelsize=7.5):
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, _ROOM + _PANEL * lines))
        panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
        for axes, (term, rows) in zip(panels, curves, strict=False):
            _panel(axes, str(term), rows, null=0.0 if differ else 1.0)
        for axes in panels[len(curves) :]:
            axes.remove()
        if not differ:
            _log_axis(panels[0], drawn)
        level = f"{drawn['ci_level'].iloc[0] * 100:g}"
        scale = str(drawn["scale"].iloc[0]).replace("_", " ").capitalize()
        figure.supylabel(f"{scale} ({level}% CI)" + ("" if differ else ", log scale"), fontsize=8)
    return figure


def _panel(axes: Axes, term: str, rows: pd.DataFrame, null: float) -> None:
    colour, reference = look.PALETTE[0], float(rows["reference"].iloc[0])
    at = pd.DataFrame(
        {"x": rows["level"].astype(float), **{name: rows[name] for name in ("estimate", "ci_low", "ci_high")}}
    )
    limits = at["x"].min(), at["x"].max()
    if limits[0] <= reference <= limits[1]:
        at.loc[len(at) + rows.index.max() + 1] = [reference, null, null, null]
    at = at.sort_values("x")
    _range_of(axes, term, limits)
    axes.axhline(null, color=look.RULE, linewidth=0.7)
    axes.fill_between(at["x"], at["ci_low"], at["ci_high"], color=colour, alpha=0.18, linewidth=0)
    axes.plot(at["x"], at["estimate"], color=colour)
    axes.plot([reference], [null], "o", color=look.INK, markersize=3)
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    found, known = exposures.find(term), wording.variable(term)
    name = found.variable if found else term
    axes.set_title(wording.label(name))
    unit = f"{known.unit}, " if known and known.unit else ""
    axes.set_xlabel(f"{unit}n = {wording.count(rows['n_participants'].max())}")
    axes.set_ylabel("")
    style.grid(axes, "y")


def _range_of(axes: Axes, term: str, limits: tuple[float, float]) -> None:
    """Shade the reference range of a laboratory value and rule its limit of deficiency, as far as they are in sight."""
    known = reference_range(term)
    if known is None:
        return
    low, high = max(known.low, limits[0]), min(math.inf if known.high is None else known.high, limits[1])
    if low < high:
        axes.axvspan(low, high, color=look.PALETTE[2], alpha=0.1, linewidth=0)
    limit = known.deficient_below
    if limit is not None and limits[0] <= limit <= limits[1]:
        axes.axvline(limit, color=look.PALETTE[1], linewidth=0.9, linestyle=(0, (3, 2)))


def _log_axis(axes: Axes, drawn: pd.DataFrame) -> None:
    shown = drawn[["ci_low", "ci_high", "estimate"]].to_numpy(dtype=float)
    low, high = (float(limit) for limit in np.clip((np.nanmin(shown), np.nanmax(shown)), *_WINDOW))
    least, most = (float(limit) for limit in np.clip((drawn["estimate"].min(), drawn["estimate"].max()), *_FARTHEST))
    low, high = min(low, least, 0.8) / 1.03, max(high, most, 1.25) * 1.03
    set_ratio_axis(axes, "y", low, high)
    style.remark(axes, style.CURVE_CUT, when=bool(drawn["estimate"].min() < low or drawn["estimate"].max() > high))
    style.remark(axes, style.CUT, when=bool(np.nanmin(shown) < low or np.nanmax(shown) > high))
