"""Who is in the cohort and how completely it was observed."""

from __future__ import annotations

import pandas as pd
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate


@of_result
def participants(estimates: pd.DataFrame) -> Figure:
    """Draw the number of participants by age band and sex as paired bars."""
    estimates = kinds.PARTICIPANTS.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no participant has an age and a sex")
    import seaborn as sns

    bands = [wording.level(str(label)) for label in dict.fromkeys(estimates["level"])]
    drawn = pd.DataFrame(
        {
            "band": [wording.level(str(label)) for label in estimates["level"]],
            "sex": estimates["population"].map(dict(wording.SEXES)),
            "n": estimates["n_participants"].astype(float),
        }
    )
    sexes = [name for name in wording.SEXES.values() if name in set(drawn["sex"])]
    colours = dict(zip(wording.SEXES.values(), style.PALETTE, strict=False))
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.4))
        axes = figure.subplots()
        sns.barplot(
            drawn,
            x="band",
            y="n",
            hue="sex",
            order=bands,
            hue_order=sexes,
            palette=colours,
            saturation=1,
            gap=0.06,
            width=0.76,
            errorbar=None,
            ax=axes,
        )
        for bars in (each for each in axes.containers if isinstance(each, BarContainer)):
            axes.bar_label(bars, fmt=wording.count, fontsize=7, padding=1)
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Participants")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: wording.count(value))
        axes.margins(y=0.12)
        style.legend_above(axes)
        style.grid(axes, "y")
        axes.tick_params(axis="x", length=0)
    return figure


@of_result
def weekly_completeness(estimates: pd.DataFrame) -> Figure:
    """Draw the share of expected nights that were observed, by week of the study."""
    estimates = kinds.COMPLETENESS_BY_WEEK.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no night was expected")
    import seaborn as sns

    weeks = estimates["level"].astype(int)
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 2.2))
        axes = figure.subplots()
        sns.lineplot(
            x=weeks, y=100 * estimates["estimate"], marker="o", markeredgewidth=0, errorbar=None, clip_on=False, ax=axes
        )
        axes.set_ylim(0, 100)
        axes.set_xlim(0.5, weeks.max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(14, integer=True))
        axes.set_xlabel("Week since the participant's first night")
        axes.set_ylabel("Nights observed (%)")
        style.grid(axes, "y")
    return figure


@of_result
def measured(estimates: pd.DataFrame) -> Figure:
    """Draw the share of participants who have a value of each variable, those never measured as empty rows."""
    estimates = kinds.MEASURED.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no variable was named")
    import seaborn as sns

    share = 100 * estimates["estimate"].fillna(0)
    names = [
        wording.term(row["term"]) + ("" if row["status"] == "converged" else " (not measured)")
        for row in wording.records(estimates)
    ]
    with style.journal():
        figure = style.JournalFigure(figsize=(style.TEXT_WIDTH, 0.5 + 0.15 * len(estimates)))
        axes = figure.subplots()
        sns.barplot(
            x=share,
            y=estimates["term"],
            orient="h",
            width=0.62,
            color=style.PALETTE[0],
            saturation=1,
            errorbar=None,
            ax=axes,
        )
        axes.set_yticks(range(len(names)), names)
        axes.set_ylabel("")
        axes.set_xlim(0, 100)
        axes.set_xlabel("Participants with a value (%)")
        style.grid(axes, "x")
        axes.tick_params(axis="y", length=0)
    return figure
