"""A second opinion: the same model by statsmodels on the same rows, what agrees, what differs, and what cannot be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import odd_cohort
import pandas as pd
import polars as pl
import pytest
from asking import asked, solve
from numpy.typing import NDArray
from statsmodels.discrete.discrete_model import NegativeBinomial
from test_of_surveys import survey

from crampstudy import fit, tables, wording
from crampstudy.analyses.sections import second_opinion as section
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.second_opinions import second_opinions
from crampstudy.models import MODELS
from crampstudy.models.classes.ordinal import ordinal
from crampstudy.models.nights import count
from crampstudy.models.nights.data import Data
from crampstudy.models.registry import FAMILIES
from crampstudy.models.second_opinion import COLUMNS, refits, without_fit
from crampstudy.models.second_opinion.opinion import NoOpinion
from crampstudy.models.second_opinion.refit import Found, Refit, RefitResult, attempt
from crampstudy.report.build import build
from crampstudy.simulate import simulate, write
from crampstudy.sources.readers import package

Array = NDArray[np.float64]
Run = Callable[..., tuple[int, str, str]]
TERMS = "age_decade + sex + diabetes + exercise_min"
TIGHT, BY_DIFFERENCES = 1e-8, 1e-4
"""Bounds in standard errors; OrderedModel takes its derivatives by differences."""


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(120, 40, 5)


def opinion(cohort: Cohort, model: str, **asked: Any) -> pd.DataFrame:
    """Return the second opinion, of which no warning may reach the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(cohort, model=model, second_opinion=True, **asked).second_opinion
    assert found is not None and tuple(found.columns) == COLUMNS
    return found


@pytest.mark.parametrize(
    ("model", "asked", "errors", "bound"),
    [
        ("poisson", {}, "cluster-hc0", TIGHT),
        ("poisson", {"covariance": "model", "exposure": "hours_in_bed"}, "model", TIGHT),
        ("negative-binomial", {}, "cluster-joint without its factor", TIGHT),
        ("negative-binomial", {"covariance": "model"}, "model, with the dispersion", TIGHT),
        ("logistic", {}, "cluster-hc0", TIGHT),
        ("gee-exchangeable", {}, "cluster-hc0", TIGHT),
        ("gee-exchangeable", {"outcome": "cramp_night", "covariance": "model"}, "model", TIGHT),
        ("ordinal", {"outcome": "pain"}, "cluster-hc0", BY_DIFFERENCES),
        ("cox", {"outcome": "relief"}, "model", TIGHT),
        ("cox", {"outcome": "gap"}, "model", TIGHT),
    ],
)
def test_two_implementations_agree(
    cohort: Cohort, model: str, asked: dict[str, Any], errors: str, bound: float
) -> None:
    rows = opinion(cohort, model, terms=TERMS, **asked)
    assert set(rows["status"]) == {"agrees"}
    coefficients = rows[rows["std_error"].notna()]
    assert {"age_decade", "sex", "diabetes", "exercise_min"} <= set(coefficients["term"])
    assert set(coefficients["covariance"]) == {errors}
    for gap in tables.gaps(rows):
        assert gap.max() < bound
    ours = fit(cohort, model=model, terms=TERMS, **asked).estimates.set_index("term")["estimate"]
    shown = coefficients.set_index("term")["coefficient"]
    assert shown["exercise_min"] == pytest.approx(np.log(ours["exercise_min"]), rel=1e-6)


