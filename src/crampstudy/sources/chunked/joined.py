"""A table whose rows are shared out over several files, read as one; and where its lines stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import polars as pl

from crampstudy.cleaning import Cleaned, Raw, RawTable
from crampstudy.errors import SourceError
from crampstudy.sources.chunked.places import Places, places_of


@dataclass(frozen=True, slots=True)
class Joined(RawTable):
    """A table from several files; its ``lines`` run on, and ``places`` tells what they are."""

    places: Places = field(default_factory=Places)


def join(parts: Sequence[RawTable]) -> Joined:
    """Return the parts of a table as one; it has no descriptions of its own columns yet.

    Raises:
        SourceError: a part has other columns than the first one.
    """
    first = parts[0]
    parts = _alike(parts)
    where = places_of(first.name, [part.file for part in parts], [_last_line(part) for part in parts])
    rows = accumulate((part.frame.height for part in parts), initial=0)
    retyped = [(part.retyped, row) for part, row in zip(parts, rows, strict=False) if part.retyped]
    return Joined(
        first.name,
        where.label,
        pl.concat(part.frame for part in parts),
        pl.concat(part.lines + start for part, start in zip(parts, where.starts, strict=True)),
        retyped=(
            pl.concat(numbers.cast(pl.UInt32) + row for (numbers, _), row in retyped),
            pl.concat(text.select(first.frame.columns) for (_, text), _ in retyped),
        )
        if retyped
        else None,
        written=None if parts[0].written is None else pl.concat(p.written for p in parts if p.written is not None),
        unread=pl.concat(p.unread.with_columns(pl.col("line") + s) for p, s in zip(parts, where.starts, strict=True)),
        places=where,
    )


def _last_line(part: RawTable) -> int:
    return max(lines[-1] if len(lines) else 0 for lines in (part.lines, part.unread["line"]))


def common_columns(files: Sequence[str], schemas: Sequence[pl.Schema]) -> pl.Schema:
    """Return the columns of the first file, each in a type that holds what all the files have.

    Raises:
        SourceError: a file has other columns, or one of a type that does not go with that of the first file.
    """
    check_columns(files, schemas)
    types: dict[str, pl.DataType] = dict(schemas[0])
    for file, schema in zip(files, schemas, strict=True):
        for name, dtype in types.items():
            if schema[name] == dtype:
                continue
            both = (pl.DataFrame(schema={name: dtype}), pl.DataFrame(schema={name: schema[name]}))
            try:
                types[name] = pl.concat(both, how="vertical_relaxed").schema[name]
            except pl.exceptions.PolarsError:
                raise SourceError(
                    f"{file}: the column {name} has type {schema[name]}, and {dtype} in {files[0]}; store it as one"
                ) from None
    return pl.Schema(types)


def check_columns(files: Sequence[str], columns: Sequence[Iterable[str]]) -> None:
    """Check that all files of a table have the same columns, in whatever order.

    Raises:
        SourceError: one has other columns than the first.
    """
    first = set(columns[0])
    for file, names in zip(files, columns, strict=True):
        if apart := sorted(first ^ set(names)):
            lacking, having = (file, files[0]) if apart[0] in first else (files[0], file)
            raise SourceError(
                f"{file} has other columns than {files[0]}: {lacking} lacks {apart[0]}, which {having} has; "
                "all files of a table have the same columns"
            )


def stated(table: RawTable, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the ledger of a table with the file that each line stands in, and the line there."""
    return table.places.ledger(lines) if isinstance(table, Joined) else lines


def placed(cleaned: Cleaned, raw: Raw) -> Cleaned:
    """Return what cleaning said of tables in several files with the file and the line of each row."""
    for table in raw.tables:
        if isinstance(table, Joined):
            cleaned = placed_in(cleaned, table.name, table.places)
    return cleaned


def placed_in(cleaned: Cleaned, table: str, places: Places) -> Cleaned:
    """Return what cleaning said of one table with the file and the line of each row."""
    rejected = {**cleaned.rejected, table: places.rows(cleaned.rejected[table])}
    return replace(cleaned, ledger=places.ledger(cleaned.ledger), rejected=rejected)


def _alike(parts: Sequence[RawTable]) -> list[RawTable]:
    """Return the parts with the same columns of the same types, in the order of the first."""
    files = [part.file for part in parts]
    types = dict(parts[0].frame.schema)
    if all(dict(part.frame.schema) == types and part.written is None for part in parts):
        return [replace(part, frame=part.frame.select(list(types))) for part in parts]
    if any(part.retyped or part.written is not None for part in parts):
        # One file had to be read as text, such as one with decimal commas: then all are.
        check_columns(files, [part.frame.columns for part in parts])
        return [_as_text(part, parts[0].frame.columns) for part in parts]
    schema = common_columns(files, [part.frame.schema for part in parts])
    return [replace(part, frame=part.frame.select(schema.names()).cast(schema)) for part in parts]


def _as_text(part: RawTable, columns: list[str]) -> RawTable:
    every = pl.int_range(part.frame.height, dtype=pl.UInt32, eager=True)
    written = part.rows(every, columns)
    return replace(part, frame=part.texts(every, columns), written=written, retyped=None)
