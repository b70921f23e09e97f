"""The command that says what moved between two reports, and why."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crampstudy.cli.options import AsJson, Force
from crampstudy.cli.output import Output
from crampstudy.cli.rerun.unchanged import cache_of_user

if TYPE_CHECKING:
    from crampstudy.rerun.difference import Difference
    from crampstudy.rerun.split import RowSplit

_MOST = 15


def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="The folder of a report.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The folder of another one.")],
    row: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Split the change of this row over what changed, by re-running."),
    ] = None,
    data_a: Annotated[list[str] | None, typer.Option(metavar="DIR", help="Where the data of A are.")] = None,
    data_b: Annotated[list[str] | None, typer.Option(metavar="DIR", help="Where those of B are.")] = None,
    as_json: AsJson = None,
    force: Force = False,
) -> None:
    """Say which estimates moved between two reports, by how many standard errors, and which inputs differ.

    Of the data, rows are counted and nobody is named. --row KEY splits the change of one estimate over rows removed,
    added and changed and over parameters; what is left is of code and lock.
    """
    from crampstudy.rerun import difference, origins

    output = Output(as_json, None, force)
    cache = cache_of_user(no_cache=False)
    one = origins.find(first, data_a or (), cache=cache, option="--data-a")
    two = origins.find(second, data_b or (), cache=cache, option="--data-b")
    if row is None:
        found = difference.difference(one, two)
        output.put({"--json": lambda: _json(asdict(found))}, lambda: _show(found))
        return
    from crampstudy.cache import used
    from crampstudy.rerun.split import split

    command = shlex.join(["crampstudy", "diff", str(first), str(second), "--row", row])
    cohorts = difference.cohorts_as_recorded(one, origins.need_data(one, command, "--data-a"), "--data-a")
    others = difference.cohorts_as_recorded(two, origins.need_data(two, command, "--data-b"), "--data-b")
    with used(cache):
        parts = split(one, two, (cohorts, others), row)
    output.put({"--json": lambda: _json(asdict(parts) | {"change": parts.change})}, lambda: _show_split(parts))


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False)


def _show(found: Difference) -> None:
    for line in found.of_inputs:
        typer.echo(line)
    moves = found.estimates
    counted = f"{len(moves.moved):,} moved, {moves.n_same:,} did not, {len(moves.gone):,} gone, {len(moves.new):,} new"
    typer.echo(f"estimates: {counted}")
    for move in moves.moved[:_MOST]:
        far = "" if move.standard_errors is None else f"  {move.standard_errors:+.2f} standard errors"
        status = "" if move.status_before == move.status_after else f"  {move.status_before} → {move.status_after}"
        typer.echo(f"  {move.key}  {move.before:.6g} → {move.after:.6g}{far}{status}")
    if len(moves.moved) > _MOST:
        typer.echo(f"  and {len(moves.moved) - _MOST:,} more; --json has all")


def _show_split(parts: RowSplit) -> None:
    typer.echo(f"{parts.key}  {parts.before:.10g} → {parts.after:.10g}  {parts.change:+.6g}")
    for name, value in parts.parts.items():
        of = f"  ({parts.remainder})" if name == "code and lock" else ""
        typer.echo(f"  {name:<14} {value:+.6g}{of}")
