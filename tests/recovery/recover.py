"""Does every model find what is there? `make recover`, or a part: `make recover ARGS="--models poisson --cohorts 50"`.

Draws cohorts from known truths (recovery_scenarios.py), fits every model, counts how often intervals cover the
answers, and writes the tables of docs/recovery.md. What was done is kept in ``build/recovery``, a small file per draw
and model, under a digest of the code behind it: the next run goes on from there, and does again what a change touched.
A whole run also renews the tables of rates by band, of frequency and season, of compared cohorts and of claims;
``--rates``, ``--sections``, ``--compared`` and ``--claims`` do nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import recovery_claims as claims
import recovery_compared as compared
import recovery_exposures as exposures
import recovery_grid as grid
import recovery_rates as rates
import recovery_sections as sections
import recovery_table as table
from recovery_asked import ASKED, Asked
from recovery_keys import key
from recovery_scenarios import Scenario

from crampstudy import compute
from crampstudy.cohort import Cohort

ROOT = Path(__file__).resolve().parents[2]
DRAWS_AT_ONCE = 10
"""Draws behind one file: little is lost when a run is ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """Some draws of one scenario, and the models that have not met them yet; seed and people are of the whole run."""

    scenario: str
    batch: int
    names: tuple[str, ...]
    seed: int
    people: int | None


def run(task: Task) -> dict[str, list[dict[str, list[float] | None]]]:
    """Return by model what each cohort of a batch gave by term."""
    scenario = grid.scenarios()[task.scenario]
    if task.people:
        scenario = replace(scenario, people=task.people)
    asked = [a for a in scenario.asked if a.name in task.names]
    found: dict[str, list[dict[str, list[float] | None]]] = {a.name: [] for a in asked}
    for i in range(task.batch * DRAWS_AT_ONCE, (task.batch + 1) * DRAWS_AT_ONCE):
        # A draw has its own seed, whatever else is run: the scenario by its place in the grid, then its number.
        seed = np.random.SeedSequence(task.seed, spawn_key=(list(grid.scenarios()).index(task.scenario), i))
        for cohort in grid.cohorts(scenario, seed):
            for a in asked:
                found[a.name].append(_found(scenario, a, cohort))
    return found


def _found(scenario: Scenario, asked: Asked, cohort: Cohort) -> dict[str, list[float] | None]:
    if isinstance(scenario.truth, (exposures.Simulated, exposures.Diaries)):
        return exposures.run(scenario.truth, asked, cohort)
    return grid.run(scenario, asked, cohort)


def main() -> int:
    asked = _arguments()
    if asked.rates or asked.whole:
        _renew_rates(asked)
    if asked.sections or asked.whole:
        _renew_sections(asked)
    if asked.compared or asked.whole:
        _renew_compared(asked)
    if asked.claims or asked.whole:
        _renew_claims(asked)
    if asked.rates or asked.sections or asked.compared or asked.claims:
        return 0
    if asked.fresh:
        shutil.rmtree(asked.state, ignore_errors=True)
    chosen = [s for s in grid.scenarios().values() if any(fnmatch(s.name, pattern) for pattern in asked.scenarios)]
    state = asked.state / (f"seed-{asked.seed}" + (f"-people-{asked.people}" if asked.people else ""))
    began = time.monotonic()
    tasks = list(_tasks(chosen, asked, state))
    sys.stderr.write(f"{len(tasks)} batches to do, results in {asked.state}\n")
    # The map draws its items as they are needed: when time is up there are no more.
    left = (t for t in tasks if asked.minutes is None or time.monotonic() - began < 60 * asked.minutes)
    given: list[Task] = []
    named = {a.name: a for a in ASKED}

    def noted(items: Iterator[Task]) -> Iterator[Task]:
        for item in items:
            given.append(item)
            yield item

    for done, found in enumerate(compute.map(run, noted(left), workers=asked.cluster or asked.workers)):
        for name, results in found.items():
            _keep(_file(state, given[done].scenario, named[name], given[done].batch), results)
        sys.stderr.write(f"\r{done + 1} of {len(tasks)}, {time.monotonic() - began:.0f} s")
    sys.stderr.write("\n")
    cells = table.ordered(collected(state))
    if not cells:
        sys.stderr.write("nothing was run\n")
        return 1
    unknown = False
    for block, marks in table.BLOCKS.items():
        if not (own := [c for c in cells if c.scenario.block == block]):
            continue
        made = table.tables(own, block)
        if asked.write:
            _write(asked.write, made, marks)
        else:
            sys.stdout.write(f"{made}\n")
        unknown |= any(table.known(c) is None for c in table.beyond_chance(own))
    return int(unknown)


def _renew_rates(asked: argparse.Namespace) -> None:
    """Measure the intervals of rates, and write their tables and what the package says of them."""
    crude, adjusted = rates.measured(asked.cohorts or rates.GROUPS, asked.seed, asked.cluster or asked.workers)
    made = rates.tables(crude, adjusted)
    if asked.write:
        _write(asked.write, made, rates.MARKS)
        rates.SHIPPED.write_text(rates.as_csv(crude), encoding="utf-8")
    else:
        sys.stdout.write(f"{made}\n")


def _renew_sections(asked: argparse.Namespace) -> None:
    """Measure the intervals of the sections on frequency and season, and write their tables."""
    found = sections.measured(asked.cohorts or sections.COHORTS, asked.seed, asked.cluster or asked.workers)
    if asked.write:
        _write(asked.write, sections.tables(found), sections.MARKS)
    else:
        sys.stdout.write(f"{sections.tables(found)}\n")


