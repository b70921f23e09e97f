"""The section on prediction: rows worked out by hand, sentences that say where nothing is gained, and who has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy import analyses, estimates, figures, tables
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.sentences import prediction as sentences
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.prediction import models, questions, rows, survey
from crampstudy.prediction.baselines import CLIMATOLOGY, ONE_RATE
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.outcome import ANY, COUNT
from crampstudy.prediction.resampled import Resamples, limits
from crampstudy.prediction.validation import CHOSEN, GROUPED, NEWCOMERS, PAST_ALONE, Validated
from crampstudy.simulate import simulate


def bare(cohort: Cohort) -> Cohort:
    """A cohort of which only counts, dates, ages and sexes are known, so that models are small."""
    kept = {"participants": ["participant_id", "age_years", "sex"], "diary": ["participant_id", "date", "cramps"]}
    return replace(cohort, tables={name: cohort.frame(name).select(columns) for name, columns in kept.items()})


@pytest.fixture(scope="module", autouse=True)
def few_candidates() -> Iterator[None]:
    """One model of each family, so that nothing is tuned."""
    few = {family: every[:1] for family, every in models._EVERY.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_EVERY", few)
        yield


def of(counts: list[list[float]], said: dict[str, list[list[float]]], outcome: Any = ANY) -> rows.PredictionSummary:
    """What was said of the nights of some participants, a list each."""
    person = np.repeat(np.arange(len(counts)), [len(own) for own in counts])
    flat = np.array([n for own in counts for n in own], dtype=float)
    ones = np.ones(len(flat))
    ids = tuple(str(i) for i in range(len(counts)))
    table = FeatureTable((), np.empty((len(flat), 0)), flat, ones, person, ids, None, np.zeros(len(ids), int), ("all",))
    arrays = {name: np.array([x for own in each for x in own]) for name, each in said.items()}
    found = Validated(GROUPED, outcome, table, outcome.of(table), arrays, {}, {}, ())
    return rows.PredictionSummary.of(found, "made", 0.95)


@pytest.fixture(scope="module")
def found() -> analyses.Findings:
    return analyses.run("prediction", bare(simulate(30, 15, seed=2)), others={})


def survey_of(n: int, cycles: tuple[str, ...], seed: int = 1) -> Cohort:
    """A survey whose moderate-severe cramps go with one condition, and with nothing else."""
    rng = np.random.default_rng(seed)
    ill = rng.random(n) < 0.4
    low = np.where(rng.random(n) < np.where(ill, 0.6, 0.1), 5, 0)
    people = pl.DataFrame(
        {
            "participant_id": [f"S{i:04}" for i in range(n)],
            "cycle": [cycles[i % len(cycles)] for i in range(n)],
            "age_years": rng.uniform(20, 80, n).round(),
            "sex": rng.choice(["female", "male"], n),
            "arthritis": ill,
            "bmi_kg_m2": rng.normal(27, 4, n).round(1),
            "recalled_low": low,
            "recalled_high": low + 10,
            "weight_interview": rng.uniform(500, 1500, n),
            "stratum": np.arange(n) % 8 + 10 * (np.arange(n) % len(cycles)),
            "psu": np.arange(n) // 8 % 2,
        }
    )
    design = SurveyDesign(cycles, {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2008, 12, 31))


def test_skill_and_who_is_better_off_by_hand() -> None:
    counts = [[1.0, 0.0]] * 4 + [[0.0, 0.0]] * 6
    simple, model = [[0.5, 0.5]] * 10, [[0.8, 0.2]] * 4 + [[0.6, 0.6]] * 6
    made = rows.skills_of(of(counts, {"moving average": simple, CHOSEN: model}))
    skill = made[made["analysis"] == "prediction skill"].set_index("population")
    # Of all: 1 - (8 x 0.04 + 12 x 0.36) / (20 x 0.25); of those without a cramp 1 - 0.36 / 0.25.
    assert skill.loc["all", "estimate"] == pytest.approx(1 - 4.64 / 5)
    assert skill.loc["no cramp", "estimate"] == pytest.approx(1 - 0.36 / 0.25)
    assert skill.loc["all", ["n_participants", "n_nights", "n_events"]].tolist() == [10, 20, 4]
    assert skill.loc["above 3 a week", "status"] == "not_estimable"
    assert skill.loc["above 3 a week", "note"] == "fewer than 5 participants"
    better = made[made["analysis"] == "better foretold"].set_index("population")
    assert better.loc["all", "estimate"] == 0.4 and better.loc["no cramp", "estimate"] == 0.0
    # Wilson's interval of 4 of 10.
    assert better.loc["all", ["ci_low", "ci_high"]].tolist() == pytest.approx([0.16818, 0.68733], abs=1e-5)


def test_against_who_errs_in_nobody_there_is_no_skill() -> None:
    """Everybody has one cramp each night, and what everybody had is right of all."""
    counts = [[1.0, 1.0]] * 10
    made = rows.skills_of(of(counts, {"moving average": counts, CHOSEN: [[0.9, 0.9]] * 10}))
    skill = made[(made["analysis"] == "prediction skill") & (made["population"] == "all")].iloc[0]
    assert skill["status"] == "not_estimable" and skill["note"] == "moving average errs in nobody: there is no gain"


def test_what_is_gained_against_what_knows_less_by_hand() -> None:
    counts = [[1.0, 0.0]] * 4 + [[0.0, 0.0]] * 6
    said = {
        "moving average": [[0.5, 0.5]] * 10,
        ONE_RATE: [[0.2, 0.2]] * 10,
        PAST_ALONE: [[0.8, 0.2]] * 4 + [[0.2, 0.2]] * 6,
        CHOSEN: [[0.8, 0.2]] * 4 + [[0.0, 0.0]] * 6,
    }
    made = kinds.PREDICTION_GAIN.rows(rows.skills_of(of(counts, said))).set_index("reference")
    assert made["term"].eq(CHOSEN).all() and made["population"].eq("all").all()
    begins = "made/all/prediction-gain/cramp-night/unseen-participants/chosen-model/"
    assert made["key"].to_dict() == {ONE_RATE: f"{begins}skill", PAST_ALONE: f"{begins}against-own-past-alone/skill"}
    # One rate loses 4 x 0.64 + 16 x 0.04, the own past 20 x 0.04, the model 8 x 0.04.
    assert made["estimate"].to_dict() == pytest.approx({ONE_RATE: 1 - 0.32 / 3.2, PAST_ALONE: 1 - 0.32 / 0.8}, abs=1e-5)
    assert (made["ci_low"] < made["estimate"]).all() and (made["estimate"] < made["ci_high"]).all()


def test_what_is_gained_in_words() -> None:
    counts = [[1.0, 0.0]] * 4 + [[0.0, 0.0]] * 6
    past = [[0.8, 0.2]] * 4 + [[0.2, 0.2]] * 6

    def words(model: list[list[float]]) -> str:
        said = {"moving average": [[0.5, 0.5]] * 10, ONE_RATE: [[0.2, 0.2]] * 10, PAST_ALONE: past, CHOSEN: model}
        return sentences.answer(rows.skills_of(of(counts, said)))

    beyond = "Beyond a participant's own past, what else was measured"
    assert f"{beyond} had no gain: with and without it the same is foretold." in words(past)
    assert f"{beyond} had a gain: skill 60.0" in words([[0.8, 0.2]] * 4 + [[0.0, 0.0]] * 6)
    assert f"{beyond} foretold worse: skill" in words([[0.6, 0.5]] * 5 + [[0.5, 0.4]] * 5)
    assert "Against one rate for all, the model had no gain: it says the same of all." in words([[0.2, 0.2]] * 10)


def test_scores_and_net_benefit_by_hand() -> None:
    counts = [[1.0, 0.0]] * 5 + [[0.0, 0.0]] * 5
    model = [[0.6, 0.4]] * 5 + [[0.2, 0.2]] * 5
    made = rows.rows_of(of(counts, {"moving average": [[0.25, 0.25]] * 10, CHOSEN: model}))
    scores = made[(made["analysis"] == "prediction score") & (made["term"] == CHOSEN)].set_index("level")["estimate"]
    assert scores["Brier score"] == pytest.approx((10 * 0.16 + 10 * 0.04) / 20)
    assert scores["area under the curve"] == 1.0
    flat = made[(made["term"] == "moving average") & (made["level"] == "calibration slope")].iloc[0]
    assert flat["status"] == "not_estimable" and "all predictions are alike" in flat["note"]
    benefit = made[made["analysis"] == "net benefit"].set_index(["term", "level"])["estimate"]
    assert benefit[CHOSEN, "0.3"] == pytest.approx(0.25 - 0.25 * 0.3 / 0.7)
    assert benefit[CHOSEN, "0.5"] == pytest.approx(0.25)
    assert benefit["moving average", "0.3"] == 0.0 and benefit[rows.EVERYBODY, "0.2"] == pytest.approx(0.25 - 0.1875)
    points = made[(made["analysis"] == "calibration point") & (made["term"] == CHOSEN)].set_index("level")["estimate"]
    assert points.to_dict() == {"0.2000": 0.0, "0.4000": 0.0, "0.6000": 1.0}


def test_a_count_is_scored_by_its_deviance() -> None:
    made = rows.rows_of(of([[2.0, 0.0]] * 6, {"moving average": [[1.0, 1.0]] * 6, CHOSEN: [[2.0, 1.0]] * 6}, COUNT))
    score = made[made["level"] == "Poisson deviance"].set_index("term")["estimate"]
    assert score.to_dict() == pytest.approx({"moving average": (2 * (2 * np.log(2) - 1) + 2) / 2, CHOSEN: 1.0})
    assert not made["analysis"].isin(["net benefit", "calibration point"]).any()


def test_resamples_are_of_whole_participants_and_of_sampling_units() -> None:
    drawn = Resamples.of_participants(np.array([7, 7, 9]), np.random.default_rng(1), 50)
    assert drawn.times.shape == (50, 2) and (drawn.times.sum(axis=1) == 2).all()
    assert (drawn.sums(np.array([1.0, 2.0, 10.0])) == drawn.times @ [3, 10]).all()
    assert (drawn.weights(0)[:2] == drawn.times[0, 0]).all()
    # Of two units of a stratum one is drawn, and counts twice; the only one of another stays.
    design = Resamples.of_design(np.array([1, 1, 2]), np.array([1, 2, 1]), np.random.default_rng(1), 50)
    assert {tuple(each) for each in design.times.tolist()} == {(2.0, 0.0, 1.0), (0.0, 2.0, 1.0)}
    assert limits(np.array([np.nan, *np.arange(101)]), 0.9) == pytest.approx((5.0, 95.0))
    assert all(np.isnan(limits(np.array([np.nan]), 0.9)))


def test_the_section_answers_of_a_diary(found: analyses.Findings) -> None:
    assert {*found.tables} == {
        f"tbl-prediction-{name}" for name in ("scores", "counts", "skill", "gain", "weeks", "domains", "dependence")
    }
    skill = kinds.PREDICTION_SKILL.rows(found.estimates)
    own = skill[(skill["term"] == CHOSEN) & (skill["population"] == "all")]
    assert [*zip(own["outcome"], own["model"], strict=True)] == [
        ("cramp_night", "unseen participants"),
        ("cramps", "unseen participants"),
        ("cramp_night", "unseen participants, later nights"),
        ("cramps", "unseen participants, baseline alone"),
    ]
    assert "over the moving average" in found.values["answer"] or "The moving average" in found.values["answer"]
    assert "the rate of a new participant" in found.values["newcomer"]
    said = " ".join(found.values.values()).lower()
    assert "significant" not in said and "what foretells need not cause" in said
    drawn = figures.prediction(found.figures["fig-prediction"].estimates)
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["Calibration", "Skill"]
    assert found.estimates["key"].is_unique


@pytest.mark.parametrize(
    ("estimate", "low", "high", "said"),
    [
        (0.02, -0.01, 0.05, "No gain over the moving average could be shown in foretelling the number of cramps"),
        (-0.1, -0.2, -0.05, "The moving average foretold the number of cramps on the next night better than the model"),
        (0.03, 0.01, 0.05, "the model had a small gain over the moving average: skill 3.0 (1.0–5.0)%"),
        (0.2, 0.1, 0.3, "the model had a gain over the moving average: skill 20.0 (10.0–30.0)%"),
    ],
)
def test_the_answer_says_what_was_gained(estimate: float, low: float, high: float, said: str) -> None:
    cells = {"term": CHOSEN, "reference": "moving average", "population": "all", "outcome": "cramps", "scale": "skill"}
    cells |= {"estimate": estimate, "ci_low": low, "ci_high": high, "ci_level": 0.95, "model": GROUPED}
    row = estimates.row(status="converged", analysis="prediction skill", n_participants=40, **cells)
    assert said in sentences.answer(estimates.frame([row]))


def test_no_gain_is_claimed_over_a_rule_that_one_rate_for_all_outdoes() -> None:
    cells = {"term": CHOSEN, "population": "all", "outcome": "cramps", "scale": "skill", "ci_level": 0.95}
    cells |= {"model": NEWCOMERS, "n_participants": 40, "status": "converged"}
    over = {"estimate": 0.277, "ci_low": 0.19, "ci_high": 0.35, "reference": CLIMATOLOGY}
    skill = estimates.row(analysis="prediction skill", **cells, **over)

    def said(*limits: float) -> str:
        numbers = dict(zip(("estimate", "ci_low", "ci_high"), limits, strict=True)) if limits else {"estimate": 0.0}
        gain = estimates.row(analysis="prediction gain", **cells, **numbers, reference=ONE_RATE)
        return sentences.newcomer(estimates.frame([skill, gain]))

    worse = "; over the climatology by age band, which did worse, skill 27.7"
    for text in (said(), said(0.02, -0.01, 0.05)):
        assert text.startswith("No gain over one rate for all could be shown in foretelling the rate") and worse in text
    assert said(-0.1, -0.2, -0.05).startswith("One rate for all foretold the rate of a new participant")
    assert "the model had a gain over the climatology by age band" in said(0.2, 0.1, 0.3)


def test_a_climatology_of_one_band_is_one_rate_for_all() -> None:
    made = simulate(30, 12, seed=4)
    old = made.frame("participants").with_columns(age_years=pl.lit(65.0), sex=pl.lit("female"))
    rows_of_newcomers = questions.newcomer_rows(replace(made, tables={**made.tables, "participants": old}))
    assert not rows_of_newcomers.isin([CLIMATOLOGY]).any(axis=None)
    skill = kinds.PREDICTION_SKILL.rows(rows_of_newcomers)
    assert set(skill["reference"]) == {ONE_RATE} and len(skill)
    # What says the same as the rule has no skill over it, and no interval of one.
    alike = skill[skill["estimate"].abs() < 1e-9]
    assert alike["estimate"].eq(0).all() and alike["ci_low"].isna().all()


def test_a_small_clinic_is_told_why_there_is_none() -> None:
    small = analyses.run("prediction", bare(simulate(20, 7, seed=1)), others={})
    assert not small.tables and "20 participants with logged nights" in small.values["answer"]
    assert "a prediction needs at least 25" in small.values["answer"]


def test_counts_and_dates_alone_foretell_no_newcomer() -> None:
    made = bare(simulate(30, 12, seed=4))
    unknown = made.frame("participants").with_columns(age_years=pl.lit(None, pl.Float64), sex=pl.lit(None, pl.String))
    only = questions.newcomer_rows(replace(made, tables={**made.tables, "participants": unknown}))
    assert only["status"].tolist() == ["not_estimable"] and sentences.newcomer(only) == (
        "The rate of a new participant could not be foretold: nothing is known of participants at baseline."
    )


class TestSurvey:
    def test_a_later_cycle_is_foretold_by_what_goes_with_cramps(self) -> None:
        made = analyses.run("prediction", survey_of(800, ("D", "E")), others={})
        skill = kinds.PREDICTION_SKILL.rows(made.estimates).set_index("term").loc[CHOSEN]
        assert skill["model"] == "learned from cycle D, tested on E" and skill["n_participants"] == 400
        # Of those with the condition 60 %, of others 10 % have cramps: 1 - (0.4 x 0.24 + 0.6 x 0.09) / (0.3 x 0.7).
        assert skill["estimate"] == pytest.approx(1 - 0.15 / 0.21, abs=0.1) and skill["ci_low"] > 0
        assert "whether somebody recalls moderate-severe cramps" in made.values["answer"]
        # It has no nights.
        note, curves = made.tables["tbl-prediction-dependence"].note, made.figures.get("fig-prediction-dependence")
        assert "does not use the factor." in str(note) and "last logged day" not in str(note)
        assert curves is None or "Bars: how many people have" in curves.caption
        assert "tbl-prediction-counts" in made.absent and "nothing is foretold in time" in made.values["limits"]

    def test_weights_weigh(self) -> None:
        cohort = survey_of(400, ("D", "E"))
        table = survey.survey_table(cohort, AgeBands((20, 60)))
        found, resamples = survey.validate_survey(table)
        brier = (found.said[CHOSEN] - found.happened) ** 2
        weight = found.table.nights
        made = rows.rows_of(rows.PredictionSummary.of(found, "asked", 0.95, resamples))
        scores = made[(made["term"] == CHOSEN)].set_index("level")["estimate"]
        assert scores["Brier score"] == pytest.approx(float((weight * brier).sum() / weight.sum()))
        assert "Eavg" not in scores.index

    def test_one_cycle_is_tested_on_sampling_units_left_out(self) -> None:
        table = survey.survey_table(survey_of(500, ("E",)), AgeBands((20, 60)))
        found, _ = survey.validate_survey(table)
        assert found.scheme == "unseen sampling units" and len(found.happened) == 500

    def test_few_with_cramps_are_told(self) -> None:
        table = survey.survey_table(survey_of(60, ("D", "E")), AgeBands((20, 60)))
        with pytest.raises(AnalysisError, match=r"moderate-severe cramps of \d+ people to learn from"):
            survey.validate_survey(table)

    def test_what_one_cycle_did_not_ask_is_left_out(self) -> None:
        cohort = survey_of(500, ("D", "E"))
        asked = cohort.frame("participants").with_columns(
            usual_sitting_min=pl.when(pl.col("cycle") == "E").then(pl.int_range(pl.len()).cast(pl.Float64) % 600)
        )
        table = survey.survey_table(replace(cohort, tables={"participants": asked}), AgeBands((20, 60)))
        assert "usual_sitting_min" in table.table.names
        with_it, _ = survey.validate_survey(table)
        without, _ = survey.validate_survey(survey.survey_table(cohort, AgeBands((20, 60))))
        assert (with_it.said[CHOSEN] == without.said[CHOSEN]).all()


def test_tables_of_points_and_benefits(found: analyses.Findings) -> None:
    points, benefits = tables.calibration_points(found.estimates), tables.net_benefits(found.estimates)
    assert points.columns.tolist() == ["Happened, % (95% CI)"]
    assert benefits.columns.tolist() == [f"Threshold {each} (95% CI)" for each in ("0.1", "0.2", "0.3", "0.5")]
