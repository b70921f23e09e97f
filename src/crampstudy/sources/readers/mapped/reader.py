"""Files of any layout read through a mapping, as the tables of a cohort."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from crampstudy import codebook, wording
from crampstudy.cleaning import Raw, RawTable
from crampstudy.cohort import subpopulation
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.readers import first_age
from crampstudy.sources.readers.mapped import mapping
from crampstudy.sources.readers.mapped.column_entry import NIGHTS, ColumnMap
from crampstudy.sources.readers.mapped.columns import (
    Given,
    convert,
    is_number,
    stated_marks,
    with_points,
    without_missing,
)
from crampstudy.sources.readers.mapped.entry import close
from crampstudy.sources.readers.mapped.mapping import Mapping, TableMap
from crampstudy.sources.readers.mapped.repeated_rows import counted_rows, distinct_rows
from crampstudy.sources.readers.mapped.wide_nights import as_rows
from crampstudy.sources.text import date_formats, missing_codes, night_columns
from crampstudy.sources.text.decimals import Mark
from crampstudy.sources.text.delimited import read_text
from crampstudy.sources.text.header_rows import HeaderRows
from crampstudy.sources.text.missing_codes import Codes


@dataclass(frozen=True, slots=True)
class Mapped:
    """The tables that a mapping makes, and what it did on the way."""

    tables: tuple[RawTable, ...]
    notices: tuple[str, ...]


def read(
    path: Path,
    description: Path,
    *,
    declared: Codes = missing_codes.NONE,
    decimal: Mark | None = None,
    padded: bool = False,
    start: date | None = None,
) -> Raw:
    """Read files through a mapping: delimited text, a workbook or a statistical file.

    Args:
        path: The one file, or the folder of the files that the mapping names.
        description: The mapping file.
        declared: Codes of missing cells beside those of the mapping, by the names of the cohort's columns.
        decimal: What the mapping's key of that name says.
        padded: Whether rows of text that only end early are read as rows with empty cells; else they are set aside,
            unless the mapping says so.
        start: The first night, where columns are nights by their numbers.

    Raises:
        SourceError: the mapping is wrong, a file is missing or unreadable, or the two do not fit together.
    """
    described = _with_codes(mapping.load(description), declared)
    described = replace(described, decimal=decimal or described.decimal, padded=padded or described.padded)
    return read_as(path, described if start is None else begun(described, start))


def read_as(path: Path, described: Mapping) -> Raw:
    """Read files through a mapping that was checked.

    Raises:
        SourceError: a file is missing or unreadable, or it does not fit the mapping.
    """
    given: dict[str, Given] = {}
    notices: list[str] = []
    before: dict[tuple[Path, str | None, HeaderRows], Given] = {}
    for table in described.tables:
        file = _file(path, table, described)
        if (key := (file, table.sheet, table.header)) not in before:
            before[key], said = _given(file, table, described)
            notices.extend(said)
        given[table.name] = before[key]
    made = apply(given, described)
    return raw_of(made, described, notices)


def raw_of(made: Mapped, described: Mapping, notices: Sequence[str]) -> Raw:
    """Return what a mapping made as a source, with ``notices`` of the reading before its own."""
    said = (*notices, *made.notices)
    remarks, word = described.remarks, described.unlogged
    return Raw(
        described.name,
        "diary",
        made.tables,
        notices=said,
        title=described.title,
        unlogged=word,
        remarks=remarks,
        credits=described.credits,
    )


def apply(given: Table[str, Given], described: Mapping) -> Mapped:
    """Make the tables of a cohort; ``given`` holds the file of each table by the table's name.

    Raises:
        SourceError: a column is not in its file, a code covers not every cell, or participants contradict
            themselves; the message names the file, the line and the entry of the mapping.
    """
    made: dict[str, RawTable] = {}
    told: dict[str, list[str]] = {}
    lists = _lists(given, described)
    # The nights of a participant tell which of several ages is the first.
    for table in sorted(described.tables, key=lambda table: table.name != "diary"):
        source = given[table.name]
        if table.name == "participants" and source is given["diary"]:
            source = replace(source, nights=_nights_of(source.lines, made["diary"]))
        made[table.name], told[table.name] = _table(table, source, described)
        if lists[source.file] == table.name:
            made[table.name] = replace(made[table.name], unread=source.unread)
    names = [table.name for table in described.tables]
    notices = [f"{made[name].file}, {name}: {notice}" for name in names for notice in told[name]]
    used = {(given[t.name].file, name) for t in described.tables for name in _sources(t, given[t.name].frame.columns)}
    for file, frame in {source.file: source.frame for source in given.values()}.items():
        if left := [name for name in frame.columns if (file, name) not in used]:
            notices.append(f"{file}: not mapped and left out: {', '.join(left)}")
    return Mapped(tuple(made[name] for name in names), tuple(notices))


def _nights_of(lines: pl.Series, diary: RawTable) -> pl.Series:
    """Return the first night that the diary has of each line of their file."""
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    nights = diary.frame.select(day, line=diary.lines).group_by("line").agg(pl.col("date").min())
    return lines.to_frame("line").join(nights, on="line", how="left", maintain_order="left")["date"]


def _lists(given: Table[str, Given], described: Mapping) -> dict[str, str]:
    """Return by file the table whose ledger lists its rows that have not the cells of the header, each of them once."""
    tables = sorted(described.tables, key=lambda table: (table.name != "diary", table.distinct))
    return {given[table.name].file: table.name for table in reversed(tables)}


def _with_codes(described: Mapping, declared: Codes) -> Mapping:
    targets = [column.target.name for table in described.tables for column in table.columns]
    missing_codes.check(declared, str(described.path), targets)
    tables = (
        replace(t, columns=tuple(replace(c, missing=(*c.missing, *declared.of(c.target.name))) for c in t.columns))
        for t in described.tables
    )
    return replace(described, tables=tuple(tables))


def begun(described: Mapping, start: date) -> Mapping:
    """Return a mapping with the date of the first night of all participants.

    Raises:
        UsageError: no table has nights by their numbers.
    """
    if not any(table.nights and table.nights.counted for table in described.tables):
        raise UsageError(
            f'start={start}: no table of {described.path} has nights by their numbers, such as cramps: "Day {{n}}"; '
            "leave the start out"
        )
    return replace(
        described, tables=tuple(replace(t, nights=t.nights and t.nights.begun(start)) for t in described.tables)
    )


def _sources(table: TableMap, columns: Sequence[str]) -> set[str]:
    """Return those of a file's ``columns`` that a table uses."""
    named = {*(subpopulation.names(table.where) if table.where else ())}
    named |= {name for c in table.columns for name in c.joined or ((c.source,) if c.source else ())}
    if table.nights is None:
        return named
    start = {table.nights.start_column} if table.nights.start_column else set()
    return night_columns.named(columns, named | start, table.nights.formats)


