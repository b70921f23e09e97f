"""What to adjust for: the minimal set of measured columns that leaves an exposure's effect alone, or what it lacks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from crampstudy import codebook, wording
from crampstudy.causal.graph import CausalGraph, CausalNode, ancestors, descendants, is_within, together
from crampstudy.causal.graph_file import study
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What the effect of ``exposure`` on ``outcome`` is to be adjusted for, under a ``graph`` by name.

    ``nodes`` are a minimal sufficient set, in the order of the graph, as far as it was measured, and ``columns`` the
    columns that show them; ``missing`` is what else is needed. ``within``: deviations from a person's own mean are
    compared, which holds all that is of the person. ``backwards``: the graph lets the outcome cause the exposure, and
    not the reverse.
    """

    exposure: str
    outcome: str
    graph: str
    nodes: tuple[CausalNode, ...] = ()
    columns: tuple[str, ...] = ()
    missing: tuple[CausalNode, ...] = ()
    within: bool = False
    backwards: bool = False

    @property
    def sufficient(self) -> bool:
        """Whether all of it was measured."""
        return not (self.missing or self.backwards)

    @property
    def sentence(self) -> str:
        """What is said of it beside a result."""
        if self.backwards:
            return f"under {self.graph} {self.outcome} comes before {self.exposure}, so there is no effect to adjust"
        held = "compared within persons, " if self.within else ""
        said = wording.listed(map(shown, self.nodes, self.columns)) if self.nodes else "nothing"
        if self.sufficient:
            return f"{held}adjusted for {said}: sufficient under {self.graph}"
        lacking = wording.listed(node.name for node in self.missing)
        none = f"no sufficient set among what was measured, which under {self.graph} lacks {lacking}"
        return f"{held}adjusted for {said}: {none}"


def adjustment_set(
    exposure: str,
    outcome: str,
    measured: Collection[str],
    graph: CausalGraph | None = None,
) -> Adjustment:
    """Return what the total effect of an exposure on an outcome is to be adjusted for.

    It is a minimal set that separates the two in the graph without the arrows that leave the exposure, of columns that
    are measured and that the exposure does not cause (the back-door criterion).

    Args:
        exposure: a column that the graph knows, or a term of one: ``within(fluid_ml)`` is a night's deviation from the
            person's own mean, which holds all that is of the person.
        outcome: another one, such as ``cramps``.
        measured: the columns of the cohort.
        graph: by default that of the study.

    Raises:
        UsageError: the graph does not know one of the two, they are the same, or what is of a person is to be compared
            within one.

    Source: Pearl 1995 (back-door criterion); van der Zander and Liśkiewicz 2020 (minimal separators in linear time).
    """
    return _found(graph or study(), exposure, outcome, frozenset(measured))


# A section asks the same of a cohort for each of its models, and again for what it says of them.
@lru_cache(maxsize=256)
def _found(graph: CausalGraph, exposure: str, outcome: str, measured: frozenset[str]) -> Adjustment:
    ask = BackDoor.of(graph, exposure, outcome)
    within = is_within(exposure)
    if ask.backwards:
        return Adjustment(exposure, outcome, graph.name, within=within, backwards=True)
    columns = {node.name: node.column(measured) for node in graph.nodes}
    found, missing = ask.completed(frozenset(name for name, column in columns.items() if column))
    chosen = tuple(str(columns[node.name]) for node in found)
    return Adjustment(exposure, outcome, graph.name, found, chosen, missing, within)


