"""What did this cohort show? The main contrasts of the other sections, and how good the data behind them are."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses import doubts
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.counted import counted
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, together
from crampstudy.analyses.others import Others
from crampstudy.analyses.overview.headlines import headlines
from crampstudy.analyses.sentences import summary as sentences
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.descriptive import characteristics as who
from crampstudy.descriptive.flow import flow, shares
from crampstudy.estimates import verdicts
from crampstudy.estimates.sentences import MODERATE_SEVERE, recalled, resting
from crampstudy.estimates.verdicts import told_in_numbers
from crampstudy.nights import denominator, or_taken
from crampstudy.tables.overview.attrition import OF_CLEANING
from crampstudy.wording.abbreviations import defined

_ABOVE_ONE = "a ratio above 1 says that more cramps go with the value named first"
_ADJUSTED = "what each is adjusted for stands in its row of estimates.csv, and in its section where the report has that"
_NOTHING_ASKED = "No other section of this report asks what its people's cramps are like or go with."
FOREST, QUALITY = "fig-summary", "tbl-data-quality"


def summarise(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return what the other sections found in a dozen lines and one forest, and the quality of the data."""
    steps = flow(cohort, youngest=settings.youngest)
    complete = who.completeness(cohort, settings.bands)
    whole = complete[complete["level"] == "all"]
    main = headlines(others)
    drawn = _drawn(main)
    remarks = (
        "shaded: ratios too close to 1 to matter",
        _ABOVE_ONE,
        *_outcomes(drawn),
        _ADJUSTED,
        *resting(drawn),
        sentences.open_by_difference(drawn, others),
        sentences.not_drawn(main),
        verdicts.remark(drawn),
    )
    drawing = Drawing(
        "headlines",
        drawn,
        caption="The main contrasts of this report: what is compared, the ratio with its interval, how many people and "
        "events stand behind it, and the verdict on it.",
        alt=_alt(main),
        note=wording.sentences(filter(None, remarks)),
    )
    doubted = doubts.of_cohort(cohort)
    set_aside, quality = counted(
        ReportTable(
            tables.data_quality(steps, whole, cohort, settings.youngest if cohort.has("age_years") else None),
            "The quality of the data at a glance.",
            wording.sentences([*_of_nights(cohort), *doubted]) or None,
        ),
        cohort.name,
        "cells and rows of all files",
        ["Number"],
        OF_CLEANING,
    )
    said = sentences.lines(steps, main, others, aged=cohort.has("age_years"), whose=settings.whose, doubted=doubted)
    lines = [line for line in said if line]
    lost = sentences.unanswered(_TITLES, others)
    return Findings(
        together([steps, shares(steps), whole, set_aside, main]),
        {QUALITY: quality},
        {FOREST: drawing},
        values={
            "summary": "\n".join(f"- {line}" for line in lines),
            "abbreviations": defined(None, lines) or "",
            "unanswered": "\n".join(f"- {line}" for line in lost) or _all_told(others),
        },
    )


def _all_told(others: Others) -> str:
    """Return what stands where nothing is without an answer: that all of it has one, or that nothing was asked."""
    return tables.ALL_ESTIMATED if {*others} & {*_TITLES} - {"cohort"} else _NOTHING_ASKED


def _drawn(main: pd.DataFrame) -> pd.DataFrame:
    return main[told_in_numbers(main) & main["estimate"].notna()]


def _outcomes(drawn: pd.DataFrame) -> list[str]:
    """Return what is told apart where the ratios of a survey are of more than one outcome."""
    return [MODERATE_SEVERE] if len({recalled(row) for row in wording.records(drawn)}) > 1 else []


def _of_nights(cohort: Cohort) -> list[str]:
    if cohort.kind != "diary":
        return []
    known = denominator(cohort)
    counted_in = f"logged are nights with a count{taken}" if (taken := or_taken(cohort)) else ""
    return [*known.remarks, *filter(None, [known.window, counted_in])]


def _alt(main: pd.DataFrame) -> str:
    drawn = _drawn(main)
    judged = drawn["verdict"].value_counts()
    said = [f"{judged[verdict]} {verdict}" for verdict in _VERDICTS if verdict in judged]
    return f"A forest of {wording.counted(len(drawn), 'ratios')}: {wording.listed(said)}." if said else "No ratio."


_VERDICTS = ("higher", "lower", "differs but negligible", "near null", "inconclusive")
_TITLES = {
    "cohort": "Cohort",
    "frequency": "Frequency",
    "age-and-muscle": "Age and muscle",
    "sleep": "Sleep",
    "nutrition": "Nutrition and electrolytes",
    "systematic-reviews": "Systematic reviews",
    "treatments": "Emerging treatments",
    "hydration": "Hydration",
    "activity": "Activity",
    "conditions": "Conditions and medication",
    "season": "Season",
    "severity": "Severity and remedies",
    "second-opinion": "Second opinion",
    "prediction": "Prediction",
    "phenotypes": "Phenotypes",
}
"""Headings of the sections."""
PARTS = (QUALITY, FOREST)

ANALYSIS = Analysis(
    "summary",
    "What did this cohort show?",
    answers={"diary": CohortAnswer(summarise, PARTS), "survey": CohortAnswer(summarise, PARTS)},
    values=("summary", "abbreviations", "unanswered"),
    follows_graph=True,
    draws_on_others=True,
)
