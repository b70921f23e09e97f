"""A causal graph: nodes of a person or of a night, arrows with their reasons, and who stands before whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from crampstudy import suggestions
from crampstudy.errors import UsageError

Of = Literal["person", "night"]

_INSIDE = r"([^(),]+|(?:lag|lead)\([^()]*\))(?:,[^()]*)?"
_SAME_NIGHT = re.compile(rf"(?:within|between|mean_last|days_last|load_ratio)\({_INSIDE}\)|(?:lag|lead)\(([^(),]+),0\)")
_SHIFTED = re.compile(r"(?:lag|lead)\(([^(),]+),[^()]*\)")


@dataclass(frozen=True, slots=True)
class CausalNode:
    """What causes or is caused; ``measured_by`` are the columns that show it, its own name first.

    Columns that show it together are one text, such as ``season_cos + season_sin``.
    """

    name: str
    of: Of
    meaning: str
    measured_by: tuple[str, ...]

    def column(self, measured: Collection[str]) -> str | None:
        """Return the first of its columns that is ``measured``, ``None`` where none is."""
        return next((each for each in self.measured_by if all(source(one) in measured for one in together(each))), None)

    @property
    def known_as(self) -> frozenset[str]:
        """Its name, and the columns that show it or a part of it, each as of :func:`plain`."""
        return frozenset({self.name, *(plain(one) for each in self.measured_by for one in together(each))})

    def shown_by(self, terms: Collection[str]) -> bool:
        """Return whether these columns, each as of :func:`plain`, show it, all of those that do so together."""
        return any(all(plain(one) in terms for one in together(each)) for each in self.measured_by)


@dataclass(frozen=True, slots=True)
class Arrow:
    """One cause of one node, with the reason to believe it."""

    cause: str
    effect: str
    reason: str
    citation: str | None = None


@dataclass(frozen=True, slots=True)
class CausalGraph:
    """Nodes in the order in which they are first named, and arrows that go round in no circle."""

    name: str
    nodes: tuple[CausalNode, ...]
    arrows: tuple[Arrow, ...]

    def node(self, column: str, beside: str | None = None) -> CausalNode:
        """Return the node that a column or a term of one column shows, such as ``within(fluid_ml)``.

        What shows the same as ``beside`` is not meant.

        Raises:
            UsageError: the graph has none, or the column shows several.
        """
        found = self.shown_by(column)
        if len(found) == 1:
            return found[0]
        if found:
            listed = " and ".join(node.name for node in found)
            raise UsageError(f"{column} shows {listed} in {self.name}; name one of them")
        others = [node for node in self.nodes if beside is None or beside not in node.known_as]
        known = [name for node in others for name in (node.name, *node.measured_by)]
        then = "docs/causal-graph.md says how to give a graph of your own"
        raise suggestions.unknown(UsageError, f"{self.name} has no node {column!r}", column, known, then)

    def shown_by(self, column: str) -> tuple[CausalNode, ...]:
        """Return the nodes that a column or a term of one column shows; none where the graph does not know it."""
        asked = {column, plain(column)}
        return tuple(node for node in self.nodes if not asked.isdisjoint(node.known_as))

    def pairs(self, *, without: str | None = None, within: bool = False) -> tuple[tuple[str, str], ...]:
        """Return the arrows as pairs of names, without those that leave the node ``without``.

        ``within`` leaves out those from a night to a person: a night's deviation moves no constant of the person.
        """
        person = self.of_persons() if within else frozenset()
        return tuple(
            (arrow.cause, arrow.effect)
            for arrow in self.arrows
            if arrow.cause != without and not (arrow.effect in person and arrow.cause not in person)
        )

    def of_persons(self) -> frozenset[str]:
        """Return the names of the nodes that are of a person."""
        return frozenset(node.name for node in self.nodes if node.of == "person")


@lru_cache(maxsize=1024)
def plain(term: str) -> str:
    """Return the column that a term is of: ``fluid_ml`` of ``within(fluid_ml)``; ``lag(fluid_ml,1)`` is another one."""
    shorter = term.replace(" ", "").replace("`", "")
    while (found := _SAME_NIGHT.sub(lambda part: part[1] or part[2], shorter)) != shorter:
        shorter = found
    return shorter


def together(columns: str) -> tuple[str, ...]:
    """Return the columns that show a node together."""
    return tuple(one.strip() for one in columns.split("+"))


def is_within(term: str) -> bool:
    """Say whether a term is a deviation from the person's own mean, shifted in time or not."""
    return "within(" in term


def source(column: str) -> str:
    """Return the column of a cohort behind that of a node: ``cramps`` of ``lag(cramps, 1)``."""
    found = _SHIFTED.fullmatch(plain(column))
    return found[1] if found else column


def descendants(pairs: Iterable[tuple[str, str]], node: str) -> frozenset[str]:
    """Return what a node causes, directly or not."""
    return _reached(_neighbours(pairs), node)


def ancestors(pairs: Iterable[tuple[str, str]], *nodes: str) -> frozenset[str]:
    """Return what causes any of the nodes, directly or not."""
    return _reached(_neighbours((effect, cause) for cause, effect in pairs), *nodes)


def _neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return found


def _reached(neighbours: Mapping[str, list[str]], *nodes: str) -> frozenset[str]:
    found: set[str] = set()
    ahead = [*nodes]
    while ahead:
        for name in neighbours.get(ahead.pop(), ()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return frozenset(found)
