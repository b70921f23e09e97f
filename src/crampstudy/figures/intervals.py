"""Intervals as lines; one that reaches beyond its axis ends there in an arrow, which the figure's note tells of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crampstudy.arrays import Array
from crampstudy.figures import style

_ARROWS = {"x": "<>", "y": "v^"}


def draw(
    axes: Axes,
    at: Sequence[float] | Array,
    rows: pd.DataFrame,
    ends: tuple[float, float] = (-math.inf, math.inf),
    *,
    colour: str,
    along: Literal["x", "y"] = "x",
    width: float | None = None,
) -> None:
    """Draw the intervals of rows at their places, cut at the ends of the axis.

    The note of the figure says what an arrow is, that an estimate lies beyond the axis as well, that a point has no
    interval, and that nothing is drawn, each where it is so.

    Args:
        axes: where they are drawn.
        at: the place of each row on the other axis (n).
        rows: with ``estimate``, ``ci_low`` and ``ci_high`` (n).
        ends: where the axis of the estimates ends, in its unit.
        colour: of lines and arrows.
        along: the axis of the estimates.
        width: of the lines, in points.
    """
    places = np.asarray(at, dtype=np.float64)
    lower, upper = (rows[name].to_numpy(dtype=np.float64) for name in ("ci_low", "ci_high"))
    whole = ~(np.isnan(lower) | np.isnan(upper))
    lines = axes.hlines if along == "x" else axes.vlines
    lines(places[whole], lower[whole].clip(*ends), upper[whole].clip(*ends), color=colour, linewidth=width)
    low, high = ends
    far = (lower < low, upper > high)
    for beyond, edge, arrow in zip(far, ends, _ARROWS[along], strict=True):
        if not beyond.any():
            continue
        shown = np.full(int(beyond.sum()), edge), places[beyond]
        x, y = shown if along == "x" else shown[::-1]
        axes.plot(x, y, arrow, color=colour, markersize=4, clip_on=False, zorder=3)
    style.remark(axes, style.ARROW, when=bool((far[0] | far[1]).any()))
    gone, beyond = unmarked(rows, ends).to_numpy(), outside(rows, ends).to_numpy()
    style.remark(axes, style.OUTSIDE, when=bool((beyond & ~gone).any()))
    style.remark(axes, style.NO_INTERVAL, when=bool((~whole & ~beyond).any()))
    style.remark(axes, style.UNMARKED, when=bool(gone.any()))


def outside(rows: pd.DataFrame, ends: tuple[float, float]) -> pd.Series[bool]:
    """Return of which rows the estimate itself lies beyond the ends of an axis, so that no point is drawn."""
    middle = rows["estimate"].astype(float)
    return (middle < ends[0]) | (middle > ends[1])


def unmarked(rows: pd.DataFrame, ends: tuple[float, float]) -> pd.Series[bool]:
    """Return of which rows nothing is drawn: the estimate lies beyond the ends of an axis, and there is no interval."""
    return outside(rows, ends) & rows["ci_low"].isna() & rows["ci_high"].isna()
