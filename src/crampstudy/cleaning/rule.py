"""What a rule of cleaning is: one record, from which documentation, needed columns and both ways of reading derive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from crampstudy.cleaning.raw import Violation
from crampstudy.cleaning.unlogged import Unlogged
from crampstudy.codebook import Severity, Variable

Stage = Literal["file", "cells", "row", "keys", "duplicates", "accepted", "study", "user"]
"""When a rule is asked, in this order.

``file``: by the reader, as rows are told apart. ``cells``: each cell against the codebook. ``row``: cells of one row
against each other. ``keys``: rows against the study, each rule seeing what those before it have left. ``duplicates``:
rows against each other. ``accepted``: what is odd in rows that stay. ``study``: tables against each other, once all
nights are known. ``user``: what the user's own corrections say.
"""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a table is cleaned: the tables before it, the study's window and the day of the reading.

    ``unlogged`` is the word of the study on nights without a row.
    """

    accepted: Mapping[str, pl.DataFrame]
    window: tuple[date, date] | None = None
    today: date | None = None
    unlogged: Unlogged | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a rule looks at: typed rows of one table, the keys of those still in question, and what else is known."""

    table: str
    rows: pl.DataFrame
    keys: pl.DataFrame
    present: Sequence[Variable]
    context: Context


Frames = Mapping[str, pl.DataFrame]
Search = Callable[[View], list[Violation]]


@dataclass(frozen=True, slots=True)
class AcrossTables:
    """How tables are held against each other: ``search`` them all; ``nights`` are those of the diary that are needed.

    Of a diary that is read in chunks only these are kept, so that the rule finds the same in both ways of reading.
    """

    search: Callable[[Frames], list[Violation]]
    nights: Callable[[Frames], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class AcrossParts:
    """How rows of all participants are held against each other: ``search`` those in question by what was tallied.

    ``tally`` and ``asked`` are made of the accepted rows of a table, or of each part of one; those of all parts, one
    below the other, are that of the whole. ``tally`` is small, and ``asked`` has the rows that may be found, with their
    ``ROW`` and the name of the ``column`` that is looked at.
    """

    tally: Callable[[View], pl.DataFrame]
    asked: Callable[[View], pl.DataFrame]
    search: Callable[[pl.DataFrame, pl.DataFrame], list[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name in the ledger, its severity (``unless`` tells where another one holds), and how it is found.

    ``tables`` are those that it looks at (all where none is named; of a rule of the study, the first is where it
    speaks), ``columns`` those that must all be there for it to be asked. A rule of a row is an ``expression`` that
    is true where it is broken; the ledger then has a line for each column of ``blamed``, with the ``hint``. Others
    are found by ``search``, which may find several at once, by ``parts`` where all participants count, or ``across``
    tables; those of the stages ``file``, ``cells`` and ``user`` where cells are read.
    """

    name: str
    severity: Severity
    when: str
    stage: Stage
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    blamed: tuple[str, ...] = ()
    hint: str = ""
    unless: str = ""
    expression: pl.Expr | None = None
    search: Search | None = None
    parts: AcrossParts | None = None
    across: AcrossTables | None = None

    def asked_of(self, table: str, columns: Sequence[str]) -> bool:
        """Return whether a table is one that the rule looks at, and has the columns that it needs."""
        return (not self.tables or table in self.tables) and set(self.columns) <= set(columns)
