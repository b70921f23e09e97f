"""Designs: observation, open use with confounding by indication, parallel arms, crossover and n-of-1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, logit

from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.draw.treatments import AGENTS, GOES_ON, Agent, Assigned, build_up, exposures, score
from crampstudy.simulate.truth.parameters import param

NOT_A_TRIAL = "observation"
"""The arm of participants that nobody allocated."""

_KINDS = ("observation", "open-use", "parallel", "crossover", "n-of-1")
_TRIALS = ("parallel", "crossover", "n-of-1")

# A rate of nothing has no logarithm; beyond this the chance is 0 or 1 at any indication worth the name.
_LOG_RATE_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Design:
    """How treatments come to people.

    A trial begins with ``run_in_nights`` without treatment, then has periods of ``period_nights`` with
    ``washout_nights`` between them: one in parallel arms; one per arm in a crossover, in balanced sequences (each
    arm follows each other one equally often); ``pairs`` of periods in n-of-1, both arms in random order in each.
    Nights of the diary beyond the last period are follow-up.
    """

    kind: Literal["observation", "open-use", "parallel", "crossover", "n-of-1"] = param("observation", levels=_KINDS)
    arms: tuple[str, ...] = param(("magnesium", "placebo"), unit="agents of a trial")
    allocation: tuple[float, ...] = param((1.0, 1.0), unit="relative size of each parallel arm", low=0.001, high=1000)
    run_in_nights: int = param(14, unit="nights", low=0, high=365, basis="Roguin Maor 2017; Tan 2024")
    period_nights: int = param(28, unit="nights", low=1, high=3660, basis="Roguin Maor 2017; Frusso 1999")
    washout_nights: int = param(14, unit="nights between periods", low=0, high=365, basis="Woodfield 2005")
    pairs: int = param(3, unit="pairs of periods per person, n-of-1", low=1, high=50, basis="Woodfield 2005")
    indication: float = param(
        0.5, unit="log odds ratio of open use per unit of the person's log rate; 0: none", low=-5, high=5
    )
    already_using: float = param(0.4, unit="chance that an open use began before the diary", low=0, high=1)
    use_nights: float = param(90.0, unit="nights, mean of an open use from its start", low=1, high=3660)


def check_design(design: Design, agents: Sequence[Agent]) -> None:
    """Hold the arms against the agents.

    Raises:
        ParameterError: an arm is no agent or stands twice, or the number of arms or shares does not fit.
    """
    if design.kind not in _TRIALS:
        return
    known = [a.column for a in agents]
    if unknown := [arm for arm in design.arms if arm not in known]:
        raise ParameterError(f"design.arms has no agent {unknown[0]!r}; allowed: {', '.join(known)}")
    if len(set(design.arms)) < len(design.arms) or len(design.arms) < 2:
        raise ParameterError(f"design.arms is {list(design.arms)}; allowed: two agents or more, each once")
    if design.kind == "n-of-1" and len(design.arms) != 2:
        raise ParameterError(f"design.arms has {len(design.arms)} agents; allowed in n-of-1: two")
    if design.kind == "parallel" and len(design.allocation) != len(design.arms):
        raise ParameterError(f"design.allocation has {len(design.allocation)} shares; allowed: one per arm")


def offsets(design: Design) -> Integers:
    """Return the night of the diary, from 0, with which each period of a trial begins."""
    periods = {"parallel": 1, "crossover": len(design.arms), "n-of-1": 2 * design.pairs}.get(design.kind, 0)
    return design.run_in_nights + np.arange(periods) * (design.period_nights + design.washout_nights)


def nights_needed(design: Design) -> int:
    """Return how many nights a diary must have for the last period of the design to end in it."""
    begins = offsets(design)
    return int(begins[-1]) + design.period_nights if len(begins) else 1


def check_nights(design: Design, nights: int) -> None:
    """Hold the length of the diary against the design.

    Raises:
        ParameterError: the diary ends before the last period.
    """
    if nights < (needed := nights_needed(design)):
        raise ParameterError(
            f"a {design.kind} design of {len(offsets(design))} x {design.period_nights} nights with run-in and "
            f"washouts needs diaries of at least {needed} nights, got {nights}; ask for more or for shorter periods"
        )


def sequences(arms: int) -> Integers:
    """Return balanced orders of ``arms`` treatments, one per row (Williams 1949): for two AB and BA.

    Each treatment stands in each period equally often and follows each other one equally often.
    """
    zigzag = [(k + 1) // 2 if k % 2 else -(k // 2) for k in range(arms)]
    square = (np.asarray(zigzag) + np.arange(arms)[:, None]) % arms
    return square if arms % 2 == 0 else np.vstack([square, square[:, ::-1]])


def assign(
    design: Design,
    agents: Sequence[Agent],
    people: Mapping[str, Column],
    date: Integers,
    log_person_rate: Floats,
    rng: np.random.Generator,
    *,
    scaling: Mapping[str, tuple[float, float]],
) -> Assigned:
    """Give each participant an arm and exposure periods; each agent has a generator of its own in open use.

    ``date`` is participants x nights, ``log_person_rate`` the log of each person's expected cramps per week without
    treatment, ``scaling`` mean and SD of each modifier's column. In a trial the arms, or the sequences, are
    allocated in random order with sizes as even as they can be.

    Raises:
        ParameterError: the arms are unknown, or the diary is too short for the design.
    """
    check_design(design, agents)
    check_nights(design, date.shape[1])
    if design.kind in _TRIALS:
        arm, periods = _trial(design, date, rng)
    else:
        arm = np.full(len(date), NOT_A_TRIAL)
        using = [a for a in agents if a.share_using] if design.kind == "open-use" else []
        periods = _open_use(design, using, people, date, log_person_rate, rng, scaling)
    named = {a.column: a for a in agents}
    taken = [named[name] for name in periods["agent"].tolist()]
    doses = [math.nan if a.dose is None else a.dose for a in taken]
    columns: dict[str, Column] = {
        **periods,
        "dose": np.asarray(doses, dtype=np.float64),
        "unit": np.asarray([a.unit or "" for a in taken], dtype=np.str_),
        "randomised": np.full(len(taken), design.kind in _TRIALS),
    }
    exposure = exposures(agents, columns, date)
    # An end that the diary does not reach was not seen.
    stop, last = columns["stop"].astype(np.int64), date[columns["row"].astype(np.int64), -1]
    columns["stop"] = np.where(stop > last, GOES_ON, stop)
    return Assigned(arm, exposure, columns, (date.shape[0], date.shape[1]))


def effects_of(agents: Sequence[Agent], design: Design, nights: int) -> dict[str, Any]:
    """Return the true effects of the treatments in use, in diaries of ``nights`` nights, by agent.

    ``log_rate_ratio`` holds at full effect and at the modifier's mean. In a trial ``against`` is the comparator
    (placebo if there is one, else the last arm): ``log_rate_ratio_over_period`` is the log of the ratio of the mean
    rates over a first period at an otherwise even rate, the build-up included, and ``carried_over`` the mean share
    of the effect in the period that comes next.

    Raises:
        ParameterError: the arms are unknown, or the diary is too short for the design.
    """
    check_design(design, agents)
    check_nights(design, nights)
    named = {a.column: a for a in agents}
    if design.kind not in _TRIALS:
        used = [a for a in agents if a.share_using] if design.kind == "open-use" else []
        return {a.column: {"estimand": "effect in use, by indication not at random", **_full(a)} for a in used}
    against = named["placebo" if "placebo" in design.arms else design.arms[-1]]
    comparator = _over_period(against, design)
    effects: dict[str, Any] = {}
    for name in design.arms:
        if name == against.column:
            continue
        level = _over_period(named[name], design)
        means = [float(np.exp(a.log_rate_ratio * x).mean()) for a, x in ((named[name], level), (against, comparator))]
        effects[name] = {
            "estimand": "randomised effect",
            "against": against.column,
            **_full(named[name]),
            "log_rate_ratio_against": named[name].log_rate_ratio - against.log_rate_ratio,
            "mean_build_up": float(level.mean()),
            "log_rate_ratio_over_period": math.log(means[0] / means[1]),
            "carried_over": _carried_over(named[name], design),
        }
    return effects


def _trial(design: Design, date: Integers, rng: np.random.Generator) -> tuple[Column, dict[str, Column]]:
    n = len(date)
    begins = offsets(design)
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
    design: Design,
    agents: Sequence[Agent],
    people: Mapping[str, Column],
    date: Integers,
    log_person_rate: Floats,
    rng: np.random.Generator,
    scaling: Mapping[str, tuple[float, float]],
) -> dict[str, Column]:
    n, nights = date.shape
    own = dict(zip(AGENTS, rng.spawn(len(AGENTS)), strict=True))
    lean = design.indication * np.clip(log_person_rate, -_LOG_RATE_LIMIT, _LOG_RATE_LIMIT)
    found = []
    for agent in agents:
        who, early, begin, before, length = own[agent.column].spawn(5)
        log_odds = logit(agent.share_using) + lean
        if agent.log_odds_per_sd:
            log_odds = log_odds + agent.log_odds_per_sd * score(agent, people, scaling)
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


def _full(agent: Agent) -> dict[str, Any]:
    modified = {"modifier": agent.modifier, "log_rate_ratio_per_sd": agent.log_rate_ratio_per_sd}
    return {
        "log_rate_ratio": agent.log_rate_ratio,
        "rate_ratio": math.exp(agent.log_rate_ratio),
        **(modified if agent.modifier else {}),
        "onset_nights": agent.onset_nights,
        "carry_over_nights": agent.carry_over_nights,
    }


def _over_period(agent: Agent, design: Design, first: int = 0) -> Floats:
    """Return the build-up of a period from night 0 in as many nights from ``first`` on."""
    night = first + np.arange(design.period_nights)[None, :]
    return build_up(np.asarray([0]), np.asarray([design.period_nights - 1]), night, agent).ravel()


def _carried_over(agent: Agent, design: Design) -> float:
    if len(offsets(design)) < 2:
        return 0.0
    return float(_over_period(agent, design, design.period_nights + design.washout_nights).mean())
