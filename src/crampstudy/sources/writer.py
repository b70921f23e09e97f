"""A data package written block by block, whole or not at all, with no more than a part of it in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
import pyarrow.parquet as pq

from crampstudy import codebook
from crampstudy.atomic_write import csv_safe, unrecorded, whole_folder
from crampstudy.codebook import Variable, VariableType, dictionary, rules
from crampstudy.cohort import Credits, EarlierReading, Kind, SurveyDesign
from crampstudy.errors import SchemaError, UsageError
from crampstudy.sources import descriptor, set_aside
from crampstudy.sources.extra_columns import extra_column

Format = Literal["csv", "parquet"]
FORMATS = get_args(Format)
PART_ROWS = 250_000
"""Rows of the longest table that make a part of handy size."""


@dataclass(frozen=True, slots=True)
class About:
    """What the descriptor says of a cohort beside its tables.

    ``assumed`` says which of its nights nobody observed, but were taken to be without a cramp, and ``remarks`` what
    whoever reads a number has to know; ``before`` is what was set aside of the files that it is made of.
    """

    name: str
    kind: Kind = "diary"
    synthetic: bool = False
    as_of: date | None = None
    design: SurveyDesign | None = None
    title: str | None = None
    assumed: str | None = None
    remarks: tuple[str, ...] = ()
    credits: Credits = field(default_factory=Credits)
    before: EarlierReading = field(default_factory=EarlierReading)

    def credited(self) -> dict[str, list[dict[str, str]]]:
        """Return whose data they are, in the words of a data package."""
        named = (self.credits.authors, self.credits.sources, self.credits.licences)
        by_key = zip(descriptor.CREDITS, named, strict=True)
        return {key: [{"title": text} for text in texts] for key, texts in by_key if texts}

    def described(self) -> dict[str, Any]:
        """Return the package's own entry of ``datapackage.json``."""
        own: dict[str, Any] = {"kind": self.kind, "synthetic": self.synthetic}
        if self.assumed:
            own["assumed"] = self.assumed
        if self.remarks:
            own["remarks"] = list(self.remarks)
        own |= set_aside.described(self.before)
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
class EncodedTables:
    """The tables of some participants as the bytes of their files; CSV without its header."""

    format: Format
    schemas: Mapping[str, pl.Schema]
    people: tuple[str, ...]
    contents: Mapping[str, bytes]


def encode(tables: Mapping[str, pl.DataFrame], format: Format) -> EncodedTables:
    """Return the tables of some participants as a block to be written, in whatever process they were made."""
    contents = {name: _csv(table) if format == "csv" else _parquet(table) for name, table in tables.items()}
    people = tuple(tables["participants"]["participant_id"]) if "participants" in tables else ()
    return EncodedTables(format, {name: table.schema for name, table in tables.items()}, people, contents)


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
    kept: Path | None = None
    """Where the folder is kept that this one takes the place of by force."""
    _paths: dict[str, list[str]] = field(default_factory=dict)
    _schemas: dict[str, pl.Schema] = field(default_factory=dict)
    _people: set[str] = field(default_factory=set)
    _digests: dict[str, hashlib._Hash] = field(default_factory=dict)
    _blocks: int = 0

    def add(self, block: EncodedTables | Mapping[str, pl.DataFrame]) -> None:
        """Write a block, or the tables of one; it has other participants than the blocks before it.

        Raises:
            SchemaError: a table has other columns than in the blocks before, or a participant stands there already.
        """
        if not isinstance(block, EncodedTables):
            block = encode(block, self.format)
        if known := self._people.intersection(block.people):
            raise SchemaError(f"the participant {min(known)} stands in two blocks; a block has all of a participant")
        self._people.update(block.people)
        self._blocks += 1
        for name, content in block.contents.items():
            self._check_alike(name, block.schemas[name])
            paths = self._paths.setdefault(name, [])
            if self.format == "parquet":
                paths.append(f"{name}/part-{self._blocks:04d}.parquet")
            elif not paths:
                paths.append(f"{name}.csv")
                self._write(paths[0], _csv(pl.DataFrame(schema=block.schemas[name]), header=True))
            self._write(paths[-1], content)

    def _write(self, name: str, content: bytes) -> None:
        """Add to a file, and to the digest of it that goes on record."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("ab") as file:
            file.write(content)
        self._digests.setdefault(name, hashlib.sha256()).update(content)

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
        (self.folder / name).unlink(missing_ok=True)
        self._digests.pop(name, None)
        self._write(name, content)

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
                self._digests[f"{name}.parquet"] = self._digests.pop(path)
                self._paths[name] = [f"{name}.parquet"]
        files = {name: self._digests[name].hexdigest() for name in sorted(self._digests)}
        written: dict[str, Any] = {"files": files}
        content: dict[str, Any] = {
            **{key: value for key, value in (("name", self.about.name), ("title", self.about.title)) if value},
            **self.about.credited(),
            "crampstudy": {**self.about.described(), _WRITTEN: written},
            "resources": [self._resource(n, paths) for n, paths in self._paths.items() if n in codebook.TABLES],
        }
        written["sha256"] = _own_digest(content)
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
    force: bool = False,
) -> Iterator[Writer]:
    """Yield a writer of a data package that appears in ``folder`` when the block ends without an error.

    Blocks are written one after the other and never held: CSV into one file per table, Parquet into a part each,
    ``diary/part-0001.parquet`` and so on (of a single block ``diary.parquet``); parts of one number hold the same
    participants, and :data:`PART_ROWS` is a good size for them. A block may have tables that are none of the cohort's,
    such as ``truth/rates``. A package that was written so and not touched since is replaced.

    Args:
        folder: Where the package will stand.
        about: What the descriptor says of the cohort.
        format: That of the tables.
        beside: Names of the files that may be put beside the tables.
        force: Whether any other folder in that place is kept beside (:attr:`Writer.kept`) and not refused.

    Raises:
        UsageError: the format is unknown.
        FolderTaken: the folder holds what no writer wrote or what was changed since, and there is no ``force``.
        OutputError: the folder cannot be written.
    """
    if format not in FORMATS:
        raise UsageError(f"no format {format!r}; allowed: {', '.join(FORMATS)}")
    with whole_folder(folder, foreign, force=force) as fresh:
        writer = Writer(fresh.folder, about, format, frozenset(beside), fresh.kept)
        yield writer
        writer.finish()


_WRITTEN = "written"
"""The entry of the descriptor that has the digests of all files, and its own."""


def foreign(folder: Path) -> str | None:
    """Say what in ``folder`` no writer wrote, or what was changed since; ``None`` of an untouched package."""
    try:
        content = json.loads((folder / descriptor.FILE).read_bytes())
        written = content["crampstudy"][_WRITTEN]
        digest, files = written.pop("sha256"), dict(written["files"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return unrecorded(folder, {})
    if _own_digest(content) != digest:
        return f"{descriptor.FILE} is not as this command wrote it"
    return unrecorded(folder, {**files, descriptor.FILE: _sha256((folder / descriptor.FILE).read_bytes())})


def _own_digest(content: Mapping[str, Any]) -> str:
    return _sha256(dictionary.to_json(dict(content)).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _variable(table: str, column: str, dtype: pl.DataType) -> Variable:
    types: dict[pl.DataType, VariableType] = {d: t for t, d in rules.DTYPES.items()} | {pl.String(): "text"}
    return codebook.find(column, table) or extra_column(table, column, types[dtype])
