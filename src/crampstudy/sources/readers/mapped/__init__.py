"""Files of any layout become the tables of a cohort, as a mapping says, and every conversion is said."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from datetime import time
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from crampstudy import codebook, subpopulation, wording
from crampstudy.cleaning import Raw, RawTable
from crampstudy.cleaning.raw import UNREAD
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.readers.mapped import mapping
from crampstudy.sources.readers.mapped.mapping import Column, Mapping, TableMap
from crampstudy.sources.text import dates, decimals, missing_codes
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import read_text
from crampstudy.sources.text.missing_codes import Codes

# More digits than any measurement has; fewer than would show that 0.1 has no exact binary form.
_DIGITS = 12
_LINE, _APART = "__line", "__apart"


@dataclass(frozen=True, slots=True)
class Given:
    """A table as it came: trimmed texts or null, and the line of each row in ``file``.

    ``by_comma`` says that the file comes from where decimal marks are commas, ``settled`` that its numbers have points.
    """

    file: str
    frame: pl.DataFrame
    lines: pl.Series
    by_comma: bool = False
    settled: bool = False
    unread: pl.DataFrame = field(default_factory=UNREAD.to_frame)


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
) -> Raw:
    """Read files through a mapping: delimited text, a workbook or a statistical file.

    ``path`` is the one file, or the folder of the files that the mapping names. ``declared`` are missing codes beside
    those of the mapping, by the names of the cohort's columns; ``decimal`` is what the mapping's key of that name says.
    Rows of text that only end early are set aside, unless they may be ``padded``, or the mapping says so.

    Raises:
        SourceError: the mapping is wrong, a file is missing or unreadable, or the two do not fit together.
    """
    described = _with_codes(mapping.load(description), declared)
    described = replace(described, decimal=decimal or described.decimal, padded=padded or described.padded)
    given: dict[str, Given] = {}
    notices: list[str] = []
    before: dict[tuple[Path, str | None], Given] = {}
    for table in described.tables:
        file = _file(path, table, described)
        if (file, table.sheet) not in before:
            before[file, table.sheet], said = _given(file, table, described)
            notices.extend(said)
        given[table.name] = before[file, table.sheet]
    made = apply(given, described)
    said = (*notices, *made.notices)
    return Raw(described.name, "diary", made.tables, notices=said, unlogged=described.unlogged)


def apply(given: Table[str, Given], described: Mapping) -> Mapped:
    """Make the tables of a cohort; ``given`` holds the file of each table by the table's name.

    Raises:
        SourceError: a column is not in its file, a code covers not every cell, or participants contradict
            themselves; the message names the file, the line and the entry of the mapping.
    """
    tables: list[RawTable] = []
    notices: list[str] = []
    lists = _lists(given, described)
    for table in described.tables:
        source = given[table.name]
        made, said = _table(table, source, described)
        tables.append(replace(made, unread=source.unread) if lists[source.file] == table.name else made)
        notices.extend(f"{made.file}, {table.name}: {notice}" for notice in said)
    used = {(given[t.name].file, name) for t in described.tables for name in _sources(t)}
    for file, frame in {source.file: source.frame for source in given.values()}.items():
        if left := [name for name in frame.columns if (file, name) not in used]:
            notices.append(f"{file}: not mapped and left out: {', '.join(left)}")
    return Mapped(tuple(tables), tuple(notices))


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


def _sources(table: TableMap) -> set[str]:
    named = subpopulation.names(table.where) if table.where else ()
    return {c.source for c in table.columns if c.source is not None} | set(named)


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
    same = [t for t in described.tables if (t.file, t.sheet) == (table.file, table.sheet)]
    numbers = {c.source for t in same for c in t.columns if c.source is not None and _is_number(c)}
    if suffix in (".xlsx", ".xlsm"):
        from crampstudy.sources.readers import spreadsheet

        grid = spreadsheet.load(file, table.sheet, numbers, _stated(described))
    elif table.sheet is not None:
        raise SourceError(f"{described.path}, tables.{table.name}.sheet: {file.name} is not a workbook (.xlsx, .xlsm)")
    elif suffix in (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav"):
        from crampstudy.sources.readers import statfile

        grid = statfile.load(file, numbers, _stated(described))
    else:
        text = read_text(file, missing=described.missing, padded=described.padded)
        return Given(file.name, text.frame, text.lines, text.separator == ";", unread=text.unread), text.notices
    return Given(grid.file, grid.frame, grid.lines, settled=True), grid.notices


def _is_number(column: Column) -> bool:
    return column.source is not None and column.codes is None and column.target.type in decimals.NUMBERS


def _stated(described: Mapping) -> Stated:
    return Stated(described.decimal, option=f'the key decimal of {described.path.name}, decimal: "," or decimal: "."')


def _table(table: TableMap, given: Given, described: Mapping) -> tuple[RawTable, list[str]]:
    for column in table.columns:
        if column.source is not None and column.source not in given.frame.columns:
            close = get_close_matches(column.source, given.frame.columns, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise SourceError(
                f"{described.path}, {column.key}: {given.file} has no column {column.source!r}{hint} "
                f"(it has {', '.join(given.frame.columns)})"
            )
    notices: list[str] = []
    gone = pl.all().is_in(list(described.missing))
    given = replace(given, frame=given.frame.select(pl.when(~gone).then(pl.all()).name.keep()))
    if table.where is not None:
        given = _where(table, table.where, given, described, notices)
    cells = {c.target.name: _known(c, given.frame[c.source], notices) for c in table.columns if c.source is not None}
    if not given.settled:
        texts = {c.target.name: cells[c.target.name] for c in table.columns if _is_number(c)}
        cells |= _pointed(pl.DataFrame(texts), given, described, notices)
    plain = [c for c in table.columns if not (c.numbered or c.counted)]
    made = pl.DataFrame({c.target.name: _cells(c, cells, given, described, notices) for c in plain})
    for column in (c for c in table.columns if c.numbered):
        order = pl.int_range(1, pl.len() + 1).over("participant_id", "date").cast(pl.String)
        made = made.with_columns(order.alias(column.target.name))
        notices.append(f"{column.target.name}: numbered within the night in the order of the file")
    lines = given.lines
    counted = next((c.target.name for c in table.columns if c.counted), None)
    if table.distinct:
        made, lines = _distinct(made, ["participant_id"], table.name, given, described)
        said = wording.counted(given.frame.height, "rows", "say")
        notices.append(f"{said} the same of {wording.counted(made.height, 'participants')}: one row each is kept")
    elif counted:
        made, lines = _counted(made, counted, given, described)
        notices.append(
            f"{counted}: {wording.counted(given.frame.height, 'rows')}, each one cramp, counted into "
            f"{wording.counted(made.height, 'nights')}"
        )
    own = tuple(c.target for c in table.columns if codebook.find(c.target.name, table.name) is None)
    # The ledger shows the cells of the file, in its units and codes.
    cells = {c.target.name: given.frame[c.source] if c.source else made[c.target.name] for c in table.columns}
    written = None if table.distinct or counted else pl.DataFrame(cells)
    return RawTable(table.name, given.file, made, lines, own, written=written), notices


def _where(table: TableMap, where: str, given: Given, described: Mapping, notices: list[str]) -> Given:
    try:
        chosen = subpopulation.select(given.frame, where)
    except UsageError as error:
        raise SourceError(f"{described.path}, tables.{table.name}.rows.where: {error} (every cell is text)") from None
    if left := int((~chosen.inside).sum()):
        unclear = f", {chosen.undecided} of them because a value is missing" if chosen.undecided else ""
        notices.append(f"{left} of {len(chosen.inside)} rows are not where {where}{unclear}; left out")
    return replace(given, frame=given.frame.filter(chosen.inside), lines=given.lines.filter(chosen.inside))


def _counted(made: pl.DataFrame, name: str, given: Given, described: Mapping) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row per participant and night with the number of its rows as ``name``.

    A row of nobody, or without a date, stays by itself, so that each of them is rejected.
    """
    dated = pl.col("date").str.to_date("%Y-%m-%d", strict=False).is_not_null()
    known = dated & pl.col("participant_id").is_not_null()
    rows = made.with_columns(
        pl.when(known).then(pl.lit(-1)).otherwise(pl.int_range(pl.len())).alias(_APART),
        pl.len().over("participant_id", "date").cast(pl.String).alias(name),
    )
    nights, lines = _distinct(rows, ["participant_id", "date", _APART], "diary", given, described)
    return nights.drop(_APART), lines


