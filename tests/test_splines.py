from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import odd_cohort
import pandas as pd
import polars as pl
import pytest
from estimate_rows import coefficients

from crampstudy import fit, open_cohort
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.models.terms import design_matrix, splines

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "splines.json").read_text())
CURVE = "ns(age_years, df=3, ref=60, at=[40, 50, 70])"
SETTINGS = {
    "poisson": ("poisson", f"{CURVE} + sex + offset(log(hours_in_bed))"),
    "negative-binomial": ("negative-binomial", f"{CURVE} + sex + offset(log(hours_in_bed))"),
    "logistic": ("logistic", f"{CURVE} + sex"),
    "stated": ("poisson", "ns(age_years, knots=[45, 55, 65], ref=60, at=[40, 50, 70]) + sex"),
    "interaction": ("poisson", f"{CURVE} * sex"),
}
WEIGHTED = ("poisson", "negative-binomial", "logistic")
# R fits only nights with the hours.
KNOWN = "hours_in_bed > 0"


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return open_cohort(PARITY / "diary")


def of_term(rows: pd.DataFrame, start: str, scale: str) -> pd.DataFrame:
    return rows[rows["term"].str.startswith(start) & (rows["scale"] == scale)]


@pytest.mark.parametrize("setting", SETTINGS)
def test_ratios_and_joint_test_agree_with_r(diary: Cohort, setting: str) -> None:
    model, terms = SETTINGS[setting]
    fitted, expected = fit(diary, model=model, terms=terms, where=KNOWN, covariance="cluster"), R[setting]
    scale = "odds_ratio" if model == "logistic" else "rate_ratio"
    shown = of_term(fitted.estimates, "ns(", scale)
    assert shown["level"].tolist() == ["40", "50", "70"]
    assert set(shown["reference"]) == {"60"}
    assert np.log(shown["estimate"].to_numpy(float)) == pytest.approx(np.array(expected["ratios"]), rel=1e-6, abs=1e-7)
    assert shown["std_error"].to_numpy(float) == pytest.approx(np.array(expected["errors"]), rel=1e-5)
    test = of_term(fitted.estimates, "ns(", "wald_test")
    assert test["estimate"].iloc[0] == pytest.approx(expected["wald"], rel=1e-5)
    assert fitted.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-9)
    if setting == "interaction":
        assert test["estimate"].iloc[1] == pytest.approx(expected["wald_interaction"], rel=1e-5)
    else:
        sex = fitted.estimates[fitted.estimates["term"] == "sex"].iloc[0]
        assert np.log(sex["estimate"]) == pytest.approx(expected["sex"], rel=1e-6)
        assert sex["std_error"] == pytest.approx(expected["sex_se"], rel=1e-5)


@pytest.mark.parametrize("kind", ["cluster", "model"])
@pytest.mark.parametrize("model", WEIGHTED)
def test_case_weights_agree_with_r(diary: Cohort, model: str, kind: Any) -> None:
    terms, expected = "sex + age_years + weights(hours_in_bed)", R[f"weighted_{model.replace('-', '_')}"]
    fitted = fit(diary, model=model, terms=terms, covariance=kind)
    sex = fitted.estimates[fitted.estimates["term"] == "sex"].iloc[0]
    assert np.log(sex["estimate"]) == pytest.approx(expected["sex"], rel=1e-6)
    assert sex["std_error"] == pytest.approx(expected["sex_se" if kind == "cluster" else "sex_model_se"], rel=1e-5)
    assert "with weights(hours_in_bed)" in sex["note"]
    # R rounds the weights of a binomial in its log-likelihood.
    if model != "logistic":
        assert fitted.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-9)


def test_an_offset_is_the_exposure(diary: Cohort) -> None:
    in_formula = fit(diary, model="poisson", terms="sex + offset(log(hours_in_bed))").estimates
    as_option = fit(diary, model="poisson", terms="sex", exposure="hours_in_bed").estimates
    for column in ("estimate", "ci_low", "ci_high"):
        assert in_formula[column].iloc[0] == pytest.approx(as_option[column].iloc[0], rel=1e-12)
    assert "with offset(log(hours_in_bed))" in in_formula["note"].iloc[0]


