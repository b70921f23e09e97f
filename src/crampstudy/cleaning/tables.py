"""One table cleaned: its accepted rows, and all that its rules find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import apply_rules, cells, marks
from crampstudy.cleaning.raw import CELLS, ROW, RawTable, Violation, rejected
from crampstudy.cleaning.rule import Context, View
from crampstudy.cohort import TableCount
from crampstudy.errors import SourceError


def clean_table(table: RawTable, context: Context) -> tuple[pl.DataFrame, list[Violation]]:
    """Return the accepted rows of one table, with their ``ROW``, and all that is to be said of it.

    Raises:
        SourceError: as :func:`clean_part`.
    """
    view, violations = clean_part(table, context)
    for across in apply_rules.across_parts(view):
        asked = across.asked(view)
        violations += across.search(across.tally(view), asked) if asked.height else []
    return view.rows, violations


def clean_part(table: RawTable, context: Context) -> tuple[View, list[Violation]]:
    """Return the accepted rows of a table, or of a part of one with all rows of some participants, as rules see them.

    What is to be said of them is so without the rules that hold rows of all participants against each other.

    Raises:
        SourceError: a required column is missing, or a column has a name that is not free.
    """
    columns = table.frame.columns
    if reserved := [name for name in columns if name.startswith("__")]:
        raise SourceError(f"{table.file}: the column {reserved[0]!r} begins with two underscores; rename it")
    known = {v.name: v for v in (*codebook.variables(table.name), *table.extra_columns)}
    if missing := [v.name for v in codebook.variables(table.name) if v.required and v.name not in columns]:
        raise SourceError(
            f"{table.file}: the required column {missing[0]} is missing; "
            f"the file has {', '.join(columns[:12])}; rename or add the column, empty if it was not recorded"
        )
    there = set(columns)
    present = [v for name, v in known.items() if name in there]
    table, marked = marks.without_marks(table, present)
    frame, violations = cells.check(table, present)
    violations = [*marked, *violations]
    # A wide table is filtered once, when all rows to be rejected are known.
    asked = frame.select(ROW, *apply_rules.row_columns(table.name, columns))
    found = apply_rules.contradictions(table.name, _without(asked, violations))
    keys = _without(frame.select(ROW, *codebook.TABLES[table.name].key), violations)
    violations += found
    frame = _blanked(frame, found)
    set_apart: list[Violation] = []
    view = View(table.name, frame, keys, present, context)
    for stage in ("keys", "duplicates"):
        for search in apply_rules.searches(stage, view):
            found = search(view)
            set_apart += found
            view = replace(view, keys=_without(view.keys, found))
    violations += set_apart
    frame = _without(frame, violations)
    # What follows is said of accepted rows alone.
    view = replace(view, rows=frame)
    found = [violation for search in apply_rules.searches("accepted", view) for violation in search(view)]
    return replace(view, rows=_blanked(frame, found)), [*violations, *found]


def set_aside(table: RawTable, violations: Sequence[Violation]) -> pl.DataFrame:
    """Return the rejected rows of a table as they stand in the file, with their ``__line``."""
    rows = rejected(violations)
    aside = table.rows(rows).insert_column(0, table.lines.gather(rows).alias("__line"))
    if table.unread.is_empty():
        return aside
    unread = table.unread.select(pl.col("line").alias("__line"), pl.col("cells").alias(CELLS))
    return pl.concat([aside, unread], how="diagonal").sort("__line", maintain_order=True)


def count(table: RawTable, accepted: int, violations: Sequence[Violation]) -> TableCount:
    """Return how many rows of a table were read, ``accepted`` and rejected, and how many cells blanked."""
    blanked = sum(len(b.rows) for b in violations if b.severity == "blank-cell")
    return TableCount(table.name, table.file, table.height, accepted, table.height - accepted, blanked)


def nothing_left(file: str, rows: int, lines: pl.DataFrame) -> SourceError:
    """Return the error for a table of which no row was accepted; ``lines`` is its ledger."""
    if not rows:
        return SourceError(f"{file}: the file has a header and no rows")
    every = "the only row was" if rows == 1 else f"all {rows} rows were"
    first = lines.filter(pl.col("severity") == "reject-row").row(0, named=True)
    return SourceError(
        f"{file}: {every} rejected; the first, line {first['line']}, "
        f"column {first['column'] or 'all'}, value {first['value']!r}: {first['hint']}"
    )


def _without(frame: pl.DataFrame, violations: Sequence[Violation]) -> pl.DataFrame:
    rows = rejected(violations)
    return frame.filter(~pl.col(ROW).is_in(rows.implode())) if len(rows) else frame


def _blanked(frame: pl.DataFrame, violations: Sequence[Violation]) -> pl.DataFrame:
    costly = [b for b in violations if b.severity == "blank-cell" and b.column]
    return frame.with_columns(
        pl.when(~pl.col(ROW).is_in(pl.concat([b.rows for b in costly if b.column == name]).implode())).then(name)
        for name in dict.fromkeys(b.column for b in costly if b.column)
    )
