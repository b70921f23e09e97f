"""The confidence interval of a rate over persons who differ, and what is known of its coverage."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from crampstudy.models.inference.covariance import quantile

WIDEST = 1.5
"""The upper limit is at most so many times that of the symmetric interval on the log scale."""
GOAL = 0.925
"""Intervals that cover less often are spoken of in the notes of rates."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often 95% intervals of groups of so many participants covered the truth, by the law of their rates.

    ``covered_by_log_t`` is the number without the correction of the upper limit, and ``ratio`` the median ratio of
    upper to lower limit relative to that. The package's own are written by ``make recover``.
    """

    law: str
    participants: int
    cohorts: int
    covered: int
    covered_by_log_t: int
    ratio: float

    @property
    def share(self) -> float:
        """The share of the groups whose interval covered."""
        return self.covered / self.cohorts


def rate_interval(estimate: float, std_error: float, df: float, ci_level: float) -> tuple[float, float]:
    """Return the limits of a rate from its standard error on the log scale.

    With q the quantile of t with ``df`` degrees of freedom, z that of the normal distribution and s the standard error,
    they are ``estimate x exp(-q s)`` and ``estimate x exp(q s) x min(exp(s2 (5 z2 + 4) / 6), 1.5)``.

    The last factor, ``exp(3.9 s2)`` at 95 %, is the first-order Edgeworth correction of the upper limit. Where a few
    persons have most of the cramps, a sample that happens to lack them has a rate that is too low and a standard
    error that is too small as well, so that symmetric intervals miss the truth on one side. A mean of n persons with
    coefficient of variation c and skewness g has on the log scale the quantile ``z + (g (2 z2 + 1) / 6 - c z2 / 2)
    / sqrt(n)``; g is taken as 4 c, which is 3 c + c3 of log-normal persons at c = 1, as a sample's own third moment
    says next to nothing of g; and c / sqrt(n) is s. The lower limit, which misses more seldom than it may, is left.
    The factor goes to 1 as 1/n does.

    Source: Hall 1992 (On the removal of skewness by transformation), carried over to the log scale.
    """
    z = quantile(ci_level, math.inf)
    half = quantile(ci_level, df) * std_error
    skewed = min(std_error**2 * (5 * z**2 + 4) / 6, math.log(WIDEST))
    # Few people at a level of nearly 1 have no upper limit that a number could hold.
    with np.errstate(over="ignore"):
        low, high = estimate * np.exp([-half, half + skewed])
    return float(low), float(high)


def sum_df(variances: list[float], df: list[float]) -> float:
    """Return the degrees of freedom of a sum of independent estimates with these ``variances``, each with its ``df``.

    Source: Welch 1947; Satterthwaite 1946.
    """
    spread = sum(v**2 / d for v, d in zip(variances, df, strict=True))
    return sum(variances) ** 2 / spread if spread else math.inf


@cache
def coverage() -> tuple[Coverage, ...]:
    """Return the coverage that was found in simulations (docs/recovery.md, "Rates by band")."""
    text = files("crampstudy.descriptive").joinpath("rate_coverage.csv").read_text(encoding="utf-8")
    cells = []
    for law, *counts, ratio in csv.reader(text.splitlines()[1:]):
        participants, cohorts, covered, covered_by_log_t = map(int, counts)
        cells.append(Coverage(law, participants, cohorts, covered, covered_by_log_t, float(ratio)))
    return tuple(cells)


@cache
def coverage_note(participants: int) -> str | None:
    """Return what is to be said of the interval of so many participants, ``None`` where all laws are covered."""
    cells = coverage()
    below = [c for c in cells if c.share < GOAL]
    most = max((c.participants for c in below), default=0)
    # A group is as well covered as the largest one tried that has no more participants.
    tried = max((c.participants for c in cells if c.participants <= participants), default=0)
    if not below or tried > most:
        return None
    others = [c for c in cells if c.participants <= most and c.share >= GOAL]
    return (
        f"in simulated groups of {min(c.participants for c in cells)} to {most} participants 95% intervals of rates "
        f"cover the truth in {_span(others)}, but only in {_span(below)} where a minority has most of the cramps "
        f"(docs/recovery.md: {', '.join(dict.fromkeys(c.law.replace(' %', '%') for c in below))})"
    )


def _span(cells: list[Coverage]) -> str:
    shares = [100 * c.share for c in cells]
    return f"{min(shares):.0f} to {max(shares):.0f}%"
