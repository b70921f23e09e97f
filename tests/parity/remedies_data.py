"""Write remedies-data.csv, cramps of few people who use different remedies: python remedies_data.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl


def main() -> None:
    rng = np.random.default_rng(18)
    people, cramps = 30, 9
    person = np.repeat(np.arange(people), cramps)
    n = len(person)
    habit = rng.dirichlet([1.2, 1.5, 0.8], people)
    remedy = np.array([rng.choice(3, p=habit[i]) for i in person])
    pain = np.clip(np.round(6 + rng.normal(0, 1, people)[person] + rng.normal(0, 1.5, n)), 0, 10)
    seconds = np.exp(5 + rng.normal(0, 0.6, people)[person] + 0.1 * pain + rng.normal(0, 0.6, n) - 0.4 * (remedy == 1))
    after = np.clip(pain - np.round(2.5 + 0.6 * (remedy == 1) + rng.normal(0, 1.2, n)), 0, 10)
    sore = rng.random(n) < 0.35 * np.exp(rng.normal(0, 0.3, people)[person]) * np.where(remedy == 2, 0.7, 1.0)
    pl.DataFrame(
        {
            "participant_id": [f"P{i:02}" for i in person],
            "remedy": np.array(["none", "stretch", "cold"])[remedy],
            "pain_0_10": pain.astype(int),
            "pain_after_0_10": after.astype(int),
            "relief_s": np.round(seconds / 10).astype(int) * 10,
            "residual_soreness": sore,
        }
    ).write_csv(Path(__file__).with_name("remedies-data.csv"))


if __name__ == "__main__":
    main()
