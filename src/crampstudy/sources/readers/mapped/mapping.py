"""A study's or an app's own files, described by a small YAML file: columns, units, codes, dates, clock.

``load`` checks the description against the codebook before any data is read; :mod:`.mapped` applies it.
The format stands in ``docs/mapping.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from crampstudy import codebook, plain_yaml
from crampstudy.cleaning import Unlogged, unlogged
from crampstudy.cohort import Credits, subpopulation
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.readers.mapped import column_entry, wide_nights
from crampstudy.sources.readers.mapped.column_entry import ColumnMap
from crampstudy.sources.readers.mapped.entry import MappingEntry, close
from crampstudy.sources.readers.mapped.wide_nights import WideNights
from crampstudy.sources.text import header_rows, night_columns
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.decimals import MARKS, Mark
from crampstudy.sources.text.header_rows import HeaderRows

NO_HEADER = "none"
"""What is said of a file without a header, whose columns are called by their numbers."""
SHORT_ROWS = ("reject", "empty")
"""What may become of rows that only end early."""


@dataclass(frozen=True, slots=True)
class TableMap:
    """How one table comes about: its file (and sheet, in a workbook), the rows that belong to it, its columns.

    ``header`` says where the file has its header, ``nights`` which of its columns are nights.
    """

    name: str
    file: str | None
    sheet: str | None
    where: str | None
    distinct: bool
    columns: tuple[ColumnMap, ...]
    header: HeaderRows = header_rows.FIRST
    nights: WideNights | None = None


AT_LEAST_ONE = (
    "a yes is read as 1: there was at least one cramp, and nobody knows how many; a rate is one of nights with a cramp "
    "and too low for cramps wherever a night had several"
)


_CREDITS = ("authors", "sources", "licenses")


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
    title: str | None = None
    credits: Credits = field(default_factory=Credits)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever reads a number of the study has to know, wherever its tables are kept."""
        nightly = (column for table in self.tables if table.name == "diary" for column in table.columns)
        return tuple(f"{c.source}: {AT_LEAST_ONE}" for c in nightly if c.target.name == "cramps" and _says_yes(c))


def _says_yes(column: ColumnMap) -> bool:
    """Return whether codes of counts stand for yes and no: words, or whatever a cell may hold, and never above 1."""
    codes = column.codes or {}
    ones = [code for code, value in codes.items() if value == "1"]
    worded = "" not in codes or not all(re.fullmatch(r"0*1([.,]0+)?", code) for code in ones)
    return bool(ones) and set(codes.values()) <= {"", "0", "1"} and worded


def load(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        SourceError: the file is not YAML, or an entry is unknown or impossible; the message names the entry.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"there is no mapping file {path}; give the path of the YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _no_mapping(path, error) from None
    return parse(path, text)


def parse(path: Path, text: str) -> Mapping:
    """Check the text of a mapping file, which messages call ``path``.

    Raises:
        SourceError: as :func:`load`.
    """
    try:
        content = plain_yaml.load(text)
    except yaml.YAMLError as error:
        raise _no_mapping(path, error) from None
    return _mapping(path, MappingEntry(path, "", content))


def _no_mapping(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path} is not a mapping file in YAML, UTF-8: {' '.join(str(error).split())}")


def _mapping(path: Path, top: MappingEntry) -> Mapping:
    keys = (
        *("version", "name", "tables", "clock", "time_zone", "missing", "decimal", "short_rows", "header", "skip"),
        *("title", *_CREDITS, *unlogged.KEYS),
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
            replace(_table(name, tables[name], cast(Clock, clock), zone), header=_header(entries, tables[name]))
            for name in codebook.TABLES
            if name in tables
        ),
        missing=entries["missing"].texts() if "missing" in entries else ("",),
        decimal=cast(Mark, entries["decimal"].one_of(MARKS)) if "decimal" in entries else None,
        time_zone=zone,
        padded="short_rows" in entries and entries["short_rows"].one_of(SHORT_ROWS) == "empty",
        unlogged=_unlogged(entries),
        title=entries["title"].text() if "title" in entries else None,
        credits=Credits(*(entries[key].texts() if key in entries else () for key in _CREDITS)),
    )


