"""Times up to pass urine at night by the fluid of the day: the rate ratio of another count than that of cramps."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.causal import study
from crampstudy.codebook.exposures import WITHIN
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import covariates_of, held_of
from crampstudy.contrasts.nights.nightly import adjustment_of
from crampstudy.estimates import kinds
from crampstudy.models.fit import fit
from crampstudy.nights import Diary
from crampstudy.wording import CONTRAST

NOCTURIA, FLUID = "nocturia", "fluid_ml"
MORE_ML = 500
"""So much more fluid than the person's own mean is what the claim on over-hydration is read at."""


def nocturia_by_fluid(cohort: Cohort, **more: Any) -> pd.DataFrame:
    """Return the rate ratio of getting up to pass urine after a day with more fluid than the person's own mean.

    The model is a Poisson one of the count of a night, whose robust covariance needs no Poisson variance, adjusted for
    what the causal graph asks for of this outcome.

    Args:
        cohort: a diary with the count.
        more: other arguments of :func:`crampstudy.fit`.

    Raises:
        UsageError: as of :func:`crampstudy.fit`.
    """
    graph, within = study(), f"{WITHIN}({FLUID})"
    found = adjustment_of(cohort, within, NOCTURIA, graph)
    covariates = covariates_of(cohort, found, graph, (FLUID,))
    terms = " + ".join([within, *covariates])
    fitted = fit(_counting(cohort, NOCTURIA), model="poisson", terms=terms, adjusted_for=covariates, **more)
    rows = fitted.estimates
    (plain,) = person_time.known(rows[rows["term"] == within])
    cells: dict[str, Any] = {"outcome": NOCTURIA, "analysis": kinds.NIGHTLY_COUNT.name, "term": f"{CONTRAST}{FLUID}"}
    cells |= {"level": WITHIN, "unit": f"{MORE_ML} mL/day above own mean"}
    if fitted.linear is None or plain["status"] not in ("converged", "boundary"):
        kept = {name: cell for name, cell in plain.items() if name not in ("unit", "estimate")}
        return estimates.frame([estimates.row(**kept | cells)])
    row = fitted.linear.ratio({within: MORE_ML}, {within: 0.0})
    adjusted_for = str(plain.get("adjusted_for") or "")
    kept = {name: cell for name, cell in row.items() if name not in ("key", "reference") and cell is not None}
    # A ratio that could not be shown says why itself.
    note = row["note"] if row["estimate"] is None else plain.get("note")
    cells |= {"note": note, "adjusted_for": adjusted_for or None, "estimand": plain.get("estimand")}
    made = held_of(found, fitted, covariates).on(estimates.row(**kept | cells))
    return estimates.frame([person_time.judged_inside(made, fitted.linear, within, MORE_ML)])


def _counting(cohort: Cohort, count: str) -> Diary:
    """Return a diary whose count of a night is another one, so that models of counts explain it."""
    diary = Diary.of(cohort)
    return Diary(diary.name, diary.participants, diary.nights.with_columns(pl.col(count).alias("cramps")))
