"""Which estimates moved between two reports, and by how many standard errors."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crampstudy.rerun.differences import ESTIMATES, is_close, number
from crampstudy.rerun.origins import Run

_LOGARITHMS = (
    *("rate_ratio", "odds_ratio", "prevalence_ratio", "hazard_ratio", "rate", "odds"),
    *("dispersion", "index_of_dispersion", "standard_deviation"),
)
_ITSELF = ("difference", "mean", "restricted_mean", "log_amplitude", "prevalence", "proportion")
LINKS: Mapping[str, Callable[[float], float]] = {
    **dict.fromkeys(_LOGARITHMS, math.log),
    **dict.fromkeys(_ITSELF, float),
    **dict.fromkeys(("correlation", "autocorrelation"), math.atanh),
    "share": lambda value: math.log(value / (1 - value)),
    "survival": lambda value: math.log(-math.log(value)),
}
"""The scale of the standard error, by that of the estimate."""


@dataclass(frozen=True, slots=True)
class Move:
    """An estimate that is not as it was: ``standard_errors`` is how far it moved, in those of the first report."""

    key: str
    before: float
    after: float
    status_before: str
    status_after: str
    standard_errors: float | None


@dataclass(frozen=True, slots=True)
class Moves:
    """What moved, farthest first; keys that only one of the reports has; and how many rows stayed.

    What has no standard error, so that nobody knows how far it moved, comes last.
    """

    moved: tuple[Move, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    n_same: int


def moves(before: Run, after: Run) -> Moves:
    """Compare the estimates of two reports; rows of cohorts of different names are matched without these."""
    alone = len(before.record.cohorts) == len(after.record.cohorts) == 1
    old, new = (rows(run, alone=alone) for run in (before, after))
    found = [move for name in old if name in new and (move := _move(old[name], new[name])) is not None]
    both = len(old.keys() & new.keys())
    return Moves(
        tuple(sorted(found, key=_distance, reverse=True)),
        tuple(row["key"] for name, row in old.items() if name not in new),
        tuple(row["key"] for name, row in new.items() if name not in old),
        both - len(found),
    )


def rows(run: Run, *, alone: bool) -> dict[str, dict[str, str]]:
    """Return the rows of a report by their keys, ``alone`` by what these say beside the cohort."""
    with (run.folder / ESTIMATES).open(encoding="utf-8", newline="") as file:
        return {nameless(row["key"]) if alone else row["key"]: row for row in csv.DictReader(file)}


def nameless(key: str) -> str:
    """Return a key without the cohort that it begins with."""
    return key.partition("/")[2]


def _move(old: Mapping[str, str], new: Mapping[str, str]) -> Move | None:
    one, other = number(old["estimate"]), number(new["estimate"])
    if old["status"] == new["status"] and is_close(one, other):
        return None
    return Move(new["key"], one, other, old["status"], new["status"], _standard_errors(old, one, other))


def _standard_errors(row: Mapping[str, str], one: float, other: float) -> float | None:
    link, error = LINKS.get(row["scale"]), number(row["std_error"])
    if link is None or not error > 0:
        return None
    try:
        distance = (link(other) - link(one)) / error
    except (ValueError, ZeroDivisionError, OverflowError):
        # A share of 0 or 1, or a ratio of 0, has no place on that scale.
        return None
    return distance if math.isfinite(distance) else None


def _distance(move: Move) -> float:
    return -1.0 if move.standard_errors is None else abs(move.standard_errors)
