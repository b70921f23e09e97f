"""Ratios of conditions at two ages as a forest of two marks a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from crampstudy import estimates as tidy
from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.figures import columns, intervals, style
from crampstudy.figures.factors import log_axis
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.tables.sections.conditions import AT_AGES, labels

_ROW = 0.28
"""Inches of a row."""
_LETTERS = 32
"""Of a line of a name."""
_WITH_IT = "With it / all"
_PLACES = (0.0, -0.23, 0.23)
_COLOURS = (look.PALETTE[-1], *look.PALETTE[:2])
_MARKERS = ("D", "o", "s")
"""What is drawn at all ages, at 50 and at 75: where in its row, and how."""


@of_result
def ratios_by_age(estimates: pd.DataFrame) -> Figure:
    """Draw the ratio of each condition at 50 and at 75 years on a log axis, with how many have it.

    What has no ratio by age is drawn at all ages, and what too few have is left to the table. The band shows which
    ratios are as good as 1.
    Where there is no ratio at all, the figure says why.
    """
    # The contrast first, lest a ratio per unit take its place where too few tell of it.
    compared = tidy.at_contrasts(tidy.ratios(estimates))
    rows = estimated(compared[compared["verdict"].ne("too few").fillna(value=True)])
    rows = rows.assign(label=[_in_lines(label) for label in labels(rows)])
    aged = rows[rows["analysis"].isin([kind.name for kind in AT_AGES])]
    rest = kinds.CONDITION.rows(rows)
    drawn = {
        kinds.CONDITION.label: rest[~rest["label"].isin(aged["label"])],
        **{kind.label: kind.rows(aged) for kind in AT_AGES},
    }
    shown = pd.concat(drawn.values())
    if shown.empty:
        # Why there is no ratio by age is of another figure.
        few = "too few participants bear on any of them to be drawn" if compared["estimate"].notna().any() else ""
        reasons = tables.reasons(kinds.CONDITION.rows(estimates))
        return could_not_estimate(few or reasons or "no condition was measured in this cohort")
    places = dict.fromkeys([*rest["label"], *aged["label"]])
    return _forest(drawn, [label for label in places if label in set(shown["label"])])


def _in_lines(label: str) -> str:
    """Return a long name on two lines, what is in brackets on the second."""
    return "\n(".join(label.rsplit(" (", 1)) if len(label) > _LETTERS else label


def _behind(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return how many of the participants have it, of a number how many there are, and the events of all of them."""
    everybody = wording.count(row["n_participants"])
    own = pd.notna(row["level"]) and not wording.is_declared(str(row["term"])) and pd.notna(row["n_exposed"])
    return f"{wording.count(row['n_exposed'])} / {everybody}" if own else everybody, wording.count(row["n_events"])


def _forest(drawn: Mapping[str, pd.DataFrame], order: Sequence[str]) -> Figure:
    """Draw the rows of each series at the places of their labels, those of two ages one above the other."""
    import seaborn as sns

    shown = pd.concat(drawn.values())
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.9 + _ROW * len(order)))
        axes = figure.subplots()
        axes.axvspan(*MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
        axes.axvline(1.0, color=look.RULE, linewidth=0.8)
        ends = log_axis(axes, shown)
        ratios: dict[float, Mapping[str, Any]] = {}
        behind: dict[float, Mapping[str, Any]] = {}
        for (name, rows), place, colour, marker in zip(drawn.items(), _PLACES, _COLOURS, _MARKERS, strict=True):
            if rows.empty:
                continue
            at = rows["label"].map(order.index).to_numpy(dtype=float) + place
            sns.scatterplot(
                x=rows["estimate"].to_numpy(), y=at, color=colour, marker=marker, s=26, linewidth=0, label=name, ax=axes
            )
            intervals.draw(axes, at, rows, ends, colour=colour)
            ratios |= dict(zip(at.tolist(), wording.records(rows), strict=True))
            # What is behind both ages stands once, between them.
            behind |= dict(zip((at - place).tolist(), wording.records(rows), strict=True))
        axes.set_yticks(range(len(order)), list(order), fontsize=7.5, linespacing=0.95)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(order) - 0.4, -0.6)
        level = f"{shown['ci_level'].iloc[0] * 100:g}"
        scale = shown["scale"].iloc[0].replace("_", " ").capitalize()
        axes.set_xlabel(f"{scale} ({level}% CI), log scale")
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(drawn))
        heights = sorted({*ratios, *behind})
        with_it, events = zip(*(_behind(behind[at]) if at in behind else ("", "") for at in heights), strict=True)
        numbers = [wording.estimate(ratios[at]) if at in ratios else "" for at in heights]
        texts = {_WITH_IT: with_it, "Events": events, f"Ratio ({level}% CI)": numbers}
        columns.beside(axes, heights, texts, [ratios.get(at) or behind[at] for at in heights])
    return figure
