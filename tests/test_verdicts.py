"""What an interval says, in one vocabulary, and on which rows of a fit: never on a ratio per unit."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import Cohort, bootstrap, codebook, estimates, fit, tables, wording
from crampstudy.analyses.overview import summary
from crampstudy.analyses.sentences.summary import of_verdicts
from crampstudy.codebook import contrasts, exposures
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, sentences, verdicts
from crampstudy.estimates.verdicts import MARGINS, WIDER, parse_margins, remark, too_imprecise, verdict
from crampstudy.figures import points
from crampstudy.treatments.question import of_both

PEOPLE, NIGHTS = 60, 12


def row(low: float, high: float, **cells: Any) -> dict[str, Any]:
    counts = {"n_participants": 500, "n_events": 90, "n_exposed": 40, "df": 30.0, "estimate": 1.1}
    return estimates.row(
        **{"status": "converged", "scale": "rate_ratio", **counts, "ci_low": low, "ci_high": high} | cells
    )


@pytest.fixture(scope="module")
def diary() -> Cohort:
    """Sixty people of twelve nights: numbers, levels, 0/1 numbers, of persons and of nights."""
    rng = np.random.default_rng(4)
    ids = [f"P{i:02}" for i in range(PEOPLE)]
    age = rng.uniform(30, 85, PEOPLE)
    sitting = np.clip(rng.normal(400, 120, (PEOPLE, NIGHTS)), 30, 1200).round()
    treated = rng.integers(0, 2, PEOPLE)
    rate = 0.5 * np.exp(0.1 * treated)[:, None] * np.exp(0.0025 * (sitting - 400))
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "age_years": age,
            "sex": ["female" if s else "male" for s in rng.integers(0, 2, PEOPLE)],
            "diabetes": rng.random(PEOPLE) < 0.3,
            "treated": treated.astype(float),
            "dose": treated * 100.0,
            "serum_magnesium_mmol_l": rng.normal(0.85, 0.06, PEOPLE).round(2),
            "vitamin_b12_pmol_l": rng.lognormal(5.8, 0.4, PEOPLE).round(),
            "walk": rng.lognormal(3, 0.5, PEOPLE),
            "lone": [float(i == 7) for i in range(PEOPLE)],
            "three": [float(i < 3) for i in range(PEOPLE)],
        }
    )
    night = [(i, k) for i in range(PEOPLE) for k in range(NIGHTS)]
    nights = pl.DataFrame(
        {
            "participant_id": [ids[i] for i, _ in night],
            "date": [date(2024, 3, 1) + timedelta(days=k) for _, k in night],
            "cramps": [int(rng.poisson(rate[i, k])) for i, k in night],
            "sitting_min": [float(sitting[i, k]) for i, k in night],
        }
    )
    return Cohort("made", "diary", {"participants": people, "diary": nights}, synthetic=True)


def fitted(cohort: Cohort, terms: str, **more: Any) -> pd.DataFrame:
    return fit(cohort, terms=terms, **{"model": "poisson"} | more).estimates


def judged(rows: pd.DataFrame) -> dict[tuple[str, str | None], str]:
    return {
        (r["term"], None if pd.isna(r["level"]) else r["level"]): r["verdict"]
        for r in rows[rows["verdict"].notna()].to_dict("records")
    }


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.95, 1.05, "near null"),
        (0.80, 1.25, "near null"),
        (1.00, 1.20, "near null"),
        (1.02, 1.20, "differs but negligible"),
        (0.80, 0.99, "differs but negligible"),
        (1.01, 1.25, "differs but negligible"),
        (1.02, 1.26, "higher"),
        (1.92, 2.27, "higher"),
        (0.79, 0.98, "lower"),
        (0.10, 0.50, "lower"),
        (0.79, 1.05, "inconclusive"),
        (0.70, 1.60, "inconclusive"),
        (1.00, 1.30, "inconclusive"),
    ],
)
def test_the_vocabulary(low: float, high: float, said: str) -> None:
    assert verdict(row(low, high)) == said


@pytest.mark.parametrize(
    "few", [{"n_participants": 9}, {"n_events": 9}, {"n_exposed": 4}, {"df": 3.9}, {"ci_low": None, "ci_high": None}]
)
def test_nothing_is_said_of_too_few(few: dict[str, Any]) -> None:
    assert verdict(row(1.5, 9.0) | few) == "too few"
    assert verdict(row(1.5, 9.0, n_participants=10, n_events=10, n_exposed=5, df=4.0)) == "higher"


@pytest.mark.parametrize("status", ["not_estimable", "not_converged", "not_measured", "suppressed"])
def test_nothing_is_said_without_an_estimate(status: str) -> None:
    assert verdict(row(math.nan, math.nan, status=status)) is None
    few = verdict(row(math.nan, math.nan, status=status, n_exposed=1))
    assert few == ("too few" if status == "not_estimable" else None)


def test_nothing_is_said_where_a_boundary_has_no_estimate() -> None:
    assert verdict(row(math.nan, math.nan, status="boundary", estimate=None)) is None


@pytest.mark.parametrize("scale", ["rate", "mean", "prevalence", "wald_test", "dispersion"])
def test_only_ratios_and_differences_have_a_verdict(scale: str) -> None:
    assert verdict(row(0.9, 1.1, scale=scale)) is None


@pytest.mark.parametrize(
    ("low", "high", "without", "within_a_point"),
    [
        (0.2, 0.6, "higher", "differs but negligible"),
        (-0.6, -0.2, "lower", "differs but negligible"),
        (0.5, 1.4, "higher", "higher"),
        (-2.0, -0.1, "lower", "lower"),
        (-0.1, 0.1, "inconclusive", "near null"),
        (-1.0, 1.0, "inconclusive", "near null"),
        (-0.1, 1.1, "inconclusive", "inconclusive"),
        (0.9, 1.1, "higher", "higher"),
    ],
)
def test_a_difference_is_negligible_inside_declared_margins_alone(
    low: float, high: float, without: str, within_a_point: str
) -> None:
    cells = row(low, high, scale="difference", outcome="sleep_hours", std_error=0.2)
    assert verdict(cells) == verdict(cells, (0.5, 2.0)) == without
    assert verdict(cells | {"outcome": "pain_0_10"}) == within_a_point


def test_a_difference_says_which_margins_it_was_read_with() -> None:
    sides = "verdicts are read at 95% two-sided (2.5% a side), "
    for outcome, said in (
        ("sleep_hours", "no margins are declared for sleep_hours, so that they say only whether 0 is excluded"),
        ("fatigue_0_10", "margins −1 to 1 of fatigue_0_10 (Khanna 2008)"),
    ):
        cells = row(0.2, 0.6, scale="difference", outcome=outcome, ci_level=0.95, std_error=0.1, verdict="higher")
        assert remark(estimates.frame([cells])) == sides + said
    assert contrasts.margin("sleep_hours") is None
    declared = contrasts.margin("joint_pain_0_10")
    assert declared is not None and declared.size == 1 and "Salaffi 2004" in declared.source


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_turned_round_the_verdict_turns_round(first: float, second: float) -> None:
    low, high = sorted((first, second))
    turned = {"higher": "lower", "lower": "higher"}
    said = verdict(row(low, high), (0.5, 2.0))
    assert said is not None
    assert verdict(row(1 / high, 1 / low), (0.5, 2.0)) == turned.get(said, said)


@pytest.mark.parametrize(
    "text", ["0.8,0.9", "1.1,1.25", "0,1.25", "1.25,0.8", "0.8", "a,b", "0.8,1,1.25", "0.8,inf", "nan,2"]
)
def test_margins_that_cannot_be(text: str, diary: Cohort) -> None:
    with pytest.raises(UsageError, match=r"0\.8,1\.25"):
        parse_margins(text)
    with pytest.raises(UsageError, match="around 1"):
        fitted(diary, "sex", margins=(1.25, 0.8))


@pytest.mark.parametrize("name", ["grip_strength_kg", "lean_mass_index_kg_m2"])
def test_what_differs_by_sex_is_contrasted_within_a_sex(diary: Cohort, name: str) -> None:
    people = diary.frame("participants")
    women = (people["sex"] == "female").to_numpy()
    deviation = np.random.default_rng(1).normal(0, 1, PEOPLE)
    of_sex = np.where(women, 6.0, 9.0) + deviation
    tables = dict(diary.tables) | {"participants": people.with_columns(pl.Series(name, of_sex))}
    cohort = Cohort("made", "diary", tables)
    rows = fitted(cohort, name)
    (found,) = rows[rows["term"].str.startswith("contrast: ")].to_dict("records")
    within = of_sex - np.where(women, of_sex[women].mean(), of_sex[~women].mean())
    low, high = np.quantile(within, [0.1, 0.9])
    per_unit = pick(rows, name)["estimate"]
    assert found["estimate"] == pytest.approx(per_unit ** (low - high))
    assert found["unit"].startswith(f"10th against 90th centile within a sex: {high - low:.3g} kg")
    # Over both sexes the centiles would lie much further apart.
    assert np.quantile(of_sex, 0.9) - np.quantile(of_sex, 0.1) > 1.2 * (high - low)
    nobody = dict(tables) | {"participants": tables["participants"].with_columns(sex=pl.lit(None, pl.String))}
    assert not fitted(Cohort("made", "diary", nobody), name)["term"].str.startswith("contrast: ").any()


def test_a_score_that_many_have_at_its_floor_has_its_contrast_within_a_sex(diary: Cohort) -> None:
    people = diary.frame("participants")
    women = (people["sex"] == "female").to_numpy()
    rng = np.random.default_rng(2)
    score = np.where(rng.random(PEOPLE) < 0.4, 0.0, rng.integers(0, 5, PEOPLE) + np.where(women, 2.0, 0.0))
    tables = dict(diary.tables) | {
        "participants": people.with_columns(flexibility_beighton=pl.Series(score).cast(pl.Int64))
    }
    centred = score - np.where(women, score[women].mean(), score[~women].mean()) + score.mean()
    low, high = np.quantile(centred, [0.1, 0.9])
    # Brought to one mean, the stiffest women are below what anybody has.
    assert low < score.min()
    found = fitted(Cohort("made", "diary", tables), "flexibility_beighton").set_index("term")
    row = found.loc["contrast: flexibility_beighton"]
    assert row["unit"].startswith(f"10th against 90th centile within a sex: {high - low:.3g} points lower")
    assert row["estimate"] == pytest.approx(found.loc["flexibility_beighton", "estimate"] ** (low - high))


def test_the_verdict_of_a_number_is_that_of_its_contrast(diary: Cohort) -> None:
    rows = fitted(diary, "sitting_min + sex + diabetes")
    unit, contrast = pick(rows, "sitting_min"), pick(rows, "contrast: sitting_min", "600")
    assert unit["ci_low"] > 1 and unit["ci_high"] < 1.25 and pd.isna(unit["verdict"])
    assert (contrast["reference"], contrast["unit"], contrast["analysis"]) == (
        "300",
        "600 against 300 min/day",
        "regression",
    )
    assert contrast["estimate"] == pytest.approx(unit["estimate"] ** 300)
    assert contrast["std_error"] == pytest.approx(300 * unit["std_error"])
    assert contrast["p_value"] == pytest.approx(unit["p_value"])
    assert contrast["adjusted_for"] == "sex; diabetes"
    assert contrast["verdict"] == "higher"
    assert rows["key"].is_unique


def test_what_is_yes_or_no_is_a_contrast_as_it_is(diary: Cohort) -> None:
    said = judged(fitted(diary, "sex + diabetes + treated + C(three, ref=0)"))
    assert set(said) == {("sex", "female"), ("diabetes", "true"), ("treated", None), ("C(three, ref=0)", "1.0")}
    assert said["C(three, ref=0)", "1.0"] == "too few"


def test_a_number_of_two_values_is_judged_between_them(diary: Cohort) -> None:
    coded, dose = fitted(diary, "treated"), fitted(diary, "dose")
    at = pick(dose, "contrast: dose", "100")
    assert (at["reference"], at["unit"]) == ("0", "100 against 0")
    assert at["estimate"] == pytest.approx(pick(coded, "treated")["estimate"])
    assert at["verdict"] == pick(coded, "treated")["verdict"]
    assert judged(dose).keys() == {("contrast: dose", "100")}


def test_a_reported_multiple_is_no_contrast(diary: Cohort) -> None:
    assert judged(fitted(diary, "treated", per={"treated": 2})) == {}


@pytest.mark.parametrize("factor", [1 / 60, 60, 1e-6, 1e6])
@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "gee-exchangeable"])
def test_a_verdict_does_not_depend_on_the_unit(diary: Cohort, model: str, factor: float) -> None:
    night = diary.tables["diary"].with_columns(sat=pl.col("sitting_min"), again=pl.col("sitting_min") * factor)
    cohort = Cohort("made", "diary", {**diary.tables, "diary": night}, synthetic=True)
    one, other = (fitted(cohort, f"{name} + sex", model=model) for name in ("sat", "again"))
    (first,), (second,) = (rows[rows["term"].str.startswith("contrast: ")].to_dict("records") for rows in (one, other))
    assert second["verdict"] == first["verdict"]
    for cell in ("estimate", "ci_low", "ci_high", "p_value"):
        assert second[cell] == pytest.approx(first[cell], rel=1e-4)
    assert one.loc[one["term"] == "sat", "verdict"].isna().all()


@pytest.mark.parametrize(
    ("terms", "term", "level", "reference"),
    [
        ("serum_magnesium_mmol_l", "serum_magnesium_mmol_l", "0.7", "0.85"),
        ("age_decade", "age_decade", "1.5", "-1"),
        ("ns(age_years, df=3, ref=60)", "age_years", "75", "50"),
        ("log(age_years)", "age_years", "75", "50"),
        ("age_years + I(age_years ** 2)", "age_years", "75", "50"),
        ("poly(age_years, degree=2)", "age_years", "75", "50"),
    ],
)
def test_a_declared_contrast_goes_through_every_term_of_its_variable(
    diary: Cohort, terms: str, term: str, level: str, reference: str
) -> None:
    made = fit(diary, model="poisson", terms=f"{terms} + sex")
    found = pick(made.estimates, f"contrast: {term}", level)
    same = made.ratio({term: float(level)}, {term: float(reference)}).iloc[0]
    assert found["reference"] == reference
    for cell in ("estimate", "ci_low", "ci_high", "std_error", "df", "p_value"):
        assert found[cell] == pytest.approx(same[cell])
    assert found["verdict"] == verdict(found.to_dict())
    assert made.estimates["key"].is_unique


def test_centiles_are_of_persons_not_of_nights(diary: Cohort) -> None:
    night = diary.tables["diary"].with_columns(stress_0_10=(pl.col("sitting_min") / 120).round())
    cohort = Cohort("made", "diary", {**diary.tables, "diary": night}, synthetic=True)
    means = night.to_pandas().groupby("participant_id")["stress_0_10"].mean()
    low, high = np.quantile(means, [0.1, 0.9])
    rows = fitted(cohort, "stress_0_10")
    found = pick(rows, "contrast: stress_0_10", f"{high:g}")
    assert found["reference"] == f"{low:g}"
    # High against low, as the deviation that is declared.
    assert found["unit"] == f"90th against 10th centile: {high:.4g} against {low:.4g} points"
    assert found["estimate"] == pytest.approx(pick(rows, "stress_0_10")["estimate"] ** (high - low))
    low, high = np.quantile(diary.tables["participants"]["vitamin_b12_pmol_l"].to_numpy(), [0.05, 0.5])
    own = pick(fitted(diary, "vitamin_b12_pmol_l"), "contrast: vitamin_b12_pmol_l", f"{low:g}")
    assert own["unit"] == f"5th against 50th centile: {low:.4g} against {high:.4g} pmol/L"


def test_within_and_between_are_judged_at_their_own_contrasts(diary: Cohort) -> None:
    rows = fitted(diary, "within(sitting_min) + between(sitting_min)")
    within, between = (
        pick(rows, "contrast: within(sitting_min)", "300"),
        pick(rows, "contrast: between(sitting_min)", "600"),
    )
    assert "beyond the values" not in str(within["note"])
    assert (within["unit"], within["reference"]) == ("300 min/day above own mean", "0")
    assert (between["unit"], between["reference"]) == ("600 against 300 min/day", "300")
    for found, term in ((within, "within(sitting_min)"), (between, "between(sitting_min)")):
        assert found["estimate"] == pytest.approx(pick(rows, term)["estimate"] ** 300)
        assert pd.isna(pick(rows, term)["verdict"])
    assert within["verdict"] == verdict(within.to_dict())
    # No two means lie so far apart: the number stays, and is no result.
    assert "compared beyond the values observed" in between["note"] and pd.isna(between["verdict"])
    assert between["ci_low"] < between["estimate"] < between["ci_high"]


@pytest.mark.parametrize("part", ["within", "between"])
def test_a_contrast_is_judged_up_to_a_tenth_beyond_the_widest_difference_observed(diary: Cohort, part: str) -> None:
    nights = diary.tables["diary"]
    sat = pl.col("sitting_min")
    means = sat.mean().over("participant_id")
    shown = nights.select((sat - means) if part == "within" else means).to_series()
    wide = float(shown.max()) - float(shown.min())  # type: ignore[arg-type]
    told = []
    for times in (1.001, 0.999, 0.911, 0.907):
        factor = 300 / wide * times
        cohort = replace(diary, tables={**diary.tables, "diary": nights.with_columns(sitting_min=sat * factor)})
        rows = fitted(cohort, f"{part}(sitting_min)")
        (found,) = rows[rows["term"] == f"contrast: {part}(sitting_min)"].to_dict("records")
        told.append((pd.notna(found["verdict"]), "beyond the values" in str(found["note"])))
    # The means of this diary tell nothing of a person, so that what is between them is never judged.
    reliable = part == "within"
    assert told == [(reliable, False), (reliable, True), (reliable, True), (False, True)]


def test_deviations_without_a_declared_contrast_are_those_of_nights(diary: Cohort) -> None:
    night = diary.tables["diary"].with_columns(
        exercise_min=pl.col("sitting_min") / 10, electrolyte_drink=pl.col("sitting_min") > 400
    )
    cohort = Cohort("made", "diary", {**diary.tables, "diary": night}, synthetic=True)
    frame = night.to_pandas()
    apart = frame["exercise_min"] - frame.groupby("participant_id")["exercise_min"].transform("mean")
    low, high = np.quantile(apart, [0.1, 0.9])
    rows = fitted(cohort, "within(exercise_min) + within(electrolyte_drink) + between(electrolyte_drink)")
    found = pick(rows, "contrast: within(exercise_min)", f"{low:g}")
    assert found["reference"] == f"{high:g}"
    said = wording.contrast(found)
    assert f"centile: {abs(low):.4g} min/day below own mean against {high:.4g} above it" in said
    # Of what is yes or no, a unit is yes against no.
    judged_at = {("within(electrolyte_drink)", None)}
    assert judged(rows).keys() == judged_at | {("contrast: within(exercise_min)", f"{low:g}")}


def test_a_curve_is_judged_where_people_are(diary: Cohort) -> None:
    people = diary.tables["participants"].with_columns(serum_magnesium_mmol_l=pl.col("serum_magnesium_mmol_l") + 1)
    cohort = Cohort("made", "diary", {**diary.tables, "participants": people}, synthetic=True)
    rows = fitted(cohort, "ns(serum_magnesium_mmol_l, df=3)")
    (found,) = rows[rows["term"] == "contrast: serum_magnesium_mmol_l"].to_dict("records")
    assert found["unit"].startswith("10th against 90th centile: ")


@pytest.mark.parametrize(
    "terms", ["sex * diabetes", "sitting_min * sex", "ns(age_years, df=2):sex", "I(age_years * treated)"]
)
def test_what_interacts_has_no_verdict(diary: Cohort, terms: str) -> None:
    assert judged(fitted(diary, terms)) == {}


def test_no_verdict_without_a_contrast_to_give_it_on(diary: Cohort) -> None:
    said = judged(fitted(diary, "C(sex, contr.sum) + I(log(sitting_min - 29))"))
    assert [term for term, _ in said] == ["contrast: sitting_min"]
    night = diary.tables["diary"].with_columns(
        drinks=(pl.col("cramps") * 0).cast(pl.Float64) + (pl.int_range(720) == 3) * 2.0 + (pl.int_range(720) == 90)
    )
    cohort = Cohort("made", "diary", {**diary.tables, "diary": night}, synthetic=True)
    rows = fitted(cohort, "drinks + sex")
    # From the 10th to the 90th centile nobody drinks: there is nothing to compare.
    assert not rows["term"].str.startswith("contrast: drinks").any()


def test_lone_levels_are_too_few(diary: Cohort) -> None:
    rows = fitted(diary, "lone + ns(age_years, df=3)")
    lone = pick(rows, "lone")
    assert (lone["status"], lone["verdict"]) == ("not_estimable", "too few")
    turned = diary.tables["participants"].with_columns(others=1 - pl.col("lone"))
    other = fitted(
        Cohort("made", "diary", {**diary.tables, "participants": turned}, synthetic=True),
        "others",
        covariance="cluster",
    )
    assert (pick(other, "others")["status"], pick(other, "others")["verdict"]) == ("not_estimable", "too few")
    # What the lone one stands for takes nothing from the curve beside it.
    assert set(rows.loc[rows["term"] != "lone", "status"]) == {"converged"}


def test_models_of_every_kind_have_verdicts(diary: Cohort) -> None:
    said = judged(fitted(diary, "sex", model="hurdle-negative-binomial", zero_terms="sex + sitting_min"))
    assert {("sex", "female"), ("zero: sex", "female"), ("zero: contrast: sitting_min", "600")} <= set(said)
    gap = judged(fitted(diary, "sex + age_years", model="cox", outcome="gap"))
    assert set(gap) == {("sex", "female"), ("contrast: age_years", "75")}


def test_ordered_classes_have_verdicts_where_a_term_has_one_ratio(diary: Cohort) -> None:
    rng = np.random.default_rng(3)
    low = pl.Series("recalled_low", rng.choice([0, 1, 2, 5, 16], PEOPLE))
    high = pl.Series("recalled_high", [{0: 0, 1: 1, 2: 4, 5: 15, 16: None}[int(c)] for c in low])
    people = diary.tables["participants"].with_columns(low, high)
    cohort = Cohort("made", "diary", {**diary.tables, "participants": people}, synthetic=True)
    asked = {"model": "ordinal", "outcome": "recalled_class"}
    assert set(judged(fitted(cohort, "sex + age_years", **asked))) == {("sex", "female"), ("contrast: age_years", "75")}
    assert set(judged(fitted(cohort, "sex + age_years", free_terms="age_years", **asked))) == {("sex", "female")}


def test_a_model_that_cannot_be_fitted_says_nothing(diary: Cohort) -> None:
    rows = fitted(diary, "sex + sitting_min", where="age_years > 84")
    assert rows["status"].ne("converged").all() and rows["verdict"].isna().all()


def test_margins_are_the_readers_and_named(diary: Cohort) -> None:
    usual = fitted(diary, "sex + sitting_min", covariance="cluster")
    own = fitted(diary, "sex + sitting_min", covariance="cluster", margins=(0.2, 5))
    assert pick(own, "contrast: sitting_min", "600")["verdict"] == "differs but negligible"
    assert pick(own, "contrast: sitting_min", "600")["note"] == "verdict with margins 0.2 to 5"
    assert remark(usual) == "verdicts are read at 95% two-sided (2.5% a side), margins 0.8 to 1.25"
    assert tables.notes(usual).endswith("Verdicts are read at 95% two-sided (2.5% a side), margins 0.8 to 1.25.")
    assert tables.notes(own) == "Verdict with margins 0.2 to 5. Verdicts are read at 95% two-sided (2.5% a side)."
    assert "90% two-sided (5% a side)" in tables.notes(fitted(diary, "sex", ci_level=0.9))
    assert remark(fitted(diary, "1")) is None
    assert judged(fitted(diary, "sex", model="hurdle-negative-binomial")) != {}


def test_what_too_few_tell_is_read_at_no_confidence() -> None:
    none = estimates.row(status="not_estimable", scale="rate_ratio", n_exposed=4)
    few = none | {"verdict": verdict(none)}
    assert few["verdict"] == "too few" and remark(estimates.frame([few])) is None
    known = row(1.3, 1.9, ci_level=0.95) | {"verdict": "higher"}
    assert str(remark(estimates.frame([known, few]))).startswith(
        "verdicts are read at 95% two-sided (2.5% a side), mar"
    )


def test_the_table_shows_verdicts(diary: Cohort) -> None:
    shown = tables.factors(fitted(diary, "sitting_min + sex")).droplevel(0)
    assert shown["Contrast"].tolist() == ["per 1 min/day", "600 against 300 min/day", "female against male"]
    assert shown["Verdict"].tolist()[:2] == ["–", "higher"]


def test_a_bootstrap_reads_its_own_interval(diary: Cohort) -> None:
    rows = bootstrap(diary, model="poisson", terms="sitting_min + sex", rng=np.random.default_rng(1), replicates=60)
    contrast = rows[rows["term"] == "contrast: sitting_min"]
    unit = rows[rows["term"] == "sitting_min"]
    assert len(contrast) == 2
    assert contrast["ci_low"].to_numpy() == pytest.approx(unit["ci_low"].to_numpy() ** 300)
    assert contrast["verdict"].tolist() == [verdict(r) for r in contrast.to_dict("records")]
    assert rows["key"].is_unique


def test_the_command_takes_margins(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    run(
        "simulate",
        "--preset",
        "default",
        "--participants",
        "60",
        "--nights",
        "20",
        "--seed",
        "3",
        "--out",
        str(tmp_path / "c"),
    )
    asked = ("fit", str(tmp_path / "c"), "--model", "poisson", "--terms", "sex + sitting_min")
    code, out, _ = run(*asked, "--margins", "0.5,2")
    assert code == 0 and "erdict with margins 0.5 to 2." in out and re.search(r"600 against 300 min/day .* \w+\n", out)
    code, out, error = run(*asked, "--margins", "0.8")
    assert code == 2 and "such as 0.8,1.25; got '0.8'" in error


class TestDeclared:
    def test_every_declared_contrast_is_of_a_number_within_its_limits(self) -> None:
        for found in contrasts.declared():
            known = codebook.variable(found.name)
            assert known.type in ("number", "integer") and found.at != found.reference and found.source
            if found.kind == "value" and known.minimum is not None and known.maximum is not None:
                assert all(known.minimum <= v <= known.maximum for v in (found.at, found.reference))
        assert len({(c.name, c.kind.startswith("deviation")) for c in contrasts.declared()}) == len(
            contrasts.declared()
        )

    def test_they_are_those_of_the_claims(self, shared: Path) -> None:
        with (shared / "evidence" / "claims.csv").open(encoding="utf-8") as file:
            claims = {line["id"]: line["contrast"] for line in csv.DictReader(file)}
        for found in contrasts.declared():
            if found.kind == "within-sex":
                assert re.search("EWGSOP2|Claim C36", found.source or "")
                continue
            if found.name in ("usual_sleep_hours", "phq9_0_27"):
                # Claims speak of a night's sleep, and of none of these in a survey.
                assert re.search(r"\((Watson 2015|Kroenke 2001)\)", found.source or "")
                continue
            if "more goes with more" in (found.source or ""):
                # The centiles of any number, the higher first.
                assert (found.kind, found.at, found.reference) == ("centile", 90, 10)
                continue
            (claim,) = re.findall(r"C\d\d", found.source or "")
            said = claims[claim].replace("14 of 14", "")
            if found.printed:
                assert found.printed in said
                continue
            # Claims speak of hours, 2 against 8 breaks or 5 against 10 hours also of the distance.
            distance = found.kind == "deviation" and found.name.startswith("sitting")
            numbers = {float(n) * (60 if " h " in said else 1) for n in re.findall(r"\d+(?:\.\d+)?", said)}
            # An intake of alcohol is recalled in grams, 8 to a unit.
            grams = 8 if found.name == "recall_alcohol_g" else 1
            stated = {abs(found.at) / grams, abs(found.reference) / grams} - {0.0}
            if "names no dose" in (found.source or ""):
                assert not numbers
                continue
            assert stated <= ({abs(a - b) for a in numbers for b in numbers} if distance else numbers), (found, said)

    def test_deviations_from_the_own_mean(self) -> None:
        fluid = contrasts.find("fluid_ml", deviation=True)
        assert fluid is not None and fluid.wording(fluid.at, fluid.reference) == "500 mL/day below own mean"
        stress = contrasts.find("stress_0_10", deviation=True)
        assert stress is not None and stress.wording(stress.at, stress.reference) == "2 points above own mean"
        assert contrasts.find("fluid_ml") is None

    def test_contrasts_of_one_variable_have_one_sense(self) -> None:
        for name in {c.name for c in contrasts.declared()}:
            ways = {
                found.at > found.reference
                for deviation in (False, True)
                for found in contrasts.of_variable(name, deviation=deviation)
                if found is not None
            }
            assert len(ways) == 1, name
        (_, load), (nights, centiles) = (
            contrasts.of_exposure(found)
            for found in map(exposures.find, ("load_ratio(session_load)", "days_last(stretching_night, 14)"))
            if found is not None
        )
        assert load.at > load.reference
        # Whatever numbers are compared, what they are in stands behind them.
        assert load.wording(1.5, 0.6) == "90th against 10th centile: 1.5 against 0.6 times the load before"
        assert centiles.wording(5, 0) == "90th against 10th centile: 5 against 0 nights"
        assert contrasts.by_centile("awakenings").wording(1, 3) == "10th against 90th centile: 1 against 3 per night"
        assert nights is not None and nights.at > nights.reference and centiles.at > centiles.reference


@pytest.mark.parametrize(
    ("ratio", "difference", "said"),
    [
        ((1.04, 0.87, 1.24), (0.2, -0.8, 1.2), "inconclusive"),
        ((1.04, 0.87, 1.24), (0.2, -0.5, 0.9), "near null"),
        ((1.1, 1.02, 1.2), (1.1, 0.2, 2.0), "higher"),
        ((0.9, 0.85, 0.98), (-0.9, -1.8, -0.1), "lower"),
        ((1.1, 1.02, 1.2), (0.3, 0.1, 0.5), "differs but negligible"),
        ((1.5, 1.2, 1.9), (0.3, 0.1, 0.5), "higher"),
        ((1.2, 0.9, 1.6), (0.3, -0.1, 0.5), "inconclusive"),
    ],
)
def test_a_ratio_with_a_difference_is_negligible_by_both_margins(
    ratio: tuple[float, ...], difference: tuple[float, ...], said: str
) -> None:
    shared = {"term": "magnesium", "analysis": "treatment effect", "level": "parallel arms", "n_participants": 90}
    rows = []
    for (value, low, high), cells in (
        (ratio, {"scale": "rate_ratio", "outcome": "cramps"}),
        (difference, {"scale": "difference", "outcome": "cramps_per_week"}),
    ):
        made = estimates.row(status="converged", estimate=value, ci_low=low, ci_high=high, **shared, **cells)
        rows.append(made | {"verdict": verdict(made)})
    first, second = of_both(rows)
    assert first["verdict"] == said == verdict(first, beside=second) and second == rows[1]
    assert (WIDER in str(first["note"])) == (said not in ("near null", "differs but negligible") and ratio[2] < 1.25)


@pytest.mark.parametrize(
    ("of_ratio", "of_difference", "few"),
    [
        ({"df": 12.6}, {"df": 2.3}, "difference"),
        ({"df": 2.3}, {"df": 12.6}, "ratio"),
        ({"df": 12.6}, {"df": 12.6}, None),
        ({"df": 2.3}, {"df": 2.3}, "both"),
        ({"df": 12.6}, {"df": 12.6, "ci_low": None, "ci_high": None}, "difference"),
    ],
)
def test_a_ratio_and_a_difference_of_one_contrast_rest_on_too_few_together(
    of_ratio: dict[str, Any], of_difference: dict[str, Any], few: str | None
) -> None:
    shared = {"term": "magnesium", "analysis": "open use, weighted", "n_participants": 53, "n_exposed": 8}
    ratio = {"scale": "rate_ratio", "outcome": "cramps", "estimate": 6.48, "ci_low": 2.66, "ci_high": 15.76}
    weekly = {"scale": "difference", "outcome": "cramps_per_week", "estimate": 6.69, "ci_low": 0.9, "ci_high": 14.3}
    rows = []
    for cells in (ratio | of_ratio, weekly | of_difference):
        made = estimates.row(status="converged", **shared | cells)
        rows.append(made | {"verdict": verdict(made)})
    found = of_both(rows)
    assert {row["verdict"] for row in found} == ({"too few"} if few else {"higher"})
    names = ("ratio", "difference")
    for name, other, row in zip(names, reversed(names), found, strict=True):
        assert (row["note"] == f"the {other} beside it rests on too few") == (few == other), name
        # Whoever reads the row alone comes to the same: a claim, a table.
        assert verdict(row) == row["verdict"]


def test_margins_lie_around_one() -> None:
    assert parse_margins("0.8,1.25") == MARGINS


@pytest.mark.parametrize(
    ("low", "high", "imprecise"),
    [
        (0.004, 1500.0, True),
        (0.1, 10.0, True),
        (0.11, 1500.0, False),
        (0.004, 9.9, False),
        (1.2, 5000.0, False),
        (float("nan"), float("nan"), False),
    ],
)
def test_an_interval_that_rules_nothing_out_is_told_in_tables_alone(low: float, high: float, imprecise: bool) -> None:
    told = row(low, high, estimate=2.48, term="sex", status="converged", unit=None)
    assert too_imprecise(told) == imprecise
    assert (sentences.in_text(told) == "too imprecise to tell") == imprecise
    assert (sentences.in_brackets(told) == "too imprecise to tell") == imprecise
    assert sentences.times(told).endswith("too imprecise to tell, of" if imprecise else "times")
    # The table has its interval, and the verdict is what it was: nothing is clear of 1 and imprecise.
    assert sentences.estimate(told) == wording.estimate(told) != "too imprecise to tell"
    assert not imprecise or verdict(told) in ("inconclusive", "too few")
    # A difference is in a unit that readers know.
    assert not too_imprecise({**told, "scale": "difference"})


@pytest.mark.parametrize(("value", "imprecise"), [(2.6e8, True), (1.8e-7, True), (10.0, True), (9.9, False)])
def test_a_ratio_without_an_interval_that_is_beyond_bounds_says_nothing(value: float, imprecise: bool) -> None:
    told = row(float("nan"), float("nan"), estimate=value, term="sex", status="boundary", unit=None)
    assert too_imprecise(told) == imprecise
    assert (sentences.in_text(told) == "too imprecise to tell") == imprecise
    assert not too_imprecise({**told, "estimate": float("nan")})


def test_the_forest_of_a_summary_and_its_count_leave_out_what_says_nothing() -> None:
    rows = estimates.frame(
        [
            estimates.row(
                status="converged", term=term, scale="rate_ratio", estimate=2.0, ci_low=low, ci_high=high, verdict=said
            )
            for term, low, high, said in (
                ("a", 0.9, 4.0, "inconclusive"),
                ("b", 0.004, 1500.0, "inconclusive"),
                ("c", 1.5, 3.0, "higher"),
                ("d", 0.5, 6.0, "too few"),
            )
        ]
    )
    assert verdicts.told_in_numbers(rows).tolist() == [True, False, True, False]
    assert summary._alt(rows) == "A forest of 2 ratios: 1 higher and 1 inconclusive."


@pytest.mark.parametrize(("low", "high"), [(1.7, 2.5), (0.2, 0.6)])
def test_a_contrast_on_one_side_of_all_that_was_observed_has_no_verdict(low: float, high: float) -> None:
    from crampstudy.simulate import simulate

    cohort = simulate(60, 14, seed=4)
    people = cohort.tables["participants"].with_columns(
        serum_magnesium_mmol_l=pl.Series(np.random.default_rng(1).uniform(low, high, 60))
    )
    moved = replace(cohort, tables={**cohort.tables, "participants": people})
    rows = fit(moved, model="poisson", terms="serum_magnesium_mmol_l").estimates
    (found,) = rows[rows["term"] == "contrast: serum_magnesium_mmol_l"].to_dict("records")
    assert np.isfinite(found["estimate"]) and pd.isna(found["verdict"])
    assert "compared beyond the values observed, which lie from " in found["note"]


def test_what_has_no_interval_and_no_verdict_is_not_of_too_few() -> None:
    made = verdicts.unjudged(row(1.5, 9.0) | {"ci_low": None, "ci_high": None, "verdict": "too few"}, "beyond")
    assert made["verdict"] is None
    few = row(1.5, 9.0) | {"n_participants": 3, "verdict": "too few"}
    assert verdicts.unjudged(few, "beyond")["verdict"] == "too few"


def test_people_who_are_all_alike_are_not_too_few() -> None:
    """Twenty people with a cramp each night: the ratio of age is 1 and has no interval, whoever they are."""
    alike = row(1.0, 1.0, estimate=1.0, std_error=0.0, n_participants=20, n_events=420, term="sex")
    assert alike["status"] == "boundary" and alike["facts"] == "no interval: no spread, so no interval"
    assert verdict(alike) == "inconclusive"
    assert verdict(alike | {"n_participants": 9}) == "too few"
    told = estimates.frame([alike | {"verdict": "inconclusive"}])
    assert not verdicts.told_in_numbers(told).any()
    assert list(of_verdicts(told).values()) == ["Nothing to tell, for want of an interval: sex."]


def test_a_note_says_on_what_too_few_rests() -> None:
    rows = [
        row(0.5, 2.0, df=3.2, term="sex", verdict="too few"),
        row(0.5, 2.0, n_events=7, term="diabetes", verdict="too few"),
        row(0.5, 2.0, df=3.2, term="statin", verdict="too few", note=verdicts.FEW_DEGREES),
        row(0.5, 2.0, n_participants=4, term="arthritis", verdict="inconclusive"),
    ]
    few = "on few participants, with fewer than 4 degrees of freedom"
    assert verdicts.why_few(estimates.frame(rows)) == f"too few is what rests {few} or on fewer than 10 events"
    # What a note says of its own row is not said again; of sampling units people are not few.
    assert verdicts.why_few(estimates.frame(rows[2:])) == ""
    survey = row(0.5, 2.0, df=3.2, model="survey-poisson", verdict="too few")
    assert "few sampling units" in verdicts.why_few(estimates.frame([survey]))
    assert f"Too few is what rests {few}." in tables.notes(estimates.frame([rows[0]]))
    lost = estimates.row(status="not_estimable", scale="rate_ratio", n_exposed=2, verdict="too few", note="nobody")
    assert verdicts.why_few(estimates.frame([lost])) == ""


def test_many_people_of_whom_few_carry_a_ratio_are_not_too_few_people() -> None:
    carried = row(0.5, 2.0, df=3.2, n_participants=46, n_events=58, term="sex", verdict="too few")
    few = carried | {"n_participants": 8, "term": "statin", "key": "other"}
    told = of_verdicts(estimates.frame([carried, few]))
    assert told == {
        "too few": "Too few people to tell: statin.",
        "few carry it": "Carried by too few of the people to tell: sex.",
    }


def test_what_is_beyond_all_that_was_observed_is_no_number_in_table_figure_or_text() -> None:
    """The row keeps it, for whoever reads ``estimates.csv``; no claim is tested by it, and nothing else prints it."""
    why = "compared beyond the values observed, which lie 0.925 apart at most: no verdict"
    cells = {"term": "contrast: alcohol_units", "level": "between", "unit": "3 against 0 units/day", "p_value": 0.75}
    cells |= {"analysis": kinds.WITHIN_BETWEEN.name, "status": "converged", "n_nights": 1192}
    far = verdicts.unjudged(row(0.001, 11629.0, **cells, verdict="inconclusive"), why, beyond=True)
    inside = row(0.7, 1.3, **cells | {"level": "within"}, verdict="inconclusive")
    rows = estimates.frame([inside, far])
    table = tables.nightly_exposures(rows)
    assert table["Rate ratio (95% CI)"].tolist() == ["1.10 (0.70–1.30)", "beyond all observed"]
    assert table["p"].tolist() == ["0.750", "–"] and table["Verdict"].tolist() == ["inconclusive", "–"]
    assert "Alcohol (between participants): compared beyond the values observed" in tables.notes(rows)
    assert sentences.in_text(far) == sentences.in_brackets(far) == "beyond all observed"
    assert points.estimated(rows)["level"].tolist() == ["within"]
    assert rows["estimate"].notna().all()


def test_a_mean_of_yes_and_no_is_not_told_beyond_what_was_observed() -> None:
    """Of people who stretch on a third to two thirds of nights nobody tells what always against never does."""
    rng, people, nights = np.random.default_rng(5), 40, 30
    share = np.linspace(1 / 3, 2 / 3, people)
    stretched = rng.random((people, nights)) < share[:, None]
    ids = np.repeat([f"p{i:02}" for i in range(people)], nights)
    days = [date(2024, 1, 1) + timedelta(days=k) for k in range(nights)] * people
    cramps = rng.poisson(0.5, people * nights)
    frames = {
        "participants": pl.DataFrame({"participant_id": sorted(set(ids)), "age_years": 60.0, "sex": "female"}),
        "diary": pl.DataFrame({"participant_id": ids, "date": days, "cramps": cramps, "stretched": stretched.ravel()}),
    }

    def rows_of(frames: dict[str, pl.DataFrame]) -> pd.DataFrame:
        cohort = Cohort("made", "diary", frames, synthetic=True)
        terms = "within(stretched) + between(stretched)"
        return fit(cohort, model="poisson", terms=terms).estimates.set_index("term")

    rows = rows_of(frames)
    between, within = rows.loc["between(stretched)"], rows.loc["within(stretched)"]
    assert pd.isna(between["verdict"]) and "apart at most: no verdict" in between["note"]
    assert verdicts.why_beyond(between) and between["estimate"] > 0
    assert within["verdict"] == "inconclusive" and "apart at most" not in str(within["note"])
    # One who always does and one who never does are as far apart as the contrast.
    who = pl.col("participant_id")
    whole = pl.when(who == "p00").then(pl.lit(False)).when(who == "p39").then(pl.lit(True)).otherwise("stretched")
    rows = rows_of({**frames, "diary": frames["diary"].with_columns(stretched=whole)})
    assert rows.loc["between(stretched)", "verdict"] == "inconclusive"


@pytest.mark.parametrize("having", [2, 38])
def test_few_without_a_condition_are_as_few_as_few_with_it(having: int) -> None:
    """Of forty people two have a condition, or all but two: the same two people tell of it."""
    rng, people, nights = np.random.default_rng(7), 40, 30
    ids = [f"p{i:02}" for i in range(people)]
    with_it = [i < having for i in range(people)]
    frames = {
        "participants": pl.DataFrame({"participant_id": ids, "age_years": 60.0, "sex": "female", "diabetes": with_it}),
        "diary": pl.DataFrame(
            {
                "participant_id": np.repeat(ids, nights),
                "date": [date(2024, 1, 1) + timedelta(days=k) for k in range(nights)] * people,
                "cramps": rng.poisson(np.where(np.repeat(with_it, nights), 1.2, 0.3)),
            }
        ),
    }
    cohort = Cohort("made", "diary", frames, synthetic=True)
    rows = fit(cohort, model="poisson", terms="diabetes", covariance="cluster").estimates.set_index("term")
    assert rows.loc["diabetes", "verdict"] == "too few"
    assert ("rests on the 2 without diabetes" in str(rows.loc["diabetes", "note"])) == (having == 38)
