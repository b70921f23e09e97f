"""The answer that each model should give, the cohorts that it is asked of, and what it says of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from recovery_asked import ASKED, Asked
from recovery_draws import PSUS, STRATA, ZERO, sampled
from recovery_scenarios import Scenario, scenarios
from recovery_study import Study
from scipy.special import gammaincinv, logit

from crampstudy.codebook.recalled import LOWS
from crampstudy.cohort import Cohort
from crampstudy.models import fit
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands.covariates import covariate
from crampstudy.simulate.estimands.diary_answers import conditional, single_cramps, total
from crampstudy.simulate.estimands.night_odds import odds_of_a_night
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.truth.truth import slug

__all__ = ["ASKED", "Asked", "Scenario", "cohorts", "run", "scenarios", "targets"]

_DRAWS, _STRATA = 200_000, 20_000
_CELLS = ("term", "level", "estimate", "ci_low", "ci_high", "std_error", "status")


@cache
def targets(scenario: str, question: str) -> dict[str, float]:
    """Return the true log ratio of each term that has one, for the question that a model asks."""
    chosen = scenarios()[scenario]
    truth = chosen.truth
    if not isinstance(truth, Truth):
        return dict(truth.effects)
    population = Population(truth, seed=1, draws=_DRAWS)
    if scenario == "default":
        found = {a.key: a.value for a in total(truth, population)}
        return {"age_decade": found["total:age_decade"]}
    found = {a.key: a.value for source in (conditional, odds_of_a_night) for a in source(truth, population)}
    ratios = {a.key: a.value for a in single_cramps(truth, population)}
    known = {}
    for term in chosen.terms:
        if term not in chosen.on:
            known[term] = 0.0
            continue
        if question == "relief":
            level = term.partition("[")[2].rstrip("]")
            known[term] = math.log(ratios[f"episode:relief_hazard_ratios_given_the_person.{level}"])
            continue
        effect = next(e for e in truth.effects if e.term == term)
        part = effect.part if effect.part in ("within", "between") else "conditional"
        if question.endswith("of a month"):
            known[term] = _month(truth, effect.log_rate_ratio, odds=question.startswith("odds"))
        else:
            known[term] = found[f"odds:{slug(term)}" if question == "odds" else f"{part}:{slug(term)}"]
    if not chosen.on:
        # Where nothing acts, zeros are not more common either.
        known |= {ZERO + term: 0.0 for term in chosen.terms}
    return known


def _month(truth: Truth, log_rate_ratio: float, *, odds: bool) -> float:
    """The log odds or prevalence ratio of any cramp in 30 nights, with gamma persons and nights: nothing that lasts."""
    cramps = truth.cramps
    strata = (np.arange(_STRATA) + 0.5) / _STRATA
    own = gammaincinv(cramps.person_shape, strata) / cramps.person_shape
    chances = []
    for ratio in (0.0, log_rate_ratio):
        mean = own * cramps.rate_per_week / 7 * math.exp(ratio)
        chances.append(1 - ((1 + cramps.night_dispersion * mean) ** (-30 / cramps.night_dispersion)).mean())
    low, high = chances
    return float(logit(high) - logit(low)) if odds else math.log(high / low)


def column(term: str) -> str:
    """Return the name of a simulated term's covariate in the cohorts."""
    return f"x_{slug(term)}"


def cohorts(scenario: Scenario, seed: np.random.SeedSequence) -> Iterator[Cohort]:
    """Draw the cohorts of one draw, with the covariates of the scenario's terms as columns of their own."""
    draw, sampling = seed.spawn(2)
    truth = scenario.truth
    if not isinstance(truth, Truth):
        yield truth.cohort(scenario.people, scenario.nights, np.random.default_rng(draw))
        return
    number = int(draw.generate_state(1, np.uint32)[0])
    parts = scenario.at_once
    drawn = simulate(scenario.people * parts, scenario.nights, number, truth, Mess.none())
    study = Study(drawn)
    people, nights = (
        study.people.select("participant_id", "age_years", "sex"),
        study.diary.select("participant_id", "date", "entry_made", "cramps"),
    )
    for effect in _effects(scenario):
        x = study.x(covariate(truth, effect))
        added = pl.Series(column(effect.term), x.ravel(), nan_to_null=True)
        if x.shape[1] == 1:
            people = people.with_columns(added)
        else:
            nights = nights.with_columns(added)
    if scenario.survey:
        yield _sample(people, study.cramps.sum(axis=1), np.random.default_rng(sampling))
        return
    size, rows = scenario.people, scenario.people * study.shape[1]
    for i in range(parts):
        tables = {"participants": people.slice(i * size, size), "diary": nights.slice(i * rows, rows)}
        if {a.outcome for a in scenario.asked} & {"pain", "relief"}:
            tables["episodes"] = drawn.frame("episodes").join(tables["participants"], on="participant_id", how="semi")
        yield Cohort("part", "diary", tables, synthetic=True)


def _effects(scenario: Scenario) -> list[Any]:
    truth = scenario.truth
    return [e for e in truth.effects if e.term in scenario.terms] if isinstance(truth, Truth) else []


def _sample(people: pl.DataFrame, cramps: np.ndarray[Any, Any], rng: np.random.Generator) -> Cohort:
    """Sample a survey: those with cramps, and women, are taken more often, and weigh less."""
    chance = 0.25 + 0.25 * (cramps > 0) + 0.25 * (people["sex"] == "female").to_numpy()
    placed = people.with_columns(
        stratum=pl.Series(rng.integers(0, STRATA, people.height)),
        psu=pl.Series(rng.integers(1, PSUS + 1, people.height)),
    )
    return sampled(placed, np.searchsorted(LOWS, cramps, side="right") - 1, chance, rng)


def formula(scenario: Scenario) -> str:
    """Return the terms of a scenario's models, in the columns of its cohorts."""
    named = (_named(scenario, t)[0] for t in scenario.terms if not t.startswith(ZERO))
    return " + ".join(dict.fromkeys(named))


def _named(scenario: Scenario, term: str) -> tuple[str, str | None]:
    """Return term and level of the row of a fit that answers to a scenario's term."""
    before, bare = (ZERO, term.removeprefix(ZERO)) if term.startswith(ZERO) else ("", term)
    if bare in {e.term for e in _effects(scenario)}:
        return before + column(bare), None
    name, _, level = bare.partition("[")
    return before + name, level.rstrip("]") or None


def run(scenario: Scenario, asked: Asked, cohort: Cohort) -> dict[str, list[float] | None]:
    """Fit a model to a cohort; return by term the error of its log ratio, its standard error and whether it covers.

    A term without an answer has ``None``.
    """
    known = targets(scenario.name, asked.answers)
    terms = formula(scenario)
    options = dict(asked.options) | ({"zero_terms": terms} if asked.zero_part else {})
    fitted = fit(cohort, model=asked.model, outcome=asked.outcome, terms=terms, **options)
    rows = fitted.estimates[list(_CELLS)].to_dict("records")
    found: dict[str, list[float] | None] = {}
    for term in scenario.terms_of(asked):
        row, value = _row(rows, *_named(scenario, term)), known[term]
        if row["status"] != "converged":
            found[term] = None
            continue
        covered = row["ci_low"] <= math.exp(value) <= row["ci_high"]
        found[term] = [math.log(row["estimate"]) - value, row["std_error"], float(covered)]
    return found


def _row(rows: Sequence[Mapping[Hashable, Any]], term: str, level: str | None) -> Mapping[Hashable, Any]:
    (found,) = (r for r in rows if r["term"] == term and (level is None or r["level"] == level))
    return found
