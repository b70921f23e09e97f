"""Where the header of a table stands: below lines of a title, in one row or two, above rows that are no data either.

A heading of the first of two rows spans the columns after it that have none of their own, as merged cells do, and is
joined with what stands below it: ``Cramps`` over ``Day 1`` and ``Day 2`` is ``Cramps Day 1`` and ``Cramps Day 2``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from crampstudy.codebook import missing
from crampstudy.errors import SourceError
from crampstudy.sources.text import month_names
from crampstudy.sources.text.decoding import Piece
from crampstudy.wording import counted

Cells = Sequence[str | None]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)")
_DATE = re.compile(r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2}))([T ,].*)?")
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?(\s?[AaPp]\.?[Mm]\.?)?")
_SAMPLE = 40
_SHOWN = 60
_BLANK = b" \t\r\n,;|"
_NOTES = 3
"""As many rows below a header may say more about its columns."""


@dataclass(frozen=True, slots=True)
class HeaderRows:
    """Where the header stands, and which rows are left out beside those above it.

    Attributes:
        header: Its lines in the file, one or two; none where it is the first that is not blank.
        below: How many rows below it are no data.
        lines: Lines anywhere that are left out.
        absent: Whether there is none: the columns are called by their numbers, from 1.
    """

    header: tuple[int, ...] = ()
    below: int = 0
    lines: frozenset[int] = frozenset()
    absent: bool = False

    def __bool__(self) -> bool:
        return bool(self.header or self.below or self.lines or self.absent)


FIRST = HeaderRows()


def joined(above: Cells, names: Cells, spans: Mapping[int, int] | None = None) -> tuple[str, ...]:
    """Return the headings that two rows make.

    ``spans`` has the last position of each heading ``above`` that is known to span some; without it, a heading that has
    one below it spans the empty cells after it.
    """
    made = []
    over, last = "", -1
    for place, (here, below) in enumerate(zip_longest(above, names)):
        if here:
            over, last = here, (spans.get(place, place) if spans else len(names) if below else place)
        spanning = over if place <= last else ""
        made.append(" ".join(filter(None, (spanning, below))))
    return tuple(made)


def completed(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of which none is empty and none stands twice: ``column 3``, and ``Complete? (2)``."""
    made: list[str] = []
    for place, name in enumerate(names, 1):
        stem, number = name or f"column {place}", 1
        name = stem
        while name in made or (number > 1 and name in names):
            number += 1
            name = f"{stem} ({number})"
        made.append(name)
    return tuple(made)


def find(rows: Sequence[Cells], lines: Sequence[int]) -> HeaderRows | None:
    """Return where the header of a table without a word about it stands, ``None`` where no row looks like one.

    Args:
        rows: The first rows of the file, empty cells ``None`` or empty.
        lines: The line of each row.
    """
    rows = [[cell or None for cell in row] for row in rows[:_SAMPLE]]
    width = _width(rows)
    for place, row in enumerate(rows[:-1]):
        below = rows[place + 1 :]
        # What spans the last columns ends before they do.
        row = [*row, *[None] * (width - len(row))]
        if not _name_columns(row, below):
            continue
        if _complete(row) or not (_name_columns(below[0], below[1:]) and len(below[0]) >= width):
            top: tuple[int, ...] = (place,) if sum(map(bool, row)) * 2 > width else ()
        elif not _complete(below[0]) and _complete(joined(row, below[0])[:width]):
            top = (place, place + 1)
        else:
            top = ()
        if top:
            return HeaderRows(tuple(lines[at] for at in top), _notes(rows[top[-1] + 1 :]))
    return None


def start_of_line(path: Path, piece: Piece, line: int) -> int:
    """Return where a line of a file begins in its first piece.

    Raises:
        SourceError: there is no such line, or it is blank.
    """
    lines = piece.body.splitlines(keepends=True)
    if not piece.line <= line < piece.line + len(lines) or not lines[line - piece.line].strip():
        raise SourceError(f"{path}: line {line} is to be the header, and there is no such line, or it is blank")
    return sum(map(len, lines[: line - piece.line]))


def start_of_rows(body: bytes, start: int, rows: int) -> int:
    """Return where the rows of a table begin, once some that are not blank are left out."""
    while rows and start < len(body):
        end = end_of_row(body, start)
        rows -= bool(body[start:end].strip())
        start = end
    return start


def notices(file: str, rows: HeaderRows, above: bytes, below: bytes) -> tuple[str, ...]:
    """Return what is said of rows above the header and below it that are left out."""
    said = []
    if rows.header and above.strip(_BLANK):
        said.append(f"{file}: the header is line {rows.header[0]}; left out above it: {_first_line(above)}")
    if below.strip():
        said.append(f"{file}: left out below the header: {counted(rows.below, 'rows')}, first {_first_line(below)}")
    return tuple(said)


def _first_line(text: bytes) -> str:
    first = text.strip(_BLANK).partition(b"\n")[0].decode(errors="replace").strip(_BLANK.decode())
    return repr(first if len(first) <= _SHOWN else f"{first[: _SHOWN - 1]}…")


def end_of_row(body: bytes, start: int) -> int:
    """Return where a row ends, which may go on over lines inside quotation marks."""
    end = start
    while (end := body.find(b"\n", end) + 1) and body.count(b'"', start, end) % 2:
        pass
    return end or len(body)


def _width(rows: Sequence[Cells]) -> int:
    """Return how many cells most rows have, empty ones at the end apart where all end so."""
    ends = Counter(max((place for place, cell in enumerate(row, 1) if cell), default=0) for row in rows)
    del ends[0]
    # A title has one; a row may lack its last answers.
    return max((end for end, often in ends.items() if often > 1), default=max(ends, default=0))


def _kind(cell: str | None) -> str:
    """Return what a cell looks like: nothing, a number, a date, a time, or a text."""
    if cell is None or missing.is_mark(cell):
        return ""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        return "number"
    if _DATE.fullmatch(text) or month_names.format_of(text):
        return "date"
    return "time" if _TIME.fullmatch(text) else "text"


def _usual(rows: Sequence[Cells], place: int) -> str:
    """Return what most filled cells of a column look like."""
    kinds = Counter(kind for row in rows if place < len(row) and (kind := _kind(row[place])))
    return kinds.most_common(1)[0][0] if kinds else ""


def _name_columns(row: Cells, below: Sequence[Cells]) -> bool:
    """Return whether a row may name columns: it has no number, and a date only above what is none."""
    kinds = [(_kind(cell), place) for place, cell in enumerate(row) if cell]
    return len(kinds) >= min(2, len(row)) and all(
        kind == "text" or (kind == "date" and _usual(below, place) not in ("date", "text")) for kind, place in kinds
    )


def _complete(names: Cells) -> bool:
    """Return whether names are there for each column, all different."""
    return all(names) and len(set(names)) == len(names)


def _notes(below: Sequence[Cells]) -> int:
    """Return how many rows only say more about the columns: none has a date or a number where all others have one."""
    for rows in range(min(_NOTES, len(below) - 1), 0, -1):
        usual = {place: _usual(below[rows:], place) for place in range(len(below[rows]))}
        typed = [place for place, kind in usual.items() if kind in ("number", "date", "time")]
        if typed and all(_is_note(row, typed) for row in below[:rows]):
            return rows
    return 0


def _is_note(row: Cells, typed: Sequence[int]) -> bool:
    kinds = [_kind(row[place]) if place < len(row) else "" for place in typed]
    # Where nobody is named, units may stand below some names alone.
    return "text" in kinds and set(kinds) <= ({"text"} if row[0] else {"text", ""})
