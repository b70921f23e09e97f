from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick
from scipy import stats

from crampstudy import estimates, fit, wording
from crampstudy.cohort import Attrition, Cohort, RuleCount, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.tables.reworded import reworded

DEFAULT_COUNTS = (0, 1, 0, 2, 0, 0, 3, 1)


def diary(
    n: int = 60, nights: int = 8, counts: Callable[[int, int], int | None] | None = None, **columns: Any
) -> Cohort:
    """Make n participants of alternating sex with ``counts(person, night)`` cramps."""
    made = counts or (lambda i, night: DEFAULT_COUNTS[(3 * i + night * night) % 8])
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": [30.0 + (i * 7) % 50 for i in range(n)],
            "sex": ["female" if i % 2 else "male" for i in range(n)],
            "diabetes": [i % 5 == 0 for i in range(n)],
        }
    ).with_columns(**columns)
    rows = [
        (
            f"p{i:03}",
            date(2024, 1, 1) + timedelta(days=k),
            made(i, k),
            None if k == 0 else 6.0 + (i + k) % 3,
            10.0 * (k % 4),
        )
        for i in range(n)
        for k in range(nights)
    ]
    schema = {
        "participant_id": pl.String,
        "date": pl.Date,
        "cramps": pl.Int64,
        "hours_in_bed": pl.Float64,
        "exercise_min": pl.Float64,
    }
    tables = {"participants": people, "diary": pl.DataFrame(rows, schema, orient="row")}
    return Cohort("made", "diary", tables, synthetic=True)


def test_rate_ratio_and_its_interval_by_hand() -> None:
    cohort = diary()
    rows = fit(cohort, model="poisson", terms="sex", covariance="cluster").estimates
    row, base = pick(rows, "sex", "female"), pick(rows, "intercept")
    people = cohort.diary.merge(cohort.participants, on="participant_id")
    sums = people.groupby(["sex", "participant_id"])["cramps"].agg(["sum", "size"])
    rate = {sex: sums.loc[sex]["sum"].sum() / sums.loc[sex]["size"].sum() for sex in ("female", "male")}
    assert base["estimate"] == pytest.approx(7 * rate["male"])
    assert row["estimate"] == pytest.approx(rate["female"] / rate["male"])
    # Two groups: the variances of their log rates add, with one factor G/(G-1) over all participants.
    parts = [
        ((s["sum"] - rate[sex] * s["size"]) ** 2).sum() / s["sum"].sum() ** 2 for sex in rate for s in [sums.loc[sex]]
    ]
    error = math.sqrt(60 / 59 * sum(parts))
    assert row["std_error"] == pytest.approx(error)
    assert row["ci_high"] == pytest.approx(row["estimate"] * math.exp(1.959964 * error), rel=1e-6)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(math.log(row["estimate"])) / error))
    assert (row["reference"], row["unit"], row["scale"]) == ("male", "against male", "rate_ratio")
    assert (row["n_participants"], row["n_nights"], row["n_events"]) == (60, 480, int(cohort.diary["cramps"].sum()))


def test_t_intervals_below_fifty_participants() -> None:
    asked = {"model": "poisson", "terms": "sex", "covariance": "cluster"}
    few, many = (pick(fit(diary(n), **asked).estimates, "sex", "female") for n in (49, 50))
    assert few["df"] == 48 and math.isinf(many["df"])
    for row, quantile in ((few, stats.t.ppf(0.975, 48)), (many, stats.norm.ppf(0.975))):
        assert math.log(row["ci_high"] / row["estimate"]) / row["std_error"] == pytest.approx(quantile)


def test_covariances_differ_by_what_they_say() -> None:
    errors = {
        kind: pick(fit(diary(), model="poisson", terms="sex", covariance=kind).estimates, "sex", "female")["std_error"]
        for kind in ("cluster", "cluster-hc0", "model")
    }
    assert errors["cluster"] == pytest.approx(errors["cluster-hc0"] * math.sqrt(60 / 59))
    assert abs(errors["model"] - errors["cluster"]) > 1e-3


