"""The cells of a column of a sheet, as the text that a CSV file would have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import VariableType
from crampstudy.sources.text import stored

_PADDED = re.compile(r"0{2,}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


def column_text(name: str, cells: Sequence[Any]) -> tuple[pl.Series, list[str]]:
    """Return a column as text, and notices of what in it had to be understood."""
    variable = codebook.find(name.lower())
    type_ = variable.type if variable else None
    values, padded = _values(cells, type_)
    # Without a time of day anywhere, a date-time is how the workbook stores a date.
    dated = type_ != "datetime" and (
        type_ == "date" or all(v.time() == time() for v in values if isinstance(v, datetime))
    )
    texts = [stored.as_text(value, dated) for value in values]
    notices = []
    if padded:
        notices.append(f"identifiers stored as numbers that keep the zeros of their number format: {padded}")
    if type_ in ("date", "datetime") and (bare := sum(bool(t and _NUMBER.fullmatch(t)) for t in texts)):
        notices.append(f"cells with a number instead of a date: {bare}; give them a date format in the workbook")
    return pl.Series(name, texts, dtype=pl.String), notices


def stored_texts(column: pl.Series, cells: Sequence[Any]) -> pl.Series | None:
    """Return what the workbook itself stores as text, null elsewhere; ``None`` where no such cell has a comma."""
    are_texts = [cell is not None and isinstance(cell.value, str) for cell in cells]
    # A number that is stored as one has no mark; only texts have to be read.
    if not any(is_text and "," in cell.value for is_text, cell in zip(are_texts, cells, strict=True)):
        return None
    return pl.Series(
        [text if is_text else None for text, is_text in zip(column, are_texts, strict=True)], dtype=pl.String
    ).alias(column.name)


def _values(cells: Sequence[Any], type_: VariableType | None) -> tuple[list[Any], int]:
    """Return the values of cells, and how many identifiers among them got the zeros of their number format."""
    padded = 0
    values: list[Any] = []
    for cell in cells:
        value = cell.value if cell is not None else None
        if type_ == "identifier" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            format_ = str(cell.number_format)
            if _PADDED.fullmatch(format_):
                value = str(value).zfill(len(format_))
                padded += 1
        values.append(value)
    return values, padded
