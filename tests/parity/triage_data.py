"""Write the nights and recalled numbers that ``triage.R`` reads: ``python tests/parity/triage_data.py``.

40 people, up to 37 nights each with gaps, over-dispersed counts; of each the recalled class of 30 nights before.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PEOPLE, NIGHTS = 40, 37
LOWS, HIGHS = np.asarray([0, 1, 2, 5, 16]), [0, 1, 4, 15, None]


def main() -> None:
    """Draw nights whose rates differ between people, and what these recall with an error of their own."""
    rng, folder = np.random.default_rng(20240301), Path(__file__).parent
    own = rng.gamma(1.2, 0.25, PEOPLE)
    nights = [
        (f"p{i:02}", date(2024, 3, 1) + timedelta(days=i + k), int(rng.poisson(own[i])))
        for i in range(PEOPLE)
        for k in range(NIGHTS)
        if rng.random() > 0.1 + 0.25 * (i % 5 == 0)
    ]
    table = pl.DataFrame(nights, ["participant_id", "date", "cramps"], orient="row")
    table.write_csv(folder / "triage-nights.csv")
    said = rng.poisson(30 * own * np.exp(rng.normal(0.2, 0.5, PEOPLE)))
    place = np.searchsorted(LOWS[1:], said, side="right")
    recalled = {"recalled_low": LOWS[place], "recalled_high": [HIGHS[k] for k in place]}
    people = pl.DataFrame({"participant_id": [f"p{i:02}" for i in range(PEOPLE)], **recalled})
    people.write_csv(folder / "triage-people.csv")


if __name__ == "__main__":
    main()
