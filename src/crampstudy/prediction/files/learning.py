"""A model learned from a whole cohort, with what cross-validation says of it."""

from __future__ import annotations

import math
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import compute, wording
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.prediction import leakage
from crampstudy.prediction.baselines import WINDOWS, Climate, tuned
from crampstudy.prediction.features import FeatureTable, newcomers, nights_of
from crampstudy.prediction.files.model_file import NEWCOMER, ModelFile, SimpleRule
from crampstudy.prediction.files.plain import PlainModel, plain
from crampstudy.prediction.models import candidates
from crampstudy.prediction.outcome import ANY, COUNT, Outcome
from crampstudy.prediction.rows import INTERCEPT, SLOPE, PredictionSummary, rows_of
from crampstudy.prediction.validation import CHOSEN, SEED, best, learned, tried, validate


def learn(
    cohort: Cohort, bands: AgeBands | None = None, *, workers: compute.Workers = 1
) -> tuple[ModelFile, pd.DataFrame]:
    """Return the models of a diary, and the rows of their cross-validation.

    Raises:
        AnalysisError: there is too little to learn from, or something known before a night is made of it.
        UsageError: the cohort is a survey, which has no nights.
    """
    if cohort.kind != "diary":
        raise AnalysisError(f"{cohort.name} is a survey, which has no nights to learn from")
    bands = bands or AgeBands()
    table, people = nights_of(cohort, bands), newcomers(cohort, bands)
    leakage.check_past(cohort)
    asked = {ANY.name: (table, ANY), COUNT.name: (table, COUNT)}
    if people.names:
        asked[NEWCOMER] = (people, COUNT)
    models, parts, calibration, scores = {}, [], {}, {}
    for name, (of, outcome) in asked.items():
        rows = rows_of(PredictionSummary.of(validate(of, outcome, workers=workers), cohort.name, 0.95))
        models[name] = _final(of, outcome)
        calibration[name] = _calibration(rows)
        scores[name] = _scores(rows)
        parts.append(rows)
    rules = {each.name: _rule(table, each, bands) for each in (ANY, COUNT)}
    made = ModelFile(_facts(cohort, table), models, rules, calibration, scores, metadata.version("crampstudy"))
    return made, pd.concat(parts, ignore_index=True)


def _final(table: FeatureTable, outcome: Outcome) -> PlainModel:
    rng = np.random.default_rng([SEED, 13])
    every = [each for grid in candidates(table.names).values() for each in tried(table, outcome, grid, rng)]
    candidate = best(every).candidate
    own = candidate.features(table.names)
    names = tuple(table.names[i] for i in own)
    model = learned(candidate, table, outcome)
    return plain(str(candidate), model, names, table.values[:, own], outcome)


def _rule(table: FeatureTable, outcome: Outcome, bands: AgeBands) -> SimpleRule:
    climate = Climate.of(table, outcome.of(table))
    rule = tuned(table, outcome, climate.predict(table), WINDOWS)
    return SimpleRule(rule.window, rule.prior, bands.limits, climate.rates)


def _calibration(rows: pd.DataFrame) -> tuple[float, float]:
    own = rows[rows["analysis"].eq(kinds.PREDICTION_SCORE.name) & rows["term"].eq(CHOSEN)]
    found = (float(own.loc[own["level"].eq(level), "estimate"].iloc[0]) for level in (INTERCEPT, SLOPE))
    # JSON has no nan; a line that cannot be told is taken as right.
    intercept, slope = (
        each if math.isfinite(each) else default for each, default in zip(found, (0.0, 1.0), strict=True)
    )
    return intercept, slope


def _scores(rows: pd.DataFrame) -> dict[str, str]:
    own = rows[rows["term"].eq(CHOSEN) & rows["population"].eq("all")]
    score, skill = kinds.PREDICTION_SCORE.rows(own), kinds.PREDICTION_SKILL.rows(own)
    said = {str(row["level"]): estimate(row) for row in wording.records(score)}
    return said | {f"skill against the {row['reference']}, %": estimate(row) for row in wording.records(skill)}


def _facts(cohort: Cohort, table: FeatureTable) -> dict[str, Any]:
    dates = cohort.frame("diary")["date"]
    return {
        "name": cohort.heading,
        "digest": cohort.digest,
        "participants": len(table.ids),
        "nights": len(table.counts),
        "cramps": int(table.counts.sum()),
        "first_night": str(dates.min()),
        "last_night": str(dates.max()),
        "synthetic": cohort.synthetic,
    }
