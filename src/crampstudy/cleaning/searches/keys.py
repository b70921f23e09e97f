"""Rows against each other and against the rest of the study: who, when, and twice."""

from __future__ import annotations

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import ROW, Violation, where, worded
from crampstudy.cleaning.rule import View
from crampstudy.cleaning.unlogged import windows
from crampstudy.cohort import repeated_keys

_REAL = r"^(\d+)\.0+$"


def foreign(view: View) -> list[Violation]:
    """Rows of nobody."""
    people = view.context.accepted["participants"]["participant_id"]
    named = view.keys.select(ROW, "participant_id")
    unknown = named.filter(~pl.col("participant_id").is_in(people.implode()))
    if unknown.is_empty():
        return []
    alike = pl.DataFrame({"near": people, "form": form(people)}).unique("form", keep="none")
    near = unknown.with_columns(form=form(unknown["participant_id"])).join(
        alike, on="form", how="left", maintain_order="left"
    )
    hint = "no accepted row of participants has this identifier: add the participant or correct the identifier"
    or_near = pl.when(pl.col("near").is_null()).then(pl.lit(hint)).otherwise(pl.format(hint + "; is it {}?", "near"))
    # A program that keeps a column with an empty cell as numbers writes 17 as 17.0.
    real = pl.any_horizontal(pl.col("participant_id", "near").str.contains(_REAL)) & pl.col("near").is_not_null()
    written = " One table has it as a number with decimals: write identifiers as text, the same in all tables"
    hints = worded(near, or_near + pl.when(real).then(pl.lit(written)).otherwise(pl.lit("")))
    return [Violation(unknown[ROW], "participant_id", "unknown-participant", "reject-row", hints)]


def form(identifiers: pl.Series) -> pl.Series:
    """Return identifiers without what is easily mistyped: case, spaces, hyphens, leading zeros, width, 17.0."""
    plain = identifiers.str.normalize("NFKC").str.to_lowercase().str.replace(_REAL, "$1")
    plain = plain.str.replace_all(r"[\s_.-]+", "")
    return plain.str.replace_all(r"(^|[a-z])0+(\d)", "${1}${2}")


def outside_window(view: View) -> list[Violation]:
    """Nights before the study's first or after its last, or outside the participant's own diary."""
    frame, context = view.keys, view.context
    found = []
    if context.window is not None:
        rows = where(frame, ~pl.col("date").is_between(*context.window))
        hint = f"the study runs from {context.window[0]} to {context.window[1]}"
        found = [Violation(rows, "date", "window", "reject-row", hint)]
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
        found.append(Violation(outside[ROW], "date", "window", "reject-row", worded(outside, own_hint)))
    return [violation for violation in found if len(violation.rows)]


def future(view: View) -> list[Violation]:
    """Nights, samples and first days after the day of the reading; only where the caller has told that day."""
    columns = [c for c in ("date", "start") if c in codebook.TABLES[view.table].key]
    today = view.context.today
    if today is None or not columns:
        return []
    rows = where(view.keys, pl.col(columns[0]) > today)
    hint = f"a day after {today}, the day of this reading: correct the date"
    return [Violation(rows, columns[0], "future-date", "reject-row", hint)] if len(rows) else []


def duplicates(view: View) -> list[Violation]:
    """Rows with one key: of equal ones the first stays; of contradicting ones none."""
    frame, keys, name = view.rows, view.keys, view.table
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
        Violation(exact, None, "duplicate-exact", "reject-row", kept),
        Violation(conflicting, None, "duplicate-conflict", "reject-row", all_aside),
    ]
    return [violation for violation in found if len(violation.rows)]
