"""A cohort as a folder: ``datapackage.json`` and up to five tables, each CSV, TSV (also compressed) or Parquet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from crampstudy import codebook, suggestions
from crampstudy.atomic_write import csv_restored
from crampstudy.cleaning import Raw, RawTable
from crampstudy.cohort import Cohort, Kind
from crampstudy.errors import SourceError
from crampstudy.sources import descriptor, parquet, set_aside
from crampstudy.sources.chunked import joined
from crampstudy.sources.descriptor import Descriptor
from crampstudy.sources.extra_columns import extra_columns
from crampstudy.sources.text import decimals, missing_codes, row_index, typed
from crampstudy.sources.text.decimals import NUMBERS, Mark, Stated
from crampstudy.sources.text.decoding import COMPRESSED, looks_like
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.sources.writer import About, Format, writing

__all__ = ["About", "Format", "diary_paths", "part_name", "read", "write", "writing"]

DESCRIPTOR = descriptor.FILE
REDCAP = "redcap.csv"
"""The dictionary for REDCap, which a study folder may hold beside its tables."""
_PARQUET = ".parquet"
_TEXT = (".csv", ".tsv")
_ENDINGS = f"{', '.join(_TEXT)} (alone or with {', '.join(COMPRESSED)}) or {_PARQUET}"


def read(
    folder: Path,
    leave: Collection[str] = (),
    *,
    declared: Codes = missing_codes.NONE,
    decimal: Mark | None = None,
    padded: bool = False,
    said: Sequence[str] = (),
) -> Raw:
    """Read a data package folder; a folder of tables without a descriptor will do.

    Args:
        folder: The folder.
        leave: Tables that must be there as any other and are not read.
        declared: Codes of missing cells, beside those that the descriptor declares.
        decimal: The mark of numbers in texts, where they leave it open and the descriptor does not state it.
        padded: Whether rows of text that only end early are read as rows with empty cells; else they are set aside,
            unless the descriptor says so.
        said: What there is to say of the table that is left, in the place where it would be said.

    Raises:
        SourceError: the folder, a table or the descriptor is missing, empty or not what its name says.
    """
    if not folder.is_dir():
        what = f"{folder} is a file" if folder.exists() else f"there is no folder {folder}"
        error = SourceError(f"{what}; give the folder that holds participants.csv and diary.csv")
        beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
        if meant := suggestions.closest(folder.name, sorted(each.name for each in beside if each.is_dir())):
            error.correction = folder.name, meant[0]
        raise error
    described = descriptor.read(folder)
    described = replace(described, padded=padded or described.padded)
    paths = {name: found for name in codebook.TABLES if (found := _paths(folder, name, described))}
    if not paths:
        raise SourceError(
            f"{folder} holds no table of a cohort; expected participants.csv and diary.csv (or .tsv, .parquet), "
            f"found {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'nothing'}"
        )
    kind = _kind(folder, described, paths)
    tables: list[RawTable] = []
    notices = [*described.notices, *_left_out(folder, paths)]
    for name, found in paths.items():
        if name in leave:
            notices.extend(said)
            continue
        table, noticed = _table(name, folder, found, described, declared, decimal)
        tables.append(table)
        notices.extend(noticed)
    notices.extend(described.before.told())
    if not leave:
        missing_codes.check(declared, str(folder), [column for table in tables for column in table.frame.columns])
    return Raw(
        name=described.name or folder.resolve().name,
        kind=kind,
        tables=tuple(tables),
        design=described.design,
        as_of=described.as_of,
        window=described.window,
        synthetic=described.synthetic,
        notices=tuple(notices),
        title=described.title,
        unlogged=described.unlogged,
        assumed=described.assumed,
        remarks=described.remarks,
        credits=described.credits,
        before=described.before,
    )


def _kind(folder: Path, described: Descriptor, paths: Mapping[str, Sequence[Path]]) -> Kind:
    kind: Kind = described.kind or ("diary" if "diary" in paths else "survey")
    if kind == "diary" and "diary" not in paths:
        raise SourceError(f"{folder}: {DESCRIPTOR} says that it is a diary cohort, and there is no table diary")
    if kind == "survey" and (described.design is None or described.as_of is None):
        raise SourceError(
            f"{folder} has no table diary (found {', '.join(found[0].name for found in paths.values())}), "
            "and no survey design; "
            f"add diary.csv, or state crampstudy.design and crampstudy.as_of of the survey in {DESCRIPTOR}"
        )
    return kind


def diary_paths(folder: Path) -> tuple[Path, ...]:
    """Return the files of the diary in a data package folder, none where there is no such table."""
    return _paths(folder, "diary", descriptor.read(folder)) if folder.is_dir() else ()


def part_name(folder: Path, path: Path, of: int) -> str:
    """Return what one of ``of`` files of a table is called: of several, with the folder that it stands in."""
    return path.name if of == 1 else path.relative_to(folder).as_posix()


def stated_marks(folder: Path, table: str, described: Descriptor, decimal: Mark | None = None) -> Stated:
    """Return what the descriptor, and else ``decimal``, says of the marks of a table's numbers."""
    marks = {column: mark for (of, column), mark in described.decimals.items() if of == table}
    own = {column for (of, column), type_ in described.types.items() if of == table and type_ in NUMBERS}
    return Stated(decimal, marks, frozenset(own), option=decimals.option(f"package:{folder}"))


