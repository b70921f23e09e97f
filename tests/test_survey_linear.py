"""Differences of a number in the population that a survey samples."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy import fit
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError


def survey(**columns: Any) -> Cohort:
    """Return 400 people in 8 strata whose body-mass index is 1.5 higher with diabetes."""
    rng = np.random.default_rng(3)
    n = 400
    ill = rng.random(n) < 0.3
    frame = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": rng.uniform(30, 80, n).round(),
            "sex": np.where(rng.random(n) < 0.5, "female", "male"),
            "diabetes": ill,
            "bmi_kg_m2": (27 + 1.5 * ill + rng.normal(0, 4, n)).round(1),
            "serum_potassium_mmol_l": rng.normal(4.1, 0.3, n).round(2),
            "weight_interview": rng.gamma(3, 1000, n),
            "weight_exam": rng.gamma(3, 1000, n),
            "stratum": np.repeat(np.arange(8), n // 8),
            "psu": np.tile(np.repeat([1, 2], n // 16), 8),
        }
    ).with_columns(**columns)
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"})
    return Cohort("asked", "survey", {"participants": frame}, design, as_of=date(2006, 12, 31))


def asked(of: Cohort, terms: str = "diabetes + age_decade", **more: Any) -> Any:
    return fit(of, model="survey-linear", terms=terms, **{"outcome": "bmi_kg_m2"} | more)


def test_a_difference_with_the_weight_of_what_is_explained() -> None:
    of = survey()
    found = asked(of)
    row = found.estimates.set_index("term").loc["diabetes"]
    assert (row["scale"], row["unit"], row["df"]) == ("difference", "kg/m², against false", 6)
    assert "weighted by weight_exam" in row["note"]
    assert abs(row["estimate"] - 1.5) < 4 * row["std_error"]
    frame = of.frame("participants")
    root = np.sqrt(frame["weight_exam"].to_numpy())
    x = np.column_stack([np.ones(400), frame["diabetes"], (frame["age_years"] - 60) / 10]).astype(float)
    expected = np.linalg.lstsq(x * root[:, None], frame["bmi_kg_m2"].to_numpy() * root)[0]
    assert row["estimate"] == pytest.approx(expected[1])
    # An age is asked in the interview.
    assert "weighted by weight_interview" in asked(of, "diabetes", outcome="age_years").estimates["note"].iloc[0]


def test_people_without_the_number_are_counted() -> None:
    few = survey(bmi_kg_m2=pl.when(pl.col("participant_id").cast(pl.Int64) % 10 > 0).then("bmi_kg_m2"))
    found = asked(few)
    assert found.n_rows == 360
    assert dict(found.account.left_out)["without bmi_kg_m2"] == 40
    assert found.estimates["n_events"].isna().all()


def test_a_part_is_a_domain() -> None:
    row = asked(survey(), where="age_years >= 50").estimates.iloc[0]
    assert (row["status"], row["df"]) == ("converged", 6)
    assert 200 < row["n_participants"] < 400


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pl.lit(25.0), "the outcome does not vary: it is 25 for all participants"),
        (25 + 2.0 * pl.col("diabetes"), "the outcome follows from the terms exactly"),
    ],
)
def test_a_number_that_does_not_vary_has_its_reason(values: pl.Expr, reason: str) -> None:
    found = asked(survey(bmi_kg_m2=values))
    assert found.status == "not_estimable" and reason in found.estimates["note"].iloc[0]


@pytest.mark.parametrize("unit", [1e-8, 1e7])
def test_the_unit_does_not_matter(unit: float) -> None:
    one, other = (
        asked(survey()).estimates,
        asked(survey(own=pl.col("bmi_kg_m2") * unit), outcome="own", weight="weight_exam").estimates,
    )
    assert (other["estimate"] / unit).tolist() == pytest.approx(one["estimate"].tolist())
    assert other["p_value"].iloc[0] == pytest.approx(one["p_value"].iloc[0])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"outcome": None}, "survey-linear needs an outcome: a number of the participants, such as bmi_kg_m2"),
        ({"outcome": "sex"}, "'sex' is none; they have age_years"),
        ({"outcome": "weight_exam"}, "'weight_exam' is none"),
        ({"outcome": "any_cramp"}, "takes a number of the participants as outcome, got 'any_cramp'"),
        ({"outcome": "age_years"}, "terms name 'age_decade', which is what the outcome age_years is made of"),
        ({"where": "bmi_kg_m2 > 20"}, "the condition names 'bmi_kg_m2', the outcome"),
        ({"covariance": "model"}, "its covariance is that of the sampling design"),
    ],
)
def test_what_cannot_be_asked_is_said(more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(survey(), **more)
