"""The annual cycle of cramps in a diary: a cosine and a sine of the day of the year in a model of the nights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_term import age_term
from crampstudy.contrasts.season.rows import COSINE, SINE, FittedCycle, SeasonQuestion, not_estimable
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.estimates import kinds
from crampstudy.estimates.kinds.sections.season import MONTH_NAMES
from crampstudy.models.nights import count
from crampstudy.models.nights.solution import Solution
from crampstudy.models.request import ModelRequest
from crampstudy.models.validation import solve
from crampstudy.nights import denominator, nights_of_part, observed_night
from crampstudy.wording import counted, listed

MODEL = "negative-binomial"
FEWEST_MONTHS, FEWEST_PEOPLE = 9, 10
"""A cycle is fitted where so many calendar months have nights of at least so many people."""
LONG = 92
"""Nights from a participant's first to the last, beyond which there is something of the cycle within persons."""
_NIGHT = "night_in_study"
Row = dict[str, Any]


def annual_cycle(cohort: Cohort, asked: SeasonQuestion, rng: np.random.Generator) -> pd.DataFrame:
    """Return the annual cycle of the rate of cramps in a diary, and the rates by calendar month beside it.

    The angle is 2 pi d / 365.25 with d = 1 on 1 January. Its cosine and sine stand in a negative binomial model of the
    nights beside age, sex and the night in study, with the covariance ``auto``. With A the length of both
    coefficients, the ratio of peak to trough is exp(2 A) and the relative amplitude, (max - min) / (max + min), tanh A.
    Their intervals, and that of the peak, are by resampled participants, of one step each
    (:func:`crampstudy.contrasts.season.cosinor.resampled`). In the south days are shifted by half a year, which turns
    winter into summer and leaves the dates of the peak those of the calendar.

    Source: Stolwijk, Straatman and Zielhuis 1999 (cosinor in regression); Liang and Zeger 1986 (clusters).
    """
    cohort = _with_night_in_study(cohort)
    nights = nights_of_part(cohort, asked.where)
    months = list(_months(cohort, nights, asked))
    base: Row = {
        "cohort": cohort.name,
        "population": asked.where or "all participants",
        "outcome": "cramps",
        "model": MODEL,
        "ci_level": asked.ci_level,
        "estimand": _estimand(nights),
    }
    why_not = denominator(cohort).why_not or _too_few(nights)
    if why_not is not None:
        return estimates.frame([*not_estimable(base, "not_estimable", why_not), *months])
    terms = [COSINE, SINE, *([age_term(cohort)] if cohort.has("age_years") else [])]
    terms += [*(["sex"] if cohort.has("sex") else []), _NIGHT]
    request = ModelRequest(
        cohort,
        MODEL,
        " + ".join(terms),
        "cramps",
        where=asked.where,
        ci_level=asked.ci_level,
        participants_per_coefficient=asked.per_coefficient,
        adjusted_for=tuple(terms[2:]),
    )
    solution = solve(request, night_by_night=False)
    fitted, places = _fitted(solution), _places(solution)
    if isinstance(fitted, str) or places is None:
        failed = isinstance(fitted, str) and solution.reason is None
        status: estimates.Status = "not_converged" if failed else "not_estimable"
        reason = fitted if isinstance(fitted, str) else _crowded(solution, asked)
        return estimates.frame([*not_estimable(base, status, reason), *months])
    base["estimand"] = _estimand(nights, solution.design.terms())
    made = FittedCycle.of(solution, fitted, places, asked, rng)
    return estimates.frame([*made.rows(base, asked), *months, *made.curve(base, asked)])


def _with_night_in_study(cohort: Cohort) -> Cohort:
    diary = cohort.frame("diary")
    first = pl.col("date").filter(observed_night(cohort)).min().over("participant_id")
    since = (pl.col("date") - first).dt.total_days().cast(pl.Float64)
    return replace(cohort, tables={**cohort.tables, "diary": diary.with_columns(since.alias(_NIGHT))})


