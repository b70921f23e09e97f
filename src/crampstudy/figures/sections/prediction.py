"""How right predicted probabilities are, and what a model gains over a moving average, by how often cramps come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.tables.sections.prediction import predictor

_LOWEST = -1.0
"""A skill below this is drawn at the edge: a score twice as large as that of the simple rule."""


@of_result
def prediction(estimates: pd.DataFrame) -> Figure:
    """Draw on the left how often it happened where about a probability was said, on the right skill by stratum.

    Where there is no estimate, the figure says why.
    """
    every = kinds.PREDICTION_SKILL.rows(estimates)
    curve = points.estimated(kinds.CALIBRATION_POINT.rows(estimates))
    skill = points.estimated(every)
    if curve.empty or skill.empty:
        return could_not_estimate(tables.reasons(every) or "there is no estimate")
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.9))
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
        # One way of holding back is drawn, the first.
        _calibration(left, curve[curve["model"] == curve["model"].iloc[0]])
        _skill(right, skill[skill["model"] == curve["model"].iloc[0]])
    return figure


def _calibration(axes: Axes, curve: pd.DataFrame) -> None:
    said = curve["level"].astype(float)
    top = 1.04 * float(max(said.max(), curve["ci_high"].fillna(curve["estimate"]).max()))
    axes.plot([0, top], [0, top], color=style.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
    looks = zip(style.PALETTE, style.MARKERS, strict=True)
    for (name, own), (colour, marker) in zip(curve.groupby("term", sort=False), looks, strict=False):
        at = own["level"].astype(float)
        axes.vlines(at, own["ci_low"], own["ci_high"], color=colour, alpha=0.6)
        label = wording.capital(str(name))
        axes.plot(at, own["estimate"], marker, color=colour, markersize=4, markeredgewidth=0, label=label)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="Predicted probability", ylabel="Observed share", title="Calibration")
    axes.legend(loc="lower right")
    style.grid(axes, "y")


def _skill(axes: Axes, skill: pd.DataFrame) -> None:
    rows = skill.assign(label=[predictor(row) for row in wording.records(skill)])
    labels = list(dict.fromkeys(rows["label"]))
    places = {label: len(labels) - 1 - i for i, label in enumerate(labels)}
    groups = list(rows.groupby("outcome", sort=False))
    for i, (_, own) in enumerate(groups):
        y = np.array([places[label] for label in own["label"]]) + 0.13 * ((len(groups) - 1) - 2 * i)
        low, high = (own[name].clip(lower=_LOWEST) * 100 for name in ("ci_low", "ci_high"))
        axes.hlines(y, low, high, color=style.PALETTE[i])
        name = "Count" if own["outcome"].iloc[0] == "cramps" else "Probability"
        looks: dict[str, Any] = {"color": style.PALETTE[i], "markersize": style.MARKER, "markeredgewidth": 0}
        axes.plot(own["estimate"].clip(lower=_LOWEST) * 100, y, style.MARKERS[i], label=name, **looks)
    axes.axvline(0, color=style.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yticks(list(places.values()), list(places))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    against = str(rows["reference"].iloc[0])
    axes.set(xlabel=f"Skill against the {against} (%)", ylabel="", title="Skill")
    if len(groups) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    style.grid(axes, "x")
