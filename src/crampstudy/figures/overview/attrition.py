"""How a cohort came from its files into the analyses, drawn: the flow of its rows, and who logged when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, wording
from crampstudy.arrays import Flags
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.tables.overview.attrition import logging_part, step_of

_STEP = 0.62
"""Inches from one step of the flow to the next."""
_BOX = {"boxstyle": "round,pad=0.45,rounding_size=0.15", "facecolor": "white", "edgecolor": look.RULE}
_LEAST_HEIGHT = 1.9
"""Inches that the words beside the colours need."""
_MOST_NAMED = 20
_HATCH, _AFTER = "//////", "hatched: no night was expected, as it is after the last one that was logged"


@of_result
def cohort_flow(estimates: pd.DataFrame) -> Figure:
    """Draw participants, and nights beside them, from the file to the analyses, with what was set aside on the way."""
    rows = kinds.COHORT_FLOW.rows(estimates)
    if rows.empty:
        return could_not_estimate("the cohort has no participants")
    columns = list(dict.fromkeys(rows["outcome"]))
    steps = list(dict.fromkeys(rows["level"]))
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, _STEP * len(steps) + 0.1))
        axes = figure.subplots()
        axes.set_xlim(0, 2 * max(len(columns), 2))
        axes.set_ylim(len(steps) - 0.5, -0.5)
        axes.axis("off")
        for place, name in enumerate(columns):
            _column(axes, 2 * place + 0.55, rows[rows["outcome"] == name], steps)
    return figure


def _column(axes: Axes, x: float, rows: pd.DataFrame, steps: list[str]) -> None:
    for row in wording.records(rows):
        at = steps.index(str(row["level"]))
        said = f"{wording.counted(int(row['estimate']), str(row['outcome']))}\n{step_of(row)}"
        own = style.of_row(row)
        axes.text(x, at, said, ha="center", va="center", fontsize=7.5, bbox=_BOX, zorder=2, in_layout=False, **own)
        if at == 0:
            continue
        arrow = {"arrowstyle": "-|>", "color": look.RULE, "shrinkA": 13, "shrinkB": 13}
        axes.annotate("", (x, at), (x, at - 1), arrowprops=arrow, zorder=1)
        if said := fact(row, "said"):
            text = said.replace(", ", "\n")
            axes.text(x + 0.12, at - 0.5, text, ha="left", va="center", fontsize=6.5, in_layout=False, linespacing=1.1)


@of_result
def logging(estimates: pd.DataFrame) -> Figure:
    """Draw the share of nights that was logged, a line each participant or group of them, a cell each week or night.

    Those who logged least stand at the top; one after somebody's last night is hatched.
    """
    rows = kinds.LOGGED.rows(estimates)
    if rows.empty:
        return could_not_estimate("no night was expected")
    import seaborn as sns

    people = list(dict.fromkeys(rows["population"]))
    times = sorted(rows["level"].astype(int).unique())
    shares = rows.assign(time=rows["level"].astype(int)).pivot(index="population", columns="time", values="estimate")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, max(0.95 + min(0.12 * len(people), 3.0), _LEAST_HEIGHT)))
        axes = figure.subplots()
        sns.heatmap(
            100 * shares.reindex(index=people, columns=times),
            vmin=0,
            vmax=100,
            cmap="cividis",
            # Without a line of their own colour paper shines through between the cells.
            linewidths=0.4,
            linecolor="face",
            cbar_kws={"label": "Nights with a count (%)", "pad": 0.02},
            xticklabels=max(1, len(times) // 14),
            yticklabels=people if len(people) <= _MOST_NAMED else False,
            rasterized=len(people) * len(times) > 2000,
            ax=axes,
        )
        _hatch(axes, shares.reindex(index=people, columns=times).notna().to_numpy())
        part = logging_part(rows)
        axes.set_xlabel(f"{wording.capital(part)} since the participant's first{'' if part == 'night' else ' night'}")
        axes.set_ylabel("Participants, fewest nights first")
        axes.tick_params(length=0, rotation=0)
        if len(people) > _MOST_NAMED:
            ends = np.array([0.5, len(people) - 0.5])
            numbers = rows.groupby("population", sort=False)["n_participants"].max().cumsum()
            axes.set_yticks(ends, ["1", wording.count(numbers.iloc[-1])])
    return figure


def _hatch(axes: Axes, expected: Flags) -> None:
    """Hatch the end of each line from where no night was ``expected`` (lines x times) on.

    Paper alone would be dark on a dark page, as are the cells of those who logged nothing.
    """
    ends = [int(np.flatnonzero(line).max(initial=-1)) + 1 for line in expected]
    most = expected.shape[1]
    blank = [(at, end) for at, end in enumerate(ends) if end < most]
    if blank:
        at, left = (np.array(each, dtype=np.float64) for each in zip(*blank, strict=True))
        drawn: dict[str, Any] = {"facecolor": "none", "edgecolor": look.RULE, "linewidth": 0, "hatch": _HATCH}
        axes.barh(at + 0.5, most - left, height=1.0, left=left, **drawn)
        style.remark(axes, _AFTER)
