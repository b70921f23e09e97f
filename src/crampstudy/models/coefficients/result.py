"""What a fit gives: tidy estimates, and what a reader may ask of the fit itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crampstudy import estimates as tidy
from crampstudy.cohort.account import Account
from crampstudy.errors import AnalysisError
from crampstudy.estimates import Status, adjustment
from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.coefficients.prediction import At, Predictor, Response
from crampstudy.models.coefficients.ratio import Linear, Value
from crampstudy.models.common.separation import Follows
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix
from crampstudy.readable import Readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FREE = ("dispersion", "standard_deviation", "correlation")
"""Scales of the parameters that are estimated beside the coefficients; what follows from them is no parameter more."""
_NO_BASELINE = (
    "a Cox model leaves the hazard itself open, so that there is no expected time or share to predict; "
    "ratio(at, against) compares two sets of values"
)


@dataclass(frozen=True, slots=True, repr=False)
class Fit(Readable):
    """A fitted model: its tidy ``estimates`` and what a reader may ask of the fit itself.

    ``log_likelihood`` is NaN where the model has only a pseudo-likelihood; ``n_rows`` are the nights, participants,
    episodes or gaps fitted; ``linear`` the linear predictor behind the estimates, where there is one; ``account``
    what was read, left out and used; ``second_opinion`` the same model as statsmodels fits it
    (:data:`crampstudy.models.second_opinion.COLUMNS`), where that was asked for. ``predictor`` is what predictions are
    made of, ``n_parameters`` are those estimated by the likelihood, ``no_aic`` says why there is none to compare.
    ``apart`` are the terms because of which there is no estimate, as they set the outcome apart, each with what is told
    of it; ``left_out`` those of ``adjusted_for`` that the model was fitted without, as they would have.
    ``recall`` works out the residuals from the cohort, which a fit that is stored does not take along.
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
    predictor: Predictor | None = None
    n_parameters: int = 0
    no_aic: str = ""
    recall: Callable[[Fit], pd.Series[float]] | None = None
    apart: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __getstate__(self) -> list[Any]:
        # Nobody who sends a fit means to send the participants.
        return [None if each.name == "recall" else getattr(self, each.name) for each in fields(self)]

    def _facts(self) -> Iterator[str]:
        yield self.model
        yield self.status
        yield f"{len(self.estimates)} estimates"
        people = self.estimates["n_participants"].dropna()
        plural = self.account.plural if self.account else "rows"
        of = f" of {people.max():,} participants" if len(people) and not plural.endswith("participants") else ""
        yield f"{self.n_rows:,} {plural}{of}"

    @property
    def surplus(self) -> tuple[str, ...]:
        """The terms left out as there are too few participants for so many coefficients."""
        texts = self.estimates.loc[adjustment.adjusted_as(self.estimates, adjustment.LEFT_OUT), "lacks"].unique()
        lacking = dict.fromkeys(term for text in texts for term in adjustment.lacks({"lacks": text}))
        return tuple(term for term in lacking if term not in self.left_out)

    @property
    def nobs(self) -> int:
        """How many nights, participants, cramps or gaps were fitted."""
        return self.n_rows

    @property
    def coefficients(self) -> pd.Series[float]:
        """The coefficients on the scale of the link, by name; NaN where one has no estimate.

        Raises:
            AnalysisError: the model has no estimate.
        """
        answer = self._predictor("coefficients").answer
        return pd.Series(answer.coefficients, index=self._predictor("coefficients").labels, name="coefficient")

    @property
    def vcov(self) -> pd.DataFrame:
        """The covariance of the coefficients on the scale of the link, the one that the intervals are made with.

        Raises:
            AnalysisError: the model has no estimate.
        """
        of = self._predictor("covariance")
        return pd.DataFrame(of.answer.variance, index=of.labels, columns=of.labels)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, -2 log likelihood + 2 parameters; NaN where there is no likelihood.

        Why there is none stands in ``no_aic``. That of a linear mixed model is of its restricted likelihood, and
        compares only models with the same terms.
        """
        if self.no_aic or self.status != "converged":
            return float("nan")
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def residuals(self) -> pd.Series[float]:
        """Pearson residuals: outcome less its mean, by the standard deviation that the model gives it, a row of each.

        Of a number they are the outcome less its mean, in its unit; of a mixed model the mean is that given the
        participant's estimated effects. The index has participant and date (of a survey the participant), to join by;
        NaN where the mean rests on one participant alone. The nights are read again, and nothing is fitted anew.

        Raises:
            AnalysisError: the model has no estimate, or rows of it have no such residual.
        """
        self._predictor("residuals")
        if self.recall is None:
            raise AnalysisError(
                "this fit came from a file or another process, which leaves the cohort behind, and residuals need it; "
                "fit the model again"
            )
        return self.recall(self)

    def predict(self, at: At) -> pd.DataFrame:
        """Return what the model expects at the values ``at``, with the interval of the expectation.

        ``fit(...).predict({"age_years": [45, 75], "sex": "female"})`` is a row for each age: the mean number of cramps
        per person-week, the probability of a night with a cramp, the prevalence, the mean of a number, or of ordered
        classes a row for each with its probability. ``unit`` and ``mean_of`` say of what and of whom. The interval is
        made on the scale of the link, where ``std_error`` stands, with the covariance and the degrees of freedom of the
        fit, and turned back. Values beyond those that the model was fitted to are named in ``extrapolated``.

        Raises:
            AnalysisError: the model has no estimate, or says nothing of a mean.
            UsageError: a variable of the fit is not given, or a value is none that it can have.
        """
        return self._predictor("prediction").predict(at)

    def summary(self) -> str:
        """Return the fit as the terminal prints it."""
        return str(import_module("crampstudy.display").summary(self))

    def plot(self) -> Figure:
        """Return the ratios of the fit with their intervals as a figure."""
        drawn: Figure = import_module("crampstudy.display").plot(self)
        return drawn

    def _predictor(self, wanted: str) -> Predictor:
        if self.predictor is None:
            raise AnalysisError(f"{self.model} has no estimate ({self.status}), so there is no {wanted}; see its rows")
        return self.predictor

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


def _without_estimate(why: str) -> str:
    return why if isinstance(why, Follows) else f"{why}: no finite estimate exists"


def with_left_out(fitted: Fit, request: ModelRequest, left_out: Mapping[str, str]) -> Fit:
    """Return a fit with a row for each covariate that it was made without, which says why."""
    made = fitted.estimates
    of_terms = made[~made["term"].isin(rows.BASELINES) & made["scale"].ne(rows.TEST)]
    shared = ("cohort", "population", "outcome", "analysis", "model")
    cells = {name: cell for name, cell in base(request).items() if name in shared}
    cells |= {"scale": str(of_terms["scale"].iloc[0])} if len(of_terms) else {}
    cells |= adjustment.cells(adjustment.LEFT_OUT, [*fitted.surplus, *left_out])
    lost = [
        tidy.row(status="not_estimable", term=term, note=_without_estimate(why), **cells)
        for term, why in left_out.items()
    ]
    return replace(fitted, estimates=pd.concat([made, tidy.frame(lost)], ignore_index=True), left_out=(*left_out,))


def association(design: design_matrix.Design) -> str:
    """Return what the ratios of a design are."""
    return "association, adjusted for the other terms" if len(design.terms()) > 1 else "association"


def response(scale: rows.Scale, probability: str = "probability") -> Response:
    """Return what a linear predictor on a ``scale`` is turned into; ``probability`` is the unit of one."""
    if scale.of:
        return Response("identity", scale.of)
    if scale.intercept == "odds":
        return Response("logit", probability)
    if scale.intercept == "hazard":
        return Response("log", "", refusal=_NO_BASELINE)
    return Response("log", f"cramps {scale.unit}" if scale.intercept == "rate" else scale.unit, scale.factor)


def free(extras: Iterable[Extra]) -> int:
    """Return how many of the parameters beside the coefficients are estimated, and do not follow from others."""
    return sum(extra.scale in _FREE for extra in extras)


def predictor(
    request: ModelRequest, design: design_matrix.Design, answer: rows.CoefficientTable, turned: Response, **of: Any
) -> Predictor | None:
    """Return what predictions of an answer are made of, ``None`` where it has no estimate.

    Args:
        request: what was asked.
        design: the columns of the terms.
        answer: the coefficients, those of the design first.
        turned: what the linear predictor is turned into.
        of: other fields of :class:`~crampstudy.models.coefficients.prediction.Predictor`.
    """
    if answer.status != "converged":
        return None
    cells = {"outcome": request.outcome, "ci_level": request.ci_level}
    return Predictor(design.bare(), answer, turned, request.terms, cells, request.bands, **of)


def linear(
    answer: rows.CoefficientTable, design: design_matrix.Design, cells: rows.Row, scale: rows.Scale
) -> Linear | None:
    """Return the linear predictor of a model with one coefficient per column of the design."""
    if answer.status != "converged":
        return None
    p = len(design.columns)
    told = answer.told(np.eye(p))
    tell = {i: answer.tell[column] for i, column in enumerate(design.columns) if column in answer.tell}
    resting = {i: answer.resting[column] for i, column in enumerate(design.columns) if column in answer.resting}
    cells = cells | {"scale": scale.ratio}
    return Linear(design.bare(), answer.coefficients[:p], answer.variance[:p, :p], told, cells, scale, tell, resting)
