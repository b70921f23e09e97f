from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.simulate import simulate


def diary(ages: list[float], rate: float = 1.0) -> Cohort:
    rng = np.random.default_rng(4)
    people = pl.DataFrame(
        {"participant_id": [f"p{i}" for i in range(len(ages))], "age_years": ages, "sex": ["male"] * len(ages)}
    )
    nights = pl.DataFrame(
        [
            (f"p{i}", date(2024, 1, 1) + timedelta(days=k), int(rng.poisson(rate)))
            for i in range(len(ages))
            for k in range(10)
        ],
        {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64},
        orient="row",
    )
    return Cohort("made", "diary", {"participants": people, "diary": nights})


def survey(top_coded_age: int | None) -> Cohort:
    rng = np.random.default_rng(3)
    n = 1200
    age = rng.integers(18, 86, n).astype(float)
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": age,
            "sex": ["male"] * n,
            "weight_interview": rng.gamma(3, 1000, n),
            "stratum": np.repeat(np.arange(6), 200),
            "psu": np.tile(np.repeat([1, 2], 100), 6),
            "recalled_low": np.where(rng.random(n) < 0.1 + age / 200, 5, 0),
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"}, top_coded_age=top_coded_age)
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


def test_a_row_per_year_of_age_around_the_true_rate() -> None:
    rows = age_curve(diary([20.0 + i * 0.5 for i in range(120)]))
    assert rows["level"].tolist() == [str(age) for age in range(20, 80)]
    assert rows["key"].is_unique
    assert set(rows["status"]) == {"converged"}
    # One cramp a night at every age is seven a week.
    inside = (rows["ci_low"] < 7) & (rows["ci_high"] > 7)
    assert inside.mean() > 0.8
    assert ((rows["ci_low"] < rows["estimate"]) & (rows["estimate"] < rows["ci_high"])).all()
    middle = rows[rows["level"].astype(int).between(30, 70)]
    assert middle["estimate"].between(5.8, 8.2).all()


def test_curve_rises_where_the_rate_does() -> None:
    rows = age_curve(simulate(600, 30, seed=8)).set_index("level")["estimate"]
    assert rows["75"] > 1.2 * rows["30"]


def test_youngest_cuts_the_curve() -> None:
    assert age_curve(diary([15.0 + i for i in range(60)]), youngest=40)["level"].iloc[0] == "40"


@pytest.mark.parametrize(("top", "oldest"), [(80, "80"), (None, "85")])
def test_survey_gives_both_outcomes_up_to_the_top_coded_age(top: int | None, oldest: str) -> None:
    rows = age_curve(survey(top))
    assert list(dict.fromkeys(rows["outcome"])) == ["any_cramp", "moderate_severe_vs_rest"]
    assert rows["key"].is_unique
    assert rows.groupby("outcome")["level"].last().tolist() == [oldest, oldest]
    assert rows["estimate"].between(0, 1).all()
    curve = rows[rows["outcome"] == "any_cramp"].set_index("level")["estimate"]
    assert curve["50"] == pytest.approx(0.35, abs=0.07)


def test_too_few_ages_are_not_estimable() -> None:
    rows = age_curve(diary([30.0, 40.0, 50.0] * 10))
    assert rows["status"].tolist() == ["not_estimable"]
    assert rows["note"][0] == "a curve needs at least 10 different ages, the cohort has 3"


def test_no_cramp_is_not_estimable() -> None:
    rows = age_curve(diary([20.0 + i for i in range(40)], rate=0.0))
    assert rows["status"].tolist() == ["not_estimable"]
    assert rows["note"][0] == "no cramp on any of the nights"


def test_nobody_old_enough_is_not_estimable() -> None:
    assert age_curve(diary([30.0 + i for i in range(40)]), youngest=100)["status"].tolist() == ["not_estimable"]


@pytest.mark.parametrize(("youngest", "first"), [(20, "40"), (50, "50")])
def test_the_curve_is_drawn_where_somebody_is(youngest: int, first: str) -> None:
    middle = [42.0 + 2 * i for i in range(22)]
    rows = age_curve(diary([40.0, *middle, *middle, 87.0]), youngest=youngest)
    assert (rows["level"].iloc[0], rows["level"].iloc[-1]) == (first, "87")
    # Between 40.6 and 86.3 lie the whole years 41 to 86.
    within = age_curve(diary([40.6, *middle, *middle, 86.3]))
    assert (within["level"].iloc[0], within["level"].iloc[-1]) == ("41", "86")


def test_the_range_is_that_of_the_participants_who_enter_the_fit() -> None:
    middle = [40.0 + 2 * i for i in range(23)]
    made = diary([25.0, *middle, *middle, 95.0])
    nights = made.frame("diary").filter(~pl.col("participant_id").is_in(["p0", "p47"]))
    rows = age_curve(Cohort("made", "diary", {**made.tables, "diary": nights}))
    assert (rows["level"].iloc[0], rows["level"].iloc[-1]) == ("40", "84")
    asked = survey(None)
    people = asked.frame("participants").with_columns(
        weight_interview=pl.when(pl.col("age_years").is_between(30, 80)).then("weight_interview").otherwise(0.0)
    )
    rows = age_curve(Cohort("asked", "survey", {"participants": people}, asked.design, as_of=asked.as_of))
    assert rows.groupby("outcome")["level"].agg(["first", "last"]).to_numpy().tolist() == [["30", "80"]] * 2


def test_few_participants_have_no_curve() -> None:
    rows = age_curve(diary([30.0 + 2 * i for i in range(24)]))
    assert rows["status"].tolist() == ["not_estimable"]
    assert rows["note"].iloc[0] == "a curve of 5 coefficients needs at least 25 participants"
