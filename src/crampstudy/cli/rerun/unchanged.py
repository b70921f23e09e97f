"""A report that is still as it would be made is not made again, and one that is not says why."""

from __future__ import annotations

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


def is_unchanged(cache: Cache, asked: ReportRequest, sections: list[str]) -> bool:
    """Say of a report that was made before that nothing has changed, or what has, and return whether it still holds."""
    from crampstudy.provenance.changes import listed
    from crampstudy.report import freshness, outline

    made = freshness.recall(cache, asked)
    if made is None:
        return False
    folder = outline.find()
    notebooks = outline.read(folder).only(sections).notebooks
    changed = freshness.stale(made, asked, notebooks, folder / outline.OUTLINE)
    shown = Path(made.folder)
    if not changed:
        typer.echo(f"The report in {asked.out or shown} is up to date: nothing that it is made of has changed")
        return True
    typer.echo(f"note: the report in {asked.out or shown} is made again: changed {listed(changed)}", err=True)
    return False
