"""How wide words are in the Word document, set in Arial: as wide as Helvetica, whose widths matplotlib has."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import docx
import matplotlib
from docx.oxml.ns import qn

LINE = 160 / 25.4 * 72
"""The width of a line of text, in points."""
_PADDING = 6.0
"""Left and right of a cell, in points."""
_OTHERS = 556
"""The width of a letter that the file does not know by its code, in thousandths of the size: that of most."""


@cache
def _widths(bold: bool) -> dict[str, int]:
    name = "Helvetica-Bold.afm" if bold else "Helvetica.afm"
    lines = (Path(matplotlib.get_data_path()) / "fonts" / "pdfcorefonts" / name).read_text("latin-1").splitlines()
    cells = (line.split() for line in lines if line.startswith("C "))
    return {chr(int(cell[1])): int(cell[4]) for cell in cells if 32 <= int(cell[1]) < 127}


def points(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in points."""
    widths = _widths(bold)
    return sum(widths.get(letter, _OTHERS) for letter in text) * size / 1000


def broken(document: docx.document.Document) -> list[str]:
    """Return the words of tables that are wider than their column, so that they break within."""
    found = []
    for table in document.tables:
        widths = [int(column.get(qn("w:w"))) / 7920 * LINE for column in table._tbl.tblGrid]
        for row in table.rows:
            cells = row._tr.tc_lst
            if len(cells) != len(widths):
                continue
            for cell, width in zip(cells, widths, strict=True):
                for paragraph in docx.table._Cell(cell, table).paragraphs:
                    style = paragraph.style.name
                    if not style.startswith("Table"):
                        continue
                    bold = any(part in style for part in ("Head", "Summary"))
                    size = 6.5 if style.endswith("Small") else 7.5
                    for word in paragraph.text.split():
                        if points(word, size, bold=bold) + _PADDING > width + 0.1:
                            found.append(word)
    return found
