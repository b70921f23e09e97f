"""One document in every format: what Word opens, the files beside the report, and the same in all of them."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import docx
import matplotlib.pyplot as plt
import openpyxl
import pandas as pd
import pikepdf
import pytest
import word_widths
from docx.oxml.ns import qn
from PIL import Image
from test_report_typeset import FRONT, TEXT, code, gathered, table, text

from crampstudy import cache, look
from crampstudy.cache import Cache
from crampstudy.figures import style
from crampstudy.report import blocks, typeset
from crampstudy.report.beside import figures as figure_files
from crampstudy.report.beside import pictures
from crampstudy.report.beside.outputs import DOCX, HTML, outputs
from crampstudy.report.beside.pictures import SCALE, Size, journal_size, millimetres
from crampstudy.report.collect import collect
from crampstudy.report.outline import Outline, OutlinePart

METHODS = """# Methods {#sec-methods}

As @seabold2010 say, {{rr}} of @tbl-groups is modelled by $x + 1$ (@sec-age).
"""


def grouped() -> blocks.Block:
    names = pd.MultiIndex.from_tuples(
        [("Drinks", "=Water"), ("Drinks", "Alcohol"), ("Sleep", "Hours")], names=["", "Of"]
    )
    cells = {"Rate ratio (95% CI)": ["1.2 (1.1–1.3)", "0.9 (0.8–1.0)", "–"], "Verdict": ["higher", "inconclusive", "-"]}
    return blocks.table(pd.DataFrame(cells, index=names), "tbl-groups", caption="See [@fig-age].", note="A note on CI.")


def wide() -> blocks.Block:
    with style.journal():
        fig, _ = plt.subplots(figsize=(6.3, 2))
    return blocks.figure(fig, "fig-age", caption="Rates by age.", alt='Line "up" & right', note="A note.")


def drawn() -> blocks.Block:
    with style.journal():
        narrow, axes = plt.subplots(figsize=(look.COLUMN_WIDTH, 2))
        axes.plot([1, 2])
    rows = pd.DataFrame({"key": ["a"], "estimate": [1 / 3]})
    return blocks.figure(narrow, "fig-narrow", caption="Narrow.", alt="A line.", data=rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    folder = tmp_path_factory.mktemp("document")
    cells = [text(TEXT), code(blocks.value("rr", "1.3_a*"), wide(), table(60), grouped(), drawn())]
    document = gathered(folder, cells, [text(METHODS)])
    renamed = document.markdown.replace("{.notebook name=n1 ", "{.notebook name=methods ")
    document = type(document)(renamed, document.blocks, document.views, document.estimates)
    place = cache.opened(tmp_path_factory.mktemp("cache"))
    assert isinstance(place, Cache)
    first, second = (outputs(document, FRONT, pictures=True, cache=used) for used in (None, place))
    assert first == second, "the same document gives the same bytes"
    assert len([*place.files("picture")]) == 2 * 3, "of each figure a picture for Word, a page and one of 600 dots"
    return first


def test_a_picture_is_printed_once_of_what_is_the_same(tmp_path: Path) -> None:
    place = cache.opened(tmp_path / "cache")
    assert isinstance(place, Cache)
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="9pt" viewBox="0 0 90 9">'
    svg = f'{head}<rect width="5" height="5"/></svg>'
    with pictures.printer({"a": svg, "b": svg.replace("5", "6")}, place) as drawn:
        asked: list[Callable[[pictures.Printer], bytes]] = [
            lambda it: it.png("a", Size(89, 89), 72),
            lambda it: it.png("b", Size(89, 89), 72),
            lambda it: it.png("a", Size(183, 183), 72),
            lambda it: it.png("a", Size(89, 89), 144),
            lambda it: it.png("a", Size(89, 80), 72),
            lambda it: it.pdf("a", Size(89, 89), FRONT.date),
            lambda it: it.pdf("a", Size(89, 89), FRONT.date.replace(year=2020)),
        ]
        made = [ask(drawn) for ask in asked]
        again = replace(drawn, compiler=cast("Any", None))
        assert [ask(again) for ask in asked] == made and len({*made}) == len(asked)
        for path in place.files("picture"):
            path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(AttributeError):
            asked[0](again)
        assert [ask(drawn) for ask in asked] == made


@pytest.fixture(scope="module")
def opened(made: Mapping[str, bytes]) -> docx.document.Document:
    return docx.Document(io.BytesIO(made[DOCX]))


def test_word_says_nothing_of_the_machine(made: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(made[DOCX])) as package:
        named = [name for name in package.namelist() if str(typeset.ASSETS).encode() in package.read(name)]
    assert not named


def in_style(opened: docx.document.Document, name: str) -> list[str]:
    return [paragraph.text for paragraph in opened.paragraphs if paragraph.style.name == name]


def test_word_opens_headings_captions_and_the_title_page(opened: docx.document.Document) -> None:
    assert in_style(opened, "Title") == ["Research insights"] and in_style(opened, "Subtitle") == ["Demo <cohort>"]
    assert opened.core_properties.title == "Research insights"
    headings = [(p.style.name, p.text) for p in opened.paragraphs if p.style.name.startswith("Heading")]
    assert ("Heading 1", "1\u2002Current studies") in headings and ("Heading 3", "1.1.1\u2002Deep") in headings
    assert in_style(opened, "toc 1") == ["1\u2002Current studies", "References"]
    assert in_style(opened, "Image Caption") == ["Figure\u00a01. Rates by age.", "Figure\u00a02. Narrow."]
    assert in_style(opened, "Table Caption") == ["Table\u00a01. Rates.", "Table\u00a02. See Figure\u00a01."]
    assert in_style(opened, "Table Note") == ["A note on CI. CI: confidence interval."] and in_style(
        opened, "Figure Note"
    ) == ["A note."]
    facts = {row.cells[0].text: row.cells[1].text for row in opened.tables[0].rows}
    assert facts["Size"] == "5 participants & 6 nights"
    assert [cell.text for cell in opened.tables[1].rows[1].cells] == ["age_bands", "20, 40", "lower limits, $years$"]
    section = opened.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert section.header.paragraphs[0].text == "Research insights\tDemo <cohort>"
    assert section.different_first_page_header_footer


def test_references_of_word_are_fields_whose_targets_are_there(opened: docx.document.Document) -> None:
    body = opened.element.body
    marks = {mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))}
    ids = [mark.get(qn("w:id")) for mark in body.iter(qn("w:bookmarkStart"))]
    assert len(ids) == len(set(ids))
    fields = [instruction.text.split() for instruction in body.iter(qn("w:instrText"))]
    assert ["SEQ", "Figure", "\\*", "ARABIC"] in fields and ["SEQ", "Equation", "\\*", "ARABIC"] in fields
    targets = [words[1] for words in fields if words[0] == "REF"]
    assert {"fig_age", "tbl_rates_n", "eq_rate", "sec_deep", "tbl_groups"} <= set(targets) <= marks
    sentence = next(p.text for p in opened.paragraphs if p.text.startswith("Rates rise"))
    assert "see Figure\u00a01, 1, Equation\u00a01 and Section\u00a01.1.1; RR 1.3_a*." in sentence
    anchors = {link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))} - {None}
    assert anchors and anchors <= marks


def test_the_number_of_a_caption_of_word_is_bold_through_all_its_field(
    opened: docx.document.Document,
) -> None:
    captions = [p for p in opened.paragraphs if p.style.name in ("Image Caption", "Table Caption")]
    for caption in captions:
        parts = [run for run in caption.runs if run._r.find(qn("w:fldChar")) is not None or "SEQ" in run._r.xml]
        assert "SEQ" in parts[1]._r.xml and all(run.bold for run in parts[:4])


def test_tables_and_pictures_of_word_are_real(opened: docx.document.Document) -> None:
    rates, groups = opened.tables[2:]
    assert len(rates.rows) == 61
    for grid in (rates, groups):
        assert grid.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None, "the head is repeated on every page"
    assert [cell.text for cell in groups.rows[0].cells] == ["Of", "Rate ratio (95% CI)", "Verdict"]
    assert groups.rows[1].cells[0]._tc is groups.rows[1].cells[2]._tc and groups.rows[1].cells[0].text == "Drinks"
    assert [cell.text for cell in groups.rows[3].cells] == ["Alcohol", "0.9 (0.8–1.0)", "inconclusive"]
    # A short table stands on one page, a long one goes on.
    styles = [[row.cells[-1].paragraphs[0].style.name for row in grid.rows[1:]] for grid in (groups, rates)]
    assert styles[0] == ["Table Group", "Table Kept", "Table Kept", "Table Group", "Table Text"]
    assert {*styles[1]} == {"Table Text"}
    alts = [shape._inline.docPr.get("descr") for shape in opened.inline_shapes]
    assert alts == ['Line "up" & right', "A line."]
    assert all(shape.width.mm <= 160 for shape in opened.inline_shapes)


def test_columns_of_words_in_word_share_the_room_that_numbers_leave(tmp_path: Path) -> None:
    """Long texts take what is left of the page, and where there is little no short word keeps more than it needs."""
    long = "What is told of it in so many words that a line of forty letters does not hold them"
    plenty = pd.DataFrame({"Told": [long]}, index=pd.Index(["Name"], name="Of"))
    number = "1.08 (0.89–1.31)"
    numbers = {heading: [number] for heading in ("Rate ratio", "At 50 years", "At 75 years", "At 80 years")}
    named = pd.Index(["Pregnancy trimester (first, women, age ≤ 49)"], name="Condition")
    crowded = pd.DataFrame({**numbers, "Verdict": ["differs but negligible"]}, index=named)
    shown = [
        blocks.table(frame, f"tbl-{name}", caption="A caption.")
        for name, frame in (("plenty", plenty), ("crowded", crowded))
    ]
    document = gathered(tmp_path, [text("# Age"), code(*shown)])
    opened = docx.Document(io.BytesIO(outputs(document, FRONT)[DOCX]))
    first, second = ([int(col.get(qn("w:w"))) for col in grid._tbl.tblGrid] for grid in opened.tables[-2:])
    # A text of one line has its room, and 7,920 are the 160 mm of a page's lines.
    assert first[1] / 7920 * word_widths.LINE > word_widths.points(long, 7.5)
    name, *ratios, verdict = second
    assert name > 1.5 * verdict
    assert min(ratios) / 7920 * word_widths.LINE > word_widths.points(number, 6.5)
    assert word_widths.broken(opened) == []


def test_no_word_breaks_in_a_table_of_many_columns(tmp_path: Path) -> None:
    """Neither a heading nor a number: each is measured in Arial, whose widths are those of Helvetica."""
    headings = ("Participants", "Person-nights", "WOMMMM", "Expected (%)", "Rejected", "p", "n", "q", "Missing")
    frame = pd.DataFrame({name: ["1,234", "could not estimate", "MMMM"] for name in headings}, index=list("abc"))
    shown = blocks.table(frame, "tbl-many", caption="A caption.")
    document = gathered(tmp_path, [text("# Age"), code(shown)])
    opened = docx.Document(io.BytesIO(outputs(document, FRONT)[DOCX]))
    assert word_widths.broken(opened) == []


def test_tables_stand_beside_the_report(made: Mapping[str, bytes]) -> None:
    lines = list(csv.reader(io.StringIO(made["tables/tbl-groups.csv"].decode())))
    assert lines[0] == ["Group", "Of", "Rate ratio (95% CI)", "Verdict"]
    assert lines[1] == ["Drinks", "'=Water", "1.2 (1.1–1.3)", "higher"] and lines[3][0] == "Sleep"
    assert len(made["tables/tbl-rates.csv"].decode().splitlines()) == 61
    book = openpyxl.load_workbook(io.BytesIO(made["tables/tables.xlsx"]))
    assert book.sheetnames == ["Table 1", "Table 2"]
    column = [cell.value for cell in book["Table 2"]["A"]]
    assert column == [
        "Table 2. See Figure\u00a01.",
        "Of",
        "Drinks",
        "=Water",
        "Alcohol",
        "Sleep",
        "Hours",
        "A note on CI. CI: confidence interval.",
    ]
    assert {cell.data_type for row in book["Table 2"].iter_rows() for cell in row} <= {"s", "n"}


def test_figures_stand_beside_the_report_in_the_widths_of_journals(made: Mapping[str, bytes]) -> None:
    for label, width in {"fig-age": 183, "fig-narrow": 89}.items():
        svg = made[f"figures/{label}.svg"].decode()
        assert f' width="{width}mm"' in svg and "<text" not in svg
        with pikepdf.open(io.BytesIO(made[f"figures/{label}.pdf"])) as pdf:
            assert len(pdf.pages) == 1
            assert float(pdf.pages[0].mediabox[2]) / 72 * 25.4 == pytest.approx(width, abs=0.1)
        for ending in ("png", "tiff"):
            with Image.open(io.BytesIO(made[f"figures/{label}.{ending}"])) as picture:
                assert picture.width == pytest.approx(width / 25.4 * 600, abs=2)
    with Image.open(io.BytesIO(made["figures/fig-age.tiff"])) as picture:
        assert picture.info["dpi"] == (600, 600)
    assert made["figures/fig-narrow.csv"].decode() == "key,estimate\na,0.3333333333\n"
    assert "figures/fig-age.csv" not in made


@pytest.mark.parametrize(("millimetres_drawn", "width"), [(60, 89), (77.5, 89), (78.5, 183), (110, 183), (160, 183)])
def test_figures_of_all_widths_have_letters_of_one_size(millimetres_drawn: float, width: int) -> None:
    points = millimetres_drawn / 25.4 * 72
    svg = f'<svg x="1" width="{points}pt" height="50pt" viewBox="0 0 {points} 50"></svg>'
    size = journal_size(svg)
    assert size.width == width and size.drawn / millimetres(svg) == pytest.approx(SCALE)
    # As a file it has the same scale, and its drawing in the middle.
    file = figure_files._sized(svg, size)
    left, top, wide, tall = map(float, re.search(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', file).groups())  # type: ignore[union-attr]
    assert width / (wide / 72 * 25.4) == pytest.approx(SCALE, rel=1e-3) and (top, tall) == (0, 50)
    assert left + wide / 2 == pytest.approx(points / 2, abs=0.01) and file.count(" width=") == 1 and ' x="1"' in file


def test_a_figure_wider_than_the_text_fills_a_page() -> None:
    assert journal_size('<svg width="900pt" height="50pt">') == Size(183, 183)


def test_methods_and_references_are_files_of_their_own(made: Mapping[str, bytes]) -> None:
    methods = made["methods.md"].decode()
    assert methods.startswith("## Methods\n")
    assert "1.3_a\\* of Table\u00a02 is modelled by $x + 1$ (Section\u00a01.1)" in methods
    assert "Seabold" in methods and "Rates rise" not in methods
    # Of the works of the whole report those that the methods cite, in words without links.
    assert "References" in methods and "Grandner" not in methods and "#ref-" not in methods
    keys = re.findall(r"^@\w+\{(\S+),", made["references.bib"].decode(), re.MULTILINE)
    assert keys == ["seabold2010", "grandner2017"] or sorted(keys) == ["grandner2017", "seabold2010"]


def test_a_report_without_methods_tables_or_works_has_no_such_files(tmp_path: Path) -> None:
    made = outputs(gathered(tmp_path, [text("# A")]), FRONT)
    assert set(made) == {"report.pdf", HTML, DOCX, "estimates.csv"}


def test_the_page_links_to_what_stands_beside_it(made: Mapping[str, bytes]) -> None:
    page = made[HTML].decode()
    links = set(re.findall(r'href="([^"#:]+)"', page))
    assert {"report.pdf", "report.docx", "estimates.csv", "tables/tables.xlsx"} <= links <= set(made)
    assert {"tables/tbl-groups.csv", "figures/fig-age.pdf", "figures/fig-narrow.csv"} <= links
    # Those of a table stand below its note.
    for each in re.findall(r'<figure id="tbl-.*?</figure>', page, re.DOTALL):
        assert each.index("</table>") < each.index('<p class="files">') and "<!--" not in each
        assert each.find('class="note"') < each.index('<p class="files">')


def test_the_page_has_real_tables_and_draws_in_its_own_colours(made: Mapping[str, bytes]) -> None:
    page = made[HTML].decode()
    groups = page[page.index('<figure id="tbl-groups"') :]
    groups = groups[: groups.index("</figure>")]
    assert groups.count("<tbody") == 2 and 'scope="rowgroup" colspan="3">Drinks</th>' in groups
    assert '<th role="columnheader" scope="col" class="right">Rate ratio (95%\u00a0CI)</th>' in groups
    assert '<td role="cell" data-head="Verdict">inconclusive</td>' in groups
    svg = page[page.index("<svg ") : page.index("</svg>")]
    assert "var(--paper)" in svg and "#ffffff" not in svg and 'aria-label="Line &quot;up&quot; &amp; right"' in svg
    assert "prefers-color-scheme: dark" in page and "aria-sort" in page


def test_a_picture_says_its_resolution() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"></svg>'
    with pictures.printer({"fig-x": svg}) as printer:
        png = printer.png("fig-x", Size(89, 25.4), 600)
    with Image.open(io.BytesIO(png)) as made:
        assert made.info["dpi"] == pytest.approx((600, 600), abs=0.1)
        assert made.width == pytest.approx(89 / 25.4 * 600, abs=1)


def test_a_table_of_the_methods_is_there_as_text(tmp_path: Path) -> None:
    path = tmp_path / "methods.ipynb"
    cells = [text("# Methods {#sec-methods}\n\nSee @tbl-groups and @fig-age."), code(grouped(), wide())]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    document = collect(Outline("t", (OutlinePart("Methods", (path,)),)), {path.stem: path})
    told = outputs(document, FRONT)["methods.md"].decode()
    assert "**Table 1.**" in told
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in told.splitlines() if line.startswith("|")]
    assert rows[0] == ["", "Of", "Rate ratio (95% CI)", "Verdict"]
    assert rows[2] == ["Drinks", "=Water", "1.2 (1.1–1.3)", "higher"]
    assert rows[3] == ["Drinks", "Alcohol", "0.9 (0.8–1.0)", "inconclusive"]
