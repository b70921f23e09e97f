"""Nightly exposures drawn: ratios over the nights, and the ratio at values of another variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.codebook.exposures import OF_PERSON
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.results import of_result
from crampstudy.figures import columns, intervals, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis
from crampstudy.tables.sections.nightly import at_contrasts

_TALLEST = 20.0
"""Limits beyond this ratio, or its inverse, say no more than that they are."""
_CUMULATIVE = "cumulative"
_NONE_TO_DRAW = "no ratio has an interval, and all lie beyond the axis"
_PANELS = 3
"""Panels side by side."""


@of_result
def lag_curves(estimates: pd.DataFrame) -> Figure:
    """Draw the ratios of each exposure over the nights: the control at the left, the cumulative ratio at the right.

    At the declared contrasts, where there are any; the band is within the margins of the verdicts. An interval that
    reaches beyond 20 or 1/20 ends there in an arrow. Where there is no estimate, the figure says why.
    """
    rows = kinds.DISTRIBUTED_LAG.rows(estimates)
    drawn = estimated(at_contrasts(rows))
    drawn = drawn[~drawn["level"].str.contains("against", regex=False)]
    reach = _limits(drawn)
    if intervals.unmarked(drawn, reach).all():
        none = "no exposure was logged" if drawn.empty else _NONE_TO_DRAW
        return could_not_estimate(tables.reasons(rows) or none)
    names = drawn["term"].map(lambda term: wording.term(str(term)))
    panels = {name: drawn[names == name] for name in dict.fromkeys(names)}
    across = min(len(panels), _PANELS)
    down = -(-len(panels) // across)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.4 * down))
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        for axes, (name, own) in zip(grid.flat, panels.items(), strict=False):
            places = _places(own["level"])
            _points(axes, own, [places[level] for level in own["level"]], reach)
            if intervals.unmarked(own, reach).all():
                axes.text(
                    0.5,
                    0.75,
                    _NONE_TO_DRAW.replace(", ", ",\n"),
                    ha="center",
                    va="center",
                    transform=axes.transAxes,
                    fontsize=7.5,
                )
            axes.set_xticks(list(places.values()), [_night(level) for level in places])
            axes.set_title(f"{name}, {_short(wording.records(own)[0])}", fontsize=8)
            axes.set_xlabel("Nights after the exposure")
        style.hide_unused(grid, len(panels))
        for axes in grid[:, 0]:
            _ratio_axis(axes, drawn)
    return figure


@of_result
def modified(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio of an exposure at values of another variable; where there is none, the figure says why.

    At a value that was never observed no point is drawn.
    """
    rows = kinds.MODIFIED.rows(estimates)
    single = rows[~rows["term"].str.startswith(wording.CONTRAST)]
    drawn = estimated(single)
    if drawn.empty:
        return could_not_estimate(tables.reasons(rows) or "the other variable was not logged")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.COLUMN_WIDTH, 2.0))
        axes = figure.subplots()
        place = {str(level): at for at, level in enumerate(single["level"])}
        _points(axes, drawn, [place[str(level)] for level in drawn["level"]], _limits(drawn))
        axes.set_xticks(list(place.values()), list(place))
        axes.set_xlim(-0.5, len(place) - 0.5)
        first = wording.records(drawn)[0]
        axes.set_title(f"{wording.term(first['term'])}, {_short(first)}", fontsize=8)
        _ratio_axis(axes, drawn)
    return figure


@of_result
def within_between(estimates: pd.DataFrame) -> Figure:
    """Draw the ratios of nightly exposures within participants and between them, side by side, at declared contrasts.

    What is compared within participants stands below each name, what is compared between them at the right.
    An interval that reaches beyond 20 or 1/20 ends there in an arrow. Where there is no estimate, the figure says why.
    """
    rows = kinds.WITHIN_BETWEEN.rows(estimates)
    drawn = estimated(at_contrasts(rows))
    if drawn.empty:
        return could_not_estimate(tables.reasons(rows) or "no exposure was logged")
    names = list(dict.fromkeys(wording.term(str(term)) for term in drawn["term"]))
    records = wording.records(drawn)
    place = {name: i for i, name in enumerate(names)}
    at_names = drawn["term"].map(lambda term: place[wording.term(str(term))])
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.7 + 0.42 * len(names)))
        panels = figure.subplots(1, len(OF_PERSON), sharey=True, squeeze=False)[0]
        *_, last = (level for level in OF_PERSON if drawn["level"].eq(level).any())
        for axes, level in zip(panels, OF_PERSON, strict=True):
            own = drawn[drawn["level"] == level]
            at = at_names[own.index].tolist()
            _forest(axes, own, at)
            told = columns.numbers(own, "Ratio")
            if level == last:
                # People and events are those of both parts, and stand once, also of what has the other part alone.
                alone = drawn[~at_names.isin(at)]
                own, at = pd.concat([own, alone]), [*at, *at_names[alone.index]]
                told = {heading: [*texts, *[""] * len(alone)] for heading, texts in told.items()}
                told |= columns.counts(own)
            columns.beside(axes, at, told, wording.records(own))
            axes.set_title(f"{wording.capital(level)} participants")
            axes.set_xlabel(f"Rate ratio ({drawn['ci_level'].iloc[0] * 100:g}% CI), log scale")
        labels = [_labelled(name, records) for name in names]
        panels[0].set_yticks(range(len(names)), labels, fontsize=7, linespacing=1.0)
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        for axes in panels:
            axes.tick_params(axis="y", length=0)
    return figure


