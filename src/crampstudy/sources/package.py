"""A cohort as a folder: ``datapackage.json`` and up to five tables, each CSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
import polars.selectors as cs

from crampstudy import codebook
from crampstudy.clean import Raw, RawTable
from crampstudy.codebook import Variable, VariableType, dictionary, rules
from crampstudy.cohort import Cohort, Kind
from crampstudy.errors import SourceError, UsageError
from crampstudy.output import whole_folder
from crampstudy.sources import delimited, descriptor
from crampstudy.sources.descriptor import Descriptor
from crampstudy.sources.own import own_column, own_columns

Format = Literal["csv", "parquet"]
DESCRIPTOR = descriptor.FILE
_FORMATS = get_args(Format)
_STORED = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null)

# What a file is by its first bytes, for a message when it is not what its name says.
_MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\xfd7zXZ": "an xz file",
    b"%PDF": "a PDF",
    b"HEADER RECORD": "a SAS transport file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def read(folder: Path) -> Raw:
    """Read a data package folder; a folder of tables without a descriptor will do.

    Raises:
        SourceError: the folder, a table or the descriptor is missing, empty or not what its name says.
    """
    if not folder.is_dir():
        what = f"{folder} is a file" if folder.exists() else f"there is no folder {folder}"
        raise SourceError(f"{what}; give the folder that holds participants.csv and diary.csv")
    described = descriptor.read(folder)
    paths = {name: path for name in codebook.TABLES if (path := _path(folder, name, described))}
    if not paths:
        raise SourceError(
            f"{folder} holds no table of a cohort; expected participants.csv and diary.csv (or .parquet), "
            f"found {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'nothing'}"
        )
    kind: Kind = described.kind or ("diary" if "diary" in paths else "survey")
    if kind == "diary" and "diary" not in paths:
        raise SourceError(f"{folder}: {DESCRIPTOR} says that it is a diary cohort, and there is no table diary")
    if kind == "survey" and (described.design is None or described.as_of is None):
        raise SourceError(
            f"{folder} has no table diary (found {', '.join(p.name for p in paths.values())}), and no survey design; "
            f"add diary.csv, or state crampstudy.design and crampstudy.as_of of the survey in {DESCRIPTOR}"
        )
    tables: list[RawTable] = []
    notices = [*described.notices, *_left_out(folder, paths)]
    for name, path in paths.items():
        table, said = _table(name, path, described)
        tables.append(table)
        notices.extend(said)
    return Raw(
        name=described.name or folder.resolve().name,
        kind=kind,
        tables=tuple(tables),
        design=described.design,
        as_of=described.as_of,
        window=described.window,
        synthetic=described.synthetic,
        notices=tuple(notices),
    )


def write(cohort: Cohort, folder: Path, format: Format = "csv", extra: Mapping[str, bytes] | None = None) -> None:
    """Write ``cohort`` as a data package, whole or not at all; ``extra`` are files to put beside it.

    Raises:
        UsageError: the format is unknown, or the folder holds files that are not a cohort's.
    """
    if format not in _FORMATS:
        raise UsageError(f"no format {format!r}; allowed: {', '.join(_FORMATS)}")
    extra = extra or {}
    known = {DESCRIPTOR, *extra, *(f"{table}.{suffix}" for table in codebook.TABLES for suffix in _FORMATS)}
    with whole_folder(folder, known.__contains__) as fresh:
        for name, table in cohort.tables.items():
            if format == "csv":
                table.write_csv(fresh / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.f")
            else:
                table.write_parquet(fresh / f"{name}.parquet", statistics=False)
        (fresh / DESCRIPTOR).write_text(dictionary.to_json(_describe(cohort, format)), encoding="utf-8", newline="\n")
        for name, content in extra.items():
            (fresh / name).write_bytes(content)


def _describe(cohort: Cohort, format: Format) -> dict[str, Any]:
    own: dict[str, Any] = {"kind": cohort.kind, "synthetic": cohort.synthetic}
    if cohort.as_of:
        own["as_of"] = cohort.as_of.isoformat()
    if cohort.design:
        own["design"] = {
            "cycles": list(cohort.design.cycles),
            "weights": dict(cohort.design.weights),
            "stratum": cohort.design.stratum,
            "psu": cohort.design.psu,
            "top_coded_age": cohort.design.top_coded_age,
        }
    resources = [
        dictionary.resource(name, f"{name}.{format}", [_variable(name, c, table.schema[c]) for c in table.columns])
        for name, table in cohort.tables.items()
    ]
    return {"name": cohort.name, "crampstudy": own, "resources": resources}


def _variable(table: str, column: str, dtype: pl.DataType) -> Variable:
    types: dict[pl.DataType, VariableType] = {d: t for t, d in rules.DTYPES.items()} | {pl.String(): "text"}
    return codebook.find(column, table) or own_column(table, column, types[dtype])


def _path(folder: Path, table: str, described: Descriptor) -> Path | None:
    if table in described.paths:
        path = folder / described.paths[table]
        if not path.is_file():
            raise SourceError(f"{folder / DESCRIPTOR} names {described.paths[table]}, which is not there")
        return path
    found = [path for suffix in _FORMATS if (path := folder / f"{table}.{suffix}").is_file()]
    if len(found) > 1:
        raise SourceError(f"{folder} holds both {found[0].name} and {found[1].name}; keep one of them")
    return found[0] if found else None


def _left_out(folder: Path, paths: Mapping[str, Path]) -> list[str]:
    tables = (path for path in sorted(folder.iterdir()) if path.suffix.lower()[1:] in _FORMATS)
    known = ", ".join(codebook.TABLES)
    return [f"{p.name} is none of the tables and was left out ({known})" for p in tables if p not in paths.values()]


def _table(name: str, path: Path, described: Descriptor) -> tuple[RawTable, list[str]]:
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    parquet = path.suffix.lower() == ".parquet"
    looks = next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)
    if (looks == "a Parquet file") != parquet or (looks and not parquet) or (not parquet and b"\0" in head):
        wanted = "Parquet" if parquet else "CSV (UTF-8, comma)"
        raise SourceError(
            f"{path} is not what its name says: it looks like {looks or 'something else'}; save it as {wanted}"
        )
    missing = described.missing.get(name, ())
    frame, lines, notices = _read_parquet(path, missing) if parquet else delimited.read(path, missing)
    own, said = own_columns(name, path.name, frame, described.types, described.titles)
    return RawTable(name, path.name, frame, lines, own), [*notices, *said]


def _read_parquet(path: Path, missing: Sequence[str]) -> tuple[pl.DataFrame, pl.Series, tuple[str, ...]]:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}; write it again") from None
    for name, dtype in frame.schema.items():
        if not dtype.is_numeric() and dtype.base_type() not in _STORED:
            raise SourceError(f"{path}: the column {name!r} has type {dtype}; store text, numbers, booleans or dates")
    # Text from Parquet is held to the rules of text from CSV: trimmed, and an empty cell is a missing one.
    frame = frame.with_columns(cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String))
    gone = list({"", *missing})
    frame = frame.with_columns(cs.string().str.strip_chars())
    frame = frame.with_columns(pl.when(~cs.string().is_in(gone)).then(cs.string()).name.keep())
    return frame, pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True), ()
