"""Age without and with muscle, joints and sitting of the same people; what each of them is; the curve with its rug."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from drawn_figures import drawn
from matplotlib.colors import to_hex
from test_age_curve import survey

from crampstudy import analyses, estimates, figures, fit, tables
from crampstudy.analyses.sections import activity
from crampstudy.analyses.sentences import age as sentences
from crampstudy.causal import measured_in
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.contrasts.nights.nightly import adjustments
from crampstudy.contrasts.people.muscle_and_joints import SETS, age_ratios, muscle_ratios
from crampstudy.descriptive import describe
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text

ASKED: dict[str, Any] = {"model": "poisson", "outcome": "cramps", "participants_per_coefficient": 5}


@pytest.fixture(scope="module")
def diary() -> Cohort:
    """150 people of 10 nights: strength falls with age, cramps with strength, and age does nothing else."""
    rng = np.random.default_rng(11)
    n, nights = 150, 10
    age = np.round(rng.uniform(30, 90, n))
    female = rng.random(n) < 0.5
    grip = 60 - 0.4 * (age - 30) - 12 * female + rng.normal(0, 3, n)
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": age,
            "sex": np.where(female, "female", "male"),
            "grip_strength_kg": [None if i % 10 == 0 else float(kg) for i, kg in enumerate(grip.round(1))],
            "joint_pain_0_10": rng.integers(0, 8, n).astype(float),
        }
    )
    dates = pl.DataFrame({"date": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, nights), eager=True)})
    rate = np.exp(-0.4 - 0.06 * (grip + 12 * female - 48)) * rng.gamma(10, 0.1, n)
    sat = np.where(np.arange(n) % 15 == 1, np.nan, rng.normal(420, 60, n))[:, None] + rng.normal(0, 20, (n, nights))
    diary = people.select("participant_id").join(dates, how="cross")
    diary = diary.with_columns(
        entry_made=pl.lit(value=True),
        cramps=pl.Series(rng.poisson(np.repeat(rate, nights))),
        sitting_min=pl.Series(sat.ravel(), nan_to_null=True).round(0),
    )
    return Cohort("made", "diary", {"participants": people, "diary": diary}, synthetic=True)


@pytest.fixture(scope="module")
def ages(diary: Cohort) -> pd.DataFrame:
    return age_ratios(diary, where="age_years >= 40", **ASKED)


def declared(rows: pd.DataFrame, kind: kinds.Kind) -> Any:
    own = kind.rows(rows)
    return own[own["term"] == "contrast: age_years"].iloc[0]


def test_age_without_and_with_them_is_of_the_same_people(diary: Cohort, ages: pd.DataFrame) -> None:
    known = diary.tables["participants"].drop_nulls("grip_strength_kg").filter(pl.col("age_years") >= 40)
    ever = diary.tables["diary"].drop_nulls("sitting_min").select("participant_id").unique()
    complete = known.join(ever, on="participant_id", how="semi")
    assert 0 < complete.height < known.height and set(ages["n_participants"]) == {complete.height}
    alone, beside = (declared(ages, kind) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_ALL))
    assert (alone["adjusted_for"], alone["level"], alone["reference"]) == ("sex", "75", "50")
    assert beside["adjusted_for"] == "sex; grip_strength_kg; joint_pain_0_10; between(sitting_min)"
    assert declared(ages, kinds.AGE_BESIDE_JOINTS)["adjusted_for"] == "sex; joint_pain_0_10"
    # Age acts through strength alone here.
    assert alone["verdict"] == "higher" and alone["estimate"] == pytest.approx(np.exp(0.06 * 0.4 * 25), rel=0.25)
    assert beside["ci_low"] < 1 < beside["ci_high"] and beside["estimate"] < 0.75 * alone["estimate"]


def test_the_ratios_of_age_are_those_of_a_fit(diary: Cohort, ages: pd.DataFrame) -> None:
    ids = diary.tables["diary"].drop_nulls("sitting_min").select("participant_id").unique()
    tables_ = {name: table.join(ids, on="participant_id", how="semi") for name, table in diary.tables.items()}
    made = fit(
        Cohort("made", "diary", tables_, synthetic=True),
        model="poisson",
        outcome="cramps",
        terms="ns(age_years, df=3) + sex + grip_strength_kg",
        where="age_years >= 40 AND grip_strength_kg IS NOT NULL",
    ).estimates
    by_hand = made[made["term"] == "contrast: age_years"].iloc[0]
    row = declared(ages, kinds.AGE_BESIDE_MUSCLE)
    same = ["estimate", "ci_low", "ci_high", "p_value", "n_nights"]
    assert row[same].tolist() == pytest.approx(by_hand[same].tolist())
    curve = kinds.AGE_BESIDE_MUSCLE.rows(ages)
    curve = curve[curve["term"] == "age_years"]
    assert curve["level"].tolist() == [str(age) for age in range(40, 91, 5) if age != 50]
    at_75 = curve[curve["level"] == "75"].iloc[0]
    assert (at_75["estimate"], at_75["reference"]) == (pytest.approx(row["estimate"]), "50") and ages["key"].is_unique


def test_sitting_has_one_ratio_in_this_section_and_in_that_on_activity(diary: Cohort) -> None:
    asked = {"where": None, "ci_level": 0.95, "participants_per_coefficient": 5}
    rows = muscle_ratios(diary, model="negative-binomial", outcome="cramps", **asked)
    told = kinds.WITHIN_BETWEEN.rows(activity._within_between(diary, asked, measured_in(diary)).estimates)
    same = ["estimate", "ci_low", "ci_high", "p_value", "adjusted_for", "lacks", "verdict", "n_nights", "unit"]
    for declared in ("", "contrast: "):
        here = rows[rows["term"].eq(f"{declared}between(sitting_min)")]
        there = told[told["term"].eq(f"{declared}sitting_min") & told["level"].eq("between")]
        pd.testing.assert_frame_equal(here[same].reset_index(drop=True), there[same].reset_index(drop=True))
        assert here["estimate"].notna().all() and len(here) == 1


def test_each_of_them_is_adjusted_as_the_graph_asks_and_one_family(diary: Cohort) -> None:
    from statsmodels.stats.multitest import multipletests

    rows = muscle_ratios(diary, **ASKED)
    terms = [
        *("lean_mass_index_kg_m2", "grip_strength_kg", "contrast: grip_strength_kg", "flexibility_beighton"),
        *("joint_pain_0_10", "contrast: joint_pain_0_10", "arthritis"),
        *("between(sitting_min)", "contrast: between(sitting_min)"),
    ]
    assert rows["term"].tolist() == terms and set(rows["analysis"]) == {"muscle"}
    assert rows.loc[rows["status"] == "not_measured", "term"].tolist() == [terms[0], terms[3], terms[6]]
    grip = rows.iloc[2]
    assert grip["verdict"] == "higher" and "within a sex" in grip["unit"]
    assert "the study's graph" in grip["note"] and "3 tests in the family" in grip["note"]
    tested = rows[rows["term"].isin([terms[2], terms[5], terms[8]])]
    assert tested["q_value"].tolist() == pytest.approx(list(multipletests(tested["p_value"], method="fdr_bh")[1]))
    shown = tables.factors(rows[rows["status"] != "not_measured"])
    assert [*shown.columns[-3:]] == ["p", "q", "Verdict"]


def test_flexibility_is_judged_within_a_sex() -> None:
    from crampstudy.codebook import contrasts

    assert contrasts.is_within_sex("flexibility_beighton")


def test_too_few_people_for_all_that_stands_beside_have_no_ratio(diary: Cohort) -> None:
    few = diary.tables["participants"].head(40)
    nights = diary.tables["diary"].join(few.select("participant_id"), on="participant_id", how="semi")
    rows = age_ratios(Cohort("few", "diary", {"participants": few, "diary": nights}, as_of=None), **ASKED)
    alone, beside = (declared(rows, kind) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_ALL))
    assert np.isfinite(alone["estimate"]) and beside["status"] == "not_estimable"
    assert beside["note"] == "too few participants to take in all that stands beside age" and pd.isna(beside["verdict"])
    assert beside["adjusted_for"].startswith("sex; grip_strength_kg")


@pytest.mark.parametrize(
    ("known", "why"), [(14, "too few participants to take in all"), (0, "nobody has all that was")]
)
def test_age_beside_sex_needs_nothing_but_age_and_sex(diary: Cohort, known: int, why: str) -> None:
    people = diary.tables["participants"].head(36)
    # Grip strength of some alone, joint pain of the others where nobody is to have both.
    number = pl.int_range(pl.len())
    grip, pain = pl.col("grip_strength_kg"), pl.col("joint_pain_0_10")
    people = people.with_columns(
        pl.when(number < (known or 18)).then(grip).alias("grip_strength_kg"),
        pl.when((number >= 18) | pl.lit(known > 0)).then(pain).alias("joint_pain_0_10"),
    )
    nights = diary.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
    rows = age_ratios(Cohort("few", "diary", {"participants": people, "diary": nights}, as_of=None), **ASKED)
    alone = declared(rows, kinds.AGE_ALONE)
    assert alone["n_participants"] == 36 and alone["status"] == "converged" and "of all participants" in alone["note"]
    beside = rows[rows["analysis"] != kinds.AGE_ALONE.name]
    assert beside["estimate"].isna().all() and beside["note"].str.startswith(why).all()
    assert set(beside["analysis"]) == {kind.name for kind in SETS if kind is not kinds.AGE_ALONE}


def test_age_of_too_few_for_a_curve_is_a_straight_line(diary: Cohort) -> None:
    people = diary.tables["participants"].head(20)
    nights = diary.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
    few = Cohort("few", "diary", {"participants": people, "diary": nights}, as_of=None)
    alone = declared(age_ratios(few, **ASKED), kinds.AGE_ALONE)
    line = fit(few, terms="age_years + sex", **ASKED).estimates
    slope = line.loc[line["term"].eq("age_years"), "estimate"].iloc[0]
    assert alone["estimate"] == pytest.approx(slope**25) and "age as a straight line" in alone["note"]


def test_beside_the_others_age_is_the_line_that_it_is_alone(diary: Cohort) -> None:
    def made(people: pl.DataFrame) -> tuple[Cohort, pd.DataFrame]:
        nights = diary.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
        cohort = Cohort("few", "diary", {"participants": people, "diary": nights}, as_of=None)
        return cohort, age_ratios(cohort, **ASKED)

    people = diary.tables["participants"].drop("grip_strength_kg", "joint_pain_0_10")
    # Two of the first 26 never logged how long they sat.
    few, rows = made(people.head(26).filter(~pl.col("participant_id").is_in(["p001", "p016"])))
    alone, beside = (declared(rows, kind) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_SITTING))
    # A mean, age, sex and sitting are four coefficients, of 24 people five each.
    by_hand = fit(few, terms="age_years + sex + between(sitting_min)", **ASKED).estimates.set_index("term")
    assert beside["estimate"] == pytest.approx(float(by_hand.loc["age_years", "estimate"]) ** 25)
    assert alone["n_participants"] == beside["n_participants"] == 24
    assert all("age as a straight line, of all participants" in row["note"] for row in (alone, beside))
    # Where some are not known, both are of those who are.
    _, rows = made(people.head(24))
    told = [declared(rows, kind) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_SITTING)]
    of_some = "age as a straight line, as those of whom all that was measured is known are too few for a curve"
    assert all(row["n_participants"] == 22 and of_some in row["note"] for row in told)


def test_why_age_has_no_ratio_is_said_with_it(ages: pd.DataFrame) -> None:
    rows = ages.copy()
    rows["estimate"], rows["note"] = np.nan, "too few participants for a curve of age beside sex"
    told = sentences.answer(rows, ages.head(0), None)
    assert (
        told
        == "What age has to do with cramps could not be estimated: too few participants for a curve of age beside sex."
    )


def test_why_age_has_no_ratio_is_said_where_there_is_no_declared_contrast_either(diary: Cohort) -> None:
    few = {name: table.filter(pl.col("participant_id") < "p003") for name, table in diary.tables.items()}
    found = analyses.run("age-and-muscle", Cohort("few", "diary", few, synthetic=True))
    assert re.search(r"What age has to do with cramps could not be estimated: \w.*\.$", found.values["answer"])
    alike = {**diary.tables, "participants": diary.tables["participants"].with_columns(age_years=pl.lit(61.0))}
    found = analyses.run("age-and-muscle", Cohort("alike", "diary", alike, synthetic=True))
    assert "could not be estimated: age does not vary." in found.values["answer"]
    assert "too few" not in found.values["beside"] and "does not vary" in found.values["beside"]


def test_a_ratio_of_ages_that_nobody_is_of_is_no_answer(diary: Cohort) -> None:
    few = {name: table.filter(pl.col("participant_id") < "p024") for name, table in diary.tables.items()}
    young = few["participants"].with_columns(age_years=20 + (pl.col("age_years") - 30) / 3)
    found = analyses.run("age-and-muscle", Cohort("young", "diary", {**few, "participants": young}, synthetic=True))
    answer = found.values["answer"]
    assert "What age has to do with cramps, 75 against 50 years, cannot be told here, as it is compared bey" in answer
    assert "no verdict" not in answer and f"{declared(found.estimates, kinds.AGE_ALONE)['estimate']:.2f}" not in answer


def test_all_that_is_told_of_is_named_where_it_is_not_adjusted_enough(ages: pd.DataFrame) -> None:
    cells = {"analysis": kinds.MUSCLE.name, "scale": "prevalence_ratio", "n_participants": 500, "n_events": 900}
    cells |= {"status": "converged", "outcome": "any_cramp", "adjustment": "not measured", "level": "true"}
    of = {"arthritis": ("higher", 2.0), "usual_sitting_min": ("near null", 1.0), "joint_pain_0_10": ("near null", 1.1)}
    rows = estimates.frame(
        [estimates.row(term=name, verdict=said, estimate=at, **cells) for name, (said, at) in of.items()]
    )
    told = sentences.answer(ages.head(0), rows, "nobody has an age")
    assert told.endswith(
        "Not adjusted for all that the causal graph asks for: any arthritis, usual sitting and joint pain."
    )


def test_what_stands_beside_age_is_told_apart_where_all_of_it_has_no_ratio(ages: pd.DataFrame) -> None:
    def answer(*kinds_lost: kinds.Kind) -> str:
        rows = ages.copy()
        rows.loc[rows["analysis"].isin([kind.name for kind in kinds_lost]), ["estimate", "ci_low", "ci_high"]] = np.nan
        return sentences.answer(rows, ages.head(0), None)

    joints = in_text(declared(ages, kinds.AGE_BESIDE_JOINTS))
    text = answer(kinds.AGE_BESIDE_ALL, kinds.AGE_BESIDE_MUSCLE)
    assert f"Beside one of them alone it is: with joints {joints} and sitting " in text
    assert text.endswith("With muscle and all that was measured beside it, the ratio could not be estimated.")
    every = (kinds.AGE_BESIDE_ALL, kinds.AGE_BESIDE_MUSCLE, kinds.AGE_BESIDE_JOINTS, kinds.AGE_BESIDE_SITTING)
    text = answer(*every)
    assert text.endswith(
        "With muscle, joints, sitting and all that was measured beside it, the ratio could not be estimated."
    )
    assert "alone" not in text


def test_without_ages_or_without_muscle_the_reason_is_told(diary: Cohort) -> None:
    people = diary.tables["participants"]
    ageless = people.with_columns(age_years=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(AnalysisError, match="no participant has an age"):
        age_ratios(Cohort("made", "diary", {**diary.tables, "participants": ageless}, as_of=None), **ASKED)
    bare = {
        "participants": people.select("participant_id", "age_years", "sex"),
        "diary": diary.tables["diary"].drop("sitting_min"),
    }
    found = analyses.run("age-and-muscle", Cohort("bare", "diary", bare, as_of=None))
    assert found.could_not == {"tbl-muscle": "neither muscle nor joints nor sitting was measured"}
    assert set(found.tables["tbl-age-ratios"].frame.index) == {"Beside sex alone"}
    assert found.values["answer"].count(".") and "beside it" not in found.values["answer"]


def test_the_section_answers_with_both_ratios_of_age_and_claims_no_path(diary: Cohort) -> None:
    found = analyses.run("age-and-muscle", diary)
    alone, beside = (declared(found.estimates, kind) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_ALL))
    said = found.values["answer"]
    assert said.startswith("The rate ratio of age (75 against 50 years) is ") and f"{alone['estimate']:.2f} (" in said
    besides = f"In one model with grip strength, joint pain and sitting it is {beside['estimate']:.2f} ("
    assert besides in said and "More cramps go with lower grip strength (" in said
    assert "does not show that age acts through them" in found.values["limits"]
    assert "mediat" not in said and "explain" not in said
    assert any(heading.startswith("Rate ratio against ") for heading in found.tables["tbl-frequency"].frame.columns)
    table = found.tables["tbl-age-ratios"].frame
    assert table.loc["Beside all that was measured", "Besides"] == (
        "sex, grip strength, joint pain, sitting, between participants"
    )


def test_the_figure_of_age_has_two_panels_of_one_scale(ages: pd.DataFrame) -> None:
    left, right = figures.age_ratios(ages).axes
    assert [axes.get_title("left") for axes in (left, right)] == ["Beside sex alone", "Beside all that was measured"]
    assert left.get_ylim() == right.get_ylim() and left.get_yscale() == "log"
    x, y = left.lines[-1].get_data()
    assert dict(zip(x, y, strict=True))[50] == 1.0
    assert dict(zip(x, y, strict=True))[75] == pytest.approx(declared(ages, kinds.AGE_ALONE)["estimate"])


@pytest.mark.parametrize("kind", ["diary", "survey"])
def test_the_curve_has_a_rug_of_people_and_the_bands_beside(kind: str, diary: Cohort) -> None:
    cohort = diary if kind == "diary" else survey(80)
    curve = age_curve(cohort)
    own = curve[curve["outcome"] == curve["outcome"].iloc[0]].set_index("level")["n_exposed"]
    people = cohort.tables["participants"]["age_years"]
    assert own.sum() == (people >= 20).sum() and own["65"] == ((people >= 65) & (people < 66)).sum()
    if kind == "survey":
        assert own["80"] == (people >= 80).sum()
    alone = figures.age_curve(curve)
    assert len(alone.axes) == 1
    beside = figures.age_curve(pd.concat([curve, describe(cohort).estimates]))
    left, right = beside.axes
    assert left.get_ylim() == right.get_ylim() and "\n" not in right.get_xticklabels()[0].get_text()


def test_curves_and_bands_of_a_survey_are_of_the_same_outcomes_in_the_same_colours() -> None:
    made = analyses.run("age-and-muscle", survey(80))
    assert made.values["drawn"].startswith("how common each is over age")
    found = made.figures["fig-age-curve"]
    left, right = figures.age_curve(found.estimates).axes
    curves = {line.get_label(): to_hex(line.get_color()) for line in left.lines if line.get_label()[0] != "_"}
    handles, names = right.get_legend_handles_labels()
    points = {name: to_hex(handle.get_color()) for handle, name in zip(handles, names, strict=True)}
    assert curves == points and list(curves) == ["Any cramp", "Moderate-severe"]
    assert "any, and among them moderate-severe ones, of five or more a month, over age" in found.caption
    # The share with any cramp lies by band where the curve lies.
    bands = kinds.PREVALENCE.rows(found.estimates)
    share = bands[bands["level"].eq("any")].set_index("population")["estimate"]["60-69"]
    heights = [y for line in right.lines for y in line.get_ydata()]
    assert any(y == pytest.approx(100 * share) for y in heights)


def test_curves_of_people_who_are_all_alike_are_drawn_without_intervals(diary: Cohort) -> None:
    """Everybody had one cramp each night: nothing spreads, and a line without an interval is all that there is."""
    nightly = diary.frame("diary").with_columns(cramps=pl.lit(1, pl.Int64))
    alike = replace(diary, tables={"participants": diary.frame("participants"), "diary": nightly})
    found = analyses.run("age-and-muscle", alike)
    for drawing in found.figures.values():
        drawn(figures.FIGURES[drawing.figure](drawing.estimates))
    curve = kinds.AGE_CURVE.rows(found.estimates)
    assert curve["estimate"].notna().any() and curve[curve["estimate"].notna()]["ci_high"].isna().all()


def test_among_women_nothing_stands_beside_sex(diary: Cohort) -> None:
    people = diary.tables["participants"].filter(pl.col("sex") == "female")
    nights = diary.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
    for size in (people.height, 12):
        own = people.head(size)
        theirs = nights.join(own.select("participant_id"), on="participant_id", how="semi")
        women = Cohort("women", "diary", {"participants": own, "diary": theirs}, as_of=None)
        found = analyses.run("age-and-muscle", women)
        rows = kinds.AGE_ALONE.rows(found.estimates)
        assert len(rows) and rows["adjusted_for"].isna().all()
        told = [*found.values.values(), *(t.caption for t in found.tables.values())]
        told += [str(part) for table in found.tables.values() for part in (table.note, *table.frame.to_numpy().ravel())]
        told += [text for figure in found.figures.values() for text in (figure.caption, figure.alt)]
        assert not [text for text in told if "sex" in text], size
        assert found.tables["tbl-age-ratios"].frame.index[0] == "Alone"
    grip = muscle_ratios(women, **ASKED)
    (contrast,) = grip.loc[grip["term"].eq("contrast: grip_strength_kg"), "unit"]
    assert contrast.startswith("10th against 90th centile: ")


def test_what_all_have_alike_is_not_named_among_what_is_adjusted_for(diary: Cohort) -> None:
    women = diary.tables["participants"].with_columns(sex=pl.lit("female"))
    cohort = Cohort("women", "diary", {**diary.tables, "participants": women}, as_of=None)
    both, alike = (adjustments(each, "sitting_min") for each in (diary, cohort))
    assert "(between persons also age and sex)" in both
    assert "(between persons also age)" in alike
