from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crampstudy.errors import AnalysisError
from crampstudy.models.survey import Design, boundary_interval, domain_means, logit_interval, regression

PARITY = Path(__file__).parent / "parity"
CLOSE: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-12}


@pytest.fixture(scope="module")
def rows() -> dict[str, NDArray[np.float64]]:
    with (PARITY / "survey-data.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in table]) for name in table[0]}


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PARITY / "survey.json").read_text(encoding="utf-8"))
    return found


def design_of(rows: dict[str, NDArray[np.float64]], psu: str) -> Design:
    return Design.of(rows["stratum"], rows[psu], rows["weight"])


@pytest.mark.parametrize(("psu", "key"), [("psu", "two_or_more"), ("psu_lonely", "lonely")])
def test_domain_means_agree_with_r(
    rows: dict[str, NDArray[np.float64]], reference: dict[str, Any], psu: str, key: str
) -> None:
    r, design, domain, age = reference[key], design_of(rows, psu), rows["domain"] == 1, rows["age"]
    mean = domain_means(rows["mild"], domain[:, None], design)
    assert mean.df[0] == r["df"]
    np.testing.assert_allclose([mean.estimate[0], mean.std_error[0]], [r["mean"], r["se"]], **CLOSE)
    for level, limits in ((0.95, r["ci"]), (0.9, r["ci90"])):
        got = logit_interval(float(mean.estimate[0]), float(mean.std_error[0]), int(mean.df[0]), level)
        np.testing.assert_allclose(got, limits, **CLOSE)
    everyone = domain_means(rows["count"], np.ones((len(age), 1), dtype=bool), design)
    np.testing.assert_allclose(
        [everyone.estimate[0], everyone.std_error[0]], [r["full"]["mean"], r["full"]["se"]], **CLOSE
    )
    low = np.array([20, 40, 60])
    members = domain[:, None] & (age[:, None] >= low) & (age[:, None] < np.array([40, 60, 999]))
    bands = domain_means(rows["mild"], members, design)
    np.testing.assert_allclose(bands.estimate, r["bands"]["mean"], **CLOSE)
    np.testing.assert_allclose(bands.covariance, r["bands"]["vcov"], **CLOSE)
    shares = np.array(r["standard"]["shares"])
    np.testing.assert_allclose(shares @ bands.estimate, r["standard"]["mean"], **CLOSE)
    np.testing.assert_allclose(np.sqrt(shares @ bands.covariance @ shares), r["standard"]["se"], **CLOSE)


@pytest.mark.parametrize(("psu", "key"), [("psu", "two_or_more"), ("psu_lonely", "lonely")])
@pytest.mark.parametrize(("model", "outcome", "link"), [("logistic", "mild", "logit"), ("poisson", "count", "log")])
def test_regression_agrees_with_r(
    rows: dict[str, NDArray[np.float64]],
    reference: dict[str, Any],
    psu: str,
    key: str,
    model: str,
    outcome: str,
    link: Any,
) -> None:
    x = np.column_stack([np.ones(len(rows["age"])), (rows["age"] - 50) / 10, rows["sex"], rows["score"]])
    names = ("1", "age", "sex", "score")
    fit = regression(rows[outcome], x, names, rows["domain"] == 1, design_of(rows, psu), link)
    r = reference[key]
    assert (fit.status, fit.df) == ("converged", r["df"])
    np.testing.assert_allclose(fit.coefficients, r[model]["coef"], **CLOSE)
    np.testing.assert_allclose(fit.covariance, r[model]["vcov"], **CLOSE)


def test_lonely_stratum_is_named_and_adds_variance(rows: dict[str, NDArray[np.float64]]) -> None:
    assert design_of(rows, "psu").lonely_strata == 0
    assert design_of(rows, "psu_lonely").lonely_strata == 1


def test_a_domain_is_not_a_subset(rows: dict[str, NDArray[np.float64]]) -> None:
    domain = (rows["domain"] == 1) & (rows["age"] < 30) & (rows["sex"] == 1)
    kept = domain_means(rows["mild"], domain[:, None], design_of(rows, "psu"))
    cut = Design.of(rows["stratum"][domain], rows["psu"][domain], rows["weight"][domain])
    subset = domain_means(rows["mild"][domain], np.ones((domain.sum(), 1), dtype=bool), cut)
    assert kept.estimate[0] == pytest.approx(subset.estimate[0])
    assert abs(kept.std_error[0] / subset.std_error[0] - 1) > 1e-4


def test_order_of_rows_and_scale_of_weights_do_not_matter(rows: dict[str, NDArray[np.float64]]) -> None:
    order = np.random.default_rng(3).permutation(len(rows["age"]))
    domain = rows["domain"] == 1
    a = domain_means(rows["mild"], domain[:, None], design_of(rows, "psu"))
    b = domain_means(
        rows["mild"][order],
        domain[order][:, None],
        Design.of(rows["stratum"][order], rows["psu"][order], rows["weight"][order] / 7),
    )
    np.testing.assert_allclose([a.estimate[0], a.std_error[0]], [b.estimate[0], b.std_error[0]], rtol=1e-12)


