"""People of the least active third against those of the most active one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.causal import study
from crampstudy.codebook.exposures import BETWEEN
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import covariates_of, held_of
from crampstudy.contrasts.nights.nightly import MODEL, adjustment_of
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.nights import Diary
from crampstudy.wording import CONTRAST

ACTIVE = ("exercise_min", "low_impact_min")
"""Minutes of a day that are active, those of them that a diary has."""
LEAST_ACTIVE = "least active third"
FEWEST = 15
"""Of fewer participants there are no thirds."""
_THIRD = "third_by_activity"
_LEAST, _MIDDLE, _MOST = "least active", "middle", "most active"
_TERM = f"C({_THIRD}, ref='{_MOST}')"


def active_thirds(cohort: Cohort, **more: Any) -> pd.DataFrame:
    """Return the rate ratio of the least active third of the participants against the most active one.

    Thirds are of a participant's mean of active minutes over all logged nights, adjusted for what the causal graph asks
    for of exercise between persons.

    Args:
        cohort: a diary with at least one of :data:`ACTIVE`.
        more: other arguments of :func:`crampstudy.fit`.

    Raises:
        UsageError: as of :func:`crampstudy.fit`.
    """
    columns = [name for name in ACTIVE if cohort.has(name)]
    cells: dict[str, Any] = {
        "cohort": cohort.name,
        "population": more.get("where") or "all participants",
        "outcome": "cramps",
        "analysis": kinds.THIRDS.name,
        "model": MODEL,
        "term": f"{CONTRAST}{columns[0]}",
        "level": LEAST_ACTIVE,
        "reference": "most active third",
        "scale": "rate_ratio",
        "unit": "least against most active third",
    }
    third = _thirds(cohort, columns)
    if third is None:
        note = f"thirds need {FEWEST} participants who differ in how active they are"
        return estimates.frame([estimates.row(status="not_estimable", **cells | {"note": note})])
    graph = study()
    found = adjustment_of(cohort, f"{BETWEEN}({columns[0]})", "cramps", graph)
    means = {f"{BETWEEN}({name})" for name in ACTIVE}
    covariates = [term for term in covariates_of(cohort, found, graph, ACTIVE) if term not in means]
    diary = Diary.of(cohort)
    people = diary.participants.join(third, on="participant_id", how="left")
    fitted = fit(
        Diary(diary.name, people, diary.nights),
        model=MODEL,
        terms=" + ".join([_TERM, *covariates]),
        adjusted_for=covariates,
        **more,
    )
    of_third = fitted.estimates["term"].eq(formula.as_shown(_TERM, fitted.estimates["term"].tolist()))
    (row,) = person_time.known(fitted.estimates[of_third & fitted.estimates["level"].eq(_LEAST)])
    held = held_of(found, fitted, covariates)
    own = {**row, **cells, "verdict": None}
    return estimates.frame([person_time.judged(held.on(estimates.row(**own)), MARGINS)])


def _thirds(cohort: Cohort, columns: list[str]) -> pl.DataFrame | None:
    """Return of each participant whether it is of the least active third, the middle one or the most active one."""
    nights = Diary.of(cohort).nights.select("participant_id", active=pl.sum_horizontal(columns, ignore_nulls=False))
    means = nights.drop_nulls().group_by("participant_id").agg(pl.col("active").mean()).collect()
    if means.height < FEWEST:
        return None
    low, high = np.quantile(means["active"].to_numpy(), (1 / 3, 2 / 3))
    if low == high:
        return None
    active = pl.col("active")
    third = pl.when(active <= low).then(pl.lit(_LEAST)).when(active < high).then(pl.lit(_MIDDLE))
    return means.select("participant_id", third.otherwise(pl.lit(_MOST)).alias(_THIRD))
