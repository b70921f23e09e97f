"""The questions that are asked of predictions, from a cohort to tidy rows."""

from __future__ import annotations

import pandas as pd

from crampstudy import compute, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.prediction import leakage
from crampstudy.prediction.conformal import coverage_rows
from crampstudy.prediction.dependence import dependence_rows
from crampstudy.prediction.features import newcomers, nights_of
from crampstudy.prediction.held_out import held_out
from crampstudy.prediction.importance import importance_rows
from crampstudy.prediction.outcome import ANY, COUNT
from crampstudy.prediction.rows import PredictionSummary, rows_of, skills_of
from crampstudy.prediction.survey import survey_held_out, survey_table, validate_survey
from crampstudy.prediction.validation import CHOSEN, NEWCOMERS, Scheme, validate, validate_each


def tomorrow_rows(
    cohort: Cohort, bands: AgeBands | None = None, ci_level: float = 0.95, *, workers: compute.Workers = 1
) -> pd.DataFrame:
    """Return how well the next night of a participant who is new to the model is foretold from their own past.

    Whether there is any cramp, and how many, of nights of any time; whether there is any also of nights after all that
    was learned from; then intervals of the cramps of a coming week, and of one model of
    the count what it rests on and what it expects where a factor has one value or another.

    Raises:
        AnalysisError: there is too little to learn from, or something known before a night is made of it.
        UsageError: the cohort is a survey, which has no nights.
    """
    table = nights_of(cohort, bands)
    leakage.check_past(cohort)
    schemes = Scheme(ANY), Scheme(COUNT), Scheme(ANY, forward=True)
    validated = validate_each(table, schemes, workers=workers)
    *found, later = (PredictionSummary.of(each, cohort.name, ci_level) for each in validated)
    held = held_out(table, COUNT, cohort.name, ci_level)
    more = [coverage_rows(found[1]), importance_rows(held), dependence_rows(held)]
    return pd.concat([*map(rows_of, found), skills_of(later), *more], ignore_index=True)


def newcomer_rows(
    cohort: Cohort, bands: AgeBands | None = None, ci_level: float = 0.95, *, workers: compute.Workers = 1
) -> pd.DataFrame:
    """Return how well the rate of a new participant is foretold from what is known before the diary begins.

    Then what the model expects where a factor has one value or another. Where nothing is known, the one row says so.

    Raises:
        AnalysisError: there is too little to learn from, or a column is made of the outcome.
        UsageError: the cohort is a survey, which has no nights.
    """
    table = newcomers(cohort, bands)
    if not table.names:
        return _no_newcomers(cohort.name, "nothing is known of participants at baseline")
    found = PredictionSummary.of(validate(table, COUNT, workers=workers), cohort.name, ci_level)
    depends = dependence_rows(held_out(table, COUNT, cohort.name, ci_level))
    return pd.concat([rows_of(found), depends], ignore_index=True)


def _no_newcomers(cohort: str, why: str) -> pd.DataFrame:
    cells = {"cohort": cohort, "population": "all", "outcome": COUNT.name, "model": NEWCOMERS, "term": CHOSEN}
    kind = {"analysis": kinds.PREDICTION_SKILL.name, "scale": "skill"}
    return estimates.frame([estimates.row(status="not_estimable", note=why, **cells, **kind)])


def survey_rows(cohort: Cohort, bands: AgeBands, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how well recalled moderate-severe cramps are foretold from what a survey measures.

    People below the first limit of the bands are left out.

    Raises:
        AnalysisError: too few people with such cramps are learned from, or tested on.
        UsageError: the cohort is a diary, or has no weights or recalled class.
    """
    survey = survey_table(cohort, bands)
    found, resamples = validate_survey(survey)
    depends = dependence_rows(survey_held_out(survey, cohort.name, ci_level))
    return pd.concat([rows_of(PredictionSummary.of(found, cohort.name, ci_level, resamples)), depends])
