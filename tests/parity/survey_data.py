"""Write survey-data.csv, a small synthetic stratified cluster sample: `python tests/parity/survey_data.py`.

Two designs share the rows: `psu` has two or three PSUs in each of eight strata, `psu_lonely` a single one in stratum 8.
In stratum 3 one PSU has nobody in the domain.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED = 20070815
HEADER = ("stratum", "psu", "psu_lonely", "weight", "age", "sex", "score", "domain", "mild", "count")


def rows() -> list[tuple[object, ...]]:
    """Return about 400 persons with cluster effects on both outcomes and informative weights."""
    rng = np.random.default_rng(SEED)
    made: list[tuple[object, ...]] = []
    for stratum in range(1, 9):
        for psu in range(1, 4 if stratum in (2, 5) else 3):
            shift = rng.normal(0, 0.4)
            for _ in range(rng.integers(18, 27)):
                age, female, score = int(rng.integers(12, 86)), bool(rng.random() < 0.55), round(rng.normal(), 3)
                weight = 0.0 if rng.random() < 0.04 else round(float(rng.gamma(3, 4000)) * (1 + 0.3 * female), 3)
                eta = -1.2 + 0.02 * (age - 50) + 0.35 * female + 0.4 * score + shift
                domain = age >= 20 and not (stratum == 3 and psu == 2)
                mild = int(rng.random() < 1 / (1 + np.exp(-eta)))
                count = int(rng.poisson(np.exp(0.6 * eta)))
                lonely = 1 if stratum == 8 else psu
                made.append((stratum, psu, lonely, weight, age, int(female), score, int(domain), mild, count))
    return made


if __name__ == "__main__":
    with Path(__file__).with_name("survey-data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows())
