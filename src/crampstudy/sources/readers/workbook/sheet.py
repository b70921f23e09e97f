"""One sheet of a workbook: its header, its rows, and whether both can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from openpyxl.utils import get_column_letter, range_boundaries

from crampstudy.errors import SourceError
from crampstudy.sources.readers import sheetxml
from crampstudy.sources.readers.workbook.archive import Book, reading
from crampstudy.sources.text import header_rows, row_index, stored
from crampstudy.sources.text.header_rows import HeaderRows
from crampstudy.wording import counted

_MOST_ROWS = 1_048_576
_SHOWN = 60
_NumberedRow = tuple[int, tuple[Any, ...]]


class NoHeader(SourceError):
    """The first row of a sheet does not name its columns."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet below its header: ``rows`` have a cell for each of ``names``, ``lines`` their numbers."""

    file: str
    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    lines: list[int]
    notices: tuple[str, ...]


def read_sheet(book: Book, title: str, header: HeaderRows = header_rows.FIRST, *, any_name: bool = False) -> Sheet:
    """Return the sheet with a title, whose header stands where ``header`` says, by default in its first row.

    With ``any_name``, a date or a number in the header is a name as well. In a header that ``header`` names, columns
    without a name are called by their number, and a name that stands twice by its number too.

    Raises:
        SourceError: it is damaged or empty, has merged cells in its table, no header, no rows, a column without a name
            or twice the same, or a formula that was never calculated.
    """
    part, hidden = book.parts[title]
    file = f"{book.path.name}[{title}]"
    with reading(book.path):
        rows = list(_rows(book.workbook[title]))
        found = sheetxml.facts(book.archive, part)
        astray = sheetxml.disorder(book.archive, part)
    if astray:
        raise SourceError(f"{file} is damaged: {astray}; open it in a spreadsheet program, look at it and save it")
    if not rows:
        raise SourceError(f"{file} is empty; it needs a header and rows")
    first = rows[0][0]
    tops, body = _divided(file, rows, header)
    top, last = tops[-1][0] if tops else 0, rows[-1][0]
    # A heading may span columns where two rows are the header; a title above it is none of the table.
    _check(file, found, (top + 1 if header.header else top, last), _width(rows))
    if tops:
        names = _header(file, tops, any_name=any_name, repeats=bool(header.header), spans=_spans(found, tops[0][0]))
    else:
        names = {position: str(position + 1) for position in range(_width(rows))}
    if header.header:
        names = _all_named(names, body)
    if not body:
        raise SourceError(f"{file} has a header and no rows")
    names = _with_index(names, body)
    cells = _named_cells(file, top, names, body)
    notices = [f"{file}: the sheet is hidden and was read like the others"] if hidden else []
    if tops and tops[0][0] > first:
        notices.append(f"{file}: the header is row {tops[0][0]}; left out above it: {_excerpt(rows[0][1])}")
    if header.below:
        notices.append(f"{file}: left out below the header: {counted(header.below, 'rows')}")
    notices += _notices(file, found, (top, last), names)
    if blank := last - top - sum(number > top for number, _ in rows):
        notices.append(f"{file}: blank rows skipped: {blank}")
    return Sheet(file, tuple(names.values()), cells, [line for line, _ in body], tuple(notices))


def sheet_rows(book: Book, title: str, most: int) -> tuple[list[list[str]], list[int]]:
    """Return the first rows of a sheet that are not blank, as text, and their numbers."""
    with reading(book.path):
        rows = list(islice(_rows(book.workbook[title]), most))
    texts = [[stored.as_text(cell.value, dated=True) or "" if cell else "" for cell in row] for _, row in rows]
    return texts, [number for number, _ in rows]


def _divided(
    file: str, rows: Sequence[_NumberedRow], header: HeaderRows
) -> tuple[list[_NumberedRow], list[_NumberedRow]]:
    """Return the rows of the header, and those of the table below it."""
    known = dict(rows)
    for number in header.header:
        if number not in known:
            raise SourceError(f"{file}: row {number} is to be the header, and there is no such row, or it is blank")
    tops = [(number, known[number]) for number in header.header] or ([] if header.absent else [rows[0]])
    below = [row for row in rows if not tops or row[0] > tops[-1][0]][header.below :]
    return tops, [row for row in below if row[0] not in header.lines]


def _spans(found: sheetxml.Facts, row: int) -> dict[int, int]:
    """Return the last position of each heading of a row that is merged with cells beside it, positions from 0."""
    bounds = [range_boundaries(merged) for merged in found.merged]
    return {left - 1: right - 1 for left, top, right, _ in bounds if left and right and top == row}


