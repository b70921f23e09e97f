"""What a night's cramps do to that night's sleep and to the day after it, and fluid to nocturia."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crampstudy.simulate.arrays import Column, Floats, Integers, expit, logit
from crampstudy.simulate.truth.scalar_parameters import Burden


def draw_next_day_effects(
    burden: Burden,
    habits: Mapping[str, Column],
    cramps: Integers,
    woken: Integers,
    age: Floats,
    rng: np.random.Generator,
) -> dict[str, Column]:
    """Return the diary's columns that cramps change (participants x nights).

    Args:
        burden: What a night's cramps do.
        habits: The diary's columns before the cramps.
        cramps: The counts of the nights.
        woken: How many of them woke.
        age: The participants' ages in years.
        rng: The generator.
    """
    awake = habits["awakenings"].astype(np.int64) + woken
    share = expit(logit(burden.nocturia_share_at_60) + burden.nocturia_per_decade * (age - 60) / 10)
    asleep = np.maximum(
        habits["hours_in_bed"].astype(np.float64) - habits["sleep_latency_min"].astype(np.float64) / 60, 0
    )
    any_cramp = cramps > 0
    # Scores are whole points; what cramps do is added before they are rounded.
    scores = {
        f"{name}_0_10": np.clip(habits[f"{name}_0_10"] + getattr(burden, name) * any_cramp, 0, 10).round() + 0.0
        for name in ("sleep_quality", "fatigue", "concentration", "productivity")
    }
    awake = np.minimum(awake, 60)
    shares = share[:, None]
    if burden.nocturia_per_litre:
        drunk = habits["fluid_ml"].astype(np.float64)
        litres = (drunk - drunk.mean(axis=1, keepdims=True)) / 1000
        shares = np.minimum(shares * np.exp(burden.nocturia_per_litre * litres), 1)
    return {
        "awakenings": awake,
        "nocturia": np.minimum(rng.binomial(awake, shares), 30),
        "sleep_hours": (asleep * np.clip(habits["sleep_continuity"].astype(np.float64), 0, 1)).round(2),
        **scores,
    }