def _distinct(
    made: pl.DataFrame, key: list[str], table: str, given: Given, described: Mapping
) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row per ``key`` and its first line, once all rows of each say the same or nothing."""
    numbered = made.with_columns(given.lines.alias(_LINE))
    grouped = numbered.group_by(key, maintain_order=True)
    varies = grouped.agg(pl.exclude(*key, _LINE).drop_nulls().n_unique())
    for name in varies.columns[len(key) :]:
        if (several := varies.filter(pl.col(name) > 1)).height:
            whose = several.select(key).row(0)
            same = pl.all_horizontal(
                pl.col(column).eq_missing(pl.lit(value)) for column, value in zip(key, whose, strict=True)
            )
            rows = numbered.filter(same & pl.col(name).is_not_null())
            rows = rows.unique(name, keep="first", maintain_order=True)
            (one, at), (other, then) = rows.select(name, _LINE).rows()[:2]
            night = f", night {whose[1]}," if len(whose) > 1 else ""
            raise SourceError(
                f"{given.file}: participant {whose[0]}{night} has two values of {name}, {one!r} on line {at} and "
                f"{other!r} on line {then}; correct one, or take {name} out of tables.{table} of {described.path}"
            )
    merged = grouped.agg(pl.exclude(*key, _LINE).drop_nulls().first(), pl.col(_LINE).first())
    return merged.select(made.columns), merged[_LINE]


def _known(column: Column, cells: pl.Series, notices: list[str]) -> pl.Series:
    """Return the cells without those that hold a missing code of the column."""
    gone = missing_codes.held(cells, column.missing)
    if gone.any():
        notices.append(missing_codes.notice(f"{column.source} → {column.target.name}", cells.filter(gone)))
    return cells.set(gone, None)


def _pointed(texts: pl.DataFrame, given: Given, described: Mapping, notices: list[str]) -> Table[str, pl.Series]:
    """Return columns of numbers with decimal points, each read by one rule."""
    stated = _stated(described)
    made, said = decimals.settle(texts, texts.columns, given.file, given.lines, stated, given.by_comma)
    notices.extend(notice.removeprefix(f"{given.file}: ") for notice in said)
    return made.to_dict()


def _cells(
    column: Column, known: Table[str, pl.Series], given: Given, described: Mapping, notices: list[str]
) -> pl.Series:
    """Return one column as text in the codebook's unit and form; a cell that cannot be converted stays as it is."""
    name = column.target.name
    if column.source is None:
        value = column.constant or None
        notices.append(f"{name}: {value} in every row" if value else f"{name}: not recorded, missing in every row")
        return pl.Series(name, [value] * given.frame.height, dtype=pl.String)
    cells = known[name]
    if column.codes is not None:
        cells = _decoded(column, column.codes, cells, given, described)
        notices.append(
            f"{column.source} → {name}: " + ", ".join(f"{c} = {v or 'missing'}" for c, v in column.codes.items())
        )
    elif column.target.type in ("date", "datetime"):
        cells = _dated(column, cells, given.lines, described, notices)
    elif _is_number(column):
        cells = _scaled(column, cells, notices)
    return cells.alias(name)


