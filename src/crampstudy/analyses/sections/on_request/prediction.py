"""Can tomorrow night's cramps, or a new participant's rate, be foretold, and better than by a simple rule?"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, together
from crampstudy.analyses.kept import kept
from crampstudy.analyses.others import Others
from crampstudy.analyses.sections.on_request.dependence import SECTIONS, beside
from crampstudy.analyses.sentences.prediction import answer, depends, limits_of_diary, limits_of_survey, newcomer
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import recalled
from crampstudy.tables.sections.prediction import any_nightly, have_other_values

FIGURE, SCORES, COUNTS, SKILL = (
    "fig-prediction",
    "tbl-prediction-scores",
    "tbl-prediction-counts",
    "tbl-prediction-skill",
)
GAINS = "tbl-prediction-gain"
WEEKS, RESTS = "tbl-prediction-weeks", "tbl-prediction-domains"
DEPENDS, CURVES = "tbl-prediction-dependence", "fig-prediction-dependence"
MANY_NIGHTS = 10_000
"""From so many nights on two processes share the work: to start them takes seconds."""
_OF_NIGHTS = ("Brier score", "area under the curve", "calibration slope")
_OF_COUNTS = ("Poisson deviance", "log score", "CRPS", "calibration slope")
_NESTED = (
    "Every number is of participants that the predictor had not learned from: five folds of participants, tuning by a "
    "second cross-validation within the training participants, intervals from resampled participants. The permuted "
    "moving average says nothing of a night and shows what no skill looks like."
)
_OF_SURVEY = (
    "Every number is of people that the predictor had not learned from, by the weights of the survey; intervals are "
    "from resampled sampling units."
)
_LOWER = "Of the {} lower is better; a calibration slope is 1 where predictions are as spread as they should be."
_OF_PROBABILITIES = _LOWER.format("Brier score")
_OF_NUMBERS = _LOWER.format("deviance, the log score and the CRPS")
_SKILL_NOTE = (
    "Skill is 1 minus the {} of the predictor divided by that of the simple rule in the same people; 0 is no gain and "
    "below 0 a loss."
)
_OF_STRATA = "Strata are of the cramps that were logged, which nobody knows beforehand."

_GAINS_CAPTION = "Skill of the chosen model against predictors that know less."
_GAINS_NOTE = (
    "One rate for all knows nothing of anybody: what is gained over it is all that is foretold. Intervals are of these "
    "predictors in further participants; learned from others, each would say something else."
)
_PAST_NOTE = (
    "The own past alone is the best of the same models with nothing but a participant's own nights before: what is "
    "gained over it comes from what else was measured."
)

_WEEKS_CAPTION = "90% intervals of the cramps of a coming week of 7 logged nights."
_WEEKS_NOTE = (
    "Intervals are calibrated on weeks of other participants of which about as much was expected (conformal "
    "prediction), each participant counting alike. They hold what came as often as they say over all, and where so "
    "much was expected; not among those who turned out to have many cramps, which nobody knows beforehand."
)

_RESTS_CAPTION = "What the expected number of cramps rests on, by domain."
_RESTS_NOTE = (
    "By how much the Poisson deviance of a fifth of the participants, held out, rises when all values of the domain "
    "are dealt out anew among their nights; around 0 the model does not use them. It is no effect: what another domain "
    "says as well is not missed, and what foretells need not cause."
)

_DEPENDS_CAPTION = "What a model expects at two values of a factor, beside the ratio that a section estimates of it."
_DEPENDS_NOTE = (
    "No effect of the factor. Expected: the mean where all who were held out have the first value, over that where all "
    "have the second. Near: the share of those held out whose own value is no farther from the first, and from the "
    "second, than a quarter of the distance between them; where it is that of fewer than five people, or than 1 in "
    "100, nothing is said. All of it is of the model as it was learned: no interval would say how sure that is, and "
    "1.00 stands as well where the model does not use the factor."
)
_LAST_DAY = "What a night has is that of the last logged day, against the person's own mean."
_OTHER_VALUES = (
    "Centiles are those of the people, or days, that the model has; where a section has others, the values of its own "
    "centiles stand beside them."
)
_CURVES_CAPTION = (
    "What a model expects where all who were held out have one value of a number. Bars: how many {} "
    "have a value near it; where hardly any has, there is no line. It is no effect of the number."
)


def of_diary(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return what is foretold of tomorrow night and of a new participant, beside what sections estimate of factors."""
    made = kept(("prediction of a diary", settings), (cohort,), lambda: _of_diary(cohort, settings))
    rest, depends = _parted(made.estimates)
    return joined(replace(made, estimates=rest), _dependence(depends, others))


