"""The nights of a list once its mapping was read and cleaned: usable ones, and every row that is not among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from crampstudy.cleaning import Cleaned
from crampstudy.cohort import TableCount
from crampstudy.cohort.account import Account
from crampstudy.readable import OneLine
from crampstudy.sources.readers.bare_list.roles import ROWS
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.ragged import READ_SHORT

_AGAIN = f"the same night stands above; where each row is one cramp, say --cramps {ROWS}"
_TWICE = (
    "another row has this night and something else: all of them are set aside; where each row is one cramp, say "
    f"--cramps {ROWS}"
)
_BEFORE_NOON: dict[Clock, str] = {
    "evening": ", or a time before noon",
    "timestamp": " with a time of day",
    "morning": "",
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What the columns were taken to be, by their names or numbers, and why the dates were read as they were.

    ``yes`` says that a yes is in the place of a count.
    """

    who: str
    date: str
    cramps: str
    header: bool
    date_format: str
    reason: str
    decimal: str
    clock: Clock = "evening"
    yes: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class UnusedRow(OneLine):
    """A row that cannot be used: its line in the file, the cell, and what is wrong."""

    line: int
    column: str
    value: str | None = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class NightList(OneLine):
    """Nights as read: ``frame`` has participant_id, date and cramps (null where nobody counted), a row a night.

    ``count`` counts the rows of the file; ``mapping`` is the text of the mapping through which they were read.
    """

    file: str
    guess: Guess
    frame: pl.DataFrame
    left_out: tuple[UnusedRow, ...]
    notices: tuple[str, ...]
    count: TableCount
    mapping: str = field(repr=False)
    loaded: Cleaned = field(repr=False)

    @property
    def account(self) -> Account:
        """What was read, left out and used."""
        without = (("without a count", self.frame["cramps"].null_count()),)
        return Account("nights", self.frame.height, without, (self.count,))


def unused_rows(loaded: Cleaned, guess: Guess, timed: bool) -> tuple[UnusedRow, ...]:
    """Return every row of the list that is not among the nights, once; ``timed`` dates have a time of day."""
    rejected = loaded.ledger.filter(pl.col("severity") == "reject-row").unique(
        "line", keep="first", maintain_order=True
    )
    aside = loaded.rejected["diary"].unique("__line", keep="first", maintain_order=True)
    dates = dict(aside.select("__line", "date").iter_rows()) if "date" in aside.columns else {}
    return tuple(sorted(_unused(rejected, guess, dates, timed), key=lambda row: row.line))


def _unused(rejected: pl.DataFrame, guess: Guess, dates: dict[int, str | None], timed: bool) -> Iterator[UnusedRow]:
    names = {"participant_id": guess.who, "date": guess.date, "cramps": guess.cramps}
    columns = ("line", "column", "value", "rule", "hint")
    for line, column, value, rule, hint in rejected.select(columns).iter_rows():
        reason = hint.replace(READ_SHORT, "--short empty")
        if column == "participant_id" and rule == "key-missing":
            reason = "nobody is named"
        elif column == "date" and rule in ("type", "key-missing"):
            reason = f"not a date as {guess.date_format}" + (_BEFORE_NOON[guess.clock] if timed else "")
        elif column == "cramps":
            reason = f"not {hint.removeprefix('allowed is ')}"
        elif rule.startswith("duplicate"):
            column, value, reason = "date", dates.get(line), _AGAIN if rule == "duplicate-exact" else _TWICE
        yield UnusedRow(line, names.get(column, column or "all cells"), value or None, reason)
