"""Columns of any layout become those of the codebook: missing codes, marks, codes, dates, units; all of it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from datetime import time

import polars as pl

from crampstudy import wording
from crampstudy.cleaning.raw import UNREAD
from crampstudy.errors import SourceError
from crampstudy.sources.readers.mapped.column_entry import NIGHTS, ColumnMap
from crampstudy.sources.readers.mapped.mapping import Mapping
from crampstudy.sources.text import date_formats, dates, decimals, missing_codes
from crampstudy.sources.text.decimals import Stated

# More digits than any measurement has; fewer than would show that 0.1 has no exact binary form.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Given:
    """A table as it came: trimmed texts or null, and the line of each row in ``file``.

    ``by_comma`` says that the file comes from where decimal marks are commas, ``settled`` that its numbers have points;
    ``nights`` has the night of each row, where it is known.
    """

    file: str
    frame: pl.DataFrame
    lines: pl.Series
    by_comma: bool = False
    settled: bool = False
    unread: pl.DataFrame = field(default_factory=UNREAD.to_frame)
    nights: pl.Series | None = None


def is_number(column: ColumnMap) -> bool:
    """Return whether the cells of a column are numbers, whose decimal marks are to be settled."""
    return column.source is not None and column.codes is None and column.target.type in decimals.NUMBERS


def stated_marks(described: Mapping) -> Stated:
    """Return what a mapping says of decimal marks, and how it can say it."""
    return Stated(described.decimal, option=f'the key decimal of {described.path.name}, decimal: "," or decimal: "."')


def without_missing(column: ColumnMap, cells: pl.Series, notices: list[str]) -> pl.Series:
    """Return the cells without those that hold a missing code of the column."""
    if not column.missing:
        return cells
    gone = missing_codes.held(cells, column.missing)
    if gone.any():
        notices.append(missing_codes.notice(f"{column.source} → {column.target.name}", cells.filter(gone)))
    return cells.set(gone, None)


def with_points(texts: pl.DataFrame, given: Given, described: Mapping, notices: list[str]) -> Table[str, pl.Series]:
    """Return columns of numbers with decimal points, each read by one rule."""
    stated = stated_marks(described)
    made, said = decimals.settle(texts, texts.columns, given.file, given.lines, stated, given.by_comma)
    notices.extend(notice.removeprefix(f"{given.file}: ") for notice in said)
    return made.to_dict()


def convert(
    column: ColumnMap, known: Table[str, pl.Series], given: Given, described: Mapping, notices: list[str]
) -> pl.Series:
    """Return one column as text in the codebook's unit and form; a cell that cannot be converted stays as it is.

    Args:
        column: How the column comes about.
        known: Cells of columns of the file by the name that they get, without missing codes and with decimal points.
        given: The table as it came.
        described: The mapping.
        notices: Gets a line for what was done.

    Raises:
        SourceError: a cell holds a code that the mapping does not have.
    """
    name = column.target.name
    if column.source is None:
        value = column.constant or None
        notices.append(f"{name}: {value} in every row" if value else f"{name}: not recorded, missing in every row")
        return pl.Series(name, [value] * given.frame.height, dtype=pl.String)
    cells = known[name].replace(column.meanings) if column.meanings else known[name]
    if column.codes is not None:
        cells = _decode(column, column.codes, cells, given, described)
        notices.append(
            f"{column.source} → {name}: " + ", ".join(f"{c} = {v or 'missing'}" for c, v in column.codes.items())
        )
    elif column.target.type in ("date", "datetime"):
        cells = _to_dates(column, cells, given, described, notices)
    elif is_number(column):
        cells = _scale(column, cells, notices)
    return cells.alias(name)


def _decode(column: ColumnMap, codes: Table[str, str], cells: pl.Series, given: Given, described: Mapping) -> pl.Series:
    if "" in codes:
        # Not what a missing code stood in.
        cells = cells.set(given.frame[column.source].is_null(), "") if column.source else cells
    uncovered = cells.is_not_null() & ~cells.is_in(list(codes))
    if uncovered.any():
        at = uncovered.arg_max() or 0
        raise SourceError(
            f"{described.path}, {column.key}.codes: {given.file}, line {given.lines[at]}, column {column.source} has "
            f"{cells[at]!r}, which no code covers (codes: {', '.join(codes)}); add it, with '' where it means missing"
        )
    return cells.replace_strict(list(codes), [v or None for v in codes.values()], return_dtype=pl.String, default=None)


def _to_dates(column: ColumnMap, cells: pl.Series, given: Given, described: Mapping, notices: list[str]) -> pl.Series:
    timed = column.target.type == "datetime" or column.clock == "timestamp"
    if column.origin is not None:
        read, differ = dates.numbered(cells, column.origin).cast(pl.Datetime("us")), None
        notices.append(f"{column.source} → {column.target.name}: day numbers, day 0 is {column.origin}")
    else:
        whole = [written for written in column.formats if not dates.is_clock(written)]
        only_clocks = bool(column.formats) and not whole
        read, differ = dates.moments(
            cells.clear(len(cells)) if only_clocks else cells, whole, timed, described.time_zone
        )
        read = _with_clock_times(column, cells, read, given, notices)
        if column.formats:
            notices.append(f"{column.source} → {column.target.name}: read as {' or '.join(column.formats)}")
    if column.clock == "morning":
        notices.append(f"{column.target.name}: the file dates the morning after; each night moved one day back")
    elif column.clock == "timestamp":
        notices.append(f"{column.target.name}: times before noon belong to the night that began the evening before")
    unread = read.is_null() & cells.is_not_null()
    if (column.target.table, column.target.name) in NIGHTS and cells.count() and not read.count():
        raise _no_date(column, cells, given, described)
    if column.target.type == "date":
        read = _days(column, read, given, described, notices)
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
            f"{expected}, the first {cells[at]!r} on line {given.lines[at]}{why}"
        )
    left = pl.select(pl.format("{} (not {})", cells.rechunk(), pl.lit(expected))).to_series()
    return pl.select(pl.coalesce(made, left)).to_series()


def _with_clock_times(
    column: ColumnMap, cells: pl.Series, read: pl.Series, given: Given, notices: list[str]
) -> pl.Series:
    """Return moments with those that are only a time of day put into the night of their row."""
    clocks = [written for written in column.formats if dates.is_clock(written)]
    if column.target.type != "datetime" or given.nights is None or (column.formats and not clocks):
        return read
    made = dates.of_nights(cells.set(read.is_not_null(), None), given.nights, clocks)
    if made.count():
        notices.append(
            f"{column.source} → {column.target.name}: {wording.counted(made.count(), 'times')} of day put into the "
            "night of the row: from noon on in its evening, before noon in the morning after"
        )
    return pl.select(pl.coalesce(read, made)).to_series()


def _no_date(column: ColumnMap, cells: pl.Series, given: Given, described: Mapping) -> SourceError:
    """Return the error for a column of nights of which no cell is a date as the mapping says, and what would be one."""
    at = cells.is_not_null().arg_max() or 0
    told = " or ".join(column.formats) or ("a day number" if column.origin else "ISO 8601, such as 2025-03-01")
    formats = date_formats.proposed(cells)
    named = f"[{', '.join(map(_yaml, column.joined))}]" if column.joined else _yaml(column.source or "")
    proposed = " or ".join(f'{{from: {named}, format: "{written}"}}' for written in formats)
    how = f"; write {column.target.name}: {proposed}" if formats else _other_dates(cells[at])
    if formats and date_formats.timed(formats[0]) and column.clock == "evening":
        how += ", and clock: {date: timestamp}, by which a time before noon is of the evening before"
    if any(map(dates.with_zone, formats)) and described.time_zone is None:
        how += ", and time_zone, such as Europe/Berlin"
    return SourceError(
        f"{described.path}, {column.key}: no cell of {column.source} in {given.file} is {told}; the first is "
        f"{cells[at]!r} on line {given.lines[at]}{how}"
    )


def _other_dates(cell: str) -> str:
    """Return what may be said of cells that no known format reads, such as the first one."""
    if re.fullmatch(r"\d{1,5}", cell):
        return (
            "; where it counts days, say from which on, such as origin: 2024-12-31; where it counts longer periods, "
            "these are no nights"
        )
    return '; say how they are written, format: "%d.%m.%Y"'


def _yaml(name: str) -> str:
    """Return a name as it stands in a mapping: in quotes where a sign in it means something there."""
    return name if re.fullmatch(r"\w[\w .()/-]*", name) else json.dumps(name, ensure_ascii=False)


def _days(column: ColumnMap, read: pl.Series, given: Given, described: Mapping, notices: list[str]) -> pl.Series:
    """Return the date of the night, or for what is dated by its day that day."""
    timed = int((read.dt.time() != time()).sum())
    if (column.target.table, column.target.name) not in NIGHTS:
        if timed:
            notices.append(f"{column.target.name}: {wording.counted(timed, 'times')} of day left out")
        return read.dt.date()
    nights = dates.nights(read, column.clock)
    if read.count() and not nights.count():
        at = read.is_not_null().arg_max() or 0
        raise SourceError(
            f"{described.path}, {column.key}: all times of {column.source} in {given.file} are before noon, the first "
            f"{read[at]} on line {given.lines[at]}, and by clock: evening none is of a night; write clock: {{date: "
            "timestamp}: they belong to the night that began the evening before"
        )
    if before := nights.null_count() - read.null_count():
        notices.append(
            f"{column.target.name}: {wording.counted(before, 'times')} before noon "
            f"{'is' if before == 1 else 'are'} not of an evening (clock: evening): set aside; with "
            "clock: timestamp they belong to the night that began the evening before"
        )
    return nights


def _scale(column: ColumnMap, cells: pl.Series, notices: list[str]) -> pl.Series:
    if column.unit is None or (column.factor == 1 and column.offset == 0):
        return cells
    number = cells.cast(pl.Float64, strict=False) * column.factor + column.offset
    plus = f" {column.offset:+g}" if column.offset else ""
    notices.append(
        f"{column.source} → {column.target.name}: {column.unit} × {column.factor:g}{plus} = {column.target.unit} "
        f"({wording.counted(number.count(), 'cells')})"
    )
    return pl.select(pl.coalesce(number.round_sig_figs(_DIGITS).cast(pl.String), cells)).to_series()
