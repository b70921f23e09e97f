"""Marks of a missing value that nobody declared: the cell is missing, and the ledger says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from crampstudy import codebook, wording
from crampstudy.cleaning.raw import RawTable, Violation
from crampstudy.codebook import Variable, missing

RULE = "missing-mark"
_HINT = "a mark of a missing value: missing; to keep such cells out of this list, declare them with missing="
_TEXTS = ("identifier", "text", "level")


def without_marks(table: RawTable, present: Sequence[Variable]) -> tuple[RawTable, list[Violation]]:
    """Return the table with known marks of a missing value as missing cells, and where they stood.

    A level that is such a word stays, and so does all of a key: somebody may be called NA.
    """
    frame = table.frame
    numbers, text = table.retyped or (pl.Series([], dtype=pl.UInt32), None)
    retyped = numbers.cast(pl.UInt32)
    violations: list[Violation] = []
    for v in present:
        if v.name in codebook.TABLES[v.table].key:
            continue
        rows = _marked(frame[v.name], v)
        if len(rows):
            frame = frame.with_columns(frame[v.name].scatter(rows, None))
        if text is not None:
            at = _marked(text[v.name], v)
            if len(at):
                text = text.with_columns(text[v.name].scatter(at, None))
            # Of a retyped row only its text counts.
            rows = pl.concat([rows.filter(~rows.is_in(retyped.implode())), retyped.gather(at)]).sort()
        if len(rows):
            violations.append(Violation(rows, v.name, RULE, "warn", _HINT))
    if not violations:
        return table, []
    return replace(table, frame=frame, retyped=None if text is None else (numbers, text)), violations


def count(ledger: pl.DataFrame) -> pl.DataFrame:
    """Return file, column and value of the marks in a ledger, and ``n``, how often each stood there."""
    found = ledger.filter(pl.col("rule") == RULE).group_by("file", "column", "value")
    return found.agg(pl.len().cast(pl.Int64).alias("n"))


def notices(counted: pl.DataFrame) -> tuple[str, ...]:
    """Return a notice for each column about the marks that :func:`count` found, in one ledger or several."""
    columns = counted.group_by("file", "column").agg(pl.col("n").sum(), pl.col("value").unique().sort())
    return tuple(
        f"{file}: {column}: {wording.counted(n, 'cells', 'hold')} {', '.join(values)}: missing"
        for file, column, n, values in columns.sort("file", "column").iter_rows()
    )


def _marked(cells: pl.Series, v: Variable) -> pl.Series:
    """Return the rows in which a column has a mark."""
    if cells.dtype.is_float():
        return cells.is_nan().arg_true().cast(pl.UInt32)
    if cells.dtype != pl.String():
        return pl.Series([], dtype=pl.UInt32)
    if v.type in _TEXTS:
        marks = missing.MARKS
    else:
        # No mark begins as a number does, and a large column of numbers need not be looked through cell by cell.
        words = cells.filter(~cells.str.contains(r"^[+-]?\d")).unique()
        marks = frozenset(cell for cell in words.drop_nulls() if missing.is_mark(cell))
    return cells.is_in(sorted(marks.difference(v.levels))).fill_null(value=False).arg_true().cast(pl.UInt32)
