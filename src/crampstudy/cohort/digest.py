"""A digest of a table by its content."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl


def table_digest(table: pl.DataFrame, key: tuple[str, ...]) -> bytes:
    """Return the SHA-256 of a table, whatever the order of its rows and columns."""
    ordered = table.sort(key)
    content = hashlib.sha256()
    for name in sorted(table.columns):
        column = ordered[name]
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
