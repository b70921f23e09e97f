"""How common cramps are: rates and prevalence by age band, and the smooth curve over age."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.codebook.recalled import SEVERITIES
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

_RUG = 0.07
"""Of the height of the axes, the rug where most participants are."""
_TALLEST = 5.0
"""How many times the highest rate an axis reaches, where intervals reach further."""


@of_result
def rates(estimates: pd.DataFrame) -> Figure:
    """Draw incidence rates by group with their intervals, and the age-standardised rate as a line.

    Where there is no estimate, the figure says why.
    """
    bands = points.single_groups(kinds.INCIDENCE_RATE.rows(estimates), "level")
    if bands.empty:
        return could_not_estimate(_reason(kinds.INCIDENCE_RATE.rows(estimates)))
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        _rates(figure.subplots(), estimates, bands)
    return figure


def _rates(axes: Axes, estimates: pd.DataFrame, bands: pd.DataFrame) -> None:
    labels = _in_order(kinds.INCIDENCE_RATE.rows(estimates)["level"], bands["level"])
    _standard(axes, points.estimated(kinds.STANDARDISED_RATE.rows(estimates)))
    points.draw(axes, {"Incidence rate (crude)": bands}, points.Groups("level", labels))
    axes.set_xlabel(wording.grouping(str(bands["term"].iloc[0])))
    axes.set_ylabel("Cramps per person-week")


def _standard(axes: Axes, standardised: pd.DataFrame) -> None:
    """Draw the age-standardised rate as a line across all bands."""
    colour = look.PALETTE[1]
    for row in wording.records(standardised):
        axes.axhline(row["estimate"], color=colour, linewidth=1, label="Age-standardised, all bands")
        if pd.notna(row["ci_low"]):
            axes.axhspan(row["ci_low"], row["ci_high"], color=colour, alpha=0.12, linewidth=0)
            style.remark(axes, "shaded along the line: its interval")


@of_result
def prevalence(estimates: pd.DataFrame) -> Figure:
    """Draw the prevalence of mild and of moderate-severe cramps by age band with their intervals.

    Where there is no estimate, the figure says why.
    """
    shown = _severities(estimates)
    bands = points.single_groups(shown, "population")
    if bands.empty:
        return could_not_estimate(_reason(shown))
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        _prevalence(figure.subplots(), shown, bands)
    return figure


def _severities(estimates: pd.DataFrame) -> pd.DataFrame:
    shown = kinds.PREVALENCE.rows(estimates)
    return shown[shown["level"].isin(SEVERITIES)]


def _prevalence(axes: Axes, shown: pd.DataFrame, bands: pd.DataFrame) -> None:
    labels = _in_order(shown["population"], bands["population"])
    series = {wording.recalled(name): bands[bands["level"] == name] for name in SEVERITIES}
    points.draw(axes, series, points.Groups("population", labels, factor=100))
    axes.set_xlabel(wording.grouping(str(bands["term"].iloc[0])))
    axes.set_ylabel("Prevalence in the past month (%)")


@of_result
def age_curve(estimates: pd.DataFrame) -> Figure:
    """Draw the rate or the prevalence as a curve over age with its pointwise interval, cut where it is very wide.

    A rug shows the participants by year of age. Where the rows have the rate or the prevalence of age bands as well,
    these stand beside. Where there is no estimate, the figure says why.
    """
    rows = kinds.AGE_CURVE.rows(estimates)
    drawn = points.estimated(rows)
    rated, shown = points.single_groups(kinds.INCIDENCE_RATE.rows(estimates), "level"), _severities(estimates)
    asked = points.single_groups(shown, "population")
    if drawn.empty and rated.empty and asked.empty:
        return could_not_estimate(_reason(rows))
    panels = [partial(_curve, drawn=drawn)] if len(drawn) else []
    if len(rated):
        panels.append(partial(_rates, estimates=estimates, bands=rated))
    elif len(asked):
        panels.append(partial(_prevalence, shown=shown, bands=asked))
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9 if len(panels) == 1 else 2.5))
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for each, draw in zip(axes, panels, strict=True):
            draw(each)
        if len(panels) == 2:
            _side_by_side(*axes)
    return figure


def _side_by_side(left: Axes, right: Axes) -> None:
    """Give two panels of one unit one height; the right one has no room for numbers of participants."""
    top = max(left.get_ylim()[1], right.get_ylim()[1])
    left.set_ylim(0, top)
    right.set_ylim(0, top)
    right.set_ylabel("")
    right.set_xticklabels([label.get_text().partition("\n")[0] for label in right.get_xticklabels()])
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1)


def _curve(axes: Axes, drawn: pd.DataFrame) -> None:
    import seaborn as sns

    rate = drawn["scale"].iloc[0] == "rate"
    factor = 1 if rate else 100
    for colour, (outcome, rows) in zip(look.PALETTE, drawn.groupby("outcome", sort=False), strict=False):
        ages = rows["level"].astype(int)
        low, high = (rows[limit] * factor for limit in ("ci_low", "ci_high"))
        axes.fill_between(ages, low, high, color=colour, alpha=0.16, linewidth=0)
        name = wording.outcome(str(outcome))
        values = rows["estimate"] * factor
        sns.lineplot(x=ages, y=values, color=colour, label=name, legend=False, errorbar=None, ax=axes)
    # An interval of few people at the ends of life would leave no room for the curve; of people all alike is none.
    highest = float(drawn[["ci_high", "estimate"]].max().max())
    top = factor * min(highest, _TALLEST * float(drawn["estimate"].max()))
    axes.set_ylim(0, top)
    style.remark(axes, style.CUT, when=factor * highest > top)
    every = drawn["level"].astype(int)
    axes.set_xlim(every.min(), every.max())
    _rug(axes, drawn[drawn["outcome"] == drawn["outcome"].iloc[0]], top)
    axes.set_xlabel("Age (years)")
    axes.set_ylabel("Cramps per person-week" if rate else "Prevalence in the past month (%)")
    if not rate:
        style.legend_above(axes)
    style.grid(axes, "y")


def _rug(axes: Axes, rows: pd.DataFrame, top: float) -> None:
    """Draw how many participants are of each age, the longer the more, along the bottom."""
    counts = rows["n_exposed"].astype("float").fillna(0.0)
    if counts.max() > 0:
        height = _RUG * top * counts / counts.max()
        axes.vlines(rows["level"].astype(int), 0, height, color=look.INK, linewidth=0.7, alpha=0.6)


def _in_order(every: pd.Series[str], drawn: pd.Series[str]) -> list[str]:
    """Return the groups that are drawn, each once, in the order of all rows."""
    return list(dict.fromkeys(every[every.isin(drawn)]))


def _reason(estimates: pd.DataFrame) -> str:
    return tables.reasons(estimates) or "there is no estimate"
