"""Write what ``zeros.R`` and ``zeros_sets.py`` read: ``python tests/parity/zeros_data.py``.

``zeros-data.csv``: a diary of 60 people and 20 nights with nights on which no cramp can come. ``zeros-sets.csv``: 68
small sets, rows alike counted in ``times``: 50 with such nights, 8 without, 10 of 12 people and 8 nights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).parent


def main() -> None:
    """Draw both."""
    rng = np.random.default_rng(20260211)
    diary = drawn(rng, 60, 20, log_mean=0.2, alpha=0.6, odds=-0.4, slope=0.8)
    diary.write_csv(HERE / "zeros-data.csv")
    sets = []
    for number in range(68):
        inflated, tiny = number < 50, number >= 58
        one = drawn(
            rng,
            12 if tiny else 30,
            8 if tiny else 20,
            log_mean=rng.uniform(-1.0, 1.2),
            alpha=rng.choice([0.0, 0.2, 0.5, 1.0, 3.0]),
            odds=rng.uniform(-2.0, 1.5) if inflated or tiny else -np.inf,
            slope=rng.uniform(-1.0, 1.0),
        )
        kind = "inflated" if inflated else "tiny" if tiny else "plain"
        key = ["x", "w", "hours", "cramps"]
        counted = one.group_by(key).agg(pl.len().alias("times")).sort(key)
        sets.append(counted.select(pl.lit(number).alias("set"), pl.lit(kind).alias("kind"), *key, "times"))
    pl.concat(sets).write_csv(HERE / "zeros-sets.csv")


def drawn(
    rng: np.random.Generator, people: int, nights: int, *, log_mean: float, alpha: float, odds: float, slope: float
) -> pl.DataFrame:
    """Draw counts with a gamma frailty of the night (variance alpha) and a chance of a night without any."""
    person = np.repeat(np.arange(people), nights)
    x = (rng.random(people) < 0.5).astype(int)[person]
    w = rng.integers(-1, 2, len(person))
    hours = rng.choice([7.0, 8.0], len(person))
    rate = hours / 8 * np.exp(log_mean + 0.3 * x + 0.2 * w)
    frailty = rng.gamma(1 / alpha, alpha, len(person)) if alpha else np.ones(len(person))
    chance = 1 / (1 + np.exp(-(odds + slope * x)))
    cramps = rng.poisson(rate * frailty) * (rng.random(len(person)) >= chance)
    return pl.DataFrame({"person": person, "x": x, "w": w, "hours": hours, "cramps": cramps})


if __name__ == "__main__":
    main()
