"""What a simulated cohort shows, reduced to one row per participant, and the figures that cards compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.codebook.recalled import LABELS, LOWS, NIGHTS
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Flags, Floats, Integers
from crampstudy.simulate.calendar import annual_cosine

ENTRY = 14
"""Nights of the entry period that trials ask for."""
AFTER = 28
"""Nights after it, in which their outcome is counted."""


_GROUPS = 20


@dataclass(frozen=True, slots=True)
class CohortArrays:
    """A cohort as arrays: ``counts`` and ``date`` are participants x nights, ``date`` in days from 1970-01-01.

    ``clean`` is the cohort as it was drawn, ``logged`` (participants x nights) what is left of it in the diary
    that is handed out. ``episodes`` has sums per participant: their number, minutes, points of pain, how many were
    in the calf, and one column per hour of the clock.
    """

    clean: Cohort
    people: pl.DataFrame
    counts: Floats
    date: Integers
    logged: Flags
    episodes: Mapping[str, Floats]

    @classmethod
    def of(cls, clean: Cohort, degraded: Cohort) -> CohortArrays:
        """Reduce a complete diary, and the same with gaps."""
        people, diary = clean.frame("participants"), clean.frame("diary")
        n = people.height
        left = degraded.frame("diary").filter("entry_made").select("participant_id", "date", logged=True)
        seen = diary.select("participant_id", "date").join(
            left, ["participant_id", "date"], "left", maintain_order="left"
        )
        return cls(
            clean,
            people,
            diary["cramps"].to_numpy().astype(np.float64).reshape(n, -1),
            diary["date"].to_physical().to_numpy().astype(np.int64).reshape(n, -1),
            seen["logged"].fill_null(value=False).to_numpy().reshape(n, -1),
            _episodes(clean, people),
        )

    def night(self, column: str) -> Floats:
        """Return a column of the diary, participants x nights."""
        return self.clean.frame("diary")[column].to_numpy().astype(np.float64).reshape(self.counts.shape)

    def rows_of(self, table: str, where: pl.Expr | None = None) -> Floats:
        """Return how many rows of a table each participant has."""
        frame = self.clean.tables.get(table)
        if frame is None:
            return np.zeros(self.people.height)
        rows = (frame if where is None else frame.filter(where)).group_by("participant_id").len()
        joined = self.people.select("participant_id").join(rows, "participant_id", "left", maintain_order="left")
        return joined["len"].fill_null(0).to_numpy().astype(np.float64)


def _episodes(cohort: Cohort, people: pl.DataFrame) -> dict[str, Floats]:
    frame = cohort.tables.get("episodes")
    if frame is None:
        return {}
    hour = pl.col("onset").dt.hour()
    sums = frame.group_by("participant_id").agg(
        pl.len().alias("n"),
        (pl.col("duration_s").sum() / 60).alias("minutes"),
        pl.col("pain_0_10").sum().alias("pain"),
        (pl.col("site") == "calf").sum().alias("calf"),
        *((hour == i).sum().alias(f"hour_{i}") for i in range(24)),
    )
    joined = people.select("participant_id").join(sums, "participant_id", "left", maintain_order="left").fill_null(0)
    return {name: joined[name].to_numpy().astype(np.float64) for name in joined.columns if name != "participant_id"}


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure with its Monte-Carlo error."""

    value: float
    error: float


def compute_statistic(statistic: str, arrays: CohortArrays) -> Statistic:
    """Return a figure of the cohort with its Monte-Carlo error, by a jackknife over 20 groups of participants.

    ``statistic`` is a name and, after a colon, what it is of: ``class_share:60-69:2-4``, ``ratio:diabetes``.

    Raises:
        ParameterError: there is no such statistic.
    """
    name, _, detail = statistic.partition(":")
    if name not in STATISTICS:
        raise ParameterError(f"statistic is {statistic!r}; allowed: {', '.join(STATISTICS)}")
    compute = STATISTICS[name](arrays, detail)
    group = np.arange(arrays.people.height) % _GROUPS
    parts = np.asarray([compute(group != g) for g in range(_GROUPS)])
    error = math.sqrt((_GROUPS - 1) / _GROUPS * float(((parts - parts.mean()) ** 2).sum()))
    return Statistic(compute(np.ones(len(group), dtype=np.bool_)), error)


Compute = Callable[[Flags], float]
"""A figure of the participants chosen."""


def _share(event: Flags | Floats, among: Flags | None = None) -> Compute:
    inside = np.ones(len(event), dtype=np.bool_) if among is None else among
    return lambda rows: float(event[rows & inside].mean())


def _class_share(arrays: CohortArrays, detail: str) -> Compute:
    band, label = detail.split(":")
    found = np.searchsorted(LOWS, _in_30(arrays), side="right") - 1
    return _share(found == LABELS.index(label), _of_band(arrays, band))


def _of_band(arrays: CohortArrays, band: str) -> Flags:
    ages = arrays.people["age_years"].to_numpy()
    if band == "20+":
        return np.asarray(ages >= 20)
    bands = AgeBands()
    edges = (*bands.limits, math.inf)
    at = bands.labels.index(band) - 1
    return np.asarray((ages >= edges[at]) & (ages < edges[at + 1]))


def _in_30(arrays: CohortArrays) -> Floats:
    return np.asarray(arrays.counts[:, :NIGHTS].sum(axis=1))


