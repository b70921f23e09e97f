"""The command that says what the effect of an exposure is to be adjusted for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crampstudy.cli.options import AsJson, Force, Graph, Source, causal_graph, opened
from crampstudy.cli.output import Output

if TYPE_CHECKING:
    from crampstudy.causal import Adjustment


def adjust(
    source: Source,
    exposure: Annotated[str, typer.Argument(help='A variable, or a term of one such as "within(alcohol_units)".')],
    outcome: Annotated[str, typer.Option(help="What the exposure may change.")] = "cramps",
    graph: Graph = None,
    as_json: AsJson = None,
    force: Force = False,
) -> None:
    """Say what to adjust for, under a causal graph: a minimal set of what was measured, or what it lacks."""
    from crampstudy import causal

    output, known = Output(as_json, force=force), causal_graph(graph)
    found = causal.adjustment_set(exposure, outcome, causal.measured_in(opened(source)), known)
    made = {"--json": lambda: json.dumps(_plain(found), indent=1, ensure_ascii=False)}
    output.put(made, lambda: _show(found))


def _show(found: Adjustment) -> None:
    typer.echo(f"{found.exposure} on {found.outcome}: {found.sentence}")
    for node, column in zip(found.nodes, found.columns, strict=True):
        typer.echo(f"  {column}: {node.meaning}")
    for node in found.missing:
        typer.echo(f"  not measured: {node.name}: {node.meaning}")


def _plain(found: Adjustment) -> dict[str, Any]:
    return {
        "exposure": found.exposure,
        "outcome": found.outcome,
        "within": found.within,
        "graph": found.graph,
        "sufficient": found.sufficient,
        "adjust_for": list(found.columns),
        "missing": [{"name": node.name, "meaning": node.meaning} for node in found.missing],
        "sentence": found.sentence,
    }
