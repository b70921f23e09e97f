"""Where rows stand that were read from several files under running line numbers: the file, and the line in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl


@dataclass(frozen=True, slots=True)
class Places:
    """The files of a table in their order, under one ``label``; ``starts`` is the last line before each of them.

    Inside, lines run on from file to file, so that one number tells the order of all rows.
    """

    label: str = ""
    files: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()

    def ledger(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return a ledger whose lines of this table name the file that they stand in, and the line there."""
        ours = lines["file"] == self.label
        file, line = self._stand(lines["line"])
        return lines.with_columns(
            pl.when(ours).then(file).otherwise("file").alias("file"),
            pl.when(ours).then(line).otherwise("line").alias("line"),
        )

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rejected rows, which have their ``__line``, with that of their ``__file``."""
        file, line = self._stand(rows["__line"])
        return rows.with_columns(line.alias("__line"), file.alias("__file"))

    def _stand(self, lines: pl.Series) -> tuple[pl.Series, pl.Series]:
        starts = pl.Series(self.starts, dtype=pl.Int64)
        place = starts.search_sorted(lines, side="left").cast(pl.Int64) - 1
        return pl.Series(self.files, dtype=pl.String).gather(place), lines - starts.gather(place)


def places_of(table: str, files: Sequence[str], last_lines: Sequence[int]) -> Places:
    """Return the places of a table whose files end with these lines; one file is called what it is."""
    label = files[0] if len(files) == 1 else f"{table} ({len(files)} files)"
    return Places(label, tuple(files), tuple(accumulate(last_lines[:-1], initial=0)))
