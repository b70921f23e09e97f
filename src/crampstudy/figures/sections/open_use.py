"""Treatments in open use drawn: balance, overlap of the chance of treatment, and what was to be expected of a fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates import treatments as falls
from crampstudy.estimates.results import of_result
from crampstudy.estimates.treatments import GROUPS
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.ratio_axis import set_ratio_axis
from crampstudy.tables.sections.open_use import BALANCED, variable

_LINES = 6
"""Variables that a panel of balance has room for: those that differ most."""
_ROW, _HEAD, _COLUMNS = 0.16, 0.36, 2
_LEAST_REACH = 1.0
_APART = 0.14
"""How far the marks of before and after stand from their line, so that equal ones are both seen."""
_WINDOW = (0.25, 3.0)
_STEPS = {
    falls.OBSERVED: "Observed",
    falls.OF_SELECTION: "Expected of selection",
    falls.OF_FLARE: "Expected of a flare's end",
    falls.EXPECTED: "Expected of both",
    falls.REMAINS: "Remains",
}


@of_result
def balance(estimates: pd.DataFrame) -> Figure:
    """Draw the absolute standardised mean differences before weighting and after, by treatment.

    The axis reaches to the greatest of them. What is in the propensity is in bold; of the rest those are shown that
    differ most. Where nothing was weighted the figure says why.
    """
    before = kinds.BALANCE_BEFORE.rows(estimates)
    rows = before.assign(after=kinds.BALANCE_AFTER.rows(estimates)["estimate"].to_numpy()).dropna(subset="estimate")
    agents = list(dict.fromkeys(rows["outcome"]))
    if not agents:
        return could_not_estimate(tables.reasons(estimates) or "no treatment was weighted")
    with style.journal():
        n = -(-len(agents) // _COLUMNS)
        height = 0.55 + n * (_HEAD + _ROW * _LINES)
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, height))
        grid = figure.subplots(n, min(_COLUMNS, len(agents)), squeeze=False, sharex=True)
        drawn = {agent: _shown(rows[rows["outcome"] == agent]) for agent in agents}
        sizes = pd.concat(drawn.values())[["estimate", "after"]].abs().to_numpy(dtype=float)
        reach = max(_LEAST_REACH, 1.05 * float(np.nanmax(sizes[np.isfinite(sizes)], initial=0.0)))
        for axes, agent in zip(grid.flat, agents, strict=False):
            _differences(axes, drawn[agent], reach)
            axes.set_title(wording.capital(wording.agent(str(agent))))
        style.hide_unused(grid, len(agents))
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
        figure.supxlabel("Absolute standardised mean difference", fontsize=8.5)
    return figure


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the variables that a panel has room for."""
    own = rows["adjusted_for"].notna()
    rest = rows[~own].assign(size=rows["estimate"].abs()).nlargest(_LINES - int(own.sum()), "size")
    return pd.concat([rows[own], rest]).reset_index(drop=True)


def _differences(axes: Axes, shown: pd.DataFrame, reach: float) -> None:
    at = np.arange(len(shown))
    axes.axvspan(0, BALANCED, color=look.RULE, alpha=0.12, linewidth=0)
    for column, colour, marker, label, beside in (
        ("estimate", look.PALETTE[6], "o", "Before weighting", -_APART),
        ("after", look.PALETTE[0], "s", "After", _APART),
    ):
        size = shown[column].abs()
        axes.plot(size, at + beside, marker, color=colour, markersize=3.6, markeredgewidth=0, label=label)
    axes.set_yticks(at, [variable(row) for row in wording.records(shown)])
    axes.tick_params(axis="y", length=0, labelsize=6.5)
    for text, inside in zip(axes.get_yticklabels(), shown["adjusted_for"].notna(), strict=True):
        text.set_fontweight(600 if inside else 400)
    axes.set(xlim=(-0.02 * reach, reach), ylim=(len(shown) - 0.4, -0.6))
    style.grid(axes, "y")


@of_result
def overlap(estimates: pd.DataFrame) -> Figure:
    """Draw the chance of treatment of the treated (above) and the untreated (below): filled as it is, lines weighted.

    Where there is no chance of treatment the figure says why.
    """
    rows, weighted = kinds.PROPENSITY.rows(estimates), kinds.PROPENSITY_WEIGHTED.rows(estimates)
    agents = list(dict.fromkeys(rows["term"]))
    if not agents:
        return could_not_estimate(tables.reasons(estimates) or "no treatment was weighted")
    with style.journal():
        n = -(-len(agents) // 3)
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.5 + 1.55 * n))
        panels = figure.subplots(n, min(3, len(agents)), squeeze=False).ravel()
        for axes, agent in zip(panels, agents, strict=False):
            _mirrored(axes, rows[rows["term"] == agent], weighted[weighted["term"] == agent])
            axes.set_title(wording.capital(wording.agent(str(agent))))
        for axes in panels[len(agents) :]:
            axes.set_visible(False)
        figure.supxlabel("Chance of treatment", fontsize=8.5)
        figure.supylabel("Share of the group (%)", fontsize=8.5)
    return figure


