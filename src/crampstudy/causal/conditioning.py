"""What a formula does to an effect: whether its terms suffice, and which of them stand on a path or open one."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator

from crampstudy import wording
from crampstudy.causal.adjustment import BackDoor, shown
from crampstudy.causal.graph import CausalGraph, ancestors, descendants, is_within, plain
from crampstudy.causal.graph_file import study

_Pairs = Collection[tuple[str, str]]


def conditioning(
    terms: Collection[str],
    exposure: str,
    outcome: str,
    graph: CausalGraph | None = None,
    measured: Collection[str] = (),
) -> tuple[str, ...]:
    """Say whether a formula's terms suffice for an effect, then name those that stand on its path or open another.

    Args:
        terms: the columns of the formula, or terms of one each; what the graph does not know is passed over.
        exposure: whose effect is of interest, as of :func:`crampstudy.causal.adjustment_set`.
        outcome: what is explained.
        graph: by default that of the study.
        measured: columns of the cohort that the formula could have as well.

    Raises:
        UsageError: as of :func:`crampstudy.causal.adjustment_set`.
    """
    graph = graph or study()
    ask = BackDoor.of(graph, exposure, outcome)
    if ask.backwards:
        return (f"under {graph.name} {ask.outcome} comes before {ask.exposure}, so there is no effect to adjust",)
    # What is the same on all nights of a person does not hold what differs from night to night, and the reverse.
    other = "between(" if is_within(exposure) else "within(" if exposure.startswith("between(") else None
    asked = {plain(term) for term in terms if other is None or other not in term}
    beside = ask.held | {ask.exposure, ask.outcome}
    given = [node.name for node in graph.nodes if node.shown_by(asked) and node.name not in beside]
    harmful = tuple(warning for name in given if (warning := _warning(ask, name, given)))
    return (_sufficiency(ask, frozenset(given) - ask.after, measured), *harmful)


def _sufficiency(ask: BackDoor, given: frozenset[str], measured: Collection[str]) -> str:
    under = f"under {ask.graph.name} for the effect of {ask.exposure} on {ask.outcome}"
    if ask.has_set(given, given):
        return f"sufficient {under}"
    columns = {node.name: node.column(measured) for node in ask.graph.nodes}
    measurable = frozenset(name for name, column in columns.items() if column)
    found, missing = ask.completed(measurable | given, given)
    more = [shown(node, columns[node.name]) for node in found if node.name not in given]
    had = f"{wording.listed(more)}, which the cohort has" if more else ""
    nobody = wording.listed(node.name for node in missing) if missing else ""
    return f"not sufficient {under}, lacks {', and '.join(filter(None, (had, nobody)))}"


def _warning(ask: BackDoor, name: str, given: Collection[str]) -> str | None:
    """Say what a term does to the effect where it stands on its path or opens another, ``None`` where it does not."""
    before = ancestors(ask.pairs, ask.outcome)
    if name in descendants(ask.pairs, ask.outcome):
        return f"{name} is caused by the outcome: {_directed(ask.pairs, ask.outcome, name)}"
    if name in ask.after:
        if name in before:
            way = f"{_directed(ask.pairs, ask.exposure, name)} -> {_directed(ask.pairs, name, ask.outcome, skip=1)}"
            return f"{name} is a mediator, so that part of the effect is taken away: {way}"
        mediators = ancestors(ask.pairs, name) & ask.after & before
        ways = [
            f"{_directed(ask.pairs, ask.exposure, m)} -> {_directed(ask.pairs, m, name, skip=1)}" for m in mediators
        ]
        if ways:
            way = min(ways, key=lambda each: (each.count("->"), each))
            return f"{name} shows a mediator, so that part of the effect is taken away: {way}"
        opened = open_path(ask.pairs, name, ask.outcome, ({*given, ask.exposure} | ask.held) - {name})
        return opened and _collider(name, f"{_directed(ask.pairs, ask.exposure, name)} {_rest(opened)}")
    return _opens_a_back_door(ask, name, given)


def _opens_a_back_door(ask: BackDoor, name: str, given: Collection[str]) -> str | None:
    others = frozenset(given) - {name} - ask.after
    everything = {node.name for node in ask.graph.nodes} - {name}
    enough = ask.set_of(everything, others)
    if enough is None:
        return None
    opened = open_path(ask.closed, ask.exposure, ask.outcome, enough | ask.held | {name})
    return opened and _collider(name, opened)


def _collider(name: str, way: str) -> str:
    return f"{name} is a collider, which opens a path that was closed: {way}"


def _rest(way: str) -> str:
    """Return a way without its first name."""
    return way.partition(" ")[2]


def _directed(pairs: _Pairs, start: str, end: str, skip: int = 0) -> str:
    """Return the shortest way along the arrows, in the graph's own order, without the first ``skip`` names."""
    back: dict[str, str] = {}
    ahead = deque([start])
    while ahead and end not in back:
        at = ahead.popleft()
        for cause, effect in pairs:
            if cause == at and effect not in back:
                back[effect] = at
                ahead.append(effect)
    way = [end]
    while way[-1] != start:
        way.append(back[way[-1]])
    return " -> ".join(way[::-1][skip:])


def open_path(pairs: _Pairs, start: str, end: str, given: Collection[str]) -> str | None:
    """Return a shortest path that connects two nodes once the ``given`` are held, ``None`` where none does.

    Source: Shachter 1998 (Bayes-ball).
    """
    held = frozenset(given)
    opens = held.union(*(ancestors(pairs, name) for name in held))
    came: dict[tuple[str, bool], tuple[str, bool] | None] = {(start, False): None}
    ahead = deque(came)
    while ahead:
        state = ahead.popleft()
        for step in _steps(pairs, state, held, opens, first=came[state] is None):
            if step not in came:
                came[step] = state
                ahead.append(step)
                if step[0] == end:
                    return _written(came, step)
    return None


def _steps(
    pairs: _Pairs, state: tuple[str, bool], held: frozenset[str], opens: frozenset[str], *, first: bool
) -> Iterator[tuple[str, bool]]:
    """Yield where a path may go on from a node, each with whether it comes there along an arrow."""
    at, along = state
    for cause, effect in pairs:
        # Through a node that is held a path goes only where two arrows meet; where they meet it goes only if one is.
        if cause == at and (first or at not in held):
            yield effect, True
        if effect == at and (first or (at in opens if along else at not in held)):
            yield cause, False


def _written(came: dict[tuple[str, bool], tuple[str, bool] | None], last: tuple[str, bool]) -> str:
    text, state = "", last
    while (before := came[state]) is not None:
        text = f" {'->' if state[1] else '<-'} {state[0]}{text}"
        state = before
    return f"{state[0]}{text}"
