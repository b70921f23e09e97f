"""What a bug leaves behind: one line, and a file that may be sent on because it holds no participant's data.

The file has places in code, types of errors and versions. It has no message, no value and no path of the user's, for a
message may quote a cell and a path may name a person.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType

_LIBRARIES = ("numpy", "polars", "pandas", "pyarrow", "scipy", "statsmodels", "matplotlib", "typst", "papermill")


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None, known: Collection[str]) -> str:
    """Write the crash file, and return the one line to print; ``known`` are commands and options that may be named."""
    places = traceback.extract_tb(trace)
    last = f" at {_place(places[-1])}" if places else ""
    file = _write("\n".join(_lines(error, known)) + "\n")
    sent = f"please send {file}, which has no data of yours in it" if file else "no file could be written"
    return f"a bug in crampstudy, {kind.__name__}{last}; {sent}"


def _lines(error: BaseException, known: Collection[str]) -> Iterator[str]:
    yield "crampstudy crash report. It holds places in code and versions: no message, no value, no data."
    yield f"command: crampstudy {' '.join(_command(known))}"
    yield f"python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in ("crampstudy", *_LIBRARIES):
        yield f"{name} {_version(name)}"
    told: BaseException | None = error
    seen: set[int] = set()
    while told is not None and id(told) not in seen:
        seen.add(id(told))
        yield f"\n{type(told).__module__}.{type(told).__qualname__}"
        yield from (f"  {_place(frame)} in {frame.name}" for frame in traceback.extract_tb(told.__traceback__))
        told = told.__cause__ or told.__context__


def _command(known: Collection[str]) -> Iterator[str]:
    """Return the command and the names of its options, without values and without what only looks like an option."""
    for word in sys.argv[1:]:
        if (name := word.partition("=")[0]) in known:
            yield name


def _place(frame: traceback.FrameSummary) -> str:
    """Return file and line, the file as the package or library has it and never with a folder of the user's."""
    path = Path(frame.filename)
    roots = [n for n, part in enumerate(path.parts) if part in ("site-packages", "dist-packages")]
    own = Path(__file__).resolve().parents[1]
    if path.is_relative_to(own):
        name = path.relative_to(own.parent).as_posix()
    else:
        name = "/".join(path.parts[roots[-1] + 1 :]) if roots else path.name
    return f"{name}:{frame.lineno}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write(text: str) -> Path | None:
    """Write to a new file in the current folder, else in that of temporary files; ``None`` where neither takes it."""
    for folder in (Path.cwd, tempfile.gettempdir):
        try:
            handle, name = tempfile.mkstemp(prefix="crampstudy-crash-", suffix=".txt", dir=folder())
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return Path(name)
    return None
