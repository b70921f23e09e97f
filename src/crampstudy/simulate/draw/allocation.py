"""Who takes what when: random allocation in trials, use by indication outside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.draw.exposures import GOES_ON, Assigned, exposures, modifier_score
from crampstudy.simulate.truth.design import NOT_A_TRIAL, TRIALS, StudyDesign, check_design, check_nights, period_starts
from crampstudy.simulate.truth.tables.rows import AGENTS, Agent

# A rate of nothing has no logarithm; beyond this the chance is 0 or 1 at any indication worth the name.
_LOG_RATE_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Untreated:
    """Participants before any treatment.

    ``date`` is participants x nights, ``log_rate`` the log of each person's expected cramps per week, ``scaling`` mean
    and SD of each modifier's column.
    """

    people: Mapping[str, Column]
    date: Integers
    log_rate: Floats
    scaling: Mapping[str, tuple[float, float]]


def sequences(arms: int) -> Integers:
    """Return balanced orders of ``arms`` treatments, one per row (Williams 1949): for two AB and BA.

    Each treatment stands in each period equally often and follows each other one equally often.
    """
    zigzag = [(k + 1) // 2 if k % 2 else -(k // 2) for k in range(arms)]
    square = (np.asarray(zigzag) + np.arange(arms)[:, None]) % arms
    return square if arms % 2 == 0 else np.vstack([square, square[:, ::-1]])


def assign(design: StudyDesign, agents: Sequence[Agent], untreated: Untreated, rng: np.random.Generator) -> Assigned:
    """Give each participant an arm and exposure periods; each agent has a generator of its own in open use.

    In a trial the arms, or the sequences, are allocated in random order with sizes as even as they can be.

    Raises:
        ParameterError: the arms are unknown, or the diary is too short for the design.
    """
    check_design(design, agents)
    date = untreated.date
    check_nights(design, date.shape[1])
    if design.kind in TRIALS:
        arm, periods = _trial(design, date, rng)
    else:
        arm = np.full(len(date), NOT_A_TRIAL)
        using = [a for a in agents if a.share_using] if design.kind == "open-use" else []
        periods = _open_use(design, using, untreated, rng)
    named = {a.column: a for a in agents}
    taken = [named[name] for name in periods["agent"].tolist()]
    doses = [math.nan if a.dose is None else a.dose for a in taken]
    columns: dict[str, Column] = {
        **periods,
        "dose": np.asarray(doses, dtype=np.float64),
        "unit": np.asarray([a.unit or "" for a in taken], dtype=np.str_),
        "randomised": np.full(len(taken), design.kind in TRIALS),
    }
    exposure = exposures(agents, columns, date)
    # An end that the diary does not reach was not seen.
    stop, last = columns["stop"].astype(np.int64), date[columns["row"].astype(np.int64), -1]
    columns["stop"] = np.where(stop > last, GOES_ON, stop)
    return Assigned(arm, exposure, columns, (date.shape[0], date.shape[1]))


def _trial(design: StudyDesign, date: Integers, rng: np.random.Generator) -> tuple[Column, dict[str, Column]]:
    n = len(date)
    begins = period_starts(design)
    arms = np.asarray(design.arms)
    match design.kind:
        case "parallel":
            order = _allocated(np.asarray(design.allocation), n, rng)[:, None]
        case "crossover":
            rows = sequences(len(arms))
            order = rows[_allocated(np.ones(len(rows)), n, rng)]
        case _:
            first = rng.integers(0, 2, (n, design.pairs))
            order = np.stack([first, 1 - first], axis=2).reshape(n, -1)
    start = date[:, :1] + begins
    periods: dict[str, Column] = {
        "row": np.repeat(np.arange(n), len(begins)),
        "agent": arms[order].ravel(),
        "start": start.ravel(),
        "stop": (start + design.period_nights - 1).ravel(),
    }
    if design.kind == "n-of-1":
        return np.full(n, design.kind), periods
    return np.asarray(["-".join(names) for names in arms[order].tolist()]), periods


def _allocated(shares: Floats, n: int, rng: np.random.Generator) -> Integers:
    """Return a number per participant in random order, each as often as its share says, give or take one."""
    place, mix = rng.spawn(2)
    steps = np.cumsum(shares)[:-1] / np.sum(shares)
    return mix.permutation(np.searchsorted(steps, (np.arange(n) + place.random()) / n, side="right"))


def _open_use(
    design: StudyDesign, agents: Sequence[Agent], untreated: Untreated, rng: np.random.Generator
) -> dict[str, Column]:
    """Return the periods of use outside a trial, by indication: logit P(use) = logit share + indication log rate."""
    date = untreated.date
    n, nights = date.shape
    own = dict(zip(AGENTS, rng.spawn(len(AGENTS)), strict=True))
    lean = design.indication * np.clip(untreated.log_rate, -_LOG_RATE_LIMIT, _LOG_RATE_LIMIT)
    found = []
    for agent in agents:
        who, early, begin, before, length = own[agent.column].spawn(5)
        log_odds = logit(agent.share_using) + lean
        if agent.log_odds_per_sd:
            log_odds = log_odds + agent.log_odds_per_sd * modifier_score(agent, untreated.people, untreated.scaling)
        row = np.flatnonzero(who.random(n) < expit(log_odds))
        # A use has no memory: one that began earlier goes on for as long as one that begins now.
        end = 1 / design.use_nights
        earlier = -before.geometric(end, (n,))[row]
        offset = np.where(early.random((n,))[row] < design.already_using, earlier, begin.integers(0, nights, (n,))[row])
        start = date[row, 0] + offset
        stop = np.maximum(start, date[row, 0]) + length.geometric(end, (n,))[row] - 1
        found.append((row, np.full(len(row), agent.column), start, stop))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        found = [(nothing, nothing.astype(np.str_), nothing, nothing)]
    row, name, start, stop = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((start, row))
    return {"row": row[order], "agent": name[order], "start": start[order], "stop": stop[order]}
