"""Rows against each other and against the rest of the study: who, when, twice, and cells that contradict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import ROW, Breach, where, worded
from crampstudy.cleaning.unlogged import Unlogged, windows
from crampstudy.cohort import repeated_keys

SLACK_HOURS = 0.25
"""Sleep may be longer than the time in bed by this much, as both are rounded."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a table is cleaned: the tables before it, the study's window and the day of the reading.

    ``unlogged`` is the word of the study on nights without a row.
    """

    accepted: Mapping[str, pl.DataFrame]
    window: tuple[date, date] | None = None
    today: date | None = None
    unlogged: Unlogged | None = None


_SPANS = (("start", "stop"), ("diary_start", "diary_end"))
COLUMNS = (
    "entry_made",
    "cramps",
    "sleep_hours",
    "hours_in_bed",
    "onset",
    "date",
    *(day for span in _SPANS for day in span),
)
"""Columns that :func:`contradictions` looks at."""
Step = Callable[[pl.DataFrame, str, Context], list[Breach]]

_REAL = r"^(\d+)\.0+$"


def contradictions(frame: pl.DataFrame) -> list[Breach]:
    """Cells of one row that contradict each other; what is blanked is the cell that leans on the other."""
    columns = set(frame.columns)
    found = []
    if {"entry_made", "cramps"} <= columns:
        without = where(frame, ~pl.col("entry_made") & pl.col("cramps").is_not_null())
        hint = "a count stands where no entry was made: set entry_made to true, or leave cramps empty"
        found.append(Breach(without, "cramps", "count-without-entry", "blank-cell", hint))
        empty = where(frame, pl.col("entry_made") & pl.col("cramps").is_null())
        hint = "an entry was made and the count is empty: the night is unobserved; write 0 for a night without a cramp"
        found.append(Breach(empty, "cramps", "entry-without-count", "warn", hint))
    if {"sleep_hours", "hours_in_bed"} <= columns:
        longer = where(frame, pl.col("sleep_hours") > pl.col("hours_in_bed") + SLACK_HOURS)
        hint = "more sleep than time in bed: both are kept, correct one of them"
        found.append(Breach(longer, "sleep_hours", "sleep-exceeds-bed", "warn", hint))
    if {"onset", "date"} <= columns:
        noon = pl.col("date").cast(pl.Datetime("us")).dt.offset_by("12h")
        outside = ~((pl.col("onset") >= noon) & (pl.col("onset") < noon.dt.offset_by("24h")))
        rows = where(frame, outside)
        hint = "the night of a date runs from its noon to the next: before noon, date is the evening before"
        found.append(Breach(rows, "onset", "onset-outside-night", "blank-cell", hint))
    for start, stop in _SPANS:
        if {start, stop} <= columns:
            rows = where(frame, pl.col(stop) < pl.col(start))
            # Of a window neither end is to be believed; a treatment has begun all the same.
            for end in (start, stop) if start == "diary_start" else (stop,):
                found.append(Breach(rows, end, "stop-before-start", "blank-cell", "the last day lies before the first"))
    return [breach for breach in found if len(breach.rows)]


def foreign(frame: pl.DataFrame, name: str, context: Context) -> list[Breach]:
    """Rows of nobody."""
    if name == "participants":
        return []
    people = context.accepted["participants"]["participant_id"]
    named = frame.select(ROW, "participant_id")
    unknown = named.filter(~pl.col("participant_id").is_in(people.implode()))
    if unknown.is_empty():
        return []
    near = pl.DataFrame({"near": people, "form": form(people)}).unique("form", keep="none")
    told = unknown.with_columns(form=form(unknown["participant_id"])).join(
        near, on="form", how="left", maintain_order="left"
    )
    hint = "no accepted row of participants has this identifier: add the participant or correct the identifier"
    or_near = pl.when(pl.col("near").is_null()).then(pl.lit(hint)).otherwise(pl.format(hint + "; is it {}?", "near"))
    # A program that keeps a column with an empty cell as numbers writes 17 as 17.0.
    real = pl.any_horizontal(pl.col("participant_id", "near").str.contains(_REAL)) & pl.col("near").is_not_null()
    written = " One table has it as a number with decimals: write identifiers as text, the same in all tables"
    hints = worded(told, or_near + pl.when(real).then(pl.lit(written)).otherwise(pl.lit("")))
    return [Breach(unknown[ROW], "participant_id", "unknown-participant", "reject-row", hints)]


def form(identifiers: pl.Series) -> pl.Series:
    """Return identifiers without what is easily mistyped: case, spaces, hyphens, leading zeros, width, 17.0."""
    plain = identifiers.str.normalize("NFKC").str.to_lowercase().str.replace(_REAL, "$1")
    plain = plain.str.replace_all(r"[\s_.-]+", "")
    return plain.str.replace_all(r"(^|[a-z])0+(\d)", "${1}${2}")


def outside_window(frame: pl.DataFrame, name: str, context: Context) -> list[Breach]:
    """Nights before the study's first or after its last, or outside the participant's own diary."""
    if name not in ("diary", "episodes"):
        return []
    found = []
    if context.window is not None:
        rows = where(frame, ~pl.col("date").is_between(*context.window))
        hint = f"the study runs from {context.window[0]} to {context.window[1]}"
        found = [Breach(rows, "date", "window", "reject-row", hint)]
        frame = frame.filter(pl.col("date").is_between(*context.window))
    own = windows(context.accepted["participants"], context.unlogged).filter(
        pl.any_horizontal(pl.col("first", "last").is_not_null())
    )
    if own.height:
        outside = (
            frame.select(ROW, "participant_id", "date")
            .join(own, on="participant_id", maintain_order="left")
            .filter((pl.col("date") < pl.col("first")) | (pl.col("date") > pl.col("last")))
        )
        since, until = (pl.col(end).cast(pl.String).fill_null("…") for end in ("first", "last"))
        own_hint = pl.format("the participant's diary runs from {} to {}: correct the date or the window", since, until)
        found.append(Breach(outside[ROW], "date", "window", "reject-row", worded(outside, own_hint)))
    return [breach for breach in found if len(breach.rows)]


def future(frame: pl.DataFrame, name: str, context: Context) -> list[Breach]:
    """Nights, samples and first days after the day of the reading; only where the caller has told that day."""
    columns = [c for c in ("date", "start") if c in codebook.TABLES[name].key]
    if context.today is None or not columns:
        return []
    rows = where(frame, pl.col(columns[0]) > context.today)
    hint = f"a day after {context.today}, the day of this reading: correct the date"
    return [Breach(rows, columns[0], "future-date", "reject-row", hint)] if len(rows) else []


def duplicates(frame: pl.DataFrame, keys: pl.DataFrame, name: str) -> list[Breach]:
    """Rows with one key: of equal ones the first stays; of contradicting ones none.

    ``keys`` has the keys of the rows of ``frame`` that are looked at.
    """
    key = list(codebook.TABLES[name].key)
    asked = keys[ROW].filter(repeated_keys(keys, key))
    if asked.is_empty():
        return []
    repeated = frame.filter(pl.col(ROW).is_in(asked.implode()))
    content = [c for c in frame.columns if c != ROW]
    versions = repeated.unique(content, keep="first").group_by(key).agg(pl.len().alias("__versions"))
    marked = repeated.join(versions, on=key).sort(ROW)
    same = marked.filter(pl.col("__versions") == 1)
    exact = same.filter(~pl.struct(key).is_first_distinct())[ROW]
    conflicting = marked.filter(pl.col("__versions") > 1)[ROW]
    what = " and ".join(key)
    counted = ", or, where each row is one cramp, count them by a mapping: cramps: {count: rows}"
    events = counted if name == "diary" else ""
    kept = f"the same row stands above; one per {what} is kept{events}"
    all_aside = f"rows with the same {what} contradict each other: all are set aside; keep the right one{events}"
    found = [
        Breach(exact, None, "duplicate-exact", "reject-row", kept),
        Breach(conflicting, None, "duplicate-conflict", "reject-row", all_aside),
    ]
    return [breach for breach in found if len(breach.rows)]


ROW_RULES: tuple[Step, ...] = (foreign, outside_window, future)
"""Each sees only the keys of the rows that those before it have left."""
