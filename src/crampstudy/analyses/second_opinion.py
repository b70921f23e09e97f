"""Would another implementation give the same numbers? The main models refitted by statsmodels."""

from __future__ import annotations

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, Answer
from crampstudy.analyses.findings import Findings, Table, together
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.second_opinions import second_opinions

TERMS = "age_decade + sex + diabetes + exercise_min"
"""What the rates or the classes depend on, in every model that is refitted."""


def of_either(cohort: Cohort, settings: Settings) -> Findings:
    """Return how far statsmodels' fits of the main models are from those of this study, and on which terms."""
    opinions = second_opinions(
        cohort, TERMS, where=settings.old_enough(cohort), participants_per_coefficient=settings.per_coefficient
    )
    said = tables.agreements(opinions)
    by_model, by_term = tables.second_opinions(opinions), tables.second_opinion(opinions)
    if by_model.empty:
        return Findings(together([]), values={"second_opinion": said}, could_not={"second opinion": said})
    return Findings(
        together([]),
        tables={
            "tbl-second-opinions": Table(
                by_model,
                "Models refitted by statsmodels, and how far its numbers are from those of this study.",
                "SE: standard error. Parameters agree that are less than a thousandth of a standard error apart, "
                f"term by term in @tbl-second-opinion-terms. {tables.opinion_notes(opinions)}",
            ),
            "tbl-second-opinion-terms": Table(
                by_term,
                "Coefficients and standard errors on the link scale, of this study and of statsmodels.",
                "SE: standard error, without a correction for few participants.",
            ),
        },
        values={"second_opinion": said},
    )


ANALYSIS = Analysis(
    "second-opinion",
    "Would another implementation give the same numbers?",
    answers={
        "diary": Answer(of_either, {"diary": ("cramps",)}),
        "survey": Answer(of_either, {"participants": ("recalled_low",)}),
    },
    parts=("tbl-second-opinions", "tbl-second-opinion-terms"),
    values=("second_opinion",),
)
