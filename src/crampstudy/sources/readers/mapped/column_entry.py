"""The entry of one column in a mapping file, checked against what the codebook says of the column."""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from datetime import date
from typing import cast, get_args

from crampstudy import codebook
from crampstudy.codebook import Variable, VariableType, units
from crampstudy.sources.extra_columns import extra_column
from crampstudy.sources.readers.mapped.entry import MappingEntry
from crampstudy.sources.text import dates
from crampstudy.sources.text.dates import Clock

NIGHTS = (("diary", "date"), ("episodes", "date"))
"""The columns, by table and name, that date a night and not a day."""
_NIGHTLY = tuple(table for table, _ in NIGHTS)
_ORIGINS = ("from", "constant", "numbered", "count")
_KEYS = (*_ORIGINS, "format", "origin", "clock", "unit", "factor", "offset", "codes", "missing")
_EXTRA_TYPES: tuple[VariableType, ...] = ("text", "integer", "number", "boolean", "date", "datetime")
# A factor that somebody has rounded is not a wrong one.
_ROUNDING = 0.01

Entries = Table[str, MappingEntry]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """How one column of a table comes about; ``key`` is where the mapping file says so.

    Exactly one of ``source`` (a column of the file), ``constant``, ``numbered`` and ``counted`` is set. Where columns
    of the file are ``joined``, such as a date and a time of day, ``source`` is what they are called together.
    ``meanings`` are what the source itself says of its cells; unlike ``codes`` they need not cover all of them.
    """

    key: str
    target: Variable
    source: str | None = None
    joined: tuple[str, ...] = ()
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
    meanings: Table[str, str] = field(default_factory=dict)


def column(v: Variable, entry: MappingEntry, clock: Clock, zone: str | None) -> ColumnMap:
    """Return how a column of the codebook comes about, as its entry under ``columns`` says.

    ``clock`` and ``zone`` are those of the whole mapping.

    Raises:
        SourceError: a key does not fit the variable or another key, or a value is none of the variable's.
    """
    if isinstance(entry.value, str | list):
        entry = MappingEntry(entry.file, entry.key, {"from": entry.value})
    entries = entry.entries(_KEYS)
    _check_keys(v, entry, entries)
    formats = _formats(v, entries, clock, zone)
    stated = cast(Clock, entries["clock"].one_of(get_args(Clock))) if "clock" in entries else clock
    unit, factor, offset = _unit(v, entry, entries)
    named = entries["from"].texts() if "from" in entries else ()
    if len(named) > 1 and v.type not in ("date", "datetime"):
        entries["from"].wrong(f"only the columns of a date and its time of day are joined; {v.name} is {v.allowed}")
    return ColumnMap(
        key=entry.key,
        target=v,
        source=" + ".join(named) or None,
        joined=named if len(named) > 1 else (),
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


def _check_keys(v: Variable, entry: MappingEntry, entries: Entries) -> None:
    """Refuse keys that do not fit the variable, or each other."""
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


def _formats(v: Variable, entries: Entries, clock: Clock, zone: str | None) -> tuple[str, ...]:
    """Return the formats of dates, once each can be read."""
    timed, clocks = v.type == "datetime" or clock == "timestamp", v.type == "datetime" and v.table in _NIGHTLY
    formats = formats_of(entries["format"], timed, clocks) if "format" in entries else ()
    if formats and "origin" in entries:
        entries["origin"].wrong("give a format for dates or an origin for day numbers, not both")
    if any(map(dates.with_zone, formats)) and zone is None:
        entries["format"].wrong("times with a zone need the top key time_zone, such as Europe/Berlin")
    return formats


def formats_of(entry: MappingEntry, timed: bool = False, clocks: bool = False) -> tuple[str, ...]:
    """Return the formats that an entry lists, once each can be read.

    ``timed`` ones have an hour; those of ``clocks`` may be of a time of day alone.
    """
    formats = entry.texts()
    for written in formats:
        if (problem := dates.problem(written, timed)) and not (clocks and dates.is_clock(written)):
            entry.wrong(f"{written!r} {problem}")
    return formats


def extra(table: str, name: str, entry: MappingEntry) -> ColumnMap:
    """Read ``mood: integer``: a column that is kept as this type, or ``mood: {from: mood 0-10, type: integer}``."""
    if codebook.find(name, table) or codebook.find(name, "derived"):
        entry.wrong(
            f"{name!r} is a name of the codebook; put it under columns, or give it another: {{from: {name}, …}}"
        )
    if isinstance(entry.value, str):
        return ColumnMap(entry.key, extra_column(table, name, _extra_type(entry)), source=name)
    entries = entry.entries(("from", "type", "missing"), ("from", "type"))
    codes = entries["missing"].texts() if "missing" in entries else ()
    kind = _extra_type(entries["type"])
    return ColumnMap(entry.key, extra_column(table, name, kind), source=entries["from"].text(), missing=codes)


def _extra_type(entry: MappingEntry) -> VariableType:
    return cast(VariableType, entry.one_of(_EXTRA_TYPES))


def _unit(v: Variable, entry: MappingEntry, entries: Entries) -> tuple[str | None, float, float]:
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


def _value(v: Variable, entry: MappingEntry) -> str:
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
