"""Tables of factors: what each is adjusted for, one test a factor, and q-values by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from asking import solve
from estimate_rows import pick

from crampstudy import Cohort, fit, tables, wording
from crampstudy.cohort import SurveyDesign
from crampstudy.contrasts.factors import COMMON, factor_table, survey_models
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.models.inference.covariance import wald

ADJUSTED, MUTUAL = kinds.ADJUSTED.name, kinds.MUTUAL.name

FACTORS = ("diabetes", "smoking", "serum_magnesium_mmol_l", "sex", "log(walk)")
SPLINE = "ns(age_years, df=3)"


@pytest.fixture(scope="module")
def diary() -> Cohort:
    rng = np.random.default_rng(8)
    n, nights = 80, 10
    ids = [f"P{i:02}" for i in range(n)]
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "age_years": rng.uniform(30, 85, n),
            "sex": ["female" if s else "male" for s in rng.integers(0, 2, n)],
            "diabetes": rng.random(n) < 0.3,
            "smoking": [("never", "former", "current")[i] for i in rng.integers(0, 3, n)],
            "serum_magnesium_mmol_l": rng.normal(0.85, 0.06, n).round(2),
            "bmi_kg_m2": rng.normal(26, 4, n).round(1),
            "walk": rng.lognormal(3, 0.5, n),
        }
    )
    rate = 0.4 * np.exp(0.6 * people["diabetes"].to_numpy() + rng.normal(0, 0.5, n))
    night = pl.DataFrame(
        {
            "participant_id": [i for i in ids for _ in range(nights)],
            "date": [date(2024, 3, 1) + timedelta(days=k) for _ in ids for k in range(nights)],
            "cramps": rng.poisson(np.repeat(rate, nights)),
        }
    )
    return Cohort("made", "diary", {"participants": people, "diary": night}, synthetic=True)


@pytest.fixture(scope="module")
def table(diary: Cohort) -> pd.DataFrame:
    return factor_table(diary, FACTORS, models=("poisson", "negative-binomial"), per={"serum_magnesium_mmol_l": 0.1})


def part(table: pd.DataFrame, analysis: str, model: str = "poisson") -> pd.DataFrame:
    return table[(table["analysis"] == analysis) & (table["model"] == model)]


def survey(share: float, n: int = 400) -> Cohort:
    """A survey in which a weighted ``share`` has had a cramp: of half the people, who weigh three times the others."""
    rng = np.random.default_rng(2)
    heavy = np.arange(n) % 2 == 0
    cramps = np.where(heavy, np.arange(n) // 2 < share * n / 2, rng.random(n) < share)
    low = [5 if c else 0 for c in cramps]
    people = pl.DataFrame(
        {
            "participant_id": [f"P{i}" for i in range(n)],
            "age_years": rng.uniform(20, 79, n).round(),
            "sex": ["female" if s else "male" for s in rng.integers(0, 2, n)],
            "diabetes": rng.random(n) < 0.3,
            "recalled_low": low,
            "recalled_high": [15 if c else 0 for c in low],
            "stratum": [i % 8 for i in range(n)],
            "psu": [i // 8 % 2 for i in range(n)],
            "weight_interview": np.where(heavy, 3.0, 0.0),
        }
    )
    design = SurveyDesign(("X",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design=design, as_of=date(2008, 12, 31), synthetic=True)


@pytest.mark.parametrize(
    ("term", "beside"),
    [
        ("diabetes", f"{SPLINE}; sex"),
        ("serum_magnesium_mmol_l", f"{SPLINE}; sex; bmi_kg_m2"),
        ("sex", SPLINE),
        ("log(walk)", f"{SPLINE}; sex"),
    ],
)
def test_each_factor_is_adjusted_for_age_and_sex_first(table: pd.DataFrame, term: str, beside: str) -> None:
    rows = part(table, ADJUSTED)
    assert set(rows.loc[rows["term"] == term, "adjusted_for"]) == {beside}


def test_the_rows_are_those_of_a_fit(diary: Cohort, table: pd.DataFrame) -> None:
    alone = fit(diary, model="poisson", terms=f"{SPLINE} + sex + diabetes").estimates
    together = fit(diary, model="poisson", terms=f"{SPLINE} + bmi_kg_m2 + {' + '.join(FACTORS)}").estimates
    for analysis, rows in ((ADJUSTED, alone), (MUTUAL, together)):
        here, there = pick(part(table, analysis), "diabetes", "true"), pick(rows, "diabetes", "true")
        for cell in ("estimate", "ci_low", "ci_high", "p_value", "verdict", "adjusted_for"):
            assert here[cell] == there[cell]
    assert set(part(table, MUTUAL)["term"]) == {*FACTORS, "contrast: serum_magnesium_mmol_l", "contrast: walk"}
    assert table["key"].is_unique


def test_a_factor_of_several_levels_is_one_test(diary: Cohort, table: pd.DataFrame) -> None:
    rows = part(table, ADJUSTED)
    (joint,) = rows[(rows["term"] == "smoking") & (rows["scale"] == "wald_test")].to_dict("records")
    solved = solve(diary, model="poisson", terms=f"smoking + {SPLINE} + sex")
    assert solved.solved is not None
    places = [i for i, column in enumerate(solved.design.columns) if column.term == "smoking"]
    block = solved.solved.variance[np.ix_(places, places)]
    statistic, p = wald(solved.solved.coefficients[places], block, float(solved.solved.df[places].min()))
    assert (joint["estimate"], joint["p_value"]) == (pytest.approx(statistic), pytest.approx(p))
    levels = rows[(rows["term"] == "smoking") & (rows["scale"] != "wald_test")]
    assert len(levels) == 2 and levels["q_value"].isna().all() and levels["p_value"].notna().all()


@pytest.mark.parametrize(
    ("analysis", "model"), [(ADJUSTED, "poisson"), (MUTUAL, "poisson"), (ADJUSTED, "negative-binomial")]
)
def test_q_values_by_hand(table: pd.DataFrame, analysis: str, model: str) -> None:
    rows = part(table, analysis, model)
    tested = rows[rows["q_value"].notna() & ~rows["term"].map(wording.is_declared)].sort_values("p_value")
    p, m = tested["p_value"].to_numpy(), len(FACTORS)
    assert len(p) == m
    by_hand = [min(p[k:] * m / np.arange(k + 1, m + 1)) for k in range(m)]
    assert tested["q_value"].to_numpy() == pytest.approx(np.minimum(by_hand, 1))
    assert tested["note"].str.contains("5 tests in the family of each q").all()
    # A number's declared contrast is the same test, told twice and counted once.
    for name in ("serum_magnesium_mmol_l", "log(walk)"):
        contrast = rows[rows["term"] == f"contrast: {name.removeprefix('log(').removesuffix(')')}"].iloc[0]
        assert contrast[["p_value", "q_value"]].to_numpy() == pytest.approx(
            pick(rows, name)[["p_value", "q_value"]].to_numpy(dtype=float)
        )


def test_what_was_not_measured_is_no_test(diary: Cohort) -> None:
    rows = factor_table(diary, ["diabetes", "grip_strength_kg"], models=["poisson"])
    assert set(rows.loc[rows["term"] == "grip_strength_kg", "status"]) == {"not_measured"}
    tested = part(rows, ADJUSTED).dropna(subset="q_value").iloc[0]
    assert tested["q_value"] == tested["p_value"] and "1 test in the family" in tested["note"]


@pytest.mark.parametrize("each", [1, 8, 10, 12, 14, 20])
def test_the_mutually_adjusted_model_is_bounded(diary: Cohort, each: int) -> None:
    rows = factor_table(diary, FACTORS, models=["poisson"], participants_per_coefficient=each)
    # An intercept, three columns of the spline and body-mass index are 5; smoking has two.
    sizes = 5 + np.cumsum([1, 2, 1, 1, 1])
    lost = int((sizes * each > diary.frame("participants").height).sum())
    mutual = part(rows, MUTUAL)
    kept = set(mutual.loc[mutual["status"] == "converged", "term"]) & {*FACTORS}
    out = mutual[mutual["status"] == "not_estimable"]
    # The last ones are left out, and what all are adjusted for stays.
    assert kept == {*FACTORS[: len(FACTORS) - lost]} and {*out["term"]} >= {*FACTORS[len(FACTORS) - lost :]}
    assert set(out["note"]) <= {"left out, as there are too few participants for so many coefficients"}


@pytest.mark.parametrize("factors", [(), ("diabetes:sex",), ("1",), ("walk", "log(walk)")])
def test_what_is_no_factor(diary: Cohort, factors: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="factor"):
        factor_table(diary, factors, models=["poisson"])


def test_the_printed_table(table: pd.DataFrame) -> None:
    shown = tables.adjusted_factors(table).droplevel(0)
    assert shown.columns.tolist() == [
        "Contrast",
        "Rate ratio (adjusted for age and sex) (95% CI)",
        *("p", "q", "Verdict"),
        "Rate ratio (mutually adjusted) (95% CI)",
        "Negative binomial: rate ratio (adjusted for age and sex) (95% CI)",
    ]
    assert shown.loc["Smoking", "Contrast"].tolist() == ["joint test", "former against never", "current against never"]
    assert shown.loc["Smoking", "q"].tolist()[1:] == ["–", "–"]
    assert shown.loc["Serum magnesium", "Contrast"] == "0.7 against 0.85 mmol/L"
    assert "5 tests in the family of each q" in tables.notes(table)


def test_a_factor_that_was_left_out_has_one_row(diary: Cohort) -> None:
    made = factor_table(diary, ("diabetes", "smoking"), models=["poisson"], participants_per_coefficient=11)
    shown = tables.adjusted_factors(made).droplevel(0)
    assert shown.index.tolist() == ["Diabetes", *["Smoking"] * 3]
    assert shown.iloc[1:, -1].tolist() == ["could not estimate"] * 3


@pytest.mark.parametrize(
    ("share", "models"),
    [(0.1, ("survey-logistic",)), (0.3, ("survey-logistic",)), (0.32, ("survey-poisson", "survey-logistic"))],
)
def test_of_common_outcomes_prevalences_come_first(share: float, models: tuple[str, ...]) -> None:
    cohort = survey(share)
    assert COMMON == 0.31
    assert survey_models(cohort, "any_cramp") == models
    rows = factor_table(cohort, ["diabetes", "sex"], models=models, outcome="any_cramp")
    first = "prevalence ratio" if share > COMMON else "odds ratio"
    headings = tables.adjusted_factors(rows).columns.tolist()
    assert headings[1] == f"{first.capitalize()} (adjusted for age and sex) (95% CI)"
    assert any("odds ratio" in heading.lower() for heading in headings)


def test_prevalence_is_that_of_the_part_asked_for(diary: Cohort) -> None:
    cohort = survey(0.32)
    assert survey_models(cohort, "any_cramp", where="age_years > 900") == ("survey-logistic",)
    with pytest.raises(UsageError, match="no recalled outcome"):
        survey_models(cohort, "cramps")
    with pytest.raises(UsageError, match="is no survey"):
        survey_models(diary, "any_cramp")


def test_age_in_few_values_has_no_curve(diary: Cohort) -> None:
    ages: Any = pl.Series("age_years", [40.0, 50.0, 60.0, 70.0] * 20)
    cohort = Cohort(
        "made",
        "diary",
        {**diary.tables, "participants": diary.tables["participants"].with_columns(ages)},
        synthetic=True,
    )
    rows = factor_table(cohort, ["diabetes"], models=["poisson"])
    assert set(rows["adjusted_for"]) == {"age_years; sex"}


def test_a_heading_names_what_was_adjusted_for(diary: Cohort) -> None:
    people = diary.frame("participants").with_columns(sex=pl.lit("female"))
    women = replace(diary, tables={**diary.tables, "participants": people})
    made = factor_table(women, ("diabetes", "smoking"), models=["poisson"])
    assert tables.adjusted_factors(made).columns[1] == "Rate ratio (adjusted for age) (95% CI)"