def test_missing_weight_is_zero_weight_and_keeps_its_psu(rows: dict[str, NDArray[np.float64]]) -> None:
    zero, missing = rows["weight"].copy(), rows["weight"].copy()
    zero[:20], missing[:20] = 0.0, np.nan
    found = [
        domain_means(rows["mild"], (rows["domain"] == 1)[:, None], Design.of(rows["stratum"], rows["psu"], weight))
        for weight in (zero, missing)
    ]
    assert found[0].std_error[0] == found[1].std_error[0]
    assert found[0].n[0] == ((rows["domain"] == 1) & (zero > 0)).sum()


def test_empty_domain_has_no_mean(rows: dict[str, NDArray[np.float64]]) -> None:
    members = np.column_stack([rows["domain"] == 1, rows["age"] > 200])
    found = domain_means(rows["mild"], members, design_of(rows, "psu"))
    assert np.isnan(found.estimate[1])
    assert found.covariance[1].tolist() == [0.0, 0.0]
    assert (found.n[1], found.df[1]) == (0, 0)


def test_bound_of_no_events_is_clopper_pearson_where_weights_are_equal() -> None:
    low, high = boundary_interval(0.0, 60, 60.0, 59, 0.95)
    assert low == 0
    assert high == pytest.approx(1 - 0.05 ** (1 / 60))
    np.testing.assert_allclose(boundary_interval(1.0, 60, 60.0, 59, 0.95), (1 - high, 1.0))
    assert boundary_interval(0.0, 60, 40.0, 8, 0.95)[1] > high


def test_separation_is_said_and_gives_no_number(rows: dict[str, NDArray[np.float64]]) -> None:
    level = (rows["score"] > 1.2).astype(float)
    outcome = np.where(level == 1, 1.0, rows["mild"])
    x = np.column_stack([np.ones(len(level)), level, rows["sex"]])
    fit = regression(outcome, x, ("1", "level", "sex"), np.ones(len(level), dtype=bool), design_of(rows, "psu"))
    assert fit.status == "not_estimable"
    assert "separated by level" in fit.reason
    assert np.isnan(fit.coefficients).all() and np.isnan(fit.std_error).all()


def test_separation_of_a_count_is_said(rows: dict[str, NDArray[np.float64]]) -> None:
    level = (rows["score"] > 1.2).astype(float)
    outcome = np.where(level == 1, 0.0, rows["count"])
    x = np.column_stack([np.ones(len(level)), level])
    fit = regression(outcome, x, ("1", "level"), np.ones(len(level), dtype=bool), design_of(rows, "psu"), "log")
    assert (fit.status, "separated by" in fit.reason) == ("not_estimable", True)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda r: (r["mild"], np.column_stack([np.ones(len(r["age"])), r["sex"], 1 - r["sex"]])), "collinear"),
        (lambda r: (r["mild"] * 0, np.ones((len(r["age"]), 1))), "does not vary"),
    ],
)
def test_what_cannot_be_estimated_is_said(rows: dict[str, NDArray[np.float64]], make: Any, reason: str) -> None:
    outcome, x = make(rows)
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    fit = regression(outcome, x, names, np.ones(len(outcome), dtype=bool), design_of(rows, "psu"))
    assert fit.status == "not_estimable"
    assert reason in fit.reason


def test_one_psu_in_every_stratum_leaves_no_variance(rows: dict[str, NDArray[np.float64]]) -> None:
    design = Design.of(rows["stratum"], np.ones(len(rows["age"])), rows["weight"])
    fit = regression(
        rows["mild"], np.ones((len(rows["age"]), 1)), ("1",), np.ones(len(rows["age"]), dtype=bool), design
    )
    assert (fit.status, "no more PSUs than strata" in fit.reason) == ("not_estimable", True)


def test_large_effects_without_separation_are_estimated() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(4000), rng.normal(0, 6, 4000)])
    y = (rng.random(4000) < 1 / (1 + np.exp(-2.5 * x[:, 1]))).astype(float)
    design = Design.of(np.repeat(np.arange(10), 400), np.tile(np.arange(4), 1000), np.ones(4000))
    fit = regression(y, x, ("1", "x"), np.ones(4000, dtype=bool), design)
    assert fit.status == "converged"
    assert abs(fit.coefficients[1] - 2.5) < 4 * fit.std_error[1]


def test_impossible_input_is_refused(rows: dict[str, NDArray[np.float64]]) -> None:
    n = len(rows["age"])
    design, everyone, one = design_of(rows, "psu"), np.ones(n, dtype=bool), np.ones((n, 1))
    with pytest.raises(AnalysisError, match="negative"):
        Design.of(rows["stratum"], rows["psu"], -rows["weight"])
    with pytest.raises(AnalysisError, match="no row has a positive"):
        Design.of(rows["stratum"], rows["psu"], rows["weight"] * 0)
    with pytest.raises(AnalysisError, match="no stratum"):
        Design.of(np.where(rows["stratum"] == 3, np.nan, rows["stratum"]), rows["psu"], rows["weight"])
    with pytest.raises(AnalysisError, match="0 or 1"):
        regression(rows["count"], one, ("1",), everyone, design)
    with pytest.raises(AnalysisError, match="missing"):
        regression(rows["mild"], one * np.nan, ("1",), everyone, design)
    with pytest.raises(AnalysisError, match="no complete row"):
        regression(rows["mild"], one, ("1",), ~everyone, design)
    with pytest.raises(AnalysisError, match="missing"):
        domain_means(rows["mild"] * np.nan, everyone[:, None], design)
