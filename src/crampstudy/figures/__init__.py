"""Estimates drawn as figures for a journal page; nothing here fits a model."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from crampstudy.estimates.results import Rows
from crampstudy.figures.cohort import measured, participants, weekly_completeness
from crampstudy.figures.comparisons import between_cohorts
from crampstudy.figures.factors import ratios
from crampstudy.figures.frequency import age_curve, prevalence, rates
from crampstudy.figures.rootogram import rootogram
from crampstudy.figures.survival import relief

FIGURES: Mapping[str, Callable[[Rows], Figure]] = {
    made.__name__: made
    for made in (
        between_cohorts,
        rates,
        prevalence,
        age_curve,
        relief,
        ratios,
        participants,
        weekly_completeness,
        measured,
    )
}
"""The figures by the name that a kind of result has for its own."""

__all__ = [
    "FIGURES",
    "age_curve",
    "between_cohorts",
    "measured",
    "participants",
    "prevalence",
    "rates",
    "ratios",
    "relief",
    "rootogram",
    "weekly_completeness",
]
