"""From a clean cohort to a messy one: mistakes planted in its tables as text, each on record.

A mistake is planted only where it makes a row wrong in a way that can be seen from the data; one row has one mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate.mistakes import CELL_MISTAKES, CellMistake, Place

PLANTED = pl.Schema(
    {
        "table": pl.String(),
        "row": pl.Int64(),
        "also": pl.Int64(),
        "column": pl.String(),
        "kind": pl.String(),
        "original": pl.String(),
        "broken": pl.String(),
    }
)
"""The record of a mistake: ``row`` and ``column`` (empty: the whole row) are where it can be seen, rows from 0;
``also`` is a second row that the mistake makes doubtful."""


@dataclass(frozen=True, slots=True)
class Mess:
    """How many mistakes of each kind to plant (as far as the cohort has cells for them); all kinds by default.

    Raises:
        ParameterError: a kind is unknown, or a number is negative.
    """

    each: int = 150
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(KINDS))

    def __post_init__(self) -> None:
        if unknown := [kind for kind in self.kinds if kind not in KINDS]:
            raise ParameterError(f"no kind of mistake {unknown[0]!r}; allowed: {', '.join(KINDS)}")
        if self.each < 0:
            raise ParameterError(f"each is {self.each}; allowed: a whole number of at least 0")


@dataclass(frozen=True, slots=True)
class Degraded:
    """Tables as text with mistakes, rows in the order of the cohort and new ones last, and the record of them."""

    tables: Mapping[str, pl.DataFrame]
    planted: pl.DataFrame
    window: tuple[date, date]


@dataclass(slots=True)
class _Table:
    frame: pl.DataFrame
    used: set[int]
    changes: dict[str, dict[int, str | None]]
    more: list[dict[str, str | None]]

    def row(self, number: int) -> dict[str, str | None]:
        return self.frame.row(number, named=True)

    def set(self, number: int, column: str, cell: str | None) -> None:
        self.changes.setdefault(column, {})[number] = cell

    def add(self, row: dict[str, str | None]) -> int:
        self.more.append(row)
        return self.frame.height + len(self.more) - 1

    def finished(self) -> pl.DataFrame:
        columns = []
        for name in self.frame.columns:
            cells = self.frame[name].to_list()
            for number, cell in self.changes.get(name, {}).items():
                cells[number] = cell
            columns.append(pl.Series(name, [*cells, *(row[name] for row in self.more)], dtype=pl.String))
        return pl.DataFrame(columns)


_Planted = dict[str, int | str | None]
_RowMistake = Callable[[_Table, int, np.random.Generator], tuple[str, int | None, str | None, str | None] | None]


def degrade(cohort: Cohort, mess: Mess, rng: np.random.Generator) -> Degraded:
    """Plant mistakes in a diary cohort; equal arguments give equal mistakes.

    Raises:
        ParameterError: the cohort has no diary.
    """
    if cohort.kind != "diary":
        raise ParameterError(f"{cohort.name} is a survey: mistakes are planted in diaries")
    nights = cohort.frame("diary")["date"].sort()
    window: tuple[date, date] = (nights[0], nights[-1])
    tables = {name: _Table(_text(frame), set(), {}, []) for name, frame in cohort.tables.items()}
    planted: list[_Planted] = []
    for kind, own in zip(KINDS, rng.spawn(len(KINDS)), strict=True):
        if kind not in mess.kinds or (table := KINDS[kind].table) not in tables:
            continue
        plant = KINDS[kind].plant
        planted += plant(tables[table], mess.each, window, own)
    record = pl.DataFrame(planted, schema=PLANTED)
    return Degraded({name: table.finished() for name, table in tables.items()}, record, window)


@dataclass(frozen=True, slots=True)
class MistakeKind:
    """A kind of mistake: its table, what it is in words, and what plants so many of it."""

    table: str
    about: str
    plant: Callable[[_Table, int, tuple[date, date], np.random.Generator], list[_Planted]]


def _in_cells(mistake: CellMistake) -> MistakeKind:
    def plant(table: _Table, n: int, window: tuple[date, date], rng: np.random.Generator) -> list[_Planted]:
        columns = [c for c in mistake.columns if c in table.frame.columns]
        done: list[_Planted] = []
        for number in rng.permutation(table.frame.height).tolist():
            if len(done) >= n or not columns:
                break
            row = table.row(number)
            column = str(rng.choice(columns))
            # A night that nobody observed, and a cell that is missing, cannot go wrong so.
            if number in table.used or not row[column] or row.get("entry_made") == "false":
                continue
            if "cramps" in row and not row["cramps"]:
                continue
            wrong = mistake.spoil(Place(row, column, window, rng))
            if wrong is None or wrong == row[column]:
                continue
            table.used.add(number)
            table.set(number, column, wrong or None)
            shown = mistake.shown or column
            done.append(_record(mistake.table, number, None, shown, mistake.kind, row[column], wrong))
        return done

    return MistakeKind(mistake.table, mistake.about, plant)


def _in_rows(name: str, table_name: str, about: str, spoil: _RowMistake) -> MistakeKind:
    def plant(table: _Table, n: int, window: tuple[date, date], rng: np.random.Generator) -> list[_Planted]:
        done: list[_Planted] = []
        for number in rng.permutation(table.frame.height).tolist():
            if len(done) >= n:
                break
            row = table.row(number)
            if number in table.used or row.get("entry_made") == "false":
                continue
            made = spoil(table, number, rng)
            if made is None:
                continue
            table.used.add(number)
            column, also, original, broken = made
            seen = number if also is None or name != "duplicate-exact" else also
            other = None if seen == also else also
            done.append(_record(table_name, seen, other, column, name, original, broken))
        return done

    return MistakeKind(table_name, about, plant)


def _record(
    table: str, row: int, also: int | None, column: str, kind: str, original: str | None, broken: str | None
) -> _Planted:
    return dict(zip(PLANTED, (table, row, also, column, kind, original, broken), strict=True))


def _twice(table: _Table, number: int, rng: np.random.Generator) -> tuple[str, int, None, None]:
    return "", table.add(table.row(number)), None, None


def _contradicted(table: _Table, number: int, rng: np.random.Generator) -> tuple[str, int, str | None, str] | None:
    row = table.row(number)
    if not row["cramps"]:
        return None
    other = str(int(row["cramps"]) + int(rng.integers(1, 4)))
    return "", table.add({**row, "cramps": other}), row["cramps"], other


def _one_more(table: _Table, number: int, rng: np.random.Generator) -> tuple[str, int, None, str] | None:
    """Add a cramp to a night: it is seen at the first episode of the night."""
    row = table.row(number)
    if row["episode"] != "1":
        return None
    further = dict.fromkeys(row) | {k: row[k] for k in ("participant_id", "date")} | {"episode": "150"}
    return "episode", table.add(further), None, "150"


def _slid(to: int) -> _RowMistake:
    def spoil(table: _Table, number: int, rng: np.random.Generator) -> tuple[str, None, str, str]:
        # From one of the first columns after the keys, so that flags and counts stand where they cannot.
        start = int(rng.integers(2, 5))
        names = table.frame.columns
        cells = list(table.row(number).values())
        slid = [None, *cells[start:-1]] if to > 0 else [*cells[start + 1 :], None]
        for name, cell in zip(names[start:], slid, strict=True):
            table.set(number, name, cell)
        return "", None, names[start], "right" if to > 0 else "left"

    return spoil


def _text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M") if dtype == pl.Datetime("us") else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
    )


KINDS: Mapping[str, MistakeKind] = {
    **{mistake.kind: _in_cells(mistake) for mistake in CELL_MISTAKES},
    **{
        name: _in_rows(name, table, about, spoil)
        for name, table, about, spoil in (
            ("slid-right", "diary", "cells slid one column to the right, from one of the first on", _slid(1)),
            ("slid-left", "diary", "cells slid one column to the left, from one of the first on", _slid(-1)),
            ("duplicate-exact", "diary", "a night twice, the same", _twice),
            ("duplicate-conflict", "diary", "a night twice, with two counts", _contradicted),
            ("episode-too-many", "episodes", "one episode more than the diary counts", _one_more),
        )
    },
}
"""All kinds of mistakes, by name."""
