"""Held against what its file plainly says and against the valid study: was anything changed or lost without a word?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import polars as pl
from fuzz_plain import MISSING, Plain, Row, readings, same
from fuzz_study import Tables, written

from crampstudy import codebook
from crampstudy.cleaning import Cleaned


@dataclass(frozen=True)
class Told:
    """What cleaning said of one table: the lines rejected, and the cells named in the ledger by line and column."""

    rejected: frozenset[int]
    anywhere: frozenset[int]
    cells: frozenset[tuple[int, str]]
    said: str

    def left_out(self, column: str) -> bool:
        return any(column in line and ("left out" in line or "not used" in line) for line in self.said.splitlines())

    @classmethod
    def of(cls, cleaned: Cleaned, table: str) -> Told:
        rows = cleaned.rejected.get(table)
        lines = [] if rows is None else rows["__line"].to_list()
        file = next(count.file for count in cleaned.cohort.attrition.tables if count.table == table)
        cells = cleaned.ledger.filter(pl.col("file") == file).select("line", "column").rows()
        anywhere = [line for table in cleaned.rejected.values() for line in table["__line"]]
        return cls(frozenset(lines), frozenset(anywhere), frozenset(cells), "\n".join(cleaned.cohort.attrition.notices))


def problems(cleaned: Cleaned, plain: Plain | None, truth: Tables, texts: str = "") -> Iterator[str]:
    """Yield what was lost or changed without a word, in words.

    ``plain`` is missing where nobody can say; ``texts`` is then all that the files hold.
    """
    yield from _counts(cleaned)
    kept = {column for frame in cleaned.cohort.tables.values() for column in frame.columns}
    for name, frame in cleaned.cohort.tables.items():
        if plain is None:
            yield from _against_truth(name, frame, truth.get(name, []), texts)
        elif name not in plain:
            yield f"{name}: a table that the file does not have"
        else:
            told = Told.of(cleaned, name)
            yield from _lost_columns(name, plain[name], kept, told)
            yield from _against_plain(name, frame, plain[name], told)


def _counts(cleaned: Cleaned) -> Iterator[str]:
    for count in cleaned.cohort.attrition.tables:
        height = cleaned.cohort.tables[count.table].height
        if count.read != count.accepted + count.rejected or count.accepted != height:
            said = f"{count.read} read, {count.accepted} accepted, {count.rejected} rejected"
            yield f"{count.table}: {said}, {height} kept"
        listed = cleaned.rejected[count.table]
        if listed.height != count.rejected:
            yield f"{count.table}: {count.rejected} rejected and {listed.height} listed"
        ours = (pl.col("file") == count.file) & (pl.col("severity") == "reject-row")
        said = cleaned.ledger.filter(ours)["line"].to_list()
        if quiet := set(listed["__line"].to_list()) - set(said):
            yield f"{count.table}: line {min(quiet)} was rejected and is not in the ledger"


def _lost_columns(name: str, rows: list[Row], kept: set[str], told: Told) -> Iterator[str]:
    filled = {column for row in rows if row.whole for column, cell in row.cells.items() if cell[0] not in (None, "")}
    for column in sorted(filled - kept):
        # Some sources call a column by the codebook's name whatever its case.
        if column.strip() and column.strip().lower() not in kept and not told.left_out(column):
            yield f"{name}: the column {column!r} is gone"


def _against_plain(name: str, frame: pl.DataFrame, rows: list[Row], told: Told) -> Iterator[str]:
    keys = list(codebook.TABLES[name].key)
    accepted = {tuple(row[key] for key in keys): row for row in frame.to_dicts()}
    met: set[tuple[Any, ...]] = set()
    left: set[tuple[Any, ...]] = set()
    for row in rows:
        # A row of another length is listed once, though several tables may come from its file.
        if row.line in (told.rejected if row.whole else told.anywhere):
            continue
        found = [key for key in _keys(name, row, keys) if key in accepted]
        if not found:
            if not row.optional:
                yield f"{name}: line {row.line} is neither accepted nor rejected: {_shown(row, keys)}"
            continue
        if found[0] in met and not row.optional:
            yield f"{name}: line {row.line} is gone: {found[0]} came from another line"
        if row.optional:
            # A row that may be left out says nothing of what another one makes.
            left.add(found[0])
            continue
        met.add(found[0])
        yield from _cells(name, accepted[found[0]], row, told)
    for key in accepted.keys() - met - left:
        yield f"{name}: {key} was accepted, and no row says it"


def _keys(name: str, row: Row, keys: list[str]) -> Iterator[tuple[Any, ...]]:
    of = [[v for raw in row.cells.get(key, ()) for v in readings(raw, codebook.find(key, name))] for key in keys]
    yield from product(*of)


def _shown(row: Row, keys: list[str]) -> str:
    return ", ".join(str(row.cells.get(key, ("",))[0]) for key in keys)


def _cells(name: str, accepted: dict[str, Any], row: Row, told: Told) -> Iterator[str]:
    lowered = {column.strip().lower(): cell for column, cell in row.cells.items()}
    for column, value in accepted.items():
        cell = row.cells.get(column, lowered.get(column, (None,)))
        if value is None:
            if any(raw is None or str(raw).strip() in MISSING or raw != raw for raw in cell):
                continue
            if (row.line, column) not in told.cells:
                yield f"{name}: line {row.line}, {column}: {cell[0]!r} became missing without a word"
            continue
        variable = codebook.find(column, name)
        if not any(same(value, read) for raw in cell for read in readings(raw, variable)):
            yield f"{name}: line {row.line}, {column}: {cell[0]!r} became {value!r}"


def _against_truth(name: str, frame: pl.DataFrame, truth: list[dict[str, Any]], texts: str) -> Iterator[str]:
    """Where nobody else can read the file: what was accepted is as it was, or stands somewhere in it."""
    keys = codebook.TABLES[name].key
    known = {tuple(row[key] for key in keys): row for row in truth}
    for row in frame.to_dicts():
        old = known.get(tuple(row[key] for key in keys), {})
        for column, value in row.items():
            if value is not None and not (column in old and same(value, old[column])) and written(value) not in texts:
                yield f"{name}: {column} of {[row[key] for key in keys]}: {old.get(column)!r} became {value!r}"


def altered(before: Plain, after: Plain, cleaned: Cleaned, truth: Tables) -> Iterator[str]:
    """Yield cells that stand in the file as before and were accepted otherwise than they are known to be."""
    for name, frame in cleaned.cohort.tables.items():
        keys = list(codebook.TABLES[name].key)
        was, now = (_by_key(name, plain.get(name, []), keys) for plain in (before, after))
        accepted = {tuple(row[key] for key in keys): row for row in frame.to_dicts()}
        for known in truth.get(name, []):
            key = tuple(known[k] for k in keys)
            if key not in accepted or len(now.get(key, ())) != 1 or len(was.get(key, ())) != 1:
                continue
            for column, value in accepted[key].items():
                before_it, after_it = was[key][0].cells.get(column), now[key][0].cells.get(column)
                untouched = before_it is not None and before_it == after_it
                if untouched and column in known and value is not None and not same(value, known[column]):
                    yield f"{name}: {column} of {key} stands there as before, {known[column]!r}, and became {value!r}"


def _by_key(name: str, rows: list[Row], keys: list[str]) -> dict[tuple[Any, ...], list[Row]]:
    made: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        for key in _keys(name, row, keys):
            made.setdefault(key, []).append(row)
    return made
