"""How often and how unevenly cramps come: nights with a cramp, cramps on these, dispersion, and whether they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.estimands.potential_outcomes import NightMoments, Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.truth import Truth

_FULL = (
    "30 full nights of each participant; in longer diaries what changes slowly, such as the season, is serial as well"
)
Parts = tuple[Floats, Floats]
"""Two numbers of each person, of whose means the answer is the ratio."""


def _dispersion(nights: NightMoments) -> Parts:
    # About the mean of all, whose own error is nothing beside that of the square.
    mean = nights.rate.mean()
    return nights.square - 2 * mean * nights.rate + mean**2, nights.rate


_ASKED: Mapping[str, tuple[str, str, Callable[[NightMoments], Parts]]] = {
    "cramp_nights": ("share of nights with a cramp", "proportion", lambda n: (n.any, np.ones_like(n.any))),
    "per_cramp_night": ("mean number of cramps on nights with one", "cramps a cramp night", lambda n: (n.rate, n.any)),
    "dispersion": ("variance of a night's count over its mean, marginal", "variance over mean", _dispersion),
    "weeks_above_2": (
        "share of weeks with more than 2 cramps, every night logged",
        "proportion",
        lambda n: (n.above, np.ones_like(n.above)),
    ),
    "serial": (
        "correlation of cramp nights with the night before, about each person's own chance",
        "correlation, lag 1 night",
        lambda n: (n.successive - n.apart, n.any - n.apart),
    ),
}


@answers
def frequency(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield what nights say beyond a rate, of all and per age band."""
    for group, nights in population.nights().items():
        if group in ("female", "male"):
            continue
        for name, (estimand, unit, of) in _ASKED.items():
            top, bottom = of(nights)
            value = float(top.mean() / bottom.mean()) if bottom.any() else float("nan")
            if np.isnan(value):
                continue
            error = float(np.std(top - value * bottom, ddof=1) / bottom.mean() / np.sqrt(len(top)))
            yield Answer(
                key=f"{name}:{group}",
                estimand=estimand,
                level=group,
                scale=unit,
                value=value,
                mc_error=error,
                draws=len(top),
                found_by=_FULL,
            )
