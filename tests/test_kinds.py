"""Every kind of result has its table, its sentence and, where it has one, its figure; a row of no kind is refused."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from datetime import date

import kinds_page
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure
from phenotypes_page import SETTINGS, drawn
from test_prediction_dependence import held
from test_systematic_reviews import CONTRAST

from crampstudy import (
    analyses,
    bootstrap,
    compare,
    describe,
    estimates,
    evidence,
    figures,
    fit,
    tables,
    terminal,
    wording,
)
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.overview.definitions import definitions
from crampstudy.analyses.sections.hydration import HEAT
from crampstudy.claims import ClaimMultiverse, ledger, tidy
from crampstudy.claims.specifications import SpecifiedPart, of_claim, recipe, specifications
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.contrasts.cohorts.characteristics import differences_between_bands, standardised_differences
from crampstudy.contrasts.cohorts.factors import compare_factors
from crampstudy.contrasts.cohorts.sensitivity import compare_sensitivity
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.dose_response import dose_response
from crampstudy.contrasts.factors import factor_table
from crampstudy.contrasts.nights.joint_programme import joint_programme
from crampstudy.contrasts.nights.modification import modified_ratio
from crampstudy.contrasts.nights.nocturia import nocturia_by_fluid
from crampstudy.contrasts.nights.thirds import active_thirds
from crampstudy.contrasts.nights.windows import adjusted_window
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.contrasts.people.muscle_and_joints import age_ratios
from crampstudy.contrasts.people.ratios_by_band import ratios_by_band
from crampstudy.contrasts.season.annual_cycle import annual_cycle
from crampstudy.contrasts.season.rows import SeasonQuestion
from crampstudy.contrasts.second_opinions import second_opinions
from crampstudy.contrasts.within_between import within_between
from crampstudy.descriptive import characteristics as who
from crampstudy.descriptive.adherence import adherence
from crampstudy.descriptive.flow import flow, logging_over_time, shares
from crampstudy.descriptive.frequency.asked import ever, never_yet_told, recalled_frequency
from crampstudy.descriptive.frequency.chosen import chosen_for_cramps
from crampstudy.descriptive.frequency.diary import frequency
from crampstudy.descriptive.frequency.recall import recall_against_log
from crampstudy.descriptive.levels import levels
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.opinions import compared_coefficients
from crampstudy.estimates.sentences import sentence, value
from crampstudy.phenotypes import grouping_of, groups, phenotype_rows, traits_of
from crampstudy.prediction.conformal import coverage_rows
from crampstudy.prediction.dependence import dependence_rows
from crampstudy.prediction.features import nights_of
from crampstudy.prediction.held_out import held_out
from crampstudy.prediction.importance import importance_rows
from crampstudy.prediction.outcome import ANY
from crampstudy.prediction.rows import PredictionSummary, rows_of
from crampstudy.prediction.validation import validate
from crampstudy.report import blocks
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.scenario import presets
from crampstudy.simulate.truth.design import StudyDesign
from crampstudy.treatments.designs import designs
from crampstudy.treatments.open_use import open_use
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean

BANDS = AgeBands((20, 60))
EVERY_PART = evidence.SynthesisOptions(by="population", moderator="year")
OF_DIABETES = estimates.frame(
    [
        estimates.row(
            status="converged",
            cohort="simulated",
            analysis=kinds.CONDITION.name,
            outcome="cramps",
            term="diabetes",
            level="true",
            scale="rate_ratio",
            ci_level=0.95,
            n_participants=200,
            estimate=1.7,
            ci_low=1.2,
            ci_high=2.4,
            std_error=0.18,
            df=80.0,
            verdict="higher",
        )
    ]
)
EVERY = pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=list(kinds.KINDS))


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(80, 35, seed=11)


def under_all(rows: pd.DataFrame) -> ClaimMultiverse:
    """The claim on diabetes, whose row is the same under every specification of a diary."""
    (entry,) = (each for each in ledger({"conditions": rows}, "diary") if each.claim.claim == "C12")
    part = entry.parts[0]
    every = [SpecifiedPart(one, part) for one in specifications([recipe(part.of)], "diary")]
    return of_claim(entry, "diary", {part.of: every})


def with_recall(cohort: Cohort) -> Cohort:
    """A diary whose people recall numbers that have nothing to do with what they log."""
    table = cohort.frame("participants")
    asked = table.with_columns(recalled_low=pl.Series([i % 6 for i in range(table.height)]), recalled_high=None)
    return replace(cohort, tables={**cohort.tables, "participants": asked.cast({"recalled_high": pl.Int64})})


@pytest.fixture(scope="module")
def survey() -> Cohort:
    n = 640
    rng = np.random.default_rng(3)
    low = rng.choice([0, 0, 0, 1, 5], n)
    people = pl.DataFrame(
        {
            "participant_id": [f"S{i:03}" for i in range(n)],
            "age_years": rng.integers(20, 85, n).astype(float),
            "sex": ["female" if s else "male" for s in rng.integers(0, 2, n)],
            "diabetes": rng.random(n) < 0.3,
            "stratum": [i % 8 + 1 for i in range(n)],
            "psu": [i // 8 % 2 + 1 for i in range(n)],
            "weight_interview": rng.uniform(1, 3, n),
            "recalled_low": low,
            "recalled_high": [{0: 0, 1: 1, 5: 15}[int(k)] for k in low],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


def in_arms() -> Cohort:
    """A trial of magnesium in two doses."""
    drawn = simulate(40, 42, seed=5, truth=presets.preset("magnesium-trial").truth)
    low = pl.col("participant_id").str.tail(1).cast(pl.Int64) < 5
    doses = drawn.frame("treatments").with_columns(dose=pl.when(low).then(150.0).otherwise(pl.col("dose")))
    return Cohort("trial", "diary", {**drawn.tables, "treatments": doses})


def in_turns() -> Cohort:
    """Alternating periods of one participant after another."""
    design = StudyDesign("n-of-1", ("tens", "placebo"), run_in_nights=2, period_nights=5, washout_nights=0)
    truth = Truth()
    truth = replace(truth, design=design, cramps=replace(truth.cramps, rate_per_week=6.0))
    return simulate(8, 32, seed=4, truth=truth, mess=Mess.none())


def prediction_of(cohort: Cohort) -> pd.DataFrame:
    """How well the next night is foretold by a participant's own past."""
    found = PredictionSummary.of(validate(nights_of(cohort, covariates=False), ANY), cohort.name, 0.95)
    rests = importance_rows(held_out(found.found.table, ANY, cohort.name))
    depends = dependence_rows(held({"age_years": np.linspace(40, 90, 40)}, [0.02]))
    factor = kinds.PARTIAL_DEPENDENCE.rows(depends).iloc[0]
    ratio = {**factor, "analysis": kinds.DEPENDENCE_BESIDE.name, "estimand": "age-and-muscle"}
    return pd.concat([rows_of(found), coverage_rows(found), rests, depends, estimates.frame([ratio])])


