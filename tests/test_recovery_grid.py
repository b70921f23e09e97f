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
from recovery_asked import RELIEF
from recovery_draws import ZERO, Cramps, Nights, Recalled, Zeros
from scipy import stats
from scipy.special import expit, logit

from crampstudy.models import MODELS, fit
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands.night_odds import chance_of_a_night
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import answer
from crampstudy.simulate.truth.truth import slug

ROOT = Path(__file__).parents[1]

COHORTS = 100


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
    assert 87 <= cell.covered <= 99
    assert abs(cell.bias) < 4 * cell.bias_error
    # The standard error says how far estimates lie apart.
    assert 0.8 < cell.std_error / (cell.bias_error * math.sqrt(COHORTS)) < 1.25


def test_another_answer_is_not_covered(quick: dict[str, list[dict[str, Any]]]) -> None:
    # Were the effect held to be none, fewer intervals would cover.
    wrong = [abs(error + 0.3) < 1.96 * se for error, se, _ in (cohort["sex[female]"] for cohort in quick["poisson"])]
    assert sum(wrong) < 87


def test_every_model_and_every_factor_is_in_the_grid() -> None:
    scenarios = grid.scenarios().values()
    # How often intervals of differences cover is counted in test_linear.py.
    assert {a.model for s in scenarios for a in s.asked} == {m for m in MODELS if not m.endswith("linear")}
    for term in (e.term for e in Truth().effects):
        states = {term in s.on for s in scenarios if term in s.terms and s.name.startswith("block")}
        assert states == {True, False}, term


def test_every_term_of_a_law_is_met_on_and_off() -> None:
    scenarios = grid.scenarios()
    halves = [name for name in scenarios if name.endswith(" a") and not name.startswith("block")]
    assert len(halves) > 15
    for name in halves:
        a, b = scenarios[name], scenarios[f"{name.removesuffix('a')}b"]
        assert a.asked == b.asked
        assert (a.on | b.on, a.on & b.on) == (set(a.terms), set())
        assert {t for asked in a.asked for t in a.terms_of(asked)} == set(a.terms)


QUICK = [
    ("zeros inflated a", 15),
    ("zeros hurdle b", 15),
    ("cramps a", 20),
    ("hours a", 8),
    ("slopes b", 3),
    ("few null", 12),
    ("recalled classes a", 20),
    ("recalled counts b", 8),
    ("simulated remedies a", 12),
]


@pytest.mark.parametrize(("name", "number"), QUICK)
def test_intervals_of_other_models_cover_the_answers(name: str, number: int) -> None:
    scenario = grid.scenarios()[name]
    share = 1.0 if name.startswith("few") else 0.25 if name.startswith("slopes") else 0.4
    small = replace(scenario, people=round(scenario.people * share))
    seeds = np.random.SeedSequence(12).spawn(number)
    drawn = [cohort for seed in seeds for cohort in grid.cohorts(small, seed)]
    for asked in small.asked:
        results = [grid.run(small, asked, cohort) for cohort in drawn]
        cells = [table.cell(asked, small, t, [r[t] for r in results]) for t in small.terms_of(asked)]
        answered, covered = (sum(getattr(c, field) for c in cells) for field in ("answered", "covered"))
        assert answered >= 0.9 * len(drawn) * len(cells), asked.name
        # The terms of one cohort hang together a little.
        assert stats.binomtest(covered, answered, 0.95).pvalue > 1e-4, (asked.name, covered, answered)
        for cell in cells:
            assert abs(cell.bias) < 5 * cell.bias_error, (asked.name, cell)


def test_a_covariance_that_believes_another_law_is_found_out() -> None:
    # The cramps of a person hang together; `model` takes them as independent.
    known = grid.scenarios()["cramps a"]
    scenario = replace(known, truth=replace(known.truth, together=0.6), people=100)
    (believing,) = (a for a in grid.scenarios()["right cramps a"].asked if a.outcome == "relief")
    covered = {asked.name: 0.0 for asked in (RELIEF, believing)}
    for seed in np.random.SeedSequence(9).spawn(20):
        for cohort in grid.cohorts(scenario, seed):
            for asked in (RELIEF, believing):
                covered[asked.name] += sum(grid.run(scenario, asked, cohort)[term][2] for term in ("had", "level"))
    assert covered[RELIEF.name] >= 34 > 30 > covered[believing.name]


