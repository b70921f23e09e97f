"""What a fit gives: tidy estimates, and what a reader may ask of the fit itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crampstudy import estimates as tidy
from crampstudy.cohort.account import Account
from crampstudy.errors import AnalysisError
from crampstudy.estimates import Status
from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.ratio import Linear, Value
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: its tidy ``estimates`` and what a reader may ask of the fit itself.

    ``log_likelihood`` is NaN where the model has only a pseudo-likelihood; ``n_rows`` are the nights, participants,
    episodes or gaps fitted; ``linear`` the linear predictor behind the estimates, where there is one; ``account``
    what was read, left out and used; ``second_opinion`` the same model as statsmodels fits it
    (:data:`crampstudy.models.second_opinion.COLUMNS`), where that was asked for.
    """

    estimates: pd.DataFrame
    model: str
    n_rows: int
    iterations: int
    log_likelihood: float
    status: Status
    linear: Linear | None = None
    account: Account | None = None
    second_opinion: pd.DataFrame | None = None

    def ratio(self, at: Mapping[str, Value], against: Mapping[str, Value]) -> pd.DataFrame:
        """Return the tidy estimate of the ratio at the values ``at`` to that at the values ``against``.

        Of a linear model it is the difference. Such as
        ``fit(...).ratio({"age_years": 45}, against={"age_years": 60})``. Variables that are not named are the same in
        both.

        Raises:
            AnalysisError: the model has no estimate, or no single slope per term.
            UsageError: the two do not name the same variables of the fit, one that interacts with another is left
                out, or a level is unknown.
        """
        if self.status != "converged":
            raise AnalysisError(f"{self.model} has no estimate ({self.status}), so there is no ratio; see its rows")
        if self.linear is None:
            raise AnalysisError(f"{self.model} with free terms has no single ratio; see its rows, one for each class")
        return tidy.frame([self.linear.ratio(at, against)])


def base(request: ModelRequest) -> rows.Row:
    """Return the cells that all rows of a fit share."""
    return {
        "cohort": request.cohort.name,
        "population": request.where or "all participants",
        "outcome": request.outcome,
        "analysis": request.analysis,
        "model": request.model,
        "ci_level": request.ci_level,
    }


def association(design: design_matrix.Design) -> str:
    """Return what the ratios of a design are."""
    return "association, adjusted for the other terms" if len(design.terms()) > 1 else "association"


def linear(
    answer: rows.CoefficientTable, design: design_matrix.Design, cells: rows.Row, scale: rows.Scale
) -> Linear | None:
    """Return the linear predictor of a model with one coefficient per column of the design."""
    if answer.status != "converged":
        return None
    p = len(design.columns)
    told = answer.told(np.eye(p))
    return Linear(
        design.bare(), answer.coefficients[:p], answer.variance[:p, :p], told, cells | {"scale": scale.ratio}, scale
    )
