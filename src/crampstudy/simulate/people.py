"""Participants: age, sex, conditions, measures and classes, drawn column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from crampstudy.simulate.groups import People
from crampstudy.simulate.parameters import Condition, Level, Measure
from crampstudy.simulate.truth import FERTILE, Truth

Column = NDArray[np.generic]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Participants as arrays of one value each; ``first_night`` counts days from 1970-01-01."""

    columns: Mapping[str, Column]
    first_night: NDArray[np.int64]


def draw_people(truth: Truth, n: int, rng: np.random.Generator) -> Drawn:
    """Draw ``n`` participants; each column has a generator of its own, so that none moves another."""
    basics, conditions, measures, levels = rng.spawn(4)
    age, female, first_night, birth_year = _basics(truth.people, n, basics)
    flags = _conditions(truth.conditions, (age - 60) / 10, female, conditions)
    columns: dict[str, Column] = {
        "age_years": age,
        "birth_year": birth_year,
        "sex": np.where(female, "female", "male"),
        "exam_season": _season(first_night),
        "cycle": np.full(n, "1"),
        "arm": np.full(n, "observation"),
        **flags,
        **_measures(truth.measures, (age - 60) / 10, female, flags, measures),
        **_levels(truth.levels, {**flags, FERTILE: female & (age < 45)}, levels),
    }
    return Drawn(columns, first_night)


def expit(x: Floats) -> Floats:
    """Return the inverse of the logit."""
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)


def logit(p: float) -> float:
    """Return the log odds of ``p``, which stands strictly between 0 and 1."""
    return float(np.log(p / (1 - p)))


def around(mean: Floats, sd: float | Floats, log: bool, z: Floats) -> Floats:
    """Return values of that mean and SD at the standard normal scores ``z``, normal or log-normal."""
    if not log:
        return mean + sd * z
    sigma2 = np.log1p((sd / mean) ** 2)
    return np.asarray(mean * np.exp(np.sqrt(sigma2) * z - sigma2 / 2), dtype=np.float64)


def _basics(
    people: People, n: int, rng: np.random.Generator
) -> tuple[Floats, Flags, NDArray[np.int64], NDArray[np.int64]]:
    limits = np.asarray(people.age_limits)
    shares = np.asarray(people.age_shares) / np.sum(people.age_shares)
    band = rng.choice(len(shares), size=n, p=shares)
    age = rng.integers(limits[band], limits[band + 1])
    female = rng.random(n) < people.female_share
    first = (people.start - date(1970, 1, 1)).days + rng.integers(0, people.start_spread_nights, size=n)
    # The last birthday lies up to a year before the first night.
    birth = first.astype("datetime64[D]") - np.floor((age + rng.random(n)) * 365.2425).astype("timedelta64[D]")
    birth_year = birth.astype("datetime64[Y]").astype(np.int64) + 1970
    return age.astype(np.float64), female, first, birth_year


def _season(first_night: NDArray[np.int64]) -> Column:
    month = first_night.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.where((month >= 5) & (month <= 10), "may_october", "november_april")


def _conditions(
    rows: tuple[Condition, ...], decade: Floats, female: Flags, rng: np.random.Generator
) -> dict[str, Flags]:
    flags: dict[str, Flags] = {}
    for row, own in zip(rows, rng.spawn(len(rows)), strict=True):
        odds = logit(row.prevalence_at_60) + row.log_odds_per_decade * decade + row.log_odds_female * female
        if row.given:
            odds = odds + row.log_odds_given * flags[row.given]
        flag = own.random(len(decade)) < expit(odds)
        flags[row.column] = flag | flags[row.includes] if row.includes else flag
    return flags


def _measures(
    rows: tuple[Measure, ...], decade: Floats, female: Flags, flags: Mapping[str, Flags], rng: np.random.Generator
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for row, own in zip(rows, rng.spawn(len(rows)), strict=True):
        mean = row.mean + row.per_decade * decade + row.female * female
        if row.given:
            mean = mean + row.shift_given * flags[row.given]
        log = row.shape == "log-normal"
        if log:
            # A log-normal mean stays above 0 however the shifts add up.
            mean = np.maximum(mean, row.mean / 20)
        value = around(mean, row.sd, log, own.standard_normal(len(decade)))
        columns[row.column] = np.where(own.random(len(decade)) < row.chance_of_any, value, 0.0).round(row.decimals)
    return columns


def _levels(rows: tuple[Level, ...], flags: Mapping[str, Flags], rng: np.random.Generator) -> dict[str, Column]:
    n = len(next(iter(flags.values())))
    columns: dict[str, Column] = {}
    names = list(dict.fromkeys(row.column for row in rows))
    for name, own in zip(names, rng.spawn(len(names)), strict=True):
        of_name = [row for row in rows if row.column == name]
        parent = of_name[0].given
        plain, given = (np.cumsum([getattr(r, key) for r in of_name]) for key in ("share", "share_given"))
        steps = np.where(flags[parent][:, None], given, plain) if parent else np.broadcast_to(plain, (n, len(plain)))
        # The last step is left out, so that a sum just below 1 cannot fall off the end.
        chosen = (own.random(n)[:, None] >= steps[:, :-1]).sum(axis=1)
        columns[name] = np.asarray([row.level for row in of_name])[chosen]
    return columns
