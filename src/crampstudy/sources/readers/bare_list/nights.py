"""The nights of a bare list: usable ones, a row a night, and every row that is not among them with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Unlogged, unlogged
from crampstudy.codebook import rules
from crampstudy.readable import OneLine
from crampstudy.sources.readers.bare_list.roles import ROLES, ROWS, Role
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.delimited import Text
from crampstudy.sources.text.timestamps import Stamps


@dataclass(frozen=True, slots=True)
class Guess:
    """What the columns were taken to be, by their names or numbers, and why the dates were read as they were."""

    who: str
    date: str
    cramps: str
    header: bool
    date_format: str
    reason: str
    decimal: str
    clock: Clock = "evening"


@dataclass(frozen=True, slots=True, repr=False)
class UnusedRow(OneLine):
    """A row that cannot be used: its line in the file, the cell, and what is wrong."""

    line: int
    column: str
    value: str | None = field(repr=False)
    reason: str


def usable_nights(
    text: Text, found: dict[Role, str], guess: Guess, stamped: Stamps, word: Unlogged | None
) -> tuple[pl.DataFrame, tuple[UnusedRow, ...], tuple[str, ...]]:
    """Return the usable nights, one a row, every row that is not among them, and what was done on the ``word``.

    Args:
        text: The list below its header.
        found: The column of ``text`` for each role; without one for ``cramps``, each row is one cramp.
        guess: How the file was understood; its names stand in what is left out.
        stamped: The night of each row of ``text``.
        word: Says that nights without a row had no cramp.

    Raises:
        UsageError: the ``word`` has no window.
    """
    count = codebook.variable("cramps", "diary")
    cells = {role: pl.col(found[role]) if role in found else pl.lit("1") for role in ROLES}
    rows = text.frame.select(**cells, line=text.lines)
    counted = rows.select(rules.typed(count, pl.String()))
    beyond = counted.select(rules.out_of_range(count)).to_series() if count.minimum is not None else pl.lit(value=False)
    rows = rows.with_columns(night=stamped.night, n=counted["cramps"], beyond=beyond)
    day = f"not a date as {guess.date_format}"
    if stamped.timed:
        day += {"evening": ", or a time before noon", "timestamp": " with a time of day", "morning": ""}[guess.clock]
    key = ["who", "night"]
    versions = pl.col("n").n_unique().over(key)
    checks: tuple[tuple[Role, pl.Expr, str], ...] = (
        ("who", pl.col("who").is_null(), "nobody is named"),
        ("date", pl.col("night").is_null(), day),
        ("cramps", pl.col("cramps").is_not_null() & (pl.col("n").is_null() | pl.col("beyond")), f"not {count.allowed}"),
        ("cramps", versions > 1, "another row has this night with another count: all of them are set aside"),
        ("date", ~_inside(pl.col("night"), word), "outside the window that was stated"),
    )
    if "cramps" in found:
        again = f"the same night stands above; where each row is one cramp, say --cramps {ROWS}"
        checks = (*checks, ("date", ~pl.struct(key).is_first_distinct(), again))
    left_out: list[UnusedRow] = []
    aside = [rows.select(key).clear()]
    for role, rule, reason in checks:
        marked = rows.with_columns(wrong=rule.fill_null(value=False))
        bad, rows = marked.filter("wrong").drop("wrong"), marked.filter(~pl.col("wrong")).drop("wrong")
        name = getattr(guess, role)
        left_out += [UnusedRow(line, name, value, reason) for line, value in bad.select("line", role).iter_rows()]
        aside.append(bad.select(key))
    if "cramps" not in found:
        rows = rows.group_by(key).agg(pl.col("n").sum())
    nights = rows.select(participant_id="who", date="night", cramps="n").sort("participant_id", "date")
    sorted_out = tuple(sorted(left_out, key=lambda row: row.line))
    if word is None:
        return nights, sorted_out, ()
    people = nights.select(pl.col("participant_id").unique(maintain_order=True))
    unknown = pl.concat(aside).drop_nulls().unique().rename({"who": "participant_id", "night": "date"})
    nights, said = unlogged.filled(nights, unlogged.windows(people, word), unknown)
    return nights, sorted_out, (f"{said}; participants without a row are not known of",)


def _inside(night: pl.Expr, word: Unlogged | None) -> pl.Expr:
    """Return whether a night lies in the window of those without one of their own."""
    first, last = (word.first, word.last) if word else (None, None)
    return night.is_between(first or date.min, last or date.max)
