"""Zero-inflated and hurdle negative binomial against glmmTMB in R, where Rscript is installed.

One R process serves all rounds and fits on request, so that neither its start nor reading the rows is timed. Ours adds
the rows up first, and that is timed. glmmTMB stops at its own tolerance, which is why the numbers are compared to
three digits of an odds or a rate ratio; tests/parity/zeros.R climbs to the maximum.
`make bench ARGS="zeros --nights 45_000 --rounds 1"` is the size of the recorded ratios.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from timing import Job

from crampstudy.arrays import Array
from crampstudy.models.common.aggregation import compress
from crampstudy.models.nights.zeros import zero_inflated
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit

NIGHTS_EACH = 90
RECORDED = "2026-11-22, glmmTMB 1.1.5, 500 people x 90 nights: zero-inflated 7.8 (5.1 s), hurdle 35 (6.1 s)"
SERVER = """
suppressPackageStartupMessages({library(glmmTMB); library(jsonlite)})
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
requests <- file("stdin", "r")
while (length(request <- readLines(requests, 1))) {
  family <- if (request == "hurdle") truncated_nbinom2 else nbinom2
  fit <- suppressWarnings(glmmTMB(cramps ~ age + female + weekend, ziformula = ~age, data = data, family = family))
  variance <- vcov(fit)
  se <- c(sqrt(diag(variance$cond)), sqrt(diag(variance$zi)))
  answer <- list(b = unname(c(fixef(fit)$cond, fixef(fit)$zi)), se = unname(se))
  cat(toJSON(answer, digits = NA), "\\n", sep = "")
  flush(stdout())
}
"""


def jobs(folder: Path, nights: int = 200 * NIGHTS_EACH) -> Iterator[Job | str]:
    if not _has_packages():
        yield f"glmmTMB is not installed here; recorded ratios: {RECORDED}"
        return
    people = nights // NIGHTS_EACH
    rows = _rows(people)
    script, data = folder / "server.R", folder / "rows.csv"
    script.write_text(SERVER)
    matrix, counts, _ = rows
    columns = np.column_stack([counts, matrix[:, 1:]])
    np.savetxt(data, columns, delimiter=",", header="cramps,age,female,weekend", comments="", fmt="%.17g")
    with subprocess.Popen(
        ["Rscript", script, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        for name, model in (("zero-inflated", zero_inflated.zero_inflated), ("hurdle", zero_inflated.hurdle)):
            yield Job(
                f"{name} negative binomial, {people} people x {NIGHTS_EACH} nights",
                "glmmTMB",
                partial(with_crampstudy, model, rows),
                partial(with_r, server, name),
                tolerance=2e-3,
            )


def _has_packages() -> bool:
    if not shutil.which("Rscript"):
        return False
    wanted = 'q(status = !all(sapply(c("glmmTMB", "jsonlite"), requireNamespace, quietly = TRUE)))'
    return subprocess.run(["Rscript", "-e", wanted], capture_output=True, check=False).returncode == 0


def _rows(people: int) -> tuple[Array, Array, Array]:
    """Draw nights with excess zeros, fewer with age; everybody's age is another, so that people never share a row."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(people), NIGHTS_EACH)
    age, female = rng.normal(size=people)[groups], (rng.random(people) < 0.5)[groups].astype(float)
    weekend = (np.arange(len(groups)) % 7 >= 5).astype(float)
    rate = np.exp(0.2 + 0.3 * age + 0.2 * female + 0.1 * weekend) * rng.gamma(2.0, 0.5, len(groups))
    counts = rng.poisson(rate) * (rng.random(len(groups)) > 1 / (1 + np.exp(0.3 + 0.5 * age)))
    return np.column_stack([np.ones(len(groups)), age, female, weekend]), counts.astype(float), groups


def with_crampstudy(model: Callable[..., ZerosFit], rows: tuple[Array, Array, Array]) -> dict[str, float]:
    matrix, counts, groups = rows
    few = compress(matrix, counts, np.zeros(len(counts)), groups.astype(np.intp), "count")
    fitted = model(few.matrix, few.matrix[:, :2], few.counts, few.offset, few.multiplicity)
    errors = np.sqrt(np.diag(fitted.covariance("model", few.groups)))
    return _numbers(np.concatenate([fitted.coefficients, fitted.zero]), errors)


def with_r(server: subprocess.Popen[str], request: str) -> dict[str, float]:
    assert server.stdin and server.stdout
    server.stdin.write(request + "\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    return _numbers(np.array(answer["b"]), np.array(answer["se"]))


def _numbers(b: Array, errors: Array) -> dict[str, float]:
    names = ("intercept", "age", "sex", "weekend", "zero: intercept", "zero: age")
    # Ratios, since a coefficient near zero has no relative digits.
    numbers = {name: float(np.exp(value)) for name, value in zip(names, b, strict=True)}
    return numbers | {f"error of {n}": float(e) for n, e in zip(names, errors, strict=True)}
