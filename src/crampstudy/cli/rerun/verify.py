"""The command that makes a report again and compares."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli.options import progress
from crampstudy.cli.rerun.unchanged import cache_of_user
from crampstudy.errors import ReportDiffers


def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a report.")],
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Where its data are, or the folder that holds them; for several repeat it."),
    ] = None,
    notebook: Annotated[Path | None, typer.Option(help="The notebook of one's own that it has.")] = None,
) -> None:
    """Make a report again and compare: bytes on the same platform with the same packages and code, else estimates.

    It is made in a temporary folder, and nothing that was kept is believed. Where it differs, what differs first is
    named, and the command ends with 8.
    """
    from crampstudy.rerun import origins, verification

    found = origins.find(run, data or (), notebook=notebook, cache=cache_of_user(no_cache=False))
    sources = origins.need_data(found, shlex.join(["crampstudy", "verify", str(run)]))
    with progress() as shown:
        made = verification.verify(found, sources, shown)
    if made.difference is not None:
        raise ReportDiffers(f"{run} differs: {made}")
    typer.echo(f"{run} was made again: {made}")
