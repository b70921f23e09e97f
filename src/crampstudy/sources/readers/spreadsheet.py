"""Excel workbooks as a cohort: a sheet for each table, or one wide sheet.

A cell counts for what the workbook stores, never for how it is shown, with one exception: identifiers that
a number format pads with zeros keep their zeros. Dates are cells with a date format, or texts as YYYY-MM-DD; a
bare number is never taken for a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Raw
from crampstudy.errors import SourceError
from crampstudy.sources.address import make_study
from crampstudy.sources.readers.wide import (
    Chosen,
    Grid,
    as_diary,
    as_table,
    check_cohort,
    split,
    with_points,
    without_codes,
)
from crampstudy.sources.readers.workbook.archive import Book, opened
from crampstudy.sources.readers.workbook.cells import column_text, stored_texts
from crampstudy.sources.readers.workbook.sheet import NoHeader, Sheet, read_sheet, sheet_rows
from crampstudy.sources.text import decimals, header_rows, missing_codes
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.header_rows import HeaderRows
from crampstudy.sources.text.missing_codes import Codes

_MOST_FIRST = 60


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
    with opened(path) as book:
        titles = {title.strip().lower(): title for title in book.parts}
        if len(titles) < len(book.parts):
            raise SourceError(f"{path} has two sheets whose names differ only by spaces; rename or remove one")
        tables = [name for name in codebook.TABLES if name in titles]
        if tables in ([], ["diary"]):
            first = titles["diary"] if tables else next(iter(book.parts))
            try:
                grid = without_codes(_grid(book, first, stated, declared), declared)
            except NoHeader as error:
                raise NoHeader(f"{error}; of a list of nights make a study: {make_study(path)}") from None
            missing_codes.check(declared, grid.file, grid.frame.columns)
            check_cohort(path, grid)
            split_tables, how = split(grid.frame, grid.lines, grid.file)
            return as_diary(path, split_tables, (*grid.notices, *how, *_unread(book, [first])))
        grids = {name: without_codes(_grid(book, titles[name], stated, declared), declared) for name in tables}
        missing_codes.check(declared, path.name, [c for grid in grids.values() for c in grid.frame.columns])
        raw = [as_table(name, grid) for name, grid in grids.items()]
        notices = [notice for grid in grids.values() for notice in grid.notices]
        return as_diary(path, raw, (*notices, *_unread(book, [titles[name] for name in tables])))


def load(
    path: Path,
    sheet: str | None = None,
    numbers: Chosen = lambda _: (),
    stated: Stated = decimals.NOTHING,
    header: HeaderRows = header_rows.FIRST,
) -> Grid:
    """Return one sheet as it stands, the first without ``sheet``, names unchanged, as a mapping needs it.

    A date or a number in the header is a name too.

    Args:
        path: The workbook.
        sheet: The title of the sheet.
        numbers: Tells the columns in which what is stored as text gets decimal points.
        stated: What somebody has said of the marks.
        header: Where the header stands.

    Raises:
        SourceError: as :func:`read`, or there is no such sheet.
    """
    with opened(path) as book:
        if sheet is not None and sheet not in book.parts:
            raise SourceError(f"{path} has no sheet {sheet!r}; it has {', '.join(book.parts)}")
        title = next(iter(book.parts)) if sheet is None else sheet
        return _as_grid(read_sheet(book, title, header, any_name=True), title, stated, numbers)


def first_rows(path: Path) -> dict[str, tuple[list[list[str]], list[int]]]:
    """Return by sheet the first rows as they stand, titles among them, and the number of each; blank sheets apart.

    Raises:
        SourceError: as :func:`read`, or no sheet has a row.
    """
    with opened(path) as book:
        found = {title: sheet_rows(book, title, _MOST_FIRST) for title in book.parts}
    if not any(rows for rows, _ in found.values()):
        raise SourceError(f"{path} is empty; it needs a header and rows")
    return {title: made for title, made in found.items() if made[0]}


def _unread(book: Book, read: Sequence[str]) -> list[str]:
    known = ", ".join(codebook.TABLES)
    left = [title for title in book.parts if title not in read]
    return [f"{book.path.name}: the sheet {title} is no table and was left out ({known})" for title in left]


def _grid(book: Book, title: str, stated: Stated, declared: Codes) -> Grid:
    return _as_grid(read_sheet(book, title), title, stated, declared=declared)


def _as_grid(
    sheet: Sheet, title: str, stated: Stated, numbers: Chosen | None = None, declared: Codes = missing_codes.NONE
) -> Grid:
    notices = list(sheet.notices)
    columns: list[pl.Series] = []
    texts: list[pl.Series] = []
    for position, name in enumerate(sheet.names):
        cells = [row[position] for row in sheet.rows]
        column, remarks = column_text(name, cells)
        columns.append(column)
        notices += [f"{sheet.file}: {name}: {remark}" for remark in remarks]
        if (text := stored_texts(column, cells)) is not None:
            texts.append(text)
    lines = pl.Series(sheet.lines, dtype=pl.Int64)
    grid = Grid(title, sheet.file, pl.DataFrame(columns), lines, tuple(notices))
    return with_points(grid, texts, stated, numbers, declared)