def _excerpt(row: tuple[Any, ...]) -> str:
    return repr(next(str(cell.value).strip()[:_SHOWN] for cell in row if is_filled(cell)))


def _rows(sheet: Any) -> Iterator[_NumberedRow]:
    """Yield the number and the cells of each row that is not blank, whatever size the file says the sheet has."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise ValueError(f"a row beyond {_MOST_ROWS:,}, which no sheet has")
        if width := next((i for i in range(len(row), 0, -1) if is_filled(row[i - 1])), 0):
            yield number, row[:width]


def _width(rows: Sequence[_NumberedRow]) -> int:
    return max(i for _, row in rows for i, cell in enumerate(row, 1) if is_filled(cell))


def is_filled(cell: Any) -> bool:
    """Return whether a cell holds more than spaces."""
    value = cell.value if cell is not None else None
    return value is not None and not (isinstance(value, str) and not value.strip())


def _header(
    file: str, tops: Sequence[_NumberedRow], *, any_name: bool, repeats: bool, spans: dict[int, int]
) -> dict[int, str]:
    """Return the names of the columns by their position in the sheet, from 0; with ``repeats`` one may stand twice."""
    texts = [[_name(file, number, place, cell, any_name) for place, cell in enumerate(row)] for number, row in tops]
    headings = header_rows.joined(texts[0], texts[1], spans or None) if len(texts) > 1 else texts[0]
    names: dict[int, str] = {}
    for position, name in enumerate(headings):
        if not name:
            continue
        if name in names.values() and not repeats:
            where = f"{get_column_letter(position + 1)}{tops[-1][0]}"
            raise NoHeader(f"{file}: the column {name!r} stands twice in the header, again in {where}; keep one")
        names[position] = name
    return names


def _all_named(names: dict[int, str], rows: Sequence[_NumberedRow]) -> dict[int, str]:
    """Return names of all columns in which a cell is filled, each of them once."""
    filled = {place for _, row in rows for place, cell in enumerate(row) if is_filled(cell)} | names.keys()
    unnamed = {0: row_index.NAMELESS}
    every = header_rows.completed([names.get(place, unnamed.get(place, "")) for place in range(max(filled) + 1)])
    return {place: every[place] for place in sorted(filled)}


def _name(file: str, row: int, place: int, cell: Any, any_name: bool) -> str | None:
    """Return the name that a cell of the header holds, ``None`` where it holds nothing."""
    if not is_filled(cell):
        return None
    if not isinstance(cell.value, str) and not any_name:
        raise NoHeader(
            f"{file} has no header: {get_column_letter(place + 1)}{row} holds {cell.value!r}, not a name; "
            "write the names in the first row"
        )
    return stored.as_text(cell.value, dated=True)


def _with_index(names: dict[int, str], rows: Sequence[_NumberedRow]) -> dict[int, str]:
    """Return the names of columns with that of the row numbers before them, where these have none."""
    place = min(names, default=0) - 1
    cells = [row[place].value if place < len(row) and row[place] is not None else None for _, row in rows]
    numbered = place >= 0 and row_index.numbers([None if cell is None else str(cell) for cell in cells])
    return {place: row_index.NAMELESS, **names} if numbered else names


def _named_cells(file: str, top: int, names: dict[int, str], rows: Sequence[_NumberedRow]) -> list[tuple[Any, ...]]:
    """Return the cells of each row that stand below a name."""
    cells = []
    for line, row in rows:
        outside = [i for i, cell in enumerate(row) if i not in names and is_filled(cell)]
        if outside:
            where = f"{get_column_letter(outside[0] + 1)}{line}"
            raise NoHeader(f"{file}: the cell {where} has no name above it in row {top}; name the column or clear it")
        cells.append(tuple(row[i] if i < len(row) else None for i in names))
    return cells


def _check(file: str, found: sheetxml.Facts, rows: tuple[int, int], width: int) -> None:
    for merged in found.merged:
        left, top, _, bottom = (bound or 0 for bound in range_boundaries(merged))
        if left <= width and top <= rows[1] and bottom >= rows[0]:
            raise SourceError(
                f"{file}: the cells {merged} are merged; a merged range has one value for several rows or columns: "
                "unmerge it and write the value in every cell it holds for; a title or headings above the header stay "
                "where a mapping says which rows are the header: header: 3, or header: [3, 4]"
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
