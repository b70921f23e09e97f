"""Write trials-data.csv, nights of a parallel trial, of a crossover and of an n-of-1: python trials_data.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

RUN_IN, PERIOD = 10, 14


def main() -> None:
    rng = np.random.default_rng(81)
    rows = []
    for who in range(48):
        given, own = who % 2, rng.gamma(2.0, 0.3)
        last = RUN_IN + PERIOD if who % 7 else RUN_IN + 9
        for night in range(last):
            if rng.random() < 0.12:
                continue
            rate = own * (0.7 if given and night >= RUN_IN else 1.0) * rng.gamma(1.5, 1 / 1.5)
            rows.append(("parallel", f"P{who:02}", night, night >= RUN_IN, given, 1, int(rng.poisson(rate))))
    for who in range(36):
        own = rng.gamma(2.0, 0.4)
        for period in (1, 2):
            given = int((who % 2 == 0) == (period == 1))
            for night in range(PERIOD):
                if rng.random() < 0.1:
                    continue
                rate = own * (0.75 if given else 1.0) * (0.9 if period == 2 else 1.0)
                at = (period - 1) * (PERIOD + 7) + night
                rows.append(("crossover", f"C{who:02}", at, True, given, period, int(rng.poisson(rate))))
    for who in range(10):
        own, effect, given = rng.gamma(1.5, 0.6), 0.7 * rng.gamma(8.0, 1 / 8.0), 0
        for period in range(1, 9):
            given = 1 - given if period % 2 == 0 else int(rng.random() < 0.5)
            for night in range(5):
                if rng.random() < 0.15:
                    continue
                rate = own * (effect if given else 1.0) * rng.gamma(2.0, 0.5)
                rows.append(
                    ("n-of-1", f"N{who:02}", 6 * (period - 1) + night, True, given, period, int(rng.poisson(rate)))
                )
    names = ["trial", "participant_id", "night", "after", "given", "period", "cramps"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(Path(__file__).with_name("trials-data.csv"))


if __name__ == "__main__":
    main()
