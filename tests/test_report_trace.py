"""Every number of a report is of a row, names it, and is the same in all its formats."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import docx
import pytest
import word_widths
from pdf_text import text_of
from test_report_typeset import code, gathered, text

from crampstudy import estimates, simulate
from crampstudy.report import blocks
from crampstudy.report.block_parts.cells import overlapping
from crampstudy.report.blocks import Block
from crampstudy.report.build import build
from crampstudy.report.trace import RowTrace, TextPiece
from crampstudy.report.trace.printed_numbers import words

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def rows(*cells: dict[str, object]) -> str:
    made = [
        estimates.row(**{"status": "converged", "analysis": "regression", "cohort": "c", "scale": "rate_ratio", **each})
        for each in cells
    ]
    return estimates.to_csv(estimates.frame(made))


ROWS = rows(
    {
        "term": "age",
        "level": "75",
        "estimate": 0.9149,
        "ci_low": 0.8,
        "ci_high": 1.0347,
        "ci_level": 0.95,
        "n_participants": 1204,
        "n_nights": 31_000,
        "p_value": 0.0004,
    },
    {"term": "share", "scale": "proportion", "estimate": 0.1234, "ci_low": 0.1, "ci_high": 0.15, "n_participants": 60},
    {"term": "fall", "scale": "difference", "estimate": -1.25, "n_participants": 1204},
    {"term": "onset", "scale": "mean", "estimate": 2.1667, "ci_low": 2.0833, "ci_high": 26.25},
    {"term": "cold", "scale": "hazard_ratio", "estimate": 1.52, "ci_low": 0.0001, "ci_high": 1_224_181},
    {"term": "heat", "scale": "hazard_ratio", "estimate": 0.0021, "ci_low": 0.0004, "ci_high": 0.4},
)


def keyed(*texts: str) -> list[list[tuple[str, list[str]]]]:
    found = RowTrace.of([ROWS]).pieces(texts)
    return [[(piece.text, [key.split("/")[2] for key in piece.keys]) for piece in each] for each in found]


@pytest.mark.parametrize(
    ("shown", "piece", "terms"),
    [
        ("RR 0.91 (0.80–1.03).", "0.91 (0.80–1.03)", ["age"]),
        ("RR 0.9149.", "0.9149", ["age"]),
        ("it was 12.3 (10.0–15.0)%", "12.3 (10.0–15.0)", ["share"]),
        ("it was 12%", "12%", ["share"]),
        ("lower by 1.25 points", "1.25", ["fall"]),
        ("changed by −1.2", "−1.2", ["fall"]),
        ("of 31,000 nights", "31,000", ["age"]),
        ("p <0.001", "<0.001", ["age"]),
        ("RR 1.52 (<0.01 to >1,000).", "1.52 (<0.01 to >1,000)", ["cold"]),
        ("RR <0.01 (<0.01–0.40).", "<0.01 (<0.01–0.40)", ["heat"]),
        ("at most >1,000", ">1,000", ["cold"]),
        ("at 02:10 (02:05–02:15)", "02:10 (02:05–02:15)", ["onset"]),
    ],
)
def test_a_number_names_the_row_that_it_is_printed_from(shown: str, piece: str, terms: list[str]) -> None:
    (pieces,) = keyed(shown)
    assert (piece, terms) in pieces and "".join(part for part, _ in pieces) == shown


@pytest.mark.parametrize("shown", ["RR 0.91 (0.80–1.04)", "0.92", "31,001", "<0.0001", "B12", "2.1.3", "03:11"])
def test_what_no_row_holds_names_none(shown: str) -> None:
    pieces = [piece for each in RowTrace.of([ROWS]).pieces([shown]) for piece in each]
    assert all("age" not in key for piece in pieces for key in piece.keys if piece.text == shown)
    assert not any(piece.keys for piece in pieces if piece.text in ("1.04", "0.92", "31,001", "<0.0001", "03:11"))


def test_a_number_of_several_rows_is_of_the_one_that_its_line_tells_of() -> None:
    assert keyed("1,204", "0.91 (0.80–1.03)")[0] == [("1,204", ["age"])]
    assert keyed("1,204")[0] == [("1,204", ["age", "fall"])]


def test_a_label_is_no_estimate() -> None:
    (pieces,) = RowTrace.of([ROWS]).pieces(["at 75 years"])
    assert TextPiece("75", number=True, label=True) in pieces and "75" in words(RowTrace.of([ROWS]).rows)


def findings(**values: str) -> Block:
    return Block("findings", {"csv": ROWS, "values": values}, {"text/plain": "findings"})


def test_rows_name_the_places_that_show_them_and_values_their_rows(tmp_path: Path) -> None:
    import pandas as pd

    index = pd.Index(["Fall", "All ages"], name="What")
    shown = blocks.table(pd.DataFrame({"Points": ["−1.25", "–"]}, index=index), "tbl-fall", caption="{{n}} people.")
    made = gathered(
        tmp_path, [text("# A"), code(findings(rr="0.91 (0.80–1.03)", n="60")), code(shown), text("RR {{rr}}*.")]
    )
    where = {row["term"]: row["where"] for row in csv.DictReader(io.StringIO(made.estimates))}
    assert where == {"age": "n0", "share": "", "fall": "tbl-fall", "onset": "", "cold": "", "heat": ""}
    key = next(csv.DictReader(io.StringIO(made.estimates)))["key"]
    assert f'RR [0.91 (0.80–1.03)]{{.value rows="{key}"}}*.' in made.markdown
    assert '[60]{.value rows="c/regression/share/proportion"} people.' in made.markdown
    assert made.blocks["tbl-fall"]["traced"][0][1] == [("−1.25", "c/regression/fall/difference")]


@pytest.mark.parametrize(
    ("stubs", "summaries"),
    [
        (["<20", "20–39", "40–59", "60+", "20+", "All"], [False, False, False, False, True, True]),
        (["20-39", "40+"], [False, False]),
        (["Women", "Men", "All"], [False, False, False]),
        (["50–59", "60–69", "80+", "50+", "60+ with a cramp"], [False, False, False, True, True]),
    ],
)
def test_rows_that_sum_up_bands_are_told_from_them(stubs: list[str], summaries: list[bool]) -> None:
    assert overlapping(stubs) == summaries


class Cells(HTMLParser):
    """The cells of the tables of a page by label, and the texts and keys of what names rows."""

    def __init__(self) -> None:
        super().__init__()
        self.label, self.tables, self.values, self.bare = "", {}, [], []
        self._keys, self._cell = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "figure":
            self.label = str(given["id"])
        if tag == "table" and self.label:
            self.tables[self.label] = []
        if tag in ("td", "th") and self.label in self.tables:
            self.tables[self.label].append("")
            self._cell = tag
        if tag == "span" and "data-rows" in given:
            self._keys = str(given["data-rows"])
            self.values.append(["", self._keys])

    def handle_endtag(self, tag: str) -> None:
        self._cell = "" if tag == self._cell else self._cell
        self._keys = "" if tag == "span" else self._keys
        self.label = "" if tag == "figure" else self.label

    def handle_data(self, data: str) -> None:
        if self._keys:
            self.values[-1][0] += data
        if self._cell:
            self.tables[self.label][-1] += data
            if not self._keys and self._cell == "td":
                self.bare.append(data)


def dense(shown: str) -> str:
    return re.sub(r"[\s\u00ad]+", "", shown)


def of_word(path: Path) -> Iterator[list[str]]:
    for table in docx.Document(str(path)).tables[2:]:
        yield [cell.text for row in table.rows for cell in dict.fromkeys(row.cells)]


@pytest.mark.usefixtures("forked")
def test_every_number_is_of_a_row_and_the_same_in_all_formats(tmp_path: Path) -> None:
    simulate.write(tmp_path / "cohort", 60, 28, 3, draws=3_000)
    made = build(str(tmp_path / "cohort"), out=tmp_path / "out", sections=["frequency", "age-and-muscle"])
    known = list(csv.DictReader(made.estimates.open(encoding="utf-8")))
    page = Cells()
    page.feed(made.html.read_text(encoding="utf-8"))
    assert len(page.tables) >= 4 and len(page.values) > 100
    # Each number leads to its rows, and is one of their numbers.
    by_key = {row["key"]: row for row in known}
    for shown, keys in page.values:
        of = [by_key[key] for key in keys.split()]
        assert RowTrace(tuple(of)).pieces([shown])[0][0].keys, (shown, keys)
    # What names no row stands in the words of rows.
    labels = words(known)
    assert {number for shown in page.bare for number in NUMBER.findall(shown)} <= labels
    # Cell by cell and number by number the formats agree.
    for cells, (label, shown) in zip(of_word(made.docx), page.tables.items(), strict=True):
        assert [dense(cell) for cell in cells] == [dense(cell) for cell in shown], label
    printed = dense(text_of(made.pdf.read_bytes()))
    for label, shown in page.tables.items():
        lines = csv.reader((made.folder / "tables" / f"{label}.csv").open(encoding="utf-8"))
        beside = [cell.removeprefix("'") for line in lines for cell in line]
        numbers = [number for cell in shown for number in NUMBER.findall(cell)]
        assert numbers == [number for cell in beside for number in NUMBER.findall(cell)], label
        assert all(dense(cell) in printed for cell in shown), label
    opened = docx.Document(str(made.docx))
    assert word_widths.broken(opened) == []
    prose = dense(" ".join(paragraph.text for paragraph in opened.paragraphs))
    in_tables = {dense(cell) for table in page.tables.values() for cell in table}
    for shown, _ in page.values:
        assert dense(shown) in printed
        assert dense(shown) in prose or any(dense(shown) in cell for cell in in_tables)
    # A row knows the places that show it.
    places = {place for row in known for place in row["where"].split("; ") if place}
    assert {"frequency", "age-and-muscle", *page.tables} <= places
