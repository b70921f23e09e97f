"""Files that are small on disk and huge in memory, or damaged: refused in one line, soon, and in little memory."""

from __future__ import annotations

import gzip
import io
import lzma
import time
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from crampstudy import load, plain_yaml
from crampstudy.errors import SourceError
from crampstudy.sources import parquet
from crampstudy.sources.readers import spreadsheet
from crampstudy.sources.text import decoding
from crampstudy.sources.text.delimited import read_text

HEADER = b"participant_id,date,cramps\n"
SOON = 20  # seconds of this process, so that others may be at work


def refusal(path: Path, read: Callable[[Path], object] = read_text) -> str:
    begun = time.process_time()
    with pytest.raises(SourceError) as caught:
        read(path)
    assert time.process_time() - begun < SOON
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda text: bytes(pa.compress(text, codec="zstd", asbytes=True)),
}


class TestText:
    @pytest.mark.parametrize("suffix", ["", *PACKED])
    @pytest.mark.parametrize("start", [HEADER, b"", HEADER + b'P1,"'], ids=["row", "header", "quote"])
    def test_a_row_without_end(self, tmp_path: Path, suffix: str, start: bytes) -> None:
        path = tmp_path / f"a.csv{suffix}"
        text = start + b"1" * (3 * decoding._BLOCK)
        path.write_bytes(PACKED[suffix](text) if suffix else text)
        what = "a quotation mark is not closed" if b'"' in start else f"longer than {decoding.LONGEST_ROW:,} bytes"
        line = start.count(10) + 1
        assert f"line {line}: " in (said := refusal(path))
        assert what in said

    def test_a_quotation_mark_that_swallows_rows(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(HEADER + b'P1,"2025-03-01,1\n' + b"P1,2025-03-02,0\n" * 700_000)
        assert "line 2: a quotation mark is not closed" in refusal(tmp_path / "a.csv")

    @pytest.mark.parametrize("suffix", list(PACKED))
    def test_rows_without_end(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.csv{suffix}"
        path.write_bytes(PACKED[suffix](HEADER + b"0,0,0\n" * (4 * decoding._BLOCK // 6)))
        assert "unpacks to more than 250 times its size" in refusal(path)

    def test_names_without_end(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b",".join(b"c%d" % n for n in range(100_000)) + b"\n1,2\n")
        assert "the header has 100,000 names; at most 16,384" in refusal(tmp_path / "a.csv")

    def test_another_packing_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"BZh91AY&SY" + bytes(range(50)))
        assert "looks like a bzip2 file" in refusal(tmp_path / "a.csv")


def workbook(path: Path, parts: dict[str, bytes]) -> Path:
    """Write a workbook of one small sheet, with some of its parts replaced; ``b""`` takes a part away."""
    book = openpyxl.Workbook()
    for row in (("participant_id", "date", "cramps"), ("P1", "2025-03-01", 1)):
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            if text := parts.get(name, old.read(name) if name in old.namelist() else b""):
                new.writestr(name, text)
    return path


SHEET = "xl/worksheets/sheet1.xml"
OPEN = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
ROW = b'<row r="1"><c r="A1" t="inlineStr"><is><t>participant_id</t></is></c></row>'
CLOSE = b"</sheetData></worksheet>"
LAUGHS = b"<!DOCTYPE x [" + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 9) for n in range(1, 20)) + b"]>"


class TestWorkbooks:
    @pytest.mark.parametrize(
        ("part", "text", "said"),
        [
            (SHEET, OPEN + ROW + b'<row r="2"><c r="A2" s="1"/></row>' * 900_000 + CLOSE, "unpacks to more than"),
            ("xl/sharedStrings.xml", b"<sst><si><t>" + b"x" * 40_000_000 + b"</t></si></sst>", "unpacks to more than"),
            (SHEET, LAUGHS + OPEN + ROW + CLOSE, "a document type"),
            (SHEET, OPEN + ROW + b'<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>' + CLOSE, "a row beyond"),
            (SHEET, OPEN + ROW, "cannot be read as a workbook"),
            (SHEET, b"", "cannot be read as a workbook"),
            ("xl/workbook.xml", b"", "cannot be read as a workbook"),
            ("xl/styles.xml", b"<styleSheet", "cannot be read as a workbook"),
            ("xl/worksheets/_rels/sheet1.xml.rels", b"<Relationships", None),
        ],
        ids=["cells", "texts", "entities", "rows", "open", "no-sheet", "no-book", "styles", "relations"],
    )
    def test_a_part(self, tmp_path: Path, part: str, text: bytes, said: str | None) -> None:
        path = workbook(tmp_path / "b.xlsx", {part: text})
        if said:
            assert said in refusal(path, spreadsheet.read)

    def test_a_sheet_that_says_that_it_is_huge_is_read_for_what_it_holds(self, tmp_path: Path) -> None:
        text = OPEN.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')
        for n, cells in enumerate((b"participant_id,date,cramps", b"P1,2025-03-01,1"), 1):
            text += b'<row r="%d">' % n
            for letter, cell in zip((b"A", b"B", b"C"), cells.split(b","), strict=True):
                text += b'<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>' % (letter, n, cell)
            text += b"</row>"
        path = workbook(tmp_path / "b.xlsx", {SHEET: text + CLOSE})
        assert spreadsheet.load(path).frame.rows() == [("P1", "2025-03-01", "1")]

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.99])
    def test_cut_off(self, tmp_path: Path, share: float) -> None:
        path = workbook(tmp_path / "b.xlsx", {})
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        assert "cannot be read as a workbook" in refusal(path, spreadsheet.read)

    def test_damaged_within_a_part(self, tmp_path: Path) -> None:
        path = workbook(tmp_path / "b.xlsx", {})
        whole = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            at = archive.getinfo(SHEET).header_offset + 30 + len(SHEET) + 4
        whole[at : at + 40] = b"\xff" * 40
        path.write_bytes(bytes(whole))
        assert "cannot be read as a workbook" in refusal(path, spreadsheet.read)


