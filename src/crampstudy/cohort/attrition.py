"""What cleaning did to the tables of a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from crampstudy.codebook import Severity
from crampstudy.readable import OneLine
from crampstudy.wording import counted


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table on their way in; accepted + rejected = read. ``blanked`` counts cells.

    ``added`` are those that are in no file, and in the table beside the accepted ones.
    """

    table: str
    file: str
    read: int
    accepted: int
    rejected: int
    blanked: int = 0
    added: int = 0

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return self.accepted + self.added

    def after(self, before: TableCount) -> TableCount:
        """Return the count from the files that this table was written of on.

        What was changed since is counted as it stands here.
        """
        added = min(before.added, self.accepted)
        return replace(
            self,
            file=before.file,
            read=before.rejected + self.read - added,
            accepted=self.accepted - added,
            rejected=before.rejected + self.rejected,
            blanked=before.blanked + self.blanked,
            added=added + self.added,
        )


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule was broken in a ``table``, and how often in each of the columns that it names."""

    rule: str
    severity: Severity
    n: int
    columns: tuple[tuple[str, int], ...] = ()
    table: str | None = None


@dataclass(frozen=True, slots=True)
class EarlierReading:
    """What was set aside of the files that a package was written of: it is not in the package any more."""

    tables: tuple[TableCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()

    def and_then(
        self, tables: Sequence[TableCount], rules: Sequence[RuleCount]
    ) -> tuple[tuple[TableCount, ...], tuple[RuleCount, ...]]:
        """Return the counts of both readings, this one and then that of what was written."""
        before = {count.table: count for count in self.tables}
        both = tuple(count.after(before[count.table]) if count.table in before else count for count in tables)
        merged: dict[tuple[str, str, str], RuleCount] = {}
        for count in (*self.rules, *rules):
            key = count.rule, count.severity, count.table or ""
            merged[key] = _added(merged[key], count) if key in merged else count
        return both, tuple(merged[key] for key in sorted(merged))

    def told(self) -> tuple[str, ...]:
        """Return a notice of each file of which rows or cells were set aside, which no reading of this one can show."""
        return tuple(
            f"{each.table} was written of {each.file}, of which {each.rejected:,} of {counted(each.read, 'rows')} were "
            f"rejected and {counted(each.blanked, 'cells')} blanked; which they were is said where that is read"
            for each in self.tables
            if each.rejected or each.blanked
        )

    def changed(self, tables: Sequence[TableCount]) -> tuple[str, ...]:
        """Return a notice of each table that has not as many rows as were written."""
        before = {count.table: count.rows for count in self.tables}
        return tuple(
            f"{each.file}: {counted(each.read, 'rows')}, where {before[each.table]:,} were written; what is said of "
            "the files that it was made of is of the rows that stand here"
            for each in tables
            if each.table in before and each.read != before[each.table]
        )


def _added(one: RuleCount, other: RuleCount) -> RuleCount:
    columns = dict(one.columns)
    for name, n in other.columns:
        columns[name] = columns.get(name, 0) + n
    return replace(one, n=one.n + other.n, columns=tuple(sorted(columns.items())))


@dataclass(frozen=True, slots=True, repr=False)
class Attrition(OneLine):
    """What cleaning did: rows per table, violations per rule, and notices about the source.

    ``unlogged`` is the one among the notices that says how many nights without a row were taken to be without a cramp,
    of which ``filled`` are in no file and were added when it was read. ``remarks`` are those that whoever reads a
    number has to know. Of a package that was written of other files, tables and rules are counted from these on.
    ``outside`` are the identifiers, sorted, of the participants of a survey who do not meet a condition: they stay in
    its table, with what the sampling needs of them alone. ``undecided`` has for each table how many rows are of
    participants who were left out as a value is missing: whether they meet a condition, or at which level of a split
    they are, cannot be told. It is that of a ``part`` where a cohort was split: what was read is that of the whole, and
    who is left out is of another part.
    """

    tables: tuple[TableCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    notices: tuple[str, ...] = ()
    unlogged: str | None = None
    remarks: tuple[str, ...] = ()
    outside: tuple[str, ...] = field(default=(), repr=False)
    undecided: tuple[tuple[str, int], ...] = ()
    part: bool = False

    @property
    def filled(self) -> int:
        """How many nights were added that are in no file."""
        return sum(count.added for count in self.tables if count.table == "diary")

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
