"""Can tomorrow night's cramps, or a new participant's rate, be foretold, and better than by a simple rule?"""

from __future__ import annotations

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, together
from crampstudy.analyses.sentences.prediction import answer, limits_of_diary, limits_of_survey, newcomer
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds

FIGURE, SCORES, COUNTS, SKILL = (
    "fig-prediction",
    "tbl-prediction-scores",
    "tbl-prediction-counts",
    "tbl-prediction-skill",
)
WEEKS, RESTS = "tbl-prediction-weeks", "tbl-prediction-domains"
MANY_NIGHTS = 10_000
"""From so many nights on two processes share the work: to start them takes seconds."""
_OF_NIGHTS = ("Brier score", "area under the curve", "calibration slope")
_OF_COUNTS = ("Poisson deviance", "log score", "CRPS", "calibration slope")
_NESTED = (
    "Every number is of participants that the predictor had not learned from: five folds of participants, tuning by a "
    "second cross-validation within the training participants, intervals from resampled participants."
)
_SCORES = (
    "Of the Brier score, the deviance, the log score and the CRPS lower is better; a calibration slope is 1 where "
    "predictions are as spread as they should be. The permuted moving average says nothing of a night and shows what "
    "no skill looks like."
)
_SKILL_NOTE = (
    "Skill is 1 minus the score of the predictor divided by that of the simple rule in the same people: the Brier "
    "score of a probability, the Poisson deviance of a count; 0 is no gain and below 0 a loss. Strata are of the "
    "cramps that were logged, which nobody knows beforehand."
)

_WEEKS_CAPTION = "90% intervals of the cramps of a coming week of 7 logged nights."
_WEEKS_NOTE = (
    "Intervals are calibrated on weeks of other participants of which about as much was expected (conformal "
    "prediction), each participant counting alike. They hold what came as often as they say over all, and where so "
    "much was expected; not among those who turned out to have many cramps, which nobody knows beforehand."
)

_RESTS_CAPTION = "What the probability of a cramp rests on, by domain."
_RESTS_NOTE = (
    "By how much the log loss of a fifth of the participants, held out, rises when all values of the domain are dealt "
    "out anew among their nights; around 0 the model does not use them. It is no effect: what another domain says as "
    "well is not missed, and what foretells need not cause."
)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return what is foretold of tomorrow night, and of a new participant."""
    from crampstudy.prediction.questions import newcomer_rows, tomorrow_rows

    workers = 2 if cohort.frame("diary").height >= MANY_NIGHTS else 1
    nights = tomorrow_rows(cohort, settings.bands, settings.ci_level, workers=workers)
    people = newcomer_rows(cohort, settings.bands, settings.ci_level, workers=workers)
    rows = together([nights, people])
    shown = {
        SCORES: _scores(rows[rows["outcome"] == "cramp_night"], _OF_NIGHTS, "Scores of the probability of a cramp."),
        COUNTS: _scores(rows[rows["outcome"] == "cramps"], _OF_COUNTS, "Scores of the number of cramps."),
        SKILL: _skill(rows),
        WEEKS: ReportTable(tables.weekly_intervals(rows), _WEEKS_CAPTION, _WEEKS_NOTE),
        RESTS: ReportTable(tables.domain_importance(rows), _RESTS_CAPTION, _RESTS_NOTE),
    }
    said = {"answer": answer(rows), "newcomer": newcomer(people), "limits": limits_of_diary()}
    return Findings(rows, shown, {FIGURE: _figure(rows, said["answer"])}, said)


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return what is foretold of recalled moderate-severe cramps."""
    from crampstudy.prediction.questions import survey_rows

    made = attempt((SCORES, SKILL, FIGURE), lambda: _of_survey(survey_rows(cohort, settings.bands, settings.ci_level)))
    said = {"answer": answer(made.estimates), "newcomer": "", "limits": limits_of_survey()}
    return joined(made, Findings(together([]), values=said))


def _of_survey(rows: pd.DataFrame) -> Findings:
    title = "Scores of the probability of moderate-severe cramps."
    return Findings(
        rows,
        {SCORES: _scores(rows, _OF_NIGHTS, title), SKILL: _skill(rows)},
        {FIGURE: _figure(rows, answer(rows))},
    )


def _scores(rows: pd.DataFrame, levels: tuple[str, ...], caption: str) -> ReportTable:
    own = kinds.PREDICTION_SCORE.rows(rows)
    table = tables.prediction_scores(own[own["level"].isin(levels)])
    return ReportTable(table, caption, f"{_NESTED} {_SCORES}")


def _skill(rows: pd.DataFrame) -> ReportTable:
    own = together([kinds.PREDICTION_SKILL.rows(rows), kinds.BETTER_FORETOLD.rows(rows)])
    against = str(own["reference"].iloc[0])
    caption = f"Skill against the {against}, and the share of people whom the model foretells better."
    return ReportTable(tables.prediction_skill(own), caption, f"{_SKILL_NOTE} {tables.notes(own)}".strip())


def _figure(rows: pd.DataFrame, alt: str) -> Drawing:
    own = together([kinds.PREDICTION_SKILL.rows(rows), kinds.CALIBRATION_POINT.rows(rows)])
    caption = (
        "Left: how often it happened, against the probability that was given, in tenths of equal size; on the dashed "
        "line both are the same. Right: skill of each predictor, below the chosen model its skill by how often people "
        "had cramps."
    )
    return Drawing("prediction", own, caption, alt)


ANALYSIS = Analysis(
    "prediction",
    "Can tomorrow night's cramps, or the rate of a new participant, be foretold better than by a simple rule?",
    answers={
        "diary": CohortAnswer(of_diary, (FIGURE, SCORES, COUNTS, SKILL, WEEKS, RESTS), {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, (FIGURE, SCORES, SKILL), {"participants": ("recalled_low", "age_years")}),
    },
    values=("answer", "newcomer", "limits"),
    on_request=True,
)
