"""Estimates as tables for readers: data frames of text, indexed by what a row is about; nothing here fits a model."""

from crampstudy.estimates.opinions import gaps
from crampstudy.tables.attrition import cleaning, rules
from crampstudy.tables.characteristics import table_of_arms, table_one, what_cells_say
from crampstudy.tables.evidence import (
    against_article,
    agents,
    grade_inputs,
    in_whom,
    moved,
    pooled,
    sensitivity,
    trials,
)
from crampstudy.tables.frequency import (
    age_curve,
    classes,
    cramp_nights,
    distribution,
    months,
    peak,
    people_by_frequency,
    prevalence,
    rates,
    recalled_classes,
    season,
)
from crampstudy.tables.not_estimated import (
    ALL_ESTIMATED,
    BY_NIGHT,
    NOBODY,
    NOTHING_SHOWN,
    not_estimated,
    not_measured,
    set_aside_names,
    unmeasured_names,
    unmeasured_of,
    untaken_of,
    why_none,
)
from crampstudy.tables.observed import completeness, measured
from crampstudy.tables.of_kinds import TABLES, shown
from crampstudy.tables.opinions import (
    agreement,
    agreements,
    coefficients,
    opinion_notes,
    second_opinion,
    second_opinions,
)
from crampstudy.tables.overview.adjusted import adjusted_for, adjusted_note
from crampstudy.tables.overview.attrition import cohort_flow, counted, data_quality, logging
from crampstudy.tables.overview.claims import claim_specifications, claims
from crampstudy.tables.overview.methods import definitions, models_used, software, strobe
from crampstudy.tables.printed import printed
from crampstudy.tables.ratios import adjusted_factors, bootstrap, factors
from crampstudy.tables.remarks import commonest_reasons, notes, reasons
from crampstudy.tables.remarks.model_parameters import parameters
from crampstudy.tables.sections.case_definition import case_criteria, case_rates, recall
from crampstudy.tables.sections.cohorts import (
    beside_ratios,
    between_kinds,
    factors_between,
    few_events,
    pooled_cohorts,
    standardised_otherwise,
)
from crampstudy.tables.sections.compared import standardised_differences
from crampstudy.tables.sections.comparisons import beside_reference, between_bands, between_cohorts, cohort_interaction
from crampstudy.tables.sections.conditions import adjustments, conditions
from crampstudy.tables.sections.dose_response import dose_response
from crampstudy.tables.sections.muscle import age_ratios
from crampstudy.tables.sections.nightly import adherence, at_contrasts, joint_programme, modified, nightly_exposures
from crampstudy.tables.sections.open_use import (
    balance,
    open_use,
    open_use_rates,
    overlap,
    regression_to_the_mean,
)
from crampstudy.tables.sections.phenotypes import group_profiles, groups_tried
from crampstudy.tables.sections.prediction import (
    calibration_points,
    dependence_curves,
    domain_importance,
    net_benefits,
    partial_dependence,
    prediction_gains,
    prediction_scores,
    prediction_skill,
    weekly_intervals,
)
from crampstudy.tables.sections.severity import clock, cramp_features, cramp_features_by_age, onset, remedies
from crampstudy.tables.sections.sleep import both_directions, cramp_night, direction, usual_sleep
from crampstudy.tables.sections.treatments import (
    single_participants,
    treatment_course,
    treatment_effects,
    treatment_flow,
    treatment_modifiers,
    treatment_sensitivities,
)
from crampstudy.tables.sections.triage import flag_stability, red_flags, test_results
from crampstudy.tables.side_by_side import models
from crampstudy.tables.table import PrintedTable
from crampstudy.tables.times import relief

__all__ = [
    "ALL_ESTIMATED",
    "BY_NIGHT",
    "NOBODY",
    "NOTHING_SHOWN",
    "TABLES",
    "PrintedTable",
    "adherence",
    "adjusted_factors",
    "adjusted_for",
    "adjusted_note",
    "adjustments",
    "against_article",
    "age_curve",
    "age_ratios",
    "agents",
    "agreement",
    "agreements",
    "at_contrasts",
    "balance",
    "beside_ratios",
    "beside_reference",
    "between_bands",
    "between_cohorts",
    "between_kinds",
    "bootstrap",
    "both_directions",
    "calibration_points",
    "case_criteria",
    "case_rates",
    "claim_specifications",
    "claims",
    "classes",
    "cleaning",
    "clock",
    "coefficients",
    "cohort_flow",
    "cohort_interaction",
    "commonest_reasons",
    "completeness",
    "conditions",
    "counted",
    "cramp_features",
    "cramp_features_by_age",
    "cramp_night",
    "cramp_nights",
    "data_quality",
    "definitions",
    "dependence_curves",
    "direction",
    "distribution",
    "domain_importance",
    "dose_response",
    "factors",
    "factors_between",
    "few_events",
    "flag_stability",
    "gaps",
    "grade_inputs",
    "group_profiles",
    "groups_tried",
    "in_whom",
    "joint_programme",
    "logging",
    "measured",
    "models",
    "models_used",
    "modified",
    "months",
    "moved",
    "net_benefits",
    "nightly_exposures",
    "not_estimated",
    "not_measured",
    "notes",
    "onset",
    "open_use",
    "open_use_rates",
    "opinion_notes",
    "overlap",
    "parameters",
    "partial_dependence",
    "peak",
    "people_by_frequency",
    "pooled",
    "pooled_cohorts",
    "prediction_gains",
    "prediction_scores",
    "prediction_skill",
    "prevalence",
    "printed",
    "rates",
    "reasons",
    "recall",
    "recalled_classes",
    "red_flags",
    "regression_to_the_mean",
    "relief",
    "remedies",
    "rules",
    "season",
    "second_opinion",
    "second_opinions",
    "sensitivity",
    "set_aside_names",
    "shown",
    "single_participants",
    "software",
    "standardised_differences",
    "standardised_otherwise",
    "strobe",
    "table_of_arms",
    "table_one",
    "test_results",
    "treatment_course",
    "treatment_effects",
    "treatment_flow",
    "treatment_modifiers",
    "treatment_sensitivities",
    "trials",
    "unmeasured_names",
    "unmeasured_of",
    "untaken_of",
    "usual_sleep",
    "weekly_intervals",
    "what_cells_say",
    "why_none",
]
