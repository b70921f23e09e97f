"""Diaries that are another participant's, night for night: said, and nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import ROW, Violation, worded
from crampstudy.cleaning.rule import View
from crampstudy.codebook import Variable

RULE = "identical-diary"
_BITS = 10
"""By chance no two diaries of a cohort are one in about so many powers of two, if nights come in any order."""
_LOOKED_AT = 60
"""So many nights tell whether two diaries are alike by chance; all have to be the same."""
_SHARED = ("ambient_temperature_c",)
"""What many people have in common, night for night."""
_KEY = ("participant_id", "date")
_PEOPLE = pl.Schema({"participants": pl.Int64()})
_DIARIES = pl.Schema(
    {
        "column": pl.String(),
        ROW: pl.UInt32(),
        "participant_id": pl.String(),
        "nights": pl.UInt32(),
        "content": pl.UInt64(),
        "bits": pl.Float64(),
    }
)


def people(view: View) -> pl.DataFrame:
    """Return how many participants have a diary."""
    return pl.DataFrame({"participants": [view.rows["participant_id"].n_unique()]}, _PEOPLE)


def diaries(view: View) -> pl.DataFrame:
    """Return the first row of each diary whose nights differ, with what it holds as one number.

    Its ``bits`` say in how many orders its nights could have come: diaries of a few nights, or of nights that are
    hardly ever different, are alike by chance.
    """
    logged = _logged(view.present)
    if not logged or view.rows.is_empty():
        return _DIARIES.to_frame()
    first = pl.col("date").min().over("participant_id")
    rows = view.rows.select(ROW, "participant_id", night=(pl.col("date") - first).dt.total_days())
    rows = rows.with_columns(cells=view.rows.select(logged).hash_rows())
    rows = rows.with_columns(placed=rows.select("night", "cells").hash_rows())
    # Grouping eagerly copies all columns of a table that stands in parts.
    kinds = rows.lazy().filter(pl.col("night") < _LOOKED_AT).group_by("participant_id", "cells").agg(n=pl.len())
    counted = kinds.collect()
    orders = counted.with_columns(alike=_orders(counted["n"]))
    bits = orders.group_by("participant_id").agg(pl.col("alike").sum(), looked_at=pl.col("n").sum())
    each = rows.lazy().group_by("participant_id")
    first_row = pl.col(ROW).get(pl.col("night").arg_min())
    found = each.agg(first_row, nights=pl.len(), content=pl.col("placed").bitwise_xor()).collect()
    found = found.join(bits, on="participant_id").with_columns(pl.lit("participant_id").alias("column"))
    told = found.with_columns(bits=_orders(found["looked_at"]) - pl.col("alike"))
    return told.filter(pl.col("bits") >= _BITS).sort(ROW).select(pl.col(n).cast(t) for n, t in _DIARIES.items())


def _orders(numbers: pl.Series) -> pl.Series:
    """Return in how many orders so many things can come, in powers of two."""
    powers = np.append(0.0, np.cumsum(np.log2(np.arange(1, _LOOKED_AT + 1))))
    return pl.Series(powers[numbers.to_numpy()])


def copies(tallies: pl.DataFrame, rows: pl.DataFrame) -> list[Violation]:
    """Return whose diary is that of another participant, where that is no chance among so many pairs of them."""
    least = _BITS + 2 * np.log2(max(int(tallies["participants"].sum()), 1))
    asked = rows.filter(pl.col("bits") >= least)
    alike = pl.struct("nights", "content")
    same = asked.filter(alike.is_duplicated())
    if same.is_empty():
        return []
    group = ("nights", "content")
    first, second = (pl.col("participant_id").get(i).over(group) for i in (0, 1))
    other = pl.when(pl.col("participant_id") == first).then(second).otherwise(first)
    same = same.with_columns(other=other).sort(ROW)
    hint = pl.format("night for night the diary of {} as well: kept, is one a copy of the other?", "other")
    return [Violation(same[ROW], "participant_id", RULE, "warn", worded(same, hint))]


def _logged(present: Sequence[Variable]) -> list[str]:
    """Return the columns of the codebook that a participant fills in."""
    there = {v.name for v in present}
    return [v.name for v in codebook.variables("diary") if v.name in there and v.name not in (*_KEY, *_SHARED)]
