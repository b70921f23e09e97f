"""Linear regression of a number that is logged each night, such as hours of sleep, and why there may be none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from crampstudy.arrays import Array, Codes
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.optimise import optimum, products
from crampstudy.models.terms.standardisation import squared

_PASSES = 3
_SOME = 1 << 13
"""So many rows tell as a rule that an outcome does not follow from the terms."""
_ROUNDING, _NOTHING = 1e-14, 1e-10
"""Residuals below this share of the largest number, or of the outcome's standard deviation, are rounding."""
_CLEARLY = 1e-5
"""Residuals above this share of the outcome's standard deviation are none."""


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A fitted linear model of n rows and p coefficients.

    ``scores`` (n x p) are the rows' contributions, times their weights, to the score, ``information`` (p x p) its
    inverse covariance, both with the residual ``variance`` held, which is that of ``df`` degrees of freedom.
    ``log_likelihood`` is at the maximum-likelihood variance, as R's ``logLik``.
    """

    coefficients: Array
    scores: Array
    information: Array
    log_likelihood: float
    variance: float
    df: float
    iterations: int = 1
    problem: str | None = None

    def sums(self, groups: Codes) -> Array:
        """Return the participants' contributions (G x p) to the score, ``groups`` (n) whose the rows are."""
        return cluster_sums(self.scores, groups)

    @property
    def joint(self) -> None:
        """None: the residual variance is no parameter that is estimated along with the coefficients."""


def linear(matrix: Array, outcome: Array, offset: Array, weights: Array | None = None) -> LinearFit:
    """Fit E(y) = offset + X b by least squares; ``matrix`` is n x p, all else of length n.

    A row of weight w stands for w rows that are all like it.
    """
    times = np.ones(len(outcome)) if weights is None else weights
    b, residuals = least_squares(matrix, outcome - offset, times)
    n, squares = float(times.sum()), float(times @ residuals**2)
    df = n - matrix.shape[1]
    variance = squares / df if df > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # no residual is a problem, below
        scores = matrix * (times * residuals / variance)[:, None]
        information = (matrix * times[:, None]).T @ matrix / variance
        likelihood = float(-n / 2 * (np.log(2 * np.pi * squares / n) + 1))
    return LinearFit(
        coefficients=b,
        scores=scores,
        information=information,
        log_likelihood=likelihood,
        variance=variance,
        df=df,
        problem=optimum.failure(b, scores, information),
    )


def least_squares(matrix: Array, outcome: Array, times: Array) -> tuple[Array, Array]:
    """Return the coefficients (p) of a weighted regression and the residuals (n); columns may have any unit."""
    squares = products.weighted(matrix, times)
    length = np.sqrt(np.diag(squares))
    length = np.where(length > 0, length, 1.0)
    found = products.root(squares / np.outer(length, length))
    if found is None:
        return _by_rows(matrix, outcome, times, length)
    at, residuals = np.zeros(matrix.shape[1]), outcome
    # Later passes take what the rounding of those before left: products have half of the digits of the rows.
    for _ in range(_PASSES):
        more = cho_solve((found, False), matrix.T @ (times * residuals) / length) / length
        at, residuals = at + more, residuals - matrix @ more
    return at, residuals


def _by_rows(matrix: Array, outcome: Array, times: Array, length: Array) -> tuple[Array, Array]:
    """Return :func:`least_squares` of columns that are nearly dependent; ``length`` (p) are theirs."""
    root, scaled = np.sqrt(times), matrix / length
    at = np.linalg.lstsq(scaled * root[:, None], outcome * root, rcond=None)[0].astype(np.float64)
    residuals = outcome - scaled @ at
    # A second pass takes what the first one's rounding left: an outcome may lie far from zero.
    more = np.linalg.lstsq(scaled * root[:, None], residuals * root, rcond=None)[0].astype(np.float64)
    return (at + more) / length, residuals - scaled @ more


def variance_error(fitted: LinearFit, residuals: Array, groups: Codes, weights: Array | None = None) -> float:
    """Return the cluster-robust standard error of the log of the residual standard deviation, with G/(G-1)."""
    times = np.ones(len(residuals)) if weights is None else weights
    theirs = cluster_sums(times * (residuals**2 / fitted.variance - 1), groups)
    clusters = len(theirs)
    # They sum to 0 at the variance of maximum likelihood, not at that of ``df`` degrees of freedom.
    theirs = theirs - theirs.mean()
    return float(np.sqrt(clusters / (clusters - 1) * (theirs @ theirs)) / times.sum() / 2) if clusters > 1 else np.nan


