"""Where a header stands: below titles, in two rows, above rows that are no data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.errors import SourceError
from crampstudy.sources.text.delimited import read_text
from crampstudy.sources.text.header_rows import HeaderRows, find, joined

ROWS = ("P1,2025-03-01,1", "P1,2025-03-02,0", "P2,2025-03-01,0")


def found(*rows: str) -> HeaderRows | None:
    cells = [row.split(",") for row in rows]
    filled = [(line, row) for line, row in enumerate(cells, 1) if any(row)]
    return find([row for _, row in filled], [line for line, _ in filled])


@pytest.mark.parametrize(
    ("above", "header", "below"),
    [
        (["Patient,Date,Cramps"], (1,), 0),
        (["Leg cramp diary,,", "Clinic North,,", ",,", "Patient,Date,Cramps"], (4,), 0),
        (["Leg cramp diary", "", "Patient,Date,Cramps"], (3,), 0),
        (["Study: X,Centre: North,", "Patient,Date,Cramps"], (2,), 0),
        (["printed,2025-04-01,", "Patient,Date,Cramps"], (2,), 0),
        (["Patient,Night,", ",Date,Cramps"], (1, 2), 0),
        (["title,,", "Patient,Night,", ",Date,Cramps"], (2, 3), 0),
        (["Patient,Date,Cramps", ",,number"], (1,), 1),
        (["id,Q1,Q2", "Who are you?,When?,How many?", "{ImportId: 1},{ImportId: 2},{ImportId: 3}"], (1,), 2),
        (["Patient,,Cramps"], (1,), 0),
    ],
)
def test_it_is_found(above: list[str], header: tuple[int, ...], below: int) -> None:
    assert found(*above, *ROWS) == HeaderRows(header, below)


@pytest.mark.parametrize("rows", [ROWS, ("1,2,3", "4,5,6"), ("a,b,c",), ()])
def test_there_is_none(rows: tuple[str, ...]) -> None:
    assert found(*rows) is None


def test_dates_name_columns_of_counts() -> None:
    assert found("Diary,,", "ID,2025-03-01,2025-03-02", "P1,1,0", "P2,,2") == HeaderRows((2,))
    assert found("ID,Cramps,,Note", ",1. März 2025,2. März 2025,", "P1,1,0,", "P2,2,0,hello") == HeaderRows((1, 2))


def test_the_same_nights_below_several_headings() -> None:
    assert found(",,Cramps,,Sleep,", "ID,Start,D1,D2,D1,D2", "P1,2025-03-01,1,0,7,8", "P2,2025-03-01,,0,6,8") == (
        HeaderRows((1, 2))
    )


def test_headings_span_what_is_empty_after_them() -> None:
    assert joined(["", "", "Cramps", "", "Sleep"], ["ID", "Start", "D1", "D2", "D1"]) == (
        *("ID", "Start", "Cramps D1", "Cramps D2", "Sleep D1"),
    )
    assert joined(["ID", "Cramps", "", "Note"], [None, "D1", "D2", None]) == ("ID", "Cramps D1", "Cramps D2", "Note")
    # Without anything below it, a heading is a name by itself and spans nothing.
    assert joined(["ID", None, "Cramps"], [None, "Start", "D1"]) == ("ID", "Start", "Cramps D1")
    assert joined(["ID", "Cramps", None, None], [None, "D1", "D2", "Note"], {1: 2})[3] == "Note"
    assert joined(["ID", "Cramps", "Note"], [None, "D1"]) == ("ID", "Cramps D1", "Note")


@given(
    titles=st.lists(
        st.sampled_from(["Diary of cramps,,,", "Diary", "Clinic North,,,", ",,,", "made 2025,,,"]), max_size=6
    ),
    n=st.integers(2, 8),
    note=st.booleans(),
)
def test_titles_and_notes_change_nothing_else(titles: list[str], n: int, note: bool) -> None:
    rows = [f"P{i},2025-03-0{i},{i},text" for i in range(1, n)] + ["P9,2025-03-09,,"]
    below = ["Who?,When?,How many?,What?"] if note else []
    assert found(*titles, "who,date,cramps,note", *below, *rows) == HeaderRows((len(titles) + 1,), len(below))


def text(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_stated_header_is_read(tmp_path: Path) -> None:
    path = text(tmp_path, 'Leg cramps; all nights\n"said ""x""",\n\nid,date,n\n1,2025-03-01,2\n')
    read = read_text(path, rows=HeaderRows((4,)))
    assert (read.frame.columns, read.frame.rows(), read.lines.to_list()) == (
        *(["id", "date", "n"], [("1", "2025-03-01", "2")], [5]),
    )
    assert read.notices == ("a.csv: the header is line 4; left out above it: 'Leg cramps; all nights'",)


def test_a_header_in_two_lines_and_rows_that_are_left_out(tmp_path: Path) -> None:
    path = text(
        tmp_path, 'title\nid;Night;;\n;date;n;"x;y"\nwho?;"when\n?";how many?;?\n\n1;2025-03-01;2;3\nTotal;;2\n'
    )
    read = read_text(path, rows=HeaderRows((2, 3), below=1, lines=frozenset({8})))
    assert read.frame.columns == ["id", "Night date", "Night n", "Night x;y"]
    assert (read.frame.rows(), read.lines.to_list(), read.unread.height) == ([("1", "2025-03-01", "2", "3")], [7], 0)
    assert "a.csv: left out below the header: 1 row, first 'who?;\"when'" in read.notices


@pytest.mark.parametrize("line", [2, 9])
def test_a_header_that_is_not_there(tmp_path: Path, line: int) -> None:
    with pytest.raises(
        SourceError, match=f"line {line} is to be the header, and there is no such line, or it is blank"
    ):
        read_text(text(tmp_path, "a,b\n\n1,2\n"), rows=HeaderRows((line,)))
