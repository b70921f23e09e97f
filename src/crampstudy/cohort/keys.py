"""Rows of a table that have the same key."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl

AT_ONCE = 250_000
"""Of so many rows, about, the keys are held against each other at once, where participants stand together."""


def repeated_keys(table: pl.DataFrame, key: Sequence[str], at_once: int = AT_ONCE) -> pl.Series:
    """Return for each row whether another one has its key."""
    keys = table.select(key)
    if key[0] != "participant_id":
        return _repeated(keys)
    person = keys["participant_id"]
    runs = person.rle().struct.unnest()
    if runs["value"].n_unique() < runs.height:
        return _repeated(keys)
    if list(key) == ["participant_id", "date"]:
        date, same = keys["date"], person.eq_missing(person.shift())
        if not (same & (date < date.shift())).any():
            # In the order of person and date, equal keys are neighbours.
            below = (same & date.eq_missing(date.shift())).fill_null(value=False)
            return below | below.shift(-1, fill_value=False)
    # Of two participants no two keys are the same, and all keys at once take many times the memory of the table.
    ends = runs["len"].cast(pl.Int64).cum_sum().to_numpy()
    cuts = [0, *ends[np.flatnonzero(np.diff(ends // at_once, prepend=0))].tolist(), keys.height]
    parts = (keys[start:end] for start, end in itertools.pairwise(cuts))
    return pl.concat([_repeated(part) for part in parts])


def _repeated(keys: pl.DataFrame) -> pl.Series:
    return keys.select(pl.struct(pl.all()).is_duplicated()).to_series()
