"""Single cramps: when they come, how long they last, what is done against them and what that does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from crampstudy import codebook
from crampstudy.codebook import rules
from crampstudy.simulate.arrays import Column, Flags, Floats, Integers
from crampstudy.simulate.draw.hazard_scaling import scale_hazard
from crampstudy.simulate.truth.episodes import Episodes, site_shares
from crampstudy.simulate.truth.tables.rows import REMEDIES, Remedy

CHUNK = 131_072
"""Cramps that are drawn at a time, but never part of a participant: the memory in use stays bounded."""

_DAY = 1440
_SIDES = codebook.variable("side", "episodes").levels


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
    *,
    pain_shift: Floats | None = None,
    duration_shift: Floats | None = None,
) -> DrawnEpisodes:
    """Draw every cramp that ``cramps`` counts (participants x nights); every column has a generator of its own.

    Time to relief runs from when a remedy is used, or with none could have been: log-normal around the person's
    own mean, its hazard multiplied by the remedy's ratio. The length is that time and the delay before it.
    ``pain_shift`` (points) and ``duration_shift`` (log of the time to relief), participants x nights, are what
    treatments do to a cramp.
    """
    persons_rng, cramps_rng = rng.spawn(2)
    persons = _draw_persons(parameters, _in_order(remedies), people["sex"] == "female", persons_rng)
    streams = dict(zip(_STREAMS, cramps_rng.spawn(len(_STREAMS)), strict=True))
    columns: dict[str, Column] = {}
    done = 0
    for first, stop in _chunks(cramps):
        nights = _Nights.of(date[first:stop], cramps[first:stop], first)
        part = _when(parameters, nights, streams)
        shifts = [0.0 if x is None else x[nights.row, nights.night] for x in (pain_shift, duration_shift)]
        part |= _course(parameters, _in_order(remedies), persons, nights, part, shifts, streams)
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


@dataclass(frozen=True, slots=True)
class _Persons:
    length: Floats
    pain: Floats
    right: Floats
    sites: Floats
    remedies: Floats


@dataclass(frozen=True, slots=True)
class _Nights:
    """The night of each cramp of a chunk: ``place`` within the chunk, ``left`` cramps of the night after this one."""

    place: Integers
    row: Integers
    night: Integers
    date: Integers
    episode: Integers
    left: Integers

    @classmethod
    def of(cls, date: Integers, cramps: Integers, first: int) -> _Nights:
        counts = cramps.ravel()
        place = np.repeat(np.arange(counts.size), counts)
        before = np.cumsum(counts) - counts
        episode = np.arange(len(place)) - before[place] + 1
        row, night = np.divmod(place, cramps.shape[1])
        return cls(place, row + first, night, date.ravel()[place], episode, counts[place] - episode)


def _chunks(cramps: Integers) -> Iterator[tuple[int, int]]:
    before = np.cumsum(cramps.sum(axis=1)) - cramps.sum(axis=1)
    edges = np.flatnonzero(np.diff(before // CHUNK)) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(cramps)], strict=True)


def _in_order(remedies: Sequence[Remedy]) -> list[Remedy]:
    return sorted(remedies, key=lambda r: REMEDIES.index(r.column))


def _draw_persons(
    parameters: Episodes, remedies: Sequence[Remedy], female: Flags, rng: np.random.Generator
) -> _Persons:
    length_rng, pain_rng, side_rng, site_rng, remedy_rng = rng.spawn(5)
    n, same = len(female), parameters.pain_duration_correlation
    length = length_rng.standard_normal(n)
    pain = same * length + math.sqrt(1 - same**2) * pain_rng.standard_normal(n)
    half = parameters.side_concentration / 2
    sites = np.where(female[:, None], site_shares(parameters, True), site_shares(parameters, False))
    habits = np.tile([r.share for r in remedies], (n, 1))
    return _Persons(
        length,
        pain,
        side_rng.beta(half, half, n),
        _dirichlet_steps(sites * parameters.site_concentration, site_rng),
        _dirichlet_steps(habits * parameters.remedy_concentration, remedy_rng),
    )


def _dirichlet_steps(alpha: Floats, rng: np.random.Generator) -> Floats:
    """Return each person's own shares of all levels, added up, the last left out so that a sum below 1 has no gap."""
    weights = rng.standard_gamma(alpha)
    return np.asarray(np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[:, :-1])