def _file(path: Path, table: TableMap, described: Mapping) -> Path:
    key = f"{described.path}, tables.{table.name}.file"
    if path.is_dir():
        if table.file is None:
            raise SourceError(f"{key}: the key is missing; {path} is a folder: name the file of each table")
        path = path / table.file
    elif table.file not in (None, path.name):
        raise SourceError(f"{key}: {table.file} and {path.name} are two files; give the folder that holds {table.file}")
    if not path.is_file():
        raise SourceError(f"there is no file {path}; the table {table.name} of {described.path} comes from it")
    return path


def _given(file: Path, table: TableMap, described: Mapping) -> tuple[Given, tuple[str, ...]]:
    suffix = file.suffix.lower()
    same = [t for t in described.tables if (t.file, t.sheet, t.header) == (table.file, table.sheet, table.header)]

    def numbers(columns: Sequence[str]) -> set[str]:
        named = {c.source for t in same for c in t.columns if c.source is not None and is_number(c)}
        return night_columns.named(columns, named, next((t.nights.formats for t in same if t.nights), ()))

    if suffix in (".xlsx", ".xlsm"):
        from crampstudy.sources.readers import spreadsheet

        grid = spreadsheet.load(file, table.sheet, numbers, stated_marks(described), table.header)
    elif table.sheet is not None:
        raise SourceError(f"{described.path}, tables.{table.name}.sheet: {file.name} is not a workbook (.xlsx, .xlsm)")
    elif suffix in (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav"):
        if table.header:
            raise SourceError(
                f"{described.path}, tables.{table.name}: {file.name} has no lines above its columns or below their "
                "names; take header and skip out"
            )
        from crampstudy.sources.readers import statfile

        grid = statfile.load(file, numbers, stated_marks(described))
    else:
        text = read_text(file, missing=described.missing, padded=described.padded, rows=table.header)
        return Given(file.name, text.frame, text.lines, text.separator == ";", unread=text.unread), text.notices
    return Given(grid.file, grid.frame, grid.lines, settled=True), grid.notices


def _joined(table: TableMap, given: Given, described: Mapping) -> Given:
    """Return a table with what a mapping joins, such as a date and its time of day, as columns."""
    joined = {c.source: c for c in table.columns if c.source and c.joined}
    for column in joined.values():
        for name in column.joined:
            _check_column(name, column, given, described)
    cells = [pl.concat_str(pl.col(c.joined), separator=" ", ignore_nulls=True).alias(n) for n, c in joined.items()]
    frame = given.frame.with_columns(
        pl.when(c.str.len_chars() > 0).then(c).alias(n) for n, c in zip(joined, cells, strict=True)
    )
    return replace(given, frame=frame)


def _check_columns(table: TableMap, given: Given, described: Mapping) -> None:
    there = set(given.frame.columns)
    for column in table.columns:
        if column.source is not None and column.source not in there:
            _check_column(column.source, column, given, described)


def _check_column(name: str, column: ColumnMap, given: Given, described: Mapping) -> None:
    if name not in given.frame.columns:
        raise SourceError(
            f"{described.path}, {column.key}: {given.file} has no column {name!r}{close(name, given.frame.columns)} "
            f"(it has {', '.join(given.frame.columns)})"
        )


def _table(table: TableMap, given: Given, described: Mapping) -> tuple[RawTable, list[str]]:
    notices: list[str] = []
    gone = pl.all().is_in(list(described.missing))
    given = replace(given, frame=given.frame.select(pl.when(~gone).then(pl.all()).name.keep()))
    if table.where is not None:
        given = _where(table, table.where, given, described, notices)
    if table.nights is not None:
        frame, lines, said = as_rows(
            given.frame,
            given.lines,
            table.nights,
            given.file,
            described.path,
            keep=any("" in (column.codes or {}) for column in table.columns),
        )
        given = replace(given, frame=frame, lines=lines)
        notices.extend(said)
    given = _joined(table, given, described)
    _check_columns(table, given, described)
    cells = {
        c.target.name: without_missing(c, given.frame[c.source], notices) for c in table.columns if c.source is not None
    }
    if not given.settled:
        texts = {c.target.name: cells[c.target.name] for c in table.columns if is_number(c)}
        cells |= with_points(pl.DataFrame(texts), given, described, notices)
    plain = [c for c in table.columns if not (c.numbered or c.counted)]
    # Times of day belong to the night of their row.
    converted: dict[str, pl.Series] = {}
    for column in sorted(plain, key=lambda c: (c.target.table, c.target.name) not in NIGHTS):
        converted[column.target.name] = convert(column, cells, given, described, notices)
        if (column.target.table, column.target.name) in NIGHTS:
            given = replace(given, nights=converted["date"].str.to_date("%Y-%m-%d", strict=False))
    made = pl.DataFrame([converted[c.target.name] for c in plain])
    for column in (c for c in table.columns if c.numbered):
        order = pl.int_range(1, pl.len() + 1).over("participant_id", "date").cast(pl.String)
        made = made.with_columns(order.alias(column.target.name))
        notices.append(f"{column.target.name}: numbered within the night in the order of the file")
    merged, lines = _merge(table, made, given, described, notices)
    extra = tuple(c.target for c in table.columns if codebook.find(c.target.name, table.name) is None)
    written = None
    if merged is made:
        # The ledger shows the cells of the file, in its units and codes.
        written = pl.DataFrame(
            {c.target.name: given.frame[c.source] if c.source else made[c.target.name] for c in table.columns}
        )
    formats = {c.target.name: how for c in table.columns if (how := _written_as(c))}
    return RawTable(table.name, given.file, merged, lines, extra, written=written, written_as=formats), notices


def _written_as(column: ColumnMap) -> str:
    """Return how a mapping says that dates are written, empty where it says nothing."""
    if column.origin is not None:
        return f"a day number, day 0 is {column.origin}"
    if not column.formats:
        return ""
    what = "a date" if column.target.type == "date" else "a date and time"
    evening = column.clock == "evening" and any(map(date_formats.timed, column.formats))
    noon = ", from noon on" if evening and (column.target.table, column.target.name) in NIGHTS else ""
    return f"{what} as {' or '.join(column.formats)}{noon}"


def _merge(
    table: TableMap, made: pl.DataFrame, given: Given, described: Mapping, notices: list[str]
) -> tuple[pl.DataFrame, pl.Series]:
    """Return the table and its lines, with the rows that stand for one participant or one night as one."""
    lines = given.lines
    counted = next((c.target.name for c in table.columns if c.counted), None)
    if table.distinct:
        made, grown = first_age.of_first_nights(made, given.lines, given.nights)
        notices.extend(grown)
        made, lines = distinct_rows(made, ["participant_id"], table.name, given, described)
        said = wording.counted(given.frame.height, "rows", "say")
        notices.append(f"{said} the same of {wording.counted(made.height, 'participants')}: one row each is kept")
    elif counted:
        made, lines = counted_rows(made, counted, given, described)
        notices.append(
            f"{counted}: {wording.counted(given.frame.height, 'rows')}, each one cramp, counted into "
            f"{wording.counted(made.height, 'nights')}"
        )
    return made, lines


def _where(table: TableMap, where: str, given: Given, described: Mapping, notices: list[str]) -> Given:
    try:
        chosen = subpopulation.evaluate(given.frame, where)
    except UsageError as error:
        raise SourceError(f"{described.path}, tables.{table.name}.rows.where: {error} (every cell is text)") from None
    if left := int((~chosen.inside).sum()):
        unclear = f", {chosen.undecided} because a value is missing" if chosen.undecided else ""
        rows = wording.counted(len(chosen.inside), "rows")
        notices.append(f"left out: {left:,} of {rows}, not where {where}{unclear}")
    nights = None if given.nights is None else given.nights.filter(chosen.inside)
    return replace(
        given, frame=given.frame.filter(chosen.inside), lines=given.lines.filter(chosen.inside), nights=nights
    )
