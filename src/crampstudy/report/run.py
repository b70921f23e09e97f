"""Notebooks run by papermill, each in a kernel of its own."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Protocol

import papermill as pm
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from crampstudy import ending, scratch
from crampstudy.errors import AnalysisError
from crampstudy.report import warm

CELL_SECONDS = 1800
"""No cell may run longer unless it is asked for, so that a report that hangs ends."""

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
    stop: ClassVar[threading.Event | None] = None
    ended: ClassVar[list[int]]

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        if os.name != "posix":
            return super().format_kernel_cmd(extra_arguments)
        return warm.command(self.warm, self.connection_file, self._line)

    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        self._held = ExitStack()
        self._line = self._held.enter_context(ending.lifeline())
        folder = self._held.enter_context(scratch.folder())
        self.connection_file = str(folder / "kernel.json")
        # A Unix socket's path is limited to some hundred characters.
        if os.name == "posix" and len(str(folder)) < 80:
            self.transport = "ipc"
            self.ip = str(folder / "k")
        kwargs |= {"env": {**os.environ, **PINNED}, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # Papermill would change the folder of this whole process, in which other notebooks run as well.
        kwargs["cwd"] = self.place
        await super().start_kernel(**kwargs)

    async def _async_is_alive(self) -> bool:
        """Say whether the kernel lives, and end one that is not to; asked every second while a cell runs."""
        if self.stop is not None and self.stop.is_set():
            self._held.close()
            return False
        alive = await super()._async_is_alive()
        process = getattr(self.provisioner, "process", None)
        if not alive and process is not None and process.poll() is not None:
            self.ended.append(process.returncode)
        return alive

    is_alive = _async_is_alive

    def cleanup_connection_file(self) -> None:
        super().cleanup_connection_file()
        self._held.close()


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
        stop: when set, the notebook ends, within a second also in the middle of a cell.
        cell_seconds: the time limit per cell.

    Raises:
        AnalysisError: a cell raised, left the notebook or ran out of time, or its kernel died.
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
    here = {"warm": server, "place": str(cwd), "stop": stop, "ended": ended}
    try:
        pm.execute_notebook(
            str(notebook),
            str(output),
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=cell_seconds,
            kernel_manager_class=type("_KernelHere", (_Kernel,), here),
            on_cell_start=on_cell_start,
            on_cell_executed=on_cell_executed,
        )
    except PapermillExecutionError as problem:
        raise _failure(output, name, f"{problem.ename}: {problem.evalue}") from problem
    except _Left as problem:
        what = (
            "the cell leaves the notebook (exit, quit or sys.exit), and what stands below it is not run; take that out"
        )
        raise _failure(output, name, what, problem.cell) from problem
    except CellTimeoutError as problem:
        what = f"a cell ran longer than {cell_seconds} s; --cell-timeout SECONDS gives it more"
        raise _failure(output, name, what) from problem
    except RuntimeError as problem:
        # What nbclient raises for a kernel that never answered, and the base of its DeadKernelError.
        if not isinstance(problem, DeadKernelError) and "Kernel d" not in str(problem):
            raise
        go_on()
        raise _failure(output, name, f"the kernel died: {_death(ended[0] if ended else None)}") from problem


class _Left(Exception):
    """A cell asked its kernel to end."""

    def __init__(self, cell: int) -> None:
        super().__init__(cell)
        self.cell = cell


def _death(code: int | None) -> str:
    """Return what is known of the end of a process, from the code that Python gives it."""
    if code is None:
        return "it does not answer"
    if code >= 0:
        return f"its process ended by itself with exit code {code}, as after os._exit({code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    killed = f"killed by signal {-code} ({name})"
    match name:
        case "SIGKILL":
            return f"{killed}, most likely for want of memory; try fewer participants or a machine with more"
        case "SIGSEGV" | "SIGBUS" | "SIGABRT" | "SIGILL" | "SIGFPE":
            return f"{killed}, a crash in native code, of Python or of a library that the cell calls"
        case _:
            return f"{killed}, which another process sent"


def _failure(output: Path, name: str, what: str, index: int | None = None) -> AnalysisError:
    """Return the error to raise, and record it in the notebook: a dead kernel leaves no mark of its own."""
    place = number = ""
    if output.is_file():
        content = json.loads(output.read_text(encoding="utf-8"))
        cells = content["cells"]
        # The cell that failed holds an error output; without one it is the last that began.
        failed = [
            i for i, cell in enumerate(cells) if any(o["output_type"] == "error" for o in cell.get("outputs", ()))
        ]
        begun = [i for i, cell in enumerate(cells) if cell["metadata"].get("papermill", {}).get("start_time")]
        index = (failed or begun or [0])[-1] if index is None else index
        heading = _heading(cells, index)
        content["metadata"]["crampstudy"] = {"failure": what, "cell": index, "heading": heading}
        output.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        place = f", section {heading!r}" if heading else ""
        own = [cell for cell in cells[: index + 1] if "injected-parameters" not in cell["metadata"].get("tags", ())]
        number = f" (code cell {sum(cell['cell_type'] == 'code' for cell in own)})"
    return AnalysisError(f"notebook {name}{place}: {_plain(what)}{number}")


def _heading(cells: list[Any], index: int) -> str:
    for cell in reversed(cells[: index + 1]):
        if cell["cell_type"] == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*(?:\{[^}]*\})?\s*$", "".join(cell["source"]), flags=re.MULTILINE)
            if found:
                return str(found[-1])
    return ""


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
