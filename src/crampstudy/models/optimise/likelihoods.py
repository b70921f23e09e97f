"""What can be maximised: likelihoods, by what they tell of themselves.

A :class:`Likelihood` of few parameters knows its second derivatives, an :class:`ExpandedLikelihood` all at once, a
:class:`ScoredLikelihood` its clusters' scores alone, a :class:`PointwiseLikelihood` the derivatives of each row in its
linear predictors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from crampstudy.arrays import Array


class Likelihood(Protocol):
    """A log-likelihood of parameters theta (k), but for what does not depend on them."""

    def value(self, theta: Array) -> float:
        """Return the log-likelihood, minus infinity where theta is impossible."""

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Return the score (k) and the information (k x k)."""


@runtime_checkable
class ExpandedLikelihood(Likelihood, Protocol):
    """A likelihood whose value costs next to nothing beside its derivatives."""

    def expansion(self, theta: Array) -> tuple[float, Array, Array]:
        """Return the log-likelihood, the score (k) and the information (k x k)."""


class ScoredLikelihood(Protocol):
    """A log-likelihood of parameters theta (k) that comes with its gradient."""

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return the log-likelihood and its scores, of clusters or of rows (any number x k)."""

    def step_norm(self, step: Array) -> float:
        """Return the length of a step (k), 1 being as far as one step may go."""


@dataclass(frozen=True, slots=True)
class PointwiseDerivatives:
    """The log-likelihood of n rows, ``value`` (n), and its derivatives in m linear predictors.

    ``first`` (m x n); ``second`` holds the pairs i <= j of predictors in the order (0, 0), (0, 1), …, (1, 1), ….
    """

    value: Array
    first: tuple[Array, ...]
    second: tuple[Array, ...]


class PointwiseLikelihood(Protocol):
    """Rows whose log-likelihood depends on linear predictors; ``weights`` (n) is as how many rows each counts."""

    @property
    def weights(self) -> Array: ...
    @property
    def designs(self) -> tuple[Array, ...]:
        """A design (n x k_i) per predictor, columns in the order of the parameters."""

    @property
    def names(self) -> tuple[str, ...]:
        """What each predictor says."""

    def pointwise(self, predictors: Sequence[Array]) -> PointwiseDerivatives:
        """Return the rows' log-likelihoods and their derivatives in the predictors."""


class DispersedLikelihood(PointwiseLikelihood, Protocol):
    """A pointwise likelihood whose last parameter is the log of theta, the inverse of a dispersion."""

    def holding(self, log_theta: float) -> PointwiseLikelihood:
        """Return the likelihood of the other parameters, log theta held."""
