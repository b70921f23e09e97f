"""What sections found is handed on as text to those that draw on them, and is the same on the other side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from crampstudy import analyses, estimates
from crampstudy.analyses import Analysis, CohortAnswer, Findings, Others, SectionResults, Settings, registry
from crampstudy.cohort import Cohort
from crampstudy.simulate import simulate


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(12, 10, seed=3)


ROWS = estimates.frame(
    [
        estimates.row(status="converged", analysis="regression", cohort="=1+1", estimate=0.25, ci_high=float("inf")),
        estimates.row(status="not_estimable", analysis="regression", term="'+x", level="NA", n_nights=7, note="a, b"),
    ]
)


def test_rows_are_the_same_after_csv() -> None:
    pd.testing.assert_frame_equal(estimates.from_csv(estimates.to_csv(ROWS)), ROWS)
    pd.testing.assert_frame_equal(
        estimates.from_csv(estimates.to_csv(estimates.frame([]))), estimates.frame([]), check_index_type=False
    )


def test_results_are_the_same_after_a_file_and_several_of_a_notebook_are_joined(tmp_path: Path) -> None:
    one = SectionResults(ROWS, {"answer": "Yes."}, {"fig-one": "no age"}, None)
    lost = SectionResults(estimates.frame([]), {"said": "–"}, {"tbl-two": "no dose"}, "No dose.")
    (tmp_path / "r.json").write_text(json.dumps({"a": [one.record(), lost.record()], "b": [lost.record()]}))
    read = analyses.read_results(str(tmp_path / "r.json"))
    assert read is not None and list(read) == ["a", "b"] and analyses.read_results(None) is None
    pd.testing.assert_frame_equal(read["a"].estimates, ROWS)
    assert read["a"].values == {"answer": "Yes.", "said": "–"} and read["a"].unanswered is None
    assert read["a"].could_not == {"fig-one": "no age", "tbl-two": "no dose"} and read["b"].unanswered == "No dose."


def test_an_analysis_that_draws_on_others_is_given_them_or_has_them_run(
    diary: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(cohort: Cohort, settings: Settings) -> Findings:
        return Findings(ROWS, values={"answer": f"{settings.ci_level:g}"})

    def drawn(cohort: Cohort, settings: Settings, given: Others) -> Findings:
        return Findings(given["alone"].estimates, values={"answer": f"{list(given)} {given['alone'].values['answer']}"})

    def of(name: str, function: Callable[..., Findings], *, draws: bool) -> Analysis:
        return Analysis(name, "Is it so?", {"diary": CohortAnswer(function, ())}, ("answer",), draws_on_others=draws)

    made = {"last": of("last", drawn, draws=True), "alone": of("alone", alone, draws=False)}
    monkeypatch.setattr(registry, "ANALYSES", made)
    found = analyses.run("last", diary, Settings(ci_level=0.9))
    assert found.values["answer"] == "['alone'] 0.9" and len(found.estimates) == 2
    # Of those that it names it has no other run.
    named = {
        **made,
        "last": replace(made["last"], drawn_on=frozenset({"alone"})),
        "other": of("other", drawn, draws=False),
    }
    monkeypatch.setattr(registry, "ANALYSES", named)
    assert analyses.run("last", diary).values["answer"] == "['alone'] 0.95"
    given = {"alone": SectionResults(ROWS[:1], {"answer": "as given"}, {}, None)}
    found = analyses.run("last", diary, others=given)
    assert found.values["answer"] == "['alone'] as given" and len(found.estimates) == 1