def test_those_who_lie_longer_do_not_cramp_more_per_hour() -> None:
    law = Nights({"had": 0.0, "level": 0.3, "dose": 0.0}, hours=True, person_sd=0.0)
    cohort = law.cohort(3000, 10, np.random.default_rng(2))
    terms = "had + level + dose"
    per_hour, per_night = (
        fit(cohort, model="poisson", terms=terms, exposure=e).estimates.set_index("term").loc["had"]
        for e in ("hours_in_bed", "nights")
    )
    assert per_hour["ci_low"] < 1 < per_hour["ci_high"]
    assert math.log(per_night["estimate"]) == pytest.approx(math.log(8.5 / 6.5), abs=4 * per_night["std_error"])


def near(by_person: Any, expected: float) -> None:
    """Hold the mean over persons, each a mean of its own, against what a law says; nights hang together."""
    assert abs(by_person.mean() - expected) < 4 * by_person.std(ddof=1) / math.sqrt(len(by_person))


@pytest.mark.parametrize("kind", ["inflated", "hurdle"])
def test_zeros_are_as_common_as_their_law_says(kind: Any) -> None:
    law = Zeros(kind, {"had": 0.3, "level": 0.0, "dose": -0.2, f"{ZERO}had": 0.5, f"{ZERO}level": 0.0})
    cohort = law.cohort(20_000, 4, np.random.default_rng(3))
    people = cohort.frame("participants")
    nights = cohort.frame("diary").join(people, on="participant_id", maintain_order="left")
    for had in (False, True):
        for dose in (0.0, 2.0):
            part = nights.filter(had=had, dose=dose)
            mean, extra = 1.5 * math.exp(0.3 * had - 0.2 * dose), float(expit(logit(0.4) + 0.5 * had))
            at_zero = (1 + 0.5 * mean) ** -2
            zero = extra + (1 - extra) * at_zero if kind == "inflated" else extra
            above = mean * (1 - extra) if kind == "inflated" else mean / (1 - at_zero) * (1 - extra)
            # A night taken from each person.
            first = part.group_by("participant_id", maintain_order=True).first()["cramps"].to_numpy()
            near((first == 0).astype(float), zero)
            near(first.astype(float), above)
    wide = nights["cramps"].to_numpy().reshape(-1, 4)
    assert np.corrcoef(wide[:, 0] == 0, wide[:, 1] == 0)[0, 1] > 0.05


def test_single_cramps_have_proportional_odds_and_hazards() -> None:
    law = Cramps({"had": 0.4, "level": 0.0, "remedy[stretch]": 0.3, "remedy[heat]": 0.0})
    cohort = law.cohort(20_000, 2, np.random.default_rng(4))
    cramps = cohort.frame("episodes").join(cohort.frame("participants"), on="participant_id")
    first = cramps.group_by("participant_id", maintain_order=True).first()
    for had in (False, True):
        for remedy in ("none", "stretch"):
            part = first.filter(had=had, remedy=remedy)
            eta = 0.4 * had + 0.3 * (remedy == "stretch")
            for limit in (2, 5, 8):
                above = (part["pain_0_10"] > limit).to_numpy().astype(float)
                near(above, float(expit(eta - logit((limit + 1) / 11))))
            # Relief within 120 s, which is before any cramp can be over without it.
            early = (part["relief_s"] <= 120).to_numpy().astype(float)
            near(early, -math.expm1(-((120 / 600) ** 1.5) * math.exp(eta)))
    assert 0.08 < 1 - cramps["relieved"].mean() < 0.12


