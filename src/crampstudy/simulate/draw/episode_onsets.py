"""When single cramps come: the minute of the night, in order and none twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crampstudy.simulate.arrays import Column, Integers
from crampstudy.simulate.truth.episodes import Episodes

_DAY = 1440


@dataclass(frozen=True, slots=True)
class EpisodeNights:
    """The night of each cramp of a chunk: ``place`` within the chunk, ``left`` cramps of the night after this one."""

    place: Integers
    row: Integers
    night: Integers
    date: Integers
    episode: Integers
    left: Integers

    @classmethod
    def of(cls, date: Integers, cramps: Integers, first: int) -> EpisodeNights:
        """Return the nights of the cramps that ``cramps`` counts, the first row being that of person ``first``."""
        counts = cramps.ravel()
        place = np.repeat(np.arange(counts.size), counts)
        before = np.cumsum(counts) - counts
        episode = np.arange(len(place)) - before[place] + 1
        row, night = np.divmod(place, cramps.shape[1])
        return cls(place, row + first, night, date.ravel()[place], episode, counts[place] - episode)


def draw_onsets(
    parameters: Episodes, nights: EpisodeNights, streams: Mapping[str, np.random.Generator]
) -> dict[str, Column]:
    """Draw the onset of each cramp, whether it comes at rest and whether it wakes, from a generator for each column."""
    n = len(nights.place)
    asleep = streams["asleep"].random(n) < parameters.night_share
    z = streams["hour"].standard_normal(n)
    night = _minute(parameters.peak_hour) + 60 * parameters.spread_hours * z
    awake = _minute(parameters.awake_hour) + 60 * parameters.awake_spread_hours * z
    minute = np.clip(np.where(asleep, night, awake), 0, _DAY - 1).astype(np.int64)
    if nights.left.any():
        # One number per cramp, so that sorting keeps nights together and carries the flag along.
        key = np.sort((nights.place * _DAY + minute) * 2 + asleep)
        minute, asleep = (key >> 1) - nights.place * _DAY, (key & 1).astype(np.bool_)
        # No two in one minute, and none past the night's last: later ones move on, or all move up.
        span = nights.place * (2 * _DAY)
        minute = np.maximum.accumulate(span + minute - nights.episode) - span + nights.episode
        minute = np.minimum(minute, _DAY - 1 - nights.left)
    onset = (nights.date * _DAY + _DAY // 2 + minute).astype("datetime64[m]").astype("datetime64[us]")
    return {
        "row": nights.row.astype(np.int32),
        "night": nights.night.astype(np.int32),
        "date": nights.date,
        "episode": nights.episode.astype(np.int16),
        "onset": onset,
        "at_rest": asleep | (streams["rest"].random(n) < parameters.at_rest_awake),
        "woke": asleep & (streams["woke"].random(n) < parameters.woke_at_night),
    }


def _minute(hour: float) -> float:
    """Return minutes from noon."""
    return (hour - 12) % 24 * 60
