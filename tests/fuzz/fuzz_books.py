"""Workbooks: damaged archives, edited parts with right checksums, and cells typed anew."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind
from fuzz_mapped import wide_rows
from fuzz_plain import Plain, Row, Unclear
from fuzz_statfiles import BROKEN, truth
from fuzz_study import Tables, study, wide
from fuzz_text import CELLS
from numpy.random import Generator

_BAD_BOOK = (*BROKEN, zipfile.BadZipFile, SyntaxError, EOFError, StopIteration, AssertionError, RecursionError)


@cache
def _book(form: str) -> bytes:
    rows = [{n: v for n, v in row.items() if n != "place"} for row in wide()]
    return _saved(study() if form == "xlsx" else {"nights": rows})


def _saved(tables: Tables) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in tables.items():
        page = book.create_sheet(name)
        page.append(list(rows[0]))
        for row in rows:
            page.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(form: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "study.xlsx").write_bytes(_book(form))
        return str(folder / "study.xlsx")

    return write


def _spoil(form: str) -> Callable[[Path, Generator], str]:
    def spoil(folder: Path, rng: Generator) -> str:
        change = (damaged, _edited, _retyped)[place(rng, 3)]
        content, what = change(_book(form), rng)
        (folder / "study.xlsx").write_bytes(content)
        return what

    return spoil


def _edited(book: bytes, rng: Generator) -> tuple[bytes, str]:
    """One part of the archive changed, with the right checksum."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheets = [name for name in parts if "sheet" in name and name.endswith(".xml")]
    name = sheets[place(rng, len(sheets))] if rng.random() < 0.7 else list(parts)[place(rng, len(parts))]
    text = parts[name]
    edits: tuple[Callable[[bytes], bytes | None], ...] = (
        lambda old: damaged(old, rng)[0],
        lambda old: None,
        lambda old: _somewhere(rb"<v>[^<]*</v>", b"<v>%d</v>" % int(rng.integers(-5, 10**6)), old, rng),
        lambda old: _somewhere(
            rb"<v>[^<]*</v>", (b"", b"<v/>", b"<v>x</v>", b"<v>1e400</v>", b"<v> 7 </v>")[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(
            rb' t="\w+"',
            (b"", b' t="n"', b' t="b"', b' t="e"', b' t="d"', b' t="str"', b' t="q"')[place(rng, 7)],
            old,
            rng,
        ),
        lambda old: _somewhere(
            rb' s="\d+"', (b"", b' s="0"', b' s="1"', b' s="99"', b' s="x"')[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(
            rb' r="[A-Z]+\d+"', (b"", b' r="A1"', b' r="ZZZ9"', b' r="B99999"', b' r="7"')[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(rb"<row .*?</row>", b"", old, rng),
        lambda old: _somewhere(rb"<row r=\"\d+\"", b'<row r="%d"' % int(rng.integers(0, 40)), old, rng),
        lambda old: _somewhere(rb"<c .*?</c>", b"", old, rng),
        lambda old: old.replace(
            b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="B3:B4"/></mergeCells>'
        ),
        lambda old: _somewhere(
            rb"<t[^>]*>[^<]*</t>", b"<t>%s</t>" % CELLS[place(rng, len(CELLS))].encode().replace(b"<", b""), old, rng
        ),
        lambda old: b'<!DOCTYPE x [<!ENTITY a "b">]>' + old,
        lambda old: _somewhere(rb"<dimension ref=\"[^\"]*\"", b'<dimension ref="A1:B2"', old, rng),
    )
    at = place(rng, len(edits))
    made = edits[at](text)
    if made is None:
        del parts[name]
    else:
        parts[name] = made
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return out.getvalue(), f"edit {at} of {name}"


def _somewhere(pattern: bytes, new: bytes, old: bytes, rng: Generator) -> bytes:
    found = list(re.finditer(pattern, old, re.DOTALL))
    if not found:
        return old
    one = found[place(rng, len(found))]
    return old[: one.start()] + new + old[one.end() :]


def _retyped(content: bytes, rng: Generator) -> tuple[bytes, str]:
    """Cells typed anew: other types, texts for numbers, dates with times, formulas, blank rows, headers."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book.worksheets[place(rng, len(book.worksheets))]
    done = []
    for _ in range(int(rng.integers(1, 4))):
        row, column = 1 + place(rng, page.max_row), 1 + place(rng, page.max_column)
        cell = page.cell(row, column)
        match place(rng, 9):
            case 0 | 1 | 2:
                text = "".join(c for c in CELLS[place(rng, len(CELLS))] if c.isprintable() or c == "\n")
                cell.value, what = text, repr(text)[:30]
            case 3:
                values = (
                    True,
                    45720,
                    45720.5,
                    0.5,
                    -1,
                    99,
                    datetime(2025, 3, 4, 22, 10),
                    date(2025, 3, 4),
                    1e300,
                    None,
                )
                cell.value = values[place(rng, len(values))]
                what = repr(cell.value)
            case 4:
                cell.value, what = str(cell.value).replace(".", ","), "as text with a comma"
            case 5:
                page.insert_rows(row)
                what = f"a blank row {row}"
            case 6:
                page.delete_rows(row)
                what = f"without row {row}"
            case 7:
                page.delete_cols(column)
                what = f"without column {column}"
            case _:
                cell.value, what = "=1+1", "a formula"
        done.append(f"{page.title}!{cell.coordinate} {what}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), ", ".join(done)


def _pages(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    try:
        book = openpyxl.load_workbook(folder / "study.xlsx", data_only=True)
        return {page.title.strip().lower(): list(page.iter_rows(values_only=True)) for page in book.worksheets}
    except _BAD_BOOK:
        raise Unclear from None


def _plain(folder: Path) -> Plain:
    pages = _pages(folder)
    if "participants" not in pages:
        raise Unclear
    return {name: _rows(pages[name]) for name in study() if name in pages}


def _plain_wide(folder: Path) -> Plain:
    return wide_rows(_rows(next(iter(_pages(folder).values()))))


def _rows(page: list[tuple[Any, ...]]) -> list[Row]:
    filled = [(n, row) for n, row in enumerate(page, 1) if any(_is_filled(value) for value in row)]
    if not filled:
        raise Unclear
    (_, head), *rows = filled
    names = [str(value).strip() if _is_filled(value) else "" for value in head]
    return [
        Row(n, {c: (v if _is_filled(v) else None,) for c, v in zip(names, row, strict=False) if c}) for n, row in rows
    ]


def _is_filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


KINDS = (
    Kind("xlsx", _write("xlsx"), _spoil("xlsx"), _plain),
    Kind("xlsx-wide", _write("xlsx-wide"), _spoil("xlsx-wide"), _plain_wide, truth),
)
