"""A report that is still as it would be made is not made again, and one that is not says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from crampstudy.cache import Cache
    from crampstudy.report.freshness import ReportRequest
    from crampstudy.report.run import Progress


class AnnouncingProgress:
    """Says why a report is made again once it is: when all that was asked for is accepted, and the notebooks run.

    What ``progress`` shows, if anything does, it shows as before.
    """

    def __init__(self, progress: Progress | None, notes: Sequence[str]) -> None:
        """Keep the notes until they are true."""
        self._progress, self._notes = progress, [*notes]

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""
        if name == "run":
            while self._notes:
                _say(self._notes.pop(0))
        if self._progress is not None:
            self._progress.stage(name)

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """Hear of the cells of a notebook."""
        if self._progress is not None:
            self._progress.cell(notebook, heading, done, total)


def _say(note: str) -> None:
    typer.echo(f"note: {note}", err=True)


def cache_of_user(no_cache: bool) -> Cache | None:
    """Return the cache, or ``None`` where it is not wanted or none can be used, which is said."""
    from crampstudy import cache

    if no_cache:
        return None
    found = cache.opened()
    if isinstance(found, str):
        _say(f"nothing is kept of this run: {found}; {cache.VARIABLE} names another folder")
        return None
    return found


def is_unchanged(
    cache: Cache,
    asked: ReportRequest,
    sections: Sequence[str] = (),
    *,
    aside: bool = False,
    again: Callable[[str], None] = _say,
) -> Path | None:
    """Return the folder of a document that was made before and of which nothing has changed, and say so.

    Of one that is to be made again it is said what has changed; there is ``None`` where there is none that holds.

    Args:
        cache: where it is told what documents were made of.
        asked: what is asked for.
        sections: those of a report that is not whole.
        aside: whether this is said on standard error, for rows are on standard output.
        again: takes what is to be said of a document that is made again, which may yet be refused.
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
        again(f"{said[0].lower()}{said[1:]} is made again: changed {listed(changed)}")
        return None
    typer.echo(f"{said} is up to date: nothing that it is made of has changed", err=aside)
    return Path(made.folder)


def _from_here(folder: Path) -> Path:
    """Return a folder as one would write it: below the current one by its path from there."""
    here = Path.cwd().resolve()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
