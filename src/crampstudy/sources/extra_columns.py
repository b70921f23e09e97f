"""Columns that the codebook does not know: described, typed and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, VariableType, missing, rules

MOST = 0.9
"""Which part of the filled cells must fit a type for the others to be strays, which the cleaning blanks."""
_FEW = 4  # so many fitting cells may have one stray among them
_CODED = 0.05  # as few cells with leading zeros are numbers
_WORDS = 100
_KINDS: tuple[VariableType, ...] = ("boolean", "integer", "number", "date", "datetime")


@dataclass(frozen=True, slots=True)
class Inferred:
    """The type of a column, and its ``strays``: how many of its ``filled`` cells do not fit; ``first`` is one."""

    type: VariableType
    filled: int
    strays: int = 0
    first: str | None = None

    @property
    def words(self) -> str:
        """The type, and how many cells do not fit it."""
        if not self.strays:
            return self.type
        return (
            f"{self.type}; of {self.filled:,} cells {self.strays:,} {'is' if self.strays == 1 else 'are'} not "
            f"(such as {self.first!r}) and blanked"
        )


def extra_column(table: str, name: str, type: VariableType, title: str | None = None) -> Variable:
    """Return the description of a column that the codebook does not know."""
    return Variable(
        table=table,
        name=name,
        label=title or name.replace("_", " "),
        unit=None,
        type=type,
        minimum=None,
        maximum=None,
        levels=(),
        domain="own",
        component="interview",
        severity="blank-cell",
        required=False,
        source=None,
        description="The cohort's own column",
    )


@cache
def _fitting(dtype: pl.DataType) -> tuple[pl.Expr, ...]:
    """Return whether each cell of a column ``x`` fits each kind of :data:`_KINDS`."""
    return tuple(rules.typed(extra_column("", "x", kind), dtype).is_not_null().alias(kind) for kind in _KINDS)


def extra_columns(
    table: str,
    file: str,
    frame: pl.DataFrame,
    types: Mapping[tuple[str, str], VariableType] | None = None,
    titles: Mapping[tuple[str, str], str] | None = None,
) -> tuple[tuple[Variable, ...], tuple[str, ...]]:
    """Return the descriptions of the columns that the codebook does not know, and a notice for each inferred type.

    Args:
        table: The table's name.
        file: The file's name, for the notices.
        frame: The table.
        types: Types that somebody has stated, by table and column; others are inferred.
        titles: Titles that somebody has stated, by table and column.
    """
    extra: list[Variable] = []
    notices: list[str] = []
    for name in frame.columns:
        if codebook.find(name, table):
            continue
        type_ = (types or {}).get((table, name))
        if type_ is None:
            inferred = infer(frame[name])
            type_ = inferred.type
            notices.append(f"{file}: the codebook does not know the column {name}; kept as {inferred.words}")
        extra.append(extra_column(table, name, type_, (titles or {}).get((table, name))))
    return tuple(extra), tuple(notices)


def infer(column: pl.Series) -> Inferred:
    """Return the narrowest of the types that most cells of a column fit, text where they fit none.

    Marks of a missing value count as no cells at all; infinite numbers and a workbook's errors are strays of any type.
    """
    filled = _filled(column)
    void = _void(filled)
    finite = (filled.filter(~void) if void.any() else filled).to_frame("x")
    text = Inferred("text", len(filled))
    if finite.is_empty():
        return text
    # A leading zero marks a code, such as a centre 01, which a number would lose.
    zeros = finite["x"].str.contains(r"^[+-]?0\d").sum() if column.dtype == pl.String() else 0
    # At once: of thousands of columns each question costs more than its answer.
    fit = finite.select(_fitting(column.dtype))
    fitted = {kind: fit[kind].sum() for kind in _KINDS}
    best, fitting = text, 0
    for kind in _KINDS:
        if kind in ("integer", "number") and zeros >= _CODED * finite.height:
            continue
        n = int(fitted[kind])
        strays = finite.height - n
        allowed = max((1 - MOST) * finite.height, 1 if n >= _FEW else 0)
        if n <= fitting or strays > allowed:
            continue
        odd = pl.concat([filled.filter(void), finite["x"].filter(~fit[kind])])
        best, fitting = Inferred(kind, len(filled), len(odd), next(iter(odd.cast(pl.String)), None)), n
    return best


def _filled(column: pl.Series) -> pl.Series:
    """Return the cells of a column that hold something."""
    if column.dtype.is_float():
        return column.fill_nan(None).drop_nulls()
    if column.dtype != pl.String():
        return column.drop_nulls()
    cell = pl.col("cell")
    words = column.to_frame("cell").select(cell.filter(~cell.str.contains(r"^[+-]?\d")).unique()).to_series()
    # So many different words are no answers beside numbers, and would take long to read.
    gone = missing.MARKS if len(words) > _WORDS else {word for word in words if missing.is_mark(word)}
    cells = column.drop_nulls()
    return cells.filter(~cells.is_in(sorted(gone))) if gone else cells


def _void(cells: pl.Series) -> pl.Series:
    """Return which cells come of a calculation without a result: inf, ``#DIV/0!``."""
    if cells.dtype.is_float():
        return cells.is_infinite()
    if cells.dtype == pl.String():
        return cells.str.contains(r"^(?:[+-]?(?i:inf|infinity)|#[\p{Lu}/0]+[!?])$")
    return pl.repeat(value=False, n=len(cells), dtype=pl.Boolean, eager=True)
