"""What cleaning did to the tables of a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from crampstudy.codebook import Severity
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table on their way in; accepted + rejected = read. ``blanked`` counts cells."""

    table: str
    file: str
    read: int
    accepted: int
    rejected: int
    blanked: int = 0


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule was broken, over all tables, and how often in each of the columns that it names."""

    rule: str
    severity: Severity
    n: int
    columns: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Attrition(OneLine):
    """What cleaning did: rows per table, violations per rule, and notices about the source.

    ``unlogged`` is the one among the notices that says how many nights without a row were taken to be without a cramp,
    of which ``filled`` are in no file and were added when it was read. ``remarks`` are those that whoever reads a
    number has to know. ``outside`` are the identifiers, sorted, of the participants of a survey who do not meet a
    condition: they stay in its table, with what the sampling needs of them alone. ``undecided`` has for each table how
    many rows are of participants who were left out as a value is missing: whether they meet a condition, or at which
    level of a split they are, cannot be told. It is that of a ``part`` where a cohort was split: what was read is that
    of the whole, and who is left out is of another part.
    """

    tables: tuple[TableCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    notices: tuple[str, ...] = ()
    unlogged: str | None = None
    remarks: tuple[str, ...] = ()
    outside: tuple[str, ...] = field(default=(), repr=False)
    undecided: tuple[tuple[str, int], ...] = ()
    part: bool = False
    filled: int = 0

    def with_undecided(self, tables: Mapping[str, pl.DataFrame], participants: pl.Series) -> Attrition:
        """Return it with the rows that ``tables`` have of ``participants`` counted among those that are undecided."""
        theirs = pl.col("participant_id").is_in(participants.implode())
        known = dict(self.undecided)
        counts = {
            name: known.get(name, 0) + table.filter(theirs).height
            for name, table in tables.items()
            if "participant_id" in table.columns
        }
        return replace(self, undecided=tuple(counts.items())) if len(participants) else self
