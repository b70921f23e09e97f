from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import AgeBands
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.descriptive.characteristics import (
    characteristics,
    completeness,
    completeness_by_week,
    measured,
    participants_by_band,
)

PEOPLE = pl.DataFrame(
    {
        "participant_id": ["a", "b", "c", "d"],
        "age_years": [20.0, 40.0, 60.0, 17.0],
        "sex": ["female", "male", "female", "male"],
        "diabetes": [True, False, None, True],
        "smoking": ["never", "current", "never", "never"],
        "bmi_kg_m2": [20.0, 30.0, None, 50.0],
    }
)


def diary() -> Cohort:
    """Three adults: a logs nights 0, 1 and 9; b nights 0 to 6 with one entry without a count; c night 0."""
    nights = [
        *[("a", 0, True, 1), ("a", 1, True, 0), ("a", 9, True, 2)],
        *[("b", i, i != 3, None if i == 3 else 0) for i in range(7)],
        *[("c", 0, True, 0), ("d", 0, True, 0)],
    ]
    rows = [(who, date(2024, 1, 1) + timedelta(days=night), made, n) for who, night, made, n in nights]
    schema = {"participant_id": pl.String, "date": pl.Date, "entry_made": pl.Boolean, "cramps": pl.Int64}
    return Cohort("made", "diary", {"participants": PEOPLE, "diary": pl.DataFrame(rows, schema, orient="row")})


def survey() -> Cohort:
    people = PEOPLE.with_columns(
        weight_interview=pl.Series([1.0, 3.0, 4.0, 2.0]),
        weight_exam=pl.Series([1.0, 3.0, 0.0, 2.0]),
        stratum=pl.Series([1, 1, 2, 2]),
        psu=pl.Series([1, 2, 1, 2]),
        recalled_low=pl.Series([0, 5, None, 1]),
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))


def pick(rows: pd.DataFrame, term: str, scale: str, population: str = "all", level: str | None = None) -> pd.Series:
    found = rows[(rows["term"] == term) & (rows["scale"] == scale) & (rows["population"] == population)]
    found = found[found["level"].isna() if level is None else found["level"] == level]
    assert len(found) == 1
    return found.iloc[0]


def test_means_and_shares_by_hand() -> None:
    rows = characteristics(diary())
    assert rows["key"].is_unique
    assert pick(rows, "age_years", "mean")["estimate"] == pytest.approx(40)
    assert pick(rows, "age_years", "standard_deviation")["estimate"] == pytest.approx(20)
    assert pick(rows, "age_years", "mean", "male")["estimate"] == 40
    diabetes = pick(rows, "diabetes", "proportion", level="true")
    assert (diabetes["estimate"], diabetes["n_events"], diabetes["n_participants"]) == (0.5, 1, 2)
    never = pick(rows, "smoking", "proportion", level="never")
    assert never["estimate"] == pytest.approx(2 / 3)
    assert pick(rows, "bmi_kg_m2", "mean")["n_participants"] == 2


def test_survey_is_weighted_by_the_component_of_each_variable() -> None:
    rows = characteristics(survey())
    # Interview weights 1, 3, 4 for age; examination weights 1, 3 and none for the body-mass index.
    assert pick(rows, "age_years", "mean")["estimate"] == pytest.approx((20 + 3 * 40 + 4 * 60) / 8)
    assert pick(rows, "bmi_kg_m2", "mean")["estimate"] == pytest.approx((20 + 3 * 30) / 4)
    assert pick(rows, "bmi_kg_m2", "mean")["note"] == "weight_exam"
    assert pick(rows, "diabetes", "proportion", level="true")["estimate"] == pytest.approx(1 / 4)


def test_completeness_counts_calendar_nights() -> None:
    rows = completeness(diary(), AgeBands((20, 60)))
    assert rows["key"].is_unique
    young = rows[(rows["level"] == "20-59") & (rows["scale"] == "proportion")].iloc[0]
    # a: 3 of 10 nights, b: 6 of 7.
    assert (young["n_events"], young["n_nights"]) == (9, 17)
    assert young["estimate"] == pytest.approx(9 / 17)
    gap = rows[(rows["level"] == "20-59") & (rows["scale"] == "median_longest_gap")].iloc[0]
    assert gap["estimate"] == np.median([7, 1])
    assert rows.loc[rows["scale"] == "proportion", "level"].tolist() == ["<20", "20-59", "60+", "all"]


def test_completeness_of_a_survey_is_who_answered() -> None:
    rows = completeness(survey(), AgeBands((20, 60))).set_index("level")
    assert (rows.loc["all", "n_participants"], rows.loc["all", "n_events"]) == (3, 2)
    assert rows.loc["60+", "estimate"] == 0


def test_completeness_by_week_since_the_first_night() -> None:
    rows = completeness_by_week(diary())
    assert rows["key"].is_unique
    # Week 1: a 7 nights, b 7, c 1, d 1 expected; observed 2 + 6 + 1 + 1. Week 2: a alone, 3 expected, 1 observed.
    assert rows["n_nights"].tolist() == [16, 3]
    assert rows["n_events"].tolist() == [10, 1]
    assert rows["n_participants"].tolist() == [4, 1]


def test_measured_tells_the_never_measured_apart() -> None:
    rows = measured(diary(), ["diabetes", "grip_strength_kg"]).set_index("term")
    assert rows.loc["diabetes", "estimate"] == pytest.approx(2 / 3)
    assert rows.loc["grip_strength_kg", "status"] == "not_measured"


def test_participants_by_band_and_sex() -> None:
    rows = participants_by_band(diary(), AgeBands((20, 60)))
    assert rows[["level", "population", "estimate"]].to_numpy().tolist() == [
        ["<20", "male", 1.0],
        ["20-59", "female", 1.0],
        ["20-59", "male", 1.0],
        ["60+", "female", 1.0],
    ]
    assert rows["key"].is_unique


def test_nobody_old_enough_has_no_row_with_a_number() -> None:
    rows = characteristics(diary(), youngest=110)
    assert set(rows["status"]) == {"not_estimable"}
    assert measured(diary(), ["diabetes"], youngest=110)["status"].tolist() == ["not_estimable"]
