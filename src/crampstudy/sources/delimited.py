"""Comma-separated text as it stands: every cell as text, and the line of each row as an editor counts it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from crampstudy.errors import SourceError

_BOM = b"\xef\xbb\xbf"
_ADVICE = "save it as CSV (UTF-8, comma, double quotes around cells that hold a comma)"


def read(path: Path, missing: Sequence[str] = ()) -> tuple[pl.DataFrame, pl.Series, tuple[str, ...]]:
    """Return trimmed cells as text, the line on which each row begins, and notices.

    Empty cells and those that equal one of ``missing`` are null; blank lines are left out.

    Raises:
        SourceError: the file is empty, not UTF-8, not separated by commas, has a header with a repeated or
            empty name, or a row with more or fewer cells than the header; the message gives the line.
    """
    content = path.read_bytes().removeprefix(_BOM)
    body = content.lstrip(b"\r\n")
    if not body.strip():
        raise SourceError(f"{path} is empty; it needs a header and rows")
    if b"\r" in body and b"\n" not in body:
        raise SourceError(f"{path} ends its lines with a carriage return alone; save it with line feeds")
    before = content[: len(content) - len(body)].count(b"\n")
    names, header_lines = _header(path, body, before)
    frame = _cells(path, body, before, len(names))
    frame.columns = names
    lines = _lines(frame, body, header_lines) + before
    trimmed = frame if _is_tight(body) else frame.select(pl.all().str.strip_chars())
    if gone := [*([] if trimmed is frame else [""]), *(mark for mark in missing if mark)]:
        trimmed = trimmed.with_columns(pl.when(~pl.all().is_in(gone)).then(pl.all()).name.keep())
    blank = trimmed.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        trimmed, lines = trimmed.filter(~blank), lines.filter(~blank)
    # Polars fills a short row up with nulls. Every row has one comma fewer than the header has names, so
    # counting commas finds whether there is one; only then is the file read again, row by row.
    if body.count(b",") != (len(names) - 1) * (trimmed.height + 1) + _quoted_commas(frame, body):
        _check_rows(path, body, before, len(names))
    notices = (f"{path.name}: {blank.sum()} blank lines skipped",) if blank.any() else ()
    return trimmed, lines, notices


def _header(path: Path, body: bytes, before: int) -> tuple[list[str], int]:
    reader = csv.reader(_text(body))
    try:
        names = [cell.strip() for cell in next(reader)]
    except UnicodeDecodeError:
        raise _not_utf8(path, body, before) from None
    except csv.Error as error:
        raise SourceError(f"{path}: the header cannot be read ({error}); {_ADVICE}") from None
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            raise SourceError(f"{path} is separated by {word}, not by commas; {_ADVICE}")
    if "" in names:
        raise SourceError(
            f"{path}: column {names.index('') + 1} of the header has no name; name it or take it out "
            "(a table written with its row index has such a first column: write it without)"
        )
    if repeated := [name for name in names if names.count(name) > 1]:
        raise SourceError(f"{path}: the column {repeated[0]!r} stands twice in the header; keep one")
    return names, reader.line_num


def _cells(path: Path, body: bytes, before: int, width: int) -> pl.DataFrame:
    if body.count(b'"') % 2:
        _check_rows(path, body, before, width)
        odd = next(i for i, line in enumerate(body.split(b"\n"), 1) if line.count(b'"') % 2)
        raise SourceError(f"{path}, line {odd + before}: a quotation mark is not closed or not doubled; {_ADVICE}")
    try:
        return pl.read_csv(io.BytesIO(body), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        _check_rows(path, body, before, width)
        reason = str(error).splitlines()[0]
        raise SourceError(f"{path} cannot be read as comma-separated UTF-8 text: {reason}; {_ADVICE}") from None


def _check_rows(path: Path, body: bytes, before: int, width: int) -> None:
    """Raise the error of the first row that has not ``width`` cells, or that cannot be read."""
    reader = csv.reader(_text(body), strict=True)
    line = 1 + before
    try:
        for cells in reader:
            if len(cells) != width and any(cell.strip() for cell in cells):
                raise SourceError(
                    f"{path}, line {line}: the row has {len(cells)} cells and the header {width}; "
                    "quote cells that hold a comma, and write empty cells out"
                )
            line = reader.line_num + 1 + before
    except csv.Error as error:
        raise SourceError(f"{path}, the row from line {line}: {error}; is a quotation mark not closed?") from None
    except UnicodeDecodeError:
        raise _not_utf8(path, body, before) from None


def _text(body: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")


def _not_utf8(path: Path, body: bytes, before: int) -> SourceError:
    line = next(i for i, line in enumerate(body.split(b"\n"), 1) if line.decode(errors="replace").encode() != line)
    return SourceError(f"{path}, line {line + before}: not UTF-8 text; {_ADVICE}")


def _lines(frame: pl.DataFrame, body: bytes, header_lines: int) -> pl.Series:
    first = header_lines + 1
    lines = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
    if header_lines + frame.height == body.count(b"\n") + (not body.endswith(b"\n")):
        return lines
    # A cell holds line breaks: then the lines of the file and its rows part.
    breaks = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True)).cast(pl.Int64)).to_series()
    return lines + breaks.cum_sum() - breaks


def _is_tight(body: bytes) -> bool:
    """Return whether no cell can have white space or quotes around it, so that a large file need not be trimmed."""
    return body.isascii() and not any(mark in body for mark in (b'"', b" ", b"\t", b"\r", b"\v", b"\f"))


def _quoted_commas(frame: pl.DataFrame, body: bytes) -> int:
    if b'"' not in body:
        return 0
    cells = frame.select(pl.sum_horizontal(pl.all().str.count_matches(",", literal=True)).sum()).item()
    return int(cells or 0) + sum(name.count(",") for name in frame.columns)
