"""Count models with participant-clustered intervals, against statsmodels on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from timing import Job

from crampstudy import Cohort, fit
from crampstudy.nights import person_nights
from crampstudy.simulate import simulate

PARTICIPANTS, NIGHTS = 500, 90


def jobs(folder: Path) -> Iterator[Job]:
    cohort = simulate(PARTICIPANTS, NIGHTS, 1)
    yield Job(
        f"Poisson, clustered, {PARTICIPANTS} people x {NIGHTS} nights",
        "statsmodels GLM",
        partial(with_crampstudy, cohort),
        partial(with_statsmodels, cohort),
        tolerance=1e-8,
    )


def with_crampstudy(cohort: Cohort) -> dict[str, float]:
    rows = fit(cohort, model="poisson", terms="age_decade + sex").estimates
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
