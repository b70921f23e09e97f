from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from crampstudy import estimates, tables, wording
from crampstudy.cohort.subpopulation import in_words
from crampstudy.display import _cell
from crampstudy.estimates import kinds
from crampstudy.report.block_parts.cells import as_text
from crampstudy.tables.opinions import _digits
from crampstudy.wording import marks


def row(status: estimates.Status = "converged", **cells: Any) -> dict[str, Any]:
    return estimates.row(status=status, **cells)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return estimates.frame(rows)


def test_a_noun_has_its_article() -> None:
    names = ("odds ratio", "rate ratio", "adjusted rate ratio")
    assert [wording.with_article(name) for name in names] == [
        "an odds ratio",
        "a rate ratio",
        "an adjusted rate ratio",
    ]


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"estimate": 0.914, "ci_low": 0.8, "ci_high": 1.034}, "0.91 (0.80–1.03)"),
        ({"estimate": 1234.5, "ci_low": 1000, "ci_high": 2000}, "1,234.50 (1,000.00–2,000.00)"),
        # Of such limits decimals say nothing.
        ({"estimate": 39.74, "ci_low": 0.0, "ci_high": 67860.03}, "39.74 (0.00–67,860)"),
        # A ratio is never zero, and says nothing where it is beyond all bounds.
        ({"scale": "rate_ratio", "estimate": 39.74, "ci_low": 1e-5, "ci_high": 67860.03}, "39.74 (<0.01 to >1,000)"),
        ({"scale": "hazard_ratio", "estimate": 1825.4, "ci_low": 0.01, "ci_high": 5e8}, ">1,000 (0.01 to >1,000)"),
        ({"scale": "odds_ratio", "estimate": 0.0021, "ci_low": 0.0004, "ci_high": 1000.0}, "<0.01 (<0.01 to 1,000.00)"),
        ({"scale": "rate_ratio", "estimate": 0.002, "ci_low": 0.001, "ci_high": 0.004}, "0.002 (0.001–0.004)"),
        ({"estimate": 0.5}, "0.50"),
        ({"scale": "rate_ratio", "estimate": 2.6e8}, ">1,000"),
        ({"scale": "rate_ratio", "estimate": 1.8e-7}, "<0.01"),
        ({"status": "boundary", "estimate": 0.0, "ci_low": 0.0, "ci_high": 0.02}, "0.00 (0.00–0.02)"),
        # What rounds to zero has no sign, and limits that differ show it.
        ({"estimate": -0.001, "ci_low": -0.004, "ci_high": 0.3}, "0.00 (0.00–0.30)"),
        ({"estimate": -0.0001, "ci_low": -0.004, "ci_high": 0.004}, "0.000 (−0.004 to 0.004)"),
        ({"estimate": -0.4, "ci_low": -1.2, "ci_high": -0.001}, "−0.40 (−1.20 to 0.00)"),
        # A limit of what leaves out a ratio of 1, or a difference of 0, is not printed as if it did not.
        ({"scale": "rate_ratio", "estimate": 1.7422, "ci_low": 1.0010, "ci_high": 3.0323}, "1.742 (1.001–3.032)"),
        ({"scale": "odds_ratio", "estimate": 0.8, "ci_low": 0.6, "ci_high": 0.99996}, "0.80 (0.60–1.00)"),
        ({"scale": "odds_ratio", "estimate": 0.8, "ci_low": 0.6, "ci_high": 0.9997}, "0.8000 (0.6000–0.9997)"),
        ({"scale": "rate_ratio", "estimate": 1.2, "ci_low": 0.998, "ci_high": 1.4}, "1.20 (1.00–1.40)"),
        ({"scale": "difference", "estimate": -0.4, "ci_low": -1.2, "ci_high": -0.002}, "−0.400 (−1.200 to −0.002)"),
        ({"estimate": -0.0}, "0.00"),
        ({"status": "not_estimable"}, "could not estimate"),
        ({"status": "not_converged", "estimate": 1.0}, "could not estimate"),
        ({"status": "not_measured"}, "not measured"),
    ],
)
def test_estimate(cells: dict[str, Any], text: str) -> None:
    assert wording.estimate(row(**cells)) == text