def test_multiples_change_the_unit_and_not_the_p_value() -> None:
    one, thirty, decades = (
        fit(diary(), model="poisson", terms="age_decade + exercise_min", per=per).estimates
        for per in ({}, {"exercise_min": 30}, {"age_decade": 2})
    )
    a, b = pick(one, "exercise_min"), pick(thirty, "exercise_min")
    assert b["estimate"] == pytest.approx(a["estimate"] ** 30)
    assert b["std_error"] == pytest.approx(30 * a["std_error"])
    assert b["p_value"] == pytest.approx(a["p_value"])
    assert (a["unit"], b["unit"]) == ("per 1 min/day", "per 30 min/day")
    assert (pick(one, "age_decade")["unit"], pick(decades, "age_decade")["unit"]) == ("per 10 years", "per 20 years")


def test_hours_in_bed_drop_nights_without_them() -> None:
    fitted = fit(diary(), model="poisson", terms="sex", exposure="hours_in_bed")
    row = pick(fitted.estimates, "intercept")
    assert fitted.n_rows == row["n_nights"] == 60 * 7
    assert row["unit"] == "per hour in bed"
    assert row["note"].startswith("60 nights left out, incomplete on the terms; ")
    people = diary().diary.merge(diary().participants, on="participant_id").dropna(subset="hours_in_bed")
    men = people[people["sex"] == "male"]
    assert row["estimate"] == pytest.approx(men["cramps"].sum() / men["hours_in_bed"].sum())


def test_where_selects_nights_and_counts_the_undecided() -> None:
    fitted = fit(diary(), model="poisson", terms="sex", where="hours_in_bed >= 7")
    inside = (diary().diary["hours_in_bed"] >= 7).sum()
    assert fitted.n_rows == inside
    row = pick(fitted.estimates, "sex", "female")
    assert row["note"].startswith("60 nights left out, the condition could not be decided; ")
    assert row["note"].endswith(" nights left out, outside the condition; covariance cluster-small")
    assert row["population"] == "hours_in_bed >= 7"


def test_incomplete_participants_are_counted_in_nights() -> None:
    cohort = diary(bmi_kg_m2=pl.when(pl.int_range(60) < 5).then(None).otherwise(20.0 + pl.int_range(60) % 9))
    fitted = fit(cohort, model="negative-binomial", terms="sex + bmi_kg_m2")
    assert fitted.n_rows == 55 * 8
    assert pick(fitted.estimates, "sex", "female")["note"].startswith("40 nights left out, incomplete on the terms; ")


def test_what_was_not_measured_is_said_and_the_rest_fitted() -> None:
    rows = fit(diary(), model="poisson", terms="sex + grip_strength_kg").estimates
    assert pick(rows, "grip_strength_kg")["status"] == "not_measured"
    alone = fit(diary(), model="poisson", terms="sex").estimates
    assert pick(rows, "sex", "female")["estimate"] == pick(alone, "sex", "female")["estimate"]
    assert rows["key"].is_unique


def test_what_does_not_vary_is_said_and_the_rest_fitted() -> None:
    fitted = fit(diary(), model="poisson", terms="sex + age_decade", where="sex = 'female'")
    assert fitted.status == "converged"
    row = pick(fitted.estimates, "sex")
    assert (row["status"], row["note"]) == ("not_estimable", "sex = female throughout")
    assert pick(fitted.estimates, "age_decade")["status"] == "converged"


def not_estimable(cohort: Cohort, terms: str, **options: Any) -> str:
    """Return the reason of a model without an answer, whose rows must show no number."""
    fitted = fit(cohort, **{"model": "negative-binomial", "terms": terms} | options)
    rows = fitted.estimates
    assert fitted.status == "not_estimable"
    assert set(rows["status"]) == {"not_estimable"}
    assert rows[["estimate", "ci_low", "ci_high", "std_error", "p_value"]].isna().all(axis=None)
    assert rows["note"].nunique() == 1
    return str(rows["note"].iloc[0])


def test_no_cramp_at_a_level_is_separation() -> None:
    women = diary(counts=lambda i, night: 0 if i % 2 else (i + night) % 3)
    assert not_estimable(women, "sex + age_decade") == "no cramp where sex = female: no finite ratio exists"
    men = diary(counts=lambda i, night: (i + night) % 3 if i % 2 else 0)
    assert not_estimable(men, "sex") == "no cramp where sex = male, the reference: no finite ratio exists"


