"""Write the diaries that ``gee.R`` and ``small.R`` read: ``python tests/parity/gee_data.py``.

``serial``: nights of a person follow one another (the AR(1) working correlation is near the truth), with gaps;
``intercept``: persons differ for good (it is wrong); ``few``: 12 participants, long diaries with long gaps, one of
them with half of all cramps. ``only`` (later half) and ``third`` (all nights) are columns of one participant alone.
"""

from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).parent
SIZES = {"serial": (30, 40), "intercept": (30, 40), "few": (12, 100)}


def draw(kind: str, rng: np.random.Generator) -> pl.DataFrame:
    """Draw counts for all nights of one diary and leave out the gaps."""
    people, nights = SIZES[kind]
    age = np.repeat(rng.normal(0, 1, people).round(3), nights)
    night = np.tile(np.arange(1, nights + 1), people)
    alcohol = rng.poisson(0.8, people * nights)
    hours = rng.uniform(5, 9, people * nights).round(2)
    if kind == "serial":
        shock = rng.normal(0, 1, (people, nights))
        mood = shock.copy()
        for t in range(1, nights):
            mood[:, t] = 0.7 * mood[:, t - 1] + np.sqrt(1 - 0.7**2) * shock[:, t]
    else:
        mood = np.repeat(rng.normal(0, 1, (people, 1)), nights, axis=1)
    if kind == "few":
        mood[3] = 2.5
    rate = np.exp(-1.5 + 0.3 * age + 0.15 * alcohol + 0.9 * mood.ravel() + np.log(hours / 7))
    columns = {
        "set": [kind] * (people * nights),
        "participant": np.repeat(np.arange(1, people + 1), nights),
        "night": night,
        "age": age,
        "alcohol": alcohol,
        "hours": hours,
        "only": ((np.repeat(np.arange(people), nights) == 2) & (night > nights // 2)).astype(int),
        "third": (np.repeat(np.arange(people), nights) == 2).astype(int),
        "cramps": rng.poisson(rate),
    }
    kept = rng.random(people * nights) > 0.15
    away = rng.integers(5, nights - 20, people)
    start = np.repeat(away, nights)
    kept &= ~((night >= start) & (night < start + (15 if kind == "few" else 5)))
    return pl.DataFrame(columns).filter(pl.Series(kept))


def main() -> None:
    """Write one file with all three diaries."""
    streams = np.random.default_rng(20240108).spawn(len(SIZES))
    diaries = [draw(kind, rng) for kind, rng in zip(SIZES, streams, strict=True)]
    pl.concat(diaries).write_csv(HERE / "gee-data.csv")


if __name__ == "__main__":
    main()
