"""The true effects of treatments: at full effect, and in a trial over a whole period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw.exposures import build_up
from crampstudy.simulate.truth.design import TRIALS, StudyDesign, check_design, check_nights, period_starts
from crampstudy.simulate.truth.tables.rows import Agent


def treatment_effects(agents: Sequence[Agent], design: StudyDesign, nights: int) -> dict[str, Any]:
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
    if design.kind not in TRIALS:
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


def _full(agent: Agent) -> dict[str, Any]:
    modified = {"modifier": agent.modifier, "log_rate_ratio_per_sd": agent.log_rate_ratio_per_sd}
    return {
        "log_rate_ratio": agent.log_rate_ratio,
        "rate_ratio": math.exp(agent.log_rate_ratio),
        **(modified if agent.modifier else {}),
        "onset_nights": agent.onset_nights,
        "carry_over_nights": agent.carry_over_nights,
    }


def _over_period(agent: Agent, design: StudyDesign, first: int = 0) -> Floats:
    """Return the build-up of a period from night 0 in as many nights from ``first`` on."""
    night = first + np.arange(design.period_nights)[None, :]
    return build_up(np.asarray([0]), np.asarray([design.period_nights - 1]), night, agent).ravel()


def _carried_over(agent: Agent, design: StudyDesign) -> float:
    if len(period_starts(design)) < 2:
        return 0.0
    return float(_over_period(agent, design, design.period_nights + design.washout_nights).mean())
