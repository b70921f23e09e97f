"""Excel workbooks as a cohort: a sheet for each table, or one wide sheet.

A cell counts for what the workbook stores, never for how it is shown, with one exception: identifiers that
a number format pads with zeros keep their zeros. Dates are cells with a date format, or texts as YYYY-MM-DD; a
bare number is never taken for a date.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
import polars as pl
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from crampstudy import codebook
from crampstudy.cleaning import Raw
from crampstudy.errors import SourceError
from crampstudy.sources.readers import sheetxml
from crampstudy.sources.readers.wide import Grid, as_diary, as_table, pointed, split, without_codes
from crampstudy.sources.text import decimals, missing_codes
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.missing_codes import Codes

SUFFIXES = (".xlsx", ".xlsm")
_OTHERS = (".xls", ".xlsb", ".ods", ".numbers", ".fods")
_OLE = b"\xd0\xcf\x11\xe0"
# Whichever XML library reads, what it raises is a SyntaxError; an unknown compression is not implemented.
_BROKEN = (
    *(BadZipFile, InvalidFileException, SyntaxError, zlib.error, LZMAError, struct.error),
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, StopIteration, ArithmeticError),
    *(RuntimeError, AssertionError),
)
_MOST_ROWS = 1_048_576
_PROLOGUE = 1 << 10
_EXPANDS, _HARMLESS = 100, 1 << 24
_PADDED = re.compile(r"0{2,}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_EXACT = 2.0**53  # whole numbers beyond it are not exact


@dataclass(frozen=True, slots=True)
class _Book:
    path: Path
    workbook: openpyxl.Workbook
    archive: ZipFile
    parts: dict[str, tuple[str, bool]]


def read(path: Path, *, declared: Codes = missing_codes.NONE, decimal: Mark | None = None) -> Raw:
    """Read a workbook whose sheets are named as the tables (in any case), or whose first sheet is wide.

    In a wide sheet a row is one participant and night. The line of a row is its number in the sheet. Cells that hold
    a ``declared`` code are missing; ``decimal`` is the mark of numbers that are stored as texts, where they leave it
    open.

    Raises:
        SourceError: the workbook is missing, encrypted, broken or in another format; a sheet is empty, has
            merged cells in its table, no header, a column without a name or twice the same, or a formula that
            was never calculated; or its columns do not make a cohort.
    """
    stated = Stated(decimal, option=decimals.option(f"excel:{path.name}"))
    with _opened(path) as book:
        titles = {title.strip().lower(): title for title in book.parts}
        if len(titles) < len(book.parts):
            raise SourceError(f"{path} has two sheets whose names differ only by spaces; rename or remove one")
        tables = [name for name in codebook.TABLES if name in titles]
        if tables in ([], ["diary"]):
            first = titles["diary"] if tables else next(iter(book.parts))
            grid = without_codes(_grid(book, first, stated, declared=declared), declared)
            missing_codes.check(declared, grid.file, grid.frame.columns)
            return as_diary(path, split(grid.frame, grid.lines, grid.file), (*grid.notices, *_unread(book, [first])))
        grids = {name: without_codes(_grid(book, titles[name], stated, declared=declared), declared) for name in tables}
        missing_codes.check(declared, path.name, [c for grid in grids.values() for c in grid.frame.columns])
        raw = [as_table(name, grid) for name, grid in grids.items()]
        notices = [notice for grid in grids.values() for notice in grid.notices]
        return as_diary(path, raw, (*notices, *_unread(book, [titles[name] for name in tables])))


def load(
    path: Path, sheet: str | None = None, numbers: Collection[str] = (), stated: Stated = decimals.NOTHING
) -> Grid:
    """Return one sheet as it stands, the first without ``sheet``, names unchanged, as a mapping needs it.

    In the columns ``numbers`` what is stored as text gets decimal points.

    Raises:
        SourceError: as :func:`read`, or there is no such sheet.
    """
    with _opened(path) as book:
        if sheet is not None and sheet not in book.parts:
            raise SourceError(f"{path} has no sheet {sheet!r}; it has {', '.join(book.parts)}")
        return _grid(book, next(iter(book.parts)) if sheet is None else sheet, stated, numbers)


@contextmanager
def _opened(path: Path) -> Iterator[_Book]:
    suffix = path.suffix.lower()
    if suffix in _OTHERS:
        raise SourceError(f"{path}: workbooks are read as .xlsx or .xlsm, not {suffix}; save it as .xlsx")
    if not path.is_file():
        raise SourceError(f"there is no workbook {path}; give a file that ends in {' or '.join(SUFFIXES)}")
    with path.open("rb") as file:
        head = file.read(4)
    if head == _OLE:
        raise SourceError(
            f"{path} is encrypted with a password, or an old .xls with another ending; "
            "remove the password, or save it as .xlsx"
        )
    with _reading(path):
        archive = ZipFile(path)
    with archive:
        with _reading(path):
            _check_size(path, archive)
            parts = sheetxml.sheet_parts(archive)
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        if not parts:
            raise SourceError(f"{path} has no worksheet; add one with a header and rows")
        try:
            yield _Book(path, workbook, archive, parts)
        finally:
            workbook.close()


def _check_size(path: Path, archive: ZipFile) -> None:
    """Refuse a workbook that is small in the file and would be huge in memory."""
    for part in archive.infolist():
        if part.file_size > max(_HARMLESS, _EXPANDS * part.compress_size):
            raise SourceError(
                f"{path} holds {part.filename}, which unpacks to more than {_EXPANDS} times its size, as no sheet of "
                "data does; copy the cells that are needed into a new workbook, or save the sheet as CSV (UTF-8)"
            )
        with archive.open(part) as file:
            if b"<!DOCTYPE" in file.read(_PROLOGUE):
                raise SourceError(f"{path} holds {part.filename} with a document type, which no workbook has")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what the library raises on a broken workbook into an error that names it."""
    try:
        # Extensions that openpyxl does not know (validation lists, slicers) have no values.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"{path} cannot be read as a workbook ({reason}); open it and save it as .xlsx") from error


