"""A data package whose Parquet diary is too large to hold at once: opened here, read chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from crampstudy import codebook
from crampstudy.codebook import Variable
from crampstudy.errors import SourceError
from crampstudy.sources import descriptor, parquet
from crampstudy.sources.chunked.diary import ChunkedDiary
from crampstudy.sources.chunked.joined import common_columns
from crampstudy.sources.chunked.places import places_of
from crampstudy.sources.extra_columns import own_columns
from crampstudy.sources.readers import package
from crampstudy.sources.text import decimals, missing_codes
from crampstudy.sources.text.missing_codes import Codes


def read(folder: Path, at_least: int, declared: Codes = missing_codes.NONE) -> ChunkedDiary | None:
    """Open a data package whose diary is Parquet, with ``at_least`` so many rows; ``None`` if it is not.

    ``None``, too, where the diary has numbers as texts with commas, which have to be settled column by column.

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
    if sum(heights) < at_least or "participant_id" not in empty[0].column_names:
        return None
    raw = package.read(folder, leave=("diary",), declared=declared)
    described = descriptor.read(folder)
    coded = described.codes("diary", declared)
    missing = described.missing.get("diary", ())
    names = tuple(package.part_name(folder, path, len(paths)) for path in paths)
    heads = [parquet.stored(path, pl.DataFrame(table), missing) for path, table in zip(paths, empty, strict=True)]
    schema = common_columns(names, [head.schema for head in heads])
    places = places_of("diary", names, heights)
    own: list[Variable] = []
    missing_codes.check(
        declared, str(folder), [*schema, *(column for table in raw.tables for column in table.frame.columns)]
    )
    notices = list(raw.notices)
    # How many cells hold one is not known before all parts have been read.
    notices += [
        f"{places.label}: {c}: cells that hold {', '.join(coded.of(c))} are missing" for c in schema if coded.of(c)
    ]
    marks = package.stated_marks(folder, "diary", described)
    for name, dtype in schema.items():
        known = codebook.find(name, "diary")
        if known and (dtype != pl.String or known.type not in decimals.NUMBERS):
            continue
        # The type of an own column is what all its cells fit, and the mark of numbers in texts what all of them show,
        # so that each is looked at as a whole.
        cells = pl.concat(
            parquet.stored(path, parquet.read(path, [name]), missing).cast({name: schema[name]}) for path in paths
        )
        cells, _ = missing_codes.without(places.label, cells, coded)
        if decimals.numbers(cells, ["diary"], marks) and (
            marks.commas or cells[name].str.contains(decimals.COMMA).any()
        ):
            return None
        if known:
            continue
        found, said = own_columns("diary", places.label, cells, described.types, described.titles)
        own += found
        notices += said
    return ChunkedDiary(
        replace(raw, notices=tuple(notices)), paths, places, sum(heights), schema, missing, tuple(own), coded
    )


def _heads(paths: Sequence[Path]) -> tuple[list[int], list[pa.Table]]:
    """Return how many rows each file says that it has, and its columns without rows."""
    heights: list[int] = []
    empty: list[pa.Table] = []
    for path in paths:
        with pq.ParquetFile(path) as file:
            heights.append(parquet.row_count(path))
            empty.append(file.schema_arrow.empty_table())
    return heights, empty
