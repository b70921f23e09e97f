"""The command that shows and clears what is kept between reports."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer


def cache(
    action: Annotated[
        Literal["show", "clear"], typer.Argument(help="show: where it is and what it holds; clear: remove its entries.")
    ],
) -> None:
    """Show or clear what reports keep, so that nothing is computed twice: sections as they were run, and findings."""
    from crampstudy import cache

    held = cache.opened()
    if isinstance(held, str):
        typer.echo(f"No cache is in use: {held}; {cache.VARIABLE} names another folder")
        return
    if action == "clear":
        typer.echo(f"Cleared: {_size(held.clear())} in {held.folder}")
        return
    typer.echo(
        f"The cache is in {held.folder}{f', as {cache.VARIABLE} says' if os.environ.get(cache.VARIABLE) else ''}"
    )
    for kind, what in cache.KINDS.items():
        sizes = [path.stat().st_size for path in held.files(kind)]
        typer.echo(f"{kind}: {len(sizes)} entries, {_size(sum(sizes))} ({what})")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1024**2:.1f} MB"
