"""Count models with participant-clustered intervals: against statsmodels on the same rows, and against glum on many.

The many are 50,000 participants of a year each: `make bench ARGS="models --nights 18_250_000 --rounds 3"`; the default
is a part of them. glum gets its arrays as it likes them best, and time for nothing but the fit and the covariance.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import statsmodels.api as sm
from timing import Job

from crampstudy import Cohort, fit
from crampstudy.models.bootstrap import bootstrap
from crampstudy.models.registry import NIGHT_FAMILIES
from crampstudy.models.request import ModelRequest
from crampstudy.models.validation import solve
from crampstudy.nights import Diary, person_nights
from crampstudy.simulate import simulate

PARTICIPANTS, NIGHTS = 500, 90
ALONE = "(nobody else)"
TERMS = "age_decade + sex + diabetes + electrolyte_drink"
NAMES = ("age_decade", "sex", "diabetes", "electrolyte_drink")
# The high-water mark of this process alone: what getrusage tells includes that of the parent before the fork.
PEAK = """
import re
from pathlib import Path
import polars as pl
from crampstudy import fit
from crampstudy.nights import Diary
people = pl.read_parquet({folder!r} + "/participants.parquet")
fit(Diary("many", people, pl.scan_parquet({folder!r} + "/diary.parquet")), model="poisson", terms={terms!r})
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def jobs(folder: Path, nights: int = 2_000_000) -> Iterator[Job | str]:
    cohort = simulate(PARTICIPANTS, NIGHTS, 1)
    yield Job(
        f"Poisson, clustered, {PARTICIPANTS} people x {NIGHTS} nights",
        "statsmodels GLM",
        partial(with_crampstudy, cohort),
        partial(with_statsmodels, cohort),
        tolerance=1e-8,
    )
    for model, replicates in (("poisson", 1000), ("negative-binomial", 200)):
        name = f"{replicates:,} bootstrap replicates, {model} by age band"
        yield Job(name, ALONE, partial(resampled, cohort, model, replicates), None)
    write(folder, nights)
    yield Job(f"random-intercept Poisson, {nights:,} nights from Parquet", ALONE, partial(mixed, folder), None)
    if find_spec("glum") is None:
        yield "glum is not installed here: install the development dependencies"
        return
    if Path("/proc/self/status").exists():
        yield f"Poisson, clustered, {nights:,} nights from Parquet: {peak(folder):,} MB at most"
    yield Job(
        f"Poisson, clustered, {nights:,} nights from Parquet",
        "glum",
        partial(from_parquet, folder),
        partial(glum_from_parquet, folder),
        tolerance=1e-4,
    )
    data = solve(ModelRequest(diary(folder), "poisson", TERMS, "cramps"), night_by_night=False).data
    arrays = plain_arrays(folder)

    def alone() -> dict[str, float]:
        solved = NIGHT_FAMILIES["poisson"].solve(data, "cramps", "cluster", None)
        return _numbers(solved.coefficients[1:], np.sqrt(np.diag(solved.variance))[1:])

    yield Job(
        f"  the fit alone, {len(data.outcome):,} rows for them",
        "glum",
        alone,
        partial(with_glum, *arrays),
        tolerance=1e-4,
    )


def resampled(cohort: Cohort, model: str, replicates: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    rows = bootstrap(cohort, model=model, terms="age_band", replicates=replicates, rng=rng)
    return {"estimates": len(rows)}


def mixed(folder: Path) -> dict[str, float]:
    rows = fit(diary(folder), model="mixed-poisson", terms=TERMS).estimates.set_index("term").loc[list(NAMES)]
    return _numbers(np.log(rows["estimate"].to_numpy()), rows["std_error"].to_numpy())


def peak(folder: Path) -> int:
    """Return the most memory, in MB, that a process takes which does nothing but this fit."""
    script = PEAK.format(folder=str(folder), terms=TERMS)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout)


def with_crampstudy(cohort: Cohort) -> dict[str, float]:
    rows = fit(cohort, model="poisson", terms="age_decade + sex", covariance="cluster").estimates
    age = rows[rows["term"] == "age_decade"].iloc[0]
    return {"rate ratio": age["estimate"], "standard error": age["std_error"]}


