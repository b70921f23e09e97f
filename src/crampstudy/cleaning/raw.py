"""What cleaning works on: tables as read, violations of rules, and the ledger that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from crampstudy import codebook, names
from crampstudy.cleaning.unlogged import Unlogged
from crampstudy.codebook import Severity, Variable
from crampstudy.cohort import Credits, EarlierReading, Kind, RuleCount, SurveyDesign
from crampstudy.readable import OneLine

LEDGER = pl.Schema(
    {
        "file": pl.String(),
        "line": pl.Int64(),
        "column": pl.String(),
        "value": pl.String(),
        "rule": pl.String(),
        "severity": pl.String(),
        "hint": pl.String(),
    }
)
"""Columns of the ledger; ``line`` counts as an editor does, the header being line 1."""

UNREAD = pl.Schema({"line": pl.Int64(), "rule": pl.String(), "cells": pl.String(), "hint": pl.String()})
"""Rows that have not the cells of the header, and so cannot be rows of a table; ``cells`` is a JSON array."""

ROW, CELLS = "__row", "__cells"
APART = " (decimal point)"
"""What reading puts behind a number with a decimal point in a column of decimal commas: it is no number there."""


@dataclass(frozen=True, slots=True, repr=False)
class RawTable(OneLine):
    """One table as read: ``frame`` all text (from a text file) or typed, ``lines`` the line of each row in ``file``.

    ``extra_columns`` describes columns that the codebook does not know. ``retyped`` holds rows of ``frame`` by their
    numbers from 0, and these rows as text, trimmed and with missing cells null: where a row stands there, its text
    counts and not what ``frame`` has, so that a frame may be typed before anybody has looked at its bad cells.
    ``written`` is the whole table as it stands in the file, where reading had to rewrite cells (decimal commas).
    ``unread`` are rows of the file that could not become rows of ``frame``: they count as read and rejected.
    ``written_as`` says of columns how the file was said to write them.
    """

    name: str
    file: str
    frame: pl.DataFrame
    lines: pl.Series
    extra_columns: tuple[Variable, ...] = ()
    retyped: tuple[pl.Series, pl.DataFrame] | None = None
    written: pl.DataFrame | None = None
    unread: pl.DataFrame = field(default_factory=UNREAD.to_frame)
    written_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """How many rows were read, also those that could not become rows of ``frame``."""
        return self.frame.height + self.unread.height

    def allowed(self, v: Variable) -> str:
        """Return what is allowed in a column, as the file writes it."""
        stated = self.written_as.get(v.name)
        return f"{stated}, as the mapping says" if stated else v.allowed

    def cells(self, column: str, rows: pl.Series) -> pl.Series:
        """Return the cells of ``column`` in ``rows`` as they stand in the file.

        Of a typed row that is not among the retyped ones, the cell as the type writes it (5.0 for 5).
        """
        return self.rows(rows, [column])[column]

    def rows(self, rows: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return rows as :meth:`cells` has them."""
        return self.texts(rows, columns) if self.written is None else self.written[rows].select(columns or pl.all())

    def texts(self, rows: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return rows as the text that the rules read."""
        names = list(columns or self.frame.columns)
        stored = self.frame.select(pl.col(names).gather(rows).cast(pl.String))
        if self.retyped is None:
            return stored
        numbers, text = self.retyped
        asked = rows.cast(pl.UInt32)
        here = asked.is_in(numbers.cast(pl.UInt32).implode())
        if not here.any():
            return stored
        order = numbers.arg_sort()
        place = order.gather(numbers.gather(order).cast(pl.UInt32).search_sorted(asked.filter(here)))
        at = here.arg_true()
        return stored.with_columns(stored[name].scatter(at, text[name].gather(place)) for name in names)


@dataclass(frozen=True, slots=True, repr=False)
class Raw(OneLine):
    """A source as read, before any rule; ``window`` is the study's first and last night.

    ``name`` and ``title`` are cleaned of what no name for display holds; ``unlogged`` is the word that nights without a
    row had no cramp, where the study gives it; ``assumed`` says what was made of one when the files were written,
    and ``remarks`` what whoever reads a number of the study has to know; ``before`` is what was set aside then.
    """

    name: str
    kind: Kind
    tables: tuple[RawTable, ...]
    design: SurveyDesign | None = None
    as_of: date | None = None
    window: tuple[date, date] | None = None
    synthetic: bool = False
    notices: tuple[str, ...] = ()
    title: str | None = None
    unlogged: Unlogged | None = None
    assumed: str | None = None
    remarks: tuple[str, ...] = ()
    credits: Credits = field(default_factory=Credits)
    before: EarlierReading = field(default_factory=EarlierReading)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", names.title(self.name) or "cohort")
        object.__setattr__(self, "title", names.title(self.title or "") or None)
        completed = [_with_unrecorded(table) for table in self.tables]
        object.__setattr__(self, "tables", tuple(table for table, _ in completed))
        said = [notice for _, notices in completed for notice in notices]
        object.__setattr__(self, "notices", (*self.notices, *said))


def _with_unrecorded(table: RawTable) -> tuple[RawTable, list[str]]:
    """Return the participants with an empty column for what the study did not record of them, and a notice of each."""
    absent = [
        v
        for v in codebook.variables(table.name)
        if table.name == "participants" and v.required and v.severity == "blank-cell"
        if v.name not in table.frame.columns
    ]
    empty = [pl.lit(None, dtype=pl.String).alias(v.name) for v in absent]
    retyped = table.retyped and (table.retyped[0], table.retyped[1].with_columns(empty))
    said = [
        f"{table.file}: no column {v.name}: {v.label.lower()} is known of no participant, and what needs it says so"
        for v in absent
    ]
    return replace(table, frame=table.frame.with_columns(empty), retyped=retyped) if absent else table, said


@dataclass(frozen=True, slots=True, repr=False)
class Violation(OneLine):
    """Rows that break one rule; ``column`` is the cell to show, ``None`` the whole row.

    ``hint`` is one text, or one for each of ``rows``; ``value`` is what to show where it is not the cell itself.
    """

    rows: pl.Series
    column: str | None
    rule: str
    severity: Severity
    hint: str | pl.Series
    value: pl.Series | None = None

    def without(self, rows: pl.Series) -> Violation:
        """Return the violation of the other rows alone."""
        kept = ~self.rows.is_in(rows.implode())
        hint = self.hint if isinstance(self.hint, str) else self.hint.filter(kept)
        value = None if self.value is None else self.value.filter(kept)
        return Violation(self.rows.filter(kept), self.column, self.rule, self.severity, hint, value)


def where(frame: pl.DataFrame, rule: pl.Expr) -> pl.Series:
    """Return the rows of ``frame``, by their numbers in ``ROW``, for which ``rule`` holds."""
    return frame.select(pl.col(ROW).filter(rule)).to_series()


def ledger(table: RawTable, violations: Sequence[Violation]) -> pl.DataFrame:
    """Return the ledger of one table, by line; violations of one line stay in the order of the rules."""
    parts = []
    for violation in violations:
        shown = violation.value
        if shown is None and violation.column:
            shown = table.cells(violation.column, violation.rows)
        cells = {
            "file": table.file,
            "line": table.lines.gather(violation.rows),
            "column": violation.column or "",
            "value": "" if shown is None else shown,
            "rule": violation.rule,
            "severity": violation.severity,
            "hint": violation.hint,
        }
        parts.append(pl.DataFrame(cells, schema_overrides=LEDGER))
    unread = table.unread.select(
        pl.lit(table.file).alias("file"),
        "line",
        pl.lit("").alias("column"),
        pl.col("cells").alias("value"),
        "rule",
        pl.lit("reject-row").alias("severity"),
        "hint",
    )
    return pl.concat([LEDGER.to_frame(), *parts, unread]).sort("line", maintain_order=True)


def worded(rows: pl.DataFrame, hint: pl.Expr) -> pl.Series:
    """Return the hint of each row."""
    # Polars 2.1 can panic in format() where a column begins with empty chunks, as filters leave them.
    return rows.rechunk().with_columns(worded=hint)["worded"]


def rule_counts(ledger: pl.DataFrame, table: str) -> tuple[RuleCount, ...]:
    """Return how often each rule was broken in a table, and in which columns."""
    counts = ledger.group_by("rule", "severity").len().sort("rule", "severity")
    by_column = ledger.filter(pl.col("column") != "").group_by("rule", "severity", "column").len().sort("column")
    named: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for rule, severity, column, n in by_column.iter_rows():
        named.setdefault((rule, severity), []).append((column, n))
    return tuple(
        RuleCount(rule, severity, n, tuple(named.get((rule, severity), ())), table)
        for rule, severity, n in counts.iter_rows()
    )


def by_analyte(table: RawTable, violations: Sequence[Violation]) -> list[Violation]:
    """Return violations for counting: a value of ``labs`` is one of its analyte, in whose place it then stands."""
    made: list[Violation] = []
    for each in violations:
        if table.name != "labs" or each.column != "value":
            made.append(each)
            continue
        of = pl.DataFrame({"row": each.rows, "analyte": table.cells("analyte", each.rows)})
        for (name,), rows in of.group_by("analyte", maintain_order=True):
            made.append(Violation(rows["row"], str(name), each.rule, each.severity, "", rows["analyte"]))
    return made


def rejected(violations: Sequence[Violation]) -> pl.Series:
    """Return the rows that some violation rejects, each once, in order."""
    rows = [b.rows.cast(pl.UInt32) for b in violations if b.severity == "reject-row"]
    return pl.concat([pl.Series([], dtype=pl.UInt32), *rows]).unique().sort()
