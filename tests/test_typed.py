"""The fast reading of a table never reads a cell otherwise than the careful one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.text import decoding, typed

PEOPLE = "participant_id,age_years,sex\n01,50,female\n02,61.5,male\n"
HEADER = ("participant_id", "date", "cramps", "sleep_hours", "warm_up", "steps", "mine")
ODD = [
    *("", " ", "5", " 5", "5 ", "+5", "-0", "1e3", "0x10", "5.0", "5.5", "007", "1_000", "NA", "-99", "-099", " -99"),
    *("nan", "NaN", "inf", "-inf", "1e400", ".5", "5.", "9223372036854775808", "99999999999", "1d5", "\u00a05", "٣"),
    *("true", "True", "TRUE", " true", "t", "yes", "1", "0", "x", "é", "01", "02", "03", '"5"', '""', '" 5"', '"NA"'),
    *(
        "2024-01-05",
        "2024-1-5",
        "24-01-05",
        "2024-01-05T00:00",
        "05.01.2024",
        "2024-02-30",
        "0000-01-01",
        " 2024-01-06",
        "20240105",
    ),
    *('"a,b"', '"a\nb"', '"a""b"', "1,5", "#", "-", "\t", "\x0b", "\x1c5", "null", "None", "''"),
]


def both(text: bytes, missing: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the fast and the careful reading make of a diary: its nights and its ledger, or the refusal."""
    made: list[Any] = []
    resource = {"name": "diary", "path": "diary.csv", "schema": {"missingValues": missing}}
    described = json.dumps({"name": "x", "resources": [resource]})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "participants.csv").write_text(PEOPLE)
        (folder / "diary.csv").write_bytes(text)
        (folder / "datapackage.json").write_text(described)
        for careful in (False, True):
            with monkeypatch.context() as patched:
                if careful:
                    patched.setattr(typed, "_plain", lambda *_: None)
                try:
                    loaded: Cleaned = load(folder)
                    nights = loaded.cohort.frame("diary")
                    read = loaded.cohort.attrition.tables[1].read
                    made.append((nights.schema, nights.rows(), loaded.ledger.rows(), read))
                except SourceError as error:
                    made.append(str(error))
    return made


@settings(max_examples=50)
@given(
    rows=st.lists(st.lists(st.sampled_from(ODD), min_size=5, max_size=5), min_size=1, max_size=6),
    missing=st.sampled_from([[""], ["", "NA"], ["", "NA", "-99"]]),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([",", ";", "\t"]),
    last=st.booleans(),
)
@example(rows=[["x", "", "", "", ""]], missing=[""], end="\n", mark=",", last=False)
@example(rows=[["", "", "", "", "NA"]], missing=["", "NA"], end="\n", mark=",", last=False)
def test_the_fast_reading_is_the_careful_one(
    rows: list[list[str]], missing: list[str], end: str, mark: str, last: bool
) -> None:
    lines = [mark.join(HEADER), mark.join(["01", "2023-12-31", "1", "7", "true", "100", "a"])]
    lines += [mark.join(["01", f"2024-01-{day:02}", *row]) for day, row in enumerate(rows, 1)]
    lines += [mark.join(["", "", *row]) for row in rows]
    text = end.join(lines) + (end if last else "")
    with pytest.MonkeyPatch.context() as patched:
        fast, careful = both(text.encode(), missing, patched)
    assert fast == careful


@given(cells=st.lists(st.sampled_from(ODD), min_size=3, max_size=3), quoted=st.booleans())
def test_so_it_is_with_keys_and_quotes(cells: list[str], quoted: bool) -> None:
    mark = '"' if quoted else ""
    rows = [("participant_id", "date", "cramps"), ("02", "2024-03-01", "0"), tuple(cells), ("01", "2024-03-02", "2")]
    text = "\n".join(",".join(mark + cell + mark for cell in row) for row in rows)
    with pytest.MonkeyPatch.context() as patched:
        fast, careful = both(text.encode(), [""], patched)
    assert fast == careful


def test_a_byte_order_mark_in_the_first_row_is_part_of_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ",".join(HEADER) + "\n\ufeff01,2024-01-05,1,,,,\n02,2024-01-05,1,,,,\n"
    fast, careful = both(text.encode(), [""], monkeypatch)
    assert fast == careful
    assert [row[1:5:3] for row in fast[2]] == [(2, "unknown-participant")]


def test_pieces_of_any_size_make_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = [f'{i:02},2024-01-{d:02},{d % 3},"a {d}\n, b"' for i in range(9) for d in range(1, 29)]
    nights[40] = "03,2024-01-13,x,c"
    path = tmp_path / "diary.csv"
    path.write_text("participant_id,date,cramps,note\n" + "\n".join(nights))
    whole = typed.read(path, "diary")
    for size in (7, 64, 1000):
        monkeypatch.setattr(decoding, "_BLOCK", size)
        parts = typed.read(path, "diary")
        assert parts.frame.equals(whole.frame)
        assert parts.lines.equals(whole.lines)
        assert parts.retyped and whole.retyped
        assert parts.retyped[0].to_list() == whole.retyped[0].to_list() == [40]
        assert parts.retyped[1].equals(whole.retyped[1])


def test_only_retyped_rows_are_kept_as_text(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_text(
        "participant_id,date,cramps,sleep_hours\n01,2024-01-01,1,7\n01,2024-01-02,,\n01,2024-01-03,2 x,7.50\n"
        "01,2024-01-04,0,99.90\n01,2024-01-05,5.0,\n"
    )
    read = typed.read(path, "diary")
    assert read.frame.schema == {
        "participant_id": pl.String,
        "date": pl.Date,
        "cramps": pl.Int64,
        "sleep_hours": pl.Float64,
    }
    assert read.frame["cramps"].to_list()[:4] == [1, None, None, 0]
    assert read.retyped
    # A missing cell is no doubt; a cell that does not fit, a value that cannot be, and 5.0 for a count are.
    assert read.retyped[0].to_list() == [2, 3, 4]
    assert read.retyped[1].rows()[:2] == [("01", "2024-01-03", "2 x", "7.50"), ("01", "2024-01-04", "0", "99.90")]
