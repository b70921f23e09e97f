"""Cumulative logit models of ordered classes: proportional odds, and partial proportional odds.

With classes 0..K-1, thresholds zeta and slopes b the model is logit P(y > j) = x b - zeta_j: a coefficient is the log
odds ratio of a higher class per unit, the same at every threshold j but for the ``free`` columns, which have a
slope each. The log-likelihood is concave wherever it is finite (Burridge 1981; Pratt 1981), so Newton's method with
halved steps finds its maximum, and a step that would cross thresholds is halved like any other that loses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.common import separation
from crampstudy.models.optimise import newton


@dataclass(frozen=True, slots=True)
class OrdinalFit:
    """A fitted model of K classes, or the ``problem`` for which its numbers must not be shown.

    ``parameters`` (P) are the coefficients of the proportional columns in their order, the K - 1 thresholds, then for
    each free column its K - 1 slopes, lowest threshold first; ``names`` says which is which. ``scores`` (n x P) and
    ``information`` (P x P) belong to them, for :func:`crampstudy.models.inference.covariance.covariance`;
    ``curvatures`` returns the clusters' parts of it (G x P x P) from their codes (n) and number.
    """

    names: tuple[str, ...]
    parameters: Array
    scores: Array
    information: Array
    log_likelihood: float
    iterations: int
    levels: tuple[str, ...]
    free: tuple[int, ...]
    status: Literal["converged", "not_converged", "not_estimable"] = "converged"
    problem: str | None = None
    curvatures: Callable[[NDArray[np.intp], int], Array] | None = None

    @property
    def proportional(self) -> int:
        """The number of columns whose slope is the same at every threshold."""
        return len(self.parameters) - (len(self.levels) - 1) * (1 + len(self.free))

    @property
    def coefficients(self) -> Array:
        """Log odds ratios of a higher class per unit of each proportional column."""
        return self.parameters[: self.proportional]

    @property
    def thresholds(self) -> Array:
        """The K - 1 thresholds zeta: minus the log odds of a class above each of them where every column is 0."""
        return self.parameters[self.proportional : self.proportional + len(self.levels) - 1]

    @property
    def slopes(self) -> Array:
        """Log odds ratios of the free columns (a row each) at the K - 1 thresholds."""
        return self.parameters[self.proportional + len(self.levels) - 1 :].reshape(len(self.free), len(self.levels) - 1)

    def influence(self) -> Array:
        """Return each row's share in the parameters (n x P): sums of their squares are the sandwich covariance."""
        found: Array = np.linalg.solve(self.information, self.scores.T).T.astype(np.float64)
        return found

    def probabilities(self, matrix: Array) -> Array:
        """Return the probability of each class (m x K) for rows of the model's columns (m x p).

        Free slopes can make one negative on rows unlike those fitted.
        """
        at_least = special.expit(self._above(matrix))
        edges = np.column_stack([np.ones(len(matrix)), at_least, np.zeros(len(matrix))])
        found: Array = -np.diff(edges, axis=1)
        return found

    def crossing(self, matrix: Array) -> str | None:
        """Say which class gets a probability below 0 on how many of the rows (m x p), or ``None``."""
        wrong = (np.diff(self._above(matrix), axis=1) >= 0).sum(axis=0)
        if not wrong.any():
            return None
        first = int(np.flatnonzero(wrong)[0])
        return (
            "with slopes that differ between thresholds "
            f"the probability of class {self.levels[first + 1]} is negative on {wrong[first]} rows"
        )

    def _above(self, matrix: Array) -> Array:
        """Return the log odds of a class above each threshold (m x K-1)."""
        held = [i for i in range(matrix.shape[1]) if i not in self.free]
        above: Array = (matrix[:, held] @ self.coefficients)[:, None] - self.thresholds
        return above + matrix[:, list(self.free)] @ self.slopes


