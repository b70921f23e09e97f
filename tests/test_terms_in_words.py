"""Interactions, splines and what formulas make of variables read well wherever they are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crampstudy import estimates, tables, wording
from crampstudy.cohort import Cohort
from crampstudy.estimates.sentences import sentence
from crampstudy.models import fit
from crampstudy.models.classes import ordinal_rows
from crampstudy.models.coefficients.contrast_units import unit_of
from crampstudy.models.terms.factors import Column
from crampstudy.sources import open_cohort
from crampstudy.tables.reworded import reworded

DIARY = str(Path(__file__).parent / "parity" / "diary")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return open_cohort(DIARY)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("sex:age_decade", "Sex × age"),
        ("sex:age_decade:diabetes", "Sex × age × diabetes"),
        ("zero: sex:age_decade", "Zeros: Sex × age"),
        ("C(sex, ref='female'):age_decade", "Sex × age"),
        # Abbreviations and names keep their letters.
        ("sex:hba1c_mmol_mol", "Sex × HbA1c"),
        ("sex:crp_mg_l", "Sex × C-reactive protein"),
        ("sex:tsh_miu_l", "Sex × thyrotropin (TSH)"),
        ("sex:vitamin_b12_pmol_l", "Sex × vitamin B12"),
        ("sex:flexibility_beighton", "Sex × Beighton flexibility score"),
        ("sex:bmi_kg_m2", "Sex × body-mass index"),
        ("own_thing:sex", "own thing × sex"),
        # Splines and polynomials.
        ("ns(age_years, df=3)", "Age (spline, 3 df)"),
        ("ns(age_years, 3)", "Age (spline, 3 df)"),
        ("ns(age_years, knots=[40, 60])", "Age (spline)"),
        ("ns(age_years, df=3, ref=60)", "Age (spline, 3 df)"),
        ("ns(age_years, df=3):sex", "Age (spline, 3 df) × sex"),
        ("bs(age_years, df=4)", "Age (B-spline, 4 df)"),
        ("bs(age_years, df=4, degree=2)", "Age (B-spline, 4 df)"),
        ("cr(age_years, df=4)", "Age (cubic spline, 4 df)"),
        ("poly(age_years, 2)", "Age (polynomial of degree 2)"),
        ("poly(age_years, degree=3, raw=True)", "Age (polynomial of degree 3)"),
        ("poly(age_years)", "Age (polynomial of degree 1)"),
        # Functions and arithmetic.
        ("log(bmi_kg_m2)", "Body-mass index (log)"),
        ("np.log2(crp_mg_l)", "C-reactive protein (log2)"),
        ("log10(crp_mg_l):sex", "C-reactive protein (log10) × sex"),
        ("log1p(steps)", "Steps (log of 1 and it)"),
        ("sqrt(steps)", "Steps (square root)"),
        ("scale(steps)", "Steps (standardised)"),
        ("center(steps)", "Steps (centred)"),
        ("log(`shoe size`)", "shoe size (log)"),
        ("I(age_years / 10)", "Age"),
        ("I(steps * 2)", "Steps"),
        ("I(`shoe size` / 10)", "shoe size"),
        ("I(within(exercise_min) / 30)", "Exercise, within participants"),
        ("I(age_years ** 2)", "Age²"),
        ("I(age_years - 60)", "Age − 60"),
        ("I(age_years >= 60)", "Age ≥ 60"),
        ("I(age_years >= 60):sex", "Age ≥ 60 × sex"),
        ("I(smoking == 'current')", "Smoking = current"),
        ('I(smoking != "never")', "Smoking ≠ never"),
        ("I(sitting_min / sitting_breaks)", "Sitting / breaks from sitting"),
        ("log(I(steps / 1000))", "Steps (log)"),
        # Nightly exposures.
        ("within(exercise_min):sex", "Exercise (within participants) × sex"),
        ("sex:between(exercise_min)", "Sex × exercise (between participants)"),
    ],
)
def test_terms_in_words(name: str, printed: str) -> None:
    assert wording.term(name) == printed


@pytest.mark.parametrize(
    ("column", "multiple", "unit"),
    [
        (Column("age_decade"), 1.0, "per 10 years"),
        (Column("age_decade"), 2.0, "per 20 years"),
        (Column("I(age_years / 5)"), 1.0, "per 5 years"),
        (Column("I(age_years / 5)"), 2.0, "per 10 years"),
        (Column("I(steps * 2)"), 1.0, "per 0.5 steps/day"),
        (Column("I(within(exercise_min) / 30)"), 1.0, "per 30 min/day"),
        (Column("log(bmi_kg_m2)"), 1.0, "per 2.72-fold rise"),
        (Column("log2(crp_mg_l)"), 1.0, "per doubling"),
        (Column("np.log10(crp_mg_l)"), 1.0, "per 10-fold rise"),
        (Column("log2(crp_mg_l)"), 2.0, "per 4-fold rise"),
        (Column("scale(steps)"), 1.0, "per 1 SD"),
        (Column("center(steps)"), 1.0, "per 1 steps/day"),
        (Column("I(age_years >= 60)"), 1.0, "yes against no"),
        (Column("I(age_years ** 2)"), 1.0, "per 1"),
        (Column("I(age_years / 0)"), 1.0, "per 1"),
        (Column("within(warm_up)"), 1.0, "yes against no"),
        (Column("sex", "female", "male"), 1.0, "against male"),
        (
            Column("sex:age_decade", "female", "male", (("sex", "female", "male"), ("age_decade", None, None))),
            *(2.0, "per 20 years, female against male"),
        ),
        (
            Column("sex:smoking", "female:current", None, (("sex", "female", "male"), ("smoking", "current", "never"))),
            *(1.0, "female against male, current against never"),
        ),
        (
            Column("a:b", None, None, (("age_decade", None, None), ("bmi_kg_m2", None, None))),
            *(1.0, "per 10 years and per 1 kg/m²"),
        ),
        (
            Column("poly(x, 2):sex", "1:true", None, (("poly(x, 2)", "1", None), ("diabetes", "true", "false"))),
            *(1.0, "degree 1, yes against no"),
        ),
    ],
)
def test_what_a_coefficient_is_per(column: Column, multiple: float, unit: str) -> None:
    assert unit_of(column, multiple) == unit


def test_a_slope_that_differs_between_classes_says_at_which() -> None:
    interaction = Column("sex:age_decade", "female", "male", (("sex", "female", "male"), ("age_decade", None, None)))
    at = ordinal_rows._at(interaction, "above mild")
    assert at.level == "female, above mild" and unit_of(at, 1.0) == "per 10 years, female against male, above mild"
    row = {"term": at.term, "level": at.level, "reference": at.reference, "unit": unit_of(at, 1.0)}
    assert wording.contrast(row) == "per 10 years, female against male, above mild"
    alone = ordinal_rows._at(Column("sex", "female", "male"), "above mild")
    assert unit_of(alone, 1.0) == "against male" and alone.level == "female, above mild"


def lines(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return factor and contrast of each line of the table."""
    table = tables.factors(rows)
    return [(str(factor), str(contrast)) for (_, factor), contrast in table["Contrast"].items()]


