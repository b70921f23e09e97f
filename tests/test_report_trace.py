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
from test_report_typeset import code, gathered, text, web

from crampstudy import estimates, simulate
from crampstudy.report import blocks
from crampstudy.report.block_parts.cells import overlapping
from crampstudy.report.blocks import Block
from crampstudy.report.build import build
from crampstudy.report.trace import RowTrace, TextPiece
from crampstudy.report.trace.printed_numbers import words
from crampstudy.wording import marks

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
OF_NO_ROW = ("tbl-software", "tbl-strobe")
"""They have versions, settings and dates."""
INTERVAL = re.compile(r"\d\.\d+ ?[(;] ?[−\d.]+(?:–| to )[−\d.]+")


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


TWINS = rows(
    {"term": "sitting", "estimate": 1.09, "ci_low": 0.95, "ci_high": 1.28, "n_participants": 60, "n_nights": 1500},
    {"term": "load", "estimate": 1.09, "ci_low": 0.95, "ci_high": 1.28, "n_participants": 50, "n_nights": 1400},
    {"term": "sugar", "estimate": 5.02, "p_value": 0.05, "n_participants": 24, "n_nights": 500},
)


def mark(term: str, of: str = TWINS) -> str:
    return next(marks.mark_of(row["key"]) for row in csv.DictReader(io.StringIO(of)) if row["term"] == term)


def recorded(*texts: str) -> list[list[tuple[str, str]]]:
    """Each number of texts with the terms of its rows."""
    found = RowTrace.of([TWINS]).pieces(texts, recorded=True)
    return [
        [(each.text, " ".join(key.split("/")[2] for key in each.keys)) for each in pieces if each.number]
        for pieces in found
    ]


def test_a_marked_number_is_of_its_row_whatever_others_have_its_digits() -> None:
    load, sitting = mark("load"), mark("sitting")
    whole = f"{load}1.09 ({load}0.95–{load}1.28)"
    assert recorded(f"A rate of {whole} a week.") == [[("1.09 (0.95–1.28)", "load")]]
    # The first row of all is a row as well.
    assert recorded(whole.replace(load, sitting)) == [[("1.09 (0.95–1.28)", "sitting")]]
    assert recorded(whole.replace(" (", "; ").removesuffix(")")) == [[(n, "load") for n in ("1.09", "0.95", "1.28")]]
    # In brackets may stand what is of other rows.
    apart = f"{load}1.09 ({sitting}0.95–{sitting}1.28)"
    assert recorded(apart) == [[("1.09", "load"), ("0.95", "sitting"), ("1.28", "sitting")]]
    # A mark of a row that the report has not.
    assert recorded(f"{marks.mark_of('elsewhere')}7.31") == [[("7.31", "")]]


def test_in_a_recorded_sentence_no_other_number_is_guessed() -> None:
    sugar = mark("sugar")
    said = (
        f"Of 24 participants with 500 mL and q below 0.05 the ratio was {sugar}5.02 at 24 years. Of 60 people 50 had 5."
    )
    assert recorded(said) == [
        [("24", "sugar"), ("500", ""), ("0.05", ""), ("5.02", "sugar"), ("24", ""), ("60", ""), ("50", ""), ("5", "")]
    ]


def test_a_count_of_a_line_is_of_the_nearest_row_and_its_stub_of_none() -> None:
    load, sugar = mark("load"), mark("sugar")
    line = recorded("24", "50", f"{load}1.09 ({load}0.95–{load}1.28)", "24", f"{sugar}5.02", "5")
    assert line == [
        [("24", "")],
        [("50", "load")],
        [("1.09 (0.95–1.28)", "load")],
        [("24", "sugar")],
        [("5.02", "sugar")],
        [("5", "")],
    ]


def test_a_guess_between_rows_of_different_kinds_is_none() -> None:
    many = rows(
        {"term": "gap", "scale": "difference", "unit": "nights", "estimate": 1.11},
        {"term": "sitting", "scale": "rate_ratio", "estimate": 1.11},
        {"term": "sugar", "scale": "rate_ratio", "estimate": 5.02, "n_participants": 9},
        {"term": "salt", "scale": "rate_ratio", "estimate": 0.84, "n_participants": 9},
    )
    pieces = {text: RowTrace.of([many]).pieces([text])[0][0].keys for text in ("1.11", "5", "5.02", "9")}
    assert {text: len(keys) for text, keys in pieces.items()} == {"1.11": 0, "5": 0, "5.02": 1, "9": 2}
    assert not any(each.number for each in RowTrace.of([many]).pieces(["25-hydroxyvitamin D"])[0])