@dataclass(frozen=True, slots=True)
class _Forms:
    """A row of class k lies between the linear forms ``upper`` and ``lower`` (n x P) of the parameters.

    The lowest class has no lower form, the highest no upper one: their rows are zero, the form infinite.
    """

    upper: Array
    lower: Array
    highest: NDArray[np.bool_]
    lowest: NDArray[np.bool_]
    weights: Array

    def of(self, rows: NDArray[np.bool_]) -> _Forms:
        """Return some of the rows."""
        return _Forms(self.upper[rows], self.lower[rows], self.highest[rows], self.lowest[rows], self.weights[rows])

    def at(self, parameters: Array) -> tuple[Array, Array]:
        """Return the values of both forms (n)."""
        upper = np.where(self.highest, np.inf, self.upper @ parameters)
        return upper, np.where(self.lowest, -np.inf, self.lower @ parameters)

    def value(self, theta: Array) -> float:
        """Return the log-likelihood, the sum of w log(F(upper) - F(lower)), F the logistic distribution function."""
        upper, lower = self.at(theta)
        gap = upper - lower
        if not (gap > 0).all():
            return -np.inf
        # F(upper) F(-lower) (1 - exp(lower - upper)): no difference of two numbers that are nearly equal.
        each = special.log_expit(upper) + special.log_expit(-lower) + np.log(-np.expm1(-gap))
        return float((self.weights * each).sum())

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Return the score (P) and the information (P x P)."""
        upper, lower = self.at(theta)
        in_upper, in_lower, gap = _slopes(upper, lower)
        score = self.upper.T @ (self.weights * in_upper) + self.lower.T @ (self.weights * in_lower)
        at_upper = self.weights * (special.expit(upper) * special.expit(-upper) + gap)
        at_lower = self.weights * (special.expit(lower) * special.expit(-lower) + gap)
        across = self.upper.T @ (self.lower * (self.weights * gap)[:, None])
        information = (self.upper * at_upper[:, None]).T @ self.upper
        information = information + (self.lower * at_lower[:, None]).T @ self.lower
        return score, information - across - across.T

    def scores(self, theta: Array) -> Array:
        """Return the rows' parts (n x P) of the score."""
        in_upper, in_lower, _ = _slopes(*self.at(theta))
        by_row: Array = self.upper * (self.weights * in_upper)[:, None]
        by_row += self.lower * (self.weights * in_lower)[:, None]
        return by_row


def ordinal(
    matrix: Array,
    classes: Array,
    weights: Array | None = None,
    *,
    levels: Sequence[str],
    names: Sequence[str] | None = None,
    free: Sequence[int] = (),
) -> OrdinalFit:
    """Fit ordered classes by maximum likelihood; two classes make it a logistic regression.

    A class without a row, collinear columns, separation, and slopes under which a class has a
    negative probability on a row are a ``problem``.

    Args:
        matrix: columns (n x p) without an intercept, whose place the thresholds take; there may be none.
        classes: codes (n), 0..K-1 of ``levels``.
        weights: (n), a row of weight w stands for w rows that are all like it; 1 if not given.
        levels: the classes in order.
        names: what the columns are called.
        free: columns with a slope per threshold.

    Raises:
        AnalysisError: there are fewer than two levels, a class is none of them, or a number is missing.

    Source: McCullagh 1980; Peterson and Harrell 1990 (partial); separation as in Konis 2007.
    """
    x, y = np.asarray(matrix, dtype=np.float64), np.asarray(classes, dtype=np.float64)
    times = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    check(x, y, times, levels)
    thresholds = threshold_names(levels)
    named = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(x.shape[1]))
    held = [i for i in range(x.shape[1]) if i not in free]
    shown = (*(named[i] for i in held), *thresholds, *(f"{named[i]} at {t}" for i in free for t in thresholds))
    if reason := obstacle(x, y, times, levels):
        none, empty = np.full(len(shown), np.nan), np.full((len(shown), len(shown)), np.nan)
        return OrdinalFit(shown, none, empty[:0], empty, np.nan, 0, tuple(levels), tuple(free), "not_estimable", reason)
    k = y.astype(np.intp)
    forms = _forms(x[:, held], x[:, list(free)], k, len(levels), times)
    start = np.zeros(len(shown))
    start[len(held) : len(held) + len(thresholds)] = special.logit(
        np.cumsum(np.bincount(k, times, len(levels)))[:-1] / times.sum()
    )
    found = newton.maximise(forms, start)
    parameters, problem = found.theta, found.reason
    fitted = OrdinalFit(
        names=shown,
        parameters=parameters,
        scores=forms.scores(parameters),
        information=found.information,
        log_likelihood=found.value,
        iterations=found.iterations,
        levels=tuple(levels),
        free=tuple(free),
        curvatures=partial(_curvatures, forms, parameters),
    )
    if (problem or _wild(forms, parameters)) and (by := _separation(forms)):
        said = separation.separated("the classes are set apart", [shown[i] for i in by])
        # A column with a slope at each threshold is known to its model by its own name.
        own = (*(named[i] for i in held), *thresholds, *(named[i] for i in free for _ in thresholds))
        problem = separation.Apart(said, {own[i]: "the classes are set apart by it" for i in by})
        return replace(fitted, status="not_estimable", problem=problem)
    if problem:
        return replace(fitted, status="not_converged", problem=problem)
    crossing = fitted.crossing(x[times > 0]) if free else None
    return replace(fitted, status="not_estimable", problem=crossing) if crossing else fitted


