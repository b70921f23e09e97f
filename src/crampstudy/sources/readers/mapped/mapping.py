"""A study's or an app's own files, described by a small YAML file: columns, units, codes, dates, clock.

``load`` checks the description against the codebook before any data is read; :mod:`.mapped` applies it.
The format stands in ``docs/mapping.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from crampstudy import codebook, plain_yaml
from crampstudy.cleaning import Unlogged, unlogged
from crampstudy.codebook import Variable, VariableType, units
from crampstudy.cohort import subpopulation
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.extra_columns import extra_column
from crampstudy.sources.text import dates
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.decimals import MARKS, Mark

SHORT_ROWS = ("reject", "empty")
"""What may become of rows that only end early."""
NIGHTS = (("diary", "date"), ("episodes", "date"))
"""The columns, by table and name, that date a night and not a day."""
_ORIGINS = ("from", "constant", "numbered", "count")
_COLUMN = (*_ORIGINS, "format", "origin", "clock", "unit", "factor", "offset", "codes", "missing")
_OWN_TYPES: tuple[VariableType, ...] = ("text", "integer", "number", "boolean", "date", "datetime")
# A factor that somebody has rounded is not a wrong one.
_ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a table comes about; ``key`` is where the mapping file says so.

    Exactly one of ``source`` (a column of the file), ``constant``, ``numbered`` and ``counted`` is set.
    """

    key: str
    target: Variable
    source: str | None = None
    constant: str | None = None
    numbered: bool = False
    counted: bool = False
    formats: tuple[str, ...] = ()
    origin: date | None = None
    clock: Clock = "evening"
    unit: str | None = None
    factor: float = 1.0
    offset: float = 0.0
    codes: Table[str, str] | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMap:
    """How one table comes about: its file (and sheet, in a workbook), the rows that belong to it, its columns."""

    name: str
    file: str | None
    sheet: str | None
    where: str | None
    distinct: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked against the codebook; ``padded`` rows may end early, their missing cells are empty."""

    path: Path
    name: str
    tables: tuple[TableMap, ...]
    missing: tuple[str, ...]
    decimal: Mark | None
    time_zone: str | None
    padded: bool = False
    unlogged: Unlogged | None = None


def load(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        SourceError: the file is not YAML, or an entry is unknown or impossible; the message names the entry.
    """
    try:
        content = plain_yaml.load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SourceError(f"there is no mapping file {path}; give the path of the YAML file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path} is not a mapping file in YAML, UTF-8: {reason}") from None
    return _mapping(path, _Entry(path, "", content))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of the file with its place, so that every complaint names it."""

    file: Path
    key: str
    value: Any

    def wrong(self, what: str) -> NoReturn:
        raise SourceError(f"{self.file}, {self.key or 'top'}: {what}")

    def entries(self, allowed: Sequence[str] | None = None, required: Sequence[str] = ()) -> dict[str, _Entry]:
        if not isinstance(self.value, dict):
            self.wrong(f"expected entries 'name: value', got {self.value!r}")
        for name in self.value:
            if allowed is not None and name not in allowed:
                self.wrong(f"unknown key {name!r}{_close(name, allowed)}; allowed: {', '.join(allowed)}")
        for name in required:
            if name not in self.value:
                self.wrong(f"the key {name!r} is missing")
        return {n: _Entry(self.file, f"{self.key}.{n}" if self.key else str(n), v) for n, v in self.value.items()}

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.wrong(f"expected a text, got {self.value!r}")
        return str(self.value)

    def texts(self) -> tuple[str, ...]:
        listed = self.value if isinstance(self.value, list) else [self.value]
        return tuple(_Entry(self.file, self.key, item).text() for item in listed)

    def number(self) -> float:
        try:
            return float(self.text())
        except ValueError:
            self.wrong(f"{self.value!r} is not a number; write it with a decimal point")

    def date(self) -> date:
        try:
            return date.fromisoformat(self.text())
        except ValueError:
            self.wrong(f"{self.value!r} is not a date; write YYYY-MM-DD")

    def one_of(self, allowed: Sequence[str]) -> str:
        if self.text() not in allowed:
            self.wrong(f"{self.value!r} is not allowed; allowed: {', '.join(allowed)}")
        return self.text()


def _mapping(path: Path, top: _Entry) -> Mapping:
    keys = (
        *("version", "name", "tables", "clock", "time_zone", "missing", "decimal", "short_rows"),
        *unlogged.KEYS,
    )
    entries = top.entries(keys, ("version", "tables", "clock"))
    if (version := entries["version"].text()) != "1":
        entries["version"].wrong(f"{version!r} is not a version that this package reads; allowed: 1")
    clock = entries["clock"].entries(("date",), ("date",))["date"].one_of(get_args(Clock))
    zone = entries["time_zone"].text() if "time_zone" in entries else None
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            entries["time_zone"].wrong(f"{zone!r} is no time zone; write one such as Europe/Berlin")
    tables = entries["tables"].entries(tuple(codebook.TABLES), ("participants", "diary"))
    return Mapping(
        path=path,
        name=entries["name"].text() if "name" in entries else path.stem,
        tables=tuple(
            _table(name, tables[name], cast(Clock, clock), zone) for name in codebook.TABLES if name in tables
        ),
        missing=entries["missing"].texts() if "missing" in entries else ("",),
        decimal=cast(Mark, entries["decimal"].one_of(MARKS)) if "decimal" in entries else None,
        time_zone=zone,
        padded="short_rows" in entries and entries["short_rows"].one_of(SHORT_ROWS) == "empty",
        unlogged=_unlogged(entries),
    )


def _unlogged(entries: Table[str, _Entry]) -> Unlogged | None:
    said = {key: entries[key] for key in unlogged.KEYS if key in entries}
    try:
        return unlogged.stated({key: entry.text() for key, entry in said.items()})
    except UsageError as error:
        next(iter(said.values())).wrong(str(error))


def _table(name: str, entry: _Entry, clock: Clock, zone: str | None) -> TableMap:
    entries = entry.entries(("file", "sheet", "rows", "columns", "own"), ("columns",))
    rows = entries["rows"].entries(("where", "distinct")) if "rows" in entries else {}
    if "distinct" in rows and name != "participants":
        rows["distinct"].wrong(
            "only participants may be repeated; a night that stands twice is for the cleaning, and where a row is one "
            "cramp, its rows are counted by cramps: {count: rows}"
        )
    where = rows["where"].text() if "where" in rows else None
    if where is not None:
        try:
            subpopulation.names(where)
        except UsageError as error:
            rows["where"].wrong(str(error))
    columns = []
    for target, stated in entries["columns"].entries().items():
        variable = codebook.find(target, name)
        if variable is None:
            known = [v.name for v in codebook.variables(name)]
            hint = "a column that the codebook does not know goes under own, with its type"
            stated.wrong(f"the codebook has no column {target!r} in {name}{_close(target, known)}; {hint}")
        columns.append(_column(variable, stated, clock, zone))
    for target, stated in entries["own"].entries().items() if "own" in entries else ():
        columns.append(_own(name, target, stated))
    mapped = {c.target.name for c in columns}
    for v in codebook.variables(name):
        if v.required and v.name not in mapped:
            entries["columns"].wrong(
                f"the required column {v.name} is missing; map it, or, where the study did not record it, "
                f'write {v.name}: {{constant: ""}}'
            )
    return TableMap(
        name=name,
        file=entries["file"].text() if "file" in entries else None,
        sheet=entries["sheet"].text() if "sheet" in entries else None,
        where=where,
        distinct="distinct" in rows and rows["distinct"].one_of(("true", "false")) == "true",
        columns=tuple(columns),
    )


def _own(table: str, name: str, entry: _Entry) -> Column:
    """Read ``mood: integer``: a column that is kept under its own name, as this type."""
    if codebook.find(name, table) or codebook.find(name, "derived"):
        entry.wrong(f"{name!r} is a name of the codebook; put it under columns, or rename it in the file")
    kind = cast(VariableType, entry.one_of(_OWN_TYPES))
    return Column(entry.key, extra_column(table, name, kind), source=name)


def _column(v: Variable, entry: _Entry, clock: Clock, zone: str | None) -> Column:
    if isinstance(entry.value, str):
        entry = _Entry(entry.file, entry.key, {"from": entry.value})
    entries = entry.entries(_COLUMN)
    if len(given := [key for key in _ORIGINS if key in entries]) != 1:
        last = "count" if v.name == "cramps" else "numbered"
        entry.wrong(f"give exactly one of from, constant and {last}, got {', '.join(given) or 'none'}")
    temporal, number = v.type in ("date", "datetime"), v.type in ("integer", "number")
    fits = {"format": temporal, "origin": v.type == "date", "clock": v.type == "date", "unit": number}
    fits |= {"factor": number, "offset": number, "numbered": v.name == "episode", "codes": not temporal}
    fits |= {"count": (v.table, v.name) == ("diary", "cramps")}
    for key in entries:
        if not fits.get(key, True):
            entries[key].wrong(f"{v.name} takes no {key}, for it is {v.allowed}")
        if "from" not in entries and key not in given:
            entries[key].wrong(f"{key} needs from; a {given[0]} is taken as it is written")
    formats = entries["format"].texts() if "format" in entries else ()
    if formats and "origin" in entries:
        entries["origin"].wrong("give a format for dates or an origin for day numbers, not both")
    for written in formats:
        if problem := dates.problem(written, v.type == "datetime" or clock == "timestamp"):
            entries["format"].wrong(f"{written!r} {problem}")
        if dates.with_zone(written) and zone is None:
            entries["format"].wrong("times with a zone need the top key time_zone, such as Europe/Berlin")
    stated = cast(Clock, entries["clock"].one_of(get_args(Clock))) if "clock" in entries else clock
    unit, factor, offset = _unit(v, entry, entries)
    return Column(
        key=entry.key,
        target=v,
        source=entries["from"].text() if "from" in entries else None,
        constant=_value(v, entries["constant"]) if "constant" in entries else None,
        numbered="numbered" in entries and bool(entries["numbered"].one_of(("night",))),
        counted="count" in entries and bool(entries["count"].one_of(("rows",))),
        formats=formats,
        origin=entries["origin"].date() if "origin" in entries else None,
        # Only a night can be dated by its evening or its morning; a sample or a dose has a day.
        clock=stated if (v.table, v.name) in NIGHTS else "evening",
        unit=unit,
        factor=factor,
        offset=offset,
        codes={code: _value(v, e) for code, e in entries["codes"].entries().items()} if "codes" in entries else None,
        missing=entries["missing"].texts() if "missing" in entries else (),
    )


def _unit(v: Variable, entry: _Entry, entries: Table[str, _Entry]) -> tuple[str | None, float, float]:
    """Return unit, factor and offset as stated, once they do not contradict what is known."""
    factor = entries["factor"].number() if "factor" in entries else 1.0
    offset = entries["offset"].number() if "offset" in entries else 0.0
    if "unit" not in entries:
        if "factor" in entries or "offset" in entries:
            entry.wrong(f"a factor needs the unit of the file; {v.name} is in {v.unit or 'no unit'}")
        return None, 1.0, 0.0
    unit, known = entries["unit"].text(), units.conversions(v)
    if v.unit is None:
        entries["unit"].wrong(f"{v.name} has no unit")
    if (right := known.get(units.plain(unit))) is None:
        if units.is_known(unit):
            allowed = ", ".join(known)
            entries["unit"].wrong(f"{unit} cannot become {v.unit}, the unit of {v.name}; convertible: {allowed}")
        if "factor" not in entries:
            entries["unit"].wrong(f"{unit!r} is not a unit known here: add the factor that makes it {v.unit}")
        return unit, factor, offset
    same = abs(factor - right.factor) <= _ROUNDING * abs(right.factor)
    if not same or abs(offset - right.offset) > _ROUNDING * max(abs(right.offset), 1e-9):
        plus = f" and offset: {right.offset:.6g}" if right.offset else ""
        stated = f"factor {factor:g}" + (f", offset {offset:g}" if offset else "")
        entry.wrong(
            f"{unit} to {v.unit} is factor: {right.factor:.6g}{plus}, and the mapping says "
            f"{stated if 'factor' in entries or 'offset' in entries else 'nothing'}; state it as it is"
        )
    return unit, factor, offset


def _value(v: Variable, entry: _Entry) -> str:
    """Return a value that a code or a constant stands for; an empty one is a missing one."""
    value = entry.text()
    match v.type:
        case "level":
            fits = value in v.levels
        case "boolean":
            fits = value in ("true", "false")
        case "integer" | "number":
            fits = bool(re.fullmatch(r"[+-]?\d+" if v.type == "integer" else r"[+-]?\d+(\.\d+)?", value))
            fits = fits and (v.minimum is None or float(value) >= v.minimum)
            fits = fits and (v.maximum is None or float(value) <= v.maximum)
        case "date" | "datetime":
            fits = bool(re.fullmatch(dates.ISO[v.type], value))
        case _:
            fits = True
    if value and not fits:
        entry.wrong(f"{value!r} is not a value of {v.name}; allowed is {v.allowed}, or '' for missing")
    return value


def _close(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(str(name), known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