def _of_diary(cohort: Cohort, settings: Settings) -> Findings:
    from crampstudy.prediction.questions import newcomer_rows, tomorrow_rows

    workers = 2 if cohort.frame("diary").height >= MANY_NIGHTS else 1
    nights = tomorrow_rows(cohort, settings.bands, settings.ci_level, workers=workers)
    people = newcomer_rows(cohort, settings.bands, settings.ci_level, workers=workers)
    rows = together([nights, people])
    shown = {
        SCORES: _scores(
            rows[rows["outcome"] == "cramp_night"],
            _OF_NIGHTS,
            "Scores of the probability of a cramp.",
            f"{_NESTED} {_OF_PROBABILITIES}",
        ),
        COUNTS: _scores(
            rows[rows["outcome"] == "cramps"],
            _OF_COUNTS,
            "Scores of the number of cramps.",
            f"{_NESTED} {_OF_NUMBERS}",
        ),
        SKILL: _skill(rows),
        GAINS: _gains(rows),
        WEEKS: ReportTable(tables.weekly_intervals(rows), _WEEKS_CAPTION, _WEEKS_NOTE),
        RESTS: ReportTable(tables.domain_importance(rows), _RESTS_CAPTION, _RESTS_NOTE),
    }
    said = {"answer": answer(rows), "newcomer": newcomer(people), "limits": limits_of_diary()}
    return Findings(rows, shown, {FIGURE: _figure(rows, said["answer"])}, said)


