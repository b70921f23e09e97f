"""Single cramps: when they come, how long they last, what is done against them and what that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import rules
from crampstudy.simulate.arrays import Column, Integers
from crampstudy.simulate.draw.episode_course import draw_course, draw_person_traits
from crampstudy.simulate.draw.episode_onsets import EpisodeNights, draw_onsets
from crampstudy.simulate.draw.exposures import EpisodeShifts
from crampstudy.simulate.truth.episodes import Episodes
from crampstudy.simulate.truth.tables.rows import REMEDIES, Remedy

CHUNK = 131_072
"""Cramps that are drawn at a time, but never part of a participant: the memory in use stays bounded."""


@dataclass(frozen=True, slots=True)
class DrawnEpisodes:
    """The cramps drawn, ordered by participant, night and onset.

    ``columns`` has one value per cramp: ``row`` (participant, from 0), ``night`` (from 0), ``date`` (days from
    1970-01-01), ``onset`` (datetime64[us]) and the other columns of the episodes table; a level is its number
    among the codebook's. ``woken`` counts the cramps that woke, participants x nights.
    """

    columns: Mapping[str, Column]
    woken: Integers

    def frame(self, identifiers: pl.Series | Sequence[str]) -> pl.DataFrame:
        """Return the episodes table in the codebook's columns and types; ``identifiers`` has one per participant."""
        series = []
        for variable in codebook.variables("episodes"):
            if variable.name == "participant_id":
                cells = pl.Series(identifiers, dtype=pl.String).gather(self.columns["row"])
            elif variable.levels:
                cells = pl.Series(variable.levels, dtype=pl.String).gather(self.columns[variable.name])
            elif variable.type == "date":
                cells = pl.Series(self.columns["date"].astype("datetime64[D]"))
            else:
                cells = pl.Series(self.columns[variable.name])
            series.append(cells.alias(variable.name).cast(rules.DTYPES[variable.type]))
        return pl.DataFrame(series)


def draw_episodes(
    parameters: Episodes,
    remedies: Sequence[Remedy],
    people: Mapping[str, Column],
    date: Integers,
    cramps: Integers,
    rng: np.random.Generator,
    treated: EpisodeShifts | None = None,
) -> DrawnEpisodes:
    """Draw every cramp that ``cramps`` counts (participants x nights); every column has a generator of its own.

    Time to relief runs from when a remedy is used, or with none could have been: log-normal around the person's
    own mean, its hazard multiplied by the remedy's ratio. The length is that time and the delay before it.

    Args:
        parameters: How single cramps go.
        remedies: What is done against them, a row for each of the codebook's levels.
        people: The participants' columns, of which ``sex`` is read.
        date: The nights (participants x nights), in days from 1970-01-01.
        cramps: The counts of the nights (participants x nights).
        rng: The generator.
        treated: What treatments do to a night's cramps; nothing by default.
    """
    persons_rng, cramps_rng = rng.spawn(2)
    persons = draw_person_traits(parameters, _in_order(remedies), people["sex"] == "female", persons_rng)
    streams = dict(zip(_STREAMS, cramps_rng.spawn(len(_STREAMS)), strict=True))
    columns: dict[str, Column] = {}
    added = (treated.pain, treated.log_relief) if treated else (None, None)
    done = 0
    for first, stop in _chunks(cramps):
        nights = EpisodeNights.of(date[first:stop], cramps[first:stop], first)
        part = draw_onsets(parameters, nights, streams)
        shifts = [0.0 if x is None else x[nights.row, nights.night] for x in added]
        part |= draw_course(parameters, _in_order(remedies), persons, nights, part, shifts, streams)
        for name, values in part.items():
            # In place: joining parts at the end would hold every cramp twice.
            columns.setdefault(name, np.empty(int(cramps.sum()), dtype=values.dtype))[done : done + len(values)] = (
                values
            )
        done += len(nights.row)
    place = (columns["row"].astype(np.int64) * cramps.shape[1] + columns["night"])[columns["woke"]]
    return DrawnEpisodes(columns, np.bincount(place, minlength=cramps.size).reshape(cramps.shape))


_STREAMS = (
    *("asleep", "hour", "rest", "woke", "length", "delay", "pain", "remedy"),
    *("after", "sore", "distress", "site", "side"),
)


def _chunks(cramps: Integers) -> Iterator[tuple[int, int]]:
    before = np.cumsum(cramps.sum(axis=1)) - cramps.sum(axis=1)
    edges = np.flatnonzero(np.diff(before // CHUNK)) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(cramps)], strict=True)


def _in_order(remedies: Sequence[Remedy]) -> list[Remedy]:
    return sorted(remedies, key=lambda r: REMEDIES.index(r.column))
