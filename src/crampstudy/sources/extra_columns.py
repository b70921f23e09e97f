"""Columns that the codebook does not know: described, typed and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, VariableType, missing, rules

MOST = 0.9
"""Which part of the filled cells must fit a type for the others to be strays, which the cleaning blanks."""
_FEW = 4  # so many fitting cells may have one stray among them
_CODED = 0.05  # as few cells with leading zeros are numbers
_WORDS = 100
_CELLS = 1_000_000
"""Cells that are looked at together."""
_COLUMN, _CELL = "column", "x"
_VOID = r"^(?:[+-]?(?i:inf|infinity)|#[\p{Lu}/0]+[!?])$"
"""What comes of a calculation without a result: inf, ``#DIV/0!``."""
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
    own = [name for name in frame.columns if not codebook.find(name, table)]
    inferred = infer(frame.select(name for name in own if (table, name) not in (types or {})))
    for name in own:
        if name in inferred:
            type_ = inferred[name].type
            elsewhere = next((other for other in codebook.TABLES if codebook.find(name, other)), None)
            unknown = (
                f"has the column {name} in {elsewhere}, and not here"
                if elsewhere
                else f"does not know the column {name}"
            )
            notices.append(f"{file}: the codebook {unknown}; kept as {inferred[name].words}")
        else:
            type_ = (types or {})[table, name]
        extra.append(extra_column(table, name, type_, (titles or {}).get((table, name))))
    return tuple(extra), tuple(notices)


def infer(frame: pl.DataFrame) -> dict[str, Inferred]:
    """Return for each column the narrowest of the types that most of its cells fit, text where they fit none.

    Marks of a missing value count as no cells at all; infinite numbers and a workbook's errors are strays of any type.
    """
    # Columns of one type are read as one long column: of thousands, each question costs more than its answer.
    abreast = max(_CELLS // max(frame.height, 1), 1)
    by_type: dict[pl.DataType, list[str]] = {}
    for name, dtype in frame.schema.items():
        by_type.setdefault(dtype, []).append(name)
    found: dict[str, Inferred] = {}
    for names in by_type.values():
        for start in range(0, len(names), abreast):
            some = names[start : start + abreast]
            cells = pl.DataFrame(
                {
                    _COLUMN: np.repeat(np.arange(len(some), dtype=np.int32), frame.height),
                    _CELL: pl.concat([frame[name].alias(_CELL) for name in some]),
                }
            )
            found |= zip(some, _inferred(cells, len(some)), strict=True)
    return {name: found[name] for name in frame.columns}


def _inferred(cells: pl.DataFrame, n: int) -> Iterator[Inferred]:
    """Yield the type of each of ``n`` columns, whose cells stand below each other."""
    filled = _filled(cells)
    dtype = filled.schema[_CELL]
    cell, none = pl.col(_CELL), pl.lit(value=False)
    text = dtype == pl.String()
    void = cell.str.contains(_VOID) if text else cell.is_infinite() if dtype.is_float() else none
    # A leading zero marks a code, such as a centre 01, which a number would lose.
    zeros = cell.str.contains(r"^[+-]?0\d") if text else none
    fits = [
        (rules.typed(extra_column("", _CELL, kind), dtype).is_not_null() & ~pl.col("void")).alias(kind)
        for kind in _KINDS
    ]
    asked = filled.with_columns(void=void).with_columns(*fits, zeros=zeros & ~pl.col("void"))
    counts = pl.DataFrame({_COLUMN: np.arange(n, dtype=np.int32)}).join(
        asked.group_by(_COLUMN).agg(pl.len(), pl.col("void", "zeros", *_KINDS).sum()), on=_COLUMN, how="left"
    )
    start = 0
    for of in counts.fill_null(0).iter_rows(named=True):
        yield _narrowest(of, asked[start : start + of["len"]])
        start += of["len"]


def _narrowest(of: Mapping[str, int], asked: pl.DataFrame) -> Inferred:
    """Return the type of a column from how many of its cells fit which, and from its cells."""
    n = of["len"] - of["void"]
    allowed = max((1 - MOST) * n, 1 if n >= _FEW else 0)
    best: VariableType = "text"
    for kind in _KINDS:
        if kind in ("integer", "number") and of["zeros"] >= _CODED * n:
            continue
        if of[kind] > of.get(best, 0) and n - of[kind] <= allowed:
            best = kind
    if best == "text" or of[best] == of["len"]:
        return Inferred(best, of["len"])
    odd = asked.filter(~pl.col(best)).sort(~pl.col("void"), maintain_order=True)[_CELL]
    return Inferred(best, of["len"], len(odd), odd.cast(pl.String)[0])


def _filled(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the cells that hold something."""
    dtype, cell = cells.schema[_CELL], pl.col(_CELL)
    if dtype.is_float():
        return cells.filter(cell.is_not_nan())
    filled = cells.drop_nulls(_CELL)
    if dtype != pl.String():
        return filled
    words = filled.filter(~cell.str.contains(r"^[+-]?\d")).unique()
    # So many different words are no answers beside numbers, and would take long to read.
    many = pl.len().over(_COLUMN) > _WORDS
    read = words.filter(~many)[_CELL].unique()
    marks = {word for word in read if missing.is_mark(word)}
    gone = words.filter(pl.when(many).then(cell.is_in(sorted(missing.MARKS))).otherwise(cell.is_in(sorted(marks))))
    return filled.join(gone, on=[_COLUMN, _CELL], how="anti", maintain_order="left") if gone.height else filled