def _estimand(nights: pl.DataFrame, terms: Sequence[str] | None = None) -> str:
    """Return what is estimated, adjusted for what is asked for, or for what of it a model has as ``terms``."""
    span = nights.group_by("participant_id").agg((pl.col("date").max() - pl.col("date").min()).dt.total_days())["date"]
    longest = span.max() if nights.height else 0
    how = "between persons" if not isinstance(longest, int) or longest <= LONG else "within and between persons"
    asked = {"age": "age_years", "sex": "sex", "night in study": _NIGHT}
    held = [said for said, name in asked.items() if terms is None or any(name in term for term in terms)]
    return f"annual cycle, {how}, association{f' adjusted for {listed(held)}' if held else ''}"


def _too_few(nights: pl.DataFrame) -> str | None:
    people = nights.group_by(pl.col("date").dt.month()).agg(pl.col("participant_id").n_unique())["participant_id"]
    enough = int((people >= FEWEST_PEOPLE).sum())
    if enough >= FEWEST_MONTHS:
        return None
    return (
        f"an annual cycle needs {FEWEST_MONTHS} calendar months with nights of {FEWEST_PEOPLE} people each, and "
        f"{ {0: 'none has', 1: 'only one has'}.get(enough, f'only {enough} have') } that"
    )


def _months(cohort: Cohort, nights: pl.DataFrame, asked: SeasonQuestion) -> Iterator[Row]:
    why_not = denominator(cohort).why_not
    sums = (
        nights.group_by(pl.col("date").dt.month().alias("month"), "participant_id")
        .agg(pl.col("cramps").sum(), nights=pl.len().cast(pl.Int64))
        .sort("month", "participant_id")
    )
    for month, name in enumerate(MONTH_NAMES, 1):
        own = sums.filter(pl.col("month") == month)
        rate = incidence_rate(own["cramps"].to_numpy(), own["nights"].to_numpy(), asked.ci_level)
        cells = {
            "cohort": cohort.name,
            "population": asked.where or "all participants",
            "outcome": "cramps",
            "analysis": kinds.MONTHS.name,
            "estimand": "incidence rate in the observed person-time",
            "term": "month",
            "level": name,
            "scale": "rate",
            "unit": "cramps per person-week",
            "ci_level": asked.ci_level,
            "n_participants": rate.participants,
            "n_nights": rate.nights,
            "n_events": rate.cramps,
            "n_groups": rate.participants,
        }
        alone = estimates.ALONE if rate.participants == 1 else None
        if why_not or alone or rate.status == "not_estimable":
            yield estimates.row(status="not_estimable", **cells, note=why_not or alone or rate.note)
            continue
        limits = {"estimate": rate.estimate, "ci_low": rate.ci_low, "ci_high": rate.ci_high, "df": rate.df}
        error = None if math.isnan(rate.ci_high) else rate.std_error
        yield estimates.row(status=rate.status, **cells, **limits, std_error=error, note=rate.note)


def _fitted(solution: Solution) -> count.CountFit | str:
    """Return the fit of a solution, or why there is none."""
    if solution.solved is None or solution.solved.problem:
        return solution.reason or str(solution.solved and solution.solved.problem)
    if not isinstance(solution.fitted, count.CountFit):
        raise TypeError(f"no regression of counts: {type(solution.fitted).__name__}")
    return solution.fitted


def _crowded(solution: Solution, asked: SeasonQuestion) -> str:
    people, each = len(solution.participants), asked.per_coefficient or 0
    return (
        f"{counted(people, 'participants', 'are')} too few for a mean, a cosine and a sine: a model needs {each} to "
        f"every coefficient, which is {3 * each}"
    )


def _places(solution: Solution) -> tuple[int, int] | None:
    at = {column.term: i for i, column in enumerate(solution.design.columns)}
    return (at[COSINE], at[SINE]) if {COSINE, SINE} <= {*at} else None
