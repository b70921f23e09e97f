"""A report that is still as it would be made is not made again, and one that is not says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from crampstudy.cache import Cache
    from crampstudy.report.freshness import ReportRequest


def cache_of_user(no_cache: bool) -> Cache | None:
    """Return the cache, or ``None`` where it is not wanted or none can be used, which is said."""
    from crampstudy import cache

    if no_cache:
        return None
    found = cache.opened()
    if isinstance(found, str):
        typer.echo(f"note: nothing is kept of this run: {found}; {cache.VARIABLE} names another folder", err=True)
        return None
    return found


def is_unchanged(
    cache: Cache, asked: ReportRequest, sections: Sequence[str] = (), *, aside: bool = False
) -> Path | None:
    """Return the folder of a document that was made before and of which nothing has changed, and say so.

    Of one that is to be made again it is said what has changed; there is ``None`` where there is none that holds.

    Args:
        cache: where it is told what documents were made of.
        asked: what is asked for.
        sections: those of a report that is not whole.
        aside: whether this is said on standard error, for rows are on standard output.
    """
    from crampstudy.provenance.changes import listed
    from crampstudy.report import freshness, outline

    made = freshness.recall(cache, asked)
    if made is None:
        return None
    folder = outline.find()
    if asked.document == "report":
        notebooks, order = outline.read(folder).only(sections).notebooks, folder / outline.OUTLINE
    else:
        notebooks, order = outline.comparison(folder).notebooks, None
    changed = freshness.stale(made, asked, notebooks, order)
    said = f"The {asked.document} in {asked.out or _from_here(Path(made.folder))}"
    if changed:
        typer.echo(f"note: {said[0].lower()}{said[1:]} is made again: changed {listed(changed)}", err=True)
        return None
    typer.echo(f"{said} is up to date: nothing that it is made of has changed", err=aside)
    return Path(made.folder)


def _from_here(folder: Path) -> Path:
    """Return a folder as one would write it: below the current one by its path from there."""
    here = Path.cwd().resolve()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
