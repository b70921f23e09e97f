"""What every model says of diaries that are hard: the same cases, with the status known by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import optimize

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.models.registry import NIGHT_FAMILIES

ASKED = [(model, outcome) for model, engine in NIGHT_FAMILIES.items() for outcome in engine.outcomes]
HURDLE = "hurdle-negative-binomial"
# What a hurdle model says of counts is said of those above zero: it has ratios of its own, or none.
OF_ALL_NIGHTS = [asked for asked in ASKED if asked[0] != HURDLE]
COUNTS = [asked for asked in OF_ALL_NIGHTS if asked[1] == "cramps"]
MARGINAL = [asked for asked in OF_ALL_NIGHTS if not asked[0].startswith("mixed")]
NIGHTS = 20
EXACT = ("poisson", "negative-binomial", "gee-exchangeable")


def diary(n: int, counts: Callable[[int, int, np.random.Generator], int], **columns: Any) -> Cohort:
    """n participants in two arms, by turns, with ``counts(person, night, rng)`` cramps in each of 20 nights."""
    rng = np.random.default_rng(7)
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": [25.0 + (i // 2 * 11) % 60 for i in range(n)],
            "sex": ["female" if i // 2 % 2 else "male" for i in range(n)],
            "treated": [i % 2 == 1 for i in range(n)],
        }
    ).with_columns(**columns)
    rows = [
        (f"p{i:03}", date(2024, 1, 1) + timedelta(days=k), counts(i, k, rng)) for i in range(n) for k in range(NIGHTS)
    ]
    schema = {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}
    return Cohort("made", "diary", {"participants": people, "diary": pl.DataFrame(rows, schema, orient="row")})


def usual(i: int, k: int, rng: np.random.Generator) -> int:
    """Persons who differ, and the treated with half as many."""
    return int(rng.poisson(0.4 * (0.3 + (i // 2) % 5 / 2) * (0.5 if i % 2 else 1)))


def ratio(cohort: Cohort, outcome: str) -> float:
    """The ratio of both arms' rates, or of their odds of a night with a cramp, by hand."""
    nights = cohort.diary.merge(cohort.participants, on="participant_id")
    values = nights["cramps"] if outcome == "cramps" else nights["cramps"].gt(0)
    mean = values.groupby(nights["treated"]).mean()
    value = mean if outcome == "cramps" else mean / (1 - mean)
    return float(value[True] / value[False])


def asked(cohort: Cohort, model: str, outcome: str, terms: str = "treated", **options: Any) -> pd.DataFrame:
    return fit(cohort, model=model, outcome=outcome, terms=terms, **options).estimates


def row_of(rows: pd.DataFrame, term: str) -> Any:
    (found,) = rows[rows["term"] == term].to_dict("records")
    return found


def says_no_number(rows: pd.DataFrame, status: str, reason: str) -> None:
    assert set(rows["status"]) == {status}
    assert rows[["estimate", "ci_low", "ci_high", "std_error", "p_value"]].isna().all(axis=None)
    assert rows["note"].str.startswith(reason).all(), rows["note"].unique()


def rare() -> Cohort:
    """2 of 1,600 nights with a cramp among the treated, 4 among the others, all of different people."""
    when = {(1, 3), (11, 8), (0, 1), (6, 12), (20, 5), (44, 19)}
    return diary(160, lambda i, k, rng: int((i, k) in when))


@pytest.mark.parametrize(("model", "outcome"), OF_ALL_NIGHTS)
def test_a_rare_outcome_has_its_ratio_and_a_wide_interval(model: str, outcome: str) -> None:
    rows = asked(rare(), model, outcome)
    row = row_of(rows, "treated")
    expected = 0.5 if outcome == "cramps" else 2 / 1598 / (4 / 1596)
    assert row["status"] == "converged"
    # No two cramps of anybody: persons do not differ beyond chance, so that the mixed models' variance is at its edge.
    # AR(1) weighs the nights at the ends of a diary a little more.
    assert row["estimate"] == pytest.approx(expected, rel=1e-3 if model == "gee-ar1" else 1e-6)
    assert row["ci_high"] / row["ci_low"] > 20
    edges = [r for r in rows.to_dict("records") if r["term"] in ("random intercept", "dispersion")]
    assert {r["status"] for r in edges} <= {"boundary"}


