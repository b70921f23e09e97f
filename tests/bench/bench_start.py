"""Commands from their start to their end, against what no command can do without: importing pandas and polars."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from timing import Job

from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

PEOPLE, NIGHTS = 40, 20
PEER = "python -c 'import pandas, polars'"


def jobs(folder: Path) -> Iterator[Job | str]:
    cohort = folder / "cohort"
    package.write(simulate(PEOPLE, NIGHTS, seed=1), cohort, "csv")
    command = partial(run, "-m", "crampstudy")
    for name, ours in {
        f"describe, {PEOPLE} people x {NIGHTS} nights": partial(command, "describe", cohort),
        f"validate, {PEOPLE} people x {NIGHTS} nights": partial(command, "validate", cohort),
        f"fit (Poisson), {PEOPLE} people x {NIGHTS} nights": partial(
            command, "fit", cohort, "--model", "poisson", "--terms", "sex"
        ),
        "try, a list of nights": partial(command, "try", cohort / "diary.csv"),
        "--help": partial(command, "--help"),
        "describe --help": partial(command, "describe", "--help"),
    }.items():
        yield Job(f"crampstudy {name}", PEER, ours, partial(run, "-c", "import pandas, polars"))


def run(*arguments: str | Path) -> dict[str, float]:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return {}
