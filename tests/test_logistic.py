from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy.errors import AnalysisError
from crampstudy.models.inference import covariance
from crampstudy.models.nights.logistic import SEPARATED, logistic

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "logistic.json").read_text())
SETTINGS = ("alcohol", "potassium")


@pytest.fixture(scope="module")
def nights() -> pl.DataFrame:
    people = pl.read_csv(PARITY / "diary" / "participants.csv").with_columns(
        age=(pl.col("age_years") - 60) / 10, female=(pl.col("sex") == "female").cast(pl.Float64)
    )
    diary = pl.read_csv(PARITY / "diary" / "diary.csv").filter(pl.col("entry_made") & pl.col("cramps").is_not_null())
    return diary.join(people, on="participant_id")


@pytest.mark.parametrize("setting", SETTINGS)
def test_agrees_with_r(nights: pl.DataFrame, setting: str) -> None:
    expected = R[setting]
    used = nights.drop_nulls(expected["terms"])
    matrix = np.column_stack([np.ones(used.height), *(used[term].to_numpy() for term in expected["terms"])])
    fitted = logistic(matrix, (used["cramps"] > 0).to_numpy().astype(float), np.zeros(used.height))
    groups = used["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1
    assert fitted.problem is None
    assert used.height == expected["rows"]
    assert fitted.coefficients == pytest.approx(expected["coefficients"], rel=1e-9)
    assert fitted.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-12)
    kinds: tuple[Any, ...] = ("cluster", "cluster-hc0", "model")
    for kind in kinds:
        found = covariance.covariance(fitted.information, fitted.scores, groups, kind)
        # rows of a covariance are compared with its largest number in mind
        assert found == pytest.approx(np.array(expected["covariance"][kind]), rel=1e-8, abs=1e-10)


def test_two_groups_are_their_log_odds() -> None:
    # 1 of 4 nights against 2 of 3: odds 1/3 and 2.
    x = np.array([0, 0, 0, 0, 1, 1, 1], dtype=float)
    y = np.array([0, 1, 0, 0, 1, 1, 0], dtype=float)
    fitted = logistic(np.column_stack([np.ones(7), x]), y, np.zeros(7))
    assert fitted.problem is None
    assert fitted.coefficients == pytest.approx([math.log(1 / 3), math.log(6)], abs=1e-12)
    assert np.linalg.inv(fitted.information)[1, 1] == pytest.approx(1 / 1 + 1 / 3 + 1 / 2 + 1 / 1)
    assert fitted.log_likelihood == pytest.approx(3 * math.log(3 / 4) + math.log(1 / 4) + math.log(4 / 27))


def test_an_offset_shifts_the_log_odds() -> None:
    y = np.array([0.0, 1.0, 1.0, 1.0])
    assert logistic(np.ones((4, 1)), y, np.full(4, 0.7)).coefficients[0] == pytest.approx(math.log(3) - 0.7)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([-2, -1, 1, 2], [0, 0, 1, 1]),  # complete
        ([-2, -1, 0, 0, 1, 2], [0, 0, 0, 1, 1, 1]),  # all but the middle
        ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 1, 1]),  # a level where every night has a cramp
        ([0, 1, 2, 3], [0, 0, 0, 0]),  # no event at all
    ],
)
def test_separated_nights_are_a_problem_and_no_number(x: list[float], y: list[float]) -> None:
    # In any unit: a coefficient without bound is no large coefficient.
    for unit in (1.0, 1e-3, 1e3):
        matrix = np.column_stack([np.ones(len(x)), np.array(x) * unit])
        assert logistic(matrix, np.array(y, dtype=float), np.zeros(len(x))).problem == SEPARATED


def test_a_rare_outcome_and_a_wide_predictor_are_no_separation() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(0, 8, 3000)
    y = (rng.random(3000) < 1 / (1 + np.exp(6 - 1.5 * x))).astype(float)
    fitted = logistic(np.column_stack([np.ones(3000), x]), y, np.zeros(3000))
    assert fitted.problem is None
    assert np.abs(fitted.coefficients[0] + fitted.coefficients[1] * x).max() > 10
    assert fitted.coefficients == pytest.approx([-6, 1.5], rel=0.2)
    one = np.zeros(500)
    one[7] = 1
    assert logistic(np.ones((500, 1)), one, np.zeros(500)).coefficients[0] == pytest.approx(math.log(1 / 499))


def test_singular_design_is_a_problem() -> None:
    y = np.tile([0.0, 1.0, 1.0], 8)
    assert logistic(np.ones((24, 2)), y, np.zeros(24)).problem is not None


def test_an_outcome_is_zero_or_one() -> None:
    with pytest.raises(AnalysisError, match="0 or 1, got 2"):
        logistic(np.ones((3, 1)), np.array([0.0, 1.0, 2.0]), np.zeros(3))
