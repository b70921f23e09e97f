"""A data package whose Parquet diary is too large to hold at once: opened here, read chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from crampstudy import codebook
from crampstudy.cleaning import Raw
from crampstudy.codebook import Variable
from crampstudy.errors import SourceError
from crampstudy.sources import descriptor, parquet
from crampstudy.sources.chunked.diary import ChunkedDiary
from crampstudy.sources.chunked.joined import common_columns
from crampstudy.sources.chunked.places import places_of
from crampstudy.sources.descriptor import Descriptor
from crampstudy.sources.extra_columns import extra_columns
from crampstudy.sources.readers import package
from crampstudy.sources.text import decimals, missing_codes, row_index
from crampstudy.sources.text.decimals import Stated
from crampstudy.sources.text.missing_codes import Codes


def read(folder: Path, at_least: int, declared: Codes = missing_codes.NONE) -> tuple[Raw, ChunkedDiary] | None:
    """Open a data package whose diary is Parquet, with ``at_least`` so many rows; ``None`` if it is not.

    The first of the two has all the other tables. ``None``, too, where the diary has numbers as texts with commas,
    which have to be settled column by column, or a column that may number its rows.

    Raises:
        SourceError: as :func:`.package.read`.
    """
    paths = package.diary_paths(folder)
    if not paths or paths[0].suffix.lower() != ".parquet":
        return None
    try:
        heights, empty = _heads(paths)
    except (*parquet.DAMAGED, SourceError):
        # Read whole, it is refused with the reason.
        return None
    columns = [name for table in empty for name in table.column_names]
    if sum(heights) < max(at_least, 1) or "participant_id" not in empty[0].column_names or row_index.perhaps(columns):
        return None
    described = descriptor.read(folder)
    coded = described.codes("diary", declared)
    missing = described.missing.get("diary", ())
    names = tuple(package.part_name(folder, path, len(paths)) for path in paths)
    heads = [parquet.stored(path, pl.DataFrame(table), missing) for path, table in zip(paths, empty, strict=True)]
    schema = common_columns(names, [head.schema for head in heads])
    places = places_of("diary", names, heights)
    said = [
        notice
        for name, table in zip(names, empty, strict=True)
        for notice in row_index.notice(name, row_index.reserved(table.column_names))
    ]
    # How many cells hold one is not known before all parts have been read.
    said += [
        f"{places.label}: {c}: cells that hold {', '.join(coded.of(c))} are missing" for c in schema if coded.of(c)
    ]
    diary = ChunkedDiary(paths, places, sum(heights), schema, missing, codes=coded)
    extra = _extra_columns(diary, described, package.stated_marks(folder, "diary", described))
    if extra is None:
        return None
    own, noticed = extra
    raw = package.read(folder, leave=("diary",), declared=declared, said=(*said, *noticed))
    missing_codes.check(
        declared, str(folder), [*schema, *(column for table in raw.tables for column in table.frame.columns)]
    )
    return raw, replace(diary, extra_columns=own)


def _extra_columns(
    diary: ChunkedDiary, described: Descriptor, marks: Stated
) -> tuple[tuple[Variable, ...], list[str]] | None:
    """Return the diary's extra columns and how they were read, ``None`` where a mark of numbers has to be settled.

    The type of such a column is what all its cells fit, and the mark of numbers in texts what all of them show, so that
    each is looked at as a whole.
    """
    extra: list[Variable] = []
    notices: list[str] = []
    for name, dtype in diary.schema.items():
        known = codebook.find(name, "diary")
        if known and (dtype != pl.String or known.type not in decimals.NUMBERS):
            continue
        cells = diary.column(name)
        if decimals.numbers(cells, ["diary"], marks) and (
            marks.commas or cells[name].str.contains(decimals.COMMA).any()
        ):
            return None
        if known:
            continue
        found, said = extra_columns("diary", diary.places.label, cells, described.types, described.titles)
        extra += found
        notices += said
    return tuple(extra), notices


def _heads(paths: Sequence[Path]) -> tuple[list[int], list[pa.Table]]:
    """Return how many rows each file says that it has, and its columns without rows."""
    heights: list[int] = []
    empty: list[pa.Table] = []
    for path in paths:
        with pq.ParquetFile(path) as file:
            heights.append(parquet.row_count(path))
            empty.append(file.schema_arrow.empty_table())
    return heights, empty