def test_separation_is_found_beside_a_continuous_term() -> None:
    cohort = diary(counts=lambda i, night: 0 if i % 5 == 0 else (i + night) % 3)
    assert not_estimable(cohort, "age_decade + exercise_min + diabetes", model="poisson").startswith(
        "no cramp where diabetes = true"
    )


def test_separation_by_a_number_alone() -> None:
    # Cramps only in the one participant who is oldest: the line rises for ever.
    cohort = diary(counts=lambda i, night: night % 2 if i == 7 else 0)
    assert diary().participants["age_years"].max() == diary().participants["age_years"][7] == 79
    assert "set apart completely by age_decade" in not_estimable(cohort, "age_decade")
    said = "one participant has all of the cramps: an estimate would rest on that one"
    assert not_estimable(cohort, "exercise_min", model="poisson") == said


def test_collinear_term_is_named() -> None:
    twice = diary(weight_copy=(pl.col("age_years") - 60) / 10)
    assert not_estimable(twice, "age_decade + weight_copy") == "weight_copy follows from the terms before it"


def test_no_cramps_at_all() -> None:
    assert not_estimable(diary(counts=lambda i, night: 0), "sex") == "no cramp on any of the nights"


def test_one_participant() -> None:
    reason = not_estimable(diary(1), "exercise_min", model="poisson")
    assert reason == "a cluster-robust covariance needs at least two participants"


def test_weights_of_nothing_leave_nothing() -> None:
    reason = not_estimable(diary(), "sex + weights(0 * age_years)", model="poisson")
    assert reason == "every night that is complete on the terms has weight 0"


def test_a_function_that_has_no_value_says_which_have_one() -> None:
    with pytest.raises(UsageError, match=r"no number on some rows; a logarithm needs values above 0"):
        fit(diary(), model="poisson", terms="sqrt(age_years - 60)")
    with pytest.raises(UsageError, match=r"cannot be evaluated: C\(\) of a number makes a level of each"):
        fit(diary(), model="poisson", terms="C(age_years)")


def test_more_coefficients_than_participants() -> None:
    assert not_estimable(diary(2), "exercise_min", model="poisson").startswith("2 participants are too few")


def test_part_without_a_night() -> None:
    why = "none of the nights meets the condition Age > 110"
    assert not_estimable(diary(), "sex + age_decade", where="age_years > 110") == why
    who = pl.int_range(60)
    either = {"grip_strength_kg": pl.when(who < 15).then(30.0 + who), "bmi_kg_m2": pl.when(who >= 15).then(20.0 + who)}
    some, terms = diary(treated=who < 30, **either), "grip_strength_kg + bmi_kg_m2"
    assert not_estimable(some, terms, where="treated = true") == "no night is complete on the terms"


@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic", "gee-exchangeable", "mixed-poisson"])
@pytest.mark.parametrize(
    ("treated", "why"),
    [
        (pl.int_range(60) == 3, "one participant alone has treated = true: a ratio would rest on that one"),
        (pl.int_range(60) != 3, "one participant alone has treated = false, the reference: a ratio would rest on that"),
        ((pl.int_range(60) == 3).cast(pl.Float64), "one participant alone has treated = 1: a ratio would rest on that"),
    ],
)
def test_what_is_one_participants_alone_has_no_ratio(model: str, treated: pl.Expr, why: str) -> None:
    rows = fit(diary(treated=treated), model=model, terms="sex + treated").estimates
    (row,) = (row for _, row in rows[rows["term"] == "treated"].iterrows())
    assert row["status"] == "not_estimable" and why in row["note"] and pd.isna(row["estimate"])
    other = pick(rows, "sex", "female")
    assert other["status"] == "converged" and other["n_exposed"] == 30