def phenotypes_of() -> pd.DataFrame:
    """What people are like of whom some have cramps nearly every night; few resamples."""
    cohort, _ = drawn(replace(SETTINGS[1], participants=120), seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "RESAMPLES", 5)
        return phenotype_rows(cohort, found=grouping_of(traits_of(cohort)))


@pytest.fixture(scope="module")
def made(diary: Cohort, survey: Cohort) -> dict[str, pd.DataFrame]:
    """What the commands and both reports are made of, by where it is made."""
    adjusted = {"participants_per_coefficient": 5, "covariance": "cluster"}
    rng, two = np.random.default_rng(1), [diary, replace(diary, name="another")]
    used, recruited = (
        simulate(90, 30, 4, presets.preset(name).truth, Mess.none()) for name in ("default", "recruited")
    )
    return {
        "describe": describe(diary, bands=BANDS).estimates,
        "describe a part": describe(diary, bands=BANDS, where="age_years >= 60").estimates,
        "describe relief": describe(diary, outcome="relief").estimates,
        "describe classes": describe(diary, "sex", outcome="class_30_days").estimates,
        "frequency": frequency(diary, BANDS),
        "annual cycle": annual_cycle(diary, SeasonQuestion(), np.random.default_rng(1)),
        "season of the examination": fit(
            diary, model="poisson", terms="sex", covariance="cluster", analysis=kinds.EXAMINED.name
        ).estimates,
        "a cramp ever": ever(diary, BANDS),
        "a cramp all the same": never_yet_told(diary, BANDS),
        "recalled frequency": recalled_frequency(survey, BANDS),
        "describe a survey": describe(survey, bands=BANDS, where="sex = 'female'").estimates,
        "compare": compare(diary, survey, bands=BANDS).estimates,
        "compare cohorts of one kind": compare(
            *(diary, diary), bands=BANDS, adjust="sex", pool=True, few_events="gamma", bootstrap=40, rng=rng
        ).estimates,
        "factors of cohorts": compare_factors(two, ["vitamin_b12_pmol_l"], bands=BANDS),
        "cohorts standardised otherwise": compare_sensitivity(two, bands=BANDS),
        "fit": fit(diary, model="mixed-poisson", terms="sex + exercise_min", covariance="cluster").estimates,
        "bootstrap": bootstrap(diary, model="poisson", terms="sex", replicates=40, rng=np.random.default_rng(1)),
        "muscle": fit(
            diary, model="poisson", terms="sex + grip_strength_kg", covariance="cluster", analysis=kinds.MUSCLE.name
        ).estimates,
        "age curve": age_curve(diary),
        "age curve of a survey": age_curve(survey),
        "within and between": within_between(
            diary, ["electrolyte_drink"], model="poisson", replicates=40, rng=np.random.default_rng(1)
        ),
        "distributed lag": distributed_lag(diary, "alcohol_units", model="poisson", lags=1),
        "conditions": condition_ratios(
            diary, [HealthCondition("hypertension")], model="poisson", outcome="cramps", **adjusted
        ),
        "age without and with": age_ratios(
            diary, model="poisson", outcome="cramps", covariance="cluster", where="age_years >= 20"
        ),
        "adjusted": adjusted_fit(diary, "vitamin_b12_pmol_l", model="poisson", covariance="cluster").estimates,
        "recall": recall_against_log(with_recall(diary)),
        "guidelines": adherence(diary),
        "open use": open_use(used, designs(used)[0]),
        "regression to the mean": regression_to_the_mean(recruited),
        "chosen for cramps": chosen_for_cramps(recruited, frequency(recruited, BANDS)),
        "parallel arms": analyses.run("treatments", in_arms()).estimates,
        "alternating periods": analyses.run("treatments", in_turns()).estimates,
        "by temperature": modified_ratio(diary, HEAT, model="poisson", covariance="cluster"),
        "nocturia": nocturia_by_fluid(diary, covariance="cluster"),
        "nights in a row": adjusted_window(diary, "days_last(stretch_calf_min, 3)", "3 nights", covariance="cluster"),
        "thirds": active_thirds(diary, covariance="cluster"),
        "joint programme": joint_programme(diary),
        "factors": factor_table(diary, ("diabetes", "exercise_min"), models=("poisson",), **adjusted),
        "sleep": analyses.run("sleep", diary).estimates,
        "usual sleep": fit(
            survey, model="survey-poisson", terms="diabetes", outcome="any_cramp", analysis=kinds.SLEEP_AND_MOOD.name
        ).estimates,
        "levels": levels(diary, ["vitamin_b12_pmol_l"]),
        "dose-response": dose_response(diary, "vitamin_b12_pmol_l", model="poisson", covariance="cluster"),
        "severity": analyses.run("severity", diary).estimates,
        "prediction": prediction_of(diary),
        "phenotypes": phenotypes_of(),
        "characteristics": who.characteristics(diary),
        "characteristics of two": standardised_differences(
            pd.concat([who.characteristics(each) for each in two]), ["simulated", "another"]
        ),
        "completeness": who.completeness(diary, BANDS),
        "completeness of a survey": who.completeness(survey, BANDS),
        "measured": who.measured(diary, ["diabetes", "weight_exam"]),
        "flow": flow(diary),
        "shares": shares(flow(diary)),
        "counts": definitions(flow(diary), "simulated")[0],
        "second opinion": compared_coefficients(second_opinions(diary, "sex")),
        "logging": logging_over_time(diary),
        "characteristics by age": (by_age := who.characteristics(diary, bands=BANDS)),
        "differences by age": pd.concat([by_age, differences_between_bands(by_age)]),
        "age bands": ratios_by_band(diary, BANDS),
        "evidence": evidence.synthesise("magnesium", options=EVERY_PART).estimates,
        "claims": tidy.rows(ledger({"conditions": OF_DIABETES}, "diary"), "simulated"),
        "claims under specifications": tidy.of_multiverse([under_all(OF_DIABETES)], "simulated"),
        "a cohort beside the evidence": evidence.beside_cohort(CONTRAST, "idiopathic"),
    }