def _decoded(column: Column, codes: Table[str, str], cells: pl.Series, given: Given, described: Mapping) -> pl.Series:
    uncovered = cells.is_not_null() & ~cells.is_in(list(codes))
    if uncovered.any():
        at = uncovered.arg_max() or 0
        raise SourceError(
            f"{described.path}, {column.key}.codes: {given.file}, line {given.lines[at]}, column {column.source} has "
            f"{cells[at]!r}, which no code covers (codes: {', '.join(codes)}); add it, with '' where it means missing"
        )
    return cells.replace_strict(list(codes), [v or None for v in codes.values()], return_dtype=pl.String, default=None)


def _dated(column: Column, cells: pl.Series, lines: pl.Series, described: Mapping, notices: list[str]) -> pl.Series:
    timed = column.target.type == "datetime" or column.clock == "timestamp"
    if column.origin is not None:
        read, differ = dates.numbered(cells, column.origin).cast(pl.Datetime("us")), None
        notices.append(f"{column.source} → {column.target.name}: day numbers, day 0 is {column.origin}")
    else:
        read, differ = dates.moments(cells, column.formats, timed, described.time_zone)
        if column.formats:
            notices.append(f"{column.source} → {column.target.name}: read as {' or '.join(column.formats)}")
    if column.clock == "morning":
        notices.append(f"{column.target.name}: the file dates the morning after; each night moved one day back")
    elif column.clock == "timestamp":
        notices.append(f"{column.target.name}: times before noon belong to the night that began the evening before")
    unread = read.is_null() & cells.is_not_null()
    if column.target.type == "date":
        read = _days(column, read, notices)
        made = read.dt.strftime(dates.WRITTEN["date"])
    else:
        made = read.dt.strftime(dates.WRITTEN["datetime"])
        if described.time_zone and (not column.formats or any(map(dates.with_zone, column.formats))):
            notices.append(f"{column.target.name}: times with a zone are told in the time of {described.time_zone}")
    # A cell that was not read stays, so that its row is rejected; it must not pass for a date all the same.
    expected = " or ".join(column.formats) or ("a day number" if column.origin else "ISO 8601")
    if unread.any():
        at = unread.arg_max() or 0
        why = f"; {int(differ.sum())} of them could be read in two ways" if differ is not None and differ.any() else ""
        if column.origin is not None:
            why = f'; seconds since 1970 are format: "{dates.EPOCH}" and no origin'
        notices.append(
            f"{column.source} → {column.target.name}: {wording.counted(int(unread.sum()), 'cells', 'are')} not "
            f"{expected}, the first {cells[at]!r} on line {lines[at]}{why}"
        )
    left = pl.select(pl.format("{} (not {})", cells.rechunk(), pl.lit(expected))).to_series()
    return pl.select(pl.coalesce(made, left)).to_series()


