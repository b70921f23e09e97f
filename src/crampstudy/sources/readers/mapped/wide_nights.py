"""Columns that are nights: what a mapping says of them, and the rows that they become."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import cast, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.errors import SourceError
from crampstudy.sources.readers.mapped import column_entry
from crampstudy.sources.readers.mapped.column_entry import ColumnMap
from crampstudy.sources.readers.mapped.entry import MappingEntry
from crampstudy.sources.text import dates, night_columns
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.night_columns import DATE, NIGHT, NUMBER, Block
from crampstudy.wording import counted

EMPTY_NIGHTS = "nights without an entry, left out"
_EXAMPLE = "2025-03-01"


@dataclass(frozen=True, slots=True)
class WideNights:
    """How the headings of a wide table tell their nights; ``key`` is where the mapping file says so.

    ``formats`` are those of headings that are dates. Headings with a number count from ``start``, a date or, in
    ``start_column``, one for each row; ``first`` is the number of that night.
    """

    key: str
    patterns: tuple[str, ...]
    formats: tuple[str, ...] = ()
    start: date | None = None
    start_column: str | None = None
    start_formats: tuple[str, ...] = ()
    first: int | None = None

    @property
    def counted(self) -> bool:
        """Whether the headings number the nights."""
        return NUMBER in self.patterns[0]

    def begun(self, start: date) -> WideNights:
        """Return the same with the first night of everybody, where the headings number the nights."""
        return replace(self, start=start, start_column=None) if self.counted else self


def parse(
    table: MappingEntry, entry: MappingEntry | None, patterns: Sequence[str], clock: Clock
) -> tuple[WideNights, ColumnMap]:
    """Return what a mapping says of columns that are nights, and the column of their dates.

    Args:
        table: The entry of the table.
        entry: That of the nights, where there is one.
        patterns: The patterns of headings among its columns.
        clock: That of the whole mapping.

    Raises:
        SourceError: an entry is unknown or does not fit another.
    """
    place = entry or MappingEntry(table.file, f"{table.key}.nights", {})
    entries = place.entries(("dates", "start", "first", "clock"))
    if not patterns:
        place.wrong('no column names nights by their headings; write one such as cramps: "Day {n}" or cramps: "{date}"')
    if len({NUMBER in pattern for pattern in patterns}) > 1:
        place.wrong(f"the headings are either numbers or dates, not both: {', '.join(patterns)}")
    counts = NUMBER in patterns[0]
    for key in ("start", "first") if not counts else ("dates",):
        if key in entries:
            entries[key].wrong(f"{key} is for headings with {NUMBER if not counts else DATE}, not {patterns[0]}")
    stated = cast(Clock, entries["clock"].one_of(get_args(Clock))) if "clock" in entries else clock
    if stated == "timestamp":
        place.wrong("the headings are nights without a time of day: write nights: {clock: evening} or {clock: morning}")
    start, column, formats = _start(entries)
    made = WideNights(
        place.key,
        tuple(patterns),
        column_entry.formats_of(entries["dates"]) if "dates" in entries else (),
        start,
        column,
        formats,
        _number(entries["first"]) if "first" in entries else None,
    )
    day = MappingEntry(table.file, place.key, {"from": NIGHT, "clock": stated})
    return made, column_entry.column(codebook.variable("date", "diary"), day, stated, None)


def _start(entries: Table[str, MappingEntry]) -> tuple[date | None, str | None, tuple[str, ...]]:
    """Return the date of the first night, or the column that has it and how it is written there."""
    if "start" not in entries:
        return None, None, ()
    entry = entries["start"]
    if isinstance(entry.value, dict):
        inside = entry.entries(("from", "format"), ("from",))
        return None, inside["from"].text(), column_entry.formats_of(inside["format"]) if "format" in inside else ()
    try:
        return date.fromisoformat(entry.text()), None, ()
    except ValueError:
        return None, entry.text(), ()


def _number(entry: MappingEntry) -> int:
    if not entry.text().isdecimal():
        entry.wrong(f"{entry.value!r} is not the number of a night, such as 1")
    return int(entry.text())


def as_rows(
    frame: pl.DataFrame, lines: pl.Series, nights: WideNights, file: str, mapping: Path, *, keep: bool = False
) -> tuple[pl.DataFrame, pl.Series, list[str]]:
    """Return a row for each night of which a cell is filled, with its line, and notices of what was done.

    Args:
        frame: The wide table.
        lines: The line of each of its rows.
        nights: Which of its columns are nights.
        file: The file's name, for messages.
        mapping: The mapping file, for messages.
        keep: Whether an empty cell says something of its night.

    Raises:
        SourceError: no heading fits a pattern, two are one night, or nothing says when the first night was.
    """
    place = f"{mapping}, {nights.key}"
    blocks = {pattern: _block(frame.columns, pattern, nights, file, place) for pattern in nights.patterns}
    long, there = night_columns.unpivot(frame, lines, blocks)
    empty = long.select(pl.all_horizontal(pl.lit(not keep), pl.col(nights.patterns).is_null())).to_series()
    long, there = long.filter(~empty), there.filter(~empty)
    said = [f"{_shown(block)} are nights ({counted(len(block), 'columns')}): {name}" for name, block in blocks.items()]
    if empty.any():
        said.append(f"{EMPTY_NIGHTS}: {int(empty.sum())}")
    if not nights.counted:
        return long.with_columns(pl.col(NIGHT).dt.strftime(dates.WRITTEN["date"])), there, said
    first = night_columns.first_number(blocks) if nights.first is None else nights.first
    start, unread = _starts(long, nights, file, place, blocks)
    made = night_columns.counted_from(start, long[NIGHT], first).dt.strftime(dates.WRITTEN["date"])
    said.append(
        f"night {first} is {nights.start or f'the date in {nights.start_column}'}, the others are counted from it"
    )
    return long.with_columns(pl.select(pl.coalesce(made, unread)).to_series().alias(NIGHT)), there, said


def _block(headings: Sequence[str], pattern: str, nights: WideNights, file: str, place: str) -> Block:
    try:
        found = night_columns.matching(headings, pattern, nights.formats)
    except ValueError as error:
        raise SourceError(f"{place}: {file}: {error} by {pattern!r}; rename one") from None
    if not found:
        written = "" if nights.counted else f" as {' or '.join(nights.formats) or 'ISO 8601 (2025-03-01)'}"
        known = night_columns.recognised(headings)
        proposed = [pattern for pattern in (known.patterns.values() if known else ()) if pattern not in nights.patterns]
        said = [" and ".join(f'"{pattern}"' for pattern in proposed)] if proposed else []
        if known and known.formats not in (nights.formats, ("%Y-%m-%d",)):
            said += (
                [" or ".join(f'nights: {{dates: "{written}"}}' for written in known.formats)] if known.formats else []
            )
        hint = f"; write {', '.join(said)}" if said else ""
        raise SourceError(f"{place}: no heading of {file} is {pattern!r}{written}; it has {_some(headings)}{hint}")
    return found


def _starts(
    long: pl.DataFrame, nights: WideNights, file: str, place: str, blocks: Table[str, Block]
) -> tuple[pl.Series, pl.Series]:
    """Return the date of the first night for each row, and what is written where there is none that can be read."""
    if nights.start is not None:
        return pl.repeat(nights.start, long.height, eager=True), pl.Series([None] * long.height, dtype=pl.String)
    column = nights.start_column
    others = [name for name in long.columns if name not in (*blocks, NIGHT)]
    if column is None:
        block = next(iter(blocks.values()))
        raise SourceError(
            f"{place}: {_shown(block)} of {file} are nights by their numbers, and nothing says when the first was; "
            f'write nights: {{start: "COLUMN"}} with the column of the first dates ({file} has {_some(others)}), '
            f"nights: {{start: {_EXAMPLE}}} where all began on one day, or add --start {_EXAMPLE} to the command "
            f"(?start={_EXAMPLE} behind a source)"
        )
    if column not in others:
        raise SourceError(f"{place}.start: {file} has no column {column!r}; it has {_some(others)}")
    read, _ = dates.moments(long[column], nights.start_formats, timed=False, zone=None)
    expected = " or ".join(nights.start_formats) or "ISO 8601"
    unread = pl.select(pl.format("{} (not {})", long[column].rechunk(), pl.lit(expected))).to_series()
    return read.dt.date(), unread


def _shown(block: Block) -> str:
    headings = list(block.values())
    return f"{headings[0]} … {headings[-1]}" if len(headings) > 1 else headings[0]


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
