"""What sections say of one survey together: one scale an outcome, one answer a question, and each outcome named."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from drawn_figures import drawn

from crampstudy import analyses, fit, tables, wording
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.comparison import compare_cohorts
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import together
from crampstudy.analyses.others import Others
from crampstudy.analyses.overview.headlines import headlines
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.descriptive.characteristics import completeness
from crampstudy.descriptive.flow import flow
from crampstudy.descriptive.prevalence import prevalence_account
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text
from crampstudy.figures import FIGURES
from crampstudy.nights import of_cohort
from crampstudy.simulate import simulate

SECTIONS = ("age-and-muscle", "sleep", "nutrition", "hydration", "activity", "conditions", "season")


def survey(n: int = 1600) -> Cohort:
    """People, a few too young to be asked; joints, mood and little sleep go with cramps, the rest does not."""
    rng = np.random.default_rng(8)
    age = rng.integers(12, 86, n).astype(float)
    mood = rng.binomial(27, 0.2, n)
    hours = np.clip(np.round(8 - 0.15 * mood + rng.normal(0, 1.2, n)), 3, 12)
    arthritis = rng.random(n) < age / 150
    chance = np.clip(0.25 * np.exp(0.1 * (mood - 5) - 0.15 * (hours - 7) + 0.4 * arthritis), 0, 0.95)
    lows = np.where(rng.random(n) < chance, rng.choice([1, 2, 5, 16], n), 0)
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": age,
            "sex": rng.choice(["male", "female"], n),
            "usual_sleep_hours": hours,
            "phq9_0_27": mood,
            "arthritis": arthritis,
            "diabetes": rng.random(n) < 0.15,
            "usual_sitting_min": rng.choice([120.0, 240.0, 300.0, 480.0, 600.0, 720.0], n),
            "vigorous_activity": rng.random(n) < 0.3,
            "moderate_activity": rng.random(n) < 0.4,
            "vitamin_d_nmol_l": rng.normal(65, 20, n).clip(15),
            "serum_potassium_mmol_l": rng.normal(4, 0.3, n),
            "recall_dietary_magnesium_mg": rng.gamma(6, 50, n),
            "recall_water_ml": rng.gamma(3, 350, n),
            "recall_alcohol_g": np.where(rng.random(n) < 0.4, rng.gamma(2, 12, n), 0.0),
            "exam_season": rng.choice(["november_april", "may_october"], n),
            **{f"weight_{name}": rng.gamma(3, 1000, n) for name in ("interview", "exam", "diet1")},
            "stratum": np.repeat(np.arange(n // 40), 40),
            "psu": np.tile(np.repeat([1, 2], 20), n // 40),
            "recalled_low": lows,
        }
    ).with_columns(recalled_low=pl.when(pl.col("age_years") >= 16).then("recalled_low"))
    weights = {"interview": "weight_interview", "exam": "weight_exam", "diet1": "weight_diet1"}
    design = SurveyDesign(("D",), weights, top_coded_age=None)
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


@pytest.fixture(scope="module")
def found() -> Others:
    cohort = survey()
    return {name: analyses.run(name, cohort) for name in SECTIONS}


def judged(found: Others) -> pd.DataFrame:
    """The rows that a verdict stands on."""
    rows = together(section.estimates for section in found.values())
    return rows[rows["verdict"].notna() & rows["estimate"].notna() & rows["scale"].str.endswith("_ratio")]


def test_each_outcome_is_judged_on_one_scale(found: Others) -> None:
    # Of sleep there are odds ratios beside, of another model, which its note says.
    first = judged(found)
    first = first[first["model"] != "survey-logistic"]
    assert {"any_cramp", "moderate_severe_vs_none"} <= set(first["outcome"])
    assert set(first["scale"]) == {"prevalence_ratio"}
    beside = judged(found)[judged(found)["model"] == "survey-logistic"]
    assert set(beside["analysis"]) <= {"usual sleep and depression"}


def test_a_question_has_one_answer_in_every_section(found: Others) -> None:
    rows = judged(found)
    rows = rows[rows["analysis"].isin([kinds.MUSCLE.name, kinds.GRAPH_ADJUSTED.name, kinds.CONDITION.name])]
    asked = rows.groupby(["term", "level", "outcome"], dropna=False)
    twice = asked["analysis"].transform("size") > 1
    assert set(rows.loc[twice, "term"]) == {"arthritis", "contrast: usual_sitting_min"}
    for _, same in asked:
        assert same["verdict"].nunique() == 1 and same[["estimate", "ci_low", "ci_high"]].round(9).nunique().eq(1).all()


def test_where_outcomes_stand_together_each_is_named(found: Others) -> None:
    summary = analyses.run("summary", survey(), others=found)
    drawing = summary.figures["fig-summary"]
    assert {"any_cramp", "moderate_severe_vs_none"} <= set(drawing.estimates["outcome"])
    texts = drawn(FIGURES["headlines"](drawing.estimates))
    assert {"25-hydroxyvitamin D, moderate-severe", "Any arthritis, any cramp"} <= set(texts)
    assert "Prevalence ratio (95% CI), log scale" in texts
    assert "Moderate-severe: five or more cramps in the past month, against none." in str(drawing.note)
    said = summary.values["summary"]
    assert re.search(r"any arthritis \(prevalence ratio of any cramp \d", said)
    assert re.search(r"vitamin D \(40 against 75 nmol/L: (prevalence ratio of )?moderate-severe cramps", said)
    ledger = tables.claims(analyses.run("claims", survey(), others=found).estimates)
    assert "A ratio is of any cramp, that of C17, C25 and C27 of moderate-severe cramps. Moderate-s" in ledger.notes[0]
    # Of one outcome it is named once.
    alone = {name: section for name, section in found.items() if name == "nutrition"}
    assert "Moderate-severe: five" not in str(
        analyses.run("summary", survey(), others=alone).figures["fig-summary"].note
    )


def test_the_summary_tells_the_contrast_that_the_section_answers_with(found: Others) -> None:
    (row,) = (row for row in wording.records(headlines(found)) if row["term"] == "contrast: usual_sleep_hours")
    assert row["outcome"] == "moderate_severe_vs_none"
    assert f"prevalence ratio {in_text(row)}" in found["sleep"].values["answer"]


def test_parts_of_the_section_on_nutrition_name_their_outcome(found: Others) -> None:
    section = found["nutrition"]
    assert section.values["answer"].endswith(
        "The numbers are prevalence ratios of moderate-severe cramps, against none."
    )
    for part in (section.tables["tbl-nutrition"], *section.figures.values()):
        assert "revalence ratios of moderate-severe cramps" in part.caption
    for name in ("hydration", "activity"):
        assert found[name].values["answer"].count("(prevalence ratio of any cramp ") == 1
    assert "(any cramp): each ratio of a model" in found["age-and-muscle"].tables["tbl-muscle"].caption
    assert "ratio of age (any cramp) without" in found["age-and-muscle"].tables["tbl-age-ratios"].caption


def test_those_too_young_to_be_asked_are_told_apart_from_those_who_did_not_answer() -> None:
    cohort = survey()
    people = cohort.frame("participants")
    young = int((people["age_years"] < 16).sum())
    silent = pl.col("participant_id").is_in(people.filter(pl.col("age_years") > 40)["participant_id"].head(3).to_list())
    people = people.with_columns(recalled_low=pl.when(~silent).then("recalled_low"))
    asked = replace(cohort, tables={"participants": people})
    rows = flow(asked).set_index("level")
    assert rows["estimate"].tolist()[1:4] == [people.height, people.height - young, people.height - young - 3]
    assert rows.loc["asked", "note"] == f"{young} not asked (younger than 16)"
    assert rows.loc["answered", "note"] == "3 without a recalled frequency"
    table = tables.data_quality(flow(asked), completeness(asked, AgeBands((20, 50))), asked, 20)["Number"]
    share = 100 * (1 - 3 / (people.height - young))
    assert table["Participants answered"] == f"{people.height - young - 3:,} ({share:.1f}% of those asked)"
    assert any(re.fullmatch(r"Answered, of [\d,]+ participants aged 20 and older", what) for what in table.index)
    for account in (of_cohort(asked), prevalence_account(asked)):
        told = dict(account.left_out)
        assert told["not asked, younger than 16"] == young and told["without a recalled class"] == 3
    # A few who are younger than all who answered may have been asked, and without ages nobody knows.
    old = replace(cohort, tables={"participants": people.filter(pl.col("age_years") >= 15).head(150)})
    unaged = replace(cohort, tables={"participants": people.with_columns(age_years=pl.lit(None, pl.Float64))})
    for other in (old, unaged):
        assert "asked" not in set(flow(other)["level"]) and len(dict(of_cohort(other).left_out)) == 1
    section = analyses.run("cohort", asked)
    n = int((people["age_years"] >= 20).sum())
    assert section.values["expected"] == f"{n:,} participants aged 20 and older"


def test_notes_and_captions_speak_of_what_a_table_has(found: Others) -> None:
    diary = simulate(20, 14, seed=3)
    nightly = {name: analyses.run(name, diary) for name in ("nutrition", "season")}
    for section in (*found.values(), *nightly.values()):
        for table in section.tables.values():
            if "Verdicts are read" in str(table.note):
                assert any("verdict" in str(heading).lower() for heading in table.frame.columns), table.caption
    season = str(found["season"].tables["tbl-season-examined"].note)
    assert (
        season.startswith("Prevalence ratios by design")
        and "five or more cramps in the past month, against fewer" in season
    )
    # No intake of a survey is of nights.
    of_nights = "of a nightly intake that of the participants' means"
    assert of_nights in str(nightly["nutrition"].tables["tbl-nutrition"].note)
    levels = str(found["nutrition"].tables["tbl-nutrition"].note)
    assert "SD: standard deviation." in levels and of_nights not in levels
    # Neither lean mass nor strength was measured.
    section = found["age-and-muscle"]
    assert section.tables["tbl-muscle"].caption.startswith("Joints and sitting (any cramp): each ratio")
    assert "the section on activity, whose ratio this is." in str(section.tables["tbl-muscle"].note)
    assert "without and with joints and sitting beside it" in section.tables["tbl-age-ratios"].caption
    assert "measured of joints and sitting beside" in section.figures["fig-age-ratios"].caption
    assert "with joints and sitting beside it does not show" in section.values["limits"]
    # What is said of the youngest names them, and the rest is of all.
    note = str(section.tables["tbl-frequency"].note)
    assert "Answers from age 16 on in <20; weighted by interview weight" in note and "<20: " not in note


def test_surveys_compared_are_told_for_what_they_are() -> None:
    one, two = (replace(survey(), name=name) for name in ("one", "two"))
    made = compare_cohorts((one, two), ComparisonSettings(age_bands=(20, 50), factors="main"))
    assert made.tables["tbl-completeness"].caption == "Completeness of each cohort, of 20 years and older."
    sensitivity = made.tables["tbl-sensitivity"]
    assert sensitivity.caption == "The standardised ratio and difference with other standards and other bands."
    assert not [line for line in sensitivity.frame.index if "logged" in str(line)]
    assert "logged" not in made.values["limits"] and "who answers, and how cramps were" in made.values["limits"]
    assert made.tables["tbl-factors"].caption.endswith("declared contrasts: ratios of any cramp.")
    adjusted = str(made.tables["tbl-adjustment-sets"].note)
    assert adjusted == "Not enough: were the graph right, a path of confounding would stay open."


def test_those_with_mild_cramps_are_not_said_to_have_no_answer(found: Others) -> None:
    people = survey().frame("participants").filter(pl.col("age_years") >= 20)
    mild = int(people["recalled_low"].is_in([1, 2]).sum())
    rows = judged(found)
    severe = rows[rows["outcome"] == "moderate_severe_vs_none"]
    assert mild and severe["note"].str.contains(f"{mild} participants left out, with mild cramps, in neither of").all()
    assert not rows["note"].str.contains("without an answer").any()
    assert not rows.loc[rows["outcome"] == "any_cramp", "note"].str.contains("in neither of").any()


def test_a_survey_without_a_weight_has_no_number_of_what_needs_it() -> None:
    whole = survey(800)
    assert whole.design is not None
    lacking = replace(whole, design=replace(whole.design, weights={"interview": "weight_interview"}))
    found = analyses.run("cohort", lacking)
    rows = kinds.CHARACTERISTICS.rows(found.estimates)
    examined = rows[rows["term"].eq("phq9_0_27") & rows["scale"].ne("missing")]
    assert set(examined["status"]) == {"not_estimable"} and examined["n_participants"].gt(0).all()
    assert examined["note"].str.startswith("the survey has no weight for its exam component").all()
    assert rows.loc[rows["estimand"].str.startswith("weighted") & rows["estimate"].notna(), "note"].notna().all()
    table = found.tables["tbl-characteristics"]
    why = "the survey has no weight for its exam component:"
    assert f"Without a number, as {why} serum potassium" in str(table.note)
    assert "25-hydroxyvitamin D and depression (PHQ-9)." in str(table.note)
    # An interview has its own weight.
    by_all = table.frame.iloc[:, 0].droplevel(0)
    assert by_all[[name for name in by_all.index if "PHQ-9" in name]].tolist() == [wording.DASH]
    assert wording.DASH not in by_all["Any arthritis, n (%)"]
    compared = compare_cohorts((whole, replace(lacking, name="other")), ComparisonSettings(age_bands=(20, 50)))
    note = str(compared.tables["tbl-characteristics"].note)
    assert f"Without a number of other, as {why} serum potassium" in note
    differences = kinds.STANDARDISED_DIFFERENCE.rows(compared.estimates)
    assert differences.loc[differences["term"].eq("phq9_0_27"), "estimate"].isna().all()


def test_readers_are_told_why_and_not_what_to_do_about_it() -> None:
    whole = survey(800)
    assert whole.design is not None
    lacking = replace(whole, design=replace(whole.design, weights={"interview": "weight_interview"}))
    found = analyses.run("sleep", lacking)
    why = "the survey has no weight for its exam component, which measured depression (PHQ-9)"
    # Usual sleep is of the interview, and what it is adjusted for is not.
    assert f"usual sleep: {why}; depression (PHQ-9): the survey has no" in found.values["answer"]
    for name in ("sleep", "age-and-muscle", "conditions", "nutrition"):
        made = analyses.run(name, lacking)
        told = [*made.values.values(), *(str(table.note) for table in made.tables.values())]
        assert not any("datapackage.json" in text for text in told)
    with pytest.raises(UsageError, match=r"exam component, which measured .*; name its column as .*\.exam in"):
        fit(lacking, model="survey-poisson", outcome="any_cramp", terms="age_decade + phq9_0_27")
    few = whole.frame("participants").filter(pl.col("stratum") < 4)
    slopes = analyses.run("conditions", replace(whole, tables={"participants": few}))
    told = [*slopes.values.values(), *(str(table.note) for table in slopes.tables.values())]
    assert any("slopes are too many" in text for text in told) and not any("at most" in text for text in told)
