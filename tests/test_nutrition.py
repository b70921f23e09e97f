"""Levels and intake: shares that are low, curves and their shape, and what the section says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import analyses, causal, codebook, estimates, figures, fit, open_cohort, tables
from crampstudy.analyses import Findings, Settings
from crampstudy.analyses.sentences import nightly
from crampstudy.analyses.sentences import nutrition as sentences
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.dose_response import dose_response, observed_values
from crampstudy.contrasts.people.per_sd import ratios_per_sd
from crampstudy.descriptive.levels import levels
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, reliability
from crampstudy.figures import style
from crampstudy.models.inference.covariance import wald
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.wording import CONTRAST

MAGNESIUM = "serum_magnesium_mmol_l"
B12 = "vitamin_b12_pmol_l"


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(120, 20, seed=5)


@pytest.fixture(scope="module")
def found(diary: Cohort) -> Findings:
    return analyses.run("nutrition", diary)


@pytest.fixture(scope="module")
def lacking() -> Findings:
    """A few nights of people whose albumin and some of whose vitamins were not measured."""
    names = ("serum_albumin_g_l", "vitamin_b1_nmol_l", "vitamin_b6_nmol_l")
    made = people_with(simulate(150, 5, seed=2), **dict.fromkeys(names, pl.lit(None, pl.Float64)))
    return analyses.run("nutrition", made)


@pytest.fixture(scope="module")
def curve(diary: Cohort) -> pd.DataFrame:
    return dose_response(diary, B12, model="poisson", reference=350, covariance="cluster")


def test_what_the_contrasts_compare_is_true_of_every_row(found: Findings) -> None:
    assert found.values["contrasts"] == (
        ": a low value against a usual one; a low value against a high one for serum phosphate, dietary magnesium, "
        "dietary sodium, dietary potassium and dietary calcium; some of it against none for supplemental magnesium; a "
        "day above the own mean against that mean for supplemental magnesium within participants"
    )
    assert sentences.nothing("none")["contrasts"] == ""


def people_with(diary: Cohort, **columns: pl.Expr) -> Cohort:
    return Cohort(
        "changed", "diary", {**diary.tables, "participants": diary.tables["participants"].with_columns(**columns)}
    )


def people_of(columns: dict[str, list[float]]) -> Cohort:
    """Participants with one night each."""
    ids = [f"p{i}" for i in range(len(next(iter(columns.values()))))]
    people = pl.DataFrame(
        {"participant_id": ids, "age_years": [50.0] * len(ids), "sex": ["male"] * len(ids), **columns}
    )
    nights = pl.DataFrame({"participant_id": ids, "date": [date(2024, 1, 1)] * len(ids), "cramps": [0] * len(ids)})
    return Cohort("few", "diary", {"participants": people, "diary": nights})


def test_a_curve_is_the_spline_of_a_fit_against_the_reference(diary: Cohort, curve: pd.DataFrame) -> None:
    rows = kinds.DOSE_RESPONSE.rows(curve)
    low, high = np.quantile(observed_values(diary, B12), [0.05, 0.95])
    values = rows["level"].astype(float)
    assert values.is_monotonic_increasing and len(rows) in (40, 41)
    assert values.iloc[0] == pytest.approx(low, rel=1e-3) and values.iloc[-1] == pytest.approx(high, rel=1e-3)
    terms = f"ns({B12}, df=3) + ns(age_years, df=3) + sex"
    by_hand = fit(diary, model="poisson", terms=terms, covariance="cluster")
    for row in (rows.iloc[0], rows.iloc[25], rows.iloc[-1]):
        same = by_hand.ratio({B12: float(row["level"])}, against={B12: 350.0}).iloc[0]
        shown = ["estimate", "ci_low", "ci_high", "p_value", "n_participants"]
        assert row[shown].tolist() == pytest.approx(same[shown].tolist(), rel=1e-9)
    assert set(rows["reference"]) == {"350"} and set(rows["unit"]) == {"against 350 pmol/L"}
    assert set(rows["adjusted_for"]) == {"ns(age_years, df=3); sex"} and rows["key"].is_unique
    assert rows["note"].str.startswith("adjusted for age_years and sex: sufficient under the study's graph").all()


def test_the_shape_is_the_test_of_what_is_orthogonal_to_a_line(diary: Cohort, curve: pd.DataFrame) -> None:
    row = kinds.SHAPE.rows(curve).iloc[0]
    fitted = fit(diary, model="poisson", terms=f"ns({B12}, df=3) + ns(age_years, df=3) + sex", covariance="cluster")
    assert fitted.linear is not None
    smooth = fitted.linear.design.smooths[0]
    grid = np.linspace(*smooth.observed, 50)
    basis = fitted.linear.design.encode(pd.DataFrame({B12: grid}))[:, list(smooth.columns)]
    line = np.column_stack([np.ones(50), grid])
    bent = basis - line @ np.linalg.lstsq(line, basis, rcond=None)[0]
    # What is left of the three columns spans two dimensions: the curve is a line where both are 0.
    bends = np.linalg.svd(bent, full_matrices=False)[2][:2]
    own = np.ix_(list(smooth.columns), list(smooth.columns))
    coefficients, variance = fitted.linear.coefficients[list(smooth.columns)], fitted.linear.variance[own]
    statistic, p = wald(bends @ coefficients, bends @ variance @ bends.T, float("inf"))
    assert row["scale"] == "wald_test" and row["unit"] == "chi-squared on 2 degrees of freedom"
    assert (row["estimate"], row["p_value"]) == pytest.approx((statistic, p), rel=1e-6)


def test_a_bend_is_found_and_a_line_is_not_called_one() -> None:
    rng = np.random.default_rng(8)
    n, nights = 400, 20
    level = rng.normal(350, 60, n)
    ages, who = rng.uniform(30, 80, n), [f"p{i}" for i in range(n)]
    people = pl.DataFrame({"participant_id": who, "age_years": ages, "sex": ["male"] * n, B12: level})
    low = {}
    for name, log_rate in (("line", 0.004 * (level - 350)), ("bend", np.abs(level - 350) / 60)):
        counts = rng.poisson(np.exp(-1 + log_rate)[:, None], (n, nights))
        diary = pl.DataFrame(
            {
                "participant_id": np.repeat(people["participant_id"].to_numpy(), nights),
                "date": [date(2024, 1, 1 + k) for k in range(nights)] * n,
                "cramps": counts.ravel(),
            }
        )
        cohort = Cohort(name, "diary", {"participants": people, "diary": diary})
        low[name] = dose_response(cohort, B12, model="poisson", reference=350).iloc[0]["p_value"]
    assert low["bend"] < 1e-6 and low["line"] > 0.01


def test_the_curve_and_its_shape_recover_what_the_simulator_drew() -> None:
    truth = Truth().with_effects(serum_potassium_sd=-0.3)
    (scale,) = (truth.scaling(effect)[1] for effect in truth.effects if effect.term == "serum_potassium_sd")
    slopes = {"serum_potassium_mmol_l": -0.3 / scale, B12: 0.0}
    covered, bent = [], []
    for seed in range(6):
        cohort = simulate(200, 14, seed, truth, Mess.none())
        for name, slope in slopes.items():
            rows = dose_response(cohort, name, model="poisson")
            for row in kinds.DOSE_RESPONSE.rows(rows).iloc[[0, -1]].to_dict("records"):
                ratio = np.exp(slope * (float(row["level"]) - float(row["reference"])))
                covered.append(row["ci_low"] <= ratio <= row["ci_high"])
            bent.append(rows["p_value"][0] < 0.05)
    # Of 24 intervals at 95 % less than 19 cover once in 1,000 times, and of 12 tests 4 or more reject as seldom.
    assert sum(covered) >= 19 and sum(bent) < 4


def test_without_a_curve_the_shape_says_why(diary: Cohort) -> None:
    def said(cohort: Cohort, exposure: str) -> tuple[str, str]:
        rows = dose_response(cohort, exposure, model="poisson")
        assert rows["analysis"].tolist() == [kinds.SHAPE.name] and rows["term"].tolist() == [exposure]
        return rows["status"][0], rows["note"][0]

    assert said(people_with(diary, **{B12: pl.lit(None, pl.Float64)}), B12)[0] == "not_measured"
    few = people_with(diary, **{B12: pl.when(pl.col(B12) > 300).then(400.0).otherwise(200.0)})
    assert said(few, B12) == ("not_estimable", "a curve needs at least 10 different values, and there are 2")
    tied = people_with(diary, **{B12: pl.when(pl.col(B12) < 400).then(200.0).otherwise(pl.col(B12))})
    status, note = said(tied, B12)
    assert status == "not_estimable" and note == "too many participants have the same value, 200, for a curve"


def test_a_reference_that_few_are_near_gives_way_to_the_median(diary: Cohort) -> None:
    rows = kinds.DOSE_RESPONSE.rows(dose_response(diary, B12, model="poisson", reference=5000))
    assert set(rows["reference"]) == {f"{np.median(observed_values(diary, B12)):.4g}"}
    assert rows["note"].str.contains("against the median, since few values lie beyond 5000").all()


def test_a_curve_of_a_mean_of_nights_is_over_the_means(diary: Cohort) -> None:
    rows = kinds.DOSE_RESPONSE.rows(dose_response(diary, "between(dietary_sodium_mg)", model="poisson"))
    means = (
        diary.tables["diary"]
        .filter(pl.col("entry_made"))
        .group_by("participant_id")
        .agg(pl.col("dietary_sodium_mg").mean())
    )
    low, high = np.quantile(means["dietary_sodium_mg"].drop_nulls(), [0.05, 0.95])
    assert rows["level"].astype(float).agg(["min", "max"]).tolist() == pytest.approx([low, high], rel=1e-3)
    assert rows["estimate"].notna().all()


def test_low_is_below_the_limit_and_its_interval_wilsons() -> None:
    values = [0.69, 0.70, 0.65, 0.9, 0.8, 0.85, 0.95, 1.0, 0.6, 0.77]
    rows = levels(people_of({MAGNESIUM: values}), [MAGNESIUM])
    mean, spread, low = (rows.iloc[i] for i in range(3))
    assert (mean["scale"], mean["estimate"]) == ("mean", pytest.approx(0.791))
    assert (spread["scale"], spread["estimate"]) == ("standard_deviation", pytest.approx(np.std(values, ddof=1)))
    # 3 of 10 by Wilson 1927: (0.3 + z2/20 -+ z sqrt(0.021 + z2/400)) / (1 + z2/10).
    assert (low["n_events"], low["level"], low["unit"]) == (3, "0.7", "share below 0.7 mmol/L")
    assert low[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([0.3, 0.10779, 0.60322], abs=1e-5)


def test_a_value_at_the_limit_is_not_low_by_rounding() -> None:
    # 2.26 + 0.02 (40 - 43) is 2.1999999999999997 in binary, and 2.2 in chemistry.
    made = people_of({"serum_calcium_mmol_l": [2.26] * 5 + [2.0], "serum_albumin_g_l": [43.0] * 6})
    rows = levels(made, ["serum_calcium_corrected_mmol_l"])
    assert kinds.LOW_LEVEL.rows(rows)["n_events"].tolist() == [1]


def test_no_share_is_low_of_numbers_in_another_unit() -> None:
    # Magnesium in mg/dL: 1.58 is 0.65 mmol/L, and no number of these is below 0.7 as it stands.
    in_mg = [1.58, 1.62, 1.9, 2.0, 2.1, 2.2, 2.3]
    made = levels(people_of({MAGNESIUM: in_mg}), [MAGNESIUM])
    low = kinds.LOW_LEVEL.rows(made).iloc[0]
    assert (low["status"], low["note"]) == ("not_estimable", "7 values of 7 look like another unit")
    assert sentences.low(made) == "How many are low could not be estimated: 7 values of 7 look like another unit."
    assert "below 0.7" not in sentences.magnesium(made, made)
    # Of some, the share is told, and that they are there.
    some = levels(people_of({MAGNESIUM: [*in_mg[-2:], 0.65, 0.8, 0.8, 0.9, 0.95]}), [MAGNESIUM])
    told = kinds.LOW_LEVEL.rows(some).iloc[0]
    assert (told["n_events"], told["note"]) == (1, "2 values of 7 look like another unit")


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (
            (0.0, 0.0),
            "Nobody had a low level: serum magnesium was below 0.7 mmol/L in 0.0% (0.0–9.0) and serum potassium ",
        ),
        ((0.0, 0.0002), "Hardly anybody had a low level: serum potassium was below 3.5 mmol/L in 0.0% (0.0–9.0) and "),
        ((0.04, 0.04), "Of 2 levels with a limit, none is low in more participants than another: serum magnesium was "),
        (
            (0.04, 0.05),
            "Of 2 levels with a limit, this one is low in more participants than any other: serum potassium",
        ),
        ((0.04, 0.04, 0.01), "Of 3 levels with a limit, these are low in more participants than any other: serum magn"),
        ((0.04,), "One level with a limit was measured: serum magnesium was below 0.7 mmol/L in 4.0% (0.0–9.0)."),
    ],
)
def test_the_level_that_most_lack_is_named_only_where_there_is_one(shares: tuple[float, ...], said: str) -> None:
    names = {MAGNESIUM: "0.7", "serum_potassium_mmol_l": "3.5", "serum_phosphate_mmol_l": "0.8"}
    cells = {"scale": "proportion", "status": "converged", "ci_low": 0.0, "ci_high": 0.09, "ci_level": 0.95}
    made = estimates.frame(
        estimates.row(analysis=kinds.LOW_LEVEL.name, term=name, level=level, estimate=share, **cells)
        for (name, level), share in zip(names.items(), shares, strict=False)
    )
    assert sentences.low(made).startswith(said)


def test_what_is_in_two_units_has_its_caveat_where_its_numbers_stand(diary: Cohort) -> None:
    """A mean of mmol/L and mg/dL is none of anything, and the ratio that of who sent the sample where."""
    people = diary.frame("participants")
    in_mg = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.col(MAGNESIUM) * 2.4305).otherwise(pl.col(MAGNESIUM))
    mixed = replace(diary, tables={**diary.tables, "participants": people.with_columns(in_mg.alias(MAGNESIUM))})
    found = analyses.run("nutrition", mixed)
    own = found.estimates[found.estimates["term"].isin([MAGNESIUM, f"{CONTRAST}{MAGNESIUM}"])]
    assert own["verdict"].isna().all() and kinds.LOW_LEVEL.rows(own)["estimate"].isna().all()
    assert "No verdict is given where many values look like another unit: serum magnesium (" in found.values["answer"]
    assert "numbers that look like another unit: serum magnesium (" in str(found.tables["tbl-nutrition"].note)
    assert "another unit" not in analyses.run("nutrition", diary).values["answer"]


def test_levels_of_few_or_of_nobody_are_no_numbers(diary: Cohort) -> None:
    four = people_with(diary, **{B12: pl.when(pl.int_range(pl.len()) < 4).then(pl.col(B12))})
    assert levels(four, [B12])["note"].tolist() == ["fewer than 5 participants have a value"]
    none = levels(people_with(diary, **{B12: pl.lit(None, pl.Float64)}), [B12])
    assert none["status"].tolist() == ["not_measured"]


@pytest.mark.parametrize(("cycle", "ratio"), [("D", 1.126), ("E", 1.117)])
def test_potassium_per_sd_in_the_surveys_is_as_published(shared: Path, cycle: str, ratio: float) -> None:
    cohort = open_cohort(f"nhanes:{shared}/data/nhanes?cycles={cycle}")
    rows = ratios_per_sd(cohort, ["serum_potassium_mmol_l"], where="age_years >= 20")
    row = rows.iloc[0]
    assert len(rows) == 1 and round(row["estimate"], 3) == ratio and pd.isna(row["verdict"])
    low = levels(cohort, ["serum_potassium_mmol_l"], where="age_years >= 20").iloc[-1]
    assert low["ci_low"] < low["estimate"] < low["ci_high"] and low["note"] == "weight weight_exam"


def test_a_ratio_per_sd_is_of_a_survey(diary: Cohort) -> None:
    with pytest.raises(UsageError, match="simulated is no survey"):
        ratios_per_sd(diary, [B12])


def test_a_table_without_ratios_keeps_the_rows_that_it_describes_and_its_note_speaks_of_no_other(diary: Cohort) -> None:
    free = diary.frame("diary").with_columns(cramps=pl.lit(0, pl.Int64))
    found = analyses.run("nutrition", replace(diary, tables={**diary.tables, "diary": free}))
    table = found.tables["tbl-nutrition"]
    assert "Mean (SD)" in table.frame.columns and not any("ratio" in str(name) for name in table.frame.columns)
    assert "Dietary magnesium" in table.frame.index.get_level_values(-1)
    note = table.note or ""
    (of_centiles,) = re.findall(r"centile for ([^.]+)\.", note.split("The contrast is of the 10th against 90th")[1])[:1]
    rows = {str(name).lower() for name in table.frame.index.get_level_values(-1)}
    assert all(name.lower() in rows for name in re.split(r", | and ", of_centiles))


def test_the_section_has_a_row_for_each_level_and_intake(found: Findings) -> None:
    table = found.tables["tbl-nutrition"].frame
    assert table.columns.tolist() == [
        *("n", "Mean (SD)", "Low, % (95% CI)", "Contrast", "Rate ratio (95% CI)", "Verdict", "Shape")
    ]
    assert len(table) == 15 and [len(table.loc[group]) for group in ("Electrolytes", "Nutrition", "Diet")] == [5, 4, 6]
    assert table.index[0] == ("Electrolytes", "Serum magnesium")
    declared = {row["term"]: row for row in found.estimates.to_dict("records") if pd.notna(row["verdict"])}
    for name in (MAGNESIUM, "serum_sodium_mmol_l", "serum_potassium_mmol_l", "vitamin_d_nmol_l"):
        row = declared[f"contrast: {name}"]
        stated = codebook.contrasts.find(name)
        assert stated is not None and (float(row["level"]), float(row["reference"])) == (stated.at, stated.reference)
    # What is said of a column goes with it.
    legends = {kinds.LOW_LEVEL: "Low: below", kinds.SHAPE: "Shape: test", kinds.EXPOSURE_LEVEL: "SD: standard"}
    compared = kinds.GRAPH_ADJUSTED.rows(found.estimates)
    for kind, legend in legends.items():
        without = found.estimates.assign(
            estimate=found.estimates["estimate"].mask(found.estimates["analysis"].eq(kind.name))
        )
        assert legend in str(found.tables["tbl-nutrition"].note)
        told = sentences.note(without, compared)
        assert legend not in told and sum(other in told for other in legends.values()) == 2
    assert "a ratio is of" not in sentences.note(found.estimates, compared.assign(estimate=float("nan")))
    # What is printed is the row.
    row = declared[f"contrast: {MAGNESIUM}"]
    cells = table.loc[("Electrolytes", "Serum magnesium")]
    assert cells["Contrast"] == "0.7 against 0.85 mmol/L" and cells["Verdict"] == row["verdict"]
    assert cells["Rate ratio (95% CI)"].startswith(f"{row['estimate']:.2f} (")


def test_the_minerals_stand_together_with_their_reliability(found: Findings) -> None:
    rows = kinds.WITHIN_BETWEEN.rows(found.estimates)
    declared = rows[rows["term"].str.startswith("contrast: dietary_")]
    assert sorted(declared["level"].value_counts().to_dict().items()) == [("between", 4), ("within", 4)]
    for name in ("dietary_magnesium_mg", "dietary_sodium_mg"):
        others = set(rows.loc[rows["term"] == name, "adjusted_for"].iloc[0].split("; "))
        assert {"within(dietary_calcium_mg)", "between(dietary_calcium_mg)", "ns(age_years, df=3)"} <= others
    assert kinds.RELIABILITY.rows(found.estimates)["estimate"].between(0.8, 1).all()
    assert "Reliability of the participants' means: 0.9" in str(found.tables["tbl-minerals"].note)
    assert found.values["together"] == "With the minerals in one model, none of their ratios is clear."
    calcium = declared["term"].eq("contrast: dietary_calcium_mg") & declared["level"].eq("within")
    clear = declared.assign(verdict=declared["verdict"].mask(calcium, "lower"))
    told = sentences.together(clear)
    assert told.startswith(
        "With the minerals in one model, fewer cramps went with less dietary calcium within participants ("
    )


def test_what_is_said_of_the_minerals_together_agrees_with_their_verdicts(found: Findings) -> None:
    rows = kinds.WITHIN_BETWEEN.rows(found.estimates)
    rows = rows[rows["term"].str.startswith("contrast: dietary_")].assign(verdict="inconclusive")
    calcium = rows["term"].eq("contrast: dietary_calcium_mg") & rows["level"].eq("within")
    for verdict, said in (
        ("differs but negligible", "a difference too small to matter went with dietary calcium within participants ("),
        ("near null", "no difference that would matter was seen for dietary calcium within participants ("),
    ):
        told = sentences.together(rows.assign(verdict=rows["verdict"].mask(calcium, verdict)))
        assert told.startswith(f"With the minerals in one model, {said}") and "none" not in told


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.016, "The clearest sign of a curve is in serum potassium: p = 0.016, the lowest of 2 tests."),
        (
            0.52,
            "No curve is shown to differ from a straight line (p = 0.52 of serum potassium, the lowest of 2 tests).",
        ),
    ],
)
def test_a_p_value_of_a_straight_line_is_no_likelihood(p: float, said: str) -> None:
    def shape(term: str, value: float) -> dict[str, Any]:
        cells = {"analysis": kinds.SHAPE.name, "scale": "wald_test", "term": term}
        return estimates.row(status="converged", p_value=value, **cells)

    rows = [shape("serum_sodium_mmol_l", 0.9), shape("serum_potassium_mmol_l", p)]
    assert sentences.shapes(estimates.frame(rows)) == said
    alone = sentences.shapes(estimates.frame(rows[1:]))
    assert alone.endswith(("potassium: p = 0.016.", "(p = 0.52 of serum potassium).")) and "of 1" not in alone


def test_means_that_are_not_reliable_are_corrected_beside_the_plain_ones(lacking: Findings) -> None:
    rows = lacking.estimates
    assert (kinds.RELIABILITY.rows(rows)["estimate"] < 0.8).any()
    corrected, plain = kinds.CORRECTED.rows(rows), kinds.WITHIN_BETWEEN.rows(rows)
    assert len(corrected) and corrected["status"].isin(["converged", "not_estimable"]).all()
    assert (plain["level"] == "between").sum() == 8


def test_a_supplement_says_that_nothing_measured_suffices(found: Findings) -> None:
    said = "no sufficient set among what was measured, which under the study's graph lacks disposition"
    own = found.estimates[found.estimates["term"] == "contrast: between(supplement_magnesium_mg)"]
    assert own["note"].str.contains(said).all()
    asked = "no sufficient set among what was measured: the study's graph asks for disposition as well"
    assert asked in found.values["magnesium"]
    assert "Confounding remains for supplemental magnesium" in found.values["limits"]
    within = found.estimates[found.estimates["term"] == "contrast: within(supplement_magnesium_mg)"]
    assert within["adjusted_for"].tolist() == ["lag(cramps, 1)"]


def test_the_sentences_name_every_contrast_once(found: Findings) -> None:
    judged = found.estimates["verdict"].notna() & (found.estimates["analysis"] == kinds.GRAPH_ADJUSTED.name)
    assert judged.sum() == 15
    answer = found.values["answer"]
    assert "significant" not in answer.lower() and "serum magnesium" in answer.lower()
    assert answer.count("albumin-corrected serum calcium") == 1
    assert found.values["limits"].count("15 contrasts were judged") == 1
    assert "about 0.8 of their intervals" in found.values["limits"]
    assert found.values["question"].endswith("go with cramps?")
    note = str(found.tables["tbl-nutrition"].note)
    assert (
        "and one another." in note
        and "nights left out" not in note
        and "5th against 50th centile for vitamin B1" in note
    )


def test_limits_are_of_what_was_measured_and_of_one_contrast_in_the_singular(diary: Cohort) -> None:
    row = {"status": "converged", "analysis": kinds.GRAPH_ADJUSTED.name, "scale": "rate_ratio", "ci_level": 0.95}
    judged = row | {"estimate": 1.2, "ci_low": 0.6, "ci_high": 2.4, "verdict": "inconclusive"}
    eaten = estimates.row(term="contrast: between(dietary_calcium_mg)", **judged)
    said = sentences.limits(diary, estimates.frame([eaten]))
    assert "in blood" not in said and said.startswith("A ratio between participants is an association")
    assert "One contrast was judged: if it did not go with cramps, its interval would exclude that in 5%." in said
    blood = estimates.row(term="contrast: serum_magnesium_mmol_l", **judged)
    both = sentences.limits(diary, estimates.frame([eaten, blood]))
    assert both.startswith("Levels in blood were measured once") and "about 0.1 of their intervals" in both


def test_a_ratio_without_a_verdict_says_in_the_note_that_its_mean_is_not_reliable() -> None:
    cells = {"analysis": kinds.GRAPH_ADJUSTED.name, "scale": "rate_ratio", "verdict": "inconclusive"}
    numbers = {"estimate": 1.4, "ci_low": 0.5, "ci_high": 3.8, "n_participants": 50}
    term = "contrast: between(dietary_calcium_mg)"
    row = estimates.row(status="converged", term=term, level="833", reference="969", **numbers, **cells)
    warning = reliability.warning("dietary_calcium_mg", 0.05)
    assert warning is not None
    rows = estimates.frame([reliability.warned(row, [warning])])
    assert "No verdict on dietary calcium (0.05): their means have so low a reliability" in sentences.note(rows, rows)


def test_a_ratio_of_fewer_than_have_a_level_says_of_how_many(found: Findings) -> None:
    rows = found.estimates
    assert "Participants, n, are those with a value; a ratio is of " in str(found.tables["tbl-nutrition"].note)
    compared = kinds.GRAPH_ADJUSTED.rows(rows)
    assert sentences._of_fewer(rows, compared.assign(n_participants=10_000)) == "a ratio is of all of them"
    own = compared["term"].eq(f"contrast: {MAGNESIUM}")
    fewer = compared.assign(n_participants=compared["n_participants"].where(~own, 7).where(own, 10_000))
    assert sentences._of_fewer(rows, fewer).endswith("who are fewer for some: 7 for serum magnesium")


def test_a_panel_is_a_nutrient_that_was_measured(diary: Cohort, found: Findings) -> None:
    drawing = found.figures["fig-levels"]
    panels = figures.FIGURES[drawing.figure](drawing.estimates).axes
    assert [axes.get_title(loc="left") for axes in panels][:2] == ["Serum magnesium", "Serum sodium"] and len(
        panels
    ) == 9
    assert panels[0].get_yscale() == "log" and panels[0].get_xlabel().startswith("mmol/L, n = ")
    shaded = [patch for patch in panels[0].patches if patch.get_alpha() == 0.1]
    assert len(shaded) == 1 and shaded[0].get_x() >= 0.7


def test_what_was_not_measured_is_said_and_has_no_panel(lacking: Findings) -> None:
    drawing = lacking.figures["fig-levels"]
    titles = [axes.get_title(loc="left") for axes in figures.FIGURES[drawing.figure](drawing.estimates).axes]
    assert len(titles) == 7 and not {"Vitamin B1", "Vitamin B6"} & set(titles)
    assert lacking.values["magnesium"].startswith("Serum magnesium, 0.7 against 0.85 mmol/L: rate ratio ")
    assert "Not measured in this cohort: vitamin B1 and vitamin B6." in lacking.values["not_estimated"]
    table = lacking.tables["tbl-nutrition"].frame
    assert ("Nutrition", "Vitamin B1") not in table.index and ("Nutrition", "Vitamin B12") in table.index
    # Calcium cannot be corrected without albumin, and stands as it is.
    row = lacking.estimates[lacking.estimates["term"] == "contrast: serum_calcium_mmol_l"].iloc[0]
    assert row["level"] == "2.15" and "lacks serum_calcium_corrected_mmol_l" in row["note"]
    assert ("Electrolytes", "Serum calcium") in table.index


def test_a_figure_of_what_was_not_measured_says_so(diary: Cohort) -> None:
    of_blood = clinic(diary, {"age_years", "sex", "serum_potassium_mmol_l"}, set())
    found = analyses.run("nutrition", of_blood)
    diet = "dietary magnesium, dietary sodium, dietary potassium and dietary calcium"
    assert found.could_not["fig-minerals"] == f"not measured in this cohort: {diet}"
    assert tables.NOTHING_SHOWN not in found.could_not.values()
    # In the section's prose it is said once, with all that was not measured.
    assert found.values["not_estimated"].count("dietary calcium") == 1


def clinic(diary: Cohort, people: set[str], nights: set[str]) -> Cohort:
    """Twenty people and a week, of whom nothing else is known than these columns."""

    def blanked(table: pl.DataFrame, known: set[str]) -> pl.DataFrame:
        return table.with_columns(
            pl.lit(None, table.schema[name]).alias(name) for name in table.columns if name not in known
        )

    who = diary.tables["participants"].head(20)
    rows = diary.tables["diary"].join(who.select("participant_id"), on="participant_id", how="semi")
    week = rows.filter(pl.col("date").rank("dense").over("participant_id") <= 7)
    kept = {"participant_id", "date", "cramps", "entry_made", *nights}
    return Cohort(
        "clinic", "diary", {"participants": blanked(who, {"participant_id", *people}), "diary": blanked(week, kept)}
    )


def test_a_small_clinic_gets_sentences_and_reasons(diary: Cohort) -> None:
    small = analyses.run("nutrition", clinic(diary, {"sex", MAGNESIUM, "vitamin_d_nmol_l"}, set()))
    table = small.tables["tbl-nutrition"].frame
    assert int(table.loc[("Electrolytes", "Serum magnesium"), "n"]) in range(15, 21)
    numbers = small.estimates[small.estimates["estimate"].notna()]
    assert (numbers["n_participants"] >= 5).all()
    assert {"fig-minerals", "tbl-minerals"} <= set(small.could_not)
    said = "Dietary magnesium and supplemental magnesium were not measured."
    assert said in small.values["magnesium"]
    assert "Not measured in this cohort: serum sodium" in small.values["not_estimated"]
    bare = analyses.run("nutrition", clinic(diary, set(), set()))
    assert not bare.estimated and set(bare.could_not) == {"tbl-nutrition", "fig-levels", "fig-minerals", "tbl-minerals"}
    assert bare.values["answer"] == "Could not estimate: no level in blood and no intake was measured."


def test_ones_own_graph_says_what_to_adjust_for(
    diary: Cohort, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "graph.yaml"
    arrows = f"  - {{from: sex, to: [{MAGNESIUM}, cramps], reason: assumed}}\n"
    arrows += f"  - {{from: {MAGNESIUM}, to: cramps, reason: asked}}\n"
    path.write_text(f"version: 1\nname: mine\narrows:\n{arrows}")
    rows = analyses.run("nutrition", diary, Settings(graph=causal.read(path))).estimates
    own = rows[rows["term"] == f"contrast: {MAGNESIUM}"].iloc[0]
    assert own["adjusted_for"] == "sex" and "sufficient under mine" in own["note"]
    # What a graph does not know is told of that exposure alone.
    other = rows[(rows["term"] == B12) & (rows["analysis"] == kinds.GRAPH_ADJUSTED.name)].iloc[0]
    assert other["status"] == "not_estimable" and "has no node" in other["note"]
    # A section that would not follow it does not pass over it.
    with pytest.raises(UsageError, match=r"cohort follows no graph of one's own; .*: .*nutrition"):
        analyses.run("cohort", diary, Settings(graph=causal.read(path)))
    folder = tmp_path / "made"
    assert run("simulate", "--out", str(folder), "--participants", "40", "--nights", "7")[0] == 0
    code, out, _ = run("analyse", "nutrition", str(folder), "--graph", str(path), "--json")
    notes = {row["term"]: row["note"] for row in json.loads(out) if row["analysis"] == kinds.GRAPH_ADJUSTED.name}
    assert code == 0 and "under mine" in notes[f"contrast: {MAGNESIUM}"]


def test_beside_persons_earlier_nights_are_their_means_but_for_the_outcomes(diary: Cohort) -> None:
    diet = (
        adjusted_fit(diary, "between(dietary_magnesium_mg)", model="poisson")
        .estimates["adjusted_for"]
        .iloc[0]
        .split("; ")
    )
    assert {"between(alcohol_units)", "between(season_cos)", "between(weekend_night)"} <= set(diet)
    assert diet.count("between(alcohol_units)") == 1 and not [term for term in diet if term.startswith("lag")]
    pills = adjusted_fit(diary, "between(supplement_magnesium_mg)", model="poisson").estimates["adjusted_for"].iloc[0]
    assert "lag(cramps, 1)" in pills


def test_what_has_no_estimate_is_adjusted_for_nothing(diary: Cohort) -> None:
    alike = people_with(diary, **{B12: pl.lit(300.0)})
    row = adjusted_fit(alike, B12, model="poisson").estimates.iloc[0]
    assert row["status"] == "not_estimable" and "sufficient" not in row["note"]


def test_the_table_of_rows_has_the_columns_that_they_fill(diary: Cohort, curve: pd.DataFrame) -> None:
    assert tables.dose_response(curve).columns.tolist() == ["Shape"]
    both = pd.concat([levels(diary, [B12]), curve])
    assert tables.dose_response(both).columns.tolist() == ["n", "Mean (SD)", "Low, % (95% CI)", "Shape"]


def test_a_caption_names_no_figure_that_is_not_drawn() -> None:
    """Twenty people are too few for curves over levels in blood, and enough for those over intake."""
    found = analyses.run("nutrition", simulate(20, 30, seed=3))
    assert "fig-levels" in found.could_not and "fig-minerals" not in found.could_not
    caption = found.figures["fig-minerals"].caption
    assert "@fig-levels" not in caption and "natural cubic spline" in caption


def test_a_curve_of_few_cramps_does_not_rule_the_axis(diary: Cohort) -> None:
    rows = dose_response(diary, B12, model="poisson", reference=350)
    numbers = ["estimate", "ci_low", "ci_high"]
    curve = rows.assign(**{name: rows[name].astype(float) ** 40 * 1e9 for name in numbers})
    figure = figures.FIGURES["dose_response"](curve)
    low, high = figure.axes[0].get_ylim()
    assert 0.01 < low < high < 100
    assert style.CURVE_CUT in figure.remarks  # type: ignore[attr-defined]
    kept = figures.FIGURES["dose_response"](rows)
    assert style.CURVE_CUT not in kept.remarks  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("too few", "Of the negative control, the exposure of the day after, there are too few to tell."),
        ("near null", "went with no clear difference, as it should."),
        ("inconclusive", "went with no clear difference, but the interval does not rule one out."),
    ],
)
def test_a_control_of_too_few_or_of_a_wide_interval_shows_nothing(verdict: str, said: str) -> None:
    row = estimates.row(
        status="converged", analysis=kinds.DISTRIBUTED_LAG.name, term="contrast: alcohol_units", level="lead 1",
        scale="rate_ratio", estimate=0.52, ci_low=0.03, ci_high=9.97, ci_level=0.95, verdict=verdict,
    )  # fmt: skip
    assert said in nightly.control(estimates.frame([row]), ["alcohol_units"])
