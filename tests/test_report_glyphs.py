"""A character that the report's fonts lack neither stops a report nor vanishes."""

from __future__ import annotations

import datetime
import io
import json
import re
from pathlib import Path

import pikepdf
import pytest
import typst
from test_report_typeset import pdf, web

from crampstudy.report import glyphs, typeset
from crampstudy.report.collect import Document

FOREIGN = "北ك🦵\ue000\x07\u202e\u200d"


def document(text: str, cell: str = "1") -> Document:
    block = {
        "kind": "table",
        "label": "tbl-x",
        "caption": "C",
        "note": None,
        "columns": [{"heading": text, "align": "left"}, {"heading": "n", "align": "right"}],
        "rows": [{"group": None, "cells": [cell, "2"]}],
    }
    drawn = {
        "kind": "figure",
        "label": "fig-x",
        "caption": "C",
        "alt": text,
        "note": None,
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="50pt" height="20pt"><text y="9">{text}</text></svg>',
    }
    markdown = (
        ":::::::: {.notebook name=sleep shift=0}\n\n# Sleep\n\nOf "
        f"{text}, @tbl-x and @fig-x.\n\n::::::: {{#tbl-x .table}}\n{text}\n:::::::\n\n"
        "::::::: {#fig-x .figure}\nC\n:::::::\n\n::::::::\n"
    )
    views = {"tbl-x": f"<table><tr><td>{cell}</td></tr></table>", "fig-x": "<svg ></svg>"}
    return Document(markdown, {"tbl-x": block, "fig-x": drawn}, views, "")


def front(cohort: str) -> typeset.Front:
    return typeset.Front("T", cohort, datetime.date(2024, 6, 30), "0", (("Cohort", cohort),), (("p", cohort, cohort),))


def test_a_square_stands_for_what_the_fonts_lack() -> None:
    assert glyphs.printed(f"a{FOREIGN}b\n\tÄ Ж α → ∑ ─ 𝒳") == "a" + "□" * 7 + "b\n\tÄ Ж α → ∑ ─ 𝒳"
    assert glyphs.printed({"x": ["北", ("ك", 1, None)]}) == {"x": ["□", ["□", 1, None]]}
    # A web page shows what its reader's fonts have, and has no control character.
    assert glyphs.shown("北ك🦵\x00\x07\n") == "北ك🦵□□\n"


def test_the_notice_names_characters_and_places() -> None:
    assert glyphs.notice(document("plain"), front("plain").texts) is None
    said = glyphs.notice(document("ك", cell="\x07"), front("北 ك").texts)
    assert said == (
        "□ stands in print for what the report's fonts lack: "
        "U+0643 (ARABIC LETTER KAF) in the title page, the text of sleep, tbl-x, fig-x; "
        "U+5317 (CJK UNIFIED IDEOGRAPH-5317) in the title page; U+0007 (control character) in tbl-x"
    )
    many = glyphs.notice(document("".join(map(chr, range(0x5317, 0x5317 + 30)))), ())
    assert many is not None and many.endswith("; and 18 more")
    # A few are named, and all that stand in one place together.
    assert many.count("(") == 3 and many.count(" in the text of sleep") == 1
    assert "5319), U+531A, U+531B" in many


@pytest.mark.parametrize("text", [FOREIGN, "x" * 300, "北" * 300])
def test_such_a_report_is_set_in_both_forms(text: str) -> None:
    made = pdf(document(text, text), front(text))
    with pikepdf.open(io.BytesIO(made)) as book:
        assert len(book.pages) >= 1
    page = web(document(text, text), front(text)).decode()
    assert not re.search("[\x00-\x08\x0b-\x1f]", page)
    assert text.strip("\x07")[:3] in page


def test_every_character_that_counts_as_printable_is_set(tmp_path: Path) -> None:
    """Typst, which knows its own fonts, is asked for all of them."""
    known = [chr(point) for point in range(32, 0x1D800) if not 0xD800 <= point < 0xE000]
    known = [c for c in known if glyphs.printed(c) == c and c.isprintable()]
    (tmp_path / "x.json").write_text(json.dumps(known))
    head = '#set document(title: "x")\n#set text(font: "Source Serif 4")\n'
    (tmp_path / "m.typ").write_text(head + '#for c in json("x.json") [ #c ]')
    typst.compile(
        tmp_path / "m.typ",
        root=tmp_path,
        font_paths=[glyphs.FONT_DIR],
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
    )
    assert len(known) > 2_000
