"""A cohort as a folder: ``datapackage.json`` and up to five tables, each CSV, TSV (also compressed) or Parquet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
import polars.selectors as cs

from crampstudy import codebook
from crampstudy.clean import Raw, RawTable
from crampstudy.codebook import Variable, VariableType, dictionary, rules
from crampstudy.cohort import Cohort, Kind
from crampstudy.errors import SourceError, UsageError
from crampstudy.output import csv_restored, csv_safe, whole_folder
from crampstudy.sources import descriptor, typed
from crampstudy.sources.content import COMPRESSED, looks_like
from crampstudy.sources.descriptor import Descriptor
from crampstudy.sources.own import own_column, own_columns

Format = Literal["csv", "parquet"]
DESCRIPTOR = descriptor.FILE
REDCAP = "redcap.csv"
"""The dictionary for REDCap, which a study folder may hold beside its tables."""
_FORMATS = get_args(Format)
_PARQUET = ".parquet"
_TEXT = (".csv", ".tsv")
_ENDINGS = f"{', '.join(_TEXT)} (alone or with {', '.join(COMPRESSED)}) or {_PARQUET}"
_STORED = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null)


def read(folder: Path, leave: Collection[str] = ()) -> Raw:
    """Read a data package folder; a folder of tables without a descriptor will do.

    Tables named in ``leave`` must be there as any other and are not read.

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
            f"{folder} holds no table of a cohort; expected participants.csv and diary.csv (or .tsv, .parquet), "
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
        if name in leave:
            continue
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


def diary_path(folder: Path) -> Path | None:
    """Return the file of the diary in a data package folder, ``None`` where there is none."""
    return _path(folder, "diary", descriptor.read(folder)) if folder.is_dir() else None


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
                csv_safe(table).write_csv(fresh / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.f")
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
        if not _is_table(path):
            raise SourceError(f"{folder / DESCRIPTOR} names {described.paths[table]}; a table ends in {_ENDINGS}")
        return path
    found = [path for path in _tables(folder) if path.name.lower().partition(".")[0] == table]
    if len(found) > 1:
        raise SourceError(f"{folder} holds both {found[0].name} and {found[1].name}; keep one of them")
    return found[0] if found else None


def _tables(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _is_table(path)]


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    for packed in COMPRESSED:
        name = name.removesuffix(packed)
    return name.endswith(_TEXT) or path.suffix.lower() == _PARQUET


def _left_out(folder: Path, paths: Mapping[str, Path]) -> list[str]:
    known = ", ".join(codebook.TABLES)
    left = (path for path in _tables(folder) if path not in paths.values() and path.name != REDCAP)
    return [f"{path.name} is none of the tables and was left out ({known})" for path in left]


def _table(name: str, path: Path, described: Descriptor) -> tuple[RawTable, list[str]]:
    missing = described.missing.get(name, ())
    if path.suffix.lower() == _PARQUET:
        frame, lines = _read_parquet(path, missing)
        own, said = own_columns(name, path.name, frame, described.types, described.titles)
        return RawTable(name, path.name, frame, lines, own), list(said)
    read = typed.read(path, name, missing)
    frame = csv_restored(read.frame)
    own, said = own_columns(name, path.name, frame, described.types, described.titles)
    doubtful = read.doubtful and (read.doubtful[0], csv_restored(read.doubtful[1]))
    written = None if read.written is None else csv_restored(read.written)
    table = RawTable(name, path.name, frame, read.lines, own, doubtful, written)
    return table, [*read.notices, *said]


def _read_parquet(path: Path, missing: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
    with path.open("rb") as file:
        head = file.read(16)
    if not head.startswith(b"PAR1"):
        what = "empty" if not head else f"not what its name says: it looks like {looks_like(head) or 'something else'}"
        raise SourceError(f"{path} is {what}; save it as Parquet")
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}; write it again") from None
    return stored(path, frame, missing), pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)


def stored(path: Path, frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Return rows of a Parquet file as the rules read them.

    Raises:
        SourceError: a column holds lists, durations or another type that no variable has.
    """
    for name, dtype in frame.schema.items():
        if not dtype.is_numeric() and dtype.base_type() not in _STORED:
            raise SourceError(f"{path}: the column {name!r} has type {dtype}; store text, numbers, booleans or dates")
    # Text from Parquet is held to the rules of text from CSV: trimmed, and an empty cell is a missing one.
    frame = frame.with_columns(cs.by_dtype(pl.Categorical, pl.Enum).cast(pl.String))
    gone = list({"", *missing})
    frame = frame.with_columns(cs.string().str.strip_chars())
    return frame.with_columns(pl.when(~cs.string().is_in(gone)).then(cs.string()).name.keep())
