"""Scores of predictions: agreement with R, numbers worked out by hand, and sums done the long way."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from crampstudy.prediction import scores
from crampstudy.prediction.scores.calibration import rate_recalibration, recalibration

R: Any = json.loads((Path(__file__).parent / "parity/prediction.json").read_text(encoding="utf-8"))
OUTCOME, MARKER, PROBABILITY = (np.array(R[name], dtype=float) for name in ("outcome", "s100b", "probability"))
DISTORTED = special.expit(1.3 * special.logit(PROBABILITY) + 0.2)


def test_calibration_agrees_with_r() -> None:
    found = scores.calibration(OUTCOME, DISTORTED)
    for name, of_r in R["calibration"].items():
        assert getattr(found, name) == pytest.approx(of_r, rel=1e-6), name
    published = (found.intercept, found.slope, found.average, found.largest)
    assert published == pytest.approx((-0.153846, 0.769231, 0.042200, 0.102592), abs=1e-6)
    assert scores.brier(OUTCOME, DISTORTED).mean() == pytest.approx(R["brier"], rel=1e-12)


def test_the_line_takes_back_what_distorted() -> None:
    # logit p = (logit d - 0.2) / 1.3, and the fit itself is calibrated.
    assert recalibration(OUTCOME, DISTORTED) == pytest.approx((-0.2 / 1.3, 1 / 1.3), abs=1e-8)
    weights = np.arange(len(OUTCOME)) % 3
    again = np.repeat(np.arange(len(OUTCOME)), weights)
    weighted = recalibration(OUTCOME, DISTORTED, weights.astype(float))
    assert weighted == pytest.approx(recalibration(OUTCOME[again], DISTORTED[again]), rel=1e-9)


@pytest.mark.parametrize(
    ("outcome", "probability"),
    [([1, 1, 1], [0.2, 0.5, 0.7]), ([0, 0, 0], [0.2, 0.5, 0.7]), ([0, 1, 1], [0.4] * 3), ([0, 0, 1], [0.2, 0.3, 0.5])],
)
def test_a_line_that_cannot_be_told_is_none(outcome: list[float], probability: list[float]) -> None:
    assert all(math.isnan(part) for part in recalibration(np.array(outcome, float), np.array(probability)))


def test_counts_are_recalibrated_by_hand() -> None:
    # Two values of what was expected: the line goes through the logs of both means.
    expected, counts = np.array([1.0, 1.0, 2.0, 2.0]), np.array([1.0, 3.0, 2.0, 6.0])
    assert rate_recalibration(counts, expected) == pytest.approx((math.log(2), 1.0), abs=1e-9)


def test_net_benefit_and_areas_agree_with_r() -> None:
    for threshold, of_r in R["net_benefit"].items():
        assert scores.net_benefit(OUTCOME, PROBABILITY, float(threshold)) == pytest.approx(of_r, rel=1e-12)
    assert scores.net_benefit_of_all(OUTCOME, 0.2) == pytest.approx((41 - 72 * 0.25) / 113, rel=1e-12)
    for marker, of_r in ((MARKER, R["area_s100b"]), (PROBABILITY, R["area_probability"])):
        area = scores.area_under_curve(OUTCOME, marker)
        assert (area.ci_low, area.estimate, area.ci_high) == pytest.approx(of_r, rel=1e-6)


def test_an_area_with_weights_is_that_of_repeated_people() -> None:
    weights = np.arange(len(OUTCOME)) % 4
    again = np.repeat(np.arange(len(OUTCOME)), weights)
    whole = scores.weighted_area(OUTCOME[again], MARKER[again])
    assert scores.weighted_area(OUTCOME, MARKER, weights.astype(float)) == pytest.approx(whole, rel=1e-12)
    assert math.isnan(scores.weighted_area(np.ones(4), np.arange(4.0)))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 2.5])
@pytest.mark.parametrize("mean", [0.05, 1.0, 7.5])
def test_scores_of_counts_are_sums_over_the_distribution(alpha: float, mean: float) -> None:
    counts, means = np.array([0.0, 1.0, 4.0]), np.full(3, mean)
    law = stats.nbinom(1 / alpha, 1 / (1 + alpha * mean)) if alpha else stats.poisson(mean)
    k = np.arange(400)
    by_sum = [np.sum((law.cdf(k) - (y <= k)) ** 2) for y in counts]
    assert scores.crps(counts, means, alpha) == pytest.approx(by_sum, abs=1e-9)
    assert scores.log_score(counts, means, alpha) == pytest.approx(-law.logpmf(counts), rel=1e-9)


def test_deviance_and_dispersion_by_hand() -> None:
    counts, means = np.array([0.0, 2.0]), np.array([1.0, 1.0])
    assert scores.poisson_deviance(counts, means) == pytest.approx([2.0, 2 * (2 * math.log(2) - 1)])
    # ((0-1)² - 1 + (3-1)² - 1) / (1 + 1); counts that vary less than Poisson's have none.
    assert scores.dispersion(np.array([0.0, 3.0]), means) == 1.5
    assert scores.dispersion(np.array([1.0, 1.0]), means) == 0.0


def test_scores_of_probabilities_by_hand() -> None:
    outcome, probability = np.array([1.0, 0.0]), np.array([0.8, 0.5])
    assert scores.brier(outcome, probability) == pytest.approx([0.04, 0.25])
    assert scores.log_loss(outcome, probability) == pytest.approx([-math.log(0.8), math.log(2)])


def test_people_of_one_probability_have_one_point_of_the_curve() -> None:
    probability = np.repeat([0.1, 0.5, 0.9], 20)
    outcome = np.repeat([0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 10)
    curve = scores.smooth_curve(outcome, probability)
    assert len(set(curve.round(9))) == 3
