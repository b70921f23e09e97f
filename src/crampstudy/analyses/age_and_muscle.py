"""How common cramps are by age, and which factors go with them, muscle among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, together
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.contrasts.factors import factor_table, survey_models
from crampstudy.descriptive import describe
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import value
from crampstudy.models.fit import fit

FACTORS = (
    *("serum_potassium_mmol_l", "serum_sodium_mmol_l", "serum_calcium_mmol_l", "serum_magnesium_mmol_l"),
    *("exercise_min", "alcohol_units", "stretch_calf_min", "peripheral_artery_disease", "diabetes", "hypothyroidism"),
)
MUSCLE_TERMS = "age_decade + sex + lean_mass_index_kg_m2 + grip_strength_kg"
MUSCLE_PER = {"grip_strength_kg": 5}
"""Ratios of muscle are per so much of a variable."""


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return incidence rates by age, and rate ratios of nightly counts."""
    asked = _asked(cohort, settings)
    model_text = (
        "Rate ratios come from regression of the nightly count of cramps with a log link and cluster-robust intervals; "
        "counts are taken as negative binomial."
    )
    return joined(
        _rates(cohort, settings),
        _curve(
            cohort,
            settings,
            "Incidence rate over age, with pointwise intervals, cut at the top where they are very wide.",
        ),
        attempt(_FACTORS_SHOWN, lambda: _rate_ratios(cohort, asked)),
        attempt(_MUSCLE_SHOWN, lambda: _muscle(cohort, "negative-binomial", asked)),
        Findings(together([]), values={"model_text": model_text}),
    )


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalences of recalled classes by age, and odds or prevalence ratios."""
    asked = _asked(cohort, settings)
    model_text = (
        "Ratios come from design-based regression of recalled classes: odds ratios, and of an outcome that 31% or more "
        "have prevalence ratios first."
    )
    return joined(
        _prevalences(cohort, settings),
        _curve(cohort, settings, "Prevalence of recalled cramps over age, with pointwise intervals."),
        attempt(_ANY_SHOWN, lambda: _any_cramp(cohort, asked)),
        attempt(_FACTORS_SHOWN, lambda: _moderate_severe(cohort, asked)),
        attempt(_MUSCLE_SHOWN, lambda: _muscle(cohort, "survey-logistic", asked)),
        Findings(together([]), values={"model_text": model_text}),
    )


def _rates(cohort: Cohort, settings: Settings) -> Findings:
    rows = _described(cohort, settings)
    note = (
        "Cluster-robust intervals on the log scale with participants as clusters [@liang1986], the upper limits "
        "corrected for skewness [@hall1992]. The mean of person rates parts from the incidence rate when how much is "
        "logged goes with how often cramps come. Summary rows overlap with the bands."
    )
    drawing = Drawing(
        "rates",
        rows,
        caption="Incidence rate by age band with intervals; the line and shading are the age-standardised rate.",
        alt="Points with vertical intervals over the age bands, and a horizontal line at the age-standardised rate.",
    )
    crude, standardised = kinds.INCIDENCE_RATE.rows(rows), kinds.STANDARDISED_RATE.rows(rows)
    return Findings(
        rows,
        {"tbl-frequency": ReportTable(tables.rates(rows), "Incidence rate of cramps by age.", _note(note, rows))},
        {"fig-frequency": drawing},
        values={
            "measure": "The incidence rate is the number of cramps divided by the observed person-time.",
            "frequency": _frequency(cohort, settings, "crude incidence rate", crude, standardised),
        },
    )


def _prevalences(cohort: Cohort, settings: Settings) -> Findings:
    rows = _described(cohort, settings)
    note = (
        "Design-based estimates with logit t intervals [@lumley2004]. Mild: one to four cramps in the past month; "
        "moderate-severe: five or more. Rows from 20, 50 and 60 years on overlap with the bands."
    )
    caption = "Prevalence of recalled cramps in the past month by age."
    drawing = Drawing(
        "prevalence",
        rows,
        caption="Prevalence of mild and of moderate-severe cramps by age band, with intervals.",
        alt="Two series of points with vertical intervals over the age bands: mild and moderate-severe cramps.",
    )
    any_cramp = rows[rows["level"].eq("any")]
    crude, standardised = kinds.PREVALENCE.rows(any_cramp), kinds.STANDARDISED_PREVALENCE.rows(any_cramp)
    quantity = "design-based prevalence of any cramp in the past month"
    return Findings(
        rows,
        {"tbl-frequency": ReportTable(tables.prevalence(rows), caption, _note(note, rows))},
        {"fig-frequency": drawing},
        values={
            "measure": "Participants recalled how often they had leg cramps while trying to sleep in the past month; "
            "classes are none, mild (up to four), and moderate-severe (five or more).",
            "frequency": _frequency(cohort, settings, quantity, crude, standardised),
        },
    )


def _rate_ratios(cohort: Cohort, asked: Mapping[str, Any]) -> Findings:
    model = "negative-binomial"
    rows = factor_table(cohort, FACTORS, models=(model,), outcome="cramps", **asked)
    return _factors(rows, "tbl-factors", "Factors and cramps.", drawn=model)


def _moderate_severe(cohort: Cohort, asked: Mapping[str, Any]) -> Findings:
    rows, first = _recalled(cohort, "moderate_severe_vs_none", asked)
    return _factors(rows, "tbl-factors", "Factors and moderate-severe cramps, against none.", drawn=first)


def _any_cramp(cohort: Cohort, asked: Mapping[str, Any]) -> Findings:
    rows, _ = _recalled(cohort, "any_cramp", asked)
    return _factors(rows, "tbl-factors-any", "Factors and any cramp in the past month, against none.")


def _recalled(cohort: Cohort, outcome: str, asked: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Return the ratios of a recalled outcome, and the first of the models that give them."""
    models = survey_models(cohort, outcome, where=asked["where"])
    return factor_table(cohort, FACTORS, models=models, outcome=outcome, **asked), models[0]


