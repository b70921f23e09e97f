"""A data package written block by block, whole or not at all, with no more than a part of it in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
import pyarrow.parquet as pq

from crampstudy import codebook
from crampstudy.codebook import Variable, VariableType, dictionary, rules
from crampstudy.cohort import Kind, SurveyDesign
from crampstudy.errors import SchemaError, UsageError
from crampstudy.output import csv_safe, whole_folder
from crampstudy.sources import descriptor
from crampstudy.sources.own import own_column

Format = Literal["csv", "parquet"]
FORMATS = get_args(Format)
PART_ROWS = 250_000
"""Rows of the longest table that make a part of handy size."""


@dataclass(frozen=True, slots=True)
class About:
    """What the descriptor says of a cohort beside its tables."""

    name: str
    kind: Kind = "diary"
    synthetic: bool = False
    as_of: date | None = None
    design: SurveyDesign | None = None

    def described(self) -> dict[str, Any]:
        """Return the package's own entry of ``datapackage.json``."""
        own: dict[str, Any] = {"kind": self.kind, "synthetic": self.synthetic}
        if self.as_of:
            own["as_of"] = self.as_of.isoformat()
        if self.design:
            own["design"] = {
                "cycles": list(self.design.cycles),
                "weights": dict(self.design.weights),
                "stratum": self.design.stratum,
                "psu": self.design.psu,
                "top_coded_age": self.design.top_coded_age,
            }
        return own


@dataclass(frozen=True, slots=True)
class Block:
    """The tables of some participants as the bytes of their files; CSV without its header."""

    format: Format
    schemas: Mapping[str, pl.Schema]
    people: tuple[str, ...]
    contents: Mapping[str, bytes]


def encoded(tables: Mapping[str, pl.DataFrame], format: Format) -> Block:
    """Return the tables of some participants as a block to be written, in whatever process they were made."""
    contents = {name: _csv(table) if format == "csv" else _parquet(table) for name, table in tables.items()}
    people = tuple(tables["participants"]["participant_id"]) if "participants" in tables else ()
    return Block(format, {name: table.schema for name, table in tables.items()}, people, contents)


