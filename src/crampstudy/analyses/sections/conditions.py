"""Which conditions and drugs go with cramps, and whether they do so more with age."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, has_estimate
from crampstudy.analyses.sentences import conditions as said
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.estimates import kinds
from crampstudy.tables.sections.conditions import said as of_graph

CONDITIONS = (
    HealthCondition("peripheral_artery_disease"),
    HealthCondition("peripheral_artery_disease", among="exertional_leg_pain = false", again=True),
    *map(HealthCondition, ("ankle_brachial_index", "diabetes", "hba1c_mmol_mol", "neuropathy")),
    *map(HealthCondition, ("hypothyroidism", "thyroid_disease", "tsh_miu_l", "chronic_kidney_disease")),
    *map(HealthCondition, ("hypertension", "heart_failure", "arthritis", "osteoarthritis")),
    HealthCondition("pregnancy_trimester", among="sex = 'female' AND age_years <= 49"),
    *map(HealthCondition, ("joint_pain_0_10", "gait_altered", "diuretic_class", "laba", "statin")),
)
"""What is compared; a survey's thyroid disease and arthritis of any kind stand beside the narrower ones."""
_TABLE, _FIGURE, _ADJUSTED = "tbl-conditions", "fig-conditions", "tbl-condition-adjustments"


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return rate ratios of nightly counts by condition, at all ages, at 50 and at 75 years."""
    return _found(cohort, settings, "negative-binomial", "cramps")


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalence ratios of any cramp in the past month, under the sampling design."""
    return _found(cohort, settings, "survey-poisson", "any_cramp")


def _found(cohort: Cohort, settings: Settings, model: str, outcome: str) -> Findings:
    rows = condition_ratios(
        cohort,
        CONDITIONS,
        model=model,
        outcome=outcome,
        where=settings.old_enough(cohort),
        ci_level=settings.ci_level,
        participants_per_coefficient=settings.per_coefficient,
    )
    main, measured = kinds.CONDITION.rows(rows), rows[rows["status"] != "not_measured"]
    # Without ages, or with few of an age, there are those of all ages alone.
    two = has_estimate(rows[~rows["analysis"].eq(kinds.CONDITION.name)])
    values = {
        "answer": said.answer(rows),
        "by_age": said.by_age(rows),
        "drawn": said.drawn(two=two),
        "adjusted": said.adjusted(main, two=two),
        "limits": said.limits(cohort.kind, main),
    }
    if not has_estimate(main):
        why = "no condition and no drug was recorded of the participants"
        why = why if measured.empty else "no ratio of a condition or a drug could be estimated"
        return Findings(rows, values=values, could_not=dict.fromkeys((_TABLE, _FIGURE, _ADJUSTED), why))
    drawing = Drawing(
        "ratios_by_age",
        measured,
        caption=f"Ratios by condition {said.AT_TWO_AGES if two else 'at all ages'}, with how many of all participants "
        "have it or take it, and the events of all.",
        alt=said.alt(rows, two=two),
        note=f"The shaded band holds ratios too close to 1 to matter.{said.not_drawn(measured)}"
        f"{said.without_age(measured)}{said.rest(measured)}",
    )
    shown = {
        _TABLE: ReportTable(tables.conditions(measured), said.caption(model, main, two=two), _notes(main, rows, two)),
    }
    if main["adjusted_for"].isna().all():
        return Findings(rows, shown, {_FIGURE: drawing}, values, absent=(_ADJUSTED,))
    caption = "What each ratio is adjusted for, a minimal set of the study's causal graph."
    shown[_ADJUSTED] = ReportTable(tables.adjustments(main), caption)
    return Findings(rows, shown, {_FIGURE: drawing}, values)


def _notes(main: pd.DataFrame, rows: pd.DataFrame, by_age: bool) -> str:
    """Return the notes of the table, but for what it or that of the adjustments has as cells."""
    told = main[main["status"] != "not_measured"]
    estimated = told[told["estimate"].notna()]
    of_ages = tables.reasons(kinds.CONDITION_BY_AGE.rows(rows)) if by_age else ""
    elsewhere = {of_graph(row) for row in wording.records(estimated)}
    elsewhere |= {part for text in estimated["note"] for part in text.split("; ") if " left out, " in part}
    of_test = "; p by age: of the same ratio at 50 and at 75 years" if by_age else ""
    remarks = tables.notes(told, besides=elsewhere)
    return (
        "With it / all: participants who have the condition or take the drug, and all in the model, complete on its "
        "terms. A level stands against none where no other is named, a measure at its 90th against its 10th centile or "
        "the reverse. q: Benjamini-Hochberg, over the conditions, several levels of one as a joint "
        f"test{of_test}.{said.without_age(rows)} {remarks}{f' No ratios by age: {of_ages}.' if of_ages else ''}"
    )


ANALYSIS = Analysis(
    "conditions",
    "Which conditions and drugs go with cramps, and do they do so more at higher ages?",
    answers={
        "diary": CohortAnswer(of_diary, (_FIGURE, _TABLE, _ADJUSTED), {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, (_FIGURE, _TABLE, _ADJUSTED), {"participants": ("recalled_low",)}),
    },
    values=("answer", "by_age", "drawn", "adjusted", "limits"),
)
