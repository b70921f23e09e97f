"""Delimited text straight into the codebook's types: as fast as the reader can, and no cell otherwise than with care.

Polars reads cells in their types, and one that does not fit becomes null. Where the file has a cell and the frame
has none, or a value that cannot be, the row is read once more as text, to be retyped where the cleaning judges it.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.cleaning.raw import UNREAD
from crampstudy.codebook import Variable, rules
from crampstudy.sources.text import decimals, delimited
from crampstudy.sources.text.decimals import Stated
from crampstudy.sources.text.decoding import Piece
from crampstudy.sources.text.delimited import Opened
from crampstudy.sources.text.ragged import Row

# Whatever polars reads from such a field is what the rules read; at the format of a date it would guess.
_FAST = ("integer", "number", "boolean")
_AHEAD = 2
_SPACES = (b" ", b"\t", b"\v", b"\f")
# In a file whose cells are not separated by commas, 1.234 may be a thousand.
_OPEN = re.compile(rb'(?:^|[;\t|"\n])\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*(?:[;\t|"\r\n]|$)')


@dataclass(frozen=True, slots=True)
class Typed:
    """A table in the codebook's types, its own columns as text.

    ``retyped`` are the numbers of rows to be typed again, and these rows as text. Where the file may have decimal
    commas, ``frame`` is all text with points, and ``written`` has every cell as it stands in the file. ``unread`` are
    the rows that have not the cells of the header.
    """

    frame: pl.DataFrame
    lines: pl.Series
    notices: tuple[str, ...]
    retyped: tuple[pl.Series, pl.DataFrame] | None = None
    written: pl.DataFrame | None = None
    unread: pl.DataFrame = field(default_factory=UNREAD.to_frame)


@dataclass(frozen=True, slots=True)
class _Part:
    frame: pl.DataFrame
    lines: pl.Series
    rows: NDArray[np.int64]
    cells: pl.DataFrame
    blank: int
    aside: tuple[Row, ...] = ()


class _Marks(Exception):
    """What a mark in the cells of a number means, only the whole column can tell."""


def read(
    path: Path, table: str, missing: Sequence[str] = (), stated: Stated = decimals.NOTHING, *, padded: bool = False
) -> Typed:
    """Read a table of a cohort in the codebook's types.

    Args:
        path: The file.
        table: The table's name.
        missing: Texts that stand for a missing cell, beside the empty one.
        stated: What somebody has said of its decimal marks.
        padded: Whether rows that only end early are read as rows with empty cells; else they are set aside.

    Raises:
        SourceError: as :func:`.delimited.read_text`, or a column of numbers has two decimal marks.
    """
    marks = tuple(dict.fromkeys(("", *missing)))
    try:
        if stated.commas:
            raise _Marks
        typed, notices = delimited.opened(path, lambda file: _by_pieces(file, table, marks), padded=padded)
    except _Marks:
        typed, notices = delimited.opened(path, lambda file: _whole(file, table, marks, stated), padded=padded)
    return replace(typed, notices=(*notices, *typed.notices))


def _by_pieces(file: Opened, table: str, missing: Sequence[str]) -> Typed:
    known = {name: found for name in file.names if (found := codebook.find(name, table))}
    parts: list[_Part] = []
    with ThreadPoolExecutor(_AHEAD) as pool:
        waiting: deque[Future[_Part]] = deque()
        for piece in file.pieces:
            waiting.append(pool.submit(_part, file, piece, known, missing))
            # Never more than a few pieces of a large file at once.
            if len(waiting) > _AHEAD:
                parts.append(waiting.popleft().result())
        parts += [future.result() for future in waiting]
    # A file without rows has columns all the same.
    parts = parts or [_careful(file, Piece(b"", 0), known, missing)]
    left = delimited.unread(
        file, [row for part in parts for row in part.aside], sum(part.frame.height for part in parts)
    )
    starts = np.cumsum([0, *(part.frame.height for part in parts)])
    rows = pl.Series(np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)]))
    return Typed(
        # Many small chunks would make every step after this one slower.
        pl.concat([part.frame for part in parts], rechunk=True),
        pl.concat([part.lines for part in parts]),
        delimited.blank_notice(file.path, sum(part.blank for part in parts)),
        (rows.cast(pl.UInt32), pl.concat([part.cells for part in parts])),
        unread=left,
    )


def _part(file: Opened, piece: Piece, known: Mapping[str, Variable], missing: Sequence[str]) -> _Part:
    if file.separator != "," and (b"," in piece.body or _OPEN.search(piece.body)):
        raise _Marks
    return _plain(file, piece, known, missing) or _careful(file, piece, known, missing)


def _whole(file: Opened, table: str, missing: Sequence[str], stated: Stated) -> Typed:
    """Read a file in which the marks of numbers have to be settled: all of it as text, then with points."""
    given = delimited.everything(file, missing)
    columns = decimals.numbers(given.frame, [table], stated)
    by_comma = file.separator == ";"
    frame, said = decimals.settle(given.frame, columns, file.path.name, given.lines, stated, by_comma)
    written = given.frame if said else None
    return Typed(frame.rechunk(), given.lines, (*given.notices, *said), written=written, unread=given.unread)


def _careful(file: Opened, piece: Piece, known: Mapping[str, Variable], missing: Sequence[str]) -> _Part:
    """Read a piece as text first."""
    given = delimited.cells(file, piece, missing)
    cells = given.frame
    if b'"' in piece.body and _has_comma(cells, known):
        raise _Marks
    schema = cells.schema
    frame = cells.with_columns(rules.typed(v, schema[name]) for name, v in known.items())
    # A cell that was there before it was typed and is not any more.
    missing_cells = pl.sum_horizontal(pl.lit(0), *(pl.col(name).is_null() for name in known)).alias("missing")
    bad = frame.select(missing_cells) != cells.select(missing_cells)
    rows = np.flatnonzero(bad.to_series() | frame.select(_impossible(known)).to_series())
    return _Part(frame, given.lines, rows, cells[rows], given.blank, given.aside)


def _has_comma(cells: pl.DataFrame, known: Mapping[str, Variable]) -> bool:
    """Return whether a cell that may be a number has a comma."""
    numbers = [n for n in cells.columns if n not in known or known[n].type in decimals.NUMBERS]
    return bool(cells.select(pl.any_horizontal(False, pl.col(numbers).str.contains(decimals.COMMA).any())).item())


def _plain(file: Opened, piece: Piece, known: Mapping[str, Variable], missing: Sequence[str]) -> _Part | None:
    """Read a piece by its types at once; ``None`` where quotes or line ends leave open where a cell ends."""
    grid = _grid(file, piece, marked=any(missing))
    if grid is None:
        return None
    frame = _typed(file, grid, known, missing)
    suspect, blank = _suspects(frame, grid.empty(), file.names, known)
    lines = pl.int_range(piece.line, piece.line + frame.height, dtype=pl.Int64, eager=True)
    rows = np.flatnonzero(suspect)
    again = delimited.cells(file, Piece(grid.text(rows), 0), missing)
    kept = again.lines.to_numpy()
    # A row read again may turn out to hold nothing but marks of missing cells.
    blank[np.delete(rows, kept)] = True
    if blank.any():
        frame, lines = frame.filter(~blank), lines.filter(~blank)
        rows = rows - np.cumsum(blank)[rows]
    return _Part(frame, lines, rows[kept], again.frame, int(blank.sum()))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Bytes without quotes, a line a row; ``ends`` has the end of each cell, a row of the array for each row.

    In a ``tight`` one no cell has spaces around it.
    """

    body: bytes
    ends: NDArray[np.int64]
    tight: bool

    def empty(self) -> NDArray[np.bool_]:
        """Return which cells hold nothing at all."""
        flat = self.ends.reshape(-1)
        empty = np.empty(self.ends.shape, dtype=bool)
        empty[0, 0] = flat[0] == 0
        np.equal(flat[1:] - flat[:-1], 1, out=empty.reshape(-1)[1:])
        return empty

    def text(self, rows: NDArray[np.int64]) -> bytes:
        """Return rows as they stand."""
        body, ends = self.body, self.ends
        return b"".join(body[(ends[r - 1, -1] + 1 if r else 0) : ends[r, -1] + 1] for r in rows.tolist())


