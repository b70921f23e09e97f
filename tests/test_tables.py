from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from crampstudy import AgeBands, codebook, describe, estimates, fit, open_cohort, tables, wording
from crampstudy.cohort import Cohort
from crampstudy.descriptive import characteristics as who
from crampstudy.estimates import kinds
from crampstudy.simulate import simulate
from crampstudy.tables.headings import p_value as p_cell
from crampstudy.tables.reworded import reworded

TERMS = "age_decade * sex + leg_ultrasound + serum_potassium_mmol_l + grip_strength_kg + statin + exercise_min"


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(120, 20, seed=5)


@pytest.fixture(scope="module")
def parity() -> Cohort:
    return open_cohort(Path(__file__).parent / "parity" / "diary")


def texts(table: pd.DataFrame) -> list[str]:
    index = [str(part) for key in table.index for part in (key if isinstance(key, tuple) else (key,))]
    return [*map(str, table.columns), *map(str, table.index.names), *index, *map(str, table.to_numpy().ravel())]


def assert_fit_to_print(table: pd.DataFrame) -> None:
    names = {v.name for v in codebook.VARIABLES if "_" in v.name}
    for text in texts(table):
        assert not names & set(re.findall(r"\w+", text)), text
        assert "nan" not in text.lower().split() and "<NA>" not in text and "None" not in text.split(), text
        assert not re.search(r"\d-\d", text), f"a hyphen for an en dash: {text}"


def test_every_table_of_a_diary_is_fit_to_print(cohort: Cohort) -> None:
    bands = AgeBands()
    negative, poisson = (fit(cohort, model=m, terms=TERMS).estimates for m in ("negative-binomial", "poisson"))
    for table in (
        tables.rates(describe(cohort).estimates),
        tables.rates(describe(cohort, "sex").estimates),
        tables.rates(describe(cohort, "leg_ultrasound", where="age_years >= 50").estimates),
        tables.factors(negative),
        tables.factors({"Negative binomial": negative, "Poisson": poisson}),
        tables.table_one(who.characteristics(cohort)),
        tables.completeness(who.completeness(cohort, bands)),
        tables.measured(who.measured(cohort, ["diabetes", "weight_exam"])),
        tables.cleaning(cohort),
        tables.rules(cohort),
    ):
        assert_fit_to_print(table)


def test_remarks_are_english_each_by_itself() -> None:
    outside = "left out, outside the condition"
    for text, said in (
        (f"participants {outside}", "participants left out, who are not in this analysis"),
        (f"participant {outside}", "participant left out, who is not in this analysis"),
        (f"nights {outside}", "nights left out, of participants who are not in this analysis"),
        ("not for cramps of the night before, which", "not adjusted for cramps of the night before, which"),
        ("of the groups with at least 5 participants", "a model of the groups with at least 5 participants"),
    ):
        assert reworded(text) == said


def test_the_values_of_a_curve_are_named_by_their_variable() -> None:
    cells = {"analysis": kinds.DEPENDENCE_CURVE.name, "scale": "rate", "population": "all", "status": "not_estimable"}
    note = "fewer than 5 held-out participants are near a value of the curve"
    rows = [
        estimates.row(**cells, term=f"contrast: {term}", level=level, note=note)
        for term in ("fluid_ml", "alcohol_units")
        for level in ("0.2875", "34.125")
    ]
    made = estimates.row(**cells | {"status": "converged"}, term="contrast: steps", level="68.25", estimate=1.0)
    assert tables.reasons(estimates.frame([*rows, made])).startswith(f"Fluid intake, Alcohol: {note}")


def test_the_commonest_reasons_name_the_age_that_they_are_of() -> None:
    cells = {"analysis": kinds.INCIDENCE_RATE.name, "scale": "rate", "status": "not_estimable", "term": "age_band"}
    lost = [estimates.row(**cells, level=age, note="nobody of this age took part") for age in ("20-39", "80+")]
    lost.append(estimates.row(**cells, level="20+", note="no rate in the band 20-39"))
    said = tables.commonest_reasons(estimates.frame(lost), 3)
    assert said == "nobody aged 20–39 and 80+ took part (2); no rate in the band 20–39 (1)"