def test_what_one_alone_has_of_those_complete_on_the_terms_others_may_have() -> None:
    who = pl.int_range(60)
    # Of two who have it one has no grip strength.
    cohort = diary(treated=who.is_in([3, 4]), grip_strength_kg=pl.when(who != 4).then(30.0 + who))
    alone, both = (
        "one participant alone has treated = true",
        "one participant alone of those complete on the terms has",
    )
    for terms, where, said in (
        ("treated + grip_strength_kg", None, both),
        ("treated + grip_strength_kg", "grip_strength_kg > 0", alone),
    ):
        rows = fit(cohort, model="poisson", terms=terms, where=where).estimates
        (note,) = rows.loc[rows["term"].eq("treated"), "note"]
        assert said in note and note.count("alone") == 1
    assert "of those complete on the terms has diabetes" in reworded(f"{both} diabetes = true")


def test_rows_tell_how_many_bear_on_them() -> None:
    rows = fit(diary(statin=pl.int_range(60) < 3), model="poisson", terms="sex + statin", covariance="auto").estimates
    few, many = pick(rows, "statin", "true"), pick(rows, "sex", "female")
    assert few["n_exposed"] == 3 and many["n_exposed"] == 30
    assert few["n_effective"] < 4 < 40 < many["n_effective"]
    assert "rests on few participants" in few["note"] and "covariance cluster-small" in few["note"]
    assert "few participants" not in many["note"]


