"""Exposures of other nights in count models: against polars and glum, from the same files to the same numbers.

`make bench ARGS="exposures --nights 18_250_000 --rounds 3"`; the default is a part of them. glum gets the columns that
polars makes: a participant's mean by a window, the nights before by joining each on its date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from bench_models import ALONE, diary, write
from timing import Job

from crampstudy import fit

DRINK = "electrolyte_drink"
LAGS = range(4)
PARTS = (f"within({DRINK})", f"between({DRINK})")
NIGHTS_BEFORE = tuple(f"lag({DRINK}, {k})" for k in LAGS)
LAST = f"days_last({DRINK}, 14)"


def jobs(folder: Path, nights: int = 2_000_000) -> Iterator[Job | str]:
    write(folder, nights)
    peer = "polars and glum" if find_spec("glum") else ALONE
    asked: tuple[tuple[str, tuple[str, ...], Callable[[pl.LazyFrame], pl.LazyFrame] | None], ...] = (
        ("within and between", PARTS, parts),
        ("lags 0 to 3", NIGHTS_BEFORE, lags),
        ("nights of the last 14", (LAST,), None),
    )
    for what, terms, made in asked:
        other = partial(with_polars, folder, terms, made) if made and peer != ALONE else None
        name = f"Poisson, {what}, {nights:,} nights from Parquet"
        yield Job(name, peer if other else ALONE, partial(with_crampstudy, folder, terms), other, tolerance=1e-4)


def with_crampstudy(folder: Path, terms: tuple[str, ...]) -> dict[str, float]:
    asked = " + ".join(["age_decade", *terms])
    rows = fit(diary(folder), model="poisson", terms=asked, covariance="cluster").estimates.set_index("term")
    own = rows.loc[["age_decade", *terms]]
    return _numbers(terms, np.log(own["estimate"].to_numpy()), own["std_error"].to_numpy())


def with_polars(folder: Path, terms: tuple[str, ...], made: Callable[[pl.LazyFrame], pl.LazyFrame]) -> dict[str, float]:
    from glum import GeneralizedLinearRegressor

    ages = pl.scan_parquet(folder / "participants.parquet").select(
        "participant_id", age=(pl.col("age_years") - 60) / 10
    )
    nights = pl.scan_parquet(folder / "diary.parquet").select("participant_id", "date", "cramps", pl.col(DRINK) * 1.0)
    rows = made(nights).join(ages, on="participant_id").drop_nulls().collect()
    groups = rows["participant_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    matrix, cramps = rows.select("age", *terms).to_numpy(order="fortran"), rows["cramps"].cast(pl.Float64).to_numpy()
    fitted = GeneralizedLinearRegressor(family="poisson", alpha=0, gradient_tol=1e-7).fit(matrix, cramps)
    covariance = fitted.covariance_matrix(X=matrix, y=cramps, clusters=groups)
    n, p = matrix.shape[0], matrix.shape[1] + 1
    # glum corrects for the number of rows and coefficients too.
    return _numbers(terms, fitted.coef_, np.sqrt(np.diag(covariance)[1:] * (n - p) / (n - 1)))


def parts(nights: pl.LazyFrame) -> pl.LazyFrame:
    mean = pl.col(DRINK).mean().over("participant_id")
    return nights.with_columns((pl.col(DRINK) - mean).alias(PARTS[0]), mean.alias(PARTS[1]))


def lags(nights: pl.LazyFrame) -> pl.LazyFrame:
    found = nights
    for k, name in zip(LAGS, NIGHTS_BEFORE, strict=True):
        earlier = nights.select("participant_id", pl.col("date").dt.offset_by(f"{k}d"), pl.col(DRINK).alias(name))
        found = found.join(earlier, on=["participant_id", "date"], how="left")
    return found


def _numbers(terms: tuple[str, ...], b: np.ndarray, errors: np.ndarray) -> dict[str, float]:
    named = {name: float(np.exp(value)) for name, value in zip(("age", *terms), b, strict=True)}
    return named | {f"error of {name}": float(error) for name, error in zip(named, errors, strict=True)}
