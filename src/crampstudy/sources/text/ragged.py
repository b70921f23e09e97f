"""Rows of a text file that have another number of cells than the header: set aside one by one, or a reason to refuse.

A row with too many cells, or with a quotation mark inside a cell, is ragged; one that only ends early is short. Rows
are told apart by line breaks outside quotation marks, cells by separators outside them.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from crampstudy.cleaning.raw import UNREAD
from crampstudy.errors import SourceError
from crampstudy.sources.text.decoding import Piece

READ_SHORT = "?short=empty behind the source (short_rows: empty in a mapping)"
"""What reads rows that end early as rows with empty cells."""
RULES = _RAGGED, _SHORT = "ragged-row", "short-row"
"""The rules by which the ledger tells such rows."""
FEW, SHARE = 3, 0.05
"""A file is refused when more than so many rows, and more than this share of them, are ragged."""
_SAMPLE = 200
_SHOWN = 60
_TITLES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A row as its bytes stand in the file, from ``line`` on; ``cells`` is 0 where they cannot be told apart."""

    line: int
    body: bytes
    cells: int


@dataclass(frozen=True, slots=True)
class Sifted:
    """The whole rows of a piece with the line of each, how many rows were blank, and those set aside."""

    body: bytes
    lines: pl.Series
    blank: int
    aside: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the header lays down: its line and text, the separator, how many cells; ``padded`` rows may end early."""

    path: Path
    line: int
    header: str
    separator: str
    width: int
    padded: bool = False


def sift(piece: Piece, shape: Shape) -> Sifted:
    """Set the rows of a piece apart from those with another number of cells.

    Raises:
        SourceError: such a row has swallowed others, for a quotation mark is not closed.
    """
    kept: list[bytes] = []
    lines: list[int] = []
    aside: list[Row] = []
    blank, mark = 0, shape.separator.encode()
    for row in _rows(piece, mark):
        if not row.body.replace(mark, b" ").replace(b'"', b" ").strip():
            blank += 1
        elif row.cells == shape.width:
            kept.append(row.body)
            lines.append(row.line)
        elif shape.padded and 0 < row.cells < shape.width:
            kept.append(row.body.rstrip(b"\r\n") + mark * (shape.width - row.cells) + b"\n")
            lines.append(row.line)
        else:
            _check_extent(row, shape)
            aside.append(row)
    return Sifted(b"".join(kept), pl.Series(lines, dtype=pl.Int64), blank, tuple(aside))


def unread_rows(aside: Sequence[Row], whole: int, shape: Shape, marks: Mapping[str, str]) -> pl.DataFrame:
    """Return the rows set aside as the ledger needs them, where the file also has ``whole`` rows.

    ``marks`` are the separators that a file may have, with their names.

    Raises:
        SourceError: too many rows are ragged, or none is as the header; the message gives the likeliest reason.
    """
    ragged = [row for row in aside if not 0 < row.cells < shape.width]
    rows = whole + len(aside)
    if (len(ragged) > max(FEW, SHARE * rows)) or (aside and not whole):
        first = (ragged or aside)[0]
        n = len(ragged) or rows
        raise SourceError(
            f"{shape.path}: {n} of {rows} rows do not have the {shape.width} cell{'s' * (shape.width > 1)} of line "
            f"{shape.line}; the first, line {first.line}, has {first.cells or 'a quotation mark inside a cell'}: "
            f"{_reason(aside, whole, shape, marks)}"
        )
    return pl.DataFrame([_unread(row, shape, marks) for row in aside], schema=UNREAD, orient="row")


def _rows(piece: Piece, mark: bytes) -> Iterator[Row]:
    cell = re.compile(rb'(?:"(?:[^"]|"")*+"|(?!")[^%b\n]*+)(%b|\r?\n|\Z)' % ((re.escape(mark),) * 2))
    body, line, start = piece.body, piece.line, 0
    while start < len(body):
        end = body.find(b"\n", start) + 1 or len(body)
        cells = body.count(mark, start, end) + 1
        if body.find(b'"', start, end) >= 0:
            cells, end = _walk(body, start, cell, mark)
        yield Row(line, body[start:end], cells)
        line += body.count(b"\n", start, end)
        start = end


def _walk(body: bytes, start: int, cell: re.Pattern[bytes], mark: bytes) -> tuple[int, int]:
    """Return the cells of a row with quotation marks, 0 where they cannot be told apart, and where it ends."""
    place, cells = start, 0
    while (found := cell.match(body, place)) is not None:
        place, cells = found.end(), cells + 1
        if found[1] != mark:
            return cells, place
    end = body.find(b"\n", place) + 1 or len(body)
    while end < len(body) and body.count(b'"', start, end) % 2:
        end = body.find(b"\n", end) + 1 or len(body)
    return 0, end


def _check_extent(row: Row, shape: Shape) -> None:
    """Refuse a row over several lines, one of which looks like a row of its own: nobody knows how many it swallowed."""
    first, *others = row.body.rstrip(b"\r\n").split(b"\n")
    if others and (not row.cells or any(o.count(shape.separator.encode()) == shape.width - 1 for o in others)):
        raise SourceError(
            f"{shape.path}: the row from line {row.line} goes on to line {row.line + len(others)} and does not "
            f"have the {shape.width} cells of the header; is a quotation mark not closed, or not doubled, in "
            f"{_excerpt(first.decode())!r}?"
        )


def _unread(row: Row, shape: Shape, marks: Mapping[str, str]) -> tuple[int, str, str, str]:
    text = row.body.decode().rstrip("\r\n")
    try:
        cells = next(csv.reader([text], delimiter=shape.separator)) if row.cells and "\n" not in text else [text]
    except csv.Error:  # a cell is longer than that reader takes
        cells = [text]
    rule = _RAGGED
    if not row.cells:
        hint = "a quotation mark stands inside a cell: quote the whole cell and double each mark in it"
    elif row.cells > shape.width:
        hint = (
            f"the row has {row.cells} cells and the header {shape.width}: quote cells that hold one of the "
            f"{marks[shape.separator]} that separate"
        )
    else:
        rule = _SHORT
        hint = (
            f"the row ends after {row.cells} of {shape.width} cells: write the empty cells out; where they are "
            f"missing answers, {READ_SHORT} reads them so"
        )
    return row.line, rule, json.dumps([cell.strip() for cell in cells], ensure_ascii=False), hint


def _reason(aside: Sequence[Row], whole: int, shape: Shape, marks: Mapping[str, str]) -> str:
    sample = aside[:_SAMPLE]
    other = [
        mark
        for mark in marks
        if mark != shape.separator and (found := {row.body.count(mark.encode()) for row in sample}) != {0}
        if len(found) == 1 and len(sample) > 1
    ]
    usual, often = Counter(row.cells for row in aside).most_common(1)[0]
    if other and usual < shape.width + 1:
        ours, theirs = marks[shape.separator], marks[other[0]]
        return (
            f"{theirs} seem to separate its cells, and {ours} those of line {shape.line}; separate all by one mark, or "
            "write a first line such as sep=;"
        )
    if often > whole and shape.width < max(usual, 1):
        first = next(row for row in aside if row.cells == usual)
        return (
            f"line {shape.line} ({_excerpt(shape.header)!r}) seems to be a title above the header, which is line "
            f"{first.line} ({_excerpt(first.body.decode().strip())!r}); {_remedy(first.line)}"
        )
    if usual and usual < shape.width:
        return (
            f"line {shape.line} ({_excerpt(shape.header)!r}) has cells that no row has: is it a title above the "
            "header, or are names missing their values? The first line must be the header, with a name for each cell"
        )
    ours = marks[shape.separator]
    return (
        f"cells seem to hold {ours} without quotation marks around them; quote such cells, or separate by another mark "
        "(save it as CSV with double quotes around text)"
    )


def _remedy(header: int) -> str:
    return f"delete the lines above it, or read the file through a mapping that says header: {header}"


def _excerpt(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def title(shape: Shape, names: Sequence[str], below: Piece) -> str | None:
    """Return what to say of a first line that is a title with empty cells, ``None`` where it is none.

    The first line ``below`` that has a name for each cell is the header.
    """
    if 2 * sum(map(bool, names)) > len(names):
        return None
    mark = shape.separator.encode()
    for row in islice(_rows(below, mark), _TITLES):
        cells = row.body.split(mark)
        words = {word for cell in cells if (word := cell.strip()) and not word[:1].isdigit()}
        if row.cells == shape.width == len(words):
            return (
                f"{shape.path}: line {shape.line} ({_excerpt(shape.header)!r}) seems to be a title above the header, "
                f"which is line {row.line} ({_excerpt(row.body.decode().strip())!r}); {_remedy(row.line)}"
            )
    return None