def test_numbers_bear_the_mark_of_their_row_where_that_is_asked_for() -> None:
    made = row(term="age", scale="rate_ratio", estimate=0.914, ci_low=0.8, ci_high=1.034, n_nights=1204, p_value=0.0004)
    change = row(term="fall", scale="difference", estimate=-0.33, ci_low=-1.96, ci_high=1.3)
    plain = wording.estimate(made), wording.count_of(made, "n_nights"), wording.marked(made, "p < 0.001")
    assert plain == ("0.91 (0.80–1.03)", "1,204", "p < 0.001")
    own, other = marks.mark_of(made["key"]), marks.mark_of(change["key"])
    assert own != other
    with marks.asked():
        assert wording.estimate(made) == f"{own}0.91 ({own}0.80–{own}1.03)"
        assert wording.estimate(change) == f"{other}−0.33 ({other}−1.96 to {other}1.30)"
        assert wording.marked(made, "p <0.001 at 02:10") == f"p {own}<0.001 at {own}02:10"
        # What has a mark keeps it, and what is of no row has none.
        assert wording.marked(change, wording.estimate(made)) == wording.estimate(made)
        assert wording.estimate({**made, "key": None}) == plain[0]
        assert wording.counts(frame(made, change), "n_nights").tolist() == [f"{own}1,204", wording.DASH]
        # The words of a row are data.
        assert row(note=f"was {wording.estimate(made)}")["note"] == f"was {plain[0]}"
        assert marks.parted(f"RR {own}0.91 (0.80)") == ("RR 0.91 (0.80)", {3: own})
    assert wording.estimate(made) == plain[0]


def test_no_printer_of_numbers_writes_a_negative_zero() -> None:
    assert [wording.number(value, digits) for value, digits in ((-0.004, 2), (-0.4, 0), (-0.005001, 2), (-0.0, 3))] == [
        *("0.00", "0", "−0.01", "0.000"),
    ]
    assert as_text(-0.0) == "0" and _cell(-0.0) == "0" and _digits(-0.0) == "0"
    assert _cell(-0.00001234) == "−1.234e−05" and _digits(-2.5) == "−2.5"


@pytest.mark.parametrize(
    ("name", "printed"),
    [("stretch", "stretching"), ("other", "another remedy"), ("none", "no remedy"), ("cold", "cold")],
)
def test_remedies_read_inside_a_text(name: str, printed: str) -> None:
    assert wording.remedy(name) == printed


def test_agents_read_inside_a_text() -> None:
    assert [wording.agent(name) for name in ("other", "tens", "quinine")] == ["another agent", "TENS", "quinine"]


def test_per_cent_and_minus() -> None:
    assert wording.estimate(row(estimate=0.1234, ci_low=0.1, ci_high=0.15), 1, 100) == "12.3 (10.0–15.0)"
    assert wording.number(-1.5) == "−1.50"
    assert wording.count(pd.NA) == "–" and wording.count(5268) == "5,268"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("age_decade", "Age"),
        ("serum_potassium_mmol_l", "Serum potassium"),
        ("age_decade:sex", "Age × sex"),
        ("C(sex, contr.treatment('female'))", "Sex"),
        ("own_column", "own column"),
    ],
)
def test_term(name: str, text: str) -> None:
    assert wording.term(name) == text


@pytest.mark.parametrize(
    ("text", "printed"), [("20-39", "20–39"), ("80+", "80+"), ("true", "yes"), ("not_done", "not done"), ("<20", "<20")]
)
def test_level(text: str, printed: str) -> None:
    assert wording.level(text) == printed


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"level": "female", "reference": "male"}, "female against male"),
        ({"level": "40-49", "reference": "20-39"}, "40–49 against 20–39"),
        ({"level": "female:true"}, "female × yes"),
        ({"unit": "per 10 years"}, "per 10 years"),
        ({"unit": "per 1 years"}, "per 1 year"),
        ({"unit": "per 1 units/day"}, "per 1 unit/day"),
        ({"unit": "per 30 min/day"}, "per 30 min/day"),
        ({"unit": "per 1 mmol/L"}, "per 1 mmol/L"),
        ({}, ""),
    ],
)
def test_contrast(cells: dict[str, Any], text: str) -> None:
    assert wording.contrast(frame(row(**cells)).iloc[0]) == text


def test_condition() -> None:
    assert wording.condition("age_years >= 20 AND sex = 'female'") == "Age ≥ 20 and Sex = female"
    # A text of nothing or of blanks alone is seen by its quotes.
    assert wording.condition("sport != '' AND sex = 'female'", inside=True) == "sport ≠ “” and sex = female"
    assert wording.condition("sport <> ' '", inside=True) == "sport ≠ “ ”"
    assert in_words.whom("sport = ' '") == "with sport “ ”"
    assert wording.term("I(sport == '')") == "sport = “”"


def test_notes_speak_of_shown_rows_only_and_without_column_names() -> None:
    rows = frame(
        row(term="sex", note="weighted by weight_exam; 5,268 nights left out, incomplete on the terms"),
        row(term="age_decade", note="5,268 nights left out, incomplete on the terms"),
        row("not_measured", term="grip_strength_kg", note="not measured in this cohort"),
        row(term="dispersion", note="interval from the likelihood"),
    )
    assert tables.notes(rows) == (
        "Sex: weighted by examination weight; 5,268 nights left out, incomplete on the terms."
    )