def _unread(book: _Book, read: Sequence[str]) -> list[str]:
    known = ", ".join(codebook.TABLES)
    left = [title for title in book.parts if title not in read]
    return [f"{book.path.name}: the sheet {title} is no table and was left out ({known})" for title in left]


def _grid(
    book: _Book,
    title: str,
    stated: Stated,
    numbers: Collection[str] | None = None,
    declared: Codes = missing_codes.NONE,
) -> Grid:
    part, hidden = book.parts[title]
    file = f"{book.path.name}[{title}]"
    with _reading(book.path):
        rows = list(_rows(book.workbook[title]))
        found = sheetxml.facts(book.archive, part)
        astray = sheetxml.disorder(book.archive, part)
    if astray:
        raise SourceError(f"{file} is damaged: {astray}; open it in a spreadsheet program, look at it and save it")
    if not rows:
        raise SourceError(f"{file} is empty; it needs a header and rows")
    top, header = rows.pop(0)
    last = rows[-1][0] if rows else top
    width = max(i for row in (header, *(row for _, row in rows)) for i, cell in enumerate(row, 1) if _filled(cell))
    _check(file, found, (top, last), width)
    names = _names(file, top, header)
    if not rows:
        raise SourceError(f"{file} has a header and no rows")
    kept: list[tuple[Any, ...]] = []
    for line, row in rows:
        outside = [i for i, cell in enumerate(row) if i not in names and _filled(cell)]
        if outside:
            where = f"{get_column_letter(outside[0] + 1)}{line}"
            raise SourceError(
                f"{file}: the cell {where} has no name above it in row {top}; name the column or clear it"
            )
        kept.append(tuple(row[i] if i < len(row) else None for i in names))
    lines = [line for line, _ in rows]
    notices = [f"{file}: the sheet is hidden and was read like the others"] if hidden else []
    notices += _notices(file, found, (top, last), names)
    if blank := last - top - len(lines):
        notices.append(f"{file}: blank rows skipped: {blank}")
    columns: list[pl.Series] = []
    texts: list[pl.Series] = []
    for position, name in enumerate(names.values()):
        cells = [row[position] for row in kept]
        column, said = _column(name, cells)
        columns.append(column)
        notices += [f"{file}: {name}: {what}" for what in said]
        # A number that is stored as one has no mark; only texts have to be read.
        if any(cell is not None and isinstance(cell.value, str) and "," in cell.value for cell in cells):
            stored = (cell is not None and isinstance(cell.value, str) for cell in cells)
            texts.append(
                pl.Series([text if is_text else None for text, is_text in zip(column, stored, strict=True)]).alias(name)
            )
    grid = Grid(title, file, pl.DataFrame(columns), pl.Series(lines, dtype=pl.Int64), tuple(notices))
    return pointed(grid, texts, stated, numbers, declared)


