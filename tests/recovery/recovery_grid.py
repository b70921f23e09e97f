"""What recovery is tried on: scenarios with a known truth, the models asked, and the answer each should give.

A scenario has a few terms and a strong rate. In a scenario of a block, every other term of the block acts; its
counterpart lets the others act, so that each term is met on and off beside others. ``null`` lets none act, and
``alone`` one only: odds ratios of one exposure depend on whatever else acts, so the models of odds are asked in these.
``default`` is the truth that the package draws by default; ``quick`` is what the tests run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from recovery_study import EVEN, Study, common, strengthened
from scipy.special import gammaincinv, logit

from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.models import fit
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.answers import conditional, covariate, total
from crampstudy.simulate.night_odds import odds_of_a_night
from crampstudy.simulate.population import Population
from crampstudy.simulate.truth import slug

PEOPLE = 250
"""Participants of a small cohort."""
OBSERVED = 14
"""Nights with every covariate, after those that the longest window needs."""
BLOCK_TERMS = 6
STRATA, PSUS = 10, 3
_DRAWS, _STRATA = 200_000, 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, its outcome, and the number of cohorts that a whole run gives each of its cells."""

    model: str
    outcome: str
    cohorts: int = 1000

    @property
    def name(self) -> str:
        return f"{self.model}/{self.outcome}"

    @property
    def answers(self) -> str:
        """What is asked: a rate ratio, or an odds or prevalence ratio over all persons or given the person."""
        if self.outcome == "cramps":
            return "rate"
        if self.model.startswith("survey"):
            return "odds of a month" if self.model == "survey-logistic" else "prevalence of a month"
        return "odds given the person" if self.model.startswith("mixed") else "odds"


