"""Rows that stand for one: of a participant who is repeated, or of a night whose cramps have a row each."""

from __future__ import annotations

from datetime import date

import polars as pl

from crampstudy.errors import SourceError
from crampstudy.sources.readers.mapped.columns import Given
from crampstudy.sources.readers.mapped.mapping import Mapping

_LINE, _APART, _DAY = "__line", "__apart", "__day"


def counted_rows(made: pl.DataFrame, name: str, given: Given, described: Mapping) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row per participant and night with the number of its rows as ``name``.

    A row of nobody, or without a date, stays by itself, so that each of them is rejected.
    """
    dated = pl.col("date").str.to_date("%Y-%m-%d", strict=False).is_not_null()
    known = dated & pl.col("participant_id").is_not_null()
    rows = made.with_columns(
        pl.when(known).then(pl.lit(-1)).otherwise(pl.int_range(pl.len())).alias(_APART),
        pl.len().over("participant_id", "date").cast(pl.String).alias(name),
    )
    nights, lines = distinct_rows(rows, ["participant_id", "date", _APART], "diary", given, described)
    return nights.drop(_APART), lines


def distinct_rows(
    made: pl.DataFrame, key: list[str], table: str, given: Given, described: Mapping
) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row per key and its first line, once all rows of each say the same or nothing.

    Args:
        made: The table in the codebook's columns.
        key: The columns that name what a row is about.
        table: The table's name.
        given: The same rows as they came, with their lines.
        described: The mapping, for messages.

    Raises:
        SourceError: two rows of one key contradict each other.
    """
    days = [None] * made.height if given.nights is None or len(key) > 1 else given.nights
    numbered = made.with_columns(given.lines.alias(_LINE), pl.Series(_DAY, days, dtype=pl.Date))
    grouped = numbered.group_by(key, maintain_order=True)
    varies = grouped.agg(pl.exclude(*key, _LINE, _DAY).drop_nulls().n_unique())
    most = varies.drop(key).max().row(0, named=True)
    for name in (column for column, values in most.items() if values and values > 1):
        whose = varies.filter(pl.col(name) > 1).select(key).row(0)
        same = pl.all_horizontal(
            pl.col(column).eq_missing(pl.lit(value)) for column, value in zip(key, whose, strict=True)
        )
        rows = numbered.filter(same & pl.col(name).is_not_null())
        rows = rows.unique(name, keep="first", maintain_order=True)
        (one, at, day), (other, then, later) = rows.select(name, _LINE, _DAY).rows()[:2]
        night = f", night {whose[1]}," if len(whose) > 1 else ""
        raise SourceError(
            f"{given.file}: participant {whose[0]}{night} has two values of {name}, {one!r} on line {at}{_of(day)} "
            f"and {other!r} on line {then}{_of(later)}; correct one, or take {name} out of tables.{table} of "
            f"{described.path}"
        )
    merged = grouped.agg(pl.exclude(*key, _LINE, _DAY).drop_nulls().first(), pl.col(_LINE).first())
    return merged.select(made.columns), merged[_LINE]


def _of(night: date | None) -> str:
    return f" (night {night})" if night else ""
