"""Notebooks run by papermill, each in a kernel of its own."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import papermill as pm
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from crampstudy.errors import AnalysisError
from crampstudy.report import warm

CELL_SECONDS = 1800
"""No cell may run longer, so a report that hangs ends."""

PINNED = {
    # One BLAS thread: sums over several threads come out in another order from run to run.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"),
    "MPLBACKEND": "agg",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


# Without a handler of its own, what papermill logs of a dead kernel would be printed beside our error.
logging.getLogger("papermill").addHandler(logging.NullHandler())


class Stopped(AnalysisError):
    """A notebook that was ended because another one failed."""


class Progress(Protocol):
    """Hears how far a report is; calls may come from several threads."""

    def stage(self, name: str) -> None:
        """A stage of the build begins: check, load, run, collect, typeset or write."""

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        """``done`` of ``total`` cells of a notebook are through; the next stands under ``heading``."""


class _Kernel(AsyncKernelManager):
    """A kernel with pinned threads that talks over sockets in a folder of its own, never over a contested port."""

    warm: ClassVar[Path | None] = None
    place: ClassVar[str]

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        if self.warm is None:
            return super().format_kernel_cmd(extra_arguments)
        return warm.command(self.warm, self.connection_file)

    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        self._folder = Path(tempfile.mkdtemp(prefix="crampstudy-"))
        self.connection_file = str(self._folder / "kernel.json")
        # A Unix socket's path is limited to some hundred characters.
        if os.name == "posix" and len(str(self._folder)) < 80:
            self.transport = "ipc"
            self.ip = str(self._folder / "k")
        kwargs |= {"env": {**os.environ, **PINNED}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # Papermill would change the folder of this whole process, in which other notebooks run as well.
        kwargs["cwd"] = self.place
        await super().start_kernel(**kwargs)

    def cleanup_connection_file(self) -> None:
        super().cleanup_connection_file()
        shutil.rmtree(self._folder, ignore_errors=True)


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    cwd: Path,
    server: Path | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    cell_seconds: int = CELL_SECONDS,
) -> None:
    """Run one notebook and write it, executed, to ``output``.

    Args:
        notebook: the notebook; it is not changed.
        output: where the executed notebook goes, also when it failed.
        parameters: values for its parameters cell, all of them declared there.
        cwd: the working directory of its kernel.
        server: the socket of a warm server to fork the kernel from; without it a plain kernel is started.
        progress: hears of every cell.
        stop: when set, the notebook ends before its next cell.
        cell_seconds: the time limit per cell.

    Raises:
        AnalysisError: a cell raised, ran out of time, or its kernel died.
    """
    name = notebook.stem

    def go_on() -> None:
        if stop is not None and stop.is_set():
            raise Stopped(f"notebook {name} was stopped")

    def on_cell_start(cell: Any, cell_index: int) -> None:
        go_on()
        if progress is not None:
            done = max(0, cell_index - injected)
            progress.cell(name, _heading(cells, done), done, len(cells))

    go_on()
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    # Papermill adds a cell of its own after the parameters when there are values to set.
    injected = 1 if parameters else 0
    try:
        pm.execute_notebook(
            str(notebook),
            str(output),
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=cell_seconds,
            kernel_manager_class=type("_KernelHere", (_Kernel,), {"warm": server, "place": str(cwd)}),
            on_cell_start=on_cell_start,
        )
    except PapermillExecutionError as problem:
        raise _failure(output, name, f"{problem.ename}: {problem.evalue}") from problem
    except CellTimeoutError as problem:
        raise _failure(output, name, f"a cell ran longer than {cell_seconds} s") from problem
    except RuntimeError as problem:
        # What nbclient raises for a kernel that never answered, and the base of its DeadKernelError.
        if not isinstance(problem, DeadKernelError) and "Kernel d" not in str(problem):
            raise
        raise _failure(output, name, "the kernel died; the likeliest cause is too little memory") from problem


def _failure(output: Path, name: str, what: str) -> AnalysisError:
    """Return the error to raise, and record it in the notebook: a dead kernel leaves no mark of its own."""
    heading = ""
    if output.is_file():
        content = json.loads(output.read_text(encoding="utf-8"))
        cells = content["cells"]
        # The cell that failed holds an error output; without one it is the last that began.
        failed = [
            i for i, cell in enumerate(cells) if any(o["output_type"] == "error" for o in cell.get("outputs", ()))
        ]
        begun = [i for i, cell in enumerate(cells) if cell["metadata"].get("papermill", {}).get("start_time")]
        index = (failed or begun or [0])[-1]
        heading = _heading(cells, index)
        content["metadata"]["crampstudy"] = {"failure": what, "cell": index, "heading": heading}
        output.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    place = f", section {heading!r}" if heading else ""
    return AnalysisError(f"notebook {name}{place}: {_plain(what)}")


def _heading(cells: list[Any], index: int) -> str:
    for cell in reversed(cells[: index + 1]):
        if cell["cell_type"] == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*(?:\{[^}]*\})?\s*$", "".join(cell["source"]), flags=re.MULTILINE)
            if found:
                return str(found[-1])
    return ""


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