@dataclass(frozen=True, slots=True)
class BackDoor:
    """The graph without the arrows that leave an exposure: what connects it with the outcome there confounds them.

    ``held`` are the nodes that the design holds, ``free`` the others that may be adjusted for: none that the exposure
    causes.
    """

    graph: CausalGraph
    exposure: str
    outcome: str
    pairs: tuple[tuple[str, str], ...]
    after: frozenset[str]
    held: frozenset[str]
    backwards: bool

    @classmethod
    def of(cls, graph: CausalGraph, exposure: str, outcome: str) -> BackDoor:
        """Return the question of an exposure and an outcome.

        Raises:
            UsageError: as of :func:`adjustment_set`.
        """
        cause, effect = graph.node(exposure, beside=outcome), graph.node(outcome, beside=exposure)
        if cause == effect:
            raise UsageError(f"{exposure} and {outcome} are the same to {graph.name}; name another exposure or outcome")
        within = is_within(exposure)
        if within and cause.of == "person":
            raise UsageError(f"{cause.name} is of a person and does not differ within one; leave within() out")
        pairs = graph.pairs(within=within)
        return cls(
            graph,
            cause.name,
            effect.name,
            pairs,
            descendants(pairs, cause.name),
            graph.of_persons() if within else frozenset(),
            cause.name in descendants(pairs, effect.name),
        )

    @property
    def closed(self) -> tuple[tuple[str, str], ...]:
        """The arrows but for those that leave the exposure."""
        return tuple(pair for pair in self.pairs if pair[0] != self.exposure)

    def set_of(self, allowed: Collection[str], included: Collection[str] = ()) -> frozenset[str] | None:
        """Return a minimal set of nodes among the ``allowed`` that holds what is ``included``, beside what is held."""
        import networkx

        kept, restricted = self._limits(allowed, included)
        found = networkx.find_minimal_d_separator(
            self._closed_graph(), {self.exposure}, {self.outcome}, included=kept, restricted=restricted
        )
        return None if found is None else frozenset(found) - self.held

    def has_set(self, allowed: Collection[str], included: Collection[str] = ()) -> bool:
        """Return whether there is such a set: then all that is allowed and before any of these is one, if no minimal.

        That is found much faster.
        """
        import networkx

        kept, restricted = self._limits(allowed, included)
        near = ancestors(self.closed, self.exposure, self.outcome, *kept) | kept
        return bool(networkx.is_d_separator(self._closed_graph(), {self.exposure}, {self.outcome}, near & restricted))

    def _limits(self, allowed: Collection[str], included: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the nodes that a set must hold, and those that it may hold."""
        outside = {self.exposure, self.outcome, *self.after}
        kept = (self.held | {*included}) - outside
        return kept, (frozenset(allowed) - outside) | kept

    def _closed_graph(self) -> networkx.DiGraph[str]:
        return _digraph(tuple(node.name for node in self.graph.nodes), self.closed)

    def completed(
        self, measured: frozenset[str], included: frozenset[str] = frozenset()
    ) -> tuple[tuple[CausalNode, ...], tuple[CausalNode, ...]]:
        """Return the measured nodes of a minimal set, then those it needs beside, both in the order of the graph.

        Of several sets that would do, what is missing is what a study can record, where there is a choice.
        """
        if (found := self.set_of(measured, included)) is not None:
            return tuple(node for node in self.graph.nodes if node.name in found), ()
        near = ancestors(self.pairs, self.exposure) | ancestors(self.pairs, self.outcome)
        lacking = [node for node in self.graph.nodes if node.name in near - measured - self.held - self.after]
        for node in sorted(lacking, key=_recordable):
            fewer = [each for each in lacking if each != node]
            if self.has_set(measured | {each.name for each in fewer}, included):
                lacking = fewer
        whole = self.set_of(measured | {node.name for node in lacking}, included) or frozenset()
        return tuple(node for node in self.graph.nodes if node.name in whole & measured), tuple(lacking)


@lru_cache(maxsize=64)
def _digraph(nodes: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> networkx.DiGraph[str]:
    """Return a graph to be asked only: the same one stands behind many questions."""
    import networkx

    made = networkx.DiGraph()
    made.add_nodes_from(nodes)
    made.add_edges_from(pairs)
    return made


def _recordable(node: CausalNode) -> bool:
    """Return whether a study could record a node: there is a column that would show it."""
    return len(node.measured_by) > 1 or codebook.find(node.name) is not None


def shown(node: CausalNode, column: str | None = None) -> str:
    """Return a node by its name, with its column where the codebook lacks the name, unless the column says it.

    A node that the codebook knows and that another column shows is named by that column: year of birth is no age.
    """
    if column is None or column == node.name:
        return node.name
    if codebook.find(node.name):
        return column if codebook.find(column) else node.name
    known = [codebook.find(one) for one in together(column)]
    # The season of the examination need not be said to be one of season, nor a year's sine and cosine.
    if all(each and each.label.lower().startswith(wording.label(node.name)) for each in known):
        return column if len(known) == 1 else node.name
    return f"{node.name} ({column})"