def _unlogged(entries: Table[str, MappingEntry]) -> Unlogged | None:
    said = {key: entries[key] for key in unlogged.KEYS if key in entries}
    try:
        return unlogged.stated({key: entry.text() for key, entry in said.items()})
    except UsageError as error:
        next(iter(said.values())).wrong(str(error))


def _header(top: Table[str, MappingEntry], table: MappingEntry) -> HeaderRows:
    """Return where the header of a table stands: as the table says, and else the whole mapping."""
    stated = {**top, **table.entries()}
    if "header" in stated and stated["header"].value == NO_HEADER:
        return HeaderRows(lines=frozenset(stated["skip"].counts()) if "skip" in stated else frozenset(), absent=True)
    header = stated["header"].counts() if "header" in stated else ()
    if len(header) > 2 or sorted(set(header)) != list(header):
        stated["header"].wrong("write the line of the header, or [3, 4] where two lines make it")
    if "skip" not in stated:
        return HeaderRows(header)
    lines = stated["skip"].counts()
    if isinstance(stated["skip"].value, list):
        return HeaderRows(header, lines=frozenset(lines))
    return HeaderRows(header, below=lines[0])


def _table(name: str, entry: MappingEntry, clock: Clock, zone: str | None) -> TableMap:
    entries = entry.entries(("file", "sheet", "header", "skip", "rows", "nights", "columns", "own"), ("columns",))
    rows = entries["rows"].entries(("where", "distinct")) if "rows" in entries else {}
    if "distinct" in rows and name != "participants":
        rows["distinct"].wrong(
            "only participants may be repeated; a night that stands twice is for the cleaning, and where a row is one "
            "cramp, its rows are counted by cramps: {count: rows}"
        )
    where = rows["where"].text() if "where" in rows else None
    if where is not None:
        try:
            subpopulation.check_form(where)
        except UsageError as error:
            rows["where"].wrong(str(error))
    columns = []
    for target, stated in entries["columns"].entries().items():
        variable = codebook.find(target, name)
        if variable is None:
            known = [v.name for v in codebook.variables(name)]
            hint = "a column that the codebook does not know goes under own, with its type"
            stated.wrong(f"the codebook has no column {target!r} in {name}{close(target, known)}; {hint}")
        columns.append(column_entry.column(variable, stated, clock, zone))
    for target, stated in entries["own"].entries().items() if "own" in entries else ():
        columns.append(column_entry.extra(name, target, stated))
    nights = _nights(name, entry, entries, columns, clock)
    mapped = {c.target.name for c in columns}
    for v in codebook.variables(name):
        # What a study did not record of its participants is not known of any.
        if v.required and v.name not in mapped and not (name == "participants" and v.severity == "blank-cell"):
            empty = f'; where the study did not record it, write {v.name}: {{constant: ""}}'
            key = v.name in codebook.TABLES[name].key
            entries["columns"].wrong(f"the required column {v.name} is missing; map it{'' if key else empty}")
    return TableMap(
        name=name,
        file=entries["file"].text() if "file" in entries else None,
        sheet=entries["sheet"].text() if "sheet" in entries else None,
        where=where,
        distinct="distinct" in rows and rows["distinct"].one_of(("true", "false")) == "true",
        columns=tuple(columns),
        nights=nights,
    )


def _nights(
    table: str, entry: MappingEntry, entries: Table[str, MappingEntry], columns: list[ColumnMap], clock: Clock
) -> WideNights | None:
    """Return which columns are nights, if some are; the column of their dates is added behind the first."""
    patterns = list(dict.fromkeys(c.source for c in columns if c.source and night_columns.is_pattern(c.source)))
    if not patterns and "nights" not in entries:
        return None
    if table != "diary":
        entries.get("nights", entry).wrong(f"only the diary has columns that are nights, not {table}")
    if any(c.target.name == "date" for c in columns):
        entries["columns"].wrong("the headings tell the nights: take date out of the columns")
    nights, day = wide_nights.parse(entry, entries.get("nights"), patterns, clock)
    columns.insert(1, day)
    return nights
