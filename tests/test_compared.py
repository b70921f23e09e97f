"""What a comparison of cohorts has beside the groups: factors, other standards, other kinds, sites, few events."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import hypot, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_compared
from parity_compared import BANDS, sites, standardised_sites, warpbreaks
from scipy import stats

from crampstudy import compare, describe, fit, open_cohort, tables, wording
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.comparison import ComparisonSettings
from crampstudy.analyses.comparison.factors import FACTORS
from crampstudy.analyses.comparison.factors import factors as factors_shown
from crampstudy.analyses.comparison.sentences import common as of_common
from crampstudy.analyses.comparison.sentences import factors as of_factors
from crampstudy.causal import measured_in
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.factors import compare_factors, declared_factors
from crampstudy.contrasts.cohorts.few_events import few_event_rows
from crampstudy.contrasts.cohorts.further.common_measure import IMPLIED, WINDOWS, compare_kinds
from crampstudy.contrasts.cohorts.further.pool import pool_cohorts
from crampstudy.contrasts.cohorts.measures import GroupMeasures, measures
from crampstudy.contrasts.cohorts.sensitivity import AS_ASKED, compare_sensitivity, sensitivity_sentences
from crampstudy.contrasts.multiplicity import adjusted, e_value_rows
from crampstudy.contrasts.nights.sleep_lags import lags_fit
from crampstudy.descriptive.classes import class_shares
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.facts import read
from crampstudy.simulate import simulate

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "compared.json").read_text(encoding="utf-8"))
DOWN = json.loads((PARITY / "compare.json").read_text(encoding="utf-8"))["down"]


@pytest.fixture(scope="module")
def three() -> list[Cohort]:
    sizes = {"here": (110, 5), "there": (90, 6), "third": (70, 8)}
    return [replace(simulate(people, 14, seed=seed), name=name) for name, (people, seed) in sizes.items()]


@pytest.fixture(scope="module")
def surveys(shared: Path) -> list[Cohort]:
    return [open_cohort(f"nhanes:{shared}/data/nhanes?cycles={cycle}") for cycle in "DE"]


@pytest.fixture(scope="module")
def factors(three: list[Cohort]) -> pd.DataFrame:
    named = ["diabetes", "serum_sodium_mmol_l", "hba1c_mmol_mol", "within(alcohol_units)", "diuretic_class"]
    return compare_factors(three[:2], named, bands=BANDS)


# Factors.


def test_a_ratio_of_ratios_is_that_of_two_fits_in_r() -> None:
    rows = compare_factors(sites(), ["diabetes"], bands=AgeBands((20,)))
    asked = R["factor"]
    for row in kinds.FACTOR_IN_COHORT.rows(rows).to_dict("records"):
        own = asked[row["cohort"]]
        assert log(row["estimate"]) == pytest.approx(own["log_ratio"], rel=1e-6)
        assert (row["std_error"], row["df"]) == (pytest.approx(own["se"], rel=1e-6), pytest.approx(own["df"], rel=1e-5))
    (row,) = kinds.FACTOR_BETWEEN.rows(rows).to_dict("records")
    assert (row["cohort"], row["reference"], row["unit"]) == ("there", "here", "ratio of ratios")
    assert row["estimate"] == pytest.approx(asked["ratio_of_ratios"], rel=1e-6)
    assert (row["std_error"], row["df"]) == (pytest.approx(asked["se"]), pytest.approx(asked["df"], rel=1e-5))
    half = stats.t.ppf(0.975, row["df"]) * row["std_error"]
    assert log(row["ci_high"] / row["estimate"]) == pytest.approx(half)
    # 5 and 6 people are exposed, and their ratios rest on more than 4 degrees of freedom.
    assert row["n_participants"] == 24 and row["n_exposed"] is not None and row["verdict"] == "inconclusive"


def test_factors_are_adjusted_for_the_same_and_stand_at_one_contrast(
    factors: pd.DataFrame, three: list[Cohort]
) -> None:
    own = kinds.FACTOR_IN_COHORT.rows(factors)
    sodium = own[own["term"] == "contrast: serum_sodium_mmol_l"]
    assert set(sodium["level"]) == {"135"} and set(sodium["unit"]) == {"135 against 140 mmol/L"}
    for row, cohort in zip(sodium.to_dict("records"), three, strict=False):
        alone = adjusted_fit(
            cohort,
            "serum_sodium_mmol_l",
            model="poisson",
            where="age_years >= 20",
            participants_per_coefficient=5,
        )
        if alone.said in row["note"]:
            found = alone.estimates.set_index("term")["estimate"]["contrast: serum_sodium_mmol_l"]
            assert row["estimate"] == pytest.approx(found)
    # Centiles are those of the first cohort: the second one's ratio is its slope times their distance.
    hba1c = own[own["term"] == "contrast: hba1c_mmol_mol"].set_index("cohort")
    assert hba1c["level"].nunique() == hba1c["reference"].nunique() == 1
    made = compare_factors(three[:2][::-1], ["hba1c_mmol_mol"], bands=BANDS)
    turned = kinds.FACTOR_IN_COHORT.rows(made).set_index("cohort")
    steps = [float(x["level"].iloc[0]) - float(x["reference"].iloc[0]) for x in (hba1c, turned)]
    slopes = [np.log(x.loc["there", "estimate"]) / step for x, step in zip((hba1c, turned), steps, strict=True)]
    assert steps[0] != steps[1] and slopes[0] == pytest.approx(slopes[1], rel=1e-4)
    # Variables that both are adjusted for, whatever the knots of their ages.
    for _, rows in own[own["estimate"].notna()].groupby("term"):
        assert rows["adjusted_for"].fillna("").nunique() == 1


def test_what_only_one_cohort_measured_is_adjusted_for_in_none(three: list[Cohort]) -> None:
    one, other = three[:2]
    assert "age_years" in compare_factors([one, other], ["diabetes"], bands=BANDS)["adjusted_for"].iloc[0]
    without = other.tables["participants"].drop("bmi_kg_m2")
    poorer = replace(other, tables={**other.tables, "participants": without})
    rows = kinds.FACTOR_IN_COHORT.rows(compare_factors([one, poorer], ["diabetes"], bands=BANDS))
    assert not rows["adjusted_for"].str.contains("bmi_kg_m2").any()
    lacking = replace(other, tables={**other.tables, "participants": other.tables["participants"].drop("diabetes")})
    rows = compare_factors([one, lacking], ["diabetes"], bands=BANDS)
    between_rows = kinds.FACTOR_BETWEEN.rows(rows).iloc[0]
    assert between_rows["status"] == "not_measured" and between_rows["note"] == "not measured in this cohort (there)"
    assert kinds.FACTOR_IN_COHORT.rows(rows)["status"].tolist() == ["converged", "not_measured"]
    # What none of them measured is no row.
    both = [replace(each, tables=lacking.tables, name=each.name) for each in (one, other)]
    assert compare_factors(both, ["diabetes"]).empty


def test_a_model_with_less_room_sets_what_all_are_adjusted_for(three: list[Cohort]) -> None:
    few = replace(simulate(28, 14, seed=3), name="few")
    rows = kinds.FACTOR_IN_COHORT.rows(compare_factors([three[0], few], ["vitamin_d_nmol_l"], bands=BANDS))
    assert rows["status"].tolist() == ["converged", "converged"]
    assert rows["adjusted_for"].fillna("").nunique() == 1
    assert "adjusted for the same in all cohorts, and not for" in rows["note"].iloc[0]
    alone = adjusted_fit(
        three[0], "vitamin_d_nmol_l", model="poisson", where="age_years >= 20", participants_per_coefficient=5
    )
    terms = [each["adjusted_for"].fillna("").iloc[0].split("; ") for each in (alone.estimates, rows)]
    assert set(terms[1]) < set(terms[0])


def test_factors_have_both_adjusted_p_values_and_e_values(factors: pd.DataFrame) -> None:
    between_rows = kinds.FACTOR_BETWEEN.rows(factors)
    tested = between_rows[between_rows["p_value"].notna()]
    found = adjusted(tested["p_value"].tolist())
    assert tested["q_value"].tolist() == pytest.approx(found.holm)
    others = kinds.FALSE_DISCOVERY.rows(factors)
    assert others["estimate"].tolist() == pytest.approx(found.fdr)
    assert set(others["note"]) == {f"Benjamini-Hochberg over {len(tested)} contrasts"}
    ratios = kinds.FACTOR_IN_COHORT.rows(factors)
    assert len(kinds.E_VALUE.rows(factors)) == ratios["estimate"].notna().sum()


def test_a_ratio_of_3_9_has_an_e_value_of_7_263() -> None:
    sides = between.Side("b", 3.9, 0.4**2, 1e6, 50, 700, 99), between.Side("a", 1.0, 0.02**2, 1e6, 50, 700, 30)
    cells = {"analysis": kinds.BETWEEN_COHORTS.name, "scale": "rate", "unit": "u", "ci_level": 0.95, "level": "all"}
    ratio, difference = between.rows_of(*sides, cells)
    (row,) = e_value_rows([ratio, difference])
    assert row["estimate"] == pytest.approx(7.263, abs=5e-4) and row["analysis"] == kinds.E_VALUE.name
    low = ratio["ci_low"]
    assert row["ci_low"] == pytest.approx(low + sqrt(low * (low - 1))) and row["estimand"] == "between cohorts"


def test_factors_are_of_cohorts_of_one_kind_and_known_to_the_graph(three: list[Cohort], surveys: list[Cohort]) -> None:
    with pytest.raises(UsageError, match="between cohorts of one kind with different names"):
        compare_factors([three[0], surveys[0]])
    with pytest.raises(UsageError, match="between cohorts of one kind with different names"):
        compare_factors([three[0], three[0]])
    own = [
        replace(c, tables={**c.tables, "participants": c.tables["participants"].with_columns(shoe=pl.lit(4.0))})
        for c in three[:2]
    ]
    with pytest.raises(UsageError, match="shoe"):
        compare_factors(own, ["shoe"])


def test_each_declared_exposure_stands_once(three: list[Cohort], surveys: list[Cohort]) -> None:
    found = declared_factors(three)
    assert "within(alcohol_units)" in found and "between(alcohol_units)" not in found
    assert "between(dietary_sodium_mg)" in found and "recall_dietary_sodium_mg" not in found
    # Whatever is declared has a row, what is made of other columns of the night as well.
    assert "within(session_load)" in found and "session_load" not in found
    assert len(kinds.FACTOR_BETWEEN.rows(compare_factors(three[:2], ["within(session_load)"], bands=BANDS))) == 1
    assert "age_years" in found and "age_decade" not in found and "serum_calcium_mmol_l" not in found
    of_surveys = declared_factors(surveys)
    assert "recall_dietary_sodium_mg" in of_surveys and not any("(" in each for each in of_surveys)


def test_what_cramps_of_its_night_can_move_is_that_of_the_night_before(three: list[Cohort]) -> None:
    asked = ["within(sleep_quality_0_10)", "between(sleep_quality_0_10)", "awakenings", "within(fluid_ml)"]
    rows = compare_factors(three[:2], asked, bands=BANDS)
    own, parted = kinds.FACTOR_IN_COHORT.rows(rows), kinds.FACTOR_BETWEEN.rows(rows)
    before = own[own["term"] == "contrast: lag(within(sleep_quality_0_10, leave_out=True), 1)"].set_index("cohort")
    measured = frozenset[str].intersection(*(measured_in(cohort) for cohort in three[:2]))
    for cohort in three[:2]:
        # It is the model that a report's section on sleep has of the nights before, which adjusts for no cramps.
        made = lags_fit(
            cohort,
            "sleep_quality_0_10",
            model="poisson",
            measured=measured,
            where="age_years >= 20",
            participants_per_coefficient=5,
        ).estimates
        found = made.set_index("term").loc["contrast: lag(within(sleep_quality_0_10, leave_out=True), 1)"]
        assert before.loc[cohort.name, "estimate"] == pytest.approx(found["estimate"])
        assert "not for cramps of the night before" in before.loc[cohort.name, "note"]
        assert "lag(cramps, 1)" not in before.loc[cohort.name, "adjusted_for"]
    rest = parted[parted["status"] != "converged"].set_index("term")["note"].to_dict()
    assert rest == {
        "between(sleep_quality_0_10)": "cramps of the nights that its mean is of can move them",
        "awakenings": "within one night it is not told whether cramps move it or are moved by it",
    }
    stub = "Sleep quality, within participants, 1 night before: 2 points below own mean"
    assert stub in tables.factors_between(rows).index
    (said,) = of_factors.of_the_night_before(parted)
    assert said.startswith("Sleep quality is that of the night before") and "Fluid" not in said


def test_what_the_ratio_of_age_is_stands_below_the_table(three: list[Cohort]) -> None:
    rows = compare_factors(three[:2], ["age_years", "vitamin_d_nmol_l", "diabetes"], bands=BANDS)
    assert list(of_factors.of_lines(rows)) == [
        "The ratio of a number is of a straight line on the log scale, not of a curve",
        "Age is adjusted for nothing",
    ]
    assert list(of_factors.of_lines(rows[rows["term"] == "diabetes"])) == []
    shown = factors_shown(three[:2], ComparisonSettings(age_bands=(20, 60))).tables[FACTORS]
    assert "not of a curve. Age is adjusted for nothing." in str(shown.note)


def test_what_has_no_verdict_in_one_cohort_has_none_between_and_says_why(three: list[Cohort]) -> None:
    rows = compare_factors(three[:2], ["vitamin_d_nmol_l"], bands=BANDS)
    narrow = three[1].frame("participants").with_columns(pl.col("vitamin_d_nmol_l") * 0.05 + 60.0)
    close = replace(three[1], tables={**three[1].tables, "participants": narrow})
    silent = compare_factors([three[0], close], ["vitamin_d_nmol_l"], bands=BANDS)
    (before,), (row,) = (kinds.FACTOR_BETWEEN.rows(each).to_dict("records") for each in (rows, silent))
    assert isinstance(before["verdict"], str) and pd.isna(row["verdict"]) and row["status"] == "converged"
    why = "no verdict, as on the ratio of there (compared beyond the values observed, which lie "
    assert why in row["note"]
    said = of_factors.apart(silent, 1, 1)
    assert f"Of them 25-hydroxyvitamin D has {why}" in said


def test_a_ratio_beyond_all_that_one_cohort_observed_is_no_number_beside_that_of_the_other(three: list[Cohort]) -> None:
    narrow = three[1].frame("participants").with_columns(pl.col("vitamin_d_nmol_l") * 0.05 + 60.0)
    close = replace(three[1], tables={**three[1].tables, "participants": narrow})
    shown = tables.factors_between(compare_factors([three[0], close], ["vitamin_d_nmol_l"], bands=BANDS))
    (cells,) = shown.to_dict("records")
    own, there, between = (next(v for k, v in cells.items() if k.startswith(head)) for head in _COLUMNS)
    assert there == between == "beyond all observed" and own[0].isdigit()


def test_ages_on_one_side_of_a_contrast_are_beyond_it_whatever_their_width(three: list[Cohort]) -> None:
    """Of people of 20 to 44 nothing is told of 75 against 50 years, which lie hardly further apart than they do."""
    young = three[1].frame("participants").with_columns(age_years=20 + 24 * pl.int_range(pl.len()) / (pl.len() - 1))
    close = replace(three[1], tables={**three[1].tables, "participants": young})
    shown = tables.factors_between(compare_factors([three[0], close], ["age_years"], bands=BANDS))
    (cells,) = shown.to_dict("records")
    own, there, between = (next(v for k, v in cells.items() if k.startswith(head)) for head in _COLUMNS)
    assert there == between == "beyond all observed" and own[0].isdigit()


def test_whose_centiles_a_factor_is_compared_at_stands_below_the_table(three: list[Cohort]) -> None:
    rows = compare_factors(three, ["hba1c_mmol_mol", "vitamin_d_nmol_l", "grip_strength_kg"], bands=BANDS)
    said = "the centiles are those of here, so that all cohorts are compared at the same values"
    assert list(of_factors.of_centiles(rows)) == [said]
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    assert set(own.loc[own["facts"].eq("centiles: here"), "unit"].str.contains("centile")) == {True}
    assert list(of_factors.of_centiles(rows[rows["term"].str.contains("vitamin_d")])) == []
    # Where the first cohort lacks one, its centiles are those of the next that has it.
    people = three[0].frame("participants").drop("grip_strength_kg")
    lacking = replace(three[0], tables={**three[0].tables, "participants": people})
    rows = compare_factors([lacking, *three[1:]], ["hba1c_mmol_mol", "grip_strength_kg"], bands=BANDS)
    assert [text.partition(",")[0] for text in of_factors.of_centiles(rows)] == [
        "the centiles of HbA1c are those of here",
        "the centiles of grip strength are those of there",
    ]
    shown = factors_shown(three, ComparisonSettings(age_bands=(20, 60))).tables[FACTORS]
    assert f"{wording.capital(said)}." in str(shown.note)


def test_what_few_people_leave_no_room_for_is_adjusted_for_in_no_cohort_and_says_so(three: list[Cohort]) -> None:
    kept = three[0].frame("participants")["participant_id"].head(30).implode()
    small = {name: table.filter(pl.col("participant_id").is_in(kept)) for name, table in three[0].tables.items()}
    few = [replace(three[0], tables=small), *three[1:]]
    rows = compare_factors(few, ["serum_magnesium_mmol_l", "vitamin_d_nmol_l", "age_years"], bands=BANDS)
    (said,) = of_factors.of_fewer(rows)
    why = "adjusted for less than that in every cohort, since here has too few participants for the rest"
    assert said == f"serum magnesium and 25-hydroxyvitamin D are {why}"
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    assert {*own.loc[own["lacks"].notna(), "term"].str.removeprefix("contrast: ")} == {
        "serum_magnesium_mmol_l",
        "vitamin_d_nmol_l",
    }
    shown = factors_shown(few, ComparisonSettings(age_bands=(20, 60))).tables[FACTORS]
    assert "in every cohort, since here has too few participants for the rest." in str(shown.note)
    assert list(of_factors.of_fewer(rows[rows["adjustment"].eq("sufficient")])) == []


_COLUMNS = ("Rate ratio in here", "Rate ratio in there", "Ratio of ratios")


def test_few_degrees_of_freedom_are_not_called_few_participants(three: list[Cohort]) -> None:
    rows = compare_factors(three[:2], ["vitamin_b1_nmol_l"], bands=BANDS)
    between = rows["analysis"].eq(kinds.FACTOR_BETWEEN.name)

    def told(**cells: Any) -> str:
        few = rows.assign(verdict=rows["verdict"].mask(between, "too few"))
        for name, cell in cells.items():
            few[name] = few[name].mask(between, cell)
        return of_factors.apart(few, 1, 1)

    carried = told(df=3.6, n_participants=335, n_events=900)
    assert "for 1 the interval rests on fewer than 4 degrees of freedom, too few to tell" in carried
    assert "too few participants" not in carried
    small = told(df=3.6, n_participants=8, n_events=900)
    assert "for 1 there are too few participants to tell" in small and "degrees" not in small


def test_too_few_says_of_what_and_in_which_cohort(three: list[Cohort]) -> None:
    rows = compare_factors(three, ["vitamin_b1_nmol_l", "vitamin_b6_nmol_l"], bands=BANDS)
    own = rows["analysis"].eq(kinds.FACTOR_IN_COHORT.name)
    names = rows["term"].str.contains("b1"), rows["term"].str.contains("b6")
    first = own & rows["cohort"].eq(three[0].name)
    few = rows.assign(verdict=rows["verdict"].mask(first | rows["analysis"].eq(kinds.FACTOR_BETWEEN.name), "too few"))
    few["df"] = few["df"].mask(first & names[0], 2.8)
    few["n_events"] = few["n_events"].mask(first & names[1], 9)
    # Of two that are of too few for two reasons each is told under one, also where the two together have enough.
    told = of_factors.apart(few, 2, 2)
    said = "for 1 there are too few events in here to tell and for 1 the interval in here rests on fewer than 4 degrees"
    assert told.count(said) == 2 and "participants" not in told
    note = wording.sentences(of_factors.of_few(few))
    carried = "in here vitamin B1 rests on few participants, with fewer than 4 degrees of freedom"
    assert note == f"Too few: {carried}; in here vitamin B6 rests on fewer than 10 events."


def test_a_ratio_of_ratios_of_too_few_says_why(three: list[Cohort]) -> None:
    kept = three[0].frame("participants")["participant_id"].head(14).implode()
    small = {name: table.filter(pl.col("participant_id").is_in(kept)) for name, table in three[0].tables.items()}
    rows = compare_factors([replace(three[0], tables=small), three[1]], ["within(alcohol_units)"], bands=BANDS)
    own = kinds.FACTOR_IN_COHORT.rows(rows).set_index("cohort").loc["here"]
    (row,) = kinds.FACTOR_BETWEEN.rows(rows).to_dict("records")
    assert own["verdict"] == row["verdict"] == "too few" and "in here it rests on f" in row["note"]


@pytest.mark.parametrize(
    ("times", "why"),
    [(1e-2, "the interval has no end that could be told"), (1e-5, "the estimate lies beyond all numbers")],
)
def test_a_number_beyond_all_or_without_an_interval_is_compared_with_none_for_that_alone(
    three: list[Cohort], times: float, why: str
) -> None:
    # A cohort that noted another unit: 500 mL are many times what its nights lie apart.
    nights = three[1].frame("diary").with_columns(pl.col("fluid_ml") * times)
    other = replace(three[1], tables={**three[1].tables, "diary": nights})
    rows = compare_factors([three[0], other], ["within(fluid_ml)"], bands=BANDS)
    own = kinds.FACTOR_IN_COHORT.rows(rows).set_index("cohort").loc["there"]
    (row,) = kinds.FACTOR_BETWEEN.rows(rows).to_dict("records")
    assert pd.isna(own["ci_low"]) and own["note"].startswith(why) and row["status"] == "not_estimable"
    assert row["note"] == f"{own['note'].split('; ')[0]} (there)"


def test_factors_of_two_surveys_say_why_a_model_has_no_room(surveys: list[Cohort]) -> None:
    rows = compare_factors(surveys, ["serum_potassium_mmol_l", "recall_dietary_sodium_mg", "tsh_miu_l"])
    made = kinds.FACTOR_BETWEEN.rows(rows).set_index("term")
    assert made.loc["contrast: serum_potassium_mmol_l", "status"] == "converged"
    assert "slopes are too many" in made.loc["recall_dietary_sodium_mg", "note"]
    assert made.loc["contrast: tsh_miu_l", "note"] == "not measured in this cohort (nhanes-D)"
    shown = tables.factors_between(rows)
    assert "25-hydroxyvitamin D" not in shown.index[0] and "Serum potassium: 3.5 against 4.2 mmol/L" in shown.index
    assert shown.loc["Serum potassium: 3.5 against 4.2 mmol/L", "Verdict"] in ("inconclusive", "near null")


# Other ways to standardise.


def test_other_standards_bands_and_those_who_logged(three: list[Cohort]) -> None:
    rows = compare_sensitivity(three[:2], bands=BANDS)
    ratios = rows[rows["scale"] == "rate_ratio"].set_index("level")
    asked = kinds.BETWEEN_STANDARDISED.rows(compare(*three[:2], bands=BANDS).estimates).set_index("scale")
    assert ratios.loc[AS_ASKED, "estimate"] == pytest.approx(asked.loc["rate_ratio", "estimate"])
    assert list(ratios.index) == [
        AS_ASKED,
        "European standard population 2013 (Eurostat 2013)",
        "participants of here",
        "participants of there",
        "bands of 10 years",
        "bands of 20 years",
        "at least 80% of their nights logged",
    ]
    found = [measures(each, "age_band", BANDS) for each in three[:2]]
    mix = found[0].participants[:2] / found[0].participants[:2].sum()
    rates = [float(mix @ each.estimate[:2]) for each in found]
    assert ratios.loc["participants of here", "estimate"] == pytest.approx(rates[1] / rates[0])
    thorough = [_thorough(cohort) for cohort in three[:2]]
    again = kinds.BETWEEN_STANDARDISED.rows(compare(*thorough, bands=BANDS).estimates).set_index("scale")
    last = ratios.loc["at least 80% of their nights logged"]
    assert last["n_participants"] < ratios.loc[AS_ASKED, "n_participants"]
    assert last["estimate"] == pytest.approx(again.loc["rate_ratio", "estimate"])


def test_a_single_band_is_the_whole_and_has_all_the_weight(three: list[Cohort]) -> None:
    """Also where bands asked for are so narrow that those of twenty years are one."""
    first = BANDS.limits[0]
    for bands in (AgeBands((first,)), AgeBands((first, first + 15))):
        rows = compare_sensitivity(three[:2], bands=bands)
        whole = rows[rows["scale"] == "rate_ratio"].set_index("level")
        one = AgeBands((first,))
        rates = [measures(each, "age_band", one).estimate for each in three[:2]]
        label = AS_ASKED if bands == one else "bands of 20 years"
        assert [len(each) for each in rates] == [1, 1]
        assert whole.loc[label, "estimate"] == pytest.approx(rates[1][0] / rates[0][0])


def _thorough(cohort: Cohort) -> Cohort:
    nights = cohort.tables["diary"]
    seen = nights.group_by("participant_id").agg(
        share=pl.col("cramps").is_not_null().sum() / ((pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1)
    )
    kept = seen.filter(pl.col("share") >= 0.8)["participant_id"].implode()
    return replace(
        cohort,
        tables={name: table.filter(pl.col("participant_id").is_in(kept)) for name, table in cohort.tables.items()},
    )


def test_the_range_is_one_sentence(three: list[Cohort], surveys: list[Cohort]) -> None:
    rows = compare_sensitivity(three[:2], bands=BANDS)
    known = rows[(rows["scale"] == "rate_ratio") & rows["estimate"].notna()]
    (said,) = sensitivity_sentences(rows)
    low, high = known["estimate"].min(), known["estimate"].max()
    assert said.startswith(f"Standardised in {len(known)} ways, the rate ratio of there against here lies between")
    assert f"{low:.2f} (" in said and f"{high:.2f} (" in said
    if known["verdict"].nunique() == 1:
        assert f"; {known['verdict'].iloc[0]} in each." in said or "Not estimated" in said
    of_surveys = compare_sensitivity(surveys)
    assert "near null in each." in sensitivity_sentences(of_surveys)[0] and len(sensitivity_sentences(of_surveys)) == 2
    # A survey has no nights of which somebody logged nearly all.
    assert not of_surveys["level"].str.contains("logged").any()
    # Top-coded ages allow no band from 90 on.
    lost = compare_sensitivity(surveys, bands=AgeBands((20, 90)))
    assert lost["note"].str.contains("top-codes ages").any()
    assert "In no way" in sensitivity_sentences(lost[lost["level"] == AS_ASKED])[0]


# A diary and a survey.


def test_a_diary_and_a_survey_meet_on_the_30_day_class_alone(three: list[Cohort], surveys: list[Cohort]) -> None:
    diary, survey = replace(simulate(60, 40, seed=2), name="diary"), surveys[0]
    made = compare(survey, diary).estimates
    assert kinds.BETWEEN_COHORTS.rows(made).empty and kinds.BETWEEN_STANDARDISED.rows(made).empty
    rows = kinds.BETWEEN_KINDS.rows(made).set_index(["model", "level", "scale"])
    implied = kinds.CLASS_IMPLIED.rows(class_shares(diary, standard=survey, where="age_years >= 20").estimates)
    share = implied.set_index("level").loc["any"]
    recalled = describe(survey).estimates
    of_all = recalled[(recalled["population"] == "20+") & (recalled["level"] == "any")]
    other = of_all[of_all["analysis"] == kinds.PREVALENCE.name].iloc[0]
    ratio, difference = rows.loc[(IMPLIED, "any", "prevalence_ratio")], rows.loc[(IMPLIED, "any", "difference")]
    assert ratio["estimate"] == pytest.approx(share["estimate"] / other["estimate"])
    logs = [share["std_error"] / share["estimate"], other["std_error"] / other["estimate"]]
    assert ratio["std_error"] == pytest.approx(hypot(*logs))
    assert difference["estimate"] == pytest.approx(share["estimate"] - other["estimate"])
    assert difference["std_error"] == pytest.approx(hypot(share["std_error"], other["std_error"]))
    assert ratio["n_participants"] == share["n_participants"] + other["n_participants"]
    assert ratio["n_nights"] == share["n_nights"] and ratio["verdict"] == "higher" and pd.isna(ratio["n_events"])
    assert rows["note"].str.startswith("a log is not recall").all()
    # The windowed check stands beside, at the diary's own ages.
    windows = kinds.CLASS_WINDOWS.rows(made).set_index("level").loc["any", "estimate"]
    assert rows.loc[(WINDOWS, "any", "prevalence_ratio"), "estimate"] == pytest.approx(windows / other["estimate"])
    # The other way round it is the inverse.
    turned = kinds.BETWEEN_KINDS.rows(compare_kinds(survey, diary)).set_index(["model", "level", "scale"])
    inverse = turned.loc[(IMPLIED, "any", "prevalence_ratio")]
    assert inverse["estimate"] == pytest.approx(1 / ratio["estimate"]) and inverse["verdict"] == "lower"


def test_a_survey_of_people_beyond_all_of_a_diary_is_not_compared_with_it(surveys: list[Cohort]) -> None:
    """The shares that a model implies at ages that no participant has are the line of the model."""
    diary, survey = replace(simulate(120, 40, seed=2), name="young"), surveys[0]
    young = diary.tables["participants"].filter(pl.col("age_years") < 45)
    who = young["participant_id"].implode()
    kept = {name: table.filter(pl.col("participant_id").is_in(who)) for name, table in diary.tables.items()}
    rows = compare_kinds(replace(diary, tables=kept), survey)
    between = kinds.BETWEEN_KINDS.rows(rows)
    implied = between[between["model"] == IMPLIED]
    assert implied["verdict"].isna().all() and set(implied["facts"].map(read).str["beyond"]) == {"observed"}
    (why,) = {verdicts.why_beyond(row) for row in implied.to_dict("records")}
    assert re.fullmatch(r"[\d.]+% of the people of nhanes-D lie beyond the values observed in young", why)
    table = tables.between_kinds(between)
    assert table.filter(regex="ratio|Difference").iloc[:4].eq("beyond all observed").all(axis=None)
    assert f"could not be compared: {why}" in of_common.answer(between)
    own = kinds.CLASS_IMPLIED.rows(rows)
    assert own["facts"].map(read).str["beyond"].eq("observed").all() and own["estimate"].notna().all()


def test_what_has_no_common_measure_says_why(three: list[Cohort], surveys: list[Cohort]) -> None:
    with pytest.raises(UsageError, match="here is a diary, there a diary"):
        compare_kinds(*three[:2])
    short = kinds.BETWEEN_KINDS.rows(compare_kinds(three[0], surveys[0])).set_index(["model", "level", "scale"])
    why = short.loc[(WINDOWS, "any", "prevalence_ratio"), "note"]
    assert why == "a log is not recall; no window of 30 nights has 25 of them logged (here)"
    unaged = replace(
        three[0],
        tables={
            **three[0].tables,
            "participants": three[0].tables["participants"].with_columns(age_years=pl.lit(None, pl.Float64)),
        },
    )
    rows = compare_kinds(unaged, surveys[0])
    assert rows["status"].isin(["not_estimable", "not_converged"]).all() and rows["note"].notna().all()


def test_two_diaries_and_a_survey_are_each_compared_as_they_can(three: list[Cohort], surveys: list[Cohort]) -> None:
    rows = compare(three[0], three[1], "sex", others=[surveys[0]]).estimates
    assert set(kinds.BETWEEN_COHORTS.rows(rows)["cohort"]) == {"there"}
    assert set(kinds.BETWEEN_KINDS.rows(rows)["cohort"]) == {"nhanes-D"}
    with pytest.raises(UsageError, match="here alone is a diary; leave it out, or name another diary"):
        compare(three[0], surveys[0], pool=True)


# Sites of one study.


def test_pooled_rates_have_sites_as_strata_as_in_r() -> None:
    rows = pool_cohorts(sites(), bands=BANDS).set_index(["scale", "level"])
    whole = rows.loc[("rate", "20+")]
    assert whole["estimate"] == pytest.approx(R["pooled"]["rate"], rel=1e-9)
    assert whole["std_error"] * whole["estimate"] == pytest.approx(R["pooled"]["se"], rel=1e-9)
    assert whole["df"] == R["pooled"]["df"] and whole["n_participants"] == 24
    for label, rate, error in zip(R["bands"]["label"], R["bands"]["rate"], R["bands"]["se"], strict=True):
        row = rows.loc[("rate", {"young": "20-59", "old": "60+"}[label])]
        assert row["estimate"] == pytest.approx(rate) and row["std_error"] * rate == pytest.approx(error)


def test_pooled_ratios_have_the_site_as_a_fixed_effect() -> None:
    rows = pool_cohorts(sites(), bands=BANDS)
    (ratio,) = rows[rows["scale"] == "rate_ratio"].to_dict("records")
    fitted = fit(pooled(sites()), model="poisson", terms="age_band + cohort", bands=BANDS).estimates
    asked = fitted[fitted["term"] == "age_band"].iloc[0]
    assert (ratio["level"], ratio["reference"], ratio["adjusted_for"]) == (asked["level"], asked["reference"], "cohort")
    assert (ratio["estimate"], ratio["std_error"]) == (asked["estimate"], asked["std_error"])


def test_sites_that_differ_add_no_variance_and_their_people_do() -> None:
    one, other = sites()
    alike = other.tables["diary"].with_columns(cramps=pl.lit(3, pl.Int64))
    same = one.tables["diary"].with_columns(cramps=pl.lit(1, pl.Int64))
    both = [
        replace(one, tables={**one.tables, "diary": same}),
        replace(other, tables={**other.tables, "diary": alike}),
    ]
    rows = pool_cohorts(both, bands=AgeBands((20,)))
    lost = rows[rows["scale"] == "rate"].iloc[0]
    # All people of a site are as one another but for their nights: what sites differ by is no chance.
    assert lost["status"] == "not_estimable" or lost["std_error"] < 0.2
    assert rows["n_participants"].eq(24).all()


def test_pooled_surveys_keep_their_strata(surveys: list[Cohort]) -> None:
    made = pool_cohorts(surveys)
    rows = made[(made["scale"] == "prevalence") & (made["outcome"] == "any_cramp")].set_index("level")
    asked = describe(pooled(surveys)).estimates
    asked = asked[(asked["analysis"] == kinds.PREVALENCE.name) & (asked["level"] == "any")].set_index("population")
    assert len(rows) == 7
    for label, row in rows.iterrows():
        assert row["estimate"] == pytest.approx(asked.loc[label, "estimate"])
        assert row["std_error"] == pytest.approx(asked.loc[label, "std_error"])
        assert row["df"] == 31
    with pytest.raises(UsageError, match="cohorts of one kind can be pooled"):
        pool_cohorts([surveys[0], *sites()])


def _of(table: pl.DataFrame, who: str) -> pl.DataFrame:
    return table.filter(pl.col("participant_id") == who)


def test_what_cannot_be_pooled_says_why(three: list[Cohort]) -> None:
    unaged = [
        replace(
            c,
            tables={
                **c.tables,
                "participants": c.tables["participants"].with_columns(pl.lit(None, pl.Float64).alias("age_years")),
            },
        )
        for c in three[:2]
    ]
    rows = pool_cohorts(unaged, bands=BANDS)
    rates = rows[rows["scale"] == "rate"]
    assert rates["level"].tolist() == ["20-59", "60+", "20+"] and set(rates["note"]) == {"no participant has an age"}
    assert rows["estimate"].isna().all()
    with pytest.raises(UsageError, match="cohorts are pooled by age_band or a level or yes/no variable"):
        pool_cohorts(three[:2], "bmi_kg_m2")
    # Of one participant a site, sites and people cannot be told apart.
    lone = [
        replace(
            c,
            name=f"site {i}",
            tables={name: t.filter(pl.col("participant_id") == who) for name, t in c.tables.items()},
        )
        for c in three[:1]
        for i, who in enumerate(c.tables["participants"]["participant_id"][:6])
    ]
    rows = pool_cohorts(lone, "sex")
    assert rows[rows["level"] == "all"]["note"].tolist() == ["no more participants than sites"]
    assert "a text with 6 levels in 6 participants" in rows["note"].iloc[-1]


# Few events.


def test_few_events_of_down_syndrome_by_the_public_rows() -> None:
    births = np.array(DOWN["pop"])
    counted = GroupMeasures(
        cohort="michigan",
        labels=("<20", "20-24", "25-29", "30-34", "35-39", "40+"),
        estimate=np.array(DOWN["count"]) / births,
        covariance=np.zeros((6, 6)),
        df=np.full(6, np.inf),
        participants=births,
        nights=births * 7,
        events=np.array(DOWN["count"]),
        why_not=("",) * 6,
        standard=tuple(range(6)),
        outcome="cramps",
        scale="rate",
        unit="per birth",
    )
    asked = {"gamma": (80.4417, 105.7633), "dobson": (80.3292, 105.1872), "log": (80.8153, 105.4271)}
    for method, limits in asked.items():
        (row,) = few_event_rows(counted, DOWN["std"], method, {"ci_level": 0.95})
        assert 1e5 * row["estimate"] == pytest.approx(92.3045, abs=5e-5) and row["model"] == method
        assert (1e5 * row["ci_low"], 1e5 * row["ci_high"]) == pytest.approx(limits, abs=5e-5)
        assert row["n_events"] == sum(DOWN["count"]) and "independent" in row["note"]


def test_few_events_are_asked_of_a_comparison(three: list[Cohort], surveys: list[Cohort]) -> None:
    made = compare(*three[:2], bands=BANDS, few_events="dobson").estimates
    rows = kinds.FEW_EVENTS.rows(made).set_index("cohort")
    rates = kinds.STANDARDISED_RATE.rows(made).set_index("cohort")
    assert rows["estimate"].to_dict() == pytest.approx(rates["estimate"].to_dict())
    assert set(rows["model"]) == {"dobson"}
    assert (rows["ci_high"] - rows["ci_low"] < rates["ci_high"] - rates["ci_low"]).all()
    of_surveys = kinds.FEW_EVENTS.rows(compare(*surveys, few_events="gamma").estimates)
    assert of_surveys["note"].str.contains("no person-time").all()
    with pytest.raises(UsageError, match="no interval 'gama' of few events; did you mean gamma"):
        compare(*three[:2], few_events="gama")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is for numbers at the ages of a standard population: leave it out"):
        compare(*three[:2], "sex", few_events="gamma")
    off = kinds.FEW_EVENTS.rows(compare(*three[:2], bands=AgeBands((20, 62)), few_events="gamma").estimates)
    assert off["note"].str.contains("lies inside a 5-year group").all()


# Several cohorts.


def test_every_cohort_stands_against_the_reference_in_one_family(three: list[Cohort]) -> None:
    rows = compare(three[0], three[1], others=[three[2]], bands=BANDS).estimates
    ratios = kinds.BETWEEN_COHORTS.rows(rows)
    ratios = ratios[ratios["scale"] == "rate_ratio"].set_index(["cohort", "level"])
    for other in three[1:]:
        alone = kinds.BETWEEN_COHORTS.rows(compare(three[0], other, bands=BANDS).estimates)
        for row in alone[alone["scale"] == "rate_ratio"].to_dict("records"):
            place = (other.name, row["level"])
            for name in ("estimate", "std_error", "df", "n_participants", "n_nights", "n_events", "verdict"):
                assert ratios.loc[place, name] == row[name]
    family = ratios[ratios.index.get_level_values("level") != "20+"]
    assert family["q_value"].tolist() == pytest.approx(adjusted(family["p_value"].tolist()).holm)
    assert family["note"].str.contains("q by Holm over 4 groups of 2 cohorts").all()
    assert ratios.xs("20+", level="level")["q_value"].isna().all()
    standardised = kinds.BETWEEN_STANDARDISED.rows(rows)
    assert standardised["cohort"].tolist() == ["there", "there", "third", "third"]
    test = kinds.COHORT_INTERACTION.rows(rows).iloc[0]
    assert test["unit"].startswith("F on 2 and")
    assert kinds.COHORT_TREND.rows(rows)["level"].tolist() == ["here", "there", "third"]


# Participants drawn anew, and the same people.


def test_drawn_participants_agree_with_the_delta_method_where_they_are_many() -> None:
    one, other = (replace(simulate(600, 10, seed=seed), name=name) for name, seed in (("one", 1), ("other", 2)))
    made = [compare(one, other, bands=BANDS, bootstrap=400, rng=np.random.default_rng(3)).estimates for _ in range(2)]
    rows = [kinds.BETWEEN_BOOTSTRAP.rows(each).set_index("scale") for each in made]
    assert rows[0].equals(rows[1])
    delta = kinds.BETWEEN_STANDARDISED.rows(made[0]).set_index("scale")
    for scale in ("rate_ratio", "difference"):
        drawn, asked = rows[0].loc[scale], delta.loc[scale]
        assert drawn["estimate"] == pytest.approx(asked["estimate"], rel=1e-9)
        assert drawn["std_error"] == pytest.approx(asked["std_error"], rel=0.12)
        assert drawn["ci_low"] == pytest.approx(
            asked["ci_low"], abs=0.25 * asked["std_error"] * asked["estimate"] + 0.03
        )
    assert rows[0]["note"].eq("400 replicates").all()
    with pytest.raises(UsageError, match=r"a bootstrap needs a source of its draws: rng=numpy\.random\.default_rng"):
        compare(one, other, bands=BANDS, bootstrap=400)
    with pytest.raises(UsageError, match="too few for level"):
        compare(one, other, bands=BANDS, bootstrap=10, rng=np.random.default_rng(3))


def test_averages_of_predictions_are_those_of_emmeans() -> None:
    # One row of weight 27 for each wool is as 27 looms.
    tensions = "".join(R["emmeans"]["tension"])
    found, each = warpbreaks(tensions, "AB", [27.0, 27.0]), warpbreaks(tensions, "A" * 27 + "B" * 27)
    assert found.estimate == pytest.approx(R["emmeans"]["mean"], rel=1e-9)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(R["emmeans"]["se"], rel=1e-5)
    value, error, _ = found.difference(2, 0)
    assert (value, error) == (pytest.approx(-14.722222, abs=1e-6), pytest.approx(1.795912, rel=5e-6))
    assert each.estimate == pytest.approx(found.estimate, rel=1e-10)
    assert each.covariance == pytest.approx(found.covariance, rel=1e-10)


def test_the_same_people_may_be_those_of_the_reference(three: list[Cohort]) -> None:
    made = {
        over: kinds.BETWEEN_ADJUSTED.rows(
            compare(*three[:2], bands=BANDS, adjust="sex", average_over=over).estimates  # type: ignore[arg-type]
        ).set_index("scale")
        for over in ("all", "reference")
    }
    assert made["reference"].loc["rate_ratio", "estimand"] == "averaged over the participants of here, by g-computation"
    both = pooled(three[:2])
    model = fit(both, model="poisson", terms="cohort * age_band + sex", where="age_years >= 20", bands=BANDS)
    people = both.participants
    for over, who in (("all", people), ("reference", people[people["cohort"] == "here"])):
        inside = who[who["age_years"] >= 20]
        at = {
            name: model.predict(
                {
                    "cohort": name,
                    "age_band": [BANDS.label(age) for age in inside["age_years"]],
                    "sex": inside["sex"].astype(str).tolist(),
                }
            )["estimate"].mean()
            for name in ("here", "there")
        }
        # Each person once, however many nights were put into one row of the model.
        assert made[over].loc["rate_ratio", "estimate"] == pytest.approx(at["there"] / at["here"], rel=1e-10)


def test_whom_is_averaged_over_is_one_of_two(three: list[Cohort]) -> None:
    with pytest.raises(UsageError, match="no participants 'referense' to average over; did you mean reference"):
        compare(*three[:2], adjust="sex", average_over="referense")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="name its terms, such as adjust='sex'"):
        compare(*three[:2], average_over="reference")


def test_direct_standardisation_is_that_written_out_in_r() -> None:
    ratio, difference = standardised_sites()
    asked = R["standardised"]
    assert (ratio["estimate"], ratio["std_error"]) == pytest.approx((asked["ratio"], asked["log_se"]), rel=1e-9)
    assert (difference["estimate"], difference["std_error"]) == pytest.approx(
        (asked["difference"], asked["se"]), rel=1e-9
    )


# Truth: the whole table is that of docs/recovery.md.


def test_intervals_of_compared_cohorts_cover() -> None:
    cells = recovery_compared.compared_cells(40, 1.5, 8, seed=4)
    assert [cell.name for cell in cells] == [
        "standardised ratio",
        "standardised difference",
        "ratio of ratios",
        "cohort by band does not reject",
    ]
    fewest = stats.binom.ppf(1e-4, 8, 0.95)
    assert all(cell.cohorts == 8 and cell.covered >= fewest for cell in cells)
    assert abs(cells[0].error) < 0.5
