"""The report of the default cohort in all its formats, beside papermill and nbconvert on the same notebooks.

nbconvert makes one HTML page of each notebook; a PDF by it asks for LaTeX. The report says where its
time goes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from timing import Job

from crampstudy import simulate
from crampstudy.report import outline as outlines
from crampstudy.report import run
from crampstudy.report.build import build

PARTICIPANTS, NIGHTS = 500, 90
FORMATS = "PDF, page, Word, tables and figures"


def jobs(folder: Path) -> Iterator[Job | str]:
    cohort = folder / "cohort"
    simulate.write(cohort, PARTICIPANTS, NIGHTS, 1, draws=3_000)
    made = build(str(cohort), out=folder / "split")
    yield "report, default cohort: " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in made.seconds.items())
    yield Job(
        f"report, default cohort: {FORMATS}",
        "papermill, nbconvert: HTML",
        partial(ours, cohort, folder / "report"),
        partial(theirs, cohort, folder),
    )


def ours(cohort: Path, out: Path) -> dict[str, float]:
    return {"sections": float(bool(build(str(cohort), out=out).seconds))}


def theirs(cohort: Path, folder: Path) -> dict[str, float]:
    """Run the notebooks one after the other, as papermill does, and make a page of each."""
    for notebook in outlines.read(outlines.find()).notebooks:
        executed = folder / notebook.name
        run.execute(notebook, executed, {"source": str(cohort)}, run.Options(folder))
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR", str(executed)]
        subprocess.run(convert, check=True)
    return {"sections": 1.0}
