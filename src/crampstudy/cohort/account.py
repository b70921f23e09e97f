"""What an analysis was made of: rows read and set aside, what was left out and why, and what was used."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from crampstudy import codebook
from crampstudy.cohort import subpopulation
from crampstudy.cohort.attrition import TableCount
from crampstudy.readable import OneLine
from crampstudy.wording import counted, ranges

UNDECIDED, OUTSIDE = "the condition could not be decided", "outside the condition"
UNOBSERVED, WEIGHTLESS, INCOMPLETE = "not observed", "of weight 0", "incomplete on the terms"
UNREACHED = "without the other nights that the terms need"
LACKING = "without all that is compared"
"""Why somebody is left out who lacks a value that a condition asks for."""
NO_AGE, YOUNGER = "without an age", "younger than "
_FROM_AGE = re.compile(r"age_years >= (\d+)")
_KNOWN = re.compile(r" AND \w+ IS NOT NULL")
_OF_A_PART = {OUTSIDE: "of another part", UNDECIDED: "of no part, as a value is missing"}
"""What is said of those who were left out when a cohort was split, which needs no condition."""


@dataclass(frozen=True, slots=True, repr=False)
class Account(OneLine):
    """What was ``found`` of the rows named by ``plural``, and what of it was ``left_out``: reason and number.

    The reasons come one after the other, so that no row is counted twice; the others were used. ``tables`` are those
    that were read for it, as they were accepted, and ``columns`` says how the cohort's own columns were read. Of a part
    of a cohort that was split the first ``of_split`` reasons are those of the split.
    """

    plural: str
    found: int
    left_out: tuple[tuple[str, int], ...] = ()
    tables: tuple[TableCount, ...] = ()
    columns: tuple[str, ...] = ()
    of_split: int = 0

    @property
    def used(self) -> int:
        """How many rows the analysis is made of."""
        return self.found - sum(n for _, n in self.left_out)

    def remarks(self) -> tuple[str, ...]:
        """Return what was set aside and left out, for the note of an estimate.

        A night that nobody observed is no part of the person-time, of which the estimate is; it stands in the sentence.
        """
        lost = (
            f"{t.file}: {_lost(t, ' of ' + counted(t.read, 'rows'))}" for t in self.tables if t.rejected or t.blanked
        )
        what = self.plural.rpartition(" ")[2]
        return (
            *lost,
            *(f"{counted(n, what)} left out, {why}" for why, n in self.left_out if n and why != UNOBSERVED),
        )

    def sentence(self, source: str | None = None) -> str:
        """Return what was read, set aside, left out and used in one line; of a ``source`` also how to see why."""
        read = [f"{t.file}: {counted(t.read, 'rows')} read{', ' if _lost(t) else ''}{_lost(t)}" for t in self.tables]
        told = [(_OF_A_PART.get(why, why) if i < self.of_split else why, n) for i, (why, n) in enumerate(self.left_out)]
        without = [f"{n:,} left out ({why})" for why, n in told if n]
        line = "; ".join([*read, ", ".join([counted(self.found, self.plural), *without, f"{self.used:,} used"])])
        if source is not None and any(_lost(t) for t in self.tables):
            line += f" (why: crampstudy validate {shlex.quote(source)})"
        return ranges(line)


def lost_tables(counts: Iterable[TableCount], main: str) -> tuple[TableCount, ...]:
    """Return the ``main`` table of an analysis, and the others of which a row was rejected or a cell blanked."""
    return tuple(count for count in counts if count.table == main or _lost(count))


def unmet(
    where: str | None, part: subpopulation.Domain, frame: pl.DataFrame, times: pl.Series | None = None
) -> tuple[tuple[str, int], ...]:
    """Return why rows of a ``frame`` are no ``part`` of those ``where`` a condition is met, and how many for each.

    From a lower limit of age on people are analysed unasked: who is below it, or has no age, is told as that. Each row
    counts as often as ``times`` says, once if not given.
    """
    apart = {UNDECIDED: part.unknown, OUTSIDE: ~part.inside & ~part.unknown}
    if where is not None and _FROM_AGE.search(where):
        others = [name for name in subpopulation.names(where) if name != "age_years"]
        alone = frame.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_not_null() for n in others)))[:, 0]
        unaged = part.unknown & frame["age_years"].is_null() & alone
        apart = {NO_AGE: unaged, **apart, UNDECIDED: part.unknown & ~unaged}
    asked = _KNOWN.sub("", where or "")
    if limit := _FROM_AGE.fullmatch(asked):
        # Of a survey those whom another condition left out before have no age any more.
        young = apart[OUTSIDE] & (frame["age_years"] < float(limit[1])).fill_null(value=False)
        apart |= {f"{YOUNGER}{limit[1]}": young, OUTSIDE: apart[OUTSIDE] & ~young}
        if asked != where:
            apart[LACKING] = apart.pop(OUTSIDE)
    counts = {why: rows.sum() if times is None else times.filter(rows).sum() for why, rows in apart.items()}
    return tuple((why, int(n)) for why, n in counts.items())


def is_unmet(why: str) -> bool:
    """Say whether a row was left out for a condition that it does not meet, or that could not be decided."""
    return why in (UNDECIDED, OUTSIDE, NO_AGE, LACKING) or why.startswith(YOUNGER)


def read_as(frame: pl.DataFrame, names: Iterable[str], *tables: str) -> tuple[str, ...]:
    """Return how those of the columns ``names`` were read that the codebook does not know in any of ``tables``."""
    places = (*tables, "derived")
    known = {v.name for v in codebook.VARIABLES if v.table in places}
    own = (name for name in sorted(names) if name in frame.columns and name not in known)
    return tuple(f"own column {name}: {_type(frame[name])}" for name in own)


def _type(column: pl.Series) -> str:
    if column.dtype.is_numeric():
        return "number"
    if column.dtype == pl.Boolean:
        return "yes or no"
    if column.dtype in (pl.String, pl.Enum):
        levels = column.drop_nulls().n_unique()
        return f"text, {counted(levels, 'levels')}"
    return "date" if column.dtype == pl.Date else "date and time"


def _lost(count: TableCount, of: str = "") -> str:
    parts = [f"{count.rejected:,}{of} rejected"] if count.rejected else []
    parts += [f"{counted(count.blanked, 'cells')} blanked"] if count.blanked else []
    return ", ".join(parts)
