"""How common cramps are by age, and which factors go with them, muscle among them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.analysis import Analysis, Answer
from crampstudy.analyses.findings import Drawing, Findings, Table, together
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
    described = _described(cohort, settings)
    curve = age_curve(cohort, youngest=settings.youngest, ci_level=settings.ci_level)
    asked = _asked(cohort, settings)
    rows = factor_table(cohort, FACTORS, models=("negative-binomial",), outcome="cramps", **asked)
    muscle = _muscle(cohort, "negative-binomial", asked)
    return Findings(
        together([described, curve, rows, muscle]),
        tables={
            "tbl-frequency": Table(
                tables.rates(described),
                "Incidence rate of cramps by age.",
                _note(
                    "Cluster-robust intervals on the log scale with participants as clusters [@liang1986], the upper "
                    "limits corrected for skewness [@hall1992]. The mean of person rates parts from the incidence rate "
                    "when how much is logged goes with how often cramps come. Summary rows overlap with the bands.",
                    described,
                ),
            ),
            "tbl-factors": Table(tables.adjusted_factors(rows), "Factors and cramps.", _note("", rows)),
            "tbl-muscle": _muscle_table(muscle),
        },
        figures={
            "fig-frequency": Drawing(
                "rates",
                described,
                caption="Incidence rate by age band with intervals; the line and shading are the age-standardised "
                "rate.",
                alt="Points with vertical intervals over the age bands, and a horizontal line at the age-standardised "
                "rate.",
            ),
            "fig-age-curve": _curve_figure(
                curve, "Incidence rate over age, with pointwise intervals, cut at the top where they are very wide."
            ),
            "fig-factors": _factors_figure(rows, "negative-binomial"),
        },
        values={
            "measure": "The incidence rate is the number of cramps divided by the observed person-time.",
            "frequency": _frequency(
                cohort,
                settings,
                "crude incidence rate",
                kinds.INCIDENCE_RATE.rows(described),
                kinds.STANDARDISED_RATE.rows(described),
            ),
            "model_text": "Rate ratios come from regression of the nightly count of cramps with a log link and "
            "cluster-robust intervals; counts are taken as negative binomial.",
        },
    )


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalences of recalled classes by age, and odds or prevalence ratios."""
    described = _described(cohort, settings)
    curve = age_curve(cohort, youngest=settings.youngest, ci_level=settings.ci_level)
    asked = _asked(cohort, settings)
    any_cramp, _ = _recalled(cohort, "any_cramp", asked)
    rows, models = _recalled(cohort, "moderate_severe_vs_none", asked)
    muscle = _muscle(cohort, "survey-logistic", asked)
    anybody = described[described["level"].eq("any")]
    return Findings(
        together([described, curve, any_cramp, rows, muscle]),
        tables={
            "tbl-frequency": Table(
                tables.prevalence(described),
                "Prevalence of recalled cramps in the past month by age.",
                _note(
                    "Design-based estimates with logit t intervals [@lumley2004]. Mild: one to four cramps in the past "
                    "month; moderate-severe: five or more. Rows from 20, 50 and 60 years on overlap with the bands.",
                    described,
                ),
            ),
            "tbl-factors": Table(
                tables.adjusted_factors(rows), "Factors and moderate-severe cramps, against none.", _note("", rows)
            ),
            "tbl-factors-any": Table(
                tables.adjusted_factors(any_cramp),
                "Factors and any cramp in the past month, against none.",
                _note("", any_cramp),
            ),
            "tbl-muscle": _muscle_table(muscle),
        },
        figures={
            "fig-frequency": Drawing(
                "prevalence",
                described,
                caption="Prevalence of mild and of moderate-severe cramps by age band, with intervals.",
                alt="Two series of points with vertical intervals over the age bands: mild and moderate-severe cramps.",
            ),
            "fig-age-curve": _curve_figure(curve, "Prevalence of recalled cramps over age, with pointwise intervals."),
            "fig-factors": _factors_figure(rows, models[0]),
        },
        values={
            "measure": "Participants recalled how often they had leg cramps while trying to sleep in the past month; "
            "classes are none, mild (up to four), and moderate-severe (five or more).",
            "frequency": _frequency(
                cohort,
                settings,
                "design-based prevalence of any cramp in the past month",
                kinds.PREVALENCE.rows(anybody),
                kinds.STANDARDISED_PREVALENCE.rows(anybody),
            ),
            "model_text": "Ratios come from design-based regression of recalled classes: odds ratios, and of an "
            "outcome that 31% or more have prevalence ratios first.",
        },
    )


def _described(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    return describe(cohort, bands=settings.bands, standard=settings.standard, ci_level=settings.ci_level).estimates


def _asked(cohort: Cohort, settings: Settings) -> dict[str, Any]:
    """Return what is asked of every model alike."""
    return {
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }


def _recalled(cohort: Cohort, outcome: str, asked: dict[str, Any]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the ratios of a recalled outcome, and the models that give them, the first one first."""
    models = survey_models(cohort, outcome, where=asked["where"])
    return factor_table(cohort, FACTORS, models=models, outcome=outcome, **asked), models


def _muscle(cohort: Cohort, model: str, asked: dict[str, Any]) -> pd.DataFrame:
    kind = kinds.MUSCLE.name
    return fit(cohort, model=model, terms=MUSCLE_TERMS, per=MUSCLE_PER, analysis=kind, **asked).estimates


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


def _muscle_table(muscle: pd.DataFrame) -> Table:
    return Table(
        tables.factors(muscle), "Muscle mass, strength and cramps, adjusted for age and sex.", _note("", muscle)
    )


def _curve_figure(curve: pd.DataFrame, caption: str) -> Drawing:
    return Drawing("age_curve", curve, caption, alt="A smooth curve over age with a shaded interval around it.")


def _factors_figure(rows: pd.DataFrame, model: str) -> Drawing:
    first = kinds.ADJUSTED.rows(rows)
    return Drawing(
        "ratios",
        first[first["model"] == model],
        caption="Ratios of @tbl-factors, adjusted for age and sex, on a log scale; the line stands at no association.",
        alt="A forest of points with horizontal intervals, one row per factor, around a vertical line at a ratio of "
        "one.",
    )


def _note(text: str, rows: pd.DataFrame) -> str | None:
    return f"{text} {tables.notes(rows)}".strip() or None


ANALYSIS = Analysis(
    "age-and-muscle",
    "How does the frequency of cramps change with age, and do other factors, muscle among them, go with it?",
    answers={
        "diary": Answer(of_diary, {"diary": ("cramps",)}),
        "survey": Answer(of_survey, {"participants": ("recalled_low",)}),
    },
    parts=(
        *("tbl-frequency", "fig-frequency", "fig-age-curve"),
        *("tbl-factors", "tbl-factors-any", "fig-factors", "tbl-muscle"),
    ),
    values=("measure", "frequency", "model_text"),
)