def test_notes_say_what_could_not_be_estimated() -> None:
    reason = "no cramp where leg_ultrasound = not_done: no finite ratio exists"
    rows = frame(
        row("not_estimable", term="leg_ultrasound", level="not_done", note=reason),
        row("not_estimable", term="sex", note=reason),
    )
    assert tables.notes(rows) == (
        "Could not estimate: no cramp with leg ultrasound of flow: not done: no finite ratio exists."
    )


def test_notes_of_several_models_are_said_once() -> None:
    one = frame(row(term="sex", note="weight weight_interview"))
    assert tables.notes(one, one) == "Weighted by interview weight."
    assert tables.notes(frame(row(term="sex"))) == ""


def test_each_remark_is_said_once_and_names_its_rows() -> None:
    few, none = "fewer than 10 participants", "fewer than 5 participants, so no interval"
    bands = {"20-39": few, "40-49": none, "50-59": None, "60-69": few, "70+": "no cramp, so no interval; no cramp"}
    rates = frame(
        *(
            row(term="age_band", level=band, scale="rate", analysis=of, note=note)
            for of in ("incidence rate", "mean of person rates")
            for band, note in bands.items()
        )
    )
    assert tables.notes(rates) == (
        "20–39, 60–69: fewer than 10 participants; 40–49: fewer than 5 participants, so no interval; "
        "70+: no cramp, so no interval."
    )
    lacking = "participants left out, incomplete on the terms"
    factors = frame(
        row(term="serum_potassium_mmol_l", note=f"650 {lacking}; weight weight_exam"),
        row(term="contrast: serum_potassium_mmol_l", level="3.5", note=f"650 {lacking}; weight weight_exam"),
        row(term="diabetes", level="true", note=f"6 {lacking}; weight weight_interview"),
    )
    assert tables.notes(factors) == (
        "Participants left out, incomplete on the terms: 650 (Serum potassium), 6 (Diabetes); "
        "Serum potassium: weighted by examination weight; Diabetes: weighted by interview weight."
    )


@pytest.mark.parametrize(
    ("having", "lacking", "said"),
    [
        (["female", "male"], ["all"], "Female, male: fewer than 10 participants."),
        (["female", "male", "all"], [], "Every row: fewer than 10 participants."),
        (["all"], [], "All: fewer than 10 participants."),
        (["20-39", "40-49", "50-59", "60-69"], ["all"], "Every row but all: fewer than 10 participants."),
    ],
)
def test_that_there_are_few_people_names_the_rows(having: list[str], lacking: list[str], said: str) -> None:
    cells = {"term": "sex", "scale": "rate", "analysis": "incidence rate"}
    few = (row(level=level, note="fewer than 10 participants", **cells) for level in having)
    rates = frame(*few, *(row(level=level, **cells) for level in lacking))
    assert tables.notes(rates) == said


def test_every_row_is_every_row_of_its_name() -> None:
    few = "fewer than 5 participants of a kind"
    of = {"scale": "prevalence", "analysis": kinds.PREVALENCE.name}
    none = [row("not_estimable", term=term, level="yes", population=term, note=few, **of) for term in ("A", "B")]
    some = [row(term=term, level="no", population=term, **of) for term in ("A", "B")]
    assert tables.notes(frame(*none)) == f"Could not estimate: every row: {few}."
    assert tables.notes(frame(*none, *some)) == f"Could not estimate: {few}."
    of = {"analysis": kinds.TEST_RESULT.name}
    there = row("not_estimable", term="blood tests", level="without", note=few, **of)
    rows = frame(there, row(term="blood tests", level="with a flag that suggests it", **of))
    assert tables.notes(rows) == f"Could not estimate: Blood tests (without): {few}."


def test_what_compares_nothing_is_not_named_in_a_remark() -> None:
    rows = frame(
        row(term="age_decade", note="covariance cluster"),
        row(term="zero: intercept", scale="odds", note="no more zeros than the counts bring along"),
    )
    assert tables.notes(rows) == "Cluster-robust intervals; no more zeros than the counts bring along."


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("no rate in the band 20-39", "no rate in the band 20–39"),
        ("0.8-1.25 or 1,200-1,400.", "0.8–1.25 or 1,200–1,400."),
        ("on 2024-10-18 of P-1-2 in diary-1-2.csv", "on 2024-10-18 of P-1-2 in diary-1-2.csv"),
        ("data 2019-2020.csv, 1e-8 apart", "data 2019-2020.csv, 1e-8 apart"),
    ],
)
def test_ranges_have_an_en_dash_and_names_keep_their_hyphens(text: str, printed: str) -> None:
    assert wording.ranges(text) == printed
    assert wording.sentences([text]) == f"{printed[:1].upper()}{printed[1:]}."


