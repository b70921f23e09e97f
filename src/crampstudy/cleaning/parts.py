"""A table cleaned part by part: what is accepted and said of it is that of the whole, and only a part is raw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import polars as pl

from crampstudy.cleaning import apply_rules
from crampstudy.cleaning.raw import ROW, RawTable, ledger
from crampstudy.cleaning.rule import AcrossParts, Context, View
from crampstudy.cleaning.tables import clean_part, count, set_aside
from crampstudy.cohort import TableCount

Parts = Callable[[pl.Series], Iterable[RawTable]]
"""Yields a table in parts, all rows of one of these accepted participants in one part."""


@dataclass(frozen=True, slots=True)
class CleanedTable:
    """One table cleaned: its accepted rows, its ledger, its rejected rows as they stand in the file, and its count."""

    frame: pl.DataFrame
    ledger: pl.DataFrame
    rejected: pl.DataFrame
    count: TableCount


@dataclass(slots=True)
class AllParts:
    """What rules that hold rows of all participants against each other need to know of the parts of a table."""

    _tallies: dict[AcrossParts, list[pl.DataFrame]] = field(default_factory=dict)
    _asked: dict[AcrossParts, list[pl.DataFrame]] = field(default_factory=dict)
    _lines: list[pl.Series] = field(default_factory=list)
    _cells: list[pl.Series] = field(default_factory=list)

    def add(self, part: RawTable, view: View) -> None:
        """Take of a part, whose accepted rows are in the ``view``, what the rules need of it."""
        for across in apply_rules.across_parts(view):
            asked = across.asked(view)
            first = sum(map(len, self._lines))
            self._lines.append(part.lines.gather(asked[ROW]))
            # As the ledger shows them, since the part is gone when it is known which of them are found.
            shown = (part.cells(rows["column"][0], rows[ROW]) for rows in asked.partition_by("column"))
            self._cells += [pl.Series([], dtype=pl.String), *shown]
            places = pl.int_range(first, first + asked.height, dtype=pl.UInt32, eager=True)
            self._asked.setdefault(across, []).append(asked.with_columns(places.alias(ROW)))
            self._tallies.setdefault(across, []).append(across.tally(view))

    def ledger(self, table: str, file: str) -> pl.DataFrame:
        """Return what the rules find in all parts together."""
        lines = pl.concat([pl.Series([], dtype=pl.Int64), *self._lines])
        cells = pl.concat([pl.Series([], dtype=pl.String), *self._cells])
        found = [
            replace(violation, value=cells.gather(violation.rows))
            for across, tallies in self._tallies.items()
            for violation in across.search(pl.concat(tallies), pl.concat(self._asked[across]))
        ]
        return ledger(RawTable(table, file, pl.DataFrame(), lines), found)


def clean_parts(parts: Iterable[RawTable], context: Context) -> CleanedTable:
    """Return a table that comes in parts, cleaned; its rows are in the order of their lines.

    Raises:
        SourceError: as :func:`.clean_table`.
    """
    together = AllParts()
    frames: list[pl.DataFrame] = []
    lines: list[pl.Series] = []
    ledgers: list[pl.DataFrame] = []
    rejected: list[pl.DataFrame] = []
    counts: list[TableCount] = []
    for part in parts:
        view, said = clean_part(part, context)
        together.add(part, view)
        frames.append(view.rows.drop(ROW))
        lines.append(part.lines.gather(view.rows[ROW]))
        ledgers.append(ledger(part, said))
        rejected.append(set_aside(part, said))
        counts.append(count(part, view.rows.height, said))
    whole = replace(counts[0], **{name: sum(getattr(c, name) for c in counts) for name in _NUMBERS})
    ledgers.append(together.ledger(whole.table, whole.file))
    return CleanedTable(
        _stacked(frames, pl.concat(lines)),
        pl.concat(ledgers).sort("line", maintain_order=True),
        pl.concat(rejected, how="diagonal").sort("__line", maintain_order=True),
        whole,
    )


_NUMBERS = ("read", "accepted", "rejected", "blanked")


def _stacked(frames: list[pl.DataFrame], lines: pl.Series) -> pl.DataFrame:
    """Return frames as one in the order of ``lines``, which are all that is copied where they do not stand so.

    That is done column by column, so that never all stand in memory twice.
    """
    if lines.is_sorted():
        return pl.concat(frames)
    order = lines.arg_sort()
    columns = (pl.concat([frame.drop_in_place(name) for frame in frames]) for name in frames[0].columns)
    return pl.DataFrame([column.gather(order) for column in columns])
