"""Notebooks run by papermill, each in a kernel of its own."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from crampstudy.errors import AnalysisError
from crampstudy.loading import without
from crampstudy.report.failure import death, failed, heading, raised
from crampstudy.report.kernel import Kernel

# As papermill imports jsonschema, that would make grammars of web addresses for two seconds, which no notebook's schema
# asks for; where their module is missing it does without.
with without("rfc3987_syntax"):
    import papermill as pm
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

CELL_SECONDS = 1800
"""No cell may run longer unless it is asked for, so that a report that hangs ends."""
_START_SECONDS = 600
"""A kernel has this long until it answers: on a busy machine one that is well may need more than a minute."""

# Without handlers of their own, what these log of a kernel that died or is ended would be printed beside our error.
for _heard in ("papermill", "asyncio"):
    logging.getLogger(_heard).addHandler(logging.NullHandler())


class Stopped(AnalysisError):
    """A notebook that was ended because another one failed."""


class Progress(Protocol):
    """Hears how far a report is; calls may come from several threads."""

    def stage(self, name: str) -> None:
        """A stage of the build begins: check, load, run, collect, typeset or write."""

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """``done`` of ``total`` cells of a notebook are through; the next stands under ``heading``."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a notebook is run.

    Its kernel works in the folder ``cwd`` and is forked from a warm ``server``, where there is the socket of one; so is
    a process that helps it, where it is to be ``helped``. It keeps findings in the folder ``cache``, if there is one,
    and opens the cohorts that it is handed in the folder ``cohorts``. ``progress`` hears of every cell. When ``stop``
    is set, the notebook ends, within a second also in the middle of a cell; no cell takes longer than ``cell_seconds``.
    """

    cwd: Path
    server: Path | None = None
    progress: Progress | None = None
    stop: threading.Event | None = None
    cell_seconds: int = CELL_SECONDS
    cache: Path | None = None
    cohorts: Path | None = None
    helped: bool = False


def execute(notebook: Path, output: Path, parameters: Mapping[str, Any], options: Options) -> None:
    """Run one notebook and write it, executed, to ``output``, also when it failed; the notebook is not changed.

    ``parameters`` are values for its parameters cell, all of them declared there.

    Raises:
        AnalysisError: a cell raised, left the notebook or ran out of time, or its kernel died.
    """
    name = notebook.stem

    def go_on() -> None:
        if options.stop is not None and options.stop.is_set():
            raise Stopped(f"notebook {name} was stopped")

    def on_cell_start(cell: Any, cell_index: int) -> None:
        go_on()
        if options.progress is not None:
            done = max(0, cell_index - injected)
            options.progress.cell(name, heading(cells, done), done, len(cells))

    def on_cell_executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        """End at a cell that ends its kernel: papermill takes ``sys.exit(0)`` for a success, and misses ``exit()``."""
        reply = execute_reply["content"]
        payloads = [payload.get("source") for payload in reply.get("payload", ())]
        if reply.get("ename") == "SystemExit" or "ask_exit" in payloads:
            raise _Left(cell_index)

    go_on()
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    # Papermill adds a cell of its own after the parameters when there are values to set.
    injected = 1 if parameters else 0
    ended: list[int] = []
    own: dict[str, Any] = {"server": options.server, "place": str(options.cwd), "stop": options.stop, "ended": ended}
    own |= {"cache": options.cache, "cohorts": options.cohorts, "helped": options.helped}
    try:
        pm.execute_notebook(
            str(notebook),
            str(output),
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",  # a notebook that was written by a program need not name it
            progress_bar=False,
            execution_timeout=options.cell_seconds,
            start_timeout=_START_SECONDS,
            kernel_manager_class=type("_KernelOfNotebook", (Kernel,), own),
            on_cell_start=on_cell_start,
            on_cell_executed=on_cell_executed,
        )
    except PapermillExecutionError as problem:
        raise failed(output, name, raised(problem.ename, problem.evalue)) from problem
    except _Left as problem:
        what = (
            "the cell leaves the notebook (exit, quit or sys.exit), and what stands below it is not run; take that out"
        )
        raise failed(output, name, what, problem.cell) from problem
    except CellTimeoutError as problem:
        what = f"a cell ran longer than {options.cell_seconds} s; --cell-timeout SECONDS gives it more"
        raise failed(output, name, what) from problem
    except RuntimeError as problem:
        # What nbclient raises for a kernel that never answered, and the base of its DeadKernelError.
        if not isinstance(problem, DeadKernelError) and "Kernel d" not in str(problem):
            raise
        go_on()
        if "respond" in str(problem):
            # It was ended because it did not answer, which is not what it died of.
            what = f"the kernel did not answer within {_START_SECONDS} s; the machine may be too busy, run it again"
        else:
            what = f"the kernel died: {death(ended[0] if ended else None)}"
        raise failed(output, name, what) from problem


class _Left(Exception):
    """A cell asked its kernel to end."""

    def __init__(self, cell: int) -> None:
        super().__init__(cell)
        self.cell = cell
