"""Random-intercept models against lme4 (9 nodes) and glmmTMB (Laplace) in R, where Rscript is installed.

One R process serves all rounds and fits on request, so that neither its start nor reading the rows is timed. Times of
both sides grow with the number of participants; fewer than the 500 of the recorded ratios keep the bench short:
`make bench ARGS="mixed --nights 45_000 --rounds 1"` repeats those. Both packages stop at their own tolerance, which
is why the numbers are compared to no more than four digits; tests/parity/mixed.R climbs to the maximum.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from timing import Job

from crampstudy.arrays import Array
from crampstudy.models.nights.random_effects import mixed
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.nights import person_nights
from crampstudy.simulate import simulate

NIGHTS_EACH = 90
RECORDED = (
    "2026-11-22, lme4 1.1.31 and glmmTMB 1.1.5, 500 people x 90 nights, processor time: "
    "Poisson 9 nodes 130 (11.2 s), Poisson 1 node 12 (1.2 s), negative binomial 1 node 14 (2.8 s)"
)
SERVER = """
suppressPackageStartupMessages({library(lme4); library(glmmTMB); library(jsonlite)})
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
formula <- cramps ~ age + female + weekend + (1 | person)
requests <- file("stdin", "r")
while (length(request <- readLines(requests, 1))) {
  fit <- suppressWarnings(switch(request,
    lme4 = glmer(formula, data = data, family = poisson, nAGQ = 9),
    glmmTMB = glmmTMB(formula, data = data, family = poisson),
    glmmTMB_nb = glmmTMB(formula, data = data, family = nbinom2)
  ))
  laplace <- request != "lme4"
  b <- if (laplace) fixef(fit)$cond else fixef(fit)
  variance <- if (laplace) vcov(fit)$cond else vcov(fit)
  spread <- if (laplace) VarCorr(fit)$cond$person else VarCorr(fit)$person
  answer <- list(b = unname(b), se = unname(sqrt(diag(as.matrix(variance)))), sd = unname(attr(spread, "stddev")))
  cat(toJSON(answer, digits = NA, auto_unbox = TRUE), "\\n", sep = "")
  flush(stdout())
}
"""


def jobs(folder: Path, nights: int = 60 * NIGHTS_EACH) -> Iterator[Job | str]:
    if not _has_packages():
        yield f"lme4 and glmmTMB are not installed here; recorded ratios: {RECORDED}"
        return
    people = nights // NIGHTS_EACH
    rows = _rows(people)
    script, data = folder / "server.R", folder / "rows.csv"
    script.write_text(SERVER)
    matrix, counts, _, groups = rows
    columns = np.column_stack([groups, counts, matrix[:, 1:]])
    np.savetxt(data, columns, delimiter=",", header="person,cramps,age,female,weekend", comments="", fmt="%.17g")
    with subprocess.Popen(
        ["Rscript", script, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        for name, request, model, nodes in (
            ("mixed Poisson, 9 nodes", "lme4", mixed.poisson, 9),
            ("mixed Poisson, 1 node", "glmmTMB", mixed.poisson, 1),
            ("mixed negative binomial, 1 node", "glmmTMB_nb", mixed.negative_binomial, 1),
        ):
            yield Job(
                f"{name}, {people} people x {NIGHTS_EACH} nights",
                request.partition("_")[0],
                partial(with_crampstudy, model, rows, nodes),
                partial(with_r, server, request),
                tolerance=2e-3,
            )


def _has_packages() -> bool:
    if not shutil.which("Rscript"):
        return False
    wanted = 'q(status = !all(sapply(c("lme4", "glmmTMB", "jsonlite"), requireNamespace, quietly = TRUE)))'
    return subprocess.run(["Rscript", "-e", wanted], capture_output=True, check=False).returncode == 0


def _rows(people: int) -> tuple[Array, Array, Array, Array]:
    nights = person_nights(simulate(people, NIGHTS_EACH, 1)).drop_nulls(["cramps", "age_decade", "sex"])
    female = nights["sex"] == "female"
    weekend = nights["date"].dt.weekday() >= 6
    columns = [np.ones(nights.height), nights["age_decade"], female.cast(pl.Float64), weekend.cast(pl.Float64)]
    groups = nights["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1
    return np.column_stack(columns), nights["cramps"].to_numpy().astype(float), np.zeros(nights.height), groups


def with_crampstudy(model: Callable[..., MixedFit], rows: tuple[Array, ...], nodes: int) -> dict[str, float]:
    fitted = model(*rows, nodes=nodes)
    errors = np.sqrt(np.diag(fitted.covariance("model")))
    return _numbers(fitted.coefficients, errors, float(fitted.sd[0]))


def with_r(server: subprocess.Popen[str], request: str) -> dict[str, float]:
    assert server.stdin and server.stdout
    server.stdin.write(request + "\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    return _numbers(np.array(answer["b"]), np.array(answer["se"]), answer["sd"])


def _numbers(b: Array, errors: Array, sd: float) -> dict[str, float]:
    names = ("intercept", "age", "sex", "weekend")
    # Ratios, since a coefficient near zero has no relative digits.
    numbers = {name: float(np.exp(value)) for name, value in zip(names, b, strict=True)}
    return numbers | {f"error of {n}": float(e) for n, e in zip(names, errors, strict=True)} | {"sd": sd}
