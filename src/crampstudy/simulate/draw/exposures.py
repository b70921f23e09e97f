"""Exposure to treatments: build-up and carry-over in a participant's nights, and what they do to rate and cramps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import rules
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.truth.tables.rows import Agent

GOES_ON = int(np.iinfo(np.int64).min)
"""The ``stop`` of an exposure that lasts beyond the diary: as a date it is none."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who takes what when.

    ``arm`` has one value per participant. ``exposure`` maps an agent to its build-up from 0 to 1, participants x
    nights of the diary (``shape``); agents that nobody takes are left out. ``periods`` has the columns of the
    treatments table, one value per period, ordered by participant and first day: ``row`` (participant, from 0),
    ``agent``, ``dose`` (nan: none), ``unit`` (empty: none), ``start`` and ``stop`` (days from 1970-01-01, both
    included; :data:`GOES_ON` where it does) and ``randomised``.
    """

    arm: Column
    exposure: Mapping[str, Floats]
    periods: Mapping[str, Column]
    shape: tuple[int, int]

    def frame(self, identifiers: pl.Series | Sequence[str]) -> pl.DataFrame:
        """Return the treatments table in the codebook's columns and types; ``identifiers`` has one per participant."""
        people = pl.Series("participant_id", identifiers, dtype=pl.String).gather(self.periods["row"])
        columns = {
            name: values.astype("datetime64[D]") if name in ("start", "stop") else values
            for name, values in self.periods.items()
            if name != "row"
        }
        frame = pl.DataFrame([people, *(pl.Series(name, values) for name, values in columns.items())])
        return frame.select(
            pl.col(v.name).cast(rules.DTYPES[v.type]) for v in codebook.variables("treatments")
        ).with_columns(pl.col("dose").fill_nan(None), pl.col("unit").replace("", None))


def build_up(start: Integers, stop: Integers, date: Integers, agent: Agent) -> Floats:
    """Return how far the effect of one exposure has built up in each night (periods x nights, 0 to 1).

    ``start`` and ``stop`` are the first and last night, one per period. The k-th night has k / (onset_nights + 1),
    at most 1; the k-th after the last has 1 - k / (carry_over_nights + 1) of what was reached, at least 0.
    """
    steps = agent.onset_nights + 1
    nights_on = np.minimum(date, stop[:, None]) - start[:, None] + 1
    nights_off = np.maximum(date - stop[:, None], 0)
    left = np.clip(1 - nights_off / (agent.carry_over_nights + 1), 0, 1)
    return np.asarray(np.clip(nights_on / steps, 0, 1) * left, dtype=np.float64)


def exposures(agents: Sequence[Agent], periods: Mapping[str, Column], date: Integers) -> dict[str, Floats]:
    """Return the build-up of each agent in every night of the diary; of several periods the strongest counts.

    ``periods`` are ordered by participant and have their true last days.
    """
    exposure: dict[str, Floats] = {}
    for agent in agents:
        own = np.flatnonzero(periods["agent"] == agent.column)
        if not len(own):
            continue
        row, start, stop = (periods[name][own].astype(np.int64) for name in ("row", "start", "stop"))
        total = np.zeros(date.shape)
        # The k-th period of each participant at a time: a participant has few, and a time has no one twice.
        turn = np.arange(len(row)) - np.searchsorted(row, row)
        for k in range(int(turn.max()) + 1):
            at = turn == k
            level = build_up(start[at], stop[at], date[row[at]], agent)
            total[row[at]] = np.maximum(total[row[at]], level)
        exposure[agent.column] = total
    return exposure


def modifier_score(agent: Agent, people: Mapping[str, Column], scaling: Mapping[str, tuple[float, float]]) -> Floats:
    """Return each participant's modifier in SDs from its mean; ``scaling`` has mean and SD by column."""
    if agent.modifier is None:
        raise ParameterError(f"agent {agent.column} has no modifier")
    mean, sd = scaling[agent.modifier]
    return np.asarray((people[agent.modifier].astype(np.float64) - mean) / sd, dtype=np.float64)


def log_effect(
    agents: Sequence[Agent],
    assigned: Assigned,
    people: Mapping[str, Column],
    scaling: Mapping[str, tuple[float, float]],
) -> Floats:
    """Return the sum of the treatments' log rate ratios in every night (participants x nights).

    ``scaling`` has the mean and SD of each modifier's column.
    """
    total = np.zeros(assigned.shape)
    for agent in agents:
        if agent.column not in assigned.exposure:
            continue
        own: Floats = np.full((assigned.shape[0], 1), agent.log_rate_ratio)
        if agent.log_rate_ratio_per_sd:
            own = own + agent.log_rate_ratio_per_sd * modifier_score(agent, people, scaling)[:, None]
        if own.any():
            total += own * assigned.exposure[agent.column]
    return total


@dataclass(frozen=True, slots=True)
class EpisodeShifts:
    """What treatments add to the pain (points) and to the log of the time to relief of a night's cramps.

    Each is participants x nights, or ``None`` where no treatment in use does anything to it.
    """

    pain: Floats | None = None
    log_relief: Floats | None = None


def episode_shifts(agents: Sequence[Agent], assigned: Assigned) -> EpisodeShifts:
    """Return what the treatments in use do to single cramps."""
    return EpisodeShifts(_shift(agents, assigned, "pain_points"), _shift(agents, assigned, "duration_log"))


def _shift(agents: Sequence[Agent], assigned: Assigned, name: str) -> Floats | None:
    active = [a for a in agents if getattr(a, name) and a.column in assigned.exposure]
    if not active:
        return None
    return np.asarray(sum(getattr(a, name) * assigned.exposure[a.column] for a in active), dtype=np.float64)
