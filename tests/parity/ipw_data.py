"""Write the people in open use that ``ipw.R`` reads: ``python tests/parity/ipw_data.py``.

150 people; who is older, female or cramped more before time zero is more often treated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

PEOPLE = 150


def main() -> None:
    """Draw the rows: a rate ratio of 0.7, persons' gamma multipliers of shape 1.5."""
    rng = np.random.default_rng(20240805)
    age, female = rng.integers(30, 86, PEOPLE), rng.random(PEOPLE) < 0.5
    rate = rng.gamma(1.5, 1 / 1.5, PEOPLE) * np.exp(-1.2 + 0.02 * (age - 60) + 0.2 * female)
    before, nights = rng.integers(10, 31, PEOPLE), rng.integers(20, 61, PEOPLE)
    earlier = rng.poisson(rate * before)
    log_odds = -0.4 + 0.03 * (age - 60) + 0.4 * female + 0.6 * np.log((earlier + 0.5) / before / 0.3)
    treated = rng.random(PEOPLE) < 1 / (1 + np.exp(-log_odds))
    cramps = rng.poisson(rate * nights * np.where(treated, 0.7, 1.0))
    columns = {
        "id": np.arange(PEOPLE),
        "treated": treated.astype(int),
        "age": age,
        "female": female.astype(int),
        "run_in_cramps": earlier,
        "run_in_nights": before,
        "cramps": cramps,
        "nights": nights,
    }
    pl.DataFrame(columns).write_csv(Path(__file__).parent / "ipw-data.csv")


if __name__ == "__main__":
    main()
