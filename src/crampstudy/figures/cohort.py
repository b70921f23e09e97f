"""Who is in the cohort and how completely it was observed."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from crampstudy import look, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate


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
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.5 + 0.15 * len(estimates)))
        axes = figure.subplots()
        sns.barplot(
            x=share,
            y=estimates["term"],
            orient="h",
            width=0.62,
            color=look.PALETTE[0],
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
