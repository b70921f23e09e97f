"""The registry of true values: what an analysis of a simulated cohort should find, each with its own error.

A function that is decorated with :func:`answers` adds its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from crampstudy.errors import ParameterError
from crampstudy.simulate.estimands.potential_outcomes import DRAWS, Population
from crampstudy.simulate.truth.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One true value.

    ``value`` stands on ``scale`` (rate ratios as logs); ``mc_error`` is the standard error of a value that was drawn,
    from ``draws`` potential outcomes, and missing for one in closed form.
    """

    key: str
    estimand: str
    scale: str
    value: float
    found_by: str
    term: str | None = None
    level: str | None = None
    unit: str | None = None
    mc_error: float | None = None
    draws: int | None = None


Source = Callable[[Truth, Population], Iterator[Answer]]
_SOURCES: list[Source] = []


def answers(source: Source) -> Source:
    """Add a function to the registry: it yields the answers to the questions of one kind of model."""
    _SOURCES.append(source)
    return source


def answer(truth: Truth, population: Population) -> tuple[Answer, ...]:
    """Return every answer of the registry, the population being one of the same truth."""
    return tuple(found for source in _SOURCES for found in source(truth, population))


def as_rows(found: tuple[Answer, ...]) -> list[dict[str, Any]]:
    """Return answers as JSON has them.

    Raises:
        ParameterError: too few potential outcomes were drawn for one of them.
    """
    for item in found:
        if not math.isfinite(item.value) or not math.isfinite(item.mc_error or 0.0):
            raise ParameterError(f"{item.draws} draws are too few: {item.key} has no value; the default is {DRAWS:,}")
    return [asdict(item) for item in found]
