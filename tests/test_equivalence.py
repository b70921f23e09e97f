"""What an interval says, by the rule; and what the two published surveys say of three factors."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import estimates
from crampstudy.contrasts.equivalence import verdict, verdicts
from crampstudy.errors import UsageError
from crampstudy.estimates import Status


def row(low: float, high: float, *, status: Status = "converged", people: int = 500, events: int = 90) -> dict:
    counts = {"n_participants": people, "n_events": events}
    return estimates.row(status=status, scale="rate_ratio", ci_low=low, ci_high=high, **counts)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.95, 1.05, "near null"),
        (1.02, 1.20, "near null"),  # excludes 1, and is small all the same
        (0.80, 1.25, "near null"),
        (1.02, 1.26, "higher"),
        (0.79, 0.98, "lower"),
        (0.79, 1.05, "inconclusive"),
        (0.70, 1.60, "inconclusive"),
        (1.00, 1.30, "inconclusive"),
    ],
)
def test_rule(low: float, high: float, said: str) -> None:
    assert verdict(row(low, high)) == said


def test_nothing_is_said_of_too_few() -> None:
    assert verdict(row(1.5, 9.0, people=9)) == "too few"
    assert verdict(row(1.5, 9.0, events=9)) == "too few"
    assert verdict(row(1.5, 9.0, people=10, events=10)) == "higher"


@pytest.mark.parametrize("status", ["not_estimable", "not_converged", "not_measured", "suppressed", "boundary"])
def test_nothing_is_said_without_an_estimate(status: Status) -> None:
    assert verdict(row(math.nan, math.nan, status=status)) == "could not estimate"


@pytest.mark.parametrize("margin", [(0.8, 0.9), (1.1, 1.25), (0.0, 1.25), (1.25, 0.8)])
def test_margins_that_cannot_be(margin: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="around 1"):
        verdict(row(0.9, 1.1), margin)


def test_only_ratios_have_a_verdict() -> None:
    rate = estimates.row(status="converged", scale="rate", ci_low=0.9, ci_high=1.1)
    with pytest.raises(UsageError, match="only a ratio"):
        verdict(rate)
    said = verdicts(estimates.frame([rate, row(0.9, 1.1)]))
    assert said.isna().tolist() == [True, False]
    assert said[1] == "near null"


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_turned_round_the_verdict_turns_round(first: float, second: float) -> None:
    low, high = sorted((first, second))
    turned = {"higher": "lower", "lower": "higher"}
    said = verdict(row(low, high), (0.5, 2.0))
    assert verdict(row(1 / high, 1 / low), (0.5, 2.0)) == turned.get(said, said)


def test_rows_without_any_ratio() -> None:
    assert verdicts(estimates.frame([])).empty
    assert isinstance(verdicts(estimates.frame([])), pd.Series)
