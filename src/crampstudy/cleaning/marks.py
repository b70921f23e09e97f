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
    asked = [v for v in present if v.name not in codebook.TABLES[v.table].key]
    marked = _marked(frame, asked)
    marked_text = {} if text is None else _marked(text, asked)
    nothing = pl.Series([], dtype=pl.UInt32)
    for v in (v for v in asked if v.name in marked or v.name in marked_text):
        rows, at = marked.get(v.name, nothing), marked_text.get(v.name, nothing)
        frame = frame.with_columns(frame[v.name].scatter(rows, None))
        if text is not None:
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


def _marked(frame: pl.DataFrame, asked: Sequence[Variable]) -> dict[str, pl.Series]:
    """Return the rows in which columns have a mark, of those that have any."""
    if frame.is_empty():
        return {}
    schema = frame.schema
    may_be = [(v, cells) for v in asked if (cells := _may_be_mark(v, schema[v.name])) is not None]
    # One look at all columns, nearly all of which have none.
    seen = frame.select(cells.any().alias(v.name) for v, cells in may_be).row(0) if may_be else ()
    suspects = [pair for pair, any_seen in zip(may_be, seen, strict=True) if any_seen]
    found = {v.name: frame.select(_is_mark(frame, v, cells)).to_series().arg_true() for v, cells in suspects}
    return {name: rows.cast(pl.UInt32) for name, rows in found.items() if len(rows)}


def _may_be_mark(v: Variable, dtype: pl.DataType) -> pl.Expr | None:
    """Return which cells of a column may be marks, ``None`` where its type has none."""
    column = pl.col(v.name)
    if dtype.is_float():
        return column.is_nan()
    if dtype != pl.String():
        return None
    if v.type in _TEXTS:
        return column.is_in(sorted(missing.MARKS.difference(v.levels)))
    # No mark begins as a number does, and a large column of numbers need not be looked through cell by cell.
    return ~column.str.contains(r"^[+-]?\d")


def _is_mark(frame: pl.DataFrame, v: Variable, may_be: pl.Expr) -> pl.Expr:
    if frame.schema[v.name].is_float() or v.type in _TEXTS:
        return may_be.fill_null(value=False)
    words = frame.filter(may_be)[v.name].unique()
    marks = {cell for cell in words if missing.is_mark(cell)}
    return pl.col(v.name).is_in(sorted(marks.difference(v.levels))).fill_null(value=False)