def _grid(file: Opened, piece: Piece, *, marked: bool) -> _Grid | None:
    """Return a piece cut into cells; ``marked`` says that some words in them are marks of missing ones."""
    body, width = _bare(piece.body, file.separator), len(file.names)
    # Polars would take a byte-order mark that begins the piece for the beginning of the file, and leave it out.
    if body is None or width < 2 or body.startswith(BOM_UTF8):
        return None
    tight = body.isascii() and not any(space in body for space in _SPACES if space != file.separator.encode())
    if marked and not tight:
        return None
    ends = _ends(body, file.separator, width)
    return None if ends is None else _Grid(body, ends, tight)


def _typed(file: Opened, grid: _Grid, known: Mapping[str, Variable], missing: Sequence[str]) -> pl.DataFrame:
    """Return the cells in their types; one that does not fit is null."""
    types = {name: rules.DTYPES[v.type] for name, v in known.items() if v.type in _FAST}
    frame = pl.read_csv(
        grid.body,
        has_header=False,
        schema={name: types.get(name, pl.String()) for name in file.names},
        separator=file.separator,
        quote_char=None,
        null_values=[mark for mark in missing if mark] or None,
        ignore_errors=True,
    )
    if not grid.tight:
        trimmed = pl.col(pl.String).str.strip_chars()
        frame = frame.with_columns(pl.when(trimmed != "").then(trimmed).name.keep())
    schema = frame.schema
    return frame.with_columns(rules.typed(v, schema[name]) for name, v in known.items())


