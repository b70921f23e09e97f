"""Published trials as a forest: each with its interval, the pool as a diamond, the next trial below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, wording
from crampstudy.codebook.contrasts import margin
from crampstudy.estimates.facts import fact
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.estimates.results import of_result
from crampstudy.evidence.pools import NOBODY
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS
from crampstudy.evidence.rows import OUTCOME
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_ROW = 0.185
"""Inches a line."""
_WINDOW = 6.0
"""Intervals that reach further end there in an arrow."""
_WIDTHS = (2.5, 1.5, 2.5)
_AT = {"n": 0.12, "number": 0.64, "weight": 0.83, "bias": 1.0}
"""Where the columns on the right end, as shares of their width."""
_SMALL = 7.2
_PUBLISHED, _COHORT = look.PALETTE[6], look.PALETTE[1]
_SHORT = {"some concerns": "some"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the figure: a heading where ``row`` is ``None``; ``kind`` says how its row is drawn."""

    label: str
    row: Mapping[str, Any] | None = None
    kind: str = "heading"
    weight: float | None = None


@of_result
def forest(estimates: pd.DataFrame) -> Figure:
    """Draw the trials of each treatment and population, published pools, their pool, and the next trial.

    Squares are as large as the weight of their trial; open diamonds are published pools, which are never pooled again,
    the filled one is the pool by REML with its Hartung-Knapp interval, and the bar below it the prediction interval.
    The cohort's own contrast stands apart. Trials without a number are left to the table; where there is none to pool
    the line says so.
    """
    lines = list(_lines(estimates))
    if all(line.row is None for line in lines):
        return could_not_estimate("no published trial has a number of cramps a week")
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.85 + _ROW * len(lines)))
        left, axes, right = figure.subplots(1, 3, sharey=True, width_ratios=_WIDTHS)
        # A long name reaches over lines that have nothing to draw.
        left.set_zorder(axes.get_zorder() + 1)
        left.patch.set_visible(False)
        for side in (left, right):
            side.set_xlim(0, 1)
            side.axis("off")
        axes.set_ylim(len(lines) - 0.3, -1.2)
        _frame(axes, lines)
        _heads(left, right, estimates)
        for at, line in enumerate(lines):
            _write(left, right, at, line)
            if line.row is not None:
                _draw(axes, at, line, line.row)
    return figure


def _lines(estimates: pd.DataFrame) -> Iterator[_Line]:
    for (agent, population), own in estimates.groupby(["term", "population"], sort=False):
        said = _unpooled(own)
        whom = "" if population == NOBODY else f", {population}"
        yield _Line(f"{wording.capital(wording.term(str(agent)))}{whom}{said and f': {said}'}")
        yield from _of_pool(own)


def _unpooled(own: pd.DataFrame) -> str:
    """Return why there is no pool, in a few words; empty where there is one."""
    pooled = kinds.POOLED.rows(own)
    lost = pooled[pooled["estimate"].isna()]
    if lost.empty:
        return ""
    return "one trial, nothing to pool" if lost["n_groups"].iloc[0] == 1 else "no poolable trial"


def _of_pool(own: pd.DataFrame) -> Iterator[_Line]:
    weights = dict(zip(kinds.WEIGHT.rows(own)["level"], kinds.WEIGHT.rows(own)["estimate"], strict=True))
    for kind, drawn in ((kinds.TRIAL, "trial"), (kinds.PUBLISHED_POOL, "published")):
        for row in wording.records(kind.rows(own)):
            left_out = drawn == "trial" and bool(fact(row, "left out"))
            if pd.notna(row["estimate"]) and not left_out:
                yield _Line(str(row["level"]), row, drawn, weights.get(str(row["level"])))
    pooled = kinds.POOLED.rows(own)
    for row in wording.records(pooled[pooled["level"].eq(ERRORS[0]) & pooled["estimate"].notna()])[:1]:
        yield _Line("Pooled, random effects", row, "pool")
    following = kinds.PREDICTION.rows(own)
    for row in wording.records(following[following["level"].eq(PREDICTIONS[0]) & following["estimate"].notna()]):
        yield _Line("Prediction interval", row, "next")
    for row in wording.records(kinds.COHORT_TRIAL.rows(own)):
        yield _Line(str(row["level"]), row, "cohort")


