"""Times to an event: what is an event, what is censored, and what no observed night can say."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import open_cohort
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.nights import Diary
from crampstudy.nights.event_times import Unrelieved, gap_nights, gap_times, relief_times
from crampstudy.simulate import simulate

FIRST = date(2024, 2, 27)
PARITY = Path(__file__).parent / "parity"


def cohort(diaries: dict[str, str]) -> Cohort:
    """A diary per participant, a sign per night: a digit is the count, ``.`` an entry without a count, space no row."""
    rows = [(who, day, sign) for who, signs in diaries.items() for day, sign in enumerate(signs) if sign != " "]
    diary = pl.DataFrame(
        {
            "participant_id": [who for who, _, _ in rows],
            "date": [FIRST + timedelta(days=day) for _, day, _ in rows],
            "cramps": pl.Series([None if sign == "." else int(sign) for *_, sign in rows], dtype=pl.Int64),
            "alcohol_units": [float(day) for _, day, _ in rows],
        }
    )
    n = len(diaries)
    people = pl.DataFrame({"participant_id": list(diaries), "age_years": [70.0] * n, "sex": ["female"] * n})
    return Cohort("x", "diary", {"participants": people, "diary": diary})


def gaps(signs: str) -> list[tuple[int, float, bool]]:
    return gap_times(cohort({"a": signs})).frame.select("gap", "time", "event").rows()


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ("0100100", [(1, 3, True), (2, 2, False)]),  # the nights before the first cramp belong to no gap
        ("11", [(1, 1, True)]),  # the last night opens a gap that nobody saw
        ("2003", [(1, 3, True)]),
        ("100 001", [(1, 2, False)]),  # censored before the break; the next begins only at the next cramp
        ("100.001", [(1, 2, False)]),  # no count is unobserved as well
        ("1 01001", [(2, 3, True)]),  # the first gap has no observed night: no row, but its number
        ("000", []),
        ("1", []),
        ("1 1", []),
    ],
)
def test_gaps_by_hand(signs: str, expected: list[tuple[int, float, bool]]) -> None:
    assert gaps(signs) == expected


def test_gaps_keep_to_their_participant_and_know_where_they_opened() -> None:
    made = gap_times(cohort({"b": "010", "a": "1001", "c": "001"}))
    assert made.unit == "nights"
    assert made.frame.select("participant_id", "opened", "time", "event", "age_years").rows() == [
        ("a", FIRST, 3.0, True, 70.0),
        ("b", FIRST + timedelta(days=1), 1.0, False, 70.0),
    ]
    # The last cramps of a and c open a gap without an observed night.
    assert made.left_out == 2


@settings(max_examples=50)
@given(st.lists(st.text("01. ", max_size=25), min_size=1, max_size=4))
def test_every_gap_is_what_a_walk_through_the_diary_finds(diaries: list[str]) -> None:
    diaries = [signs + "0" for signs in diaries]
    made = gap_times(cohort({f"p{i}": signs for i, signs in enumerate(diaries)}))
    expected, none = [], 0
    for i, signs in enumerate(diaries):
        for number, at in enumerate((k for k, sign in enumerate(signs) if sign == "1"), start=1):
            after = signs[at + 1 :]
            watched = after[: next((k for k, sign in enumerate(after) if sign in ". "), len(after))]
            length = watched.find("1") + 1 or len(watched)
            none += not length
            if length:
                expected.append((f"p{i}", number, float(length), "1" in watched))
    assert made.frame.select("participant_id", "gap", "time", "event").rows() == expected
    assert made.left_out == none


def test_nights_at_risk_are_the_gaps_night_by_night() -> None:
    known = simulate(40, 60, seed=4)
    whole, nightly = gap_times(known), gap_nights(known)
    frame = nightly.frame
    assert nightly.left_out == whole.left_out > 0
    assert (frame["stop"] - frame["start"]).unique().to_list() == [1.0]
    last = frame.group_by("participant_id", "gap", maintain_order=True).agg(
        pl.col("stop").max(), pl.col("event").sum().cast(pl.Boolean), pl.len()
    )
    assert last["stop"].to_list() == last["len"].to_list() == whole.frame["time"].to_list()
    assert last["event"].to_list() == whole.frame["event"].to_list()
    # What is said of a night is of that night.
    single = gap_nights(cohort({"a": "10.1001"})).frame
    assert single.select("alcohol_units", "gap", "start", "stop", "event").rows() == [
        (1.0, 1, 0.0, 1.0, False),
        (4.0, 2, 0.0, 1.0, False),
        (5.0, 2, 1.0, 2.0, False),
        (6.0, 2, 2.0, 3.0, True),
    ]


def test_a_scanned_diary_gives_the_same_gaps() -> None:
    known = simulate(30, 40, seed=2)
    scanned = Diary(known.name, known.frame("participants"), known.frame("diary").lazy())
    assert gap_times(scanned).frame.equals(gap_times(known).frame)


def test_gaps_agree_with_r() -> None:
    r = json.loads((PARITY / "events.json").read_text(encoding="utf-8"))["gaps"]
    made = gap_times(open_cohort(PARITY / "diary"))
    names = ["participant_id", "gap", "time", "event"]
    assert made.frame.select(names).with_columns(pl.col("event").cast(pl.Int64)).rows() == list(
        zip(*(r[name] for name in names), strict=True)
    )
    assert made.left_out == r["none"]


def episodes(times: list[tuple[float | None, float | None]], **own: Any) -> Cohort:
    nights = cohort({"a": "9"})
    table = pl.DataFrame(
        {
            "participant_id": ["a"] * len(times),
            "date": [FIRST] * len(times),
            "episode": list(range(1, len(times) + 1)),
            "relief_s": pl.Series([relief for relief, _ in times], dtype=pl.Float64),
            "duration_s": pl.Series([duration for _, duration in times], dtype=pl.Float64),
            **own,
        }
    )
    return Cohort("x", "diary", dict(nights.tables) | {"episodes": table})


@pytest.mark.parametrize(
    ("unrelieved", "expected", "left_out"),
    [
        ("censor", [(1, 30.0, True), (2, 0.0, True), (5, 40.0, False), (7, 20.0, True)], 3),
        ("leave-out", [(1, 30.0, True), (2, 0.0, True), (7, 20.0, True)], 4),
    ],
)
def test_relief_is_an_event_and_censored_only_where_the_record_says_so(
    unrelieved: Unrelieved, expected: list[tuple[int, float, bool]], left_out: int
) -> None:
    # A blank is no time, whatever the cramp's length; of the sixth it is not known how long relief had not come.
    times = [(30, 60), (0, None), (None, 90), (None, None), (40, 50), (None, 70), (20, 30)]
    relieved = pl.Series([True, None, None, None, False, False, None])
    made = relief_times(episodes(times, relieved=relieved), unrelieved=unrelieved)
    assert made.frame.select("episode", "time", "event").rows() == expected
    assert made.left_out == left_out
    assert made.unit == "s"
    # With what is known of the night and of the person.
    assert made.frame.select("alcohol_units", "age_years", "age_decade").row(0) == (0.0, 70.0, 1.0)


def test_without_a_word_on_relief_nothing_is_censored() -> None:
    times: list[tuple[float | None, float | None]] = [(30, 60), (None, 90), (None, None)]
    for own in ({}, {"relieved": pl.Series([None] * 3, dtype=pl.String)}):
        made = relief_times(episodes(times, **own))
        assert made.frame.select("time", "event").rows() == [(30.0, True)]
        assert made.left_out == 2


def test_a_column_on_relief_that_is_not_true_or_false_is_refused() -> None:
    said = episodes([(30, 60), (40, 60)], relieved=["mostly", "no"])
    with pytest.raises(UsageError, match=r"column 'relieved' of the episodes of x says whether relief had come"):
        relief_times(said)


def test_relief_of_a_simulated_cohort_is_all_there() -> None:
    known = simulate(20, 30, seed=1)
    made = relief_times(known)
    assert made.left_out == 0
    assert made.frame["time"].to_list() == made.frame["relief_s"].cast(pl.Float64).to_list()
    assert made.frame.height == known.frame("episodes").height
    assert made.frame["remedy"].null_count() == 0


def test_a_survey_has_no_times() -> None:
    people = pl.DataFrame(
        {
            "participant_id": ["a", "b"],
            "age_years": [70.0, 60.0],
            "sex": ["female", "male"],
            "stratum": [1, 1],
            "psu": [1, 2],
            "weight_interview": [1.0, 1.0],
        }
    )
    design = SurveyDesign(("x",), {"interview": "weight_interview"})
    survey = Cohort("s", "survey", {"participants": people}, design, as_of=FIRST)
    for times in (gap_times, gap_nights, relief_times):
        with pytest.raises(UsageError, match="is a survey"):
            times(survey)


def test_a_column_that_is_derived_is_refused() -> None:
    known = cohort({"a": "11"})
    people = known.frame("participants").with_columns(gap=pl.lit("x"))
    with pytest.raises(UsageError, match="has a column 'gap', a name that times to an event have"):
        gap_times(Cohort("x", "diary", dict(known.tables) | {"participants": people}))


def test_episodes_without_relief_are_refused() -> None:
    known = episodes([(1.0, 2.0)])
    bare = known.frame("episodes").drop("relief_s")
    blank = bare.with_columns(relief_s=pl.lit(None, dtype=pl.Float64))
    for table, said in ((bare, "have no column relief_s"), (blank, "all 1 episodes of x lack relief_s")):
        with pytest.raises(UsageError, match=rf"{said}.*episodes\.csv.*'crampstudy validate'"):
            relief_times(Cohort("x", "diary", dict(known.tables) | {"episodes": table}))
    bereft = Cohort("x", "diary", {name: known.frame(name) for name in ("participants", "diary")})
    with pytest.raises(UsageError, match=r"has no episodes.*episodes\.csv.*crampstudy init.*--outcome gap"):
        relief_times(bereft)