def test_underdispersed_counts_are_at_the_boundary() -> None:
    cohort = diary(counts=lambda i, night: 1 + (i + night + i // 7) % 2 * (i % 3 > 0))
    fitted = fit(cohort, model="negative-binomial", terms="sex")
    row = pick(fitted.estimates, "dispersion")
    assert (row["status"], row["estimate"]) == ("boundary", 0.0)
    plain = fit(cohort, model="poisson", terms="sex").estimates
    nb, poisson = (pick(rows, "sex", "female") for rows in (fitted.estimates, plain))
    assert nb["estimate"] == pytest.approx(poisson["estimate"], rel=1e-9)


def test_participants_who_are_all_alike_have_no_interval() -> None:
    rows = fit(diary(counts=lambda i, night: 1 + night % 2), model="poisson", terms="sex").estimates
    row = pick(rows, "sex", "female")
    assert (row["status"], row["note"]) == ("boundary", "no spread, so no interval; covariance cluster-small")
    assert row["estimate"] == pytest.approx(1.0) and row[["ci_low", "ci_high", "std_error", "p_value"]].isna().all()


@pytest.mark.parametrize("covariance", ["auto", "cluster", "cluster-hc0", "cluster-small"])
@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic"])
def test_copies_of_one_diary_tell_no_more_of_a_night_than_one(model: str, covariance: Any) -> None:
    # The adjustment of few participants weighs nights unequally, and made a variance of scores that are all 0.
    nights, terms = (3, 0, 0, 1, 2, 0, 0, 5), "within(exercise_min)"
    copies = diary(20, counts=lambda i, night: nights[night])
    row = pick(fit(copies, model=model, terms=terms, covariance=covariance).estimates, terms)
    assert row["note"].startswith("no spread, so no interval")
    assert np.isfinite(row["estimate"]) and row[["ci_low", "ci_high", "std_error", "p_value"]].isna().all()
    differing = diary(20, counts=lambda i, night: nights[night] + (i == 4 and night == 1))
    row = pick(fit(differing, model=model, terms=terms, covariance=covariance).estimates, terms)
    assert row["std_error"] > 0 and row["ci_low"] < row["estimate"] < row["ci_high"]


@pytest.mark.parametrize(
    "model", ["zero-inflated-negative-binomial", "hurdle-negative-binomial", "mixed-logistic", "gee-ar1"]
)
def test_copies_of_one_diary_have_no_interval_by_the_jackknife(model: str) -> None:
    nights = (3, 0, 0, 1, 2, 0, 0, 5, 0, 1, 0, 4, 0, 0, 1, 0)
    terms = "within(exercise_min)"
    rows = fit(diary(20, 16, counts=lambda i, night: nights[night]), model=model, terms=terms).estimates
    assert pick(rows, terms)[["ci_low", "ci_high", "std_error", "p_value"]].isna().all()


def test_the_residual_of_copies_of_one_diary_has_no_interval() -> None:
    copies = diary(20, counts=lambda i, night: (3, 0, 0, 1, 2, 0, 0, 5)[night])
    rows = fit(copies, model="linear", outcome="exercise_min", terms="within(cramps)").estimates
    residual = pick(rows, "residual")
    assert residual["estimate"] > 0 and residual[["ci_low", "ci_high"]].isna().all()


@pytest.mark.parametrize("slips", [0, 2, 10])
def test_nothing_is_said_of_numbers_that_look_like_another_unit(slips: int) -> None:
    """Magnesium of some people in mg/dL: the ratio is that of two groups by unit."""
    millimoles = [0.68 + 0.02 * (i % 13) for i in range(60)]
    values = [round(x * 2.4305, 2) if i < slips else x for i, x in enumerate(millimoles)]
    cohort = diary(serum_magnesium_mmol_l=pl.Series(values))
    rows = fit(cohort, model="poisson", terms="serum_magnesium_mmol_l + sex").estimates
    (row,) = wording.with_none(rows[rows["term"] == f"{wording.CONTRAST}serum_magnesium_mmol_l"])
    assert row["ci_low"] < row["estimate"] and pick(rows, "sex", "female")["verdict"]
    assert (row["verdict"] is None) is (slips == 10)
    assert ("no verdict: 10 values of 60 look like another unit" in row["facts"]) is (slips == 10)


@pytest.mark.parametrize("slips", [0, 8, 40])
def test_nothing_is_said_of_nights_many_of_which_cleaning_warned_of(slips: int) -> None:
    """A person's own nights tell what is a slip, so that only cleaning knows; a part has no more than it has nights."""
    made, place = diary(counts=lambda i, night: (i + night * night) % 3), pl.int_range(pl.len())
    fluid = pl.when(place % 12 == 0).then(1.5).otherwise(1500.0 + 10 * (place % 7))
    tables = {**made.tables, "diary": made.frame("diary").with_columns(fluid_ml=fluid)}
    rules = (RuleCount("unit-slip", "warn", slips, (("fluid_ml", slips),)),) if slips else ()
    cohort = replace(made, tables=tables, attrition=Attrition(rules=rules))
    rows = fit(cohort, model="poisson", terms="within(fluid_ml)").estimates
    (row,) = wording.with_none(rows[rows["term"] == f"{wording.CONTRAST}within(fluid_ml)"])
    assert (row["verdict"] is None) is (slips == 40)


def test_interactions_and_references_have_rows_of_their_own() -> None:
    terms = "age_decade * C(sex, contr.treatment('female')) + diabetes"
    rows = fit(diary(), model="poisson", terms=terms).estimates
    assert rows["key"].is_unique
    turned = pick(rows, "C(sex, contr.treatment('female'))", "male")
    assert turned["reference"] == "female"
    plain = fit(diary(), model="poisson", terms="age_decade * sex + diabetes").estimates
    assert turned["estimate"] == pytest.approx(1 / pick(plain, "sex", "female")["estimate"])


def test_age_band_has_the_youngest_present_as_reference() -> None:
    rows = fit(diary(), model="poisson", terms="age_band").estimates
    assert set(rows["reference"].dropna()) == {"20-39"}
    assert rows["level"].dropna().tolist() == ["40-49", "50-59", "60-69", "70-79"]


def test_other_terms_are_named_as_adjusted_for() -> None:
    rows = fit(diary(), model="poisson", terms="sex + age_decade").estimates
    assert pick(rows, "sex", "female")["adjusted_for"] == "age_decade"
    assert pick(rows, "sex", "female")["estimand"] == "association, adjusted for the other terms"
    assert pick(fit(diary(), model="poisson", terms="sex").estimates, "sex", "female")["estimand"] == "association"


def test_a_model_of_the_intercept_alone_is_the_rate() -> None:
    rows = fit(diary(), model="poisson", terms="1").estimates
    assert pick(rows, "intercept")["estimate"] == pytest.approx(diary().diary["cramps"].mean() * 7)


def test_a_model_of_nothing_measured_is_the_rate() -> None:
    rows = fit(diary(), model="poisson", terms="grip_strength_kg").estimates
    assert pick(rows, "intercept")["estimate"] == pytest.approx(diary().diary["cramps"].mean() * 7)
    assert pick(rows, "grip_strength_kg")["status"] == "not_measured"


def test_rows_go_to_json_and_csv_and_come_back() -> None:
    rows = fit(diary(40), model="negative-binomial", terms="sex + grip_strength_kg").estimates
    assert list(rows.columns) == list(estimates.COLUMNS)
    decoded = json.loads(estimates.to_json(rows))
    assert [set(row) for row in decoded] == [set(estimates.COLUMNS)] * len(rows)
    assert decoded[0]["n_nights"] == 320 and decoded[0]["q_value"] is None
    back = pd.read_csv(StringIO(estimates.to_csv(rows)))
    assert back["estimate"].to_numpy() == pytest.approx(rows["estimate"].to_numpy(), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "probit"}, "no model 'probit'; allowed: poisson"),
        ({"outcome": "pain"}, "takes the outcome cramps"),
        ({"exposure": "weeks"}, "no exposure 'weeks'"),
        ({"covariance": "hc3"}, "no covariance 'hc3'"),
        ({"ci_level": 95}, "between 0 and 1"),
        ({"weight": "weight_exam"}, "weight belongs to a survey"),
        ({"terms": "sex + diabets"}, "did you mean diabetes?"),
        ({"per": {"exercise_mn": 30}}, "per names 'exercise_mn'"),
        ({"per": {"sex": 2}}, "has levels"),
        ({"per": {"age_decade": 0}}, "other than 0"),
        ({"where": "age > 20"}, "'age' names no column.*did you mean age_years"),
        ({"model": "survey-logistic"}, "needs a survey cohort"),
    ],
)
def test_impossible_questions(options: dict[str, Any], message: str) -> None:
    asked = {"model": "poisson", "terms": "sex + age_decade"} | options
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        fit(diary(), **asked)


