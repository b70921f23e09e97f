"""What the simulator says of itself is what regressions of its cohorts find: every effect, and none where none is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from estimate_rows import pick
from numpy.typing import NDArray
from recovery_study import EVEN, Study, common, strengthened
from scipy import stats

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.models.inference.covariance import covariance
from crampstudy.models.nights.count import poisson
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands.covariates import covariate
from crampstudy.simulate.estimands.diary_answers import conditional
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.tables.rows import Effect

Floats = NDArray[np.float64]


def wald(study: Study, columns: list[Floats]) -> tuple[Floats, Floats]:
    """Coefficients and cluster-robust standard errors of a Poisson regression on columns after an intercept.

    Nights without a value of each column are left out. Where no column varies from night to night, a person's nights
    are taken together, which changes neither.
    """
    n = study.shape[0]
    if all(x.shape[1] == 1 for x in columns):
        matrix, counts = np.hstack([np.ones((n, 1)), *columns]), study.cramps.sum(axis=1)
        groups, offset = np.arange(n), np.full(n, math.log(study.shape[1]))
    else:
        whole = np.stack([np.broadcast_to(x, study.shape) for x in [np.ones((n, 1)), *columns]], axis=-1)
        first = int(np.isnan(whole).any(axis=(0, 2)).sum())
        matrix = whole[:, first:].reshape(-1, whole.shape[2])
        counts = study.cramps[:, first:].ravel()
        groups, offset = np.repeat(np.arange(n), study.shape[1] - first), np.zeros(len(counts))
    found = poisson(matrix, counts, offset)
    assert found.problem is None
    errors = np.sqrt(np.diag(covariance(found.information, found.scores, groups, "cluster")))
    return found.coefficients, errors


def coded(truth: Truth, study: Study, column: str) -> list[Floats]:
    """A participants column as covariates: levels and conditions as 0 and 1, age with its square."""
    levels = ["male", "female"] if column == "sex" else [r.level for r in truth.levels if r.column == column]
    if levels:
        return [study.x(f"1 where {column} is {level}, else 0") for level in levels[1:]]
    if column in {c.column for c in truth.conditions}:
        return [study.x(f"1 where {column}, else 0")]
    if column == "age_years":
        decade = study.x("(age_years - 60) / 10")
        return [decade, decade**2]
    return [study.x(f"({column} - {next(m.mean for m in truth.measures if m.column == column):g}) / 1")]


def adjusted(truth: Truth, study: Study, effect: Effect, leave_out: str = "") -> list[Floats]:
    """The covariate of a term, then those that its total effect is adjusted for by the graph, save one column's."""
    own = study.x(covariate(truth, effect))
    if effect.part != "person":
        return [own]
    others = {e.level for e in truth.effects if e.column == effect.column} - {effect.level, None}
    columns = [own, *(study.x(f"1 where {effect.column} is {level}, else 0") for level in sorted(map(str, others)))]
    for column in causal_graph.adjust_for(truth, effect.column):
        columns += coded(truth, study, column) if column != leave_out else []
    return columns


NULL = common(replace(Truth().without_effects(), cramps=replace(EVEN, person_shape=1e6)))
STRONG = strengthened(common(replace(Truth(), cramps=EVEN)))


def test_a_regression_recovers_every_effect() -> None:
    study = Study(simulate(3000, 42, 11, STRONG, Mess.none()))
    known = {a.term: a.value for a in conditional(STRONG, Population(STRONG, seed=1))}
    assert min(map(abs, known.values())) > 0.04
    estimates, errors = wald(study, [study.x(covariate(STRONG, e)) for e in STRONG.effects])
    # Of 64 the largest is beyond 4 standard errors once in 250 runs.
    for effect, estimate, error in zip(STRONG.effects, estimates[1:], errors[1:], strict=True):
        assert error < 0.12, effect.term
        assert abs(estimate - known[effect.term]) < 4 * error, (effect.term, estimate, error)
    assert abs(estimates[0] - math.log(3 / 7)) < 4 * errors[0] < 0.5


def rejected(truth: Truth, cohorts: int, seed: int, active: Effect | None = None) -> tuple[Floats, Floats]:
    """By cohort and term whether p < 0.05, an active term being held; and that term's estimates and their errors."""
    found, own = [], []
    for k in range(cohorts):
        study = Study(simulate(700, 20, seed + k, truth, Mess.none()))
        held = [study.x(covariate(truth, active))] if active else []
        fits = [
            wald(study, [*adjusted(truth, study, e, active.column if active else ""), *held])
            for e in truth.effects
            if e != active
        ]
        found.append([abs(b[1] / error[1]) > stats.norm.ppf(0.975) for b, error in fits])
        if active:
            b, error = wald(study, adjusted(truth, study, active))
            own.append((b[1], error[1]))
    return np.asarray(found, dtype=float), np.asarray(own)