def test_two_offsets_add_up(diary: Cohort) -> None:
    one = fit(diary, model="poisson", terms="sex + offset(log(hours_in_bed)) + offset(0.5 * alcohol_units)")
    both = fit(diary, model="poisson", terms="sex + offset(log(hours_in_bed) + 0.5 * alcohol_units)")
    assert one.log_likelihood == pytest.approx(both.log_likelihood, rel=1e-12)


def test_a_weight_of_zero_leaves_a_night_out(diary: Cohort) -> None:
    weighted = fit(diary, model="negative-binomial", terms="sex + weights(np.sign(alcohol_units))")
    part = fit(diary, model="negative-binomial", terms="sex", where="alcohol_units > 0")
    assert weighted.n_rows == part.n_rows
    assert weighted.log_likelihood == pytest.approx(part.log_likelihood, rel=1e-9)


def test_natural_spline_by_hand() -> None:
    # Knots 0, 1/2, 1: N2 = d1 - d2 with d1 = ((x)^3 - (x-1)^3)/1, d2 = ((x-1/2)^3 - (x-1)^3)/(1/2).
    basis = splines.natural(np.array([-1.0, 0.5, 1.0, 2.0, 3.0]), np.array([0.0, 0.5, 1.0]))
    assert basis[:, 0].tolist() == [-1, 0.5, 1, 2, 3]
    assert basis[:, 1] == pytest.approx([0, 0.125, 1 - 0.25, (8 - 1) - 2 * (3.375 - 1), (27 - 8) - 2 * (15.625 - 8)])
    # Beyond the boundary a straight line.
    assert basis[4, 1] - basis[3, 1] == pytest.approx(basis[3, 1] - basis[2, 1])


def test_knots_count_a_participant_once() -> None:
    people = np.array([0, 0, 0, 0, 0, 1, 2, 3])
    ages = np.array([30.0, 30, 30, 30, 30, 50, 60, 80])
    design = build(pd.DataFrame({"who": people, "age_years": ages}), "ns(age_years, df=2)")
    assert design.smooths[0].reference == "55"
    once = build(pd.DataFrame({"who": [0, 1, 2, 3], "age_years": [30.0, 50, 60, 80]}), "ns(age_years, df=2)")
    assert design.matrix[[0, 5, 6, 7]] == pytest.approx(once.matrix)
    assert once.matrix[:, 1:] == pytest.approx(
        splines.natural(np.array([30.0, 50, 60, 80]), np.array([30.0, 55, 80]))
        - splines.natural(np.array([55.0]), np.array([30.0, 55, 80]))
    )


def build(frame: pd.DataFrame, terms: str) -> design_matrix.Design:
    rows = pl.DataFrame(frame.rename(columns={"who": "participant_id"})).with_columns(
        pl.col("participant_id").cast(pl.String)
    )
    return design_matrix.build(rows, terms, candidate=np.ones(len(frame), dtype=bool))


def test_values_shown_are_round_and_not_the_reference() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"who": range(300), "age_years": rng.uniform(20, 90, 300)})
    (smooth,) = build(frame, "ns(age_years, df=3, ref=60)").smooths
    assert smooth.levels and "60" not in smooth.levels
    assert all(float(level) % 5 == 0 for level in smooth.levels)
    (stated,) = build(frame, "ns(age_years, df=3, ref=60, at=[35, 60, 72.5])").smooths
    assert stated.levels == ("35", "72.5")


def test_ratio_of_any_two_sets_of_values(diary: Cohort) -> None:
    fitted = fit(diary, model="poisson", terms=f"{CURVE} * sex", where=KNOWN, covariance="cluster")
    row = fitted.ratio({"age_years": 40, "sex": "male"}, {"age_years": 60, "sex": "male"}).iloc[0]
    assert np.log(row["estimate"]) == pytest.approx(R["interaction"]["ratios"][0], rel=1e-6)
    assert row["std_error"] == pytest.approx(R["interaction"]["errors"][0], rel=1e-5)
    assert (row["term"], row["level"], row["reference"]) == ("age_years, sex", "40, male", "60, male")
    back = fitted.ratio({"sex": "male", "age_years": 60}, {"sex": "male", "age_years": 40}).iloc[0]
    assert back["estimate"] == pytest.approx(1 / row["estimate"])
    assert back["ci_low"] == pytest.approx(1 / row["ci_high"])
    same = fitted.ratio({"age_years": 40, "sex": "male"}, {"age_years": 40, "sex": "male"}).iloc[0]
    assert same["status"] == "not_estimable"


