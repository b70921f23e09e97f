"""What went wrong in a notebook, in words, and recorded in it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crampstudy.atomic_write import whole_file
from crampstudy.errors import AnalysisError, OutputError

_MARK = "crampstudy"
"""Of a notebook's metadata: says how it failed."""
_MORE_MEMORY = "try fewer participants or a machine with more"
_WORDLESS = {
    "MemoryError": f"the cell asked for more memory than there is; {_MORE_MEMORY}",
    "KeyboardInterrupt": "the cell was interrupted",
}
"""What errors mean that mostly have no message."""
_MOST = 400
"""Characters of a message that are told; all of it stands in the notebook."""


def failed(output: Path, name: str, what: str, index: int | None = None) -> AnalysisError:
    """Return the error to raise, and record it in the notebook: a dead kernel leaves no mark of its own.

    Without the ``index`` of the cell it is the one with an error, else the last that began.
    """
    place = number = ""
    if output.is_file():
        content = json.loads(output.read_text(encoding="utf-8"))
        cells = content["cells"]
        # The cell that failed holds an error output; without one it is the last that began.
        marked = [
            i for i, cell in enumerate(cells) if any(o["output_type"] == "error" for o in cell.get("outputs", ()))
        ]
        begun = [i for i, cell in enumerate(cells) if cell["metadata"].get("papermill", {}).get("start_time")]
        index = (marked or begun or [0])[-1] if index is None else index
        above = heading(cells, index)
        content["metadata"][_MARK] = {"failure": what, "cell": index, "heading": above}
        output.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        place = f", section {above!r}" if above else ""
        own = [cell for cell in cells[: index + 1] if "injected-parameters" not in cell["metadata"].get("tags", ())]
        number = f" (code cell {sum(cell['cell_type'] == 'code' for cell in own)})"
    return AnalysisError(f"notebook {name}{place}: {_plain(what)}{number}")


@contextlib.contextmanager
def kept(work: Path, target: Path | None) -> Iterator[None]:
    """Keep the notebook that fails while the block lasts, as far as it was run, in a folder ``target``, and say so.

    What stood there of an earlier failure goes, also when nothing fails; where nothing can be written, nothing is kept.
    """
    try:
        yield
    except AnalysisError as problem:
        if target is None:
            raise
        _clear(target)
        told = [_keep(path, target) for path in sorted(work.glob("*.ipynb")) if _is_marked(path)]
        if not any(told):
            raise
        raise AnalysisError(f"{problem}; kept as far as it was run: {', '.join(filter(None, told))}") from problem
    if target is not None:
        _clear(target)


def _keep(path: Path, target: Path) -> str:
    """Return where a notebook is kept, nothing where the system does not let it be written."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole_file(target / path.name, path.read_bytes(), private=True)
    except (OSError, OutputError):
        return ""
    return str(target / path.name)


def _clear(target: Path) -> None:
    """Remove the notebooks that were kept, and their folder where nothing else is in it."""
    if earlier := [path for path in target.glob("*.ipynb") if _is_marked(path)]:
        with contextlib.suppress(OSError):
            for path in earlier:
                path.unlink(missing_ok=True)
            target.rmdir()


def _is_marked(path: Path) -> bool:
    try:
        return _MARK in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, LookupError, TypeError):
        # Somebody's own, or half of one.
        return False


def heading(cells: list[Any], index: int) -> str:
    """Return the last heading above or in a cell."""
    for cell in reversed(cells[: index + 1]):
        if cell["cell_type"] == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*(?:\{[^}]*\})?\s*$", "".join(cell["source"]), flags=re.MULTILINE)
            if found:
                return str(found[-1])
    return ""


def _plain(text: str) -> str:
    """Return a message as one line of no more than a few."""
    line = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"


def raised(name: str, message: str) -> str:
    """Return what is known of an error that a cell raised, some of which come without a word."""
    meaning = _WORDLESS.get(name, "") if not message.strip() else message
    return f"{name}: {meaning}" if meaning else name


def death(code: int | None) -> str:
    """Return what is known of the end of a process, from the code that Python gives it."""
    if code is None:
        return "it does not answer"
    if code >= 0:
        return f"its process ended by itself with exit code {code}, as after os._exit({code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    killed = f"killed by signal {-code} ({name})"
    match name:
        case "SIGKILL":
            return f"{killed}, most likely for want of memory; {_MORE_MEMORY}"
        case "SIGSEGV" | "SIGBUS" | "SIGABRT" | "SIGILL" | "SIGFPE":
            return f"{killed}, a crash in native code, of Python or of a library that the cell calls"
        case _:
            return f"{killed}, which another process sent"
