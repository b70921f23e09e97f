"""Conditions: ratios at 50 and at 75 years by hand and against R, families of q, and what too few leave unsaid."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_conditions as recovery
from scipy import stats

from crampstudy import analyses, estimates, figures, tables
from crampstudy.analyses.sections.conditions import CONDITIONS
from crampstudy.analyses.sentences import conditions as sentences
from crampstudy.causal import adjustment_set, measured_in
from crampstudy.claims.ledger import ledger
from crampstudy.codebook import contrasts
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.age_term import age_term
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.contrasts.people.ratios_by_age import OLD, YOUNG
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import sentence
from crampstudy.simulate import simulate
from crampstudy.tables.sections.conditions import labels

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "by_age.json").read_text(encoding="utf-8"))
BY_AGE = (kinds.CONDITION_AT_50, kinds.CONDITION_AT_75, kinds.CONDITION_BY_AGE)


@pytest.fixture(scope="module")
def diary() -> Cohort:
    """200 people of 14 nights, of whom every third has arthritis: cramps come 1.5 times as often with it at 50 years,
    and 3 times at 75."""
    rng = np.random.default_rng(5)
    n, nights = 200, 14
    age = np.round(rng.uniform(35, 88, n))
    age[:8] = 64.0
    has = np.arange(n) % 3 == 0
    log_ratio = np.log(1.5) + np.log(2) * (age - YOUNG) / (OLD - YOUNG)
    rate = 0.4 * np.exp(has * log_ratio) * rng.gamma(8, 1 / 8, n)
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": age,
            "sex": np.where(rng.random(n) < 0.5, "female", "male"),
            "arthritis": has,
            "laba": np.arange(n) < 3,
            "diuretic_class": np.array(["none", "thiazide", "loop", "potassium_sparing"])[
                np.where(np.arange(n) == 7, 3, np.arange(n) % 5 % 3)
            ],
            "tsh_miu_l": rng.gamma(4, 0.6, n).round(2),
            "exertional_leg_pain": np.arange(n) % 10 == 0,
        }
    )
    days = pl.DataFrame({"date": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, nights), eager=True)})
    diary = people.select("participant_id").join(days, how="cross")
    diary = diary.with_columns(entry_made=pl.lit(value=True), cramps=pl.Series(rng.poisson(np.repeat(rate, nights))))
    return Cohort("made", "diary", {"participants": people, "diary": diary}, synthetic=True)


@pytest.fixture(scope="module")
def rows(diary: Cohort) -> pd.DataFrame:
    again = HealthCondition("arthritis", among="exertional_leg_pain = false", again=True)
    among = HealthCondition("arthritis", among="swelling = true", again=True)
    others = map(HealthCondition, ("laba", "diuretic_class", "tsh_miu_l", "statin"))
    asked = (HealthCondition("arthritis"), again, *others, among)
    return condition_ratios(diary, asked, model="poisson", outcome="cramps", where="age_years >= 40")


def of(rows: pd.DataFrame, kind: kinds.Kind, term: str, level: str | None = "true") -> Any:
    own = kind.rows(rows)
    own = own[own["term"].eq(term) & (own["level"].eq(level) if level else own["level"].isna())]
    return own.iloc[0]


def test_ratios_at_two_ages_are_those_of_the_joint_covariance(diary: Cohort, rows: pd.DataFrame) -> None:
    product = "I((arthritis == 'true') * age_decade)"
    found = adjusted_fit(
        diary,
        "arthritis",
        model="poisson",
        terms=("arthritis", product),
        besides=("ns(age_years, df=3)",),
        where="age_years >= 40",
    ).fit
    own = [name for name in found.vcov.index if name.startswith("arthritis") or product in name]
    b, v = found.coefficients[own].to_numpy(), found.vcov.loc[own, own].to_numpy()
    with_it = diary.tables["participants"].filter(pl.col("arthritis") & (pl.col("age_years") >= 40)).height
    for kind, vector in zip(BY_AGE, ([1, -1], [1, 1.5], [0, 2.5]), strict=True):
        row = of(rows, kind, "arthritis")
        weights = np.array(vector)
        log, error = float(weights @ b), float(np.sqrt(weights @ v @ weights))
        assert np.log(row["estimate"]) == pytest.approx(log) and row["std_error"] == pytest.approx(error)
        half = stats.t.ppf(0.975, row["df"]) * error
        assert np.log([row["ci_low"], row["ci_high"]]) == pytest.approx([log - half, log + half])
        assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(log / error), row["df"]))
        assert row["n_nights"] == 14 * row["n_participants"] and row["n_exposed"] == with_it
        assert row["adjusted_for"] == "ns(age_years, df=3); sex" and "under the study's graph" in row["note"]
    young, old, change = (of(rows, kind, "arthritis") for kind in BY_AGE)
    assert old["estimate"] / young["estimate"] == pytest.approx(change["estimate"])
    assert young["ci_low"] < 1.5 < young["ci_high"] and change["ci_low"] < 2 < change["ci_high"]
    assert (change["verdict"], old["verdict"]) == ("higher", "higher")
    assert sentence(change).startswith("Any arthritis, yes against no, at 75 against 50 years: ratio of rate ratios ")


def test_the_ages_are_those_of_the_declared_contrast() -> None:
    declared = contrasts.find("age_years")
    assert declared is not None and (declared.reference, declared.at) == (YOUNG, OLD)
    assert [kind.label for kind in BY_AGE[:2]] == [f"at {YOUNG} years", f"at {OLD} years"]


@pytest.mark.parametrize("model", ["negative-binomial", "survey-poisson"])
def test_ratios_by_age_agree_with_r(model: str) -> None:
    cohort, more = (parity_survey(), {"where": "domain = 1"}) if "survey" in model else (parity_diary(), {})
    covariance = {} if "survey" in model else {"covariance": "cluster"}
    outcome = "any_cramp" if "survey" in model else "cramps"
    found = condition_ratios(cohort, [HealthCondition("arthritis")], model=model, outcome=outcome, **more, **covariance)
    own = [of(found, kind, "arthritis") for kind in BY_AGE]
    assert {row["adjusted_for"] for row in own} == {"ns(age_years, df=3); sex"}
    np.testing.assert_allclose(np.log([row["estimate"] for row in own]), R[model]["log"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose([row["std_error"] for row in own], R[model]["se"], rtol=1e-6)
    if "survey" in model:
        assert {row["df"] for row in own} == {R[model]["df"]} and {row["verdict"] for row in own} == {"too few"}


def parity_diary() -> Cohort:
    people = pl.read_csv(PARITY / "diary" / "participants.csv", schema_overrides={"participant_id": pl.String})
    people = people.select("participant_id", "age_years", "sex", arthritis=pl.col("serum_potassium_mmol_l") < 4.2)
    nights = pl.read_csv(PARITY / "diary" / "diary.csv", try_parse_dates=True)
    return Cohort("r", "diary", {"participants": people, "diary": nights}, synthetic=True)


def parity_survey() -> Cohort:
    data = pl.read_csv(PARITY / "survey-data.csv").with_row_index("row")
    people = data.select(
        "stratum",
        "psu",
        "domain",
        participant_id=pl.format("s{}", "row"),
        age_years=pl.col("age").cast(pl.Float64),
        sex=pl.when(pl.col("sex") == 1).then(pl.lit("female")).otherwise(pl.lit("male")),
        arthritis=pl.col("score") > 0,
        weight_interview="weight",
        recalled_low="mild",
        recalled_high="mild",
    )
    return asked_survey(people)


def asked_survey(people: pl.DataFrame) -> Cohort:
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("r", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


def test_too_few_at_a_level_or_on_one_side_of_the_ages_have_no_ratio_by_age(rows: pd.DataFrame, diary: Cohort) -> None:
    few = "no ratio by age, as fewer than 5 with the condition or drug are on one side of 62.5 years"
    for term, level in (("laba", "true"), ("diuretic_class", "potassium_sparing")):
        for kind in BY_AGE:
            row = of(rows, kind, term, level)
            assert (row["status"], row["verdict"], row["note"]) == ("not_estimable", "too few", few)
            assert row[["estimate", "ci_low", "p_value", "q_value"]].isna().all()
    # A class that one participant takes takes the ratios of the others from nobody.
    assert np.isfinite(of(rows, kinds.CONDITION_AT_75, "diuretic_class", "thiazide")["estimate"])
    assert of(rows, kinds.CONDITION, "diuretic_class", "potassium_sparing")["status"] == "not_estimable"
    for years, said in (
        (-14.0, "nobody with the condition or drug is as young as 50 or nobody as old as 75"),
        (-30.0, few),
    ):
        younger = diary.tables["participants"].with_columns(pl.col("age_years") + years)
        cohort = Cohort("made", "diary", {**diary.tables, "participants": younger}, synthetic=True)
        found = condition_ratios(cohort, [HealthCondition("arthritis")], model="poisson", outcome="cramps")
        assert said in of(found, kinds.CONDITION_AT_75, "arthritis")["note"]
        assert of(found, kinds.CONDITION, "arthritis")["status"] == "converged"


def test_without_ages_there_is_no_ratio_by_age_and_what_was_not_measured_is_told(
    rows: pd.DataFrame, diary: Cohort
) -> None:
    ageless = diary.tables["participants"].with_columns(age_years=pl.lit(None, dtype=pl.Float64))
    cohort = Cohort("made", "diary", {**diary.tables, "participants": ageless}, synthetic=True)
    found = condition_ratios(cohort, [HealthCondition("arthritis")], model="poisson", outcome="cramps")
    assert of(found, kinds.CONDITION_BY_AGE, "arthritis")["note"] == "no participant has an age"
    assert "lacks age_years" in of(found, kinds.CONDITION, "arthritis")["note"]
    # Those of all ages have a ratio, so that no reason is given for them; nothing is drawn or told of two ages.
    shown = analyses.run("conditions", cohort)
    assert "no participant has an age" not in str(shown.tables["tbl-conditions"].note)
    text = " ".join(
        [*shown.values.values(), shown.figures["fig-conditions"].caption, shown.figures["fig-conditions"].alt]
    )
    assert "50" not in text and "spline" not in text and "at all ages" in shown.values["drawn"]
    missing = rows[rows["status"] == "not_measured"]
    assert missing["note"].tolist() == ["not measured in this cohort", "swelling was not measured"]


def test_a_number_has_no_ratios_by_age_and_a_variation_is_no_test(rows: pd.DataFrame) -> None:
    assert "tsh_miu_l" not in set(pd.concat(kind.rows(rows) for kind in BY_AGE)["term"])
    main = kinds.CONDITION.rows(rows)
    assert main["term"].tolist()[:3] == ["arthritis", "arthritis", "laba"]
    variation = main.iloc[1]
    assert variation["population"] == "age_years >= 40 AND exertional_leg_pain = false"
    assert np.isnan(variation["q_value"]) and variation["verdict"] == "higher"


def test_q_values_are_of_two_families(rows: pd.DataFrame) -> None:
    from statsmodels.stats.multitest import multipletests

    main, changes = kinds.CONDITION.rows(rows), kinds.CONDITION_BY_AGE.rows(rows)
    tests = [main[main["term"].eq(term) & main["scale"].eq(scale)].iloc[0] for term, scale in TESTS]
    expected = multipletests([row["p_value"] for row in tests], method="fdr_bh")[1]
    assert [row["q_value"] for row in tests] == pytest.approx(list(expected))
    assert "4 tests in the family" in tests[0]["note"]
    tested = changes[changes["p_value"].notna()]
    assert tested["level"].tolist() == ["true", "thiazide", "loop"]
    assert tested["q_value"].tolist() == pytest.approx(list(multipletests(tested["p_value"], method="fdr_bh")[1]))
    assert kinds.CONDITION_AT_50.rows(rows)["q_value"].isna().all()


TESTS = (
    *(("arthritis", "rate_ratio"), ("laba", "rate_ratio")),
    *(("diuretic_class", "wald_test"), ("contrast: tsh_miu_l", "rate_ratio")),
)


def test_the_table_has_counts_ratios_and_both_ages(rows: pd.DataFrame) -> None:
    table = tables.conditions(rows).droplevel(0)
    assert table.columns.tolist() == [
        *("With it / all", "Rate ratio (95% CI)", "p", "q", "Verdict", "At 50 years", "At 75 years", "p by age"),
    ]
    arthritis = of(rows, kinds.CONDITION, "arthritis")
    assert table.loc["Any arthritis", "With it / all"] == f"{arthritis['n_exposed']} / {arthritis['n_participants']}"
    assert table.loc["Any arthritis", "Rate ratio (95% CI)"].startswith(f"{arthritis['estimate']:.2f} (")
    assert table.loc["Any arthritis", "At 75 years"].startswith(
        f"{of(rows, kinds.CONDITION_AT_75, 'arthritis')['estimate']:.2f} ("
    )
    assert table.loc["Diuretic (joint test)", "Rate ratio (95% CI)"] == "–"
    assert table.loc["Diuretic (thiazide)", "q"] == "–" and table.loc["Diuretic (joint test)", "q"] != "–"
    assert table.loc["Long-acting beta agonist", "At 50 years"] == "–"
    assert "Any arthritis (without leg pain on exertion)" in table.index
    assert any(name.startswith("Thyrotropin (TSH) (") and "against" in name for name in table.index)


def test_a_table_without_a_ratio_by_age_has_no_column_of_it(rows: pd.DataFrame) -> None:
    of_age = rows["analysis"].isin([kinds.CONDITION_AT_50.name, kinds.CONDITION_AT_75.name])
    none = rows.assign(estimate=rows["estimate"].mask(of_age))
    assert tables.conditions(none).columns.tolist()[-1] == "Verdict"
    (last,) = rows[of_age & rows["estimate"].notna()].index[-1:]
    one = rows.assign(estimate=rows["estimate"].mask(of_age & (rows.index != last)))
    assert tables.conditions(one).columns.tolist() == tables.conditions(rows).columns.tolist()


def test_the_table_of_adjustments_says_what_is_lacking(rows: pd.DataFrame) -> None:
    table = tables.adjustments(kinds.CONDITION.rows(rows))
    assert table.loc["Any arthritis"].tolist()[0] == "age; sex"
    assert table.loc["Any arthritis"].tolist()[1].startswith("no: osteoarthritis")
    assert table.loc["Long-acting beta agonist"].tolist() == ["age", "no: smoking"]
    assert "Statin" not in table.index and table.index.is_unique


def test_the_figure_has_two_marks_a_condition_and_leaves_what_too_few_have_to_the_table(rows: pd.DataFrame) -> None:
    axes = figures.ratios_by_age(rows).axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[:2] == ["Any arthritis", "Any arthritis\n(without leg pain on exertion)"]
    # How many have it, of whom, and the events stand beside, once for both ages.
    whole = kinds.CONDITION.rows(rows).iloc[:2]
    told = [text.get_text() for text in axes.texts]
    for n, everybody in zip(whole["n_exposed"], whole["n_participants"], strict=True):
        assert told.count(f"{n} / {everybody}") == 1
    assert {"With it / all", "Events", "Ratio (95% CI)"} <= {*told}
    assert not any("Long-acting" in label or "potassium" in label for label in labels)
    marks = {c.get_label(): c.get_offsets() for c in axes.collections if "years" in c.get_label()}
    assert {name: len(points) for name, points in marks.items()} == {"at 50 years": 3, "at 75 years": 3}
    young, old = marks["at 50 years"][0], marks["at 75 years"][0]
    assert young[1] < 0 < old[1] < 0.5
    assert old[0] == pytest.approx(of(rows, kinds.CONDITION_AT_75, "arthritis")["estimate"])
    assert axes.get_xscale() == "log" and axes.patches[0].get_x() == 0.8


def test_one_test_alone_is_not_allowed_for() -> None:
    none = estimates.frame([])
    assert sentences._remaining(none, 1) == ""
    assert sentences._remaining(none, 2) == "allowing for 2 tests at once (q below 0.05), none remains"


def test_the_section_says_which_go_with_more_cramps_and_that_a_rare_one_cannot_be_told(diary: Cohort) -> None:
    found = analyses.run("conditions", diary)
    row = of(found.estimates, kinds.CONDITION, "arthritis")
    ratio = f"{row['estimate']:.2f} ({row['ci_low']:.2f}–{row['ci_high']:.2f})"
    assert found.values["answer"].startswith(f"Cramps came more often with any arthritis (rate ratio {ratio})")
    assert "Not adjusted for all that the causal graph asks for: any arthritis." in found.values["answer"]
    assert "too few participants for anything to be said" in found.values["answer"]
    assert "The ratio is larger at 75 than at 50 years for any arthritis (ratio of ratios " in found.values["by_age"]
    assert "Allowing for 3 tests at once (q below 0.05), any arthritis " in found.values["by_age"]
    assert "significant" not in " ".join(found.values.values())
    assert "Any arthritis is not osteoarthritis alone." in found.values["limits"]
    assert not found.could_not and "left out" not in str(found.tables["tbl-conditions"].note)


def test_all_that_is_told_a_finding_of_is_named_where_it_is_not_adjusted_enough() -> None:
    found = [("statin", "near null", 1.0), ("diabetes", "higher", 2.0), ("heart_failure", "inconclusive", 1.2)]
    cells = {"status": "converged", "n_participants": 500, "n_events": 900, "adjustment": "not measured"}
    rows = estimates.frame([condition(term, estimate=at, verdict=said, **cells) for term, said, at in found])
    told = sentences.answer(rows)
    assert (
        "too close to 1 to matter for statin. Not adjusted for all that the causal graph asks for: statin and dia"
        in told
    )
    assert "Not adjusted" not in sentences.answer(rows.assign(adjustment="sufficient"))
    # What is not drawn at two ages may be a number as well, or of part of the participants.
    assert sentences.drawn(two=True).endswith("or at all ages where there is no such ratio to draw.")


def condition(term: str, population: str = "age_years >= 20", **cells: Any) -> dict[str, Any]:
    of = {"analysis": kinds.CONDITION.name, "level": "true", "reference": "false", "scale": "rate_ratio"} | cells
    return estimates.row(cohort="c", term=term, population=population, outcome="cramps", **of)


def test_one_other_is_no_others_and_a_drug_has_an_article() -> None:
    numbers = {"estimate": 0.5, "ci_low": 0.3, "ci_high": 0.8, "verdict": "lower", "status": "converged"}
    open_ = numbers | {"ci_high": 1.8, "verdict": "inconclusive"}
    said = sentences.answer(estimates.frame([condition("statin", **numbers), condition("diabetes", **open_)]))
    assert said.startswith("Cramps came less often with a statin (rate ratio 0.50 (0.30–0.80)).")
    assert "For 1 other the interval is too wide to tell." in said
    assert "For 2 others the interval" in sentences.answer(
        estimates.frame(
            [condition("statin", **numbers), *(condition(each, **open_) for each in ("diabetes", "arthritis"))]
        )
    )


def test_few_degrees_of_freedom_are_not_called_few_participants() -> None:
    numbers = {"estimate": 0.5, "ci_low": 0.3, "ci_high": 0.8, "verdict": "lower", "status": "converged"}
    lone = numbers | {"verdict": "too few", "df": 2.1, "n_participants": 80, "n_events": 90, "n_exposed": 20}
    rare = lone | {"n_exposed": 3}
    rows = [condition("statin", **numbers), condition("diabetes", **lone), condition("arthritis", **rare)]
    said = sentences.answer(estimates.frame(rows))
    assert "Of 1 more there are too few participants for anything to be said." in said
    assert "Of 1 more the interval rests on fewer than 4 degrees of freedom, too few for anything to be said." in said


def test_what_a_reason_is_of_is_told_with_among_whom() -> None:
    part = "age_years >= 20 AND exertional_leg_pain = false"
    ratio = {"estimate": 3.79, "ci_low": 1.0, "ci_high": 9.0, "ci_level": 0.95, "status": "converged"}
    why = {"status": "not_estimable", "note": "no cramp where diabetes = true: no finite ratio exists"}
    one = condition("peripheral_artery_disease", **ratio)
    found = estimates.frame([one, condition("peripheral_artery_disease", part, **why)])
    said = "Could not estimate: Peripheral artery disease (without leg pain on exertion): no cramp with diabetes"
    assert said in tables.notes(found) and said in tables.not_estimated(found, {})
    # A fact of everybody is told once, by the name that all know it by.
    nobody = {"status": "not_estimable", "note": "peripheral_artery_disease = false throughout"}
    rows = [condition("peripheral_artery_disease", whom, **nobody) for whom in ("age_years >= 20", part)]
    rows += [condition("laba", status="not_estimable", note="laba = false throughout"), condition("statin", **ratio)]
    recorded = [f"nobody is recorded with {name}" for name in ("peripheral artery disease", "long-acting beta agonist")]
    assert tables.reasons(estimates.frame(rows)) == "; ".join(recorded)


def test_what_holds_of_every_ratio_that_there_is_names_none_of_them() -> None:
    ratio = {"estimate": 3.79, "ci_low": 1.0, "ci_high": 9.0, "ci_level": 0.95, "status": "converged"}
    found = [condition(term, note="covariance cluster-small", **ratio) for term in ("statin", "diabetes")]
    found += [condition("laba", status="not_estimable", note="laba = false throughout")]
    assert tables.notes(estimates.frame(found)).startswith("Bias-reduced cluster-robust intervals")


def test_of_one_condition_that_can_be_told_it_is_not_said_that_none_of_one_does() -> None:
    ratio = {"estimate": 1.02, "ci_low": 0.7, "ci_high": 1.5, "ci_level": 0.95, "status": "converged"}
    cells = ratio | {"scale": "rate_ratio", "population": "all participants", "verdict": "inconclusive"}
    rows = [condition(term, **cells) for term in ("statin", "arthritis")]
    one, two = (sentences.answer(estimates.frame(rows[:n])) for n in (1, 2))
    does = "does not go clearly with more or with fewer cramps"
    assert one.startswith(f"Statin, alone with enough participants to tell, {does}")
    assert two.startswith("None of 2 conditions, drugs and measures goes clearly with more or with fewer cramps")


def test_ratios_that_too_few_bear_on_are_named_where_they_are_not_compared_and_not_drawn() -> None:
    ratio = {"estimate": 0.9, "ci_low": 0.1, "ci_high": 9.0, "ci_level": 0.95, "status": "converged"}
    change = {**ratio, "analysis": kinds.CONDITION_BY_AGE.name, "reference": "at 50"}
    rows = [condition(term, verdict="inconclusive", **change) for term in ("statin", "arthritis")]
    rows += [condition("hypertension", verdict="too few", **change)]
    rows += [condition("hypertension", verdict="too few", **ratio | {"analysis": kinds.CONDITION_AT_50.name})]
    rows += [condition("arthritis", verdict="too few", **ratio)]
    found = estimates.frame(rows)
    said = sentences.by_age(found)
    assert said.startswith("For none of the 2 with enough participants to compare is the ratio shown to differ between")
    assert "Of hypertension too few participants bear on the comparison." in said
    assert sentences.not_drawn(found).endswith("to be drawn: any arthritis and hypertension at 50.")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_cohort_of_one_or_without_a_condition_says_so(diary: Cohort, recorded: bool) -> None:
    people = diary.tables["participants"].head(1)
    people = people if recorded else people.select("participant_id", "age_years", "sex")
    nights = diary.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
    found = analyses.run("conditions", Cohort("one", "diary", {"participants": people, "diary": nights}, as_of=None))
    why = {True: "no ratio of a condition or a drug could be estimated", False: "no condition and no drug was recorded"}
    assert not found.estimated and set(found.could_not) == set(analyses.named("conditions").parts)
    assert all(reason.startswith(why[recorded]) for reason in found.could_not.values())
    assert found.values["answer"].startswith("This cohort cannot tell which conditions and drugs go with cramps: ")


def test_a_survey_has_prevalence_ratios_and_keeps_broad_diseases_apart() -> None:
    rng = np.random.default_rng(2)
    people = parity_survey().tables["participants"].with_columns(thyroid_disease=pl.Series(rng.random(382) < 0.2))
    found = analyses.run("conditions", asked_survey(people))
    rows = kinds.CONDITION.rows(found.estimates)
    assert set(rows["scale"].dropna()) == {"prevalence_ratio"} and set(rows["outcome"]) == {"any_cramp"}
    measured = rows[rows["status"] != "not_measured"]
    assert measured["term"].tolist() == ["thyroid_disease", "arthritis"]
    assert {"hypothyroidism", "osteoarthritis"} <= set(rows.loc[rows["status"] == "not_measured", "term"])
    assert "hypothyroidism" in found.values["not_estimated"] and "one occasion" in found.values["limits"]


def test_what_the_claims_name_is_asked_for() -> None:
    asked = {condition.name for condition in CONDITIONS}
    claimed = {"peripheral_artery_disease", "diabetes", "chronic_kidney_disease", "neuropathy", "hypothyroidism"}
    assert claimed | {"arthritis", "laba", "diuretic_class", "statin"} <= asked
    assert [c.again for c in CONDITIONS if c.name == "peripheral_artery_disease"] == [False, True]


def test_any_thyroid_disease_is_adjusted_for_age_and_sex(diary: Cohort) -> None:
    made = adjustment_set("thyroid_disease", "cramps", measured_in(diary))
    assert made.columns == ("age_years", "sex") and made.sufficient


def test_ratios_by_age_are_found_as_they_were_put_in() -> None:
    """In one cohort, within four standard errors; docs/recovery.md has how often intervals cover."""
    law = recovery.LAWS["with age"]
    cohort = law.cohort(recovery.PEOPLE, recovery.NIGHTS, np.random.default_rng(6))
    found = recovery.run(law, cohort)
    assert list(found) == ["at 50", "at 75", "75 against 50"] and list(recovery.LAWS["null"].answers) == [
        *recovery.ROWS
    ]
    for answer in found.values():
        assert answer is not None and abs(answer[0]) < 4 * answer[1] < 1.4
    wrong = recovery.ByAge(law.at_young, law.at_young - 1.5)
    answer = recovery.run(wrong, cohort)["75 against 50"]
    assert answer is not None and not answer[2]


def test_what_one_condition_lacks_takes_nothing_from_the_others(diary: Cohort) -> None:
    people = parity_survey().tables["participants"].with_columns(hba1c_mmol_mol=pl.lit(40.0))
    asked = [*map(HealthCondition, ("hba1c_mmol_mol", "arthritis"))]
    rows = condition_ratios(asked_survey(people), asked, model="survey-poisson", outcome="any_cramp")
    assert rows["status"].iloc[0] == "not_estimable" and "no weight for its exam component" in rows["note"].iloc[0]
    assert of(rows, kinds.CONDITION, "arthritis")["status"] == "converged"
    for condition, more in (("shoe_size", {}), ("arthritis", {"model": "no-model"})):
        with pytest.raises(UsageError, match=r"no node 'shoe_size'|no model 'no-model'"):
            condition_ratios(diary, [HealthCondition(condition)], **{"model": "poisson", **more})


def test_age_is_a_line_where_those_inside_are_nearly_all_of_one_age(diary: Cohort) -> None:
    assert age_term(diary) == "ns(age_years, df=3)" and age_term(diary, "age_years <= 40") == "age_years"
    same = diary.tables["participants"].with_columns(
        age_years=pl.when(pl.int_range(pl.len()) < 150).then(80.0).otherwise("age_years")
    )
    top_coded = Cohort("made", "diary", {**diary.tables, "participants": same}, synthetic=True)
    assert age_term(top_coded) == "age_years"
    made = adjusted_fit(diary, "arthritis", model="poisson", where="age_years <= 40")
    assert made.estimates["adjusted_for"].tolist() == ["age_years; sex"]


def test_what_is_adjusted_for_nothing_is_called_crude(diary: Cohort) -> None:
    few = diary.tables["participants"].head(24)
    nights = diary.tables["diary"].join(few.select("participant_id"), on="participant_id", how="semi")
    found = analyses.run("conditions", Cohort("few", "diary", {"participants": few, "diary": nights}, synthetic=True))
    main = kinds.CONDITION.rows(found.estimates)
    assert main["estimate"].notna().any() and main.loc[main["estimate"].notna(), "adjusted_for"].isna().all()
    assert found.values["adjusted"] == "adjusted for nothing." and "crude" in found.tables["tbl-conditions"].caption
    whole = analyses.run("conditions", diary)
    assert "age as a natural cubic spline" in whole.values["adjusted"] and "50" in whole.values["drawn"]


def test_a_ratio_per_unit_does_not_take_the_place_of_a_contrast_that_too_few_tell_of(rows: pd.DataFrame) -> None:
    number = (
        kinds.CONDITION.rows(rows)
        .iloc[[0, 0]]
        .assign(
            term=["hba1c_mmol_mol", "contrast: hba1c_mmol_mol"],
            level=[None, "43"],
            reference=[None, "36"],
            unit=["per 1 mmol/mol", "43 against 36 mmol/mol"],
            verdict=[None, "too few"],
        )
    )
    axes = figures.ratios_by_age(pd.concat([rows, number], ignore_index=True)).axes[0]
    assert not any("HbA1c" in text.get_text() for text in axes.get_yticklabels())


def test_ratios_that_hold_no_age_are_named_beside_those_that_do(rows: pd.DataFrame, diary: Cohort) -> None:
    # A drug follows from conditions alone under the graph, and by age it has age beside.
    main = kinds.CONDITION.rows(rows)
    assert not main.loc[main["term"].eq("diuretic_class"), "adjusted_for"].str.contains("age_").any()
    bare = "Not adjusted for age, which the causal graph does not ask for or too few could take in: "
    beside = (
        "Those at 50 and at 75 years are adjusted for age in any case, so that for diuretic a ratio at all ages is "
        "adjusted otherwise than these and may lie outside of both."
    )
    said = sentences.without_age(rows)
    assert said == f" {bare}diuretic and thyrotropin (TSH). {beside}"
    # Without one by age nothing is said of it; where all hold age, or none does, nothing is said.
    assert beside not in sentences.without_age(main) and bare in sentences.without_age(main)
    assert sentences.without_age(rows.assign(adjusted_for="ns(age_years, df=3); sex")) == ""
    assert sentences.without_age(rows.assign(adjusted_for="sex")) == ""
    found = analyses.run("conditions", diary)
    assert "age as a natural cubic spline where it is asked for" in found.values["adjusted"]
    for text in (found.tables["tbl-conditions"].note, found.figures["fig-conditions"].note):
        assert bare in str(text) and beside in str(text)


def test_a_figure_without_a_ratio_says_why_of_its_own() -> None:
    """Where too few bear on the ratios, that is why none is drawn, and not that there is none by age."""
    ratio = {"estimate": 3.79, "ci_low": 1.0, "ci_high": 9.0, "ci_level": 0.95, "status": "converged"}
    few = condition("diabetes", **ratio, verdict="too few", n_exposed=3)
    by_age = condition("diabetes", status="not_estimable", note="no ratio by age, as fewer than 5 with it are old")
    rows = estimates.frame([few, {**by_age, "analysis": kinds.CONDITION_AT_50.name}])
    (text,) = figures.ratios_by_age(rows).texts
    assert "too few participants bear on any of them to be drawn" in " ".join(text.get_text().split())
    lost = condition("diabetes", status="not_estimable", note="no cramp where diabetes = true: no finite ratio exists")
    (text,) = figures.ratios_by_age(estimates.frame([lost])).texts
    assert "no cramp with diabetes" in " ".join(text.get_text().split())


def test_a_level_in_the_place_of_none_is_named() -> None:
    """Where everybody takes a diuretic, one class stands against another, in the table and for a claim."""
    cohort = simulate(300, 20, 4)
    takers = cohort.frame("participants").with_columns(
        pl.when(pl.col("diuretic_class").cast(pl.String) == "none")
        .then(None)
        .otherwise("diuretic_class")
        .alias("diuretic_class")
    )
    of_takers = replace(cohort, tables={**cohort.tables, "participants": takers})
    found = analyses.run("conditions", of_takers)
    rows = found.estimates[found.estimates["term"].eq("diuretic_class") & found.estimates["level"].eq("loop")]
    assert set(rows["reference"]) == {"thiazide"}
    assert ("Medication", "Diuretic (loop against thiazide)") in found.tables["tbl-conditions"].frame.index
    assert not any("against" in str(label) for label in labels(rows.assign(reference="none")))
    (claim,) = (entry for entry in ledger({"conditions": found.estimates}, "diary") if entry.claim.claim == "C58")
    reasons = {part.of.level: part.why for part in claim.parts}
    assert reasons["thiazide"] == "nobody has none, so that the others stand against it"
    assert reasons["potassium_sparing"] == "nobody has none, so that it stands against thiazide"