def test_a_file_is_no_column() -> None:
    rows = frame(row(term="sex", note="DEMO_D.csv.xz + my/DEMO_E.csv: 5 cells blanked"))
    assert tables.notes(rows) == "DEMO_D.csv.xz + my/DEMO_E.csv: 5 cells blanked."


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("log(`a:b`)", "a:b (log)"),
        ("`a:b`:sex", "a:b × sex"),
        ("C(smoking, ref='a:b'):sex", "Smoking × sex"),
        ("C(`shoe size`, ref='40')", "shoe size"),
    ],
)
def test_columns_in_backticks_are_printed_by_their_names(name: str, printed: str) -> None:
    assert wording.term(name) == printed


@pytest.mark.parametrize(
    ("number", "words", "printed"),
    [
        (1, ("participants",), "1 participant"),
        (0, ("participants",), "0 participants"),
        (1204, ("observed nights",), "1,204 observed nights"),
        (1, ("observed nights",), "1 observed night"),
        (1, ("cells", "hold"), "1 cell holds"),
        (2, ("cells", "hold"), "2 cells hold"),
        (1, ("rows", "have"), "1 row has"),
        (1, ("people", "are"), "1 person is"),
        (1, ("strata",), "1 stratum"),
    ],
)
def test_one_is_counted_in_the_singular(number: int, words: tuple[str, ...], printed: str) -> None:
    assert wording.counted(number, *words) == printed


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("within(exercise_min)", "Exercise, within participants"),
        ("between(`shoe size`)", "shoe size, between participants"),
        ("within(`a:b`):sex", "a:b (within participants) × sex"),
    ],
)
def test_parts_of_an_exposure_are_printed(name: str, printed: str) -> None:
    assert wording.term(name) == printed


def test_remarks_that_differ_in_their_count_alone_are_one() -> None:
    notes = pd.Series(
        ["154 nights left out, incomplete; one", "1,385 nights left out, incomplete", "no count", "160 cramps"]
    )
    rows = pd.DataFrame({"note": notes, "term": "x", "scale": "rate_ratio", "status": "converged", "verdict": None})
    rows = rows.assign(analysis="regression", population="all", level=None, ci_level=0.95, facts=None)
    assert tables.notes(rows) == "154 to 1,385 nights left out, incomplete; one; no count; 160 cramps."


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("poisson", "Poisson"),
        ("mixed-poisson", "Mixed Poisson"),
        ("negative-binomial", "Negative binomial"),
        ("zero-inflated-negative-binomial", "Zero-inflated negative binomial"),
        ("hurdle-negative-binomial", "Hurdle negative binomial"),
        ("gee-exchangeable", "GEE, exchangeable"),
        ("gee-ar1", "GEE, AR(1)"),
        ("survey-poisson", "Survey Poisson"),
        ("cox", "Cox"),
    ],
)
def test_models_are_printed_as_their_field_writes_them(name: str, printed: str) -> None:
    assert wording.model(name) == printed


def test_a_sentence_begins_with_the_name_of_a_file_as_it_is() -> None:
    assert wording.sentences(["clinic24.csv: not used", "of it 3 rows"]) == "clinic24.csv: not used. Of it 3 rows."


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("site_id = 'SITE_01'", "site id = SITE_01"),
        ("age_years >= 50 AND diabetes = false", "Age ≥ 50 and Diabetes = no"),
        ("NOT diabetes OR neuropathy = TRUE", "not Diabetes or Neuropathy = yes"),
        ("centre_name = 'SITE_01'", "centre name = SITE_01"),
        ("age_years >= 20 AND centre_name = 'O''Neill_2 >= x'", "Age ≥ 20 and centre name = O'Neill_2 >= x"),
        ("education = 'some_college'", "Education = some college"),
        ("age_years >= 20 AND site_id IN ('SITE_01', 'A & B_x')", "Age ≥ 20 and site id IN (SITE_01, A & B_x)"),
        ("name <> 'O''Neil AND_x'", "name ≠ O'Neil AND_x"),
        ("education = 'some_college' OR `bad night` = true", "Education = some college or bad night = true"),
    ],
)
def test_levels_of_the_data_are_printed_as_they_are(where: str, said: str) -> None:
    assert wording.condition(where) == said


def test_only_the_levels_of_the_codebook_are_reworded() -> None:
    told = {"SITE_01": "SITE_01", "SITE 01": "SITE 01", "_it_": "_it_", "some_college": "some college"}
    told |= {"A & B #1 <x> _it_": "A & B #1 <x> _it_", "20-39": "20–39", "2.0": "2"}
    assert {text: wording.level(text) for text in told} == told