def _suspects(
    frame: pl.DataFrame, empty: NDArray[np.bool_], names: Sequence[str], known: Mapping[str, Variable]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the rows that have to be read again as text, and those in which no cell holds anything."""
    suspect = frame.select(_impossible(known)).to_series().to_numpy(writable=True)
    blank = np.ones(len(suspect), dtype=bool)
    for position, (name, expected) in enumerate(zip(names, empty.sum(axis=0), strict=True)):
        nulls = frame[name].null_count()
        if nulls != expected:
            suspect |= frame[name].is_null().to_numpy() & ~empty[:, position]
        blank &= empty[:, position]
    return suspect, blank


def _bare(body: bytes, separator: str) -> bytes | None:
    """Return a piece with line feeds and without quotes, if every quote stands around a whole plain cell."""
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
        if b"\r" in body:
            return None
    if not body.endswith(b"\n"):
        body += b"\n"
    if b'"' not in body:
        return body
    # With a cell's end before each opening quote, one behind each closing one and none between, nothing is hidden.
    codes = np.frombuffer(b"\n" + body, dtype=np.uint8)
    quotes = np.flatnonzero(codes == ord('"'))
    ends = (codes == ord("\n")) | (codes == ord(separator))
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) != len(closing) or not ends[opening - 1].all() or not ends[closing + 1].all():
        return None
    passed = np.flatnonzero(ends)
    if (np.searchsorted(passed, opening) != np.searchsorted(passed, closing)).any():
        return None
    return body.replace(b'"', b"")


def _ends(body: bytes, separator: str, width: int) -> NDArray[np.int64] | None:
    """Return where each cell ends, a row of the array per row; ``None`` where a row has another number of cells."""
    codes = np.frombuffer(body, dtype=np.uint8)
    newline = codes == ord("\n")
    ends = np.flatnonzero(newline | (codes == ord(separator)))
    if len(ends) % width:
        return None
    grid = ends.reshape(-1, width)
    return grid if newline[grid[:, -1]].all() and np.count_nonzero(newline) == len(grid) else None


def _impossible(known: Mapping[str, Variable]) -> pl.Expr:
    """Return whether some typed cell breaks a rule for its value; the ledger shows such a cell as it was written."""
    broken = (rule for v in known.values() for rule in rules.value_rules(v).values())
    # A table may have no variable with such a rule: even then there is an answer for each row.
    nothing = pl.repeat(value=False, n=pl.len(), dtype=pl.Boolean)
    return pl.any_horizontal(nothing, *broken).fill_null(value=False).alias("__suspect")
