"""How common cramps are: rates and prevalence by age band, and the smooth curve over age."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import tables, wording
from crampstudy.codebook.recalled import SEVERITIES
from crampstudy.estimates import kinds
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_TALLEST = 5.0
"""How many times the highest rate an axis reaches, where intervals reach further."""


def rates(estimates: pd.DataFrame) -> Figure:
    """Draw incidence rates by group with their intervals, and the age-standardised rate as a line.

    Where there is no estimate, the figure says why.
    """
    crude = kinds.INCIDENCE_RATE.rows(estimates)
    bands = _single_bands(crude, "level")
    if bands.empty:
        return could_not_estimate(_reason(crude))
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        _points(axes, bands, "level", factor=1, colour=style.PALETTE[0], offset=0, label="Incidence rate (crude)")
        standardised = _estimated(kinds.STANDARDISED_RATE.rows(estimates))
        for row in wording.records(standardised):
            axes.axhline(row["estimate"], color=style.PALETTE[1], linewidth=1, label="Age-standardised, all bands")
            if pd.notna(row["ci_low"]):
                axes.axhspan(row["ci_low"], row["ci_high"], color=style.PALETTE[1], alpha=0.12, linewidth=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(wording.grouping(str(bands["term"].iloc[0])))
        axes.set_ylabel("Cramps per person-week")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        _grid(axes)
    return figure


def prevalence(estimates: pd.DataFrame) -> Figure:
    """Draw the prevalence of mild and of moderate-severe cramps by age band with their intervals.

    Where there is no estimate, the figure says why.
    """
    shown = kinds.PREVALENCE.rows(estimates)
    shown = shown[shown["level"].isin(SEVERITIES)]
    bands = _single_bands(shown, "population")
    if bands.empty:
        return could_not_estimate(_reason(shown))
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        for position, name in enumerate(SEVERITIES):
            rows = bands[bands["level"] == name]
            shift, colour = (position - 0.5) * 0.16, style.PALETTE[position]
            _points(axes, rows, "population", factor=100, colour=colour, offset=shift, label=wording.recalled(name))
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Prevalence in the past month (%)")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        _grid(axes)
    return figure


def age_curve(estimates: pd.DataFrame) -> Figure:
    """Draw the rate or the prevalence as a curve over age with its pointwise interval, cut where it is very wide.

    Where there is no estimate, the figure says why.
    """
    rows = kinds.AGE_CURVE.rows(estimates)
    drawn = _estimated(rows)
    if drawn.empty:
        return could_not_estimate(_reason(rows))
    rate = drawn["scale"].iloc[0] == "rate"
    factor = 1 if rate else 100
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.9))
        axes = figure.subplots()
        for position, (outcome, rows) in enumerate(drawn.groupby("outcome", sort=False)):
            ages = rows["level"].astype(int).to_numpy()
            colour = style.PALETTE[position]
            axes.fill_between(
                ages, rows["ci_low"] * factor, rows["ci_high"] * factor, color=colour, alpha=0.16, linewidth=0
            )
            axes.plot(ages, rows["estimate"] * factor, color=colour, label=wording.outcome(str(outcome)))
        # An interval of few people at the ends of life would leave no room for the curve.
        axes.set_ylim(
            0, min(factor * float(drawn["ci_high"].max()), _TALLEST * factor * float(drawn["estimate"].max()))
        )
        every = drawn["level"].astype(int)
        axes.set_xlim(every.min(), every.max())
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Cramps per person-week" if rate else "Prevalence in the past month (%)")
        if not rate:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        _grid(axes)
    return figure


def _single_bands(estimates: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of single groups; a summary such as 50+ or all overlaps with them and is not drawn among them."""
    labels = list(dict.fromkeys(estimates[column]))
    open_ended = [label for label in labels if label.endswith("+")]
    oldest = max(open_ended, key=lambda label: int(label[:-1]), default=None)
    single = [label for label in labels if label != "all" and (label not in open_ended or label == oldest)]
    return _estimated(estimates[estimates[column].isin(single)])


def _estimated(estimates: pd.DataFrame) -> pd.DataFrame:
    return estimates[estimates["status"].isin(["converged", "boundary"]) & estimates["estimate"].notna()]


def _reason(estimates: pd.DataFrame) -> str:
    return tables.reasons(estimates) or "there is no estimate"


def _points(
    axes: Axes, rows: pd.DataFrame, column: str, *, factor: float, colour: str, offset: float, label: str
) -> None:
    middle = rows["estimate"].to_numpy() * factor
    spread = np.vstack([middle - rows["ci_low"].to_numpy() * factor, rows["ci_high"].to_numpy() * factor - middle])
    at = np.arange(len(rows))
    axes.errorbar(at + offset, middle, yerr=np.maximum(spread, 0), fmt="o", color=colour, label=label)
    axes.set_xticks(at, [wording.level(str(text)) for text in rows[column]])
    axes.set_xlim(-0.5, len(rows) - 0.5)


def _grid(axes: Axes) -> None:
    axes.grid(axis="y")
    axes.tick_params(axis="y", length=0)
