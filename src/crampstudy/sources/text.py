"""Delimited text as it stands: every cell as text, and the line of each row as an editor counts it.

Comma, semicolon, tab or pipe; UTF-8, UTF-16 or Windows-1252; any line ends; plain or compressed. What is not certain is
refused with file and line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

import polars as pl

from crampstudy.errors import SourceError
from crampstudy.sources import content
from crampstudy.sources.content import NotUtf8, Piece

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_A_SEPARATOR = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a pipe"}
_ADVICE = "save it as CSV (UTF-8, comma, double quotes around cells that hold a comma)"
_SAMPLE = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """A table of texts: cells trimmed, missing ones null; ``separator`` stands between them in the file."""

    frame: pl.DataFrame
    lines: pl.Series
    notices: tuple[str, ...]
    separator: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header has been read; ``pieces`` are its rows."""

    path: Path
    names: tuple[str, ...]
    separator: str
    pieces: Iterator[Piece]


def read_text(path: Path, *, missing: Sequence[str] = ("",), header: bool = True) -> Text:
    """Read a delimited text file: trimmed cells, and the line on which each row begins.

    Empty cells and those that equal one of ``missing`` are null; blank lines are left out, with a notice.
    Without ``header`` the columns are called by their numbers from 1.

    Raises:
        SourceError: the file is not there, empty or not text; the separator is not certain; the header has a
            repeated or empty name; a row has more or fewer cells than the header. The message gives the line.
    """
    text, notices = opened(path, lambda file: everything(file, missing), header)
    return replace(text, notices=(*notices, *text.notices))


def opened(path: Path, use: Callable[[Opened], T], header: bool = True) -> tuple[T, tuple[str, ...]]:
    """Open a delimited file, give it to ``use``, and return what that made and a notice about the encoding.

    A file that is not UTF-8 and does not say what it is in is read once more, as Windows-1252.

    Raises:
        SourceError: the file is not there, not text, or its header cannot be used.
    """
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise SourceError(f"{what}; give a delimited text file")
    try:
        return use(_open(path, "utf-8", header)), ()
    except NotUtf8:
        made = use(_open(path, "cp1252", header))
        notice = f"{path.name}: not UTF-8, read as Windows-1252 (Latin-1); check letters with accents"
        return made, (notice,)


