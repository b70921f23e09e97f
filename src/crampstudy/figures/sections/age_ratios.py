"""The ratio of age over age, without and with what stands beside it, side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.estimates.sentences import beside
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis

_SIDES = (kinds.AGE_ALONE, kinds.AGE_BESIDE_ALL)
_WINDOW = (0.1, 10.0)


@of_result
def age_ratios(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio of each age against one age beside sex alone, and with all that was measured beside.

    Where there is no estimate, the figure says why.
    """
    ages = estimates[estimates["level"].notna() & ~estimates["term"].map(wording.is_declared)]
    drawn = {kind: estimated(kind.rows(ages)) for kind in _SIDES}
    drawn = {kind: rows for kind, rows in drawn.items() if len(rows)}
    if not drawn:
        return could_not_estimate(tables.reasons(estimates) or "there is no curve of age")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.7))
        panels = figure.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
        for axes, colour, rows in zip(panels, look.PALETTE, drawn.values(), strict=False):
            _curve(axes, rows, colour)
            axes.set_title(wording.capital(beside(wording.records(rows)[0])))
        every = pd.concat(drawn.values())
        # Of people all alike there is no interval.
        known = every[["ci_low", "estimate", "ci_high"]].to_numpy(dtype=float)
        low, high = min(float(np.nanmin(known)), 0.75), max(float(np.nanmax(known)), 1.35)
        set_ratio_axis(panels[0], "y", max(low, _WINDOW[0]), min(high, _WINDOW[1]))
        style.remark(panels[0], style.CUT, when=low < _WINDOW[0] or high > _WINDOW[1])
        scale = str(every["scale"].iloc[0]).replace("_", " ").capitalize()
        panels[0].set_ylabel(f"{scale} against {every['reference'].iloc[0]} years, log scale")
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    import seaborn as sns

    # The age that the others are held against is a point of the curve as well.
    one = pd.DataFrame({"age": [float(rows["reference"].iloc[0])], "estimate": 1.0, "ci_low": 1.0, "ci_high": 1.0})
    own = rows.assign(age=rows["level"].astype(float))[list(one.columns)]
    points = pd.concat([own, one]).sort_values("age")
    axes.axhspan(*MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
    axes.axhline(1.0, color=look.RULE, linewidth=0.8)
    axes.fill_between(points["age"], points["ci_low"], points["ci_high"], color=colour, alpha=0.16, linewidth=0)
    sns.lineplot(x=points["age"], y=points["estimate"], color=colour, errorbar=None, ax=axes)
    axes.set_xlim(points["age"].min(), points["age"].max())
    axes.set_xlabel("Age (years)")
    axes.set_ylabel("")
    style.grid(axes, "y")
