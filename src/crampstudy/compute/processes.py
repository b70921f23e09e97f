"""The map in this process, and in several."""

from __future__ import annotations

import re
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from threadpoolctl import ThreadpoolController

from crampstudy import ending
from crampstudy.compute.threads import ONE_THREAD
from crampstudy.errors import AnalysisError

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], R]

AHEAD = 2
"""Items in flight per worker: one at work and one that waits, so that no worker idles while results are taken."""


def serial(task: Task[T, R], items: Iterable[T]) -> Iterator[R]:
    """Yield results of this process, linear algebra in one thread."""
    libraries = ThreadpoolController()
    for item in items:
        with libraries.limit(limits=1):
            result = task(item)
        yield result


@dataclass(slots=True)
class _Flight(Generic[T, R]):
    number: int
    item: T
    future: Future[R]


def in_processes(task: Task[T, R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Yield results from processes.

    joblib's own loop draws items as fast as workers finish them, and keeps the results that nobody has taken yet; here
    an item is drawn when a result is taken. The processes end with this one, however it ends.
    """
    with ending.lifeline() as line:
        yield from _in_tied_processes(task, items, workers, line)


def _in_tied_processes(task: Task[T, R], items: Iterable[T], workers: int, line: str) -> Iterator[R]:
    drawn = enumerate(items, 1)
    flights: deque[_Flight[T, R]] = deque()
    pool = _pool(workers, line)
    try:
        while True:
            while len(flights) < AHEAD * workers and (following := next(drawn, None)):
                number, item = following
                flights.append(_Flight(number, item, _submit(pool, task, item)))
            if not flights:
                return
            first = flights.popleft()
            try:
                result = first.future.result()
            except BrokenProcessPool:
                # One death takes all that is in flight with it. Which item it was shows when each is tried alone.
                _stop(pool)
                result = _retry_alone(task, first, line)
                pool = _pool(workers, line)
                for flight in flights:
                    if isinstance(flight.future.exception(), BrokenProcessPool):
                        flight.future = _submit(pool, task, flight.item)
            yield result
    finally:
        _stop(pool, [flight.future for flight in flights])


def _pool(workers: int, line: str) -> ProcessPoolExecutor:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(workers, env=ONE_THREAD, initializer=_begin, initargs=(line,))


def _begin(line: str) -> None:
    """Begin as a worker: one that ends with the process that it works for, and leaves the keyboard's signal to that."""
    ending.tie(line)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(pool: ProcessPoolExecutor, futures: Sequence[Future[R]] = ()) -> None:
    """End the processes at once, whatever they are at."""
    # The pool stumbles over items that it was given and has not looked at: they are called back before it is stopped.
    wait([future for future in futures if future.cancel()], timeout=1)
    pool.shutdown(kill_workers=True)


def _submit(pool: Executor, task: Task[T, R], item: T) -> Future[R]:
    try:
        return pool.submit(task, item)
    except BrokenProcessPool as broken:
        failed: Future[R] = Future()
        failed.set_exception(broken)
        return failed


def _retry_alone(task: Task[T, R], flight: _Flight[T, R], line: str) -> R:
    pool = _pool(1, line)
    try:
        return _submit(pool, task, flight.item).result()
    except BrokenProcessPool as broken:
        ended = re.search(r"exit codes? of the workers are \{(.+?)\}", str(broken))
        raise AnalysisError(
            f"the process at work on item {flight.number} ({short(flight.item)}) died, and died again when it had "
            f"the machine to itself ({ended[1] if ended else 'for no known reason'}); "
            "the usual reason is too little memory: give smaller items"
        ) from None
    finally:
        _stop(pool)


def short(item: object) -> str:
    """Return an item as a message shows it."""
    text = repr(item)
    return text if len(text) <= 80 else f"{text[:77]}…"
