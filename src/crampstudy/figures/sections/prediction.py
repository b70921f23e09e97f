"""How right predicted probabilities are, and what a model gains over a moving average, by how often cramps come."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import points, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.tables.sections.prediction import asked_of, predictor

_PANELS, _COLUMNS = 9, 3
_BARS = 0.22
"""Share of a panel's height that the bar of the most nights has."""
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
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
        # One way of holding back is drawn, the first.
        _calibration(left, curve[curve["model"] == curve["model"].iloc[0]])
        _skill(right, skill[skill["model"] == curve["model"].iloc[0]])
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


@of_result
def partial_dependence(estimates: pd.DataFrame) -> Figure:
    """Draw what models expect where everybody has one value of a number, over bars of the nights with a value near it.

    There are at most nine numbers, those along which most differs. Where hardly anybody is near, a line has a gap.
    Where there is no curve, the figure says why.
    """
    every = kinds.DEPENDENCE_CURVE.rows(estimates)
    drawn = points.estimated(every)
    if drawn.empty:
        return could_not_estimate(tables.reasons(every) or "no number with a declared contrast was measured")
    by_model = drawn.groupby(["term", "model"], sort=False)["estimate"]
    rise = (by_model.max() - by_model.min()).groupby("term", sort=False).max()
    shown = rise.nlargest(_PANELS).index
    terms = [term for term in rise.index if term in shown]
    columns = min(len(terms), _COLUMNS)
    lines = -(-len(terms) // columns)
    models = list(dict.fromkeys(every["model"]))
    with style.journal(axes_titlesize=8, xtick_labelsize=7, ytick_labelsize=7, axes_labelsize=7.5):
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.7 + 1.4 * lines))
        panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
        for axes, term in zip(panels, terms, strict=False):
            _curves(axes, every[every["term"] == term], models)
        for axes in panels[len(terms) :]:
            axes.remove()
        kept = drawn[drawn["term"].isin(terms)]
        panels[0].set_ylim(0, 1.12 * float(kept["estimate"].max()))
        counted = drawn["scale"].iloc[0] == "rate"
        figure.supylabel("Expected cramps a week" if counted else "Expected probability", fontsize=8)
        if len(models) > 1:
            marks = {label: handle for axes in panels[: len(terms)] for handle, label in _handles(axes)}
            figure.legend(marks.values(), marks.keys(), loc="outside upper left", ncols=2)
    return figure


def _handles(axes: Axes) -> list[tuple[Any, str]]:
    return list(zip(*axes.get_legend_handles_labels(), strict=True))


def _curves(axes: Axes, rows: pd.DataFrame, models: list[str]) -> None:
    first = rows[rows["model"] == rows["model"].iloc[0]]
    at = first["level"].astype(float).to_numpy()
    near = first["n_nights"].fillna(first["n_participants"]).astype(float).to_numpy()
    bottom = axes.get_xaxis_transform()
    width = 0.9 * np.diff(at).min()
    axes.bar(at, _BARS * near / near.max(), width, color=look.RULE, alpha=0.35, transform=bottom)
    for model, own in rows.groupby("model", sort=False):
        place = models.index(str(model))
        x, colour = own["level"].astype(float), look.PALETTE[place]
        label, mark = asked_of(str(model)), look.MARKERS[place]
        axes.plot(x, own["estimate"], marker=mark, markersize=2.5, markeredgewidth=0, color=colour, label=label)
    term = str(rows["term"].iloc[0])
    known = wording.variable(term)
    axes.set_title(wording.term(term))
    unit = known.unit if known and known.unit else ""
    axes.set_xlabel("points" if re.fullmatch(r"\d+-\d+", unit) else unit)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    style.grid(axes, "y")


def _calibration(axes: Axes, curve: pd.DataFrame) -> None:
    said = curve["level"].astype(float)
    top = 1.04 * float(max(said.max(), curve["ci_high"].fillna(curve["estimate"]).max()))
    axes.plot([0, top], [0, top], color=look.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
    looks = zip(look.PALETTE, look.MARKERS, strict=True)
    for (name, own), (colour, marker) in zip(curve.groupby("term", sort=False), looks, strict=False):
        at = own["level"].astype(float)
        axes.vlines(at, own["ci_low"], own["ci_high"], color=colour, alpha=0.6)
        label = wording.capital(str(name))
        axes.plot(at, own["estimate"], marker, color=colour, markersize=4, markeredgewidth=0, label=label)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="Predicted probability", ylabel="Observed share", title="Calibration")
    style.grid(axes, "y")


def _skill(axes: Axes, skill: pd.DataFrame) -> None:
    rows = skill.assign(label=[predictor(row) for row in wording.records(skill)])
    labels = list(dict.fromkeys(rows["label"]))
    places = {label: len(labels) - 1 - i for i, label in enumerate(labels)}
    groups = list(rows.groupby("outcome", sort=False))
    for i, (_, own) in enumerate(groups):
        y = np.array([places[label] for label in own["label"]]) + 0.13 * ((len(groups) - 1) - 2 * i)
        low, high = (own[name].clip(lower=_LOWEST) * 100 for name in ("ci_low", "ci_high"))
        axes.hlines(y, low, high, color=look.PALETTE[i])
        name = "Count" if own["outcome"].iloc[0] == "cramps" else "Probability"
        looks: dict[str, Any] = {"color": look.PALETTE[i], "markersize": look.MARKER, "markeredgewidth": 0}
        axes.plot(own["estimate"].clip(lower=_LOWEST) * 100, y, look.MARKERS[i], label=name, **looks)
    axes.axvline(0, color=look.RULE, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yticks(list(places.values()), list(places))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    against = str(rows["reference"].iloc[0])
    axes.set(xlabel=f"Skill against the {against} (%)", ylabel="", title="Skill")
    if len(groups) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    style.grid(axes, "x")
