"""What each section of the report computes on the default cohort, and all of them: seconds of one process.

A cohort remembers what was asked of it; every run is on a new one, so that it starts as a report does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from timing import Job

from crampstudy import Cohort, analyses
from crampstudy.simulate import simulate

PARTICIPANTS, NIGHTS = 500, 90
ALONE = "(nobody else)"


def jobs(_: Path) -> Iterator[Job]:
    cohort = simulate(PARTICIPANTS, NIGHTS, 1)
    for name in analyses.ANALYSES:
        yield Job(f"section {name}, default cohort", ALONE, partial(computed, cohort, (name,)), None)
    together = tuple(analyses.ANALYSES)
    yield Job(f"all {len(together)} sections, default cohort", ALONE, partial(computed, cohort, together), None)


def computed(cohort: Cohort, names: tuple[str, ...]) -> dict[str, float]:
    fresh = replace(cohort)
    return {name: float(len(analyses.run(name, fresh).estimates)) for name in names}
