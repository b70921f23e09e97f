from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import linalg

from crampstudy.errors import AnalysisError
from crampstudy.models.common import distributions
from crampstudy.models.common.aggregation import compress
from crampstudy.models.inference import covariance, small_sample
from crampstudy.models.inference.small_sample import Nights, bias_reduced, reach
from crampstudy.models.nights import count
from crampstudy.models.nights.logistic import logistic
from crampstudy.models.optimise import products

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "small.json").read_text())
SETTINGS = ("few", "one participant's nights", "one participant", "serial", "intercept")
MODELS = ("poisson", "logistic", "negative-binomial")


def _fitted(model: str, matrix: Any, counts: Any, offset: Any) -> tuple[Any, Any, Any, distributions.ResponseFamily]:
    """Fit a model; return the fit, the outcome and offset it took, and its family."""
    if model == "poisson":
        return count.poisson(matrix, counts, offset), counts, offset, distributions.POISSON
    if model == "logistic":
        outcome, none = (counts > 0).astype(float), np.zeros(len(counts))
        return logistic(matrix, outcome, none), outcome, none, distributions.BINOMIAL
    fit = count.negative_binomial(matrix, counts, offset)
    return fit, counts, offset, distributions.negative_binomial(fit.dispersion)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_agrees_with_clubsandwich(setting: str, model: str) -> None:
    asked, expected = R[setting], R[setting][model]
    nights = pl.read_csv(PARITY / "gee-data.csv").filter(pl.col("set") == asked["set"])
    matrix = np.column_stack([np.ones(nights.height), *(nights[term].to_numpy() for term in asked["terms"])])
    counts, offset = nights["cramps"].to_numpy().astype(float), np.log(nights["hours"].to_numpy())
    groups = nights["participant"].to_numpy().astype(np.intp) - 1
    fit, outcome, offset, family = _fitted(model, matrix, counts, offset)
    assert fit.problem is None
    found = bias_reduced(Nights(matrix, outcome, offset, groups, fit.coefficients, family))
    assert found.problem is None
    assert found.alone == ((2,) if setting.startswith("one participant") else ())
    # glm.nb stops some 1e-10 short of its dispersion.
    digits = 1e-7 if model == "negative-binomial" else 1e-10
    errors = np.sqrt(np.diag(expected["covariance"]))
    assert fit.coefficients == pytest.approx(expected["coefficients"], rel=1e-8)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(errors, rel=digits)
    assert found.covariance / np.outer(errors, errors) == pytest.approx(
        np.array(expected["covariance"]) / np.outer(errors, errors), abs=digits
    )
    assert found.df == pytest.approx(expected["df"], rel=digits)
    p = [
        covariance.p_value(b / error, df)
        for b, error, df in zip(fit.coefficients, np.sqrt(np.diag(found.covariance)), found.df, strict=True)
    ]
    assert p == pytest.approx(expected["p"], rel=1e-5)


