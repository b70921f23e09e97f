"""One search for separation behind all models, and one sentence that says what was found."""

from __future__ import annotations

import numpy as np
import pytest

from crampstudy.models.common.estimability import dependent
from crampstudy.models.common.separation import separated, separating, separating_sides, steepest

X = np.column_stack([np.ones(6), [0.0, 0, 0, 1, 1, 1], [1.0, 2, 3, 3, 2, 1]])


def test_the_columns_that_set_an_outcome_apart_are_named() -> None:
    assert separating(np.array([0.0, 0, 0, 1, 1, 1]), X, "logit") == (1,)
    assert separating(np.array([0.0, 1, 0, 1, 0, 1]), X, "logit") == ()
    # Counts above 0 hold their rows: no cramp where the column is 1, and some of them where it is 0.
    assert separating(np.array([2.0, 0, 1, 0, 0, 0]), X, "log") == (1,)
    assert separating(np.array([2.0, 0, 1, 0, 3, 0]), X, "log") == ()


def test_quasi_complete_separation_is_separation() -> None:
    # Where the column is 1 there are none but 1s: it rises for ever, the intercept does not.
    assert separating(np.array([0.0, 1, 0, 1, 1, 1]), X[:, :2], "logit") == (1,)


@pytest.mark.parametrize(("apart", "found"), [(1e-1, ()), (1e-5, ()), (1e-8, ()), (1e-11, (2,)), (0.0, (2,))])
def test_a_column_that_follows_from_others_however_near(apart: float, found: tuple[int, ...]) -> None:
    """Whether it is told from the products of columns or, where these are near, from their triangle."""
    beside = X[:, 0] + X[:, 1] + apart * np.array([0.0, 1, 0, 0, -1, 0])
    assert dependent(np.column_stack([X[:, :2], beside, X[:, 2] * 1e9])) == found


@pytest.mark.parametrize("link", ["logit", "log"])
def test_the_unit_of_a_column_does_not_matter(link: str) -> None:
    outcome = np.array([0.0, 0, 0, 1, 1, 1]) if link == "logit" else np.array([2.0, 0, 1, 0, 0, 0])
    for unit in (1e-9, 1e9):
        assert separating(outcome, X * [1, unit, 1], link) == separating(outcome, X, link)  # type: ignore[arg-type]


def test_two_sides_are_rows_with_the_outcome_and_without() -> None:
    assert separating_sides(X[3:], X[:3], "logit") == separating(np.array([0.0, 0, 0, 1, 1, 1]), X, "logit")


def test_the_steepest_direction_keeps_to_its_bounds() -> None:
    direction, gain = steepest(np.array([1.0, 1.0]), np.array([[1.0, -1.0]]), np.array([[0.0, 1.0]]))
    assert direction == pytest.approx([1.0, 0.0]) and gain == pytest.approx(1.0)
    assert steepest(np.array([1.0, 0.0]), np.empty((0, 2)))[1] == pytest.approx(1.0)


def test_one_sentence_says_what_is_set_apart_by_what_and_which_number_does_not_exist() -> None:
    assert separated("the outcome is separated", ["sex", "age", "sex"]) == (
        "the outcome is separated by sex, age: no finite estimate exists"
    )
    assert separated("no cramp where sex = male", number="ratio") == "no cramp where sex = male: no finite ratio exists"