def _entry(arrays: CohortArrays) -> Floats:
    return np.asarray(arrays.counts[:, :ENTRY].mean(axis=1) * 7)


def _after(arrays: CohortArrays) -> Floats:
    return np.asarray(arrays.counts[:, ENTRY : ENTRY + AFTER].mean(axis=1) * 7)


def _arm(arrays: CohortArrays, arm: str) -> Flags:
    return np.asarray(arrays.people["arm"].to_numpy() == arm)


def _sd(values: Floats, among: Flags | None = None) -> Compute:
    inside = np.ones(len(values), dtype=np.bool_) if among is None else among
    return lambda rows: float(values[rows & inside].std(ddof=1))


def _fall(arrays: CohortArrays, _: str) -> Compute:
    entry, after = _entry(arrays), _after(arrays)
    return lambda rows: 1 - float(after[rows].mean() / entry[rows].mean())


def _fall_of_eligible(arrays: CohortArrays, least: str) -> Compute:
    entry, after = _entry(arrays), _after(arrays)
    inside = arrays.counts[:, :ENTRY].sum(axis=1) >= int(least)
    return lambda rows: 1 - float(after[rows & inside].mean() / entry[rows & inside].mean())


def _difference(arrays: CohortArrays, detail: str) -> Compute:
    change = _after(arrays) - _entry(arrays)
    treated, control = (_arm(arrays, arm) for arm in detail.split(":"))
    return lambda rows: float(change[rows & treated].mean() - change[rows & control].mean())


def _season(arrays: CohortArrays, _: str) -> Compute:
    # Over whole years of nights the mean of 2 cos is 0 and of 2 cos^2 is 1, so this is the amplitude over the mean.
    wave = 2 * annual_cosine(arrays.date)
    own, total, plain = (arrays.counts * wave).sum(axis=1), arrays.counts.sum(axis=1), wave.mean(axis=1)
    return lambda rows: float(own[rows].sum() / total[rows].sum() - plain[rows].mean())


def _per_episode(column: str) -> Callable[[CohortArrays, str], Compute]:
    def of(arrays: CohortArrays, _: str) -> Compute:
        sums, number = arrays.episodes[column], arrays.episodes["n"]
        return lambda rows: float(sums[rows].sum() / number[rows].sum())

    return of


def _peak_hour(arrays: CohortArrays, _: str) -> Compute:
    hours = np.column_stack([arrays.episodes[f"hour_{i}"] for i in range(24)])
    return lambda rows: float(hours[rows].sum(axis=0).argmax() + 0.5)


def _ratio(arrays: CohortArrays, detail: str) -> Compute:
    total, inside = arrays.counts.sum(axis=1), _exposed(arrays, detail)
    return lambda rows: float(total[rows & inside].mean() / total[rows & ~inside].mean())


def _exposed(arrays: CohortArrays, detail: str) -> Flags:
    for sign in (">=", "="):
        if sign in detail:
            column, level = detail.split(sign)
            values = arrays.people[column].to_numpy()
            return np.asarray(values >= float(level) if sign == ">=" else values == level)
    return arrays.people[detail].to_numpy().astype(np.bool_)


def _night_ratio(arrays: CohortArrays, column: str) -> Compute:
    exposed = arrays.night(column) > 0
    with_, without = (
        (np.where(inside, arrays.counts, 0).sum(axis=1), inside.sum(axis=1)) for inside in (exposed, ~exposed)
    )
    return lambda rows: float(
        with_[0][rows].sum() / with_[1][rows].sum() / (without[0][rows].sum() / without[1][rows].sum())
    )


def _users(arrays: CohortArrays, agent: str) -> Compute:
    return _share(arrays.rows_of("treatments", pl.col("agent") == agent) > 0)


STATISTICS: Mapping[str, Callable[[CohortArrays, str], Compute]] = {
    "class_share": _class_share,
    "any_in_30": lambda m, _: _share(_in_30(m) > 0),
    "over_3_in_30": lambda m, _: _share(_in_30(m) > 3),
    "entry_mean": lambda m, _: _share(_entry(m)),
    "entry_sd": lambda m, _: _sd(_entry(m)),
    "fall": _fall,
    "fall_of_eligible": _fall_of_eligible,
    "arm_entry_mean": lambda m, arm: _share(_entry(m), _arm(m, arm)),
    "arm_entry_sd": lambda m, arm: _sd(_entry(m), _arm(m, arm)),
    "arm_change": lambda m, arm: _share(_after(m) - _entry(m), _arm(m, arm)),
    "arm_change_sd": lambda m, arm: _sd(_after(m) - _entry(m), _arm(m, arm)),
    "arm_end_sd": lambda m, arm: _sd(_after(m), _arm(m, arm)),
    "difference": _difference,
    "retained": lambda m, _: _share(np.asarray(m.logged[:, -7:].any(axis=1))),
    "adherence": lambda m, _: _share(m.logged.mean(axis=1)),
    "season_amplitude": _season,
    "duration_min": _per_episode("minutes"),
    "pain": _per_episode("pain"),
    "calf_share": _per_episode("calf"),
    "peak_hour": _peak_hour,
    "ratio": _ratio,
    "night_ratio": _night_ratio,
    "users": _users,
    "rows": lambda m, table: _share(m.rows_of(table)),
}
"""Every figure by name."""