def _mirrored(axes: Axes, rows: pd.DataFrame, weighted: pd.DataFrame) -> None:
    import seaborn as sns

    for sign, name, colour in zip((1, -1), GROUPS, (look.PALETTE[1], look.PALETTE[0]), strict=True):
        own, lines = (each[each["population"] == name] for each in (rows, weighted))
        edges = np.array([[float(end) for end in str(level).split("-")] for level in own["level"]])
        width = float(edges[0, 1] - edges[0, 0])
        # A histogram of shares that are counted already: the middle of each bin, weighted by its share.
        for part, fill in ((own, True), (lines, False)):
            sns.histplot(
                x=edges.mean(axis=1),
                weights=100 * sign * part["estimate"].to_numpy(),
                bins=[float(each) for each in np.arange(0, edges.max() + width / 2, width)],
                element="step",
                fill=fill,
                color=colour,
                alpha=0.35 if fill else 1.0,
                linewidth=0 if fill else 1.0,
                ax=axes,
            )
        n = int(own["n_participants"].iloc[0])
        axes.text(
            0.98,
            0.5 + 0.46 * sign,
            f"{wording.capital(name)}, n = {n:,}",
            color=colour,
            transform=axes.transAxes,
            ha="right",
            va="top" if sign > 0 else "bottom",
            fontsize=7,
        )
    reach = 1.15 * max(abs(each) for each in axes.get_ylim())
    axes.set_ylim(-reach, reach)
    axes.axhline(0, color=look.RULE, linewidth=0.6)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
    axes.set(xlabel="", ylabel="")


@of_result
def regression_to_the_mean(estimates: pd.DataFrame) -> Figure:
    """Draw the observed ratio of rates, what was to be expected without any treatment, and what remains, by arm.

    Where nothing can be expected the figure says why.
    """
    rows = kinds.REGRESSION_TO_THE_MEAN.rows(estimates)
    shown = rows[rows["level"].isin(_STEPS) & rows["estimate"].notna()]
    if shown.empty:
        return could_not_estimate(tables.reasons(rows) or "there is no ratio")
    arms = [arm for arm in dict.fromkeys(shown["term"]) if arm != falls.ALL] or [falls.ALL]
    common = shown[shown["level"].isin([falls.OF_SELECTION, falls.OF_FLARE, falls.EXPECTED])]
    of_arms = shown[shown["level"].isin([falls.OBSERVED, falls.REMAINS]) & shown["term"].isin(arms)]
    lines = pd.concat([of_arms[of_arms["level"] == falls.OBSERVED], common, of_arms[of_arms["level"] == falls.REMAINS]])
    every = wording.records(lines)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.7 + 0.22 * len(every)))
        axes = figure.subplots()
        for at, row in enumerate(every):
            _ratio(axes, at, row)
        axes.axvline(1, color=look.RULE, linewidth=0.8, zorder=0)
        cells = lines[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=np.float64)
        low, high = max(float(np.nanmin(cells)), _WINDOW[0]), min(max(float(np.nanmax(cells)), 1.25), _WINDOW[1])
        set_ratio_axis(axes, "x", 0.95 * low, 1.05 * high)
        axes.set_yticks(range(len(every)), [_label(row) for row in every])
        axes.tick_params(axis="y", length=0)
        axes.set(ylim=(len(every) - 0.4, -0.6), xlabel="Rate after time zero over the rate of the run-in, log scale")
    return figure


def _ratio(axes: Axes, at: int, row: dict[str, Any]) -> None:
    expected = str(row["level"]).startswith("expected")
    colour = look.PALETTE[6] if expected else look.PALETTE[0 if row["level"] == falls.OBSERVED else 1]
    if pd.notna(row["ci_low"]):
        axes.plot([row["ci_low"], row["ci_high"]], [at, at], color=colour)
    axes.plot(row["estimate"], at, "s" if expected else "o", color=colour, markersize=look.MARKER, markeredgewidth=0)


def _label(row: dict[str, Any]) -> str:
    step = _STEPS[str(row["level"])]
    if row["term"] == falls.ALL:
        return step
    return f"{step}, {'untreated' if row['term'] == 'none' else wording.term(str(row['term']))}"
