"""A cohort's own columns: those that the codebook does not know, kept and typed."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, VariableType, rules


def own_column(table: str, name: str, type: VariableType, title: str | None = None) -> Variable:
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


def own_columns(
    table: str,
    file: str,
    frame: pl.DataFrame,
    types: Mapping[tuple[str, str], VariableType] | None = None,
    titles: Mapping[tuple[str, str], str] | None = None,
) -> tuple[tuple[Variable, ...], tuple[str, ...]]:
    """Return the descriptions of a table's own columns, and a notice for each whose type had to be inferred.

    ``types`` and ``titles`` are those that somebody has stated, by table and column.
    """
    own: list[Variable] = []
    notices: list[str] = []
    for name in frame.columns:
        if codebook.find(name, table):
            continue
        type_ = (types or {}).get((table, name))
        if type_ is None:
            type_ = infer(frame[name])
            notices.append(f"{file}: the codebook does not know the column {name}; kept as {type_}")
        own.append(own_column(table, name, type_, (titles or {}).get((table, name))))
    return tuple(own), tuple(notices)


def infer(column: pl.Series) -> VariableType:
    """Return the narrowest type that every cell of a column fits."""
    filled = column.drop_nulls().to_frame("x")
    # A leading zero marks a code, such as a centre 01, which a number would lose.
    coded = column.dtype == pl.String and filled.select(pl.col("x").str.contains(r"^[+-]?0\d").any()).item()
    kinds: tuple[VariableType, ...] = ("boolean", "integer", "number", "date", "datetime")
    for kind in kinds:
        if filled.is_empty() or (coded and kind in ("integer", "number")):
            continue
        cells = filled.select(rules.typed(own_column("", "x", kind), filled.schema["x"]))
        if not cells["x"].null_count():
            return kind
    return "text"
