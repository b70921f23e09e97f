"""Rows in which the cells from some column on have slid one column to the left or to the right."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from crampstudy.cleaning.raw import ROW, RawTable, worded
from crampstudy.codebook import Variable, rules

LEAST = 3
"""Cells of a row that must fail before it is looked at for a shift."""


def find(table: RawTable, failing: pl.DataFrame, present: Sequence[Variable]) -> pl.DataFrame:
    """Return the shifted rows among ``failing`` (columns ``ROW`` and ``column``), with a hint each.

    A row is shifted if at least three of its cells fail their type, range or level, and none from the first
    of them on does when the cells from there on go back by one column.
    """
    order = table.frame.columns
    counted = failing.group_by(ROW).agg(
        n=pl.col("column").n_unique(),
        first=pl.col("column").replace_strict(order, range(len(order)), return_dtype=pl.Int64).min(),
    )
    suspects = counted.filter(pl.col("n") >= LEAST).sort(ROW)
    if suspects.is_empty():
        return pl.DataFrame(schema={ROW: pl.UInt32, "hint": pl.String})
    text = table.texts(suspects[ROW])
    cells = pl.concat_list(pl.all())
    first, width = pl.lit(suspects["first"]), len(order)
    nothing = pl.lit([None], dtype=pl.List(pl.String))
    back = {
        "right": pl.concat_list(cells.list.head(first), cells.list.slice(first + 1), nothing),
        "left": pl.concat_list(cells.list.head(first), nothing, cells.list.slice(first, width - 1 - first)),
    }
    hints = []
    for side, moved in back.items():
        undone = text.select(moved.alias("cells")).select(
            pl.col("cells").list.get(i).alias(name) for i, name in enumerate(order)
        )
        fits = _fails(undone, present) == 0
        hint = f"on, the row has slid one column to the {side}: put the cells back under their headings"
        hints.append(pl.when(pl.lit(fits)).then(pl.lit(hint)))
    found = suspects.with_columns(hint=pl.coalesce(hints)).drop_nulls("hint")
    names = pl.col("first").replace_strict(range(width), order, return_dtype=pl.String)
    return found.select(ROW, hint=worded(found, pl.format("at the latest from {} {}", names, pl.col("hint"))))


def _fails(text: pl.DataFrame, present: Sequence[Variable]) -> pl.Series:
    """Return how many cells of each row fail their type, range or level."""
    typed = text.select(rules.typed(v, pl.String()) for v in present)
    wrong = [text[v.name].is_not_null() & typed[v.name].is_null() for v in present]
    broken = typed.select(
        rule.fill_null(value=False).alias(f"{v.name}:{name}")
        for v in present
        for name, rule in rules.value_rules(v).items()
    )
    missing = [text[v.name].is_null() for v in present if v.severity == "reject-row" and v.name != "cramps"]
    flags = [mask.cast(pl.Int64) for mask in (*wrong, *broken.get_columns(), *missing)]
    return sum(flags, start=pl.zeros(text.height, dtype=pl.Int64, eager=True))
