"""A cohort whose participants have no ages, or some of them: what needs none is shown, the rest says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import AgeBands, analyses, describe, fit, open_cohort, tables
from crampstudy.analyses.findings import Findings, attempt
from crampstudy.analyses.sentences import per_sd
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.contrasts.nights.nightly import adjustments
from crampstudy.descriptive import characteristics as who
from crampstudy.descriptive.prevalence import prevalence
from crampstudy.estimates import frame
from crampstudy.report.build import build
from crampstudy.simulate import simulate

NO_AGE = "no participant has an age"
Run = Callable[..., tuple[int, str, str]]


def without(cohort: Cohort, column: str, every: int = 1) -> Cohort:
    """Return the cohort without a value of ``column`` of every so-manieth participant."""
    known = pl.int_range(pl.len()) % every != 0
    people = cohort.frame("participants").with_columns(pl.when(known).then(column).alias(column))
    return Cohort(
        cohort.name, cohort.kind, {**cohort.tables, "participants": people}, cohort.design, as_of=cohort.as_of
    )


@pytest.fixture(scope="module")
def whole() -> Cohort:
    return simulate(40, 20, seed=3)


def of(rows: Any, level: str, analysis: str = "incidence rate") -> Any:
    (row,) = rows[(rows["level"] == level) & (rows["analysis"] == analysis)].to_dict("records")
    return row


def test_rates_without_ages_are_those_of_all(whole: Cohort) -> None:
    rows = describe(without(whole, "age_years")).estimates
    everybody = of(describe(whole, "sex").estimates, "all")
    for analysis in ("incidence rate", "mean of person rates"):
        assert of(rows, "all", analysis)["status"] == "converged"
    assert of(rows, "all")["estimate"] == everybody["estimate"] and of(rows, "all")["n_participants"] == 40
    others = rows[rows["level"] != "all"]
    assert set(others["status"]) == {"not_estimable"} and set(others["note"]) == {NO_AGE}
    assert "all" not in set(describe(whole).estimates["level"])


def test_a_note_names_its_rows_apart(whole: Cohort) -> None:
    said = tables.notes(describe(without(whole, "age_years")).estimates)
    assert "Could not estimate: every row but all: no participant has an age." in said
    few = {name: frame.filter(pl.col("participant_id") <= "P0003") for name, frame in whole.tables.items()}
    some = Cohort("few", "diary", few, synthetic=True)
    said = tables.notes(describe(some).estimates)
    assert "; 20+ (age-standardised): no rate in the band " in said


def test_those_without_an_age_are_counted_and_stand_among_all(whole: Cohort) -> None:
    rows = describe(without(whole, "age_years", 5)).estimates
    assert of(rows, "all")["n_participants"] == 40 and of(rows, "20+")["n_participants"] == 32
    assert "8 participants without an age, in the row of all participants alone" in of(rows, "20+")["note"]
    rows = describe(without(whole, "sex", 5), "sex").estimates
    assert "8 participants without a value of sex" in of(rows, "female")["note"]


def test_no_sex(whole: Cohort) -> None:
    rows = describe(without(whole, "sex"), "sex").estimates
    assert of(rows, "all")["status"] == "converged"
    assert of(rows, "female")["note"] == of(rows, "male")["note"] == "no participant has a value of sex"


def test_what_else_needs_no_age(whole: Cohort) -> None:
    made = without(whole, "age_years")
    rows = fit(made, model="poisson", terms="age_decade + sex").estimates.set_index("term")
    assert (rows.loc["age_decade", "status"], rows.loc["sex", "status"]) == ("not_measured", "converged")
    classes = describe(made, outcome="class_30_days").estimates
    implied = classes[classes["analysis"] == "30-day class, implied by the nights"]
    assert set(implied["status"]) <= {"converged", "boundary"} and implied["estimate"].between(0, 1).all()
    relief = describe(made, "age_band", outcome="relief").estimates
    median = of(relief, "all", "median time to relief")
    assert median["status"] == "converged" and median["note"].startswith("no episode has a value of age_band")
    curve = age_curve(made)
    assert curve["note"].tolist() == [NO_AGE]


def test_the_cohort_section_shows_everybody(whole: Cohort) -> None:
    made, bands = without(whole, "age_years"), AgeBands()
    described = who.characteristics(made)
    assert described[described["term"] == "sex"]["n_participants"].iloc[0] == 40
    complete = who.completeness(made, bands)
    assert complete["level"].unique().tolist() == ["all"] and complete["n_participants"].iloc[0] == 40
    partly = who.completeness(without(whole, "age_years", 5), bands)
    assert partly[partly["level"] == "all"]["n_participants"].iloc[0] == 40
    assert who.measured(made, ["sex"])["n_participants"].tolist() == [40]


def test_prevalence_without_ages_is_that_of_all() -> None:
    asked = survey(None)
    rows = describe(without(asked, "age_years")).estimates
    anybody = rows[(rows["population"] == "all") & (rows["level"] == "any")].iloc[0]
    assert anybody["status"] == "converged" and anybody["n_participants"] == 1200
    others = rows[rows["population"] != "all"]
    assert set(others["status"]) == {"not_estimable"} and others["note"].str.startswith(NO_AGE).all()
    partly = describe(without(asked, "age_years", 4)).estimates
    assert "300 participants without an age" in partly["note"].iloc[0]
    assert len(prevalence(asked)) < len(prevalence(without(asked, "age_years", 4)))
    assert set(age_curve(without(asked, "age_years"))["note"]) == {NO_AGE}


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.name for each in analyses.ANALYSES.values() if not each.on_request])
def test_every_section_does_without_ages(name: str, whole: Cohort) -> None:
    found = analyses.run(name, without(whole, "age_years"), others={})
    assert found.tables or found.could_not
    said = " ".join((*found.values.values(), *found.could_not.values()))
    # A part of a claim is called so: no strength training against some.
    said = said.replace("None against some", "")
    assert "nan" not in said.split() and "None" not in said.split()


def test_the_reason_is_of_the_cohort_where_nothing_but_cramps_was_logged(whole: Cohort) -> None:
    people = whole.frame("participants").select("participant_id", "sex", age_years=pl.lit(None, dtype=pl.Float64))
    nights = whole.frame("diary").select("participant_id", "date", "entry_made", "cramps")
    bare = Cohort("bare", "diary", {"participants": people, "diary": nights}, synthetic=True)
    found = analyses.run("age-and-muscle", bare)
    assert found.could_not["tbl-age-ratios"] == found.could_not["fig-age-ratios"] == NO_AGE
    assert found.values["answer"] == f"What age has to do with cramps could not be estimated: {NO_AGE}."
    for name in ("hydration", "activity", "sleep", "nutrition", "conditions", "season"):
        found = analyses.run(name, bare)
        assert "tables." not in " ".join((*found.values.values(), *found.could_not.values())), name


def test_a_table_that_no_row_is_for_is_no_reason() -> None:
    found = attempt(("tbl-ages",), lambda: Findings(pd.DataFrame(tables.age_ratios(frame([])))))
    assert found.could_not == {"tbl-ages": tables.NOTHING_SHOWN}


def test_a_note_says_no_age_that_nothing_was_adjusted_for() -> None:
    of_a_year = simulate(60, 300, seed=3)
    for cohort, held in ((of_a_year, "age, sex and the night in study"), (without(of_a_year, "age_years"), "sex and")):
        note = str(analyses.run("season", cohort).tables["tbl-season"].note)
        assert f"a negative binomial model of the nights, adjusted for {held}" in note


def test_year_of_birth_is_named_where_it_stands_in_the_place_of_age(whole: Cohort) -> None:
    made = without(whole, "age_years")
    fitted = adjusted_fit(made, "smoking", model="poisson")
    assert "birth_year" in str(fitted.estimates["adjusted_for"].iloc[0])
    assert fitted.said.startswith("adjusted for birth_year") and "age_years" not in fitted.said
    assert "(between persons also year of birth, " in adjustments(made, "sitting_min")
    assert "(between persons also age, " in adjustments(whole, "sitting_min")


def test_ratios_per_standard_deviation_say_what_they_are_adjusted_for() -> None:
    row = {"term": "serum_magnesium_mmol_l", "status": "converged", "estimate": 1.0, "note": None}
    for held, said in (
        ("age_decade; sex; education; bmi_kg_m2", "adjusted for age, sex, education and body-mass index, as published"),
        ("sex; education", "adjusted for sex and education, and weighted by the component"),
    ):
        made = frame([{**row, "adjusted_for": held, "scale": "odds_ratio", "analysis": "regression"}])
        assert f"Each {said}" in per_sd.note(made)


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_the_report_is_made(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    run("simulate", "--out", str(folder), "--participants", "30", "--nights", "20")
    file = folder / "participants.csv"
    people = pl.read_csv(file, infer_schema=False)
    people.with_columns(age_years=pl.lit(None), birth_year=pl.lit(None)).write_csv(file)
    assert open_cohort(str(folder)).frame("participants")["age_years"].null_count() == 30
    made = build(str(folder), sections=["cohort", "age-and-muscle"], out=tmp_path / "out")
    shown = " ".join(re.sub("<[^>]+>", "", made.html.read_text(encoding="utf-8")).split())
    assert re.search(r"Could not estimate: [^.:]+ and \d+ others: no participant has an age", shown)
    assert "every row but all" not in shown and "by age, and what" not in shown and "Summary rows" not in shown
    assert "People of different ages are compared" not in shown
    # Nothing supposes an age: no heading, no ratio of age, no rate at the ages of a standard.
    assert "By age" not in shown and "acts through them" not in shown and "age-standardised figure was" not in shown
    assert "Among all participants the crude incidence rate is" in shown and "nan" not in shown.split()
    assert f"In one line: {made.account.sentence()}." in shown