def _rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the number and the cells of each row that is not blank, whatever size the file says the sheet has."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise ValueError(f"a row beyond {_MOST_ROWS:,}, which no sheet has")
        if width := next((i for i in range(len(row), 0, -1) if _filled(row[i - 1])), 0):
            yield number, row[:width]


def _filled(cell: Any) -> bool:
    value = cell.value if cell is not None else None
    return value is not None and not (isinstance(value, str) and not value.strip())


def _names(file: str, top: int, header: tuple[Any, ...]) -> dict[int, str]:
    """Return the names of the columns by their position in the sheet, from 0."""
    names: dict[int, str] = {}
    for position, cell in enumerate(header):
        if not _filled(cell):
            continue
        where = f"{get_column_letter(position + 1)}{top}"
        if not isinstance(cell.value, str):
            raise SourceError(
                f"{file} has no header: {where} holds {cell.value!r}, not a name; write the names in the first row"
            )
        name = cell.value.strip()
        if name in names.values():
            raise SourceError(f"{file}: the column {name!r} stands twice in the header, again in {where}; keep one")
        names[position] = name
    return names


def _check(file: str, found: sheetxml.Facts, rows: tuple[int, int], width: int) -> None:
    for merged in found.merged:
        left, top, _, bottom = (bound or 0 for bound in range_boundaries(merged))
        if left <= width and top <= rows[1] and bottom >= rows[0]:
            raise SourceError(
                f"{file}: the cells {merged} are merged; a merged range has one value for several rows or columns: "
                "unmerge it and write the value in every cell it holds for"
            )
    if found.uncalculated:
        raise SourceError(
            f"{file}: the formula in {found.uncalculated} has no stored value, for the workbook was never calculated; "
            "open it in a spreadsheet program and save it"
        )


def _notices(file: str, found: sheetxml.Facts, rows: tuple[int, int], names: dict[int, str]) -> list[str]:
    notices = []
    if found.formulas:
        notices.append(f"{file}: formulas read by the value stored with them: {found.formulas}")
    hidden = sum(rows[0] < row <= rows[1] for row in found.hidden_rows)
    if hidden:
        why = "filtered or hidden" if found.filtered else "hidden"
        notices.append(f"{file}: {why} rows read like the others: {hidden}")
    columns = [name for position, name in names.items() if position + 1 in found.hidden_columns]
    if columns:
        notices.append(f"{file}: hidden columns read like the others: {', '.join(columns)}")
    return notices


def _column(name: str, cells: Sequence[Any]) -> tuple[pl.Series, list[str]]:
    """Return a column as text, and what is to be said of it."""
    variable = codebook.find(name.lower())
    type_ = variable.type if variable else None
    said: list[str] = []
    padded = 0
    values: list[Any] = []
    for cell in cells:
        value = cell.value if cell is not None else None
        if type_ == "identifier" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            format_ = str(cell.number_format)
            if _PADDED.fullmatch(format_):
                value = str(value).zfill(len(format_))
                padded += 1
        values.append(value)
    # Without a time of day anywhere, a date-time is how the workbook stores a date.
    dated = type_ != "datetime" and (
        type_ == "date" or all(v.time() == time() for v in values if isinstance(v, datetime))
    )
    texts = [_text(value, dated) for value in values]
    if padded:
        said.append(f"identifiers stored as numbers that keep the zeros of their number format: {padded}")
    if type_ in ("date", "datetime") and (bare := sum(bool(t and _NUMBER.fullmatch(t)) for t in texts)):
        said.append(f"cells with a number instead of a date: {bare}; give them a date format in the workbook")
    return pl.Series(name, texts, dtype=pl.String), said


def _text(value: Any, dated: bool) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value.strip() or None
        case bool():
            return str(value).lower()
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
        case datetime():
            return value.date().isoformat() if dated and value.time() == time() else value.isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
