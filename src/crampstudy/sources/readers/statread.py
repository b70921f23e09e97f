"""Files of SAS, Stata and SPSS, read in a process of their own: over a damaged one the library's C code can crash.

That process begins with the first such file and reads the next ones, too. It ends with this one, whose pipe it reads.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

_LOCK = Lock()
_READERS: dict[int, subprocess.Popen[bytes]] = {}
"""The process that reads, by the process that began it: one that was forked has none yet."""


class Unreadable(Exception):
    """What the library said of a file that it cannot read, in one line."""


def read(
    function: str, path: Path, **options: Any
) -> tuple[dict[str, list[Any]], Mapping[str, Mapping[Any, str]], Mapping[str, str | None]]:
    """Return the columns of a file, its value labels and its columns' labels, as ``function`` of pyreadstat reads them.

    Raises:
        Unreadable: the library refuses the file, or does not survive it.
    """
    with _LOCK:
        reader = _reader()
        answered = False
        try:
            # This process may have gone to another folder since that one began.
            pickle.dump((function, str(path.absolute()), options), reader.stdin)  # type: ignore[arg-type]
            reader.stdin.flush()  # type: ignore[union-attr]
            fine, answer = pickle.load(reader.stdout)  # type: ignore[arg-type]
            answered = True
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            code = reader.wait()
            if code in (0, 1):
                raise RuntimeError(f"the process that reads statistical files ended with code {code}") from None
            raise Unreadable(f"the library that reads such files crashed over it, exit code {code}") from None
        finally:
            # Interrupted in the middle of an answer, the next one would be taken for it.
            if not answered:
                _end(reader)
    if not fine:
        raise Unreadable(answer)
    columns, labels, named = answer
    return columns, labels, named


def _reader() -> subprocess.Popen[bytes]:
    reader = _READERS.get(os.getpid())
    if reader is None or reader.poll() is not None:
        command = [sys.executable, "-P", __file__]
        reader = _READERS[os.getpid()] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(_end, reader)
    return reader


def _end(reader: subprocess.Popen[bytes]) -> None:
    reader.kill()
    reader.wait()
    # Its pipes are closed; what was still to be sent has no reader any more.
    with suppress(BrokenPipeError):
        reader.__exit__(None, None, None)


def _serve() -> None:
    """Answer what comes on standard input until it is closed."""
    import pyreadstat

    broken = (
        *(pyreadstat.ReadstatError, pyreadstat.PyreadstatError),
        *(OSError, ValueError, ArithmeticError, LookupError, TypeError, MemoryError),
    )
    # An interrupt is for the process that asks: it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever the library prints is no answer.
    os.dup2(2, 1)
    while True:
        try:
            function, path, options = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            columns, about = getattr(pyreadstat, function)(path, output_format="dict", **options)
            answer: Any = True, (dict(columns), about.variable_value_labels, about.column_names_to_labels)
        except broken as error:
            answer = False, (str(error) or type(error).__name__).splitlines()[0]
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    _serve()
