"""How cramps change over age as a smooth curve: a natural cubic spline on the scale of the cohort's own measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds, note
from crampstudy.models.coefficients.rows import ALONE
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.common.distributions import POISSON
from crampstudy.models.common.estimability import obstacle
from crampstudy.models.inference import covariance
from crampstudy.models.inference.automatic import chosen, named, of_regression
from crampstudy.models.inference.small_sample import Nights
from crampstudy.models.nights import count
from crampstudy.models.surveys import linearised
from crampstudy.models.surveys.domain_means import lonely_note
from crampstudy.models.surveys.sampling import SamplingDesign, few_note
from crampstudy.models.terms import design_matrix
from crampstudy.nights import NIGHTS_PER_WEEK, NO_AGE, denominator, night_account, people, person_nights

TERMS = "ns(age_years, df=4)"
_OUTCOMES = ("any_cramp", "moderate_severe_vs_rest")


def age_curve(cohort: Cohort, *, youngest: int = 20, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the rate (diary) or the prevalence of recalled classes (survey) at every whole year of age.

    A diary's curve is a Poisson rate model with the covariance ``auto`` of :func:`crampstudy.fit` and the degrees of
    freedom that each age has, a survey's a design-based logistic model; both have a natural cubic spline of age with 4
    degrees of freedom and nothing else, so that the curve describes and does not explain. Ages run over the whole years
    between the youngest and the oldest who enter the fit, from ``youngest`` on: nothing is drawn where nobody is.

    Returns:
        Tidy estimates, a row per age, ``term`` ``age_years`` and ``level`` the age; ``n_exposed`` are of that age.

    Source: Hastie, Tibshirani and Friedman 2009, section 5.2 (natural cubic splines).
    """
    if cohort.kind == "diary":
        return estimates.frame(_rates(cohort, youngest, ci_level))
    return estimates.frame(row for outcome in _OUTCOMES for row in _prevalences(cohort, outcome, youngest, ci_level))


def _rates(cohort: Cohort, youngest: int, ci_level: float) -> list[dict[str, Any]]:
    nights = person_nights(cohort, names=("age_years",))
    candidate = (nights["age_years"].fill_null(-1) >= youngest).to_numpy()
    cells = _cells(cohort, "cramps", "poisson", youngest, ci_level) | {
        "scale": "rate",
        "unit": "cramps per person-week",
        "estimand": "incidence rate by age, crude",
    }
    ages = nights["age_years"].filter(pl.Series(candidate))
    if (reason := denominator(cohort).why_not or _too_few(ages, nights["age_years"])) is not None:
        return [estimates.row(status="not_estimable", note=reason, **cells)]
    design = design_matrix.build(nights, TERMS, candidate=candidate)
    counts = nights["cramps"].to_numpy()[design.rows].astype(np.float64)
    people = nights["participant_id"].filter(pl.Series(design.rows)).rank("dense").to_numpy().astype(np.intp) - 1
    known = int(nights["age_years"].count())
    left_out = (("without an age", nights.height - known), (f"below {youngest} years", known - len(ages)))
    cells |= {
        "n_participants": int(people.max()) + 1,
        "n_nights": len(counts),
        "n_events": int(counts.sum()),
        "note": "; ".join(night_account(cohort, nights.height, left_out).remarks()) or None,
    }
    needed = design_matrix.PER_COEFFICIENT * len(design.columns)
    reason = None
    if cells["n_participants"] < needed:
        reason = f"a curve of {len(design.columns)} coefficients needs at least {needed} participants"
    if (reason := reason or obstacle(design, counts, people, "auto")) is not None:
        return [estimates.row(status="not_estimable", **cells | {"note": reason})]
    once = np.zeros(len(counts))
    fitted = count.poisson(design.matrix, counts, once)
    if fitted.problem:
        return [estimates.row(status="not_converged", **cells | {"note": fitted.problem})]
    grid = _whole_years(ages)
    at = _at(design, grid)
    fitted_to = Nights(design.matrix, counts, once, people, fitted.coefficients, POISSON)
    found = of_regression(fitted, fitted_to, "auto")
    if found.problem or np.isnan(found.variance).any():
        return [estimates.row(status="not_estimable", **cells | {"note": found.problem or ALONE})]
    cells["facts"] = chosen(found.used, "auto")
    cells["note"] = "; ".join(filter(None, (cells["note"], *found.notes, *named(found.used, "auto"))))
    log_rate, error = covariance.combined(at, fitted.coefficients, found.variance)
    df = found.moments.df(at)
    half = np.array([covariance.quantile(ci_level, its) for its in df]) * error
    limits = [np.exp(log_rate + shift) * NIGHTS_PER_WEEK for shift in (0, -half, half)]
    of_each = nights.filter(pl.Series(candidate)).unique("participant_id")["age_years"]
    return _curve(cells, grid, *limits, error, df, _counts(of_each, grid))


