"""The ledger with the rejected rows beside it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from crampstudy.cleaning import Cleaned
from crampstudy.cleaning.raw import CELLS


def rejects(loaded: Cleaned) -> pl.DataFrame:
    """Return the ledger with, in its last column, the rejected rows as JSON: participants' data, to be kept safe."""
    files = {t.table: t.file for t in loaded.counts}
    return with_rows(loaded.ledger, {files[name]: rows for name, rows in loaded.rejected.items()})


def with_rows(ledger: pl.DataFrame, rejected: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return a ledger with the rejected rows, by file, as JSON in its last column; ``__file`` tells theirs apart."""
    key = ["file", "line"]
    rows = [
        frame.select(
            (pl.col("__file") if "__file" in frame.columns else pl.lit(file)).alias("file"),
            pl.col("__line").alias("line"),
            _as_json(frame).alias("row"),
        )
        for file, frame in rejected.items()
        if frame.height
    ]
    if not rows:
        return ledger.with_columns(row=pl.lit(None, pl.String))
    return ledger.join(pl.concat(rows).unique(key, keep="first"), on=key, how="left", maintain_order="left")


def _as_json(rows: pl.DataFrame) -> pl.Expr:
    named = pl.struct(pl.exclude("__line", "__file", CELLS)).struct.json_encode()
    # A row that has not the cells of the header has no names for them.
    return pl.coalesce(CELLS, named) if CELLS in rows.columns else named
