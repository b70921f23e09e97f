"""Ratios by factor as a forest of points and intervals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from crampstudy import wording
from crampstudy.errors import AnalysisError
from crampstudy.figures import style

_ROW = 0.22
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def ratios(estimates: pd.DataFrame) -> Figure:
    """Draw rate or odds ratios on a log axis, in the order of the rows; the line stands at no association.

    Terms that were not measured or could not be estimated are left to the table.

    Raises:
        AnalysisError: no ratio could be estimated.
    """
    rows = estimates[~estimates["term"].isin(["intercept", "dispersion"]) & (estimates["status"] == "converged")]
    if rows.empty:
        raise AnalysisError(f"nothing to draw: {wording.reasons(estimates) or 'no ratio was estimated'}")
    records = rows.to_dict("records")
    at = np.arange(len(rows))[::-1]
    with style.journal():
        figure, axes = plt.subplots(figsize=(style.TEXT_WIDTH, 0.75 + _ROW * len(rows)))
        middle = rows["estimate"].to_numpy()
        spread = np.vstack([middle - rows["ci_low"], rows["ci_high"] - middle])
        axes.axvline(1, color=style.RULE, linewidth=0.8)
        axes.errorbar(middle, at, xerr=spread, fmt="s", color=style.PALETTE[0], markersize=4)
        axes.set_xscale("log")
        low, high = float(rows["ci_low"].min()), float(rows["ci_high"].max())
        ticks = [tick for tick in _TICKS if low / 1.3 <= tick <= high * 1.3]
        axes.set_xticks(ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks(at, [f"{wording.term(row['term'])}, {wording.contrast(row)}" for row in records])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        level = f"{rows['ci_level'].iloc[0] * 100:g}"
        axes.set_xlabel(f"{rows['scale'].iloc[0].replace('_', ' ').capitalize()} ({level}% CI), log scale")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
    return figure
