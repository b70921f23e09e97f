"""Marginal models against geepack in R (where Rscript is installed) and statsmodels, on the same rows.

One R process serves all rounds and fits on request, so that neither its start nor reading the rows is timed. geepack's
time grows with the number of participants as ours does; fewer than the 500 of the recorded ratio keep the bench short.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import statsmodels.api as sm
from timing import Job

from crampstudy.models.inference.covariance import covariance
from crampstudy.models.nights.gee import gee
from crampstudy.nights import person_nights
from crampstudy.simulate import simulate

PARTICIPANTS, NIGHTS = 60, 90
RECORDED = "2026-11-22, geepack 1.3.9, 500 people x 90 nights, processor time: exchangeable 134, AR(1) 100"
SERVER = """
suppressPackageStartupMessages({library(geepack); library(jsonlite)})
path <- commandArgs(trailingOnly = TRUE)[1]
data <- read.csv(path)
requests <- file("stdin", "r")
while (length(structure <- readLines(requests, 1))) {
  fit <- geeglm(cramps ~ age + female, family = poisson, data = data, id = person, waves = night, corstr = structure,
                control = geese.control(epsilon = 1e-10, maxit = 200))
  stopifnot(fit$geese$error == 0)
  answer <- list(b = unname(coef(fit)), se = sqrt(diag(fit$geese$vbeta)), alpha = unname(fit$geese$alpha))
  cat(toJSON(answer, digits = NA, auto_unbox = TRUE), "\\n", sep = "")
  flush(stdout())
}
"""


def jobs(folder: Path) -> Iterator[Job | str]:
    rows = _rows()
    size = f"{PARTICIPANTS} people x {NIGHTS} nights"
    if _has_geepack():
        script, data = folder / "server.R", folder / "rows.csv"
        script.write_text(SERVER)
        header = "person,night,cramps,age,female"
        columns = [rows["groups"], rows["nights"], rows["outcome"], *rows["matrix"].T[1:]]
        np.savetxt(data, np.column_stack(columns), delimiter=",", header=header, comments="", fmt="%.17g")
        with subprocess.Popen(
            ["Rscript", script, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            for name, structure in (("exchangeable", "exchangeable"), ("AR(1)", "ar1")):
                ours, peer = partial(with_crampstudy, rows, structure), partial(with_geepack, server, structure)
                yield Job(f"GEE Poisson {name}, {size}", "geepack", ours, peer, tolerance=1e-7)
    else:
        yield f"geepack is not installed here; recorded ratios: {RECORDED}"
    yield Job(
        f"GEE Poisson exchangeable, {size}",
        "statsmodels GEE",
        partial(with_crampstudy, rows, "exchangeable"),
        partial(with_statsmodels, rows),
        # statsmodels divides the scale and the correlation by rows less coefficients.
        tolerance=5e-3,
    )


def _has_geepack() -> bool:
    if not shutil.which("Rscript"):
        return False
    wanted = 'q(status = !all(sapply(c("geepack", "jsonlite"), requireNamespace, quietly = TRUE)))'
    return subprocess.run(["Rscript", "-e", wanted], capture_output=True, check=False).returncode == 0


def _rows() -> dict[str, Any]:
    nights = person_nights(simulate(PARTICIPANTS, NIGHTS, 1)).drop_nulls(["cramps", "age_decade", "sex"])
    nights = nights.sort("participant_id", "date")
    first = nights.select(pl.col("date").min().over("participant_id"))["date"]
    female = (nights["sex"] == "female").to_numpy().astype(float)
    return {
        "matrix": np.column_stack([np.ones(nights.height), nights["age_decade"].to_numpy(), female]),
        "outcome": nights["cramps"].to_numpy().astype(float),
        "offset": np.zeros(nights.height),
        "groups": nights["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1,
        # geeglm numbers the nights that occur at all 1, 2, ...: counted from each person's first, every one occurs.
        "nights": (nights["date"] - first).dt.total_days().to_numpy(),
    }


def with_crampstudy(rows: dict[str, Any], structure: Any) -> dict[str, float]:
    fitted = gee(**rows, family="poisson", working=structure)
    clusters = np.arange(len(fitted.scores))
    variance = covariance(fitted.information, fitted.scores, clusters, "cluster-hc0")
    return _numbers(fitted.coefficients, np.sqrt(np.diag(variance)), fitted.alpha)


def with_geepack(server: subprocess.Popen[str], structure: str) -> dict[str, float]:
    assert server.stdin and server.stdout
    server.stdin.write(structure + "\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    return _numbers(answer["b"], answer["se"], answer["alpha"])


def with_statsmodels(rows: dict[str, Any]) -> dict[str, float]:
    model = sm.GEE(
        rows["outcome"],
        rows["matrix"],
        rows["groups"],
        family=sm.families.Poisson(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    fitted = model.fit(maxiter=200, ctol=1e-10)
    return _numbers(fitted.params, fitted.bse, model.cov_struct.dep_params)


def _numbers(b: Any, errors: Any, alpha: float) -> dict[str, float]:
    return {"age": b[1], "error of age": errors[1], "sex": b[2], "error of sex": errors[2], "correlation": alpha}
