"""What cramps do to the scores of a night and of the day after, and what sleep does to the cramps of later nights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr

from crampstudy.codebook import contrasts
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw.recruitment import SLEEP
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.tables.rows import Habit
from crampstudy.simulate.truth.truth import Truth

_SCORES = ("sleep_quality", "fatigue", "concentration", "productivity")
_UNMOVED = ("sleep_hours", "sleep_latency_min")
_LARGEST = 10
_LATER = (2, 3)


@answers
def scores_of_a_cramp_night(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield by how much a score is other on a night with any cramp, within the limits of the score and rounded."""
    habits = {habit.column: habit for habit in truth.habits}
    moved = {f"{name}_0_10": getattr(truth.burden, name) for name in _SCORES}
    for column, shift in {**dict.fromkeys(_UNMOVED, 0.0), **moved}.items():
        yield Answer(
            key=f"cramp-night:{column.removesuffix('_0_10').removesuffix('_min').replace('_', '-')}",
            estimand="difference on a night with any cramp, within persons",
            term=column,
            scale="difference",
            unit="points" if column in moved else None,
            value=_shifted(habits[column], shift) - _shifted(habits[column], 0.0) if shift else 0.0,
            found_by="a linear mixed model of the score with cramp_night less its mean over the person, and that mean",
        )


@answers
def sleep_before(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the rate ratio of sleep quality on the nights before, each held beside the others."""
    declared = contrasts.find(SLEEP, deviation=True)
    size = declared.at - declared.reference if declared else 1.0
    own = truth.cramps.sleep_feedback
    for lag, value in ((1, own), *((lag, 0.0) for lag in _LATER)):
        yield Answer(
            key=f"lag:sleep-quality:{lag}",
            estimand="within rate ratio, sleep of the nights between held",
            term=SLEEP,
            level=f"lag {lag}",
            scale="log rate ratio",
            unit="per point above one's own",
            value=value,
            found_by="a count model with the lags 1 to 3 less the person's mean of all other nights, and that "
            "mean; the whole points of the score take a little off",
        )
    yield Answer(
        key="contrast:sleep-quality",
        estimand="within rate ratio, sleep of the nights between held",
        term=SLEEP,
        level=declared.wording(declared.at, declared.reference) if declared else None,
        scale="log rate ratio",
        value=size * own + 0.0,
        found_by="the declared contrast of lag 1 in the same model",
    )


def _shifted(habit: Habit, shift: float) -> float:
    """Return the mean of a normal score that is noted in whole points, once ``shift`` has been added to each night's.

    Before that it lies within its limits, in steps of its decimals, of which a step's chance is that of a normal score
    around the mean of all persons.
    """
    steps = np.arange(0, _LARGEST * 10**habit.decimals + 1) / 10**habit.decimals
    half = 0.5 / 10**habit.decimals
    z = (steps[:-1] + half - habit.mean) / np.hypot(habit.sd_between, habit.sd_within)
    below: Floats = np.concatenate([[0.0], ndtr(z), [1.0]])
    return float(np.diff(below) @ np.clip(steps + shift, 0, _LARGEST).round())
