"""What a prediction rests on: a domain that is all there is, one that says nothing, and the numbers behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_prediction_section import few_candidates

from crampstudy.errors import AnalysisError
from crampstudy.estimates.sentences import sentence
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.held_out import held_out
from crampstudy.prediction.importance import importance_rows
from crampstudy.prediction.outcome import ANY, COUNT, Outcome

__all__ = ["few_candidates"]


def made(people: int = 60, nights: int = 20) -> FeatureTable:
    """Nights whose cramps go with the neuropathy of their people, and with nothing of their joints."""
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(people), nights)
    nerve, joint = (rng.integers(0, 2, people)[person].astype(np.float32) for _ in range(2))
    counts = rng.poisson(np.where(nerve == 1, 0.9, 0.1)).astype(float)
    values = np.column_stack([nerve, joint])
    ones, ids = np.ones(len(counts)), tuple(map(str, range(people)))
    return FeatureTable(
        ("neuropathy", "joint_pain_0_10"), values, counts, ones, person, ids, None, np.zeros(people, int), ("all",)
    )


@pytest.mark.parametrize("outcome", [ANY, COUNT], ids=lambda outcome: outcome.name)
def test_the_domain_that_tells_is_missed_and_the_other_is_not(outcome: Outcome) -> None:
    rows = importance_rows(held_out(made(), outcome, "made")).set_index("term")
    assert rows.loc["conditions", "ci_low"] > 0.05 and abs(rows.loc["joints", "estimate"]) < 0.03
    assert rows["n_participants"].tolist() == [12, 12] and rows["level"].tolist() == ["1 features"] * 2
    assert (rows["analysis"] == "importance of a domain").all()


def test_a_rise_is_that_of_the_loss() -> None:
    # What is certain is foretold almost without a loss, and a coin with the log of 2.
    table = made(200, 40)
    rows = importance_rows(held_out(replace(table, counts=(table.values[:, 0] > 0) * 1.0), ANY, "made")).set_index(
        "term"
    )
    assert rows.loc["conditions", "estimate"] > 10
    assert "Importance of conditions: " in sentence(rows.reset_index().iloc[0].to_dict())


def test_too_few_are_told() -> None:
    with pytest.raises(AnalysisError, match="20 participants with logged nights"):
        held_out(made(20), ANY, "made")
