"""The reports of a grid, made by whoever does the work, and put in one folder as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from crampstudy import compute
from crampstudy.atomic_write import unrecorded, whole_folder
from crampstudy.cache import Cache
from crampstudy.errors import CrampstudyError, SourceError
from crampstudy.provenance import digests
from crampstudy.report.build import build
from crampstudy.report.run import CELL_SECONDS
from crampstudy.rerun.grid.cells import ReportCell, ReportGrid
from crampstudy.rerun.grid.page import INDEX, page
from crampstudy.sources import Address

RECORD = "grid.json"
_FORMAT = "crampstudy-grid-1"
PARTIAL = "failed"
"""The folder in that of a report which holds the notebook that failed."""


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """What became of a report of a grid: ``problem`` says why there is none."""

    cell: ReportCell
    problem: str | None = None


def make_grid(
    grid: ReportGrid,
    out: Path,
    *,
    workers: compute.Workers = 1,
    cache: Cache | None = None,
    cell_seconds: int = CELL_SECONDS,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[CellOutcome, ...]:
    """Make all reports of a grid and the page that sets them side by side; the folder appears as a whole.

    A report that fails stops no other: the notebook that failed is kept in its place.

    Args:
        grid: what is made.
        out: the folder; in it each report has one of its own.
        workers: who does the work, as :func:`crampstudy.compute.map` takes it; the bytes are the same. The workers of
            a cluster need to reach this folder and the sources under the same paths.
        cache: where sections are looked for that were run before.
        cell_seconds: the time that a cell of a notebook may take.
        force: whether a folder of other things is kept beside it and not refused.
        progress: hears how many reports are done.

    Raises:
        FolderTaken: the folder holds other things than a grid.
        OutputError: it cannot be written.
        UsageError: ``workers`` cannot be.
        AnalysisError: a worker died, also when its report was tried once more and alone.
    """
    cells = [replace(cell, source=_absolute(cell.source)) for cell in grid.cells]
    with whole_folder(out, _foreign, force=force) as fresh:
        task = partial(_make, folder=fresh.folder, sections=grid.sections, cache=cache, cell_seconds=cell_seconds)
        outcomes = tuple(compute.map(task, cells, workers=workers, progress=progress))
        told = tuple(_as_asked(each, cell) for each, cell in zip(outcomes, grid.cells, strict=True))
        (fresh.folder / INDEX).write_text(page(fresh.folder, told), encoding="utf-8")
        files = sorted(path for path in fresh.folder.rglob("*") if path.is_file())
        outputs = {path.relative_to(fresh.folder).as_posix(): digests.of_file(path) for path in files}
        record = json.dumps({"format": _FORMAT, "outputs": outputs}, indent=2, ensure_ascii=False)
        (fresh.folder / RECORD).write_text(record + "\n", encoding="utf-8")
    return told


def _make(
    cell: ReportCell, *, folder: Path, sections: Sequence[str], cache: Cache | None, cell_seconds: int
) -> CellOutcome:
    """Make one report; what a user can do something about is told and stops no other."""
    place = folder / cell.name
    try:
        build(
            cell.source,
            settings=cell.settings,
            out=place,
            sections=sections,
            cache=cache,
            partial=f"/{PARTIAL}",
            cell_seconds=cell_seconds,
        )
    except CrampstudyError as problem:
        # The folder has another name while it is made.
        return CellOutcome(cell, str(problem).replace(f"{folder}/", ""))
    return CellOutcome(cell)


def _absolute(source: str) -> str:
    """Return a source as a worker in another folder finds it; one that is none is told of as its report fails."""
    try:
        return str(Address.parse(source).absolute())
    except SourceError:
        return source


def _as_asked(outcome: CellOutcome, cell: ReportCell) -> CellOutcome:
    """Return what became of a report with its source as the file of the grid has it: no path of this machine."""
    here = str(Path.cwd().resolve())
    problem = None if outcome.problem is None else outcome.problem.replace(f"{here}/", "")
    return CellOutcome(cell, problem)


def failed(outcomes: Sequence[CellOutcome]) -> str | None:
    """Say which reports of a grid there are not, ``None`` where all are."""
    problems = [f"{each.cell.name}: {each.problem}" for each in outcomes if each.problem is not None]
    return f"{len(problems)} of {len(outcomes)} reports failed: {'; '.join(problems)}" if problems else None


def _foreign(folder: Path) -> str | None:
    """Say what in a folder is not of a grid, or ``None``."""
    try:
        content = (folder / RECORD).read_bytes()
        told = json.loads(content)
        outputs = dict(told["outputs"]) if told["format"] == _FORMAT else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return unrecorded(folder, {})
    return unrecorded(folder, {**outputs, RECORD: digests.sha256(content)})