def _factors(rows: pd.DataFrame, label: str, caption: str, drawn: str | None = None) -> Findings:
    """Return ratios as a table, and those of the model ``drawn`` as a figure."""
    first = kinds.ADJUSTED.rows(rows)
    forest = Drawing(
        "ratios",
        first[first["model"] == drawn],
        caption="Ratios of @tbl-factors, adjusted for age and sex, on a log scale; the line stands at no association.",
        alt="A forest of points with horizontal intervals, one row per factor, around a vertical line at a ratio of "
        "one.",
    )
    table = ReportTable(tables.adjusted_factors(rows), caption, _note("", rows))
    return Findings(rows, {label: table}, {"fig-factors": forest} if drawn else {})


def _muscle(cohort: Cohort, model: str, asked: Mapping[str, Any]) -> Findings:
    rows = fit(cohort, model=model, terms=MUSCLE_TERMS, per=MUSCLE_PER, analysis=kinds.MUSCLE.name, **asked).estimates
    caption = "Muscle mass, strength and cramps, adjusted for age and sex."
    return Findings(rows, {"tbl-muscle": ReportTable(tables.factors(rows), caption, _note("", rows))})


def _curve(cohort: Cohort, settings: Settings, caption: str) -> Findings:
    rows = age_curve(cohort, youngest=settings.youngest, ci_level=settings.ci_level)
    alt = "A smooth curve over age with a shaded interval around it."
    return Findings(rows, figures={"fig-age-curve": Drawing("age_curve", rows, caption, alt)})


def _described(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    return describe(cohort, bands=settings.bands, standard=settings.standard, ci_level=settings.ci_level).estimates


def _asked(cohort: Cohort, settings: Settings) -> dict[str, Any]:
    """Return what is asked of every model alike."""
    return {
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }


def _frequency(
    cohort: Cohort, settings: Settings, quantity: str, crude: pd.DataFrame, standardised: pd.DataFrame
) -> str:
    """Return how common cramps are over all ages, crude and at the ages of the standard population."""
    aged, youngest = cohort.has("age_years"), settings.youngest
    whole = wording.records(crude[crude["population"] == (f"{youngest}+" if aged else "all")])[0]
    known = wording.records(standardised[standardised["estimate"].notna()])
    of_whom = f"all ages from {youngest} on" if aged else "all participants"
    overall = "not known" if pd.isna(whole["estimate"]) else value(whole)
    also = (
        f", and {value(known[0])} at the ages of the standard population"
        if known
        else " (an age-standardised figure was not estimated)"
    )
    return f"Over {of_whom} the {quantity} is {overall}{also}."


def _note(text: str, rows: pd.DataFrame) -> str | None:
    return f"{text} {tables.notes(rows)}".strip() or None


_FACTORS_SHOWN, _ANY_SHOWN, _MUSCLE_SHOWN = ("tbl-factors", "fig-factors"), ("tbl-factors-any",), ("tbl-muscle",)
_FREQUENCY_SHOWN = ("tbl-frequency", "fig-frequency", "fig-age-curve")

ANALYSIS = Analysis(
    "age-and-muscle",
    "How does the frequency of cramps change with age, and do other factors, muscle among them, go with it?",
    answers={
        "diary": CohortAnswer(of_diary, (*_FREQUENCY_SHOWN, *_FACTORS_SHOWN, *_MUSCLE_SHOWN), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (*_FREQUENCY_SHOWN, *_FACTORS_SHOWN, *_ANY_SHOWN, *_MUSCLE_SHOWN),
            {"participants": ("recalled_low",)},
        ),
    },
    values=("measure", "frequency", "model_text"),
)
