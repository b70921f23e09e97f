"""Would another implementation give the same numbers? The main models refitted by statsmodels."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.counted import counted
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.second_opinions import second_opinions
from crampstudy.estimates.opinions import compared_coefficients

TERMS = "age_decade + sex + diabetes + exercise_min"
"""What the rates or the classes depend on, in every model that is refitted."""
MOST = 1_000
"""Of more participants, every so many-th is enough to set two programs side by side; statsmodels takes minutes."""
PARTS = ("tbl-second-opinions", "tbl-second-opinion-terms")


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return how far statsmodels' fits of the main models are from those of this study, and on which terms."""
    some, every = _some(cohort)
    opinions = _opinions(some, settings)
    said = tables.agreements(opinions)
    if every > 1:
        people, whole = (each.frame("participants").height for each in (some, cohort))
        said += (
            f"; both fits are of {people:,} of the {whole:,} participants, one of every {every} in the order of their "
            "identifiers, for statsmodels takes minutes with all of them"
        )
    by_model = tables.second_opinions(opinions)
    if by_model.empty:
        return Findings(together([]), values={"second_opinion": said}, could_not=dict.fromkeys(PARTS, said))
    shown = ReportTable(
        by_model,
        "Models refitted by statsmodels, and how far its numbers are from those of this study.",
        "SE: standard error. A parameter agrees where neither its two coefficients nor their standard errors "
        "are more than a thousandth of a standard error apart, "
        f"term by term in @tbl-second-opinion-terms. {tables.opinion_notes(opinions)}",
    )
    how_many, models = counted(shown, cohort.name, "models refitted", ["Rows", "Parameters that agree"])
    return Findings(
        together([compared_coefficients(opinions), how_many]),
        tables={
            "tbl-second-opinions": models,
            "tbl-second-opinion-terms": ReportTable(
                tables.second_opinion(opinions),
                "Coefficients and standard errors on the link scale, of this study and of statsmodels.",
                "SE: standard error, without a correction for few participants.",
            ),
        },
        values={"second_opinion": said},
    )


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return why statsmodels has no fit to set beside those of a survey."""
    return Findings(together([]), values={"second_opinion": tables.agreements(_opinions(cohort, settings))})


def _some(cohort: Cohort) -> tuple[Cohort, int]:
    """Return the cohort of at most :data:`MOST` participants, one of every so many, and of how many each is one."""
    people = cohort.frame("participants")["participant_id"]
    every = max(1, -(-len(people) // MOST))
    if every == 1:
        return cohort, 1
    own = pl.col("participant_id").is_in(people.sort().gather_every(every).implode())
    return replace(cohort, tables={name: table.filter(own) for name, table in cohort.tables.items()}), every


def _opinions(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    return second_opinions(
        cohort, TERMS, where=settings.old_enough(cohort), participants_per_coefficient=settings.per_coefficient
    )


ANALYSIS = Analysis(
    "second-opinion",
    "Would another implementation give the same numbers?",
    answers={
        "diary": CohortAnswer(of_diary, PARTS, {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, (), {"participants": ("recalled_low",)}),
    },
    values=("second_opinion",),
)
