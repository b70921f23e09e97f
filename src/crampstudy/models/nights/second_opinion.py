"""A family of nights refitted by statsmodels on the same nights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.engine import Engine
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.solve import solve_nights
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion
from crampstudy.models.second_opinion.refit import Found, Refit


def unstandardised(solution: Solution) -> Data:
    """Return the rows with the columns of the design itself, and not the standard ones that our engines see."""
    return replace(solution.data, matrix=solution.design.matrix)


def of_nights(
    engine: Engine,
    request: ModelRequest,
    refit: Callable[[Data, int | None, Found], Refit],
    like: Covariance,
    remark: str = "",
) -> Opinion | NoOpinion:
    """Return our fit of a request, and that of statsmodels, night by night.

    Args:
        engine: our family.
        request: what is asked of it.
        refit: the same by statsmodels, from the nights, the column of the random slope and our answer.
        like: the covariance that both define alike.
        remark: what is to be said of the comparison.
    """
    solution = solve_nights(engine, replace(request, covariance=like), night_by_night=True)
    solved = solution.solved
    if solved is None or solved.problem:
        return NoOpinion("not_estimable", solution.reason or str(solved and solved.problem))
    beside = {extra.term: extra.estimate for extra in solved.extras}
    ours = Found(solved.coefficients, np.sqrt(np.diag(solved.variance)), beside)
    return Opinion(
        columns=solution.design.columns,
        n_rows=len(solution.data.outcome),
        errors=like,
        ours=ours,
        theirs=refit(unstandardised(solution), solution.slope, ours),
        remark=remark,
        exposed=solution.exposed,
    )
