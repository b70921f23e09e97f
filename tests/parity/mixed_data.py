"""Write the small data set with true random slopes that ``mixed.R`` reads: ``python tests/parity/mixed_data.py``.

60 people, 30 nights, a continuous exposure x of the night, over-dispersed counts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl


def main() -> None:
    """Draw the rows: intercept sd 0.7, slope sd 0.5, correlation -0.3, gamma frailty of each night."""
    rng = np.random.default_rng(20240203)
    person = np.repeat(np.arange(60), 30)
    x = rng.normal(size=len(person)).round(2)
    age = rng.normal(size=60).round(2)[person]
    effects = rng.normal(size=(60, 2)) @ np.array([[0.7, -0.15], [0.0, 0.477]])
    rate = np.exp(-0.3 + 0.3 * age + 0.2 * x + effects[person, 0] + effects[person, 1] * x)
    y = rng.poisson(rate * rng.gamma(2.0, 0.5, len(person)))
    pl.DataFrame({"person": person, "age": age, "x": x, "y": y}).write_csv(Path(__file__).parent / "mixed-slopes.csv")


if __name__ == "__main__":
    main()
