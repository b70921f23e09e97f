"""A birthday during the study: the age at the first night counts, and anything else that changes is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.readers.first_age import of_first_nights

ROWS = [
    ("P1", date(2025, 3, 3), "70", 0),
    ("P1", date(2025, 3, 1), "69", 1),
    ("P2", date(2025, 3, 1), "64", 0),
    ("P1", date(2025, 3, 4), None, 0),
]
SAID = "age_years grows during the study in 1 participant, such as P1: 69, then 70 from 2025-03-03 on; "


def ages(loaded: Cleaned) -> dict[str, float]:
    return dict(loaded.cohort.frame("participants").select("participant_id", "age_years").rows())


def mapped(folder: Path, rows: list[tuple[object, ...]], people: str = "age_years: age") -> Cleaned:
    text = "id,age,day,n\n" + "\n".join(f"{who},{age or ''},{day},{n}" for who, day, age, n in rows)
    (folder / "d.csv").write_text(text + "\n", encoding="utf-8")
    (folder / "m.yaml").write_text(
        "version: 1\nclock: {date: evening}\ntables:\n"
        f"  participants: {{rows: {{distinct: true}}, columns: {{participant_id: id, {people}}}}}\n"
        "  diary: {columns: {participant_id: id, date: day, cramps: n}}\n",
        encoding="utf-8",
    )
    return load(f"mapped:{folder / 'd.csv'}?mapping={folder / 'm.yaml'}")


def test_through_a_mapping(tmp_path: Path) -> None:
    loaded = mapped(tmp_path, ROWS)
    assert ages(loaded) == {"P1": 69, "P2": 64}
    assert f"d.csv, participants: {SAID}that at the first night is kept" in loaded.cohort.attrition.notices


def test_of_a_wide_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [("participant_id", "date", "age_years", "cramps"), *ROWS]:
        book.active.append(row)
    book.save(tmp_path / "d.xlsx")
    loaded = load(tmp_path / "d.xlsx")
    assert ages(loaded) == {"P1": 69, "P2": 64}
    assert f"d.xlsx[Sheet]: {SAID}that at the first night is kept" in loaded.cohort.attrition.notices


def test_over_the_events_of_a_redcap_project(tmp_path: Path) -> None:
    text = (
        "participant_id,redcap_event_name,age_years,date,cramps\nP1,first,69,2025-03-01,1\nP1,second,70,2026-02-01,0\n"
    )
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    loaded = load(f"redcap:{tmp_path / 'e.csv'}")
    assert ages(loaded) == {"P1": 69}
    assert any("P1: 69, then 70; the first is kept" in notice for notice in loaded.cohort.attrition.notices)


@pytest.mark.parametrize(
    ("first", "second"),
    [("69", "68"), ("69", "71"), ("69", "old")],
)
def test_an_age_that_cannot_have_grown_so_is_refused(tmp_path: Path, first: str, second: str) -> None:
    rows = [("P1", date(2025, 3, 1), first, 0), ("P1", date(2025, 3, 9), second, 0)]
    one, other = rf"'{first}' on line 2 \(night 2025-03-01\)", rf"'{second}' on line 3 \(night 2025-03-09\)"
    with pytest.raises(SourceError, match=f"two values of age_years, {one} and {other}"):
        mapped(tmp_path, rows)


def test_anything_else_that_changes_is_refused_with_its_nights(tmp_path: Path) -> None:
    rows = [("P1", date(2025, 3, 1), "male", 0), ("P1", date(2025, 3, 9), "female", 0)]
    said = r"two values of sex, 'male' on line 2 \(night 2025-03-01\) and 'female' on line 3 \(night 2025-03-09\)"
    with pytest.raises(SourceError, match=said):
        mapped(tmp_path, rows, "sex: age")


def test_years_between_the_nights_may_pass() -> None:
    nights = pl.Series([date(2020, 3, 1), date(2023, 3, 1), None])
    frame = pl.DataFrame({"participant_id": ["a", "a", "a"], "age_years": ["60", "63", None]})
    made, said = of_first_nights(frame, pl.Series([2, 3, 4]), nights)
    assert made["age_years"].to_list() == ["60", "60", "60"] and len(said) == 1
    assert of_first_nights(frame, pl.Series([2, 3, 4]))[1] == []