def with_statsmodels(cohort: Cohort) -> dict[str, float]:
    # From the same cohort to the same two numbers: the design is part of the job on both sides.
    nights = person_nights(cohort).select("participant_id", "cramps", "age_decade", "sex").drop_nulls()
    female = (nights["sex"] == "female").to_numpy().astype(float)
    design = np.column_stack([np.ones(nights.height), nights["age_decade"].to_numpy(), female])
    people = nights["participant_id"].rank("dense").to_numpy()
    model = sm.GLM(nights["cramps"].to_numpy(), design, family=sm.families.Poisson())
    # Scores with G/(G-1) only; statsmodels' own correction would add (N-1)/(N-K).
    robust = {"groups": people, "use_correction": False}
    fitted = model.fit(tol=1e-12, cov_type="cluster", cov_kwds=robust)
    groups = np.unique(people).size
    return {"rate ratio": np.exp(fitted.params[1]), "standard error": fitted.bse[1] * np.sqrt(groups / (groups - 1))}


def write(folder: Path, nights: int) -> None:
    """Write a diary of observed nights and its participants: a simulated block, repeated with other participants."""
    cohort = simulate(1000, 365, 1)
    block = person_nights(cohort).select(cohort.frame("diary").columns)
    people, left, copy = [], nights, 0
    with pq.ParquetWriter(folder / "diary.parquet", block.to_arrow().schema, compression="zstd") as writer:
        while left > 0:
            writer.write_table(_copy(block.head(left), copy).to_arrow(), row_group_size=250_000)
            people.append(_copy(cohort.frame("participants"), copy))
            left, copy = left - block.height, copy + 1
    pl.concat(people).write_parquet(folder / "participants.parquet")


def _copy(frame: pl.DataFrame, copy: int) -> pl.DataFrame:
    return frame.with_columns(pl.format("S{}-{}", pl.lit(copy), "participant_id").alias("participant_id"))


def diary(folder: Path) -> Diary:
    participants = pl.read_parquet(folder / "participants.parquet")
    return Diary("many", participants, pl.scan_parquet(folder / "diary.parquet"))


def from_parquet(folder: Path) -> dict[str, float]:
    rows = fit(diary(folder), model="poisson", terms=TERMS, covariance="cluster").estimates
    rows = rows.set_index("term").loc[list(NAMES)]
    return _numbers(np.log(rows["estimate"].to_numpy()), rows["std_error"].to_numpy())


def plain_arrays(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people = pl.scan_parquet(folder / "participants.parquet").select("participant_id", "age_years", "sex", "diabetes")
    nights = pl.scan_parquet(folder / "diary.parquet").select("participant_id", "cramps", "electrolyte_drink")
    number = pl.col("diabetes", "electrolyte_drink").cast(pl.Float64)
    age = (pl.col("age_years") - 60) / 10
    rows = (
        nights.join(people, on="participant_id", how="left")
        .drop_nulls()
        .select("participant_id", "cramps", age, (pl.col("sex") == "female").cast(pl.Float64), number)
        .collect()
    )
    groups = rows["participant_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    matrix = rows.drop("participant_id", "cramps").to_numpy(order="fortran")
    return matrix, rows["cramps"].cast(pl.Float64).to_numpy(), groups


def glum_from_parquet(folder: Path) -> dict[str, float]:
    return with_glum(*plain_arrays(folder))


def with_glum(matrix: np.ndarray, cramps: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    from glum import GeneralizedLinearRegressor

    fitted = GeneralizedLinearRegressor(family="poisson", alpha=0, gradient_tol=1e-7).fit(matrix, cramps)
    covariance = fitted.covariance_matrix(X=matrix, y=cramps, clusters=groups)
    n, p = len(cramps), matrix.shape[1] + 1
    # glum corrects for the number of rows and coefficients too.
    return _numbers(fitted.coef_, np.sqrt(np.diag(covariance)[1:] * (n - p) / (n - 1)))


def _numbers(b: np.ndarray, errors: np.ndarray) -> dict[str, float]:
    named = {name: float(np.exp(value)) for name, value in zip(NAMES, b, strict=True)}
    return named | {f"error of {name}": float(error) for name, error in zip(NAMES, errors, strict=True)}
