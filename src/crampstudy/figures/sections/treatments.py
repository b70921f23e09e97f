"""The course of cramps around time zero by group, with what regression to the mean brings; ratios of single persons."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.results import of_result
from crampstudy.estimates.treatments import UNTREATED
from crampstudy.figures import intervals, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis
from crampstudy.treatments.course import expected_rate, is_treated, week_of
from crampstudy.treatments.pairs import LEVEL as PAIRS
from crampstudy.treatments.question import arm

_COLUMNS = 3
_TALLEST = 2.0
"""How many times the highest rate an axis reaches, where intervals reach further."""
_APART = 0.14
_WIDEST = 20.0


@of_result
def treatment_course(estimates: pd.DataFrame) -> Figure:
    """Draw cramps a week around time zero, a panel for each treatment, a line for each group.

    A dashed line is the rate that a run-in and enrolment in a flare bring by themselves, where that is known. Where
    there is no rate the figure says why.
    """
    every = kinds.TREATMENT_COURSE.rows(estimates)
    rows = estimated(every)
    if rows.empty:
        return could_not_estimate(tables.reasons(every) or "nobody logged before and after the start of a treatment")
    panels = {str(term): own for term, own in rows.groupby("term", sort=False)}
    across = min(len(panels), _COLUMNS)
    down = -(-len(panels) // across)
    single = len(panels) == 1
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9 if single else 0.5 + 1.3 * down))
        grid = figure.subplots(down, across, squeeze=False, sharex=True)
        for axes, (term, own) in zip(grid.flat, panels.items(), strict=False):
            numbers = _course(axes, own)
            if single:
                _expected(axes, own, expected_rate(own, kinds.REGRESSION_TO_THE_MEAN.rows(estimates)))
                _labelled(axes, numbers)
            else:
                axes.set_title(f"{wording.capital(wording.agent(term))}, n = {_listed(numbers)}", fontsize=7.5)
        style.hide_unused(grid, len(panels))
        if not single:
            _legend(figure, rows)
        figure.supxlabel(_WEEKS.get(str(rows["term"].iloc[0]), "Weeks since time zero"), fontsize=8.5)
        figure.supylabel("Cramps per person-week", fontsize=8.5)
    return figure


def _course(axes: Axes, rows: pd.DataFrame) -> dict[str, tuple[int, str]]:
    """Draw the groups of one treatment; return the participants and the colour of each."""
    groups = list(dict.fromkeys(rows["population"]))
    top = _TALLEST * float(rows["estimate"].max())
    drawn = {}
    for place, group in enumerate(groups):
        own = rows[rows["population"] == group]
        treated = is_treated(str(group), str(own["term"].iloc[0]))
        colour = look.PALETTE[treated]
        # The week before time zero and the one after it are next to each other: the middle of each.
        weeks = own["level"].map(week_of).astype(int)
        at = np.where(weeks > 0, weeks - 0.5, weeks + 0.5) + _APART * (place - (len(groups) - 1) / 2)
        marker, name = look.MARKERS[not treated], str(group)
        axes.plot(at, own["estimate"], marker=marker, color=colour, markersize=3.6, linewidth=1.0, label=name)
        intervals.draw(axes, at, own, (0.0, top), colour=colour, along="y", width=0.9)
        drawn[str(group)] = int(own["n_participants"].max()), colour
    axes.axvline(0, color=look.RULE, linewidth=0.8, zorder=0)
    axes.set_ylim(0, 1.05 * min(top, float(rows[["ci_high", "estimate"]].max().max())) or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    style.grid(axes, "y")
    return drawn


def _legend(figure: Figure, rows: pd.DataFrame) -> None:
    """Name the groups of several panels: those of the treatment of each, and those whom they are compared with."""
    named: dict[bool, dict[str, None]] = {}
    for term, group in dict.fromkeys(zip(rows["term"], rows["population"], strict=True)):
        treated = is_treated(str(group), str(term))
        said = re.sub(rf" {re.escape(arm(str(term)))}(?= first$|$)", " it", str(group)) if treated else str(group)
        named.setdefault(treated, {})[_GROUPS.get(said, said)] = None
    handles = [
        Line2D([], [], marker=look.MARKERS[not treated], color=look.PALETTE[treated], markersize=3.6, linewidth=1.0)
        for treated in (True, False)
        if treated in named
    ]
    labels = [wording.capital(" or ".join(named[treated])) for treated in (True, False) if treated in named]
    figure.legend(handles, labels, loc="outside upper right", ncols=2)


_GROUPS = {"used it": "took it", UNTREATED: "did not take it"}
_WEEKS = {each: f"Weeks since {each}" for each in ("randomisation", "enrolment")}


def _listed(numbers: dict[str, tuple[int, str]]) -> str:
    return " / ".join(f"{n:,}" for n, _ in numbers.values())


def _labelled(axes: Axes, numbers: dict[str, tuple[int, str]]) -> None:
    """Name the groups of a single panel in their colours, above it."""
    for place, (group, (n, colour)) in enumerate(numbers.items()):
        axes.text(
            0.5 * place,
            1.02,
            f"{wording.capital(_GROUPS.get(group, group))}, n = {n:,}",
            color=colour,
            transform=axes.transAxes,
            va="bottom",
            fontsize=8,
        )


def _expected(axes: Axes, rows: pd.DataFrame, rate: float | None) -> None:
    """Draw, after time zero, the rate to be expected of the run-in without any treatment, where there is one."""
    if rate is None:
        return
    last = rows["level"].map(week_of).astype(int).max()
    axes.hlines(rate, 0, last, color=look.PALETTE[6], linestyle="--", linewidth=1.0)
    # Beside its end, where no interval crosses it.
    axes.annotate(
        "Expected\nwithout\ntreatment",
        (last, rate),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=look.PALETTE[6],
    )


@of_result
def single_participants(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio in each participant of alternating periods, and below them that within the pairs of all.

    An interval that reaches beyond 20 or 1/20 ends there in an arrow. Where nobody has a ratio the figure says why.
    """
    every = kinds.TREATMENT_EFFECT_OF_ONE.rows(estimates)
    own = estimated(every).sort_values("estimate")
    main = estimated(kinds.TREATMENT_EFFECT.rows(estimates))
    pooled = main[main["scale"].ne(verdicts.DIFFERENCE) & main["level"].eq(PAIRS)]
    if own.empty:
        return could_not_estimate(tables.reasons(every) or "no participant has enough pairs of periods")
    rows = pd.concat([own, pooled])
    labels = [_label(row) for row in wording.records(rows)]
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.7 + 0.15 * len(rows)))
        axes = figure.subplots()
        axes.axvspan(*verdicts.MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
        axes.axvline(1, color=look.RULE, linewidth=0.8)
        _forest(axes, rows, [look.PALETTE[0]] * len(own) + [look.PALETTE[1]] * len(pooled))
        axes.set_yticks(range(len(rows)), labels)
        axes.tick_params(axis="y", length=0, labelsize=7)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="Rate ratio, log scale")
    return figure


def _label(row: dict[str, object]) -> str:
    if row["analysis"] == kinds.TREATMENT_EFFECT.name:
        return "All pairs"
    return f"{wording.capital(str(row['level']))}, {row['n_groups']} pairs"


def _forest(axes: Axes, rows: pd.DataFrame, colours: Sequence[str]) -> None:
    ends = 1 / _WIDEST, _WIDEST
    for at, colour in enumerate(colours):
        row = rows.iloc[[at]]
        intervals.draw(axes, [at], row, ends, colour=colour, width=1.0)
        inside = row.loc[~intervals.outside(row, ends), "estimate"]
        axes.plot(inside, [at] * len(inside), "o", color=colour, markersize=4, markeredgewidth=0)
    set_ratio_axis(axes, "x", 0.9 / _WIDEST, 1.1 * _WIDEST)
    style.grid(axes, "x")
