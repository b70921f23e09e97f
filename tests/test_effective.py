"""What intervals rest on: the same for the same contrast, wherever zero lies, whatever the unit and the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick
from scipy import stats
from test_of_events import diary
from test_of_surveys import survey

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import CURVED_TO, cluster_sums
from crampstudy.models.surveys.effective_size import Sampled
from crampstudy.models.times import cox

PEOPLE = 40
MODELS: tuple[dict[str, Any], ...] = (
    {"model": "ordinal", "outcome": "pain"},
    {"model": "ordinal", "outcome": "pain", "free_terms": "x"},
    {"model": "ordinal", "outcome": "pain", "covariance": "cluster"},
    {"model": "cox", "outcome": "relief"},
    {"model": "cox", "outcome": "relief", "covariance": "cluster"},
    {"model": "gee-exchangeable"},
    {"model": "poisson", "covariance": "cluster"},
    {"model": "hurdle-negative-binomial", "zero_terms": "x"},
)


def with_number(cohort: Cohort, shift: float = 0.0, times: float = 1.0) -> Cohort:
    """The cohort with a skewed number ``x``, and a ``group`` of which the smallest comes first."""
    rng = np.random.default_rng(4)
    people = cohort.frame("participants")
    x = shift + times * rng.exponential(size=people.height)
    group = np.array(["a", "b", "c"])[rng.choice(3, people.height, p=(0.2, 0.5, 0.3))]
    return replace(cohort, tables={**cohort.tables, "participants": people.with_columns(x=x, group=pl.Series(group))})


def numbers(cohort: Cohort, terms: str, **asked: Any) -> pd.DataFrame:
    """Return what each contrast rests on; of numbers also the test, of which a unit takes nothing away."""
    made = fit(cohort, terms=terms, **asked)
    assert made.status == "converged"
    found = made.estimates
    return found[~found["term"].str.contains("intercept|threshold|spread|dispersion|correlation|scale")]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return diary(PEOPLE)


@pytest.mark.parametrize("asked", MODELS, ids=lambda asked: "-".join(map(str, asked.values())))
@pytest.mark.parametrize(("shift", "times"), [(1000.0, 1.0), (-2.0, 1.0), (0.0, 3.0)])
def test_degrees_of_freedom_know_no_zero_and_no_unit(
    cohort: Cohort, asked: dict[str, Any], shift: float, times: float
) -> None:
    one = numbers(with_number(cohort), "x + group", **asked)
    other = numbers(with_number(cohort, shift, times), "x + group", **asked)
    # An engine stops when it is near enough, and not at the same digit.
    for cells in ("df", "n_effective", "p_value"):
        assert other[cells].to_list() == pytest.approx(one[cells].to_list(), rel=1e-4, nan_ok=True)
    own = one[one["term"].isin(["x", "group"])]
    assert (own["n_effective"] > 1).all() and (own["n_effective"] < PEOPLE).all()
    if "covariance" not in asked:
        assert own["df"].to_list() == pytest.approx((own["n_effective"] - 1).clip(lower=1).to_list())


@pytest.mark.parametrize("asked", MODELS, ids=lambda asked: "-".join(map(str, asked.values())))
def test_a_contrast_of_two_levels_is_the_same_from_either_side(cohort: Cohort, asked: dict[str, Any]) -> None:
    made = with_number(cohort)
    one = pick(fit(made, terms="x + group", **asked).estimates, "group", "b")
    other = pick(fit(made, terms="x + C(group, ref='b')", **asked).estimates, "C(group, ref='b')", "a")
    assert other["df"] == pytest.approx(one["df"], rel=1e-4)
    assert other["n_effective"] == pytest.approx(one["n_effective"], rel=1e-4)
    assert other["std_error"] == pytest.approx(one["std_error"], rel=1e-4)
    assert np.log(other["estimate"]) == pytest.approx(-np.log(one["estimate"]), abs=1e-4)


def test_a_declared_contrast_rests_on_what_its_number_rests_on(cohort: Cohort) -> None:
    found = fit(cohort, model="ordinal", outcome="pain", terms="age_years + sex").estimates.set_index("term")
    assert found.loc["contrast: age_years", "df"] == pytest.approx(found.loc["age_years", "df"])
    assert found.loc["contrast: age_years", "n_effective"] == pytest.approx(found.loc["age_years", "n_effective"])


def test_a_baseline_has_no_part_in_the_choice() -> None:
    # The first parameter rests on three of 150 alone, the second on all.
    information = np.array([np.diag([float(g < 3), 1.0]) for g in range(150)])
    arguments = np.tile([[1.0], [-1.0]], (75, 2)), information.sum(axis=0), information, 2, "auto"
    assert automatic.of_clusters(*arguments).used == "jackknife"
    found = automatic.of_clusters(*arguments, baselines=(0,))
    assert (found.used, found.df[1]) == ("cluster", np.inf)
    assert found.effective == pytest.approx([3, 150])


@pytest.mark.parametrize("people", [8, 12])
def test_thresholds_take_no_participant(people: int) -> None:
    found = fit(spread_pain(people), model="ordinal", outcome="pain", terms="diabetes").estimates
    assert (found["term"] == "threshold").sum() == 10
    row = pick(found, "diabetes", "true")
    assert row["status"] == "converged" and np.isfinite(row["ci_high"])
    assert 1 <= row["df"] < people - 1


def spread_pain(people: int) -> Cohort:
    """A diary whose pain takes all of its eleven classes in every participant."""
    made = diary(people)
    pain = (pl.int_range(pl.len()).over("participant_id") * 7 % 11).cast(pl.Float64)
    return replace(made, tables={**made.tables, "episodes": made.frame("episodes").with_columns(pain_0_10=pain)})


def test_kish_s_size_is_that_of_the_intercept_alone() -> None:
    weight = np.random.default_rng(1).gamma(2, size=50)
    found = Sampled.of(np.ones((50, 1)), weight, 14.0)
    assert found.effective() == pytest.approx([weight.sum() ** 2 / np.square(weight).sum()])
    assert found.df() == pytest.approx([14])


def test_of_few_with_a_level_among_many_it_is_their_size() -> None:
    weight = np.random.default_rng(2).gamma(2, size=5000)
    few = np.arange(5000) < 12
    found = Sampled.of(np.column_stack([np.ones(5000), few]), weight, 14.0).effective()[1]
    own = weight[few]
    assert found == pytest.approx(own.sum() ** 2 / np.square(own).sum(), rel=0.02)
    # Of all, each group counts by the inverse of its weight.
    parts = [weight[side] / weight[side].sum() ** 2 for side in (few, ~few)]
    told = np.concatenate(parts)
    assert found == pytest.approx(told.sum() ** 2 / np.square(told).sum())


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("survey-logistic", "any_cramp"),
        ("survey-poisson", "any_cramp"),
        ("survey-ordinal", "recalled_class"),
        ("interval-count", "recalled_count"),
        ("survey-linear", "serum_potassium_mmol_l"),
    ],
)
def test_a_survey_says_what_its_ratios_rest_on(model: str, outcome: str) -> None:
    cohort = survey()
    asked: dict[str, Any] = {"model": model, "outcome": outcome, "weight": "weight_interview"}
    made = numbers(with_number(cohort), "x + sex", **asked).set_index("term")
    people = cohort.frame("participants")
    used = np.ones(people.height, dtype=bool)
    if model != "survey-linear":
        used = people["recalled_low"].is_not_null().to_numpy()
    weight = people["weight_interview"].to_numpy()[used]
    x = with_number(cohort).frame("participants")["x"].to_numpy()[used]
    female = (people["sex"] == "female").to_numpy()[used]
    matrix = np.column_stack([np.ones(len(x)), x, female])
    inverse = np.linalg.inv(matrix.T @ (weight[:, None] * matrix))
    told = weight[:, None] * np.square(matrix @ inverse)
    right = told.sum(axis=0) ** 2 / np.square(told).sum(axis=0)
    assert made.loc[["x", "sex"], "n_effective"].to_list() == pytest.approx(right[1:].tolist())
    assert made.loc[["x", "sex"], "n_exposed"].to_list() == [used.sum(), female.sum()]
    moved = numbers(with_number(cohort, 1000.0), "x + sex", **asked).set_index("term")
    assert moved["n_effective"].to_list() == pytest.approx(made["n_effective"].to_list())
    assert moved["df"].to_list() == pytest.approx(made["df"].to_list())


def relieved(rng: np.random.Generator, people: int, exposed: int) -> tuple[Any, ...]:
    """Return cramps of people who differ in relief, some of them exposed to what does nothing, with whole seconds."""
    groups = np.repeat(np.arange(people), 1 + rng.poisson(5 * rng.gamma(1.5, 1 / 1.5, people)))
    matrix = np.column_stack([np.arange(people) < exposed, rng.normal(size=people)])[groups].astype(float)
    stop = np.ceil(rng.exponential(60 / np.exp(rng.normal(0, 0.6, people))[groups]))
    return matrix, stop, rng.random(len(groups)) > 0.1, groups.astype(np.intp)


def test_the_parts_of_a_cox_model_are_what_participants_add_to_its_information() -> None:
    matrix, stop, _, groups = relieved(np.random.default_rng(1), 9, 4)
    stop = stop + np.arange(len(stop)) / 1000  # no ties
    event = np.arange(len(stop)) % 4 > 0
    fitted = cox.cox(matrix, stop, event)
    assert fitted.curvatures is not None
    right = np.zeros((9, 2, 2))
    hazard = np.exp(matrix @ fitted.coefficients)
    for time in stop[event]:
        share = np.where(stop >= time, hazard, 0.0) / hazard[stop >= time].sum()
        away = matrix - share @ matrix
        for g in range(9):
            own = groups == g
            right[g] += (away[own] * share[own, None]).T @ away[own]
    assert fitted.curvatures(groups) == pytest.approx(right, rel=1e-9, abs=1e-12)
    assert right.sum(axis=0) == pytest.approx(fitted.information)
    tied = cox.cox(matrix, np.ceil(stop / 20), event)
    assert tied.curvatures is not None
    assert tied.curvatures(groups).sum(axis=0) == pytest.approx(tied.information)


def test_few_exposed_among_many_are_seen_by_a_cox_model() -> None:
    held, plain = 0, 0
    for rng in np.random.default_rng(3).spawn(60):
        matrix, stop, event, groups = relieved(rng, 150, 3)
        fitted = cox.cox(matrix, stop, event)
        assert fitted.curvatures is not None
        scores = cluster_sums(fitted.scores, groups)
        found = automatic.of_clusters(scores, fitted.information, fitted.curvatures(groups), 2, "auto")
        assert (found.used, found.df[0] < 4) == ("jackknife", True)
        old = automatic.of_clusters(scores, fitted.information, None, 2, "auto")
        for made in (found, old):
            half = stats.t.ppf(0.975, made.df[0]) * np.sqrt(made.variance[0, 0])
            covers = abs(fitted.coefficients[0]) < half
            held, plain = held + covers * (made is found), plain + covers * (made is old)
    assert held >= 53 > plain


def test_a_cox_model_chooses_by_what_a_ratio_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made = diary(150, 6)
    rare = made.frame("participants").with_columns(treated=pl.int_range(pl.len()) < 4)
    few = replace(made, tables={**made.tables, "participants": rare})
    found = pick(fit(few, model="cox", outcome="relief", terms="treated").estimates, "treated", "true")
    assert "covariance jackknife" in found["note"] and "rests on few participants" in found["note"]
    assert found["df"] == pytest.approx(max(found["n_effective"] - 1, 1)) and found["n_effective"] < 4.5
    half = pick(fit(few, model="cox", outcome="relief", terms="sex").estimates, "sex", "female")
    assert half["n_effective"] > 30
    monkeypatch.setattr("crampstudy.models.times.family.CURVED_TO", 100)
    beyond = pick(fit(few, model="cox", outcome="relief", terms="treated").estimates, "treated", "true")
    assert "covariance cluster" in beyond["note"] and CURVED_TO == 2000
