"""Models of cramps, of the gaps between them, and of nights with a part for zeros, from the question to the rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import coefficients, no_number, order, pick
from numpy.typing import NDArray
from scipy import stats

from crampstudy import fit
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.descriptive.single_cramps.relief import relief_account
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.models.classes.ordinal import ordinal
from crampstudy.models.inference import covariance
from crampstudy.models.times.cox import cox
from crampstudy.models.times.family import LATER_GAPS
from crampstudy.nights import Diary, event_times
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

START = date(2024, 3, 1)
Run = Callable[..., tuple[int, str, str]]


def diary(n: int = 60, nights: int = 25, seed: int = 5, **episode_columns: Any) -> Cohort:
    """Participants whose pain follows proportional odds, whose relief follows proportional hazards.

    One night in twelve has no row; of a sixth of the cramps relief had not come, a few have no time or no pain.
    """
    rng = np.random.default_rng(seed)
    age, female = rng.integers(25, 85, n).astype(float), np.arange(n) % 2 == 1
    decade = (age - 60) / 10
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": age,
            "sex": np.where(female, "female", "male"),
            "diabetes": np.arange(n) % 4 == 0,
        }
    )
    kept = rng.random((n, nights)) > 1 / 12
    drinks = rng.integers(0, 4, (n, nights)).astype(float)
    rate = 0.35 * np.exp(0.15 * decade)[:, None] * 1.25**drinks * rng.gamma(4, 0.25, (n, 1))
    cramps = rng.poisson(rate)
    who, night = np.nonzero(kept)
    entries = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in who],
            "date": [START + timedelta(days=int(k)) for k in night],
            "cramps": cramps[kept],
            "alcohol_units": drinks[kept],
        }
    )
    rows = [(i, k, j) for i, k in zip(who, night, strict=True) for j in range(cramps[i, k])]
    i = np.array([row[0] for row in rows])
    latent = 0.4 * decade[i] + 0.7 * female[i] + rng.normal(0, 0.5, n)[i] + rng.logistic(size=len(rows))
    pain = np.array([2.0, 4.0, 5.0, 8.0])[np.searchsorted([-0.6, 0.5, 1.8], latent)]
    seconds = np.ceil(rng.exponential(120, len(rows)) * np.exp(0.3 * female[i]))
    seen = rng.random(len(rows)) > 1 / 6
    episodes = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i, *_ in rows],
            "date": [START + timedelta(days=int(k)) for _, k, _ in rows],
            "episode": [j + 1 for *_, j in rows],
            "pain_0_10": pl.Series([None if k % 40 == 7 else p for k, p in enumerate(pain)], dtype=pl.Float64),
            "relief_s": pl.Series([None if k % 25 == 3 else s for k, s in enumerate(seconds)], dtype=pl.Float64),
            "relieved": seen,
        }
    ).with_columns(**episode_columns)
    return Cohort("made", "diary", {"participants": people, "diary": entries, "episodes": episodes}, synthetic=True)


def of_pain(scores: dict[str, list[int]], each: int = 4) -> Cohort:
    """A cohort in which ``each`` of a sex's cramps in turn are one participant's."""
    rows = [(f"{sex}{k // each:03}", sex, pain) for sex, found in scores.items() for k, pain in enumerate(found)]
    who = pl.DataFrame(rows, ["participant_id", "sex", "pain_0_10"], orient="row")
    people = who.select("participant_id", "sex").unique(maintain_order=True).with_columns(age_years=pl.lit(66.0))
    episodes = who.select("participant_id", "pain_0_10").with_columns(
        pl.col("pain_0_10").cast(pl.Float64),
        date=pl.lit(START),
        episode=pl.int_range(pl.len()).over("participant_id") + 1,
    )
    nights = people.select("participant_id", date=pl.lit(START), cramps=pl.lit(each, dtype=pl.Int64))
    return Cohort("by hand", "diary", {"participants": people, "diary": nights, "episodes": episodes})


def survey() -> Cohort:
    n = 40
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": [30.0 + i for i in range(n)],
            "sex": ["female", "male"] * (n // 2),
            "weight_interview": [1.0] * n,
            "stratum": np.arange(n) // 10,
            "psu": np.arange(n) % 10 // 5,
            "recalled_low": [0, 1, 5, 16] * (n // 4),
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return diary()


def groups_of(frame: pl.DataFrame) -> NDArray[np.intp]:
    return np.unique(frame["participant_id"].to_numpy(), return_inverse=True)[1].astype(np.intp)


def columns_of(frame: pl.DataFrame, *more: str) -> NDArray[np.float64]:
    """Age per 10 years, female, and numeric columns as they are."""
    female = (frame["sex"] == "female").cast(pl.Float64)
    return np.column_stack([(frame["age_years"] - 60) / 10, female, *(frame[name] for name in more)])


# Pain, by proportional odds


def test_two_classes_by_hand() -> None:
    # 12 of 40 cramps of men are strong, 24 of 40 of women.
    made = of_pain({"male": [3] * 28 + [8] * 12, "female": [3] * 16 + [8] * 24})
    fitted = fit(made, model="ordinal", terms="sex", covariance="model")
    assert order(fitted.estimates) == [("sex", "female"), ("threshold", "above 3")]
    ratio, limit = pick(fitted.estimates, "sex", "female"), pick(fitted.estimates, "threshold", "above 3")
    assert ratio["estimate"] == pytest.approx((24 / 16) / (12 / 28))
    assert ratio["std_error"] == pytest.approx(math.sqrt(1 / 24 + 1 / 16 + 1 / 12 + 1 / 28))
    assert limit["estimate"] == pytest.approx(12 / 28)
    assert limit["std_error"] == pytest.approx(math.sqrt(1 / 12 + 1 / 28))
    assert limit["ci_high"] == pytest.approx(12 / 28 * math.exp(1.959964 * limit["std_error"]), rel=1e-6)
    assert math.isinf(ratio["df"]) and pd.isna(limit["p_value"])
    assert (ratio["scale"], ratio["reference"], ratio["unit"]) == ("odds_ratio", "male", "against male")
    assert (limit["scale"], limit["unit"]) == ("odds", "odds of a higher class")
    assert (ratio["n_participants"], ratio["n_groups"], ratio["n_events"], fitted.n_rows) == (20, 20, 36, 80)


def test_thresholds_without_a_slope_are_the_odds_of_a_class_above() -> None:
    # The same for both: 20 at 2, 12 at 5, 8 at 8; the slope is 0 and the thresholds are those of the shares.
    scores = [2] * 20 + [5] * 12 + [8] * 8
    asked = {"model": "ordinal", "terms": "sex", "covariance": "cluster"}
    rows = fit(of_pain({"male": scores, "female": scores}), **asked).estimates
    assert order(rows) == [("sex", "female"), ("threshold", "above 2"), ("threshold", "above 5")]
    assert rows["estimate"].tolist() == pytest.approx([1, 20 / 20, 8 / 32], abs=1e-9)
    assert set(rows["df"]) == {19.0}
    assert rows["note"].iloc[0].endswith("no answer in class 0, 1, 3, 4, 6, 7, 9, 10")


def test_pain_is_what_the_engine_finds(cohort: Cohort) -> None:
    frame = event_times.episodes(cohort).drop_nulls("pain_0_10")
    codes = frame["pain_0_10"].replace_strict({2.0: 0, 4.0: 1, 5.0: 2, 8.0: 3}).to_numpy().astype(float)
    direct = ordinal(columns_of(frame), codes, levels=("2", "4", "5", "8"), names=("age", "sex"))
    sign = np.array([1, 1, -1, -1, -1])
    for kind in ("cluster", "cluster-hc0", "model"):
        fitted = fit(cohort, model="ordinal", terms="age_decade + sex", covariance=kind)
        rows = coefficients(fitted.estimates)
        assert order(rows) == [
            ("age_decade", None),
            ("sex", "female"),
            *(("threshold", f"above {level}") for level in (2, 4, 5)),
        ]
        variance = covariance.covariance(direct.information, direct.scores, groups_of(frame), kind)
        assert np.log(rows["estimate"].to_numpy()) == pytest.approx(sign * direct.parameters, rel=1e-9)
        assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(variance)), rel=1e-9)
        assert fitted.log_likelihood == pytest.approx(direct.log_likelihood)
    left = cohort.frame("episodes")["pain_0_10"].null_count()
    assert left > 5 and f"{left} cramps left out, without a score of pain" in rows["note"].iloc[0]
    assert rows["note"].iloc[0].startswith(f"{frame.height:,} cramps")
    assert (fitted.n_rows, rows["n_events"].iloc[0]) == (frame.height, int((codes > 0).sum()))


def test_covariances_of_pain_differ_by_what_they_say(cohort: Cohort) -> None:
    errors = {
        kind: fit(cohort, model="ordinal", terms="sex", covariance=kind).estimates["std_error"].to_numpy()
        for kind in ("cluster", "cluster-hc0", "model")
    }
    clusters = cohort.frame("episodes").drop_nulls("pain_0_10")["participant_id"].n_unique()
    assert errors["cluster"] == pytest.approx(errors["cluster-hc0"] * math.sqrt(clusters / (clusters - 1)))
    # Participants differ in pain, so that a person's cramps say less than as many cramps of others.
    assert errors["cluster"][0] > 1.1 * errors["model"][0]


def test_free_terms_have_a_row_for_every_limit(cohort: Cohort) -> None:
    asked = {"model": "ordinal", "terms": "age_decade + sex", "free_terms": "sex"}
    fitted = fit(cohort, **asked, covariance="cluster")
    rows = coefficients(fitted.estimates)
    assert order(rows) == [
        ("age_decade", None),
        *(("sex", f"female, above {level}") for level in (2, 4, 5)),
        *(("threshold", f"above {level}") for level in (2, 4, 5)),
    ]
    assert rows["key"].is_unique
    assert set(rows["reference"].dropna()) == {"male"}
    frame = event_times.episodes(cohort).drop_nulls("pain_0_10")
    codes = frame["pain_0_10"].replace_strict({2.0: 0, 4.0: 1, 5.0: 2, 8.0: 3}).to_numpy().astype(float)
    direct = ordinal(columns_of(frame), codes, levels=("2", "4", "5", "8"), names=("age", "sex"), free=(1,))
    expected = [*direct.coefficients, *direct.slopes[0], *-direct.thresholds]
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(expected, rel=1e-9)
    variance = np.diag(covariance.covariance(direct.information, direct.scores, groups_of(frame), "cluster"))
    assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(variance[[0, 4, 5, 6, 1, 2, 3]]), rel=1e-9)
    with pytest.raises(AnalysisError, match="no single ratio"):
        fitted.ratio({"sex": "female"}, {"sex": "male"})


def test_a_free_number_and_all_terms_free(cohort: Cohort) -> None:
    rows = fit(cohort, model="ordinal", terms="age_decade + sex", free_terms="sex + age_decade").estimates
    limits = [f"above {level}" for level in (2, 4, 5)]
    levels = [("age_decade", limits[0]), ("sex", f"female, {limits[0]}")]
    levels += [("age_decade", limit) for limit in limits[1:]] + [("sex", f"female, {limit}") for limit in limits[1:]]
    assert order(rows) == [*levels, *(("threshold", limit) for limit in limits)]
    # Each limit has a logit of its own: estimates of two binary regressions stand within one model's errors.
    assert (rows["status"] == "converged").all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"free_terms": "diabetes"}, "free terms name 'diabetes', which is no term; the terms are age_decade, sex"),
        ({"terms": "sex + ns(age_years, df=3)", "free_terms": "ns(age_years, df=3)"}, "is a spline, whose slopes"),
        ({"model": "cox", "free_terms": "sex"}, "cox has no classes, so no free terms.*ordinal, survey-ordinal"),
        ({"model": "poisson", "free_terms": "sex"}, "poisson has no classes"),
        ({"outcome": "relief"}, "ordinal takes the outcome pain or recalled_class"),
        ({"model": "cox", "outcome": "pain"}, "cox takes the outcome relief or gap"),
        ({"covariance": "cluster-small"}, "ordinal has no covariance cluster-small; allowed: auto, cluster, "),
        ({"model": "cox", "covariance": "cluster-small"}, "cox has no covariance cluster-small"),
        ({"exposure": "hours_in_bed"}, "takes no exposure, no weight and no random slope"),
        ({"model": "cox", "exposure": "hours_in_bed"}, "takes no exposure"),
        ({"weight": "weight_exam"}, "takes no exposure, no weight"),
        ({"model": "cox", "random_slope": "age_decade"}, "no random slope"),
        ({"terms": "sex + offset(age_decade)"}, r"takes no offset\(\) or weights\(\)"),
        ({"terms": "sx"}, "did you mean sex"),
        ({"per": {"sex": 2}}, "has levels"),
        ({"at_most": 30}, "at_most and near_nightly are for interval-count; ordinal takes neither"),
        ({"model": "cox", "near_nightly": True}, "cox takes neither"),
        ({"zero_terms": "sex"}, "ordinal has no zero part"),
    ],
)
def test_what_does_not_go_together_is_refused(cohort: Cohort, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit(cohort, **{"model": "ordinal", "terms": "age_decade + sex"} | options)


def test_pain_all_in_one_class_is_not_estimable() -> None:
    reason = no_number(
        fit(of_pain({"male": [5] * 12, "female": [5] * 12}), model="ordinal", terms="sex"), "not_estimable"
    )
    assert reason == "every one of the cramps is in class 5: there are no classes to tell apart"


def test_too_few_participants_for_the_covariance() -> None:
    # Four participants: four thresholds take none of them, slopes that differ between these take four.
    four = of_pain({"male": [2, 4, 5, 8, 9, 2, 4, 5, 8, 9], "female": [2, 4, 5, 8, 9, 4, 4, 5, 8, 9]}, each=5)
    assert fit(four, model="ordinal", terms="sex").status == "converged"
    free: dict[str, Any] = {"model": "ordinal", "terms": "sex", "free_terms": "sex"}
    reason = no_number(fit(four, **free))
    assert reason == "4 participants are too few for a cluster-robust covariance of 4 slopes"
    assert fit(four, covariance="model", **free).status == "converged"
    # Three thresholds leave room for as many slopes.
    fewer = of_pain({"male": [2, 4, 5, 8, 2, 4, 5, 8], "female": [2, 4, 5, 8, 4, 4, 5, 8]})
    assert fit(fewer, **free).status == "converged"


def test_pain_separated_by_a_term_has_no_number() -> None:
    made = of_pain({"male": [2, 5] * 20, "female": [8] * 40})
    reason = no_number(fit(made, model="ordinal", terms="sex"))
    assert "sex = female" in reason and "no finite estimate exists" in reason


def test_no_episodes_and_no_pain_are_refused(cohort: Cohort) -> None:
    tables = {name: cohort.frame(name) for name in ("participants", "diary")}
    with pytest.raises(UsageError, match="has no episodes"):
        fit(Cohort("made", "diary", tables), model="ordinal", terms="sex")
    without = tables | {"episodes": cohort.frame("episodes").drop("pain_0_10")}
    with pytest.raises(UsageError, match="have no pain_0_10"):
        fit(Cohort("made", "diary", without), model="ordinal", terms="sex")


def test_a_spline_of_pain_and_its_ratio_agree(cohort: Cohort) -> None:
    terms = "sex + ns(age_years, df=3, ref=60, at=[40, 75])"
    fitted = fit(cohort, model="ordinal", terms=terms)
    rows = coefficients(fitted.estimates)
    curve = rows[rows["term"].str.startswith("ns(")]
    assert (rows["status"] == "converged").all() and rows["key"].is_unique
    assert curve["scale"].tolist() == ["wald_test", "odds_ratio", "odds_ratio"]
    assert curve["level"].tolist()[1:] == ["40", "75"] and set(curve["reference"].dropna()) == {"60"}
    for _, row in curve.iloc[1:].iterrows():
        asked = fitted.ratio({"age_years": float(row["level"])}, against={"age_years": 60}).iloc[0]
        assert asked[["estimate", "ci_low", "ci_high", "std_error"]].tolist() == pytest.approx(
            row[["estimate", "ci_low", "ci_high", "std_error"]].tolist(), rel=1e-9
        )
    row = fitted.ratio({"sex": "female"}, against={"sex": "male"}).iloc[0]
    assert row["estimate"] == pytest.approx(pick(rows, "sex", "female")["estimate"])
    assert row["scale"] == "odds_ratio"


def test_a_term_that_was_never_measured_and_a_part_of_the_cramps(cohort: Cohort) -> None:
    fitted = fit(cohort, model="ordinal", terms="age_decade + grip_strength_kg", where="diabetes = TRUE")
    rows = coefficients(fitted.estimates)
    assert pick(rows, "grip_strength_kg")["status"] == "not_measured"
    diabetic = cohort.frame("participants").filter("diabetes")["participant_id"]
    inside = cohort.frame("episodes").drop_nulls("pain_0_10").filter(pl.col("participant_id").is_in(diabetic.implode()))
    assert fitted.n_rows == inside.height
    assert pick(rows, "age_decade")["population"] == "diabetes = TRUE"
    nobody = fit(cohort, model="ordinal", terms="sex", where="age_years > 110")
    assert no_number(nobody) == "none of the cramps meets the condition Age > 110"


# A diary's recalled class


def test_a_recalled_class_of_a_diary(cohort: Cohort) -> None:
    lows = [None if i % 11 == 0 else (0, 1, 2, 16)[i % 7 % 4] for i in range(60)]
    people = cohort.frame("participants").with_columns(recalled_low=pl.Series(lows, dtype=pl.Int64))
    made = Cohort("made", "diary", {"participants": people, "diary": cohort.frame("diary")})
    fitted = fit(made, model="ordinal", terms="age_decade + sex", outcome="recalled_class", covariance="cluster-hc0")
    rows = coefficients(fitted.estimates)
    assert [level for term, level in order(rows) if term == "threshold"] == ["above 0", "above 1", "above 2-4"]
    assert (
        rows["note"].iloc[0]
        == "54 participants; 6 participants left out, without a recalled class; no answer in class 5-15"
    )
    used = people.drop_nulls("recalled_low")
    codes = used["recalled_low"].replace_strict({0: 0, 1: 1, 2: 2, 16: 3}).to_numpy().astype(float)
    direct = ordinal(columns_of(used), codes, levels=("0", "1", "2-4", "16+"), names=("age", "sex"))
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx([*direct.coefficients, *-direct.thresholds], rel=1e-9)
    variance = covariance.covariance(direct.information, direct.scores, np.arange(54), "cluster-hc0")
    assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(variance)), rel=1e-9)


def test_a_survey_is_sent_to_the_models_that_keep_its_design() -> None:
    with pytest.raises(UsageError, match="asked is a survey: use survey-ordinal, which keeps its sampling design"):
        fit(survey(), model="ordinal", terms="sex", outcome="recalled_class")
    for model, outcome in (("ordinal", "pain"), ("cox", "relief"), ("cox", "gap")):
        with pytest.raises(UsageError, match="asked is a survey"):
            fit(survey(), model=model, terms="sex", outcome=outcome)


# Times to relief


@pytest.mark.parametrize("kind", ["cluster", "cluster-hc0", "model"])
def test_relief_is_what_the_engine_finds(cohort: Cohort, kind: Any) -> None:
    times = event_times.relief_times(cohort)
    frame = times.frame
    direct = cox(columns_of(frame), frame["time"].to_numpy(), frame["event"].to_numpy())
    fitted = fit(cohort, model="cox", terms="age_decade + sex", covariance=kind)
    rows = coefficients(fitted.estimates)
    assert order(rows) == [("age_decade", None), ("sex", "female")]
    assert set(rows["outcome"]) == {"relief"} and set(rows["scale"]) == {"hazard_ratio"}
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(direct.coefficients, rel=1e-9)
    variance = covariance.covariance(direct.information, direct.scores, groups_of(frame), kind)
    assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(variance)), rel=1e-9)
    half = stats.norm.ppf(0.975) * rows["std_error"]
    assert rows["ci_low"].to_numpy() == pytest.approx(rows["estimate"] * np.exp(-half))
    assert fitted.log_likelihood == pytest.approx(direct.log_likelihood)
    assert (fitted.n_rows, rows["n_events"].iloc[0]) == (frame.height, direct.events)
    assert direct.events < frame.height and times.left_out > 0
    assert (
        rows["note"].iloc[0] == f"{frame.height:,} cramps; {times.left_out} cramps left out, without a time to relief"
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"model": "cox", "outcome": "relief", "terms": "sex"}, "cramps"),
        ({"model": "cox", "outcome": "relief", "terms": "sex", "where": "age_years > 50"}, "cramps"),
        ({"model": "cox", "outcome": "relief", "terms": "alcohol_units"}, "cramps"),
        ({"model": "ordinal", "outcome": "pain", "terms": "sex", "where": "relief_s > 60"}, "cramps"),
        ({"model": "cox", "outcome": "gap", "terms": "sex"}, "gaps"),
        ({"model": "cox", "outcome": "gap", "terms": "alcohol_units"}, "nights"),
    ],
)
def test_every_cramp_is_used_or_set_aside_with_a_reason(cohort: Cohort, asked: dict[str, str], found: str) -> None:
    fitted = fit(cohort, **asked)
    account = fitted.account
    diary = cohort.frame("diary")
    every = {
        "cramps": cohort.frame("episodes").height,
        "gaps": diary.filter(pl.col("cramps") > 0).height,
        "nights": diary["cramps"].count(),
    }
    assert account is not None and account.plural == found
    assert account.found == every[found] and account.used == fitted.n_rows
    left = dict(account.left_out)
    if asked["outcome"] == "relief":
        blank = cohort.frame("episodes")["relief_s"].null_count()
        assert left["without a time to relief"] == blank > 0
        assert f"{blank} left out (without a time to relief)" in account.sentence()
        assert dict(relief_account(cohort, "sex").left_out)["without a time to relief"] == blank
    assert all(f"{n} left out ({why})" in account.sentence() for why, n in left.items() if n)


def test_a_hazard_ratio_between_two_ages_and_in_multiples(cohort: Cohort) -> None:
    fitted = fit(cohort, model="cox", terms="sex + ns(age_years, df=2, ref=60, at=[45])")
    row = pick(fitted.estimates, "ns(age_years, df=2, ref=60, at=[45])", "45")
    asked = fitted.ratio({"age_years": 45}, against={"age_years": 60}).iloc[0]
    assert (asked["estimate"], asked["std_error"]) == pytest.approx((row["estimate"], row["std_error"]))
    one, two = (fit(cohort, model="cox", terms="age_decade", per=per).estimates for per in ({}, {"age_decade": 2}))
    assert two["estimate"].iloc[0] == pytest.approx(one["estimate"].iloc[0] ** 2)
    assert two["unit"].iloc[0] == "per 20 years"


def test_separated_relief_is_named_and_has_no_number() -> None:
    # Relief is never seen in the eldest; nor, by the other, in anyone.
    never = diary(30, 15, relieved=(pl.col("participant_id") >= "p010") & pl.col("relieved"))
    people = never.frame("participants").with_columns(statin=pl.col("participant_id") < "p010")
    made = Cohort("made", "diary", {**never.tables, "participants": people})
    reason = no_number(fit(made, model="cox", terms="statin + sex"))
    assert reason.startswith("those with the event are always set apart") and reason.endswith("(statin = true)")
    assert fit(made, model="cox", terms="sex").status == "converged"
    reason = no_number(fit(made, model="cox", terms="sex", where="statin = TRUE"))
    assert reason == "no event"


def test_one_that_follows_from_the_others_and_too_few(cohort: Cohort) -> None:
    tenths = cohort.frame("participants").with_columns(weight_copy=pl.col("age_years") / 10)
    twice = Cohort("made", "diary", {**cohort.tables, "participants": tenths})
    reason = no_number(fit(twice, model="cox", terms="sex + age_years + weight_copy"))
    assert reason == "weight_copy follows from the terms before it"
    few = fit(cohort, model="cox", terms="sex + age_decade", where="participant_id IN ('p001', 'p002')")
    assert no_number(few).startswith("2 participants are too few")
    none = fit(cohort, model="cox", terms="grip_strength_kg")
    assert none.estimates["status"].tolist() == ["not_measured"]


# Gaps between nights with a cramp


def gap_arguments(frame: pl.DataFrame, latest: int) -> dict[str, Any]:
    by_night = "start" in frame.columns
    return {
        "stop": frame["stop" if by_night else "time"].to_numpy(),
        "event": frame["event"].to_numpy(),
        "start": frame["start"].to_numpy() if by_night else None,
        "strata": frame["gap"].clip(upper_bound=latest).to_numpy().astype(np.intp) - 1,
    }


def test_gaps_share_a_baseline_from_the_fifth(cohort: Cohort) -> None:
    times = event_times.gap_times(cohort)
    frame = times.frame
    assert LATER_GAPS == 5 and frame["gap"].max() > 8
    direct = cox(columns_of(frame), **gap_arguments(frame, 5))
    fitted = fit(cohort, model="cox", terms="age_decade + sex", outcome="gap", covariance="cluster")
    rows = coefficients(fitted.estimates)
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(direct.coefficients, rel=1e-9)
    variance = covariance.covariance(direct.information, direct.scores, groups_of(frame), "cluster")
    assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(variance)), rel=1e-9)
    assert fitted.n_rows == frame.height
    # Every gap by itself, or all alike, would be another model.
    for latest in (1, 4, 100):
        other = cox(columns_of(frame), **gap_arguments(frame, latest))
        assert np.abs(other.coefficients - direct.coefficients).max() > 1e-5
    assert rows["note"].iloc[0] == (
        f"{frame.height:,} gaps; {times.left_out} gaps left out, without an observed night; "
        "a baseline for each gap of a participant, from number 5 on a common one"
    )


def test_a_nightly_term_is_met_night_by_night(cohort: Cohort) -> None:
    frame = event_times.gap_nights(cohort).frame
    asked = {"model": "cox", "terms": "age_decade + sex + alcohol_units", "outcome": "gap"}
    fitted = fit(cohort, **asked, covariance="cluster")
    direct = cox(columns_of(frame, "alcohol_units"), **gap_arguments(frame, 5))
    assert fitted.n_rows == frame.height > event_times.gap_times(cohort).frame.height
    rows = coefficients(fitted.estimates)
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(direct.coefficients, rel=1e-9)
    variance = covariance.covariance(direct.information, direct.scores, groups_of(frame), "cluster")
    assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(variance)), rel=1e-9)
    assert rows["note"].iloc[0].startswith(f"{frame.height:,} nights; ")
    # Drawn with a rate ratio of 1.25 per unit.
    assert pick(rows, "alcohol_units")["ci_low"] > 1


def test_night_by_night_and_gap_by_gap_a_persons_term_is_the_same(cohort: Cohort) -> None:
    # A condition on nights that all of them meet has them met night by night.
    whole = fit(cohort, model="cox", terms="age_decade + sex", outcome="gap")
    nightly = fit(cohort, model="cox", terms="age_decade + sex", outcome="gap", where="alcohol_units >= 0")
    assert nightly.n_rows > whole.n_rows
    for column in ("estimate", "std_error", "ci_low", "ci_high", "n_events", "n_participants"):
        assert nightly.estimates[column].to_numpy() == pytest.approx(whole.estimates[column].to_numpy(), rel=1e-8)
    assert nightly.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-10)


@pytest.mark.parametrize("terms", ["age_decade + sex", "sex + alcohol_units"])
def test_gaps_of_a_scanned_diary(cohort: Cohort, terms: str) -> None:
    scanned = Diary("made", cohort.frame("participants"), cohort.frame("diary").lazy())
    ours, theirs = (fit(one, model="cox", terms=terms, outcome="gap").estimates for one in (scanned, cohort))
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_scanned_diary_has_no_episodes(cohort: Cohort) -> None:
    scanned = Diary("made", cohort.frame("participants"), cohort.frame("diary").lazy())
    for model in ("cox", "ordinal"):
        with pytest.raises(UsageError, match="a scanned diary has no episodes; open the cohort as a whole"):
            fit(scanned, model=model, terms="sex")


# A hurdle model at its limit


def series(seed: int = 3, n: int = 40, nights: int = 40) -> Cohort:
    """Counts above zero are logarithmic series that differ between nights, so that no one series is so dispersed."""
    rng = np.random.default_rng(seed)
    female = np.arange(n) % 2 == 1
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": [30.0 + i for i in range(n)],
            "sex": np.where(female, "female", "male"),
        }
    )
    some = rng.random((n, nights)) < 0.4
    p = np.where(rng.random((n, nights)) < 0.5, 0.2, np.where(female, 0.9, 0.8)[:, None])
    counts = np.where(some, rng.logseries(p), 0)
    made = pl.DataFrame(
        {
            "participant_id": np.repeat(people["participant_id"].to_numpy(), nights),
            "date": [START + timedelta(days=k) for k in range(nights)] * n,
            "cramps": counts.ravel(),
        }
    )
    return Cohort("series", "diary", {"participants": people, "diary": made}, synthetic=True)


def test_a_hurdle_model_at_its_limit_has_ratios_and_no_rate() -> None:
    made = series()
    fitted = fit(made, model="hurdle-negative-binomial", terms="sex")
    rows = coefficients(fitted.estimates)
    assert fitted.status == "converged"
    assert pick(rows, "intercept")["status"] == "not_estimable"
    assert pd.isna(pick(rows, "intercept")["estimate"]) and pick(rows, "intercept")["note"]
    assert pick(rows, "dispersion")["status"] == "boundary"
    ratio = pick(rows, "sex", "female")
    assert ratio["status"] == "converged"
    # The likelihood of a logarithmic series with log odds a + b female of p; its top solves mean = observed mean.
    counts = made.diary.merge(made.participants, on="participant_id").query("cramps > 0")
    means = counts.groupby("sex")["cramps"].mean()

    def odds(mean: float) -> float:
        low, high = 1e-6, 1 - 1e-9
        for _ in range(200):
            p = (low + high) / 2
            low, high = (p, high) if p / ((1 - p) * -math.log1p(-p)) < mean else (low, p)
        return p / (1 - p)

    assert ratio["estimate"] == pytest.approx(odds(means["female"]) / odds(means["male"]), rel=1e-6)
    zero = pick(rows, "zero: intercept")
    none = (made.diary["cramps"] == 0).mean()
    assert zero["estimate"] == pytest.approx(none / (1 - none))
    asked = fitted.ratio({"sex": "female"}, against={"sex": "male"}).iloc[0]
    assert (asked["estimate"], asked["std_error"]) == pytest.approx((ratio["estimate"], ratio["std_error"]))


# The command line


@pytest.fixture(scope="module")
def folder(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> str:
    made = tmp_path_factory.mktemp("made") / "study"
    package.write(cohort, made)
    return str(made)


def test_free_terms_on_the_command_line(run: Run, folder: str, cohort: Cohort) -> None:
    command = ("fit", folder, "--model", "ordinal", "--terms", "age_decade + sex")
    code, out, err = run(*command, "--free-terms", "sex", "--json")
    assert code == 0 and err.startswith("episodes.csv: ") and len(err.splitlines()) == 1
    expected = fit(cohort, model="ordinal", terms="age_decade + sex", free_terms="sex").estimates
    rows = json.loads(out)
    assert [(row["term"], row["level"]) for row in rows] == order(expected)
    assert [row["estimate"] for row in rows] == pytest.approx(expected["estimate"].tolist(), rel=1e-8)
    code, out, _ = run(*command, "--free-terms", "sex")
    assert code == 0 and "female, above 2" in out.replace("\n", " ")
    code, out, err = run(*command, "--free-terms", "diabetes")
    assert (code, out) == (2, "") and "free terms name 'diabetes'" in err


def test_event_times_on_the_command_line(run: Run, folder: str, cohort: Cohort) -> None:
    for outcome in ("relief", "gap"):
        code, out, _ = run("fit", folder, "--model", "cox", "--outcome", outcome, "--terms", "sex", "--json")
        expected = fit(cohort, model="cox", terms="sex", outcome=outcome).estimates
        assert code == 0
        assert [row["estimate"] for row in json.loads(out)] == pytest.approx(expected["estimate"].tolist(), rel=1e-8)
    code, _, _ = run("fit", folder, "--model", "cox", "--terms", "sex", "--where", "relief_s > 100000")
    assert code == 6


def test_zero_terms_on_the_command_line(run: Run, tmp_path: Path) -> None:
    package.write(series(), tmp_path / "study")
    command = ("fit", str(tmp_path / "study"), "--model", "hurdle-negative-binomial", "--terms", "sex")
    code, out, _ = run(*command, "--zero-terms", "age_decade", "--json")
    rows = json.loads(out)
    expected = fit(series(), model="hurdle-negative-binomial", terms="sex", zero_terms="age_decade").estimates
    assert code == 0
    assert [row["term"] for row in rows] == expected["term"].tolist()
    assert {"zero: age_decade", "zero: intercept"} <= {row["term"] for row in rows}
    shown = expected["estimate"].to_numpy()
    found = np.array([math.nan if row["estimate"] is None else row["estimate"] for row in rows])
    assert found == pytest.approx(shown, rel=1e-8, nan_ok=True)


def test_workers_leave_the_rows_of_one_process(run: Run, tmp_path: Path) -> None:
    folder = str(tmp_path / "study")
    package.write(simulate(60, 30, 4), tmp_path / "study", "parquet")
    command = ("fit", folder, "--model", "negative-binomial", "--terms", "age_decade + sex + diabetes", "--json")
    (code, alone, _), (shared_code, shared_rows, err) = run(*command), run(*command, "--workers", "2")
    assert (code, shared_code, err) == (0, 0, "1,462 observed nights, 1,462 used\n")
    ours, theirs = json.loads(shared_rows), json.loads(alone)
    assert [row["key"] for row in ours] == [row["key"] for row in theirs]
    for name in ("estimate", "ci_low", "ci_high", "std_error", "n_nights", "n_participants", "n_events"):
        assert [row[name] for row in ours] == pytest.approx([row[name] for row in theirs], rel=1e-7)


def test_workers_read_gaps_but_no_episodes(run: Run, cohort: Cohort, tmp_path: Path) -> None:
    package.write(cohort, tmp_path / "study", "parquet")
    command = ("fit", str(tmp_path / "study"), "--terms", "sex", "--workers", "2", "--model")
    code, out, err = run(*command, "cox", "--outcome", "gap", "--json")
    expected = fit(cohort, model="cox", terms="sex", outcome="gap").estimates
    assert (code, err) == (0, "460 gaps, 57 left out (without an observed night), 403 used\n")
    assert [row["estimate"] for row in json.loads(out)] == pytest.approx(expected["estimate"].tolist(), rel=1e-8)
    code, out, err = run(*command, "ordinal")
    assert (code, out) == (2, "") and "a scanned diary has no episodes" in err


def test_workers_and_a_cluster_are_one_too_many(run: Run, folder: str) -> None:
    command = ("fit", folder, "--model", "poisson", "--terms", "sex")
    code, out, err = run(*command, "--workers", "2", "--cluster", "tcp://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "choose one of --workers and --cluster" in err
    code, out, err = run(*command, "--workers", "2")
    assert (code, out) == (2, "") and "write it as Parquet" in err
