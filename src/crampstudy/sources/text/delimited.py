"""Delimited text as it stands: every cell as text, and the line of each row as an editor counts it.

Comma, semicolon, tab or pipe; UTF-8, UTF-16 or Windows-1252; any line ends; plain or compressed. What is not certain is
refused with file and line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import polars as pl

from crampstudy.cleaning.raw import UNREAD
from crampstudy.errors import SourceError
from crampstudy.sources.text import decoding, header_rows, ragged, row_index
from crampstudy.sources.text.decoding import NotUtf8, Piece
from crampstudy.sources.text.header_rows import HeaderRows
from crampstudy.wording import counted

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_ADVICE = "save it as CSV (UTF-8, comma, double quotes around cells that hold a comma)"
# Lines without any cell; one of separators alone has as many as any other.
_EMPTY = {
    mark: re.compile(rb"(?m)^[%b]*\n|^[%b]+\Z" % ((b" \t\r\f\v".replace(mark.encode(), b""),) * 2))
    for mark in _SEPARATORS
}
_SAMPLE, _HEAD = 20, 1 << 20
_MOST_FIRST = 60
_STATED = re.compile(rb"\s*sep=([,;\t|])\r?\n(?:\s*\n)?", re.IGNORECASE)
"""A first line that says what separates the cells."""
_MOST_COLUMNS = 16_384
"""As many as a sheet of a workbook has."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """A table of texts: cells trimmed, missing ones null; ``separator`` stands between them in the file.

    ``unread`` are the rows that have not the cells of the header.
    """

    frame: pl.DataFrame
    lines: pl.Series
    notices: tuple[str, ...]
    separator: str
    unread: pl.DataFrame = field(default_factory=UNREAD.to_frame)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header has been read; ``pieces`` are its rows, of which the first ``headless`` is a header too.

    ``left_out`` are lines that are no rows, ``notices`` what is to be said of the header.
    """

    path: Path
    names: tuple[str, ...]
    separator: str
    pieces: Iterator[Piece]
    shape: ragged.Shape
    headless: int = 0
    left_out: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextCells:
    """The trimmed cells of a piece, the line of each row, how many rows were blank, and the rows set aside."""

    frame: pl.DataFrame
    lines: pl.Series
    blank: int
    aside: tuple[ragged.Row, ...] = ()


def read_text(
    path: Path,
    *,
    missing: Sequence[str] = ("",),
    header: bool = True,
    padded: bool = False,
    rows: HeaderRows = header_rows.FIRST,
) -> Text:
    """Read a delimited text file: trimmed cells, and the line on which each row begins.

    Blank lines are left out, with a notice; a row that has not the cells of the header is set aside.

    Args:
        path: The file.
        missing: Texts of cells that are null.
        header: Whether there is one; without it the columns are called by their numbers from 1.
        padded: Whether a row that only ends early is read with its missing cells empty.
        rows: Where the header stands, by default in the first line that is not blank.

    Raises:
        SourceError: the file is not there, empty or not text; the separator is not certain; the header has a
            repeated or empty name; too many rows have not its cells; a quotation mark is not closed. The message
            gives the line.
    """
    header = header and not rows.absent
    text, notices = opened(path, lambda file: everything(file, missing), header=header, padded=padded, rows=rows)
    return replace(text, notices=(*notices, *text.notices))


def first_rows(path: Path) -> tuple[list[list[str]], list[int]]:
    """Return the first rows as they stand, titles among them, and the line of each.

    The mark that gives most of them the same number of cells separates them.

    Raises:
        SourceError: the file is not there or not text.
    """
    _check_there(path)
    try:
        head = next(decoding.pieces(path, "utf-8"), Piece(b"", 1))
    except NotUtf8:
        head = next(decoding.pieces(path, "cp1252"), Piece(b"", 1))
    stated = _STATED.match(head.body)
    marks = [stated[1].decode()] if stated else list(_SEPARATORS)
    text = head.body[stated.end() if stated else 0 :][:_HEAD].decode(errors="ignore")
    line = head.line + (head.body.count(b"\n", 0, stated.end()) if stated else 0)
    return max((_split_rows(text, mark, line) for mark in marks), key=lambda found: _regularity(found[0]))


def _split_rows(text: str, mark: str, line: int) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    begin = 0
    try:
        for row in islice(reader, _MOST_FIRST):
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(line + begin)
            begin = reader.line_num
    except csv.Error:
        # A cell is longer than that reader takes: what stands before it will do.
        return rows, lines
    return rows, lines


