"""The map by the workers of a Dask cluster, whoever started it and wherever they are."""

from __future__ import annotations

import json
import logging
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import cloudpickle
from distributed import Client, Future, KilledWorker, wait
from distributed.client import FutureCancelledError

from crampstudy.compute import threads, version
from crampstudy.compute.processes import AHEAD, short
from crampstudy.compute.version import Version
from crampstudy.errors import AnalysisError, UsageError

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], R]

CONNECTING = 15.0
"""Seconds that a scheduler has to answer."""
PATIENCE = 300.0
"""Seconds that a map waits for a cluster without a worker to have one."""
_LOOK = 2.0
"""Seconds between two looks whether there are workers while a result is awaited."""


@dataclass(slots=True)
class _Flight(Generic[T]):
    number: int
    item: T
    future: Future[Any]


def in_cluster(task: Task[T, R], items: Iterable[T], cluster: str | Path) -> Iterator[R]:
    """Yield results from the workers of a cluster; see :func:`crampstudy.compute.map`.

    What dies with a worker is done again by another, as Dask does it; an item that outlives no worker is an error.
    """
    with _quiet(), _connected(cluster) as client:
        at_work = _AtWork(client, task)
        drawn = enumerate(items, 1)
        flights: deque[_Flight[T]] = deque()
        try:
            while True:
                most = AHEAD * max(1, at_work.threads())
                while len(flights) < most and (following := next(drawn, None)):
                    number, item = following
                    flights.append(_Flight(number, item, at_work.send(item)))
                if not flights:
                    return
                first = flights.popleft()
                result = at_work.result(first, flights)
                # The future is let go of before the result is used, so that the cluster forgets it.
                del first
                yield result
        finally:
            at_work.stop([flight.future for flight in flights])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what Dask logs of workers and connections that end: what matters is raised here, in words."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _connected(cluster: str | Path) -> Iterator[Client]:
    address = _address(cluster)
    try:
        client = Client(address, timeout=CONNECTING, set_as_default=False, name="crampstudy")
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"no Dask scheduler answers at {address} ({reason}); start one with `dask scheduler`, or give the address "
            "that it prints, such as tcp://host:8786, or its scheduler file"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=_LOOK)


def _address(cluster: str | Path) -> str:
    if isinstance(cluster, str) and "://" in cluster:
        return cluster
    path = Path(cluster)
    if not path.is_file():
        raise UsageError(
            f"no cluster at {cluster}: it is neither an address, such as tcp://host:8786, nor a scheduler file; "
            f"`dask scheduler --scheduler-file {cluster}` writes one"
        )
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is no scheduler file; `dask scheduler --scheduler-file FILE` writes one") from None


class _AtWork(Generic[T, R]):
    """A task that is known to the workers, and what is asked of them."""

    def __init__(self, client: Client, task: Task[T, R]) -> None:
        self._client = client
        self._await_worker()
        self._check()
        with warnings.catch_warnings():
            # A task may bring its data along: they go to the workers once, and not with every item.
            warnings.filterwarnings("ignore", message="Sending large graph")
            # Put there as the result of a step, it is made again where all who hold it die.
            self._task = client.submit(_held, cloudpickle.dumps(task), pure=False)
        if self.threads() > 1:
            self._await(self._task)
            client.replicate([self._task])

    def threads(self) -> int:
        """Return how many items the cluster does at a time, 0 where it has no worker."""
        try:
            return sum(self._client.nthreads().values())
        except (OSError, TimeoutError):
            raise self._lost() from None

    def send(self, item: T) -> Future[Any]:
        return self._client.submit(_done, self._task, cloudpickle.dumps(item), version.current(), pure=False)

    def result(self, flight: _Flight[T], others: Iterable[_Flight[T]]) -> R:
        """Return the result of an item; where it may have killed its worker, it is tried once more when all else ended.

        Whatever a worker has before it when it dies is suspected of it, so that the innocent may be blamed.
        """
        self._await(flight.future)
        if self._killed(flight.future):
            for other in others:
                self._await(other.future)
            flight.future = self.send(flight.item)
            self._await(flight.future)
            if self._killed(flight.future):
                raise AnalysisError(
                    f"every worker that took item {flight.number} ({short(flight.item)}) died, also when it was given "
                    "alone; the usual reason is too little memory: give smaller items, or workers with more"
                )
        found: R = flight.future.result()
        return found

    def stop(self, futures: list[Future[Any]]) -> None:
        """Call back what nobody waits for."""
        if self._client.status == "running" and futures:
            self._client.cancel(futures)

    def _await(self, future: Future[Any]) -> None:
        lonely: float | None = None
        while not future.done():
            try:
                with self._client.as_current():
                    wait(future, timeout=_LOOK)
            except TimeoutError:
                lonely = None if self.threads() else lonely or time.monotonic()
                if lonely and time.monotonic() - lonely > PATIENCE:
                    raise self._no_worker() from None
            except FutureCancelledError:
                break
        if future.status not in ("finished", "error"):
            raise self._lost()

    def _killed(self, future: Future[Any]) -> bool:
        return future.status == "error" and isinstance(future.exception(), KilledWorker)

    def _await_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise self._no_worker() from None

    def _check(self) -> None:
        """Check that the workers run this version; those that come later are checked when they have an item."""
        mine = version.current()
        for worker, found in self._client.run(version.current, on_error="return").items():
            if isinstance(found, ModuleNotFoundError):
                raise AnalysisError(
                    f"the worker {worker} has no crampstudy of this version ({found}); install crampstudy "
                    f"{mine.crampstudy} with its extra `cluster` where the workers run, then start them again"
                )
            if isinstance(found, BaseException):
                raise AnalysisError(f"the worker {worker} could not tell its version: {found}") from found
            _check_same(mine, found, worker)

    def _no_worker(self) -> AnalysisError:
        where = self._address()
        return AnalysisError(
            f"the cluster at {where} has had no worker for {PATIENCE:.0f} s; start one with `dask worker {where} "
            "--nthreads 1`, then run again"
        )

    def _lost(self) -> AnalysisError:
        return AnalysisError(
            f"the cluster at {self._address()} was lost while it was at work; start it again, then run again "
            "(with results kept in a folder, what was done is not done again)"
        )

    def _address(self) -> str:
        scheduler: Any = self._client.scheduler
        return str(scheduler.addr if scheduler else "its address")


def _held(task: bytes) -> bytes:
    return task


def _done(task: bytes, item: bytes, expected: Version) -> Any:
    """Do an item in a worker; before anything is unpacked, the worker is held to the version and to one thread."""
    _check_same(expected, version.current(), socket.gethostname())
    threads.pin()
    return cloudpickle.loads(task)(cloudpickle.loads(item))


def _check_same(mine: Version, found: Version, worker: str) -> None:
    if apart := mine.differences(found):
        raise AnalysisError(
            f"the worker {worker} has {apart}; results would not be the same: install one version everywhere, "
            "then start the workers again"
        )
