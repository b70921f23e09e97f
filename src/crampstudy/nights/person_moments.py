"""What a participant's logged nights say of exposures: how many are known, their means, and how they scatter around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights.aggregated import logged_values
from crampstudy.nights.diary import Diary
from crampstudy.nights.exposures import by_person_and_date, value_of
from crampstudy.nights.parts import ALIKE, observed


@dataclass(frozen=True, slots=True)
class PersonMoments:
    """Of G participants and q exposures: ``means`` (G x q), nights on which two are known ``together`` (G x q x q).

    ``scatter`` (G x q x q) are sums over these nights of the products of both deviations from the participant's means.
    """

    means: Array
    together: Array
    scatter: Array

    @property
    def nights(self) -> Array:
        """The nights on which each exposure is known (G x q)."""
        return np.diagonal(self.together, axis1=1, axis2=2)


def person_moments(cohort: Cohort | Diary, variables: Sequence[str], participants: Sequence[str]) -> PersonMoments:
    """Return the moments of nightly variables of those ``participants``, in this order, over all their logged nights.

    A night is logged where an entry was made, whether or not its count is there.
    """
    if len(variables) == 1:
        return _of_one(moments_of(cohort, variables[0]), participants)
    q = len(variables)
    order = pl.DataFrame({"participant_id": list(participants)}, schema={"participant_id": pl.String})
    found = order.join(_of_all(cohort, tuple(variables)), on="participant_id", how="left", maintain_order="left")

    def square(letter: str) -> Array:
        made = found.select(pl.col(f"{letter}{i}").fill_null(0.0) for i in range(q * q)).to_numpy()
        return made.reshape(len(made), q, q)

    return PersonMoments(found.select(f"m{i}" for i in range(q)).to_numpy(), square("n"), square("s"))


@remembered
def moments_of(cohort: Cohort | Diary, variable: str) -> pl.DataFrame:
    """Return what a nightly variable is of each participant with a known value on a logged night.

    Columns: participant_id, ``least`` its least value, ``above`` the sum of what the others are above it, their
    ``number``, ``mean``, and ``scatter``, the sum of squares around that. Sums above the least value are exact where a
    participant has no other.
    """
    values = logged_values(cohort, variable) if isinstance(cohort, Diary) else _of_nights(cohort, variable)
    codes, each = values["participant_id"].rle_id().to_numpy(), values[ALIKE].to_numpy().astype(np.float64)
    first = np.flatnonzero(np.diff(codes.astype(np.int64), prepend=-1))
    value, people = values["value"].to_numpy().astype(np.float64), len(first)
    least = np.minimum.reduceat(value, first) if people else value
    # One after the other: the order of a sum is part of its last digits.
    above = np.bincount(codes, weights=(value - least[codes]) * each, minlength=people)
    number = np.bincount(codes, weights=each, minlength=people)
    mean = least + above / number
    scatter = np.bincount(codes, weights=each * (value - mean[codes]) ** 2, minlength=people)
    columns = {"least": least, "above": above, "number": number, "mean": mean, "scatter": scatter}
    return values.select(pl.col("participant_id").gather(first)).with_columns(
        pl.Series(name, column, dtype=pl.Float64) for name, column in columns.items()
    )


def _of_nights(cohort: Cohort, variable: str) -> pl.DataFrame:
    """Return the logged nights on which a variable is known, in order: participant_id, ``value``, one night each."""
    nights = Diary.of(cohort).nights
    logged = nights.filter(observed(nights.collect_schema().names(), None))
    found = logged.select("participant_id", "date", value_of(variable).alias("value")).drop_nulls("value").collect()
    return by_person_and_date(found).with_columns(pl.lit(1, pl.Int64).alias(ALIKE))


def _of_one(found: pl.DataFrame, participants: Sequence[str]) -> PersonMoments:
    order = pl.DataFrame({"participant_id": list(participants)}, schema={"participant_id": pl.String})
    own = order.join(found, on="participant_id", how="left", maintain_order="left")
    number, scatter = (own[name].fill_null(0.0).to_numpy()[:, None, None] for name in ("number", "scatter"))
    return PersonMoments(own["mean"].to_numpy()[:, None], number, scatter)


@remembered
def _of_all(cohort: Cohort | Diary, variables: tuple[str, ...]) -> pl.DataFrame:
    """Return a row for each participant: the means m of the variables, and n and s of each pair of them."""
    key = sorted({"cramps" if name == "cramp_night" else name for name in variables})
    names = [f"_{i}" for i in range(len(variables))]
    alike = Diary.of(cohort).alike(key, None)
    values = alike.select(
        pl.col("participant_id").cast(pl.String),
        ALIKE,
        *(value_of(variable).alias(name) for name, variable in zip(names, variables, strict=True)),
    ).sort("participant_id", *names)
    n = pl.col(ALIKE).cast(pl.Float64)
    own = [(n * pl.col(x)).sum() / pl.when(pl.col(x).is_not_null()).then(n).sum() for x in names]
    values = values.with_columns(
        mean.over("participant_id").alias(f"{x}_mean") for x, mean in zip(names, own, strict=True)
    )
    away = {x: pl.col(x) - pl.col(f"{x}_mean") for x in names}
    pairs = [(x, y) for x in names for y in names]
    both = [pl.when(pl.col(x).is_not_null() & pl.col(y).is_not_null()).then(n) for x, y in pairs]
    return values.group_by("participant_id").agg(
        *(pl.col(f"{x}_mean").first().alias(f"m{i}") for i, x in enumerate(names)),
        *(times.sum().alias(f"n{i}") for i, times in enumerate(both)),
        *(
            (times * away[x] * away[y]).sum().alias(f"s{i}")
            for i, (times, (x, y)) in enumerate(zip(both, pairs, strict=True))
        ),
    )
