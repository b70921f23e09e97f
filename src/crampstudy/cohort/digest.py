"""A digest of a table by its content."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl


def table_digest(table: pl.DataFrame, key: tuple[str, ...]) -> bytes:
    """Return the SHA-256 of a table, whatever the order of its rows and columns; no two of its rows have one key."""
    order = _order(table, key)
    content = hashlib.sha256()
    for name in sorted(table.columns):
        # One column at a time: a large table need not stand in memory twice.
        column = table[name] if order is None else table[name].gather(order)
        content.update(f"{name}:{column.dtype}:{len(column)};".encode())
        content.update(np.packbits(column.is_null().to_numpy()).tobytes())
        if column.dtype.is_float():
            # Adding zero makes -0.0 and 0.0 one number.
            values = (column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0).astype("<f8")
            content.update(values.tobytes())
        elif column.dtype == pl.String:
            filled = column.fill_null("")
            content.update(filled.str.len_bytes().to_numpy().astype("<i8").tobytes())
            content.update(filled.str.join("").item().encode())
        else:
            content.update(column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes())
    return content.digest()


def _order(table: pl.DataFrame, key: tuple[str, ...]) -> pl.Series | None:
    """Return the rows in the order of the key, ``None`` where they stand in it."""
    codes = pl.DataFrame([_ranks(table[name]) for name in key])
    order = codes.select(pl.arg_sort_by(*key)).to_series()
    return None if order.is_sorted() else order


def _ranks(column: pl.Series) -> pl.Series:
    """Return the places of texts among each other, which are sorted at much less cost; other columns as they are."""
    if column.dtype != pl.String:
        return column
    runs = column.rle().struct.unnest()
    return pl.Series(column.name, np.repeat(runs["value"].rank("dense").to_numpy(), runs["len"].to_numpy()))