@EVERY
def test_a_kind_has_a_table_a_sentence_and_where_it_says_so_a_figure(kind: kinds.Kind) -> None:
    assert tables.TABLES[kind.table] is getattr(tables, kind.table)
    assert kind.figure is None or figures.FIGURES[kind.figure] is getattr(figures, kind.figure)
    assert kind.meaning.endswith(".") and kind.rows(estimates.frame([])).empty
    row = estimates.row(status="converged", analysis=kind.name, estimate=0.5, level="20-39", scale="rate", term="sex")
    assert "0.50" in sentence(row) and "{" not in sentence(row)
    with pytest.raises(FrozenInstanceError):
        kind.name = "another"  # type: ignore[misc]


def test_tables_and_figures_are_all_of_a_kind() -> None:
    assert set(tables.TABLES) == {kind.table for kind in kinds.KINDS.values()}
    # The main contrasts are rows of several kinds.
    assert set(figures.FIGURES) == {kind.figure for kind in kinds.KINDS.values()} - {None} | {"headlines"}


def test_a_name_is_registered_once() -> None:
    assert kinds.register(kinds.PREVALENCE) is kinds.PREVALENCE
    with pytest.raises(UsageError, match="another kind of result 'prevalence' already"):
        kinds.register(replace(kinds.PREVALENCE, table="rates"))
    assert kinds.KINDS["prevalence"].table == "prevalence"


