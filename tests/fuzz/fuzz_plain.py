"""What a file plainly says, read without the package: the other opinion that accepted cells are held against."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from crampstudy.codebook import Variable

MISSING = frozenset(
    {
        "",
        "NA",
        "N/A",
        "n/a",
        "na",
        "n.a.",
        "N.A.",
        "<NA>",
        "#N/A",
        "#NA",
        "#NV",
        "k.A.",
        "k. A.",
        "NULL",
        "Null",
        "null",
    }
    | {"NaN", "nan", "NAN", "-NaN", "-nan", ".", "-", "–", "—"}
)
"""Cells that mean no value, wherever they stand."""
_SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")
"""White space by the Unicode standard, to which separators of the ASCII code do not belong."""
Alternatives = tuple[Any, ...]


@dataclass(frozen=True)
class Row:
    """A row with its line; each cell has all that it may be taken for. ``whole`` is no for a row of another length."""

    line: int
    cells: dict[str, Alternatives]
    whole: bool = True
    optional: bool = False


Plain = dict[str, list[Row]]
"""The rows of each table; of a bare list under no name."""


class Unclear(Exception):
    """This reader cannot tell either what the file says."""


def decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def parsed(text: str, separator: str) -> list[tuple[int, list[Alternatives]]]:
    """Rows of cells with the line on which each begins; a cell with odd quotation marks may be read in two ways."""
    rows: list[tuple[int, list[Alternatives]]] = []
    line, at = 1, 0
    while at < len(text):
        begin, cells = line, []
        while True:
            cell, at, line = _cell(text, at, line, separator)
            cells.append(cell)
            if at >= len(text) or text[at] != separator:
                break
            at += 1
        rows.append((begin, cells))
        at += 1
        line += 1
    return rows


def _cell(text: str, at: int, line: int, separator: str) -> tuple[Alternatives, int, int]:
    """One cell, where it ends (at a separator, a line feed or the end), and the line there."""
    start = at
    while at < len(text) and text[at] == " ":
        at += 1
    if text[at : at + 1] != '"':
        at = start
        while at < len(text) and text[at] not in (separator, "\n"):
            at += 1
        return (text[start:at].strip(_SPACE),), at, line
    at, made = at + 1, []
    while at < len(text) and (text[at] != '"' or text[at + 1 : at + 2] == '"'):
        line += text[at] == "\n"
        made.append(text[at])
        at += 2 if text[at] == '"' else 1
    at += 1
    tail = at
    while at < len(text) and text[at] not in (separator, "\n"):
        at += 1
    inside, rest = "".join(made), text[tail:at].strip(_SPACE)
    ways = (inside, inside + rest, text[start:at]) if rest else (inside,)
    return tuple(way.strip(_SPACE) for way in ways), at, line


def headless(content: bytes) -> list[Row]:
    """The rows of delimited text with the header as the first of them, columns called by their numbers from 0."""
    try:
        text = decoded(content)
    except UnicodeDecodeError:
        raise Unclear from None
    if "\n" not in text:
        text = text.replace("\r", "\n")
    above = text[: len(text) - len(text.lstrip())]
    # A tab may begin the header: only whole lines are left out.
    lines = above.count("\n")
    text = text[above.rfind("\n") + 1 :]
    if stated := re.match(r"sep=([,;\t|])\r?\n", text, re.IGNORECASE):
        text, lines = text[stated.end() :], lines + 1
    # A title has nothing that separates.
    unquoted = re.sub(r'"[^"]*"', "", text).split("\n")
    first = next((line for line in unquoted if re.search(r"[,;\t|]", line)), "")
    separator = stated[1] if stated else max(",;\t|", key=first.count)
    rows = [(line + lines, cells) for line, cells in parsed(text, separator) if any(cell[0] for cell in cells)]
    width = len(rows[0][1]) if rows else 0
    return [Row(line, {str(n): cell for n, cell in enumerate(cells)}, len(cells) == width) for line, cells in rows]


def table(content: bytes) -> tuple[list[str], list[Row]]:
    """The header and the rows of delimited text; a name that stands twice has its number behind it."""
    head, *rows = headless(content) or [Row(1, {})]
    names = [str(cell[0]) for cell in head.cells.values()]
    called = {n: name if names.count(name) == 1 else f"{name}#{n}" for n, name in enumerate(names)}
    return names, [replace(row, cells={called.get(int(n), n): c for n, c in row.cells.items()}) for row in rows]


def readings(raw: Any, variable: Variable | None) -> set[Any]:
    """All values that a cell may be read as, by the type of its variable; of any type where it has none."""
    if raw is None:
        return {None}
    kind = "own" if variable is None else variable.type
    if isinstance(raw, str) and raw.strip(_SPACE) in MISSING:
        return {None, *_texts(raw)} if kind in ("own", "text", "identifier", "level") else {None}
    made: set[Any] = set()
    for of, read in _READ.items():
        if kind in (of, "own"):
            made |= set(read(raw))
    if kind in ("text", "identifier", "level", "own"):
        made |= set(_texts(raw))
    return made


def _texts(raw: Any) -> Iterable[Any]:
    if isinstance(raw, bool):
        yield from (str(raw).lower(), str(raw))
    elif isinstance(raw, float) and raw.is_integer():
        yield from (str(raw), str(int(raw)))
    elif isinstance(raw, date | time):
        yield from (raw.isoformat(), str(raw))
        if isinstance(raw, datetime):
            yield raw.date().isoformat()
    else:
        text = str(raw).strip(_SPACE)
        # The package's own files have an apostrophe before what a spreadsheet would run.
        yield from (text, text[1:]) if re.match(r"'[=+\-@\t\r]", text) else (text,)


def _numbers(raw: Any) -> Iterable[float]:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        yield float(raw)
        if 0 < abs(raw) < 1e-70:
            yield 0.0
    if isinstance(raw, str):
        text = raw.strip(_SPACE).replace("−", "-")
        point = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII)
        comma = re.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?", text, re.ASCII)
        if point:
            yield float(text)
        if comma:
            yield float(text.replace(",", "."))
        if re.fullmatch(r"[+-]?\d{1,3}([.,  ’']\d{3})+([.,]\d+)?", text, re.ASCII):
            mark = text.lstrip("+-0123456789")[0]
            yield float(text.replace(mark, "").replace(",", "."))


def _whole(raw: Any) -> Iterable[int]:
    if isinstance(raw, int) and not isinstance(raw, bool):
        yield raw
    if isinstance(raw, str) and re.fullmatch(r"[+-]?\d+", raw.strip(_SPACE), re.ASCII):
        yield int(raw)
    yield from (int(number) for number in _numbers(raw) if math.isfinite(number) and number.is_integer())


def _booleans(raw: Any) -> Iterable[bool]:
    if isinstance(raw, bool):
        yield raw
    elif isinstance(raw, str) and raw.strip(_SPACE).lower() in ("true", "false"):
        yield raw.strip(_SPACE).lower() == "true"


def _moments(raw: Any) -> Iterable[datetime]:
    if isinstance(raw, datetime):
        yield raw.replace(tzinfo=None)
    elif isinstance(raw, date):
        yield datetime.combine(raw, time())
    elif isinstance(raw, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\d([T ]\d\d?:\d\d(:\d\d(\.\d+)?)?)?", raw.strip(_SPACE), re.ASCII
    ):
        try:
            yield datetime.fromisoformat(re.sub(r"([T ])(\d:)", r"\g<1>0\2", raw.strip(_SPACE))[:26])
        except ValueError:
            return


def _dates(raw: Any) -> Iterable[date]:
    for moment in _moments(raw):
        if moment.time() == time():
            yield moment.date()


_READ: dict[str, Callable[[Any], Iterable[Any]]] = {
    "number": _numbers,
    "integer": _whole,
    "boolean": _booleans,
    "datetime": _moments,
    "date": _dates,
}


def same(value: Any, other: Any) -> bool:
    """Whether two values are one, numbers to the twelve digits that conversions keep."""
    if isinstance(value, bool) or isinstance(other, bool) or type(value) is str or type(other) is str:
        return type(value) is type(other) and bool(value == other)
    if isinstance(value, int | float) and isinstance(other, int | float):
        return math.isclose(value, other, rel_tol=1e-11, abs_tol=1e-12) or (value != value and other != other)
    if isinstance(value, datetime) and isinstance(other, datetime):
        return abs(value - other) <= timedelta(milliseconds=1)
    return type(value) is type(other) and bool(value == other)
