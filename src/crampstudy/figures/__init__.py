"""Estimates drawn as figures for a journal page; nothing here fits a model."""

from crampstudy.figures.cohort import measured, participants, weekly_completeness
from crampstudy.figures.factors import ratios
from crampstudy.figures.frequency import age_curve, prevalence, rates
from crampstudy.figures.rootogram import rootogram
from crampstudy.figures.survival import relief

__all__ = [
    "age_curve",
    "measured",
    "participants",
    "prevalence",
    "rates",
    "ratios",
    "relief",
    "rootogram",
    "weekly_completeness",
]
