"""Proportional odds against MASS::polr, where Rscript is installed: 45,000 rows in five classes.

One R process serves all rounds on request, so that neither its start nor reading the rows is timed. polr stops at its
own tolerance and differences its Hessian, which is why the numbers are compared to no more than three digits;
tests/parity/ordinal.R climbs to the maximum.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from timing import Job

from crampstudy.arrays import Array
from crampstudy.models.classes.ordinal import ordinal

NAMES = ("age", "female", "alcohol", "stretching")
SLOPES = (0.3, 0.4, 0.15, -0.5)
THRESHOLDS = (0.6, 1.4, 2.2, 3.4)
LEVELS = ("0", "1", "2", "3", "4")
RECORDED = "2026-11-22, MASS 7.3.58.2, 45,000 rows in 5 classes, both cores busy: 10 (3.6 s)"
SERVER = """
suppressPackageStartupMessages({library(MASS); library(jsonlite)})
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
data$level <- factor(data$level)
requests <- file("stdin", "r")
while (length(request <- readLines(requests, 1))) {
  fit <- polr(level ~ age + female + alcohol + stretching, data = data, Hess = TRUE)
  answer <- list(b = unname(c(coef(fit), fit$zeta)), se = unname(sqrt(diag(vcov(fit)))))
  cat(toJSON(answer, digits = NA), "\\n", sep = "")
  flush(stdout())
}
"""


def jobs(folder: Path, nights: int = 45_000) -> Iterator[Job | str]:
    if not _has_packages():
        yield f"MASS and jsonlite are not installed here; recorded ratios: {RECORDED}"
        return
    matrix, classes = _rows(nights)
    script, data = folder / "server.R", folder / "rows.csv"
    script.write_text(SERVER)
    header = ",".join((*NAMES, "level"))
    np.savetxt(data, np.column_stack([matrix, classes]), delimiter=",", header=header, comments="", fmt="%.17g")
    with subprocess.Popen(
        ["Rscript", script, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Job(
            f"proportional odds, {nights:,} rows in 5 classes",
            "MASS::polr",
            partial(with_crampstudy, matrix, classes),
            partial(with_r, server),
            tolerance=1e-3,
        )


def _has_packages() -> bool:
    if not shutil.which("Rscript"):
        return False
    wanted = 'q(status = !all(sapply(c("MASS", "jsonlite"), requireNamespace, quietly = TRUE)))'
    return subprocess.run(["Rscript", "-e", wanted], capture_output=True, check=False).returncode == 0


def _rows(n: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    columns = (rng.normal(size=n), rng.random(n) < 0.55, rng.poisson(1.2, n), rng.random(n) < 0.3)
    matrix = np.column_stack(columns).astype(np.float64)
    classes = np.searchsorted(THRESHOLDS, matrix @ SLOPES + rng.logistic(size=n))
    return matrix, classes.astype(np.float64)


def with_crampstudy(matrix: Array, classes: Array) -> dict[str, float]:
    fitted = ordinal(matrix, classes, levels=LEVELS, names=NAMES)
    return _numbers(fitted.parameters, np.sqrt(np.diag(np.linalg.inv(fitted.information))))


def with_r(server: subprocess.Popen[str]) -> dict[str, float]:
    assert server.stdin and server.stdout
    server.stdin.write("fit\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    return _numbers(np.array(answer["b"]), np.array(answer["se"]))


def _numbers(b: Array, errors: Array) -> dict[str, float]:
    # Ratios, since a coefficient near zero has no relative digits.
    numbers = {f"parameter {i}": float(np.exp(value)) for i, value in enumerate(b)}
    return numbers | {f"error of parameter {i}": float(error) for i, error in enumerate(errors)}
