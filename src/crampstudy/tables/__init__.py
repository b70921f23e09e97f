"""Estimates as tables for readers: data frames of text, indexed by what a row is about; nothing here fits a model."""

from crampstudy.tables.attrition import cleaning, rules
from crampstudy.tables.characteristics import table_one
from crampstudy.tables.comparisons import between_cohorts, cohort_interaction
from crampstudy.tables.frequency import age_curve, classes, prevalence, rates
from crampstudy.tables.not_estimated import not_estimated
from crampstudy.tables.observed import completeness, measured, participants, weekly_completeness
from crampstudy.tables.of_kinds import TABLES, shown
from crampstudy.tables.opinions import agreement, agreements, gaps, opinion_notes, second_opinion, second_opinions
from crampstudy.tables.printed import printed
from crampstudy.tables.ratios import adjusted_factors, bootstrap, factors
from crampstudy.tables.remarks import notes, parameters, reasons
from crampstudy.tables.side_by_side import models
from crampstudy.tables.table import PrintedTable
from crampstudy.tables.times import relief

__all__ = [
    "TABLES",
    "PrintedTable",
    "adjusted_factors",
    "age_curve",
    "agreement",
    "agreements",
    "between_cohorts",
    "bootstrap",
    "classes",
    "cleaning",
    "cohort_interaction",
    "completeness",
    "factors",
    "gaps",
    "measured",
    "models",
    "not_estimated",
    "notes",
    "opinion_notes",
    "parameters",
    "participants",
    "prevalence",
    "printed",
    "rates",
    "reasons",
    "relief",
    "rules",
    "second_opinion",
    "second_opinions",
    "shown",
    "table_one",
    "weekly_completeness",
]