def test_counts_of_one_leave_a_hurdle_model_nothing_above_it() -> None:
    says_no_number(asked(rare(), HURDLE, "cramps"), "not_estimable", "no night has more than one cramp")


def half() -> Cohort:
    """One treated participant has half of all cramps."""
    total = int(diary(60, usual).diary["cramps"].sum())
    cohort = diary(60, lambda i, k, rng: total // NIGHTS + (k < total % NIGHTS) if i == 5 else usual(i, k, rng))
    theirs = cohort.diary.groupby("participant_id")["cramps"].sum()
    assert 0.45 < theirs["p005"] / theirs.sum() < 0.55
    return cohort


@pytest.mark.parametrize(("model", "outcome"), MARGINAL)
def test_one_participant_with_half_of_all_cramps(model: str, outcome: str) -> None:
    cohort = half()
    row = row_of(asked(cohort, model, outcome), "treated")
    assert row["status"] == "converged"
    # All have equally many nights, which AR(1) weighs by their place in the diary.
    if model != "gee-ar1":
        assert row["estimate"] == pytest.approx(ratio(cohort, outcome), rel=1e-5)
    # The interval knows that one participant makes the ratio.
    naive = row_of(asked(cohort, model, outcome, covariance="model"), "treated")
    if outcome == "cramps":
        assert row["std_error"] > 1.5 * naive["std_error"] or model.startswith("gee")


def test_half_of_all_cramps_take_a_hurdle_model_to_its_limit() -> None:
    cohort = half()
    rows = asked(cohort, HURDLE, "cramps", covariance="cluster")
    # Nights with a cramp have one or two, or ten and more: no negative binomial is as uneven, a logarithmic series is.
    assert row_of(rows, "dispersion")["status"] == "boundary"
    assert np.isnan(row_of(rows, "dispersion")["estimate"])
    assert row_of(rows, "intercept")["status"] == "not_estimable"
    nights = cohort.diary.merge(cohort.participants, on="participant_id")
    above = nights[nights["cramps"] > 0].groupby("treated")["cramps"].mean()
    # Its mean is odds / log(1 + odds), and the ratio that of the odds.
    odds = [optimize.brentq(lambda o, m=mean: o / np.log1p(o) - m, 1e-6, 1e4, xtol=1e-12) for mean in above]
    row = row_of(rows, "treated")
    assert row["estimate"] == pytest.approx(odds[1] / odds[0], rel=1e-6)
    assert row["std_error"] > 1.5 * row_of(asked(cohort, HURDLE, "cramps", covariance="model"), "treated")["std_error"]
    none = nights["cramps"].eq(0).mean()
    zero = row_of(rows, "zero: intercept")
    assert (zero["status"], zero["estimate"]) == ("converged", pytest.approx(none / (1 - none), rel=1e-8))


@pytest.mark.parametrize("model", ["mixed-poisson", "mixed-negative-binomial"])
def test_half_of_all_cramps_move_a_mixed_model_less(model: str) -> None:
    usual_rows = asked(diary(60, usual), model, "cramps")
    cohort = diary(60, lambda i, k, rng: 20 if i == 5 else usual(i, k, rng))
    rows = asked(cohort, model, "cramps")
    row = row_of(rows, "treated")
    assert row["status"] == "converged"
    assert abs(math.log(row["estimate"])) < abs(math.log(ratio(cohort, "cramps")))
    spread = [row_of(r, "random intercept")["estimate"] for r in (usual_rows, rows)]
    assert spread[1] > spread[0]


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_a_collinear_factor_is_named(model: str, outcome: str) -> None:
    cohort = diary(40, usual, dose_mg=pl.Series([300.0 * (i % 2) for i in range(40)]))
    says_no_number(
        asked(cohort, model, outcome, "treated + dose_mg"), "not_estimable", "dose_mg follows from the terms"
    )


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_an_empty_band_is_left_out_and_the_others_fitted(model: str, outcome: str) -> None:
    ages = pl.Series([25.0 if i % 3 == 0 else 45.0 if i % 3 == 1 else 75.0 for i in range(90)])
    rows = asked(diary(90, usual, age_years=ages), model, outcome, "age_band")
    bands = rows[rows["term"] == "age_band"]
    assert bands["level"].tolist() == ["40-49", "70-79"]
    assert set(bands["reference"]) == {"20-39"}
    assert set(bands["status"]) == {"converged"}


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_an_arm_without_a_cramp_has_no_ratio(model: str, outcome: str) -> None:
    cohort = diary(40, lambda i, k, rng: 0 if i % 2 else usual(i, k, rng))
    says_no_number(
        asked(cohort, model, outcome), "not_estimable", "no cramp where treated = true: no finite ratio exists"
    )


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_an_arm_with_a_cramp_every_night_has_a_rate_and_no_odds(model: str, outcome: str) -> None:
    cohort = diary(40, lambda i, k, rng: 1 + (i + k) % 2 if i % 2 else usual(i, k, rng))
    rows = asked(cohort, model, outcome)
    if outcome == "cramps":
        assert row_of(rows, "treated")["status"] == "converged"
    else:
        assert set(rows["status"]) <= {"not_estimable", "not_converged"}
        assert rows[["estimate", "ci_low", "ci_high", "std_error"]].isna().all(axis=None)


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_a_number_that_separates_has_no_ratio(model: str, outcome: str) -> None:
    # Cramps only in the oldest: the line rises for ever.
    cohort = diary(
        40, lambda i, k, rng: int(k % 2 and i == 38), age_years=pl.Series([30.0 + i for i in range(39)] + [20.0])
    )
    rows = asked(cohort, model, outcome, "age_decade")
    says_no_number(rows, "not_estimable", "nights without a cramp are set apart completely by age_decade")


@pytest.mark.parametrize(("model", "outcome"), ASKED)
def test_twelve_participants_have_t_intervals(model: str, outcome: str) -> None:
    row = row_of(asked(diary(12, usual), model, outcome, covariance="cluster"), "treated")
    assert (row["status"], row["df"], row["n_groups"]) == ("converged", 11, 12)
    if "cluster-small" in NIGHT_FAMILIES[model].covariances:
        small = row_of(asked(diary(12, usual), model, outcome, covariance="cluster-small"), "treated")
        # Satterthwaite's degrees of freedom are those of two groups of six or fewer.
        assert 5 < small["df"] <= 10
        assert small["std_error"] > row["std_error"]


def many() -> Cohort:
    """Up to 200 cramps in every night."""

    def counts(i: int, k: int, rng: np.random.Generator) -> int:
        return min(200, int(rng.poisson(160 * (0.8 + (i // 2) % 5 / 10) * (0.5 if i % 2 else 1))))

    cohort = diary(60, counts)
    assert (cohort.diary["cramps"] == 200).sum() > 20
    return cohort


@pytest.mark.parametrize(("model", "outcome"), COUNTS)
def test_two_hundred_cramps_a_night(model: str, outcome: str) -> None:
    cohort = many()
    row = row_of(asked(cohort, model, outcome), "treated")
    assert row["status"] == "converged"
    assert row["estimate"] == pytest.approx(ratio(cohort, outcome), rel=1e-6 if model in EXACT else 1e-2)
    assert abs(math.log(row["estimate"] / 0.5)) < 4 * row["std_error"] < 0.4


def test_a_cramp_every_night_leaves_a_hurdle_model_nothing_to_step_over() -> None:
    says_no_number(asked(many(), HURDLE, "cramps"), "not_estimable", "every night has a cramp: there are no zeros")
