"""Whether exertion, stretching, sitting and stress go with cramps, within persons and between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.attempts import attempts
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, of_measured, together
from crampstudy.analyses.sentences import nightly as said
from crampstudy.analyses.settings import Settings
from crampstudy.causal import measured_in
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.nights.activity import (
    BREAKS,
    EXERTION,
    SITTING,
    STEPS,
    STRETCHED,
    STRETCHES,
    TOGETHER,
    WARMED_UP,
)
from crampstudy.contrasts.nights.joint_programme import PROGRAMME, joint_programme
from crampstudy.contrasts.nights.modification import Modification, modified_ratio
from crampstudy.contrasts.nights.nightly import adjusted_lags, adjusted_within_between, in_one_model, not_measured
from crampstudy.contrasts.nights.thirds import ACTIVE, LEAST_ACTIVE, active_thirds
from crampstudy.contrasts.nights.windows import STRENGTH, adjusted_window, is_u_shaped, strength_dose
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import times

WINDOWS = (
    ("load_ratio(session_load)", "acute over chronic load"),
    ("days_last(stretch_calf_min, 14)", "14 nights of calf stretching"),
    ("days_last(stretching_night, 14)", "14 nights of stretching"),
)
"""Exposures of several nights, and what their rows are called."""
UNSTRETCHED = Modification(
    EXERTION,
    STRETCHED,
    None,
    {"without stretching": False, "with stretching": True},
    ("without stretching", "with stretching"),
    "90th against 10th centile within person",
)
ASKED = ("usual_activity", "moderate_activity", "vigorous_activity", "usual_sitting_min")
"""What a survey asks of activity."""
_NAMED = {
    "exertion": (EXERTION, "low_impact_min", WARMED_UP),
    "steps": (STEPS,),
    "stretching": (*STRETCHES, STRETCHED),
    "sitting": (SITTING, BREAKS),
    "mindfulness": ("mindfulness_min",),
    "stress": ("stress_0_10",),
}
"""What a caption says of the exposures."""
_OF_LEVELS = {
    "the control is the exertion of the day after": "lead 1",
    "the load ratio is the exertion of 7 over that of the 28 days before": WINDOWS[0][1],
}
"""Notes on rows of a level."""
_OF_SURVEY: Any = {"model": "survey-poisson", "outcome": "any_cramp"}
_SEED = 20_261
_MAIN, _SIDES = "tbl-activity", "fig-activity"
_NIGHTS, _CURVES, _JOINT = "tbl-activity-nights", "fig-activity-lags", "tbl-joint-programme"


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return ratios of what people did on a day, within and between persons, and over several nights."""
    asked = _asked(cohort, settings)
    known = measured_in(cohort)
    split, nights, joint = attempts(
        ((_MAIN, _SIDES), lambda: _within_between(cohort, asked, known)),
        ((_NIGHTS, _CURVES), lambda: _over_nights(cohort, asked, known)),
        ((_JOINT,), lambda: _programme(cohort, asked)),
    )
    rows = together([split.estimates, nights.estimates])
    values = {
        "answer": _answer(rows),
        "late": _late(nights.estimates),
        "shown": _shown(rows),
        "programme": _of_programme(joint.estimates),
        "limits": _limits(rows),
    }
    return joined(split, nights, joint, Findings(together([]), values=values))


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalence ratios of reported activity and sitting, each adjusted as the causal graph asks."""
    found = attempt((_MAIN,), lambda: _reported(cohort, _asked(cohort, settings)))
    values = {
        "answer": _answer_of_survey(found),
        "late": "",
        "shown": "",
        "programme": "",
        "limits": "People said how active they usually are and how often they had cramps in the month before: those "
        "whom cramps keep from moving look like those who cramp because they do not move. Activity that is reported is "
        "not activity that is measured.",
    }
    return joined(found, Findings(together([]), values=values))


def _within_between(cohort: Cohort, asked: dict[str, Any], known: frozenset[str]) -> Findings:
    rngs = np.random.default_rng(_SEED).spawn(len(TOGETHER))
    every = [name for names in TOGETHER for name in names]
    logged = [name for name in every if name in known]
    if not logged:
        raise AnalysisError(f"the diary has none of {wording.listed(wording.small(wording.label(n)) for n in every)}")
    parts = []
    for names, rng in zip(TOGETHER, rngs, strict=True):
        own = [name for name in names if name in known]
        parts += [adjusted_within_between(cohort, each, rng=rng, **asked) for each in in_one_model(cohort, own)]
    parts += [not_measured(cohort, name) for name in every if name not in known]
    rows = together(parts)
    named = [name for name, of in _NAMED.items() if {*of} & {*logged}]
    caption = f"{wording.capital(wording.listed([*named, 'cramps']))}, at the declared contrasts."
    warm_up = "A warm-up is compared on days with exercise. " if WARMED_UP in logged else ""
    note = (
        "Within participants: a day against the mean of the person's own days; between them: that mean. "
        f"{warm_up}{said.adjusted(cohort, logged, rows)}"
    )
    drawing = Drawing(
        "within_between",
        rows,
        caption="Rate ratios within participants and between them, of what stands below each name, on a log scale, "
        "with the people and events behind both; shaded: 0.8 to 1.25.",
        alt=f"A forest of points with intervals, two rows of a kind for each of {len(logged)} exposures.",
    )
    return Findings(
        rows, {_MAIN: ReportTable(tables.nightly_exposures(of_measured(rows)), caption, note)}, {_SIDES: drawing}
    )


def _over_nights(cohort: Cohort, asked: dict[str, Any], known: frozenset[str]) -> Findings:
    steps: list[tuple[tuple[str, ...], Callable[[], pd.DataFrame]]] = [
        ((EXERTION,), lambda: adjusted_lags(cohort, EXERTION, against_lead=True, **asked)),
        *(
            ((term.split("(")[1].split(",")[0].rstrip(")"),), _window(cohort, term, level, asked))
            for term, level in WINDOWS
        ),
        ((EXERTION, STRETCHED), lambda: modified_ratio(cohort, UNSTRETCHED, **asked)),
        ((STRENGTH,), lambda: strength_dose(cohort, **asked)),
    ]
    parts = [made() for needs, made in steps if {*needs} <= known]
    parts += [active_thirds(cohort, **asked)] if {*ACTIVE} & known else []
    if not parts:
        raise AnalysisError("the diary has neither exercise, strength training nor stretching over several nights")
    rows = together(parts)
    drawing = Drawing(
        "lag_curves",
        kinds.DISTRIBUTED_LAG.rows(rows),
        caption="Rate ratios of exertion within persons by the nights since; shaded: 0.8 to 1.25.",
        alt="Points with intervals over the nights after the exertion, with the control at the left.",
    )
    made = _shown_over_nights(rows)
    caption = f"{wording.capital(wording.listed(made))}."
    note = wording.sentences(text for text, level in _OF_LEVELS.items() if rows["level"].eq(level).any())
    note = f"{note} {said.held_over_nights(rows)} {said.without_adjustment(tables.at_contrasts(rows))}".strip()
    return Findings(rows, {_NIGHTS: ReportTable(tables.nightly_exposures(rows), caption, note)}, {_CURVES: drawing})


def _shown_over_nights(rows: pd.DataFrame) -> list[str]:
    """Return what a table of several nights is of, in the order of its rows."""
    of = rows[rows["status"] != "not_measured"]
    names, levels = of["term"].str.removeprefix(wording.CONTRAST), of["level"]
    several = [
        name
        for name, term in (("exertion", EXERTION), ("stretching", "stretch"))
        if (names.str.contains(term, regex=False) & levels.ne(UNSTRETCHED.level)).any()
    ]
    return [
        *([f"{wording.listed(several)} over several nights"] if several else []),
        *(["exertion without stretching"] if levels.eq(UNSTRETCHED.level).any() else []),
        *(["strength training"] if names.str.contains(STRENGTH, regex=False).any() else []),
        *(["activity"] if kinds.THIRDS.rows(of).shape[0] else []),
    ]


def _programme(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    rows = joint_programme(cohort, **asked)
    if rows["status"].eq("not_measured").all():
        return Findings(rows, could_not={_JOINT: str(rows["note"].iloc[0])})
    caption = "Drinking, eating and stretching as advised, all three on every night against none of them."
    note = (
        "By the g-formula [@robins1986], averaged over the person-nights observed: at least 1,893 mL of fluid, "
        "stretching on 5 of 7 nights, and on average at least the reference intake of two of magnesium, potassium and "
        f"calcium for age and sex [@dri2019]; intervals by stacked estimating equations. {tables.notes(rows)}"
    )
    return Findings(rows, {_JOINT: ReportTable(tables.joint_programme(rows), caption, note)})


def _window(cohort: Cohort, term: str, level: str, asked: dict[str, Any]) -> Callable[[], pd.DataFrame]:
    return lambda: adjusted_window(cohort, term, level, **asked)


def _reported(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    names = [name for name in ASKED if name in measured_in(cohort)]
    if not names:
        raise AnalysisError("the survey asked neither for activity nor for sitting")
    rows = together(adjusted_fit(cohort, name, **_OF_SURVEY, **asked).estimates for name in names)
    caption = "Reported activity, sitting and any cramp in the past month."
    return Findings(
        rows, {_MAIN: ReportTable(tables.factors(estimates.at_contrasts(rows)), caption, tables.notes(rows) or None)}
    )


def _answer(rows: pd.DataFrame) -> str:
    thirds = (said.judged(rows, name, LEAST_ACTIVE) for name in ACTIVE)
    told = (
        ("after a day of much exertion", said.judged(rows, EXERTION, "within")),
        ("after exertion on several days", said.judged(rows, EXERTION, "cumulative")),
        ("on nights of stretching", said.judged(rows, STRETCHED, "within")),
        ("after 14 nights of stretching in a row", said.judged(rows, STRETCHED, WINDOWS[2][1])),
        ("after a day with 5 h more sitting than their own mean", said.judged(rows, SITTING, "within")),
        ("where they sat 10 h a day and not 5", said.judged(rows, SITTING, "between")),
        ("after a day with stress 2 points above their own mean", said.judged(rows, "stress_0_10", "within")),
        ("in the least active third, against the most active one", next(filter(None, thirds), None)),
    )
    names = (EXERTION, STRETCHED, SITTING)
    return said.sentences(said.had(*told), said.clear_besides(rows, [row for _, row in told])) or said.untold(
        "whether activity goes with cramps", rows, names
    )


def _answer_of_survey(found: Findings) -> str:
    rows = found.estimates[found.estimates["verdict"].notna()]
    reason = found.could_not.get(_MAIN, "no model has an answer")
    return (
        said.reported(wording.records(rows[rows["estimate"].notna()]))
        or f"How cramps go with activity could not be estimated: {reason}."
    )


def _late(rows: pd.DataFrame) -> str:
    """Return why several nights are looked at, of what is there."""
    terms = rows.loc[rows["estimate"].notna(), "term"] if len(rows) else pd.Series(dtype=str)
    why = {"exertion may act late": EXERTION, "stretching may act by keeping at it": "stretch"}
    said_of = [text for text, name in why.items() if terms.str.contains(name, regex=False).any()]
    return said.sentences(wording.listed(said_of)) if said_of else ""


def _shown(rows: pd.DataFrame) -> str:
    later = said.judged(rows, EXERTION, "lag 0 against lead 1")
    both = said.judged(rows, EXERTION, UNSTRETCHED.level)
    texts = [said.control(rows, (EXERTION,))]
    if later is not None:
        texts.append(
            f"The ratio of exertion on the night after it was {times(later)} that on the night before it "
            f"({later['verdict']})"
        )
    if both is not None:
        texts.append(f"Without stretching the ratio of exertion was {times(both)} that with it ({both['verdict']})")
    if len(kinds.WINDOW.rows(rows)) and rows["term"].str.endswith(STRENGTH).any():
        texts.append(_shape(rows[rows["term"].str.endswith(STRENGTH)]))
    return said.sentences(*texts)


def _of_programme(rows: pd.DataFrame) -> str:
    ratio = said.judged(rows, PROGRAMME, "all against none")
    if ratio is None:
        return ""
    return said.sentences(said.had(("with all three on every night, against none of them on any", ratio)))


def _shape(rows: pd.DataFrame) -> str:
    match is_u_shaped(rows):
        case True:
            return "Cramps were U-shaped in strength training: none and 300 minutes a week both went with more than 60"
        case False:
            return (
                "Cramps were not U-shaped in strength training: none and 300 minutes did not both go with more than 60"
            )
    return "Whether cramps are U-shaped in strength training cannot be told: few people ever trained so much"


def _limits(rows: pd.DataFrame) -> str:
    stretched = (rows["term"].str.contains("stretch", regex=False) & rows["status"].ne("not_measured")).any()
    because = "Those who cramp stretch because of it: within persons the cramps of the night before are held, between "
    because += "persons how prone to cramps a person is cannot be"
    minutes = "Exertion is what people say it was, times minutes"
    exerted = rows["term"].str.contains(EXERTION, regex=False) & rows["status"].ne("not_measured")
    return said.sentences(said.OBSERVED, because if stretched else "", minutes if exerted.any() else "")


def _asked(cohort: Cohort, settings: Settings) -> dict[str, Any]:
    return {
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }


ANALYSIS = Analysis(
    "activity",
    "Do exertion, too little stretching, sitting and stress go with more cramps, on the same night or later?",
    answers={
        "diary": CohortAnswer(of_diary, (_SIDES, _MAIN, _CURVES, _NIGHTS, _JOINT), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (_MAIN,),
            {"participants": ("recalled_low",)},
            "Do usual activity, leisure activity and sitting go with cramps?",
        ),
    },
    values=("answer", "late", "shown", "programme", "limits"),
)
