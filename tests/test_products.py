"""Designs of many rows: taken in parts, or begun from some of them, they give what all of them at once do."""

from __future__ import annotations

import numpy as np
import pytest

from crampstudy.models.common.estimability import dependent
from crampstudy.models.nights import count
from crampstudy.models.nights.linear import least_squares
from crampstudy.models.optimise import products


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WHOLE", 50)
    monkeypatch.setattr(products, "_PART", 7)


def _design(n: int, p: int = 4) -> np.ndarray:
    made = np.random.default_rng(n).normal(size=(n, p))
    made[:, 0] = 1
    return made


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("n", [0, 3, 50, 51, 98, 200])
def test_products_in_parts(n: int) -> None:
    matrix, weights = _design(n), np.random.default_rng(1).uniform(0, 2, n)
    assert products.weighted(matrix, weights) == pytest.approx(matrix.T @ np.diag(weights) @ matrix, abs=1e-12)


@pytest.mark.usefixtures("small_parts")
def test_products_within_participants_whose_rows_are_apart() -> None:
    matrix, groups = _design(120), np.random.default_rng(2).integers(0, 11, 120).astype(np.intp)
    found = products.within(matrix, groups)
    for code in range(11):
        own = matrix[groups == code]
        assert found[code] == pytest.approx(own.T @ own, abs=1e-12)
    weights, turn = np.random.default_rng(3).uniform(size=120), np.array([[1.0, 2], [0, 1], [3, 0], [0, -1]])
    whole = (matrix * weights[:, None]) @ turn
    for code, turned in enumerate(products.within(matrix, groups, weights, turn)):
        assert turned == pytest.approx(whole[groups == code].T @ whole[groups == code], abs=1e-12)


def test_a_triangle_is_that_of_the_rows_or_none() -> None:
    matrix = _design(90)
    found = products.triangle(matrix)
    assert found is not None and np.abs(found) == pytest.approx(np.abs(np.linalg.qr(matrix, mode="r")), abs=1e-10)
    nearly = np.column_stack([matrix, matrix[:, 1] + 1e-9 * matrix[:, 2]])
    assert products.triangle(nearly) is None and products.triangle(np.full((4, 2), np.inf)) is None


@pytest.mark.parametrize("beside", [1.0, 1e-3, 1e-7, 0.0])
def test_least_squares_of_columns_that_are_near_each_other(beside: float) -> None:
    matrix = _design(80)
    matrix[:, 3] = matrix[:, 2] + beside * matrix[:, 3]
    outcome = 1e4 + matrix @ [1.0, 2.0, -1.0, 0.5] + np.random.default_rng(3).normal(size=80)
    times = np.random.default_rng(4).integers(1, 4, 80).astype(float)
    found, residuals = least_squares(matrix, outcome, times)
    rows = np.repeat(np.arange(80), times.astype(int))
    expected = np.linalg.lstsq(matrix[rows], outcome[rows], rcond=None)[0]
    assert residuals == pytest.approx(outcome - matrix @ expected, abs=1e-6)
    assert matrix @ found + residuals == pytest.approx(outcome, abs=1e-8)


@pytest.mark.parametrize("dispersed", [True, False])
def test_counts_that_begin_with_some_of_the_rows(monkeypatch: pytest.MonkeyPatch, dispersed: bool) -> None:
    rng, n = np.random.default_rng(6), 3000
    matrix = _design(n, 3)
    mean = np.exp(matrix @ [-0.5, 0.3, -0.2])
    counts = rng.poisson(mean * rng.gamma(2, 0.5, n) if dispersed else mean).astype(float)
    at_once = [fit(matrix, counts, np.zeros(n)) for fit in (count.poisson, count.negative_binomial)]
    monkeypatch.setattr(products, "WHOLE", 900)
    monkeypatch.setattr(count, "_SOME", 700)
    some = [fit(matrix, counts, np.zeros(n)) for fit in (count.poisson, count.negative_binomial)]
    for one, other in zip(at_once, some, strict=True):
        assert other.problem is None and other.at_boundary == one.at_boundary
        assert other.coefficients == pytest.approx(one.coefficients, abs=1e-10)
        # Near 0 the likelihood is flat in the dispersion: this is less than a ten-millionth of its standard error.
        assert other.dispersion == pytest.approx(one.dispersion, rel=1e-8, abs=1e-9)
        assert other.scores == pytest.approx(one.scores, rel=1e-8, abs=1e-9)
    begun = count._of_some(count.poisson, matrix, counts, np.zeros(n), np.ones(n))
    assert begun is not None and len(begun.in_predictor) == 600
    # What some of the rows cannot tell is told by all of them.
    rare = np.column_stack([matrix, np.arange(n) == 1])
    counts[1] = 2
    found = count.negative_binomial(rare, counts, np.zeros(n))
    assert found.problem is None and np.isfinite(found.coefficients).all()


def test_a_column_of_zeros_is_dependent() -> None:
    matrix = np.column_stack([np.ones(50), np.arange(50.0), np.zeros(50), np.arange(50.0) ** 2])
    assert dependent(matrix) == (2,)
    assert dependent(np.zeros((50, 3))) == (0, 1, 2)