def no_residual(
    matrix: Array, outcome: Array, offset: Array, weights: Array | None = None, rows: str = "nights"
) -> str | None:
    """Return why a linear model has no answer for numbers, or ``None``: it needs more rows than terms, and residuals.

    Args:
        matrix: columns of the model (n x p).
        outcome: numbers (n).
        offset: added to the linear predictor (n).
        weights: (n), a row of weight w stands for w rows that are all like it; 1 if not given.
        rows: what the rows are called.
    """
    times = np.ones(len(outcome)) if weights is None else weights
    if (first := outcome[0]) == outcome.min() == outcome.max():
        return f"the outcome does not vary: it is {first:g} for all {rows}"
    if found := squared("the outcome", float(np.ptp(outcome / 2)), float(np.abs(outcome).max())):
        return found
    if (n := times.sum()) <= matrix.shape[1]:
        return f"{n:g} {rows} are too few for {matrix.shape[1]} coefficients and a residual"
    some = slice(0, _SOME)
    if len(outcome) > _SOME and _is_clear(
        least_squares(matrix[some], outcome[some] - offset[some], times[some])[1], times[some], outcome
    ):
        return None
    if _is_nothing(least_squares(matrix, outcome - offset, times)[1], outcome):
        return "the outcome follows from the terms exactly: nothing is left that could vary"
    return None


def one_night_each(groups: Codes, times: Array | None) -> str | None:
    """Return that no participant has two nights, or ``None``; a row (n) of ``groups`` stands for so many ``times``."""
    if np.bincount(groups, times).max() < 2:
        return "no participant has two nights: differences between nights and between participants cannot be told apart"
    return None


def nothing_within(matrix: Array, outcome: Array, offset: Array, groups: Codes, weights: Array | None) -> str | None:
    """Return why nights and participants cannot be told apart in a model of both, or ``None``.

    Args:
        matrix: columns of the model (n x p).
        outcome: numbers (n).
        offset: added to the linear predictor (n).
        groups: codes of the participants (n), 0..G-1.
        weights: (n), a row of weight w stands for w rows that are all like it; 1 if not given.
    """
    times = np.ones(len(outcome)) if weights is None else weights
    if reason := one_night_each(groups, times):
        return reason
    if len(groups) > _SOME and (groups[1:] >= groups[:-1]).all():
        some = slice(0, int(np.searchsorted(groups, groups[_SOME])))
        if groups[some].any() and _is_clear(
            _inside(matrix[some], (outcome - offset)[some], groups[some], times[some])[1], times[some], outcome
        ):
            return None
    own, residuals = _inside(matrix, outcome - offset, groups, times)
    if _is_nothing(own, outcome):
        return "the outcome does not vary between the nights of any participant"
    if _is_nothing(residuals, outcome):
        return "the outcome follows from the terms exactly within each participant: no night varies"
    return None


def _inside(matrix: Array, outcome: Array, groups: Codes, times: Array) -> tuple[Array, Array]:
    """Return an outcome (n) beside the participants' means, and what of it does not follow from the columns (n x p)."""
    inner = np.column_stack([matrix, outcome])
    largest = np.abs(inner).max(axis=0)
    inner -= (cluster_sums(inner, groups, times) / np.bincount(groups, times)[:, None])[groups]
    # What is the same on all of a participant's nights leaves rounding alone.
    varies = np.flatnonzero(np.abs(inner[:, :-1]).max(axis=0) > _ROUNDING * largest[:-1])
    return inner[:, -1], least_squares(inner[:, varies], inner[:, -1], times)[1]


def _is_clear(residuals: Array, times: Array, outcome: Array) -> bool:
    """Say whether some rows show that something is left of all: these leave no less than some do of themselves."""
    left = float(times @ residuals**2) / (times.max() * len(outcome))
    return bool(np.sqrt(left) > max(np.sqrt(_ROUNDING) * np.abs(outcome).max(), _CLEARLY * float(np.std(outcome))))


def _is_nothing(residuals: Array, outcome: Array) -> bool:
    least = max(_ROUNDING * np.abs(outcome).max(), _NOTHING * float(np.std(outcome)))
    return bool(np.sqrt(np.mean(residuals**2)) <= least)