def _frame(axes: Axes, lines: list[_Line]) -> None:
    """Set the axis: the line of no difference, what is too small to matter, and what each side favours."""
    rows = [line.row for line in lines if line.row is not None]
    cells = [row[name] for row in rows for name in ("estimate", "ci_low", "ci_high") if pd.notna(row[name])]
    low, high = np.clip([min(*cells, -2.0), max(*cells, 2.0)], -_WINDOW, _WINDOW)
    axes.set_xlim(low - 0.15, high + 0.15)
    declared = margin(OUTCOME)
    if declared is not None:
        axes.axvspan(-declared.size, declared.size, color=look.SHADE, linewidth=0, zorder=0)
    axes.axvline(0, color=look.RULE, linewidth=0.8, zorder=1)
    level = next((row["ci_level"] for row in rows if pd.notna(row["ci_level"])), 0.95)
    axes.set_xlabel(f"Difference in cramps a week ({100 * level:g}% CI)", labelpad=16)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelleft=False)
    for edge, side, said in ((-0.08, "right", "← favours treatment"), (0.08, "left", "favours comparator →")):
        axes.annotate(
            said,
            (edge, 0),
            (0, -18),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=_SMALL,
        )


def _heads(left: Axes, right: Axes, estimates: pd.DataFrame) -> None:
    bold: dict[str, Any] = {"fontsize": _SMALL, "fontweight": 600, "va": "center", "in_layout": False}
    left.text(0, -0.85, "Study", **bold)
    for name, text in (("n", "n"), ("number", "Difference"), ("weight", "Weight"), ("bias", "Bias")):
        right.text(_AT[name], -0.85, text, ha="right", **bold)


def _write(left: Axes, right: Axes, at: int, line: _Line) -> None:
    """Write the texts of a line: the study on the left; participants, numbers, weight and risk of bias on the right."""
    # The columns have their widths, whatever is written in them.
    small: dict[str, Any] = {"fontsize": _SMALL, "va": "center", "in_layout": False}
    heading = line.row is None
    bold = heading or line.kind == "pool"
    colour = _COHORT if line.kind == "cohort" else look.INK
    # A long heading stands on what is shaded.
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if heading else None
    left.text(
        *(0 if heading else 0.03, at, line.label), fontweight=600 if bold else 400, color=colour, bbox=ground, **small
    )
    if line.row is None:
        return
    numbers = wording.estimate(line.row)
    own = style.of_row(line.row)
    if line.kind == "next":
        numbers = numbers.partition(" ")[2].strip("()")
    if pd.notna(line.row["n_participants"]) and line.kind != "next":
        right.text(_AT["n"], at, wording.count(line.row["n_participants"]), ha="right", **small, **own)
    right.text(_AT["number"], at, numbers, ha="right", fontweight=600 if bold else 400, color=colour, **small, **own)
    if line.weight is not None:
        right.text(_AT["weight"], at, f"{100 * line.weight:.0f}%", ha="right", **small)
    bias = fact(line.row, "risk of bias") if line.kind == "trial" else ""
    right.text(_AT["bias"], at, _SHORT.get(bias, bias), ha="right", **small)


def _draw(axes: Axes, at: int, line: _Line, row: Mapping[str, Any]) -> None:
    estimate, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    edges = axes.get_xlim()
    shown = np.clip([low, high], *edges)
    colour = {"published": _PUBLISHED, "cohort": _COHORT}.get(line.kind, look.PALETTE[0])
    if line.kind in ("pool", "published"):
        filled = line.kind == "pool"
        height = 0.32 if filled else 0.22
        corners = [(shown[0], at), (np.clip(estimate, *edges), at - height), (shown[1], at)]
        corners.append((corners[1][0], at + height))
        axes.fill(*zip(*corners, strict=True), facecolor=colour if filled else "white", edgecolor=colour, linewidth=0.8)
    elif line.kind == "next":
        axes.plot(shown, [at, at], color=colour, linewidth=4, solid_capstyle="butt", alpha=0.45)
    else:
        axes.plot(shown, [at, at], color=colour, linewidth=1.1)
        size = 3.2 + 4.5 * np.sqrt(line.weight) if line.weight is not None else 4.6
        marker = "D" if line.kind == "cohort" else "s"
        if edges[0] <= estimate <= edges[1]:
            axes.plot(estimate, at, marker, color=colour, markersize=size, markeredgewidth=0)
    for limit, edge, arrow in ((low < edges[0], edges[0], "<"), (high > edges[1], edges[1], ">")):
        if limit:
            axes.plot(edge, at, arrow, color=colour, markersize=4, clip_on=False)
            style.remark(axes, style.ARROW)
            style.remark(axes, style.OUTSIDE, when=not edges[0] <= estimate <= edges[1])
