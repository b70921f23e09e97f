"""The contract of a model family: what it may be asked, and what it answers.

A family is one record in one file, and one line of :mod:`crampstudy.models.registry`. Everything that differs between
families is said by its record; no other module knows one by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from crampstudy.errors import AnalysisError
from crampstudy.estimates import Status
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion

if TYPE_CHECKING:
    import pandas as pd

    from crampstudy.models.nights.predictive import PredictiveDistribution

FittedRows = Literal["nights", "cramps or gaps", "cramps or participants", "participants of a survey"]
NIGHT_CHECKS = (
    *("overdispersion", "zeros", "serial dependence", "quantile residuals"),
    *("influence", "large counts", "participants", "separation", "collinearity", "convergence"),
)
"""The checks of the families of nights, in the order in which they are made."""
PROPORTIONALITY = "proportionality"
"""The check of the families whose one ratio stands for several, of classes or of times."""


@dataclass(frozen=True, slots=True)
class Proportionality:
    """Tests that one ratio will do, of all columns together and then of each, or the ``problem`` that keeps from them.

    Each of ``rows`` has its ``p_value`` and, but for the first, its ``column``; ``differ`` and ``same`` say what is
    found.
    """

    rows: tuple[dict[str, object], ...]
    differ: str = ""
    same: str = ""
    problem: str | None = None

    @classmethod
    def none(cls, problem: str) -> Proportionality:
        """Return what there is where no test can be made."""
        return cls((), problem=problem)


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """A model family.

    ``rows`` are what it is fitted to; ``outcomes`` those that it takes by name, the default first, and
    ``numbers_of`` the table whose numbers it explains as well, such as ``number_example``. ``options`` are the names
    of the :class:`~crampstudy.models.request.ModelOptions` that it takes, ``functions`` which of ``offset`` and
    ``weights`` its terms may have, ``checks`` the names of those made of its fit. ``called`` gives, by outcome, the
    name under which it is another family. ``counterpart`` refits a request by statsmodels; a family without says in
    ``no_counterpart`` why there is none. ``no_aic`` says why it has no likelihood to compare, ``no_residuals`` why a
    row of it has no residual.
    """

    name: str
    rows: FittedRows
    outcomes: tuple[str, ...]
    covariances: tuple[Covariance, ...]
    numbers_of: Literal["diary", "participants"] | None = None
    number_example: str = ""
    options: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    checks: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=dict)
    proportionality: Callable[[ModelRequest], Proportionality] | None = None
    counterpart: Callable[[ModelRequest], Opinion | NoOpinion] | None = None
    no_counterpart: str = ""
    no_aic: str = ""
    no_residuals: str = ""

    def is_number(self, outcome: str) -> bool:
        """Say whether an outcome is a number to this family, with differences instead of ratios."""
        return self.numbers_of is not None and outcome not in self.outcomes

    @abstractmethod
    def fit(self, request: ModelRequest) -> Fit:
        """Answer a request.

        Raises:
            UsageError: the arguments do not go together, or a name is unknown.
        """

    def fits(self, requests: Sequence[ModelRequest]) -> list[Fit]:
        """Answer requests that differ in their covariance alone."""
        return [self.fit(request) for request in requests]

    def residuals(self, request: ModelRequest, fitted: Fit) -> pd.Series[float]:
        """Return the Pearson residuals of a fit of a request, a row of it each.

        Raises:
            AnalysisError: a row of this family has no such residual.
        """
        raise AnalysisError(f"{self.name} has no residual of a row: {self.no_residuals}")

    def predictive(self, solution: Any) -> PredictiveDistribution | None:
        """Return what a solution of this family says of each night; ``None`` where it says nothing of single nights."""
        return None

    def opinion(self, request: ModelRequest, status: Status) -> Opinion | NoOpinion:
        """Refit a request by statsmodels on the rows of our fit, whose ``status`` is given."""
        if self.counterpart is None:
            return NoOpinion("no_counterpart", f"no like-defined fit in statsmodels{self.no_counterpart}")
        if status != "converged":
            return NoOpinion("not_estimable", f"there is no fit of ours to compare ({status.replace('_', ' ')})")
        return self.counterpart(request)
