"""How far what takes long has come: told where a meter listens, as in a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TextIO, TypeVar

T = TypeVar("T")
_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)
QUIET_SECONDS = 3.0
_REDRAW_SECONDS = 0.2
_CLEAR = "\r\x1b[2K"


@dataclass(slots=True)
class Meter:
    """A line of a terminal that says what is being done, how far it is, and how long it still takes.

    Nothing is written in the first seconds of a work, and at its end the line is cleared.
    """

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _began: float = field(default=0.0, init=False)
    _drawn: float | None = field(default=None, init=False)

    def begin(self) -> None:
        """Begin a work."""
        self._began, self._drawn = self.clock(), None

    def show(self, what: str, done: int, of: int | None) -> None:
        """Show how far the work is, unless that was shown just now."""
        now = self.clock()
        since = now - self._began
        if since < QUIET_SECONDS or (self._drawn is not None and now - self._drawn < _REDRAW_SECONDS):
            return
        self._drawn = now
        of = of if of and done <= of else None  # How many there are may be a guess.
        far = f"{done:,} of {of:,}" if of else f"{done:,}"
        left = f", about {_duration(since / done * (of - done))} left" if of and done else ""
        self._write(f"{_CLEAR}{what}: {far}{left}")

    def end(self) -> None:
        """Clear the line."""
        if self._drawn is not None:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        # That a terminal has gone is no reason to end the work.
        with contextlib.suppress(OSError):
            self.stream.write(text)
            self.stream.flush()


def track(items: Iterable[T], what: str, of: int | None = None) -> Iterator[T]:
    """Yield ``items`` as they come, and tell the meter that listens how many are done.

    Of works within one another the outermost is told. Without a meter it costs nothing.

    Args:
        items: what is worked on, or results as they come.
        what: what is counted, such as ``replicates``.
        of: how many there are; by default the length of ``items``, if they have one.
    """
    meter = _meter.get()
    if meter is None:
        yield from items
        return
    total = len(items) if of is None and isinstance(items, Sized) else of
    _meter.set(None)
    meter.begin()
    try:
        for done, item in enumerate(items):
            meter.show(what, done, total)
            yield item
    finally:
        meter.end()
        _meter.set(meter)


@contextlib.contextmanager
def on_terminal(stream: TextIO | None = None) -> Iterator[None]:
    """Show within the block how far works are, if ``stream``, by default standard error, is a terminal."""
    stream = stream or sys.stderr
    meter = Meter(stream) if stream is not None and stream.isatty() else None
    token = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(token)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
