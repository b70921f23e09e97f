"""How common cramps are: rates and prevalence by age band, and the smooth curve over age."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import tables, wording
from crampstudy.codebook.recalled import SEVERITIES
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate

_TALLEST = 5.0
"""How many times the highest rate an axis reaches, where intervals reach further."""


@of_result
def rates(estimates: pd.DataFrame) -> Figure:
    """Draw incidence rates by group with their intervals, and the age-standardised rate as a line.

    Where there is no estimate, the figure says why.
    """
    crude = kinds.INCIDENCE_RATE.rows(estimates)
    bands = points.single_groups(crude, "level")
    if bands.empty:
        return could_not_estimate(_reason(crude))
    labels = _in_order(crude["level"], bands["level"])
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        _standard(axes, points.estimated(kinds.STANDARDISED_RATE.rows(estimates)))
        points.draw(axes, {"Incidence rate (crude)": bands}, points.Groups("level", labels))
        axes.set_xlabel(wording.grouping(str(bands["term"].iloc[0])))
        axes.set_ylabel("Cramps per person-week")
    return figure


def _standard(axes: Axes, standardised: pd.DataFrame) -> None:
    """Draw the age-standardised rate as a line across all bands."""
    colour = style.PALETTE[1]
    for row in wording.records(standardised):
        axes.axhline(row["estimate"], color=colour, linewidth=1, label="Age-standardised, all bands")
        if pd.notna(row["ci_low"]):
            axes.axhspan(row["ci_low"], row["ci_high"], color=colour, alpha=0.12, linewidth=0)


@of_result
def prevalence(estimates: pd.DataFrame) -> Figure:
    """Draw the prevalence of mild and of moderate-severe cramps by age band with their intervals.

    Where there is no estimate, the figure says why.
    """
    shown = kinds.PREVALENCE.rows(estimates)
    shown = shown[shown["level"].isin(SEVERITIES)]
    bands = points.single_groups(shown, "population")
    if bands.empty:
        return could_not_estimate(_reason(shown))
    labels = _in_order(shown["population"], bands["population"])
    series = {wording.recalled(name): bands[bands["level"] == name] for name in SEVERITIES}
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        points.draw(axes, series, points.Groups("population", labels, factor=100))
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Prevalence in the past month (%)")
    return figure


@of_result
def age_curve(estimates: pd.DataFrame) -> Figure:
    """Draw the rate or the prevalence as a curve over age with its pointwise interval, cut where it is very wide.

    Where there is no estimate, the figure says why.
    """
    import seaborn as sns

    rows = kinds.AGE_CURVE.rows(estimates)
    drawn = points.estimated(rows)
    if drawn.empty:
        return could_not_estimate(_reason(rows))
    rate = drawn["scale"].iloc[0] == "rate"
    factor = 1 if rate else 100
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        for colour, (outcome, rows) in zip(style.PALETTE, drawn.groupby("outcome", sort=False), strict=False):
            ages = rows["level"].astype(int)
            low, high = (rows[limit] * factor for limit in ("ci_low", "ci_high"))
            axes.fill_between(ages, low, high, color=colour, alpha=0.16, linewidth=0)
            name = wording.outcome(str(outcome))
            values = rows["estimate"] * factor
            sns.lineplot(x=ages, y=values, color=colour, label=name, legend=False, errorbar=None, ax=axes)
        # An interval of few people at the ends of life would leave no room for the curve.
        axes.set_ylim(
            0, min(factor * float(drawn["ci_high"].max()), _TALLEST * factor * float(drawn["estimate"].max()))
        )
        every = drawn["level"].astype(int)
        axes.set_xlim(every.min(), every.max())
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Cramps per person-week" if rate else "Prevalence in the past month (%)")
        if not rate:
            style.legend_above(axes)
        style.grid(axes, "y")
    return figure


def _in_order(every: pd.Series[str], drawn: pd.Series[str]) -> list[str]:
    """Return the groups that are drawn, each once, in the order of all rows."""
    return list(dict.fromkeys(every[every.isin(drawn)]))


def _reason(estimates: pd.DataFrame) -> str:
    return tables.reasons(estimates) or "there is no estimate"
