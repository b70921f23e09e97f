"""What a participant's logged nights say of exposures: how many are known, their means, and how they scatter around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights.diary import Diary
from crampstudy.nights.exposures import value_of
from crampstudy.nights.parts import ALIKE


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
    q = len(variables)
    order = pl.DataFrame({"participant_id": list(participants)}, schema={"participant_id": pl.String})
    found = order.join(_of_all(cohort, tuple(variables)), on="participant_id", how="left", maintain_order="left")

    def square(letter: str) -> Array:
        made = found.select(pl.col(f"{letter}{i}").fill_null(0.0) for i in range(q * q)).to_numpy()
        return made.reshape(len(made), q, q)

    return PersonMoments(found.select(f"m{i}" for i in range(q)).to_numpy(), square("n"), square("s"))


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
