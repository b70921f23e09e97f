"""Intervals of a coming week: what a week is, limits worked out by hand, and how often they hold what comes."""

from __future__ import annotations

import numpy as np
import pytest
from test_prediction_section import of

from crampstudy.prediction import conformal
from crampstudy.prediction.outcome import COUNT
from crampstudy.prediction.rows import strata_of
from crampstudy.prediction.validation import CHOSEN


def test_a_week_is_seven_logged_nights_of_one_participant() -> None:
    counts = [[1.0, 0, 0, 2, 0, 0, 1, 9, 9], [0.0] * 6, [0.0] * 7 + [1.0] * 7]
    said = [[0.1] * 9, [0.2] * 6, [0.3] * 7 + [0.5] * 7]
    made = of(counts, {"moving average": said, CHOSEN: said}, COUNT)
    weeks = conformal.weeks_of(made.found, CHOSEN, strata_of(made))
    assert weeks.person.tolist() == [0, 2, 2] and weeks.cramps.tolist() == [4, 0, 7]
    assert weeks.expected.tolist() == pytest.approx([0.7, 2.1, 3.5])


def test_the_reach_is_a_quantile_over_participants_and_one_beyond_them() -> None:
    # Four participants with a week each: shares of 1/5, so that 60 % are reached by the third.
    assert conformal._quantile(np.array([0.4, 0.1, 0.2, 0.3]), np.ones(4), 0.6) == 0.3
    assert conformal._quantile(np.array([0.4, 0.1, 0.2, 0.3]), np.ones(4), 0.8) == 0.4
    assert conformal._quantile(np.array([0.4, 0.1, 0.2, 0.3]), np.ones(4), 0.9) == np.inf
    # Many weeks of one weigh as much as the one of another.
    person, none = np.array([0, 0, 0, 0, 1]), np.zeros(5)
    weight = conformal.weights_of(conformal.Weeks(person, none, none, np.zeros(5, dtype=np.intp)))
    assert weight.tolist() == [0.25] * 4 + [1.0]
    assert conformal._quantile(np.array([5.0, 5.0, 5.0, 5.0, 1.0]), weight, 1 / 3) == 1.0


@pytest.mark.parametrize("overdispersed", [False, True])
def test_they_hold_as_often_as_they_say_whatever_the_law(overdispersed: bool) -> None:
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(1000), 4)
    rate = rng.gamma(0.7, 2.0, 1000)[person]
    cramps = rng.poisson(rate * (rng.gamma(0.5, 2.0, 4000) if overdispersed else 1.0)).astype(float)
    weeks = conformal.Weeks(person, rate, cramps, np.zeros(4000, dtype=np.intp))
    low, high = conformal.intervals(weeks, 0.9, np.random.default_rng(1))
    held = ((cramps >= low) & (cramps <= high)).reshape(1000, 4).mean(axis=1)
    # Whole numbers hold somewhat more than was asked.
    assert 0.9 - 3 * held.std() / np.sqrt(1000) < held.mean() < 0.94
    assert (low == np.round(low)).all() and (low >= 0).all()


def test_they_hold_in_each_class_of_what_was_expected() -> None:
    rng = np.random.default_rng(6)
    person = np.repeat(np.arange(1500), 3)
    rate = np.array([0.4, 2.0, 6.0])[np.arange(1500) % 3][person]
    # Who has many cramps is less predictable: one reach for all would hold them too rarely, and others too often.
    cramps = rng.poisson(rate * np.where(rate > 3, rng.gamma(0.5, 2.0, 4500), 1.0)).astype(float)
    weeks = conformal.Weeks(person, rate, cramps, np.zeros(4500, dtype=np.intp))
    low, high = conformal.intervals(weeks, 0.9, np.random.default_rng(1))
    held = (cramps >= low) & (cramps <= high)
    for each in (0.4, 2.0, 6.0):
        share = held[rate == each].reshape(-1, 3).mean(axis=1)
        assert share.mean() > 0.9 - 3 * share.std() / np.sqrt(len(share))
    assert held[rate == 6.0].mean() < 0.93


def test_a_class_of_few_is_taken_with_its_neighbour() -> None:
    def classes(expected: list[float]) -> list[int]:
        n = len(expected)
        weeks = conformal.Weeks(np.arange(n), np.array(expected), np.zeros(n), np.zeros(n, dtype=np.intp))
        return sorted(set(conformal.expected_classes(weeks).tolist()))

    assert classes([0.5] * 20 + [2.0] * 20 + [5.0] * 20) == [0, 1, 2]
    assert classes([0.5] * 20 + [2.0] * 20 + [5.0] * 19) == [0, 1]
    assert classes([0.5] * 19 + [5.0] * 30) == [2]
    assert classes([0.5] * 3 + [2.0] * 3) == [0]


def test_few_participants_are_told() -> None:
    said = [[0.5] * 7] * 6
    rows = conformal.coverage_rows(of([[0.0] * 7] * 6, {"moving average": said, CHOSEN: said}, COUNT))
    assert rows["note"].tolist() == ["fewer than 10 participants with 7 logged nights"] * 2


def test_rows_are_of_all_and_of_strata() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(np.repeat([0.05, 0.3, 0.9], 14)[:, None], (42, 14)).astype(float).tolist()
    said = [[max(float(np.mean(own)), 0.02)] * 14 for own in counts]
    rows = conformal.coverage_rows(of(counts, {"moving average": said, CHOSEN: said}, COUNT))
    every = rows[(rows["population"] == "all") & (rows["term"] == CHOSEN)].set_index("level")["estimate"]
    assert every[conformal.COVERAGE] >= 0.85 and every[conformal.WIDTH] > 0
    assert set(rows["population"]) == {"all", "no cramp", "below 1 a week", "1 to 3 a week", "above 3 a week"} | {
        *conformal.EXPECTED
    }