ASKED = (
    Asked("poisson", "cramps"),
    Asked("negative-binomial", "cramps"),
    Asked("gee-exchangeable", "cramps"),
    Asked("gee-ar1", "cramps"),
    Asked("mixed-poisson", "cramps"),
    Asked("mixed-negative-binomial", "cramps", 400),
    Asked("logistic", "cramp_night"),
    Asked("gee-exchangeable", "cramp_night"),
    Asked("gee-ar1", "cramp_night"),
    Asked("mixed-poisson", "cramp_night"),
    Asked("survey-logistic", "any_cramp"),
    Asked("survey-poisson", "any_cramp"),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A truth, the terms of the models, and for each question the models' answers by term (logs).

    ``on`` are the terms that act. ``at_once`` cohorts are cut from one draw: participants are independent, so that
    parts of a cohort are cohorts.
    """

    name: str
    truth: Truth
    terms: tuple[str, ...]
    on: frozenset[str]
    asked: tuple[Asked, ...]
    people: int = PEOPLE
    nights: int = OBSERVED
    at_once: int = 2

    @property
    def survey(self) -> bool:
        return self.name.startswith("survey")


@cache
def scenarios() -> dict[str, Scenario]:
    """Return every scenario by name."""
    return {s.name: s for s in (*_blocks(), *_alone(), *_surveys(), _default(), _quick())}


def _still() -> Truth:
    """A truth in which nothing acts; of age too it is the direct effect that is set, not the total one."""
    truth = Truth().without_effects()
    effects = tuple(replace(e, meaning="direct") for e in truth.effects)
    return common(replace(truth, cramps=EVEN, effects=effects))


def _blocks() -> Iterator[Scenario]:
    still, strong = _still(), strengthened(Truth())
    rates, odds = [a for a in ASKED if a.answers == "rate"], [a for a in ASKED if a.answers.startswith("odds")]
    odds = [a for a in odds if a.outcome == "cramp_night"]
    size = {e.term: e.log_rate_ratio for e in strong.effects}
    for number, terms in enumerate(blocks(), 1):
        lead = max(e.lag_nights + e.window_nights - 1 for e in still.effects if e.term in terms)
        truth = _with_women(still) if any("pregnancy" in term for term in terms) else still
        for name, on, asked in (
            (f"block {number:02} a", terms[::2], rates),
            (f"block {number:02} b", terms[1::2], rates),
            (f"block {number:02} null", (), odds),
        ):
            acting = truth.with_effects(**{slug(t): size[t] for t in on})
            yield Scenario(name, acting, terms, frozenset(on), tuple(asked), nights=OBSERVED + lead)


def blocks() -> tuple[tuple[str, ...], ...]:
    """Return the terms in blocks; those that read one column stand together, as each is adjusted for the others."""
    by_column: dict[str, list[str]] = {}
    for effect in Truth().effects:
        by_column.setdefault(effect.column, []).append(effect.term)
    found: list[list[str]] = [[]]
    for terms in by_column.values():
        if len(found[-1]) + len(terms) > BLOCK_TERMS + 1:
            found.append([])
        found[-1] += terms
    return tuple(tuple(block) for block in found)


def _with_women(truth: Truth) -> Truth:
    """The truth with enough women of an age to be pregnant."""
    people = replace(truth.people, age_limits=(20, 45, 91), age_shares=(0.9, 0.1), female_share=0.8)
    return replace(truth, people=people)


def _alone() -> Iterator[Scenario]:
    still = _still()
    asked = tuple(a for a in ASKED if a.answers == "odds")
    for term in ("sex[female]", "arthritis", "diabetes", "statin", "numbness", "smoking[current]"):
        yield Scenario(
            f"alone {slug(term)}", still.with_effects(**{slug(term): 0.4}), (term,), frozenset([term]), asked
        )


def _surveys() -> Iterator[Scenario]:
    # Without a multiplier that lasts, the chance of a month without a cramp has a closed form.
    still = replace(_still(), cramps=replace(EVEN, rate_per_week=0.2, latent_sd=0.0))
    asked = tuple(a for a in ASKED if a.model.startswith("survey"))
    terms = ("sex[female]", "arthritis", "diabetes", "statin", "bmi_5", "serum_potassium_sd")
    yield Scenario("survey null", still, terms, frozenset(), asked, people=1000, nights=30, at_once=1)
    for term in ("sex[female]", "arthritis"):
        acting = still.with_effects(**{slug(term): 0.6})
        yield Scenario(
            f"survey {slug(term)}", acting, (term,), frozenset([term]), asked, people=1000, nights=30, at_once=1
        )


def _default() -> Scenario:
    asked = tuple(replace(a, cohorts=min(a.cohorts, 400)) for a in ASKED if a.answers == "rate")
    terms = ("age_decade", "sex[female]")
    return Scenario("default", Truth(), terms, frozenset(terms), asked, people=500, nights=90, at_once=1)


def _quick() -> Scenario:
    terms = ("age_decade", "sex[female]", "alcohol_day")
    on = frozenset(terms[1:])
    truth = _still().with_effects(sex_female=0.3, alcohol_day=0.3)
    return Scenario("quick", truth, terms, on, ASKED[:2], people=100, nights=10, at_once=50)


@cache
def targets(scenario: str, question: str) -> dict[str, float]:
    """Return the true log ratio of each term that has one, for the question that a model asks."""
    chosen = scenarios()[scenario]
    truth = chosen.truth
    population = Population(truth, seed=1, draws=_DRAWS)
    sources = (total,) if scenario == "default" else (conditional, odds_of_a_night)
    found = {a.key: a.value for source in sources for a in source(truth, population)}
    if scenario == "default":
        return {"age_decade": found["total:age_decade"]}
    known = {}
    for term in with_target(chosen):
        effect = next(e for e in truth.effects if e.term == term)
        part = effect.part if effect.part in ("within", "between") else "conditional"
        key = f"odds:{slug(term)}" if question == "odds" else f"{part}:{slug(term)}"
        if term not in chosen.on:
            known[term] = 0.0
        elif question.endswith("of a month"):
            known[term] = _month(truth, effect.log_rate_ratio, odds=question.startswith("odds"))
        else:
            known[term] = found[key]
    return known


def with_target(scenario: Scenario) -> tuple[str, ...]:
    """Return the terms of a scenario that have an answer: in a model of age and sex, that of sex has none."""
    return ("age_decade",) if scenario.name == "default" else scenario.terms


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
    """Return the name of a term's covariate in the cohorts."""
    return f"x_{slug(term)}"


def cohorts(scenario: Scenario, seed: np.random.SeedSequence) -> Iterator[Cohort]:
    """Draw the cohorts of one draw, with the covariates of the scenario's terms as columns of their own."""
    draw, sampling = seed.spawn(2)
    number = int(draw.generate_state(1, np.uint32)[0])
    parts = scenario.at_once
    study = Study(simulate(scenario.people * parts, scenario.nights, number, scenario.truth, Mess.none()))
    people, nights = (
        study.people.select("participant_id", "age_years", "sex"),
        study.diary.select("participant_id", "date", "entry_made", "cramps"),
    )
    for term in scenario.terms:
        effect = next(e for e in scenario.truth.effects if e.term == term)
        x = study.x(covariate(scenario.truth, effect))
        added = pl.Series(column(term), x.ravel(), nan_to_null=True)
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
        yield Cohort("part", "diary", tables, synthetic=True)


def _sample(people: pl.DataFrame, cramps: np.ndarray[Any, Any], rng: np.random.Generator) -> Cohort:
    """Sample a survey: those with cramps, and women, are taken more often, and weigh less."""
    chance = 0.25 + 0.25 * (cramps > 0) + 0.25 * (people["sex"] == "female").to_numpy()
    lows = np.array([0, 1, 2, 5, 16])
    asked = people.with_columns(
        recalled_low=pl.Series(lows[np.searchsorted(lows, cramps, side="right") - 1]),
        weight_interview=pl.Series(1 / chance),
        stratum=pl.Series(rng.integers(0, STRATA, people.height)),
        psu=pl.Series(rng.integers(1, PSUS + 1, people.height)),
    ).filter(pl.Series(rng.random(people.height) < chance))
    design = SurveyDesign(("one",), {"interview": "weight_interview"})
    return Cohort("sample", "survey", {"participants": asked}, design, as_of=date(2024, 12, 31), synthetic=True)


def run(scenario: Scenario, asked: Asked, cohort: Cohort) -> dict[str, list[float] | None]:
    """Fit a model to a cohort; return by term the error of its log ratio, its standard error and whether it covers.

    A term without an answer has ``None``.
    """
    known = targets(scenario.name, asked.answers)
    terms = " + ".join(column(term) for term in scenario.terms)
    rows = fit(cohort, model=asked.model, outcome=asked.outcome, terms=terms).estimates.set_index("term")
    found: dict[str, list[float] | None] = {}
    for term, value in known.items():
        row = rows.loc[column(term)]
        if row["status"] != "converged":
            found[term] = None
            continue
        covered = row["ci_low"] <= math.exp(value) <= row["ci_high"]
        found[term] = [math.log(row["estimate"]) - value, row["std_error"], float(covered)]
    return found