def cells(file: Opened, piece: Piece, missing: Sequence[str]) -> tuple[pl.DataFrame, pl.Series, int]:
    """Return the trimmed cells of a piece, the line of each row, and how many blank lines were skipped.

    Raises:
        SourceError: a row has more or fewer cells than the header, or a quotation mark is not closed.
    """
    body = piece.body
    if body.count(b'"') % 2:
        _check_rows(file, piece)
        odd = next(i for i, line in enumerate(body.split(b"\n")) if line.count(b'"') % 2)
        raise SourceError(
            f"{file.path}, line {piece.line + odd}: a quotation mark is not closed or not doubled; {_ADVICE}"
        )
    head = file.separator.join(map(str, range(len(file.names)))).encode()
    try:
        frame = pl.read_csv(io.BytesIO(head + b"\n" + body), separator=file.separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        _check_rows(file, piece)
        reason = str(error).splitlines()[0]
        raise SourceError(f"{file.path} cannot be read as delimited text: {reason}; {_ADVICE}") from None
    frame.columns = list(file.names)
    lines = _lines(frame, body, piece.line)
    tight = _is_tight(body)
    trimmed = frame if tight else frame.select(pl.all().str.strip_chars())
    if gone := [mark for mark in missing if mark or not tight]:
        trimmed = trimmed.with_columns(pl.when(~pl.all().is_in(gone)).then(pl.all()).name.keep())
    blank = trimmed.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        trimmed, lines = trimmed.filter(~blank), lines.filter(~blank)
    # Polars fills a short row up with nulls. Every row has one separator fewer than the header has names, so
    # counting them finds whether there is one; only then are the rows read again, one by one.
    if body.count(file.separator.encode()) != (len(file.names) - 1) * trimmed.height + _quoted(file, frame, body):
        _check_rows(file, piece)
    return trimmed, lines, int(blank.sum())


def blank_notice(path: Path, blank: int) -> tuple[str, ...]:
    """Return the notice about blank lines, if there were any."""
    return (f"{path.name}: {blank} blank lines skipped",) if blank else ()


def _open(path: Path, encoding: str, header: bool) -> Opened:
    pieces = content.pieces(path, encoding)
    for piece in pieces:
        # Blank lines before the header; a tab that begins it is none of them.
        blank = match.end() if (match := re.match(rb"\s*\n", piece.body)) else 0
        if piece.body[blank:].strip():
            break
    else:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    stated = re.match(rb"sep=([,;\t|])\r?\n", piece.body[blank:], re.IGNORECASE)
    start = blank + (stated.end() if stated else 0)
    end = _first_row(piece.body, start)
    separator = stated[1].decode() if stated else _separator(path, piece.body[start:])
    names = _names(path, piece.body[start:end], separator)
    if header:
        _check_names(path, names)
    else:
        names, end = tuple(str(i) for i in range(1, len(names) + 1)), start
    rest = Piece(piece.body[end:], piece.line + piece.body.count(b"\n", 0, end))
    return Opened(path, names, separator, chain([rest] if rest.body else [], pieces))


def _first_row(body: bytes, start: int) -> int:
    end = start
    while (end := body.find(b"\n", end) + 1) and body.count(b'"', start, end) % 2:
        pass
    return end or len(body)


def _separator(path: Path, body: bytes) -> str:
    """Return what separates the header's cells, and the rows' below it where the header leaves it open."""
    sample = re.sub(rb'"(?:[^"]|"")*"', b"", body[: 1 << 20]).decode(errors="replace")
    rows = [row for row in sample.splitlines()[:_SAMPLE] if row.strip(" ")]
    marks = [mark for mark in _SEPARATORS if rows and mark in rows[0]]
    if len(marks) > 1:
        marks = [mark for mark in marks if len({row.count(mark) for row in rows}) == 1] or marks
    if len(marks) > 1:
        words = " and ".join(_SEPARATORS[mark] for mark in marks)
        raise SourceError(
            f"{path}: {words} could both separate the cells; quote cells that hold one of them, or write a first line "
            "such as sep=;"
        )
    return marks[0] if marks else ","


def _names(path: Path, header: bytes, separator: str) -> tuple[str, ...]:
    try:
        (row,) = csv.reader([header.decode().rstrip("\r\n")], delimiter=separator, strict=True)
    except (csv.Error, ValueError) as error:
        raise SourceError(f"{path}: the header cannot be read ({error}); {_ADVICE}") from None
    return tuple(cell.strip() for cell in row)


def _check_names(path: Path, names: Sequence[str]) -> None:
    if "" in names:
        raise SourceError(
            f"{path}: column {names.index('') + 1} of the header has no name; name it or take it out "
            "(a table written with its row index has such a first column: write it without)"
        )
    if repeated := [name for name in names if names.count(name) > 1]:
        raise SourceError(f"{path}: the column {repeated[0]!r} stands twice in the header; keep one")


def everything(file: Opened, missing: Sequence[str]) -> Text:
    """Return all pieces of an opened file as one table of texts."""
    parts = [cells(file, piece, missing) for piece in file.pieces]
    empty = pl.DataFrame(schema=dict.fromkeys(file.names, pl.String))
    frame = pl.concat([empty, *(part[0] for part in parts)])
    lines = pl.concat([pl.Series(dtype=pl.Int64), *(part[1] for part in parts)])
    notices = blank_notice(file.path, sum(part[2] for part in parts))
    return Text(frame, lines, notices, file.separator)


def _check_rows(file: Opened, piece: Piece) -> None:
    """Raise the error of the first row that has not as many cells as the header, or that cannot be read."""
    reader = csv.reader(io.StringIO(piece.body.decode(), newline=""), delimiter=file.separator, strict=True)
    width, line = len(file.names), piece.line
    try:
        for row in reader:
            if len(row) != width and any(cell.strip() for cell in row):
                raise SourceError(
                    f"{file.path}, line {line}: the row has {len(row)} cells and the header {width}; "
                    f"quote cells that hold {_A_SEPARATOR[file.separator]}, and write empty cells out"
                )
            line = piece.line + reader.line_num
    except csv.Error as error:
        raise SourceError(f"{file.path}, the row from line {line}: {error}; is a quotation mark not closed?") from None


def _lines(frame: pl.DataFrame, body: bytes, first: int) -> pl.Series:
    lines = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
    if frame.height == body.count(b"\n") + (not body.endswith(b"\n")):
        return lines
    # A cell holds line breaks: then the lines of the file and its rows part.
    breaks = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True)).cast(pl.Int64)).to_series()
    return lines + breaks.cum_sum() - breaks


def _is_tight(body: bytes) -> bool:
    """Return whether no cell can have white space or quotes around it, so that a large file need not be trimmed."""
    return body.isascii() and not any(mark in body for mark in (b'"', b" ", b"\t", b"\r", b"\v", b"\f"))


def _quoted(file: Opened, frame: pl.DataFrame, body: bytes) -> int:
    """Return how many separators stand inside cells."""
    if b'"' not in body:
        return 0
    inside = pl.sum_horizontal(pl.all().str.count_matches(file.separator, literal=True)).sum()
    return int(frame.select(inside).item() or 0)
