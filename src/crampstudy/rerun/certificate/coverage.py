"""Cohorts of a design are drawn and analysed, and counted is how often an interval covers the truth."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
from scipy import stats

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Flags
from crampstudy.cohort import Cohort
from crampstudy.descriptive import describe
from crampstudy.models import fit
from crampstudy.rerun.certificate.design import MODEL, CohortDesign

N_COHORTS = 200
SEED = 20_240_108
MOST_SECONDS = 300.0
_RATE = "incidence rate"
Covered = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class RowCoverage:
    """How often the interval of a row covered its truth; ``low`` and ``high`` bound the coverage (exact, 95 %)."""

    key: str
    truth: float
    covered: int
    n: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """The coverage that was found, and of what design: people, observed nights, and how they vary."""

    rows: tuple[RowCoverage, ...]
    ci_level: float
    n_cohorts: int
    seed: int
    n_participants: int
    n_nights: int
    between: float
    within: float


def certify(
    design: CohortDesign,
    *,
    bands: AgeBands | None = None,
    ci_level: float = 0.95,
    workers: compute.Workers = 1,
    n_cohorts: int = N_COHORTS,
    most_seconds: float = MOST_SECONDS,
    progress: Callable[[int], None] | None = None,
) -> Certificate:
    """Draw cohorts of a design, estimate their main rows, and count how often intervals cover the truth.

    Args:
        design: what the cohorts share.
        bands: age bands of the incidence rates.
        ci_level: confidence level of the intervals.
        workers: who does the work, as :func:`crampstudy.compute.map` takes it; the counts are the same.
        n_cohorts: how many are drawn.
        most_seconds: after this time no more are waited for; the certificate says how many there were.
        progress: hears how many are done.

    Raises:
        UsageError: ``workers`` cannot be.
        AnalysisError: a worker died.
    """
    asked = bands or AgeBands()
    truth = truths(design, asked)
    task = partial(_covered, design, truth, asked, ci_level)
    found: list[Covered] = []
    begun = time.monotonic()
    for covered in compute.map(task, range(n_cohorts), workers=workers, progress=progress):
        found.append(covered)
        if time.monotonic() - begun > most_seconds:
            break
    hits = {key: [each[key] for each in found if key in each] for key in truth}
    return Certificate(
        rows=tuple(_row(key, value, hits[key]) for key, value in truth.items()),
        ci_level=ci_level,
        n_cohorts=len(found),
        seed=SEED,
        n_participants=len(design.mean),
        n_nights=len(design.people),
        between=design.between,
        within=design.within,
    )


def truths(design: CohortDesign, bands: AgeBands) -> dict[str, float]:
    """Return the true value of each main row, by its key: rates by age, and the ratios of the model."""
    ages = design.cohort.frame("participants")["age_years"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    rates = {}
    for key, level in _rates(design.cohort, bands, 0.95)[["key", "level"]].itertuples(index=False):
        rates[key] = design.expected_rate(_inside(level, ages))
    return {**rates, **design.ratios}


def _rates(cohort: Cohort, bands: AgeBands, ci_level: float) -> pd.DataFrame:
    rows = describe(cohort, by="age_band", bands=bands, standard="none", ci_level=ci_level).estimates
    return rows[(rows["analysis"] == _RATE) & rows["estimate"].notna()]


def _inside(
    level: str, ages: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whose ages lie in a band as its row names it: ``<20``, ``20-39``, ``60+``."""
    numbers = [int(number) for number in re.findall(r"\d+", level)]
    if level.startswith("<"):
        return ages < numbers[0]
    inside: Flags = ages >= numbers[0]
    return inside & (ages < numbers[1] + 1) if len(numbers) > 1 else inside


def _covered(
    design: CohortDesign, truth: Mapping[str, float], bands: AgeBands, ci_level: float, number: int
) -> Covered:
    """Say of each row of one cohort whether its interval covers the truth; its number tells its random numbers."""
    cohort = design.draw(np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(number,))))
    fitted = fit(cohort, model=MODEL, terms=design.terms, ci_level=ci_level).estimates
    rows = pd.concat([_rates(cohort, bands, ci_level), fitted])
    found = rows[rows["key"].isin(truth) & rows["ci_low"].notna() & rows["ci_high"].notna()]
    return {
        key: bool(low <= truth[key] <= high)
        for key, low, high in found[["key", "ci_low", "ci_high"]].itertuples(index=False)
    }


def _row(key: str, truth: float, covered: list[bool]) -> RowCoverage:
    hits, n = sum(covered), len(covered)
    bounds = stats.binomtest(hits, n).proportion_ci(0.95) if n else None
    low, high = (0.0, 1.0) if bounds is None else (float(bounds.low), float(bounds.high))
    return RowCoverage(key, truth, hits, n, low, high)
