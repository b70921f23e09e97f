"""A diary in parts, fitted with the memory of one part per worker: `python tests/bench/hundred_million.py`.

Draws a cohort of ``--nights`` nights with core columns, part by part, then fits it in processes of its own: Poisson and
random-intercept Poisson, both with cluster-robust intervals, by one worker and by several. ``--write docs/cluster.md``
renews the table there. At 100 million nights the parts take less than 0.1 GB on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from crampstudy import compute, estimates, fit
from crampstudy.models.common.partitions import in_parts
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.chunks import Job
from crampstudy.simulate.draw.cohort import draw_cramps, draw_rates
from crampstudy.simulate.draw.plan import BLOCK, Plan
from crampstudy.sources.writer import About, EncodedTables, encode, writing

NIGHTS_EACH, SEED = 365, 1
BLOCKS = 5
"""Blocks of a part: some 0.9 million nights."""
TERMS, MODELS = "age_decade + sex + electrolyte_drink", ("poisson", "mixed-poisson")
BEGIN, END = "<!-- partitions: begin -->", "<!-- partitions: end -->"


def part(plan: Plan, blocks: range) -> EncodedTables:
    """Draw the core columns of some blocks as the bytes of a part."""
    drawn = [core(plan, index) for index in blocks]
    tables = {name: pl.concat(block[name] for block in drawn) for name in ("participants", "diary")}
    return encode(tables, "parquet")


def core(plan: Plan, index: int) -> dict[str, pl.DataFrame]:
    first, n, rng = plan.block(index)
    rates_rng, cramps_rng, _ = rng.spawn(3)
    drawn = draw_rates(plan.truth, n, plan.nights, rates_rng, ["electrolyte_drink"])
    asked = drawn.asked
    names = pl.Series("participant_id", [f"P{i:07d}" for i in range(first + 1, first + n + 1)])
    people = pl.DataFrame([names]).with_columns(
        age_years=pl.Series(asked.age, dtype=pl.Float64), sex=pl.Series(asked.people["sex"].tolist(), dtype=pl.String)
    )
    diary = pl.DataFrame([names.gather(np.repeat(np.arange(n), plan.nights))]).with_columns(
        date=pl.Series(asked.date.ravel().astype("datetime64[D]")),
        cramps=pl.Series(draw_cramps(plan.truth, drawn, cramps_rng).ravel().astype(np.int64)),
        electrolyte_drink=pl.Series(asked.habits["electrolyte_drink"].ravel().astype(bool)),
    )
    return {"participants": people, "diary": diary}


def draw(folder: Path, nights: int, workers: int) -> int:
    """Write the cohort and return its number of nights."""
    people = max(1, round(nights / (BLOCK * NIGHTS_EACH))) * BLOCK
    plan = Job.of(people, NIGHTS_EACH, SEED, Truth(), Mess()).plan
    batches = [range(i, min(i + BLOCKS, plan.blocks)) for i in range(0, plan.blocks, BLOCKS)]
    with writing(folder, About("partitioned", synthetic=True), "parquet") as out:
        for done, block in enumerate(compute.map(partial(part, plan), batches, workers=workers), 1):
            out.add(block)
            say(f"drawn: {done} of {len(batches)} parts")
    sys.stderr.write("\n")
    return people * NIGHTS_EACH


class Peak(threading.Thread):
    """The highest resident memory of this process and of its largest child, in MB, looked at ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.own = self.child = 0.0

    def run(self) -> None:
        me = psutil.Process()
        while not self.ended.wait(0.1):
            self.own = max(self.own, me.memory_info().rss / 1e6)
            for child in me.children(recursive=True):
                try:
                    self.child = max(self.child, child.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue


def one(folder: Path, model: str, workers: compute.Workers) -> dict[str, object]:
    """Fit once, and say how long it took, how much memory, and what came of it."""
    peak = Peak()
    peak.start()
    began = time.perf_counter()
    fitted = fit(in_parts(folder, workers=workers), model=model, terms=TERMS)
    seconds = time.perf_counter() - began
    peak.ended.set()
    peak.join()
    return {
        "seconds": seconds,
        "own": peak.own,
        "worker": peak.child,
        "nights": fitted.n_rows,
        "status": fitted.status,
        "rows": estimates.to_csv(fitted.estimates),
    }


def table(folder: Path, nights: int, counts: list[int]) -> str:
    """Fit by every number of workers, each in a process of its own, and return the table.

    Raises:
        SystemExit: a fit did not converge, missed nights, or its rows are not those of one worker.
    """
    parts = sorted((folder / "diary").iterdir()) if (folder / "diary").is_dir() else [folder / "diary.parquet"]
    lines = [
        f"Python {platform.python_version()}, {platform.machine()}, {len(os.sched_getaffinity(0))} cores; "
        f"{nights:,} nights of {nights // NIGHTS_EACH:,} participants in {len(parts)} parts, "
        f"{sum(path.stat().st_size for path in parts) / 1e6:,.0f} MB of Parquet.",
        "",
        "| model | nights | parts | workers | seconds | peak of a worker, MB | peak of the process that merges, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for model in MODELS:
        rows = None
        for workers in counts:
            asked = [sys.executable, __file__, "--one", str(folder), model, str(workers)]
            ran = subprocess.run(asked, capture_output=True, text=True, check=True)
            found = json.loads(ran.stdout)
            if found["status"] != "converged" or found["nights"] != nights:
                raise SystemExit(f"{model}: {found['status']} on {found['nights']:,} of {nights:,} nights")
            rows = rows or found["rows"]
            if found["rows"] != rows:
                raise SystemExit(f"{model}: {workers} workers leave other rows than {counts[0]}")
            alone = workers == 1
            shown = "the same process" if alone else f"{found['worker']:,.0f}"
            line = f"| {model} | {nights:,} | {len(parts)} | {workers} | {found['seconds']:.1f} | {shown} "
            lines.append(f"{line}| {found['own']:,.0f} |")
            sys.stderr.write(f"{lines[-1]}\n")
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stderr.write(f"\r{text}")
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=100_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of processes to fit with")
    parser.add_argument("--folder", type=Path, help="keep the cohort here, and use it again (default: nowhere)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file")
    parser.add_argument("--one", nargs=3, metavar=("FOLDER", "MODEL", "WORKERS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        folder, model, workers = asked.one
        print(json.dumps(one(Path(folder), model, int(workers))))
        return 0
    with tempfile.TemporaryDirectory(prefix="crampstudy-") as aside:
        folder = (asked.folder or Path(aside)) / f"nights-{asked.nights}"
        if (folder / "datapackage.json").is_file():
            nights = in_parts(folder).participants.height * NIGHTS_EACH
        else:
            nights = draw(folder, asked.nights, max(asked.workers))
        made = table(folder, nights, asked.workers)
    if not asked.write:
        print(made)
        return 0
    page = asked.write.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    asked.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
