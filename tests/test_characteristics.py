from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import AgeBands, analyses, tables
from crampstudy.analyses.comparison import ComparisonSettings, compare_cohorts
from crampstudy.analyses.comparison.sentences.people import apart as apart_in_words
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Attrition, Cohort, RuleCount, SurveyDesign
from crampstudy.contrasts.cohorts.characteristics import differences_between_bands, standardised_differences
from crampstudy.descriptive.characteristics import (
    characteristics,
    characteristics_of_cohorts,
    completeness,
    is_skewed,
    measured,
    quantile,
)
from crampstudy.simulate import simulate
from crampstudy.tables.sections.compared import who_they_are

PEOPLE = pl.DataFrame(
    {
        "participant_id": ["a", "b", "c", "d"],
        "age_years": [20.0, 40.0, 60.0, 17.0],
        "sex": ["female", "male", "female", "male"],
        "diabetes": [True, False, None, True],
        "smoking": ["never", "current", "never", "never"],
        "bmi_kg_m2": [20.0, 30.0, None, 50.0],
    }
)


def diary() -> Cohort:
    """Three adults: a logs nights 0, 1 and 9; b nights 0 to 6 with one entry without a count; c night 0."""
    nights = [
        *[("a", 0, True, 1), ("a", 1, True, 0), ("a", 9, True, 2)],
        *[("b", i, i != 3, None if i == 3 else 0) for i in range(7)],
        *[("c", 0, True, 0), ("d", 0, True, 0)],
    ]
    rows = [(who, date(2024, 1, 1) + timedelta(days=night), made, n) for who, night, made, n in nights]
    schema = {"participant_id": pl.String, "date": pl.Date, "entry_made": pl.Boolean, "cramps": pl.Int64}
    return Cohort("made", "diary", {"participants": PEOPLE, "diary": pl.DataFrame(rows, schema, orient="row")})


