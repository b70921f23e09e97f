"""Time this package against its peers: `make bench`, or `make bench ARGS="read --rounds 21"` for one file.

Every bench_*.py here offers ``jobs(folder)``: the jobs it times, with ``folder`` to keep files in. One whose jobs
also take ``nights`` can be asked for another size: `make bench ARGS="clean --nights 10_000_000 --rounds 5"`. Between
jobs there may be remarks, which are printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from importlib import import_module
from inspect import signature
from pathlib import Path

from timing import Disagreement, measure

BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
HERE = Path(__file__).resolve().parent


def main() -> int:
    """Print one line per job; exit 1 where the two ways of a job disagree."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="make bench", description="Times in seconds; ratio = peer / crampstudy.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, of {', '.join(names)} (default: all)")
    parser.add_argument("--rounds", type=int, default=11, help="timed runs of each way; the median counts")
    parser.add_argument("--nights", type=int, help="nights of the diary, where a bench can take another number")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the lines into the table of this file too")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no bench {sorted(unknown)[0]!r}; allowed: {', '.join(names)}")
    if asked.rounds < 1:
        parser.error("--rounds must be at least 1")
    print(f"medians of {asked.rounds} interleaved runs, in seconds; ratio above 1: crampstudy is faster")
    print(f"{'job':<60} {'crampstudy':>10} {'peer':>10} {'ratio':>7}  peer")
    failed = 0
    for name in asked.names or names:
        with tempfile.TemporaryDirectory() as folder:
            jobs = import_module(f"bench_{name}").jobs
            sized = asked.nights and "nights" in signature(jobs).parameters
            for job in jobs(Path(folder), asked.nights) if sized else jobs(Path(folder)):
                if isinstance(job, str):
                    print(job, flush=True)
                    continue
                try:
                    timing = measure(job, asked.rounds)
                except Disagreement as disagreement:
                    print(f"not timed: {disagreement}", file=sys.stderr)
                    failed += 1
                    continue
                peer, ratio = ("", "") if job.peer is None else (f"{timing.peer:.4f}", f"{timing.ratio:.2f}")
                print(f"{job.name:<60} {timing.ours:>10.4f} {peer:>10} {ratio:>7}  {job.peer_name}", flush=True)
                if asked.write:
                    cells = (job.name.strip(), f"{timing.ours:.3g}", peer and f"{timing.peer:.3g}", ratio)
                    written(asked.write, (*cells, job.peer_name, str(asked.rounds), f"{date.today():%Y-%m-%d}"))
    return int(failed > 0)


def written(page: Path, cells: tuple[str, ...]) -> None:
    """Put a line into the table of ``page``, in the place of one of the same job and peer if there is one."""
    text = page.read_text(encoding="utf-8")
    before, table, after = text.split(BEGIN)[0], text.split(BEGIN)[1].split(END)[0], text.split(END)[1]
    lines = table.strip().splitlines()
    same = [i for i, line in enumerate(lines) if [c.strip() for c in line.split("|")][1:6:4] == [cells[0], cells[4]]]
    line = f"| {' | '.join(cells)} |"
    if same:
        lines[same[0]] = line
    else:
        lines.append(line)
    page.write_text("\n".join([f"{before}{BEGIN}", *lines, f"{END}{after}"]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