def test_nights_that_enter_at_the_time_of_an_event_are_not_yet_at_risk(cohort: Cohort) -> None:
    """Night by night every row begins where another ends: half a standard error lies between the two conventions."""
    rows = opinion(cohort, "cox", outcome="gap", terms="exercise_min + alcohol_units")
    assert tables.gaps(rows)[0].max() < TIGHT and rows["n_rows"].iloc[0] > 1000


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("poisson", {"terms": "`shoe size` + smoking + clinic"}),
        ("poisson", {"terms": "ns(age_years, df=2, ref=60) + sex:smoking"}),
        ("poisson", {"terms": "sex + offset(log(`a:b`))"}),
        ("poisson", {"terms": "sex + I(age_years * 1e6)"}),
        ("poisson", {"terms": "sex + weights(code + 1)"}),
        ("logistic", {"terms": "sex * age_decade + weights(code + 1)"}),
        ("gee-exchangeable", {"terms": "smoking"}),
        ("cox", {"terms": "sex + C(code)", "outcome": "gap"}),
        ("cox", {"terms": "I(age_years * 1000 + 5000)", "outcome": "gap"}),
    ],
)
def test_two_implementations_agree_on_an_awkward_cohort(model: str, asked: dict[str, Any]) -> None:
    rows = opinion(odd_cohort.cohort(), model, **asked)
    assert set(rows["status"]) == {"agrees"}
    assert max(gap.max() for gap in tables.gaps(rows)) < 1e-7


def test_errors_of_a_negative_binomial_are_joint_with_its_dispersion(cohort: Cohort) -> None:
    rows = opinion(cohort, "negative-binomial", terms="age_decade + sex")
    data = solve(cohort, model="negative-binomial", terms="age_decade + sex").data
    model = NegativeBinomial(data.outcome, data.matrix, offset=data.offset)
    kinds = {"groups": data.groups, "use_correction": False}
    start = np.append(rows["coefficient"][:3], 2.0)
    by_hand = model.fit(start, method="newton", disp=0, cov_type="cluster", cov_kwds=kinds)
    assert rows["std_error"][:3].to_numpy() == pytest.approx(by_hand.bse[:3], rel=1e-7)
    assert rows["statsmodels_std_error"][:3].to_numpy() == pytest.approx(by_hand.bse[:3], rel=1e-7)
    assert rows["coefficient"][3] == pytest.approx(by_hand.params[3], rel=1e-7)
    assert rows["term"][3] == "dispersion"
    assert "coefficients and dispersion together" in rows["note"][0]
    held = fit(cohort, model="negative-binomial", terms="age_decade + sex", covariance="cluster-hc0").estimates
    assert abs(held["std_error"][0] / rows["std_error"][1] - 1) > 1e-4


def test_counts_no_more_dispersed_than_poisson_are_refitted_so() -> None:
    one_a_night = odd_cohort.cohort()
    diary = one_a_night.tables["diary"].with_columns(cramps=(pl.int_range(pl.len()) % 2))
    even = replace(one_a_night, tables={**one_a_night.tables, "diary": diary})
    rows = opinion(even, "negative-binomial", terms="sex + age_decade")
    assert set(rows["status"]) == {"agrees"} and set(rows["refit"]) == {"GLM (Poisson)"}
    assert "no more dispersed than Poisson" in rows["note"][0]


def test_a_fit_of_statsmodels_that_fails_is_told(cohort: Cohort) -> None:
    """Its stopping rule of a marginal model is absolute: a column in other units is never done."""
    asked: dict[str, Any] = {"terms": "sex + I(exercise_min * 1e9)"}
    fitted = fit(cohort, model="gee-exchangeable", **asked)
    rows = opinion(cohort, "gee-exchangeable", **asked)
    assert fitted.status == "converged" and set(rows["status"]) == {"not_converged"}
    assert rows["coefficient"].notna().all() and rows["statsmodels_coefficient"].isna().all()
    said = tables.agreement(rows)
    assert said.startswith("No second opinion: GEE (Poisson, exchangeable) of statsmodels did not converge.")
    assert "Iteration limit reached prior to convergence" in said
    assert tables.second_opinion(rows)["statsmodels"].eq(wording.DASH).all()


