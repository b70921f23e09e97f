"""Specification curves: the ratio of each claim under all of its specifications, in the order of its size."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from crampstudy import look
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_COLUMNS = 6
_LIMITS = (0.25, 4.0)
"""Of the axis: what lies beyond is drawn at the edge."""
_TICKS = (0.5, 1.0, 2.0)


@of_result
def claim_specifications(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio of each claim with its interval under every specification, those that agree in another colour."""
    rows = kinds.UNDER_SPECIFICATION.rows(estimates)
    rows = rows[rows["estimate"].notna() & rows["scale"].str.endswith("_ratio")]
    agreement = kinds.AGREEMENT.rows(estimates).set_index("term")
    claims = [str(term) for term in agreement.index if rows["term"].eq(term).any()]
    if not claims:
        return could_not_estimate("no claim on a ratio has a specification that could be made")
    lines = math.ceil(len(claims) / _COLUMNS)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.5 + 0.95 * lines))
        axes = figure.subplots(lines, _COLUMNS, sharey=True, squeeze=False)
        for place, each in enumerate(axes.flat):
            if place < len(claims):
                of_claim = agreement.loc[claims[place]]
                _curve(each, rows[rows["term"].eq(claims[place])], str(of_claim["verdict"]))
                each.set_title(f"{claims[place]}  {100 * of_claim['estimate']:.0f}%", fontsize=7, pad=2)
            else:
                each.axis("off")
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, verdict: str) -> None:
    """Draw one claim: points in the order of their size, with intervals, over the band of what is as good as 1."""
    own = rows.sort_values("estimate", kind="stable")
    at = np.arange(len(own))
    agrees = own["verdict"].eq(verdict).to_numpy()
    low, middle, high = (own[name].clip(*_LIMITS).to_numpy() for name in ("ci_low", "estimate", "ci_high"))
    axes.axhspan(*verdicts.MARGINS, color=look.SHADE, zorder=0)
    axes.axhline(1, color=look.RULE, linewidth=0.5, zorder=1)
    for which, colour, marker in ((agrees, look.PALETTE[0], "o"), (~agrees, look.PALETTE[1], "x")):
        axes.vlines(at[which], low[which], high[which], color=colour, linewidth=0.4, alpha=0.5)
        axes.plot(at[which], middle[which], marker, color=colour, markersize=1.8, markeredgewidth=0.5)
    axes.set_yscale("log")
    axes.set_ylim(*_LIMITS)
    axes.set_xlim(-1, len(own))
    axes.yaxis.set_major_locator(FixedLocator(_TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(NullLocator())
    axes.tick_params(labelsize=6, length=2)
