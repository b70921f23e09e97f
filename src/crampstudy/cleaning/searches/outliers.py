"""Counts far above all others, such as a 99 that stands for "no answer": said, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import ROW, Violation, worded
from crampstudy.cleaning.rule import View
from crampstudy.codebook import Variable

RULE = "far-count"
LEAST = 20
"""A count below it is never called far."""
TIMES = 5
"""How many times the high counts of the same person, and of everybody, a far one is above."""
_OWN, _ALL = 0.9, 0.95  # which of the other counts are called the high ones
_MOST = 1000  # a variable that may be higher is an amount, such as steps
_TALLY = pl.Schema({"column": pl.String(), "participant_id": pl.String(), "count": pl.Int64(), "n": pl.Int64()})
_HIGH = pl.Schema({"column": pl.String(), ROW: pl.UInt32(), "participant_id": pl.String(), "count": pl.Int64()})


def tally(view: View) -> pl.DataFrame:
    """Return how often (``n``) each participant has each ``count`` in each ``column`` of nightly counts."""
    found = {name: _tallied(view.rows.select("participant_id", count=name)) for name in _counts(view.present)}
    return pl.concat([_TALLY.to_frame(), *_named(found)])


def high(view: View) -> pl.DataFrame:
    """Return the rows whose count in a ``column`` may be far above the others."""
    rows = {name: view.rows.select(ROW, "participant_id", count=name) for name in _counts(view.present)}
    found = {name: of.filter(pl.col("count") >= LEAST) for name, of in rows.items()}
    return pl.concat([_HIGH.to_frame(), *_named(found)])


def far_counts(tallies: pl.DataFrame, rows: pl.DataFrame) -> list[Violation]:
    """Return where a nightly count without usual limits is far above the person's other nights and all others'."""
    found = []
    columns = set(rows["column"])
    for name in (v.name for v in codebook.variables("diary") if v.name in columns):
        of = pl.col("column") == name
        far = _far(tallies.filter(of), rows.filter(of))
        if far.height:
            hint = "far above this participant's other nights and everybody else's: kept, look at it; "
            code = f"if {{}} is a code for a missing answer, declare it: SOURCE?missing={name}:{{}}"
            hints = worded(far, pl.format(hint + code, "count", "count"))
            found.append(Violation(far[ROW], name, RULE, "warn", hints))
    return found


def far_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return those of ``rows`` (of ``participant_id`` and ``count``) whose count is far above the others."""
    return _far(_tallied(rows), rows.filter(pl.col("count") >= LEAST))


def _counts(present: Sequence[Variable]) -> Iterator[str]:
    """Yield the columns of counts that have no usual limits."""
    for v in present:
        if v.type == "integer" and v.maximum is not None and v.maximum <= _MOST and v.usual_maximum is None:
            yield v.name


def _named(found: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for name, rows in found.items():
        yield rows.select(pl.lit(name).alias("column"), pl.all())


def _tallied(rows: pl.DataFrame) -> pl.DataFrame:
    known = rows.select("participant_id", "count").drop_nulls("count")
    return known.group_by("participant_id", "count").agg(n=pl.len().cast(pl.Int64))


def _far(tallies: pl.DataFrame, high: pl.DataFrame) -> pl.DataFrame:
    """Return those of the ``high`` rows that are far above what :func:`tally` has of one column.

    A count is held against the others alone: a code that stands for a missing answer comes many times.
    """
    if high.is_empty():
        return high
    counts = tallies.group_by("count").agg(pl.col("n").sum())
    others = high.select("count").unique().join(counts, how="cross", suffix="_other")
    others = others.filter(pl.col("count") != pl.col("count_other")).sort("count", "count_other")
    reached = pl.col("n").cum_sum().over("count") >= _ALL * pl.col("n").sum().over("count")
    limits = others.filter(reached).group_by("count").agg(everybody=pl.col("count_other").first())
    beyond = high.join(limits, on="count", maintain_order="left").filter(pl.col("count") > TIMES * pl.col("everybody"))
    person = ["participant_id", "count"]
    theirs = beyond.select(person).unique().join(tallies.select(*person, "n"), on="participant_id", suffix="_other")
    apart = theirs.filter(pl.col("count") != pl.col("count_other"))
    each = pl.col("count_other").repeat_by("n").explode()
    own = apart.group_by(person).agg(own=each.quantile(_OWN, "lower"))
    compared = beyond.join(own, on=person, how="left", maintain_order="left")
    return compared.filter((pl.col("count") > TIMES * pl.col("own")).fill_null(value=True)).select(high.columns)