TWO = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (RefitResult(Found(TWO, TWO), False), "did not converge"),
        (RefitResult(Found(TWO * np.nan, TWO), True), "without numbers, though it says that it converged"),
        (RefitResult(Found(TWO, TWO * np.nan), True), "no standard errors"),
        (RefitResult(Found(TWO, TWO), True, TWO, TWO), "a score of 4 standard errors is left"),
        (RefitResult(Found(TWO, TWO), True, TWO, TWO * np.nan), "stopped short of the maximum"),
        (None, "gave no result"),
        (RefitResult(Found(TWO, TWO), True, TWO * 1e-9, TWO), None),
    ],
)
def test_a_flag_of_convergence_is_not_believed(ended: RefitResult | None, told: str | None) -> None:
    found = attempt("Model", lambda: ended)
    assert found.problem is None if told is None else told in str(found.problem)


@pytest.mark.parametrize("failure", [np.linalg.LinAlgError("Singular matrix"), ValueError("NaN detected\nelsewhere")])
def test_a_failure_of_statsmodels_is_told_by_its_own_words(failure: Exception) -> None:
    def run() -> RefitResult:
        warnings.warn("overflow encountered in exp", RuntimeWarning, stacklevel=1)
        warnings.warn("a name will go", FutureWarning, stacklevel=1)
        raise failure

    found = attempt("Model", run)
    assert found.problem == f"Model of statsmodels stopped: {str(failure).splitlines()[0]}"
    assert found.warned == ("overflow encountered in exp",)


def test_a_mistake_of_ours_is_no_failure_of_statsmodels() -> None:
    with pytest.raises(KeyError):
        attempt("Model", lambda: {}["missing"])


