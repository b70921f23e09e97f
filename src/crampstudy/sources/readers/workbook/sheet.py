"""One sheet of a workbook: its header, its rows, and whether both can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter, range_boundaries

from crampstudy.errors import SourceError
from crampstudy.sources.readers import sheetxml
from crampstudy.sources.readers.workbook.archive import Book, reading

_MOST_ROWS = 1_048_576
_NumberedRow = tuple[int, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet below its header: ``rows`` have a cell for each of ``names``, ``lines`` their numbers."""

    file: str
    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    lines: list[int]
    notices: tuple[str, ...]


def read_sheet(book: Book, title: str) -> Sheet:
    """Return the sheet with a title.

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
    top, last = rows[0][0], rows[-1][0]
    _check(file, found, (top, last), _width(rows))
    _, header = rows.pop(0)
    names = _header(file, top, header)
    if not rows:
        raise SourceError(f"{file} has a header and no rows")
    cells = _named_cells(file, top, names, rows)
    notices = [f"{file}: the sheet is hidden and was read like the others"] if hidden else []
    notices += _notices(file, found, (top, last), names)
    if blank := last - top - len(rows):
        notices.append(f"{file}: blank rows skipped: {blank}")
    return Sheet(file, tuple(names.values()), cells, [line for line, _ in rows], tuple(notices))


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


def _header(file: str, top: int, header: tuple[Any, ...]) -> dict[int, str]:
    """Return the names of the columns by their position in the sheet, from 0."""
    names: dict[int, str] = {}
    for position, cell in enumerate(header):
        if not is_filled(cell):
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


def _named_cells(file: str, top: int, names: dict[int, str], rows: Sequence[_NumberedRow]) -> list[tuple[Any, ...]]:
    """Return the cells of each row that stand below a name."""
    cells = []
    for line, row in rows:
        outside = [i for i, cell in enumerate(row) if i not in names and is_filled(cell)]
        if outside:
            where = f"{get_column_letter(outside[0] + 1)}{line}"
            raise SourceError(
                f"{file}: the cell {where} has no name above it in row {top}; name the column or clear it"
            )
        cells.append(tuple(row[i] if i < len(row) else None for i in names))
    return cells


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
