"""Grids of cells from workbooks and statistical files, and a wide one split into participants and nights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Raw, RawTable
from crampstudy.errors import SourceError
from crampstudy.sources.address import make_study
from crampstudy.sources.extra_columns import extra_columns
from crampstudy.sources.readers import first_age
from crampstudy.sources.text import decimals, missing_codes, row_index
from crampstudy.sources.text.decimals import Stated
from crampstudy.sources.text.missing_codes import Codes

_ID = "participant_id"
_INDEX = "__index"

Chosen = Callable[[Sequence[str]], Collection[str]]
"""Tells which of several columns are chosen."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet or one statistical file: all cells as text, missing ones null, and the line of each row in ``file``."""

    name: str
    file: str
    frame: pl.DataFrame
    lines: pl.Series
    notices: tuple[str, ...] = ()


def check_cohort(path: Path, grid: Grid) -> None:
    """Refuse a file of nights whose columns are not called as in the codebook.

    Raises:
        SourceError: the message has the command that finds out which column is which.
    """
    names = set(grid.frame.rename(codebook_names(grid.frame.columns)).columns)
    people_alone = _ID in names and not {"date", "cramps"} & names
    if not {_ID, "date", "cramps"} <= names and not people_alone and not any(map(_elsewhere, names)):
        raise SourceError(
            f"{grid.file} has the columns {', '.join(grid.frame.columns[:12])}, and a study needs {_ID}, date and "
            f"cramps; make a study of it: {make_study(path)}, or say which column is which in a mapping: "
            f"mapped:{path}?mapping=M.yaml"
        )


def _elsewhere(name: str) -> bool:
    """Return whether a name is known of tables beside participants and diary."""
    return codebook.find(name) is not None and not any(
        codebook.find(name, table) for table in ("participants", "diary")
    )


def codebook_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns whose names differ from one of the codebook only in case, with that name.

    A name that is in the table already stays as it is.
    """
    columns = list(columns)
    lowered = [name.lower() for name in columns]
    return {
        name: low
        for name, low in zip(columns, lowered, strict=True)
        if name != low and low not in columns and lowered.count(low) == 1 and codebook.find(low)
    }


def without_codes(grid: Grid, declared: Codes) -> Grid:
    """Return a grid with the codebook's names, without row numbers and cells that hold a declared missing code."""
    numbered = row_index.found(grid.frame)
    frame = grid.frame.drop(numbered)
    frame, said = missing_codes.without(grid.file, frame.rename(codebook_names(frame.columns)), declared)
    return replace(grid, frame=frame, notices=(*grid.notices, *row_index.notice(grid.file, numbered), *said))


def with_points(
    grid: Grid,
    texts: Sequence[pl.Series],
    stated: Stated,
    numbers: Chosen | None = None,
    declared: Codes = missing_codes.NONE,
) -> Grid:
    """Return a grid with decimal points in its numbers that are stored as texts, each column read by one rule.

    Args:
        grid: The grid.
        texts: The columns that have numbers stored as texts, null where a cell is none.
        stated: What somebody has said of the marks.
        numbers: Tells those of the columns that hold numbers, by default as the codebook does.
        declared: Codes of missing cells, which are no numbers.

    Raises:
        SourceError: as :func:`crampstudy.sources.text.decimals.settle`.
    """
    names = codebook_names(grid.frame.columns)
    given = pl.DataFrame([t.set(missing_codes.held(t, declared.of(names.get(t.name, t.name))), None) for t in texts])
    if numbers is None:
        found = decimals.numbers(given.rename(names, strict=False), codebook.TABLES, stated)
        chosen: Collection[str] = [name for name in given.columns if names.get(name, name) in found]
    else:
        chosen = numbers(given.columns)
    columns = [name for name in given.columns if name in chosen]
    made, said = decimals.settle(given.select(columns), columns, grid.file, grid.lines, stated)
    frame = grid.frame.with_columns(pl.coalesce(made[name], pl.col(name)).alias(name) for name in columns)
    return replace(grid, frame=frame, notices=(*grid.notices, *said))