def _plain(matrix: Any, outcome: Any, groups: Any, b: Any, family: distributions.ResponseFamily) -> tuple[Any, Any]:
    """CR2 and its degrees of freedom with every matrix written out, n x n and G x G."""
    mu = family.mean(matrix @ b)
    v, d = family.variance(mu), matrix * family.slope(mu)[:, None]
    m = np.linalg.inv(d.T @ (d / v[:, None]))
    weights = []
    for g in np.unique(groups):
        at = groups == g
        root = np.diag(np.sqrt(v[at]))
        inner = root @ (np.diag(v[at]) - d[at] @ m @ d[at].T) @ root
        values, vectors = linalg.eigh(inner)
        power = np.where(values > 1e-12 * values.max(), np.abs(values) ** -0.5, 0.0)
        adjustment = root @ (vectors * power) @ vectors.T @ root
        row = np.zeros((len(b), len(v)))
        row[:, at] = m @ (d[at] / v[at][:, None]).T @ adjustment
        weights.append(row)
    scores = np.array([row @ (outcome - mu) for row in weights])
    working = np.diag(v) - d @ m @ d.T  # the covariance of the residuals
    df = []
    for i in range(len(b)):
        rows = np.array([row[i] for row in weights])
        p = rows @ working @ rows.T
        df.append(np.trace(p) ** 2 / np.sum(p**2))
    return scores.T @ scores, df


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("cells", [1 << 16, 40])
def test_is_the_definition_with_unequal_diaries(model: str, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_PART", cells)  # also participants in several blocks
    rng = np.random.default_rng(8)
    size = np.array([1, 2, 25, 7, 1, 13, 4, 30, 3, 9, 9, 18])
    groups = rng.permutation(np.repeat(np.arange(12), size))
    n = len(groups)
    matrix = np.column_stack([np.ones(n), rng.normal(size=12)[groups], rng.normal(0, 1.2, n)])
    rate = np.exp(-0.5 + 0.5 * matrix[:, 2] + rng.normal(0, 0.6, 12)[groups])
    counts = rng.poisson(rate * rng.gamma(1.5, 1 / 1.5, n)).astype(float)
    fit, outcome, offset, family = _fitted(model, matrix, counts, np.zeros(n))
    found = bias_reduced(Nights(matrix, outcome, offset, groups, fit.coefficients, family))
    expected, df = _plain(matrix, outcome, groups, fit.coefficients, family)
    assert found.problem is None
    assert found.covariance == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert found.df == pytest.approx(df, rel=1e-8)


@pytest.mark.parametrize("model", MODELS)
def test_nights_that_are_alike_share_one_adjustment(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(10)
    groups = np.repeat(np.arange(15), rng.integers(3, 40, 15))
    n = len(groups)
    matrix = np.column_stack([np.ones(n), rng.integers(0, 2, 15)[groups], rng.integers(0, 3, n)])
    counts = rng.poisson(np.exp(-0.4 + 0.5 * matrix[:, 2] + rng.normal(0, 0.6, 15)[groups])).astype(float)
    offset = np.log(rng.choice([0.5, 1.0], n))
    fit, outcome, offset, family = _fitted(model, matrix, counts, offset)
    short = compress(matrix, outcome, offset, groups, "count")
    assert short.shorter
    once = Nights(short.matrix, short.counts, short.offset, short.groups, fit.coefficients, family, short.multiplicity)
    added_up, behind = bias_reduced(once), reach(once)
    monkeypatch.setattr(small_sample, "pattern", lambda columns, groups: np.arange(len(groups)))
    nights = Nights(matrix, outcome, offset, groups, fit.coefficients, family)
    one_by_one = bias_reduced(nights)
    assert added_up.covariance == pytest.approx(one_by_one.covariance, rel=1e-10, abs=1e-14)
    assert added_up.df == pytest.approx(one_by_one.df, rel=1e-10)
    assert added_up.effective == pytest.approx(one_by_one.effective, rel=1e-10)
    assert behind.df() == pytest.approx(reach(nights).df(), rel=1e-10)


def test_degrees_of_freedom_of_the_plain_sandwich_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(12), rng.integers(2, 20, 12))
    n = len(groups)
    matrix = np.column_stack([np.ones(n), np.isin(groups, [0, 1, 2]), rng.normal(size=n)]).astype(float)
    y = rng.poisson(np.exp(rng.normal(0, 0.6, 12)[groups])).astype(float)
    fit = count.poisson(matrix, y, np.zeros(n))
    mu = np.exp(matrix @ fit.coefficients)
    derivative = matrix * mu[:, None]
    m = np.linalg.inv(derivative.T @ (derivative / mu[:, None]))
    rows = np.array([[np.where(groups == g, (matrix @ m)[:, i], 0.0) for g in range(12)] for i in range(3)])
    working = np.diag(mu) - derivative @ m @ derivative.T
    expected = [np.trace(r @ working @ r.T) ** 2 / np.sum((r @ working @ r.T) ** 2) for r in rows]
    found = reach(Nights(matrix, y, np.zeros(n), groups, fit.coefficients, distributions.POISSON))
    assert found.df() == pytest.approx(expected, rel=1e-9)
    spread = np.array([[(r[g] ** 2) @ mu for g in range(12)] for r in rows])
    effective = found.effective()
    assert effective == pytest.approx(spread.sum(axis=1) ** 2 / (spread**2).sum(axis=1), rel=1e-9)
    # Three of twelve exposed: the difference rests on about as many, however many there are to compare with.
    assert effective[1] < 5 < effective[2]


def test_means_of_equal_diaries_have_the_textbook_t() -> None:
    # One rate, equal diaries: CR2 is the variance of the participants' means, G/(G-1) times HC0, with G - 1 df.
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(10), 15)
    y = rng.poisson(np.exp(rng.normal(0, 0.5, 10))[groups]).astype(float)
    fit = count.poisson(np.ones((150, 1)), y, np.zeros(150))
    found = bias_reduced(Nights(np.ones((150, 1)), y, np.zeros(150), groups, fit.coefficients, distributions.POISSON))
    assert found.df[0] == pytest.approx(9)
    usual = covariance.covariance(fit.information, fit.scores, groups, "cluster")
    assert found.covariance == pytest.approx(usual)


