"""The report of the default cohort in all its formats, beside papermill and nbconvert on the same notebooks.

nbconvert makes one HTML page of each notebook; a PDF by it asks for LaTeX. Both say where their time goes: what cells
took in all, what papermill and the kernels took beside them, and what came after. The last line is of a report that is
made again after a sentence of one notebook was edited, by the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from timing import Job

from crampstudy import cache, simulate
from crampstudy.cache import Cache
from crampstudy.report import outline as outlines
from crampstudy.report import run
from crampstudy.report.build import build

PARTICIPANTS, NIGHTS = 500, 90
FORMATS = "PDF, page, Word, tables and figures"
EDITED = "season"


def jobs(folder: Path) -> Iterator[Job | str]:
    cohort, kept = folder / "cohort", cache.opened(folder / "cache")
    if not isinstance(kept, Cache):
        raise RuntimeError(kept)
    simulate.write(cohort, PARTICIPANTS, NIGHTS, 1, draws=3_000)
    outlines.copy(folder / outlines.FOLDER)
    splits: dict[str, str] = {}
    yield Job(
        f"report, default cohort: {FORMATS}",
        "papermill, nbconvert: HTML",
        partial(ours, cohort, folder, kept, splits),
        partial(theirs, cohort, folder, splits),
    )
    yield from (f"  {who}: {split}" for who, split in splits.items())
    yield Job("report, a sentence of one notebook edited", "(nobody else)", partial(again, cohort, folder, kept), None)


def ours(cohort: Path, folder: Path, kept: Cache, splits: dict[str, str]) -> dict[str, float]:
    """Make the report with nothing kept before."""
    kept.clear()
    made = build(
        str(cohort), out=folder / "report", notebooks_dir=folder / outlines.FOLDER, cache=kept, force=True
    ).seconds
    # Behind the line that says whose entry it is.
    executed = [json.loads(path.read_bytes().partition(b"\n")[2]) for path in kept.files("notebook")]
    stages = [f"{stage} {seconds:.1f} s" for stage, seconds in made.items() if stage != "run"]
    splits["crampstudy"] = f"run {made['run']:.1f} s ({_split(executed)}, shared by kernels), {', '.join(stages)}"
    return {"sections": float(len(executed))}


def theirs(cohort: Path, folder: Path, splits: dict[str, str]) -> dict[str, float]:
    """Run the notebooks one after the other, as papermill does, and make a page of each."""
    executed, begun = [], time.perf_counter()
    for notebook in outlines.read(folder / outlines.FOLDER).only(()).notebooks:
        executed.append(folder / notebook.name)
        run.execute(notebook, executed[-1], {"source": str(cohort)}, run.Options(folder))
    ran = time.perf_counter()
    for path in executed:
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR", str(path)]
        subprocess.run(convert, check=True)
    split = _split(json.loads(path.read_text(encoding="utf-8")) for path in executed)
    pages = time.perf_counter() - ran
    splits["papermill, nbconvert"] = f"run {ran - begun:.1f} s ({split}), pages {pages:.1f} s"
    return {"sections": float(len(executed))}


def again(cohort: Path, folder: Path, kept: Cache) -> dict[str, float]:
    """Edit a sentence, and make the report anew by the command."""
    notebook = folder / outlines.FOLDER / f"{EDITED}.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    (last, *_) = (cell for cell in reversed(content["cells"]) if cell["cell_type"] == "markdown")
    last["source"] = "".join(last["source"]) + "\n\nOne sentence more."
    notebook.write_text(json.dumps(content), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "crampstudy", "report", str(cohort), "--out", str(folder / "report"), "--force"],
        env={**os.environ, cache.VARIABLE: str(kept.folder)},
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return {}


def _split(executed: Iterable[dict[str, Any]]) -> str:
    """Return what the cells of notebooks took, and what papermill and their kernels took beside that."""
    cells = whole = 0.0
    for notebook in executed:
        whole += notebook["metadata"]["papermill"]["duration"]
        for cell in notebook["cells"]:
            # A cell of text takes no time, and has none.
            with suppress(KeyError, TypeError):
                cells += cell["metadata"]["papermill"]["duration"]
    return f"cells {cells:.1f} s, papermill and kernels {whole - cells:.1f} s"
