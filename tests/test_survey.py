from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from crampstudy.errors import AnalysisError
from crampstudy.models.surveys.domain_means import boundary_interval, domain_means, logit_interval
from crampstudy.models.surveys.linearised import regression
from crampstudy.models.surveys.sampling import SamplingDesign, few_note

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


DOMAINS = ("two_or_more", "lonely", "scattered")


def sample_of(rows: dict[str, NDArray[np.float64]], key: str) -> tuple[SamplingDesign, NDArray[np.bool_]]:
    """Return a design and a domain of it, as survey.R has them; the last one leaves half of the strata one PSU."""
    design, domain = design_of(rows, "psu_lonely" if key == "lonely" else "psu"), rows["domain"] == 1
    if key == "scattered":
        domain &= ~(np.isin(rows["stratum"], (1, 4, 6)) & (rows["psu"] == 2))
    return design, domain


def design_of(rows: dict[str, NDArray[np.float64]], psu: str) -> SamplingDesign:
    return SamplingDesign.of(rows["stratum"], rows[psu], rows["weight"])


@pytest.mark.parametrize("key", DOMAINS)
def test_domain_means_agree_with_r(rows: dict[str, NDArray[np.float64]], reference: dict[str, Any], key: str) -> None:
    r, (design, domain), age = reference[key], sample_of(rows, key), rows["age"]
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


@pytest.mark.parametrize("key", DOMAINS)
@pytest.mark.parametrize(("model", "outcome", "link"), [("logistic", "mild", "logit"), ("poisson", "count", "log")])
def test_regression_agrees_with_r(
    rows: dict[str, NDArray[np.float64]],
    reference: dict[str, Any],
    key: str,
    model: str,
    outcome: str,
    link: Any,
) -> None:
    x = np.column_stack([np.ones(len(rows["age"])), (rows["age"] - 50) / 10, rows["sex"], rows["score"]])
    names = ("1", "age", "sex", "score")
    design, domain = sample_of(rows, key)
    fit = regression(rows[outcome], x, names, domain, design, link)
    r = reference[key]
    assert (fit.status, fit.df, fit.df_residual) == ("converged", r["df"], r[model]["df"])
    np.testing.assert_allclose(fit.coefficients, r[model]["coef"], **CLOSE)
    np.testing.assert_allclose(fit.covariance, r[model]["vcov"], **CLOSE)
    np.testing.assert_allclose(np.column_stack(fit.interval(0.95)), r[model]["ci"], rtol=1e-6, atol=1e-9)


def test_a_lonely_psu_of_a_domain_is_centred_at_the_grand_mean() -> None:
    # Three strata of two PSUs with 1 of 2, 2 of 2 | 0 of 2, 1 of 2 | 2 of 2, 0 of 2; the domain lacks the very last.
    hits = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0], dtype=float)
    stratum, psu = np.repeat([1, 2, 3], 4), np.tile([1, 1, 2, 2], 3)
    design, domain = SamplingDesign.of(stratum, psu, np.ones(12)), np.arange(12) < 10
    found = domain_means(hits, np.column_stack([domain, np.ones(12, dtype=bool)]), design)
    np.testing.assert_allclose(found.estimate, [0.6, 0.5])
    assert (found.lonely.tolist(), found.df.tolist()) == ([1, 0], [2, 3])
    # Totals of y - 0.6: -0.2 and 0.8, -1.2 and -0.2, 0.8 alone; n / (n - 1) = 2 in each stratum.
    np.testing.assert_allclose(found.covariance[0, 0], 2 * (0.5**2 * 2 + 0.5**2 * 2 + 0.8**2) / 10**2)
    # Totals of y - 0.5: 0 and 1, -1 and 0, 1 and -1.
    np.testing.assert_allclose(found.covariance[1, 1], 2 * (0.5**2 * 2 + 0.5**2 * 2 + 1**2 * 2) / 12**2)
    fit = regression(hits, np.ones((12, 1)), ("1",), domain, design)
    np.testing.assert_allclose(fit.std_error[0] * 0.6 * 0.4, found.std_error[0])


def test_where_every_stratum_has_one_psu_in_the_domain_the_error_is_larger_by_the_root_of_two() -> None:
    # Centred within the pairs, the empty PSUs would halve the variance.
    rng = np.random.default_rng(8)
    stratum, psu, w = np.repeat(np.arange(7), 40), np.tile(np.repeat([1, 2], 20), 7), rng.gamma(3, 10, 280)
    y, domain = (rng.random(280) < 0.4).astype(float), np.tile(np.repeat([True, False], 20), 7)
    found = domain_means(y, domain[:, None], SamplingDesign.of(stratum, psu, w))
    scores = np.where(domain, w * (y - found.estimate[0]), 0.0) / w[domain].sum()
    totals = np.bincount(stratum, weights=scores)
    assert found.std_error[0] == pytest.approx(np.sqrt(2 * totals @ totals))
    assert (found.lonely[0], found.df[0]) == (7, 0)


def test_bands_of_different_loneliness_have_one_proper_covariance() -> None:
    rng = np.random.default_rng(4)
    stratum, psu = np.repeat(np.arange(6), 20), np.tile(np.repeat([1, 2], 10), 6)
    band = rng.integers(0, 3, 120)
    band[(stratum < 3) & (psu == 2) & (band == 0)] = 1
    members = band[:, None] == np.arange(3)
    design, y = SamplingDesign.of(stratum, psu, rng.gamma(3, 10, 120)), rng.random(120)
    together = domain_means(y, members, design)
    assert together.lonely.tolist() == [3, 0, 0]
    for k in range(3):
        alone = domain_means(y, members[:, [k]], design)
        assert together.covariance[k, k] == pytest.approx(alone.covariance[0, 0])
    assert np.linalg.eigvalsh(together.covariance)[0] > 0


