"""Where the participants of a table stand, and when their diaries begin."""

from __future__ import annotations

import numpy as np
import polars as pl

from crampstudy.simulate.arrays import Integers


def index_of(people: pl.DataFrame, table: pl.DataFrame) -> Integers:
    """Return for each row of ``table`` the row of its participant in ``people``."""
    runs = table["participant_id"].rle().struct.unnest()
    index = people.select("participant_id", person=pl.int_range(pl.len()))
    found = runs.join(index, left_on="value", right_on="participant_id", how="left", maintain_order="left")
    return np.repeat(found["person"].to_numpy(), runs["len"].to_numpy())


def first_night(person: Integers, date: Integers, participants: int) -> Integers:
    """Return the first date of each participant; the highest number there is for one without any."""
    first = np.full(participants, np.iinfo(np.int64).max)
    if len(person):
        starts = np.flatnonzero(np.diff(person, prepend=-1))
        np.minimum.at(first, person[starts], np.minimum.reduceat(date, starts))
    return first
