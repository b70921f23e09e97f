"""When in the day and night cramps begin, on the face of a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from crampstudy import look, tables
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

if TYPE_CHECKING:
    from matplotlib.projections.polar import PolarAxes

_HOURS = 24
_CLEAR = 1.5
"""How many times as far out as the intervals beside it the number of a circle stands clear of them."""


def _emptiest(rows: pd.DataFrame) -> tuple[int, float]:
    """Return the full hour about which the intervals reach least far, none that has a label, and how far they do."""
    reach = dict(zip(rows["level"].str[:2].astype(int), rows[["estimate", "ci_high"]].max(axis=1), strict=True))
    about = {hour: [reach.get((hour + near) % _HOURS, 0.0) for near in (-2, -1, 0, 1)] for hour in range(_HOURS)}
    found = min((hour for hour in about if hour % 3), key=lambda hour: (sum(about[hour]), abs(hour - 15)))
    return found, max(about[found])


@of_result
def onset(estimates: pd.DataFrame) -> Figure:
    """Draw the share of cramps that begin in each hour, midnight on top and clockwise, and the mean onset as a line.

    Where there is no share, the figure says why.
    """
    rows = points.estimated(kinds.ONSET.rows(estimates))
    if rows.empty:
        return could_not_estimate(tables.reasons(estimates) or "no cramp was logged with its onset")
    middle = points.estimated(kinds.MEAN_ONSET.rows(estimates))
    turn = 2 * np.pi / _HOURS
    at = (rows["level"].str[:2].astype(float) + 0.5) * turn
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 3.3))
        axes = cast("PolarAxes", figure.add_subplot(projection="polar"))
        axes.set_theta_zero_location("N")
        axes.set_theta_direction(-1)
        axes.bar(at, 100 * rows["estimate"], width=0.88 * turn, color=look.PALETTE[0], alpha=0.75, linewidth=0)
        whole = rows["ci_low"].notna()
        axes.vlines(at[whole], 100 * rows["ci_low"][whole], 100 * rows["ci_high"][whole], color=look.INK, linewidth=0.8)
        top = 100 * float(pd.concat([rows["ci_high"], rows["estimate"]]).max())
        if len(middle):
            mean = float(middle["estimate"].iloc[0]) * turn
            axes.plot([mean, mean], [0, top], color=look.PALETTE[1], label="Mean onset")
            axes.legend(loc="upper left", bbox_to_anchor=(1.08, 1.0))
        axes.set_ylim(0, top)
        axes.set_xticks(np.arange(0, _HOURS, 3) * turn, [f"{hour:02}:00" for hour in range(0, _HOURS, 3)])
        hour, reach = _emptiest(rows)
        axes.set_rlabel_position(hour * 360 / _HOURS)
        ticks = [tick for tick in MaxNLocator(4).tick_values(0, top) if 0 < tick <= top]
        # What lies among the intervals would be struck through; the circle is drawn all the same.
        axes.set_yticks(
            ticks, [f"{tick:g}%" if tick > _CLEAR * 100 * reach or tick == ticks[-1] else "" for tick in ticks]
        )
    return figure
