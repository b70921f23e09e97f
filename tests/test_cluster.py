"""A cluster of separate processes on this machine: the same bytes, whatever dies."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crampstudy import compute
from crampstudy.errors import AnalysisError, ParameterError, UsageError

pytest.importorskip("distributed", reason="needs the extra `cluster` (dask), which is not installed")

from crampstudy.compute import cluster

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
PATIENCE = 60.0


@contextmanager
def running(*command: str | Path, log: Path, path: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    """A part of Dask as a process of its own, with its children ended whatever happens."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, command)],
            stdout=out,
            stderr=out,
            env=environment,
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            # A worker whose scheduler is gone looks for it for long.
            process.wait(2)
        with suppress(ProcessLookupError):
            # The nanny's worker is of the same session.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    folder.mkdir(exist_ok=True)
    file = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    with running("scheduler", *options, log=folder / "scheduler.log") as process:
        until = time.monotonic() + PATIENCE
        while not file.is_file() or not file.read_text().strip():
            assert time.monotonic() < until, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        yield file, process


@contextmanager
def worker(file: Path, number: int, path: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    options = ("--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--host", "127.0.0.1")
    log = file.parent / f"worker-{number}.log"
    with running("worker", "--scheduler-file", file, *options, log=log, path=path) as process:
        yield process


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The scheduler file of a cluster of two workers."""
    from distributed import Client

    with scheduler(tmp_path_factory.mktemp("cluster")) as (file, _), worker(file, 1), worker(file, 2):
        # One that came first would do everything before the other is there.
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)
        yield file


def drawn(seed: int) -> tuple[bytes, int]:
    time.sleep(0.05)
    left, right = np.random.default_rng(seed).standard_normal((2, 150, 150))
    return bytes((left @ right).tobytes()), os.getpid()


def threads(_: int) -> tuple[int, int]:
    import polars as pl
    from threadpoolctl import threadpool_info

    return pl.thread_pool_size(), max((library["num_threads"] for library in threadpool_info()), default=1)


def refused(item: int) -> int:
    if item == 3:
        raise ParameterError("item three is out of range")
    if item == 5:
        raise FileNotFoundError("no such thing")
    return item


def killed(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * 10


def killed_once(mark: Path, item: int) -> int:
    if item == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_results_are_the_same_and_in_order_and_several_processes_make_them(address: Path) -> None:
    found = list(compute.map(drawn, range(20), workers=address))
    assert [result for result, _ in found] == [result for result, _ in compute.map(drawn, range(20))]
    makers = {maker for _, maker in found}
    assert len(makers) == 2 and os.getpid() not in makers


def test_an_address_is_as_good_as_a_scheduler_file(address: Path) -> None:
    scheduler = cluster._address(address)
    assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", scheduler)
    assert list(compute.map(refused, range(3), workers=scheduler)) == [0, 1, 2]
    assert list(compute.map(refused, [], workers=scheduler)) == []


def test_a_worker_has_one_thread_though_others_started_it(address: Path) -> None:
    assert set(compute.map(threads, range(4), workers=address)) == {(1, 1)}


def test_a_function_made_on_the_spot_will_do(address: Path) -> None:
    factor = 3
    assert list(compute.map(lambda x: x * factor, [1, 2], workers=address)) == [3, 6]


def test_an_error_stands_where_the_result_would(address: Path) -> None:
    results = compute.map(refused, range(8), workers=address)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ParameterError, match="item three"):
        next(results)
    with pytest.raises(FileNotFoundError, match="no such thing"):
        list(compute.map(refused, [5], workers=address))


def test_no_more_than_a_few_items_are_drawn_ahead(address: Path) -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(30):
            asked.append(item)
            yield 100 + item

    told: list[int] = []
    for taken, result in enumerate(compute.map(refused, items(), workers=address, progress=told.append), 1):
        assert result == 99 + taken == 99 + told[-1]
        # Two threads in all, two items for each.
        assert len(asked) < taken + 4
    assert len(asked) == 30


def test_the_same_bytes_after_a_worker_killed_itself_once(address: Path, tmp_path: Path) -> None:
    mark = tmp_path / "killed"
    assert list(compute.map(partial(killed_once, mark), range(9), workers=address)) == list(range(9))
    assert mark.exists()


def test_the_same_bytes_after_a_worker_was_killed(address: Path) -> None:
    expected = [result for result, _ in compute.map(drawn, range(30))]
    results = compute.map(drawn, range(30), workers=address)
    first, victim = next(results)
    os.kill(victim, signal.SIGKILL)
    rest = list(results)
    assert [first, *(result for result, _ in rest)] == expected
    assert rest[-1][1] != victim


def test_an_item_that_outlives_no_worker_is_named(address: Path) -> None:
    results = compute.map(killed, range(9), workers=address)
    assert [next(results) for _ in range(5)] == [0, 10, 20, 30, 40]
    with pytest.raises(AnalysisError, match=r"item 6 \(5\) died.*smaller items"):
        next(results)
    # The cluster is none the worse for it.
    assert list(compute.map(refused, range(3), workers=address)) == [0, 1, 2]


def test_fits_of_parts_and_bootstraps_are_the_same_byte_for_byte(
    address: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Imported here, so that the workers of the other tests start without them.
    from crampstudy import estimates, fit
    from crampstudy.models.bootstrap import bootstrap
    from crampstudy.models.common.partitions import in_parts
    from crampstudy.simulate import chunks, simulate, write

    # Two blocks of people, each a part of its own.
    monkeypatch.setattr(chunks, "PART_ROWS", 1)
    write(tmp_path / "study", 520, 30, 4, format="parquet", draws=2000)
    assert len(list((tmp_path / "study" / "diary").iterdir())) == 2
    asked = {"model": "poisson", "terms": "age_decade + sex"}
    one, many = (
        estimates.to_csv(fit(in_parts(tmp_path / "study", workers=workers), **asked).estimates)  # type: ignore[arg-type]
        for workers in (1, address)
    )
    assert one == many and "converged" in one
    cohort = simulate(60, 20, 2)
    one, many = (
        estimates.to_csv(bootstrap(cohort, rng=np.random.default_rng(1), replicates=60, workers=workers, **asked))  # type: ignore[arg-type]
        for workers in (1, address)
    )
    assert one == many and "converged" in one


def test_a_run_on_a_cluster_goes_on_where_it_stood(address: Path, tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    expected = [result for result, _ in compute.map(drawn, range(12))]
    results = compute.map(drawn, range(12), workers=address, keep=keep)
    first = [next(results) for _ in range(5)]
    results.close()  # type: ignore[attr-defined]
    assert len(list(keep.iterdir())) == 5
    again = list(compute.map(drawn, range(12), workers=address, keep=keep))
    assert [result for result, _ in again] == expected
    assert again[:5] == first


def test_no_cluster_there_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECTING", 0.5)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1 .*dask scheduler"):
        list(compute.map(refused, [1], workers="tcp://127.0.0.1:1"))
    with pytest.raises(UsageError, match="neither an address"):
        list(compute.map(refused, [1], workers=tmp_path / "absent.json"))
    with pytest.raises(UsageError, match="neither an address"):
        list(compute.map(refused, [1], workers="localhost"))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UsageError, match="no scheduler file"):
        list(compute.map(refused, [1], workers=tmp_path / "other.json"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "crampstudy.compute.cluster")
    monkeypatch.delattr(compute, "cluster")
    with pytest.raises(
        UsageError, match=r"distributed, which is not installed; run: pip install 'crampstudy\[cluster\]'"
    ):
        compute.map(refused, [1], workers="tcp://127.0.0.1:8786")


def test_no_worker_and_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "src" / "crampstudy", other / "crampstudy", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "crampstudy" / "age_bands" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("\n# another day\n")
    with scheduler(tmp_path) as (where, _):
        with monkeypatch.context() as impatient:
            impatient.setattr(cluster, "PATIENCE", 1.0)
            with pytest.raises(AnalysisError, match=r"no worker for 1 s; start one with `dask worker tcp://"):
                list(compute.map(refused, [1], workers=where))
        with worker(where, 1, other), pytest.raises(AnalysisError, match=r"has code \w+ instead of \w+; .*one version"):
            list(compute.map(refused, [1], workers=where))


def test_a_scheduler_that_dies_is_a_cluster_lost(tmp_path: Path) -> None:
    with scheduler(tmp_path) as (where, process), worker(where, 1):
        found = cluster._address(where)
        results = compute.map(drawn, range(500), workers=where)
        next(results)
        process.kill()
        with pytest.raises(AnalysisError, match=rf"the cluster at {found} was lost .* not done again"):
            list(results)


def test_the_page_says_what_happens(tmp_path: Path) -> None:
    """The page's commands, one after the other, those in the background ended at last; then its Python."""
    (console,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.M | re.S)
    shown = re.search(r"^```python\n(?P<code>.*?)^```\n+```text\n(?P<printed>.*?)^```", PAGE, re.M | re.S)
    assert shown
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    behind: list[subprocess.Popen[bytes]] = []
    try:
        for line in (part.strip() for part in console.split("$ ")[1:]):
            command, *printed = line.splitlines()
            if command.endswith("&"):
                with (tmp_path / "log").open("ab") as log:
                    behind.append(
                        subprocess.Popen(
                            shlex.split(command.removesuffix("&")),
                            cwd=tmp_path,
                            env=environment,
                            stdout=log,
                            stderr=log,
                            start_new_session=True,
                        )
                    )
                until = time.monotonic() + PATIENCE
                while not (tmp_path / "scheduler.json").is_file():
                    assert time.monotonic() < until, (tmp_path / "log").read_text()
                    time.sleep(0.1)
                continue
            ran = subprocess.run(
                shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400
            )
            assert ran.returncode == 0, ran.stderr
            assert ran.stdout.splitlines() == printed
        assert len(behind) == 2
        code = [sys.executable, "-c", shown["code"]]
        ran = subprocess.run(code, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == shown["printed"]
    finally:
        for process in reversed(behind):
            process.terminate()
        for process in behind:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def test_the_slurm_example_names_what_dask_jobqueue_takes() -> None:
    jobqueue = pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue, which is not installed")
    (code,) = (c for c in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S) if "SLURMCluster" in c)
    (call,) = (
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "SLURMCluster"
    )
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    job = jobqueue.SLURMCluster.job_cls
    taken = {name for of in (job, *job.__mro__) for name in inspect.signature(of.__init__).parameters}
    assert set(given) <= taken
    # The script that would be handed to sbatch.
    script = job(scheduler="tcp://head:8786", name="one", **given).job_script()
    assert re.search(r"^#SBATCH -t 02:00:00$", script, re.M) and "--nthreads 1" in script
    # What the example calls is there.
    assert hasattr(jobqueue.SLURMCluster, "scheduler_address")
    assert "jobs" in inspect.signature(jobqueue.SLURMCluster.scale).parameters