def test_a_row_of_no_kind_is_refused_where_it_is_made_shown_or_recorded(diary: Cohort) -> None:
    with pytest.raises(
        UsageError,
        match=r"no kind of result 'incidence rates'; did you mean 'incidence rate'\? .*register",
    ):
        estimates.row(status="converged", analysis="incidence rates")
    with pytest.raises(UsageError, match=r"a fit gives no rows of the kind 'prevalence'; allowed: regression; muscle;"):
        fit(diary, model="poisson", terms="sex", analysis="prevalence")
    rows = estimates.frame([estimates.row(status="converged", analysis="prevalence", cohort="x")])
    stray, bare = rows.assign(analysis="a new analysis"), rows.assign(analysis=None)
    for show in (terminal.show, blocks.record, lambda some: list(tables.shown(some))):
        with pytest.raises(UsageError, match="no kind of result 'a new analysis'"):
            show(stray)
        with pytest.raises(UsageError, match="of no kind: its analysis is empty"):
            show(bare)


def test_every_row_is_of_a_kind_and_every_kind_is_made(made: dict[str, pd.DataFrame]) -> None:
    found = {name for rows in made.values() for name in kinds.of_rows(rows)}
    splits = {kind.name for kind in kinds.KINDS.values() if kind.of_fit}
    seldom = {kinds.split_of(name).name for name in splits - {kinds.REGRESSION.name}}
    # A restricted mean is asked for by its horizon, and a fit that has no estimate is not resampled.
    assert set(kinds.KINDS) - found == seldom | {kinds.MEAN_RELIEF.name, kinds.BOOTSTRAP.name}


