"""Write the nights with an annual cycle that ``season.R`` reads: ``python tests/parity/season_data.py``.

120 people of 8 different ages, 20 nights each with gaps, first nights spread over two years, over-dispersed counts.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PEOPLE, NIGHTS = 120, 20


def main() -> None:
    """Draw the rows: amplitude 0.4 on the log scale, peak on 24 July, persons' gamma multipliers of shape 1.5."""
    rng = np.random.default_rng(20240729)
    age, female = rng.choice(range(30, 86, 8), PEOPLE), rng.random(PEOPLE) < 0.5
    own = rng.gamma(1.5, 1 / 1.5, PEOPLE)
    rows = []
    for i, first in enumerate(rng.integers(0, 730, PEOPLE)):
        for k in range(NIGHTS):
            night = date(2023, 1, 9) + timedelta(days=int(first) + k)
            cycle = 0.4 * math.cos(2 * math.pi * (night.timetuple().tm_yday - 205) / 365.25)
            rate = own[i] * math.exp(-0.9 + cycle + 0.02 * (age[i] - 60) + 0.2 * female[i] - 0.01 * k)
            sex = "female" if female[i] else "male"
            rows.append((f"p{i:03}", sex, int(age[i]), night, int(rng.poisson(rate * rng.gamma(2.0, 0.5)))))
    columns = ["participant_id", "sex", "age_years", "date", "cramps"]
    table = pl.DataFrame(rows, columns, orient="row").filter(pl.Series(rng.random(len(rows)) > 0.1))
    table.write_csv(Path(__file__).parent / "season-data.csv")


if __name__ == "__main__":
    main()