@pytest.mark.parametrize(
    ("terms", "shown"),
    [
        (
            "sex * age_decade",
            [
                ("Sex", "female against male"),
                ("Age", "per 10 years"),
                ("Sex × age", "per 10 years, female against male"),
            ],
        ),
        # Without the number by itself there is a slope in each level.
        ("sex + sex:age_decade", [("Sex × age", "per 10 years, male"), ("Sex × age", "per 10 years, female")]),
        ("sex * diabetes", [("Sex × diabetes", "female against male, yes against no")]),
        ("age_decade * serum_potassium_mmol_l", [("Age × serum potassium", "per 10 years and per 1 mmol/L")]),
        (
            "sex * age_decade * diabetes",
            [("Sex × age × diabetes", "per 10 years, female against male, yes against no")],
        ),
        ("poly(age_years, 2)", [("Age (polynomial of degree 2)", f"degree {degree}") for degree in (1, 2)]),
        ("log(serum_potassium_mmol_l)", [("Serum potassium (log)", "per 2.72-fold rise")]),
        ("I(age_years / 10)", [("Age", "per 10 years")]),
        (
            "ns(age_years, df=3, ref=60, at=[50, 70])",
            [("Age (spline, 3 df)", "50 against 60 years"), ("Age (spline, 3 df)", "70 against 60 years")],
        ),
        (
            "within(alcohol_units) * sex",
            [("Alcohol (within participants) × sex", "per 1 unit/day, female against male")],
        ),
    ],
)
def test_tables_and_sentences_say_it_in_the_same_words(diary: Cohort, terms: str, shown: list[tuple[str, str]]) -> None:
    rows = fit(diary, model="poisson", terms=terms).estimates
    assert {*shown} <= {*lines(rows)}
    said = {sentence(row).partition(": ")[0] for row in wording.records(rows)}
    assert {f"{factor}, {contrast}" for factor, contrast in shown} <= said


def test_of_a_joint_test_the_statistic_is_named(diary: Cohort) -> None:
    rows = fit(diary, model="poisson", terms="ns(age_years, df=3) * sex").estimates
    table = tables.factors(rows).droplevel(0)
    tested = table[table["Contrast"].str.startswith("joint test, F on 3 and ")]
    assert tested.index.to_list() == ["Age (spline, 3 df)", "Age (spline, 3 df) × sex"]
    statistics = rows[rows["scale"] == "wald_test"]["estimate"]
    assert tested["Rate ratio (95% CI)"].to_list() == [f"F = {number:.2f}" for number in statistics]


def test_an_interaction_keeps_its_key_and_its_levels(diary: Cohort) -> None:
    rows = fit(diary, model="poisson", terms="sex * age_decade").estimates
    (row,) = rows[rows["term"] == "sex:age_decade"].to_dict("records")
    assert (row["level"], row["reference"], row["unit"]) == ("female", "male", "per 10 years, female against male")
    assert row["key"] == estimates.key(row)


