"""Mistakes in delimited text: cells, columns, rows, quotes, separators, line ends and encodings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from fuzz_bytes import damaged, place
from numpy.random import Generator

CELLS = (
    *("", " ", "NA", "n/a", "-", ".", "NaN", "nan", "NULL", "None", "unknown", "keine Angabe", "#N/A", "#DIV/0!", "?"),
    *(
        "99",
        "-99",
        "999",
        "-1",
        "0",
        "1",
        "2",
        "3.0",
        "3.5",
        "-0",
        "+3",
        "007",
        "1e2",
        "1e308",
        "1e309",
        "1e-400",
        "inf",
    ),
    *("-inf", "1,5", "1.5", "1,234", "1.234", "1.234,5", "1,234.5", "1 234", "1_000", "0x10", "½", "٣", "３", "5 mg"),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999",
        "0.30000000000000004",
        "12345678901234567.5",
    ),
    *(
        "true",
        "TRUE",
        "yes",
        "no",
        "ja",
        "x",
        "female",
        "Female",
        "calf",
        "magnesium",
        "P01",
        "p01",
        "P1",
        "P 01",
        "P05",
    ),
    *("2025-03-04", "2025-02-30", "2025-3-4", "04.03.2025", "03/04/2025", "3/4/25", "20250304", "45720", "45720.5"),
    *(
        "2025-03-04T00:00:00",
        "2025-03-04 00:00",
        "2025-03-04 22:10",
        "2025-03-04T02:10:00Z",
        "0001-01-01",
        "9999-12-31",
    ),
    *(
        "22:10",
        "=1+1",
        "'=1+1",
        "@SUM(A1)",
        "+49",
        'a"b',
        '"',
        '""',
        "a'b",
        "zwei\nZeilen",
        "a,b",
        "a;b",
        "a\tb",
        "a|b",
    ),
    *(
        "\u00a05",
        "5\u00a0",
        "\u200b5",
        "\u202e5",
        "\ufeff5",
        "北京",
        "ك",
        "é",
        "e\u0301",
        "😀",
        "a" * 300,
        "\x1b[31m",
        "\x07",
    ),
)
"""What stands in cells where something else belongs."""

Grid = list[list[str]]


@dataclass(frozen=True)
class Sheet:
    """Rows of cells and how they are written down."""

    grid: Grid
    separator: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"

    def content(self) -> bytes:
        text = "".join(self.separator.join(map(self._quoted, row)) + self.line_end for row in self.grid)
        return text.encode(self.encoding, "replace")

    def _quoted(self, cell: str) -> str:
        plain = not any(mark in cell for mark in (self.separator, '"', "\n", "\r"))
        return cell if plain else '"' + cell.replace('"', '""') + '"'


def _at(sheet: Sheet, rng: Generator) -> tuple[int, int]:
    """A cell below the header."""
    row = min(1 + place(rng, len(sheet.grid) - 1), len(sheet.grid) - 1)
    return row, place(rng, len(sheet.grid[row]))


def cell(sheet: Sheet, rng: Generator) -> None:
    for _ in range(int(rng.integers(1, 4))):
        row, column = _at(sheet, rng)
        if sheet.grid[row]:
            sheet.grid[row][column] = CELLS[place(rng, len(CELLS))]


def borrowed(sheet: Sheet, rng: Generator) -> None:
    """The cell of another row or column."""
    (row, column), (other, there) = _at(sheet, rng), _at(sheet, rng)
    if sheet.grid[row] and sheet.grid[other]:
        sheet.grid[row][column] = sheet.grid[other][there]


def exchanged(sheet: Sheet, rng: Generator) -> None:
    row, column = _at(sheet, rng)
    cells, there = sheet.grid[row], place(rng, len(sheet.grid[row]))
    if cells:
        cells[column], cells[there] = cells[there], cells[column]


def short(sheet: Sheet, rng: Generator) -> None:
    row, column = _at(sheet, rng)
    del sheet.grid[row][column : column + int(rng.integers(1, 3))]


def long(sheet: Sheet, rng: Generator) -> None:
    row, column = _at(sheet, rng)
    sheet.grid[row].insert(column, CELLS[place(rng, len(CELLS))])


def row_lost(sheet: Sheet, rng: Generator) -> None:
    del sheet.grid[place(rng, len(sheet.grid))]


def row_twice(sheet: Sheet, rng: Generator) -> None:
    row = list(sheet.grid[place(rng, len(sheet.grid))])
    if row and rng.random() < 0.5:
        row[place(rng, len(row))] = CELLS[place(rng, len(CELLS))]
    sheet.grid.insert(place(rng, len(sheet.grid) + 1), row)


def rows_swapped(sheet: Sheet, rng: Generator) -> None:
    one, other = place(rng, len(sheet.grid)), place(rng, len(sheet.grid))
    sheet.grid[one], sheet.grid[other] = sheet.grid[other], sheet.grid[one]


def row_added(sheet: Sheet, rng: Generator) -> None:
    width = len(sheet.grid[0])
    rows: tuple[list[str], ...] = (
        [],
        [""],
        [""] * width,
        ["My study"],
        ["Total"] + [""] * (width - 2) + ["9"],
        ["x"] * width,
    )
    sheet.grid.insert(place(rng, len(sheet.grid) + 1), list(rows[place(rng, len(rows))]))


def name(sheet: Sheet, rng: Generator) -> None:
    column = place(rng, len(sheet.grid[0]))
    names = sheet.grid[0]
    if names:
        old = names[column]
        made = (
            old.upper(),
            f" {old} ",
            f"{old}_2",
            old[:-1],
            "",
            old + " (mg)",
            names[place(rng, len(names))],
            "\ufeff" + old,
        )
        names[column] = (*made, "__line", "__row", "cramps", "date", "a.b", "北")[place(rng, 14)]


def column_lost(sheet: Sheet, rng: Generator) -> None:
    column = place(rng, len(sheet.grid[0]))
    for row in sheet.grid:
        del row[column : column + 1]


def columns_swapped(sheet: Sheet, rng: Generator) -> None:
    one, other = place(rng, len(sheet.grid[0])), place(rng, len(sheet.grid[0]))
    for row in sheet.grid:
        if max(one, other) < len(row):
            row[one], row[other] = row[other], row[one]


def columns_headings_swapped(sheet: Sheet, rng: Generator) -> None:
    columns_swapped(Sheet(sheet.grid[:1]), rng)


def in_a_column(sheet: Sheet, rng: Generator) -> None:
    """A whole column, or most of it, in other words: decimal commas, codes, times, other dates."""
    column, share = place(rng, len(sheet.grid[0])), (1.0, 0.5)[place(rng, 2)]
    change = _COLUMN[place(rng, len(_COLUMN))]
    for row in sheet.grid[1:]:
        if column < len(row) and rng.random() <= share:
            row[column] = change(row[column])


def _german(text: str) -> str:
    try:
        return date.fromisoformat(text).strftime("%d.%m.%Y")
    except ValueError:
        return text


_COLUMN: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(".", ","),
    lambda text: text.replace(".", ","),
    lambda text: f"{text}.0" if text.isdigit() else text,
    lambda text: f"{text} 00:00:00" if re.match(r"\d{4}-", text) else text,
    lambda text: f"{text}T23:15:00" if re.match(r"\d{4}-", text) else text,
    _german,
    lambda text: text.upper(),
    lambda text: f"  {text} ",
    lambda text: "",
    lambda text: "99",
    lambda text: "-99",
    lambda text: "NA",
    lambda text: f"'{text}",
    lambda text: f"{text}%",
)

Mistake = Callable[[Sheet, Generator], None]
MISTAKES: tuple[Mistake, ...] = (
    *(cell, cell, cell, borrowed, exchanged, short, long, row_lost, row_twice, row_twice, rows_swapped, row_added),
    *(name, name, column_lost, columns_swapped, columns_headings_swapped, in_a_column, in_a_column, in_a_column),
)


def _style(sheet: Sheet, rng: Generator) -> Sheet:
    if rng.random() < 0.15:
        sheet = replace(sheet, separator=(";", "\t", "|", ",")[place(rng, 4)])
    if rng.random() < 0.15:
        sheet = replace(sheet, line_end=("\r\n", "\r", "\n\n", "\r\r\n")[place(rng, 4)])
    if rng.random() < 0.15:
        sheet = replace(sheet, encoding=("utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac-roman")[place(rng, 5)])
    return sheet


def _raw(content: bytes, rng: Generator) -> tuple[bytes, str]:
    """Quotes, line ends and encodings that do not go together."""
    lines = content.split(b"\n")
    at = place(rng, len(lines))
    match place(rng, 7):
        case 0:
            cells = lines[at].split(b",")
            there = place(rng, len(cells))
            cells[there] = (b'"' + cells[there], cells[there] + b'"', b'"' + cells[there] + b'"')[place(rng, 3)]
            lines[at] = b",".join(cells)
            return b"\n".join(lines), "a quotation mark"
        case 1:
            lines[at] = lines[at].replace(b",", (b";", b"\t", b", ", b",,")[place(rng, 4)])
            return b"\n".join(lines), "another separator in a line"
        case 2:
            lines[at] += (b"\r", b"\x0c", b"\x0b", b"\x1c", "\u2028".encode(), "\x85".encode(), b"\r\r")[place(rng, 7)]
            return b"\n".join(lines), "another line end"
        case 3:
            lines[at] = lines[at].decode("utf-8", "replace").encode("cp1252", "replace") + b"\xe9"
            return b"\n".join(lines), "a line in another encoding"
        case 4:
            return codecs.BOM_UTF8 + content, "a byte-order mark"
        case 5:
            return content.rstrip(b"\n"), "no last line end"
        case _:
            return (b"sep=,\n", b"sep=;\n", b"# comment\n", b"\n\n", b"Title of the export\n")[
                place(rng, 5)
            ] + content, "a line on top"


def mistaken(sheet: Sheet, rng: Generator) -> tuple[bytes, str]:
    """The sheet as bytes with one to three mistakes, and what they are."""
    sheet = replace(sheet, grid=[list(row) for row in sheet.grid])
    done = []
    for _ in range(int(rng.integers(1, 4))):
        if len(sheet.grid) > 1 and sheet.grid[0]:
            mistake = MISTAKES[place(rng, len(MISTAKES))]
            mistake(sheet, rng)
            done.append(mistake.__name__)
    content = _style(sheet, rng).content()
    if rng.random() < 0.25:
        content, what = _raw(content, rng)
        done.append(what)
    if rng.random() < 0.15:
        content, what = damaged(content, rng)
        done.append(what)
    return content, ", ".join(done)
