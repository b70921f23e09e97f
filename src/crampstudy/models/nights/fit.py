"""Families of nights: from a request to the rows of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates as tidy
from crampstudy.estimates import Status
from crampstudy.models.coefficients import reporting_units, rows, within_between
from crampstudy.models.coefficients.auxiliary_parameters import of_step
from crampstudy.models.coefficients.left_out import of_left_out
from crampstudy.models.coefficients.result import Fit, association, base, free, linear
from crampstudy.models.family import NIGHT_CHECKS, FittedRows
from crampstudy.models.inference.automatic import chosen
from crampstudy.models.nights.engine import Engine, Solved
from crampstudy.models.nights.prediction import predictor_of, residuals
from crampstudy.models.nights.predictive import PredictiveDistribution
from crampstudy.models.nights.reliability_rows import with_reliability
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.solve import solve_nights
from crampstudy.models.nights.zeros.zero_part_rows import zero_rows
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix
from crampstudy.nights import NIGHTS_PER_WEEK

_RATES = {
    "nights": rows.Scale("rate_ratio", "rate", "per person-week", NIGHTS_PER_WEEK),
    "hours_in_bed": rows.Scale("rate_ratio", "rate", "per hour in bed"),
}
_ODDS = rows.Scale("odds_ratio", "odds", "odds of a night with a cramp")


def _scale(solution: Solution, exposure: str) -> rows.Scale:
    if solution.is_number:
        return rows.Scale.of_number(solution.outcome)
    return _ODDS if solution.outcome == "cramp_night" else _RATES[exposure]


@dataclass(frozen=True, kw_only=True)
class NightFamily(Engine):
    """A family of models of nights."""

    rows: FittedRows = "nights"
    checks: tuple[str, ...] = NIGHT_CHECKS

    def predictive(self, solution: Any) -> PredictiveDistribution | None:
        """Return what a solution says of each night; ``None`` where it has no answer, or its law is none of these."""
        if solution.fitted is None:
            return None
        return self.predict(solution.data, solution.outcome_kind, solution.slope, solution.fitted)

    def fit(self, request: ModelRequest) -> Fit:
        """Answer a request of nights."""
        return fit_nights(self, request)

    def fits(self, requests: Sequence[ModelRequest]) -> list[Fit]:
        """Answer requests that differ in their covariance alone: nights are read, and their design is built, once."""
        first, *others = requests
        solution = solve_nights(self, first)
        made = [_fitted(self, first, solution)]
        for request in others:
            # Whether nights were added up may rest on the covariance, and who was left out on its answer.
            alike = self.alike != "poisson" and solution.answered and not solution.rests
            made.append(_fitted(self, request, solution.under(request.covariance)) if alike else self.fit(request))
        return made

    def residuals(self, request: ModelRequest, fitted: Fit) -> pd.Series[float]:
        """Return the Pearson residuals of a fit, a night each, by participant and date."""
        return residuals(self, request, fitted)


def fit_nights(engine: Engine, request: ModelRequest) -> Fit:
    """Answer a request of nights.

    Raises:
        UsageError: the model and the arguments do not go together, or a name is unknown.
    """
    return _fitted(engine, request, solve_nights(engine, request))


def _fitted(engine: Engine, request: ModelRequest, solution: Solution) -> Fit:
    """Return what a solution of a request is as rows."""
    design, solved = solution.whole, solution.solved
    answer, cells, scale = _answer(request, solution)
    made = with_reliability(request, solution, cells, _rows(request, solution, answer, cells, scale))
    mixture = answer.status == "converged" and engine.within_and_between
    if mixture and (splits := within_between.splits(request, design)):
        apart = within_between.request_of_parts(request, splits)
        both = solve_nights(engine, apart)
        named = _answer(apart, both)
        # What a ratio is a mixture of is told whatever was observed: nothing rests on either part.
        told = replace(named[0], declared=replace(named[0].declared, beyond={}))
        parts = within_between.split_rows(splits, told, _rows(apart, both, told, *named[1:]), named[1])
        made += with_reliability(apart, both, named[1], parts, told=[row["term"] for row in made])
    likelihood = solved.log_likelihood if solved else float("nan")
    iterations = solved.iterations if solved else 0
    line = linear(answer, design, cells, scale)
    return Fit(
        tidy.frame(made),
        request.model,
        solution.n_nights,
        iterations,
        likelihood,
        answer.status,
        line,
        solution.account,
        predictor=predictor_of(request, solution, answer, scale),
        n_parameters=_parameters(solution),
        apart=answer.apart,
    )


def _parameters(solution: Solution) -> int:
    """Return how many parameters the likelihood was maximised over."""
    solved = solution.solved
    if solved is None or solved.problem:
        return 0
    zeros = len(solved.zero.coefficients) if solved.zero else 0
    return len(solved.coefficients) + zeros + free(solved.extras)


def _answer(request: ModelRequest, solution: Solution) -> tuple[rows.CoefficientTable, rows.Row, rows.Scale]:
    """Return a model's answer, the cells that its rows share, and their scale."""
    design, solved = solution.design, solution.solved
    clusters = len(solution.participants)
    if solved is None or solved.moments is None:
        status: Status = "not_converged" if solved and solution.reason is None else "not_estimable"
        answer = rows.CoefficientTable.none(design, status, solution.reason or str(solved and solved.problem))
    else:
        answer = rows.CoefficientTable.of(design, solved.coefficients, solved.variance, solved.moments).resting_on(
            solution.exposed
        )
    answer, design = solution.of_whole(answer), solution.whole
    cells = base(request) | {
        "estimand": association(design),
        "n_participants": clusters,
        "n_nights": solution.n_nights,
        "n_events": None if solution.is_number else solution.n_events,
        "n_groups": clusters,
        "facts": chosen(solved.used, solution.kind) if solved and not solved.problem else {},
        "note": tidy.note(
            *solution.remarks,
            *(f"with {term}" for term in design.beside),
            *design.remarks,
            *solution.account.remarks(),
            *(solved.notes if solved else ()),
        ),
    }
    return answer, cells, _scale(solution, request.exposure)


def _rows(
    request: ModelRequest, solution: Solution, answer: rows.CoefficientTable, cells: rows.Row, scale: rows.Scale
) -> list[rows.Row]:
    solved = solution.solved
    per = reporting_units.steps(answer, solution.whole, scale, request.per, request.ci_level)
    made = rows.rows(_with_baseline(answer, solved), scale, cells, request.ci_level, per, request.margins)
    if solved and not solved.problem:
        sloped = None if solution.slope is None else solution.design.columns[solution.slope].term
        step = per.get(sloped, 1.0) if sloped else 1.0
        made += [rows.extra(of_step(found, step), cells, request.ci_level) for found in solved.extras]
    made += of_left_out(solution.whole, scale, cells)
    return made + zero_rows(solution, cells, request.ci_level, request.per, request.margins)


def _with_baseline(answer: rows.CoefficientTable, solved: Solved | None) -> rows.CoefficientTable:
    """Return the answer without its intercept where that is no rate."""
    if solved is None or solved.no_baseline is None:
        return answer
    (place,) = (i for i, column in enumerate(answer.columns) if column.term == design_matrix.INTERCEPT)
    coefficients = answer.coefficients.copy()
    coefficients[place] = np.nan
    warnings = {**answer.warnings, answer.columns[place]: solved.no_baseline}
    return replace(answer, coefficients=coefficients, warnings=warnings)
