"""Bands that begin late: who is below the first limit is in no summary row, and no sentence speaks of them."""

from __future__ import annotations

import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import AgeBands, analyses, claims
from crampstudy.analyses import SectionResults, Settings
from crampstudy.analyses.sentences import summary, triage
from crampstudy.analyses.within import within
from crampstudy.cohort import Cohort
from crampstudy.descriptive.flow import flow
from crampstudy.descriptive.prevalence import prevalence
from crampstudy.simulate import simulate
from crampstudy.triage.shares import red_flags

LATE = Settings(age_bands=[65, 70])


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(60, 40, seed=3)


def test_summary_groups_begin_no_earlier_than_the_bands() -> None:
    assert AgeBands().summaries == {"20+": 20, "50+": 50, "60+": 60}
    assert AgeBands((55, 65)).summaries == {"55+": 55, "60+": 60}
    assert AgeBands((65, 70)).summaries == {"65+": 65}
    assert AgeBands((60,)).summaries == {"60+": 60}


def test_no_summary_begins_above_all_bands_and_everybody(diary: Cohort) -> None:
    """A cohort of the young has no rows of 50 years and older that could not be estimated."""
    people = diary.frame("participants").with_columns(
        age_years=pl.int_range(pl.len()).cast(pl.Float64) % 15 + 4, birth_year=pl.lit(None, pl.Int64)
    )
    young = Cohort("young", "diary", {**diary.tables, "participants": people}, as_of=diary.as_of)
    for name in ("age-and-muscle", "frequency"):
        found = analyses.run(name, young, Settings(age_bands=[4, 8, 12, 15], standard="none"))
        assert not {"50+", "60+"} & set(found.estimates["population"].str.partition(",")[0])
        assert "50+" not in " ".join([*found.values.values(), *(str(table.note) for table in found.tables.values())])
    # An old participant, or a band of the old, has the row.
    assert AgeBands((4, 15)).summaries_up_to(55.0) == AgeBands((4, 15)).summaries
    assert AgeBands((4, 60)).summaries_up_to(20.0) == AgeBands((4, 60)).summaries


def test_a_survey_of_the_young_has_no_summary_of_the_old_either() -> None:
    asked, young = survey(80), Settings(age_bands=[20, 30, 40])
    old = analyses.run("frequency", asked, young)
    assert {"50+", "60+"} <= set(old.estimates["population"])
    part = within(asked, "age_years < 45")
    for name in ("age-and-muscle", "frequency"):
        found = analyses.run(name, part, young)
        assert "40+" in set(found.estimates["population"].str.partition(",")[0])
        assert not {"50+", "60+"} & set(found.estimates["population"].str.partition(",")[0])
        assert "50+" not in " ".join([*found.values.values(), *(str(table.note) for table in found.tables.values())])
    # As a domain of the whole survey it is the same.
    inside = asked.frame("participants")["age_years"].lt(45).fill_null(value=False).to_numpy()
    rows = prevalence(asked, young.bands, domain=inside)
    assert {row["population"] for row in rows} == {"<20", "20-29", "30-39", "40+", "20+"}


@pytest.mark.parametrize("name", ["age-and-muscle", "frequency"])
@pytest.mark.parametrize("kind", ["diary", "survey"])
def test_rows_and_sentences_are_of_those_from_the_first_limit_on(diary: Cohort, name: str, kind: str) -> None:
    found = analyses.run(name, diary if kind == "diary" else survey(80), LATE)
    groups = set(found.estimates["population"])
    assert "65+" in groups and not {"50+", "60+"} & groups
    said = " ".join([*found.values.values(), *(table.note or "" for table in found.tables.values())])
    assert "aged 65 and older" in said and "aged 50 and older" not in said
    assert "such as 50+" not in said


def test_the_period_prevalence_of_the_old_is_that_of_all_where_all_are_old(diary: Cohort) -> None:
    windows = {age: analyses.run("frequency", diary, Settings(age_bands=[age, 80])).estimates for age in (40, 50, 55)}
    assert {age: "50+" in set(rows["population"]) for age, rows in windows.items()} == {40: True, 50: True, 55: False}


def test_red_flags_and_the_summary_speak_of_the_same_people(diary: Cohort) -> None:
    rows = red_flags(diary, LATE.bands)
    assert not {"50+", "60+"} & set(rows["population"])
    assert triage.flags(rows) != triage.flags(red_flags(diary))
    found = analyses.run("age-and-muscle", diary, LATE)
    others = {"age-and-muscle": SectionResults.of(found)}
    lines = summary.lines(flow(diary, youngest=LATE.youngest), found.estimates.head(0), others)
    assert lines[1].startswith("People aged 65 and older: ")


def test_a_claim_of_an_age_group_that_is_not_formed_says_so(diary: Cohort) -> None:
    rows = {"frequency": analyses.run("frequency", diary, LATE).estimates}
    told = {entry.claim.claim: claims.reason(entry) for entry in claims.ledger(rows, "diary")}
    assert "form no group of people aged 60 and older" in told["C02"]
    assert "form no group of people aged 50 and older" in told["C03"]
