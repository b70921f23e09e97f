"""A condition on participants restricts every analysis: a diary to those who meet it, a survey to a domain of it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import AgeBands, analyses, describe, fit
from crampstudy.analyses import Settings
from crampstudy.analyses.others import SectionResults
from crampstudy.analyses.sentences import methods as methods_said
from crampstudy.analyses.sentences import summary as summary_said
from crampstudy.analyses.sentences.methods import cite
from crampstudy.analyses.within import within
from crampstudy.cohort import Attrition, TableCount
from crampstudy.cohort.account import NO_AGE, OUTSIDE, UNDECIDED
from crampstudy.contrasts.cohorts.parts import split_by
from crampstudy.descriptive.flow import flow
from crampstudy.descriptive.prevalence import prevalence_account
from crampstudy.errors import ParameterError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import NOT_ASKED, of_rows
from crampstudy.nights import inside_condition, members, of_cohort, outside_condition
from crampstudy.report import params
from crampstudy.simulate import simulate

WOMEN = "sex = 'female'"


def test_a_diary_is_that_of_those_who_meet_it() -> None:
    cohort = simulate(40, 20, seed=3)
    kept = within(cohort, WOMEN)
    assert set(kept.frame("participants")["sex"]) == {"female"}
    assert set(kept.frame("diary")["participant_id"]) <= set(kept.frame("participants")["participant_id"])
    women = int((cohort.frame("participants")["sex"] == "female").sum())
    assert kept.attrition.notices[-1] == f"Sex = female: {women} participants inside, {40 - women} left out"
    rates = kinds.INCIDENCE_RATE.rows(analyses.run("age-and-muscle", cohort, Settings(where=WOMEN)).estimates)
    expected = kinds.INCIDENCE_RATE.rows(describe(kept).estimates)
    for name in ("level", "estimate", "ci_low", "n_nights"):
        pd.testing.assert_series_equal(rates[name], expected[name], check_index=False)
    assert rates["n_participants"].max() == women
    assert within(cohort, None) is cohort


def test_the_data_are_cited_by_their_own_digest_whomever_a_report_is_of() -> None:
    cohort = simulate(40, 20, seed=3)
    kept = within(cohort, WOMEN)
    assert kept.digest != cohort.digest
    for part in (cohort, kept, within(kept, "age_years > 30")):
        assert cite([part], "1").endswith(f"SHA-256 of the data: {cohort.digest}")
    assert f"SHA-256 of {cohort.name}: {cohort.digest}." in cite([kept, simulate(4, 5, seed=4)], "1")


def test_the_flow_says_who_is_outside() -> None:
    cohort = simulate(40, 20, seed=3)
    counts = (TableCount("participants", "p.csv", 41, 40, 1), TableCount("diary", "d.csv", 900, 900, 0))
    rows = flow(within(replace(cohort, attrition=Attrition(counts)), WOMEN)).set_index(["outcome", "level"])
    women = int((cohort.frame("participants")["sex"] == "female").sum())
    accepted, meeting = (rows.loc[("participants", step)] for step in ("accepted", "meeting the condition"))
    assert (accepted["estimate"], accepted["note"]) == (40, "1 rejected")
    assert (meeting["estimate"], meeting["note"]) == (women, f"{40 - women} outside the condition")


def test_of_an_age_that_a_condition_leaves_out_nobody_meets_it() -> None:
    cohort = simulate(40, 20, seed=3)
    counts = (TableCount("participants", "p.csv", 40, 40, 0),)
    cohort = replace(cohort, attrition=Attrition(counts))
    bands = AgeBands((20, 50, 80))
    for kept, why in (("age_years >= 50", "meets the condition"), (None, None)):
        rows = describe(within(cohort, kept), bands=bands).estimates.set_index("level").loc["20-49"]
        assert set(rows["note"]) == {f"nobody of this age {why}"} if why else rows["estimate"].notna().all()


def test_an_age_that_the_condition_leaves_out_is_no_failure() -> None:
    cohort = simulate(60, 40, seed=3)
    nights = cohort.frame("diary").height
    counts = (TableCount("participants", "p.csv", 60, 60, 0), TableCount("diary", "d.csv", nights, nights, 0))
    older = within(replace(cohort, attrition=Attrition(counts)), "age_years >= 60")
    asked = Settings(age_bands=(20, 50, 60, 80))
    found = SectionResults.of(analyses.run("frequency", older, asked))
    lost = found.estimates[found.estimates["note"].fillna("").str.startswith("nobody of this age meets")]
    assert len(lost) and of_rows(lost, NOT_ASKED).eq("condition").all()
    said = " ".join(summary_said.unanswered({"frequency": "Frequency"}, {"frequency": found}))
    assert "meets the condition" not in said
    failed = found.estimates["status"].isin(["not_estimable", "not_converged"]).sum() - len(lost)
    counted = f"{failed:,} could not be estimated, {len(lost):,} are of an age that the condition leaves out, and"
    assert counted in methods_said.gaps(older, flow(older), found.estimates)
    # Of whom there is nobody without a condition nothing can be told.
    young = analyses.run("frequency", cohort, Settings(age_bands=(20, 101, 110))).estimates
    assert of_rows(young, NOT_ASKED).eq("").all()


@pytest.mark.parametrize("how", ["where", "split"])
def test_whom_a_value_is_missing_of_is_not_said_to_be_outside(how: str) -> None:
    cohort = simulate(40, 20, seed=3)
    unknown = pl.int_range(pl.len()) < 4
    people = cohort.frame("participants").with_columns(sex=pl.when(~unknown).then("sex"))
    nights = cohort.frame("diary")
    counts = (TableCount("participants", "p.csv", 40, 40, 0), TableCount("diary", "d.csv", *[nights.height] * 2, 0))
    tables = {**cohort.tables, "participants": people}
    cohort = replace(cohort, tables=tables, attrition=Attrition(counts))
    women = within(cohort, WOMEN) if how == "where" else split_by(cohort, "sex")[0]
    counted = {
        None: nights.join(people.filter(pl.col("sex").is_null()), on="participant_id", how="semi").height,
        "male": nights.join(people.filter(pl.col("sex") == "male"), on="participant_id", how="semi").height,
    }
    account = of_cohort(women)
    assert account.left_out[:2] == ((UNDECIDED, counted[None]), (OUTSIDE, counted["male"]))
    assert account.used == int(women.frame("diary")["cramps"].count())
    # Nobody who splits a cohort sets a condition.
    assert ("condition" in account.sentence()) == (how == "where")
    assert (f"{counted['male']} left out (of another part)" in account.sentence()) == (how == "split")
    rows = flow(women).set_index(["outcome", "level"])["note"]
    men = int((people["sex"] == "male").sum())
    said = f"4 for which the condition could not be decided, {men} outside the condition"
    assert rows["participants", "meeting the condition"] == said
    # Asked again, nobody is counted twice.
    assert of_cohort(within(women, WOMEN)).left_out == account.left_out
    # Where it is not known how many rows there were, none is said to be left out.
    made = within(replace(cohort, attrition=Attrition()), WOMEN)
    assert of_cohort(made).used == account.used


def test_whom_a_value_is_missing_of_in_a_survey() -> None:
    cohort, old = survey(None), "age_years >= 60"
    frame = cohort.frame("participants")
    blanked = frame.with_columns(age_years=pl.when(pl.int_range(pl.len()) >= 5).then("age_years"))
    kept = within(replace(cohort, tables={**cohort.tables, "participants": blanked}), old)
    young = int((blanked["age_years"] < 60).sum())
    assert of_cohort(kept).left_out[:2] == ((UNDECIDED, 5), (OUTSIDE, young))
    assert of_cohort(within(kept, old)).left_out == of_cohort(kept).left_out


def test_a_survey_keeps_its_design() -> None:
    cohort = survey(None)
    old = "age_years >= 60"
    kept = within(cohort, old)
    assert kept.design is not None and kept.frame("participants").height == cohort.frame("participants").height
    for name in (kept.design.psu, kept.design.stratum, *kept.design.weights.values()):
        assert kept.frame("participants")[name].equals(cohort.frame("participants")[name])
    outside = kept.frame("participants").filter(pl.col("age_years").is_null())
    assert outside["recalled_low"].null_count() == outside.height > 0
    bands = AgeBands((60,))
    own, asked = (describe(each, bands=bands, standard="none", where=old) for each in (kept, cohort))
    assert len(own.estimates) > 5
    for name in ("level", "estimate", "ci_low", "ci_high", "df", "n_participants"):
        pd.testing.assert_series_equal(own.estimates[name], asked.estimates[name])


def test_who_of_a_survey_is_outside_is_said_everywhere() -> None:
    cohort = survey(None)
    frame = cohort.frame("participants")
    counts = (TableCount("participants", "p.csv", frame.height, frame.height, 0),)
    for asked in (replace(cohort, attrition=Attrition(counts)), cohort):
        # Asked twice, it is asked of the same.
        kept = within(within(asked, "age_years >= 60"), "age_years >= 60")
        inside = frame.filter(pl.col("age_years") >= 60)
        answered = inside["recalled_low"].count()
        found = analyses.run("cohort", asked, Settings(where="age_years >= 60"))
        rows = flow(kept).set_index("level")
        assert [
            rows.loc[step, "estimate"] for step in ("accepted", "meeting the condition", "answered", "analysed")
        ] == [
            frame.height,
            inside.height,
            answered,
            answered,
        ]
        assert rows.loc["meeting the condition", "note"] == f"{frame.height - inside.height:,} outside the condition"
        share = kinds.COMPLETENESS.rows(found.estimates).set_index("level").loc["all"]
        assert (share["n_participants"], share["n_events"]) == (inside.height, answered)
        assert found.values["participants"] == f"{inside.height:,} participants"
        assert f"{frame.height - inside.height:,} left out (outside the condition)" in found.values["account"]


def test_whoever_is_outside_is_left_out_for_that_and_for_nothing_else() -> None:
    cohort = survey(None)
    frame = cohort.frame("participants")
    old = frame.filter(pl.col("age_years") >= 60)
    kept = within(cohort, "age_years >= 60")
    silent = old["recalled_low"].null_count()
    for account in (
        prevalence_account(kept),
        fit(kept, model="survey-logistic", terms="sex").account,
        fit(kept, model="survey-logistic", terms="sex", where="age_years >= 20").account,
    ):
        assert account is not None
        lost = dict(account.left_out)
        assert lost[OUTSIDE] == frame.height - old.height and not lost[UNDECIDED]
        assert {why: n for why, n in lost.items() if n and why != OUTSIDE} == (
            {next(why for why in lost if why.startswith("without")): silent} if silent else {}
        )
    assert sum(n for _, n in prevalence_account(within(kept, "sex IS NOT NULL")).left_out) == frame.height - old.height


def test_who_meets_it_and_left_every_question_open_is_inside() -> None:
    cohort = survey(None)
    frame, design = cohort.frame("participants"), cohort.design
    assert design is not None
    silent = pl.col("participant_id").is_in(["3", "7", "900"])
    open_ = [name for name in frame.columns if name not in design.columns]
    frame = frame.with_columns(pl.when(silent).then(None).otherwise(pl.col(open_)).name.keep())
    counts = (TableCount("participants", "p.csv", frame.height, frame.height, 0),)
    asked = replace(cohort, tables={"participants": frame}, attrition=Attrition(counts))
    first = f"{design.stratum} = 0"
    kept = within(asked, first)
    inside = frame.filter(pl.col(design.stratum) == 0)
    assert members(kept)["participant_id"].to_list() == inside["participant_id"].to_list()
    assert inside_condition(kept, "participants") == inside.height == 200
    rows = flow(kept).set_index("level")
    assert rows.loc["meeting the condition", "note"] == f"{frame.height - 200:,} outside the condition"
    assert rows.loc["answered", "note"] == "2 without a recalled frequency"
    # Nobody who is outside of the first condition meets the second one for having no values any more.
    again = within(kept, "sex IS NULL")
    assert members(again)["participant_id"].to_list() == ["3", "7"]
    assert len(again.attrition.outside) == outside_condition(again, "participants") == frame.height - 2
    # Nobody is named by what a cohort shows of itself.
    assert "outside" not in repr(again.attrition)


def test_what_nobody_meets_or_nobody_has_is_told() -> None:
    cohort = simulate(6, 5, seed=3)
    with pytest.raises(UsageError, match="nobody in simulated meets where 'age_years > 130'"):
        within(cohort, "age_years > 130")
    with pytest.raises(ParameterError, match=r"parameter 'where': .*sexx"):
        params.suit(cohort, {"where": "sexx = 'female'"})


@pytest.mark.parametrize("name", ["age-and-muscle", "sleep", "frequency", "nutrition", "hydration"])
def test_an_age_that_is_missing_is_told_where_nobody_asked_for_a_condition(name: str) -> None:
    """From the first limit of age on people are analysed: one of 15 years and two without an age are not."""
    cohort = simulate(24, 20, seed=3)
    person = pl.int_range(pl.len())
    age = pl.when(person == 0).then(15.0).when(person > 2).then("age_years")
    people = cohort.frame("participants").with_columns(age_years=age)
    rows = analyses.run(name, replace(cohort, tables={**cohort.tables, "participants": people})).estimates
    notes = "; ".join(rows["note"].dropna().unique())
    assert "left out, without an age" in notes and "left out, younger than 20" in notes
    assert "condition" not in notes


def test_of_two_columns_that_a_condition_names_age_alone_may_be_missing() -> None:
    cohort = survey(None)
    frame = cohort.frame("participants")
    person = pl.int_range(pl.len())
    blanked = frame.with_columns(
        age_years=pl.when(person >= 5).then("age_years"),
        sex=pl.when((person < 3) | (person > 5)).then("sex"),
    )
    kept = replace(cohort, tables={**cohort.tables, "participants": blanked})
    account = prevalence_account(kept, "age_years >= 20 AND sex IN ('female', 'male')")
    assert account.left_out[:2] == ((NO_AGE, 3), (UNDECIDED, 3))
