"""Estimates and the progress of a report in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from threading import Lock
from typing import IO

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from crampstudy import tables
from crampstudy.cohort.account import Account
from crampstudy.tables import PrintedTable

_WIDE = 200
SECOND_OPINION = "Second opinion: coefficients on the scale of the link"
_STAGES = {
    "check": "checking notebooks and parameters",
    "load": "reading the source",
    "run": "running the notebooks",
    "collect": "collecting results",
    "typeset": "typesetting",
    "write": "writing",
}


def show(estimates: pd.DataFrame, accounts: Sequence[Account] = ()) -> None:
    """Print estimates as readers' tables, those of a cohort together, with the reasons for what could not be estimated.

    What the ``accounts`` say is left to them.
    """
    for made in tables.printed(estimates, accounts):
        _print(made, sys.stdout, _width())


def text(table: PrintedTable) -> str:
    """Return a table with its notes as it is printed where there is no terminal."""
    target = StringIO()
    _print(table, target, _WIDE)
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines())


def _print(made: PrintedTable, target: IO[str], width: int) -> None:
    table, needed = _table(made.caption, made, width)
    # A narrower terminal breaks the lines itself, which loses nothing. A text stays one in a notebook, which would show
    # it at once and asks for colours.
    console = Console(
        highlight=False,
        width=max(width, needed),
        file=target,
        force_jupyter=False,
        force_terminal=None if target is sys.stdout else False,
    )
    console.print(table)
    for line in made.notes:
        console.print(line, markup=False, soft_wrap=not target.isatty())


def show_second_opinion(rows: pd.DataFrame) -> None:
    """Print what statsmodels' fit of the same model found, beside ours, where there is anything to compare."""
    compared = tables.second_opinion(rows)
    if compared.empty:
        return
    table, needed = _table(SECOND_OPINION, compared, _width())
    Console(highlight=False, width=max(_width(), needed)).print(table)


def show_models(rows: pd.DataFrame) -> None:
    """Print the models there are (:func:`crampstudy.models.registry.listing`)."""
    named = rows.set_index("model").rename(columns=lambda name: name.replace("_", " "))
    table, needed = _table("Models", named, _width())
    for column in table.columns:
        column.justify = "left"
    Console(highlight=False, width=max(_width(), needed)).print(table)


def show_tables(tables_by_title: Iterable[tuple[str, pd.DataFrame]]) -> None:
    """Print readers' tables that are of no kind of estimates; one with groups of rows is a table for each group."""
    for title, frame in tables_by_title:
        grouped = frame.index.nlevels > 1
        parts = frame.groupby(level=0, sort=False) if grouped else [("", frame)]
        for name, part in parts:
            table, needed = _table(f"{title} {name}".strip(), part, _width())
            Console(highlight=False, width=max(_width(), needed)).print(table)


class Bars:
    """Progress as a bar per notebook, with the time that it still takes, cleared at the end."""

    def __init__(self) -> None:
        """Show nothing until the first stage."""
        said = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
        self._bars = Progress(*said, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._lock = Lock()

    def stage(self, name: str) -> None:
        """Show the stage that begins."""
        self._bars.start()
        with self._lock:
            for task in self._tasks.values():
                self._bars.update(task, visible=name == "run")
            self._tasks.setdefault(name, self._bars.add_task(_STAGES.get(name, name), total=None, at=""))

    def __enter__(self) -> Bars:
        """Begin."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Take the bars away, also when the report failed, and give the cursor back."""
        self._bars.stop()

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """Move a notebook's bar."""
        with self._lock:
            if notebook not in self._tasks:
                self._tasks[notebook] = self._bars.add_task(notebook, total=total, at="")
            self._bars.update(self._tasks[notebook], completed=done, at=heading)


def progress() -> AbstractContextManager[Bars | None]:
    """Return bars in a terminal, and nothing that shows elsewhere."""
    return Bars() if sys.stderr.isatty() else nullcontext()


def _width() -> int:
    # Into a file or a pipe a table is as wide as it needs to be.
    return Console().width if sys.stdout.isatty() else _WIDE


def _table(title: str, frame: pd.DataFrame, width: int) -> tuple[Table, int]:
    """Return a table that fits ``width`` characters if it can, and how wide it is; lines break only between words."""
    stubs = frame.index.get_level_values(-1)
    lines = [str(stub).replace("age-standardised", "standardised") for stub in stubs]
    # Groups with a name of their own, as treatments, have rows that are the same but for it.
    outer = [frame.index.get_level_values(str(name)) for name in frame.index.names[:-1] if name]
    columns = {str(of.name): list(map(str, of)) for of in outer if of.nunique() > 1}
    columns |= {str(stubs.name): lines} | {str(name): list(map(str, frame[name])) for name in frame.columns}
    stub_columns = {*(str(of.name) for of in outer), str(stubs.name)}
    texts = [[heading, *cells] for heading, cells in columns.items()]
    widths = _widths(texts, width - len(texts) + 1)
    printed = Table(title=Text(title), title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    for heading, column in zip(columns, widths, strict=True):
        left = heading in stub_columns or heading == "Contrast"
        printed.add_column(Text(heading), justify="left" if left else "right", width=column)
    for cells in zip(*columns.values(), strict=True):
        printed.add_row(*map(Text, cells))
    return printed, sum(widths) + len(texts) - 1


def _widths(texts: Sequence[Sequence[str]], available: int) -> list[int]:
    """Return a width per column: what its texts need, narrowed from the widest on, never below its longest word."""
    least = [max(len(word) for text in column for word in text.split() or [""]) for column in texts]
    widths = [max(map(len, column)) for column in texts]
    while sum(widths) > available and widths != least:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths
