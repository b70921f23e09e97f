"""Ratios of conditions at two ages as a forest of two marks a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

_ROW = 0.27
"""Inches of a row."""
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
    compared = tidy.ratios(estimates)
    rows = estimated(tidy.at_contrasts(compared[compared["verdict"].ne("too few").fillna(value=True)]))
    rows = rows.assign(label=_labels(rows))
    aged = rows[rows["analysis"].isin([kind.name for kind in AT_AGES])]
    rest = kinds.CONDITION.rows(rows)
    drawn = {
        kinds.CONDITION.label: rest[~rest["label"].isin(aged["label"])],
        **{kind.label: kind.rows(aged) for kind in AT_AGES},
    }
    shown = pd.concat(drawn.values())
    if shown.empty:
        return could_not_estimate(tables.reasons(estimates) or "no condition was measured in this cohort")
    places = dict.fromkeys([*rest["label"], *aged["label"]])
    return _forest(drawn, [label for label in places if label in set(shown["label"])])


def _labels(rows: pd.DataFrame) -> list[str]:
    counts = rows["n_exposed"].where(rows["level"].notna() & ~rows["term"].map(wording.is_declared))
    return [name if pd.isna(n) else f"{name}, n = {n:,}" for name, n in zip(labels(rows), counts, strict=True)]


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
        written: dict[float, str] = {}
        for (name, rows), place, colour, marker in zip(drawn.items(), _PLACES, _COLOURS, _MARKERS, strict=True):
            if rows.empty:
                continue
            at = rows["label"].map(order.index).to_numpy(dtype=float) + place
            sns.scatterplot(
                x=rows["estimate"].to_numpy(), y=at, color=colour, marker=marker, s=26, linewidth=0, label=name, ax=axes
            )
            intervals.draw(axes, at, rows, ends, colour=colour)
            written |= dict(zip(at.tolist(), map(wording.estimate, wording.records(rows)), strict=True))
        axes.set_yticks(range(len(order)), list(order))
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(order) - 0.4, -0.6)
        level = f"{shown['ci_level'].iloc[0] * 100:g}"
        scale = shown["scale"].iloc[0].replace("_", " ").capitalize()
        axes.set_xlabel(f"{scale} ({level}% CI), log scale")
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(drawn))
        columns.beside(axes, list(written), {f"Ratio ({level}% CI)": list(written.values())})
    return figure