def test_ratio_of_a_yes_no_variable_is_its_row(diary: Cohort) -> None:
    fitted = fit(diary, model="poisson", terms="diabetes + age_years")
    row = fitted.estimates[fitted.estimates["term"] == "diabetes"].iloc[0]
    assert fitted.ratio({"diabetes": True}, {"diabetes": False})["estimate"].iloc[0] == pytest.approx(row["estimate"])


@pytest.mark.parametrize(
    ("at", "against", "message"),
    [
        ({"age_years": 40}, {"age_years": 60}, "acts together with sex"),
        ({"age_years": 40}, {"sex": "male"}, "the same variables on both sides"),
        ({}, {}, "the same variables on both sides"),
        ({"smoking": "never"}, {"smoking": "former"}, "'smoking' is not in the fit; it has age_years, sex"),
        ({"age_years": 40, "sex": "man"}, {"age_years": 40, "sex": "male"}, "never 'man' on the rows fitted"),
    ],
)
def test_ratio_that_cannot_be(diary: Cohort, at: dict[str, Any], against: dict[str, Any], message: str) -> None:
    fitted = fit(diary, model="poisson", terms="ns(age_years, df=2) * sex")
    with pytest.raises(UsageError, match=message):
        fitted.ratio(at, against)


def test_no_ratio_of_a_fit_without_estimates(diary: Cohort) -> None:
    with pytest.raises(AnalysisError, match="has no estimate"):
        fit(diary, model="poisson", terms="ns(age_years)", where="age_years > 200").ratio(
            {"age_years": 4}, {"age_years": 5}
        )


def test_a_spline_without_estimates_says_so_in_every_row(diary: Cohort) -> None:
    free = {**diary.tables, "diary": diary.frame("diary").with_columns(cramps=pl.lit(0, pl.Int64))}
    rows = fit(Cohort("free", "diary", free), model="poisson", terms=CURVE).estimates
    assert set(rows["status"]) == {"not_estimable"}
    assert rows["level"].tolist()[1:4] == ["40", "50", "70"]
    assert rows["key"].is_unique


