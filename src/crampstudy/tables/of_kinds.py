"""The table that each kind of result has, and the tables that rows of several kinds are shown in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.readable import OneLine
from crampstudy.tables import characteristics, evidence, frequency, observed, opinions, ratios, times
from crampstudy.tables.overview import attrition
from crampstudy.tables.overview.claims import claim_specifications, claims
from crampstudy.tables.sections import (
    case_definition,
    cohorts,
    compared,
    comparisons,
    nightly,
    open_use,
    phenotypes,
    prediction,
    severity,
    sleep,
    treatments,
    triage,
)
from crampstudy.tables.sections.conditions import conditions
from crampstudy.tables.sections.dose_response import dose_response
from crampstudy.tables.sections.muscle import age_ratios
from crampstudy.tables.table import PrintedTable

TABLES: Mapping[str, Callable[[pd.DataFrame], PrintedTable]] = {
    made.__name__: made
    for made in (
        *(frequency.rates, frequency.prevalence, frequency.classes, frequency.age_curve, times.relief),
        *(frequency.people_by_frequency, frequency.recalled_classes, frequency.cramp_nights, frequency.distribution),
        *(frequency.season, frequency.months),
        opinions.coefficients,
        *(ratios.factors, ratios.adjusted_factors, ratios.bootstrap, dose_response),
        *(characteristics.table_one, characteristics.table_of_arms, observed.completeness),
        *(observed.measured, attrition.cohort_flow, attrition.logging, attrition.counted),
        *(comparisons.between_cohorts, comparisons.between_bands, comparisons.cohort_interaction),
        *(cohorts.factors_between, cohorts.standardised_otherwise, cohorts.between_kinds),
        *(cohorts.pooled_cohorts, cohorts.few_events, cohorts.beside_ratios),
        compared.standardised_differences,
        *(sleep.cramp_night, sleep.both_directions, sleep.usual_sleep),
        *(evidence.trials, evidence.pooled, evidence.sensitivity),
        *(nightly.adherence, nightly.modified, nightly.joint_programme),
        *(conditions, age_ratios, claims, claim_specifications),
        *(severity.cramp_features, severity.onset, severity.remedies),
        *(prediction.prediction_scores, prediction.prediction_skill, prediction.calibration_points),
        prediction.prediction_gains,
        *(prediction.net_benefits, prediction.weekly_intervals, prediction.domain_importance),
        *(prediction.partial_dependence, prediction.dependence_curves),
        *(phenotypes.groups_tried, phenotypes.group_profiles),
        *(triage.red_flags, triage.flag_stability, triage.test_results),
        *(case_definition.case_criteria, case_definition.case_rates, case_definition.recall),
        *(treatments.treatment_effects, treatments.treatment_modifiers, treatments.treatment_flow),
        *(treatments.treatment_course, treatments.single_participants),
        *(open_use.open_use, open_use.open_use_rates, open_use.balance, open_use.overlap),
        open_use.regression_to_the_mean,
    )
}
"""The tables by the name that a kind has for its own."""
_APART = {
    "factors": ("analysis", "model", "outcome", "population"),
    "adjusted_factors": ("outcome", "population"),
    "bootstrap": ("model", "outcome", "population"),
}
"""What the rows of one table of a fit have in common; others stand in a table of their own."""
_OF_EVIDENCE = {"trials": "trials", "pooled": "pool", "sensitivity": "what the pool rests on"}
"""Headings of tables of published trials, of which there is one for each treatment and population."""
_APART_ALSO = {
    **dict.fromkeys(_OF_EVIDENCE, ("term", "population")),
    **dict.fromkeys(("between_cohorts", "cohort_interaction", "beside_ratios"), ("outcome",)),
    **dict.fromkeys(("standardised_otherwise", "pooled_cohorts"), ("outcome",)),
    **dict.fromkeys(
        ("prediction_scores", "prediction_skill", "prediction_gains", "net_benefits", "weekly_intervals"),
        ("outcome", "model"),
    ),
    "calibration_points": ("outcome", "model", "term"),
}
"""The same of tables that are of no fit."""


@dataclass(frozen=True, slots=True, repr=False)
class Shown(OneLine):
    """A table and the ``rows`` it prints, by a ``heading`` that tells it apart; ``of_fit`` where they are a fit's.

    ``noted`` where the table itself has what is to be said of its rows.
    """

    heading: str
    table: PrintedTable
    rows: pd.DataFrame
    of_fit: bool
    noted: bool = False


def shown(estimates: pd.DataFrame) -> Iterator[Shown]:
    """Yield the tables of one cohort's rows of any kinds, in the order of the rows.

    Raises:
        UsageError: a row is of no kind.
    """
    found = kinds.of_rows(estimates)
    analyses = estimates["analysis"]
    placed = _with_their_model(estimates, analyses.map({name: kind.table for name, kind in found.items()}))
    # What splits the ratios of a fit stands with them.
    own = _with_their_model(estimates, analyses.map({name: kind.splits or name for name, kind in found.items()}))
    for name in placed.unique():
        rows, base = estimates[placed == name], estimates.assign(analysis=own)[placed == name]
        apart = _APART.get(name, _APART_ALSO.get(name, ()))
        common = [base[column] for column in apart]
        first = (base["analysis"].iloc[0],)
        for key, part in rows.groupby(common, sort=False, dropna=False) if common else [(first, rows)]:
            told = part[part["analysis"].map(lambda analysis: found[analysis].tabled)]
            parts = (_OF_EVIDENCE[name], wording.term(str(key[0])), *key[1:]) if name in _OF_EVIDENCE else key
            heading = ", ".join(cell for cell in parts if isinstance(cell, str))
            yield Shown(heading, TABLES[name](part), told, of_fit=name in _APART, noted=name in _OF_EVIDENCE)


def _with_their_model(rows: pd.DataFrame, cells: pd.Series[str]) -> pd.Series[str]:
    """Return the ``cells`` of rows, of what stands with the table of a model those of the model's other rows."""
    beside = rows["analysis"].isin([kind.name for kind in kinds.KINDS.values() if kind.beside])
    model = [rows[name] for name in ("cohort", "model", "outcome", "population")]
    of_model = cells.mask(beside).groupby(model, dropna=False).transform("first")
    return of_model.where(beside, cells).fillna(cells)
