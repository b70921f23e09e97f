"""Write ordinal-data.csv, ordered classes in a small synthetic cluster sample: `python tests/parity/ordinal_data.py`.

Five classes on five rows of each participant, who live in the PSUs of eight strata; `psu_lonely` has a single PSU in
stratum 8. `times` are case weights; the slope of `score` differs between the thresholds, those of the others do not.
With a folder of NHANES tables as argument its adults with a recalled class go to standard output, for ordinal.R.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SEED = 20240311
HEADER = (
    *("participant", "stratum", "psu", "psu_lonely", "weight", "domain"),
    *("age", "female", "score", "times", "class"),
)
THRESHOLDS = (0.1, 0.9, 1.9, 3.0)
SLOPES = (1.5, 1.0, 0.3, -0.2)


def rows() -> Iterator[tuple[object, ...]]:
    """Yield a row per participant and occasion."""
    rng = np.random.default_rng(SEED)
    participant = 0
    for stratum in range(1, 9):
        for psu in range(1, 4 if stratum in (2, 5) else 3):
            place = rng.normal(0, 0.3)
            for _ in range(6):
                participant += 1
                age, female = round(rng.normal(0, 1.5), 2), bool(rng.random() < 0.55)
                weight = round(float(rng.gamma(3, 4000)) * (1 + 0.3 * female), 3)
                person = rng.normal(0, 0.7)
                for _ in range(5):
                    score, noise = round(float(rng.random() * 2), 3), rng.random()
                    common = 0.3 * age + 0.4 * female + place + person
                    above = [common + slope * score - cut for cut, slope in zip(THRESHOLDS, SLOPES, strict=True)]
                    level = sum(noise < 1 / (1 + np.exp(-value)) for value in above)
                    domain = int(age > -2 and not (stratum == 3 and psu == 2))
                    lonely = 1 if stratum == 8 else psu
                    times = int(rng.integers(1, 4))
                    yield (
                        *(participant, stratum, psu, lonely, weight, domain),
                        *(age, int(female), score, times, level),
                    )


def nhanes(folder: str) -> Iterator[tuple[object, ...]]:
    """Yield the people of a survey with their recalled class, -1 where there is none."""
    from crampstudy import open_cohort
    from crampstudy.models.common.recalled_outcomes import classes

    cohort = open_cohort(f"nhanes:{folder}")
    people = cohort.frame("participants")
    found = np.nan_to_num(classes(people), nan=-1).astype(int)
    columns = ("stratum", "psu", "weight_interview", "age_years", "sex")
    yield (*columns, "class")
    yield from ((*row, level) for row, level in zip(people.select(columns).iter_rows(), found.tolist(), strict=True))


def main() -> None:
    if len(sys.argv) > 1:
        csv.writer(sys.stdout, lineterminator="\n").writerows(nhanes(sys.argv[1]))
        return
    with Path(__file__).with_name("ordinal-data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows())


if __name__ == "__main__":
    main()
