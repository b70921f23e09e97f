"""Study designs: observation, open use with confounding by indication, parallel arms, crossover and n-of-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Integers
from crampstudy.simulate.truth.parameters import param
from crampstudy.simulate.truth.tables.rows import Agent

NOT_A_TRIAL = "observation"
"""The arm of participants that nobody allocated."""

_KINDS = ("observation", "open-use", "parallel", "crossover", "n-of-1")
TRIALS = ("parallel", "crossover", "n-of-1")


@dataclass(frozen=True, slots=True)
class StudyDesign:
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


def check_design(design: StudyDesign, agents: Sequence[Agent]) -> None:
    """Hold the arms against the agents.

    Raises:
        ParameterError: an arm is no agent or stands twice, or the number of arms or shares does not fit.
    """
    if design.kind not in TRIALS:
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


def period_starts(design: StudyDesign) -> Integers:
    """Return the night of the diary, from 0, with which each period of a trial begins."""
    periods = {"parallel": 1, "crossover": len(design.arms), "n-of-1": 2 * design.pairs}.get(design.kind, 0)
    return design.run_in_nights + np.arange(periods) * (design.period_nights + design.washout_nights)


def nights_needed(design: StudyDesign) -> int:
    """Return how many nights a diary must have for the last period of the design to end in it."""
    begins = period_starts(design)
    return int(begins[-1]) + design.period_nights if len(begins) else 1


def check_nights(design: StudyDesign, nights: int) -> None:
    """Hold the length of the diary against the design.

    Raises:
        ParameterError: the diary ends before the last period.
    """
    if nights < (needed := nights_needed(design)):
        raise ParameterError(
            f"a {design.kind} design of {len(period_starts(design))} x {design.period_nights} nights with run-in and "
            f"washouts needs diaries of at least {needed} nights, got {nights}; ask for more or for shorter periods"
        )


def check_agents(agents: Sequence[Agent], columns: Sequence[str]) -> None:
    """Hold the agents' modifiers against the participants columns that are drawn as numbers.

    Raises:
        ParameterError: an agent stands twice, or a modifier is missing or none of ``columns``.
    """
    names = [a.column for a in agents]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ParameterError(f"agents: {twice[0]} stands twice; give each agent once")
    for a in agents:
        if a.modifier is None and (a.log_rate_ratio_per_sd or a.log_odds_per_sd):
            raise ParameterError(f"agent {a.column} has an effect per SD and no modifier; name the column it is of")
        if a.modifier is not None and a.modifier not in columns:
            raise ParameterError(
                f"agent {a.column} has no modifier {a.modifier}; allowed: {', '.join(sorted(columns))}"
            )
