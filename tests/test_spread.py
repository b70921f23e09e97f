"""No interval without spread, whatever makes the row, and in whatever unit a term is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import describe, estimates, figures, fit, tables, wording
from crampstudy.cohort import Cohort, SurveyDesign

ROW: dict[str, Any] = {"analysis": "regression", "estimate": 2.0, "n_participants": 30}


def alike(n: int = 12, counts: tuple[int, ...] = (1, 0, 2, 0, 0, 3, 1, 0)) -> Cohort:
    """Make participants whose nights are all the same, with the same three cramps each."""
    names = [f"p{i:02}" for i in range(n)]
    people = pl.DataFrame(
        {
            "participant_id": names,
            "age_years": [30.0 + 4 * i for i in range(n)],
            "sex": ["female" if i % 2 else "male" for i in range(n)],
        }
    )
    nights = [(who, date(2025, 1, 1) + timedelta(days=k), count) for who in names for k, count in enumerate(counts)]
    cramps = [(who, date(2025, 1, 1), k + 1, pain, seconds) for who in names for k, (pain, seconds) in enumerate(PAINS)]
    schema = {"participant_id": pl.String, "date": pl.Date}
    return Cohort(
        "alike",
        "diary",
        {
            "participants": people,
            "diary": pl.DataFrame(nights, schema | {"cramps": pl.Int64}, orient="row"),
            "episodes": pl.DataFrame(
                cramps,
                schema | {"episode": pl.Int64, "pain_0_10": pl.Float64, "relief_s": pl.Float64},
                orient="row",
            ),
        },
    )


PAINS = ((2.0, 60.0), (5.0, 120.0), (5.0, 240.0))


def assert_no_interval(rows: pd.DataFrame) -> None:
    """Every estimate stands alone, with the reason."""
    shown = rows[rows["estimate"].notna()]
    assert len(shown) and shown[["ci_low", "ci_high", "std_error", "p_value"]].isna().all(axis=None)
    assert set(shown["status"]) == {"boundary"}
    assert shown["note"].str.contains("no spread, so no interval").all()


MODELS = [
    *[(model, None) for model in ("poisson", "negative-binomial", "logistic")],
    *[(model, None) for model in ("mixed-poisson", "mixed-negative-binomial", "hurdle-negative-binomial")],
    *[("mixed-logistic", None), ("ordinal", "pain"), ("cox", "relief"), ("cox", "gap")],
]


@pytest.mark.parametrize(("model", "outcome"), MODELS)
def test_participants_who_are_all_alike_have_no_interval(model: str, outcome: str | None) -> None:
    rows = fit(alike(), model=model, outcome=outcome, terms="sex").estimates
    ratio = estimates.ratios(rows)
    assert ratio["estimate"].tolist() == pytest.approx([1.0] * len(ratio), abs=1e-6)
    # The parameters beside the coefficients have intervals from the likelihood, or none.
    own = rows[~rows["scale"].isin(estimates.PARAMETERS)]
    assert_no_interval(own)


@pytest.mark.parametrize("kind", ["cluster-hc0", "cluster-small"])
def test_whatever_the_robust_covariance(kind: Any) -> None:
    assert_no_interval(fit(alike(), model="poisson", terms="sex", covariance=kind).estimates)


def test_spread_on_one_side_alone_gives_that_side_its_interval() -> None:
    made = alike()
    nights = made.frame("diary").with_columns(
        cramps=pl.col("cramps") * pl.when(pl.col("participant_id").is_in(["p01", "p05"])).then(2).otherwise(1)
    )
    rows = fit(Cohort("made", "diary", {**made.tables, "diary": nights}), model="poisson", terms="sex").estimates
    female, baseline = rows.iloc[0], rows.iloc[-1]
    assert female["status"] == "converged" and female["ci_low"] < female["estimate"] < female["ci_high"]
    # All men have seven cramps in eight nights.
    assert (baseline["status"], baseline["estimate"]) == ("boundary", pytest.approx(7 / 8 * 7))
    assert np.isnan(baseline["ci_low"])


def scattered(factor: float) -> pd.Series:
    """Return the row of a number of the participants, in units of ``factor``, where their cramps differ."""
    rng, made = np.random.default_rng(5), alike()
    people = made.frame("participants").with_columns(crp=pl.Series(factor * rng.normal(5, 2, 12)))
    nights = made.frame("diary").with_columns(cramps=pl.Series(rng.poisson(1.0, 96)).cast(pl.Int64))
    cohort = Cohort("made", "diary", {**made.tables, "participants": people, "diary": nights})
    return fit(cohort, model="poisson", terms="crp").estimates.iloc[0]


@pytest.mark.parametrize("factor", [1e-3, 1e9, 1e12])
def test_the_unit_of_a_term_makes_no_spread_and_takes_none(factor: float) -> None:
    row, one = scattered(factor), scattered(1.0)
    assert row["status"] == "converged" and 0 < one["p_value"] < 0.5
    assert row["p_value"] == pytest.approx(one["p_value"], rel=1e-6)
    # A ratio that nobody could read per unit is one per the power of ten nearest the spread.
    assert row["unit"] == f"per {factor:g}"
    assert row["std_error"] == pytest.approx(one["std_error"], rel=1e-6)
    made = alike()
    people = made.frame("participants").with_columns(crp=pl.Series([factor * i**0.5 for i in range(12)]))
    same = Cohort("made", "diary", {**made.tables, "participants": people})
    assert_no_interval(fit(same, model="poisson", terms="crp").estimates)


def test_a_ratio_beyond_all_numbers_is_shown_per_another_unit() -> None:
    row, one = scattered(1e-7), scattered(1.0)
    assert (row["status"], row["unit"]) == ("converged", "per 1e-07")
    assert row["estimate"] == pytest.approx(one["estimate"], rel=1e-6)
    assert row["p_value"] == pytest.approx(one["p_value"], rel=1e-6)


def test_a_survey_whose_units_are_all_alike_has_no_interval() -> None:
    n = 48
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": [50.0] * n,
            "sex": ["male", "female", "male", "female"] * (n // 4),
            "weight_interview": [1.5] * n,
            "stratum": [i // 16 for i in range(n)],
            "psu": [i // 8 % 2 for i in range(n)],
            "recalled_low": [0, 0, 5, 5, 0, 5, 5, 0] * (n // 8),
            "recalled_high": [0, 0, 15, 15, 0, 15, 15, 0] * (n // 8),
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    made = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    for model in ("survey-logistic", "survey-poisson", "survey-ordinal"):
        assert_no_interval(fit(made, model=model, terms="sex").estimates)
    rows = describe(made, standard="none").estimates
    some = rows[(rows["level"] == "any") & (rows["population"] == "20+")].iloc[0]
    assert (some["status"], some["estimate"]) == ("boundary", 0.5) and np.isnan(some["ci_low"])


def test_one_psu_has_a_prevalence_and_no_interval() -> None:
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(30)],
            "age_years": [50.0] * 30,
            "sex": ["male"] * 30,
            "weight_interview": [1.0] * 30,
            "stratum": [1] * 30,
            "psu": [1] * 30,
            "recalled_low": [0, 5, 5] * 10,
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    made = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    rows = describe(made, standard="none").estimates
    some = rows[(rows["level"] == "any") & (rows["population"] == "20+")].iloc[0]
    assert some["estimate"] == pytest.approx(2 / 3) and some["status"] == "boundary"
    assert np.isnan(some["ci_low"]) and np.isnan(some["ci_high"])
    assert "no more PSUs than strata, so no interval" in some["note"]


def test_relief_that_is_alike_has_a_median_and_no_interval() -> None:
    made = alike()
    episodes = made.frame("episodes").with_columns(remedy=pl.lit("heat"), relief_s=pl.lit(60.0))
    rows = describe(Cohort("made", "diary", {**made.tables, "episodes": episodes}), outcome="relief").estimates
    median = rows[rows["scale"] == "median"].iloc[0]
    assert (median["estimate"], median["status"]) == (60.0, "boundary")
    assert np.isnan(median["ci_low"]) and "no spread, so no interval" in median["note"]


def test_describe_shows_the_estimate_alone_and_the_reason() -> None:
    rows = describe(alike(), "sex").estimates
    assert_no_interval(rows)
    table = tables.rates(rows)
    assert table["Cramps per person-week (95% CI)"].tolist() == ["6.12"] * 3
    assert tables.notes(rows).startswith("No spread, so no interval")


def test_a_figure_draws_a_point_alone() -> None:
    lone = estimates.row(status="converged", **ROW | {"scale": "rate_ratio", "term": "sex", "level": "female"})
    drawn = figures.ratios(estimates.frame([lone]))
    assert "could not" not in " ".join(text.get_text() for text in drawn.axes[0].texts)
    assert figures.rates(describe(alike()).estimates).axes[0].get_ylabel() == "Cramps per person-week"


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ({"scale": "rate", "ci_low": 2.0, "ci_high": 2.0}, False),
        ({"scale": "rate", "ci_low": 1.0, "ci_high": 3.0}, True),
        ({"scale": "rate", "ci_low": 1.0, "ci_high": 3.0, "n_participants": 4}, False),
        ({"scale": "prevalence", "ci_low": 0.1, "ci_high": 0.3, "n_participants": 4}, False),
        ({"scale": "rate_ratio", "ci_low": 1.0, "ci_high": 3.0, "n_participants": 4}, True),
        ({"scale": "rate_ratio", "ci_low": 2.0, "ci_high": 2.0, "std_error": 0.0}, False),
        ({"scale": "rate_ratio", "ci_low": 1.0, "ci_high": 1.0, "std_error": 1e-18}, True),
        ({"scale": "restricted_mean", "ci_low": 6e4, "ci_high": 6e4 * (1 + 1e-15), "std_error": 1e-11}, False),
        ({"scale": "median", "ci_low": 60.0, "ci_high": float("nan")}, True),
        ({"scale": "rate", "ci_low": 0.0, "ci_high": 0.4, "estimate": 0.0}, True),
    ],
)
def test_a_row_keeps_only_limits_that_are_an_interval(cells: dict[str, Any], kept: bool) -> None:
    made = estimates.row(status="converged", **ROW | cells)
    assert (made["ci_low"] is not None) == kept == (made["status"] == "converged")
    assert made["estimate"] == cells.get("estimate", 2.0)
    assert (made["note"] is None) == kept


def test_limits_that_differ_are_printed_so() -> None:
    row = {"status": "converged", "estimate": 1 + 2e-9, "ci_low": 1 + 1e-9, "ci_high": 1 + 3e-9}
    assert wording.estimate(row) == "1.000000002 (1.000000001–1.000000003)"