def test_every_model_with_an_interval_says_of_which_kind_it_is(made: dict[str, pd.DataFrame]) -> None:
    every = pd.concat(made.values(), ignore_index=True)
    found = tables.models_used(every)["Intervals"]
    own = every[every["model"].notna()]
    having = own.groupby("model", sort=False)["ci_low"].agg(lambda limits: limits.notna().any())
    said = dict(zip(map(wording.model, having.index), having, strict=True))
    assert {name for name, told in found.items() if told == "–" and said[str(name)]} == set()
    assert {"Survey logistic", "Kaplan-Meier", "Person mean"} <= set(found.index)
    assert found["Survey logistic"].startswith("design-based intervals, by linearisation")
    assert "covariance" not in found["Kaplan-Meier"] and "clusters" in found["Kaplan-Meier"]


def test_every_row_shows_in_its_own_table_in_the_terminal(
    made: dict[str, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    for where, rows in made.items():
        terminal.show(rows)
        printed = capsys.readouterr().out
        shown = [part for _, of_cohort in rows.groupby("cohort", sort=False) for part in tables.shown(of_cohort)]
        for part in shown:
            for heading in part.table.columns:
                assert all(word in printed for word in heading.split()), (where, heading)
            for text in part.table.to_numpy().ravel():
                assert all(word in printed for word in str(text).split()), (where, text)
        told = pd.concat([part.rows for part in shown])
        drawn = [kind.name for kind in kinds.of_rows(rows).values() if not kind.tabled]
        assert len(told) == len(rows) - rows["analysis"].isin(drawn).sum(), where


def test_rows_of_several_kinds_are_several_tables(made: dict[str, pd.DataFrame]) -> None:
    rows = pd.concat([made["fit"], made["describe"], made["measured"]])
    shown = list(tables.shown(rows))
    assert [part.of_fit for part in shown] == [True, False, False]
    pd.testing.assert_frame_equal(shown[0].table, tables.factors(made["fit"]))
    pd.testing.assert_frame_equal(shown[1].table, tables.rates(made["describe"]))
    pd.testing.assert_frame_equal(shown[2].table, tables.measured(made["measured"]))


def test_every_fit_has_a_table_of_its_own(diary: Cohort, made: dict[str, pd.DataFrame]) -> None:
    fits = [
        fit(diary, model=model, terms="sex", outcome=outcome, covariance="cluster").estimates
        for model, outcome in (("poisson", "cramps"), ("linear", "sitting_min"), ("logistic", "cramp_night"))
    ]
    shown = list(tables.shown(pd.concat([*fits, made["muscle"], made["fit"]])))
    assert [part.heading for part in shown] == [
        "regression, poisson, cramps, all participants",
        "regression, linear, sitting_min, all participants",
        "regression, logistic, cramp_night, all participants",
        "muscle, poisson, cramps, all participants",
        "regression, mixed-poisson, cramps, all participants",
    ]
    for part, rows in zip(shown, [*fits, made["muscle"], made["fit"]], strict=True):
        pd.testing.assert_frame_equal(part.table, tables.factors(rows))
    other = made["factors"].assign(outcome="another")
    both = list(tables.shown(pd.concat([made["factors"], other])))
    assert [len(part.rows) for part in both] == [len(other)] * 2


def test_the_curve_over_age_is_a_line_an_age_also_where_one_outcome_has_none(made: dict[str, pd.DataFrame]) -> None:
    rows = made["age curve of a survey"]
    assert set(rows["outcome"]) == {"any_cramp", "moderate_severe_vs_rest"}
    table = tables.age_curve(rows)
    assert table.columns.tolist() == ["Any cramp, % (95% CI)", "Moderate-severe, % (95% CI)"]
    assert table.index.map(int).is_monotonic_increasing and table.index.is_unique
    first = rows[(rows["outcome"] == "any_cramp") & (rows["level"] == "50")].iloc[0]
    assert value(first) == table.loc["50", "Any cramp, % (95% CI)"] + "%"
    lost = estimates.row(status="not_estimable", analysis="age curve", outcome="any_cramp", scale="prevalence")
    part = pd.concat([estimates.frame([lost]), rows[rows["outcome"] != "any_cramp"]], ignore_index=True)
    assert tables.age_curve(part).iloc[[0, -1], 0].tolist() == ["–", "could not estimate"]


def test_both_intervals_of_a_bootstrap_stand_side_by_side(made: dict[str, pd.DataFrame]) -> None:
    table = tables.bootstrap(made["bootstrap"]).droplevel(0)
    assert table.columns.tolist() == [
        *("Contrast", "Percentile: rate ratio (95% CI)", "Bias-corrected: rate ratio (95% CI)")
    ]
    assert table.loc["Sex"].nunique() == 3


def test_figures_draw_the_rows_of_their_kinds_among_others(made: dict[str, pd.DataFrame]) -> None:
    together = pd.concat(made.values(), ignore_index=True)
    for name in ("measured", "logging"):
        figure = figures.FIGURES[name](together)
        assert isinstance(figure, Figure) and "Could not estimate" not in "".join(t.get_text() for t in figure.texts)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            {"analysis": "incidence rate", "population": "20-39", "scale": "rate", "unit": "cramps per person-week"},
            "Incidence rate, 20–39: 0.91 (0.80–1.03) cramps per person-week",
        ),
        (
            {"analysis": "prevalence", "population": "20+, sex = 'female'", "scale": "prevalence", "level": "any"},
            "Prevalence, Any cramp, 20+, Sex = female: 91.4 (80.0–103.4)%",
        ),
        (
            {"analysis": "regression", "scale": "rate_ratio", "term": "sex", "level": "female", "reference": "male"},
            "Sex, female against male: rate ratio 0.91 (0.80–1.03)",
        ),
        (
            {"analysis": "characteristics", "scale": "mean", "term": "age_years", "population": "all", "unit": "years"},
            "Age, mean, all: 0.91 (0.80–1.03) years",
        ),
    ],
)
def test_a_row_is_said_in_the_words_of_its_kind(cells: dict[str, str], said: str) -> None:
    row = estimates.row(status="converged", estimate=0.914, ci_low=0.8, ci_high=1.034, **cells)
    assert sentence(row) == said