@pytest.mark.parametrize("shown", ["30 June (28 May to 24 July)", "30 June"])
def test_a_day_of_the_year_is_of_its_row_and_a_date_of_none(shown: str) -> None:
    cycle = rows({"term": "season", "scale": "day_of_year", "estimate": 181.2, "ci_low": 148.0, "ci_high": 205.4})
    own = mark("season", cycle)
    for said in (f"Peaks on {shown}.", f"Peaks on {own}{shown.replace('(', f'({own}').replace('to ', f'to {own}')}."):
        found = [piece for piece in RowTrace.of([cycle]).pieces([said])[0] if piece.number]
        assert [(piece.text, len(piece.keys)) for piece in found] == [(shown, 1)]
    assert not any(piece.keys for piece in RowTrace.of([cycle]).pieces(["From 30 June 2025."])[0])


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


def test_a_section_that_tells_of_rows_of_another_is_among_their_places(tmp_path: Path) -> None:
    told = f"Rate: {mark('load')}1.09."
    values = {"values": {"said": marks.without(told)}, "marked": {"said": told}}
    first = Block("findings", {"csv": TWINS, "values": {}}, {"text/plain": "findings"})
    second = Block("findings", {"csv": rows(), **values}, {"text/plain": "findings"})
    made = gathered(tmp_path, [text("# A"), code(first)], [text("# B"), code(second), text("{{said}} {{said}}")])
    where = {row["term"]: row["where"] for row in csv.DictReader(io.StringIO(made.estimates))}
    assert where == {"sitting": "", "load": "n1", "sugar": ""}
    key = next(row["key"] for row in csv.DictReader(io.StringIO(TWINS)) if row["term"] == "load")
    assert f'Rate: [1.09]{{.value rows="{key}"}}.' in made.markdown
    # In prose as in tables, and once a place to go to.
    shown = web(made).decode()
    assert shown.count(f'<span class="value" data-rows="{key}"') == 2 and shown.count(f' id="{key}"') == 1
    assert " rows=" not in shown


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
        # Numbers of sentences, and all else that these say.
        self.prose, self.said, self._paragraphs = [], [], 0
        # The same of captions and notes.
        self.captions, self.bare_captions = [], []
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
            if not self._cell:
                (self.captions if self.label else self.prose).append(self.values[-1])
        self._paragraphs += tag in ("p", "li")

    def handle_endtag(self, tag: str) -> None:
        self._paragraphs -= tag in ("p", "li")
        self._cell = "" if tag == self._cell else self._cell
        self._keys = "" if tag == "span" else self._keys
        self.label = "" if tag == "figure" else self.label

    def handle_data(self, data: str) -> None:
        if self._keys:
            self.values[-1][0] += data
        elif self._paragraphs and not self.label:
            self.said.append(data)
        elif self.label and not self._cell:
            self.bare_captions.append(data)
        if self._cell:
            self.tables[self.label][-1] += data
            if not self._keys and self._cell == "td" and self.label not in OF_NO_ROW:
                self.bare.append(data)


def dense(shown: str) -> str:
    return re.sub(r"[\s\u00ad]+", "", shown)


def of_word(path: Path) -> Iterator[list[str]]:
    for table in docx.Document(str(path)).tables[2:]:
        yield [cell.text for row in table.rows for cell in dict.fromkeys(row.cells)]


@pytest.mark.usefixtures("forked")
def test_every_number_is_of_a_row_and_the_same_in_all_formats(tmp_path: Path) -> None:
    simulate.write(tmp_path / "cohort", 60, 28, 3, draws=3_000)
    sections = ["summary", "cohort", "frequency", "age-and-muscle", "methods", "definitions", "second-opinion"]
    made = build(str(tmp_path / "cohort"), out=tmp_path / "out", sections=sections)
    known = list(csv.DictReader(made.estimates.open(encoding="utf-8")))
    shown_page = made.html.read_text(encoding="utf-8")
    page = Cells()
    page.feed(shown_page)
    assert len(page.tables) >= 4 and len(page.values) > 500
    # Each number leads to its row, and is one of its numbers.
    by_key = {row["key"]: row for row in known}
    for shown, keys in page.values:
        assert keys in by_key, (shown, keys)
        assert RowTrace((by_key[keys],)).pieces([shown])[0][0].keys == (keys,), (shown, keys)
    assert all(shown_page.count(f' id="{keys}"') == 1 for _, keys in page.values)
    # So it is in sentences, of which none is left out that stands with its interval.
    assert len(page.prose) > 20
    assert not any(INTERVAL.search(text) for text in page.said)
    rate = next(row for row in known if row["analysis"] == "incidence rate" and row["level"] == "20+")
    assert rate["where"].split("; ")[0] == "summary"
    assert {keys for _, keys in page.values} <= {row["key"] for row in known if row["where"]}
    assert any(row["where"] == "tbl-characteristics" for row in known if row["analysis"] == "characteristics")
    for file in (made.html, made.estimates):
        assert not marks.MARK.search(file.read_text(encoding="utf-8"))
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
    assert {"frequency", "age-and-muscle", *page.tables} - {*OF_NO_ROW, "tbl-adjustment-sets"} <= places
    # Captions and notes lead to rows as well.
    assert any(keys for _, keys in page.captions) and not any(INTERVAL.search(text) for text in page.bare_captions)
