"""Counts far above all others, such as a 99 that stands for "no answer": said, and nothing changed."""

from __future__ import annotations

import polars as pl

from crampstudy.cleaning.raw import ROW, Violation, worded
from crampstudy.cleaning.rule import View

RULE = "far-count"
LEAST = 20
"""A count below it is never called far."""
TIMES = 5
"""How many times the high counts of the same person, and of everybody, a far one is above."""
_OWN, _ALL = 0.9, 0.95  # which of the other counts are called the high ones
_MOST = 1000  # a variable that may be higher is an amount, such as steps


def far_counts(view: View) -> list[Violation]:
    """Return where a nightly count without usual limits is far above the person's other nights and all others'."""
    found = []
    for v in view.present:
        if v.type != "integer" or v.maximum is None or v.maximum > _MOST or v.usual_maximum is not None:
            continue
        rows = far_rows(view.rows.select(ROW, "participant_id", count=v.name))
        if rows.height:
            hint = "far above this participant's other nights and everybody else's: kept, look at it; "
            code = f"if {{}} is a code for a missing answer, declare it: SOURCE?missing={v.name}:{{}}"
            hints = worded(rows, pl.format(hint + code, "count", "count"))
            found.append(Violation(rows[ROW], v.name, RULE, "warn", hints))
    return found


def far_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return those of ``rows`` (of ``participant_id`` and ``count``) whose count is far above.

    A count is held against the others alone: a code that stands for a missing answer comes many times.
    """
    rows = rows.drop_nulls("count")
    high = rows.filter(pl.col("count") >= LEAST)
    if high.is_empty():
        return high
    counts = rows.group_by("count").len()
    others = high.select("count").unique().join(counts, how="cross", suffix="_other")
    others = others.filter(pl.col("count") != pl.col("count_other")).sort("count", "count_other")
    reached = pl.col("len").cum_sum().over("count") >= _ALL * pl.col("len").sum().over("count")
    limits = others.filter(reached).group_by("count").agg(everybody=pl.col("count_other").first())
    beyond = high.join(limits, on="count", maintain_order="left").filter(pl.col("count") > TIMES * pl.col("everybody"))
    person = ["participant_id", "count"]
    theirs = beyond.select(person).unique().join(rows.select(person), on="participant_id", suffix="_other")
    apart = theirs.filter(pl.col("count") != pl.col("count_other"))
    own = apart.group_by(person).agg(own=pl.col("count_other").quantile(_OWN, "lower"))
    compared = beyond.join(own, on=person, how="left", maintain_order="left")
    return compared.filter((pl.col("count") > TIMES * pl.col("own")).fill_null(value=True)).select(rows.columns)
