"""How long, how painful and when cramps are, and what goes with their end."""

from __future__ import annotations

from typing import Any

import numpy as np

from crampstudy import estimates, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.attempts import attempts
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, joined, together
from crampstudy.analyses.sections import triage as parts
from crampstudy.analyses.sentences import severity as said
from crampstudy.analyses.sentences import triage as said_of_flags
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies.within_persons import remedies, used
from crampstudy.descriptive.episodes import cramp_features
from crampstudy.descriptive.single_cramps.relief import ReliefOptions, relief
from crampstudy.descriptive.single_cramps.uncounted import described_alone
from crampstudy.errors import AnalysisError
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.groups import group
from crampstudy.nights import NO_AGE

FEATURES, BY_AGE, ONSET = "tbl-severity", "tbl-severity-by-age", "fig-severity-onset"
RELIEF, REMEDIES = "fig-severity-relief", "tbl-severity-remedies"
_OF_CRAMPS = (FEATURES, ONSET, BY_AGE, RELIEF, REMEDIES)
NO_EPISODES = "the cohort has no episodes"
_SHOWN_BY_AGE = {
    "site": "calf",
    "duration_s": "above 10 min",
    "pain_0_10": "mean",
    "woke": "true",
    "residual_soreness": "true",
}
"""What a page has room for beside the ages."""
_COMPARED = {
    "relief": ("relief", "Cox regression of relief with a baseline for each participant"),
    "pain_fall": ("fall in pain", "linear regression of the fall in pain with an intercept for each"),
    "residual_soreness": ("soreness", "conditional Poisson regression of soreness [@wooldridge1999]"),
}
"""The outcomes of remedies: how each is called, and by what model remedies are compared."""
_SHOWN_SHARE, _POINTS = 0.95, 60
"""Of the curves: up to which quantile of the times, and at how many."""


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return what cramps are like, when they begin, relief, pain and soreness by remedy, red flags, and what counts."""
    asked: dict[str, Any] = {"where": settings.old_enough(cohort), "ci_level": settings.ci_level}
    flagged, cases, *single = attempts(
        ((parts.FLAGS, parts.TESTS), lambda: parts.flagged(cohort, settings)),
        ((parts.CASES,), lambda: parts.counted(cohort, settings)),
        *(
            ()
            if cohort.frame("episodes").is_empty()
            else (
                ((FEATURES, ONSET, BY_AGE), lambda: _described(cohort, settings, asked)),
                ((RELIEF,), lambda: _curves(cohort, asked)),
                ((REMEDIES,), lambda: _helped(cohort, asked)),
            )
        ),
    )
    described, curves, helped = single or [parts.nothing(_OF_CRAMPS, NO_EPISODES)] * 3
    values = {
        "answer": said.answer(
            described.estimates, helped.estimates, said_of_flags.flags(flagged.estimates), _lacking(described)
        ),
        "described": said.described(described.estimates),
        "helped": said.helped(helped.estimates, curves=RELIEF in curves.figures),
        "flags": said_of_flags.disclaimed(said_of_flags.flags(flagged.estimates)),
        "stability": said_of_flags.stability(flagged.estimates),
        "cases": said_of_flags.cases(cases.estimates),
        "limits": " ".join(
            filter(
                None,
                (said.limits(described.estimates, helped.estimates), said_of_flags.flag_limits(flagged.estimates)),
            )
        ),
    }
    return joined(described, curves, helped, flagged, cases, Findings(together([]), values=values))


def _lacking(described: Findings) -> str:
    """Return why nothing is known of single cramps."""
    reason = described.could_not.get(FEATURES) or tables.reasons(described.estimates, brief=True)
    return reason or "neither length nor pain nor relief was recorded"


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Say that a survey has no single cramps.

    Raises:
        AnalysisError: always.
    """
    raise AnalysisError(
        "this cohort is a survey, which asks how often people have cramps and not what each of them was like, "
        "nor in which weeks they came, so that it has no red flags"
    )


