"""Whether the part of an effect that goes through a mediator can be told from data at all, under a causal graph."""

from __future__ import annotations

from dataclasses import dataclass

from crampstudy import wording
from crampstudy.causal.adjustment import BackDoor
from crampstudy.causal.graph import CausalGraph, descendants
from crampstudy.causal.graph_file import study


@dataclass(frozen=True, slots=True)
class MediatedPath:
    """The path of an effect through a mediator, under a ``graph`` by name.

    ``witnesses`` confound mediator and outcome and are caused by the exposure themselves, in the order of the graph:
    where there are any, no data tell the path's part of the effect, however much was measured.
    """

    exposure: str
    mediator: str
    outcome: str
    graph: str
    witnesses: tuple[str, ...]

    @property
    def identified(self) -> bool:
        """Whether the indirect effect follows from data under the graph."""
        return not self.witnesses

    @property
    def sentence(self) -> str:
        """What is said of it."""
        path = f"the part of {self.exposure} on {self.outcome} that goes through {self.mediator}"
        if self.identified:
            return f"under {self.graph} {path} follows from data"
        which = wording.listed(self.witnesses)
        return (
            f"under {self.graph} {path} follows from no data: {self.exposure} causes {which}, which "
            f"{'confounds' if len(self.witnesses) == 1 else 'confound'} {self.mediator} and {self.outcome}"
        )


def mediated_path(exposure: str, mediator: str, outcome: str, graph: CausalGraph | None = None) -> MediatedPath:
    """Return whether the natural indirect effect of an exposure through a mediator is identified.

    It is not where every set that separates mediator and outcome, the exposure held, has a node that the exposure
    causes. All nodes are taken as measured: what is found holds for any data.

    Args:
        exposure: a column that the graph knows.
        mediator: one that the exposure causes.
        outcome: such as ``cramps``.
        graph: by default that of the study.

    Raises:
        UsageError: the graph does not know one of them, or two are the same.

    Source: Avin, Shpitser and Pearl 2005 (effects along a path, and what makes them unidentifiable).
    """
    known = graph or study()
    cause, ask = known.node(exposure).name, BackDoor.of(known, mediator, outcome)
    caused = descendants(ask.pairs, cause)
    every = frozenset(node.name for node in known.nodes)
    kept = frozenset({cause})
    found: frozenset[str] = frozenset()
    if not ask.has_set((every - caused) | kept, kept):
        found = (ask.set_of(every, kept) or frozenset()) & caused
    witnesses = tuple(node.name for node in known.nodes if node.name in found)
    return MediatedPath(exposure, mediator, outcome, known.name, witnesses)
