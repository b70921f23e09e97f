"""A covariate that sets the outcome apart is left out of the adjustment and named; the exposure keeps its estimate."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick

from crampstudy import fit
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.within_between import within_between
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.common import separation
from crampstudy.models.covariates import settle

ALIKE = ["term", "level", "estimate", "ci_low", "ci_high", "std_error", "df", "status", "verdict", "adjusted_for"]
PEOPLE, NIGHTS = 24, 30


def diary() -> Cohort:
    """Return a clinic's diary: 13 nights of kneeling without a cramp, no cramp at one level of the shoes.

    ``clogs`` and ``tiles`` have cramps each, and none on the nights of both; ``hot`` has a cramp on each of its nights.
    """
    rng = np.random.default_rng(7)
    n = PEOPLE * NIGHTS
    who, k = np.divmod(np.arange(n), NIGHTS)
    cramps = (rng.random(n) < 0.25).astype(int) * (1 + (k % 5 == 0))
    hot = np.isin(np.arange(n), np.flatnonzero(cramps)[::12])
    quiet = np.flatnonzero(cramps == 0)
    kneeling = np.isin(np.arange(n), quiet[5::35][:13])
    shoes = np.where(np.isin(np.arange(n), quiet[3::25]), "boots", np.where(who % 2 == k % 2, "flat", "none"))
    clogs, tiles = k % 3 == 0, k % 7 == 0
    cramps = np.where(clogs & tiles, 0, cramps)
    nights = pl.DataFrame(
        {
            "participant_id": [f"p{i:02}" for i in who],
            "date": pl.Series(k).cast(pl.Int32) + 19_800,
            "cramps": cramps,
            "fluid_ml": 1500.0 + 10 * rng.integers(0, 90, n),
            "kneeling": kneeling,
            "shoes": shoes,
            "clogs": clogs,
            "tiles": tiles,
            "tiled_clogs": clogs & tiles,
            "hot": hot & ~(clogs & tiles),
        }
    ).with_columns(pl.col("date").cast(pl.Date))
    people = pl.DataFrame(
        {"participant_id": [f"p{i:02}" for i in range(PEOPLE)], "sex": ["female", "male"] * 12}
    ).with_columns(age_years=50.0 + pl.int_range(PEOPLE) % 17)
    return Cohort("clinic", "diary", {"participants": people, "diary": nights}, synthetic=True)


@pytest.fixture(scope="module")
def clinic() -> Cohort:
    return diary()


def asked(cohort: Cohort, model: str, *covariates: str, of: str = "fluid_ml", **more: Any) -> Fit:
    terms = " + ".join([of, *covariates])
    return fit(cohort, model=model, terms=terms, adjusted_for=covariates, **more)


def as_without(made: Fit, plain: Fit) -> None:
    """Check that a fit says of each of its terms what the fit of a formula without some says."""
    rows = made.estimates[~made.estimates["term"].isin(made.left_out)].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows[ALIKE], plain.estimates[ALIKE], check_exact=True)
    assert rows.loc[rows["estimate"].notna(), "lacks"].eq("; ".join(made.left_out)).all()


@pytest.mark.parametrize(
    "model", ["poisson", "negative-binomial", "logistic", "gee-exchangeable", "gee-ar1", "mixed-poisson"]
)
def test_a_covariate_without_a_cramp_is_left_out_of_every_family_and_counted(clinic: Cohort, model: str) -> None:
    made = asked(clinic, model, "kneeling", "sex")
    as_without(made, fit(clinic, model=model, terms="fluid_ml + sex"))
    assert made.status == "converged" and made.left_out == ("kneeling",) and not made.surplus
    row, lost = pick(made.estimates, "fluid_ml"), pick(made.estimates, "kneeling")
    assert "not adjusted for kneeling: every one of its 13 nights was without a cramp" in row["note"]
    assert (row["adjustment"], row["lacks"], row["adjusted_for"]) == ("terms left out", "kneeling", "sex")
    assert lost["status"] == "not_estimable" and "13 nights" in lost["note"]
    # Without being told which are covariates, a fit has none to leave out.
    whole = fit(clinic, model=model, terms="fluid_ml + kneeling + sex")
    assert set(whole.estimates["note"].str.split(":").str[0]) == {"no cramp where kneeling = true"}


def test_a_level_without_a_cramp_is_named(clinic: Cohort) -> None:
    made = asked(clinic, "poisson", "shoes")
    as_without(made, fit(clinic, model="poisson", terms="fluid_ml"))
    assert "not adjusted for shoes: every one of its" in pick(made.estimates, "fluid_ml")["note"]
    assert "nights at boots was without a cramp" in pick(made.estimates, "fluid_ml")["note"]


def test_a_level_with_nothing_but_cramps_sets_apart_where_the_outcome_is_yes_or_no(clinic: Cohort) -> None:
    made = asked(clinic, "logistic", "hot")
    as_without(made, fit(clinic, model="logistic", terms="fluid_ml"))
    assert "nights had a cramp" in pick(made.estimates, "fluid_ml")["note"]
    assert asked(clinic, "poisson", "hot").left_out == ()
    alone = fit(clinic, model="logistic", terms="hot").estimates
    assert set(alone["note"]) == {"a cramp on every night where hot = true: no finite ratio exists"}


def test_two_that_each_set_nights_apart_are_both_left_out(clinic: Cohort) -> None:
    made = asked(clinic, "poisson", "kneeling", "sex", "shoes")
    as_without(made, fit(clinic, model="poisson", terms="fluid_ml + sex"))
    assert made.left_out == ("kneeling", "shoes")


def test_of_two_that_do_so_together_the_last_is_left_out(clinic: Cohort) -> None:
    # Neither has nights without a cramp alone: only both together do, of which the product speaks.
    terms = ["clogs", "tiles", "clogs:tiles"]
    made = asked(clinic, "poisson", *terms)
    assert made.left_out == ("clogs:tiles",)
    as_without(made, fit(clinic, model="poisson", terms="fluid_ml + clogs + tiles"))
    # A number that follows them as far as cramps go: either could stay, and the first one does.
    frame = clinic.frame("diary").with_columns(
        early=(~pl.col("kneeling")).cast(pl.Float64), late=pl.col("kneeling").cast(pl.Float64) * 2 + pl.col("clogs")
    )
    both = Cohort("both", "diary", {**clinic.tables, "diary": frame}, synthetic=True)
    assert asked(both, "poisson", "clogs", "late", "sex").left_out == ("late",)
    note = str(pick(asked(both, "poisson", "clogs", "late", "sex").estimates, "fluid_ml")["note"])
    assert "not adjusted for late: together with clogs it takes values at which every night was without a cramp" in note


def test_an_exposure_that_does_so_itself_has_no_estimate_and_its_own_reason(clinic: Cohort) -> None:
    made = asked(clinic, "negative-binomial", "shoes", "sex", of="kneeling")
    row = pick(made.estimates, "kneeling", "true")
    assert row["status"] == "not_estimable"
    assert row["note"] == "no cramp where kneeling = true: no finite ratio exists"


def test_what_is_set_apart_in_part_is_not_said_to_be_so_completely() -> None:
    # Of the nights none is apart but those of kneeling on which little was drunk.
    cohort = diary()
    low = pl.col("fluid_ml") < 1700
    frame = cohort.frame("diary").with_columns(cramps=pl.when(low & pl.col("clogs")).then(0).otherwise("cramps"))
    frame = frame.with_columns(x=low.cast(pl.Float64) + pl.col("clogs"), y=(low & pl.col("clogs")).cast(pl.Float64))
    made = Cohort("made", "diary", {**cohort.tables, "diary": frame}, synthetic=True)
    note = fit(made, model="poisson", terms="sex + x + y").estimates["note"].iloc[0]
    assert "completely" not in note
    assert note == "y takes a value at which every night was without a cramp: no finite ratio exists"


@pytest.mark.parametrize("link", ["logit", "log"])
def test_completely_and_in_part_are_told_apart(link: Any) -> None:
    x = np.column_stack([np.ones(6), [0.0, 1, 2, 3, 4, 5], [1.0, 0, 0, 1, 0, 0]])
    whole = separation.separation(np.array([0.0, 0, 0, 1, 1, 1] if link == "logit" else [0.0, 0, 0, 0, 0, 2]), x, link)
    assert whole is not None and whole.complete and whole.without and whole.having == (link == "logit")
    # The 1 of the last column has no event, and the rest of it is mixed.
    part = separation.separation(np.array([0.0, 1, 0, 0, 1, 0]), x[:, [0, 2]], link)
    assert part is not None and part.without and not part.having and not part.complete and part.points == 1


def test_in_a_model_of_several_exposures_one_without_a_cramp_leaves_the_others_theirs(clinic: Cohort) -> None:
    rng = np.random.default_rng(1)
    made = within_between(clinic, ["fluid_ml", "kneeling"], rng=rng, model="poisson", replicates=40)
    fluid = made[made["term"].eq("fluid_ml") & made["level"].eq("within")].iloc[0]
    kneeling = made[made["term"].eq("kneeling") & made["level"].eq("within")].iloc[0]
    assert fluid["status"] == "converged" and fluid["lacks"] == "within(kneeling); between(kneeling)"
    assert kneeling["status"] == "not_estimable"
    assert kneeling["note"] == "together they set the outcome apart: no finite estimate exists"


def test_over_several_nights_and_of_factors_it_is_left_out_as_well(clinic: Cohort) -> None:
    rows = distributed_lag(clinic, "fluid_ml", model="poisson", lags=1, beside="kneeling + sex")
    plain = distributed_lag(clinic, "fluid_ml", model="poisson", lags=1, beside="sex")
    pd.testing.assert_series_equal(rows["estimate"], plain["estimate"])
    assert rows.loc[rows["estimate"].notna(), "lacks"].eq("kneeling").all()


def survey() -> Cohort:
    """Return a survey of 240, of whom the 12 of ``rare`` never had a cramp."""
    rng = np.random.default_rng(3)
    n = 240
    rare = np.arange(n) % 20 == 0
    low = np.where(rare, 0, rng.choice([0, 1, 2, 5], n))
    people = pl.DataFrame(
        {
            "participant_id": [f"s{i:03}" for i in range(n)],
            "age_years": 30.0 + rng.integers(0, 50, n),
            "sex": ["female" if i % 2 else "male" for i in range(n)],
            "rare": rare,
            "weight_interview": np.ones(n),
            "stratum": np.arange(n) % 10,
            "psu": np.arange(n) // 120 + 1,
            "recalled_low": low,
            "recalled_high": np.array([0, 1, 4, 15])[np.searchsorted([0, 1, 2, 5], low)],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


@pytest.mark.parametrize("model", ["survey-logistic", "survey-poisson", "survey-ordinal", "interval-count"])
def test_the_families_of_a_survey_leave_it_out_as_well(model: str) -> None:
    outcome = {"outcome": "any_cramp"} if model in ("survey-logistic", "survey-poisson") else {}
    made = asked(survey(), model, "rare", of="age_years", **outcome)
    assert made.left_out == ("rare",)
    as_without(made, fit(survey(), model=model, terms="age_years", **outcome))
    assert "not adjusted for rare: " in pick(made.estimates, "age_years")["note"]


@pytest.mark.parametrize(("model", "outcome"), [("cox", "relief"), ("ordinal", "pain")])
def test_the_families_of_cramps_leave_it_out_as_well(clinic: Cohort, model: str, outcome: str) -> None:
    rng = np.random.default_rng(5)
    nights = clinic.frame("diary").filter(pl.col("cramps") > 0)
    # Who takes a statin has cramps that hurt most and do not end.
    people = clinic.frame("participants").with_columns(statin=pl.col("participant_id") < "p04")
    worst = nights["participant_id"].to_numpy() < "p04"
    episodes = nights.select("participant_id", "date").with_columns(
        episode=pl.lit(1, pl.Int64),
        pain_0_10=np.where(worst, 9.0, rng.choice([2.0, 4.0, 6.0], nights.height)),
        duration_s=pl.lit(600.0),
        relief_s=np.ceil(rng.exponential(120, nights.height)),
        relieved=~worst,
    )
    tables = {"participants": people, "diary": clinic.frame("diary"), "episodes": episodes}
    cohort = Cohort("clinic", "diary", tables, synthetic=True)
    made = asked(cohort, model, "statin", of="sex", outcome=outcome)
    assert made.left_out == ("statin",)
    as_without(made, fit(cohort, model=model, terms="sex", outcome=outcome))


def test_each_is_put_back_that_can_stand_beside_the_others() -> None:
    class Made:
        def __init__(self, *apart: str) -> None:
            self.apart = dict.fromkeys(apart, "apart")

    # Any two of these are apart together, and "d" is so alone.
    def attempt(out: Any) -> Made:
        left = [each for each in "abcd" if each not in out]
        return Made("d") if "d" in left else Made(*left if len(left) > 1 else ())

    made, out = settle(["a", "b", "c", "d"], attempt)
    assert not made.apart and set(out) == {"b", "c", "d"}


def test_both_halves_of_the_annual_cycle_are_left_out_where_one_sets_apart() -> None:
    halves = ["between(season_cos)", "between(season_sin)"]

    class Made:
        def __init__(self, *apart: str) -> None:
            self.apart = dict.fromkeys(apart, "apart")

    def attempt(out: Any) -> Made:
        lost = " ".join(out)
        return Made(halves[1]) if halves[1] not in lost else Made()

    made, out = settle([halves[0], "sex", halves[1]], attempt)
    assert not made.apart and set(out) == {" + ".join(halves)}


@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic"])
def test_a_covariate_that_follows_from_others_is_left_out_and_one_that_follows_from_the_exposure_is_not(
    model: str,
) -> None:
    cohort = diary()
    rng = np.random.default_rng(3)
    people = cohort.tables["participants"].with_columns(
        own=pl.Series(rng.random(PEOPLE) < 0.5), first=pl.Series(rng.random(PEOPLE) < 0.5), age=pl.Series(range(PEOPLE))
    )
    # One says the same as another, a number follows from two.
    people = people.with_columns(
        again=~pl.col("first"), sum=pl.col("age") * 2.0 - pl.col("first").cast(pl.Float64), copy=pl.col("own")
    )
    moved = replace(cohort, tables={**cohort.tables, "participants": people})
    asked: dict[str, Any] = {"model": model, "outcome": "cramp_night" if model == "logistic" else "cramps"}
    plain = fit(moved, terms="own + first + age", adjusted_for=["first", "age"], **asked)
    found = fit(moved, terms="own + first + age + again + sum", adjusted_for=["first", "age", "again", "sum"], **asked)

    def of(rows: pd.DataFrame, term: str) -> Any:
        return rows[rows["term"] == term].iloc[0]

    wanted, own = (of(made.estimates, "own") for made in (plain, found))
    assert own[["estimate", "ci_low", "ci_high"]].tolist() == wanted[["estimate", "ci_low", "ci_high"]].tolist()
    assert "not adjusted for again: it follows from first" in own["note"]
    assert "not adjusted for sum: it follows from first and age" in own["note"]
    assert of(found.estimates, "again")["note"] == "it follows from first"
    same = fit(moved, terms="own + first + copy", adjusted_for=["first", "copy"], **asked).estimates
    assert same["estimate"].isna().all() and of(same, "own")["note"].startswith("copy = true follows from the terms")


SURVEYS = ("survey-logistic", "survey-poisson", "survey-linear", "survey-ordinal", "interval-count")


def doubled() -> Cohort:
    """Return a survey in which ``again`` is who is not ``first``, ``sum`` a number of two others, ``copy`` the own."""
    cohort, rng = survey(), np.random.default_rng(4)
    people = cohort.tables["participants"].with_columns(
        own=pl.Series(rng.random(240) < 0.5),
        first=pl.Series(rng.random(240) < 0.5),
        mass=pl.Series(22.0 + rng.integers(0, 90, 240) / 10),
    )
    people = people.with_columns(
        again=~pl.col("first"),
        sum=pl.col("age_years") * 2.0 - pl.col("first").cast(pl.Float64),
        copy=pl.col("own"),
    )
    return replace(cohort, tables={"participants": people})


def first_of(made: Fit, term: str) -> Any:
    return made.estimates[made.estimates["term"] == term].iloc[0]


def of_survey(model: str) -> dict[str, Any]:
    outcome = {"survey-linear": "mass", "survey-ordinal": "recalled_class", "interval-count": "recalled_count"}
    return {"model": model, "outcome": outcome.get(model, "any_cramp")}


@pytest.mark.parametrize("model", SURVEYS)
def test_in_a_survey_a_covariate_that_follows_from_others_is_left_out_as_in_a_diary(model: str) -> None:
    cohort, asked_of = doubled(), of_survey(model)
    plain = fit(cohort, terms="own + first + age_years", adjusted_for=["first", "age_years"], **asked_of)
    covariates = ["first", "age_years", "again", "sum"]
    found = fit(cohort, terms=" + ".join(["own", *covariates]), adjusted_for=covariates, **asked_of)
    assert plain.status == "converged" and found.left_out == ("again", "sum")
    as_without(found, plain)
    note = first_of(found, "own")["note"]
    assert "not adjusted for again: it follows from first" in note
    assert "not adjusted for sum: it follows from first and age_years" in note
    assert first_of(found, "again")["note"] == "it follows from first"
    # One that says the same as what is asked for cannot be told from it.
    same = fit(cohort, terms="own + first + copy", adjusted_for=["first", "copy"], **asked_of)
    assert same.estimates["estimate"].isna().all() and not same.left_out
    assert first_of(same, "own")["note"].startswith("copy = true follows from the terms before it")


def test_in_a_domain_of_a_survey_what_follows_there_alone_is_left_out() -> None:
    cohort = doubled()
    older = pl.col("age_years") >= 50
    people = cohort.tables["participants"].with_columns(nearly=pl.when(older).then("first").otherwise("own"))
    moved = replace(cohort, tables={"participants": people})
    asked_of = of_survey("survey-poisson") | {"terms": "own + first + nearly", "adjusted_for": ["first", "nearly"]}
    assert fit(moved, **asked_of).left_out == ()
    part = fit(moved, where="age_years >= 50", **asked_of)
    assert part.left_out == ("nearly",) and part.status == "converged"


def test_a_covariate_that_follows_from_others_takes_no_degree_of_freedom_of_a_survey() -> None:
    cohort = doubled()
    # Of five strata of two sampling units five degrees of freedom are left: three slopes and two.
    people = cohort.tables["participants"].with_columns(stratum=pl.col("stratum") % 5)
    small = replace(cohort, tables={"participants": people})
    covariates = ["first", "age_years", "again", "sum"]
    found = fit(small, terms=" + ".join(["own", *covariates]), adjusted_for=covariates, **of_survey("survey-logistic"))
    assert found.status == "converged" and found.left_out == ("again", "sum")


@pytest.mark.parametrize(("model", "outcome"), [("cox", "relief"), ("ordinal", "pain")])
def test_one_that_follows_from_others_and_the_baseline_is_left_out_of_the_families_of_cramps(
    clinic: Cohort, model: str, outcome: str
) -> None:
    rng = np.random.default_rng(5)
    nights = clinic.frame("diary").filter(pl.col("cramps") > 0)
    people = clinic.frame("participants").with_columns(first=pl.Series(np.arange(PEOPLE) % 3 == 0))
    people = people.with_columns(again=~pl.col("first"))
    episodes = nights.select("participant_id", "date").with_columns(
        episode=pl.lit(1, pl.Int64),
        pain_0_10=rng.choice([2.0, 4.0, 6.0], nights.height),
        duration_s=pl.lit(600.0),
        relief_s=np.ceil(rng.exponential(120, nights.height)),
        relieved=pl.lit(value=True),
    )
    tables = {"participants": people, "diary": clinic.frame("diary"), "episodes": episodes}
    cohort = Cohort("clinic", "diary", tables, synthetic=True)
    made = asked(cohort, model, "first", "again", of="sex", outcome=outcome)
    assert made.left_out == ("again",) and "it follows from first" in first_of(made, "sex")["note"]
    as_without(made, fit(cohort, model=model, terms="sex + first", adjusted_for=["first"], outcome=outcome))