def _labelled(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return an exposure with its contrasts within and between participants below it."""
    parts = [(level, _compared(name, records, level)) for level in OF_PERSON]
    return "\n".join([name, *(f"{level}: {said}" for level, said in parts if said)])


def _compared(name: str, records: Sequence[Mapping[str, Any]], level: str) -> str:
    """Return what the ratio of an exposure within or between participants compares, without the values of centiles."""
    own = [row for row in records if wording.term(str(row["term"])) == name and row["level"] == level]
    return _short(own[0]) if own else ""


def _short(row: Mapping[str, Any]) -> str:
    """Return the contrast of a row; of centiles their values stand in the table."""
    return wording.short_contrast({**row, "level": None})


def _forest(axes: Axes, rows: pd.DataFrame, places: Sequence[int]) -> None:
    import seaborn as sns

    axes.axvspan(*verdicts.MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
    axes.axvline(1, color=look.RULE, linewidth=0.8)
    # What is beyond all that was observed shall not flatten what a verdict is on.
    judged = rows[rows["verdict"].notna()]
    low, high = _limits(rows if judged.empty else judged)
    set_ratio_axis(axes, "x", low / 1.08, high * 1.08)
    inside = ~intervals.outside(rows, (low, high)).to_numpy()
    at = np.asarray(places, dtype=float)
    sns.scatterplot(x=rows["estimate"][inside], y=at[inside], color=look.PALETTE[0], s=30, linewidth=0, ax=axes)
    intervals.draw(axes, at, rows, (low, high), colour=look.PALETTE[0])
    axes.set_ylabel("")
    style.grid(axes, "x")


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Return how far an axis of ratios reaches: over the margins and the rows, but for what reaches very far."""
    shown = rows[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
    low = min(float(np.nanmin(shown, initial=1.0)), verdicts.MARGINS[0])
    high = max(float(np.nanmax(shown, initial=1.0)), verdicts.MARGINS[1])
    return max(low, 1 / _TALLEST), min(high, _TALLEST)


def _places(levels: Sequence[str]) -> Mapping[str, float]:
    """Return where each night stands: the control before the exposure, all nights together after the last one."""
    places: dict[str, float] = {}
    for level in levels:
        word, _, number = str(level).partition(" ")
        if word in ("lag", "lead"):
            places[level] = float(number) * (1 if word == "lag" else -1)
    last = max(places.values(), default=0.0)
    if _CUMULATIVE in set(levels):
        places[_CUMULATIVE] = last + 1.5
    return dict(sorted(places.items(), key=lambda pair: pair[1]))


def _night(level: str) -> str:
    word, _, number = level.partition(" ")
    return {"lag": number, "lead": f"−{number}\n(control)"}.get(word, "all\ntogether")


def _points(axes: Axes, rows: pd.DataFrame, places: Sequence[float], reach: tuple[float, float]) -> None:
    """Draw points with their intervals; what lies beyond the ``reach`` of the axis ends there in an arrow."""
    import seaborn as sns

    axes.axhspan(*verdicts.MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
    axes.axhline(1, color=look.RULE, linewidth=0.8)
    control = rows["level"].str.startswith("lead")
    for own, colour, marker in ((~control, look.PALETTE[0], "o"), (control, look.PALETTE[6], "D")):
        at = [place for place, inside in zip(places, own, strict=True) if inside]
        shown = rows[own]
        if shown.empty:
            continue
        x, inside = np.asarray(at, dtype=float), ~intervals.outside(shown, reach).to_numpy()
        y = shown["estimate"].to_numpy()[inside]
        sns.scatterplot(x=x[inside], y=y, color=colour, marker=marker, s=30, linewidth=0, ax=axes)
        intervals.draw(axes, x, shown, reach, colour=colour, along="y")
    axes.set_xlim(min(places) - 0.6, max(places) + 0.6)


def _ratio_axis(axes: Axes, rows: pd.DataFrame) -> None:
    """Set the log axis of ratios, which holds the margins; what reaches very far is cut."""
    low, high = _limits(rows)
    set_ratio_axis(axes, "y", low / 1.08, high * 1.08)
    axes.set_ylabel(f"Rate ratio ({rows['ci_level'].iloc[0] * 100:g}% CI), log scale")
    style.grid(axes, "y")
