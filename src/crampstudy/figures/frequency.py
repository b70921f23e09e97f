"""How common cramps are: rates and prevalence by age band, and the smooth curve over age."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import wording
from crampstudy.errors import AnalysisError
from crampstudy.figures import style

_CLASSES = ("mild", "moderate-severe")
_CURVES = {"any_cramp": "Any cramp", "moderate_severe_vs_rest": "Moderate-severe"}


def rates(estimates: pd.DataFrame) -> Figure:
    """Draw incidence rates by group with their intervals, and the age-standardised rate as a line.

    Raises:
        AnalysisError: no rate could be estimated.
    """
    bands = _single_bands(estimates[estimates["analysis"] == "incidence rate"], "level")
    with style.journal():
        figure, axes = plt.subplots(figsize=(style.TEXT_WIDTH, 2.9))
        _points(axes, bands, "level", factor=1, colour=style.PALETTE[0], offset=0, label="Incidence rate (crude)")
        standardised = estimates[
            (estimates["analysis"] == "age-standardised incidence rate") & (estimates["status"] == "converged")
        ]
        for row in standardised.to_dict("records"):
            axes.axhline(row["estimate"], color=style.PALETTE[1], linewidth=1, label="Age-standardised, all bands")
            axes.axhspan(row["ci_low"], row["ci_high"], color=style.PALETTE[1], alpha=0.12, linewidth=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Cramps per person-week")
        axes.legend(loc="upper left")
        _grid(axes)
    return figure


def prevalence(estimates: pd.DataFrame) -> Figure:
    """Draw the prevalence of mild and of moderate-severe cramps by age band with their intervals.

    Raises:
        AnalysisError: no prevalence could be estimated.
    """
    shown = estimates[(estimates["analysis"] == "prevalence") & estimates["level"].isin(_CLASSES)]
    bands = _single_bands(shown, "population")
    with style.journal():
        figure, axes = plt.subplots(figsize=(style.TEXT_WIDTH, 2.9))
        for position, name in enumerate(_CLASSES):
            rows = bands[bands["level"] == name]
            shift, colour = (position - 0.5) * 0.16, style.PALETTE[position]
            _points(axes, rows, "population", factor=100, colour=colour, offset=shift, label=wording.recalled(name))
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Prevalence in the past month (%)")
        axes.legend(loc="upper left", title="Recalled frequency")
        _grid(axes)
    return figure


def age_curve(estimates: pd.DataFrame) -> Figure:
    """Draw the rate or the prevalence as a curve over age with its pointwise interval.

    Raises:
        AnalysisError: no curve could be estimated.
    """
    drawn = _estimated(estimates)
    rate = drawn["scale"].iloc[0] == "rate"
    factor = 1 if rate else 100
    with style.journal():
        figure, axes = plt.subplots(figsize=(style.TEXT_WIDTH, 2.9))
        for position, (outcome, rows) in enumerate(drawn.groupby("outcome", sort=False)):
            ages = rows["level"].astype(int).to_numpy()
            colour = style.PALETTE[position]
            axes.fill_between(
                ages, rows["ci_low"] * factor, rows["ci_high"] * factor, color=colour, alpha=0.16, linewidth=0
            )
            axes.plot(ages, rows["estimate"] * factor, color=colour, label=_CURVES.get(str(outcome)))
        axes.set_ylim(bottom=0)
        axes.set_xlim(ages.min(), ages.max())
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Cramps per person-week" if rate else "Prevalence in the past month (%)")
        if not rate:
            axes.legend(loc="upper left")
        _grid(axes)
    return figure


def _single_bands(estimates: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of single bands; a summary such as 50+ overlaps with them and is not drawn among them."""
    labels = list(dict.fromkeys(estimates[column]))
    open_ended = [label for label in labels if label.endswith("+")]
    oldest = max(open_ended, key=lambda label: int(label[:-1]), default=None)
    return _estimated(estimates[estimates[column].map(lambda label: not label.endswith("+") or label == oldest)])


def _estimated(estimates: pd.DataFrame) -> pd.DataFrame:
    drawn = estimates[estimates["status"].isin(["converged", "boundary"]) & estimates["estimate"].notna()]
    if drawn.empty:
        raise AnalysisError(f"nothing to draw: {wording.reasons(estimates) or 'no estimate was made'}")
    return drawn


def _points(
    axes: Axes, rows: pd.DataFrame, column: str, *, factor: float, colour: str, offset: float, label: str
) -> None:
    middle = rows["estimate"].to_numpy() * factor
    spread = np.vstack([middle - rows["ci_low"].to_numpy() * factor, rows["ci_high"].to_numpy() * factor - middle])
    at = np.arange(len(rows))
    axes.errorbar(at + offset, middle, yerr=np.maximum(spread, 0), fmt="o", color=colour, label=label)
    axes.set_xticks(at, [wording.band(str(text)) for text in rows[column]])
    axes.set_xlim(-0.5, len(rows) - 0.5)


def _grid(axes: Axes) -> None:
    axes.grid(axis="y")
    axes.tick_params(axis="y", length=0)
