"""Nights drawn per second: `python tests/bench/bench_simulate.py`, against the targets for two cores.

As a file of `make bench` it times two worker processes against one, after checking that they draw the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import polars as pl
from timing import Job

from crampstudy import compute
from crampstudy.simulate import Mess, Truth, chunks
from crampstudy.simulate.draw.cohort import draw_block, draw_core
from crampstudy.simulate.draw.plan import BLOCK, Plan

NIGHTS_EACH, SEED, WORKERS = 365, 1, 2
FEEDBACK = -0.05


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to draw a block, and how many nights a second it should draw."""

    name: str
    target: int
    truth: Truth
    drawn: Callable[[Plan, int], pl.DataFrame]


def whole(plan: Plan, index: int) -> pl.DataFrame:
    return draw_block(plan, index).tables["diary"]


def kinds() -> tuple[Kind, Kind]:
    truth = Truth()
    fed = replace(truth, cramps=replace(truth.cramps, sleep_feedback=FEEDBACK))
    return (
        Kind("core columns", 500_000, truth, draw_core),
        Kind("all tables and columns, sleep feedback", 200_000, fed, whole),
    )


def counted(kind: Kind, plan: Plan, index: int) -> tuple[int, int]:
    """Draw a block where it is drawn, and return its nights and cramps."""
    diary = kind.drawn(plan, index)
    return diary.height, int(diary["cramps"].sum())


def plan_of(kind: Kind, nights: int) -> Plan:
    people = BLOCK * max(1, round(nights / (BLOCK * NIGHTS_EACH)))
    return chunks.Job.of(people, NIGHTS_EACH, SEED, kind.truth, Mess()).plan


def jobs(folder: Path, nights: int = 5_000_000) -> Iterator[Job]:
    for kind in kinds():
        plan = plan_of(kind, nights)
        yield Job(
            f"simulate {plan.participants * plan.nights:,} nights, {kind.name}"[:52],
            "one worker",
            partial(totals, kind, plan, WORKERS),
            partial(totals, kind, plan, 1),
        )


def totals(kind: Kind, plan: Plan, workers: int) -> dict[str, float]:
    found = list(compute.map(partial(counted, kind, plan), range(plan.blocks), workers=workers))
    return {"nights": sum(n for n, _ in found), "cramps": sum(c for _, c in found)}


def per_second(kind: Kind, plan: Plan, workers: int) -> float:
    """Return nights per second when all workers are at work, after their start."""
    results = compute.map(partial(counted, kind, plan), range(plan.blocks), workers=workers)
    for _ in range(2 * workers):
        next(results)
    start = time.perf_counter()
    nights = sum(n for n, _ in results)
    return nights / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=8_000_000, help="nights per round")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds; the median counts")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes")
    asked = parser.parse_args()
    print(f"{'drawn':<42} {'nights/s':>12} {'slowest':>12} {'fastest':>12} {'target':>12}")
    for kind in kinds():
        plan = plan_of(kind, asked.nights)
        rates = [per_second(kind, plan, asked.workers) for _ in range(asked.rounds)]
        print(f"{kind.name:<42} {median(rates):>12,.0f} {min(rates):>12,.0f} {max(rates):>12,.0f} {kind.target:>12,}")


if __name__ == "__main__":
    main()
