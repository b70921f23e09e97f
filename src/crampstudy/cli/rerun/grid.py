"""What ``crampstudy report --grid`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from crampstudy.cache import Cache


def report_grid(
    file: Path, out: Path | None, workers: int | str, cache: Cache | None, *, cell_seconds: int, force: bool
) -> None:
    """Make the reports of a grid; by default in a folder of the file's name in ``reports`` under the current one.

    Args:
        file: says which reports it has.
        out: the folder, if one is named.
        workers: who does the work.
        cache: where sections are looked for that were run before.
        cell_seconds: the time that a cell of a notebook may take.
        force: whether a folder of other things is kept beside it and not refused.
    """
    from crampstudy.errors import GridFailed
    from crampstudy.report.outline import REPORTS
    from crampstudy.rerun.grid import make_grid, read
    from crampstudy.rerun.grid.made import failed
    from crampstudy.rerun.grid.page import INDEX

    grid = read(file)
    target = out or REPORTS / file.stem

    def done(number: int) -> None:
        typer.echo(f"{number} of {len(grid.cells)} reports are done", err=True)

    outcomes = make_grid(
        grid, target, workers=workers, cache=cache, cell_seconds=cell_seconds, force=force, progress=done
    )
    typer.echo(f"{len(outcomes)} reports are in {target}, side by side in {INDEX}")
    if problem := failed(outcomes):
        raise GridFailed(problem)