def survey() -> Cohort:
    people = PEOPLE.with_columns(
        weight_interview=pl.Series([1.0, 3.0, 4.0, 2.0]),
        weight_exam=pl.Series([1.0, 3.0, 0.0, 2.0]),
        stratum=pl.Series([1, 1, 2, 2]),
        psu=pl.Series([1, 2, 1, 2]),
        recalled_low=pl.Series([0, 5, None, 1]),
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


def pick(rows: pd.DataFrame, term: str, scale: str, population: str = "all", level: str | None = None) -> pd.Series:
    found = rows[(rows["term"] == term) & (rows["scale"] == scale) & (rows["population"] == population)]
    found = found[found["level"].isna() if level is None else found["level"] == level]
    assert len(found) == 1
    return found.iloc[0]


def test_means_and_shares_by_hand() -> None:
    rows = characteristics(diary())
    assert rows["key"].is_unique
    assert pick(rows, "age_years", "mean")["estimate"] == pytest.approx(40)
    assert pick(rows, "age_years", "standard_deviation")["estimate"] == pytest.approx(20)
    assert pick(rows, "age_years", "mean", "male")["estimate"] == 40
    diabetes = pick(rows, "diabetes", "proportion", level="true")
    assert (diabetes["estimate"], diabetes["n_events"], diabetes["n_participants"]) == (0.5, 1, 2)
    never = pick(rows, "smoking", "proportion", level="never")
    assert never["estimate"] == pytest.approx(2 / 3)
    assert pick(rows, "bmi_kg_m2", "mean")["n_participants"] == 2


def test_survey_is_weighted_by_the_component_of_each_variable() -> None:
    rows = characteristics(survey())
    # Interview weights 1, 3, 4 for age; examination weights 1, 3 and none for the body-mass index.
    assert pick(rows, "age_years", "mean")["estimate"] == pytest.approx((20 + 3 * 40 + 4 * 60) / 8)
    assert pick(rows, "bmi_kg_m2", "mean")["estimate"] == pytest.approx((20 + 3 * 30) / 4)
    assert pick(rows, "bmi_kg_m2", "mean")["note"] == "weight_exam"
    assert pick(rows, "diabetes", "proportion", level="true")["estimate"] == pytest.approx(1 / 4)


def test_who_has_weight_0_is_counted_as_missing_so_that_counts_add_up() -> None:
    cohort = survey()
    people = cohort.frame("participants").with_columns(age_years=pl.lit(40.0), smoking=pl.lit("never"))
    people = people.with_columns(bmi_kg_m2=pl.Series([20.0, None, 40.0, 30.0]))
    asked = replace(cohort, tables={"participants": people})
    rows = characteristics(asked, bands=AgeBands((20,)))
    for term in rows["term"].unique():
        own = rows[rows["term"].eq(term) & rows["population"].eq("all")]
        known = own.loc[~own["scale"].eq("missing"), "n_participants"].iloc[0]
        assert known + own.loc[own["scale"].eq("missing"), "estimate"].iloc[0] == 4, term
    # One without a value, one of weight 0.
    assert (pick(rows, "bmi_kg_m2", "missing")[["estimate", "n_events"]] == [2, 1]).all()
    assert "Missing: participants without a value, or whose value has weight 0." in tables.what_cells_say(rows)
    unweighted = characteristics(diary(), bands=AgeBands((20,)))
    assert "Missing: participants without a value." in tables.what_cells_say(unweighted)


def test_completeness_counts_calendar_nights() -> None:
    rows = completeness(diary(), AgeBands((20, 60)))
    assert rows["key"].is_unique
    young = rows[(rows["level"] == "20-59") & (rows["scale"] == "proportion")].iloc[0]
    # a: 3 of 10 nights, b: 6 of 7.
    assert (young["n_events"], young["n_nights"]) == (9, 17)
    assert young["estimate"] == pytest.approx(9 / 17)
    gap = rows[(rows["level"] == "20-59") & (rows["scale"] == "median_longest_gap")].iloc[0]
    assert gap["estimate"] == np.median([7, 1])
    assert rows.loc[rows["scale"] == "proportion", "level"].tolist() == ["<20", "20-59", "60+", "all"]


def test_completeness_of_a_survey_is_who_answered() -> None:
    rows = completeness(survey(), AgeBands((20, 60))).set_index("level")
    assert (rows.loc["all", "n_participants"], rows.loc["all", "n_events"]) == (3, 2)
    assert rows.loc["60+", "estimate"] == 0


def test_measured_tells_the_never_measured_apart() -> None:
    rows = measured(diary(), ["diabetes", "grip_strength_kg"]).set_index("term")
    assert rows.loc["diabetes", "estimate"] == pytest.approx(2 / 3)
    assert rows.loc["grip_strength_kg", "status"] == "not_measured"


def test_nobody_old_enough_has_no_row_with_a_number() -> None:
    rows = characteristics(diary(), youngest=110)
    assert set(rows["status"]) == {"not_estimable"}
    assert measured(diary(), ["diabetes"], youngest=110)["status"].tolist() == ["not_estimable"]


def of_ages(times: int = 1) -> Cohort:
    """Six women and men of two bands, with a skewed number, a missing value and a pregnancy; each so many times."""
    people = pl.DataFrame(
        {
            "participant_id": list("abcdef"),
            "age_years": [20.0, 30.0, 40.0, 60.0, 70.0, 80.0],
            "sex": ["female", "female", "male", "female", "male", "male"],
            "crp_mg_l": [1.0, 1.0, 2.0, 2.0, 3.0, 90.0],
            "bmi_kg_m2": [20.0, 22.0, None, 24.0, 26.0, 28.0],
            "pregnancy_trimester": ["none", "second", "none", "none", "none", None],
        }
    )
    alike = [people.with_columns(pl.col("participant_id") + "a" * n) for n in range(times)]
    nights = pl.DataFrame({"participant_id": ["a"], "date": [date(2024, 1, 1)], "cramps": [0]})
    return Cohort("made", "diary", {"participants": pl.concat(alike), "diary": nights})


def test_by_age_there_are_missing_values_quartiles_and_pregnancies_of_women_of_the_age() -> None:
    rows = characteristics(of_ages(), bands=AgeBands((20, 50)))
    assert rows["key"].is_unique and set(rows["population"]) == {"all", "20-49", "50+"}
    assert pick(rows, "bmi_kg_m2", "missing")["estimate"] == 1
    assert (pick(rows, "bmi_kg_m2", "missing", "20-49")[["estimate", "n_participants"]] == [1, 3]).all()
    assert not len(rows[rows["scale"].str.startswith("quartile") & rows["term"].eq("bmi_kg_m2")])
    # Half the weight lies below the middle of the third and fourth value.
    assert pick(rows, "crp_mg_l", "quartile_2")["estimate"] == pytest.approx(2.0)
    assert pick(rows, "crp_mg_l", "quartile_1")["estimate"] == pytest.approx(1.0)
    assert pick(rows, "crp_mg_l", "quartile_3")["estimate"] == pytest.approx(3.0)
    pregnant = rows[rows["term"].eq("pregnancy_trimester") & rows["level"].eq("second")]
    assert pregnant["population"].tolist() == ["all", "20-49"] and pregnant["n_participants"].tolist() == [2, 2]
    assert pregnant["estimate"].tolist() == [0.5, 0.5]
    table = tables.table_one(rows)
    assert table.columns.tolist() == ["All (N = 6)", "20–49 (N = 3)", "50+ (N = 3)", "Missing"]
    stubs = table.droplevel(0)
    assert stubs.loc["C-reactive protein (mg/L), median (IQR)", "All (N = 6)"] == "2.00 (1.00–3.00)"
    assert stubs.loc["Body-mass index (kg/m²), mean (SD)", "Missing"] == "1"
    assert stubs.loc["Pregnancy trimester: second, n (%) of women aged 15 to 49", "50+ (N = 3)"] == "–"
    # Said once, at the first level.
    assert stubs.loc["Sex: female, n (%)", "Missing"] == "0" and stubs.loc["Sex: male, n (%)", "Missing"] == ""


def test_age_bands_differ_by_standard_deviations_of_the_two_that_differ_most() -> None:
    rows = characteristics(of_ages(3), bands=AgeBands((20, 50)))
    apart = differences_between_bands(rows).set_index(["term", "level"])
    old, young = (pick(rows, "bmi_kg_m2", "mean", band)["estimate"] for band in ("50+", "20-49"))
    spread = [pick(rows, "bmi_kg_m2", "standard_deviation", band)["estimate"] for band in ("50+", "20-49")]
    bmi = apart.loc["bmi_kg_m2"].iloc[0]
    assert bmi["estimate"] == pytest.approx((old - young) / np.sqrt(np.mean(np.square(spread))))
    assert (bmi["population"], bmi["reference"]) == ("50+", "20-49")
    shares = [pick(rows, "sex", "proportion", band, "female")["estimate"] for band in ("50+", "20-49")]
    women = (shares[0] - shares[1]) / np.sqrt(np.mean([p * (1 - p) for p in shares]))
    assert apart.loc[("sex", "female"), "estimate"] == pytest.approx(women)
    # Of pregnancies one band alone knows anything.
    assert apart.loc[("pregnancy_trimester", "second"), "status"] == "not_estimable"
    table = tables.table_one(pd.concat([rows, apart.reset_index()[rows.columns]])).droplevel(0)
    assert table.columns[-1] == "SMD" and table.loc["Sex: female, n (%)", "SMD"] == f"{women:.2f}".replace("-", "−")
    assert table.loc["Pregnancy trimester: second, n (%) of women aged 15 to 49", "SMD"] == "–"


def test_a_band_of_few_has_no_standardised_difference() -> None:
    bands, cohort = AgeBands((20, 50, 75)), of_ages(3)
    # Of the three of 80 years and more all are men, which sets them furthest apart.
    rows = differences_between_bands(characteristics(cohort, bands=bands)).set_index(["term", "level"])
    without = characteristics(of(cohort, pl.col("age_years") < 75), bands=AgeBands((20, 50)))
    alone = differences_between_bands(without).set_index(["term", "level"])
    assert rows.loc[("sex", "female"), "estimate"] == alone.loc[("sex", "female"), "estimate"]
    assert not set(rows["population"]) & {"75+"} and "75+" not in set(rows["reference"])
    # Four have a value in one of two bands, six in the other.
    two = differences_between_bands(characteristics(of_ages(2), bands=AgeBands((20, 50)))).set_index("term")
    assert two.loc["bmi_kg_m2", "note"] == "no two age bands have 5 participants with a value"
    one = differences_between_bands(characteristics(of_ages(9), bands=AgeBands((20,)))).set_index("term")
    assert one.loc["bmi_kg_m2", "note"] == "there are no two age bands with enough participants to compare"
    note = str(analyses.run("cohort", cohort, Settings(smd=True)).tables["tbl-characteristics"].note)
    assert note.endswith("A band in which fewer than 5 participants have a value takes no part in it.")


def of(cohort: Cohort, condition: pl.Expr, name: str = "made") -> Cohort:
    """Return some of the participants, of whom the first has a night."""
    people = cohort.frame("participants").filter(condition)
    nights = cohort.frame("diary").with_columns(participant_id=pl.lit(people["participant_id"][0]))
    return replace(cohort, name=name, tables={"participants": people, "diary": nights})


def test_cohorts_side_by_side_show_the_same_of_a_number_and_pregnancies_of_women_of_the_age() -> None:
    everybody = replace(of_ages(2), name="a")
    men = of(of_ages(2), pl.col("sex") == "male", "b")
    # Among the men alone the protein is not skewed.
    assert not is_skewed(men.frame("participants")["crp_mg_l"])
    rows = characteristics_of_cohorts([everybody, men])
    shown = who_they_are(rows, standardised_differences(rows, ["a", "b"]), ["a", "b"]).droplevel(0)
    assert shown.loc["C-reactive protein (mg/L), median (IQR)", ["a", "b"]].tolist() == [
        *("2.00 (1.00–3.00)", "3.00 (2.00–90.00)")
    ]
    assert "C-reactive protein (mg/L), mean (SD)" not in shown.index
    assert shown.loc["Body-mass index (kg/m²), mean (SD)", "a: with a value"] == "10"
    # The difference is that of means, whatever is shown.
    mean = {name: pick(rows[rows["cohort"] == name], "crp_mg_l", "mean")["estimate"] for name in "ab"}
    spread = [pick(rows[rows["cohort"] == name], "crp_mg_l", "standard_deviation")["estimate"] for name in "ab"]
    apart = (mean["b"] - mean["a"]) / np.sqrt(np.mean(np.square(spread)))
    assert shown.loc["C-reactive protein (mg/L), median (IQR)", "Difference (SD)"] == f"{apart:.2f}"
    pregnant = shown.loc["Pregnancy trimester: second, n (%) of women aged 15 to 49"]
    assert pregnant.tolist() == ["4", "2 (50.0)", "–", "–", "–"]
    # Of men nobody was asked, which is another thing than that it was not measured.
    apart = standardised_differences(rows, ["a", "b"]).set_index("term")
    assert set(apart.loc["pregnancy_trimester", "note"]) == {"no women aged 15 to 49 in b"}
    assert "No women aged 15 to 49 in b: pregnancy trimester." in apart_in_words(apart.reset_index())
    table = compare_cohorts([everybody, men], ComparisonSettings(factors="none")).tables["tbl-characteristics"]
    assert table.caption == (
        "Participants of 20 years and older: mean (SD), median (IQR) or n (%), and how far each cohort is from a."
    )
    assert "IQR: interquartile range" in str(table.note) and "also of a number whose median is shown" in str(table.note)
    assert "where fewer than 5 participants of a cohort have a value there is no difference" in str(table.note).lower()


def test_by_sex_there_is_no_sex_of_a_sex() -> None:
    rows = characteristics(of_ages())
    assert set(rows.loc[rows["term"] == "sex", "population"]) == {"all"}
    assert not {"missing", "quartile_2"} & set(rows["scale"])


def test_weights_move_a_median() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert quantile(values, np.ones(3), 0.5) == 2.0
    assert quantile(values, np.array([1.0, 8.0, 1.0]), 0.5) == pytest.approx(1 + (0.5 - 0.4) / 0.45)
    assert (
        is_skewed(pl.Series([1, 1, 1, 1, 9])) and not is_skewed(pl.Series([1, 2, 3])) and not is_skewed(pl.Series([1]))
    )


def test_numbers_that_look_like_another_unit_are_named_where_they_are_shown() -> None:
    cohort = simulate(40, 20, seed=3)
    # Two in pounds, a man and a woman.
    heavy = pl.int_range(40).is_in([0, 1])
    people = cohort.frame("participants").with_columns(
        body_mass_kg=pl.when(heavy).then(371.0).otherwise(70.0),
        sex=pl.when(pl.int_range(40) == 0).then(pl.lit("male")).otherwise(pl.lit("female")),
    )
    cohort = replace(cohort, tables={**cohort.tables, "participants": people})
    slips = RuleCount("unit-slip", "warn", 5, (("fluid_ml", 3), ("body_mass_kg", 2)))
    blanked = RuleCount("unit-slip", "blank-cell", 1, (("serum_potassium_mmol_l", 1),))
    marked = replace(cohort, attrition=Attrition(rules=(slips, blanked)))

    def note(of: Cohort, where: str | None = None) -> str:
        return str(analyses.run("cohort", of, Settings(where=where)).tables["tbl-characteristics"].note)

    said = "As they were entered, with numbers that look like another unit: Body mass ({})."
    # Fluid is no characteristic, and a cell that was blanked is not among the numbers.
    assert said.format(2) in note(marked) and "another unit" not in note(cohort)
    # Those of people whom the table leaves out are not in it.
    assert said.format(1) in note(marked, "sex = 'female'")
    assert "another unit" not in note(marked, "sex = 'female' and body_mass_kg < 100")


def test_a_part_of_the_people_is_named_where_all_of_them_are_told_of() -> None:
    cohort, asked = simulate(60, 20, seed=3), Settings(where="sex = 'female'")
    found = {name: analyses.run(name, cohort, asked) for name in ("cohort", "frequency", "age-and-muscle")}
    whose = " who meet the condition (Sex = female)"
    assert f"20 years and older{whose}" in str(found["cohort"].tables["tbl-characteristics"].caption)
    for name, value in (("frequency", "answer"), ("age-and-muscle", "frequency")):
        assert f"people aged 20 and older{whose}" in found[name].values[value]
    summary = analyses.run("summary", cohort, asked, others=found).values["summary"]
    assert f"- People aged 20 and older{whose}: " in summary
