"""Parquet files from anywhere: what is damaged is named, and the cells are held to the rules of text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq

from crampstudy.codebook import rules
from crampstudy.errors import SourceError
from crampstudy.sources.text import missing_codes, row_index

DAMAGED = (
    *(pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, LookupError),
)
"""What the readers of a damaged Parquet file raise."""
_ROWS_A_BYTE, _HARMLESS_ROWS = 200, 5_000_000
_STORED = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null)


def read(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the content of a Parquet file.

    Raises:
        SourceError: the file is damaged, or says of itself what cannot be.
    """
    row_count(path)
    try:
        # The reader of polars panics over some damaged files.
        with pq.ParquetFile(path) as file:
            return as_frame(file.read(columns=columns))
    except DAMAGED as error:
        raise damaged(path, error) from None


def as_frame(table: pa.Table) -> pl.DataFrame:
    """Return a table of Arrow, once its names and texts have been found to be UTF-8 and its parts whole."""
    "".join(table.schema.names)
    if "" in table.schema.names:
        raise ValueError(f"column {table.schema.names.index('') + 1} has no name")
    table.validate(full=True)
    return pl.DataFrame(table.replace_schema_metadata(None))


def row_count(path: Path) -> int:
    """Return how many rows a Parquet file says that it has.

    Raises:
        SourceError: what it says of itself cannot be read, or cannot be.
    """
    try:
        rows = int(pq.read_metadata(path).num_rows)
    except DAMAGED as error:
        raise damaged(path, error) from None
    if not 0 <= rows <= max(_HARMLESS_ROWS, _ROWS_A_BYTE * path.stat().st_size):
        raise SourceError(f"{path} says that it has {rows:,} rows, far more than its size can hold; write it again")
    return rows


def release() -> None:
    """Give memory back to the system that reading has left unused."""
    pa.default_memory_pool().release_unused()


def damaged(path: Path, error: BaseException) -> SourceError:
    """Return the error that names a damaged Parquet file."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return SourceError(f"{path} cannot be read as Parquet: {reason}; write it again")


def stored(path: Path, frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Return rows of a Parquet file as the rules read them, without the index that pandas has written beside them.

    Raises:
        SourceError: a column holds lists, durations or another type that no variable has, or a day of no calendar.
    """
    frame = frame.drop(row_index.reserved(frame.columns))
    for name, dtype in frame.schema.items():
        if not dtype.is_numeric() and dtype.base_type() not in _STORED:
            raise SourceError(f"{path}: the column {name!r} has type {dtype}; store text, numbers, booleans or dates")
        if dtype.is_temporal() and not frame.select(rules.in_calendar(pl.col(name), dtype).all()).item():
            raise SourceError(
                f"{path}: the column {name!r} holds a date outside the years 1 to 9999; correct it, and write it again"
            )
    # Text from Parquet is held to the rules of text from CSV: trimmed, and an empty cell is a missing one.
    frame = frame.with_columns(cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String))
    gone = list({"", *missing})
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    frame = frame.with_columns(
        frame[name].set(missing_codes.held(frame[name], missing), None) for name in numbers if missing
    )
    frame = frame.with_columns(cs.string().str.strip_chars())
    return frame.with_columns(pl.when(~cs.string().is_in(gone)).then(cs.string()).name.keep())
