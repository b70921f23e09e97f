"""Mistakes planted in tables as text, each on record.

A mistake is planted only where it makes a row wrong in a way that can be seen from the data; one row has one mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Integers
from crampstudy.simulate.corruption.cell_errors import CELL_ERRORS, CellError, Place, Window
from crampstudy.simulate.truth.parameters import param

INJECTED = pl.Schema(
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
class Mistakes:
    """How many mistakes of which kinds, by default none; as far as the tables have cells for them.

    Raises:
        ParameterError: a kind is unknown, or both numbers are given.
    """

    each: int = param(0, unit="mistakes of each kind", low=0, high=10**6)
    row_share: float = param(0.0, unit="proportion of a table's rows with a mistake, all kinds alike", low=0, high=1)
    kinds: tuple[str, ...] = field(
        default_factory=lambda: tuple(KINDS),
        metadata={"unit": "kinds of mistakes", "low": None, "high": None, "levels": (), "basis": "assumption"},
    )

    def __post_init__(self) -> None:
        if unknown := [kind for kind in self.kinds if kind not in KINDS]:
            raise ParameterError(f"mess.kinds: no kind of mistake {unknown[0]!r}; allowed: {', '.join(KINDS)}")
        if self.each and self.row_share:
            raise ParameterError("mess.each and mess.row_share are both above 0; give one of them")

    @property
    def any(self) -> bool:
        """Whether any mistake is asked for."""
        return bool(self.kinds) and (self.each > 0 or self.row_share > 0)

    def number(self, kind: str, rows: int) -> int:
        """Return how many of ``kind`` to plant in its table of so many rows."""
        if kind not in self.kinds:
            return 0
        if self.each:
            return self.each
        alike = [name for name in self.kinds if KINDS[name].table == KINDS[kind].table]
        every, rest = divmod(round(self.row_share * rows), len(alike))
        return every + (alike.index(kind) < rest)


@dataclass(slots=True)
class _TextTable:
    """A table as text on which mistakes are made.

    ``shuffled`` has all rows from before the gaps in a random order, and ``place`` where each is now, -1 if nowhere.
    """

    frame: pl.DataFrame
    shuffled: Integers
    place: Integers
    used: set[int] = field(default_factory=set)
    changes: dict[str, dict[int, str | None]] = field(default_factory=dict)
    more: list[dict[str, str | None]] = field(default_factory=list)

    def row(self, number: int) -> dict[str, str | None]:
        return self.frame.row(number, named=True)

    def set(self, number: int, column: str, cell: str | None) -> None:
        self.changes.setdefault(column, {})[number] = cell

    def add(self, row: dict[str, str | None]) -> int:
        self.more.append(row)
        return self.frame.height + len(self.more) - 1

    def by_chance(self, turn: int, turns: int) -> Iterator[tuple[int, int]]:
        """Yield rows, now and before, by chance; those first that are a kind's own, so that none takes another's."""
        for k in range(turns):
            before = self.shuffled[(turn + k) % turns :: turns]
            now = self.place[before]
            yield from zip(now[now >= 0].tolist(), before[now >= 0].tolist(), strict=True)

    def of_persons(self, persons: list[str], turn: int, turns: int) -> Iterator[tuple[int, int]]:
        """Yield rows and the number of their person, person by person; those first that are a kind's own."""
        rows = self.frame["participant_id"].to_frame().with_row_index().group_by("participant_id").agg("index")
        of_person = dict(rows.iter_rows())
        for k in range(turns):
            for person in range((turn + k) % turns, len(persons), turns):
                yield from ((number, person) for number in of_person.get(persons[person], ()))

    def finished(self) -> pl.DataFrame:
        columns = []
        for name in self.frame.columns:
            cells = self.frame[name]
            if changed := self.changes.get(name):
                values = pl.Series(list(changed.values()), dtype=pl.String)
                cells = cells.scatter(list(changed), values)
            more = pl.Series(name, [row[name] for row in self.more], dtype=pl.String)
            columns.append(pl.concat([cells, more]))
        return pl.DataFrame(columns)


