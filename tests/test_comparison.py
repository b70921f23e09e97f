"""Cohorts against one another: by hand, against R, and as published surveys give it."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parity_compared import warpbreaks
from scipy import stats

from crampstudy import compare, fit, open_cohort
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.few_events import standardised_interval
from crampstudy.contrasts.cohorts.marginal import marginal_means
from crampstudy.contrasts.cohorts.measures import measures
from crampstudy.contrasts.multiplicity import adjusted, e_value, e_values
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.nights import person_nights
from crampstudy.simulate import simulate

R = json.loads((Path(__file__).parent / "parity" / "compare.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return replace(simulate(120, 14, seed=5), name="here")


@pytest.fixture(scope="module")
def two(diary: Cohort) -> pd.DataFrame:
    other = replace(simulate(80, 14, seed=6), name="there")
    return compare(diary, other, bands=AgeBands((20, 60)), adjust="sex").estimates


@pytest.fixture(scope="module")
def surveys(shared: Path) -> tuple[Cohort, Cohort]:
    one, other = (open_cohort(f"nhanes:{shared}/data/nhanes?cycles={cycle}") for cycle in "DE")
    return one, other


# By hand and against R.


def test_a_ratio_and_a_difference_by_hand() -> None:
    one = between.Side("a", 2.0, 0.04, 10, 20, 200, 57)
    other = between.Side("b", 1.0, 0.01, 12, 25, 250, 36)
    cells = {"analysis": kinds.BETWEEN_COHORTS.name, "scale": "rate", "unit": "u", "ci_level": 0.95}
    ratio, difference = between.rows_of(one, other, cells)
    assert ratio["estimate"] == 2.0 and ratio["std_error"] == pytest.approx(sqrt(0.01 + 0.01))
    # (v1 + v2)^2 / (v1^2 / df1 + v2^2 / df2) of the variances on the log scale.
    assert ratio["df"] == pytest.approx(0.02**2 / (0.01**2 / 10 + 0.01**2 / 12))
    assert log(ratio["ci_high"] / 2) == pytest.approx(stats.t.ppf(0.975, ratio["df"]) * sqrt(0.02))
    assert difference["estimate"] == 1.0 and difference["std_error"] == pytest.approx(sqrt(0.05))
    assert (ratio["n_participants"], ratio["n_nights"], ratio["n_events"]) == (45, 450, 93)
    assert ratio["verdict"] == "higher"


def test_a_contrast_has_no_more_degrees_of_freedom_than_there_are_people() -> None:
    # Of 50 people and more a rate's own interval is that of the normal distribution; a sum of two has Welch's.
    many, some = simulate(90, 14, seed=6), replace(simulate(55, 14, seed=7), name="there")
    bands = AgeBands((20, 50))
    found = [measures(cohort, "age_band", bands) for cohort in (many, some)]
    one, other = (between.side(of, "20+") for of in found)
    assert (one.df, other.df) == (89, 54)
    rows = compare(many, some, bands=bands).estimates
    own = kinds.BETWEEN_COHORTS.rows(rows)
    whole = own[own["level"].eq("20+") & own["scale"].eq("rate_ratio")].iloc[0]
    v = [one.variance / one.estimate**2, other.variance / other.estimate**2]
    assert whole["df"] == pytest.approx(sum(v) ** 2 / (v[0] ** 2 / 89 + v[1] ** 2 / 54))
    told = rows[rows["analysis"].str.contains("between cohorts").fillna(value=False) & rows["df"].notna()]
    assert len(told) > 3 and (told["df"] < told["n_participants"]).all()


def test_two_groups_of_one_survey_share_a_covariance() -> None:
    one, other = between.Side("a", 0.4, 0.01, 15, 90, None, 36), between.Side("b", 0.2, 0.01, 15, 90, None, 18)
    cells = {"analysis": kinds.BETWEEN_COHORTS.name, "scale": "prevalence", "unit": "u", "ci_level": 0.95}
    _, difference = between.rows_of(one, other, cells, covariance=0.004, df=15)
    assert difference["std_error"] == pytest.approx(sqrt(0.02 - 0.008)) and difference["df"] == 15


def test_standardised_rates_of_few_events_are_those_of_epitools() -> None:
    down = R["down"]
    rate, low, high = (1e5 * x for x in standardised_interval(down["count"], down["pop"], down["std"], "gamma"))
    assert rate == pytest.approx(down["rate"], rel=1e-9)
    assert (low, high) == pytest.approx((down["gamma_low"], down["gamma_high"]), rel=1e-7)
    dobson = [1e5 * x for x in standardised_interval(down["count"], down["pop"], down["std"], "dobson")][1:]
    assert dobson == pytest.approx([80.3292, 105.1872], abs=1e-4)
    assert [1e5 * x for x in standardised_interval(down["count"], down["pop"], down["std"], "log")][
        1:
    ] == pytest.approx([80.8153, 105.4271], abs=1e-4)


def test_without_an_event_only_the_gamma_has_an_interval() -> None:
    rate, low, high = standardised_interval([0, 0], [100, 300], [1, 1], "gamma")
    # Of one group alone it is the exact limit of a count of none.
    assert rate == low == 0 and high > -log(0.025) / 300
    assert standardised_interval([0], [100], [1], "gamma")[2] == pytest.approx(-log(0.025) / 100)
    with pytest.raises(UsageError, match="without an event there is no interval by dobson; take gamma"):
        standardised_interval([0, 0], [100, 300], [1, 1], "dobson")


def test_family_wise_and_false_discovery() -> None:
    found = adjusted(R["p"])
    assert found.holm == pytest.approx(R["holm"]) and found.fdr == pytest.approx(R["fdr"])
    assert adjusted([]) == type(found)((), ())


def test_e_values_as_published() -> None:
    # VanderWeele and Ding 2017, box 1: a ratio of 3.9 (1.8 to 8.7).
    assert e_value(3.9) == pytest.approx(7.263, abs=5e-4) and e_value(1 / 3.9) == pytest.approx(7.263, abs=5e-4)
    assert e_values(3.9, 1.8, 8.7)[1] == pytest.approx(3.0, abs=1e-9)
    assert e_values(1.1, 0.9, 1.3) == (pytest.approx(e_value(1.1)), 1.0)


def test_means_over_the_same_rows_are_those_of_r() -> None:
    found, asked = warpbreaks("HL", "A" * 27 + "B" * 27), R["warpbreaks"]
    assert found.estimate == pytest.approx(asked["means"], rel=1e-8)
    value, error, _ = found.log_ratio(0, 1)
    assert (exp(value), error) == pytest.approx((asked["ratio"], asked["log_se"]), rel=1e-7)
    assert found.difference(0, 1)[:2] == pytest.approx((asked["difference"], asked["se"]), rel=1e-7)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(-1, 1)), min_size=2, max_size=6))
def test_rows_with_a_weight_are_as_so_many_rows(rows: list[tuple[int, float]]) -> None:
    times, values = np.array([n for n, _ in rows]), np.array([x for _, x in rows])
    coefficients, variance = np.array([0.2, -0.4, 0.1]), np.diag([0.1, 0.2, 0.3])

    def at(level: float, x: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(x)), np.full(len(x), level), x])

    weighted = marginal_means((at(1, values), at(0, values)), coefficients, variance, "log", times)
    each = np.repeat(values, times)
    plain = marginal_means((at(1, each), at(0, each)), coefficients, variance, "log")
    assert weighted.estimate == pytest.approx(plain.estimate, rel=1e-10)
    assert weighted.covariance == pytest.approx(plain.covariance, rel=1e-10)


# Two diaries.


def test_the_groups_of_two_diaries_are_their_rates(two: pd.DataFrame) -> None:
    rates = kinds.INCIDENCE_RATE.rows(two).set_index(["cohort", "level"])
    rows = kinds.BETWEEN_COHORTS.rows(two)
    ratios = rows[rows["scale"] == "rate_ratio"].set_index("level")
    assert list(ratios.index) == ["20-59", "60+", "20+"] and set(ratios["reference"]) == {"here"}
    for level, row in ratios.iterrows():
        one, other = rates.loc[("there", level)], rates.loc[("here", level)]
        assert row["estimate"] == pytest.approx(one["estimate"] / other["estimate"])
        assert row["std_error"] == pytest.approx(np.hypot(one["std_error"], other["std_error"]))
        assert row["n_nights"] == one["n_nights"] + other["n_nights"]
    # Everybody is not one of the family, whose groups make it up.
    assert ratios["q_value"].notna().tolist() == [True, True, False]


def test_what_a_cohort_has_is_worked_out_once_and_of_the_columns_that_are_named(
    diary: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crampstudy.descriptive import rates as room

    asked: list[set[str]] = []

    def heard(*given: Any, **more: Any) -> pl.DataFrame:
        asked.append({*more["names"]})
        return person_nights(*given, **more)

    monkeypatch.setattr(room, "person_nights", heard)
    bands, where = AgeBands((20, 55)), "fluid_ml >= 0"
    first = measures(diary, "age_band", bands, where=where)
    assert measures(diary, "age_band", bands, where=where) is first
    assert asked == [{"age_band", "age_years", "fluid_ml"}]
    assert measures(diary, "age_band", bands) is not first and len(asked) == 2


def test_the_standardised_ratio_weights_the_bands(two: pd.DataFrame) -> None:
    rates = kinds.STANDARDISED_RATE.rows(two).set_index("cohort")["estimate"]
    rows = kinds.BETWEEN_STANDARDISED.rows(two).set_index("scale")
    assert rows.loc["rate_ratio", "estimate"] == pytest.approx(rates["there"] / rates["here"])
    assert rows.loc["difference", "estimate"] == pytest.approx(rates["there"] - rates["here"])


def test_the_adjusted_ratio_is_of_the_same_people(two: pd.DataFrame, diary: Cohort) -> None:
    both = pooled([diary, replace(simulate(80, 14, seed=6), name="there")])
    bands = AgeBands((20, 60))
    made = fit(both, model="poisson", terms="cohort * age_band + sex", where="age_years >= 20", bands=bands)
    people = both.participants
    people["age_band"] = [bands.label(age) for age in people["age_years"]]
    at = {
        name: made.predict(
            {"cohort": name, "age_band": people["age_band"].tolist(), "sex": people["sex"].astype(str).tolist()}
        )
        for name in ("there", "here")
    }
    means = {name: float(frame["estimate"].mean()) for name, frame in at.items()} if len(at["here"]) == 200 else None
    ratio = kinds.BETWEEN_ADJUSTED.rows(two).set_index("scale").loc["rate_ratio"]
    assert ratio["adjusted_for"] == "age_band; sex" and ratio["status"] == "converged"
    if means:
        assert ratio["estimate"] == pytest.approx(means["there"] / means["here"])


def test_cohort_by_group_is_tested_alone_and_adjusted_for_sex(two: pd.DataFrame) -> None:
    tests = kinds.COHORT_INTERACTION.rows(two)
    assert tests["adjusted_for"].isna().tolist() == [True, False]
    assert tests["unit"].str.startswith("F on 1 and").all()
    trends = kinds.COHORT_TREND.rows(two)
    assert list(trends["level"]) == ["here", "there"] and (trends["unit"] == "per 10 years").all()


def test_cohorts_of_two_kinds_are_not_compared(diary: Cohort, surveys: tuple[Cohort, Cohort]) -> None:
    rows = compare(diary, surveys[0]).estimates
    assert kinds.BETWEEN_COHORTS.rows(rows).empty


def test_a_cohort_against_itself_is_the_same(diary: Cohort) -> None:
    rows = compare(diary, diary, "sex").estimates
    ratios = kinds.BETWEEN_COHORTS.rows(rows)
    assert (ratios.loc[ratios["scale"] == "rate_ratio", "estimate"] == 1).all()
    assert set(rows["cohort"]) >= {"A", "B"}


def test_the_same_identifier_in_two_cohorts_is_two_people(diary: Cohort) -> None:
    both = pooled([diary, replace(diary, name="again")])
    people = both.tables["participants"]
    assert people["participant_id"].n_unique() == 2 * diary.tables["participants"].height
    assert people["cohort"].unique().sort().to_list() == ["again", "here"]
    with pytest.raises(UsageError, match="two or more cohorts of different names"):
        pooled([diary, diary])
    own = diary.tables["participants"].with_columns(cohort=pl.lit("x"))
    named = replace(diary, name="own", tables={**diary.tables, "participants": own})
    with pytest.raises(UsageError, match="own has a column 'cohort' of its own; rename it"):
        pooled([diary, named])


def test_the_reference_may_be_another_and_a_third_cohort_joins(diary: Cohort) -> None:
    third = replace(simulate(60, 14, seed=8), name="third")
    other = replace(simulate(60, 14, seed=9), name="second")
    rows = compare(diary, other, "sex", others=[third], reference="third").estimates
    ratios = kinds.BETWEEN_COHORTS.rows(rows)
    assert set(ratios["reference"]) == {"third"} and set(ratios["cohort"]) == {"here", "second"}
    with pytest.raises(UsageError, match="no cohort 'thirt' to compare with; did you mean third"):
        compare(diary, third, "sex", reference="thirt")


def test_a_group_of_few_says_so_and_is_not_put_with_another(diary: Cohort) -> None:
    few = replace(simulate(9, 14, seed=4), name="few")
    rows = kinds.BETWEEN_COHORTS.rows(compare(diary, few, bands=AgeBands((20, 80))).estimates)
    lost = rows[(rows["level"] == "80+") & (rows["scale"] == "rate_ratio")].iloc[0]
    assert (
        lost["status"] == "not_estimable"
        and lost["note"].endswith("(few)")
        and lost["verdict"] == "too few"
        and pd.isna(lost["estimate"])
    )


# Two surveys, as R's survey package gives them.


def test_two_cycles_of_nhanes(surveys: tuple[Cohort, Cohort]) -> None:
    rows = compare(*surveys).estimates
    made = kinds.BETWEEN_STANDARDISED.rows(rows).set_index(["outcome", "scale"])
    asked = {
        ("any_cramp", "prevalence_ratio"): (1.0491, 0.05320),
        ("any_cramp", "difference"): (0.014024, 0.015694),
        ("moderate_severe_vs_rest", "prevalence_ratio"): (1.0587, 0.13379),
    }
    for place, (estimate, error) in asked.items():
        row = made.loc[place]
        assert (row["estimate"], row["std_error"]) == (
            pytest.approx(estimate, abs=5e-5),
            pytest.approx(error, abs=5e-6),
        )
    verdicts = made["verdict"].dropna().tolist()
    assert verdicts == ["near null", "inconclusive"]
    test = kinds.COHORT_INTERACTION.rows(rows).set_index(["outcome", "adjusted_for"]).loc[("any_cramp", "sex")]
    assert test["unit"] == "F on 5 and 19 degrees of freedom"
    assert (test["estimate"], test["p_value"]) == (pytest.approx(1.478, abs=5e-4), pytest.approx(0.243, abs=5e-4))


def test_bands_of_one_survey_are_not_independent(surveys: tuple[Cohort, Cohort]) -> None:
    for cohort, asked in zip(surveys, ((0.133778, 0.031539), (0.189825, 0.027723)), strict=True):
        found = measures(cohort, "age_band", AgeBands())
        one, other = (between.side(found, label) for label in ("60-69", "20-39"))
        i, j = (found.labels.index(label) for label in ("60-69", "20-39"))
        cells = {"analysis": kinds.BETWEEN_COHORTS.name, "scale": "prevalence", "unit": "u", "ci_level": 0.95}
        _, row = between.rows_of(one, other, cells, covariance=float(found.covariance[i, j]), df=float(found.df[-1]))
        assert (row["estimate"], row["std_error"]) == (
            pytest.approx(asked[0], abs=5e-7),
            pytest.approx(asked[1], abs=5e-7),
        )


ODD = ("Wadenumfang (cm) – größe", "foot-pain", "a + b", "日本", "it's")


@pytest.fixture(scope="module")
def oddly_named(diary: Cohort) -> tuple[Cohort, Cohort]:
    people = diary.frame("participants").with_row_index("own")
    numbers = [((pl.col("own") * (7 + i)) % 11).cast(pl.Float64).alias(name) for i, name in enumerate(ODD)]
    tables = {**diary.tables, "participants": people.with_columns(numbers).drop("own")}
    made = [Cohort(name, "diary", tables, synthetic=True, as_of=diary.as_of) for name in ("first", "second")]
    return made[0], made[1]


@pytest.mark.parametrize("name", ODD)
def test_any_column_can_be_adjusted_for_by_its_name_or_in_backticks(
    oddly_named: tuple[Cohort, Cohort], name: str
) -> None:
    plain, written = (
        kinds.BETWEEN_ADJUSTED.rows(compare(*oddly_named, bands=AgeBands((20, 60)), adjust=adjust).estimates)
        for adjust in (name, f"`{name}`")
    )
    assert plain["estimate"].notna().all() and plain["adjusted_for"].eq(f"age_band; {name}").all()
    pd.testing.assert_frame_equal(plain, written)


@pytest.mark.parametrize(
    ("adjust", "said", "correction"),
    [
        ("sexx", "did you mean sex? allowed: `Wadenumfang (cm) – größe`, `a + b`, age_decade", ("sexx", "sex")),
        ("sex + foot pain", "did you mean foot-pain? allowed: ", ("foot pain", "`foot-pain`")),
        ("sex + qqqq", "name 'qqqq', which neither the codebook nor the cohort has; allowed: ", ("qqqq", "sex")),
        (
            "fluid_ml",
            "differs from night to night; adjust for what a participant is, one or more of",
            ("fluid_ml", "sex"),
        ),
    ],
)
def test_what_cannot_be_adjusted_for_is_told_with_what_can_and_the_next_command(
    oddly_named: tuple[Cohort, Cohort], adjust: str, said: str, correction: tuple[str, str]
) -> None:
    with pytest.raises(UsageError) as told:
        compare(*oddly_named, adjust=adjust)
    assert said in str(told.value) and told.value.correction == correction