@pytest.mark.parametrize("kind", ["classes", "counts", "nights"])
def test_weights_bring_the_recalled_classes_back(kind: Any) -> None:
    law = Recalled(kind, {"had": 0.4, "level": 0.0, "score": 0.0}, nightly_share=0.1, together=0.0)
    frame = law.cohort(40_000, 30, np.random.default_rng(5)).frame("participants")
    for had in (False, True):
        part = frame.filter(had=had)
        weights, often = part["weight_interview"].to_numpy(), (part["recalled_low"] >= 2).to_numpy()
        share = np.average(often, weights=weights)
        size = weights.sum() ** 2 / (weights**2).sum()
        if kind == "classes":
            known = expit(0.4 * had - logit(0.65))
        else:
            mean = 3 * math.exp(0.4 * had)
            counted = stats.nbinom(1 / 0.8, 1 / (1 + 0.8 * mean)).sf(1)
            if kind == "nights":
                rates = mean * 0.8 * stats.gamma.ppf((np.arange(4000) + 0.5) / 4000, 1 / 0.8)
                counted = stats.binom.sf(1, 30, -np.expm1(-rates / 30)).mean()
            known = 0.1 + 0.9 * counted
        assert abs(share - known) < 4 * math.sqrt(known * (1 - known) / size)
    assert frame["recalled_high"].null_count() == (frame["recalled_low"] == 16).sum()
    # Unweighted, those with cramps are too many.
    assert often.mean() > known + 0.03


def test_answers_are_those_of_the_truth() -> None:
    scenario = grid.scenarios()["block 01 a"]
    known = grid.targets(scenario.name, "rate")
    stated = {a.key: a.value for a in answer(scenario.truth, Population(scenario.truth, seed=1, draws=3000))}
    assert set(known) == set(scenario.terms)
    assert known["lean_mass_sd"] == stated["conditional:lean_mass_sd"] == 0.12
    remedies = grid.targets("simulated remedies a", "relief")
    assert (remedies["remedy[stretch]"], remedies["remedy[heat]"]) == (pytest.approx(0.4), 0.0)
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
    assert "| logistic | cramp_night | covariance=cluster | on | 1 of 6 | 6 |" in page.read_text(encoding="utf-8")


def test_cohorts_of_another_size_are_kept_apart_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recover, "DRAWS_AT_ONCE", 1)
    asked = ["--scenarios", "alone diabetes", "--models", "logistic", "--cohorts", "2", "--people", "400"]
    command = ["recover.py", *asked, "--workers", "1", "--state", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    assert recover.main() == 0
    assert "| logistic | cramp_night | covariance=cluster | on | 1 of 6 | 2 |" in capsys.readouterr().out
    assert [folder.name for folder in tmp_path.iterdir()] == ["seed-20240108-people-400"]
    monkeypatch.setattr(sys, "argv", [*command, "--write", str(tmp_path / "page.md")])
    with pytest.raises(SystemExit):
        recover.main()
    assert "printed, not written" in capsys.readouterr().err


@pytest.mark.parametrize("block", table.BLOCKS)
def test_the_document_has_a_line_for_every_model(block: str) -> None:
    page = (ROOT / "docs/recovery.md").read_text(encoding="utf-8")
    begin, end = table.BLOCKS[block]
    shown = page.split(begin)[1].split(end)[0]
    for asked in table.asked_in(block):
        for state in ("off", "on"):
            assert f"| {table.words(asked)} | {state} |" in shown
    # Every cell has its whole number of cohorts.
    by_model = shown.split("\n\n")[1].splitlines()[2:]
    for line in (line for line in by_model if "no answer exists" not in line):
        _, model, outcome, options, _, cells, cohorts, *_ = (part.strip() for part in line.split("|"))
        (asked,) = (a for a in table.asked_in(block) if table.words(a) == f"{model} | {outcome} | {options}")
        done, planned = cells.split(" of ")
        fewest = min(a.cohorts for s, _ in table.grid_cells(asked, block) for a in s.asked if a.name == asked.name)
        assert done == planned and int(cohorts.split("–")[0]) >= fewest, line
    # A cell that is amiss has its reason.
    assert "| unknown |" not in shown