def split(frame: pl.DataFrame, lines: pl.Series, file: str) -> tuple[tuple[RawTable, ...], list[str]]:
    """Split a wide table with codebook names into ``participants`` and, where it has dates, ``diary``; and say how.

    A row is one participant and night. A column goes to the table whose codebook knows it; a column that no
    codebook knows goes to the participants where it never changes within one, else to the diary. A
    participant's value may stand on any of the rows; the line of a participant is that of the first row.
    Without ``date`` the rows are the participants. Of an age that grows the one at the first night is kept.

    Raises:
        SourceError: there is no ``participant_id``, a column belongs to the diary and there is no ``date``,
            a column belongs to another table, or a participant has two values of one participant-level column.
    """
    frame = frame.rename(codebook_names(frame.columns))
    if _ID not in frame.columns:
        raise SourceError(
            f"{file}: a wide table needs the column {_ID}; it has {', '.join(frame.columns[:12])}; "
            "rename the column, or read the file through a mapping (mapped:FILE?mapping=M.yaml)"
        )
    _check_homes(frame.columns, file)
    if "date" not in frame.columns:
        return (RawTable("participants", file, frame, lines),), []
    steady = _participant_columns(frame)
    days = frame["date"].cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    known, grown = first_age.of_first_nights(frame, lines, days)
    people, first = _people(known, [c for c in frame.columns if c in steady], lines, file)
    nights = RawTable("diary", file, frame.drop(steady), lines)
    said = [f"{file}: {notice}" for notice in grown]
    return (RawTable("participants", file, people, lines.gather(first)), nights), said


def _check_homes(columns: Sequence[str], file: str) -> None:
    """Refuse a column that goes into neither participants nor diary, or into a diary without dates."""
    nightly = [c for c in columns if c not in (_ID, "date") and codebook.find(c, "diary")]
    if nightly and "date" not in columns:
        raise SourceError(f"{file}: the column {nightly[0]} is one of the diary, which needs the column date; add it")
    for column in columns:
        home = [table for table in codebook.TABLES if codebook.find(column, table)]
        if home and not {"participants", "diary"} & set(home):
            raise SourceError(
                f"{file}: the column {column} belongs to {home[0]}, which a wide table cannot hold; "
                f"give {home[0]} a table of its own, or leave the column out"
            )


def _participant_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns of participants: those of the codebook, and extra ones that never change within one."""
    steady = [c for c in frame.columns if c != _ID and codebook.find(c, "participants")]
    unknown = [c for c in frame.columns if codebook.find(c, "participants") is None and not codebook.find(c, "diary")]
    return [*steady, *_constant(frame, unknown)]


def as_diary(path: Path, tables: Sequence[RawTable], notices: Sequence[str] = ()) -> Raw:
    """Return tables without a descriptor as a raw diary cohort named for its file.

    Raises:
        SourceError: there is no table diary.
    """
    if not any(table.name == "diary" for table in tables):
        raise SourceError(
            f"{path} holds no nights (found {', '.join(table.name for table in tables)}); "
            "a cohort from such a file is a diary: add the table diary, or the columns date and cramps"
        )
    typed: list[RawTable] = []
    said: list[str] = []
    for table in tables:
        extra, kept = extra_columns(table.name, table.file, table.frame)
        typed.append(replace(table, extra_columns=extra))
        said += [f"{notice} with the table {table.name}" for notice in kept]
    return Raw(name=path.stem, kind="diary", tables=tuple(typed), notices=(*notices, *said))


def as_table(name: str, grid: Grid) -> RawTable:
    """Return a grid that is one table of a cohort."""
    return RawTable(name, grid.file, grid.frame.rename(codebook_names(grid.frame.columns)), grid.lines)


def _constant(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the columns that never change within a participant, in a table with more rows than participants."""
    known = frame.filter(pl.col(_ID).is_not_null())
    if not columns or known.height < frame.height or known[_ID].n_unique() == known.height:
        return []
    changes = known.group_by(_ID).agg(pl.col(columns).n_unique()).select((pl.col(columns) > 1).any())
    return [column for column in columns if not changes[column].item()]


def _people(frame: pl.DataFrame, columns: Sequence[str], lines: pl.Series, file: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row per participant, and the position of its first row."""
    known = frame.select(_ID, "date", *columns).with_row_index(_INDEX).filter(pl.col(_ID).is_not_null())
    grouped = known.group_by(_ID, maintain_order=True)
    values = grouped.agg(pl.col(columns).drop_nulls().n_unique()) if columns else known.head(0)
    for column in columns:
        several = values.filter(pl.col(column) > 1)
        if several.height:
            raise SourceError(_contradiction(known, several[_ID][0], column, lines, file))
    people = grouped.agg(pl.col(_INDEX).first(), pl.col(columns).drop_nulls().first())
    return people.drop(_INDEX), people[_INDEX]


def _contradiction(known: pl.DataFrame, who: str, column: str, lines: pl.Series, file: str) -> str:
    rows = known.filter((pl.col(_ID) == who) & pl.col(column).is_not_null()).unique(column, maintain_order=True)
    (one, first, day), (other, second, later) = rows.select(column, _INDEX, "date").rows()[:2]
    return (
        f"{file}: participant {who} has two values of {column}: {one} (line {lines[first]}, night {day}) and {other} "
        f"(line {lines[second]}, night {later}); a participant has one: correct the rows, or take the column out"
    )
