"""The section on treatments: what it says of a trial, of open use, of people let in and not treated, and of few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from test_age_curve import survey
from test_treatment_designs import study

from crampstudy import analyses, estimates, figures, tables, terminal
from crampstudy.analyses import Findings, Settings
from crampstudy.analyses.others import SectionResults
from crampstudy.analyses.sections import treatments as section
from crampstudy.analyses.sentences import summary as summary_said
from crampstudy.analyses.sentences import treatments as sentences
from crampstudy.analyses.sentences.treatments.run_in import fall
from crampstudy.analyses.sentences.treatments.set_apart import counted_all_the_same
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.treatments import ALL, EXPECTED, OBSERVED, REMAINS
from crampstudy.simulate import Mess, Truth, simulate, write
from crampstudy.simulate.scenario.presets import preset
from crampstudy.simulate.truth.design import StudyDesign
from crampstudy.treatments.designs import TreatmentDesign

NAME = "treatments"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trial() -> Findings:
    return analyses.run(NAME, simulate(60, 42, seed=5, truth=preset("magnesium-trial").truth))


@pytest.fixture(scope="module")
def openly() -> Findings:
    truth = preset("default").truth
    agents = tuple(
        replace(a, share_using=0.3 if a.column in ("tens", "magnesium") else 0.005 if a.column == "quinine" else 0)
        for a in truth.agents
    )
    return analyses.run(NAME, simulate(120, 60, seed=4, truth=replace(truth, agents=agents)))


def test_a_trial_is_told_with_its_estimand_and_regression_to_the_mean(trial: Findings) -> None:
    assert trial.values["answer"].startswith("By lot, magnesium against placebo: ")
    assert "rate ratio" in trial.values["answer"] and "cramps a week" in trial.values["answer"]
    assert "to be expected of regression to the mean alone" in trial.values["fall"]
    assert "in the 60 participants with nights of both" in trial.values["fall"]
    assert set(trial.absent) == {section.RATES, section.OVERLAP, section.BALANCE}
    note = trial.tables[section.EFFECTS].note or ""
    assert note.startswith("Estimands: Randomised participants, randomised effect: all nights from time zero on count")
    assert "Time zero is the day of randomisation." in note
    assert "pairs of periods" not in note
    flow = trial.tables[section.FLOW].frame
    assert flow.index.tolist() == ["Randomised to magnesium", "Randomised to placebo"]
    assert flow["Randomised"].tolist() == ["30", "30"]
    drawn = trial.figures[section.COURSE]
    assert {kinds.TREATMENT_COURSE.name, kinds.REGRESSION_TO_THE_MEAN.name} <= {*drawn.estimates["analysis"]}
    (axes,) = figures.treatment_course(drawn.estimates).axes
    said = {text.get_text(): text for text in axes.texts}
    assert any(text.startswith("Randomised to placebo, n = ") for text in said)
    # It stands after the last interval, which would cross it.
    last = max(np.asarray(line.get_xdata(), dtype=float).max() for line in axes.get_lines()[:2])
    assert said["Expected\nwithout\ntreatment"].xy[0] >= last
    assert (
        "Taken as a treatment by nobody in this cohort: TENS, botulinum toxin, potassium"
        in trial.values["not_estimated"]
    )


def test_lots_make_an_effect_and_choice_needs_weights(trial: Findings, openly: Findings) -> None:
    for found in (trial, openly):
        made = found.estimates[found.estimates["estimate"].notna()]
        effects = made[made["estimand"].fillna("").str.contains("effect")]
        assert set(effects["analysis"]) <= {
            kinds.TREATMENT_EFFECT.name,
            kinds.TREATMENT_EFFECT_OTHERWISE.name,
            kinds.TREATMENT_EFFECT_BY_LEVEL.name,
            kinds.TREATMENT_EFFECT_BY_WEEK.name,
            kinds.OPEN_USE.name,
            kinds.OPEN_USE_TRUNCATED.name,
            kinds.OPEN_USE_GRAPH.name,
        }
    weeks = kinds.TREATMENT_EFFECT_BY_WEEK.rows(openly.estimates)
    assert weeks["estimand"].str.startswith("association").all() and len(weeks)


def test_open_use_is_weighted_balanced_and_too_few_are_described(openly: Findings) -> None:
    assert openly.values["answer"].startswith("Taken by choice, and weighted for who takes them: ")
    assert openly.values["by_design"] == "Described and not estimated: quinine."
    assert section.REGRESSION in openly.absent and openly.values["fall"] == ""
    assert openly.tables[section.OVERLAP].frame.index.tolist() == ["Magnesium", "TENS"]
    assert (
        "weights are to make the groups alike in age, sex and the rate before time zero (of" in openly.values["limits"]
    )
    few = openly.estimates[openly.estimates["term"].eq("quinine") & openly.estimates["scale"].eq("rate_ratio")]
    assert few["estimate"].isna().all() and few["verdict"].eq("too few").any()
    drawn = figures.treatment_course(openly.figures[section.COURSE].estimates)
    assert [axes.get_title(loc="left").split(",")[0] for axes in drawn.axes if axes.get_visible()] == [
        "Magnesium",
        "TENS",
    ]
    assert "(jackknife)" in str(openly.tables[section.EFFECTS].note)
    assert "nobody of the other group has" in str(openly.tables[section.OVERLAP].note)
    # In a terminal every row says which treatment it is of.
    printed = [terminal.text(made(openly.estimates)) for made in (tables.balance, tables.treatment_course)]
    assert all("Treatment" in text and {"Magnesium", "TENS"} <= set(text.split()) for text in printed)


def test_what_is_said_of_expectations_is_of_the_comparator(trial: Findings) -> None:
    said = trial.values["limits"]
    assert "by chance alone" in said and "A placebo keeps what people expect out of the comparison" in said
    assert "is part of the effect" not in said and "alike" not in said
    none = pl.DataFrame()
    untreated = TreatmentDesign("magnesium", "parallel", "none", none, none)
    assert "Without a placebo" in sentences.limits([untreated], trial.estimates)


def test_no_adjustment_is_claimed_that_was_not_made_and_what_is_described_is_shown(openly: Findings) -> None:
    table = openly.tables[section.OTHERWISE]
    column = next(name for name in table.frame.columns if "also for the graph" in name)
    made = kinds.OPEN_USE_GRAPH.rows(openly.estimates).query("scale == 'rate_ratio'").set_index("term")
    assert {"magnesium", "tens"} <= {*made.index}
    for agent, name in (("magnesium", "Magnesium"), ("tens", "TENS")):
        same = made.loc[agent, "adjusted_for"] == "age_years; sex; run_in_log_rate"
        assert (table.frame.loc[name, column] == "nothing else") == same
    assert "also asks for how prone a person is to cramps" in str(table.note)
    described = openly.tables[section.RATES].frame
    assert "Quinine" in described.index and described.loc["Quinine"].notna().all()


def test_nights_that_are_set_apart_in_trials_stay_in_open_use_and_in_what_modifies_it() -> None:
    asked = Settings(build_up=300, washout=2)
    truth = preset("default").truth
    few = tuple(replace(a, share_using=0.3 if a.column == "tens" else 0) for a in truth.agents)
    cohort = simulate(60, 42, seed=4, truth=replace(truth, agents=few))
    plain, apart = analyses.run(NAME, cohort), analyses.run(NAME, cohort, asked)
    assert kinds.TREATMENT_EFFECT_BY_WEEK.rows(plain.estimates)["estimate"].notna().any()
    assert apart.estimates.equals(plain.estimates)
    said = "No night of a build-up is set apart in open use; no night of a washout is set apart in open use: all nights"
    assert said in apart.values["limits"] and "is set apart" not in plain.values["limits"]
    designs_ = [TreatmentDesign("tens", "parallel", "placebo", pl.DataFrame(), pl.DataFrame())]
    assert counted_all_the_same(designs_, asked.of_treatments()) == (
        "No night of a washout is set apart in parallel arms: all nights from time zero on count."
    )


def test_a_difference_without_a_ratio_is_not_called_described_alone(openly: Findings) -> None:
    rows = openly.estimates.copy()
    own = rows["term"].eq("magnesium") & rows["analysis"].eq(kinds.OPEN_USE.name)
    ratio = own & rows["scale"].eq("rate_ratio")
    rows.loc[ratio, ["estimate", "ci_low", "ci_high", "verdict"]] = None
    rows.loc[ratio, "status"] = "not_estimable"
    assert sentences.by_design(rows) == "Described and not estimated: quinine."
    weekly = rows.loc[own & rows["scale"].eq("difference"), "verdict"].iloc[0]
    shown = tables.treatment_effects(rows[rows["analysis"].eq(kinds.OPEN_USE.name)])
    assert shown.loc["Magnesium", "Verdict"] == f"{weekly}, of cramps a week"
    assert "magnesium" in sentences.answer(rows)


def test_people_let_in_and_not_treated_have_the_course_around_enrolment() -> None:
    found = analyses.run(NAME, simulate(80, 42, seed=3, truth=preset("recruited").truth))
    assert found.values["answer"] == "Nobody in this cohort was given a treatment or noted to have taken one."
    assert set(kinds.TREATMENT_COURSE.rows(found.estimates)["term"]) == {"enrolment"}
    assert section.REGRESSION in found.tables and section.EFFECTS in found.absent
    fall = found.tables[section.REGRESSION]
    assert "(80% range " in fall.frame.loc["Half-life of a flare"].iloc[1]
    # A range is none for the confidence that was asked for.
    rows = kinds.REGRESSION_TO_THE_MEAN.rows(found.estimates)
    at_80 = tables.regression_to_the_mean(rows.assign(ci_level=0.8))
    assert "Estimate (80% CI)" in at_80 and at_80["Estimate (80% CI)"].str.contains("range").sum() == 1
    assert "All:" not in str(fall.note) and "Remains: observed over expected" in str(fall.note)
    absent = found.estimates[found.estimates["status"] == "not_measured"]
    assert absent["term"].unique().tolist() == list(section.AGENTS)


def test_a_diary_of_dates_and_counts_alone_says_that_nobody_was_treated() -> None:
    found = analyses.run(NAME, study({who: [1, 0, 2] for who in "abcdef"}, []))
    assert found.values["answer"] == "Nobody in this cohort was given a treatment or noted to have taken one."
    assert found.could_not.keys() == {section.COURSE} and not found.estimated
    assert found.values["limits"] == "A cohort that treats nobody says nothing of what treatments do."


def test_what_was_logged_by_night_has_no_course_and_is_not_what_nobody_took() -> None:
    cohort = study({who: [1, 0, 2] for who in "abcdef"}, [])
    nights = cohort.frame("diary").with_columns(supplement_magnesium_mg=pl.lit(360.0))
    found = analyses.run(NAME, replace(cohort, tables={**cohort.tables, "diary": nights}))
    assert found.values["limits"].endswith("Magnesium was logged night by night.")
    own = found.estimates[found.estimates["term"].eq("magnesium")]
    assert set(own["note"]) == {tables.BY_NIGHT} and set(own["status"]) == {"not_measured"}
    said = summary_said.unanswered({NAME: "Emerging treatments"}, {NAME: SectionResults.of(found)})
    assert said[0].endswith("noted to have taken one; magnesium was logged night by night.")
    assert not tables.untaken_of(own).any() and tables.unmeasured_of(own).empty


def test_a_small_clinic_is_described_alone() -> None:
    nights = {f"{i:02}": [i % 3, 1, 0, 2, 1, 0, i % 2] for i in range(20)}
    found = analyses.run(NAME, study(nights, [("00", "tens", 3, 6, False), ("01", "tens", 2, None, False)]))
    assert found.values["answer"].startswith("No effect could be estimated: fewer than 5 people who took it have")
    assert "weights" not in found.values["limits"] and section.EFFECTS not in found.tables
    assert found.values["by_design"] == "Described and not estimated: TENS."
    assert found.estimates.loc[found.estimates["scale"].ne("count"), "estimate"].notna().sum() <= 4  # rates as they are


def test_a_mix_of_designs_says_why_there_is_no_effect() -> None:
    nights = {f"{i:02}": [1, 0, 2, 1, 1, 0, 1] for i in range(12)}
    periods = [(f"{i:02}", "tens", 1, 3, True) for i in range(12)] + [("00", "placebo", 4, 6, True)]
    found = analyses.run(NAME, study(nights, periods))
    assert "1 of 12 randomised participants had several agents and the others one" in found.values["answer"]


def test_a_combination_is_an_arm_of_a_parallel_trial_and_named_as_one() -> None:
    arms = (("placebo",), ("tens",), ("magnesium", "tens"))
    people = [(f"{3 * i + k:02}", agents) for i in range(8) for k, agents in enumerate(arms)]
    rng = np.random.default_rng(1)
    nights = {who: rng.poisson(rng.gamma(2.0, 0.5), 28).tolist() for who, _ in people}
    periods = [(who, agent, 8, 27, True) for who, agents in people for agent in agents]
    found = analyses.run(NAME, study(nights, periods))
    effects = kinds.TREATMENT_EFFECT.rows(found.estimates)
    made = effects[effects["estimate"].notna() & effects["scale"].eq("rate_ratio")]
    assert [*zip(made["term"], made["reference"], made["n_exposed"], made["n_participants"], strict=True)] == [
        ("tens", "placebo", 8, 16),
        ("magnesium + tens", "placebo", 8, 16),
    ]
    flow = found.tables[section.FLOW].frame
    names = ["Randomised to TENS", "Randomised to placebo", "Randomised to magnesium + TENS"]
    assert flow.index.tolist() == names and {*flow["Took another agent after time zero"]} == {"0"}
    assert "the combination magnesium + TENS against placebo" in found.values["answer"]
    assert (found.tables[section.EFFECTS].note or "").startswith("Magnesium + TENS is a combination, ")
    assert "lots gave magnesium in combination alone (magnesium + TENS)" in found.values["not_estimated"]
    assert "magnesium" not in found.values["not_estimated"].partition(". ")[0] and found.values["by_design"] == ""
    assert "A combination is compared as a whole" in found.values["limits"]


def test_alternating_periods_are_drawn_by_participant() -> None:
    design = StudyDesign("n-of-1", ("tens", "placebo"), run_in_nights=2, period_nights=5, washout_nights=0)
    truth = Truth()
    truth = replace(truth, design=design, cramps=replace(truth.cramps, rate_per_week=8.0))
    found = analyses.run(NAME, simulate(8, 32, seed=4, truth=truth, mess=Mess.none()))
    assert found.figures[section.COURSE].figure == "single_participants"
    drawn = figures.single_participants(found.figures[section.COURSE].estimates)
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert labels[-1] == "All pairs" and all(label.startswith("Participant ") for label in labels[:-1])
    assert "no test of it decides on the analysis" in found.values["limits"]
    assert ": the verdict is read there." in (found.tables[section.EFFECTS].note or "")


def test_of_a_combination_nutrition_does_not_say_that_people_take_it_as_they_cramp() -> None:
    rng = np.random.default_rng(1)
    arms = [("placebo",), ("magnesium", "tens")] * 10
    nights = {f"{i:02}": rng.poisson(1.0, 20).tolist() for i in range(len(arms))}
    periods = [(who, agent, 8, 19, True) for who, agents in zip(nights, arms, strict=True) for agent in agents]
    cohort = study(nights, periods, serum_magnesium_mmol_l=rng.normal(0.85, 0.07, len(arms)).tolist())
    told = " ".join(analyses.run("nutrition", cohort).values.values())
    assert "here lots gave it in combination alone (magnesium + TENS)" in told and "because they cramp" not in told


@pytest.mark.parametrize("people", [1, 3])
def test_periods_of_few_participants_are_told_as_of_each_alone_in_text_figure_and_summary(people: int) -> None:
    rng = np.random.default_rng(2)
    turns = ("tens", "placebo", "placebo", "tens", "tens", "placebo", "placebo", "tens")
    nights = {
        f"{i}": [int(rng.poisson(0.5 if agent == "tens" else 2.0)) for agent in turns for _ in range(10)]
        for i in range(people)
    }
    periods = [(who, agent, 10 * k, 10 * k + 9, True) for who in nights for k, agent in enumerate(turns)]
    found = analyses.run(NAME, study(nights, periods))
    singles = kinds.TREATMENT_EFFECT_OF_ONE.rows(found.estimates)
    assert singles["estimate"].notna().sum() == people
    drawing = found.figures[section.COURSE]
    drawn = figures.single_participants(drawing.estimates)
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert len(labels) == people and "All pairs" not in labels and ", and pooled" not in drawing.caption
    told = found.values["answer"]
    assert told.startswith("By lot, TENS against placebo: rate ratio") and "nothing of others" in told
    assert all(f"{row.estimate:.2f} (" in told and f"in {row.level}" in told for row in singles.itertuples())
    assert f"No effect beyond single participants could be estimated: {people} participant" in told
    assert found.values["by_design"] == ""
    assert sentences.not_told(found.estimates)[0].startswith("effect of TENS beyond single participants: ")


def test_a_survey_has_one_sentence() -> None:
    found = analyses.run(NAME, survey(None))
    assert found.unanswered == found.values["answer"]
    assert (
        found.values["answer"].startswith("Could not estimate: ")
        and "neither gives a treatment" in found.values["answer"]
    )
    assert found.tables == {} and found.figures == {} and set(found.could_not) == set(section.PARTS)


def test_the_command_takes_the_nights_and_refuses_what_cannot_be(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    write(folder, 30, 42, seed=5, truth=preset("magnesium-trial").truth)
    asked = ("analyse", NAME, str(folder))
    code, out, _ = run(*asked, "--run-in", "10", "--build-up", "5", "--csv")
    assert code == 0 and "time zero is 10 nights after the first logged night" in out and "of build-up left out" in out
    code, _, err = run(*asked, "--washout", "-1")
    assert code == 2 and "a washout has 0 nights or more, got -1" in err
    with pytest.raises(UsageError, match="a run-in has 1 night or more, got 0"):
        Settings(run_in=0)


def test_the_same_cohort_has_the_same_rows(trial: Findings) -> None:
    again = analyses.run(NAME, simulate(60, 42, seed=5, truth=preset("magnesium-trial").truth))
    assert again.estimates.equals(trial.estimates)
    assert not trial.estimates["key"].duplicated().any()


def test_no_key_stands_twice_in_open_use(openly: Findings) -> None:
    keys = openly.estimates["key"]
    assert keys[keys.duplicated()].tolist() == []


def test_what_modifies_is_of_those_with_the_covariates_and_names_those_that_there_are() -> None:
    truth = preset("default").truth
    agents = tuple(replace(a, share_using=0.5 if a.column == "magnesium" else 0) for a in truth.agents)
    cohort = simulate(60, 40, seed=4, truth=replace(truth, agents=agents), mess=Mess.none())
    women = cohort.frame("participants").with_columns(
        sex=pl.lit("female"), age_years=pl.when(pl.int_range(pl.len()) % 6 > 0).then("age_years")
    )
    doses = cohort.frame("treatments").with_columns(dose=200.0 + pl.int_range(pl.len()) % 3 * 100)
    tables = {**cohort.tables, "participants": women, "treatments": doses}
    found = analyses.run(NAME, replace(cohort, tables=tables))
    levels = kinds.TREATMENT_EFFECT_BY_LEVEL.rows(found.estimates)
    weeks = kinds.TREATMENT_EFFECT_BY_WEEK.rows(found.estimates)
    weeks = weeks[weeks["estimate"].notna()]
    compared = kinds.OPEN_USE_CRUDE.rows(found.estimates)["n_participants"].iloc[0]
    weighted = kinds.OPEN_USE.rows(found.estimates)["n_participants"].iloc[0]
    lost = f"{compared - weighted} participants without age left out"
    for rows in (levels, weeks):
        assert set(rows["adjusted_for"]) == {"run_in_log_rate; age_years"} and len(rows)
        assert all(lost in note.split("; ") for note in rows["note"]) and rows["n_participants"].max() <= weighted
    # The ratio of doses is of those who took it alone, beside the run-in.
    assert set(kinds.TREATMENT_DOSE.rows(found.estimates)["adjusted_for"]) == {"run_in_log_rate"}
    note = str(found.tables[section.MODIFIERS].note)
    assert "In open use adjusted for run-in and age, as far as each ratio takes them." in note and "sex" not in note


@pytest.mark.parametrize(("low", "high", "said"), [(0.05, 30.0, "too imprecise"), (0.5, 3.0, "too uncertain")])
def test_what_rules_nothing_out_is_told_in_the_words_of_the_summary(low: float, high: float, said: str) -> None:
    def answer(kind: Kind, **cells: object) -> str:
        shared = {"term": "vitamin_k2", "population": "all participants", "verdict": "inconclusive", "ci_level": 0.95}
        shared |= {"estimate": 1.2, "ci_low": low, "ci_high": high, "outcome": "cramps", "scale": "rate_ratio"}
        return sentences.answer(
            estimates.frame([estimates.row(status="converged", analysis=kind.name, **shared, **cells)])
        )

    chosen = answer(kinds.OPEN_USE, level="begun", reference="not begun")
    assert chosen == f"Taken by choice, and weighted for who takes them: {said} to tell for vitamin K2."
    drawn = answer(kinds.TREATMENT_EFFECT, level="parallel arms", reference="placebo")
    number = "" if said == "too imprecise" else " (rate ratio 1.20 (0.50–3.00))"
    assert drawn == f"By lot, vitamin K2 against placebo: {said} to tell{number}."


def test_a_fall_that_may_be_none_was_not_to_be_expected() -> None:
    """Of people who cramp at one rate no flare ends, whatever a few of them seem to tell."""
    row = {"analysis": kinds.REGRESSION_TO_THE_MEAN.name, "term": ALL, "scale": "rate_ratio", "n_participants": 63}
    made = [
        estimates.row(status="converged", **row | {"level": level, "estimate": e, "ci_low": low, "ci_high": high})
        for level, e, low, high in (
            (OBSERVED, 0.96, 0.87, 1.05),
            (EXPECTED, 1.84, 0.98, 3.48),
            (REMAINS, 0.52, 0.27, 0.99),
        )
    ]
    said = fall(estimates.frame(made))
    assert said.endswith(
        "with nights of both; whether a change was to be expected of regression to the mean alone is not clear (1.84; "
        "0.98–3.48)."
    )
    clear = [*made[:1], made[1] | {"estimate": 0.7, "ci_low": 0.55, "ci_high": 0.9}, *made[2:]]
    assert "0.70 (0.55–0.90) was to be expected of regression to the mean alone, which leaves a ratio of 0.52" in fall(
        estimates.frame(clear)
    )