def of_survey(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return what is foretold of recalled moderate-severe cramps, beside what sections estimate of factors."""
    made = kept(("prediction of a survey", settings), (cohort,), lambda: _of_survey(cohort, settings))
    rest, depends = _parted(made.estimates)
    return joined(replace(made, estimates=rest), _dependence(depends, others))


def _of_survey(cohort: Cohort, settings: Settings) -> Findings:
    from crampstudy.prediction.questions import survey_rows

    made = attempt(
        (SCORES, SKILL, GAINS, FIGURE), lambda: _shown(survey_rows(cohort, settings.bands, settings.ci_level))
    )
    said = {"answer": answer(made.estimates), "newcomer": "", "limits": limits_of_survey()}
    return joined(made, Findings(together([]), values=said))


def _shown(rows: pd.DataFrame) -> Findings:
    title = "Scores of the probability of moderate-severe cramps."
    return Findings(
        rows,
        {SCORES: _scores(rows, _OF_NIGHTS, title, f"{_OF_SURVEY} {_OF_PROBABILITIES}"), SKILL: _skill(rows)}
        | {GAINS: _gains(rows)},
        {FIGURE: _figure(rows, answer(rows))},
    )


def _parted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of prediction without those of dependence, and these."""
    inside = rows["analysis"].isin(_OF_DEPENDENCE)
    return rows[~inside], rows[inside]


def _dependence(rows: pd.DataFrame, others: Others) -> Findings:
    """Return what the model expects of the factors that sections estimate, and what these found.

    Where no section estimates any, of all factors of which anything can be said.
    """
    ratios = kinds.PARTIAL_DEPENDENCE.rows(rows)
    if ratios.empty:
        why = "too little was measured to ask a model about a factor"
        return Findings(together([]), values={"depends": ""}, could_not=dict.fromkeys((DEPENDS, CURVES), why))
    found = beside(rows, others)
    known = ratios[ratios["estimate"].notna()]
    named = found if len(found) else known if len(known) else ratios
    factors = pd.MultiIndex.from_frame(named[["term", "level"]])
    # Of a factor of several levels those alone whose ratio is shown.
    other = rows["analysis"].eq(kinds.PARTIAL_DEPENDENCE.name) & ~pd.MultiIndex.from_frame(
        rows[["term", "level"]]
    ).isin(factors)
    own = rows[rows["term"].isin(named["term"]) & ~other]
    shown = together([own, found])
    lacking = [name for name in SECTIONS if name not in others]
    left = f"Not among the sections of this report, and so not beside: {wording.listed(lacking)}." if lacking else ""
    curves = kinds.DEPENDENCE_CURVE.rows(shown)
    outcome = next(filter(None, map(recalled, wording.records(ratios))), "")
    of = f"The model foretells {outcome}; of which cramps a section's ratio is stands beside it." if outcome else ""
    others_too = _OTHER_VALUES if have_other_values(shown) else ""
    note = " ".join(filter(None, (_DEPENDS_NOTE, of, _LAST_DAY if any_nightly(shown) else "", others_too, left)))
    table = ReportTable(tables.partial_dependence(shown), _DEPENDS_CAPTION, note)
    said = depends(shown)
    near = "nights, or people," if any_nightly(curves) else "people"
    drawing = Drawing("partial_dependence", curves, _CURVES_CAPTION.format(near), said)
    return Findings(shown, {DEPENDS: table}, {CURVES: drawing}, {"depends": said})


def _scores(rows: pd.DataFrame, levels: tuple[str, ...], caption: str, note: str) -> ReportTable:
    own = kinds.PREDICTION_SCORE.rows(rows)
    return ReportTable(tables.prediction_scores(own[own["level"].isin(levels)]), caption, note)


def _skill(rows: pd.DataFrame) -> ReportTable:
    better = kinds.BETTER_FORETOLD.rows(rows)
    own = together([kinds.PREDICTION_SKILL.rows(rows), better])
    caption = f"Skill against the {own['reference'].iloc[0]}"
    scores = "Brier score"
    if len(better):
        caption += ", and the share of people whom the model foretells better"
        scores += " of a probability, or the Poisson deviance of a count,"
    notes = (_SKILL_NOTE.format(scores), _OF_STRATA if len(better) else "", tables.notes(own))
    return ReportTable(tables.prediction_skill(own), f"{caption}.", " ".join(filter(None, notes)))


def _gains(rows: pd.DataFrame) -> ReportTable:
    own = kinds.PREDICTION_GAIN.rows(rows)
    past = _PAST_NOTE if own["reference"].nunique() > 1 else ""
    return ReportTable(
        tables.prediction_gains(own), _GAINS_CAPTION, " ".join(filter(None, (_GAINS_NOTE, past, tables.notes(own))))
    )


def _figure(rows: pd.DataFrame, alt: str) -> Drawing:
    own = together([kinds.PREDICTION_SKILL.rows(rows), kinds.CALIBRATION_POINT.rows(rows)])
    caption = (
        "Left: how often it happened, against the probability that was given, in tenths of equal size; on the dashed "
        "line both are the same. Right: skill of each predictor"
    )
    # Strata of frequency are of diaries.
    if not own["population"].eq("all").all():
        caption += ", below the chosen model its skill by how often people had cramps"
    return Drawing("prediction", own, f"{caption}.", alt)


_OF_DEPENDENCE = tuple(
    kind.name for kind in (kinds.PARTIAL_DEPENDENCE, kinds.DEPENDENCE_SUPPORT, kinds.DEPENDENCE_CURVE)
)

ANALYSIS = Analysis(
    "prediction",
    "Can tomorrow night's cramps, or the rate of a new participant, be foretold better than by a simple rule?",
    answers={
        "diary": CohortAnswer(
            of_diary, (FIGURE, SCORES, COUNTS, SKILL, GAINS, WEEKS, RESTS, DEPENDS, CURVES), {"diary": ("cramps",)}
        ),
        "survey": CohortAnswer(
            of_survey,
            (FIGURE, SCORES, SKILL, GAINS, DEPENDS, CURVES),
            {"participants": ("recalled_low", "age_years")},
            "Can it be foretold better than by a simple rule who recalls moderate-severe cramps?",
        ),
    },
    values=("answer", "newcomer", "depends", "limits"),
    draws_on_others=True,
    drawn_on=frozenset(SECTIONS),
    on_request=True,
)
