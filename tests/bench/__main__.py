"""Time this package against its peers: `make bench`, or `make bench ARGS="read --rounds 21"` for one file.

Every bench_*.py here offers ``jobs(folder)``: the jobs it times, with ``folder`` to keep files in. One whose jobs
also take ``nights`` can be asked for another size: `make bench ARGS="clean --nights 10_000_000 --rounds 5"`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from inspect import signature
from pathlib import Path

from timing import Disagreement, measure

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Print one line per job; exit 1 where the two ways of a job disagree."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="make bench", description="Times in seconds; ratio = peer / crampstudy.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, of {', '.join(names)} (default: all)")
    parser.add_argument("--rounds", type=int, default=11, help="timed runs of each way; the median counts")
    parser.add_argument("--nights", type=int, help="nights of the diary, where a bench can take another number")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no bench {sorted(unknown)[0]!r}; allowed: {', '.join(names)}")
    if asked.rounds < 1:
        parser.error("--rounds must be at least 1")
    print(f"medians of {asked.rounds} interleaved runs, in seconds; ratio above 1: crampstudy is faster")
    print(f"{'job':<52} {'crampstudy':>10} {'peer':>10} {'ratio':>7}  peer")
    failed = 0
    for name in asked.names or names:
        with tempfile.TemporaryDirectory() as folder:
            jobs = import_module(f"bench_{name}").jobs
            sized = asked.nights and "nights" in signature(jobs).parameters
            for job in jobs(Path(folder), asked.nights) if sized else jobs(Path(folder)):
                try:
                    timing = measure(job, asked.rounds)
                except Disagreement as disagreement:
                    print(f"not timed: {disagreement}", file=sys.stderr)
                    failed += 1
                    continue
                print(
                    f"{job.name:<52} {timing.ours:>10.4f} {timing.peer:>10.4f} {timing.ratio:>7.2f}  {job.peer_name}",
                    flush=True,
                )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
