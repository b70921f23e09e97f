from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimate_rows import coefficients as coefficients_of

from crampstudy import fit, open_cohort
from crampstudy.cohort import Cohort
from crampstudy.models.inference import covariance
from crampstudy.models.nights import count

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "count.json").read_text())
MODELS = ("poisson", "negative-binomial")
SETTINGS = {
    "nights": ("age_decade + sex + diabetes + alcohol_units", "nights"),
    "hours_in_bed": ("age_decade + sex + diabetes + alcohol_units", "hours_in_bed"),
    "potassium": ("age_decade * sex + serum_potassium_mmol_l", "nights"),
}
R_NAMES = {
    ("intercept", None): "(Intercept)",
    ("sex", "female"): "sexfemale",
    ("diabetes", "true"): "diabetestrue",
    ("age_decade:sex", "female"): "age_decade:sexfemale",
}
PLAIN = {"age_decade", "alcohol_units", "serum_potassium_mmol_l"}


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return open_cohort(PARITY / "diary")


@pytest.mark.parametrize("kind", ["cluster", "cluster-hc0", "model"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_agrees_with_r(diary: Cohort, setting: str, model: str, kind: Any) -> None:
    terms, exposure = SETTINGS[setting]
    fitted = fit(diary, model=model, terms=terms, exposure=exposure, covariance=kind)
    expected = R[setting][model]
    rows = coefficients_of(fitted.estimates[fitted.estimates["term"] != "dispersion"].astype(object))
    coefficients, errors = {}, {}
    for row in rows.to_dict("records"):
        level = row["level"] if isinstance(row["level"], str) else None
        name = row["term"] if row["term"] in PLAIN else R_NAMES[row["term"], level]
        weekly = 7 if row["term"] == "intercept" and exposure == "nights" else 1
        coefficients[name], errors[name] = math.log(row["estimate"] / weekly), row["std_error"]
    # glm.nb alternates between the coefficients and the dispersion and stops some 1e-10 short of the maximum.
    assert coefficients == pytest.approx(expected["coefficients"], rel=1e-6, abs=1e-9)
    assert errors == pytest.approx(expected["se"][kind], rel=1e-4)
    assert fitted.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-9)
    assert fitted.n_rows == expected["rows"]
    assert fitted.status == "converged"


@pytest.mark.parametrize("setting", SETTINGS)
def test_dispersion_agrees_with_r(diary: Cohort, setting: str) -> None:
    terms, exposure = SETTINGS[setting]
    rows = fit(diary, model="negative-binomial", terms=terms, exposure=exposure).estimates
    row = rows[rows["term"] == "dispersion"].iloc[0]
    assert row["estimate"] == pytest.approx(R[setting]["negative-binomial"]["dispersion"], rel=1e-6)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_poisson_of_two_groups_is_their_log_rates() -> None:
    # 2 cramps in 4 nights against 6 in 3: rates 1/2 and 2, rate ratio 4.
    x = np.array([0, 0, 0, 0, 1, 1, 1], dtype=float)
    y = np.array([0, 1, 1, 0, 1, 2, 3], dtype=float)
    fitted = count.poisson(np.column_stack([np.ones(7), x]), y, np.zeros(7))
    assert fitted.problem is None
    assert fitted.coefficients == pytest.approx([math.log(0.5), math.log(4)], abs=1e-12)
    # The variance of a log rate is 1 / cramps; of the log ratio 1/2 + 1/6.
    variance = np.linalg.inv(fitted.information)
    assert np.diag(variance) == pytest.approx([1 / 2, 1 / 2 + 1 / 6])
    expected = sum(v * math.log(m) - m - math.lgamma(v + 1) for v, m in zip(y, np.where(x > 0, 2.0, 0.5), strict=True))
    assert fitted.log_likelihood == pytest.approx(expected)


def test_offset_is_exposure() -> None:
    hours = np.array([4.0, 8.0, 6.0, 2.0])
    fitted = count.poisson(np.ones((4, 1)), np.array([1.0, 2.0, 0.0, 1.0]), np.log(hours))
    assert fitted.coefficients[0] == pytest.approx(math.log(4 / 20))


def test_negative_binomial_maximises_its_likelihood() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(800), rng.normal(size=800)])
    y = rng.poisson(np.exp(x @ [-0.5, 0.4]) * rng.gamma(0.8, 1 / 0.8, 800)).astype(float)
    fitted = count.negative_binomial(x, y, np.zeros(800))
    assert fitted.problem is None and not fitted.at_boundary
    at = np.append(fitted.coefficients, -math.log(fitted.dispersion))
    rows = count._NegativeBinomial.of(x, y, np.zeros(800), np.ones(800))
    best = rows.value(at)
    assert best == pytest.approx(fitted.log_likelihood)
    for i in range(3):
        for step in (-1e-3, 1e-3):
            assert rows.value(at + step * np.eye(3)[i]) < best


