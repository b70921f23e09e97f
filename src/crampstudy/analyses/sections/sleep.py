"""What cramps do to sleep and to the next day, and whether poor sleep goes before cramps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.attempts import attempts
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, of_measured, together
from crampstudy.analyses.sentences import sleep as said
from crampstudy.analyses.settings import Settings
from crampstudy.causal import measured_in
from crampstudy.codebook.contrasts import margin
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights.cramp_night import WORSE, cramp_night_scores
from crampstudy.contrasts.nights.sleep_lags import LAGS, SLEEP, adjusted_lags, both_directions
from crampstudy.errors import AnalysisError, NoWeight
from crampstudy.estimates import declared, kinds

USUAL = {"usual_sleep_hours": "ns(usual_sleep_hours, df=3, ref=7, at=[4, 5, 6, 8, 9, 10])", "phq9_0_27": "phq9_0_27"}
"""What of sleep and mood a survey asks, and the term of each."""
OUTCOMES = ("moderate_severe_vs_none", "any_cramp")
_PREVALENCE = "survey-poisson"
_DIRECTIONS, _SCORES, _LAGS = "fig-sleep-directions", "tbl-sleep-scores", "tbl-sleep-lags"
_USUAL, _USUAL_DRAWN = "tbl-sleep-usual", "fig-sleep-usual"


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return scores on and after cramp nights, cramps after poor sleep, and both on one scale."""
    asked = {"where": settings.old_enough(cohort), "ci_level": settings.ci_level}
    scores, lags = attempts(
        ((_SCORES,), lambda: _scores(cohort, asked)), ((_LAGS,), lambda: _lags(cohort, asked, settings))
    )
    both = _directions(cohort, scores.estimates, lags.estimates)
    found = joined(both, scores, lags)
    values = {
        "answer": " ".join(
            (
                said.of_scores(scores.estimates, scores.could_not.get(_SCORES)),
                said.of_lags(lags.estimates, lags.could_not.get(_LAGS)),
            )
        ),
        "sleep_read": said.how_to_read(lags.estimates),
        "limits": said.limits_of_diary(found.estimates),
    }
    return joined(found, Findings(together([]), values=values))


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return ratios of recalled cramps by usual sleep and by depression, each adjusted as the causal graph asks."""
    asked = {"where": settings.old_enough(cohort), "ci_level": settings.ci_level}
    found = attempt((_USUAL, _USUAL_DRAWN), lambda: _usual(cohort, asked, settings))
    values = {
        "answer": said.of_usual(found.estimates, found.could_not.get(_USUAL)),
        "sleep_read": said.HOW_ADJUSTED,
        "limits": said.LIMITS_OF_SURVEY,
    }
    return joined(found, Findings(together([]), values=values))


def _scores(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    if not {*WORSE} & measured_in(cohort):
        raise AnalysisError(f"the diary has none of {_listed(WORSE)}")
    judged = [name for name in WORSE if margin(name)]
    rows = together(
        (
            cramp_night_scores(cohort, model_based=judged, **asked),
            cramp_night_scores(cohort, kind=kinds.CRAMP_NIGHT_ADJUSTED, **asked),
        )
    )
    caption = "Scores of nights with and without cramps, and of the day after, by linear mixed models."
    remarks = (
        said.compared(rows),
        said.counts(rows),
        said.of_adjusted(rows),
        said.model_based(rows),
        tables.notes(kinds.CRAMP_NIGHT.rows(rows)),
    )
    return Findings(
        rows, {_SCORES: ReportTable(tables.cramp_night(of_measured(rows)), caption, " ".join(filter(None, remarks)))}
    )


def _lags(cohort: Cohort, asked: dict[str, Any], settings: Settings) -> Findings:
    measured = measured_in(cohort)
    sleep = next((name for name in SLEEP if name in measured), None)
    if sleep is None:
        raise AnalysisError(f"the diary has none of {_listed(SLEEP)}, so that no sleep stands before a cramp")
    lags = distributed_lag(cohort, sleep, lags=LAGS, **asked)
    adjusted = adjusted_lags(cohort, sleep, **asked | {"participants_per_coefficient": settings.per_coefficient})
    rows = together([lags, adjusted])
    # What could be estimated stands at its declared contrast alone.
    shown = rows[declared(rows) | ~rows["status"].isin(["converged", "boundary"])]
    shown = shown[shown["analysis"].ne(kinds.LAG_ADJUSTED.name) | shown["level"].eq("lag 1")]
    caption = f"Cramps after nights of poor sleep, by {wording.small(wording.label(sleep))} of the nights before."
    note = (
        "Each lag is held beside the others [@schwartz2000], as the deviation from the mean of all other nights of the "
        f"participant; cumulative is that of {LAGS} poor nights together. {tables.notes(shown)}"
    )
    return Findings(rows, {_LAGS: ReportTable(tables.factors(shown), caption, note)})


def _directions(cohort: Cohort, scores: pd.DataFrame, lags: pd.DataFrame) -> Findings:
    rows = both_directions(cohort, kinds.CRAMP_NIGHT.rows(scores), kinds.DISTRIBUTED_LAG.rows(lags))
    if rows.empty:
        why = f"the diary has none of {_listed(WORSE)}"
        return Findings(rows, could_not={_DIRECTIONS: why})
    drawing = Drawing(
        "both_directions",
        rows,
        caption="Both directions on one scale: scores of a cramp night and of the day after against the person's other "
        "nights, and sleep on the nights before a cramp, in standard deviations within participants.",
        alt=said.alt(rows),
        note="Worse is to the right. A log rate ratio per standard deviation of worse sleep is, of normal scores, the "
        "distance by which sleep lay worse on nights before a cramp [@efron1975].",
    )
    return Findings(rows, figures={_DIRECTIONS: drawing})


def _usual(cohort: Cohort, asked: dict[str, Any], settings: Settings) -> Findings:
    measured = measured_in(cohort)
    parts = []
    for outcome in OUTCOMES:
        for model in (_PREVALENCE, "survey-logistic"):
            parts += [
                _usual_of(cohort, name, model=model, outcome=outcome, per_coefficient=settings.per_coefficient, **asked)
                for name in USUAL
                if name in measured
            ]
    if not parts:
        raise AnalysisError(f"the survey has none of {_listed(USUAL)}")
    rows = together(parts)
    drawing = Drawing(
        "usual_sleep",
        rows,
        caption="Prevalence ratios of recalled cramps, against none, by usual sleep (7 hours are 1) and by depression.",
        alt=said.alt_of_usual(rows),
        note="Shaded: ratios too close to 1 to matter.",
    )
    caption = "Usual sleep, depression and recalled cramps, each adjusted as the causal graph asks."
    judged = rows[declared(rows) & rows["model"].eq(_PREVALENCE)]
    note = (
        f"Depression: sum of nine answers, mild from 5 and moderate from 10 on [@kroenke2001]. {said.as_odds(rows)} "
        f"{tables.notes(judged[judged['outcome'].eq(OUTCOMES[0])])}"
    )
    table = ReportTable(tables.usual_sleep(rows), caption, note)
    return Findings(rows, {_USUAL: table}, {_USUAL_DRAWN: drawing})


def _usual_of(cohort: Cohort, name: str, *, per_coefficient: int, **asked: Any) -> pd.DataFrame:
    """Return the rows of usual sleep or of depression, or the one that says what weight it lacks."""
    cells = {"analysis": kinds.SLEEP_AND_MOOD.name, "model": asked["model"], "outcome": asked["outcome"]}
    try:
        return adjusted_fit(
            cohort,
            name,
            terms=(USUAL[name],),
            analysis=cells["analysis"],
            participants_per_coefficient=per_coefficient,
            **asked,
        ).estimates
    except NoWeight as problem:
        # The other may have its own.
        cells |= {"cohort": cohort.name, "population": asked["where"] or "all participants", "term": name}
        return estimates.frame([estimates.row(status="not_estimable", note=estimates.reason(problem), **cells)])


def _listed(names: Any) -> str:
    return wording.listed(wording.small(wording.label(name)) for name in names)


ANALYSIS = Analysis(
    "sleep",
    "What do cramps do to sleep and to the next day, and does poor sleep go before them?",
    answers={
        "diary": CohortAnswer(of_diary, (_DIRECTIONS, _SCORES, _LAGS), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (_USUAL_DRAWN, _USUAL),
            {"participants": ("recalled_low",)},
            "Do short sleep and depression go with cramps?",
        ),
    },
    values=("answer", "sleep_read", "limits"),
)
