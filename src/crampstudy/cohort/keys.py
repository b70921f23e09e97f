"""Rows of a table that have the same key."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def repeated_keys(table: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Return for each row whether another one has its key."""
    nights = ["participant_id", "date"]
    if list(key) == nights:
        person, date = table[nights[0]], table[nights[1]]
        people = person.rle().struct.field("value")
        same = person.eq_missing(person.shift())
        if people.n_unique() == len(people) and not (same & (date < date.shift())).any():
            # In the order of person and date, equal keys are neighbours.
            below = (same & date.eq_missing(date.shift())).fill_null(value=False)
            return below | below.shift(-1, fill_value=False)
    return table.select(pl.struct(key).is_duplicated()).to_series()