def test_derivatives_agree_with_differences_of_the_likelihood() -> None:
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    y, offset, at = rng.poisson(1.3, 60).astype(float), rng.normal(size=60), np.array([0.1, -0.2, 0.5])
    times = rng.integers(1, 4, 60).astype(float)
    rows = count._NegativeBinomial.of(x, y, offset, times)
    gradient, information = rows.derivatives(at)
    h = 1e-5

    def slope(f: Any, i: int) -> Any:
        return (f(at + h * np.eye(3)[i]) - f(at - h * np.eye(3)[i])) / (2 * h)

    likelihood = [slope(rows.value, i) for i in range(3)]
    curvature = [slope(lambda b: rows.derivatives(b)[0], i) for i in range(3)]
    assert gradient == pytest.approx(likelihood, rel=1e-6, abs=1e-6)
    assert -information == pytest.approx(np.array(curvature), rel=1e-5, abs=1e-5)


def test_underdispersed_counts_are_at_the_boundary_and_equal_poisson() -> None:
    y = np.array([1.0, 2.0] * 50)
    x = np.column_stack([np.ones(100), np.repeat([0.0, 1.0], 50)])
    fitted, plain = count.negative_binomial(x, y, np.zeros(100)), count.poisson(x, y, np.zeros(100))
    assert fitted.at_boundary and fitted.dispersion == 0
    assert fitted.coefficients == pytest.approx(plain.coefficients)
    assert fitted.log_likelihood == plain.log_likelihood


def test_singular_design_is_a_problem_and_no_number() -> None:
    x = np.column_stack([np.ones(20), np.ones(20)])
    assert count.poisson(x, np.arange(20.0), np.zeros(20)).problem is not None


def test_cluster_covariance_by_hand() -> None:
    # Intercept only: bread 1/5, scores summed by participant s = (1, -1, 0) => HC0 2/25, G/(G-1) = 3/2.
    scores = np.array([[2.0], [-1.0], [-1.0], [0.0]])
    groups = np.array([0, 0, 1, 2])
    information = np.array([[5.0]])
    assert covariance.covariance(information, scores, groups, "cluster-hc0")[0, 0] == pytest.approx(2 / 25)
    assert covariance.covariance(information, scores, groups, "cluster")[0, 0] == pytest.approx(3 / 25)
    assert covariance.covariance(information, scores, groups, "model")[0, 0] == pytest.approx(1 / 5)


def test_t_below_fifty_clusters_and_z_from_fifty_on() -> None:
    assert covariance.degrees_of_freedom(49) == 48
    assert math.isinf(covariance.degrees_of_freedom(50))
    assert math.isinf(covariance.degrees_of_freedom(5, "model"))
    assert covariance.quantile(0.95, 9) == pytest.approx(2.262157, abs=1e-6)
    assert covariance.quantile(0.95, math.inf) == pytest.approx(1.959964, abs=1e-6)
    assert covariance.p_value(1.959963985, math.inf) == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize("model", [count.poisson, count.negative_binomial])
def test_a_weight_is_a_row_as_often(model: Any) -> None:
    rng = np.random.default_rng(12)
    x = np.column_stack([np.ones(90), rng.normal(size=90)])
    y, offset = rng.negative_binomial(0.7, 0.4, 90).astype(float), rng.normal(size=90)
    times = rng.integers(0, 4, 90)
    again = np.repeat(np.arange(90), times)
    weighted = model(x, y, offset, times.astype(float))
    plain = model(x[again], y[again], offset[again])
    assert weighted.problem is None
    assert weighted.coefficients == pytest.approx(plain.coefficients, rel=1e-6)
    assert weighted.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert weighted.information == pytest.approx(plain.information, rel=1e-7)
    assert weighted.dispersion == pytest.approx(plain.dispersion, rel=1e-7)
    if model is count.negative_binomial:
        assert weighted.dispersion_error == pytest.approx(plain.dispersion_error, rel=1e-7)
    sums = np.zeros((90, 2))
    np.add.at(sums, again, plain.scores)
    assert weighted.scores == pytest.approx(sums, abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_fit_ends_where_another_step_would_move_nothing(seed: int) -> None:
    rng, n = np.random.default_rng(seed), 20_000
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    y = rng.poisson(np.exp(-2 + 0.2 * x[:, 1]) * rng.gamma(0.3, 1 / 0.3, n)).astype(float)
    fitted = count.negative_binomial(x, y, np.zeros(n))
    law = count._NegativeBinomial.of(x, y, np.zeros(n), np.ones(n))
    score, information = law.derivatives(np.append(fitted.coefficients, -math.log(fitted.dispersion)))
    moved = np.linalg.solve(information, score)
    # A step that was halved as the likelihood fell by rounding stopped 6e-8 standard errors away.
    assert np.abs(moved / np.sqrt(np.diag(np.linalg.inv(information)))).max() < 1e-11