def test_a_difference_is_told_with_its_size(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    true = refits.generalised_linear

    def moved(*arguments: Any) -> Refit:
        found = true(*arguments).found
        assert found is not None
        return Refit("GLM (Poisson)", replace(found, coefficients=found.coefficients + [0, 0.25, 0] * found.std_errors))

    monkeypatch.setattr(refits, "generalised_linear", moved)
    rows = opinion(cohort, "poisson", terms="age_decade + sex")
    assert list(rows["status"]) == ["agrees", "differs", "agrees"]
    said = tables.agreement(rows)
    assert "differs on 1 of 3 parameters (Age); the largest gap between coefficients is 0.25 standard errors" in said
    assert tables.agreements(rows).startswith("2 of 3 parameters agree in 1 model, and 1 differs; the largest gap")
    assert "0.25 standard errors (Poisson: Age)" in tables.agreements(rows)
    assert tables.second_opinions(rows).iloc[0]["Parameters that agree"] == "2 of 3"


def test_every_model_has_a_counterpart_or_a_reason() -> None:
    assert [
        name for name in MODELS if (FAMILIES[name].counterpart is None) != bool(FAMILIES[name].no_counterpart)
    ] == []


@pytest.mark.parametrize("model", ["gee-ar1", "mixed-poisson", "hurdle-negative-binomial"])
def test_a_model_without_a_counterpart_says_so(cohort: Cohort, model: str) -> None:
    (row,) = opinion(cohort, model, terms="sex").to_dict("records")
    assert row["status"] == "no_counterpart" and row["note"].startswith("no like-defined fit in statsmodels, wh")
    assert tables.agreement(pd.DataFrame([row])).startswith("No second opinion: no like-defined fit")


def test_what_statsmodels_lacks_of_a_model_is_a_reason(cohort: Cohort) -> None:
    (row,) = opinion(odd_cohort.cohort(), "negative-binomial", terms="sex + weights(code + 1)").to_dict("records")
    assert (row["status"], row["note"].split(": ")[1]) == ("no_counterpart", "its NegativeBinomial takes no weights")
    request = asked(cohort, "ordinal", "sex", free_terms="sex", outcome="pain")
    found = FAMILIES["ordinal"].opinion(request, "converged")
    assert isinstance(found, NoOpinion) and "its OrderedModel has no free terms" in found.reason


def test_without_a_fit_there_is_nothing_to_compare(cohort: Cohort) -> None:
    (row,) = opinion(cohort, "poisson", terms="sex", where="age_years > 200").to_dict("records")
    assert row["status"] == "not_estimable" and "no fit of ours" in row["note"]


def test_what_rests_on_one_participant_is_not_shown_here_either() -> None:
    lone = odd_cohort.cohort(arm=pl.when(pl.col("participant_id") == "p03").then(pl.lit("b")).otherwise(pl.lit("a")))
    rows = opinion(lone, "poisson", terms="arm + sex").set_index("term")
    assert rows.loc["arm", "status"] == "not_estimable" and pd.isna(rows.loc["arm", "statsmodels_coefficient"])
    assert "one participant alone" in rows.loc["arm", "note"] and rows.loc["sex", "status"] == "agrees"


def of_scores(seed: int = 3) -> Data:
    """Scores of 40 participants on 30 nights each, who differ."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(40), 30)
    matrix = np.column_stack([np.ones(1200), rng.normal(size=1200), np.repeat(rng.normal(size=40), 30)])
    outcome = matrix @ [1, 0.5, 0.3] + np.repeat(rng.normal(0, 0.8, 40), 30) + rng.normal(size=1200)
    return Data(matrix, outcome, np.full(1200, 0.25), groups, np.tile(np.arange(30), 40))


def test_a_linear_model_by_least_squares() -> None:
    data = of_scores()
    found = refits.linear(data, "cluster-hc0").found
    assert found is not None
    x, bread = data.matrix, np.linalg.inv(data.matrix.T @ data.matrix)
    b = bread @ x.T @ (data.outcome - 0.25)
    residual = data.outcome - 0.25 - x @ b
    sums = np.array([x[data.groups == g].T @ residual[data.groups == g] for g in range(40)])
    assert found.coefficients == pytest.approx(b, rel=1e-10)
    assert found.std_errors == pytest.approx(np.sqrt(np.diag(bread @ sums.T @ sums @ bread)), rel=1e-10)
    assert found.beside["residual"] == pytest.approx(np.sqrt(residual @ residual / 1197))
    twice = refits.linear(replace(data, weights=np.full(1200, 2.0)), "cluster-hc0")
    assert twice.by == "WLS" and twice.found is not None
    assert twice.found.std_errors == pytest.approx(found.std_errors, rel=1e-10)


@pytest.mark.parametrize("slope", [None, 1])
def test_a_mixed_linear_model_by_restricted_likelihood(slope: int | None) -> None:
    data = of_scores()
    if slope:
        steep = np.repeat(np.random.default_rng(4).normal(0, 0.5, 40), 30)
        data = replace(data, outcome=data.outcome + steep * data.matrix[:, 1])
    near = Found(np.zeros(3), np.zeros(3), {"random intercept": 0.0, "random slope": 2.0, "residual": 1.0})
    found = refits.mixed_linear(data, slope, near).found
    assert found is not None and set(found.beside) == {"random intercept", "residual"} | (
        {"random slope"} if slope else set()
    )
    if slope:
        assert found.beside["random slope"] == pytest.approx(0.5, abs=0.12)
        return
    # At its own variances the coefficients are those of generalised least squares.
    within, between = found.beside["residual"] ** 2, found.beside["random intercept"] ** 2
    inverse = np.linalg.inv(within * np.eye(30) + between)
    parts = [data.matrix[data.groups == g] for g in range(40)]
    information = sum(x.T @ inverse @ x for x in parts)
    right = sum(x.T @ inverse @ (data.outcome[data.groups == g] - 0.25) for g, x in enumerate(parts))
    assert found.coefficients == pytest.approx(np.linalg.solve(information, right), abs=1e-5)
    assert found.std_errors == pytest.approx(np.sqrt(np.diag(np.linalg.inv(information))), rel=1e-3)


def test_a_search_that_begins_at_a_wrong_answer_leaves_it() -> None:
    """What is near is no more than where to begin: of a tenth of a standard error nothing is left."""
    rng = np.random.default_rng(8)
    x, groups = rng.normal(size=(900, 2)), np.repeat(np.arange(30), 30)
    latent = x @ [0.5, -0.3] + rng.logistic(size=900)
    classes = np.searchsorted([-1.0, 0.5], latent).astype(float)
    ours = ordinal(x, classes, levels=("none", "some", "many"))
    errors = np.sqrt(np.diag(np.linalg.inv(ours.information)))
    wrong = ours.coefficients + 0.1 * errors[:2], ours.thresholds - 0.1 * errors[2:]
    found = refits.ordered_logit(x, classes, groups, "model", wrong).found
    assert found is not None and found.coefficients == pytest.approx(ours.coefficients, abs=1e-4 * errors.min())
    data = replace(of_scores(), outcome=rng.poisson(np.exp(0.3 * of_scores().outcome)).astype(float))
    wrong_counts = Found(np.array([0.4, 0.1, 0.0]), np.zeros(3), {"dispersion": 0.6})
    counted, model = refits.negative_binomial(data, "model", wrong_counts), count.negative_binomial
    assert counted.found is not None
    right = model(data.matrix, data.outcome, data.offset)
    assert counted.found.coefficients == pytest.approx(right.coefficients, abs=1e-7)
    assert counted.found.beside["dispersion"] == pytest.approx(right.dispersion, rel=1e-6)


def test_the_main_models_of_a_diary(cohort: Cohort) -> None:
    rows = second_opinions(cohort, "age_decade + sex", participants_per_coefficient=5)
    assert set(rows["status"]) == {"agrees"}
    assert set(rows["model"]) >= {"poisson", "negative-binomial", "logistic", "gee-exchangeable", "ordinal", "cox"}
    assert tables.agreements(rows).startswith(f"All {len(rows)} parameters agree in {rows['model'].nunique()} models")
    table = tables.second_opinions(rows)
    assert table.loc["Cox", ["Outcome", "By statsmodels"]].tolist() == ["Gap", "PHReg (Efron)"]
    assert "GEE, exchangeable" in table.index
    terms = tables.second_opinion(rows)
    assert len(terms) == len(rows) and terms.loc[("Poisson", "Sex"), "Contrast"] == "female against male"
    assert "Cox: the errors compared are the model's" in tables.opinion_notes(rows)


def test_a_diary_without_episodes_says_what_it_was_not_asked() -> None:
    rows = second_opinions(odd_cohort.cohort(), "sex").set_index("model")
    assert rows.loc["ordinal", "status"] == "not_estimable" and "of no cramp" in rows.loc["ordinal", "note"]
    assert (rows.drop("ordinal")["status"] == "agrees").all()


def test_of_nobody_nothing_is_compared() -> None:
    rows = second_opinions(odd_cohort.cohort(), "sex", where="age_years > 200", participants_per_coefficient=5)
    assert set(rows["status"]) == {"not_estimable"}
    said = tables.agreements(rows)
    assert said.startswith("None of the models could be compared: ")
    assert said.count("Poisson: ") == 1 and "Cox: " in said
    # What was not compared has no empty row in a table.
    assert tables.second_opinion(rows).empty and tables.second_opinions(rows).empty


def test_a_model_that_was_not_compared_is_told_and_has_no_empty_row() -> None:
    rows = second_opinions(odd_cohort.cohort(), "sex")
    table = tables.second_opinions(rows)
    n = rows["model"].nunique()
    assert f"parameters agree in the {n - 1} of {n} models that could be compared" in tables.agreements(rows)
    raw = rows.assign(note=rows["note"].mask(rows["model"].eq("ordinal"), "no cramp where diabetes = true"))
    assert "Ordinal, not compared: no cramp with diabetes." in tables.opinion_notes(raw)
    assert "Ordinal" not in table.index and len(table) == rows["model"].nunique() - 1
    assert "Ordinal, not compared: " in tables.opinion_notes(rows) and not table.eq(wording.DASH).any(axis=None)


@pytest.mark.usefixtures("forked")
def test_the_report_has_it_in_its_appendix(tmp_path: Path) -> None:
    write(tmp_path / "cohort", 60, 28, 3, draws=3_000)
    page = appendix(tmp_path)
    assert "parameters agree in" in page and "PHReg (Efron)" in page and "None of the models" not in page
    assert 'id="tbl-second-opinion-terms"' in page


@pytest.mark.usefixtures("forked")
def test_the_report_of_a_survey_says_why_there_is_none(tmp_path: Path) -> None:
    package.write(survey(n=400), tmp_path / "cohort", "csv")
    page = appendix(tmp_path)
    why = "no like-defined fit in statsmodels, whose errors know neither strata"
    assert f"None of the models could be compared: {why}" in page and page.count(why) == 1
    assert "tbl-second-opinion" not in page


def appendix(folder: Path) -> str:
    made = build(str(folder / "cohort"), sections=["second-opinion"], out=folder / "report")
    return re.sub(r"\s+", " ", made.html.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("value", "printed"), [(0.0, "<10⁻⁸"), (3e-9, "<10⁻⁸"), (2.4e-5, "2 × 10⁻⁵"), (0.4767, "0.48"), (float("nan"), "–")]
)
def test_gaps_are_printed_by_their_size(value: float, printed: str) -> None:
    assert wording.magnitude(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(7.654724e-5, "7.65472 × 10⁻⁵"), (-7.33934e-5, "−7.33934 × 10⁻⁵"), (0.00262393, "0.00262393"), (-0.0, "0")],
)
def test_numbers_side_by_side_have_no_raw_exponents(value: float, printed: str) -> None:
    assert wording.digits(value, 6) == printed


def test_importing_the_models_loads_no_statsmodels() -> None:
    code = "import sys, crampstudy.models.fit; print('statsmodels' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_command_line_shows_it_below_and_rows_stay_rows(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "cohort", 60, 20, 2, draws=3_000)
    asked = ["fit", str(tmp_path / "cohort"), "--model", "poisson", "--terms", "sex"]
    code, out, err = run(*asked, "--second-opinion")
    assert code == 0 and err == ""
    assert "Second opinion" in out and "statsmodels' SE" in out
    last = out.strip().splitlines()[-1]
    assert last.startswith("statsmodels, GLM (Poisson), on the same") and "agrees on 2 of 2 parameters" in last
    code, out, err = run(*asked, "--second-opinion", "--json")
    assert code == 0 and "agrees on 2 of 2 parameters" in err
    assert out == run(*asked, "--json")[1] and len(json.loads(out)) == 2
    code, _, err = run(*asked, "--second-opinion", "--workers", "2")
    assert code == 2 and "leave --workers and --cluster out" in err


def test_of_many_participants_some_have_a_second_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Cohort] = []

    def opinions(of: Cohort, *_: Any) -> pd.DataFrame:
        asked.append(of)
        return without_fit(of.name, "poisson", None, "not asked")

    monkeypatch.setattr(section, "_opinions", opinions)
    whole = odd_cohort.cohort()
    people = whole.frame("participants").height
    for most, every in ((people, 1), (people - 1, 2), (5, -(-people // 5))):
        monkeypatch.setattr(section, "MOST", most)
        said = section.of_diary(whole, Settings()).values["second_opinion"]
        own = asked.pop().frame("participants")["participant_id"]
        assert own.to_list() == whole.frame("participants")["participant_id"].sort().gather_every(every).to_list()
        assert (f"both fits are of {len(own):,} of the {people:,} participants, one of every {every} " in said) == (
            every > 1
        )


def test_of_cramps_without_pain_there_is_no_ordinal_model(cohort: Cohort) -> None:
    painless = cohort.frame("episodes").drop("pain_0_10")
    made = second_opinions(replace(cohort, tables={**cohort.tables, "episodes": painless}), "sex")
    (row,) = wording.records(made[made["model"] == "ordinal"])
    assert (row["status"], row["note"]) == ("not_estimable", "pain was logged of no cramp")