def test_a_zero_part_says_the_same(diary: Cohort) -> None:
    rows = fit(diary, model="hurdle-negative-binomial", terms="sex", zero_terms="sex * age_decade").estimates
    assert ("Zeros: Sex × age", "per 10 years, female against male (odds ratio)") in lines(rows)


def test_of_numbers_the_difference_has_its_unit_in_the_heading(diary: Cohort) -> None:
    rows = fit(diary, model="linear", outcome="hours_in_bed", terms="sex * age_decade").estimates
    (unit,) = rows[rows["term"] == "sex:age_decade"]["unit"]
    assert unit == "h, per 10 years, female against male"
    assert ("Sex × age", "per 10 years, female against male") in lines(rows)


def test_a_note_has_no_formula_of_a_label(diary: Cohort) -> None:
    rows = fit(diary, model="poisson", terms="age_years + I(age_years / 10) + I(age_years ** 2) + sex").estimates
    assert "I(" not in tables.notes(rows) and "follows from the terms before it" in tables.notes(rows)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "one participant alone has laba = true: a ratio would rest",
            "one participant alone has long-acting beta agonist",
        ),
        ("one participant alone has diabetes = false: a", "one participant alone does not have diabetes: a"),
        ("alone has pregnancy_trimester = third: a", "alone has pregnancy trimester: third: a"),
        ("too few to take between(sitting_min) as well", "to take sitting, between participants as well"),
        (
            "one participant alone has another within(exercise_min) than 0: a ratio would rest on that one",
            "exercise differs between the nights of one participant alone: a ratio would rest on that one",
        ),
        (
            "one participant alone has another between(`shoe size`) than 2.5: a ratio",
            "one participant alone has a value of shoe size, between participants, other than 2.5: a ratio",
        ),
        ("one participant alone has another pain than 0", "one participant alone has a value of pain other than 0"),
    ],
)
def test_names_of_columns_are_words_in_reasons(note: str, said: str) -> None:
    assert said in reworded(note)


def test_a_remark_on_some_levels_of_a_term_names_them() -> None:
    of = {"term": "diuretic_class", "reference": "none", "analysis": estimates.kinds.CONDITION_BY_AGE.name}
    why = "no ratio by age, as there is none at all ages"
    failed = of | {"status": "not_estimable", "note": why}
    none = [estimates.row(**failed | {"level": level}) for level in ("loop", "potassium_sparing")]
    made = estimates.row(**of, status="converged", level="thiazide")
    said = f"Diuretic (loop and potassium sparing): {why}"
    assert tables.reasons(estimates.frame([none[0], made, none[1]])) == said
    assert tables.reasons(estimates.frame([none[0], made, none[1]]), inside=True) == f"d{said[1:]}"
    also = estimates.row(**failed | {"term": "statin", "level": "true"})
    assert tables.reasons(estimates.frame([*none, also])) == why
    # What is on the joint test as well is still on these alone.
    test = estimates.row(**failed, scale="wald_test")
    assert tables.reasons(estimates.frame([test, none[0], made])) == f"Diuretic (loop): {why}"


def test_rows_are_named_inside_a_sentence_as_sentences_do() -> None:
    few, none = "fewer than 5 participants have a value", "no cramp on any of the nights"
    names = ("serum_magnesium_mmol_l", "serum_sodium_mmol_l", "hba1c_mmol_mol", "vitamin_b12_pmol_l", "sex")
    rows = [estimates.row(status="not_estimable", term=name, note=few) for name in names[:3]]
    rows.append(estimates.row(status="not_estimable", term="sex", note="sex does not vary"))
    said = tables.reasons(estimates.frame(rows), inside=True)
    assert said.startswith(f"serum magnesium, serum sodium, HbA1c: {few}; ")
    assert tables.why_none(estimates.frame(rows)) == said
    assert tables.reasons(estimates.frame(rows)).startswith("Serum magnesium, Serum sodium, HbA1c: ")
    most = [estimates.row(status="not_estimable", term=name, note=none) for name in names[:-1]]
    every = estimates.frame([*most, rows[-1]])
    assert tables.reasons(every, inside=True).startswith(f"all but sex: {none}; ")
    assert tables.reasons(every).startswith(f"every row but Sex: {none}; ")
    # A group is called as it is called.
    sites = [
        estimates.row(
            status="not_estimable", analysis="incidence rate", term="site", level=site, scale="rate", note=few
        )
        for site in ("North", "South")
    ]
    made = estimates.row(status="converged", analysis="incidence rate", term="site", level="East", scale="rate")
    assert tables.reasons(estimates.frame([*sites, made]), inside=True) == f"North, South: {few}"


def test_a_name_keeps_its_capital_inside_a_sentence() -> None:
    assert wording.small("European standard population 2013") == "European standard population 2013"
    assert (wording.small("Beighton flexibility score"), wording.small("Bands of 10 years")) == (
        "Beighton flexibility score",
        "bands of 10 years",
    )
