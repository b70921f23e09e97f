"""What a fit expects, held against R (tests/parity/predict.R) and against what can be worked out by hand."""

from __future__ import annotations

import json
import math
import pickle
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick
from scipy import special, stats
from test_fit import diary

from crampstudy import fit, open_cohort
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.models.family import Family
from crampstudy.models.nights import solve
from crampstudy.models.registry import FAMILIES

HERE = Path(__file__).parent / "parity"
AT = {"age_decade": [-2.0, 0.0, 3.5], "sex": ["female", "male", "female"], "alcohol_units": [0.0, 2.0, 1.0]}
TERMS = "age_decade + sex + alcohol_units"


@cache
def reference() -> dict[str, Any]:
    return dict(json.loads((HERE / "predict.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def nights() -> Cohort:
    return open_cohort(HERE / "diary")


def whole(cohort: Cohort, **options: Any) -> Any:
    """Fit the nights of which all is known, as R does."""
    known = "cramps IS NOT NULL" if options.get("outcome") == "hours_in_bed" else "hours_in_bed IS NOT NULL"
    return fit(cohort, terms=TERMS, where=known, **options)


def link(predicted: pd.DataFrame, model: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return predictions on the scale of the link, a night's where they are of a week."""
    values = predicted["estimate"].to_numpy()
    if "linear" in model:
        return values
    if predicted["unit"].iloc[0] in ("probability", "proportion") and model != "survey-poisson":
        return special.logit(values)
    return np.log(values / (7 if predicted["unit"].iloc[0] == "cramps per person-week" else 1))


def assert_limits(predicted: pd.DataFrame, model: str) -> None:
    """Check that the limits are those of t on the scale of the link."""
    middle = link(predicted, model)
    half = stats.t.ppf(0.975, predicted["df"]) * predicted["std_error"]
    for limit, sign in (("ci_low", -1), ("ci_high", 1)):
        given = predicted.assign(estimate=predicted[limit])
        assert link(given, model) == pytest.approx((middle + sign * half).to_numpy(), rel=1e-9)


@pytest.mark.parametrize("covariance", ["cluster", "model"])
@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic", "linear"])
def test_regressions_predict_as_glm_does(nights: Cohort, model: str, covariance: str) -> None:
    r = reference()[model]
    options = {"outcome": "hours_in_bed"} if model == "linear" else {}
    fitted = whole(nights, model=model, covariance=covariance, **options)
    predicted = fitted.predict(AT)
    assert link(predicted, model) == pytest.approx(r[covariance]["link"], rel=1e-6)
    errors = np.array(r[covariance]["se"])
    assert predicted["std_error"].to_numpy() == pytest.approx(
        errors, rel=2e-4 if model == "negative-binomial" else 1e-6
    )
    assert_limits(predicted, model)
    assert fitted.aic == pytest.approx(r["aic"], rel=1e-8)
    assert fitted.residuals.to_numpy()[:20] == pytest.approx(r["residuals"], rel=1e-5)


def test_an_offset_is_part_of_what_is_expected(nights: Cohort) -> None:
    r = reference()["poisson_offset"]["cluster"]
    by_term = fit(nights, model="poisson", terms=f"{TERMS} + offset(log(hours_in_bed))", covariance="cluster")
    predicted = by_term.predict(AT | {"hours_in_bed": [6.0, 8.0, 7.0]})
    assert link(predicted, "poisson") == pytest.approx(r["link"], rel=1e-6)
    assert predicted["std_error"].to_numpy() == pytest.approx(r["se"], rel=1e-6)
    with pytest.raises(UsageError, match=r"every variable of the fit \(.*\), and hours_in_bed is not given"):
        by_term.predict(AT)
    # As the exposure it is the unit instead.
    by_hour = fit(nights, model="poisson", terms=TERMS, exposure="hours_in_bed", covariance="cluster").predict(AT)
    assert set(by_hour["unit"]) == {"cramps per hour in bed"}
    assert (np.log(by_hour["estimate"]) + np.log([6, 8, 7])).tolist() == pytest.approx(r["link"], rel=1e-6)


def test_mixed_models_predict_a_typical_participant_as_lme4_does(nights: Cohort) -> None:
    for model, options, close in (
        ("mixed-poisson", {}, 2e-3),
        ("mixed-linear", {"outcome": "hours_in_bed"}, 1e-5),
    ):
        r = reference()[model]
        fitted = whole(nights, model=model, covariance="model", **options)
        predicted = fitted.predict(AT)
        assert link(predicted, model) == pytest.approx(r["link"], rel=close)
        assert predicted["std_error"].to_numpy() == pytest.approx(r["se"], rel=5 * close)
        # That of lme4 is by the Laplace approximation.
        assert fitted.aic == pytest.approx(r["aic"], abs=0.5)
        assert fitted.residuals.to_numpy()[:20] == pytest.approx(r["residuals"], rel=5e-3, abs=2e-4)
        assert set(predicted["mean_of"]) == {"population" if model == "mixed-linear" else "typical participant"}


def test_a_random_slope_is_part_of_the_mean_of_a_night(nights: Cohort) -> None:
    fitted = whole(nights, model="mixed-linear", outcome="hours_in_bed", random_slope="alcohol_units")
    left = fitted.residuals
    assert len(left) == fitted.nobs and abs(left.mean()) < 0.01
    spread = fitted.estimates.set_index("term")["estimate"].filter(like="residual").iloc[0]
    # The effects of the participants take up more than their share of the freedom.
    assert 0.8 * spread < left.std() < spread


def ordered() -> Cohort:
    rows = pl.read_csv(HERE / "ordinal-data.csv").with_columns(
        participant_id=pl.col("participant").cast(pl.String).str.zfill(3),
        date=pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(pl.len()).over("participant")),
    )
    people = rows.group_by("participant_id").agg(
        pl.col("age").first(), pl.col("female").cast(pl.Float64).first(), age_years=pl.lit(50.0), sex=pl.lit("male")
    )
    episodes = rows.select(
        "participant_id", "date", episode=pl.lit(1, pl.Int64), pain_0_10=pl.col("class").cast(pl.Float64), score="score"
    )
    diary_rows = rows.select("participant_id", "date", cramps=pl.lit(1, pl.Int64))
    tables = {"participants": people.sort("participant_id"), "diary": diary_rows, "episodes": episodes}
    return Cohort("ordered", "diary", tables)


def test_classes_have_the_shares_of_polr() -> None:
    r = reference()["ordinal"]
    fitted = fit(ordered(), model="ordinal", terms="age + female + score", covariance="model")
    predicted = fitted.predict({"age": [-1.0, 2.0], "female": [1.0, 0.0], "score": [0.5, 1.5]})
    assert predicted["class"].tolist() == ["0", "1", "2", "3", "4"] * 2
    assert predicted.index.tolist() == [0] * 5 + [1] * 5
    assert special.logit(predicted["estimate"]).to_numpy() == pytest.approx(r["link"], rel=1e-5)
    assert predicted["std_error"].to_numpy() == pytest.approx(r["se"], rel=1e-4)
    assert predicted.groupby(level=0)["estimate"].sum().to_numpy() == pytest.approx([1.0, 1.0])
    assert fitted.aic == pytest.approx(r["aic"], rel=1e-8)
    with pytest.raises(AnalysisError, match="ordinal has no residual of a row: classes are ordered but no numbers"):
        _ = fitted.residuals


def test_free_terms_have_their_own_slope_at_each_limit() -> None:
    cohort = ordered()
    fitted = fit(cohort, model="ordinal", terms="female", free_terms="female", covariance="model")
    predicted = fitted.predict({"female": [0.0, 1.0]})
    # A yes/no term whose slopes are free makes the shares those observed.
    seen = cohort.frame("episodes").join(cohort.frame("participants"), on="participant_id")
    for row, female in enumerate((0.0, 1.0)):
        own = seen.filter(pl.col("female") == female)["pain_0_10"]
        shares = [(own == k).mean() for k in range(5)]
        assert predicted.loc[row, "estimate"].tolist() == pytest.approx(shares, rel=1e-5)


def zero_cohort() -> Cohort:
    rows = pl.read_csv(HERE / "zeros-data.csv").with_columns(
        participant_id=pl.col("person").cast(pl.String).str.zfill(3),
        date=pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(pl.len()).over("person")),
    )
    people = rows.select("participant_id").unique(maintain_order=True)
    people = people.with_columns(age_years=pl.lit(50.0), sex=pl.lit("male"))
    own = rows.select("participant_id", "date", "cramps", pl.col("x", "w").cast(pl.Float64))
    return Cohort("zeros", "diary", {"participants": people, "diary": own})


def test_both_parts_of_a_zero_inflated_model_make_its_mean() -> None:
    r = reference()["zero-inflated-negative-binomial"]
    fitted = fit(zero_cohort(), model="zero-inflated-negative-binomial", terms="x", zero_terms="w", covariance="model")
    predicted = fitted.predict({"x": [0.0, 1.0, 0.5], "w": [1.0, 0.0, 0.3]})
    assert link(predicted, "") == pytest.approx(r["link"], rel=1e-4)
    assert predicted["std_error"].to_numpy() == pytest.approx(r["se"], rel=1e-3)
    assert fitted.aic == pytest.approx(r["aic"], rel=1e-7)
    assert fitted.residuals.to_numpy()[:20] == pytest.approx(r["residuals"], rel=1e-3)
    assert fitted.vcov.columns.tolist() == ["intercept", "x", "zero: intercept", "zero: w"]


def test_a_hurdle_model_says_why_it_predicts_no_mean() -> None:
    fitted = fit(zero_cohort(), model="hurdle-negative-binomial", terms="x", zero_terms="w")
    with pytest.raises(AnalysisError, match="rests on its dispersion as well"):
        fitted.predict({"x": 0.0, "w": 0.0})
    with pytest.raises(AnalysisError, match="hurdle"):
        _ = fitted.residuals


def asked() -> Cohort:
    rows = pl.read_csv(HERE / "survey-data.csv").filter(pl.col("weight") > 0)
    people = rows.select(
        participant_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(4),
        age_years=pl.lit(50.0),
        sex=pl.lit("male"),
        age=pl.col("age").cast(pl.Float64),
        female=pl.col("sex").cast(pl.Float64),
        score=pl.col("score"),
        weight_interview=pl.col("weight"),
        stratum=pl.col("stratum"),
        psu=pl.col("psu"),
        recalled_low=pl.col("mild").cast(pl.Int64),
        recalled_high=pl.col("mild").cast(pl.Int64),
    )
    design = SurveyDesign(("2005-2006",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


@pytest.mark.parametrize("model", ["survey-logistic", "survey-poisson", "survey-linear"])
def test_surveys_predict_as_svyglm_does(model: str) -> None:
    r = reference()[model]
    number = model == "survey-linear"
    terms, at = "age + female", {"age": [30.0, 70.0], "female": [1.0, 0.0], "score": [0.0, 0.5]}
    fitted = fit(
        asked(), model=model, terms=terms if number else f"{terms} + score", outcome="score" if number else "any_cramp"
    )
    predicted = fitted.predict(at)
    assert link(predicted, model) == pytest.approx(r["link"], rel=1e-6)
    assert predicted["std_error"].to_numpy() == pytest.approx(r["se"], rel=1e-6)
    assert fitted.residuals.to_numpy()[:20] == pytest.approx(r["residuals"], rel=1e-5)
    assert fitted.residuals.index.name == "participant_id"
    assert math.isnan(fitted.aic) and "no AIC compares it" in fitted.no_aic
    assert_limits(predicted, model)


def test_a_cox_model_says_why_it_predicts_nothing() -> None:
    fitted = fit(diary(), model="cox", outcome="gap", terms="sex")
    with pytest.raises(AnalysisError, match="leaves the hazard itself open"):
        fitted.predict({"sex": "female"})
    with pytest.raises(AnalysisError, match="cox has no residual of a row: its time may be censored"):
        _ = fitted.residuals
    assert fitted.vcov.index.tolist() == ["sex = female"]
    assert fitted.aic == -2 * fitted.log_likelihood + 2


def test_the_unit_is_a_week_and_the_interval_that_of_the_rows() -> None:
    fitted = fit(diary(), model="negative-binomial", terms="sex")
    predicted = fitted.predict({"sex": ["male", "female"]})
    row, base = pick(fitted.estimates, "sex", "female"), pick(fitted.estimates, "intercept")
    # Men are the reference: what is expected of them is the intercept, with its interval.
    men = predicted.iloc[0]
    assert men[["estimate", "ci_low", "ci_high", "std_error", "df"]].tolist() == pytest.approx(
        base[["estimate", "ci_low", "ci_high", "std_error", "df"]].tolist()
    )
    assert predicted["estimate"].iloc[1] / men["estimate"] == pytest.approx(row["estimate"])
    assert predicted["unit"].tolist() == ["cramps per person-week"] * 2
    assert predicted["outcome"].tolist() == ["cramps"] * 2
    assert predicted["extrapolated"].isna().all() and predicted["note"].isna().all()


def test_age_may_be_given_in_years_and_what_lies_beyond_the_data_is_named() -> None:
    by_decade = fit(diary(), model="poisson", terms="age_decade")
    in_years, in_decades = by_decade.predict({"age_years": [45, 95]}), by_decade.predict({"age_decade": [-1.5, 3.5]})
    assert in_years["estimate"].tolist() == pytest.approx(in_decades["estimate"].tolist())
    assert pd.isna(in_years["extrapolated"].iloc[0])
    assert in_years["extrapolated"].iloc[1] == "age_years = 95 is beyond 30 to 79"
    assert in_decades["extrapolated"].iloc[1] == "age_decade = 3.5 is beyond -3 to 1.9"
    banded = fit(diary(), model="poisson", terms="age_band")
    by_age, by_band = banded.predict({"age_years": 72}), banded.predict({"age_band": "70-79"})
    assert by_age["estimate"].iloc[0] == by_band["estimate"].iloc[0]


def test_a_spline_beyond_its_data_is_named_too() -> None:
    fitted = fit(diary(), model="poisson", terms="ns(age_years, df=3, ref=60) + sex")
    at = {"age_years": [60, 90], "sex": "male"}
    assert fitted.predict(at)["extrapolated"].tolist()[1] == "age_years = 90 is beyond 30 to 79"
    ratio = fitted.ratio({"age_years": 70}, against={"age_years": 60})["estimate"].iloc[0]
    both = fitted.predict({"age_years": [70, 60], "sex": "male"})["estimate"]
    assert both[0] / both[1] == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"age_decade": 0}, r"every variable of the fit \(age_decade, sex\), and sex is not given"),
        ({"age_decade": 0, "Sex": "male"}, "and sex is not given; did you mean sex by .Sex."),
        ({"age_decade": 0, "sex": "f"}, "sex was never 'f' on the rows fitted; .*allowed: male, female"),
        ({"age_decade": "old", "sex": "male"}, "age_decade = 'old' is no number"),
        ({"age_decade": [0, None], "sex": "male"}, "age_decade is missing in row 1"),
        ({"age_decade": math.inf, "sex": "male"}, "age_decade = inf is no number"),
        ({"age_decade": [0, 1], "sex": ["male"]}, "differ in number: age_decade, sex"),
        ([1, 2], "takes a mapping or a data frame of values"),
        (pd.DataFrame({"age_decade": [], "sex": []}), "no values to predict at"),
    ],
)
def test_values_that_cannot_be_are_refused(at: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit(diary(), model="poisson", terms="age_decade + sex").predict(at)


def test_a_frame_keeps_its_index_and_columns() -> None:
    cohort = diary(unit=pl.Series(["a", "b", "c"] * 20))
    fitted = fit(cohort, model="poisson", terms="unit + sex")
    at = cohort.participants.set_index("participant_id").head(3)
    predicted = fitted.predict(at)
    assert predicted.index.tolist() == ["p000", "p001", "p002"] and predicted.index.name == "participant_id"
    # A column of the cohort may be called like one of a prediction.
    assert predicted["unit (given)"].tolist() == ["a", "b", "c"]
    assert set(predicted["unit"]) == {"cramps per person-week"}
    alone = fit(cohort, model="poisson", terms="1").predict({})
    assert alone["estimate"].tolist() == pytest.approx([cohort.diary["cramps"].mean() * 7])


def test_what_rests_on_one_participant_has_no_prediction_and_the_others_have() -> None:
    cohort = diary(treated=pl.int_range(60) == 3)
    fitted = fit(cohort, model="poisson", terms="sex + treated")
    predicted = fitted.predict({"sex": "male", "treated": [False, True]})
    assert predicted["estimate"].notna().tolist() == [True, False]
    assert predicted["note"].iloc[1].startswith("without one of the participants")
    assert fitted.residuals.isna().groupby("participant_id").all().sum() == 1


def test_residuals_join_to_the_nights_and_nothing_is_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = diary()
    fitted = fit(cohort, model="poisson", terms="sex", exposure="hours_in_bed")
    monkeypatch.setattr(solve._Source, "solved", None)
    left = fitted.residuals
    assert left.name == "pearson_residual" and left.index.names == ["participant_id", "date"]
    assert len(left) == fitted.nobs == 60 * 7
    joined = cohort.diary.set_index(["participant_id", "date"]).join(left, how="inner")
    assert len(joined) == fitted.nobs
    people = cohort.participants.set_index("participant_id")["sex"]
    rate = fitted.predict({"sex": ["male", "female"]}).set_index("sex")["estimate"]
    mean = joined["hours_in_bed"] * joined.index.get_level_values(0).map(people).map(rate).to_numpy()
    by_hand = (joined["cramps"] - mean) / np.sqrt(mean)
    assert joined["pearson_residual"].to_numpy() == pytest.approx(by_hand.to_numpy())


def test_the_covariance_is_that_of_the_intervals() -> None:
    fitted = fit(diary(), model="poisson", terms="age_decade * sex")
    assert fitted.vcov.index.tolist() == ["intercept", "age_decade", "sex = female", "age_decade:sex = female"]
    assert (fitted.vcov.index == fitted.vcov.columns).all()
    errors = np.sqrt(np.diag(fitted.vcov))
    assert errors[2] == pytest.approx(pick(fitted.estimates, "sex", "female")["std_error"])
    assert np.exp(fitted.coefficients["sex = female"]) == pytest.approx(
        pick(fitted.estimates, "sex", "female")["estimate"]
    )


def test_without_an_estimate_there_is_nothing_to_ask() -> None:
    fitted = fit(diary(counts=lambda i, night: 0), model="poisson", terms="sex")
    for asked_for in ("vcov", "coefficients", "residuals"):
        with pytest.raises(AnalysisError, match="poisson has no estimate"):
            getattr(fitted, asked_for)
    with pytest.raises(AnalysisError, match="so there is no prediction"):
        fitted.predict({"sex": "male"})
    assert math.isnan(fitted.aic) and "no cramp on any of the nights" in fitted.summary()


def test_a_stored_fit_leaves_the_cohort_behind_and_says_so() -> None:
    cohort = diary(note=pl.Series([f"secret {i}" for i in range(60)]))
    fitted = fit(cohort, model="mixed-poisson", terms="sex")
    stored = pickle.dumps(fitted)
    assert b"secret" not in stored and b"p001" not in stored
    back = pickle.loads(stored)
    assert back.predict({"sex": "male"}).equals(fitted.predict({"sex": "male"}))
    with pytest.raises(AnalysisError, match="leaves the cohort behind"):
        _ = back.residuals


def test_the_summary_says_what_the_terminal_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from crampstudy import terminal

    fitted = fit(diary(), model="gee-exchangeable", terms="sex + age_decade")
    terminal.show(fitted.estimates, [fitted.account] if fitted.account else [])
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    # As a notebook asks for them.
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = fitted.summary().splitlines()
    assert "\x1b" not in fitted.summary()
    assert [line for line in printed if line] == [line for line in said if line in printed and line]
    assert said[0] == "GEE, exchangeable of Cramps: converged"
    assert said[-1] == "AIC: none; estimating equations have no likelihood, so that no AIC compares it"


def test_a_second_opinion_is_part_of_the_summary() -> None:
    fitted = fit(diary(), model="poisson", terms="sex", covariance="cluster", second_opinion=True)
    said = fitted.summary()
    assert "\n\nSecond opinion: coefficients on the scale of the link\n" in said
    assert said.splitlines()[-1].startswith("statsmodels, GLM") and "agrees on 2 of 2 parameters" in said
    assert "<caption>Second opinion: coefficients on the scale of the link</caption>" in fitted._repr_html_()


def test_of_recalled_counts_it_is_said_whose_mean_it_is() -> None:
    people = asked()
    classes = pl.int_range(pl.len()) % 5
    low, high = ({0: 0, 1: 1, 2: 2, 3: 5, 4: 16}, {0: 0, 1: 1, 2: 4, 3: 15, 4: None})
    table = people.frame("participants").with_columns(
        recalled_low=classes.replace_strict(low), recalled_high=classes.replace_strict(high)
    )
    cohort = Cohort("asked", "survey", {"participants": table}, people.design, as_of=people.as_of)
    fitted = fit(cohort, model="interval-count", terms="female")
    predicted = fitted.predict({"female": [0.0]}).iloc[0]
    base = pick(fitted.estimates, "intercept")
    assert predicted["estimate"] == pytest.approx(base["estimate"]) and predicted["ci_low"] == pytest.approx(
        base["ci_low"]
    )
    assert (predicted["unit"], predicted["mean_of"]) == ("cramps per person-week", "population")
    near = fit(cohort, model="interval-count", terms="female", near_nightly=True)
    assert near.predict({"female": 0.0})["mean_of"].tolist() == ["persons who do not cramp night after night"]
    with pytest.raises(AnalysisError, match="interval-count has no residual of a row: of a count only limits"):
        _ = fitted.residuals


def test_terms_that_have_no_value_at_what_is_given_say_so() -> None:
    fitted = fit(diary(), model="poisson", terms="log(age_years) + sqrt(age_years)")
    for age, message in ((-1, "cannot be evaluated at these values: it is no number"), (0, "infinite at these values")):
        with pytest.raises(UsageError, match=message):
            fitted.predict({"age_years": age})
        with pytest.raises(UsageError, match=message):
            fitted.ratio({"age_years": age}, against={"age_years": 50})


def test_compressed_nights_are_residuals_one_by_one() -> None:
    # Nights that are alike are one row of the fit, and as many residuals.
    start = date(2024, 1, 1)
    people = pl.DataFrame(
        {"participant_id": [f"{i:02}" for i in range(20)], "age_years": 50.0, "sex": ["male", "female"] * 10}
    )
    rows = [(f"{i:02}", start + timedelta(days=k), int((i + k) % 7 == 0)) for i in range(20) for k in range(50)]
    nights = pl.DataFrame(rows, {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}, orient="row")
    fitted = fit(Cohort("alike", "diary", {"participants": people, "diary": nights}), model="logistic", terms="sex")
    assert len(fitted.residuals) == fitted.nobs == 1000
    p = fitted.predict({"sex": "male"})["estimate"].iloc[0]
    assert set(np.round(fitted.residuals[:50].unique(), 8)) == {
        round(float(v), 8) for v in (-math.sqrt(p / (1 - p)), math.sqrt((1 - p) / p))
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_residuals_or_says_why_not(name: str) -> None:
    family = FAMILIES[name]
    # Only what has a mean of its own rows has residuals, and each without says so in words of its own.
    assert bool(family.no_residuals) == (name in ("ordinal", "survey-ordinal", "cox", "interval-count"))
    assert family.no_residuals or type(family).residuals is not Family.residuals
    # Estimating equations and surveys have no likelihood of a sample.
    assert bool(family.no_aic) == (name.startswith(("gee-", "survey-")) or name == "interval-count")
