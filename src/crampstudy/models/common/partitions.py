"""A diary in many Parquet files, fitted with the memory of one of them for each worker.

A file is read in one pass that leaves sums: how many nights of each participant are alike in their cramps and in all
that the model needs. The sums of all files are merged, whoever made them, into the rows that one pass over the whole
diary gives, in the same order; the fit is that of the whole diary, byte for byte.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from crampstudy import codebook, compute
from crampstudy.cleaning import Context, clean_table, nothing_left
from crampstudy.cleaning.raw import ROW, ledger
from crampstudy.codebook import rules
from crampstudy.errors import SourceError, UsageError
from crampstudy.nights import Diary, Part, Parts
from crampstudy.sources import Address
from crampstudy.sources.chunked.joined import common_columns
from crampstudy.sources.readers import package
from crampstudy.sources.text import missing_codes


def in_parts(
    source: str | Path,
    *,
    workers: compute.Workers = 1,
    keep: Path | None = None,
    progress: compute.Progress | None = None,
    today: date | None = None,
) -> Diary:
    """Open a data package whose diary is Parquet, in one file or many, for models that count nights.

    The participants are read and cleaned; the nights are read when a model needs them, file by file, by ``workers`` as
    in :func:`crampstudy.compute.map`, and are taken to be clean: `crampstudy validate` says whether they are.
    A participant's nights may stand in several files. ``keep`` is a folder for the sums, so that a fit that was ended
    goes on where it stood, and another with the same variables begins there.

    Args:
        source: a data package whose diary is Parquet.
        workers: how many processes read the files, or a cluster.
        keep: a folder for the sums.
        progress: told of each file that was read.
        today: the day after which no date can lie.

    Raises:
        SourceError: the package cannot be read, its files do not go together, or it has no participant.
        UsageError: the source is no data package of a diary, its diary is not Parquet, or its nights are not to be
            taken as they stand: it has codes for missing values, corrections, or nights without a row.
    """
    compute.check_workers(workers)
    address = Address.parse(source)
    _check_needs_no_cleaning(source, address)
    folder, paths = _parquet_parts(source, address)
    raw = package.read(folder, leave=("diary",))
    if raw.unlogged or address.unlogged:
        raise UsageError(
            f"a diary read in parts is taken as it stands, and {source} says that nights without a row had no cramp; "
            f"fill them in first: crampstudy import '{source}' --format parquet --out FILLED, and fit FILLED"
        )
    table = next((table for table in raw.tables if table.name == "participants"), None)
    if table is None:
        raise SourceError(f"{folder} has no table participants")
    people, said = clean_table(table, Context({}, raw.window, today))
    if people.is_empty():
        raise nothing_left(table.file, table.frame.height, ledger(table, said))
    names = [package.part_name(folder, path, len(paths)) for path in paths]
    schema = _typed(common_columns(names, [_schema(path) for path in paths]))
    if missing := [v.name for v in codebook.variables("diary") if v.required and v.name not in schema]:
        raise SourceError(f"{names[0]}: the required column {missing[0]} is missing")
    parts = Parts(tuple(Part.of(path) for path in paths), schema, workers, keep, progress)
    return Diary(raw.name, people.drop(ROW), parts.nights(), parts)


def _parquet_parts(source: str | Path, address: Address) -> tuple[Path, tuple[Path, ...]]:
    """Return the folder of a data package and the Parquet files of its diary."""
    folder = address.package_folder
    paths = package.diary_paths(folder) if folder else ()
    if not folder or not paths:
        raise UsageError(f"{source} is no data package with a diary; parts are the Parquet files of one")
    if any(path.suffix.lower() != ".parquet" for path in paths):
        raise UsageError(f"the diary of {folder} is text; write it as Parquet, in parts of some 250,000 nights")
    return folder, tuple(paths)


def _check_needs_no_cleaning(source: str | Path, address: Address) -> None:
    """Refuse what would be lost in silence: nights that are counted file by file are never cleaned."""
    lost = {
        "case_definition= needs their cramps one by one": address.case_definition,
        "missing= needs them cleaned": missing_codes.declared(address.options),
        f"{address.corrections_file} says which of their cells are wrong": address.corrections_file,
    }
    for what, there in lost.items():
        if there:
            raise UsageError(
                f"{source}: nights that are counted file by file are taken as they stand, and {what}; "
                f"write them cleaned first: crampstudy import '{source}' --out FOLDER --format parquet"
            )


def _schema(path: Path) -> pl.Schema:
    try:
        return pl.Schema(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}; write it again") from None


def _typed(schema: pl.Schema) -> pl.Schema:
    """Return the types of the codebook for the columns that it knows."""
    known = {name: codebook.find(name, "diary") for name in schema}
    return pl.Schema({n: rules.DTYPES[v.type] if (v := known[n]) else dtype for n, dtype in schema.items()})
