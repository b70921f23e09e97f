"""A Parquet diary too large to hold at once, from one file or several, in parts with all of a participant's nights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from crampstudy.cleaning import RawTable
from crampstudy.codebook import Variable
from crampstudy.sources import parquet
from crampstudy.sources.chunked.joined import Joined
from crampstudy.sources.chunked.places import Places
from crampstudy.sources.text import missing_codes
from crampstudy.sources.text.missing_codes import Codes

_BATCH = 1 << 18
_LINE, _PART = "__line", "__part"


@dataclass(frozen=True, slots=True)
class ChunkedDiary:
    """A diary that is still in its files.

    ``extra_columns`` describes those of the diary that the codebook does not know, ``schema``
    is that of all files together; lines run on from file to file, and ``places`` tells what they are.
    """

    paths: tuple[Path, ...]
    places: Places
    rows: int
    schema: pl.Schema
    missing: tuple[str, ...]
    extra_columns: tuple[Variable, ...] = ()
    codes: Codes = missing_codes.NONE

    def parts(self, people: pl.Series, size: int, folder: Path) -> Iterator[RawTable]:
        """Yield the diary in parts of about ``size`` rows, all nights of one of ``people`` in one part.

        Where the nights of a participant do not stand together in the files, the rows are first sorted into files in
        ``folder``.
        """
        whole = _together(self._batches(_BATCH, ["participant_id"]), people)
        frames = self._cut(people, size) if whole else self._spilled(size, folder)
        for frame in frames:
            yield Joined(
                "diary", self.places.label, frame.drop(_LINE), frame[_LINE], self.extra_columns, places=self.places
            )
            # What a part was read into is free, and the next is as large.
            parquet.release()

    def column(self, name: str) -> pl.DataFrame:
        """Return one column of all files at once, as the rules read it."""
        stored = (
            parquet.stored(path, parquet.read(path, [name]), self.missing).cast({name: self.schema[name]})
            for path in self.paths
        )
        cells, _ = missing_codes.without(self.places.label, pl.concat(stored), self.codes)
        return cells

    def _batches(self, size: int, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in the order of the files, as the rules read them, with their lines."""
        schema = pl.Schema({name: self.schema[name] for name in columns or self.schema})
        line = 1
        for path in self.paths:
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(size, columns=columns):
                        given = parquet.stored(path, parquet.as_frame(pa.Table.from_batches([batch])), self.missing)
                        given, _ = missing_codes.without(path.name, given, self.codes)
                        lines = pl.int_range(line, line + given.height, dtype=pl.Int64, eager=True)
                        line += given.height
                        yield given.select(schema.names()).cast(schema).with_columns(lines.alias(_LINE))
            except parquet.DAMAGED as error:
                raise parquet.damaged(path, error) from None

    def _cut(self, people: pl.Series, size: int) -> Iterator[pl.DataFrame]:
        held: list[pl.DataFrame] = []
        for batch in self._batches(min(size, _BATCH)):
            held.append(batch)
            if sum(frame.height for frame in held) < size:
                continue
            rows = pl.concat(held, rechunk=True)
            # The last participant may go on in the next batch; rows of nobody stay where they stand.
            codes = _filled(_codes(rows["participant_id"], people))
            (changes,) = np.nonzero(np.diff(codes))
            end = int(changes[-1]) + 1 if len(changes) else 0
            if end:
                yield rows[:end]
            held = [rows[end:]]
        if held and (rows := pl.concat(held, rechunk=True)).height:
            yield rows

    def _spilled(self, size: int, folder: Path) -> Iterator[pl.DataFrame]:
        count = -(-self.rows // size)
        paths = [folder / f"{part}.parquet" for part in range(count)]
        writers: dict[int, pq.ParquetWriter] = {}
        with ExitStack() as closing:
            for batch in self._batches(max(size, _BATCH)):
                parted = batch.with_columns((pl.col("participant_id").hash(0) % count).alias(_PART))
                for (part,), rows in parted.partition_by(_PART, as_dict=True, include_key=False).items():
                    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
                    if part not in writers:
                        writer = pq.ParquetWriter(paths[part], table.schema, compression="lz4")
                        writers[part] = closing.enter_context(writer)
                    writers[part].write_table(table)
        for part in sorted(writers):
            yield pl.read_parquet(paths[part], glob=False)
            paths[part].unlink()


def _together(batches: Iterator[pl.DataFrame], people: pl.Series) -> bool:
    """Return whether the nights of each of ``people`` stand together; rows of nobody may stand anywhere."""
    seen = np.zeros(len(people), dtype=bool)
    last = -1
    for batch in batches:
        codes = _codes(batch["participant_id"], people)
        codes = codes[codes >= 0]
        starts = codes[np.flatnonzero(np.diff(codes, prepend=last))]
        if len(starts):
            if seen[starts].any() or len(np.unique(starts)) < len(starts):
                return False
            seen[starts] = True
            last = int(starts[-1])
    return True


def _codes(identifiers: pl.Series, people: pl.Series) -> NDArray[np.int64]:
    """Return the place of each identifier in ``people``, -1 where it has none."""
    known = pl.DataFrame({"id": people, "place": pl.int_range(len(people), dtype=pl.Int64, eager=True)})
    runs = identifiers.cast(pl.String).rle().struct.unnest()
    places = runs.join(known, left_on="value", right_on="id", how="left", maintain_order="left")["place"].fill_null(-1)
    return np.repeat(places.to_numpy(), runs["len"].to_numpy())


def _filled(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``codes`` with each -1 as what stands before it."""
    last = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), 0))
    return codes[last]
