"""What is done over several nights recovered: ``python tests/recovery/recovery_activity.py --write docs/recovery.md``.

Diaries of a law in which a warm day brings fluid and cramps, and advice that is followed lowers the rate of cramps by
known factors, or not at all: the joint programme by the g-formula, nights of stretching out of the last 14, and getting
up to pass urine by the fluid of the day.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import recovery_cells as recovery
from numpy.typing import NDArray

from crampstudy.codebook.intakes import reference_intakes
from crampstudy.cohort import Cohort
from crampstudy.contrasts.nights.joint_programme import (
    ENOUGH_MINERALS,
    MINERALS,
    NIGHTS_STRETCHED,
    OF_NIGHTS,
    joint_programme,
)
from crampstudy.contrasts.nights.nocturia import MORE_ML, nocturia_by_fluid
from crampstudy.contrasts.nights.windows import adjusted_window

HEADS = ("participants", "nights", "advice")
SIZES = ((150, 28), (40, 42))
GUIDELINE_ML = 1893
LAST = 14
EATEN = {"dietary_magnesium_mg": 350, "dietary_potassium_mg": 3000, "dietary_calcium_mg": 1050}
"""Usual intakes of a day, about which persons differ."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Advice:
    """Log rate ratios of advice that is followed, of each night of stretching, and of a litre on times up at night."""

    drinks: float = 0.0
    stretches: float = 0.0
    eats: float = 0.0
    drinks_and_stretches: float = 0.0
    stretching_night: float = 0.0
    litre: float = 0.0
    person_sd: float = 0.5

    @property
    def programme(self) -> float:
        """The log ratio of all three together against none."""
        return self.drinks + self.stretches + self.eats + self.drinks_and_stretches

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary, every night logged."""
        age, female = rng.uniform(31, 88, people).round(), rng.random(people) < 0.5
        shape = (people, nights)
        warm = 18 + 5 * rng.standard_normal(nights)
        usual = 1800 + 350 * rng.standard_normal(people)
        fluid = usual[:, None] + 40 * (warm - 18) + 400 * rng.standard_normal(shape)
        fluid = np.clip(fluid, 300, 5000).round()
        calf = np.where(rng.random(shape) < rng.beta(1.2, 1.0, people)[:, None], 10.0, 0.0)
        food = {name: _eaten(name, shape, rng) for name in MINERALS}
        reached = sum(_reached(name, age, female, eaten.mean(axis=1)).astype(np.int64) for name, eaten in food.items())
        drinks, eats = fluid >= GUIDELINE_ML, (reached >= ENOUGH_MINERALS)[:, None]
        stretches = _in_last(calf > 0, OF_NIGHTS) >= NIGHTS_STRETCHED
        eta = math.log(0.35) + 0.1 * (age[:, None] - 60) / 10 + 0.2 * female[:, None] + 0.03 * (warm - 18)
        eta = eta + self.person_sd * rng.standard_normal((people, 1))
        eta = eta + self.drinks * drinks + self.stretches * stretches + self.eats * eats
        eta = eta + self.drinks_and_stretches * drinks * stretches
        eta = eta + self.stretching_night * (_in_last(calf > 0, LAST) - LAST / 2)
        up = rng.poisson(np.exp(math.log(0.8) + self.litre * (fluid - usual[:, None]) / 1000))
        who = pl.DataFrame(
            {
                "participant_id": [f"p{i:04}" for i in range(people)],
                "age_years": age,
                "sex": np.where(female, "female", "male"),
            }
        )
        first = pl.date(2024, 4, 1)
        dates = pl.DataFrame({"k": np.arange(nights)}).select(date=first + pl.duration(days=pl.col("k")))
        diary = (
            who.select("participant_id")
            .join(dates, how="cross")
            .with_columns(
                entry_made=pl.lit(value=True),
                cramps=pl.Series(np.minimum(rng.poisson(np.exp(eta)), 50).ravel()),
                fluid_ml=pl.Series(fluid.ravel()),
                stretch_calf_min=pl.Series(calf.ravel()),
                ambient_temperature_c=pl.Series(np.broadcast_to(warm, shape).ravel()),
                nocturia=pl.Series(np.minimum(up, 30).ravel()),
                **{name: pl.Series(eaten.ravel()) for name, eaten in food.items()},
            )
        )
        return Cohort("drawn", "diary", {"participants": who, "diary": diary}, synthetic=True)


def _eaten(name: str, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    person = 0.25 * rng.standard_normal((shape[0], 1))
    made: Floats = EATEN[name] * np.exp(person + 0.15 * rng.standard_normal(shape))
    return made


def _reached(name: str, age: Floats, female: NDArray[np.bool_], eaten: Floats) -> NDArray[np.bool_]:
    enough = np.zeros(len(age), dtype=bool)
    for intake in reference_intakes():
        if intake.name == name:
            own = (female == (intake.sex == "female")) & (age >= intake.from_age)
            enough = np.where(own, eaten >= intake.amount, enough)
    return enough


def _in_last(stretched: NDArray[np.bool_], nights: int) -> NDArray[np.int64]:
    """Return on how many of the last so many nights a person stretched, of nights before the diary none."""
    total = np.cumsum(stretched, axis=1)
    before = np.pad(total, ((0, 0), (nights, 0)))[:, : total.shape[1]]
    made: NDArray[np.int64] = total - before
    return made


PROGRAMME_LAW = Advice(drinks=-0.2, stretches=-0.3, eats=-0.25, drinks_and_stretches=-0.15, litre=0.3)
STRETCHING_LAW = Advice(stretching_night=-0.05)
LAWS: Mapping[str, tuple[Advice, ...]] = {"on": (PROGRAMME_LAW, STRETCHING_LAW), "null": (Advice(),)}


def found(law: Advice, cohort: Cohort) -> recovery.Found:
    """Return what is said of what the law has: all of the programme and times up, or nights of stretching."""
    made = {}
    if law is not STRETCHING_LAW:
        programme = joint_programme(cohort)
        up = nocturia_by_fluid(cohort)
        made["all against none"] = _of(programme[programme["level"] == "all against none"], law.programme)
        made["times up, 500 mL"] = _of(up, law.litre * MORE_ML / 1000)
    if law is not PROGRAMME_LAW:
        rows = adjusted_window(cohort, f"days_last(stretch_calf_min, {LAST})", "14 nights")
        made["a night of stretching"] = _of(rows[rows["term"] == "stretch_calf_min"], law.stretching_night)
    return made


def _of(rows: pd.DataFrame, value: float) -> tuple[float, float, bool] | None:
    (row,) = rows.to_dict("records")
    if row["status"] != "converged":
        return None
    estimate, low, high = (math.log(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    return estimate - value, row["std_error"], low <= value <= high


def cells(cohorts: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[recovery.Cell]:
    """Yield every cell, of so many cohorts each."""
    for number, (people, nights) in enumerate(sizes):
        for state, laws in LAWS.items():
            for law in laws:
                seeds = np.random.SeedSequence(1, spawn_key=(number, list(LAWS).index(state))).spawn(cohorts)
                results = [found(law, law.cohort(people, nights, np.random.default_rng(seed))) for seed in seeds]
                yield from recovery.cells((str(people), str(nights), state), results)


def table(cohorts: int) -> str:
    """Return the table in Markdown."""
    return recovery.table(HEADS, list(cells(cohorts)))


if __name__ == "__main__":
    sys.exit(recovery.run(__doc__, "activity", table))