def _described(cohort: Cohort, settings: Settings, asked: dict[str, Any]) -> Findings:
    rows = cramp_features(cohort, settings.bands if cohort.has("age_years") else None, **asked)
    if rows.empty:
        raise AnalysisError(f"no cramp was logged by a participant from {settings.youngest} years on")
    features = kinds.FEATURE.rows(rows)
    everybody = features[features["population"].map(group) == "all"]
    found, could_not = {}, {}
    if (everybody["status"] != "not_measured").any():
        apart = wording.sentences(filter(None, [described_alone(cohort, asked["where"])]))
        note = " ".join(filter(None, ("Intervals take participants as clusters.", apart, tables.notes(everybody))))
        found[FEATURES] = ReportTable(tables.cramp_features(everybody), "What cramps are like.", note)
    else:
        could_not[FEATURES] = "no cramp was logged with its site, length or pain"
    chosen = features[features["term"].map(_SHOWN_BY_AGE).eq(features["level"])]
    if chosen["population"].nunique() > 1:
        caption = "What cramps are like, by age."
        # A band of few people has a row alone, which says so.
        told = features[features["term"].map(_SHOWN_BY_AGE).eq(features["level"]) | features["term"].eq("age_band")]
        found[BY_AGE] = ReportTable(tables.cramp_features_by_age(chosen), caption, said.by_age(told, chosen))
    else:
        could_not[BY_AGE] = could_not.get(FEATURES, _without_bands(cohort))
    onsets = together([kinds.ONSET.rows(rows), kinds.MEAN_ONSET.rows(rows)])
    drawing = Drawing(
        "onset",
        onsets,
        caption="Share of the cramps that begin in each hour of the clock, with intervals; the line is the mean onset.",
        alt=said.onset(onsets) or "No hour of onset could be estimated.",
    )
    if (onsets["status"] == "not_measured").all():
        return Findings(rows, found, could_not={**could_not, ONSET: "no cramp was logged with its onset"})
    return Findings(rows, found, {ONSET: drawing}, could_not=could_not)


def _without_bands(cohort: Cohort) -> str:
    few = f"no age band has {FEWEST} participants of whom cramps are known"
    return few if cohort.has("age_years") else NO_AGE


def _curves(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    used(cohort)
    own = cohort.frame("episodes")
    times = own["relief_s"].drop_nulls().to_numpy() if "relief_s" in own.columns else np.empty(0)
    last = float(np.quantile(times, _SHOWN_SHARE)) if len(times) else 0.0
    grid = np.unique(np.linspace(0, last, _POINTS + 1).round()).tolist()
    options = ReliefOptions(times=grid, ci_level=asked["ci_level"])
    every = estimates.frame(relief(cohort, where=asked["where"], options=options))
    medians = kinds.MEDIAN_RELIEF.rows(every)
    few = medians[medians["n_participants"] < FEWEST]
    if len(few) == len(medians):
        raise AnalysisError(f"fewer than {FEWEST} participants logged the time to relief with any one remedy")
    rows = every[~every["population"].isin(few["population"])]
    names = wording.listed(map(wording.remedy, few["level"])) if len(few) else ""
    drawing = Drawing(
        "relief",
        rows,
        caption="Share of the cramps without relief by the time since the remedy, of those without one since when one "
        f"could have been used; up to the {100 * _SHOWN_SHARE:.0f}th centile of the times.",
        alt=f"Curves that fall from 1, one for each remedy. {said.medians(rows)}".strip(),
        note=f"Not drawn, of fewer than {FEWEST} participants: {names}." if names else None,
    )
    return Findings(rows, figures={RELIEF: drawing})


def _helped(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    rows = remedies(cohort, **asked)
    plain = kinds.REMEDY.rows(rows)
    if not (plain["status"] != "not_measured").any():
        raise AnalysisError("; ".join(plain["note"].dropna()))
    shown = set(plain.loc[plain["status"] != "not_measured", "outcome"])
    how = wording.listed(model for outcome, (_, model) in _COMPARED.items() if outcome in shown)
    note = (
        "Cramps of participants who used more than one remedy, or one and none, each compared with the own cramps "
        f"alone: {how}. At equal pain: adjusted for the worst pain of the cramp."
    )
    text = f"{note} {tables.notes(plain)}".strip()
    what = wording.listed(name for outcome, (name, _) in _COMPARED.items() if outcome in shown)
    caption = f"{wording.capital(what)} with each remedy against none, within participants."
    return Findings(rows, {REMEDIES: ReportTable(tables.remedies(rows), caption, text)})


ANALYSIS = Analysis(
    "severity",
    "How long do cramps last, how painful are they, what helps, and when are they a red flag?",
    answers={
        "diary": CohortAnswer(of_diary, (*_OF_CRAMPS, parts.FLAGS, parts.TESTS, parts.CASES)),
        "survey": CohortAnswer(of_survey, ()),
    },
    values=("answer", "described", "helped", "flags", "stability", "cases", "limits"),
)
