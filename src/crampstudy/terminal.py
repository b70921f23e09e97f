"""Estimates and progress in a terminal; plain lines where there is none."""

from __future__ import annotations

import sys
from threading import Lock

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from crampstudy import tables, wording

_STAGES = {
    "check": "checking notebooks and parameters",
    "load": "reading the source",
    "run": "running the notebooks",
    "collect": "collecting results",
    "typeset": "typesetting",
    "write": "writing",
}


def show(estimates: pd.DataFrame) -> None:
    """Print estimates as readers' tables, one per cohort, with the reasons for what could not be estimated."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for cohort, rows in estimates.groupby("cohort", sort=False):
        console.print(_table(str(cohort), rows))
        if reasons := wording.reasons(rows):
            console.print(f"Could not estimate: {reasons}.")
        for note in rows.loc[rows["status"].isin(["converged", "boundary"]), "note"].dropna().unique():
            console.print(f"Note: {note}.")


class Lines:
    """Progress as plain lines: a stage, then a notebook that is through."""

    def stage(self, name: str) -> None:
        """Say which stage begins."""
        print(f"{_STAGES.get(name, name)} …", file=sys.stderr, flush=True)

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """Say that a notebook is through."""
        if done == total:
            print(f"  {notebook}: {total} cells", file=sys.stderr, flush=True)


class Bars:
    """Progress as a bar per notebook, cleared at the end."""

    def __init__(self) -> None:
        """Show nothing until the first stage."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
        self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._lock = Lock()

    def stage(self, name: str) -> None:
        """Show the stage that begins; the last one takes the bars away."""
        self._bars.start()
        with self._lock:
            for task in self._tasks.values():
                self._bars.update(task, visible=name == "run")
            self._tasks.setdefault(name, self._bars.add_task(_STAGES.get(name, name), total=None, at=""))
        if name == "write":
            self._bars.stop()

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """Move a notebook's bar."""
        with self._lock:
            if notebook not in self._tasks:
                self._tasks[notebook] = self._bars.add_task(notebook, total=total, at="")
            self._bars.update(self._tasks[notebook], completed=done, at=heading)


def progress() -> Lines | Bars:
    """Return bars in a terminal, plain lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()


def _table(cohort: str, rows: pd.DataFrame) -> Table:
    analyses = set(rows["analysis"])
    if "incidence rate" in analyses:
        frame = tables.rates(rows)
    elif "prevalence" in analyses:
        frame = tables.prevalence(rows)
    else:
        frame = tables.factors(rows)
    stubs = frame.index.get_level_values(-1)
    printed = Table(title=cohort, title_justify="left", box=None, pad_edge=False)
    printed.add_column(str(stubs.name), overflow="fold")
    for heading in frame.columns:
        printed.add_column(str(heading), justify="left" if heading == "Contrast" else "right")
    for stub, cells in zip(stubs, frame.itertuples(index=False), strict=True):
        printed.add_row(str(stub), *map(str, cells))
    return printed
