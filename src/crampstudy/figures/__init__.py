"""Estimates drawn as figures for a journal page; nothing here fits a model."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from crampstudy.estimates.results import Rows
from crampstudy.figures.cohort import measured
from crampstudy.figures.factors import ratios
from crampstudy.figures.frequency import age_curve, prevalence, rates
from crampstudy.figures.overview.attrition import cohort_flow, logging
from crampstudy.figures.overview.claims import claims
from crampstudy.figures.overview.headlines import headlines
from crampstudy.figures.overview.specifications import claim_specifications
from crampstudy.figures.phenotypes import calendars, group_profiles
from crampstudy.figures.rootogram import rootogram
from crampstudy.figures.sections.age_ratios import age_ratios
from crampstudy.figures.sections.compared import common_measure, compared_groups
from crampstudy.figures.sections.comparisons import between_cohorts
from crampstudy.figures.sections.conditions import ratios_by_age
from crampstudy.figures.sections.distribution import distribution, recalled_classes
from crampstudy.figures.sections.dose_response import dose_response
from crampstudy.figures.sections.forest import forest
from crampstudy.figures.sections.nightly import lag_curves, modified, within_between
from crampstudy.figures.sections.onset import onset
from crampstudy.figures.sections.open_use import balance, overlap, regression_to_the_mean
from crampstudy.figures.sections.prediction import partial_dependence, prediction
from crampstudy.figures.sections.recall import recall
from crampstudy.figures.sections.season import season
from crampstudy.figures.sections.sleep import both_directions, usual_sleep
from crampstudy.figures.sections.treatments import single_participants, treatment_course
from crampstudy.figures.style import picture
from crampstudy.figures.survival import relief

FIGURES: Mapping[str, Callable[[Rows], Figure]] = {
    made.__name__: made
    for made in (
        between_cohorts,
        common_measure,
        compared_groups,
        rates,
        prevalence,
        age_curve,
        relief,
        ratios,
        measured,
        dose_response,
        distribution,
        recalled_classes,
        recall,
        both_directions,
        usual_sleep,
        forest,
        lag_curves,
        modified,
        season,
        within_between,
        ratios_by_age,
        age_ratios,
        onset,
        treatment_course,
        single_participants,
        balance,
        overlap,
        prediction,
        partial_dependence,
        group_profiles,
        regression_to_the_mean,
        cohort_flow,
        logging,
        headlines,
        claims,
        claim_specifications,
    )
}
"""The figures by the name that a kind of result has for its own."""

__all__ = [
    "FIGURES",
    "age_curve",
    "age_ratios",
    "balance",
    "between_cohorts",
    "both_directions",
    "calendars",
    "claim_specifications",
    "claims",
    "cohort_flow",
    "common_measure",
    "compared_groups",
    "distribution",
    "dose_response",
    "forest",
    "group_profiles",
    "headlines",
    "lag_curves",
    "logging",
    "measured",
    "modified",
    "onset",
    "overlap",
    "partial_dependence",
    "picture",
    "prediction",
    "prevalence",
    "rates",
    "ratios",
    "ratios_by_age",
    "recall",
    "recalled_classes",
    "regression_to_the_mean",
    "relief",
    "rootogram",
    "season",
    "single_participants",
    "treatment_course",
    "usual_sleep",
    "within_between",
]