def few_psus(psus: int, terms: int, strata: int = 4, people: int = 37) -> Any:
    """Fit ``terms`` slopes in a sample of few people, strata and PSUs."""
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(people), rng.normal(size=(people, terms))])
    y = np.isin(np.arange(people), rng.choice(people, 16, replace=False)).astype(float)
    unit = np.arange(people) % psus
    design = SamplingDesign.of(unit % strata, unit, np.ones(people))
    names = ["1", *(f"x{i}" for i in range(terms))]
    return regression(y, x, names, np.ones(people, dtype=bool), design)


def test_more_parameters_than_the_design_carries_are_refused() -> None:
    found = few_psus(9, 6)
    assert (found.status, found.df) == ("not_estimable", 5)
    assert found.reason == (
        "6 slopes are too many for the 5 degrees of freedom (PSUs - strata) of the sampling design, of which each "
        "takes one and two must be left: have 3 at most"
    )
    assert np.isnan(found.coefficients).all()
    assert few_psus(9, 4).status == "not_estimable"
    assert few_psus(6, 1).reason.endswith("both must be left: it carries no model with a term")
    assert few_psus(6, 0).status == "converged"
    assert "one degree of freedom is too few" in few_psus(5, 0).reason


def test_intervals_are_t_with_what_the_slopes_leave() -> None:
    found = few_psus(9, 3)
    assert (found.status, found.df, found.df_residual) == ("converged", 5, 2)
    low, high = found.interval(0.95)
    np.testing.assert_allclose(high - low, 2 * stats.t.ppf(0.975, 2) * found.std_error)
    np.testing.assert_allclose(found.p_value, 2 * stats.t.sf(np.abs(found.coefficients / found.std_error), 2))
    assert few_note(5, 2) == "rests on few PSUs: the slopes leave 2 of the 5 degrees of freedom of the sampling design"
    assert (few_note(6, 4) != "", few_note(7, 5)) == (True, "")


def test_a_domain_is_not_a_subset(rows: dict[str, NDArray[np.float64]]) -> None:
    domain = (rows["domain"] == 1) & (rows["age"] < 30) & (rows["sex"] == 1)
    kept = domain_means(rows["mild"], domain[:, None], design_of(rows, "psu"))
    cut = SamplingDesign.of(rows["stratum"][domain], rows["psu"][domain], rows["weight"][domain])
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
        SamplingDesign.of(rows["stratum"][order], rows["psu"][order], rows["weight"][order] / 7),
    )
    np.testing.assert_allclose([a.estimate[0], a.std_error[0]], [b.estimate[0], b.std_error[0]], rtol=1e-12)


def test_missing_weight_is_zero_weight_and_keeps_its_psu(rows: dict[str, NDArray[np.float64]]) -> None:
    zero, missing = rows["weight"].copy(), rows["weight"].copy()
    zero[:20], missing[:20] = 0.0, np.nan
    found = [
        domain_means(
            rows["mild"], (rows["domain"] == 1)[:, None], SamplingDesign.of(rows["stratum"], rows["psu"], weight)
        )
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
    design = SamplingDesign.of(rows["stratum"], np.ones(len(rows["age"])), rows["weight"])
    fit = regression(
        rows["mild"], np.ones((len(rows["age"]), 1)), ("1",), np.ones(len(rows["age"]), dtype=bool), design
    )
    assert (fit.status, "no more PSUs than strata" in fit.reason) == ("not_estimable", True)


def test_large_effects_without_separation_are_estimated() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(4000), rng.normal(0, 6, 4000)])
    y = (rng.random(4000) < 1 / (1 + np.exp(-2.5 * x[:, 1]))).astype(float)
    design = SamplingDesign.of(np.repeat(np.arange(10), 400), np.tile(np.arange(4), 1000), np.ones(4000))
    fit = regression(y, x, ("1", "x"), np.ones(4000, dtype=bool), design)
    assert fit.status == "converged"
    assert abs(fit.coefficients[1] - 2.5) < 4 * fit.std_error[1]


def test_impossible_input_is_refused(rows: dict[str, NDArray[np.float64]]) -> None:
    n = len(rows["age"])
    design, everyone, one = design_of(rows, "psu"), np.ones(n, dtype=bool), np.ones((n, 1))
    with pytest.raises(AnalysisError, match="negative"):
        SamplingDesign.of(rows["stratum"], rows["psu"], -rows["weight"])
    with pytest.raises(AnalysisError, match="no row has a positive"):
        SamplingDesign.of(rows["stratum"], rows["psu"], rows["weight"] * 0)
    with pytest.raises(AnalysisError, match="no stratum"):
        SamplingDesign.of(np.where(rows["stratum"] == 3, np.nan, rows["stratum"]), rows["psu"], rows["weight"])
    with pytest.raises(AnalysisError, match="0 or 1"):
        regression(rows["count"], one, ("1",), everyone, design)
    with pytest.raises(AnalysisError, match="missing"):
        regression(rows["mild"], one * np.nan, ("1",), everyone, design)
    with pytest.raises(AnalysisError, match="no complete row"):
        regression(rows["mild"], one, ("1",), ~everyone, design)
    with pytest.raises(AnalysisError, match="missing"):
        domain_means(rows["mild"] * np.nan, everyone[:, None], design)
