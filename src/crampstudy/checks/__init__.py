"""Checks of a fitted model: what it takes for granted, held against the nights it was fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crampstudy.age_bands import AgeBands
from crampstudy.checks import design, nightly, zeros_found
from crampstudy.checks.large_counts import large_counts
from crampstudy.checks.proportional import proportional
from crampstudy.checks.result import Check, not_made
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.family import NIGHT_CHECKS as NAMES
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.solution import Solution
from crampstudy.models.registry import FAMILIES, NIGHT_FAMILIES, find
from crampstudy.models.request import ModelOptions, ModelRequest
from crampstudy.models.validation import default_outcome, solve, validate

__all__ = ["MODELS", "NAMES", "Check", "check", "check_model", "of_solution"]

MODELS = tuple(name for name, family in FAMILIES.items() if family.checks)
"""The models that can be checked."""

_ZERO_PART = "the model has a part for zeros of its own, and what it says of a night is looked at under zeros alone"


def check_model(model: str) -> None:
    """Say that a model has no checks, if so.

    Raises:
        UsageError: it has none.
    """
    if model in FAMILIES and model not in MODELS:
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
    A check that does not apply to the model, or has no fit to look at, says so and has no verdict.

    Args:
        cohort: as for ``fit``, like all arguments but ``rng``.
        model: one of :data:`MODELS`.
        terms: a formulaic right-hand side.
        rng: draws the randomised quantile residuals and nothing else.
        outcome: one of the model's outcomes; the first of them by default.
        exposure: ``nights`` or ``hours_in_bed``.
        covariance: that of the coefficients.
        random_slope: a term of a mixed model whose slope differs between participants.
        zero_terms: a right-hand side for the zero part of a model that has one.
        where: condition that names a part of the cohort.
        weight: weight column of a survey.
        bands: age bands behind ``age_band``.

    Raises:
        UsageError: as ``fit``, the model is another one of a survey, or the terms have ``weights()``.

    Source: Dean and Lawless 1989 (overdispersion); Newey 1985 (zeros, Pearson); Dunn and Smyth 1996 (residuals);
    Preisser and Qaqish 1996 (influence); Fox and Monette 1992 (collinearity); Brant 1990, Grambsch and Therneau 1994
    (proportionality).
    """
    request = ModelRequest(
        cohort,
        model,
        terms,
        default_outcome(model, outcome),
        exposure=exposure,
        covariance=covariance,
        where=where,
        weight=weight,
        bands=bands or AgeBands(),
        options=ModelOptions(random_slope=random_slope, zero_terms=zero_terms),
    )
    return of_request(request, rng)


def of_request(request: ModelRequest, rng: np.random.Generator) -> tuple[Check, ...]:
    """Return the checks that apply to the family of a request.

    Raises:
        UsageError: as :func:`check`.
    """
    check_model(request.model)
    request = validate(request)
    if test := find(request.model).proportionality:
        return (proportional(test(request)),)
    return of_solution(solve(request), rng)


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
    first = NAMES[: -len(last)]
    if solved is None or solved.problem or solved.fitted is None:
        reason = solution.reason or (solved.problem if solved else None) or "there is no fit"
        return (*(not_made(name, reason) for name in first), *last)
    if len(solution.participants) < 2:
        return (*(not_made(name, "participants are the units, and there is only one") for name in first), *last)
    law = NIGHT_FAMILIES[solution.model].predictive(solution)
    if law is None:
        others = {name: not_made(name, _ZERO_PART) for name in first}
        found = replace(zeros_found.of_solution(solution).check, name="zeros")
        return (*(others | {"zeros": found}).values(), *last)
    return (
        nightly.overdispersion(data, law),
        nightly.zeros(data, law),
        nightly.serial_dependence(data, law),
        nightly.residuals(data, law, rng),
        design.influence(solution, law),
        large_counts(solution, law.regression),
        *last[:2],
        design.collinearity(solution, law),
        last[3],
    )
