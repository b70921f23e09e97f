"""Data packages: CSV, compressed CSV and Parquet."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind, chosen, sheet
from fuzz_plain import Plain, Row, Unclear, table
from fuzz_study import study
from fuzz_text import CELLS, mistaken
from numpy.random import Generator

from crampstudy import codebook

_TABLES = tuple(study())
_WEIGHTS = (2.0, 5.0, 1.5, 1.0, 1.0)
_PACKED = (".gz", ".xz", ".zst")


def write_csv(folder: Path) -> str:
    for name, rows in study().items():
        (folder / f"{name}.csv").write_bytes(sheet(rows).content())
    return str(folder)


def spoil_csv(folder: Path, rng: Generator) -> str:
    name = chosen(rng, _TABLES, _WEIGHTS)
    content, what = mistaken(sheet(study()[name]), rng)
    (folder / f"{name}.csv").write_bytes(content)
    return f"{name}: {what}"


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    try:
        match path.suffix:
            case ".gz":
                return gzip.decompress(content)
            case ".xz":
                return lzma.decompress(content)
            case ".zst":
                with pa.input_stream(io.BytesIO(content), compression="zstd") as stream:
                    return bytes(stream.read())
            case _:
                return content
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        raise Unclear from None


def plain_texts(folder: Path) -> Plain:
    found = {path.name.split(".")[0]: path for path in sorted(folder.iterdir()) if ".csv" in path.suffixes}
    return {name: table(_unpacked(path))[1] for name, path in found.items() if name in codebook.TABLES}


def _pack(content: bytes, suffix: str) -> bytes:
    match suffix:
        case ".gz":
            return gzip.compress(content, 1, mtime=0)
        case ".xz":
            return lzma.compress(content, preset=0)
        case _:
            out = pa.BufferOutputStream()
            with pa.CompressedOutputStream(out, "zstd") as stream:
                stream.write(content)
            return bytes(out.getvalue())


@cache
def _packed_study() -> dict[str, bytes]:
    suffixes = (*_PACKED, ".gz", ".zst")
    return {
        f"{name}.csv{suffix}": _pack(sheet(rows).content(), suffix)
        for (name, rows), suffix in zip(study().items(), suffixes, strict=True)
    }


def _packed(folder: Path) -> str:
    for name, content in _packed_study().items():
        (folder / name).write_bytes(content)
    return str(folder)


def _spoil_packed(folder: Path, rng: Generator) -> str:
    name = chosen(rng, _TABLES, _WEIGHTS)
    path = next(folder.glob(f"{name}.*"))
    path.unlink()
    suffix = _PACKED[place(rng, 3)]
    content, what = sheet(study()[name]).content(), "valid"
    if rng.random() < 0.5:
        content, what = mistaken(sheet(study()[name]), rng)
        content = _pack(content, suffix)
    else:
        content, what = damaged(_pack(content, suffix), rng)
    (folder / f"{name}.csv{suffix}").write_bytes(content)
    return f"{name}.csv{suffix}: {what}"


def _parquet(folder: Path) -> str:
    for name, content in _stored_study().items():
        (folder / f"{name}.parquet").write_bytes(content)
    return str(folder)


@cache
def _stored_study() -> dict[str, bytes]:
    return {name: _store(pl.DataFrame(rows, infer_schema_length=None)) for name, rows in study().items()}


def _store(frame: pl.DataFrame, **how: Any) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, **how)
    return out.getvalue()


def _spoil_parquet(folder: Path, rng: Generator) -> str:
    name = chosen(rng, _TABLES, _WEIGHTS)
    path = folder / f"{name}.parquet"
    if rng.random() < 0.5:
        content, what = damaged(path.read_bytes(), rng)
        path.write_bytes(content)
        return f"{name}: {what}"
    frame = pl.DataFrame(study()[name], infer_schema_length=None)
    done = []
    for _ in range(int(rng.integers(1, 3))):
        column = frame.columns[place(rng, frame.width)]
        change = _STORED[place(rng, len(_STORED))]
        try:
            frame = change(frame, column, rng)
        except pl.exceptions.PolarsError:
            # Not every change fits every type.
            continue
        done.append(f"{change.__name__} of {column}")
    how: tuple[dict[str, Any], ...] = (
        {},
        {"compression": "uncompressed"},
        {"row_group_size": 7},
        {"compression": "gzip"},
    )
    path.write_bytes(_store(frame, **how[place(rng, 4)]))
    return f"{name}: {', '.join(done)}"


def as_texts(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    """A column as text, one cell of which is something else."""
    cells = frame[column].cast(pl.String).to_list()
    cells[place(rng, len(cells))] = CELLS[place(rng, len(CELLS))]
    return frame.with_columns(pl.Series(column, cells, dtype=pl.String))


def number(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    values = (float("nan"), float("inf"), 99.0, -99.0, 1e300, 0.5, 2.0**53 + 2, -1.0)
    cells = frame[column].cast(pl.Float64).to_list()
    cells[place(rng, len(cells))] = values[place(rng, len(values))]
    return frame.with_columns(pl.Series(column, cells, dtype=pl.Float64))


def type(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    types = (
        pl.Int8,
        pl.UInt64,
        pl.Float32,
        pl.Decimal(20, 3),
        pl.Categorical,
        pl.Datetime("ms"),
        pl.Datetime("us", "UTC"),
    )
    more = (pl.Date, pl.Boolean, pl.List(pl.String), pl.Duration, pl.Null, pl.Binary, pl.Time)
    return frame.with_columns(pl.col(column).cast((*types, *more)[place(rng, 14)]))


def moved(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    hours = (1, 12, -1, 24)[place(rng, 4)]
    return frame.with_columns((pl.col(column).cast(pl.Datetime("us")) + timedelta(hours=hours)).alias(column))


def gone(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    return frame.drop(column)


def renamed(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    return frame.rename({column: (column.upper(), f"{column} ", "mood", "__line", "", "x")[place(rng, 6)]})


def empty(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    return frame.head(0) if rng.random() < 0.3 else frame.with_columns(pl.lit(None).alias(column))


def twice(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    return pl.concat([frame, frame.sample(2, seed=int(rng.integers(0, 2**31)))])


def shuffled(frame: pl.DataFrame, column: str, rng: Generator) -> pl.DataFrame:
    """One column in another order than the rows."""
    return frame.with_columns(frame[column].shuffle(seed=int(rng.integers(0, 2**31))))


_Change = Callable[[pl.DataFrame, str, Generator], pl.DataFrame]
_STORED: tuple[_Change, ...] = (
    *(as_texts, as_texts, number, number, type, type, moved, gone, renamed, empty, twice, shuffled),
)


def _plain_stored(folder: Path) -> Plain:
    made = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            stored = pq.read_table(path)
            columns = {name: stored.column(i).to_pylist() for i, name in enumerate(stored.column_names)}
        except (pa.ArrowException, OSError, ValueError, OverflowError, UnicodeDecodeError):
            raise Unclear from None
        rows = zip(*columns.values(), strict=True) if columns else ()
        made[path.stem] = [
            Row(line, {name: (_trimmed(value),) for name, value in zip(columns, row, strict=True)})
            for line, row in enumerate(rows, 1)
        ]
    return made


def _trimmed(value: Any) -> Any:
    return value.strip() or None if isinstance(value, str) else float(value) if hasattr(value, "quantize") else value


KINDS = (
    Kind("csv", write_csv, spoil_csv, plain_texts),
    Kind("packed", _packed, _spoil_packed, plain_texts),
    Kind("parquet", _parquet, _spoil_parquet, _plain_stored),
)
