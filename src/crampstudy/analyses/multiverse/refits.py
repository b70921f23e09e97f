"""Rows of claims made again under other specifications, one recipe a function, named as the claim's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.causal import CausalGraph, study
from crampstudy.causal.graph import source
from crampstudy.claims import ClaimRow
from crampstudy.claims.specifications import AGE, IN_A_ROW, LAGS, NIGHTS, PERSONS
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN, WITHIN, Exposure
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import adjusted_fit, covariates_of
from crampstudy.contrasts.age_term import age_term
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights.nightly import adjustment_of, columns_of
from crampstudy.contrasts.people.muscle_and_joints import age_ratios
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.terms.columns import quoted
from crampstudy.wording import CONTRAST

_OUTCOME = "cramps"
_GRAPH, _AGE_AND_SEX = "graph", "age and sex"
_AGAINST_LEAD = "against lead"


@dataclass(frozen=True, slots=True)
class RowRefit:
    """A row of a claim to be made again in a ``cohort`` by ``settings`` of its recipe, with what every fit is asked.

    ``graph`` is by default that of the study.
    """

    cohort: Cohort
    of: ClaimRow
    settings: Mapping[str, str]
    asked: Mapping[str, Any]
    graph: CausalGraph | None = None

    @property
    def variable(self) -> str:
        """What the row is of, as a term."""
        return self.of.term.removeprefix(CONTRAST)

    @property
    def model(self) -> dict[str, Any]:
        """What is asked of a model."""
        return {"model": self.settings["family"], **self.asked}


def persons(refit: RowRefit) -> pd.DataFrame:
    """Return the ratio of what a participant is or has, or of the mean of a nightly variable."""
    of, cohort = refit.of, refit.cohort
    mean = Exposure(quoted(refit.variable), BETWEEN) if of.level == BETWEEN else None
    term = str(mean) if mean else refit.variable
    shown = term if exposures.find(term) else quoted(term)
    more = {**refit.model, "outcome": refit.settings.get("outcome", _OUTCOME)}
    if mean is None:
        more["analysis"] = of.analysis
    match refit.settings["adjustment"]:
        case "graph":
            found = adjusted_fit(cohort, term, terms=(shown,), graph=refit.graph, **more)
            fitted, rows = found.fit, found.estimates
        case adjustment:
            held = exposures.unsplit(term)
            beside = [] if adjustment != _AGE_AND_SEX else [age_term(cohort, refit.asked.get("where")), "sex"]
            beside = [each for each in beside if held not in (each, source(each)) and _has(cohort, each)]
            fitted = fit(cohort, terms=" + ".join([shown, *beside]), adjusted_for=beside, **more)
            rows = fitted.estimates
    return rows if mean is None else _of_term(fitted, mean, of)


def nights(refit: RowRefit) -> pd.DataFrame:
    """Return the ratio of a nightly variable within persons, of the day, the day before or a mean of days."""
    within = person_time.part(refit.variable, WITHIN, refit.settings["family"], _OUTCOME)
    window, _, days = refit.settings["window"].partition(" ")
    moved = replace(within, steps=((window, int(days)),)) if days else within
    mean = person_time.part(refit.variable, BETWEEN, refit.settings["family"], _OUTCOME)
    beside = _covariates(refit, held=(_OUTCOME,) if days else ())
    terms = " + ".join([str(moved), str(mean), *beside])
    fitted = fit(refit.cohort, terms=terms, adjusted_for=beside, **refit.model)
    return _of_term(fitted, moved, refit.of)


def lags(refit: RowRefit) -> pd.DataFrame:
    """Return the ratios of a nightly variable over several nights, of so many lags."""
    return distributed_lag(
        refit.cohort,
        refit.variable,
        lags=int(refit.settings["lags"]),
        against_lead=_AGAINST_LEAD in refit.of.level,
        beside=" + ".join(_covariates(refit)),
        **refit.model,
    )


def in_a_row(refit: RowRefit) -> pd.DataFrame:
    """Return the ratio of so many nights in a row with something done against none of them, within persons."""
    length = int(refit.settings["nights in a row"])
    window = Exposure(refit.variable, steps=(("days_last", length),))
    beside = _covariates(refit, held=(_OUTCOME,))
    terms = " + ".join([str(window), f"{BETWEEN}({refit.variable})", *beside])
    fitted = fit(refit.cohort, terms=terms, adjusted_for=beside, **refit.model)
    return _of_term(fitted, window, refit.of)


def age(refit: RowRefit) -> pd.DataFrame:
    """Return the ratios of age, beside sex and what else stands beside it."""
    beside = refit.settings["adjustment"].split()
    more = {**refit.model, "outcome": refit.settings.get("outcome", _OUTCOME)}
    return age_ratios(refit.cohort, sets={kinds.AGE_ALONE: beside}, **more)


RECIPES: Mapping[str, Callable[[RowRefit], pd.DataFrame]] = {
    PERSONS: persons,
    NIGHTS: nights,
    LAGS: lags,
    IN_A_ROW: in_a_row,
    AGE: age,
}
"""By their names in the table of specifications."""


def _covariates(refit: RowRefit, held: Sequence[str] = ()) -> list[str]:
    """Return what the graph asks for beside a deviation, but for what shows the same and columns of ``held``."""
    if refit.settings["adjustment"] != _GRAPH:
        return []
    graph, variable = refit.graph or study(), refit.variable
    found = adjustment_of(refit.cohort, f"{WITHIN}({variable})", _OUTCOME, graph)
    same = {*columns_of((variable,), graph), *held}
    return [term for term in covariates_of(refit.cohort, found, graph, (variable,)) if source(term) not in same]


def _of_term(fitted: Fit, exposure: Exposure, of: ClaimRow) -> pd.DataFrame:
    """Return the rows of an exposure in a fit under the names of a claim's row, judged where it is per unit."""
    kind = kinds.WINDOW if of.analysis == kinds.WINDOW.name else kinds.WITHIN_BETWEEN
    rows = person_time.of_term(fitted, exposure, of.level, kind)
    plain = not of.term.startswith(CONTRAST)
    return estimates.frame(
        person_time.judged(row, MARGINS) if plain and row["term"] == of.term else row for row in rows
    )


def _has(cohort: Cohort, term: str) -> bool:
    return cohort.has("age_years") if "age_years" in term else cohort.has(term)
