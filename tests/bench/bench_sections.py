"""What each section of the report computes on the default cohort, and all of them: seconds of one process, and of two.

A cohort remembers what was asked of it; every run is on a new one, so that it starts as a report does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from timing import Job

from crampstudy import Cohort, analyses, compute
from crampstudy.simulate import simulate
from crampstudy.simulate.scenario import presets

ALONE = "(nobody else)"


def jobs(_: Path) -> Iterator[Job]:
    default = presets.preset(presets.DEFAULT)
    cohort = simulate(default.participants, default.nights, 1, default.truth, default.mess)
    together = tuple(name for name, each in analyses.ANALYSES.items() if not (each.draws_on_others or each.on_request))
    for name in together:
        yield Job(f"section {name}, default cohort", ALONE, partial(computed, cohort, (name,)), None)
    yield Job(f"all {len(together)} sections, default cohort", ALONE, partial(computed, cohort, together), None)
    yield Job(f"all {len(together)} sections, two processes", ALONE, partial(by_two, cohort, together), None)


def computed(cohort: Cohort, names: tuple[str, ...]) -> dict[str, float]:
    fresh = replace(cohort)
    return {name: float(len(analyses.run(name, fresh).estimates)) for name in names}


def by_two(cohort: Cohort, names: tuple[str, ...]) -> dict[str, float]:
    """Compute as the kernels of a report do: whichever process is free takes the next section."""
    found = compute.map(partial(one, cohort), names, workers=2)
    return {name: numbers[name] for name, numbers in zip(names, found, strict=True)}


def one(cohort: Cohort, name: str) -> dict[str, float]:
    return computed(cohort, (name,))
