"""Exertion, stretching, sitting and stress: within and between persons, over several nights, by dose and in thirds."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_activity as recovery
from test_age_curve import survey

from crampstudy import analyses, causal, codebook, figures, fit, tables, wording
from crampstudy.analyses.sections import activity
from crampstudy.analyses.sentences import age
from crampstudy.causal.graph import descendants
from crampstudy.cohort import Cohort
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights import nightly
from crampstudy.contrasts.nights.activity import between_ratio
from crampstudy.contrasts.nights.modification import modified_ratio
from crampstudy.contrasts.nights.nightly import adjusted_lags, adjusted_within_between, in_one_model
from crampstudy.contrasts.nights.thirds import active_thirds
from crampstudy.contrasts.nights.windows import adjusted_window, is_u_shaped, strength_dose
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_brackets
from crampstudy.nights import Diary
from crampstudy.simulate import Mess, Truth, simulate

EVERY = {v.name for table in ("participants", "diary", "derived") for v in codebook.variables(table)}
ONLY_TWO = ("participant_id", "date", "cramps", "steps", "sitting_breaks")
FEW = {"participants_per_coefficient": 5}


@pytest.fixture(scope="module")
def diary() -> Cohort:
    """A cohort in which exercise brings cramps and two weeks of stretching take them away."""
    truth = Truth().with_effects(exercise_day=0.5, stretching_share=-1.0, sitting_between=0.3)
    return simulate(60, 45, seed=5, truth=truth, mess=Mess.none())


@pytest.fixture(scope="module")
def found(diary: Cohort) -> analyses.Findings:
    return analyses.run("activity", diary)


def person(rows: pd.DataFrame, term: str, level: str) -> dict[str, Any]:
    (row,) = wording.records(rows[rows["term"].eq(term) & rows["level"].eq(level)])
    return row


def training(rates: dict[float, float], people: int = 12, nights: int = 24) -> Cohort:
    """A diary of people who train so many minutes a week, and cramp as often a night as that says."""
    rng = np.random.default_rng(7)
    rows, who = [], []
    for dose, rate in rates.items():
        for k in range(people):
            who.append(f"p{dose:g}-{k}")
            counts = rng.poisson(rate, nights)
            rows += [(who[-1], date(2025, 3, 1) + timedelta(days=i), int(n), dose / 7) for i, n in enumerate(counts)]
    table = pl.DataFrame(rows, schema=["participant_id", "date", "cramps", "strength_min"], orient="row")
    made = pl.DataFrame({"participant_id": who, "age_years": 60.0, "sex": "male"})
    return Cohort("training", "diary", {"participants": made, "diary": table}, as_of=None)


def test_exposures_of_one_model_cause_none_of_one_another_and_what_it_has_suffices_for_each() -> None:
    graph = causal.study()
    for names in activity.TOGETHER:
        nodes = {name: graph.node(name).name for name in names}
        sets = {name: causal.adjustment_set(f"within({name})", "cramps", EVERY) for name in names}
        for name in names:
            after = descendants(graph.pairs(within=True), nodes[name])
            others = {node.name for found in sets.values() for node in found.nodes} | {*nodes.values()}
            assert not after & (others - {nodes[name]}), name
            terms = [*(f"within({each})" for each in names), *(c for found in sets.values() for c in found.columns)]
            flat = [one.strip() for term in terms for one in term.split("+")]
            sufficiency, *harmful = causal.conditioning(flat, f"within({name})", "cramps")
            assert sufficiency.startswith("sufficient") and not harmful, (name, sufficiency, harmful)


def test_few_people_have_a_model_for_each_exposure(diary: Cohort) -> None:
    assert in_one_model(diary, ["steps", "sitting_min"]) == [["steps"], ["sitting_min"]]
    people = diary.frame("participants")
    copies = [people.with_columns(pl.col("participant_id") + f"-{i}") for i in range(2)]
    tables = {"participants": pl.concat([people, *copies]), "diary": diary.frame("diary")}
    crowd = Cohort("many", "diary", tables, as_of=None)
    assert in_one_model(crowd, ["steps", "sitting_min"]) == [["steps", "sitting_min"]]
    assert in_one_model(crowd, []) == []


def test_any_stretching_counts_also_where_a_diary_asked_for_one_kind_alone() -> None:
    nights = pl.DataFrame(
        {"participant_id": ["p"] * 4, "stretch_calf_min": [5.0, 0, 0, None], "stretch_hamstring_min": [None, 2.0, 0, 0]}
    )
    people = pl.DataFrame({"participant_id": ["p"]})
    made = Diary("d", people, nights.lazy()).nights.collect()["stretching_night"].to_list()
    assert made == [True, True, False, None]
    alone = Diary("d", people, nights.drop("stretch_hamstring_min").lazy()).nights.collect()["stretching_night"]
    assert alone.to_list() == [True, False, False, None]
    assert "stretching_night" not in Diary("d", people, nights.select("participant_id").lazy()).schema


def test_what_a_diary_makes_of_nothing_is_not_measured(diary: Cohort) -> None:
    assert {"session_load", "stretching_night", "fluid_guideline"} <= causal.measured_in(diary)
    empty = diary.frame("diary").with_columns(exercise_rpe=pl.lit(None, pl.Float64), fluid_ml=pl.lit(None, pl.Float64))
    part = Cohort("part", "diary", {"participants": diary.frame("participants"), "diary": empty}, as_of=None)
    assert not {"session_load", "fluid_guideline"} & causal.measured_in(part)


def test_other_nights_of_what_a_date_or_a_night_makes_can_be_terms(diary: Cohort) -> None:
    terms = "lag(weekend_night, 1) + days_last(stretching_night, 3) + lag(session_load, 1)"
    rows = fit(diary, model="poisson", terms=terms).estimates
    assert set(rows["status"]) == {"converged"} and rows["term"].str.contains("weekend_night").any()


def test_exertion_is_held_against_that_of_the_day_after(diary: Cohort) -> None:
    made = adjusted_lags(diary, "session_load", against_lead=True)
    beside = person(made, "session_load", "lag 0")["adjusted_for"].split("; ")
    # What shows the same of the day before is a lag of the exposure already.
    assert "lag(exercise_min, 1)" not in beside and "ambient_temperature_c" in beside
    covariates = [term for term in beside if "session_load" not in term]
    lags = [f"lag(within(session_load), {k})" for k in range(4)]
    terms = [*lags, "lead(within(session_load), 1)", "between(session_load)", *covariates]
    fitted = fit(diary, model="negative-binomial", terms=" + ".join(terms))
    apart = fitted.coefficients[lags[0]] - fitted.coefficients["lead(within(session_load), 1)"]
    row = person(made, "session_load", "lag 0 against lead 1")
    assert math.log(row["estimate"]) == pytest.approx(apart, rel=1e-6)
    v = fitted.vcov.loc[both := [lags[0], "lead(within(session_load), 1)"], both].to_numpy()
    assert row["std_error"] == pytest.approx(math.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1]), rel=1e-6)
    assert person(made, "contrast: session_load", "lag 0 against lead 1")["verdict"] is not None
    # All nights are told at one contrast, that of the night itself, though centiles of each lag are a little apart.
    told = made[made["term"].eq("contrast: session_load") & made["estimate"].notna()].set_index("level")
    assert told["unit"].nunique() == 1 and len(told) == 8
    per_unit = made[made["term"].eq("session_load")].set_index("level").loc[told.index]
    size = np.log(told["estimate"].astype(float)) / np.log(per_unit["estimate"].astype(float))
    assert size.to_numpy() == pytest.approx(size.iloc[0], rel=1e-4)
    plain = distributed_lag(diary, "session_load", lags=1)
    assert "lag 0 against lead 1" not in set(plain["level"])


def test_between_persons_exertion_is_not_adjusted_for_their_exercise(diary: Cohort) -> None:
    made = adjusted_within_between(diary, ["session_load"], rng=np.random.default_rng(1), replicates=40)
    beside = person(kinds.WITHIN_BETWEEN.rows(made), "session_load", "between")["adjusted_for"].split("; ")
    assert "lag(within(session_load), 1)" in beside
    assert not {"between(exercise_min)", "lag(exercise_min, 1)"} & {*beside}


def test_nights_in_a_row_are_of_one_person_and_hold_no_earlier_cramps(diary: Cohort) -> None:
    made = adjusted_window(diary, "days_last(stretch_calf_min, 14)", "14 nights")
    row = person(made, "contrast: stretch_calf_min", "14 nights")
    assert row["adjusted_for"].split("; ") == ["between(stretch_calf_min)", "exercise_min", "weekend_night"]
    terms = "days_last(stretch_calf_min, 14) + between(stretch_calf_min) + exercise_min + weekend_night"
    by_hand = fit(diary, model="negative-binomial", terms=terms)
    slope = by_hand.coefficients["days_last(stretch_calf_min, 14)"]
    assert math.log(row["estimate"]) == pytest.approx(14 * slope, rel=1e-6)
    assert row["unit"] == "14 of 14 against 0 of 14 nights" and "not for cramps of the night before" in row["note"]
    # Drawn with 1 less on the log scale after stretching on all of 14 nights.
    assert row["ci_low"] < math.exp(-1) < row["ci_high"] and row["verdict"] is not None
    load = adjusted_window(diary, "load_ratio(session_load)", "acute over chronic load")
    assert set(load["term"]) == {"session_load", "contrast: session_load"}
    assert "between(session_load)" not in load["adjusted_for"].iloc[0]


def test_a_dose_of_training_is_a_u_where_both_ends_are_higher() -> None:
    bent = strength_dose(training({0: 0.6, 60: 0.2, 150: 0.3, 300: 0.7}))
    none, some, much = wording.records(bent)
    assert [row["level"] for row in (none, some, much)] == ["0 min/week", "150 min/week", "300 min/week"]
    # Four doses and four coefficients: the curve goes through the rates that were drawn.
    for row, ratio in ((none, 3.0), (much, 3.5)):
        assert row["ci_low"] < ratio < row["ci_high"] and row["verdict"] == "higher"
    assert some["unit"] == "150 against 60 min/week" and is_u_shaped(bent) is True
    falling = strength_dose(training({0: 0.7, 60: 0.45, 150: 0.3, 300: 0.15}))
    assert is_u_shaped(falling) is False


def test_a_dose_that_few_reached_has_no_ratio() -> None:
    made = strength_dose(training({0: 0.6, 60: 0.2, 90: 0.2}))
    none, some, much = wording.records(made)
    assert none["status"] == "converged" and none["ci_low"] < 3 < none["ci_high"]
    for row in (some, much):
        assert row["status"] == "not_estimable" and pd.isna(row["estimate"])
        assert row["note"] == "nobody ever had 150 min/week or more, and 5 are needed"
    assert tables.reasons(made) == "nobody ever had 150 min/week or more, and 5 are needed"
    assert is_u_shaped(made) is None
    nobody = strength_dose(training({0: 0.6}))
    assert set(nobody["note"]) >= {"nobody ever had 60 min/week or more, and 5 are needed"}
    assert set(nobody["status"]) == {"not_estimable"} and nobody["unit"].notna().all()


def test_the_least_active_third_is_set_against_the_most_active_one(diary: Cohort) -> None:
    (row,) = wording.records(active_thirds(diary))
    active = pl.col("exercise_min") + pl.col("low_impact_min")
    means = diary.frame("diary").group_by("participant_id").agg(active.mean().alias("mean"))
    low, high = np.quantile(means["mean"].to_numpy(), (1 / 3, 2 / 3))
    people = (
        diary.frame("participants")
        .join(means, on="participant_id")
        .with_columns(least=pl.col("mean") <= low, middle=(pl.col("mean") > low) & (pl.col("mean") < high))
    )
    who = Diary("d", people.drop("mean"), diary.frame("diary").lazy())
    terms = " + ".join(["least", "middle", *row["adjusted_for"].split("; ")])
    by_hand = fit(who, model="negative-binomial", terms=terms).estimates
    assert row["estimate"] == pytest.approx(by_hand.loc[by_hand["term"] == "least", "estimate"].iloc[0], rel=1e-6)
    assert (row["level"], row["reference"]) == ("least active third", "most active third")
    assert row["verdict"] is not None and not {"exercise_min", "between(exercise_min)"} & {
        *row["adjusted_for"].split("; ")
    }
    few = diary.frame("participants").head(12)
    nights = diary.frame("diary").join(few.select("participant_id"), on="participant_id", how="semi")
    (none,) = wording.records(active_thirds(Cohort("few", "diary", {"participants": few, "diary": nights}, as_of=None)))
    assert none["status"] == "not_estimable" and none["note"].startswith("thirds need 15 participants")


def test_the_third_is_told_in_the_answer_and_with_what_it_is_adjusted_for(found: analyses.Findings) -> None:
    (row,) = wording.records(kinds.THIRDS.rows(found.estimates))
    assert "in the least active third, against the most active one (" in found.values["answer"]
    assert in_brackets(row) in found.values["answer"]
    note = str(found.tables["tbl-activity-nights"].note)
    assert "east active third: adjusted for " in note and "stretching before bed: adjusted for " in note
    # What is adjusted for is told by the table above, and each remark is read by itself.
    assert ": not for cramps" not in note and "not adjusted for cramps of the night before, which earlier" in note


def test_exertion_without_stretching_is_a_ratio_of_ratios(diary: Cohort) -> None:
    made = modified_ratio(diary, activity.UNSTRETCHED)
    row = person(made, "contrast: session_load", "without stretching against with stretching")
    loads = Diary.of(diary).nights.select("participant_id", "session_load").drop_nulls()
    away = loads.select(pl.col("session_load") - pl.col("session_load").mean().over("participant_id")).collect()
    low, high = np.quantile(away.to_series().to_numpy(), (0.1, 0.9))
    terms = " + ".join(["within(session_load) * stretching_night", *row["adjusted_for"].split("; ")])
    fitted = fit(diary, model="negative-binomial", terms=terms)
    (product,) = (name for name in fitted.coefficients.index if ":" in name)
    assert math.log(row["estimate"]) == pytest.approx(-(high - low) * fitted.coefficients[product], rel=1e-6)
    assert row["verdict"] is not None and "no night was at" not in str(row["note"])


def test_every_question_has_its_row(found: analyses.Findings) -> None:
    rows = found.estimates
    judged = rows[rows["estimate"].notna() & rows["scale"].str.endswith("_ratio")]
    keys = set(zip(judged["term"].str.removeprefix("contrast: "), judged["level"], strict=True))
    split = (
        "session_load",
        "low_impact_min",
        "sitting_min",
        "mindfulness_min",
        "steps",
        "sitting_breaks",
        "stress_0_10",
    )
    split = (*split, *activity.STRETCHES, "stretching_night", "warm_up")
    assert {(name, level) for name in split for level in ("within", "between")} <= keys
    nights = ("lag 0", "lag 1", "cumulative", "lead 1", "lag 0 against lead 1", "acute over chronic load")
    assert {("session_load", level) for level in nights} <= keys
    assert {
        ("stretch_calf_min", "14 nights of calf stretching"),
        ("stretching_night", "14 nights of stretching"),
    } <= keys
    assert ("session_load", activity.UNSTRETCHED.level) in keys and ("exercise_min", "least active third") in keys
    units = dict(zip(rows["term"] + rows["level"], rows["unit"], strict=True))
    for name, level, unit in (
        ("low_impact_min", "within", "60 min/day above own mean"),
        ("mindfulness_min", "within", "15 min/day above own mean"),
        ("sitting_min", "between", "600 against 300 min/day"),
        ("sitting_breaks", "within", "6 breaks/day above own mean"),
        ("stress_0_10", "within", "2 points above own mean"),
        ("stretch_calf_min", "between", "0 against 10 min/day"),
    ):
        assert units[f"contrast: {name}{level}"] == unit
    assert set(rows.loc[rows["term"].str.endswith("strength_min"), "level"]) == {
        "0 min/week",
        "150 min/week",
        "300 min/week",
    }
    assert judged[["n_participants", "n_nights", "n_events"]].notna().all(axis=None)
    joint = kinds.JOINT.rows(rows)
    assert (
        set(joint["level"]) <= {"all of it", "none of it", "all against none"} and "tbl-joint-programme" in found.tables
    )
    assert not found.could_not


def test_the_answer_says_the_rows(found: analyses.Findings) -> None:
    within = person(kinds.WITHIN_BETWEEN.rows(found.estimates), "contrast: session_load", "within")
    shown = f"{within['estimate']:.2f}; {within['ci_low']:.2f}–{within['ci_high']:.2f}"
    assert found.values["answer"].startswith(f"After a day of much exertion (rate ratio {shown})")
    # Drawn with 0.5 more on the log scale for a day with exercise.
    assert within["estimate"] > 1 and "The ratio of exertion on the night after it was" in found.values["shown"]
    assert "Strength training" in found.values["shown"] or "strength training" in found.values["shown"]
    assert "signific" not in " ".join(found.values.values()).lower()
    table = found.tables["tbl-activity"].frame
    assert set(table.index.get_level_values(1)) <= {"Within participants", "Between participants", "Between, corrected"}
    over = found.tables["tbl-activity-nights"].frame
    assert over.index.get_level_values(1).tolist()[:1] == ["Same night"]
    # Exposures with the same beside them are told together.
    assert "hamstring stretching, hip-flexor stretching and warm-up: exercise" in str(found.tables["tbl-activity"].note)
    # What several rows compare in numbers stands above them.
    (head,) = {head for head in over.index.get_level_values(0) if head.startswith("Exertion (session load)")}
    assert ", 90th against 10th centile: " in head and " above own mean against " in head
    assert over.loc[head, "Contrast"].iloc[0] == "90th against 10th centile"
    assert not over["Contrast"].str.contains(head.partition(": ")[2], regex=False).any()


def test_what_stands_in_one_model_is_said_to_be_adjusted_for_one_another(
    diary: Cohort, found: analyses.Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few have a model for each.
    assert "one model" not in str(found.tables["tbl-activity"].note)
    monkeypatch.setattr(nightly, "ENOUGH_TOGETHER", 60)
    asked = {"where": None, "ci_level": 0.95, "replicates": 40}
    made = activity._within_between(diary, asked, causal.measured_in(diary))
    note = str(made.tables["tbl-activity"].note)
    assert (
        "In each of these models stand together exertion (session load), low-impact exercise, sitting and mindfulness; "
        "steps, breaks from sitting and stress; calf stretching, hamstring stretching and hip-flexor stretching: each "
        "is adjusted for the others as well, and for all that any of them is. "
    ) in note
    # The same model is that of sitting in the section on age, whose table says so.
    rows = pd.concat([between_ratio(diary, "sitting_min", where=None, ci_level=0.95)])
    here = rows.assign(term=rows["term"].str.replace("sitting_min", "between(sitting_min)"))
    said = age.beside_sitting(here)
    assert said.startswith(
        "Sitting stands in one model with exertion (session load), low-impact exercise and mindfulness, and is "
        "adjusted for these as well, and for all that any of them is: exertion (session load) (within participants, 1 "
        "night before)"
    )
    apart = activity._within_between(
        Cohort("two", "diary", {**diary.tables, "diary": diary.frame("diary").select(*ONLY_TWO)}, as_of=None),
        asked,
        frozenset({"steps", "sitting_breaks"}),
    )
    assert (
        "In one model with one another stand steps and breaks from sitting: each is adjusted for the other as well"
    ) in str(apart.tables["tbl-activity"].note)


def test_within_and_between_stand_side_by_side(found: analyses.Findings) -> None:
    figure = figures.within_between(found.estimates)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Within participants", "Between participants"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 12
    assert "Sitting\nwithin: 300 min/day above own mean\nbetween: 600 against 300 min/day" in labels
    # A row of the figure has one sense: high against low in both panels.
    assert "Stress\nwithin: 2 points above own mean\nbetween: 90th against 10th centile" in labels
    # Beside each panel stand its ratios, and at the end the people and events behind them.
    told = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    rows = kinds.WITHIN_BETWEEN.rows(found.estimates)
    for level, texts in zip(("within", "between"), told, strict=True):
        own = rows[rows["level"].eq(level) & rows["term"].eq("contrast: sitting_min")]
        (row,) = wording.records(own)
        assert wording.estimate(row) in texts
    assert {"People", "Events"} <= {*told[1]} and wording.count(row["n_events"]) in told[1]
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert 0.04 < low < 0.8 and 1.25 < high < 22
    # Where there is none between participants, what is within is drawn with its people.
    alone = figures.within_between(rows[rows["level"].ne("between")])
    told = [{text.get_text() for text in axes.texts} for axes in alone.axes]
    assert {"People", "Events"} <= told[0] and not told[1]
    # So is one exposure without a ratio between participants, beside others that have one.
    some = rows[~(rows["level"].eq("between") & rows["term"].str.endswith("sitting_min"))]
    of_sitting = next(wording.count(row["n_events"]) for row in wording.records(rows) if "sitting_min" in row["term"])
    beside = [text.get_text() for text in figures.within_between(some).axes[1].texts]
    whole = [text.get_text() for text in figure.axes[1].texts]
    assert beside.count(of_sitting) == whole.count(of_sitting) > 0


def test_what_was_not_logged_is_said_and_the_rest_is_made(diary: Cohort) -> None:
    nights = diary.frame("diary").select("participant_id", "date", "cramps", "sitting_min")
    made = analyses.run(
        "activity", Cohort("part", "diary", {"participants": diary.frame("participants"), "diary": nights}, as_of=None)
    )
    assert made.values["not_estimated"].startswith("Not measured in this cohort: exertion (session load), low-impact")
    assert set(made.could_not) == {"tbl-activity-nights", "fig-activity-lags", "tbl-joint-programme"}
    assert made.could_not["tbl-joint-programme"].startswith(
        "drinking, eating and stretching as advised, taken together, need fluid of at least 1,893 mL, stretching"
    )
    asked = analyses.run("activity", survey(None))
    assert asked.could_not == {"tbl-activity": "the survey asked neither for activity nor for sitting"}
    assert asked.values["answer"].startswith("How cramps go with activity could not be estimated: the survey asked")


@pytest.mark.parametrize("law", [recovery.PROGRAMME_LAW, recovery.STRETCHING_LAW, recovery.Advice()])
def test_what_is_done_over_several_nights_is_found_as_it_was_put_in(law: recovery.Advice) -> None:
    found = recovery.found(law, law.cohort(200, 28, np.random.default_rng(12)))
    assert len(found) == {recovery.PROGRAMME_LAW: 2, recovery.STRETCHING_LAW: 1}.get(law, 3)
    for name, answer in found.items():
        assert answer is not None, name
        error, std_error, _ = answer
        assert abs(error) < 3 * std_error and std_error < 0.25, name


def test_the_advice_of_the_law_is_that_of_the_programme() -> None:
    stretched = np.array([[True] * 6 + [False] * 4])
    assert recovery._in_last(stretched, 7).tolist() == [[1, 2, 3, 4, 5, 6, 6, 5, 4, 3]]
    age, female = np.array([51.0, 50.0, 80.0]), np.array([True, True, False])
    eaten = np.array([1100.0, 1100.0, 1199.0])
    assert recovery._reached("dietary_calcium_mg", age, female, eaten).tolist() == [False, True, False]


def test_captions_and_notes_name_what_was_logged(diary: Cohort) -> None:
    kept = diary.frame("diary").select("participant_id", "date", "cramps", "stretch_calf_min", "steps")
    made = analyses.run(
        "activity", Cohort("part", "diary", {"participants": diary.frame("participants"), "diary": kept}, as_of=None)
    )
    main, nights = made.tables["tbl-activity"], made.tables["tbl-activity-nights"]
    assert main.caption == "Steps, stretching and cramps, at the declared contrasts."
    assert nights.caption == "Stretching over several nights."
    assert "warm-up" not in str(main.note) and "load ratio" not in str(nights.note)
    assert made.values["late"] == "Stretching may act by keeping at it."
