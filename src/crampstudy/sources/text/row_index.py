"""Row numbers that a program has written beside a table: pandas, R and readr each call that column in a way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from crampstudy.cleaning import RawTable

NAMELESS = "Unnamed: 0"
"""What a first column without a name is called, as pandas does."""

_OF_PARQUET = re.compile(r"__index_level_\d+__")
_OTHERS = re.compile(r"Unnamed: 0(\.\d+)?|\.\.\.1")
_NUMBER = re.compile(r"\s*\"?\d+\"?\s*")


def reserved(columns: Sequence[str]) -> list[str]:
    """Return the columns in which a Parquet file of pandas keeps its index."""
    return [name for name in columns if _OF_PARQUET.fullmatch(name)]


def perhaps(columns: Sequence[str]) -> bool:
    """Return whether a column has a name that programs give to row numbers; its cells tell whether it has any."""
    return any(_OTHERS.fullmatch(name) for name in columns)


def numbers(cells: Sequence[str | None]) -> bool:
    """Return whether cells without a name may be row numbers."""
    return bool(cells) and all(cell is not None and _NUMBER.fullmatch(cell) for cell in cells)


def found(frame: pl.DataFrame) -> list[str]:
    """Return the columns of row numbers, each number once."""
    named = [name for name in frame.columns if _OTHERS.fullmatch(name)]
    return [name for name in named if numbers(cells := frame[name].cast(pl.String).to_list()) and _once(cells)]


def notice(file: str, names: Sequence[str]) -> list[str]:
    """Return what is said of columns of row numbers."""
    return [f"{file}: left out, for it numbers the rows: {', '.join(names)}"] if names else []


def without(table: RawTable) -> tuple[RawTable, list[str]]:
    """Return a table without columns that number its rows, and a notice of them."""
    names = found(table.frame)
    if not names:
        return table, []
    retyped = table.retyped and (table.retyped[0], table.retyped[1].drop(names, strict=False))
    written = None if table.written is None else table.written.drop(names, strict=False)
    return replace(table, frame=table.frame.drop(names), retyped=retyped, written=written), notice(table.file, names)


def _once(cells: Sequence[str | None]) -> bool:
    return len(set(cells)) == len(cells)
