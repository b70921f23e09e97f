"""Person-time: observed nights, and the right participant's values on each."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.nights import coverage, nights_of_part, observed_nights, people, person_nights

FIRST = date(2024, 2, 27)
PEOPLE = pl.DataFrame(
    {
        "participant_id": ["b", "a", "c", "d"],
        "age_years": [75.0, 19.5, None, 60.0],
        "sex": ["male", "female", "female", "male"],
    }
)


def cohort(rows: list[tuple[str, int, bool | None, int | None]], participants: pl.DataFrame = PEOPLE) -> Cohort:
    diary = pl.DataFrame(
        {
            "participant_id": [who for who, *_ in rows],
            "date": [FIRST + timedelta(days=day) for _, day, *_ in rows],
            "entry_made": pl.Series([made for *_, made, _ in rows], dtype=pl.Boolean),
            "cramps": pl.Series([count for *_, count in rows], dtype=pl.Int64),
        }
    )
    return Cohort("x", "diary", {"participants": participants, "diary": diary})


ROWS: list[tuple[str, int, bool | None, int | None]] = [
    ("b", 3, True, 0),
    ("a", 1, True, 2),
    ("a", 0, None, 1),
    ("a", 5, False, None),
    ("a", 7, True, 0),
    ("a", 2, True, None),
    ("c", 0, False, None),
]


def test_observed_nights_by_hand() -> None:
    """An entry that does not say whether it was made counts with its count; no count is no observation."""
    nights = person_nights(cohort(ROWS))
    assert nights.select("participant_id", "cramps", "cramp_night", "sex", "age_band", "age_decade").rows() == [
        ("a", 1, True, "female", "<20", -4.05),
        ("a", 2, True, "female", "<20", -4.05),
        ("a", 0, False, "female", "<20", -4.05),
        ("b", 0, False, "male", "70-79", 1.5),
    ]
    assert nights["date"].to_list() == [FIRST + timedelta(days=day) for day in (0, 1, 7, 3)]


def test_a_diary_without_entry_made() -> None:
    made = cohort(ROWS)
    bare = Cohort("x", "diary", {"participants": PEOPLE, "diary": made.frame("diary").drop("entry_made")})
    assert person_nights(bare).height == 4


def test_coverage_by_hand() -> None:
    """a: rows on days 0, 1, 2, 5, 7, observed on 0, 1, 7, so eight nights expected and a gap of five."""
    seen = coverage(cohort(ROWS))
    columns = ("participant_id", "nights_expected", "nights_observed", "longest_gap")
    assert seen.select(columns).rows() == [("a", 8, 3, 5), ("b", 1, 1, 0), ("c", 1, 0, None), ("d", 0, 0, None)]
    assert seen["first_night"].to_list() == [FIRST, FIRST + timedelta(days=3), FIRST, None]


def test_other_bands() -> None:
    banded = people(cohort(ROWS), AgeBands((20, 65)))
    assert banded["age_band"].to_list() == ["65+", "<20", None, "20-64"]
    assert banded["age_band"].dtype == pl.Enum(["<20", "20-64", "65+"])


def test_a_survey_has_no_nights() -> None:
    surveyed = PEOPLE.with_columns(stratum=pl.lit(1, pl.Int64), psu=pl.lit(1, pl.Int64))
    survey = Cohort("s", "survey", {"participants": surveyed}, SurveyDesign(("D",), {}), as_of=FIRST)
    with pytest.raises(UsageError, match="never turned into nights"):
        person_nights(survey)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 40), st.sampled_from([True, False, None]), st.integers(0, 3)),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_each_night_carries_its_participant(rows: list[tuple[str, int, bool | None, int]]) -> None:
    made = cohort([(who, day, entry, None if entry is False else count) for who, day, entry, count in rows])
    nights = person_nights(made)
    about = {row["participant_id"]: row for row in PEOPLE.to_dicts()}
    expected = sorted(
        (who, FIRST + timedelta(days=day), count) for who, day, entry, count in rows if entry is not False
    )
    assert nights.select("participant_id", "date", "cramps").rows() == expected
    assert nights["age_years"].to_list() == [about[who]["age_years"] for who, *_ in expected]
    assert nights["sex"].to_list() == [about[who]["sex"] for who, *_ in expected]
    seen = coverage(made)
    assert seen["nights_observed"].sum() == len(expected)
    assert (seen["nights_observed"] <= seen["nights_expected"]).all()


def test_nights_of_a_part_have_the_columns_that_are_named() -> None:
    made = cohort([("a", 0, True, 1), ("b", 0, True, 0), ("b", 1, False, None), ("d", 0, None, 2)])
    part = nights_of_part(made, "age_years >= 60 AND sex = 'male'", names=("age_band",))
    assert part["participant_id"].to_list() == ["b", "d"]
    assert {*part.columns} == {"participant_id", "date", "cramps", "age_years", "sex", "age_band", "cramp_night"}
    assert nights_of_part(made, None).columns == person_nights(made, names=()).columns
    with pytest.raises(UsageError, match=r"'age' names no column.*age_years"):
        nights_of_part(made, "age >= 60")
    assert observed_nights(made).rows() == [("a", FIRST, 1), ("b", FIRST, 0), ("d", FIRST, 2)]
