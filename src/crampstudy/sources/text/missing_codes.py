"""Codes that somebody has declared to mean "no answer", such as -99: cells that hold one are missing, and counted.

``SOURCE?missing=-99,NI`` declares them for all columns but keys, ``SOURCE?missing=cramps:99,-99`` one of them for one
column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import RawTable
from crampstudy.errors import SourceError
from crampstudy.wording import counted

KEYS = frozenset(name for table in codebook.TABLES.values() for name in table.key)
"""Columns that codes for all columns leave alone: there may be a participant 99."""
_EXAMPLE = "missing=-99,NI for every column, missing=cramps:99 for one"


@dataclass(frozen=True, slots=True)
class Codes:
    """Missing codes of every column but the keys, and those of single columns."""

    everywhere: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.columns)

    def of(self, column: str, keys: Collection[str] = KEYS) -> tuple[str, ...]:
        """Return the codes of a column."""
        return (*(() if column in keys else self.everywhere), *self.columns.get(column, ()))


NONE = Codes()
CODED = "a declared missing code"
"""What is said of a cell that holds one."""


def parse(text: str) -> Codes:
    """Read the option ``missing``: codes between commas, ``column:code`` for those of one column.

    Raises:
        SourceError: a code is empty.
    """
    everywhere: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        column, colon, code = (piece.strip() for piece in part.rpartition(":"))
        if not code:
            raise SourceError(f"missing={text} has an empty code; write {_EXAMPLE}")
        if not colon:
            everywhere.append(code)
        else:
            columns[column] = (*columns.get(column, ()), code)
    return Codes(tuple(everywhere), columns)


def declared(options: Mapping[str, str]) -> Codes:
    """Return the codes that the options of a source declare.

    Raises:
        SourceError: a code is empty.
    """
    return parse(options["missing"]) if "missing" in options else NONE


def check(codes: Codes, file: str, columns: Collection[str]) -> None:
    """Refuse codes of a column that is not there.

    Raises:
        SourceError: the message names it and those that are.
    """
    for column in codes.columns:
        if column not in columns:
            raise SourceError(
                f"{file}: missing codes are declared for {column!r}, and there is no such column; "
                f"it has {', '.join(list(columns)[:12])}; write {_EXAMPLE}"
            )


def without(
    file: str, frame: pl.DataFrame, codes: Codes, keys: Collection[str] = KEYS
) -> tuple[pl.DataFrame, list[str]]:
    """Return a table without cells that hold one of their column's codes, and a notice for each column."""
    said: list[str] = []
    for column in frame.columns:
        rows = held(frame[column], codes.of(column, keys))
        if rows.any():
            said.append(notice(f"{file}: {column}", frame[column].filter(rows)))
            frame = frame.with_columns(pl.when(~rows).then(pl.col(column)).alias(column))
    return frame, said


def without_declared(table: RawTable, codes: Codes) -> tuple[RawTable, list[str]]:
    """Return a table as read without cells that hold one of their column's codes, and a notice for each column."""
    if not codes:
        return table, []
    everything = pl.int_range(table.frame.height, dtype=pl.UInt32, eager=True)
    texts = table.texts(everything, [c for c in table.frame.columns if codes.of(c)])
    _, said = without(table.file, texts, codes)
    frame, _ = without(table.file, table.frame, codes)
    retyped = table.retyped and (table.retyped[0], without(table.file, table.retyped[1], codes)[0])
    return replace(table, frame=frame, retyped=retyped), said


def held(cells: pl.Series, codes: Collection[str]) -> pl.Series:
    """Return which cells hold one of ``codes``; 99 and 99.0 are one code."""
    if not codes:
        return pl.repeat(value=False, n=len(cells), dtype=pl.Boolean, eager=True)
    numbers = [float(code) for code in codes if re.fullmatch(r"[+-]?\d+(\.\d+)?", code)]
    if cells.dtype.is_numeric():
        return cells.cast(pl.Float64).is_in(numbers).fill_null(value=False)
    texts = cells.cast(pl.String)
    found = texts.is_in(list(codes))
    if numbers:
        # A leading zero makes another code: 099 is not 99.
        number = pl.when(texts.str.contains(r"^-?(0|[1-9]\d*)([.,]\d+)?$")).then(texts.str.replace(",", "."))
        found |= pl.select(number.cast(pl.Float64, strict=False).is_in(numbers).fill_null(value=False)).to_series()
    return found.fill_null(value=False)


def notice(column: str, cells: pl.Series, what: str = CODED) -> str:
    """Return what is said of the cells of a column that hold missing codes."""
    values = ", ".join(cells.cast(pl.String).unique().sort())
    return f"{column}: {counted(len(cells), 'cells', 'hold')} {what} ({values}): missing"