def _regularity(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return how many rows have the same number of cells, which is more than one, and that number."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width, often = max(widths.items(), key=lambda found: found[::-1], default=(0, 0))
    return often, width


def _check_there(path: Path) -> None:
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise SourceError(f"{what}; give a delimited text file")


def opened(
    path: Path,
    use: Callable[[Opened], T],
    *,
    header: bool = True,
    padded: bool = False,
    rows: HeaderRows = header_rows.FIRST,
) -> tuple[T, tuple[str, ...]]:
    """Open a delimited file, give it to ``use``, and return what that made and a notice about the encoding.

    A file that is not UTF-8 and does not say what it is in is read once more, as Windows-1252.

    Args:
        path: The file.
        use: Makes something of it.
        header: As :func:`read_text`, and so are the others.
        padded: Whether a row may end early.
        rows: Where the header stands.

    Raises:
        SourceError: the file is not there, not text, or its header cannot be used.
    """
    _check_there(path)
    try:
        return use(_open(path, "utf-8", header, padded, rows)), ()
    except NotUtf8:
        made = use(_open(path, "cp1252", header, padded, rows))
        notice = f"{path.name}: not UTF-8, read as Windows-1252 (Latin-1); check letters with accents"
        return made, (notice,)


def cells(file: Opened, piece: Piece, missing: Sequence[str]) -> TextCells:
    """Return the cells of a piece; rows that have not the cells of the header are set aside.

    Raises:
        SourceError: a quotation mark is not closed.
    """
    body, width = piece.body, len(file.names)
    if body.count(b'"') % 2:
        # A piece ends where all quotes are closed, so that only the first row of the last one can be open.
        raise SourceError(f"{file.path}, line {piece.line}: a quotation mark is not closed or not doubled; {_ADVICE}")
    mark = file.separator.encode()
    frame = _parsed(file, body)
    if frame is not None:
        made = _trimmed(frame, _lines(frame, body, piece.line), missing, _is_tight(body))
        # Polars fills a short row up with nulls, and none is longer. Every row has one separator fewer than the header
        # has names, so counting them finds whether there is one; only then are the rows told apart one by one.
        rows = frame.height - (len(_EMPTY[file.separator].findall(body)) if made.blank else 0)
        if body.count(mark) == (width - 1) * rows + _quoted(file, frame, body):
            return made
    sifted = ragged.sift(piece, file.shape)
    frame = _parsed(file, sifted.body)
    if frame is None or frame.height != len(sifted.lines):
        raise SourceError(f"{file.path}, from line {piece.line}: cannot be read as delimited text; {_ADVICE}")
    made = _trimmed(frame, sifted.lines, missing, _is_tight(sifted.body))
    return replace(made, blank=made.blank + sifted.blank, aside=sifted.aside)


def _parsed(file: Opened, body: bytes) -> pl.DataFrame | None:
    """Return all cells as text, ``None`` where a row has too many or a quotation mark is out of place."""
    head = file.separator.join(map(str, range(len(file.names)))).encode()
    try:
        frame = pl.read_csv(io.BytesIO(head + b"\n" + body), separator=file.separator, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    frame.columns = list(file.names)
    return frame


def _trimmed(frame: pl.DataFrame, lines: pl.Series, missing: Sequence[str], tight: bool) -> TextCells:
    trimmed = frame if tight else frame.select(pl.all().str.strip_chars())
    if gone := [mark for mark in missing if mark or not tight]:
        trimmed = trimmed.with_columns(pl.when(~pl.all().is_in(gone)).then(pl.all()).name.keep())
    blank = trimmed.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        trimmed, lines = trimmed.filter(~blank), lines.filter(~blank)
    return TextCells(trimmed, lines, int(blank.sum()))


def unread(file: Opened, aside: Sequence[ragged.Row], whole: int) -> pl.DataFrame:
    """Return the rows of the whole file that were set aside, beside ``whole`` others.

    Raises:
        SourceError: they are too many for it to be read at all.
    """
    return ragged.unread_rows(aside, whole - file.headless, file.shape, _SEPARATORS)


def blank_notice(path: Path, blank: int) -> tuple[str, ...]:
    """Return the notice about blank lines, if there were any."""
    return (f"{path.name}: {counted(blank, 'blank lines')} skipped",) if blank else ()


def _open(path: Path, encoding: str, header: bool, padded: bool, rows: HeaderRows) -> Opened:
    pieces = decoding.pieces(path, encoding)
    for piece in pieces:
        # Blank lines before the header; a tab that begins it is none of them.
        blank = match.end() if (match := re.match(rb"\s*\n", piece.body)) else 0
        if piece.body[blank:].strip():
            break
    else:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    stated = _STATED.match(piece.body[blank:])
    top = blank + (stated.end() if stated else 0)
    if not piece.body[top:].strip():
        raise SourceError(f"{path} is empty; it needs a header and rows")
    start = header_rows.start_of_line(path, piece, rows.header[0]) if rows.header else top
    end = header_rows.end_of_row(piece.body, start)
    separator = stated[1].decode() if stated else _separator(path, piece.body[start:])
    names = _names(path, piece.body[start:end], separator)
    if len(rows.header) > 1:
        second = header_rows.start_of_line(path, piece, rows.header[1])
        end = header_rows.end_of_row(piece.body, second)
        names = header_rows.joined(names, _names(path, piece.body[second:end], separator))
    line = piece.line + piece.body.count(b"\n", 0, start)
    shape = ragged.Shape(path, line, separator.join(filter(None, names)), separator, len(names), padded)
    if not header:
        names, end = tuple(str(i) for i in range(1, len(names) + 1)), start
    below = header_rows.start_of_rows(piece.body, end, rows.below)
    rest = Piece(piece.body[below:], piece.line + piece.body.count(b"\n", 0, below))
    if header:
        names = _with_index(names, rest, separator)
        names = header_rows.completed(names) if rows.header else names
        _check_names(shape, names, rest)
    return Opened(
        path,
        names,
        separator,
        chain([rest] if rest.body else [], pieces),
        shape,
        int(not header),
        rows.lines,
        header_rows.notices(path.name, rows, piece.body[top:start], piece.body[end:below]) if header else (),
    )


def _separator(path: Path, body: bytes) -> str:
    """Return what separates the header's cells, and the rows' below it where the header leaves it open."""
    sample = re.sub(rb'"(?:[^"]|"")*"', b"", body[:_HEAD]).decode(errors="replace")
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


def _with_index(names: tuple[str, ...], below: Piece, separator: str) -> tuple[str, ...]:
    """Return names of which the first, where it alone is empty, is that of row numbers."""
    if names[0] or not all(names[1:]) or len(names) < 2:
        return names
    cells = [line.partition(separator)[0] for line in below.body[:_HEAD].decode(errors="ignore").splitlines()[:_SAMPLE]]
    return (row_index.NAMELESS, *names[1:]) if row_index.numbers([cell for cell in cells if cell.strip()]) else names


def _check_names(shape: ragged.Shape, names: Sequence[str], below: Piece) -> None:
    if len(names) > _MOST_COLUMNS:
        raise SourceError(
            f"{shape.path}: the header has {len(names):,} names; at most {_MOST_COLUMNS:,} columns are read: leave out "
            "those that are not needed"
        )
    if "" in names:
        raise SourceError(
            ragged.title(shape, names, below)
            or f"{shape.path}: column {names.index('') + 1} of the header has no name; name it or take it out "
            "(a table written with its row index has such a first column: write it without)"
        )
    if len(set(names)) < len(names):
        repeated = next(name for n, name in enumerate(names) if name in names[:n])
        raise SourceError(f"{shape.path}: the column {repeated!r} stands twice in the header; keep one")


def everything(file: Opened, missing: Sequence[str]) -> Text:
    """Return all pieces of an opened file as one table of texts."""
    parts = [cells(file, piece, missing) for piece in file.pieces]
    empty = pl.DataFrame(schema=dict.fromkeys(file.names, pl.String))
    frame = pl.concat([empty, *(part.frame for part in parts)])
    lines = pl.concat([pl.Series(dtype=pl.Int64), *(part.lines for part in parts)])
    notices = (*file.notices, *blank_notice(file.path, sum(part.blank for part in parts)))
    aside = [row for part in parts for row in part.aside if row.line not in file.left_out]
    if file.left_out:
        kept = ~lines.is_in(sorted(file.left_out))
        frame, lines = frame.filter(kept), lines.filter(kept)
    return Text(frame, lines, notices, file.separator, unread(file, aside, frame.height))


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