def test_few_clusters_are_tested_with_f(diary: Cohort) -> None:
    asked = {"model": "poisson", "terms": "ns(age_years, df=2)", "where": "age_years >= 60"}
    rows = fit(diary, **asked, covariance="cluster").estimates
    test = of_term(rows, "ns(", "wald_test").iloc[0]
    clusters = rows["n_groups"].iloc[0]
    assert clusters < 50
    assert test["unit"] == f"F on 2 and {clusters - 1} degrees of freedom"
    assert 0 < test["p_value"] < 1
    # Of those that the participants leave to each coefficient the fewest, and to each ratio its own.
    rows = fit(diary, **asked).estimates
    test = of_term(rows, "ns(", "wald_test").iloc[0]
    assert test["unit"] == f"F on 2 and {test['df']:.4g} degrees of freedom"
    ratios = of_term(rows, "ns(", "rate_ratio")
    assert ratios["df"].nunique() == len(ratios)
    assert ratios["df"].between(2, clusters - 1).all()


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("ns(age_years, df=0)", "whole number of degrees of freedom"),
        ("ns(age_years, knots=[200])", "give them in order, inside the range"),
        ("ns(diabetes)", "cannot be evaluated"),
        ("log(ns(age_years))", "cannot be evaluated"),
        ("I(ns(age_years))", "stands by itself or in an interaction"),
        ("sex:offset(age_years)", "stands by itself"),
        ("offset(age_years, 2)", "stands by itself"),
        ("offset(2)", "names no variable"),
        ("offset(sex)", "needs a number"),
        ("weights(age_years - 60)", "is negative on some rows"),
        ("weights(age_years) + weights(hours_in_bed)", "two weights"),
        ("offset(log(alcohol_units))", "infinite on some rows"),
        ("sex + offset(grip_strength_kg)", "never measured"),
        ("sex + weights(nosuch)", "neither the codebook nor the cohort"),
    ],
)
def test_what_cannot_be_is_a_usage_error(diary: Cohort, terms: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit(diary, model="poisson", terms=terms)


@pytest.mark.parametrize("model", ["gee-ar1", "mixed-poisson"])
def test_models_that_take_no_weights(diary: Cohort, model: str) -> None:
    with pytest.raises(UsageError, match=r"weights\(\) is for poisson"):
        fit(diary, model=model, terms="sex + weights(hours_in_bed)")


def test_a_survey_s_spline_has_ratios_and_takes_no_offset() -> None:
    rng = np.random.default_rng(3)
    n, age = 600, np.tile(np.arange(20.0, 80.0), 10)
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": age,
            "sex": ["male", "female"] * 300,
            "weight_interview": rng.gamma(3, 1000, n),
            "stratum": np.repeat(np.arange(6), 100),
            "psu": np.tile(np.repeat([1, 2], 50), 6),
            "recalled_low": np.where(rng.random(n) < 0.1 + age / 200, 5, 0),
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    asked = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    fitted = fit(asked, model="survey-logistic", terms="ns(age_years, df=2, ref=50, at=[30, 70]) + sex")
    rows = fitted.estimates
    assert rows["status"].tolist()[:3] == ["converged"] * 3
    # 12 PSUs - 6 strata - 3 slopes.
    assert rows["unit"].iloc[0] == "F on 2 and 3 degrees of freedom"
    older = rows[rows["level"] == "70"].iloc[0]
    assert older["scale"] == "odds_ratio" and older["estimate"] > 1
    same = fitted.ratio({"age_years": 70}, {"age_years": 50}).iloc[0]
    assert same["ci_low"] == pytest.approx(older["ci_low"])
    with pytest.raises(UsageError, match=r"takes no weights\(\)"):
        fit(asked, model="survey-logistic", terms="sex + weights(age_years)")


def test_an_offset_is_looked_at_only_inside_the_condition(diary: Cohort) -> None:
    # Without the condition, the logarithm of no drink would be refused.
    fitted = fit(diary, model="poisson", terms="sex + offset(log(alcohol_units))", where="alcohol_units > 0")
    assert fitted.status == "converged"


@pytest.mark.parametrize("said", ["ref=19", "ref=60, at=[50, 91]"])
def test_no_value_beyond_the_observed_ones(diary: Cohort, said: str) -> None:
    with pytest.raises(UsageError, match="where nobody is: values run from 20 to 90"):
        fit(diary, model="poisson", terms=f"sex + ns(age_years, df=2, {said})")
    fitted = fit(diary, model="poisson", terms="ns(age_years, df=2)", where="age_years >= 40")
    with pytest.raises(UsageError, match="age_years = 39 is where nobody is: values run from 40 to 90"):
        fitted.ratio({"age_years": 60}, {"age_years": 39})


def test_round_values_stay_within_the_observed_ones() -> None:
    # Quantiles of 41 to 86 round to 40 and 90, where nobody is.
    ages = [41.0] * 12 + [50.0, 60.0, 70.0, 80.0] * 3 + [86.0] * 12
    frame = pd.DataFrame({"who": range(len(ages)), "age_years": ages})
    (smooth,) = build(frame, "ns(age_years, knots=[60])").smooths
    assert smooth.levels and all(41 <= float(level) <= 86 for level in smooth.levels)


def test_a_spline_of_a_column_of_an_odd_name() -> None:
    fitted = fit(odd_cohort.cohort(), model="poisson", terms="ns(`shoe size`, df=2, ref=1.5, at=[1.4, 1.6])")
    assert coefficients(fitted.estimates)["status"].to_list() == ["converged"] * 4
    assert fitted.ratio({"shoe size": 1.6}, {"shoe size": 1.5})["estimate"][0] > 0
