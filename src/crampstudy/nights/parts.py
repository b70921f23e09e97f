"""Nights in several files: each counted in one pass, so that a diary never stands in memory as a whole."""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from crampstudy import compute
from crampstudy.errors import SourceError
from crampstudy.nights.calendar import with_calendar
from crampstudy.nights.derived import with_derived
from crampstudy.progress import track

ALIKE = "nights_alike"
"""The column that says how many nights a row of nights that are alike stands for."""


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of a diary; with its size in bytes and the time of its last change, in ns, it is told from others.

    Who reads it must have the file under the same path.
    """

    path: Path
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Part:
        """Describe a file."""
        found = path.stat()
        return cls(path.absolute(), found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a diary, in the types of ``schema``, and who reads them; arguments of :func:`compute.map`."""

    files: tuple[Part, ...]
    schema: pl.Schema
    workers: compute.Workers = 1
    keep: Path | None = None
    progress: compute.Progress | None = None

    def nights(self) -> pl.LazyFrame:
        """Return the nights of all files, to be read when they are needed."""
        return pl.concat(_scan(self.schema, part) for part in self.files)

    def alike(self, key: Sequence[str], known: str | None = "cramps") -> pl.DataFrame:
        """Return the nights that are alike, counted; each file in one pass, all of them merged.

        Those are the logged nights on which ``known`` is, or all of them without it.
        """
        task = partial(_count_in, self.schema, tuple(key), known)
        counted = compute.map(task, self.files, workers=self.workers, keep=self.keep, progress=self.progress)
        return _merge(list(track(counted, "files read", len(self.files))), key)


def observed(columns: Collection[str], known: str | None) -> pl.Expr:
    """Return whether a row is an observed night where ``known`` is known; without it, a logged one."""
    logged = pl.col("entry_made").fill_null(value=True) if "entry_made" in columns else pl.lit(value=True)
    if known is None:
        return logged
    # A text that reads as no number is a missing value; what stands for infinity in a column of numbers is none, too.
    counted = pl.col(known).is_not_null() & (pl.lit(value=True) if known == "cramps" else pl.col(known).is_finite())
    return counted & logged


def count_alike(nights: pl.LazyFrame, key: Sequence[str], known: str | None) -> pl.DataFrame:
    """Return the nights that are alike in ``key``, counted, of those that :func:`observed` lets in."""
    columns = nights.collect_schema().names()
    return (
        nights.filter(observed(columns, known))
        .group_by("participant_id", *key)
        .agg(pl.len().cast(pl.Int64).alias(ALIKE))
        .collect(engine="streaming")
    )


def _scan(schema: pl.Schema, part: Part) -> pl.LazyFrame:
    if not part.path.is_file():
        raise SourceError(
            f"there is no file {part.path} on {socket.gethostname()}; every worker of a cluster reads its parts by "
            "itself: put the diary where all of them see it under the same path"
        )
    nights = pl.scan_parquet(part.path, glob=False).select(pl.col(name).cast(schema[name]) for name in schema)
    return with_derived(with_calendar(nights))


def _count_in(schema: pl.Schema, key: Sequence[str], known: str | None, part: Part) -> pl.DataFrame:
    return count_alike(_scan(schema, part), key, known)


def _merge(found: Sequence[pl.DataFrame], key: Sequence[str]) -> pl.DataFrame:
    """Return the counts of all parts; those of participants who stand in several are added up."""
    whole = pl.concat(found)
    who = pl.concat(frame.select(pl.col("participant_id").unique()) for frame in found).to_series()
    several = pl.DataFrame({"participant_id": who.filter(who.is_duplicated()).unique()})
    if several.is_empty():
        return whole
    again = whole.join(several, on="participant_id", how="semi")
    added = again.group_by("participant_id", *key).agg(pl.col(ALIKE).sum())
    return pl.concat([whole.join(several, on="participant_id", how="anti"), added])