def test_exposure_that_the_diary_lacks() -> None:
    cohort = diary()
    without = Cohort("made", "diary", {**cohort.tables, "diary": cohort.frame("diary").drop("hours_in_bed")})
    with pytest.raises(UsageError, match="has no hours_in_bed"):
        fit(without, model="poisson", terms="sex", exposure="hours_in_bed")


def survey(**columns: Any) -> Cohort:
    rng = np.random.default_rng(2)
    n = 400
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": rng.integers(20, 81, n).astype(float),
            "sex": rng.choice(["female", "male"], n),
            "serum_potassium_mmol_l": rng.normal(4.1, 0.3, n),
            "weight_interview": rng.gamma(3, 1000, n),
            "weight_exam": rng.gamma(3, 1000, n),
            "stratum": np.repeat(np.arange(5), 80),
            "psu": np.tile(np.repeat([1, 2], 40), 5),
            "recalled_low": rng.choice([0, 1, 5], n, p=[0.6, 0.2, 0.2]),
        }
    ).with_columns(**columns)
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


def test_a_survey_takes_the_weight_of_its_most_restrictive_variable() -> None:
    asked = {"model": "survey-logistic", "outcome": "any_cramp"}
    plain = fit(survey(), terms="sex + age_decade", **asked).estimates
    blood = fit(survey(), terms="sex + serum_potassium_mmol_l", **asked).estimates
    few = "rests on few PSUs: the slopes leave 3 of the 5 degrees of freedom of the sampling design"
    assert set(plain["note"]) == {f"{few}; weighted by weight_interview"}
    assert set(blood["note"]) == {f"{few}; weighted by weight_exam"}
    assert pick(blood, "sex", "female")["df"] == 3
    assert pick(blood, "sex", "female")["estimand"].startswith("cross-sectional association")


def test_a_part_of_a_survey_without_anyone_is_not_estimable() -> None:
    rows = fit(survey(), model="survey-logistic", terms="sex", where="age_years > 110").estimates
    assert set(rows["status"]) == {"not_estimable"}
    assert set(rows["note"]) == {"none of the participants meets the condition Age > 110"}


def test_a_survey_takes_no_exposure() -> None:
    with pytest.raises(UsageError, match="takes no exposure"):
        fit(survey(), model="survey-logistic", terms="sex", exposure="hours_in_bed")
