"""Recalled moderate-severe cramps from what a survey measures: learned from one cycle, tested on the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.models.common.recalled_outcomes import binary
from crampstudy.nights import people
from crampstudy.prediction.baselines import of_everybody
from crampstudy.prediction.features.baseline import baseline_columns, with_levels
from crampstudy.prediction.features.table import FeatureTable, banded
from crampstudy.prediction.held_out import HeldOut
from crampstudy.prediction.models import candidates
from crampstudy.prediction.outcome import SURVEY
from crampstudy.prediction.resampled import Resamples
from crampstudy.prediction.validation import CHOSEN, FOLDS, SEED, Validated, best, folds_of, said_by, tried
from crampstudy.wording import counted

UNITS, A_FIFTH = "unseen sampling units", "a fifth of the sampling units held out"
FEWEST_EVENTS = 20
"""Fewer people with the outcome than this to learn from, or to test on, tell nothing."""


@dataclass(frozen=True, slots=True)
class SurveyTable:
    """People of a survey to learn from, with the cycle, stratum and sampling unit of each."""

    table: FeatureTable
    cycle: tuple[str, ...]
    stratum: Codes
    psu: Codes


def survey_table(cohort: Cohort, bands: AgeBands) -> SurveyTable:
    """Return the people of a survey who answered, from the first age band on, with the weight of the examination.

    Where there is none, it is that of the interview.

    Raises:
        UsageError: the cohort is a diary, or has no recalled class.
    """
    if cohort.design is None or "interview" not in cohort.design.weights:
        raise UsageError(f"{cohort.name} has no weights of a survey")
    weights, youngest = cohort.design.weights, bands.limits[0]
    weight = weights.get("exam", weights["interview"])
    who = people(cohort, bands).sort("participant_id")
    who = who.with_columns(_happened=pl.Series(binary(who, SURVEY.name)), _weight=pl.col(weight))
    who = who.filter(pl.col("_happened").is_finite() & (pl.col("_weight") > 0) & (pl.col("age_years") >= youngest))
    if who.is_empty():
        raise AnalysisError(f"nobody of {youngest} years or more answered how often cramps came and has a weight")
    levels = with_levels(who, baseline_columns(who), "participants")
    table = FeatureTable(
        tuple(levels.columns),
        levels.to_numpy().astype(np.float32),
        who["_happened"].to_numpy(),
        who["_weight"].to_numpy() / float(who["_weight"].mean()),  # type: ignore[arg-type]
        np.arange(who.height),
        tuple(who["participant_id"]),
        None,
        *banded(who),
    )
    cycles = who["cycle"].cast(pl.String).fill_null("") if "cycle" in who.columns else pl.Series([""] * who.height)
    stratum, psu = (who[name].to_numpy().astype(np.intp) for name in (cohort.design.stratum, cohort.design.psu))
    return SurveyTable(table, tuple(cycles), stratum, psu)


def validate_survey(survey: SurveyTable, *, workers: compute.Workers = 1) -> tuple[Validated, Resamples]:
    """Return what is said of a later cycle by models of the one before; of a single cycle by sampling units left out.

    Raises:
        AnalysisError: too few people with the outcome are learned from, or tested on.
    """
    scheme, splits = _splits(survey)
    parts = list(compute.map(partial(_of_split, survey.table), splits, workers=workers))
    rows = np.concatenate([np.flatnonzero(test) for _, test in splits])
    order = np.argsort(rows, kind="stable")
    said = {name: np.concatenate([part["said"][name] for part in parts])[order] for name in parts[0]["said"]}
    tested = survey.table.only(rows[order])
    chosen = tuple(str(part["chosen"]) for part in parts)
    found = Validated(scheme, SURVEY, tested, tested.counts, said, {}, {}, chosen)
    own = rows[order]
    return found, Resamples.of_design(survey.stratum[own], survey.psu[own], np.random.default_rng([SEED, 5]))


def survey_held_out(survey: SurveyTable, cohort: str, ci_level: float = 0.95) -> HeldOut:
    """Return a model of the earlier cycles, and people of the last; of a single cycle of a fifth of its sampling units.

    Raises:
        AnalysisError: too few people with the outcome are learned from, or tested on.
    """
    scheme, splits = _splits(survey)
    test = splits[0][1]
    table = survey.table.with_features(_of_both(survey.table, splits[0]))
    resamples = Resamples.of_design(survey.stratum[test], survey.psu[test], np.random.default_rng([SEED, 29]))
    base = {"cohort": cohort, "model": A_FIFTH if scheme == UNITS else scheme, "ci_level": ci_level}
    return HeldOut.of(table, test, SURVEY, resamples, base)


def _splits(survey: SurveyTable) -> tuple[str, list[tuple[Flags, Flags]]]:
    """Return how rows are held back, and who is learned from and tested on in each turn."""
    cycles = sorted({*survey.cycle})
    if len(cycles) > 1:
        late = np.array([each == cycles[-1] for each in survey.cycle])
        splits = [(~late, late)]
        scheme = f"learned from cycle {', '.join(cycles[:-1])}, tested on {cycles[-1]}"
    else:
        units = np.unique(np.column_stack([survey.stratum, survey.psu]), axis=0, return_inverse=True)[1].ravel()
        fold = folds_of(int(units.max()) + 1, FOLDS, np.random.default_rng([SEED, 3]))[units]
        splits = [(fold != number, fold == number) for number in range(FOLDS)]
        scheme = UNITS
    for train, test in splits:
        _check(survey.table, train, test)
    return scheme, splits


def _check(table: FeatureTable, train: Flags, test: Flags) -> None:
    events = [int(table.counts[own].sum()) for own in (train, test)]
    if min(events) < FEWEST_EVENTS // (1 if test.sum() > train.sum() / 2 else FOLDS):
        raise AnalysisError(
            f"moderate-severe cramps of {counted(events[0], 'people')} to learn from and of {events[1]} to test on; "
            f"a prediction needs {FEWEST_EVENTS}"
        )


def _of_split(table: FeatureTable, split: tuple[Flags, Flags]) -> dict[str, Any]:
    kept = _of_both(table, split)
    train, test = (table.only(own).with_features(kept) for own in split)
    rng = np.random.default_rng([SEED, 11, int(split[1].argmax())])
    rules = of_everybody(train, test, SURVEY).items()
    said: dict[str, Array] = {name: SURVEY.bounded(of_test) for name, (_, of_test) in rules}
    found = {name: best(tried(train, SURVEY, grid, rng)) for name, grid in candidates(train.names).items()}
    said |= {name: said_by(each.candidate, train, test, SURVEY) for name, each in found.items()}
    winner = min(found, key=lambda name: found[name].loss)
    return {"said": {**said, CHOSEN: said[winner]}, "chosen": found[winner].candidate}


def _of_both(table: FeatureTable, split: tuple[Flags, Flags]) -> Codes:
    """Return the places of the features that both measured: what only one did says nothing of the other."""
    both = [_varies(table.values[own]) for own in split]
    return np.asarray(np.flatnonzero(both[0] & both[1]))


def _varies(values: Array) -> Flags:
    high, low = (
        pick(np.where(np.isnan(values), -sign * np.inf, values), axis=0) for pick, sign in ((np.max, 1), (np.min, -1))
    )
    return np.asarray(high > low)
