"""Who is in the cohort and how completely it was observed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate


def participants(estimates: pd.DataFrame) -> Figure:
    """Draw the number of participants by age band and sex as paired bars."""
    estimates = kinds.PARTICIPANTS.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no participant has an age and a sex")
    counts = estimates.pivot(index="level", columns="population", values="n_participants")
    counts = counts.reindex(list(dict.fromkeys(estimates["level"])))
    at = np.arange(len(counts))
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.4))
        axes = figure.subplots()
        for position, (sex, name) in enumerate(wording.SEXES.items()):
            if sex in counts.columns:
                heights = counts[sex].fillna(0).astype(float)
                bars = axes.bar(at + (position - 0.5) * 0.38, heights, 0.36, color=style.PALETTE[position], label=name)
                axes.bar_label(bars, labels=[wording.count(n) for n in heights], fontsize=7, padding=1)
        axes.set_xticks(at, [wording.level(str(label)) for label in counts.index])
        axes.set_xlabel("Age (years)")
        axes.set_ylabel("Participants")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.margins(y=0.12)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1.14), ncols=2)
        axes.grid(axis="y")
        axes.tick_params(length=0)
    return figure


def weekly_completeness(estimates: pd.DataFrame) -> Figure:
    """Draw the share of expected nights that were observed, by week of the study."""
    estimates = kinds.COMPLETENESS_BY_WEEK.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no night was expected")
    weeks = estimates["level"].astype(int)
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.2))
        axes = figure.subplots()
        axes.plot(weeks, 100 * estimates["estimate"], marker="o")
        axes.set_ylim(0, 100)
        axes.set_xlim(0.5, weeks.max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(14, integer=True))
        axes.set_xlabel("Week since the participant's first night")
        axes.set_ylabel("Nights observed (%)")
        axes.grid(axis="y")
        axes.tick_params(axis="y", length=0)
    return figure


def measured(estimates: pd.DataFrame) -> Figure:
    """Draw the share of participants who have a value of each variable, those never measured as empty rows."""
    estimates = kinds.MEASURED.rows(estimates)
    if estimates.empty:
        return could_not_estimate("no variable was named")
    at = np.arange(len(estimates))[::-1]
    share = 100 * estimates["estimate"].fillna(0).to_numpy()
    names = [
        wording.term(row["term"]) + ("" if row["status"] == "converged" else " (not measured)")
        for row in wording.records(estimates)
    ]
    with style.journal():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.5 + 0.15 * len(estimates)))
        axes = figure.subplots()
        axes.barh(at, share, 0.62, color=style.PALETTE[0])
        axes.set_yticks(at, names)
        axes.set_ylim(-0.6, len(at) - 0.4)
        axes.set_xlim(0, 100)
        axes.set_xlabel("Participants with a value (%)")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    return figure
