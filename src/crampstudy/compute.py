"""One ordered map over pure tasks: in this process, or in several."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, TypeVar

from joblib.externals.loky import ProcessPoolExecutor
from threadpoolctl import ThreadpoolController

from crampstudy.errors import AnalysisError, UsageError

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], R]

MAX_WORKERS = 1024
_AHEAD = 2
"""Items in flight per worker: one at work and one that waits, so that no worker idles while results are taken."""
# Work is shared out between processes, so that inside each of them one thread is all there is.
_ONE_THREAD = dict.fromkeys(
    (
        "BLIS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)


def map(
    task: Task[T, R], items: Iterable[T], *, workers: int = 1, progress: Callable[[int], None] | None = None
) -> Iterator[R]:
    """Yield ``task(item)`` for every item, in the order of the items and as soon as it is there.

    A task depends on its item alone, so that one or more ``workers`` give the same results; linear algebra runs in one
    thread in either case. Items are drawn and results are kept no more than a few ahead of what was taken, however
    many there are. ``progress`` is told how many are done. An error of a task is raised where its result would stand.

    Raises:
        UsageError: ``workers`` is out of range.
        AnalysisError: a worker process died, also when its item was tried once more and alone.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise UsageError(f"workers is {workers}; allowed: a whole number of processes from 1 to {MAX_WORKERS}")
    results = _here(task, items) if workers == 1 else _elsewhere(task, items, workers)
    return results if progress is None else _told(results, progress)


def _told(results: Iterator[R], progress: Callable[[int], None]) -> Iterator[R]:
    for done, result in enumerate(results, 1):
        progress(done)
        yield result


def _here(task: Task[T, R], items: Iterable[T]) -> Iterator[R]:
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


def _elsewhere(task: Task[T, R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Yield results from processes.

    joblib's own loop draws items as fast as workers finish them, and keeps the results that nobody has taken yet; here
    an item is drawn when a result is taken.
    """
    drawn = enumerate(items, 1)
    flights: deque[_Flight[T, R]] = deque()
    pool = _pool(workers)
    try:
        while True:
            while len(flights) < _AHEAD * workers and (following := next(drawn, None)):
                number, item = following
                flights.append(_Flight(number, item, _sent(pool, task, item)))
            if not flights:
                return
            first = flights.popleft()
            try:
                result = first.future.result()
            except BrokenProcessPool:
                # One death takes all that is in flight with it. Which item it was shows when each is tried alone.
                _stop(pool)
                result = _alone(task, first)
                pool = _pool(workers)
                for flight in flights:
                    if isinstance(flight.future.exception(), BrokenProcessPool):
                        flight.future = _sent(pool, task, flight.item)
            yield result
    finally:
        _stop(pool, [flight.future for flight in flights])


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, env=_ONE_THREAD)


def _stop(pool: ProcessPoolExecutor, futures: Sequence[Future[R]] = ()) -> None:
    """End the processes at once, whatever they are at."""
    # The pool stumbles over items that it was given and has not looked at: they are called back before it is stopped.
    wait([future for future in futures if future.cancel()], timeout=1)
    pool.shutdown(kill_workers=True)


def _sent(pool: Executor, task: Task[T, R], item: T) -> Future[R]:
    try:
        return pool.submit(task, item)
    except BrokenProcessPool as broken:
        failed: Future[R] = Future()
        failed.set_exception(broken)
        return failed


def _alone(task: Task[T, R], flight: _Flight[T, R]) -> R:
    pool = _pool(1)
    try:
        return _sent(pool, task, flight.item).result()
    except BrokenProcessPool as broken:
        ended = re.search(r"exit codes? of the workers are \{(.+?)\}", str(broken))
        raise AnalysisError(
            f"the process at work on item {flight.number} ({_short(flight.item)}) died, and died again when it had "
            f"the machine to itself ({ended[1] if ended else 'for no known reason'}); "
            "the usual reason is too little memory: give smaller items"
        ) from None
    finally:
        _stop(pool)


def _short(item: object) -> str:
    text = repr(item)
    return text if len(text) <= 80 else f"{text[:77]}…"
