"""Validate ever larger Parquet diaries and time them: `python tests/bench/scale.py --write docs/scale.md`.

Each size runs in a process of its own, so that its peak of memory is its own. With ``--peers``, the jobs of
bench_clean.py are timed as well, at so many million nights. Without ``--write`` the tables are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import bench_clean
import big_diary
import numpy as np
from timing import measure

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
SIZES = (1, 5, 10, 25, 50)
LIMIT = 6
"""The peer as documented is stopped when it has taken so many times what this package took."""
_ONE = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
from crampstudy.validation import chunked
summary = chunked.validate(sys.argv[1], large=0)
seconds = time.perf_counter() - start
# Of this program alone: what getrusage() has begins with the peak of the one that started it.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1024**2
print(json.dumps({"seconds": seconds, "peak": peak, "read": summary.tables[1].read, "costly": summary.costly}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", default=",".join(map(str, SIZES)), help="sizes, in million nights")
    parser.add_argument("--unsorted", type=int, default=10, help="size of the file that is not sorted")
    parser.add_argument("--peers", type=int, default=0, help="time the peers at so many million nights")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each peer; the median counts")
    parser.add_argument("--data", type=Path, help="folder that keeps the files for another time")
    parser.add_argument("--write", type=Path, help="renew the tables in this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        text = tables(asked, asked.data or Path(aside))
    if asked.write:
        page = asked.write.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    else:
        print(text)
    return 0


def tables(asked: argparse.Namespace, data: Path) -> str:
    sizes = [int(size) for size in asked.millions.split(",")]
    lines = [f"Python {platform.python_version()}, {platform.machine()}, {len(_cpus())} cores.", ""]
    if asked.peers:
        lines += [*_peers(asked.peers, asked.rounds, data), ""]
    lines += [
        "| million nights | order in the file | seconds | seconds per million | peak, GB | cells and rows found |"
    ]
    lines += ["|---:|---|---:|---:|---:|---:|"]
    seconds = []
    for size, by_person in [*((size, True) for size in sizes), (asked.unsorted, False)]:
        found = _validated(data, size, by_person)
        order = "by participant" if by_person else "shuffled"
        each = found["seconds"] / size
        lines.append(
            f"| {size} | {order} | {found['seconds']:.1f} | {each:.2f} | {found['peak']:.1f} | {found['costly']:,} |"
        )
        print(f"{size} M, {order}: {found['seconds']:.1f} s, {found['peak']:.1f} GB", file=sys.stderr, flush=True)
        if by_person:
            seconds.append(found["seconds"])
    if len(sizes) > 1:
        slope, start = np.polyfit(sizes, seconds, 1)
        fit = np.corrcoef(sizes, seconds)[0, 1] ** 2
        lines += ["", f"Sorted files: {start:.1f} s and {slope:.2f} s per million nights (R² = {fit:.4f})."]
    return "\n".join(lines)


def _validated(data: Path, size: int, by_person: bool) -> dict[str, float]:
    folder = data / f"parquet-{size}{'' if by_person else '-shuffled'}"
    if not folder.exists():
        big_diary.write(folder, size * 1_000_000, "parquet", by_person=by_person)
    ran = subprocess.run([sys.executable, "-c", _ONE, str(folder)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    if found["read"] != size * 1_000_000:
        raise SystemExit(f"{folder} has {found['read']} nights, not {size} million")
    return found


def _peers(size: int, rounds: int, data: Path) -> list[str]:
    """Time the peers in turn; a row that is done is kept in ``data``, so that a bench of hours can be ended."""
    kept = data / f"peers-{size}-{rounds}.json"
    done: dict[str, str] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for job in bench_clean.jobs(data, size * 1_000_000):
        name = f"{job.name}, {job.peer_name}"
        if name not in done:
            timing = measure(job, rounds)
            times = f"{timing.ours:.2f} | {timing.peer:.2f} | {timing.ratio:.2f}"
            done[name] = f"| {job.name} | {times} | {job.peer_name} |"
            kept.write_text(json.dumps(done), encoding="utf-8")
            print(done[name], file=sys.stderr, flush=True)
    lines = [f"Medians of {rounds} interleaved runs, in seconds.", ""]
    lines += ["| job | crampstudy | other | ratio | other is |", "|---|---:|---:|---:|---|"]
    return [*lines, *done.values(), _as_documented(size, rounds, data)]


def _as_documented(size: int, rounds: int, data: Path) -> str:
    """The row of the peer that would take hours: it is given LIMIT times as long, in a process that can be stopped."""
    times: dict[str, list[float]] = {"ledger": [], "documented": []}
    stopped = 0
    for _ in range(rounds):
        for way, limit in (("ledger", None), ("documented", LIMIT)):
            code = f"import pathlib, sys, bench_clean; bench_clean.{way}(pathlib.Path(sys.argv[1]))"
            run = [sys.executable, "-c", code, str(data / f"csv-{size:g}")]
            start = time.perf_counter()
            try:
                subprocess.run(run, cwd=HERE, check=True, timeout=limit and limit * times["ledger"][-1])
            except subprocess.TimeoutExpired:
                stopped += 1
            times[way].append(time.perf_counter() - start)
    ours, peer = (median(times[way]) for way in ("ledger", "documented"))
    more = "more than " if 2 * stopped > rounds else ""
    said = f"{bench_clean.DOCUMENTED}; stopped in {stopped} of {rounds} runs" if stopped else bench_clean.DOCUMENTED
    print(f"as documented: {ours:.1f} s, {more}{peer:.1f} s", file=sys.stderr, flush=True)
    name = f"clean {size:g} M nights x {len(bench_clean.VARIABLES)}, CSV"
    return f"| {name} | {ours:.2f} | {more}{peer:.2f} | {more}{peer / ours:.2f} | {said} |"


def _cpus() -> set[int]:
    return os.sched_getaffinity(0)


if __name__ == "__main__":
    sys.exit(main())
