"""What a comparison with R is, the data that both sides read, and how far apart their numbers are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.registry import NIGHT_FAMILIES

HERE = Path(__file__).resolve().parent
COEFFICIENTS, ERRORS = 1e-6, 1e-4
"""The largest relative differences allowed."""
ROBUST: tuple[Covariance, ...] = ("cluster", "cluster-hc0", "model")

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison: what was fitted, with which function of R, and the largest relative differences."""

    model: str
    outcome: str
    covariance: str
    weights: str
    offset: str
    data: str
    peer: str
    coefficients: float
    errors: float

    @property
    def agrees(self) -> bool:
        return self.coefficients <= COEFFICIENTS and self.errors <= ERRORS


@cache
def reference(name: str) -> Any:
    """Return what R found."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@cache
def diary() -> pl.DataFrame:
    """Return the observed nights of the small diary with every covariate as a number."""
    people = pl.read_csv(HERE / "diary" / "participants.csv")
    nights = pl.read_csv(HERE / "diary" / "diary.csv", try_parse_dates=True)
    age = (pl.col("age_years") - 60) / 10
    female = (pl.col("sex") == "female").cast(pl.Float64)
    return (
        nights.filter(pl.col("entry_made") & pl.col("cramps").is_not_null())
        .join(people, on="participant_id")
        .select(
            "cramps",
            "alcohol_units",
            "serum_potassium_mmol_l",
            participant=pl.col("participant_id").rank("dense"),
            night=(pl.col("date") - date(2020, 1, 1)).dt.total_days(),
            hours="hours_in_bed",
            # As how many nights a night counts where nights are weighted.
            times=1 + pl.col("date").dt.day() % 3,
            age=age,
            female=female,
            both=age * female,
            diabetes=pl.col("diabetes").cast(pl.Float64),
            weekend=(pl.col("date").dt.weekday() >= 6).cast(pl.Float64),
        )
    )


@cache
def drawn(name: str) -> pl.DataFrame:
    """Return one of the diaries that exercise serial dependence, lasting differences and few participants."""
    return pl.read_csv(HERE / "gee-data.csv").filter(pl.col("set") == name)


def arrays(nights: pl.DataFrame, terms: Sequence[str], outcome: Outcome, offset: bool) -> Data:
    """Return the arrays of a model on the nights that are complete on its terms."""
    used = nights.drop_nulls([*terms, *(["hours"] if offset else [])])
    cramps = used["cramps"].to_numpy().astype(np.float64)
    return Data(
        matrix=np.column_stack([np.ones(used.height), *(used[term].to_numpy() for term in terms)]),
        outcome=cramps if outcome == "cramps" else np.sign(cramps),
        offset=np.log(used["hours"].to_numpy()) if offset else np.zeros(used.height),
        groups=used["participant"].rank("dense").to_numpy().astype(np.intp) - 1,
        nights=used["night"].to_numpy().astype(np.int64),
    )


def solved(model: str, data: Data, outcome: Outcome, kind: Covariance, slope: int | None = None) -> tuple[Array, Array]:
    """Return our coefficients and their standard errors, those of a zero part after the others."""
    found = NIGHT_FAMILIES[model].solve(data, outcome, kind, slope)
    parts = [(found.coefficients, found.variance)]
    if found.zero is not None:
        parts.append((found.zero.coefficients, found.zero.variance))
    return np.concatenate([b for b, _ in parts]), np.concatenate([np.sqrt(np.diag(v)) for _, v in parts])


def differences(
    ours: tuple[Array, Array], coefficients: Sequence[float], errors: Sequence[float]
) -> tuple[float, float]:
    """Return the largest relative differences of coefficients and of standard errors."""
    b, se = np.asarray(coefficients, dtype=float), np.asarray(errors, dtype=float)
    scale = np.maximum(np.abs(b), se)
    # What rests on one participant alone has no standard error here.
    return float(np.max(np.abs(ours[0] - b) / scale)), float(np.nanmax(np.abs(ours[1] / se - 1)))


def below(value: float) -> str:
    """Return a difference as the power of ten that it is below: its digits are those of a machine's rounding."""
    if np.isnan(value):
        return "no number"
    return f"< 1e{max(int(np.floor(np.log10(value))) + 1, -9):+03d}" if value else "0"


def exposure(offset: bool) -> str:
    return "log hours in bed" if offset else "none"