def test_what_has_no_number_has_no_unit() -> None:
    row = estimates.row(status="not_estimable", analysis="prevalence", scale="prevalence", unit="proportion")
    assert value(row) == "could not estimate"


def sources() -> Iterator[tuple[str, ast.AST]]:
    root = kinds_page.ROOT
    for path in sorted((root / "src").rglob("*.py")):
        # The meaning of the column, no kind of a row.
        if path.parent.name != "kinds" and path.parts[-2:] != ("estimates", "columns.py"):
            yield path.name, ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield path.name, ast.parse("".join(cell["source"]))


def test_only_the_kinds_write_what_stands_in_analysis() -> None:
    def text(node: ast.AST | None) -> bool:
        return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))

    def of_analysis(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "analysis"
        )

    for name, tree in sources():
        for node in ast.walk(tree):
            match node:
                case ast.Dict(keys=keys, values=values):
                    pairs = zip(keys, values, strict=True)
                    bad = any(isinstance(k, ast.Constant) and k.value == "analysis" and text(v) for k, v in pairs)
                case ast.keyword(arg="analysis", value=given):
                    bad = text(given)
                case ast.Compare(left=left, comparators=others):
                    bad = of_analysis(left) and any(map(text, others))
                case ast.Attribute(value=inner, attr="str"):
                    bad = of_analysis(inner)
                case _:
                    bad = False
            assert not bad, f"{name}:{getattr(node, 'lineno', '')} writes the name of a kind; use estimates.kinds"


def test_the_page_lists_every_kind() -> None:
    page = (kinds_page.ROOT / "docs" / "estimates.md").read_text(encoding="utf-8")
    assert page.split(kinds_page.BEGIN)[1].split(kinds_page.END)[0].strip() == kinds_page.page()
