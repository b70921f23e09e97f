"""The groups that rows are of: the column ``population``, made and read in one place."""

from __future__ import annotations

from collections.abc import Iterable

_ALL = "all"


def part_of(label: str, where: str | None) -> str:
    """Return the population of a group, within the part of the cohort that a condition names."""
    return f"{label}, {where}" if where else label


def group(population: object) -> str:
    """Return the group of a population without the condition of its part, which all rows of a cohort share."""
    return str(population).partition(", ")[0]


def condition(population: object) -> str:
    """Return the condition of the part that a population is within, empty where it is none."""
    return str(population).partition(", ")[2]


def whole(populations: Iterable[object]) -> str:
    """Return the group that holds all who are analysed: of those open to the old that with the lowest limit.

    Without an age group it is all there are.
    """
    groups = list(dict.fromkeys(map(str, populations)))
    open_ended = [group for group in groups if group.endswith("+")]
    others = _ALL if _ALL in groups else next(iter(groups), _ALL)
    return min(open_ended, key=lambda group: int(group[:-1]), default=others)
