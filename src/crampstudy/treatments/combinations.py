"""Agents that lots gave together: a combination is a treatment of its own, and none of its agents alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from crampstudy import codebook
from crampstudy.nights import NIGHTS_PER_WEEK

PLACEBO = "placebo"
"""What looks like the treatment."""
_AND = " + "
_NEVER = 10**9
"""The day on which ends what has no end."""

_Period = dict[str, Any]


def parts(agent: str) -> tuple[str, ...]:
    """Return the agents that a combination is of; a single agent is itself."""
    return tuple(agent.split(_AND))


def in_order(agents: Iterable[str]) -> list[str]:
    """Return agents in the order of the codebook, combinations after all that are single."""
    place = {name: i for i, name in enumerate(codebook.variable("agent", "treatments").levels)}
    return sorted(agents, key=lambda name: (len(parts(name)), [place[part] for part in parts(name)]))


def taken_together(periods: pl.DataFrame) -> pl.DataFrame:
    """Return randomised periods in which agents that a participant took together are one agent, their combination.

    Together are periods that begin on one day, and those that begin within a week of each other and are at once for
    more than half of the shorter of them; a later period of an agent that was paused goes with the same combination. A
    placebo beside an agent stands for another agent (double dummy), and makes no combination. One ends with the first
    of its agents that ends, and has no dose.

    Args:
        periods: participant_id, agent, start, stop, dose and unit, and what else goes with them, in their order.
    """
    many = pl.col("agent").n_unique().over("participant_id") > 1
    several = periods.filter(many)
    if several.is_empty():
        return periods
    made = [
        row
        for _, own in several.group_by("participant_id", maintain_order=True)
        for group in _groups(own.to_dicts())
        for row in _as_one(group)
    ]
    joined = pl.DataFrame(made, schema=periods.schema)
    return pl.concat([periods.filter(~many), joined]).sort("participant_id", "start", "agent")


def _groups(periods: Sequence[_Period]) -> list[list[_Period]]:
    """Return the periods of a participant, in order, as those that were taken together."""
    ends = _ends(periods)
    groups: list[list[int]] = []
    for at in range(len(periods)):
        home = next((group for group in reversed(groups) if _belongs(periods, ends, at, group)), None)
        if home is None:
            groups.append([at])
        else:
            home.append(at)
    return [[periods[at] for at in group] for group in groups]


def _ends(periods: Sequence[_Period]) -> list[int]:
    """Return the day on which each period ends: one without an end with the day before the next start."""
    starts = sorted({period["start"].toordinal() for period in periods})
    following = dict(zip(starts, [day - 1 for day in starts[1:]] + [_NEVER], strict=True))
    return [
        period["stop"].toordinal() if period["stop"] else following[period["start"].toordinal()] for period in periods
    ]


def _belongs(periods: Sequence[_Period], ends: Sequence[int], at: int, group: Sequence[int]) -> bool:
    """Say whether the period ``at`` a place was taken together with a group of those before it."""
    own, first = periods[at], periods[group[0]]
    late = (own["start"] - first["start"]).days >= NIGHTS_PER_WEEK
    if late and own["agent"] not in {periods[each]["agent"] for each in group}:
        return False
    return any(_at_once(periods, ends, at, each) for each in group if periods[each]["agent"] != own["agent"])


def _at_once(periods: Sequence[_Period], ends: Sequence[int], later: int, earlier: int) -> bool:
    first, second = (int(periods[each]["start"].toordinal()) for each in (earlier, later))
    shared = min(ends[earlier], ends[later]) - second + 1
    return first == second or 2 * shared > min(ends[earlier] - first, ends[later] - second) + 1


def _as_one(group: Sequence[_Period]) -> Sequence[_Period]:
    """Return periods that were taken together as one of their combination; those of a single agent as they are."""
    agents = {period["agent"] for period in group}
    active = in_order(agents - {PLACEBO}) or [PLACEBO]
    if len(active) == 1:
        return [period for period in group if period["agent"] == active[0]]
    stops = [_stop([period for period in group if period["agent"] == name]) for name in active]
    stop = min((each for each in stops if each is not None), default=None)
    return [{**group[0], "agent": _AND.join(active), "stop": stop, "dose": None, "unit": None}]


def _stop(periods: Sequence[Mapping[str, Any]]) -> Any:
    """Return the last end of periods of one agent, ``None`` where one goes on."""
    stops = [period["stop"] for period in periods]
    return None if None in stops else max(stops)
