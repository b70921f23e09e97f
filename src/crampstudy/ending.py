"""How processes end: on a signal, with their cleaning up done, and with the process that started them."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from crampstudy import scratch

ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a process to end."""
_SOON = 0.01
"""Seconds until a signal that was lost is sent again."""


class Ended(SystemExit):
    """A signal asked this process to end; the exit code is the one that shells give, 128 and its number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


@contextmanager
def on_signals() -> Iterator[None]:
    """Raise :class:`Ended` in the main thread where a signal asks to end, so that what is under way is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored stays so: a command under nohup outlives its terminal.
    before = {number: signal.getsignal(number) for number in ASKING}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    told, dropped = sys.unraisablehook, _Dropped()
    try:
        sys.unraisablehook = partial(dropped.hear, told)
        for number in before:
            signal.signal(number, dropped.end)
        yield
    except Exception as error:
        # Native code drops what is raised in it and makes an error of its own of it.
        if dropped.number is None:
            raise
        raise Ended(dropped.number) from error
    finally:
        dropped.forget()
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)


class _Dropped:
    """What Python drops: raised while an object is let go of, :class:`Ended` ends nothing, and is raised once more."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._timer: threading.Timer | None = None

    def end(self, number: int, frame: FrameType | None) -> None:
        """End, on a signal."""
        while frame is not None:
            if frame.f_code is _Dropped.hear.__code__:
                # Raised here, it would be dropped once more.
                return self._send_soon(number)
            frame = frame.f_back
        # A second one ends the process at once: what is tied to it ends as well, and the rest is swept by the next run.
        for other in ASKING:
            signal.signal(other, signal.SIG_DFL)
        raise Ended(number)

    def hear(self, otherwise: Callable[[sys.UnraisableHookArgs], Any], lost: sys.UnraisableHookArgs) -> None:
        """Hear of what was dropped."""
        if not isinstance(lost.exc_value, Ended):
            otherwise(lost)
            return
        number = lost.exc_value.signal
        signal.signal(number, self.end)
        self._send_soon(number)

    def forget(self) -> None:
        """Send nothing any more."""
        if self._timer:
            self._timer.cancel()

    def _send_soon(self, number: int) -> None:
        """Send this process a signal again in a moment, when the object is gone."""
        self.forget()
        main = threading.main_thread().ident
        # It has to interrupt what the main thread waits for.
        again = partial(signal.pthread_kill, main) if main and hasattr(signal, "pthread_kill") else signal.raise_signal
        self.number, self._timer = number, threading.Timer(_SOON, again, [number])
        self._timer.start()


@contextmanager
def lifeline() -> Iterator[str]:
    """Yield what processes are tied to (:func:`tie`): they are killed when the block ends, or this process, however.

    It is a named pipe that is held open; the system closes it with the process. Empty where there are no such pipes.
    """
    if not hasattr(os, "mkfifo"):
        yield ""
        return
    with scratch.folder() as folder:
        line = folder / "line"
        os.mkfifo(line, 0o600)
        # Open for both ways, so that opening waits for nobody.
        held = os.open(line, os.O_RDWR)
        try:
            yield str(line)
        finally:
            os.close(held)


def tie(line: str) -> None:
    """Let this process be killed when the end of ``line`` is let go of, at once where that has happened already.

    On Linux the system does so by itself, whatever the process is at, and after it became another program as well;
    elsewhere a thread waits for it. The function stands alone: its text is run where this package is not.
    """
    import os
    import signal
    import threading

    if not line:
        return

    def watch() -> None:
        while os.read(handle, 1):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    try:
        handle = os.open(line, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        os.kill(os.getpid(), signal.SIGKILL)
        return
    import fcntl

    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(handle, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(handle, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
        os.set_inheritable(handle, True)
        try:
            # Nothing is ever written: either it is the end, or there is nothing to read.
            watch()
        except BlockingIOError:
            return
    os.set_blocking(handle, True)
    threading.Thread(target=watch, daemon=True).start()


def tied(command: Sequence[str | Path], line: str) -> list[str]:
    """Return the command that ties itself to ``line`` and becomes ``command``, whose program is given by its path.

    Where a tie does not outlast that, the command is returned as it is.
    """
    asked = [str(part) for part in command]
    return [sys.executable, "-S", "-E", "-c", _TIED, line, *asked] if sys.platform == "linux" else asked


_TIED = f"{inspect.getsource(tie)}\nimport os, sys\ntie(sys.argv[1])\nos.execv(sys.argv[2], sys.argv[2:])\n"