class TestParquet:
    def test_more_rows_than_its_size_can_hold(self, tmp_path: Path) -> None:
        path = tmp_path / "diary.parquet"
        column = pa.chunked_array([pa.nulls(1_000_000, pa.int8())] * 60)
        pq.write_table(pa.table({"cramps": column}), path, row_group_size=60_000_000)
        assert "says that it has 60,000,000 rows" in refusal(path, parquet.read)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_cut_off(self, tmp_path: Path, share: float) -> None:
        path = tmp_path / "diary.parquet"
        pl.DataFrame({"participant_id": ["P1"], "date": ["2025-03-01"], "cramps": [1]}).write_parquet(path)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        assert "cannot be read as Parquet" in refusal(path, parquet.read)


class TestYaml:
    BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghij"))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (BOMB, r"line 2 refers to another place"),
            ("[" * 3000, "more than 40 deep"),
            ("{a: " * 3000, "more than 40 deep"),
            ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 90)) + "", "more than 40 deep|sequence"),
            ("x" * (plain_yaml.LONGEST + 1), "longer than 1,048,576 letters"),
            ("a: 1\na: 2\n", "the key 'a' stands twice in the entry that begins on line 1"),
            ("{[1, 2]: 3}\n", "is no text"),
        ],
        ids=["references", "lists", "entries", "lines", "long", "twice", "key"],
    )
    def test_refused(self, text: str, said: str) -> None:
        with pytest.raises(yaml.YAMLError, match=said):
            plain_yaml.load(text)

    def test_every_value_is_the_text_that_stands_there(self) -> None:
        assert plain_yaml.load("a: 007\nb: no\nc: [1e3, '']\n") == {"a": "007", "b": "no", "c": ["1e3", ""]}

    @pytest.mark.parametrize("text", [BOMB, "[" * 3000, "{a: " * 3000])
    def test_a_mapping_or_corrections_of_that_kind(
        self, tmp_path: Path, text: str, run: Callable[..., tuple[int, str, str]]
    ) -> None:
        (tmp_path / "m.yaml").write_text(text)
        (tmp_path / "participants.csv").write_text("participant_id,age_years,sex\nP1,40,male\n")
        (tmp_path / "diary.csv").write_bytes(HEADER + b"P1,2025-03-01,1\n")
        file = str(tmp_path / "m.yaml")
        for arguments in ([f"mapped:{tmp_path}?mapping={file}"], [str(tmp_path), "--corrections", file]):
            code, _, err = run("validate", *arguments)
            assert (code, err.count("\n")) == (4, 1)
            assert "m.yaml" in err

    def test_a_deep_descriptor(self, tmp_path: Path) -> None:
        (tmp_path / "datapackage.json").write_text('{"resources": ' + "[" * 100_000)
        (tmp_path / "diary.csv").write_bytes(HEADER)
        with pytest.raises(SourceError, match="not a data package descriptor"):
            load(tmp_path)
