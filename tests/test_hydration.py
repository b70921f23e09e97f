"""Fluid, drinks and alcohol: what a day makes of a night, within and between persons, over nights, and in the heat."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.collections import PathCollection
from test_age_curve import survey

from crampstudy import analyses, estimates, figures, fit, tables, wording
from crampstudy.analyses.findings import Findings, attempt
from crampstudy.analyses.sections import hydration
from crampstudy.analyses.sentences import nightly as nightly_sentences
from crampstudy.causal import Adjustment, measured_in
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights import nightly
from crampstudy.contrasts.nights.modification import modified_ratio
from crampstudy.contrasts.nights.nightly import adjusted_lags, adjusted_within_between, adjustments
from crampstudy.contrasts.nights.nocturia import nocturia_by_fluid
from crampstudy.contrasts.within_between import within_between
from crampstudy.descriptive.adherence import adherence
from crampstudy.errors import AnalysisError
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.verdicts import why_beyond
from crampstudy.nights import Diary
from crampstudy.simulate import Mess, Truth, simulate

SET = "alcohol_units + dietary_sodium_mg + exercise_min + ambient_temperature_c + electrolyte_drink"
HEAT = replace(hydration.HEAT, unit="500 mL less")


@pytest.fixture(scope="module")
def diary() -> Cohort:
    """A cohort in which less fluid brings cramps, the more so in the heat, and more of it nocturia."""
    truth = Truth().with_effects(fluid_within=-0.3)
    truth = replace(truth, cramps=replace(truth.cramps, fluid_by_temperature=-0.2))
    truth = replace(truth, burden=replace(truth.burden, nocturia_per_litre=0.8))
    return simulate(60, 30, seed=4, truth=truth, mess=Mess.none())


@pytest.fixture(scope="module")
def found(diary: Cohort) -> analyses.Findings:
    return analyses.run("hydration", diary)


def person(rows: pd.DataFrame, term: str, level: str) -> dict[str, Any]:
    (row,) = wording.records(rows[rows["term"].eq(term) & rows["level"].eq(level)])
    return row


def counted(fluid: list[list[float | None]], mass: list[float | None]) -> Cohort:
    """A diary of so many nights a person with this fluid."""
    who = [f"p{i}" for i in range(len(fluid))]
    first = date(2025, 3, 1)
    nights = [
        (p, first + timedelta(days=k), 0, ml) for p, own in zip(who, fluid, strict=True) for k, ml in enumerate(own)
    ]
    table = pl.DataFrame(nights, schema=["participant_id", "date", "cramps", "fluid_ml"], orient="row")
    people = {"participant_id": who, "age_years": [60.0] * len(who), "sex": ["male"] * len(who), "body_mass_kg": mass}
    made = pl.DataFrame(people, schema_overrides={"body_mass_kg": pl.Float64})
    return Cohort("counted", "diary", {"participants": made, "diary": table.cast({"fluid_ml": pl.Float64})}, as_of=None)


def test_what_follows_from_a_day_is_a_column_of_its_night() -> None:
    nights = pl.DataFrame(
        {
            "participant_id": ["p"] * 5,
            "fluid_ml": [1892.0, 1893.0, None, 0.0, 4000.0],
            "exercise_min": [30.0, 0.0, None, 20.0, 10.0],
            "exercise_rpe": [5.0, None, 5.0, None, 0.0],
        }
    )
    made = Diary("d", pl.DataFrame({"participant_id": ["p"]}), nights.lazy()).nights.collect()
    assert made["fluid_guideline"].to_list() == [False, True, None, False, True]
    # A day without exercise has no load, and a session that nobody rated an unknown one.
    assert made["session_load"].to_list() == [150.0, 0.0, None, None, 0.0]
    own = nights.with_columns(session_load=pl.lit(7.0)).drop("fluid_ml")
    kept = Diary("d", pl.DataFrame({"participant_id": ["p"]}), own.lazy())
    assert kept.nights.collect()["session_load"].to_list() == [7.0] * 5
    assert "fluid_guideline" not in kept.schema


def test_a_simulated_body_has_the_mass_of_its_index_at_a_height_of_its_sex(diary: Cohort) -> None:
    people = diary.frame("participants")
    height = (people["body_mass_kg"] / people["bmi_kg_m2"]).sqrt()
    for sex, mean in (("female", 1.613), ("male", 1.753)):
        own = height.filter(people["sex"] == sex)
        assert own.mean() == pytest.approx(mean, abs=0.03) and 0.05 < float(own.std() or 0) < 0.1


def test_a_share_of_nights_has_persons_as_clusters() -> None:
    fluid: list[list[float | None]] = [
        [1893.0, 2000.0, 100.0, None],
        [100.0, 100.0],
        [2500.0],
        [1900.0, 0.0],
        [0.0] * 4,
        [5000.0],
    ]
    row, per_kg = wording.records(adherence(counted(fluid, [60.0, None, 90.0, 70.0, 50.0, 400.0])))
    met, n = np.array([2, 0, 1, 1, 0, 1.0]), np.array([3, 2, 1, 2, 4, 1.0])
    share = met.sum() / n.sum()
    error = math.sqrt(6 / 5 * ((met - share * n) ** 2).sum()) / n.sum()
    half = 2.570582 * error / (share * (1 - share))
    limits = [1 / (1 + math.exp(-(math.log(share / (1 - share)) + side * half))) for side in (-1, 1)]
    assert (row["term"], row["n_participants"], row["n_nights"], row["n_events"]) == ("fluid_guideline", 6, 13, 5)
    assert [row["estimate"], row["ci_low"], row["ci_high"]] == pytest.approx([share, *limits], rel=1e-6)
    # 30 mL/kg: 1,800, unknown, 2,700, 2,100, 1,500 and 12,000 mL.
    assert (per_kg["n_participants"], per_kg["n_nights"], per_kg["n_events"]) == (5, 11, 2)


def test_a_share_says_why_it_has_no_interval_or_no_number() -> None:
    one, _ = wording.records(adherence(counted([[2000.0, 100.0]], [None])))
    assert (one["status"], one["note"]) == ("not_estimable", "of one participant alone") and math.isnan(one["estimate"])
    few, unweighed = wording.records(adherence(counted([[2000.0], [100.0]], [None, None])))
    assert few["estimate"] == 0.5 and math.isnan(few["ci_low"]) and "fewer than 5 participants" in few["note"]
    assert (unweighed["status"], unweighed["note"]) == ("not_measured", "no value of body_mass_kg")
    every, _ = wording.records(adherence(counted([[2000.0]] * 20, [None] * 20)))
    assert (every["estimate"], every["ci_high"], every["status"]) == (1, 1, "boundary") and 0.7 < every["ci_low"] < 0.9


def test_why_a_part_could_not_be_made_names_no_column() -> None:
    diary = counted([[None] * 3] * 6, [60.0] * 6)
    nights = diary.tables["diary"].with_columns(alcohol_units=pl.Series([0.0, 2.0, 1.0] * 6))
    found = analyses.run("hydration", replace(diary, tables={**diary.tables, "diary": nights}))
    why = found.could_not["tbl-adherence"]
    assert why == "how often guidelines on fluid were met is not known: not measured in this cohort: fluid intake"
    assert "fluid intake" in tables.not_estimated(found.estimates, found.could_not)

    def part() -> Findings:
        raise AnalysisError("no night has fluid_ml")

    assert attempt(["tbl-x"], part).could_not == {"tbl-x": "no night has fluid intake"}


def test_of_a_survey_the_share_is_of_the_population() -> None:
    n = 200
    water = [0.0] * 100 + [2500.0] * 100
    people = pl.DataFrame(
        {
            "participant_id": [f"S{i:03}" for i in range(n)],
            "age_years": [50.0] * n,
            "sex": ["female", "male"] * 100,
            "recall_water_ml": water,
            "stratum": [i % 4 + 1 for i in range(n)],
            "psu": [i // 4 % 2 + 1 for i in range(n)],
            "weight_interview": [1.0] * n,
            "weight_diet1": [3.0] * 100 + [1.0] * 100,
            "recalled_low": [0, 5] * 100,
            "recalled_high": [0, 15] * 100,
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview", "diet1": "weight_diet1"})
    asked = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    row, per_kg = wording.records(adherence(asked))
    assert row["estimate"] == pytest.approx(0.25) and row["n_events"] == 100 and row["note"] == "weight weight_diet1"
    assert row["ci_low"] < 0.25 < row["ci_high"] and per_kg["status"] == "not_measured"
    women, _ = wording.records(adherence(asked, where="sex = 'female'"))
    assert (women["n_participants"], women["n_events"]) == (100, 50)


def test_exposures_stand_in_one_model_with_what_the_graph_asks_for(diary: Cohort) -> None:
    rng = np.random.default_rng(1)
    made = adjusted_within_between(diary, ["alcohol_units"], rng=rng, replicates=40)
    within = person(made, "contrast: alcohol_units", "within")
    beside = within["adjusted_for"].split("; ")
    # What was drunk the day before is a deviation, so that the ratio between persons is of their mean on all days.
    assert {"between(alcohol_units)", "lag(within(alcohol_units), 1)", "stress_0_10", "season_cos"} <= {*beside}
    assert "lag(alcohol_units, 1)" not in beside
    terms = [term for term in beside if term != "between(alcohol_units)"]
    plain = within_between(
        diary, ["alcohol_units"], rng=np.random.default_rng(1), beside=" + ".join(terms), replicates=40
    )
    same = ["term", "level", "estimate", "ci_low", "ci_high", "verdict"]
    pd.testing.assert_frame_equal(made[same], plain[same])
    assert within["note"].startswith("compared within persons, adjusted for stress_0_10")
    assert person(made, "contrast: alcohol_units", "between")["note"].startswith("adjusted for age_years, bmi_kg_m2")


def test_lags_hold_one_another_and_what_the_graph_asks_for(diary: Cohort) -> None:
    made = adjusted_lags(diary, "alcohol_units")
    plain = distributed_lag(diary, "alcohol_units", beside="stress_0_10 + season_cos + season_sin + weekend_night")
    same = ["term", "level", "estimate", "ci_low", "ci_high", "verdict"]
    pd.testing.assert_frame_equal(made[same], plain[same])
    levels = ["lag 0", "lag 1", "lag 2", "lag 3", "cumulative", "lag 1 against lag 0", "lead 1"]
    assert list(dict.fromkeys(made["level"])) == levels
    assert made["note"].str.startswith("compared within persons, adjusted for stress_0_10").all()


def test_a_recalled_day_does_not_stand_for_the_nights_of_a_person(diary: Cohort) -> None:
    nights = diary.frame("diary").select("participant_id", "date", "cramps", "fluid_ml")
    part = Cohort("part", "diary", {"participants": diary.frame("participants"), "diary": nights}, as_of=None)
    said = adjustments(part, "fluid_ml")
    assert said.startswith("fluid intake: nothing (between persons also age, ")
    assert "and not for alcohol, dietary sodium, exercise, outdoor temperature and electrolyte drink, which it" in said


def test_of_few_people_the_exposures_stay_and_covariates_are_left_out(diary: Cohort) -> None:
    people = diary.frame("participants").head(25)
    nights = diary.frame("diary").join(people.select("participant_id"), on="participant_id", how="semi")
    few = Cohort("few", "diary", {"participants": people, "diary": nights}, as_of=None)
    rng = np.random.default_rng(1)
    made = adjusted_within_between(few, ["fluid_ml"], rng=rng, participants_per_coefficient=5)
    row = person(made, "contrast: fluid_ml", "within")
    assert row["adjusted_for"].split("; ") == ["between(fluid_ml)", "alcohol_units", "dietary_sodium_mg"]
    assert row["note"].startswith(
        "adjusted for fewer than the study's graph asks for: too few participants to take exer"
    )
    assert row["adjustment"] == "too few participants" and row["lacks"].startswith("exercise_min; ")
    said = nightly_sentences.adjusted(few, ["fluid_ml"], made)
    assert "There are too few participants to take all of that for fluid intake: what each takes stands in" in said
    within = made[made["level"].eq("within")].copy()
    whole = made[made["level"].eq("between")].assign(note=None, adjustment="sufficient")
    part = nightly_sentences.adjusted(few, ["fluid_ml"], pd.concat([within, whole]))
    assert "take all of that for fluid intake (within participants): what" in part
    assert "adjusted for fewer" not in said


@pytest.mark.parametrize(
    ("surplus", "why"), [(["sex"], "too few participants"), ([], "not taken in"), (["education"], "not taken in")]
)
def test_that_people_were_too_few_is_told_by_what_the_model_left_out(surplus: list[str], why: str) -> None:
    found = Adjustment("fluid_ml", "cramps", "the graph")
    cells = adjustment.cells("terms left out", surplus) if surplus else adjustment.NONE
    for people in (10, 10_000):
        row = {"status": "converged", "adjusted_for": "age_decade", "n_participants": people, **cells}
        held = nightly._held(row, found, ["age_decade", "sex"])
        assert held.cells == {"adjustment": why, "lacks": "sex"}
        assert ("too few participants" in held.sentence) == (why == "too few participants")


def test_the_ratio_of_ratios_is_of_the_joint_covariance(diary: Cohort) -> None:
    made = modified_ratio(diary, HEAT)
    fitted = fit(diary, model="negative-binomial", terms=f"within(fluid_ml) * ambient_temperature_c + {SET}")
    slope = fitted.coefficients["within(fluid_ml):ambient_temperature_c"]
    own = fitted.coefficients["within(fluid_ml)"]
    both = person(made, "contrast: fluid_ml", "30 °C against 10 °C")
    assert math.log(both["estimate"]) == pytest.approx(-500 * 20 * slope, rel=1e-6)
    error = math.sqrt(fitted.vcov.loc[slope_of := "within(fluid_ml):ambient_temperature_c", slope_of])
    assert both["std_error"] == pytest.approx(500 * 20 * error, rel=1e-6)
    for at in (10, 20):
        row = person(made, "fluid_ml", f"{at} °C")
        assert math.log(row["estimate"]) == pytest.approx(-500 * (own + at * slope), rel=1e-6)
        assert pd.isna(row["verdict"]) and row["unit"] == "500 mL less"
    warmest = float(diary.frame("diary")["ambient_temperature_c"].max())  # type: ignore[arg-type]
    # Where no night was so warm the ratio of ratios is the line of the model, of which there is no verdict.
    assert warmest < 30 and "no night was at 30 °C" in both["note"] and pd.isna(both["verdict"])
    assert fact(both, "never at") == "30 °C"
    assert fact(both, "no verdict") == "no night was at 30 °C, where the line of the model is followed"
    # Why a claim of it cannot be tested, and why the section has no answer, is that alone.
    assert why_beyond(both) == "no night was at 30 °C"
    lacking = tables.not_estimated(made, {})
    assert lacking == (
        "No verdict, as what is compared lies beyond all that was observed: fluid intake (30 °C) and fluid intake "
        "(30 °C against 10 °C)."
    )
    hot = pl.when(pl.int_range(pl.len()) < 20).then(pl.lit(31.0)).otherwise(pl.col("ambient_temperature_c"))
    nights = diary.frame("diary").with_columns(ambient_temperature_c=hot)
    seen = Cohort("hot", "diary", {"participants": diary.frame("participants"), "diary": nights}, as_of=None)
    warm = person(modified_ratio(seen, HEAT), "contrast: fluid_ml", "30 °C against 10 °C")
    assert not pd.isna(warm["verdict"]) and not fact(warm, "never at")
    # What the cohort was drawn from: per 350 mL, and 10 °C.
    assert both["ci_low"] < math.exp(-0.2 * -500 / 350 * 2) < both["ci_high"]


def test_without_its_product_there_is_no_ratio_of_ratios(diary: Cohort) -> None:
    same = diary.frame("diary").with_columns(ambient_temperature_c=pl.lit(10.0))
    flat = Cohort("flat", "diary", {"participants": diary.frame("participants"), "diary": same}, as_of=None)
    (row,) = wording.records(modified_ratio(flat, HEAT))
    assert (row["status"], row["level"]) == ("not_estimable", "30 °C against 10 °C") and pd.isna(row["estimate"])
    assert "follows from the terms before it" in row["note"]


def test_nocturia_is_counted_as_cramps_are(diary: Cohort) -> None:
    (row,) = wording.records(nocturia_by_fluid(diary))
    nights = diary.frame("diary").with_columns(cramps=pl.col("nocturia"))
    as_cramps = Cohort("c", "diary", {"participants": diary.frame("participants"), "diary": nights}, as_of=None)
    fitted = fit(as_cramps, model="poisson", terms=f"within(fluid_ml) + {SET}")
    assert math.log(row["estimate"]) == pytest.approx(500 * fitted.coefficients["within(fluid_ml)"], rel=1e-9)
    assert (row["outcome"], row["unit"]) == ("nocturia", "500 mL/day above own mean") and row["verdict"] == "higher"
    assert row["n_events"] == diary.frame("diary")["nocturia"].sum()
    # A chance of more than 1 is 1, so that most of what a litre does shows.
    assert row["ci_low"] < math.exp(0.8 / 2) < row["ci_high"] * 1.05
    none = diary.frame("diary").with_columns(nocturia=pl.lit(0, pl.Int64))
    never = Cohort("n", "diary", {"participants": diary.frame("participants"), "diary": none}, as_of=None)
    (row,) = wording.records(nocturia_by_fluid(never))
    assert row["status"] == "not_estimable" and row["outcome"] == "nocturia"


def test_every_question_has_its_row(found: analyses.Findings) -> None:
    rows = found.estimates
    declared = rows[rows["term"].map(wording.is_declared)]
    keys = set(zip(declared["term"].str.removeprefix("contrast: "), declared["level"], strict=True))
    nights = ("within", "between", "lag 0", "lag 1", "lag 2", "lag 3", "cumulative", "lag 1 against lag 0", "lead 1")
    assert {(name, level) for name in ("fluid_ml", "alcohol_units") for level in nights} <= keys
    assert ("fluid_ml", "30 °C against 10 °C") in keys
    assert set(declared.loc[declared["level"] == "within", "unit"]) >= {
        "500 mL/day below own mean",
        "3 units/day above own mean",
        "500 mL/day above own mean",
    }
    assert {"within", "between"} <= set(rows.loc[rows["term"] == "electrolyte_drink", "level"])
    assert set(kinds.ADHERENCE.rows(rows)["term"]) == {"fluid_guideline", "fluid_per_kg_guideline"}
    of_ratios = rows[rows["scale"].str.endswith("_ratio")]
    assert of_ratios[["n_participants", "n_nights", "n_events"]].notna().all(axis=None)
    judged = of_ratios[of_ratios["verdict"].notna() & ~of_ratios["term"].map(wording.is_declared)]
    assert set(judged["term"]) <= {"electrolyte_drink", "fluid_guideline"}
    assert not found.could_not and found.absent == ()


def test_the_answer_says_the_rows(found: analyses.Findings) -> None:
    rows = found.estimates
    within = person(kinds.WITHIN_BETWEEN.rows(rows), "contrast: fluid_ml", "within")
    # Drawn with 0.3 fewer on the log scale per 350 mL more.
    assert within["ci_low"] < math.exp(0.3 * 500 / 350) < within["ci_high"] and within["verdict"] == "higher"
    shown = f"{within['estimate']:.2f}; {within['ci_low']:.2f}–{within['ci_high']:.2f}"
    said = f"After a day with 500 mL less fluid than their own mean (rate ratio {shown})"
    assert found.values["answer"].startswith(said) and "people had more cramps" in found.values["answer"]
    # What is told of alcohol on other days is told of fluid.
    for level, words in (("lag 1", "the day before"), ("cumulative", "on four days running")):
        for name, what in (("fluid_ml", "500 mL less fluid"), ("alcohol_units", "3 units more alcohol")):
            row = person(kinds.DISTRIBUTED_LAG.rows(rows), f"contrast: {name}", level)
            assert f"with {what} {words} ({row['estimate']:.2f}; " in found.values["answer"]
    assert (
        "people got up to pass urine" in found.values["shown"]
        and "cannot be told: no night was at 30 °C" in found.values["shown"]
    )
    assert "signific" not in " ".join(found.values.values()).lower()
    assert "500 mL less fluid" in found.figures["fig-fluid-temperature"].caption
    again = found.tables["tbl-adherence"].note or ""
    assert "of the same person's other nights" in again or "the same person's other nights" in again


def test_the_table_has_each_ratio_once_by_exposure(found: analyses.Findings) -> None:
    table = found.tables["tbl-hydration"].frame
    groups = table.index.get_level_values(0)
    assert list(dict.fromkeys(groups)) == ["Fluid intake", "Electrolyte drink", "Alcohol"]
    fluid = table.loc["Fluid intake"]
    assert fluid["Reliability"].iloc[0] == "–" and fluid["Reliability"].iloc[1].startswith("0.9")
    assert [*fluid.index] == [
        *("Within participants", "Between participants"),
        *("Same night", "1 night later", "2 nights later", "3 nights later"),
        *("All these nights together", "1 night later against same night", "1 night before, control"),
    ]
    assert set(table.loc["Electrolyte drink"]["Contrast"]) == {"yes against no"}
    note = found.tables["tbl-hydration"].note or ""
    assert "for these: fluid intake: alcohol, dietary sodium, exercise" in note
    assert "sufficient under" not in note


def test_the_curve_has_its_control_at_the_left_and_all_nights_at_the_right(found: analyses.Findings) -> None:
    figure = figures.lag_curves(found.estimates)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Fluid intake, 500 mL/day below own mean",
        "Alcohol, 3 units/day above own mean",
    ]
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["−1\n(control)", "0", "1", "2", "3", "all\ntogether"]
    low, high = figure.axes[0].get_ylim()
    assert low < 0.8 and high > 1.25
    lost = estimates.row(
        status="not_estimable", analysis="distributed lag", scale="rate_ratio", level="lag 0", term="x", note="no night"
    )
    said = figures.lag_curves(estimates.frame([lost])).texts[0].get_text()
    assert said == "Could not estimate: no night."


def test_an_interval_beyond_the_axis_ends_in_an_arrow(found: analyses.Findings) -> None:
    rows = kinds.DISTRIBUTED_LAG.rows(found.estimates).copy()
    far = rows["term"].eq("contrast: alcohol_units") & rows["level"].eq("cumulative")
    rows.loc[far, ["estimate", "ci_low", "ci_high"]] = [30.0, 0.5, 900.0]
    fluid, alcohol = figures.lag_curves(rows).axes
    arrows = {
        axes: [line for line in axes.get_lines() if line.get_marker() == "^" and len(line.get_xdata())]
        for axes in (fluid, alcohol)
    }
    assert not arrows[fluid] and [float(line.get_ydata()[0]) for line in arrows[alcohol]] == [20.0]
    # No point is drawn at an edge where it is not.
    assert all(y < 20 for dots in alcohol.collections for _, y in dots.get_offsets())


def test_ratios_by_temperature_are_drawn_or_say_why(found: analyses.Findings) -> None:
    (axes,) = figures.modified(found.estimates).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10 °C", "20 °C", "30 °C"]
    assert axes.get_title(loc="left") == "Fluid intake, 500 mL/day below own mean"
    # No night was at 30 °C, and no point is drawn there.
    (dots,) = (drawn for drawn in axes.collections if isinstance(drawn, PathCollection))
    assert [x for x, _ in dots.get_offsets()] == [0.0, 1.0]
    table = tables.modified(kinds.MODIFIED.rows(found.estimates))
    assert table.index[-1] == "Fluid intake, ratio of ratios 30 °C against 10 °C" and table["Verdict"].iloc[0] == "–"
    assert list(table.filter(like="Rate ratio").iloc[2:, 0]) == ["beyond all observed"] * 2


def test_what_was_not_measured_is_said_and_the_rest_is_made(diary: Cohort) -> None:
    nights = diary.frame("diary").select("participant_id", "date", "cramps", "fluid_ml")
    part = Cohort("part", "diary", {"participants": diary.frame("participants"), "diary": nights}, as_of=None)
    found = analyses.run("hydration", part)
    assert found.values["not_estimated"].startswith("Not measured in this cohort: electrolyte drink and alcohol.")
    assert found.could_not == {
        "fig-fluid-temperature": "whether fluid matters more in the heat needs outdoor temperature in the diary"
    }
    bare = Cohort(
        "bare", "diary", {"participants": diary.frame("participants"), "diary": nights.drop("fluid_ml")}, as_of=None
    )
    nothing = analyses.run("hydration", bare)
    assert not nothing.estimated and set(nothing.could_not) == {
        *("tbl-hydration", "fig-hydration-lags", "fig-fluid-temperature", "tbl-adherence")
    }
    assert "could not be estimated" in nothing.values["answer"]


def test_a_survey_without_the_weight_of_its_recall_says_so() -> None:
    found = analyses.run("hydration", survey(None))
    assert found.absent == ("fig-hydration-lags", "fig-fluid-temperature")
    assert "the survey asked neither for water nor for alcohol" in found.could_not["tbl-hydration"]
    assert found.values["answer"].startswith("How cramps go with water and alcohol could not be estimated")


def test_verdicts_of_one_kind_are_told_together() -> None:
    def row(verdict: str, value: float) -> dict[str, Any]:
        cells = {"verdict": verdict, "estimate": value, "ci_low": value - 0.1, "ci_high": value + 0.1}
        return {"scale": "rate_ratio", "status": "converged", "unit": None, **cells}

    said = nightly_sentences.had(
        ("after a", row("near null", 1.0)),
        ("after b", None),
        ("after c", row("higher", 2.0)),
        ("after d", row("near null", 1.1)),
        ("after e", row("differs but negligible", 0.9)),
    )
    assert said == (
        "after a (rate ratio 1.00; 0.90–1.10) and after d (1.10; 1.00–1.20) people had about as many cramps, any "
        "difference being too small to matter; after c (2.00; 1.90–2.10) people had more cramps; after e (0.90; "
        "0.80–1.00) people had fewer cramps, by less than would matter"
    )


def test_what_too_few_tell_is_a_sentence_of_its_own() -> None:
    cells = {"scale": "rate_ratio", "status": "converged", "unit": None, "estimate": 1.0, "ci_low": 0.5, "ci_high": 2.0}
    few, open_ = ({**cells, "verdict": verdict} for verdict in ("too few", "inconclusive"))
    said = nightly_sentences.had(("after a", few), ("after b", open_), ("after c", few))
    assert said == (
        "after b (rate ratio 1.00; 0.50–2.00) people had neither clearly more nor clearly fewer cramps; too few of the "
        "people tell whether they had more or fewer cramps after a (1.00; 0.50–2.00) and after c (1.00; 0.50–2.00)"
    )


def test_a_control_that_leaves_1_out_is_a_warning() -> None:
    def control(low: float, high: float) -> pd.DataFrame:
        cells = {"term": "contrast: fluid_ml", "level": "lead 1", "scale": "rate_ratio", "analysis": "distributed lag"}
        value = math.sqrt(low * high)
        return estimates.frame(
            [
                estimates.row(
                    status="converged",
                    estimate=value,
                    ci_low=low,
                    ci_high=high,
                    verdict="higher",
                    std_error=0.1,
                    **cells,
                )
            ]
        )

    assert "no clear difference" in nightly_sentences.control(control(0.9, 1.1), ["fluid_ml"])
    assert "of fluid intake, the exposure of the day after, leaves 1 out" in nightly_sentences.control(
        control(1.1, 1.4), ["fluid_ml"]
    )
    assert nightly_sentences.control(control(1.1, 1.4), ["alcohol_units"]) == ""


@pytest.mark.parametrize(
    ("high", "told"),
    [
        (3.0, "got up to pass urine 2.00 (1.30–3.00) times as often (higher)."),
        (
            40.0,
            "How much more often people got up to pass urine after a day with 500 mL more fluid than their own mean is",
        ),
    ],
)
def test_how_much_more_often_is_said_where_it_is_known(high: float, told: str) -> None:
    low = 1.3 if high < 10 else 0.05
    cells = {"scale": "rate_ratio", "estimate": 2.0, "ci_low": low, "ci_high": high, "status": "converged"}
    row = estimates.row(
        **cells, term="contrast: fluid_ml", analysis=kinds.NIGHTLY_COUNT.name, level="within", verdict="higher"
    )
    assert told in f"{hydration._up(row)}."


def test_limits_say_that_a_mean_is_corrected_for_only_where_it_could_be() -> None:
    def corrected(term: str, **cells: Any) -> dict[str, Any]:
        own = {"analysis": kinds.CORRECTED.name, "scale": "rate_ratio", "level": "between", "outcome": "cramps"}
        return estimates.row(term=term, **own, **({"status": "not_estimable", "note": "low"} | cells))

    lost = corrected("contrast: alcohol_units")
    made = corrected("contrast: fluid_ml", status="converged", estimate=1.2, ci_low=1.0, ci_high=1.4)
    said = nightly_sentences.drawn_within(estimates.frame([lost]), "drinks")
    assert said.endswith(
        "usually drinks: of alcohol, ratios between participants are drawn towards those within, which could not be "
        "corrected for"
    )
    both = nightly_sentences.drawn_within(estimates.frame([made, lost]), "drinks")
    assert "of fluid intake, ratios" in both and "those within, which the corrected ones allow for; of alcohol" in both
    assert nightly_sentences.drawn_within(estimates.frame([]), "drinks") == ""


def test_an_answer_leaves_no_clear_result_of_its_tables_out() -> None:
    cells = {"scale": "rate_ratio", "outcome": "cramps", "analysis": kinds.WITHIN_BETWEEN.name, "ci_level": 0.95}
    numbers = {"estimate": 2.0, "ci_low": 1.5, "ci_high": 2.6}
    between = {
        "term": "contrast: fluid_ml",
        "level": "between",
        "unit": "10th against 90th centile: 1,200 against 2,400",
    }
    week = {"term": "contrast: stretch_calf_min", "level": "14 nights of calf stretching"}
    week |= {"unit": "14 of 14 against 0 of 14 nights", "analysis": kinds.WINDOW.name}
    told = {"term": "contrast: alcohol_units", "level": "within", "unit": "3 units/day above own mean"}
    after = {"term": "contrast: alcohol_units", "level": "lead 1", "analysis": kinds.DISTRIBUTED_LAG.name}
    rows = estimates.frame(
        [
            estimates.row(status="converged", verdict=verdict, **(cells | numbers | own))
            for verdict, own in (("higher", between), ("lower", week), ("higher", told), ("higher", after))
        ]
    )
    said = nightly_sentences.clear_besides(rows, [None, nightly_sentences.judged(rows, "alcohol_units", "within")])
    assert said == (
        "besides, more cramps went with less fluid between participants (10th against 90th centile: 1,200 against "
        "2,400: 2.00; 1.50–2.60); fewer cramps went with more calf stretching over several nights (14 of 14 against "
        "0 of 14 nights: 2.00; 1.50–2.60)"
    )
    assert nightly_sentences.clear_besides(rows.assign(verdict="inconclusive"), []) == ""
    # Of what is yes or no the contrast is told, and not the level a second time.
    yes = {"term": "electrolyte_drink", "level": "between", "unit": "yes against no"}
    drunk = estimates.frame([estimates.row(status="converged", verdict="higher", **(cells | numbers | yes))])
    said = "electrolyte drink between participants (yes against no: 2.00; 1.50–2.60)"
    assert nightly_sentences.clear_besides(drunk, []).endswith(said)


def test_what_stands_in_the_other_table_is_a_column_of_ones_own(diary: Cohort) -> None:
    """Fluid of the participants, or a condition of the nights, is not what the codebook means by the name."""
    people, nights = diary.tables["participants"], diary.tables["diary"]
    usual = people.with_columns(fluid_ml=pl.lit(1500.0)).drop("diabetes")
    tables_of = {**diary.tables, "participants": usual, "diary": nights.drop("fluid_ml").with_columns(diabetes=True)}
    mixed = Cohort("mixed", "diary", tables_of)
    assert not mixed.has("fluid_ml") and not mixed.has("diabetes") and mixed.has("alcohol_units")
    assert not {"fluid_ml", "diabetes"} & measured_in(mixed)
    found = analyses.run("hydration", mixed)
    assert "Not measured in this cohort: fluid intake" in found.values["not_estimated"]
    assert analyses.run("conditions", mixed).estimates["term"].eq("diabetes").any()