def _renew_compared(asked: argparse.Namespace) -> None:
    """Measure the intervals and tests of compared cohorts, and write their table."""
    found = compared.measured(asked.cohorts or compared.COHORTS, asked.seed, asked.cluster or asked.workers)
    if asked.write:
        _write(asked.write, compared.table(found), compared.MARKS)
    else:
        sys.stdout.write(f"{compared.table(found)}\n")


def _renew_claims(asked: argparse.Namespace) -> None:
    """Measure how often verdicts on claims are wrong, and write their table; cohorts of a run before count."""
    if asked.fresh:
        shutil.rmtree(asked.state / f"seed-{asked.seed}" / "claims", ignore_errors=True)
    every = list(claims.tasks(asked.cohorts or claims.COHORTS, asked.seed, asked.state))
    began = time.monotonic()
    left = (
        each
        for each in every
        if not each.file.exists() and (asked.minutes is None or time.monotonic() - began < 60 * asked.minutes)
    )
    for done, _ in enumerate(compute.map(claims.run, left, workers=asked.cluster or asked.workers)):
        sys.stderr.write(f"\r{done + 1} cohorts for claims, {time.monotonic() - began:.0f} s")
    made = claims.table(claims.measured(every))
    if asked.write:
        _write(asked.write, made, claims.MARKS)
    else:
        sys.stdout.write(f"{made}\n")


def _write(path: Path, made: str, marks: tuple[str, str] = table.MARKS) -> None:
    path.write_text(table.renew(path.read_text(encoding="utf-8"), made, marks), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    names = sorted({a.model for a in ASKED})
    parser = argparse.ArgumentParser(prog="make recover", description=__doc__)
    parser.add_argument("--models", nargs="+", default=names, choices=names, metavar="MODEL", help=", ".join(names))
    parser.add_argument(
        "--scenarios", nargs="+", default=["*"], metavar="NAME", help="names or patterns, as 'block 0*'"
    )
    parser.add_argument("--rates", action="store_true", help="renew the tables of rates by band alone, in minutes")
    parser.add_argument("--sections", action="store_true", help="renew the tables of frequency and season alone")
    parser.add_argument("--compared", action="store_true", help="renew the table of compared cohorts alone, in minutes")
    parser.add_argument("--claims", action="store_true", help="renew the table of verdicts on claims alone, in hours")
    parser.add_argument("--cohorts", type=int, help="cohorts a cell (default: by the model, 1,000 or 400)")
    parser.add_argument(
        "--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes (default: every core)"
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="a Dask cluster instead, whose workers have tests/recovery on PYTHONPATH: its address or scheduler file",
    )
    parser.add_argument("--people", type=int, help="participants of every cohort, instead of the scenario's own number")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so many minutes; 0: tables alone")
    parser.add_argument("--seed", type=int, default=20240108)
    parser.add_argument("--state", type=Path, default=ROOT / "build" / "recovery", help="where results are kept")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="renew the tables in this file (default: print them)"
    )
    found = parser.parse_args()
    parts = ("models", "scenarios", "people", "minutes", "cohorts")
    single = any(getattr(found, part) for part in ("rates", "sections", "compared", "claims"))
    found.whole = not single and all(getattr(found, part) == parser.get_default(part) for part in parts)
    if found.cohorts is not None and found.cohorts < 1:
        parser.error("--cohorts must be at least 1")
    if found.people is not None and (found.people < 1 or found.write):
        parser.error("--people must be at least 1, and its tables are printed, not written")
    return found


def _tasks(chosen: list[Scenario], asked: argparse.Namespace, state: Path) -> Iterator[Task]:
    """Yield what is left to do: the first batches of every scenario before the second of any."""
    wanted: list[tuple[int, int, Scenario, tuple[str, ...]]] = []
    for place, scenario in enumerate(chosen):
        each = DRAWS_AT_ONCE * scenario.at_once
        models = [a for a in scenario.asked if a.model in asked.models]
        for batch in range(max((-(-_number(a, asked) // each) for a in models), default=0)):
            due = (a for a in models if batch < -(-_number(a, asked) // each))
            names = tuple(a.name for a in due if not _file(state, scenario.name, a, batch).exists())
            if names:
                wanted.append((batch, place, scenario, names))
    for batch, _, scenario, names in sorted(wanted, key=lambda w: w[:2]):
        yield Task(scenario.name, batch, names, asked.seed, asked.people)


def _number(model: Asked, asked: argparse.Namespace) -> int:
    return int(asked.cohorts or model.cohorts)


def _file(state: Path, scenario: str, asked: Asked, batch: int) -> Path:
    named = f"{asked.name.replace('/', '-')}-{key(asked.model, asked.by)}"
    return state / scenario.replace(" ", "-") / named / f"{batch:04}.json"


def _keep(path: Path, results: list[dict[str, list[float] | None]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(results), encoding="utf-8")
    aside.replace(path)


def collected(state: Path) -> Iterator[table.Cell]:
    """Yield a cell for every model, scenario and term that has results."""
    for scenario in grid.scenarios().values():
        for asked in scenario.asked:
            files = sorted(_file(state, scenario.name, asked, 0).parent.glob("*.json"))
            cohorts = [cohort for path in files for cohort in json.loads(path.read_text(encoding="utf-8"))]
            for term in cohorts[0] if cohorts else ():
                yield table.cell(asked, scenario, term, [cohort[term] for cohort in cohorts])


if __name__ == "__main__":
    sys.exit(main())
