"""Runs that are killed leave no process, no half-written output, and nothing that the next run does not sweep.

A few of the kills of `make crash`, on notebooks that are quick to run.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import kills
import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to see processes")
CELLS = (
    'source: str = "x"  # the cohort',
    "import time\nfrom crampstudy.report import blocks\nblocks.value(NAME, source)\ntime.sleep(0.5)",
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kills.Bench]:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "outline.yaml").write_text("title: Cramps\nparts:\n  - {title: Both, notebooks: [one, two]}\n")
    for name in ("one", "two"):
        cells: list[dict[str, object]] = [{"cell_type": "markdown", "id": "m", "metadata": {}, "source": f"# {name}"}]
        for number, code in enumerate(CELLS):
            tags = [] if number else ["parameters"]
            cell = {"cell_type": "code", "id": f"c{number}", "metadata": {"tags": tags}, "outputs": []}
            cells.append(cell | {"source": code.replace("NAME", repr(name)), "execution_count": None})
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(content))
    with kills.bench(folder) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("report", signal.SIGKILL),
        ("import", signal.SIGKILL),
        ("simulate", signal.SIGINT),
        ("map", signal.SIGKILL),
        ("grid", signal.SIGTERM),
    ],
)
def test_a_killed_run_leaves_nothing(bench: kills.Bench, kind: str, asked: signal.Signals) -> None:
    if kind not in bench.seconds:
        bench.whole(kind)
    # While it is at work: at the very beginning nothing is there yet that could stay.
    share = random.Random(f"{kind} {asked}").uniform(0.4, 0.9)
    assert kills.kill(bench, kills.Kill(kind, asked, share)) == []


def test_the_kills_are_of_every_kind_and_signal() -> None:
    drawn = kills.drawn(100, seed=1)
    assert drawn == kills.drawn(100, seed=1) != kills.drawn(100, seed=2)
    pairs = Counter((kill.kind, kill.signal) for kill in drawn)
    assert len(pairs) == 15 and min(pairs.values()) >= 6 and max(kill.share for kill in drawn) > 1


def test_a_process_that_stays_is_found(bench: kills.Bench) -> None:
    assert kills.strays(bench.mark) == []
    with subprocess.Popen(["sleep", "60"], env=bench.env) as stray:
        until = time.monotonic() + kills.PATIENCE
        # Its environment is not there at once.
        while not (found := kills.processes(bench.mark)) and time.monotonic() < until:
            time.sleep(0.01)
        stray.kill()
    assert [number for number, _ in found] == [stray.pid]
    assert kills.strays(bench.mark) == []
