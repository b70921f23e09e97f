"""Are the odds proportional? Tests that a column's slope is the same at every threshold of an ordinal model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.classes.ordinal import check, obstacle, ordinal, threshold_names
from crampstudy.models.family import Proportionality
from crampstudy.models.inference.covariance import cluster_sums, degrees_of_freedom, wald
from crampstudy.models.optimise import optimum

ALL = "all columns"
TOO_FEW = "with fewer than three classes there is nothing to compare"


@dataclass(frozen=True, slots=True)
class SlopeTest:
    """One test of proportional odds, or the ``problem`` for which there is none.

    ``statistic`` is chi-squared with ``df`` degrees of freedom; where ``df_residual`` is finite it is an F with both.
    """

    column: str
    statistic: float
    df: int
    p_value: float
    df_residual: float = np.inf
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Slopes:
    """Binary logits of a class above each of T thresholds, one after the other: ``slopes`` (T x p).

    ``influence`` (n x T p) are a row's shares in the slopes, whose sums of squares are their covariance;
    ``covariance`` (T p x T p) is that of independent rows. ``problem`` says which logit has no estimate.
    """

    slopes: Array
    influence: Array
    covariance: Array
    problem: str | None = None


def brant(
    matrix: Array,
    classes: Array,
    weights: Array | None = None,
    *,
    levels: Sequence[str],
    names: Sequence[str],
    groups: NDArray[np.intp] | None = None,
) -> tuple[SlopeTest, ...]:
    """Compare the slopes of the binary logits behind an ordinal model: all columns together, then each by itself.

    Args:
        matrix: columns (n x p) without an intercept.
        classes: codes (n), 0..K-1 of ``levels``.
        weights: as how many rows (n) each counts, 1 if not given.
        levels: the classes in order.
        names: what the columns are called.
        groups: codes of the participants (n), 0..G-1. With them the covariance is cluster-robust with
            G/(G-1); without, rows are independent as in the original.

    Raises:
        AnalysisError: a number is missing or impossible, or there are no two thresholds or no column to compare.

    Source: Brant 1990.
    """
    times = np.ones(len(classes)) if weights is None else weights
    found = slopes(matrix, classes, times, levels, names)
    if groups is None:
        return compared(found, names, lambda _: found.covariance)
    clusters = int(groups.max()) + 1

    def robust(influence: Array) -> Array:
        sums = cluster_sums(influence, groups)
        spread: Array = sums.T @ sums * clusters / max(clusters - 1, 1)
        return spread

    return compared(found, names, robust, degrees_of_freedom(clusters))


def likelihood_ratio(
    matrix: Array, classes: Array, weights: Array | None = None, *, levels: Sequence[str], names: Sequence[str]
) -> tuple[SlopeTest, ...]:
    """Compare proportional odds with slopes that differ between thresholds: of all columns, then of each by itself.

    Rows are taken as independent. A model with slopes that
    differ may not exist, because some class would get a negative probability: its test then has a ``problem``.

    Args:
        matrix: columns (n x p) without an intercept.
        classes: codes (n), 0..K-1 of ``levels``.
        weights: as how many rows (n) each counts, 1 if not given.
        levels: the classes in order.
        names: what the columns are called.

    Raises:
        AnalysisError: as :func:`brant`.

    Source: Peterson and Harrell 1990.
    """
    _check_comparable(matrix, levels)
    p, more = matrix.shape[1], len(levels) - 2
    held = ordinal(matrix, classes, weights, levels=levels, names=names)
    made = []
    for column, free in ((ALL, tuple(range(p))), *((names[i], (i,)) for i in range(p))):
        df = more * len(free)
        other = held if held.problem else ordinal(matrix, classes, weights, levels=levels, names=names, free=free)
        if other.problem:
            made.append(SlopeTest(column, np.nan, df, np.nan, problem=other.problem))
            continue
        statistic = max(2 * (other.log_likelihood - held.log_likelihood), 0.0)
        made.append(SlopeTest(column, statistic, df, float(special.chdtrc(df, statistic))))
    return tuple(made)


def slopes(matrix: Array, classes: Array, times: Array, levels: Sequence[str], names: Sequence[str]) -> Slopes:
    """Fit the binary logit of a class above each threshold.

    Args:
        matrix: columns (n x p) without an intercept.
        classes: codes (n), 0..K-1 of ``levels``.
        times: as how many rows (n) each counts, 1 if not given.
        levels: the classes in order.
        names: what the columns are called.

    Raises:
        AnalysisError: as :func:`brant`.
    """
    _check_comparable(matrix, levels)
    check(matrix, classes, times, levels)
    n, p = matrix.shape
    thresholds = threshold_names(levels)
    if reason := obstacle(matrix, classes, times, levels):
        return _none(n, p, len(thresholds), reason)
    design = np.column_stack([matrix, -np.ones(n)])
    breads, chances, scores, found = [], [], [], []
    for j, level in enumerate(levels[:-1]):
        fitted = ordinal(matrix, (classes > j).astype(np.float64), times, levels=("below", "above"), names=names)
        if fitted.problem:
            return _none(n, p, len(thresholds), f"no regression of a class above {level} by itself: {fitted.problem}")
        breads.append(np.linalg.inv(fitted.information))
        chances.append(special.expit(design @ fitted.parameters))
        scores.append(fitted.scores)
        found.append(fitted.coefficients)
    influence = np.column_stack([(s @ bread)[:, :p] for s, bread in zip(scores, breads, strict=True)])
    covariance = np.empty((len(thresholds) * p, len(thresholds) * p))
    for j, low in enumerate(chances):
        for k, high in enumerate(chances):
            # Of two thresholds the higher one is passed only together with the lower.
            joint = chances[max(j, k)] - low * high
            middle = (design * (times * joint)[:, None]).T @ design
            covariance[j * p : (j + 1) * p, k * p : (k + 1) * p] = (breads[j] @ middle @ breads[k])[:p, :p]
    return Slopes(np.array(found), influence, covariance)


def compared(
    found: Slopes, names: Sequence[str], covariance: Callable[[Array], Array], df_residual: float = np.inf
) -> tuple[SlopeTest, ...]:
    """Test that slopes are equal over the thresholds; ``covariance`` makes that of the slopes from their influence.

    With finite ``df_residual`` d the Wald statistic W of q differences is given as F = W (d - q + 1) / (d q) with
    q and d - q + 1 degrees of freedom, since a covariance of many differences from few clusters is poorly known.

    Source: Brant 1990; Korn and Graubard 1990.
    """
    if found.problem:
        return untested(found, names, found.problem)
    variance = covariance(found.influence)
    t, p = found.slopes.shape
    differences = np.column_stack([-np.ones(t - 1), np.eye(t - 1)])
    made = []
    for column, where in ((ALL, list(range(p))), *((names[i], [i]) for i in range(p))):
        contrast = np.kron(differences, np.eye(p)[where])
        gaps, spread = contrast @ found.slopes.ravel(), contrast @ variance @ contrast.T
        q = len(gaps)
        left = df_residual - q + 1
        if left < 1 or not optimum.definite(spread):
            problem = f"{q} differences of slopes are too many for the clusters that their covariance comes from"
            made.append(SlopeTest(column, np.nan, q, np.nan, left, problem))
            continue
        statistic, p_value = wald(gaps, spread, np.inf)
        if np.isfinite(left):
            statistic *= left / (df_residual * q)
            p_value = float(special.fdtrc(q, left, statistic))
        made.append(SlopeTest(column, statistic, q, p_value, left))
    return tuple(made)


def untested(found: Slopes, names: Sequence[str], problem: str) -> tuple[SlopeTest, ...]:
    """Return the rows of tests that cannot be made."""
    t, p = found.slopes.shape
    sizes = ((ALL, (t - 1) * p), *((name, t - 1) for name in names))
    return tuple(SlopeTest(column, np.nan, df, np.nan, problem=problem) for column, df in sizes)


def _none(n: int, p: int, t: int, problem: str) -> Slopes:
    return Slopes(np.full((t, p), np.nan), np.empty((n, 0)), np.empty((0, 0)), problem)


def _check_comparable(matrix: Array, levels: Sequence[str]) -> None:
    if len(levels) < 3 or not matrix.shape[1]:
        raise AnalysisError(
            "a test of proportional odds compares the slopes of at least one column at two or more thresholds; "
            f"got {matrix.shape[1]} columns and {len(levels)} classes"
        )


def between_classes(tests: Sequence[SlopeTest]) -> Proportionality:
    """Return tests of slopes as what is found of a family."""
    if tests[0].problem:
        return Proportionality.none(tests[0].problem)
    rows = tuple(
        {"column": t.column, "statistic": t.statistic, "df": t.df, "df_residual": t.df_residual, "p_value": t.p_value}
        for t in tests
    )
    return Proportionality(rows, "the odds ratios differ between the classes", "one odds ratio does for all classes")
