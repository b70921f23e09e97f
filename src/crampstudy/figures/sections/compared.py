"""How common cramps are in each group of several cohorts, and the ratios between them below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.codebook.recalled import GROUPS
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.estimates.verdicts import MARGINS, why_beyond
from crampstudy.figures import intervals, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated, tallest
from crampstudy.figures.ratio_axis import set_ratio_axis
from crampstudy.tables.sections.compared import STANDARDISED, frequencies, present, ratios

_APART = 0.22
"""Between the points of one group, whose groups are 1 apart."""
"""Ends of an axis of ratios that are at most so many times one another have room for the finer ticks."""
_WINDOW = (0.05, 20.0)
_LABELS = {
    "cramps": "Cramps per person-week",
    "any_cramp": "Any cramp (%)",
    "moderate_severe_vs_rest": "Moderate-severe (%)",
}


@of_result
def compared_groups(estimates: pd.DataFrame) -> Figure:
    """Draw the rate or the prevalence in each group of each cohort, below it the ratios against the reference.

    The last group is all ages at those of the standard population. Intervals that reach beyond the axes are cut.
    """
    compared = kinds.BETWEEN_COHORTS.rows(estimates)
    outcomes = list(dict.fromkeys(compared["outcome"]))
    if not outcomes or not any(len(estimated(frequencies(estimates, each))) for each in outcomes):
        return could_not_estimate(tables.reasons(compared) or "no group has a number")
    names = [str(compared["reference"].iloc[0]), *dict.fromkeys(compared["cohort"])]
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 3.6))
        axes = figure.subplots(2, len(outcomes), sharex="col", squeeze=False, height_ratios=(1.25, 1))
        for place, outcome in enumerate(outcomes):
            upper, lower = axes[0][place], axes[1][place]
            groups = present(ratios(estimates, outcome))
            _frequencies(upper, frequencies(estimates, outcome), names, groups, outcome)
            _ratios(lower, ratios(estimates, outcome), names, groups)
            lower.set_xticks(range(len(groups)), [_label(each, len(groups) * len(outcomes)) for each in groups])
            lower.set_xlabel(wording.grouping(str(compared["term"].iloc[0])))
            if place:
                upper.get_legend().remove()
                lower.set_ylabel("")
    return figure


def _frequencies(axes: Axes, rows: pd.DataFrame, names: Sequence[str], groups: Sequence[str], outcome: str) -> None:
    factor = 1.0 if outcome == "cramps" else 100.0
    shown = estimated(rows[rows["group"].isin(groups)])
    shown = shown.assign(**{cell: shown[cell] * factor for cell in ("estimate", "ci_low", "ci_high")})
    top = tallest(shown)
    _points(axes, {name: shown[shown["cohort"] == name] for name in names}, groups, (0.0, top), skipped=0)
    axes.set_ylim(0, 1.05 * top)
    axes.set_ylabel(_LABELS[outcome])
    style.legend_above(axes)
    style.grid(axes, "y")
    axes.tick_params(axis="x", length=0)


def _ratios(axes: Axes, rows: pd.DataFrame, names: Sequence[str], groups: Sequence[str]) -> None:
    axes.axhspan(*MARGINS, color=look.RULE, alpha=0.18, linewidth=0)
    axes.axhline(1.0, color=look.RULE, linewidth=0.8)
    shown = estimated(rows)
    series = {name: shown[shown["cohort"] == name] for name in names[1:]}
    cells = shown[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
    low, high = (float(f([*cells[np.isfinite(cells)], *MARGINS])) for f in (np.min, np.max))
    low, high = max(low, _WINDOW[0]), min(high, _WINDOW[1])
    if len(shown):
        _points(axes, series, groups, (low, high), skipped=1)
    else:
        said, middle = "no ratio could be estimated", axes.transAxes
        axes.text(0.5, 0.75, said, color=look.INK, ha="center", va="center", transform=middle)
    set_ratio_axis(axes, "y", low / 1.08, high * 1.08)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    scale = str(rows["scale"].iloc[0]).replace("_", " ").capitalize()
    axes.set_ylabel(f"{scale} against\n{names[0]}")
    style.grid(axes, "y")
    axes.tick_params(axis="x", length=0)


def _points(
    axes: Axes,
    series: Mapping[str, pd.DataFrame],
    groups: Sequence[str],
    ends: tuple[float, float],
    *,
    skipped: int,
) -> None:
    """Draw the rows of each cohort at their groups, in the colours and marks after the first ``skipped``.

    Args:
        axes: where they are drawn.
        series: rows by cohort.
        groups: in their order.
        ends: where the axis of the estimates ends.
        skipped: how many colours and marks are those of other cohorts.
    """
    import seaborn as sns

    at = {each: place for place, each in enumerate(groups)}
    shifts = (np.arange(len(series)) - (len(series) - 1) / 2) * min(_APART, 0.8 / len(series))
    looks = zip(look.PALETTE[skipped:], look.MARKERS[skipped:], strict=True)
    for (name, rows), shift, (colour, marker) in zip(series.items(), shifts, looks, strict=False):
        places = rows["group"].map(at).astype(float).to_numpy() + shift
        sns.scatterplot(
            x=places, y=rows["estimate"].to_numpy(), color=colour, marker=marker, label=name, legend=False, ax=axes
        )
        intervals.draw(axes, places, rows, ends, colour=colour, along="y")


def _label(group: str, groups: int) -> str:
    bare, standardised, _ = group.partition(STANDARDISED)
    below = "\n(std.)" if groups > 8 else "\nstandardised"
    return wording.level(bare) + (below if standardised else "")


@of_result
def common_measure(estimates: pd.DataFrame) -> Figure:
    """Draw the share of people in each class of cramps in 30 nights, as diaries imply it and as surveys recall it."""
    implied = estimated(kinds.CLASS_IMPLIED.rows(estimates))
    recalled = estimated(kinds.PREVALENCE.rows(estimates))
    if implied.empty or recalled.empty:
        between = kinds.BETWEEN_KINDS.rows(estimates)
        beyond = next(filter(None, map(why_beyond, wording.records(between))), "")
        return could_not_estimate(beyond or tables.reasons(between) or "there is no common measure")
    whole = set(kinds.BETWEEN_KINDS.rows(estimates)["population"])
    shown = pd.concat([implied, recalled[recalled["population"].isin(whole)]])
    shown = shown[shown["level"].isin(list(GROUPS))]
    shown = shown.assign(
        group=shown["level"], **{cell: 100.0 * shown[cell] for cell in ("estimate", "ci_low", "ci_high")}
    )
    series = {str(name): rows for name, rows in shown.groupby("cohort", sort=False)}
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.6))
        axes = figure.subplots()
        _points(axes, series, list(GROUPS), (0.0, 100.0), skipped=0)
        axes.set_xticks(range(len(GROUPS)), [wording.recalled(name) for name in GROUPS])
        axes.set_xlim(-0.5, len(GROUPS) - 0.5)
        axes.set_ylim(0, None)
        axes.set_ylabel("People (%)")
        axes.set_xlabel("Cramps in 30 nights")
        style.legend_above(axes)
        style.grid(axes, "y")
        axes.tick_params(axis="x", length=0)
    return figure