def test_unlike_participants_leave_fewer_degrees_of_freedom() -> None:
    # Ten people of one diary each: one with half of all events and nine who share the other half.
    groups, y = np.repeat(np.arange(10), 18), np.ones(180)
    y[:18] = 9.0
    fit = count.poisson(np.ones((180, 1)), y, np.zeros(180))
    made = bias_reduced(Nights(np.ones((180, 1)), y, np.zeros(180), groups, fit.coefficients, distributions.POISSON))
    assert sorted(made.moments.rates) == pytest.approx([1 / 1.8] * 9 + [9 / 1.8])
    # They tell as much as (sum)^2 / sum of squares = 18^2 / 90 = 3.6 people who are all alike.
    assert made.moments.df_at_own_rates(np.ones((1, 1)))[0] == pytest.approx(9 * 3.6 / 10)
    assert made.moments.turned(2 * np.eye(1)).df_at_own_rates(np.ones((1, 1)))[0] == pytest.approx(9 * 3.6 / 10)
    # Numbers are no events.
    linear = Nights(np.ones((180, 1)), y, np.zeros(180), groups, np.array([y.mean()]), distributions.gaussian(4.0))
    assert bias_reduced(linear).moments.df_at_own_rates(np.ones((1, 1)))[0] == pytest.approx(9)


def test_is_unbiased_where_the_working_variance_is_true() -> None:
    # E(V) under the working model is the trace that the degrees of freedom start from: it must be M itself.
    rng = np.random.default_rng(10)
    groups = np.repeat(np.arange(9), 12)
    matrix = np.column_stack([np.ones(108), rng.normal(size=9)[groups], rng.normal(size=108)])
    b = np.array([0.1, 0.3, -0.4])
    mu = np.exp(matrix @ b)
    total = np.zeros((3, 3))
    draws = 400
    for _ in range(draws):
        # Residuals as the linearised model has them: the part of the noise that the fit leaves over.
        noise = rng.normal(size=108) * np.sqrt(mu)
        derivative = matrix * mu[:, None]
        m = np.linalg.inv((derivative / mu[:, None]).T @ derivative)
        left = noise - derivative @ (m @ (matrix.T @ noise))
        total += bias_reduced(Nights(matrix, mu + left, np.zeros(108), groups, b, distributions.POISSON)).covariance
    assert np.diag(total / draws) == pytest.approx(np.diag(m), rel=0.15)


@pytest.mark.parametrize("ratio", [1.0, 0.3, 1e-4, 1e-8, 1e-12])
def test_quadrature_is_the_inverse_root(ratio: float) -> None:
    nodes, weights = small_sample._quadrature(np.array([7 * ratio]), np.array([7.0]))
    x = np.geomspace(7 * ratio, 7, 50)
    assert (weights / (x + nodes)).sum(axis=0) == pytest.approx(x**-0.5, rel=1e-11)


def test_two_hundred_cramps_a_night_and_very_unequal_nights() -> None:
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(8), 20)
    matrix = np.column_stack([np.ones(160), np.where(np.arange(160) % 2, 5.3, 0.0)])
    y = rng.poisson(np.exp(matrix[:, 1] + rng.normal(0, 0.4, 8)[groups])).astype(float)
    assert y.max() > 200
    fit = count.poisson(matrix, y, np.zeros(160))
    found = bias_reduced(Nights(matrix, y, np.zeros(160), groups, fit.coefficients, distributions.POISSON))
    expected, df = _plain(matrix, y, groups, fit.coefficients, distributions.POISSON)
    assert found.covariance == pytest.approx(expected, rel=1e-8)
    assert found.df == pytest.approx(df, rel=1e-8)


def test_a_coefficient_of_one_participant_alone_has_no_variance_where_nothing_else_bears_on_it() -> None:
    # No intercept: the level of participant 0 rests on that participant alone, whose score is zero at the maximum.
    groups = np.repeat(np.arange(4), 5)
    matrix = np.column_stack([groups == 0, groups > 0]).astype(float)
    y = np.tile([0.0, 1.0, 3.0, 0.0, 1.0], 4) + (groups == 2)
    fit = count.poisson(matrix, y, np.zeros(20))
    found = bias_reduced(Nights(matrix, y, np.zeros(20), groups, fit.coefficients, distributions.POISSON))
    assert found.alone == (0,)
    assert found.lone.tolist() == [True, False] and found.covariance[1, 1] > 0


def test_what_rests_on_one_participant_in_an_interaction_is_told() -> None:
    # One man and one woman are exposed: the ratio at the reference sex, and how it differs, are one person's each.
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 14)
    woman, exposed = groups % 2 == 1, groups < 2
    matrix = np.column_stack([np.ones(280), exposed, woman, exposed & woman]).astype(float)
    y = rng.poisson(np.repeat(rng.gamma(1.0, 1.0, 20), 14)).astype(float)
    fit = count.poisson(matrix, y, np.zeros(280))
    found = bias_reduced(Nights(matrix, y, np.zeros(280), groups, fit.coefficients, distributions.POISSON))
    assert found.lone.tolist() == [False, True, False, True]


