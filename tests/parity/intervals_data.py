"""Write intervals-data.csv, classes of 30-day counts in a small sample: `python tests/parity/intervals_data.py`.

Eight strata of two or three PSUs, informative weights, negative-binomial counts and a few people who cramp every night.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED = 20260411
HEADER = ("stratum", "psu", "weight", "age", "female", "nights", "domain", "low", "high")
LOWS, HIGHS = (0, 1, 2, 5, 16), (0, 1, 4, 15, "")


def rows() -> list[tuple[object, ...]]:
    """Return about 700 persons, a tenth of them asked about 28 nights instead of 30."""
    rng = np.random.default_rng(SEED)
    made: list[tuple[object, ...]] = []
    for stratum in range(1, 9):
        for psu in range(1, 4 if stratum in (2, 5) else 3):
            shift = rng.normal(0, 0.2)
            for _ in range(rng.integers(34, 45)):
                age, female = int(rng.integers(14, 86)), int(rng.random() < 0.5)
                weight = 0.0 if rng.random() < 0.04 else round(float(rng.gamma(3, 4000)) * (1 + 0.3 * female), 3)
                nights = 28 if rng.random() < 0.1 else 30
                mean = nights * np.exp(-2.9 + 0.02 * (age - 60) + 0.3 * female + shift)
                count = nights if rng.random() < 0.04 else int(rng.poisson(mean * rng.gamma(0.6, 1 / 0.6)))
                place = int(np.searchsorted(LOWS, count, side="right")) - 1
                row = (stratum, psu, weight, age, female, nights, int(age >= 20), LOWS[place], HIGHS[place])
                made.append(row)
    return made


if __name__ == "__main__":
    with Path(__file__).with_name("intervals-data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows())