def _chosen(steps: Floats, row: Integers, u: Floats) -> NDArray[np.int8]:
    code = np.zeros(len(u), dtype=np.int8)
    for k in range(steps.shape[1]):
        code += u >= steps[row, k]
    return code


def _when(parameters: Episodes, nights: _Nights, streams: Mapping[str, np.random.Generator]) -> dict[str, Column]:
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


def _course(
    parameters: Episodes,
    remedies: Sequence[Remedy],
    persons: _Persons,
    nights: _Nights,
    when: Mapping[str, Column],
    shifts: Sequence[Floats | float],
    streams: Mapping[str, np.random.Generator],
) -> dict[str, Column]:
    n, row = len(nights.row), nights.row
    pain_shift, duration_shift = shifts
    length = streams["length"].standard_normal(n)
    same = parameters.pain_duration_correlation
    own = same * length + math.sqrt(1 - same**2) * streams["pain"].standard_normal(n)
    latent = parameters.pain_mean + parameters.pain_sd_between * persons.pain[row] + parameters.pain_sd_within * own
    pain = np.clip(np.rint(latent + pain_shift), 0, 10)

    u = streams["remedy"].random(n)
    if parameters.remedy_per_pain_point:
        u = _tilted(u, persons.remedies[row, 0], parameters.remedy_per_pain_point * (pain - parameters.pain_mean))
    remedy = _chosen(persons.remedies, row, u)
    hazard, eased, soreness = (
        np.asarray([getattr(r, name) for r in remedies])[remedy]
        for name in ("log_hazard_ratio", "pain_points", "soreness_log_odds")
    )

    mean, between = parameters.duration_mean_s - parameters.delay_mean_s, parameters.duration_log_sd_between
    within = parameters.duration_log_sd_within
    log_relief = math.log(mean) - (between**2 + within**2) / 2 + between * persons.length[row]
    relief = np.exp(log_relief + duration_shift + within * scale_hazard(length, hazard))
    spread = parameters.delay_log_sd
    delay = parameters.delay_mean_s * np.exp(spread * streams["delay"].standard_normal(n) - spread**2 / 2)
    delay = np.minimum(np.rint(delay), parameters.longest_s // 2)
    # Whole seconds, and never none: relief that took no time would be no episode.
    relief = np.clip(np.rint(relief), 1, parameters.longest_s // 1 - delay)
    duration = delay + relief

    drop = parameters.pain_drop + parameters.pain_drop_sd * streams["after"].standard_normal(n) - eased
    log_odds = logit(parameters.soreness_share) + soreness
    if parameters.soreness_per_log_duration:
        log_odds = log_odds + parameters.soreness_per_log_duration * np.log(duration / parameters.duration_mean_s)
    distress = (
        parameters.distress_mean
        + parameters.distress_per_pain_point * (pain - parameters.pain_mean)
        + parameters.distress_woken * when["woke"].astype(np.float64)
        + parameters.distress_sd * streams["distress"].standard_normal(n)
    )
    side = streams["side"].random(n)
    both = parameters.both_share
    left = both + (1 - both) * (1 - persons.right[row])
    sides = (_SIDES.index("both"), _SIDES.index("left"), _SIDES.index("right"))
    return {
        "duration_s": duration.astype(np.int32),
        "pain_0_10": pain.astype(np.int8),
        "pain_after_0_10": np.clip(np.rint(pain - np.maximum(drop, 0)), 0, 10).astype(np.int8),
        "site": _chosen(persons.sites, row, streams["site"].random(n)),
        "side": np.asarray(sides, dtype=np.int8)[(side >= both).astype(np.int8) + (side >= left)],
        "remedy": remedy,
        "relief_s": relief.astype(np.int32),
        "residual_soreness": streams["sore"].random(n) < expit(log_odds),
        "distress_0_10": np.clip(np.rint(distress), 0, 10).astype(np.int8),
    }


def _tilted(u: Floats, none: Floats, log_odds: Floats) -> Floats:
    """Return ``u`` moved so that ``none`` is chosen with other odds, and among the rest nothing changes."""
    odds = np.exp(-log_odds)
    to = none * odds / (none * odds + 1 - none)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(u < to, u * (none / to), none + (u - to) * ((1 - none) / (1 - to)))
