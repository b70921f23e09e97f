"""Checks of a fitted model: what it takes for granted, held against the nights it was fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crampstudy.age_bands import AgeBands
from crampstudy.checks import design, nightly, proportional, zeros_found
from crampstudy.checks.large_counts import large_counts
from crampstudy.checks.law import Kind, Law
from crampstudy.checks.result import Check, not_made
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.engines import ENGINES
from crampstudy.models.nights.solution import Solution, solve_nights
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit
from crampstudy.models.request import MODELS as KNOWN
from crampstudy.models.request import asked_for

__all__ = ["MODELS", "NAMES", "Check", "check", "check_model", "of_solution"]

NAMES = (
    *("overdispersion", "zeros", "serial dependence", "quantile residuals"),
    *("influence", "large counts", "participants", "separation", "collinearity", "convergence"),
)
"""The checks in the order in which they are returned."""

MODELS = (*ENGINES, *proportional.MODELS)
"""The models that can be checked."""

_ZERO_PART = "the model has a part for zeros of its own, and what it says of a night is looked at under zeros alone"


def check_model(model: str) -> None:
    """Say that a model has no checks, if so.

    Raises:
        UsageError: it has none.
    """
    if model in KNOWN and model not in MODELS:
        raise UsageError(f"there are no checks of {model}; of these there are: {', '.join(MODELS)}")


def check(
    cohort: Cohort,
    *,
    model: str,
    terms: str,
    rng: np.random.Generator,
    outcome: str | None = None,
    exposure: str = "nights",
    covariance: Covariance = "auto",
    random_slope: str | None = None,
    zero_terms: str | None = None,
    where: str | None = None,
    weight: str | None = None,
    bands: AgeBands | None = None,
) -> tuple[Check, ...]:
    """Fit a model of nights as :func:`crampstudy.fit` does, and check it: one :class:`Check` per name in :data:`NAMES`.

    Of ordinal and Cox models it is proportionality that is checked, whether one ratio does for all classes or times.
    ``rng`` draws the randomised quantile residuals and nothing else; all other arguments are those of ``fit``. A check
    that does not apply to the model, or has no fit to look at, says so and has no verdict.

    Raises:
        UsageError: as ``fit``, the model is another one of a survey, or the terms have ``weights()``.

    Source: Dean and Lawless 1989 (overdispersion); Newey 1985 (zeros, Pearson); Dunn and Smyth 1996 (residuals);
    Preisser and Qaqish 1996 (influence); Fox and Monette 1992 (collinearity); Brant 1990, Grambsch and Therneau 1994
    (proportionality).
    """
    check_model(model)
    asked = asked_for(
        cohort,
        model,
        terms,
        outcome=outcome,
        exposure=exposure,
        covariance=covariance,
        random_slope=random_slope,
        where=where,
        weight=weight,
        bands=bands,
        zero_terms=zero_terms,
    )
    if model in proportional.MODELS:
        return (proportional.proportional(asked),)
    return of_solution(solve_nights(asked, night_by_night=True), rng)


def of_solution(solution: Solution, rng: np.random.Generator) -> tuple[Check, ...]:
    """Return the checks of a model that was already worked out, night by night.

    Raises:
        UsageError: a row of the model is not one night, as its terms have ``weights()`` or its rows were added up.
    """
    solved, data = solution.solved, solution.data
    if data.weights is not None or len(data.nights) != len(data.outcome):
        raise UsageError("a check looks at nights one by one; leave weights() out, or solve with night_by_night")
    last = (
        design.participants(solution),
        design.separation(solution),
        design.collinearity(solution, None),
        design.convergence(solution),
    )
    if solved is None or solved.problem or solved.fitted is None:
        reason = solution.reason or (solved.problem if solved else None) or "there is no fit"
        return (*(not_made(name, reason) for name in NAMES[: -len(last)]), *last)
    if len(solution.participants) < 2:
        reason = "participants are the units, and there is only one"
        return (*(not_made(name, reason) for name in NAMES[: -len(last)]), *last)
    fitted = solved.fitted
    if isinstance(fitted, ZerosFit):
        if fitted.plain is None:
            others = {name: not_made(name, _ZERO_PART) for name in NAMES[: -len(last)]}
            found = replace(zeros_found.of_solution(solution).check, name="zeros")
            return (*(others | {"zeros": found}).values(), *last)
        fitted = fitted.plain
    kind: Kind = "number" if solution.is_number else "binary" if solution.outcome == "cramp_night" else "count"
    law = Law.of(data, kind, solution.slope, fitted)
    return (
        nightly.overdispersion(data, law, fitted),
        nightly.zeros(data, law),
        nightly.serial_dependence(data, law),
        nightly.residuals(data, law, rng),
        design.influence(solution, law),
        large_counts(solution, fitted),
        *last[:2],
        design.collinearity(solution, law),
        last[3],
    )