def threshold_names(levels: Sequence[str]) -> tuple[str, ...]:
    """Name the thresholds between ``levels`` as R does: ``none|once``."""
    return tuple(f"{low}|{high}" for low, high in pairwise(levels))


def check(matrix: Array, classes: Array, times: Array, levels: Sequence[str]) -> None:
    """Check the numbers of a model of ordered classes.

    Raises:
        AnalysisError: as :func:`ordinal`.
    """
    if len(levels) < 2:
        raise AnalysisError(f"ordered classes need at least two levels, got {len(levels)}; name all of them, in order")
    if not (np.isfinite(matrix).all() and np.isfinite(classes).all()):
        raise AnalysisError("a cell of the model is missing; leave incomplete rows out")
    if not (np.isfinite(times).all() and (times >= 0).all()):
        raise AnalysisError("a weight is missing, negative or infinite; a row counts as 0 or more rows")
    if other := sorted(set(np.unique(classes).tolist()) - set(range(len(levels)))):
        raise AnalysisError(f"ordered classes are the codes 0 to {len(levels) - 1} of their levels, got {other[0]:g}")


def obstacle(matrix: Array, classes: Array, times: Array, levels: Sequence[str]) -> str | None:
    """Return why no finite estimate exists, found before the fit, or ``None``; arguments as of :func:`ordinal`."""
    used = times > 0
    if not used.any():
        return "no row is complete on the terms"
    sizes = np.bincount(classes[used].astype(np.intp), minlength=len(levels))
    if empty := [level for level, size in zip(levels, sizes, strict=True) if not size]:
        return (
            f"no row is in class {' or '.join(empty)}, so that its threshold cannot be estimated; "
            "leave the class out or join it with its neighbour"
        )
    x = np.column_stack([np.ones(int(used.sum())), matrix[used]])
    # Columns of length one, so that the unit of a variable does not matter.
    if np.linalg.matrix_rank(x / np.maximum(np.linalg.norm(x, axis=0), np.finfo(float).tiny)) < x.shape[1]:
        return "the columns of the model are collinear, with each other or with the thresholds; drop a term"
    return None


def _forms(held: Array, free: Array, classes: NDArray[np.intp], k: int, times: Array) -> _Forms:
    """Build both linear forms; the columns stand in the order of the parameters."""

    def form(threshold: NDArray[np.intp]) -> Array:
        at: Array = (threshold[:, None] == np.arange(k - 1)).astype(np.float64)
        slopes = (-free[:, :, None] * at[:, None, :]).reshape(len(at), -1)
        return np.column_stack([-held * at.sum(axis=1)[:, None], at, slopes])

    return _Forms(form(classes), form(classes - 1), classes == k - 1, classes == 0, times)


def _slopes(upper: Array, lower: Array) -> tuple[Array, Array, Array]:
    """Return the derivatives (n) of a row's log-likelihood in its upper and lower form, and what the gap adds."""
    gap = upper - lower
    pull = np.exp(-gap) / -np.expm1(-gap)
    return special.expit(-upper) + pull, -special.expit(lower) - pull, pull * (1 + pull)


def _curvatures(forms: _Forms, parameters: Array, groups: NDArray[np.intp], clusters: int) -> Array:
    parts = np.zeros((clusters, len(parameters), len(parameters)))
    for g in range(clusters):
        parts[g] = forms.of(groups == g).derivatives(parameters)[1]
    return parts


def _wild(forms: _Forms, parameters: Array) -> bool:
    values = np.concatenate(forms.at(parameters))
    return bool(np.abs(values[np.isfinite(values)]).max(initial=0) > separation.SUSPECT_PREDICTOR)


def _separation(forms: _Forms) -> tuple[int, ...]:
    """Return the parameters along which the likelihood rises for ever.

    It does so where no upper form falls and no lower form rises: the separation of a binary outcome that is 1 on rows
    of upper forms and 0 on those of lower ones.
    """
    used = forms.weights > 0
    above = np.unique(forms.upper[used & ~forms.highest], axis=0)
    below = np.unique(forms.lower[used & ~forms.lowest], axis=0)
    return separation.separating_sides(above, below, "logit")