def assert_by_chance(found: Floats) -> None:
    """Hold the numbers of p < 0.05 against the binomial ones.

    The cohorts are independent, so a term's number is binomial exactly, if the test has its nominal size; over terms
    the level is shared out. Within a cohort all terms meet the same cramps, but given these the terms' covariates are
    independent of each other save for a few correlated pairs, and so are their tests: the sum over all is binomial too.
    """
    cohorts, terms = found.shape
    assert found.sum(axis=0).max() <= stats.binom.isf(0.001 / terms, cohorts, 0.05)
    low, high = stats.binom.interval(0.999, cohorts * terms, 0.05)
    assert low <= found.sum() <= high


def test_without_effects_no_factor_is_associated_beyond_chance() -> None:
    assert_by_chance(rejected(NULL, 16, seed=100)[0])


@pytest.mark.parametrize(
    ("term", "size"), [("diabetes", 0.6), ("bmi_5", 0.3), ("alcohol_day", 0.5), ("stretching_share", -1.0)]
)
def test_an_effect_alone_is_recovered_and_no_other_appears(term: str, size: float) -> None:
    alone = NULL.with_effects(**{term: size})
    (active,) = (e for e in alone.effects if e.log_rate_ratio)
    found, own = rejected(alone, 5, seed=200, active=active)
    assert_by_chance(found)
    estimate, error = own[:, 0].mean(), math.sqrt((own[:, 1] ** 2).sum()) / len(own)
    assert abs(estimate - size) < 3.5 * error < abs(size) / 2


def test_the_bounds_of_chance_are_left_by_an_association() -> None:
    # What the tests above would see of a term that they should not find.
    found, _ = rejected(NULL.with_effects(twitching=0.4), 12, seed=300)
    with pytest.raises(AssertionError):
        assert_by_chance(found)


OFTEN = replace(Truth(), cramps=replace(EVEN, rate_per_week=14.0, person_shape=50.0))


@pytest.fixture(scope="module")
def many() -> Study:
    """Many people whose days are few and whose cramps are many."""
    return Study(simulate(20_000, 3, 17, OFTEN, Mess.none()))


@pytest.mark.parametrize("term", ["diabetes", "osteoarthritis", "bmi_5", "peripheral_artery_disease"])
def test_a_model_with_the_graphs_columns_recovers_a_total_effect(many: Study, term: str) -> None:
    truth = OFTEN
    effect = next(e for e in truth.effects if e.term == term)
    known, mc_error = Population(truth, seed=1, draws=100_000).contrast(effect)
    b, error = wald(many, adjusted(truth, many, effect))
    assert error[1] < 0.05
    assert abs(b[1] - known) < 4 * math.hypot(error[1], mc_error), (b[1], known)


TWO = replace(
    Truth().without_effects().with_effects(age_decade=0.12, sex_female=0.25), cramps=replace(EVEN, rate_per_week=0.7)
)
"""A truth of two terms, so that a model of these two has exactly its coefficients as target."""


def test_the_command_s_models_recover_coefficients_through_gaps() -> None:
    rows = fit(simulate(1500, 40, 11, TWO), model="negative-binomial", terms="age_decade + sex").estimates
    for term, level, known in (("age_decade", None, 0.12), ("sex", "female", 0.25)):
        row = pick(rows, term, level)
        assert abs(math.log(row["estimate"]) - known) < 3.5 * row["std_error"] < 0.4
    rate = pick(rows, "intercept")
    assert abs(math.log(rate["estimate"] / TWO.cramps.rate_per_week)) < 3.5 * rate["std_error"]


def test_dispersion_is_recovered_where_persons_are_alike() -> None:
    alike = replace(TWO, cramps=replace(TWO.cramps, person_shape=1e6, latent_sd=0.0, night_dispersion=0.5))
    rows = fit(simulate(1500, 40, 12, alike), model="negative-binomial", terms="age_decade + sex").estimates
    row = pick(rows, "dispersion")
    assert abs(math.log(row["estimate"] / 0.5)) < 3.5 * row["std_error"]


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    # Participants are independent: the parts of one cohort are cohorts of their own.
    whole = simulate(100 * 80, 10, 5, TWO)
    people = whole.frame("participants").select("participant_id", "age_years", "sex")
    nights = whole.frame("diary").select("participant_id", "date", "entry_made", "cramps")
    by_person = nights.partition_by("participant_id", as_dict=True)
    covered = 0
    for own in people.iter_slices(80):
        diary = pl.concat(by_person[(name,)] for name in own["participant_id"])
        cohort = Cohort("part", "diary", {"participants": own, "diary": diary}, synthetic=True)
        row = pick(fit(cohort, model="poisson", terms="age_decade + sex").estimates, "age_decade")
        covered += row["ci_low"] <= math.exp(0.12) <= row["ci_high"]
    assert 87 <= covered <= 99
