"""Models of a survey's recalled classes, from the question to the rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import coefficients, no_number, order, pick
from numpy.typing import NDArray
from scipy import special, stats

from crampstudy import fit
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.models.surveys import interval_counts, survey_ordinal
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

LOWS, LABELS = np.array([0, 1, 2, 5, 16]), ("0", "1", "2-4", "5-15", "16+")
HIGHS: tuple[int | None, ...] = (0, 1, 4, 15, None)
COUNT: dict[str, Any] = {"model": "interval-count", "terms": "age_decade + sex"}
ORDERED: dict[str, Any] = {"model": "survey-ordinal", "terms": "age_decade + sex"}
Array = NDArray[np.float64]
Run = Callable[..., tuple[int, str, str]]


def survey(seed: int = 2, n: int = 1200, near: float = 0.06, among: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Cohort:
    """People whose counts in 30 days are negative binomial, a share ``near`` of them cramping night after night."""
    rng = np.random.default_rng(seed)
    age, female = 5.0 * rng.integers(4, 17, n), rng.random(n) < 0.5
    stratum, psu = np.repeat(np.arange(10), n // 10), np.tile(np.repeat([1, 2], n // 20), 10)
    mean = 1.5 * np.exp(0.2 * (age - 60) / 10 + 0.4 * female + rng.normal(0, 0.15, (10, 3))[stratum, psu])
    counts = np.where(rng.random(n) < near, 60, rng.poisson(mean * rng.gamma(0.7, 1 / 0.7, n)))
    found = np.searchsorted(LOWS, counts, side="right") - 1
    classes = [int(c) if k % 30 and c in among else None for k, c in enumerate(found)]
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": age,
            "sex": np.where(female, "female", "male"),
            "diabetes": rng.random(n) < 0.3,
            "serum_potassium_mmol_l": rng.normal(4.1, 0.3, n),
            "weight_interview": rng.gamma(3, 1000, n),
            "weight_exam": np.where(rng.random(n) < 0.05, 0.0, rng.gamma(3, 1000, n)),
            "stratum": stratum,
            "psu": psu,
            "recalled_low": [None if c is None else int(LOWS[c]) for c in classes],
            "recalled_high": [None if c is None else HIGHS[c] for c in classes],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return survey()


@pytest.fixture(scope="module")
def people(cohort: Cohort) -> pl.DataFrame:
    return cohort.frame("participants")


def columns_of(frame: pl.DataFrame) -> Array:
    """Age per 10 years and female."""
    return np.column_stack([(frame["age_years"] - 60) / 10, (frame["sex"] == "female").cast(pl.Float64)])


def sampled(frame: pl.DataFrame, weight: str = "weight_interview") -> SamplingDesign:
    return SamplingDesign.of(frame["stratum"], frame["psu"], frame[weight].to_numpy())


def limits(frame: pl.DataFrame) -> tuple[Array, Array]:
    """Return the limits of the answers, NaN where there is none, the upper one infinite where open."""
    low = frame["recalled_low"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    high = frame["recalled_high"].cast(pl.Float64).fill_null(float("inf")).to_numpy()
    return low, high


def class_of(frame: pl.DataFrame) -> tuple[Array, NDArray[np.bool_]]:
    """Return classes, 0 where there is no answer, and who answered."""
    low = limits(frame)[0]
    return np.searchsorted(LOWS, np.nan_to_num(low)).astype(float), np.isfinite(low)


def directly(frame: pl.DataFrame, members: NDArray[np.bool_], weight: str = "weight_interview", **more: Any) -> Any:
    x = np.column_stack([np.ones(frame.height), columns_of(frame)])
    at_most = {name: more.pop(name) for name in ("at_most",) if name in more}
    answers = interval_counts.IntervalAnswers(*limits(frame), **at_most)
    return interval_counts.fit(answers, x, ("1", "age", "sex"), members, sampled(frame, weight), **more)


# Ordered classes


@pytest.mark.parametrize("free", [None, "sex"])
def test_ordered_classes_are_what_the_engine_finds(cohort: Cohort, people: pl.DataFrame, free: str | None) -> None:
    classes, answered = class_of(people)
    x, names = columns_of(people), ("age", "sex")
    direct = survey_ordinal.regression(classes, x, names, answered, sampled(people), LABELS, (1,) if free else ())
    rows = coefficients(fit(cohort, **ORDERED, free_terms=free).estimates)
    above = [f"above {label}" for label in LABELS[:-1]]
    women = [("sex", f"female, {limit}") for limit in above] if free else [("sex", "female")]
    assert order(rows) == [("age_decade", None), *women, *(("threshold", limit) for limit in above)]
    # The engine has the held columns, the thresholds, then the free slopes; rows have thresholds last, as odds above.
    place = [0, 5, 6, 7, 8, 1, 2, 3, 4] if free else range(6)
    sign = np.where(rows["term"] == "threshold", -1, 1)
    assert np.log(rows["estimate"].to_numpy()) == pytest.approx(sign * direct.coefficients[place], rel=1e-9)
    assert rows["std_error"].to_numpy() == pytest.approx(direct.std_error[place], rel=1e-9)
    # 20 PSUs - 10 strata, less the slopes: those of age and sex, or of age and sex at four limits.
    left = 5 if free else 8
    assert set(rows["df"]) == {left} and (direct.df, direct.df_residual) == (10, left)
    half = stats.t.ppf(0.975, left) * rows["std_error"]
    assert rows["ci_high"].to_numpy() == pytest.approx((rows["estimate"] * np.exp(half)).to_numpy())
    first = rows.iloc[0]
    assert (first["n_participants"], first["n_events"], first["n_groups"]) == (direct.n, direct.n_events, 20)
    assert first["note"] == "weighted by weight_interview; 40 participants left out, without an answer"
    assert first["estimand"].startswith("cross-sectional")


def test_limits_of_classes_are_weighted_odds_where_no_slope_is_drawn(people: pl.DataFrame) -> None:
    # Each person twice, as a man and as a woman: the slope is 0, the thresholds those of the weighted shares.
    twice = pl.concat(
        [people.with_columns(pl.col("participant_id") + sex, sex=pl.lit(sex)) for sex in ("male", "female")]
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    made = Cohort("twice", "survey", {"participants": twice}, design, as_of=date(2006, 12, 31))
    rows = fit(made, model="survey-ordinal", terms="sex").estimates
    classes, answered = class_of(people)
    weights = people["weight_interview"].to_numpy() * answered
    odds = [weights[classes > k].sum() / weights[classes <= k].sum() for k in range(4)]
    assert rows["estimate"].tolist()[1:] == pytest.approx(odds, rel=1e-6)
    # The scores of the two cancel out in each PSU.
    found = pick(rows, "sex", "female")
    assert (found["status"], found["estimate"]) == ("boundary", pytest.approx(1.0))
    assert found["note"].startswith("no spread, so no interval") and np.isnan(found["ci_low"])


def test_a_part_of_a_survey_is_a_domain(cohort: Cohort, people: pl.DataFrame) -> None:
    classes, answered = class_of(people)
    inside = answered & (people["age_years"] >= 70).to_numpy() & (people["weight_exam"] > 0).to_numpy()
    where = "age_years >= 70 AND serum_potassium_mmol_l > 0"
    fitted = fit(cohort, **ORDERED, where=where)
    direct = survey_ordinal.regression(
        classes, columns_of(people), ("age", "sex"), inside, sampled(people, "weight_exam"), LABELS
    )
    rows = coefficients(fitted.estimates)
    assert fitted.n_rows == direct.n == inside.sum()
    assert rows["std_error"].to_numpy() == pytest.approx(direct.std_error, rel=1e-9)
    assert set(rows["population"]) == {where} and rows["note"].nunique() == 1
    left_out = ("905", "outside the condition"), ("10", "without an answer"), ("17", "of weight 0")
    said = "".join(f"; {n} participants left out, {why}" for n, why in left_out)
    assert rows["note"].iloc[0] == f"weighted by weight_exam{said}"
    count = fit(cohort, **COUNT, where=where).estimates
    other = directly(people, inside, "weight_exam")
    assert pick(count, "sex", "female")["std_error"] == pytest.approx(other.std_error[2], rel=1e-9)
    assert pick(count, "sex", "female")["n_participants"] == inside.sum()


def test_unused_classes_are_noted_and_one_class_is_not_estimable() -> None:
    made = survey(among=(0, 1, 3))
    rows = fit(made, **ORDERED).estimates
    assert [level for term, level in order(rows) if term == "threshold"] == ["above 0", "above 1"]
    assert set(rows["note"]) == {
        "weighted by weight_interview; 354 participants left out, without an answer; no answer in class 2-4, 16+"
    }
    alone = fit(survey(among=(2,)), **ORDERED)
    assert no_number(alone) == "every answer is 2-4: there are no classes to tell apart"
    nobody = fit(made, **ORDERED, where="age_years > 110")
    assert no_number(nobody) == "none of the participants meets the condition Age > 110"


@pytest.mark.parametrize(("model", "scale"), [("survey-ordinal", "odds_ratio"), ("interval-count", "rate_ratio")])
def test_a_spline_and_its_ratio_agree(cohort: Cohort, model: str, scale: str) -> None:
    fitted = fit(cohort, model=model, terms="sex + ns(age_years, df=3, ref=60, at=[40, 75])")
    rows = coefficients(fitted.estimates)
    curve = rows[rows["term"].str.startswith("ns(")]
    assert fitted.status == "converged"
    assert curve["scale"].tolist() == ["wald_test", scale, scale]
    for _, row in curve.iloc[1:].iterrows():
        asked = fitted.ratio({"age_years": float(row["level"])}, against={"age_years": 60}).iloc[0]
        assert asked[["estimate", "ci_low", "std_error"]].tolist() == pytest.approx(
            row[["estimate", "ci_low", "std_error"]].tolist(), rel=1e-9
        )


def test_a_free_slope_has_no_single_ratio(cohort: Cohort) -> None:
    with pytest.raises(AnalysisError, match="no single ratio"):
        fit(cohort, **ORDERED, free_terms="sex").ratio({"age_years": 40}, against={"age_years": 60})


# Recalled counts


@pytest.mark.parametrize("more", [{}, {"at_most": 30}, {"near_nightly": True}, {"at_most": 30, "near_nightly": True}])
def test_recalled_counts_are_what_the_engine_finds(cohort: Cohort, people: pl.DataFrame, more: dict[str, Any]) -> None:
    direct = directly(people, class_of(people)[1], **more)
    assert direct.status == "converged"
    fitted = fit(cohort, **COUNT, **more)
    rows = coefficients(fitted.estimates)
    extras = [("dispersion", None)] + [("near-nightly", None)] * ("near_nightly" in more)
    assert order(rows) == [("age_decade", None), ("sex", "female"), ("intercept", None), *extras]
    assert np.log(rows["estimate"][:2].to_numpy()) == pytest.approx(direct.coefficients[1:], rel=1e-9)
    assert rows["std_error"][:3].to_numpy() == pytest.approx(direct.std_error[[1, 2, 0]], rel=1e-9)
    base = pick(rows, "intercept")
    assert base["estimate"] == pytest.approx(7 * math.exp(direct.coefficients[0]))
    assert (base["unit"], base["scale"]) == ("per person-week", "rate")
    spread = pick(rows, "dispersion")
    assert spread["estimate"] == pytest.approx(direct.dispersion)
    assert math.log(spread["ci_high"] / spread["estimate"]) == pytest.approx(
        stats.t.ppf(0.975, 8) * direct.dispersion_error
    )
    assert fitted.log_likelihood == pytest.approx(direct.log_likelihood)
    counted = "nights with a cramp, at most 30" if "at_most" in more else "cramps"
    assert f"recalled classes taken as intervals of {counted} in 30 nights" in pick(rows, "sex", "female")["note"]
    said = "ratios are those of the persons who do not cramp night after night" in pick(rows, "sex", "female")["note"]
    assert said == ("near_nightly" in more)


def test_the_share_of_near_nightly_people_has_a_logit_interval(cohort: Cohort) -> None:
    row = pick(fit(cohort, **COUNT, near_nightly=True, ci_level=0.9).estimates, "near-nightly")
    assert (row["status"], row["scale"], row["unit"]) == ("converged", "share", "proportion of people")
    half = stats.t.ppf(0.95, 8) * row["std_error"]
    middle = special.logit(row["estimate"])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (special.expit(middle - half), special.expit(middle + half))
    )
    # Drawn: 0.06.
    assert 0 < row["ci_low"] < 0.06 < row["ci_high"] < 0.2


def test_nobody_near_nightly_is_a_boundary() -> None:
    row = pick(fit(survey(near=0.0, among=(0, 1, 2, 3)), **COUNT, near_nightly=True).estimates, "near-nightly")
    assert (row["status"], row["estimate"]) == ("boundary", 0.0)
    assert pd.isna(row["ci_low"]) and "the highest class holds no more" in row["note"]


@pytest.mark.parametrize("model", ["survey-logistic", "survey-poisson"])
def test_an_offset_takes_its_share_of_a_coefficient(cohort: Cohort, model: str) -> None:
    plain, shared = (
        fit(cohort, model=model, terms=f"age_decade + sex{more}").estimates
        for more in ("", " + offset(0.25 * age_decade)")
    )
    without, beside = pick(plain, "age_decade"), pick(shared, "age_decade")
    assert beside["estimate"] == pytest.approx(without["estimate"] * math.exp(-0.25))
    assert beside["std_error"] == pytest.approx(without["std_error"])
    assert "with offset(0.25 * age_decade)" in beside["note"]
    for cell in ("estimate", "ci_low", "ci_high", "p_value"):
        assert pick(shared, "sex", "female")[cell] == pytest.approx(pick(plain, "sex", "female")[cell])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ORDERED | {"at_most": 30}, "at_most and near_nightly are for interval-count; survey-ordinal takes neither"),
        (ORDERED | {"near_nightly": True}, "survey-ordinal takes neither"),
        ({"model": "survey-logistic", "terms": "sex", "at_most": 30}, "survey-logistic takes neither"),
        (COUNT | {"free_terms": "sex"}, "interval-count has no classes, so no free terms"),
        (COUNT | {"zero_terms": "sex"}, "interval-count has no zero part"),
        (COUNT | {"exposure": "hours_in_bed"}, "takes no exposure"),
        (COUNT | {"covariance": "model"}, "its covariance is that of the sampling design"),
        (ORDERED | {"covariance": "cluster-small"}, "its covariance is that of the sampling design"),
        (COUNT | {"weight": "weight_diet1"}, "the cohort has no weight 'weight_diet1'"),
        (ORDERED | {"terms": "sex + offset(age_decade)"}, r"takes no offset\(\), which is for survey-logistic and sur"),
        (COUNT | {"terms": "sex + weights(age_years)"}, r"takes no weights\(\); the survey's own weight is an opt"),
        (ORDERED | {"terms": "ns(age_years, df=3)", "free_terms": "ns(age_years, df=3)"}, "is a spline, whose slopes"),
        (ORDERED | {"free_terms": "diabetes"}, "free terms name 'diabetes', which is no term"),
        (ORDERED | {"outcome": "recalled_count"}, "survey-ordinal takes the outcome recalled_class"),
    ],
)
def test_what_does_not_go_together_is_refused(cohort: Cohort, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit(cohort, **options)


def test_an_impossible_number_of_nights_is_an_error(cohort: Cohort) -> None:
    with pytest.raises((UsageError, AnalysisError), match="at_most is a number of nights of at least 1"):
        fit(cohort, **COUNT, at_most=0)


@pytest.mark.parametrize("model", ["survey-ordinal", "interval-count"])
def test_a_diary_is_no_survey(model: str) -> None:
    with pytest.raises(UsageError, match=f"{model} needs a survey cohort; simulated is a diary"):
        fit(simulate(20, 10, 1), model=model, terms="sex")


# The command line


def test_options_of_recalled_counts_on_the_command_line(run: Run, cohort: Cohort, tmp_path: Path) -> None:
    package.write(cohort, tmp_path / "study")
    command = ("fit", str(tmp_path / "study"), "--model", "interval-count", "--terms", "age_decade + sex")
    code, out, err = run(*command, "--at-most", "30", "--near-nightly", "--json")
    assert code == 0 and err.startswith("participants.csv: ") and len(err.splitlines()) == 1
    rows = json.loads(out)
    expected = fit(cohort, **COUNT, at_most=30, near_nightly=True).estimates
    assert [row["term"] for row in rows] == expected["term"].tolist()
    assert [row["estimate"] for row in rows] == pytest.approx(expected["estimate"].tolist(), rel=1e-8)
    assert rows[-1]["term"] == "near-nightly"
    code, out, _ = run(*command, "--json")
    assert code == 0 and "near-nightly" not in out and "of cramps in 30 nights" in out
    code, out, err = run(*command[:3], "survey-ordinal", *command[4:], "--at-most", "30")
    assert (code, out) == (2, "") and "survey-ordinal takes neither" in err


# Few PSUs

FAMILIES: dict[str, dict[str, Any]] = {
    "survey-logistic": {"outcome": "any_cramp"},
    "survey-poisson": {"outcome": "any_cramp"},
    "survey-ordinal": {},
    "interval-count": {},
}


@pytest.mark.parametrize("model", FAMILIES)
def test_intervals_of_few_psus_are_t_with_what_the_slopes_leave(cohort: Cohort, model: str) -> None:
    def fitted(strata: int) -> pd.DataFrame:
        where = f"stratum < {strata}"
        rows = fit(cohort, model=model, terms="age_decade + sex", where=where, **FAMILIES[model]).estimates
        return rows[rows["std_error"].notna()]

    for strata, left in ((4, 2), (6, 4), (7, 5)):
        rows = fitted(strata)
        slopes = rows[rows["term"].isin(["age_decade", "sex"])]
        assert (set(slopes["status"]), set(slopes["df"]), set(rows["n_groups"])) == (
            {"converged"},
            {left},
            {2 * strata},
        )
        half = stats.t.ppf(0.975, left) * slopes["std_error"]
        assert slopes["ci_high"].to_numpy() == pytest.approx((slopes["estimate"] * np.exp(half)).to_numpy())
        said = f"rests on few PSUs: the slopes leave {left} of the {strata} degrees of freedom of the sampling design; "
        assert [note.startswith(said) for note in slopes["note"]] == [left < 5] * 2
        assert not rows["note"].str.contains("few participants").any()


@pytest.mark.parametrize("model", FAMILIES)
def test_as_many_parameters_as_degrees_of_freedom_are_not_estimable(cohort: Cohort, model: str) -> None:
    # 8 PSUs in 4 strata have 4 degrees of freedom; three slopes and what stands for the intercept are 4 parameters.
    terms = "age_decade + sex + diabetes"
    reason = no_number(fit(cohort, model=model, terms=terms, where="stratum < 4", **FAMILIES[model]))
    assert reason.startswith(
        "3 slopes are too many for the 4 degrees of freedom (PSUs - strata) of the sampling design"
    )
    assert reason.endswith("have 2 at most")


def test_strata_that_a_domain_loses_take_their_degrees_of_freedom_along(cohort: Cohort) -> None:
    asked: dict[str, Any] = {"model": "survey-logistic", "outcome": "any_cramp", "terms": "age_decade"}
    kept = "stratum < 3 OR (stratum < 7 AND psu = 1)"
    rows = fit(cohort, **asked, where=kept).estimates
    # Ten PSUs in seven strata; the four that have lost a PSU add to the variance and not to the degrees of freedom.
    assert set(rows["df"]) == {2.0} and set(rows["n_groups"]) == {10}
    note = rows["note"].iloc[0]
    assert "4 strata with one PSU in the domain, centred at the grand mean" in note
    assert note.startswith("rests on few PSUs: the slopes leave 2 of the 3 degrees of freedom")
