"""A causal graph read from YAML: every complaint names the file and the place in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import NoReturn, cast, get_args

import yaml

from crampstudy import codebook, plain_yaml
from crampstudy.causal.graph import Arrow, CausalGraph, CausalNode, Of
from crampstudy.errors import SourceError
from crampstudy.sources.readers.mapped.entry import MappingEntry, close

_TABLES: Mapping[str, Of] = {"participants": "person", "diary": "night"}
_HOW = "docs/causal-graph.md has an example"


@cache
def study() -> CausalGraph:
    """Return the package's own graph of the study."""
    file = files(__package__).joinpath("study.yaml")
    return _graph(Path(str(file)), file.read_text(encoding="utf-8"))


def read(path: Path) -> CausalGraph:
    """Read a causal graph.

    Raises:
        SourceError: the file is not there or no YAML, names a node that nobody knows, lacks a reason, or its arrows go
            round in a circle; the message names the place.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"there is no graph file {path}; give the path of the YAML file ({_HOW})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not a causal graph in YAML, UTF-8: {error}") from None
    return _graph(path, text)


def _graph(path: Path, text: str) -> CausalGraph:
    try:
        content = plain_yaml.load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path} is not a causal graph in YAML, UTF-8: {reason}") from None
    entries = MappingEntry(path, "", content).entries(("version", "name", "nodes", "arrows"), ("version", "arrows"))
    if (version := entries["version"].text()) != "1":
        entries["version"].wrong(f"{version!r} is not a version that this package reads; allowed: 1")
    described = entries["nodes"].entries() if "nodes" in entries else {}
    nodes = {name: _node(name, entry) for name, entry in described.items()}
    arrows = _arrows(entries["arrows"], nodes)
    _check_columns(described, nodes, {name for pair in arrows for name in pair})
    _check_circles(entries["arrows"], arrows)
    named = dict.fromkeys(name for pair in arrows for name in pair)
    return CausalGraph(
        name=entries["name"].text() if "name" in entries else path.stem,
        nodes=tuple(nodes.get(name) or _of_codebook(name) for name in named),
        arrows=tuple(arrows.values()),
    )


def _node(name: str, entry: MappingEntry) -> CausalNode:
    cells = entry.entries(("of", "meaning", "measured_by"))
    known = _level(name)
    if known is None:
        of, meaning = cells.get("of"), cells.get("meaning")
        if of is None or meaning is None:
            entry.wrong(f"the codebook has no variable {name!r}, so it needs of (person or night) and meaning ({_HOW})")
        level, said = cast(Of, of.one_of(get_args(Of))), meaning.text()
    else:
        if "of" in cells and cells["of"].one_of(get_args(Of)) != known:
            cells["of"].wrong(f"{name} is of a {known} in the codebook; leave of out")
        level, said = known, cells["meaning"].text() if "meaning" in cells else codebook.variable(name).label
    columns = cells["measured_by"].texts() if "measured_by" in cells else ()
    return CausalNode(name, level, said, tuple(dict.fromkeys((name, *columns))))


def _of_codebook(name: str) -> CausalNode:
    return CausalNode(name, cast(Of, _level(name)), codebook.variable(name).label, (name,))


def _level(name: str) -> Of | None:
    """Return whether a name of the codebook is of a person or of a night, ``None`` where it is of neither."""
    variable = codebook.find(name)
    if variable is None or variable.domain == "key":
        return None
    if variable.table == "derived":
        return "person" if variable.component else "night"
    return _TABLES.get(variable.table)


def _arrows(entry: MappingEntry, nodes: Mapping[str, CausalNode]) -> dict[tuple[str, str], Arrow]:
    found: dict[tuple[str, str], Arrow] = {}
    for group in _listed(entry):
        cells = group.entries(("from", "to", "reason", "citation"), ("from", "to", "reason"))
        reason = cells["reason"].text()
        citation = cells["citation"].text() if "citation" in cells else None
        effects = [(place, _known(place, nodes)) for place in _flat(cells["to"])]
        for cause in (_known(place, nodes) for place in _flat(cells["from"])):
            for place, effect in effects:
                if cause == effect:
                    place.wrong(f"{cause} would cause itself; take it out of from or of to")
                if (cause, effect) in found:
                    place.wrong(f"the arrow {cause} -> {effect} stands twice; take one of them away")
                found[cause, effect] = Arrow(cause, effect, reason, citation)
    if not found:
        entry.wrong(f"there is no arrow; a graph needs one ({_HOW})")
    return found


def _known(place: MappingEntry, nodes: Mapping[str, CausalNode]) -> str:
    name = place.text()
    if name not in nodes and not _level(name):
        _refuse(place, name, nodes)
    return name


def _refuse(place: MappingEntry, name: str, nodes: Mapping[str, CausalNode]) -> NoReturn:
    found = codebook.find(name)
    if found is not None and found.domain != "key":
        place.wrong(
            f"{name!r} is a column of {found.table}; a node is of a person (participants) or of a night (diary)"
        )
    known = [*nodes, *(v.name for v in codebook.VARIABLES if _level(v.name))]
    place.wrong(
        f"neither the codebook nor nodes has {name!r}{close(name, known)}; a name of your own goes under nodes, with "
        "of (person or night) and meaning"
    )


def _check_columns(described: Mapping[str, MappingEntry], nodes: Mapping[str, CausalNode], used: set[str]) -> None:
    for name, entry in described.items():
        if name not in used:
            entry.wrong(f"no arrow names {name}; draw one or take it out")
        for column in nodes[name].measured_by[1:]:
            if column in used:
                entry.wrong(f"{column} is a node of its own and cannot measure {name} too; take one of the two away")


def _check_circles(entry: MappingEntry, arrows: Mapping[tuple[str, str], Arrow]) -> None:
    causes: dict[str, list[str]] = {}
    for cause, effect in arrows:
        causes.setdefault(effect, []).append(cause)
    try:
        TopologicalSorter(causes).prepare()
    except CycleError as circle:
        chain = " -> ".join(circle.args[1])
        entry.wrong(
            f"causes go round in a circle: {chain}; take one arrow away, or give what acts from night to night a name "
            "of its own, such as cramps_before"
        )


def _listed(entry: MappingEntry) -> Iterator[MappingEntry]:
    if not isinstance(entry.value, list):
        entry.wrong(f"expected a list, got {entry.value!r}")
    for place, item in enumerate(entry.value, start=1):
        yield MappingEntry(entry.file, f"{entry.key}[{place}]", item)


def _flat(entry: MappingEntry) -> Iterator[MappingEntry]:
    """Yield a name, or the names of a list, which may be broken into several."""
    if not isinstance(entry.value, list):
        yield entry
        return
    for item in _listed(entry):
        yield from _flat(item)
