"""Headings that are nights, and the rows that their columns become."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.sources.text import night_columns
from crampstudy.sources.text.night_columns import NIGHT, matching, recognised, unpivot

KRAMPF = r".*krampf"
MARCH = {date(2025, 3, day): day for day in (1, 2)}


@pytest.mark.parametrize(
    ("headings", "patterns"),
    [
        ("Day1|Day2|Day10", {"": "Day{n}"}),
        ("day 1|DAY_02|Day3", {"": "day {n}"}),
        ("night_1|night_2", {"": "night_{n}"}),
        ("Nacht 3|Nacht 4", {"": "Nacht {n}"}),
        ("D01|D02", {"": "D{n}"}),
        ("Tag 1|Tag 2", {"": "Tag {n}"}),
        ("día 1|día 2", {"": "día {n}"}),
        ("1. Nacht|2. Nacht", {"": "{n}. Nacht"}),
        ("nuit.1|nuit.2", {"": "nuit.{n}"}),
        ("cramps_1|cramps_2|sleep_hours_1|sleep_hours_2", {"cramps": "cramps_{n}", "sleep hours": "sleep_hours_{n}"}),
        ("cramps_d1|cramps_d2", {"cramps": "cramps_d{n}"}),
        ("Cramps (day 1)|Cramps (day 2)", {"Cramps": "Cramps (day {n})"}),
        ("night1_cramps|night2_cramps", {"cramps": "night{n}_cramps"}),
        ("Krämpfe 1|Krämpfe 2", {"Krämpfe": "Krämpfe {n}"}),
    ],
)
def test_numbered_nights_are_recognised(headings: str, patterns: dict[str, str]) -> None:
    found = recognised(["ID", "Start", *headings.split("|"), "Age"], KRAMPF)
    assert found is not None and found.patterns == patterns and found.formats == ()
    nights = [night for pattern in patterns.values() for night in matching(headings.split("|"), pattern)]
    assert len(nights) == len(headings.split("|"))


@pytest.mark.parametrize(
    ("headings", "pattern", "formats"),
    [
        ("2025-03-01|2025-03-02", "{date}", ("%Y-%m-%d",)),
        ("2025-03-01 00:00:00|2025-03-02 00:00:00", "{date}", ("%Y-%m-%d",)),
        ("01.03.2025|02.03.2025", "{date}", ("%d.%m.%Y",)),
        ("1.3.25|2.3.25", "{date}", ("%d.%m.%y",)),
        ("01/03/2025|02/03/2025", "{date}", ("%d/%m/%Y",)),
        ("03/01/2025|03/02/2025", "{date}", ("%m/%d/%Y",)),
        ("1. März 2025|2. März 2025", "{date}", ("%d. %B %Y",)),
        ("1-Mar-25|2-Mar-25", "{date}", ("%d-%B-%y",)),
        ("cramps 2025-03-01|cramps 2025-03-02", "cramps {date}", ("%Y-%m-%d",)),
    ],
)
def test_dates_are_recognised(headings: str, pattern: str, formats: tuple[str, ...]) -> None:
    found = recognised(["ID", *headings.split("|"), "Note"])
    assert found is not None and (list(found.patterns.values()), found.formats) == ([pattern], formats)
    assert list(matching(headings.split("|"), pattern, formats)) == list(MARCH)


def test_dates_of_which_nothing_tells_the_order_are_left_open() -> None:
    found = recognised(["ID", "01/02/2025", "02/01/2025"])
    assert found is not None and found.formats == ("%d/%m/%Y", "%m/%d/%Y")


@pytest.mark.parametrize(
    "headings", ["Q1|Q2|Q3", "Vitamin D 1|x", "vitamin d 1|vitamin d 2", "a|b", "Day1", "2025-03-01|x"]
)
def test_other_headings_are_no_nights(headings: str) -> None:
    assert recognised(headings.split("|")) is None


def test_two_headings_of_one_night_are_named_unless_one_is_exact() -> None:
    assert matching(["Day1", "day 1", "Day2"], "Day{n}") == {1: "Day1", 2: "Day2"}
    with pytest.raises(ValueError, match="'day 1' and 'DAY_1' are both night 1"):
        matching(["day 1", "DAY_1"], "Day{n}")
    with pytest.raises(ValueError, match="'2025-03-01' and '2025-03-01 00:00' are both night 2025-03-01"):
        matching(["2025-03-01", "2025-03-01 00:00"], "{date}")


def test_nights_are_counted_from_their_start() -> None:
    start = pl.Series([date(2025, 2, 28), None])
    made = night_columns.counted_from(start, pl.Series([3, 3]), 1)
    assert made.to_list() == [date(2025, 3, 2), None]
    assert night_columns.first_number({"a": {0: "d0", 1: "d1"}}) == 0
    assert night_columns.first_number({"a": {3: "d3"}}) == 1


cells = st.one_of(st.none(), st.text("0123456789,x", min_size=1, max_size=3))


@given(st.data(), st.integers(1, 5), st.integers(1, 6), st.sampled_from(["cramps_{n}", "{n} cramps", "cramps {date}"]))
def test_unpivoted_and_pivoted_again_the_cells_are_the_same(
    data: st.DataObject, people: int, nights: int, pattern: str
) -> None:
    days = [date(2025, 3, 1) + timedelta(n) for n in range(nights)]
    keys = days if "{date}" in pattern else list(range(1, nights + 1))
    headings = [pattern.replace("{n}", str(key)).replace("{date}", str(key)) for key in keys]
    columns = {heading: data.draw(st.lists(cells, min_size=people, max_size=people)) for heading in headings}
    wide = pl.DataFrame(
        {"id": [f"P{i}" for i in range(people)], **columns}, schema_overrides=dict.fromkeys(headings, pl.String)
    )
    lines = pl.int_range(2, people + 2, dtype=pl.Int64, eager=True)
    block = matching(wide.columns, pattern)
    assert list(block.values()) == headings
    long, there = unpivot(wide, lines, {pattern: block})
    assert there.to_list() == [line for line in lines for _ in keys] and long[NIGHT].to_list() == keys * people
    back = long.pivot(NIGHT, index="id", values=pattern).rename(dict(zip(map(str, keys), headings, strict=True)))
    assert back.equals(wide)