def _prevalences(cohort: Cohort, outcome: str, youngest: int, ci_level: float) -> list[dict[str, Any]]:
    frame = people(cohort)
    cells = _cells(cohort, outcome, "survey-logistic", youngest, ci_level) | {
        "scale": "prevalence",
        "unit": "proportion",
        "estimand": "design-based prevalence by age, crude",
    }
    events = recalled_outcomes.binary(frame, outcome)
    if cohort.design is None:
        return [estimates.row(status="not_estimable", note="the survey has no sampling design", **cells)]
    weight = frame[recalled_outcomes.weight_for(cohort.design, ())].to_numpy()
    old_enough = (frame["age_years"].fill_null(-1) >= youngest).to_numpy()
    candidate = np.isfinite(events) & old_enough & (np.nan_to_num(weight) > 0)
    ages = frame["age_years"].filter(pl.Series(candidate))
    if (reason := _too_few(ages, frame["age_years"])) is not None:
        return [estimates.row(status="not_estimable", note=reason, **cells)]
    design = design_matrix.build(frame, TERMS, candidate=candidate)
    sampling = SamplingDesign.of(frame[cohort.design.stratum], frame[cohort.design.psu], weight)
    names = [f"{c.term} {c.level}" for c in design.columns]
    fitted = linearised.regression(events, design.over_all_rows(), names, design.rows, sampling)
    cells |= {"n_participants": fitted.n, "n_events": fitted.n_events, "n_groups": fitted.n_psus}
    if fitted.status != "converged":
        return [estimates.row(status=fitted.status, note=fitted.reason, **cells)]
    # From the top-coded age on, an age is no longer known.
    grid = _whole_years(ages.clip(upper_bound=cohort.design.top_coded_age or 120))
    logit, error = covariance.combined(_at(design, grid), fitted.coefficients, fitted.covariance)
    lonely = lonely_note(int((sampling.present(design.rows) == 1).sum()))
    cells |= {"note": note(few_note(fitted.df, fitted.df_residual), lonely)}
    half = covariance.quantile(ci_level, fitted.df_residual) * error
    limits = [1 / (1 + np.exp(-(logit + shift))) for shift in (0, -half, half)]
    return _curve(cells, grid, *limits, error, np.full(len(grid), float(fitted.df_residual)), _counts(ages, grid))


def _cells(cohort: Cohort, outcome: str, model: str, youngest: int, ci_level: float) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "population": f"{youngest}+",
        "outcome": outcome,
        "analysis": kinds.AGE_CURVE.name,
        "model": model,
        "term": "age_years",
        "ci_level": ci_level,
    }


def _too_few(ages: pl.Series, known: pl.Series) -> str | None:
    if not known.count():
        return NO_AGE
    different = ages.n_unique()
    return None if different >= 10 else f"a curve needs at least 10 different ages, the cohort has {different}"


def _whole_years(ages: pl.Series) -> Array:
    """Return the whole years between the youngest and the oldest of those observed."""
    observed = ages.to_numpy()
    return np.arange(np.ceil(observed.min()), np.floor(observed.max()) + 1)


def _at(design: design_matrix.Design, ages: Array) -> Array:
    return design.encode(pd.DataFrame({"age_years": ages}))


def _counts(ages: pl.Series, grid: Array) -> Array:
    """Return how many are of each whole year of the grid; those past an end are at that end."""
    years = np.clip(np.floor(ages.to_numpy()), grid[0], grid[-1]) - grid[0]
    return np.bincount(years.astype(int), minlength=len(grid)).astype(np.float64)


def _curve(cells: dict[str, Any], ages: Array, *columns: Array) -> list[dict[str, Any]]:
    names = ("estimate", "ci_low", "ci_high", "std_error", "df", "n_exposed")
    return [
        estimates.row(status="converged", level=f"{age:.0f}", **cells | dict(zip(names, values, strict=True)))
        for age, *values in zip(ages, *columns, strict=True)
    ]
