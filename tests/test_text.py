"""Delimited text in every form that programs write, and the refusal of what is not certain."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import lzma
import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.errors import SourceError
from crampstudy.sources.text import decoding
from crampstudy.sources.text.delimited import Text, read_text

PLAIN = "id;day;x\n01;ä;1,5\n02;;2\n"


def read(tmp_path: Path, text: str | bytes, name: str = "a.csv", **options: str) -> Text:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_text(path, **options)  # type: ignore[arg-type]


def rows(text: Text) -> list[tuple[str | None, ...]]:
    return text.frame.rows()


def refusal(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> str:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, text, name)
    assert name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "encoded",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode("utf-16"),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(";", "\t").encode(),
    ],
    ids=["utf-8", "bom", "utf-16-le", "utf-16-be", "utf-16-crlf", "old-mac", "tab"],
)
def test_the_same_table_in_every_encoding(tmp_path: Path, encoded: bytes) -> None:
    text = read(tmp_path, encoded)
    assert text.frame.columns == ["id", "day", "x"]
    assert rows(text) == [("01", "ä", "1,5"), ("02", None, "2")]
    assert text.lines.to_list() == [2, 3]
    assert text.notices == () and text.separator in (";", "\t")


def test_windows_1252_is_taken_and_said(tmp_path: Path) -> None:
    text = read(tmp_path, PLAIN.encode("cp1252"))
    assert rows(text)[0] == ("01", "ä", "1,5")
    assert text.notices == ("a.csv: not UTF-8, read as Windows-1252 (Latin-1); check letters with accents",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a,b\n1,2\n3,\xe9\x81\n", "line 3, character 4: not UTF-8 text, and the byte 0x81"),
        (b"a,b\n1,\xc3\xa9\n2,\xe9\n", "line 2 is UTF-8 and another line is not"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1: the file holds zero bytes"),
        (codecs.BOM_UTF8 + b"a,b\n1,2\n3,\xe9\n", "line 3, character 3: the file begins as UTF-8 and the byte 0xe9 is"),
        (b"a,b\n1,2\n3,\x00\n", "line 3: the file holds zero bytes"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "cut off in the middle of a character"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00", "begins as UTF-16 and cannot be read"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, text: bytes, said: str) -> None:
    assert said in refusal(tmp_path, text)


class TestSeparator:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("quoted", [False, True])
    def test_found(self, tmp_path: Path, mark: str, quoted: bool) -> None:
        cell = f'"1{mark}5"' if quoted else "15"
        text = read(tmp_path, f"a{mark}b\n{cell}{mark}2\n")
        assert rows(text) == [("1" + (mark if quoted else "") + "5", "2")]

    def test_another_mark_in_the_cells_is_none(self, tmp_path: Path) -> None:
        assert rows(read(tmp_path, "a;b\n1,5;2,5\n")) == [("1,5", "2,5")]
        assert read(tmp_path, "a;b, c\n1;2\n3,4;5\n").frame.columns == ["a", "b, c"]

    def test_stated_in_the_first_line(self, tmp_path: Path) -> None:
        text = read(tmp_path, "sep=;\r\na;b,c\r\n1;2,5\r\n")
        assert (text.frame.columns, rows(text), text.lines.to_list()) == (["a", "b,c"], [("1", "2,5")], [3])

    def test_stated_above_blank_lines(self, tmp_path: Path) -> None:
        text = read(tmp_path, "\nsep=\t\n\n  \n\ta\tb\n1\t2\t3\n", header=False)
        assert (rows(text), text.lines.to_list()) == ([(None, "a", "b"), ("1", "2", "3")], [5, 6])
        assert "is empty; it needs a header and rows" in refusal(tmp_path, "sep=;\n\n")

    def test_not_certain(self, tmp_path: Path) -> None:
        assert "commas and semicolons could both separate" in refusal(tmp_path, "a;b,c\n1;2,5\n")

    def test_one_column(self, tmp_path: Path) -> None:
        assert rows(read(tmp_path, "a\n1\n\n2\n")) == [("1",), ("2",)]


class TestRows:
    def test_quotes_and_line_breaks(self, tmp_path: Path) -> None:
        text = read(tmp_path, 'a,b\r\n"x\r\ny","say ""no"""\r\n\r\n 007 ,"1,5"\r\n')
        assert rows(text) == [("x\r\ny", 'say "no"'), ("007", "1,5")]
        assert text.lines.to_list() == [2, 5]
        assert text.notices == ("a.csv: 1 blank line skipped",)

    def test_a_long_cell(self, tmp_path: Path) -> None:
        assert rows(read(tmp_path, f"a,b\n{'x' * 400_000},2\n"))[0] == ("x" * 400_000, "2")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark is not closed"),
            ("a,a\n1,2\n", "'a' stands twice"),
            ("a,\n1,2\n", "column 2 of the header has no name"),
            ('"a,b\n1,2\n', "header cannot be read"),
            (" \n\n", "is empty"),
            ("", "is empty"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in refusal(tmp_path, text)

    def test_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="there is no file"):
            read_text(tmp_path / "x.csv")
        with pytest.raises(SourceError, match="is a folder"):
            read_text(tmp_path)

    def test_missing_marks(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("a,b\nNA, NA \n-99,1\n")
        assert read_text(path, missing=("", "NA")).frame.rows() == [("-99", "1")]
        assert read_text(path, missing=("-99",)).frame.rows() == [("NA", "NA"), (None, "1")]

    def test_without_a_header(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("1,1\n2,\n")
        text = read_text(path, header=False)
        assert (text.frame.columns, text.frame.rows()) == (["1", "2"], [("1", "1"), ("2", None)])


PACKED = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda text: pa.compress(text, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", PACKED)
class TestCompressed:
    def test_read(self, tmp_path: Path, suffix: str) -> None:
        for text in (PLAIN.encode(), PLAIN.encode("utf-16"), PLAIN.encode("cp1252")):
            assert rows(read(tmp_path, PACKED[suffix](text), f"a.csv{suffix}"))[0] == ("01", "ä", "1,5")

    def test_cut_off(self, tmp_path: Path, suffix: str) -> None:
        whole = PACKED[suffix](PLAIN.encode() + bytes(range(48, 58)) * 99)
        assert "cannot be read" in refusal(tmp_path, whole[:-6], f"a.csv{suffix}")

    def test_another_kind_than_the_name_says(self, tmp_path: Path, suffix: str) -> None:
        assert "not what its name says" in refusal(tmp_path, PLAIN, f"a.csv{suffix}")
        assert f"give its name the ending {suffix}" in refusal(tmp_path, PACKED[suffix](PLAIN.encode()), "a.csv")

    def test_what_is_inside_is_no_text(self, tmp_path: Path, suffix: str) -> None:
        assert "holds a Parquet file" in refusal(tmp_path, PACKED[suffix](b"PAR1" + bytes(99)), f"a.csv{suffix}")


CELLS = st.text('a1",;\t\n ä-.', max_size=5)


@given(
    table=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6),
    mark=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    block=st.integers(5, 60),
)
def test_what_a_program_writes_is_what_is_read(
    table: list[list[str]], mark: str, end: str, quoting: int, encoding: str, block: int
) -> None:
    """Cells and lines, whatever the block in which the file is read."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["id", "b", "c"])
    expected, lines = [], []
    for cells in table:
        line = out.getvalue().count("\n") + 1
        writer.writerow(["x", *cells[1:]])
        trimmed = pl.Series(cells[1:], dtype=pl.String).str.strip_chars()
        expected.append(("x", *(cell or None for cell in trimmed)))
        lines.append(line)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding, "_BLOCK", block)
        path = Path(name) / "a.csv"
        path.write_bytes(out.getvalue().encode(encoding))
        text = read_text(path)
    assert rows(text) == expected
    assert text.lines.to_list() == lines