def _days(column: Column, read: pl.Series, notices: list[str]) -> pl.Series:
    """Return the date of the night, or for what is dated by its day that day."""
    timed = int((read.dt.time() != time()).sum())
    if (column.target.table, column.target.name) not in mapping.NIGHTS:
        if timed:
            notices.append(f"{column.target.name}: {wording.counted(timed, 'times')} of day left out")
        return read.dt.date()
    nights = dates.nights(read, column.clock)
    if before := nights.null_count() - read.null_count():
        notices.append(
            f"{column.target.name}: {wording.counted(before, 'times')} before noon "
            f"{'is' if before == 1 else 'are'} not of an evening (clock: evening): set aside; with "
            "clock: timestamp they belong to the night that began the evening before"
        )
    return nights


def _scaled(column: Column, cells: pl.Series, notices: list[str]) -> pl.Series:
    if column.unit is None or (column.factor == 1 and column.offset == 0):
        return cells
    number = cells.cast(pl.Float64, strict=False) * column.factor + column.offset
    plus = f" {column.offset:+g}" if column.offset else ""
    notices.append(
        f"{column.source} → {column.target.name}: {column.unit} × {column.factor:g}{plus} = {column.target.unit} "
        f"({wording.counted(number.count(), 'cells')})"
    )
    return pl.select(pl.coalesce(number.round_sig_figs(_DIGITS).cast(pl.String), cells)).to_series()