def _csv(table: pl.DataFrame, *, header: bool = False) -> bytes:
    text = csv_safe(table).write_csv(include_header=header, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
    return text.encode()


def _parquet(table: pl.DataFrame) -> bytes:
    # Columns of few values shrink to less, and faster, than polars itself makes them.
    out = BytesIO()
    rows = table.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    pq.write_table(rows, out, compression="zstd", write_statistics=False)
    return out.getvalue()


@dataclass(slots=True)
class Writer:
    """A package under way; blocks go in by :meth:`add`, other files by :meth:`put`."""

    folder: Path
    about: About
    format: Format
    beside: frozenset[str]
    _paths: dict[str, list[str]] = field(default_factory=dict)
    _schemas: dict[str, pl.Schema] = field(default_factory=dict)
    _people: set[str] = field(default_factory=set)
    _blocks: int = 0

    def add(self, block: Block | Mapping[str, pl.DataFrame]) -> None:
        """Write a block, or the tables of one; it has other participants than the blocks before it.

        Raises:
            SchemaError: a table has other columns than in the blocks before, or a participant stands there already.
        """
        if not isinstance(block, Block):
            block = encoded(block, self.format)
        if known := self._people.intersection(block.people):
            raise SchemaError(f"the participant {min(known)} stands in two blocks; a block has all of a participant")
        self._people.update(block.people)
        self._blocks += 1
        for name, content in block.contents.items():
            self._check_alike(name, block.schemas[name])
            paths = self._paths.setdefault(name, [])
            if self.format == "parquet":
                paths.append(f"{name}/part-{self._blocks:04d}.parquet")
                (self.folder / name).mkdir(parents=True, exist_ok=True)
                (self.folder / paths[-1]).write_bytes(content)
                continue
            (self.folder / name).parent.mkdir(exist_ok=True)
            with (self.folder / f"{name}.csv").open("ab") as file:
                if not paths:
                    paths.append(f"{name}.csv")
                    file.write(_csv(pl.DataFrame(schema=block.schemas[name]), header=True))
                file.write(content)

    def _check_alike(self, name: str, schema: pl.Schema) -> None:
        before = self._schemas.setdefault(name, schema)
        if apart := [c for c in {**before, **schema} if before.get(c) != schema.get(c)]:
            was, here = before.get(apart[0], "absent"), schema.get(apart[0], "absent")
            raise SchemaError(f"{name}.{apart[0]} is {here} in this block and {was} before; make all blocks alike")
        if schema != before:
            raise SchemaError(f"the columns of {name} stand in another order in this block; make all blocks alike")

    def put(self, name: str, content: bytes) -> None:
        """Write a file beside the tables.

        Raises:
            UsageError: the name was not announced.
        """
        if name not in self.beside:
            raise UsageError(f"{name} was not announced as a file beside the tables; name it when the writing begins")
        (self.folder / name).write_bytes(content)

    def finish(self) -> None:
        """Write the descriptor, last.

        Raises:
            SchemaError: no block had participants.
        """
        if not self._people:
            raise SchemaError("a cohort needs at least one participant, and no block had any")
        if self._blocks == 1 and self.format == "parquet":
            # One part is the table.
            for name, (path,) in self._paths.items():
                (self.folder / path).rename(self.folder / f"{name}.parquet")
                (self.folder / name).rmdir()
                self._paths[name] = [f"{name}.parquet"]
        content = {
            "name": self.about.name,
            "crampstudy": self.about.described(),
            "resources": [self._resource(n, paths) for n, paths in self._paths.items() if n in codebook.TABLES],
        }
        (self.folder / descriptor.FILE).write_text(dictionary.to_json(content), encoding="utf-8", newline="\n")

    def _resource(self, name: str, paths: list[str]) -> dict[str, Any]:
        fields = [_variable(name, column, dtype) for column, dtype in self._schemas[name].items()]
        described = dictionary.resource(name, paths[0], fields)
        return described if len(paths) == 1 else described | {"path": paths}


@contextmanager
def writing(
    folder: Path,
    about: About,
    format: Format = "csv",
    *,
    beside: Collection[str] = (),
    tables_beside: Collection[str] = (),
) -> Iterator[Writer]:
    """Yield a writer of a data package that appears in ``folder`` when the block ends without an error.

    Blocks are written one after the other and never held: CSV into one file per table, Parquet into a part each,
    ``diary/part-0001.parquet`` and so on (of a single block ``diary.parquet``); parts of one number hold the same
    participants, and :data:`PART_ROWS` is a good size for them. ``beside`` names the files that may be put beside the
    tables, ``tables_beside`` tables that are none of the cohort's, such as ``truth/rates``.

    Raises:
        UsageError: the format is unknown, or the folder holds files that are not a cohort's.
    """
    if format not in FORMATS:
        raise UsageError(f"no format {format!r}; allowed: {', '.join(FORMATS)}")
    names = frozenset(beside)
    with whole_folder(folder, _ours(folder, names, (*codebook.TABLES, *tables_beside))) as fresh:
        writer = Writer(fresh, about, format, names)
        yield writer
        writer.finish()


def _ours(folder: Path, beside: Collection[str], tables: Collection[str]) -> Callable[[str], bool]:
    """Return what tells the names of a package's own files and folders in ``folder``."""
    files = "|".join(re.escape(name) for name in (descriptor.FILE, *beside))
    named = "|".join(re.escape(name) for name in tables)
    known = re.compile(rf"{files}|({named})(\.({'|'.join(FORMATS)})|/part-\d{{4,}}\.parquet)")
    folders = {part for name in tables for part in (name, name.partition("/")[0])}

    def ours(name: str) -> bool:
        path = folder / name
        inside = path.rglob("*") if name in folders and path.is_dir() and not path.is_symlink() else [path]
        names = (p.relative_to(folder).as_posix() for p in inside if p.is_symlink() or not p.is_dir() or p == path)
        return all(known.fullmatch(relative) for relative in names)

    return ours


def _variable(table: str, column: str, dtype: pl.DataType) -> Variable:
    types: dict[pl.DataType, VariableType] = {d: t for t, d in rules.DTYPES.items()} | {pl.String(): "text"}
    return codebook.find(column, table) or own_column(table, column, types[dtype])