def test_singular_design_is_a_problem_and_one_participant_an_error() -> None:
    groups = np.repeat(np.arange(4), 5)
    twice = bias_reduced(
        Nights(np.ones((20, 2)), np.ones(20), np.zeros(20), groups, np.zeros(2), distributions.POISSON)
    )
    assert twice.problem == "the information matrix is singular"
    with pytest.raises(AnalysisError, match="at least two participants"):
        bias_reduced(
            Nights(np.ones((20, 1)), np.ones(20), np.zeros(20), groups * 0, np.zeros(1), distributions.POISSON)
        )


@pytest.mark.parametrize("of", [lambda nights: bias_reduced(nights).moments, reach])
def test_degrees_of_freedom_of_a_contrast_are_those_of_a_coefficient_that_is_it(of: Any) -> None:
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(9), rng.integers(3, 12, 9))
    matrix = np.column_stack([np.ones(len(groups)), rng.normal(size=(len(groups), 2))])
    counts, offset = rng.poisson(1.0, len(groups)).astype(float), np.zeros(len(groups))
    contrasts = np.array([[0.0, 1.0, -2.0], [1.0, 0.5, 0.5]])
    b = count.poisson(matrix, counts, offset).coefficients
    found = of(Nights(matrix, counts, offset, groups, b, distributions.POISSON))
    # Other coefficients of the same model, of which two are the contrasts.
    turned = np.vstack([contrasts, [0.0, 0.0, 1.0]])
    other = of(Nights(matrix @ np.linalg.inv(turned), counts, offset, groups, turned @ b, distributions.POISSON))
    own = np.eye(3)[:2]
    assert found.df(contrasts) == pytest.approx(other.df(own), rel=1e-9)
    assert found.effective(contrasts) == pytest.approx(other.effective(own), rel=1e-9)
    assert found.expected(contrasts) == pytest.approx(other.expected(own), rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_is_the_definition_where_most_columns_are_of_participants(model: str) -> None:
    rng = np.random.default_rng(12)
    size = np.concatenate([np.full(20, 3), np.full(20, 1), np.full(8, 30)])
    groups = np.repeat(np.arange(len(size)), size)
    n = len(groups)
    matrix = np.column_stack([np.ones(n), rng.normal(size=(len(size), 5))[groups], rng.normal(0, 0.8, n)])
    counts = rng.poisson(np.exp(0.3 * matrix[:, 6] + rng.normal(0, 0.5, len(size))[groups])).astype(float)
    fit, outcome, offset, family = _fitted(model, matrix, counts, np.zeros(n))
    found = bias_reduced(Nights(matrix, outcome, offset, groups, fit.coefficients, family))
    expected, df = _plain(matrix, outcome, groups, fit.coefficients, family)
    assert found.covariance == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert found.df == pytest.approx(df, rel=1e-8)


def test_what_the_plain_variance_rests_on_is_the_definition() -> None:
    """The moments of participants' scores, the residuals' working covariance written out night by night."""
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(9), rng.integers(1, 7, 9)).astype(np.intp)
    n = len(groups)
    matrix = np.column_stack([np.ones(n), groups > 4, rng.normal(size=n)]).astype(float)
    times, counts = rng.integers(1, 4, n).astype(float), rng.poisson(0.8, n).astype(float)
    fit = count.poisson(matrix, counts, np.zeros(n), times)
    mu = np.exp(matrix @ fit.coefficients)
    root = np.sqrt(times * mu)[:, None] * matrix
    hat = root @ np.linalg.inv(root.T @ root)
    turn, contrasts = np.array([[1, 2, 0.0], [0, 1, 0], [0.5, 0, -3]]), np.array([[0, 1.0, 0], [1, 0.3, 2]])
    found = reach(Nights(matrix, counts, np.zeros(n), groups, fit.coefficients, distributions.POISSON, times))
    for moments, asked in (
        (found, None),
        (found, contrasts),
        (found.turned(turn), None),
        (found.turned(turn), contrasts),
    ):
        by = (np.eye(3) if asked is None else asked) @ (np.eye(3) if moments is found else turn)
        for place, row in enumerate(by):
            own = np.where(groups == np.arange(9)[:, None], hat @ row, 0.0)
            working = own @ (np.eye(n) - root @ np.linalg.inv(root.T @ root) @ root.T) @ own.T
            assert moments.df(asked)[place] == pytest.approx(np.trace(working) ** 2 / np.square(working).sum())
            spread = np.square(own).sum(axis=1)
            assert moments.effective(asked)[place] == pytest.approx(spread.sum() ** 2 / np.square(spread).sum())
