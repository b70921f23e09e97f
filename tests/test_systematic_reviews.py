"""The section on systematic reviews: what trials say, and a trial cohort's own contrast among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from drawn_figures import drawn
from scipy.special import stdtrit
from test_age_curve import survey

from crampstudy import analyses, evidence, figures, fit, tables
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence.effects import independent
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS, pool
from crampstudy.simulate import simulate
from crampstudy.simulate.scenario.presets import preset
from crampstudy.treatments.designs import designs
from crampstudy.treatments.parallel import Followed
from crampstudy.treatments.question import TreatmentQuestion
from crampstudy.treatments.trials import own_contrast

NAME = "systematic-reviews"


@pytest.fixture(scope="module")
def trial() -> Cohort:
    return simulate(40, 42, seed=5, truth=preset("magnesium-trial").truth)


@pytest.fixture(scope="module")
def found(trial: Cohort) -> analyses.Findings:
    return analyses.run(NAME, trial)


@pytest.fixture(scope="module")
def contrast(trial: Cohort) -> Mapping[str, Any]:
    return own_contrast(trial)


def with_treatments(cohort: Cohort, treatments: pl.DataFrame) -> Cohort:
    return Cohort(cohort.name, "diary", {**cohort.tables, "treatments": treatments}, as_of=cohort.as_of)


def unlabelled(cohort: Cohort) -> Cohort:
    """A cohort that knows of its trial by the periods alone."""
    people = cohort.frame("participants").drop("arm", "randomised_on")
    return Cohort(cohort.name, "diary", {**cohort.tables, "participants": people}, as_of=cohort.as_of)


class TestContrast:
    def test_it_is_the_mean_of_what_the_model_expects(self, trial: Cohort, contrast: Mapping[str, Any]) -> None:
        """The same from a table made by hand: nights from the start on, the arm, the log of the run-in rate."""
        nights, people = trial.diary.merge(trial.frame("treatments").to_pandas()), trial.participants
        nights = nights[nights["cramps"].notna()]
        before = nights[nights["date"] < nights["start"]].groupby("participant_id")["cramps"]
        run_in = np.log((before.sum().astype(float) + 0.5) / before.size())
        people = people.merge(run_in.rename("run_in").reset_index())
        own_people = trial.frame("participants").join(
            pl.from_pandas(people[["participant_id", "run_in"]]), on="participant_id", maintain_order="left"
        )
        own_people = own_people.with_columns(given=pl.col("arm") == "magnesium")
        starts = trial.frame("treatments").select("participant_id", "start")
        after = trial.frame("diary").join(starts, on="participant_id", maintain_order="left")
        after = after.filter((pl.col("date") >= pl.col("start")) & pl.col("cramps").is_not_null()).drop("start")
        own = {"participants": own_people, "diary": after}
        fitted = fit(Cohort("own", "diary", own), model="negative-binomial", terms="given + run_in")
        means = [
            fitted.predict({"given": arm, "run_in": people["run_in"].tolist()})["estimate"].mean()
            for arm in (True, False)
        ]
        assert contrast["estimate"] == pytest.approx(means[0] - means[1], rel=1e-6)
        asked = [contrast[name] for name in ("term", "reference", "n_participants")]
        assert asked == ["magnesium", "placebo", len(people)]

    def test_the_standard_error_is_that_of_the_delta_method(self, trial: Cohort, contrast: Mapping[str, Any]) -> None:
        assert contrast["std_error"] == pytest.approx(_numerical_error(trial), rel=1e-4)
        reach = float(stdtrit(contrast["df"], 0.975)) * contrast["std_error"]
        assert contrast["ci_high"] - contrast["estimate"] == pytest.approx(reach)

    def test_no_effect_is_found_where_there_is_none(self, contrast: Mapping[str, Any]) -> None:
        assert contrast["ci_low"] < 0 < contrast["ci_high"] and contrast["verdict"] == "inconclusive"

    def test_an_effect_is_found_where_there_is_one(self, trial: Cohort) -> None:
        """Half of the cramps of the treated taken away: the difference is about half of their rate."""
        treated = trial.frame("treatments").filter(pl.col("agent") == "magnesium").select("participant_id", "start")
        diary = trial.frame("diary").join(treated, on="participant_id", how="left", maintain_order="left")
        fewer = pl.when(pl.col("date") >= pl.col("start")).then(pl.col("cramps") // 2).otherwise(pl.col("cramps"))
        halved = Cohort(
            "halved",
            "diary",
            {
                **trial.tables,
                "diary": diary.with_columns(fewer.fill_null(pl.col("cramps")).alias("cramps")).drop("start"),
            },
        )
        row = own_contrast(halved)
        assert row["ci_high"] < 0 and row["verdict"] in ("lower", "differs but negligible")

    def test_who_has_no_run_in_is_left_out_and_counted(self, trial: Cohort, contrast: Mapping[str, Any]) -> None:
        first = trial.frame("treatments")["participant_id"][0]
        start = trial.frame("treatments")["start"][0]
        diary = trial.frame("diary").filter((pl.col("participant_id") != first) | (pl.col("date") >= start))
        row = own_contrast(Cohort("t", "diary", {**trial.tables, "diary": diary}))
        assert row["n_participants"] == contrast["n_participants"] - 1
        assert "1 participant left out: no logged night before time zero" in row["note"]

    def test_what_is_no_parallel_trial_against_placebo_says_so(self, trial: Cohort) -> None:
        given = trial.frame("treatments")
        open_use = given.with_columns(randomised=pl.lit(value=False))
        other = given.with_columns(agent=pl.col("agent").replace("placebo", "stretching"))
        few = given.filter(
            pl.col("agent").eq("placebo") | pl.col("participant_id").is_in(_first(given, "magnesium", 4))
        )
        for treatments, said in (
            (open_use, "the cohort has no randomised treatment"),
            (other, "it randomised magnesium and stretching, and the contrast is of one treatment against placebo"),
            (few, "4 participants with magnesium and nights on both sides of time zero: too few"),
        ):
            with pytest.raises(AnalysisError, match=said):
                own_contrast(with_treatments(unlabelled(trial), treatments))

    def test_who_never_began_what_was_allocated_stays_in_the_arm(
        self, trial: Cohort, contrast: Mapping[str, Any]
    ) -> None:
        """The label of the arm and the day of randomisation are enough for an analysis by treatment policy."""
        given = trial.frame("treatments")
        some = given.filter(~pl.col("participant_id").is_in(_first(given, "magnesium", 5)))
        row = own_contrast(with_treatments(trial, some))
        assert row["estimate"] == contrast["estimate"] and row["n_participants"] == contrast["n_participants"]


def _first(given: pl.DataFrame, agent: str, n: int) -> list[str]:
    return given.filter(pl.col("agent") == agent)["participant_id"].head(n).to_list()


def _numerical_error(trial: Cohort) -> float:
    """The delta method with a gradient by differences, of the model fitted to the same nights."""
    (design,) = designs(trial)
    followed = Followed.of(trial, design, TreatmentQuestion())
    fitted = fit(followed.diary(trial, followed.nights), model="negative-binomial", terms="treated + run_in_log_rate")
    beta, run_in = fitted.coefficients.to_numpy(), followed.people["run_in_log_rate"].to_numpy()

    def difference(b: np.ndarray) -> float:
        base = np.exp(b[0] + b[2] * run_in)
        return float(7 * (base * (math.exp(b[1]) - 1)).mean())

    steps = 1e-6 * np.eye(3)
    gradient = np.array([(difference(beta + step) - difference(beta - step)) / 2e-6 for step in steps])
    return float(np.sqrt(gradient @ fitted.vcov.to_numpy() @ gradient))


CONTRAST = {
    "cohort": "ours",
    "term": "magnesium",
    "reference": "placebo",
    "outcome": "cramps_per_week",
    "scale": "difference",
    "unit": "cramps a week",
    "estimate": -1.5,
    "ci_low": -2.5,
    "ci_high": -0.5,
    "ci_level": 0.95,
    "std_error": 0.5,
    "n_participants": 80,
    "status": "converged",
}


class TestBesideTrials:
    def test_the_pool_with_it_and_its_place_by_hand(self) -> None:
        rows = evidence.beside_cohort(CONTRAST, "idiopathic")
        after = kinds.POOLED.rows(rows).iloc[0]
        values, errors = [0.175, -0.38, -0.8, -1.5], [0.332, 0.888, 0.311, 0.5]
        expected = pool(independent(tuple("abcd"), np.array(values), np.array(errors) ** 2)).limits(0.95)
        assert (after["estimate"], after["ci_low"]) == pytest.approx((expected.estimate, expected.low))
        assert after["cohort"] == "published trials, with ours"
        alone = pool(independent(tuple("abc"), np.array(values[:3]), np.array(errors[:3]) ** 2)).prediction(0.95)
        t = (-1.5 - alone.estimate) / math.hypot(alone.std_error, 0.5)
        # The distribution function of t with 2 degrees of freedom.
        place = kinds.PLACE.rows(rows).iloc[0]
        assert place["estimate"] == pytest.approx(0.5 + t / (2 * math.sqrt(2 + t * t)), abs=1e-9)
        assert place["note"] == "inside the prediction interval, −2.96 to 2.30"
        assert rows["key"].is_unique and not kinds.COHORT_TRIAL.rows(rows).empty

    def test_a_contrast_far_off_is_outside(self) -> None:
        rows = evidence.beside_cohort({**CONTRAST, "estimate": 4.0}, "idiopathic")
        assert kinds.PLACE.rows(rows)["note"].iloc[0].startswith("outside the prediction interval")

    def test_of_a_treatment_with_one_trial_there_is_a_pool_and_no_place(self) -> None:
        rows = evidence.beside_cohort({**CONTRAST, "term": "vitamin_k2"}, "idiopathic")
        assert kinds.PLACE.rows(rows)["note"].tolist() == ["no place among fewer than 3 trials"]
        assert kinds.POOLED.rows(rows)["estimate"].notna().all()

    def test_what_is_no_difference_in_cramps_a_week_is_refused(self) -> None:
        with pytest.raises(UsageError, match="a difference of cramps_per_week; got a rate_ratio"):
            evidence.beside_cohort({**CONTRAST, "scale": "rate_ratio"}, "idiopathic")
        with pytest.raises(AnalysisError, match="no estimate with a standard error: it is gone"):
            evidence.beside_cohort({**CONTRAST, "estimate": None, "note": "it is gone"}, "idiopathic")
        with pytest.raises(UsageError, match="no agent 'other' in the evidence"):
            evidence.beside_cohort({**CONTRAST, "term": "other"}, "idiopathic")


class TestSection:
    def test_the_answer_says_the_rows(self, found: analyses.Findings, contrast: Mapping[str, Any]) -> None:
        number = f"{contrast['estimate']:.2f} ({contrast['ci_low']:.2f} to {contrast['ci_high']:.2f})".replace("-", "−")
        answer = found.values["answer"]
        assert answer.startswith(
            "Pooled, 3 trials of magnesium in idiopathic cramps find −0.33 (−1.96 to 1.30) cramps a week against "
            "placebo or no treatment: too uncertain to tell. Fewer cramps were found by one trial of vitamin K2 and "
            "published pools of quinine. This cohort's own contrast, magnesium against placebo, is "
        )
        assert number in answer and answer.endswith("inside the prediction interval, −2.96 to 2.30.")
        assert "the pool would go from −0.33 (−1.96 to 1.30) to " in found.values["beside"]

    def test_what_contradicts_the_article_is_said(self, found: analyses.Findings) -> None:
        said = found.values["magnesium"]
        assert "helps prevent night cramps. Three trials in idiopathic cramps do not show it: −0.33" in said
        assert "no such paper was found" in said
        assert found.values["nothing"] == (
            "Of TENS, botulinum toxin, potassium, calcium, B vitamins and vitamin D none has a number of cramps that "
            "can be compared."
        )
        assert (
            "Without Barna 2021 it is 0.11 (−3.84 to 4.06). The unit of Barna 2021 is presumed."
            in (found.values["pool_words"])
        )

    def test_what_could_not_be_pooled_is_told(self, found: analyses.Findings) -> None:
        said = found.values["not_estimated"]
        # Those of one reason stand together.
        assert "no poolable trial of vitamin K2 (haemodialysis), quinine (idiopathic), " in said and " TENS, " in said
        assert "one trial each of magnesium (pregnancy), vitamin K2 (idiopathic) and " in said
        assert "medians" not in said

    def test_every_treatment_of_the_article_has_a_line(self, found: analyses.Findings) -> None:
        lines = found.tables["tbl-treatments"].frame.index
        for name in ("Magnesium, idiopathic", "Vitamin K2, idiopathic", "Quinine, idiopathic", "TENS", "Vitamin D"):
            assert name in lines
        note = found.tables["tbl-treatments"].note or ""
        assert "doi:10.1001/jamainternmed.2016.9261" in note and "PMID 10907623" in note

    def test_grade_has_inputs_and_no_grade(self, found: analyses.Findings) -> None:
        cells = found.tables["tbl-certainty"].frame["What was computed"].droplevel(0)
        assert cells["Risk of bias"] == "44% of the weight is of trials judged to be at high risk"
        assert (
            "holds 0 and reaches beyond one cramp a week on either side; 311 participants, fewer than 400"
            in (cells["Imprecision"])
        )
        assert cells["Inconsistency"].startswith("I² 57 (0–98)%; the next trial lies between −2.96 and 2.30")
        assert "the unit of Barna 2021 is presumed" in cells["Indirectness"]
        assert "10 are the least" in cells["Publication bias"]

    def test_a_cohort_without_a_randomised_treatment_says_so(self, trial: Cohort) -> None:
        tables_left = {name: table for name, table in trial.tables.items() if name != "treatments"}
        unnamed = analyses.run(NAME, Cohort("plain", "diary", tables_left))
        assert unnamed.could_not["tbl-cohort-trial"].endswith("randomised, and no table says what they were given")
        tables_left["participants"] = tables_left["participants"].drop("randomised_on")
        plain = analyses.run(NAME, Cohort("plain", "diary", tables_left))
        reason = "the cohort has no randomised treatment"
        assert plain.could_not == {"tbl-cohort-trial": reason}
        assert plain.values["beside"] == f"This cohort has no contrast of its own to set beside them: {reason}."
        assert set(plain.tables) == {"tbl-treatments", "tbl-pool", "tbl-certainty"}

    def test_a_survey_has_the_trials_alone(self) -> None:
        asked = analyses.run(NAME, survey(None))
        assert asked.absent == ("tbl-cohort-trial",) and asked.could_not == {} and asked.estimated
        assert asked.values["answer"].endswith("This cohort is a survey and has no treatment to set beside them.")

    def test_each_row_has_a_key_of_its_own(self, found: analyses.Findings) -> None:
        assert found.estimates["key"].is_unique


class TestForest:
    def test_it_draws_trials_pools_and_the_cohort_with_their_numbers(self, found: analyses.Findings) -> None:
        texts = drawn(figures.forest(found.figures["fig-trials"].estimates))
        for said in (
            *("Magnesium, idiopathic", "Frusso 1999", "42%", "high", "−0.33 (−1.96 to 1.30)", "−2.96 to 2.30"),
            *("Magnesium, pregnancy: one trial, nothing to pool", "TENS: no poolable trial", "Prediction interval"),
            "Botulinum toxin, diabetic neuropathy: no poolable trial",
            *("← favours treatment", "favours comparator →", "Difference in cramps a week (95% CI)", "simulated"),
        ):
            assert said in texts, said
        assert "Vitamin K2, haemodialysis: no poolable trial" not in texts
        assert texts.count("Pooled, random effects") == 1 and "Roguin Maor 2017, end values" not in texts

    def test_intervals_beyond_the_window_end_in_arrows(self) -> None:
        far = evidence.Study("Far", "magnesium", "idiopathic", difference_per_week=9.0, se_per_week=8.0)
        rows = evidence.synthesise("magnesium", "idiopathic", added=[far]).estimates
        figure = figures.forest(rows)
        low, high = figure.axes[1].get_xlim()
        assert -6.5 < low < high < 6.5
        arrows = {line.get_marker() for line in figure.axes[1].lines}
        assert {"<", ">"} <= arrows

    def test_where_no_trial_has_a_number_it_says_so(self) -> None:
        assert any(
            "no published trial" in text for text in drawn(figures.forest(evidence.synthesise("tens").estimates))
        )

    def test_the_pool_is_a_diamond_and_the_next_trial_a_bar(self) -> None:
        rows = evidence.synthesise("magnesium", "idiopathic").estimates
        axes = figures.forest(rows).axes[1]
        pooled = kinds.POOLED.rows(rows)
        first = pooled[pooled["level"].eq(ERRORS[0])].iloc[0]
        diamond = max(
            (patch for patch in axes.patches if patch.get_facecolor()[:3] != (1, 1, 1)), key=lambda p: p.zorder
        )
        across = [patch.get_path().vertices[:, 0] for patch in axes.patches]
        assert any(np.isclose(x.min(), first["ci_low"]) and np.isclose(x.max(), first["ci_high"]) for x in across)
        following = kinds.PREDICTION.rows(rows).iloc[0]
        bars = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 4]
        assert [list(map(float, bar)) for bar in bars] == [pytest.approx([following["ci_low"], following["ci_high"]])]
        assert following["level"] == PREDICTIONS[0] and diamond is not None


def test_tables_of_the_pool_take_rows_and_results() -> None:
    made = evidence.synthesise("magnesium", "idiopathic")
    assert tables.pooled(made).equals(tables.pooled(made.estimates))
    trials = tables.trials(made)
    assert trials.loc[("Magnesium, idiopathic", "Barna 2021"), "Weight"] == "44%"
    assert any(note.startswith("Roffe 2002: not pooled: medians only") for note in trials.notes)
    assert tables.sensitivity(made).index.get_level_values(1)[0] == "Without Frusso 1999"


def test_the_line_of_a_cohort_says_how_its_interval_was_made(contrast: Mapping[str, Any]) -> None:
    (said,) = (note for note in tables.trials(evidence.beside_cohort(contrast, "idiopathic")).notes if "CR2" in note)
    assert said == (
        "simulated: Time zero is the day of randomisation; bias-reduced cluster-robust intervals (CR2) with "
        "Satterthwaite degrees of freedom."
    )


def test_tables_of_a_terminal_are_named_by_treatment_and_population() -> None:
    shown = [part.heading for part in tables.shown(evidence.synthesise("botulinum_toxin").estimates)]
    assert shown[:2] == [
        "trials, botulinum toxin, lumbar stenosis against gabapentin",
        "trials, botulinum toxin, diabetic neuropathy",
    ]


def test_an_interval_that_stands_aside_is_told_with_the_reason(found: analyses.Findings) -> None:
    table, drawing = found.tables["tbl-treatments"], found.figures["fig-trials"]
    assert table.frame.loc["Vitamin K2, idiopathic", "Difference, cramps a week"] == "−2.67 (−3.19 to −2.15)"
    published = "Tan 2024 published −2.86 to −2.49, too narrow: as if the eight weekly values of a participant were ind"
    by_arms = "Roguin Maor 2017, Nygaard 2008 and Tan 2024 (from the standard deviations of the arms)"
    note = str(drawing.note)
    assert published in str(table.note) and published in note
    assert by_arms in note and "Frusso 1999 and Barna 2021 (from the P value)" in note
    # The table shows single trials alone, and the pools of others.
    assert "Nygaard 2008 and Tan 2024 (from" in str(table.note) and "Frusso 1999 and" not in str(table.note)
    # One that is taken as published is not named, nor is a row that is in no pool.
    assert "Coppin" not in note and "end values" not in note and "Hallegraeff" not in note


def test_two_rows_of_a_trial_are_one_trial(found: analyses.Findings) -> None:
    shown = found.tables["tbl-treatments"].frame["Trials"]
    assert shown["Vitamin K2, idiopathic"] == "1"
    magnesium = kinds.TRIAL.rows(evidence.synthesise("magnesium").estimates)
    own = magnesium[magnesium["population"] == "idiopathic"]
    assert "Roguin Maor 2017, end values" in set(own["level"]) and shown["Magnesium, idiopathic"] == f"{len(own) - 1}"
