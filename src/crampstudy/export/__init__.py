"""Tables in other forms: HTML, LaTeX, Markdown, Word and Excel, the same bytes for the same table."""

from __future__ import annotations

import html as markup
import io
import re
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import pandas as pd

from crampstudy import ending

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EPOCH = datetime(2000, 1, 1)
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_NUMBER = re.compile(r"[-−+<>≤≥]?\s?[.\d∞]|[–—]?$")


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as texts: ``heads``, and rows by the ``group`` that they belong to, empty where there are none.

    ``numbers`` says of each column whether it reads as numbers, and is set flush right.
    """

    heads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    numbers: tuple[bool, ...]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Cells:
        """Return the cells of a data frame: the last level of its index is the stub, those before it name groups."""
        index = table.index.to_frame(index=False).map(_text)
        stubs = index.iloc[:, -1]
        names = [", ".join(filter(None, key)) for key in index.iloc[:, :-1].itertuples(index=False)]
        names = names or [""] * len(table)
        columns = [[_text(cell) for cell in table.iloc[:, i]] for i in range(table.shape[1])]
        rows = list(zip(stubs, *columns, strict=True))
        groups = groupby(zip(names, rows, strict=True), key=lambda pair: pair[0])
        return cls(
            (_text(table.index.names[-1] or ""), *(_text(head) for head in table.columns)),
            tuple((name, tuple(row for _, row in pairs)) for name, pairs in groups),
            (False, *(all(_NUMBER.match(text) for text in column) for column in columns)),
        )


def html(table: pd.DataFrame, caption: str, notes: Sequence[str]) -> str:
    """Return a table as HTML that holds nothing but text and marks of tables."""
    cells = Cells.of(table)
    return "\n".join(_html(cells, caption, notes))


def _html(cells: Cells, caption: str, notes: Sequence[str]) -> Iterator[str]:
    aligned = [f' style="text-align: {"right" if number else "left"}"' for number in cells.numbers]
    yield "<table>"
    if caption:
        yield f"<caption>{_escaped(caption)}</caption>"
    heads = (f'<th scope="col"{align}>{_escaped(head)}</th>' for head, align in zip(cells.heads, aligned, strict=True))
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for group, rows in cells.groups:
        if group:
            empty = "".join(f"<td{align}></td>" for align in aligned[1:])
            yield f"<tr><th{aligned[0]}>{_escaped(group)}</th>{empty}</tr>"
        for row in rows:
            marked = (f"<td{align}>{_escaped(cell)}</td>" for cell, align in zip(row[1:], aligned[1:], strict=True))
            yield f'<tr><th scope="row"{aligned[0]}>{_escaped(row[0])}</th>{"".join(marked)}</tr>'
    yield "</tbody>"
    yield "</table>"
    for note in notes:
        yield f"<p>{_escaped(note)}</p>"


def text(table: pd.DataFrame, caption: str, notes: Sequence[str], form: Literal["latex", "markdown"]) -> str:
    """Return a table as LaTeX or as Markdown with a pipe table."""
    to = {"latex": "latex", "markdown": "gfm-raw_html"}[form]
    if form == "markdown" and caption:
        # A pipe table has no caption of its own.
        return f"{_pandoc(f'<p>{_escaped(caption)}</p>', to).decode()}\n{text(table, '', notes, form)}"
    return _pandoc(html(table, caption, notes), to).decode()


def docx(table: pd.DataFrame, caption: str, notes: Sequence[str]) -> bytes:
    """Return a table as a document of Word."""
    return dateless(_pandoc(html(table, caption, notes), "docx"))


def xlsx(table: pd.DataFrame, caption: str, notes: Sequence[str]) -> bytes:
    """Return a table as a workbook of Excel."""
    return workbook({"Table": WorkbookSheet(Cells.of(table), caption, notes)})


@dataclass(frozen=True, slots=True)
class WorkbookSheet:
    """A sheet of a workbook: cells under a caption and over notes."""

    cells: Cells
    caption: str = ""
    notes: Sequence[str] = ()


def workbook(sheets: Mapping[str, WorkbookSheet]) -> bytes:
    """Return tables by the names of their sheets as a workbook of Excel.

    Every cell is a text, so that none is run as a formula.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, sheet in sheets.items():
        _fill(book.create_sheet(name), sheet)
    book.properties.created = _EPOCH
    target = io.BytesIO()
    book.save(target)
    return dateless(target.getvalue())


def _fill(page: Any, sheet: WorkbookSheet) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    cells = sheet.cells
    plain, bold, italic = Font(), Font(bold=True), Font(italic=True)
    lines: list[tuple[tuple[str, ...], Font]] = [((sheet.caption,), bold)] if sheet.caption else []
    lines.append((cells.heads, bold))
    for group, rows in cells.groups:
        lines += [((group,), italic)] if group else []
        lines += [(row, plain) for row in rows]
    lines += [((note,), plain) for note in sheet.notes]
    sides = {is_right: Alignment(horizontal="right" if is_right else "left") for is_right in (False, True)}
    first: dict[tuple[int, bool], Any] = {}
    for r, (row, font) in enumerate(lines, 1):
        for c, content in enumerate(row, 1):
            cell = page.cell(r, c)
            cell.value, cell.data_type = fit(content), "s"
            is_right = len(row) > 1 and cells.numbers[c - 1]
            alike = first.setdefault((id(font), is_right), cell)
            if alike is cell:
                cell.font, cell.alignment = font, sides[is_right]
            else:
                # To look a style up among those of the workbook takes ten times as long as all else of a cell.
                cell._style = alike._style
    for c in range(1, len(cells.heads) + 1):
        own = [len(row[c - 1]) for row, _ in lines if len(row) > 1]
        page.column_dimensions[get_column_letter(c)].width = min(max(own, default=8) + 2, 60)


def _pandoc(document: str, to: str) -> bytes:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--from=html", f"--to={to}", "--wrap=none", "--output=-"]
    with ending.lifeline() as line:
        tied = ending.tied(command, line)
        return subprocess.run(tied, input=document.encode(), capture_output=True, check=True).stdout


def dateless(package: bytes) -> bytes:
    """Return a document of Word or Excel without the moment at which it was made."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as found, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(found.namelist()):
            content = found.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb">\d{4}-\d\d-\d\dT[\d:.]+Z?<", f">{_EPOCH.isoformat()}Z<".encode(), content)
            made.writestr(zipfile.ZipInfo(name, _FIRST_DAY), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _text(cell: Any) -> str:
    """Return a cell as text; a character that no document may hold is a box."""
    if not isinstance(cell, str) and pd.api.types.is_scalar(cell) and pd.isna(cell):
        return ""
    shown = f"{cell:,}".replace("-", "−") if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
    return fit(shown)


def fit(text: str) -> str:
    """Return a text with a box for each character that no document may hold."""
    return _CONTROL.sub("□", text)


def _escaped(content: str) -> str:
    return markup.escape(content).replace("\n", "<br>")
