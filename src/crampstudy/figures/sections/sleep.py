"""Sleep and cramps in both directions, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look, tables, wording
from crampstudy.estimates import declared, kinds
from crampstudy.estimates.results import of_result
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.figures import columns, intervals, style
from crampstudy.figures.factors import numbers
from crampstudy.figures.message import could_not_estimate
from crampstudy.figures.points import estimated
from crampstudy.figures.ratio_axis import set_ratio_axis

_ROW = 0.21
_GROUPS = ("On a cramp night, and the day after", "Before a cramp", "After a cramp (negative control)")


@of_result
def both_directions(estimates: pd.DataFrame) -> Figure:
    """Draw by how many standard deviations scores were worse on cramp nights, and sleep on the nights before cramps.

    Worse is to the right whatever the score; the line stands at no difference. What could not be estimated is left to
    the tables. Where there is nothing at all, the figure says why.
    """
    import seaborn as sns

    rows = estimated(kinds.BOTH_DIRECTIONS.rows(estimates))
    if rows.empty:
        return could_not_estimate(tables.reasons(estimates) or "no score and no sleep was recorded in this cohort")
    rows = rows.assign(group=rows["level"].map(_group))
    at, headings = _places(rows["group"].tolist())
    records = wording.records(rows)
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.8 + _ROW * (max(at) + 1)))
        axes = figure.subplots()
        axes.axvline(0, color=look.RULE, linewidth=0.8)
        for number, colour in enumerate((look.PALETTE[0], look.PALETTE[1], look.PALETTE[6])):
            own = [i for i, group in enumerate(rows["group"]) if group == number]
            y = [at[i] for i in own]
            shown = rows.iloc[own]
            sns.pointplot(
                x=shown["estimate"].to_numpy(),
                y=y,
                orient="h",
                native_scale=True,
                markers=look.MARKERS[number],
                markersize=look.MARKER,
                markeredgewidth=0,
                color=colour,
                linestyle="none",
                errorbar=None,
                ax=axes,
            )
            intervals.draw(axes, y, shown, colour=colour)
        named = {place: _label(row) for place, row in zip(at, records, strict=True)}
        named |= {place: _GROUPS[group] for group, place in headings.items()}
        axes.set_yticks(sorted(named), [named[place] for place in sorted(named)])
        axes.tick_params(axis="y", length=0)
        for place, label in zip(sorted(named), axes.get_yticklabels(), strict=True):
            label.set_fontweight(600 if place in headings.values() else "normal")
        axes.set_ylim(max(at) + 0.7, -0.7)
        axes.set_ylabel("")
        axes.set_xlabel(f"Standard deviations within participants, worse to the right ({_level(rows)}% CI)")
        style.grid(axes, "x")
        axes.spines["left"].set_visible(False)
        columns.beside(axes, at, numbers(rows, _level(rows)), records)
    return figure


def _group(level: str) -> int:
    return 0 if level == "within" else 2 if level.startswith("lead") else 1


def _places(groups: list[int]) -> tuple[list[int], dict[int, int]]:
    """Return the place of each row from above, and of each heading by its group; a heading takes a line."""
    places: list[int] = []
    headings: dict[int, int] = {}
    at = -1
    for group in groups:
        if group not in headings:
            at += 1
            headings[group] = at
        at += 1
        places.append(at)
    return places, headings


def _label(row: Mapping[str, Any]) -> str:
    if row["level"] == "within":
        return wording.outcome(str(row["outcome"]))
    many = wording.counted(int(str(row["level"]).split()[1]), "nights")
    return f"{wording.term(str(row['term']))}, {many} {'after' if _group(row['level']) == 2 else 'before'}"


def _level(rows: pd.DataFrame) -> str:
    return f"{rows['ci_level'].iloc[0] * 100:g}"


@of_result
def usual_sleep(estimates: pd.DataFrame) -> Figure:
    """Draw the prevalence ratios of recalled cramps over usual sleep as curves, and those of depression beside.

    The band is that of ratios that are as good as 1. Where there is nothing to draw, the figure says why.
    """
    shown = kinds.SLEEP_AND_MOOD.rows(estimates)
    rows = estimated(shown[shown["scale"].eq("prevalence_ratio")])
    curve = rows[rows["level"].notna() & ~declared(rows)]
    mood = rows[rows["term"].eq(f"{wording.CONTRAST}phq9_0_27")]
    if curve.empty and mood.empty:
        return could_not_estimate(tables.reasons(estimates) or "neither usual sleep nor depression was recorded")
    outcomes = list(dict.fromkeys(rows["outcome"]))
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 2.9))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        for axes in (left, right):
            axes.axhspan(*MARGINS, color=look.RULE, alpha=0.12, linewidth=0)
            axes.axhline(1, color=look.RULE, linewidth=0.8)
        for number, outcome in enumerate(outcomes):
            colour, label = look.PALETTE[number], wording.outcome(str(outcome))
            own = _with_reference(curve[curve["outcome"] == outcome])
            style.remark(left, style.SHADED, when=len(own) > 0)
            left.fill_between(own["level"], own["ci_low"], own["ci_high"], color=colour, alpha=0.16, linewidth=0)
            drawn = {"color": colour, "marker": look.MARKERS[number], "markeredgewidth": 0}
            # Named even where it has no curve: the colour is that of the point beside it as well.
            left.plot(own["level"], own["estimate"], label=label, **drawn)
            point = mood[mood["outcome"] == outcome]
            right.errorbar(
                [number] * len(point),
                point["estimate"],
                yerr=[point["estimate"] - point["ci_low"], point["ci_high"] - point["estimate"]],
                linestyle="none",
                **drawn,
            )
        _finish(left, right, rows, mood)
    return figure


def _with_reference(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of a curve, in the order of its variable, with its reference, where the ratio is 1."""
    numbers = [tuple(map(float, row)) for row in curve[["level", "estimate", "ci_low", "ci_high"]].to_numpy()]
    numbers += [(float(at), 1.0, 1.0, 1.0) for at in curve["reference"].dropna().unique()]
    return pd.DataFrame(sorted(numbers), columns=["level", "estimate", "ci_low", "ci_high"], dtype=float)


def _finish(left: Axes, right: Axes, rows: pd.DataFrame, mood: pd.DataFrame) -> None:
    known = rows[["ci_low", "estimate", "ci_high"]]
    low, high = float(known.min().min()), float(known.max().max())
    set_ratio_axis(left, "y", low / 1.08, high * 1.08)
    left.set_xlabel("Usual sleep (h/night)")
    left.set_ylabel(f"Prevalence ratio ({_level(rows)} CI), log scale")
    style.legend_above(left)
    right.set_xlim(-0.7, 1.7)
    right.set_xticks([])
    right.set_xlabel(f"Depression (PHQ-9)\n{wording.contrast(wording.records(mood)[0]) if len(mood) else ''}".strip())
    for axes in (left, right):
        style.grid(axes, "y")
