"""When in the day and night cramps begin, on the face of a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from crampstudy import tables
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

if TYPE_CHECKING:
    from matplotlib.projections.polar import PolarAxes

_HOURS = 24


def _emptiest(rows: pd.DataFrame) -> int:
    """Return the full hour about which the intervals of the hours reach least far, none that has a label."""
    reach = dict(zip(rows["level"].str[:2].astype(int), rows[["estimate", "ci_high"]].max(axis=1), strict=True))
    about = {hour: sum(reach.get((hour + near) % _HOURS, 0.0) for near in (-2, -1, 0, 1)) for hour in range(_HOURS)}
    return min((hour for hour in about if hour % 3), key=lambda hour: (about[hour], abs(hour - 15)))


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
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 3.3))
        axes = cast("PolarAxes", figure.add_subplot(projection="polar"))
        axes.set_theta_zero_location("N")
        axes.set_theta_direction(-1)
        axes.bar(at, 100 * rows["estimate"], width=0.88 * turn, color=style.PALETTE[0], alpha=0.75, linewidth=0)
        whole = rows["ci_low"].notna()
        axes.vlines(
            at[whole], 100 * rows["ci_low"][whole], 100 * rows["ci_high"][whole], color=style.INK, linewidth=0.8
        )
        top = 100 * float(pd.concat([rows["ci_high"], rows["estimate"]]).max())
        if len(middle):
            mean = float(middle["estimate"].iloc[0]) * turn
            axes.plot([mean, mean], [0, top], color=style.PALETTE[1], label="Mean onset")
            axes.legend(loc="upper left", bbox_to_anchor=(1.08, 1.0))
        axes.set_ylim(0, top)
        axes.set_xticks(np.arange(0, _HOURS, 3) * turn, [f"{hour:02}:00" for hour in range(0, _HOURS, 3)])
        axes.yaxis.set_major_formatter("{x:g}%")
        axes.yaxis.set_major_locator(MaxNLocator(4))
        # Where fewest cramps begin no interval crosses the numbers.
        axes.set_rlabel_position(_emptiest(rows) * 360 / _HOURS)
    return figure