def test_rates_hold_the_estimates(cohort: Cohort) -> None:
    rows = describe(cohort, bands=AgeBands((20, 60))).estimates
    table = tables.rates(rows)
    assert table.index.tolist() == ["20–59", "60+", "20+", "50+", "20+, age-standardised"]
    assert table.index.name == "Age (years)"
    crude = rows[rows["analysis"] == "incidence rate"].iloc[0]
    assert table.loc["20–59", "Cramps"] == f"{crude['n_events']:,}"
    assert table.loc["20–59", "Cramps per person-week (95% CI)"] == wording.estimate(crude)


def test_rates_of_a_part_have_the_same_stubs(cohort: Cohort) -> None:
    table = tables.rates(describe(cohort, bands=AgeBands((20, 60)), where="sex = 'female'").estimates)
    assert table.index[0] == "20–59"


def test_level_of_the_interval_stands_in_the_heading(cohort: Cohort) -> None:
    table = tables.rates(describe(cohort, ci_level=0.9).estimates)
    assert "Cramps per person-week (90% CI)" in table.columns


def test_factors_show_each_term_once(cohort: Cohort) -> None:
    rows = fit(cohort, model="negative-binomial", terms=TERMS).estimates
    table = tables.factors(rows)
    assert len(table) == len(rows[~rows["term"].isin(["intercept", "dispersion"])])
    assert table.index.is_unique or len(set(zip(table.index, table["Contrast"], strict=True))) == len(table)
    lines = {(factor, row["Contrast"]): row for (_, factor), row in table.iterrows()}
    female = rows[(rows["term"] == "sex")].iloc[0]
    assert lines["Sex", "female against male"]["Rate ratio (95% CI)"] == wording.estimate(female)
    assert ("Age × sex", "per 10 years, female against male") in lines


def test_factors_name_what_was_not_measured(parity: Cohort) -> None:
    rows = fit(parity, model="poisson", terms="sex + grip_strength_kg").estimates
    table = tables.factors(rows).droplevel(0)
    assert table.loc["Grip strength", "Rate ratio (95% CI)"] == "not measured"
    assert table.loc["Grip strength", "p"] == "–"


def test_models_side_by_side_have_no_p_values(parity: Cohort) -> None:
    one = fit(parity, model="poisson", terms="sex").estimates
    two = fit(parity, model="poisson", terms="sex + age_decade").estimates
    table = tables.factors({"Crude": one, "Adjusted": two}).droplevel(0)
    assert table.columns.tolist() == ["Contrast", "Crude: rate ratio (95% CI)", "Adjusted: rate ratio (95% CI)"]
    assert table.loc["Age", "Crude: rate ratio (95% CI)"] == "–"


def test_a_model_without_terms_shows_its_baseline(parity: Cohort) -> None:
    table = tables.factors(fit(parity, model="poisson", terms="1").estimates).droplevel(0)
    assert table.columns.tolist() == ["Contrast", "Rate (95% CI)", "p"]
    assert table.loc["intercept", "Contrast"] == "per person-week"


def test_small_p_values() -> None:
    assert [p_cell(p) for p in (0.0004, 0.0456, float("nan"))] == ["<0.001", "0.046", "–"]


def test_table_one_by_sex(cohort: Cohort) -> None:
    table = tables.table_one(who.characteristics(cohort, youngest=0)).droplevel(0)
    assert table.columns.tolist() == ["All", "Women", "Men"]
    share = (cohort.participants["sex"] == "female").sum()
    assert table.loc["Sex: female, n (%)", "All"] == f"{share} ({100 * share / 120:.1f})"


def test_broken_rules_and_none(cohort: Cohort) -> None:
    assert tables.rules(cohort).index.tolist() == ["No rule was broken"]


def test_reasons_that_differ_in_what_they_are_of_alone_are_one() -> None:
    needed = "no night has the other nights logged that are needed for"
    cells = {"status": "not_estimable", "analysis": "regression", "scale": "rate_ratio"}
    rows = [
        estimates.row(term=name, note=f"{needed} days_last({name}, 14)", **cells)
        for name in ("steps", "warm_up", "stretch_calf_min")
    ]
    for said in (tables.not_estimated(estimates.frame(rows), {}), tables.notes(estimates.frame(rows))):
        assert said.lower().count(needed) == 1 and said.count("nights of last 14") == 3


