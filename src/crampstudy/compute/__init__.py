"""One ordered map over pure tasks: in this process, in several, or by the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from functools import partial
from pathlib import Path
from typing import TypeVar

from crampstudy.compute.processes import in_processes, serial
from crampstudy.compute.result_cache import cached, check_private
from crampstudy.errors import UsageError

__all__ = ["MAX_WORKERS", "Progress", "Workers", "check_workers", "map"]

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], R]
Progress = Callable[[int], None]

Workers = int | str | Path
"""Who does the work: a number of processes of this machine, 1 being this one, or a Dask cluster, given by the address
of its scheduler (``tcp://host:8786``) or by the scheduler file."""

MAX_WORKERS = 1024


def map(
    task: Task[T, R],
    items: Iterable[T],
    *,
    workers: Workers = 1,
    keep: Path | None = None,
    kinds: Collection[type] = (),
    progress: Progress | None = None,
) -> Iterator[R]:
    """Yield ``task(item)`` for every item, in the order of the items and as soon as it is there.

    A task depends on its item alone, so that whoever does the work gives the same results; linear algebra runs in one
    thread in any case. Items are drawn and results are held no more than a few ahead of what was taken, however
    many there are. An error of a task is raised where its result would stand.

    Args:
        task: a function of one item; for several processes one of a module, or a ``partial`` of one.
        items: what the task is done with.
        workers: how many processes share the work, 1 being this one, or the address or scheduler file of a cluster.
            Where the number of items is known, there are no more processes than items, and none for a single one.
        keep: a folder where results are kept as they are taken: the same task and item in the same place, in the same
            version of the package, are not done again. A file that was half written does not count. Results are kept
            as data, never as code: tables, arrays, numbers, texts and the like, in lists, tuples, sets and dicts.
            Nobody else may be able to write to the folder.
        kinds: the dataclasses that may be in results that are kept.
        progress: hears how many items are done.

    Raises:
        UsageError: ``workers`` is out of range, no cluster answers there, the extra for clusters is not installed, or
            ``keep`` is a folder that others may write to, or is given for a task or an item that cannot be told from
            others, or for results that cannot be kept.
        AnalysisError: a worker died, also when its item was tried once more and alone; the workers of a cluster are
            not of this version, have gone, or its scheduler has.
    """
    check_workers(workers)
    if keep is not None:
        check_private(keep)
    run = partial(_run, task, workers)
    results = run(items) if keep is None else cached(task, items, keep, run, kinds)
    return results if progress is None else _with_progress(results, progress)


def check_workers(workers: Workers) -> None:
    """Check that ``workers`` can be, without asking a cluster.

    Raises:
        UsageError: the number is out of range, or the extra for clusters is not installed.
    """
    if not isinstance(workers, int):
        _in_cluster()
    elif not 1 <= workers <= MAX_WORKERS:
        raise UsageError(f"workers is {workers}; allowed: a whole number of processes from 1 to {MAX_WORKERS}")


def _run(task: Task[T, R], workers: Workers, items: Iterable[T]) -> Iterator[R]:
    if not isinstance(workers, int):
        results: Iterator[R] = _in_cluster()(task, items, workers)
        return results
    if isinstance(items, Sized):
        workers = min(workers, len(items))
    return serial(task, items) if workers <= 1 else in_processes(task, items, workers)


def _in_cluster() -> Callable[..., Iterator[R]]:
    try:
        from crampstudy.compute.cluster import in_cluster
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] not in ("cloudpickle", "dask", "distributed"):
            raise
        raise UsageError(
            f"a cluster needs {absent.name}, which is not installed; run: pip install 'crampstudy[cluster]'"
        ) from None
    return in_cluster


def _with_progress(results: Iterator[R], progress: Progress) -> Iterator[R]:
    for done, result in enumerate(results, 1):
        progress(done)
        yield result
