"""A quick part of `make recover`: intervals cover the truth as often as they say, and what says so can also say no."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recover
import recovery_grid as grid
import recovery_table as table
from scipy.special import logit

from crampstudy.models import MODELS
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.answers import answer
from crampstudy.simulate.night_odds import chance_of_a_night
from crampstudy.simulate.population import Population
from crampstudy.simulate.truth import slug

ROOT = Path(__file__).parents[1]

COHORTS = 200


@pytest.fixture(scope="module")
def quick() -> dict[str, list[dict[str, Any]]]:
    scenario = grid.scenarios()["quick"]
    found: dict[str, list[dict[str, Any]]] = {a.model: [] for a in scenario.asked}
    for seed in np.random.SeedSequence(8).spawn(COHORTS // scenario.at_once):
        for cohort in grid.cohorts(scenario, seed):
            for asked in scenario.asked:
                found[asked.model].append(grid.run(scenario, asked, cohort))
    return found


@pytest.mark.parametrize("model", ["poisson", "negative-binomial"])
@pytest.mark.parametrize("term", ["age_decade", "sex[female]", "alcohol_day"])
def test_intervals_cover_the_answers(quick: dict[str, list[dict[str, Any]]], model: str, term: str) -> None:
    results = [cohort[term] for cohort in quick[model]]
    assert len(results) == COHORTS and None not in results
    cell = table.cell(grid.ASKED[0], grid.scenarios()["quick"], term, results)
    assert 179 <= cell.covered <= 198
    assert abs(cell.bias) < 4 * cell.bias_error
    # The standard error says how far estimates lie apart.
    assert 0.85 < cell.std_error / (cell.bias_error * math.sqrt(COHORTS)) < 1.15


def test_another_answer_is_not_covered(quick: dict[str, list[dict[str, Any]]]) -> None:
    # Were the effect held to be none, fewer intervals would cover.
    wrong = [abs(error + 0.3) < 1.96 * se for error, se, _ in (cohort["sex[female]"] for cohort in quick["poisson"])]
    assert sum(wrong) < 179


def test_every_model_and_every_factor_is_in_the_grid() -> None:
    scenarios = grid.scenarios().values()
    assert {a.model for s in scenarios for a in s.asked} == set(MODELS)
    for term in (e.term for e in Truth().effects):
        states = {term in s.on for s in scenarios if term in s.terms and s.name.startswith("block")}
        assert states == {True, False}, term


def test_answers_are_those_of_the_truth() -> None:
    scenario = grid.scenarios()["block 01 a"]
    known = grid.targets(scenario.name, "rate")
    stated = {a.key: a.value for a in answer(scenario.truth, Population(scenario.truth, seed=1, draws=3000))}
    assert set(known) == set(scenario.terms)
    assert known["lean_mass_sd"] == stated["conditional:lean_mass_sd"] == 0.12
    assert known["age_decade"] == stated["conditional:age_decade"] == 0.12
    assert stated["odds:osteoarthritis"] > stated["conditional:osteoarthritis"] == 0.3
    off = [term for term in scenario.terms if term not in scenario.on]
    assert [known[term] for term in off] == [stated[f"conditional:{slug(term)}"] for term in off] == [0.0] * 3


def test_the_odds_of_a_night_are_what_cohorts_show() -> None:
    truth = grid.scenarios()["alone arthritis"].truth
    cohort = simulate(6000, 28, 5, truth, Mess.none())
    people = cohort.frame("participants").select("participant_id", "arthritis")
    nights = cohort.frame("diary").join(people, on="participant_id")
    shares = {has: float((part["cramps"] > 0).mean()) for (has,), part in nights.group_by("arthritis")}
    for has, size in ((False, 0.0), (True, 0.4)):
        # Persons' multipliers make the means of persons differ by about half their size.
        error = 0.5 * shares[has] / math.sqrt((people["arthritis"] == has).sum())
        assert abs(shares[has] - chance_of_a_night(truth.cramps, size)) < 4 * error
    low, high = (logit(chance_of_a_night(truth.cramps, size)) for size in (0.0, 0.4))
    assert grid.targets("alone arthritis", "odds")["arthritis"] == pytest.approx(high - low)


def test_a_chance_by_hand_where_nothing_varies() -> None:
    plain = replace(Truth().cramps, rate_per_week=7.0, person_shape=1e6, near_nightly_share=0.0, latent_sd=0.0)
    poisson = replace(plain, night_dispersion=0.0)
    assert chance_of_a_night(poisson, math.log(2)) == pytest.approx(1 - math.exp(-2), rel=1e-5)
    gamma = replace(plain, night_dispersion=0.5)
    assert chance_of_a_night(gamma, 0.0) == pytest.approx(1 - 1.5**-2, rel=1e-5)


def cell_of(covered: int, answered: int) -> Any:
    results: list[Any] = [[0.1, 0.2, 1.0]] * covered + [[-0.1, 0.2, 0.0]] * (answered - covered)
    return table.cell(grid.ASKED[0], grid.scenarios()["quick"], "age_decade", [*results, None])


def test_verdicts_by_hand() -> None:
    cell = cell_of(150, 200)
    assert (cell.cohorts, cell.answered, cell.covered, cell.coverage) == (201, 200, 150, 0.75)
    assert cell.bias == pytest.approx(0.05)
    assert cell.bias_error == pytest.approx(math.sqrt((0.01 - 0.05**2) * 200 / 199 / 200))
    assert cell_of(95, 100).p == pytest.approx(1)
    # Two-sided: all outcomes no likelier than none of three covered.
    assert cell_of(0, 3).p == pytest.approx(0.05**3)
    # Of 20 cells p must be below 0.00005: 176 of 200 have 0.0001, and 170 of 200 less.
    fine = [cell_of(190, 200)] * 18
    assert table.beyond_chance([*fine, cell_of(176, 200), cell_of(170, 200)]) == [cell_of(170, 200)]
    assert table.beyond_chance([cell_of(176, 200)]) == [cell_of(176, 200)]


def test_a_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recover, "DRAWS_AT_ONCE", 1)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")

    def run(*options: str) -> str:
        asked = ["--scenarios", "alone diabetes", "--workers", "1", "--state", str(tmp_path / "state"), *options]
        monkeypatch.setattr(sys, "argv", ["recover.py", *asked, "--write", str(page)])
        assert recover.main() == 0
        return capsys.readouterr().err

    assert run("--models", "logistic", "--cohorts", "3").startswith("2 batches to do")
    first = page.read_text(encoding="utf-8")
    assert first.startswith("before\n") and first.endswith("after\n") and "old" not in first
    assert run("--models", "logistic", "--cohorts", "3").startswith("0 batches to do")
    assert page.read_text(encoding="utf-8") == first
    assert run("--models", "logistic", "--cohorts", "6").startswith("1 batches to do")
    assert "| logistic | cramp_night | on | 1 of 6 | 6 |" in page.read_text(encoding="utf-8")


def test_the_document_has_a_line_for_every_model() -> None:
    page = (ROOT / "docs/recovery.md").read_text(encoding="utf-8")
    shown = page.split(table.BEGIN)[1].split(table.END)[0]
    for asked in grid.ASKED:
        for state in ("off", "on"):
            assert f"| {asked.model} | {asked.outcome} | {state} |" in shown
    # A cell that is amiss has its reason.
    assert "| unknown |" not in shown