def test_what_could_not_be_estimated_shows_no_p_value() -> None:
    cells = {"cohort": "x", "scale": "rate_ratio", "ci_level": 0.95, "n_participants": 40, "n_exposed": 20}
    cells["population"] = "all participants"
    lag = {"analysis": kinds.DISTRIBUTED_LAG.name, "term": "contrast: fluid_ml", "unit": "500 mL/day below own mean"}
    made = {"status": "converged", "estimate": 1.2, "ci_low": 0.9, "ci_high": 1.6, "p_value": 0.211, "q_value": 0.333}
    lost = {"status": "not_estimable", "p_value": 0.592, "q_value": 0.479, "note": "beyond all numbers"}
    condition = {"analysis": kinds.CONDITION.name, "reference": "none", "term": "diuretic_class"}
    for table, shared, levels in (
        (tables.nightly_exposures, lag, ("lag 0", "lag 1")),
        (tables.conditions, condition, ("loop", "thiazide")),
        (tables.factors, condition, ("loop", "thiazide")),
    ):
        rows = [
            estimates.row(**cells, **shared, level=level, **of) for level, of in zip(levels, (made, lost), strict=True)
        ]
        shown = table(estimates.frame(rows))
        assert shown["p"].tolist() == ["0.211", "–"], table
        assert "q" not in shown or shown["q"].tolist() == ["0.333", "–"]


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (
            "448 nights left out, incomplete on the terms; covariance cluster-small; it lies beyond all numbers",
            "it lies",
        ),
        ("diary.csv: 5 cells blanked; covariance cluster; no night is complete", "no night is complete"),
        # The only thing that is said is the reason.
        ("448 nights left out, incomplete on the terms", "448 nights left out"),
    ],
)
def test_how_a_model_was_made_is_no_reason_where_there_is_one(note: str, told: str) -> None:
    cells = {"term": "fluid_ml", "analysis": kinds.REGRESSION.name, "scale": "rate_ratio", "note": note}
    said = tables.reasons(estimates.frame([estimates.row(status="not_estimable", **cells)]))
    assert told in said and "covariance" not in said and "cells blanked" not in said
    assert ("left out" in said) is told.startswith("448")


def test_a_remark_on_one_night_names_that_night() -> None:
    """What is said of the control alone is not said of all nights, and what all have is said of several nights."""
    levels = ["lag 0", "lag 1", "cumulative", "lead 1"]
    own = {"lead 1": "only 4 participants in whom it varies had an event"}
    rows = [
        estimates.row(
            cohort="one", population="all participants", outcome="cramps", analysis=kinds.DISTRIBUTED_LAG.name,
            model="poisson", term="contrast: alcohol_units", level=level, scale="rate_ratio", status="converged",
            estimate=1.1, ci_low=1.0, ci_high=1.2, ci_level=0.95, n_participants=40, n_events=50,
            note="; ".join(filter(None, [own.get(level), "all nights have it"])),
        )
        for level in levels
    ] + [
        estimates.row(
            cohort="one", population="all participants", outcome="cramps", analysis=kinds.WITHIN_BETWEEN.name,
            model="poisson", term="contrast: alcohol_units", level="between", scale="rate_ratio", status="converged",
            estimate=1.1, ci_low=1.0, ci_high=1.2, ci_level=0.95, n_participants=40, n_events=50,
        )
    ]  # fmt: skip
    said = tables.notes(estimates.frame(rows))
    assert "Alcohol (1 night before, control): only 4 participants" in said
    assert "Alcohol (over several nights): all nights have it" in said


def test_what_lies_beyond_is_said_once_of_all_rows_that_do() -> None:
    """So is whose degrees of freedom ratios within few participants have, which says itself what it is of."""
    own = "ratios within few participants have the degrees of freedom of their own numbers of cramps"
    far = {"alcohol_units": "9.65", "fluid_ml": "52", "stress_0_10": "3"}
    rows = [
        estimates.row(
            cohort="one", population="all participants", outcome="cramps", analysis=kinds.WITHIN_BETWEEN.name,
            model="poisson", term=f"contrast: {name}", level=level, scale="rate_ratio", status="converged",
            estimate=1.1, ci_low=1.0, ci_high=1.2, ci_level=0.95, n_participants=40, n_events=50,
            note=own if level == "within" else
            f"compared beyond the values observed, which lie {apart} apart at most{': no verdict' * (apart != '3')}",
        )
        for name, apart in far.items() for level in ("within", "between")
    ]  # fmt: skip
    said = tables.notes(estimates.frame(rows))
    assert said.count("own numbers of cramps") == 1 and "participants): ratios within" not in said
    many = "alcohol (between participants) 9.65, fluid intake (between participants) 52"
    assert f"without a verdict, as compared beyond the values observed, which lie apart at most: {many}" in said.lower()