_Record = dict[str, int | str | None]
_InjectError = Callable[[_TextTable, int, Window, np.random.Generator], _Record | None]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A kind of mistake: its table, what it is in words, and what makes one in a row and says so, if it can be.

    One made ``by_person`` is made in all rows of a person, and all in one way.
    """

    table: str
    about: str
    inject: _InjectError
    by_person: bool = False


def inject(
    tables: Mapping[str, pl.DataFrame],
    before: Mapping[str, pl.DataFrame],
    kept: Mapping[str, Integers],
    mistakes: Mistakes,
    window: Window,
    rng: np.random.Generator,
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return tables as text with mistakes, rows in their order and new ones last, and the record of the mistakes.

    Where a mistake is made, and which, is chance that belongs to the row it had then: other gaps take mistakes away
    with their nights, and leave the others, unless a kind runs out of the rows of its own and takes one of another's.

    Args:
        tables: The tables with their gaps, typed.
        before: The same before their gaps.
        kept: By table the rows of ``before`` that are left; all where it has none.
        mistakes: How many mistakes of which kinds.
        window: First and last night of the study before the gaps.
        rng: The generator.
    """
    order, people, chance = rng.spawn(3)
    orders = dict(zip(codebook.TABLES, order.spawn(len(codebook.TABLES)), strict=True))
    texts = {
        name: _text_table(frame, before[name].height, kept.get(name), orders[name]) for name, frame in tables.items()
    }
    persons = people.permutation(before["participants"]["participant_id"].to_numpy()).tolist()
    planted: list[_Record] = []
    seeds = chance.integers(2**63, size=len(KINDS)).tolist()
    for (name, kind), seed in zip(KINDS.items(), seeds, strict=True):
        if (table := texts.get(kind.table)) is None or not (wanted := mistakes.number(name, table.frame.height)):
            continue
        alike = [n for n, k in KINDS.items() if (k.table, k.by_person) == (kind.table, kind.by_person)]
        turn, turns = alike.index(name), len(alike)
        places = table.of_persons(persons, turn, turns) if kind.by_person else table.by_chance(turn, turns)
        for number, whose in places:
            if number in table.used:
                continue
            done = kind.inject(table, number, window, np.random.default_rng((seed, whose)))
            if done is None:
                continue
            table.used.add(number)
            planted.append({"table": kind.table, "row": number, "kind": name, **done})
            if (wanted := wanted - 1) == 0:
                break
    record = pl.DataFrame(planted, schema=INJECTED)
    return {name: table.finished() for name, table in texts.items()}, record


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table as it stands in a file of text, times to the minute."""
    return frame.select(
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M") if dtype == pl.Datetime("us") else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
    )


def _text_table(frame: pl.DataFrame, before: int, kept: Integers | None, rng: np.random.Generator) -> _TextTable:
    origin = np.arange(before) if kept is None else kept
    place = np.full(before, -1)
    place[origin] = np.arange(len(origin))
    return _TextTable(as_text(frame), rng.permutation(before), place)


def _cell_error(mistake: CellError) -> ErrorKind:
    def inject(table: _TextTable, number: int, window: Window, rng: np.random.Generator) -> _Record | None:
        columns = [c for c in mistake.columns if c in table.frame.columns]
        row = table.row(number)
        column = str(rng.choice(columns)) if columns else None
        # A night that nobody observed, and a cell that is missing, cannot go wrong so.
        if column is None or not row[column] or row.get("entry_made") == "false" or not row.get("cramps", "some"):
            return None
        wrong = mistake.corrupt(Place(row, column, window, rng))
        if wrong is None or wrong == row[column]:
            return None
        table.set(number, column, wrong or None)
        return {"column": mistake.shown or column, "original": row[column], "broken": wrong}

    return ErrorKind(mistake.table, mistake.about, inject, mistake.by_person)


def _duplicate_row(table: _TextTable, number: int, window: Window, rng: np.random.Generator) -> _Record | None:
    row = table.row(number)
    return None if row.get("entry_made") == "false" else {"column": "", "row": table.add(row)}


def _conflicting_row(table: _TextTable, number: int, window: Window, rng: np.random.Generator) -> _Record | None:
    row = table.row(number)
    if not row["cramps"]:
        return None
    other = str(int(row["cramps"]) + int(rng.integers(1, 4)))
    return {"column": "", "also": table.add({**row, "cramps": other}), "original": row["cramps"], "broken": other}


def _surplus_episode(table: _TextTable, number: int, window: Window, rng: np.random.Generator) -> _Record | None:
    """Add a cramp to a night: it is seen at the first episode of the night."""
    row = table.row(number)
    if row["episode"] != "1":
        return None
    further = dict.fromkeys(row) | {k: row[k] for k in ("participant_id", "date")} | {"episode": "150"}
    return {"column": "episode", "also": table.add(further), "broken": "150"}


def _shift_cells(to: int) -> _InjectError:
    def inject(table: _TextTable, number: int, window: Window, rng: np.random.Generator) -> _Record | None:
        row = table.row(number)
        if row.get("entry_made") == "false":
            return None
        # From one of the first columns after the keys, so that flags and counts stand where they cannot.
        start = int(rng.integers(2, 5))
        names, cells = list(row), list(row.values())
        slid = [None, *cells[start:-1]] if to > 0 else [*cells[start + 1 :], None]
        for name, cell in zip(names[start:], slid, strict=True):
            table.set(number, name, cell)
        return {"column": "", "original": names[start], "broken": "right" if to > 0 else "left"}

    return inject


KINDS: Mapping[str, ErrorKind] = {
    **{mistake.kind: _cell_error(mistake) for mistake in CELL_ERRORS},
    **{
        name: ErrorKind(table, about, inject)
        for name, table, about, inject in (
            ("slid-right", "diary", "cells slid one column to the right, from one of the first on", _shift_cells(1)),
            ("slid-left", "diary", "cells slid one column to the left, from one of the first on", _shift_cells(-1)),
            ("duplicate-exact", "diary", "a night twice, the same", _duplicate_row),
            ("duplicate-conflict", "diary", "a night twice, with two counts", _conflicting_row),
            ("episode-too-many", "episodes", "one episode more than the diary counts", _surplus_episode),
        )
    },
}
"""All kinds of mistakes, by name."""
