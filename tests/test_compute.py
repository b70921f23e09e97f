"""One ordered map: the same results with any number of workers, a few in flight, and a clear word when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import kills
import numpy as np
import pytest

from crampstudy import compute
from crampstudy.errors import AnalysisError, ParameterError, UsageError


def drawn(seed: int) -> bytes:
    # The later the item, the sooner it is done: order is not that of finishing.
    time.sleep(0.02 * (seed % 3 == 0))
    rng = np.random.default_rng(seed)
    left, right = rng.standard_normal((2, 150, 150))
    return bytes((left @ right).tobytes())


def threads(_: int) -> tuple[int, int]:
    import polars as pl
    from threadpoolctl import threadpool_info

    return pl.thread_pool_size(), max((library["num_threads"] for library in threadpool_info()), default=1)


def process(_: int) -> int:
    return os.getpid()


def refused(item: int) -> int:
    if item == 3:
        raise ParameterError("item three is out of range")
    return item


def killed(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * 10


def killed_once(asked: tuple[int, Path]) -> int:
    item, mark = asked
    if item == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("workers", [2, 4])
def test_results_are_the_same_and_in_order_with_any_number_of_workers(workers: int) -> None:
    assert list(compute.map(drawn, range(12), workers=workers)) == list(compute.map(drawn, range(12)))


def test_several_workers_are_several_processes() -> None:
    found = set(compute.map(process, range(12), workers=2))
    assert os.getpid() not in found
    assert set(compute.map(process, range(3))) == {os.getpid()}


def test_a_function_made_on_the_spot_will_do() -> None:
    factor = 3
    assert list(compute.map(lambda x: x * factor, [1, 2], workers=2)) == [3, 6]


def test_each_worker_has_one_thread() -> None:
    assert set(compute.map(threads, range(3), workers=2)) == {(1, 1)}


def test_there_are_no_more_processes_than_items() -> None:
    assert list(compute.map(process, [0], workers=2)) == [os.getpid()]
    assert len({os.getpid(), *compute.map(process, [0, 1], workers=64)}) <= 3


def test_linear_algebra_has_one_thread_in_this_process_too() -> None:
    assert {found for _, found in compute.map(threads, range(1))} == {1}


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (2, 4)])
def test_no_more_than_a_few_items_are_drawn_ahead(workers: int, most: int) -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(40):
            asked.append(item)
            yield item

    results = compute.map(refused, (100 + item for item in items()), workers=workers)
    assert asked == []
    for taken, result in enumerate(results, 1):
        assert result == 99 + taken
        if taken == 1:
            # All that is in flight is done by then, and still nothing more was drawn.
            time.sleep(0.5)
        assert len(asked) < taken + most
    assert len(asked) == 40


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_stands_where_the_result_would(workers: int) -> None:
    results = compute.map(refused, range(8), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ParameterError, match="item three"):
        next(results)


def test_a_killed_worker_names_its_item() -> None:
    results = compute.map(killed, range(12), workers=2)
    found: list[int] = []
    with pytest.raises(AnalysisError, match=r"item 6 \(5\) died.*SIGKILL.*smaller items"):
        found.extend(results)
    assert found == [0, 10, 20, 30, 40]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    items = [(item, tmp_path / "mark") for item in range(9)]
    assert list(compute.map(killed_once, items, workers=2)) == list(range(9))
    assert (tmp_path / "mark").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
@pytest.mark.parametrize("asked", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_they_work_for(asked: signal.Signals) -> None:
    code = (
        "import os, sys, time; from crampstudy import compute\n"
        "def at_work(item):\n    if item: time.sleep(60)\n    return os.getpid()\n"
        "for worker in compute.map(at_work, range(9), workers=2): print(worker, flush=True)\n"
    )
    mark = f"CRAMPSTUDY_TEST=of-{os.getpid()}-{asked.name}"
    env = os.environ | dict([mark.split("=")])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout is not None
        assert int(run.stdout.readline()) != run.pid
        run.send_signal(asked)
    # The workers and joblib's own process that tracks what they share.
    assert kills.strays(mark) == []


def test_progress_counts_what_is_done() -> None:
    told: list[int] = []
    assert list(compute.map(refused, [7, 8, 9], progress=told.append)) == [7, 8, 9]
    assert told == [1, 2, 3]


def test_nothing_to_do() -> None:
    assert list(compute.map(refused, [], workers=2)) == []


@pytest.mark.parametrize("workers", [0, -1, 100_000])
def test_a_number_of_workers_that_cannot_be(workers: int) -> None:
    with pytest.raises(UsageError, match="from 1 to"):
        compute.map(refused, [], workers=workers)