def write(
    cohort: Cohort,
    folder: Path,
    format: Format = "csv",
    extra: Mapping[str, bytes] | None = None,
    *,
    force: bool = False,
) -> Path | None:
    """Write a cohort as a data package, whole or not at all.

    Args:
        cohort: The cohort.
        folder: Where the package will stand; an untouched package there is replaced.
        format: That of the tables.
        extra: Files to put beside the tables, by name.
        force: Whether any other folder in that place is kept beside and not refused.

    Returns:
        Where the folder is kept that stood there before, ``None`` where there was none.

    Raises:
        UsageError: the format is unknown.
        FolderTaken: the folder holds something else than an untouched package, and there is no ``force``.
        OutputError: the folder cannot be written.
    """
    extra = extra or {}
    known = cohort.attrition
    about = About(
        cohort.name,
        cohort.kind,
        cohort.synthetic,
        cohort.as_of,
        cohort.design,
        cohort.title,
        known.unlogged,
        known.remarks,
        cohort.credits,
        set_aside.of(cohort),
    )
    with writing(folder, about, format, beside=extra, force=force) as out:
        out.add(cohort.tables)
        for name, content in extra.items():
            out.put(name, content)
    return out.kept


def _paths(folder: Path, table: str, described: Descriptor) -> tuple[Path, ...]:
    if table in described.paths:
        for stated in described.paths[table]:
            if not (folder / stated).is_file():
                raise SourceError(f"{folder / DESCRIPTOR} names {stated}, which is not there")
            if not _is_table(folder / stated):
                raise SourceError(f"{folder / DESCRIPTOR} names {stated}; a table ends in {_ENDINGS}")
        paths = tuple(folder / stated for stated in described.paths[table])
        if len({path.suffix.lower() == _PARQUET for path in paths}) > 1:
            raise SourceError(
                f"{folder / DESCRIPTOR}: {table} is part text and part Parquet; give all its files as one"
            )
        return paths
    found = [path for path in _tables(folder) if path.name.lower().partition(".")[0] == table]
    if len(found) > 1:
        raise SourceError(f"{folder} holds both {found[0].name} and {found[1].name}; keep one of them")
    return tuple(found)


def _tables(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _is_table(path)]


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    for packed in COMPRESSED:
        name = name.removesuffix(packed)
    return name.endswith(_TEXT) or path.suffix.lower() == _PARQUET


def _left_out(folder: Path, paths: Mapping[str, Sequence[Path]]) -> list[str]:
    known = ", ".join(codebook.TABLES)
    read = {path for found in paths.values() for path in found}
    left = (path for path in _tables(folder) if path not in read and path.name != REDCAP)
    return [f"{path.name} is none of the tables and was left out ({known})" for path in left]


def _table(
    name: str, folder: Path, paths: Sequence[Path], described: Descriptor, declared: Codes, decimal: Mark | None
) -> tuple[RawTable, list[str]]:
    notices: list[str] = []
    parts: list[RawTable] = []
    stated = stated_marks(folder, name, described, decimal)
    for path in paths:
        part, said = _part(name, part_name(folder, path, len(paths)), path, described, stated)
        parts.append(part)
        notices += said
    table, numbered = row_index.without(joined.join(parts) if len(parts) > 1 else parts[0])
    notices += numbered
    table, coded = missing_codes.without_declared(table, described.codes(name, declared))
    extra, said = extra_columns(name, table.file, table.frame, described.types, described.titles)
    return replace(table, extra_columns=extra), [*notices, *coded, *said]


def _part(name: str, file: str, path: Path, described: Descriptor, stated: Stated) -> tuple[RawTable, tuple[str, ...]]:
    missing = described.missing.get(name, ())
    if path.suffix.lower() == _PARQUET:
        stored = _read_parquet(path)
        given = parquet.stored(path, stored, missing)
        lines = pl.int_range(1, given.height + 1, dtype=pl.Int64, eager=True)
        frame, said = decimals.settle(given, decimals.numbers(given, [name], stated), file, lines, stated)
        indexed = row_index.notice(file, row_index.reserved(stored.columns))
        return RawTable(name, file, frame, lines, written=given.cast(pl.String) if said else None), (*indexed, *said)
    read = typed.read(path, name, missing, stated, padded=described.padded)
    retyped = read.retyped and (read.retyped[0], csv_restored(read.retyped[1]))
    written = None if read.written is None else csv_restored(read.written)
    frame = csv_restored(read.frame)
    table = RawTable(name, file, frame, read.lines, retyped=retyped, written=written, unread=read.unread)
    return table, read.notices


def _read_parquet(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        head = file.read(16)
    if not head.startswith(b"PAR1"):
        what = "empty" if not head else f"not what its name says: it looks like {looks_like(head) or 'something else'}"
        raise SourceError(f"{path} is {what}; save it as Parquet")
    return parquet.read(path)
