"""The causal graph of a truth: who is a parent of whom, in which order people are drawn, what to adjust for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Protocol

from crampstudy.errors import ParameterError
from crampstudy.simulate.truth.tables.rows import Cause, Condition, Correlation, Level, Measure

ROOTS = ("age_years", "sex")
"""Age and sex have no causes here."""

FERTILE = "female_below_45"
"""The one parent that is no column: women below 45, in whom a pregnancy is drawn."""


class CausalStructure(Hashable, Protocol):
    """The tables of a truth that say who causes whom; frozen, so that what follows is worked out once."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of columns."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes."""

    @property
    def correlations(self) -> tuple[Correlation, ...]:
        """The correlations of scores."""


@lru_cache(maxsize=512)
def parents(truth: CausalStructure) -> Mapping[str, tuple[str, ...]]:
    """Return the direct causes of every participants column that is drawn, age and sex first."""
    found: dict[str, dict[str, None]] = {root: {} for root in ROOTS}
    slopes = {c.column: (c.log_odds_per_decade, c.log_odds_female) for c in truth.conditions}
    slopes |= {m.column: (m.per_decade, m.female) for m in truth.measures}
    for column, of_roots in slopes.items():
        found[column] = {root: None for root, slope in zip(ROOTS, of_roots, strict=True) if slope}
    for level in truth.levels:
        given = ROOTS if level.given == FERTILE else (level.given,) if level.given else ()
        found.setdefault(level.column, {}).update(dict.fromkeys(given))
    for cause in truth.causes:
        if cause.coefficient:
            found.setdefault(cause.column, {})[cause.parent] = None
    for condition in truth.conditions:
        if condition.includes:
            found[condition.column][condition.includes] = None
    return {column: tuple(of) for column, of in found.items()}


@lru_cache(maxsize=512)
def order(truth: CausalStructure) -> tuple[str, ...]:
    """Return the columns in an order in which every cause stands before what it causes.

    Raises:
        ParameterError: causes go round in a circle.
    """
    try:
        return tuple(TopologicalSorter(parents(truth)).static_order())
    except CycleError as circle:
        chain = " -> ".join(reversed(circle.args[1]))
        raise ParameterError(f"causes go round in a circle: {chain}; take one of them away") from None


@lru_cache(maxsize=512)
def ancestors(truth: CausalStructure, column: str) -> frozenset[str]:
    """Return everything that causes ``column``, directly or not."""
    of = parents(truth)
    found: set[str] = set()
    ahead = list(of.get(column, ()))
    while ahead:
        if (name := ahead.pop()) not in found:
            found.add(name)
            ahead += of.get(name, ())
    return frozenset(found)


@lru_cache(maxsize=512)
def descendants(truth: CausalStructure, column: str) -> frozenset[str]:
    """Return everything that ``column`` causes, directly or not."""
    of = parents(truth)
    reached = {column}
    for child in order(truth):
        if reached & set(of.get(child, ())):
            reached.add(child)
    return frozenset(reached - {column})


@lru_cache(maxsize=512)
def adjust_for(truth: CausalStructure, column: str) -> tuple[str, ...]:
    """Return the columns that a model needs beside the exposure ``column`` to estimate its total effect.

    These are its causes; what else a column varies by is independent of all others, but for measures whose scores are
    correlated. Of such measures those that hang together with it and their causes are needed too, save what it causes.
    """
    measures = {m.column for m in truth.measures}
    pairs = [(p.column, p.other) for p in truth.correlations if p.correlation and {p.column, p.other} <= measures]
    together = {column}
    while more := {name for pair in pairs if together & set(pair) for name in pair} - together:
        together |= more
    of, after = parents(truth), descendants(truth, column)
    found = dict.fromkeys(of.get(column, ()))
    for name in sorted(together - {column}):
        found |= dict.fromkeys((*of[name], name))
    return tuple(name for name in found if name != column and name not in after)
