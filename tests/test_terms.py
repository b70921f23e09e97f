"""Which columns may be terms of a model or form groups: neither the outcome, nor who, nor when, nor texts at random."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from odd_cohort import N, cohort

from crampstudy import describe, fit
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.models.optimise import products
from crampstudy.models.terms import design_matrix
from crampstudy.models.terms.encoding import Encoded, encoded
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]

# The outcome, who and when


SURVEY = Cohort(
    "asked",
    "survey",
    {
        "participants": pl.DataFrame(
            {
                "participant_id": [str(i) for i in range(40)],
                "age_years": [30.0 + i for i in range(40)],
                "sex": ["male", "female"] * 20,
                "weight_interview": [1.0] * 40,
                "stratum": [i // 10 for i in range(40)],
                "psu": [i // 5 % 2 for i in range(40)],
                "recalled_low": [(0, 1, 2, 5, 16)[i % 5] for i in range(40)],
                "recalled_high": [(0, 1, 4, 15, None)[i % 5] for i in range(40)],
            }
        )
    },
    SurveyDesign(("D",), {"interview": "weight_interview"}),
    as_of=date(2006, 12, 31),
)


def episodic() -> Cohort:
    made = cohort()
    cramped = made.frame("diary").filter(pl.col("cramps") > 0).select("participant_id", "date")
    number = np.arange(cramped.height, dtype=float)
    episodes = cramped.with_columns(
        episode=pl.lit(1, pl.Int64),
        pain_0_10=pl.Series(number % 8),
        relief_s=pl.Series(30 + number % 50),
        duration_s=pl.Series(60 + number % 50),
        site=pl.Series([("calf", "foot")[int(i) % 2] for i in number]),
    )
    tables = {"participants": made.frame("participants"), "diary": made.frame("diary"), "episodes": episodes}
    return Cohort("cramped", "diary", tables, synthetic=True)


NIGHTS_MODELS = ["poisson", "negative-binomial", "gee-ar1", "mixed-poisson", "zero-inflated-negative-binomial"]
SAME = [
    *((model, None, "cramps") for model in NIGHTS_MODELS),
    *((model, None, "cramp_night") for model in NIGHTS_MODELS),
    ("logistic", None, "cramps"),
    ("gee-exchangeable", "cramp_night", "cramps"),
    ("mixed-poisson", "cramp_night", "log(cramps + 1)"),
    ("poisson", None, "sex * I(cramps / 2)"),
    ("poisson", None, "ns(`cramps`, df=2)"),
    ("poisson", None, "sex + offset(log(cramps + 1))"),
    ("poisson", None, "weights(cramps)"),
    ("poisson", None, "C(cramp_night)"),
    ("ordinal", "pain", "pain_0_10"),
    ("cox", "relief", "relief_s"),
    ("cox", "relief", "site + log(duration_s)"),
    ("cox", "relief", "event"),
    ("cox", "relief", "time"),
    ("cox", "gap", "cramps"),
    ("cox", "gap", "stop"),
    ("survey-logistic", "any_cramp", "recalled_low"),
    ("survey-poisson", "any_cramp", "sex + recalled_high"),
    ("survey-ordinal", None, "recalled_low"),
    ("interval-count", None, "I(recalled_low > 1)"),
]


@pytest.mark.parametrize(("model", "outcome", "terms"), SAME)
def test_the_outcome_is_no_covariate_of_itself(model: str, outcome: str | None, terms: str) -> None:
    asked = SURVEY if model.startswith(("survey", "interval")) else episodic()
    with pytest.raises(UsageError, match="nothing is explained by itself"):
        fit(asked, model=model, outcome=outcome, terms=terms)


def test_the_outcome_is_no_covariate_of_its_zeros_either() -> None:
    with pytest.raises(UsageError, match="terms name 'cramps', which is the outcome itself"):
        fit(cohort(), model="hurdle-negative-binomial", terms="sex", zero_terms="cramps")


def test_what_is_not_of_the_outcome_may_explain_it() -> None:
    made = episodic()
    assert fit(made, model="ordinal", outcome="pain", terms="duration_s").status == "converged"
    assert fit(made, model="cox", outcome="relief", terms="pain_0_10").status == "converged"
    hours = cohort(recalled_low=pl.Series([i % 3 for i in range(N)]))
    assert fit(hours, model="poisson", terms="recalled_low").status == "converged"


@pytest.mark.parametrize(
    "terms", ["participant_id", "sex + C(participant_id)", "sex:participant_id", "date", "ns(date)"]
)
@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        *((model, None) for model in ("poisson", "logistic", "gee-ar1", "mixed-poisson", "interval-count")),
        ("ordinal", "pain"),
        ("cox", "relief"),
        ("cox", "gap"),
        ("survey-logistic", "any_cramp"),
    ],
)
def test_who_and_when_are_no_terms(model: str, outcome: str | None, terms: str) -> None:
    asked = SURVEY if model.startswith(("survey", "interval")) else episodic()
    with pytest.raises(UsageError, match=r"which says who it is|which is a date or a time"):
        fit(asked, model=model, outcome=outcome, terms=terms)


def test_own_dates_are_no_terms_either() -> None:
    made = cohort(enrolled=pl.lit(date(2024, 1, 1)))
    with pytest.raises(UsageError, match="'enrolled', which is a date or a time"):
        fit(made, model="poisson", terms="enrolled")


def test_who_and_when_form_no_groups(run: Run, tmp_path: Path) -> None:
    made = episodic()
    for outcome in ("cramps", "relief", "class_30_days"):
        for by in ("participant_id", "date"):
            with pytest.raises(UsageError, match=r"groups name|rates are given by|classes are given by"):
                describe(made, by, outcome=outcome)
    with pytest.raises(UsageError, match="nothing is explained by itself"):
        describe(made, "event", outcome="relief")
    package.write(cohort(), tmp_path / "c", "csv")
    code, _, said = run("describe", str(tmp_path / "c"), "--by", "participant_id")
    assert code == 2 and "says who it is" in " ".join(said.split())


# Texts as factors


def towns(count: int) -> pl.Series:
    return pl.Series([f"town {i % count:02}" for i in range(N)])


def test_a_text_of_more_than_12_levels_is_no_factor() -> None:
    for terms in ("town", "C(town)", "sex:town", "C(town, ref='town 01')", "C(`town`, contr.sum)"):
        with pytest.raises(UsageError, match=r"'town', a text with 13 levels in 24 participants \('town 00', .*, …\)"):
            fit(cohort(town=towns(13)), model="poisson", terms=terms)
    with pytest.raises(UsageError, match="13 levels in 24 participants"):
        describe(cohort(town=towns(13)), "town")


def test_a_text_of_more_levels_than_half_its_participants_is_no_factor() -> None:
    few = cohort(town=pl.Series([f"town {i}" if i < 5 else None for i in range(N)]))
    with pytest.raises(UsageError, match=r"5 levels in 5 participants .* group them in a column of fewer levels"):
        fit(few, model="poisson", terms="town")
    with pytest.raises(UsageError, match="11 levels in 12 participants"):
        fit(cohort(town=towns(11)), model="poisson", terms="town", where="sex = 'male'")


def test_12_levels_of_two_participants_each_are_a_factor() -> None:
    fitted = fit(cohort(town=towns(12)), model="poisson", terms="town", covariance="model").estimates
    assert (fitted["term"] == "town").sum() == 11
    assert len(describe(cohort(town=towns(12)), "town").estimates) == 2 * 13


def test_one_level_of_many_against_the_rest_is_a_comparison() -> None:
    fitted = fit(cohort(town=towns(13)), model="poisson", terms="I(town == 'town 03')").estimates
    assert fitted["status"].iloc[0] == "converged"


def test_a_number_of_many_values_is_no_factor() -> None:
    with pytest.raises(UsageError, match="a level of each of its 24 values, and at most 12"):
        fit(cohort(), model="poisson", terms="C(age_years)")


def test_levels_of_the_codebook_are_not_counted() -> None:
    three = cohort().frame("participants").head(3)
    design = design_matrix.build(three, "smoking", candidate=np.ones(3, dtype=bool))
    assert len(design.columns) == 3


@pytest.mark.parametrize("where", ["cramps > 0", "sex = 'female' AND cramp_night", "age_years > 50 AND cramps = 0"])
def test_nights_chosen_by_their_cramps_have_no_rate(where: str) -> None:
    made = cohort()
    with pytest.raises(UsageError, match="chosen by their cramps"):
        describe(made, "sex", where=where)
    for model in ("poisson", "logistic", "gee-exchangeable"):
        with pytest.raises(UsageError, match="chosen by their cramps"):
            fit(made, model=model, terms="sex", where=where)


def test_many_rows_are_encoded_in_parts_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    columns = {"sex": rng.choice(["male", "female"], 40), "age_years": rng.uniform(20, 90, 40)}
    frame = pl.DataFrame({"participant_id": [f"p{i}" for i in range(40)], **columns})
    terms = "sex * ns(age_years, df=2, ref=50) + scale(age_years)"
    design = design_matrix.build(frame, terms, candidate=np.ones(40, dtype=bool))
    assert design.encode(frame.to_pandas()) == pytest.approx(design.matrix, rel=1e-12)
    monkeypatch.setattr(products, "WHOLE", 9)
    monkeypatch.setattr(products, "_PART", 7)
    # A part that has one sex alone has both of its columns.
    assert design.encode(frame.sort("sex").to_pandas()) == pytest.approx(
        design.matrix[np.argsort(columns["sex"], kind="stable")], rel=1e-12
    )


def test_values_of_one_variable_leave_the_columns_of_the_others_as_they_are_in_the_first_row() -> None:
    frame = pl.DataFrame(
        {
            "participant_id": ["a", "a", "b", "c", "d", "e", "f", "g"],
            "sex": ["male", "female"] * 4,
            "age_years": [float(20 + 7 * i) for i in range(8)],
            "height_cm": [160.0, 171.0, 158.0, 182.0, 169.0, 177.0, 174.0, 165.0],
        }
    )
    terms = "sex * log(height_cm) + ns(age_years, df=2, ref=40)"
    design = design_matrix.build(frame, terms, candidate=np.ones(8, dtype=bool))
    first = {"sex": ["male"], "age_years": [20.0], "height_cm": [160.0]}
    for name, value in (("sex", "female"), ("age_years", 33.0), ("height_cm", 180.0)):
        whole = design.encode(pd.DataFrame(first | {name: [value]}))
        assert design.encode(pd.DataFrame({name: [value]})) == pytest.approx(whole, rel=1e-15)
    assert design.encode(pd.DataFrame({"sleep_hours": [7.0, 8.0]})) == pytest.approx(design.matrix[[0, 0]], rel=1e-15)
    with pytest.raises(UsageError, match="sex was never 'other'"):
        design.encode(pd.DataFrame({"sex": ["other"]}))


def test_terms_for_which_there_is_no_room_are_found_without_encoding_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n = 20
    values = np.random.default_rng(4).normal(size=(n, 6)).round(3)
    columns = {f"x{i}": values[:, i] for i in range(6)}
    frame = pl.DataFrame({"participant_id": [f"p{i}" for i in range(n)], **columns})
    # Without x5, which half of them lack, there are 20 participants: room for an intercept and three terms.
    frame = frame.with_columns(x5=pl.when(pl.int_range(pl.len()) < n // 2).then("x5"))
    times = 0

    def counted(*args: Any) -> Encoded:
        nonlocal times
        times += 1
        return encoded(*args)

    monkeypatch.setattr(design_matrix, "encoded", counted)
    design = design_matrix.build(frame, " + ".join(columns), candidate=np.ones(n, dtype=bool), per_coefficient=5)
    assert design.surplus == ("x3", "x4", "x5")
    assert design.terms() == ("x0", "x1", "x2")
    assert design.rows.all()
    assert times == 2


@pytest.mark.parametrize("part", ["{}", "between({})", "{}:x"])
@pytest.mark.parametrize(("people", "kept"), [(20, ("x", "age")), (25, ("x", "age", "cos", "sin")), (14, ("x",))])
def test_half_of_the_annual_cycle_stands_in_no_model(part: str, people: int, kept: tuple[str, ...]) -> None:
    cos, sin = (part.format(f"season_{half}") for half in ("cos", "sin"))
    values = np.random.default_rng(5).normal(size=(people, 4))
    columns = {"season_cos": values[:, 2], "season_sin": values[:, 3], "x": values[:, 0], "age": values[:, 1]}
    frame = pl.DataFrame({"participant_id": [f"p{i}" for i in range(people)], **columns}).with_columns(
        **{part.format(name): pl.col(name) for name in ("season_cos", "season_sin") if ":" not in part}
    )
    terms = " + ".join(["x", "age", cos, sin])
    design = design_matrix.build(frame, terms, candidate=np.ones(people, dtype=bool), per_coefficient=5)
    shown = {"x": "x", "age": "age", "cos": cos, "sin": sin}
    assert {*design.terms()} == {shown[name] for name in kept}
    assert len(design.columns) == 1 + len(kept) and {*design.surplus} == {*shown.values()} - {*design.terms()}
