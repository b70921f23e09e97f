"""Lags together, within and between, and dose-response curves as R has them, joint covariances and tests included."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from asking import solve
from estimate_rows import pick
from numpy.typing import NDArray
from test_person_time import of, parity_cohort

from crampstudy import fit, open_cohort
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.inference.covariance import wald

PARITY = Path(__file__).parent / "parity"
LAGS, CURVES = (json.loads((PARITY / f"{name}.json").read_text()) for name in ("lags", "curves"))
TERMS = {
    "joint": [f"lag(within(alcohol_units), {k})" for k in range(4)],
    "plain": ["within(alcohol_units)"],
}


def of_r(model: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = LAGS[name] if model == "poisson" else LAGS[model][name]
    return found


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("model", ["poisson", "negative-binomial"])
def test_joint_covariances_and_degrees_of_freedom(model: str, name: str) -> None:
    terms = " + ".join(["age_decade", *TERMS[name], "between(alcohol_units)"])
    expected = of_r(model, name)
    for kind, covariance in (("cluster", expected["covariance"]), ("cluster-small", expected["small"]["covariance"])):
        solved = solve(parity_cohort(), model=model, terms=terms, covariance=kind).solved
        assert solved
        assert solved.coefficients == pytest.approx(expected["coefficients"], rel=1e-6, abs=1e-8)
        scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
        assert (np.abs(solved.variance - np.array(covariance)) / scale).max() < 1e-6


@pytest.mark.parametrize("model", ["poisson", "negative-binomial"])
def test_by_default_a_sum_has_the_degrees_of_freedom_of_the_sum(model: str) -> None:
    """Fewer than any of its lags has: Satterthwaite's, of the sum and not of what it is made of."""
    rows = distributed_lag(parity_cohort(), "alcohol_units", model=model, beside="age_decade")
    expected = of_r(model, "joint")
    found, small = of(rows, "cumulative"), expected["small"]
    assert np.log(found["estimate"]) == pytest.approx(expected["sum"], rel=1e-6)
    assert found["std_error"] == pytest.approx(small["se"][-1], rel=1e-6)
    assert found["df"] == pytest.approx(small["df"][-1], rel=1e-5)
    assert found["df"] < min(small["df"][2:6])
    for k in range(4):
        assert of(rows, f"lag {k}")["df"] == pytest.approx(small["df"][2 + k], rel=1e-5)


@cache
def diary() -> Cohort:
    return open_cohort(PARITY / "diary")


@cache
def survey() -> Cohort:
    """Return the sample of survey.R; a yes is a recalled class above none, and the domain a column of its own."""
    rows = pl.read_csv(PARITY / "survey-data.csv")
    people = rows.select(
        pl.int_range(pl.len()).cast(pl.String).alias("participant_id"),
        pl.col("age").cast(pl.Float64).alias("age_years"),
        pl.when(pl.col("sex") == 1).then(pl.lit("female")).otherwise(pl.lit("male")).alias("sex"),
        pl.col("weight").alias("weight_interview"),
        *("stratum", "psu", "score"),
        (pl.col("domain") == 1).alias("inside"),
        (5 * pl.col("mild")).alias("recalled_low"),
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("sample", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


def bent(fitted: Fit, df: float) -> tuple[float, NDArray[np.float64]]:
    """Return Wald's statistic of what is not straight in the only spline of a fit, and the coefficients of that.

    The first column of the spline is the number itself.
    """
    assert fitted.linear
    (smooth,) = fitted.linear.design.smooths
    places = list(smooth.columns[1:])
    own = fitted.linear.coefficients[places]
    return wald(own, fitted.linear.variance[np.ix_(places, places)], df)[0], own


@pytest.mark.parametrize("model", ["poisson", "negative-binomial"])
def test_a_dose_response_against_a_reference_value(model: str) -> None:
    terms = "ns(serum_potassium_mmol_l, df=3, ref=4.2, at=[3.5, 4.7]) + sex + age_decade"
    expected = CURVES[model]
    fitted = fit(diary(), model=model, terms=terms, covariance="cluster")
    rows = fitted.estimates[fitted.estimates["level"].isin(["3.5", "4.7"])]
    own = rows[rows["term"].str.startswith("ns(")]
    assert own["n_nights"].unique().tolist() == [expected["rows"]]
    assert np.log(own["estimate"].to_numpy()) == pytest.approx(expected["cluster"]["ratios"], rel=1e-6)
    errors = np.sqrt(np.diag(expected["cluster"]["covariance"]))
    assert own["std_error"].to_numpy() == pytest.approx(errors, rel=1e-6)
    # The declared contrast is that of the values that the codebook names.
    declared = pick(fitted.estimates, "contrast: serum_potassium_mmol_l", "3.5")
    assert declared["reference"] == "4.2"
    assert np.log(declared["estimate"]) == pytest.approx(expected["cluster"]["ratios"][0], rel=1e-6)
    statistic, coefficients = bent(fitted, np.inf)
    assert len(coefficients) == expected["cluster"]["parts"]
    assert statistic == pytest.approx(expected["cluster"]["bent"], rel=1e-6)
    small = fit(diary(), model=model, terms=terms).estimates
    small = small[small["level"].isin(["3.5", "4.7"]) & small["term"].str.startswith("ns(")]
    assert small["std_error"].to_numpy() == pytest.approx(expected["small"]["errors"], rel=1e-6)
    assert small["df"].to_numpy() == pytest.approx(expected["small"]["df"], rel=1e-5)


def test_a_dose_response_of_a_survey() -> None:
    expected = CURVES["survey-logistic"]
    terms = "ns(score, knots=[-0.5, 0.5], ref=0, at=[-1, 1.5]) + sex + age_decade"
    fitted = fit(survey(), model="survey-logistic", outcome="any_cramp", terms=terms, where="inside")
    rows = fitted.estimates[fitted.estimates["term"].str.startswith("ns(") & fitted.estimates["level"].notna()]
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(expected["ratios"], rel=1e-6)
    errors = np.sqrt(np.diag(expected["covariance"]))
    assert rows["std_error"].to_numpy() == pytest.approx(errors, rel=1e-6)
    assert rows["df"].unique().tolist() == [expected["df"]]
    statistic, coefficients = bent(fitted, np.inf)
    assert len(coefficients) == expected["parts"]
    assert statistic == pytest.approx(expected["bent"], rel=1e-6)
