"""Corrections that the user has written down: one cell each, from a value to a value, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import RawTable, Violation
from crampstudy.codebook import rules
from crampstudy.errors import SourceError
from crampstudy.readable import OneLine

FILE = "corrections.yaml"
"""The name under which a data package may hold its corrections."""
VERSION = "1"
_KEYS = ("table", "where", "column", "from", "to", "reason")
_EXAMPLE = (
    '{table: diary, where: {participant_id: "002", date: 2025-03-01}, column: cramps, from: 22, to: 2, reason: …}'
)


@dataclass(frozen=True, slots=True, repr=False)
class Correction(OneLine):
    """One cell: in the row of ``table`` with these cells, ``column`` is not ``old`` but ``new`` (``None``: missing)."""

    table: str
    where: Mapping[str, str] = field(repr=False)
    column: str
    old: str | None = field(repr=False)
    new: str | None = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Corrections(OneLine):
    """The corrections of one file, in its order."""

    file: str
    items: tuple[Correction, ...]

    def apply(self, tables: Mapping[str, RawTable]) -> dict[str, tuple[RawTable, list[Violation]]]:
        """Return the tables that change, each with what the ledger is to say of them.

        Raises:
            SourceError: a correction names a table or column that is not there, no row or several rows, a cell
                that does not hold what is to be corrected, or a cell that another correction names.
        """
        changed = {}
        for name in dict.fromkeys(item.table for item in self.items):
            if name not in tables:
                raise SourceError(f"{self._at(name)}: the source has no table {name}; it has {', '.join(tables)}")
            changed[name] = self._corrected(tables[name])
        return changed

    def _corrected(self, table: RawTable) -> tuple[RawTable, list[Violation]]:
        mine = [(n, item) for n, item in enumerate(self.items, 1) if item.table == table.name]
        found = [self._row(table, n, item) for n, item in mine]
        rows = pl.Series(sorted(set(found)), dtype=pl.UInt32)
        text = table.texts(rows)
        place = {row: i for i, row in enumerate(rows)}
        seen: dict[tuple[int, str], int] = {}
        new: dict[str, list[str | None]] = {item.column: text[item.column].to_list() for _, item in mine}
        said = []
        for (n, item), row in zip(mine, found, strict=True):
            where = f"{self.file}, correction {n}"
            if (row, item.column) in seen:
                raise SourceError(f"{where}: correction {seen[row, item.column]} names the same cell; keep one of them")
            seen[row, item.column] = n
            cell = new[item.column][place[row]]
            if not _same(table.name, item.column, cell, item.old):
                raise SourceError(
                    f"{where}: {table.file} line {table.lines[row]} has {cell or ''!r} in {item.column}, not "
                    f"{item.old or ''!r}; the file has changed or the correction is for another cell"
                )
            new[item.column][place[row]] = item.new
            hint = f"corrected to {repr(item.new) if item.new else 'missing'}: {item.reason}"
            value = pl.Series([cell], dtype=pl.String)
            said.append(Violation(pl.Series([row], dtype=pl.UInt32), item.column, "correction", "warn", hint, value))
        text = text.with_columns(pl.Series(name, cells, dtype=pl.String) for name, cells in new.items())
        return _replaced(table, rows, text), said

    def _row(self, table: RawTable, n: int, item: Correction) -> int:
        where = f"{self.file}, correction {n}"
        for column in (*item.where, item.column):
            if column not in table.frame.columns:
                raise SourceError(
                    f"{where}: {table.file} has no column {column!r}; it has {', '.join(table.frame.columns[:12])}"
                )
        rows = _matching(table, item.where)
        if len(rows) != 1:
            met = ", ".join(f"{name} {value!r}" for name, value in item.where.items())
            lines = ", ".join(str(line) for line in table.lines.gather(rows.head(5)))
            raise SourceError(
                f"{where}: no row of {table.file} has {met}; a row must be named by cells as they stand in the file"
                if rows.is_empty()
                else f"{where}: {len(rows)} rows of {table.file} have {met} (lines {lines}); name one by more cells"
            )
        return int(rows[0])

    def _at(self, table: str) -> str:
        n = next(i for i, item in enumerate(self.items, 1) if item.table == table)
        return f"{self.file}, correction {n}"


def _matching(table: RawTable, where: Mapping[str, str]) -> pl.Series:
    frame = table.frame
    tests = []
    for name, cell in where.items():
        if (stored := frame.schema[name]) == pl.String():
            tests.append(pl.col(name) == cell)
        elif (v := codebook.find(name, table.name)) is not None:
            wanted = pl.DataFrame({name: [cell]}).select(rules.typed(v, pl.String()).cast(stored, strict=False)).item()
            tests.append(pl.lit(value=False) if wanted is None else pl.col(name) == wanted)
        else:
            tests.append(pl.col(name).cast(pl.String) == cell)
    rows = frame.select(pl.arg_where(pl.all_horizontal(tests))).to_series().cast(pl.UInt32)
    if table.retyped is None:
        return rows
    # Of a retyped row only its text counts.
    numbers, text = table.retyped
    again = numbers.cast(pl.UInt32)
    same = text.select(pl.all_horizontal(pl.col(name) == cell for name, cell in where.items())).to_series()
    settled = rows.filter(~rows.is_in(again.implode()))
    return pl.concat([settled, again.filter(same.fill_null(value=False))])


def _same(table: str, column: str, cell: str | None, old: str | None) -> bool:
    if cell == old:
        return True
    v = codebook.find(column, table)
    if v is None or cell is None or old is None:
        return False
    # 5 and 5.0 are one number.
    pair = pl.DataFrame({column: [cell, old]}).select(rules.typed(v, pl.String())).to_series()
    return pair.null_count() == 0 and bool(pair[0] == pair[1])


def _replaced(table: RawTable, rows: pl.Series, text: pl.DataFrame) -> RawTable:
    numbers, kept = table.retyped or (rows.clear(), text.clear())
    numbers = numbers.cast(pl.UInt32)
    others = ~numbers.is_in(rows.implode())
    retyped = pl.concat([numbers.filter(others), rows]), pl.concat([kept.filter(others), text])
    return replace(table, retyped=retyped)


def load(path: Path) -> Corrections:
    """Read corrections: YAML with ``version: 1`` and a list ``corrections``.

    Every cell is text, as it stands in the file (``"002"`` and 002 are the same); an empty one is missing.

    Raises:
        SourceError: the file is not there, not YAML, of another version, or an entry lacks a key or has an
            unknown one; the message gives the file and the number of the entry.
    """
    import yaml

    from crampstudy import plain_yaml

    try:
        content = plain_yaml.load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read ({error}); give a YAML file of corrections") from None
    except yaml.YAMLError as error:
        raise SourceError(
            f"{path} is not YAML: {' '.join(str(error).split())}; one entry looks so: {_EXAMPLE}"
        ) from None
    if not isinstance(content, dict) or set(content) != {"version", "corrections"}:
        raise SourceError(f"{path}: expected the two keys version and corrections, got {_keys(content)}")
    if content["version"] != VERSION:
        raise SourceError(f"{path}: version is {content['version']!r}; allowed: {VERSION}")
    if not isinstance(content["corrections"], list):
        raise SourceError(f"{path}: corrections must be a list; one entry looks so: {_EXAMPLE}")
    items = tuple(_correction(f"{path}, correction {n}", item) for n, item in enumerate(content["corrections"], 1))
    return Corrections(path.name, items)


def _correction(at: str, item: Any) -> Correction:
    if not isinstance(item, dict) or set(item) != set(_KEYS):
        wrong = sorted(set(_KEYS) ^ set(item)) if isinstance(item, dict) else []
        raise SourceError(
            f"{at}: an entry has the keys {', '.join(_KEYS)}; wrong or missing: {', '.join(wrong) or item}"
        )
    if item["table"] not in tuple(codebook.TABLES):
        raise SourceError(f"{at}: no table {item['table']!r}; allowed: {', '.join(codebook.TABLES)}")
    where = item["where"]
    if not isinstance(where, dict) or not where or not all(isinstance(cell, str) for cell in where.values()):
        raise SourceError(
            f'{at}: where names the row by its cells, such as {{participant_id: "002", date: 2025-03-01}}'
        )
    for key in ("column", "from", "to", "reason"):
        if not isinstance(item[key], str):
            raise SourceError(f"{at}: {key} must be one value, got {item[key]!r}")
    if not item["reason"].strip():
        raise SourceError(f"{at}: reason is empty; say why the cell is corrected")
    cells = {name: cell.strip() for name, cell in where.items()}
    old, new = (item[key].strip() or None for key in ("from", "to"))
    return Correction(item["table"], cells, item["column"], old, new, item["reason"].strip())


def _keys(content: Any) -> str:
    return ", ".join(map(str, content)) if isinstance(content, dict) else f"{content!r:.40}"
