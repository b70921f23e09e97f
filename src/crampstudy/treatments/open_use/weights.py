"""Stabilised inverse-probability weights, and the rates of treated and untreated that they make; numbers alone.

Everybody weighs the share of their own group over the chance of being in it. The weighted rates are those of the whole
cohort, had everybody been treated and had nobody been, where what decides on treatment is in the propensity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Flags
from crampstudy.models.common import separation
from crampstudy.models.inference.covariance import effective_number
from crampstudy.models.nights.logistic import SEPARATED, logistic

CENTILES = (1.0, 99.0)
"""Between which centiles of their own the weights are held, where they are truncated."""
LONE = "all cramps of a group from time zero on are those of one participant"
LONE_PROPENSITY = "the weights rest on one participant, without whom treated and untreated are set apart"
_APART = "treated and untreated are set apart completely"
_PARTLY = "some of the treated and untreated are set apart"


@dataclass(frozen=True, slots=True)
class Propensity:
    """The chance of treatment of n participants by logistic regression on a ``matrix`` (n x k).

    ``coefficients`` are k, ``scores`` n x k, ``information`` k x k. Where there is a ``problem`` the rest is no result.
    """

    chance: Array
    matrix: Array
    coefficients: Array
    scores: Array
    information: Array
    problem: str | None = None

    @classmethod
    def of(cls, matrix: Array, treated: Flags, names: Sequence[str] = ()) -> Propensity:
        """Fit the chance of treatment.

        ``names`` are those of the columns, empty of an intercept: what sets the groups apart by itself is told.
        """
        outcome = treated.astype(np.float64)
        fitted = logistic(matrix, outcome, np.zeros(len(outcome)))
        chance = chances(matrix, fitted.coefficients[None])[0]
        problem = fitted.problem
        if problem == SEPARATED:
            problem = _apart(outcome, matrix, names)
        return cls(chance, matrix, fitted.coefficients, fitted.scores, fitted.information, problem)


def _apart(outcome: Array, matrix: Array, names: Sequence[str]) -> str:
    """Return that groups are set apart, and by which variables where one alone does it, completely or not."""
    if alone := separation.separation(outcome, matrix, "logit"):
        by: dict[bool, list[str]] = {}
        for name in dict.fromkeys(filter(None, names)):
            own = matrix[:, [each in ("", name) for each in names]]
            if found := separation.separation(outcome, own, "logit"):
                by.setdefault(found.complete, []).append(name)
        if by:
            return separation.separated(_APART if True in by else _PARTLY, by.get(True) or by[False])
    return separation.separated(_APART if alone and alone.complete else _PARTLY)


def chances(matrix: Array, coefficients: Array) -> Array:
    """Return the chances (m x n) of n participants (``matrix`` n x k) by each of m fits (``coefficients`` m x k)."""
    # Beyond this a chance is 0 or 1 to rounding, and a weight infinite.
    return np.asarray(1 / (1 + np.exp(-np.clip(coefficients @ matrix.T, -36.0, 36.0))), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What followed time zero: which of n participants were ``treated``, and their ``cramps`` in so many ``nights``."""

    treated: Flags
    cramps: Array
    nights: Array


@dataclass(frozen=True, slots=True)
class WeightedRates:
    """Cramps a night of the ``untreated`` and the ``treated``, weighted.

    ``influence`` (n x 2, that of the untreated first) is what each participant adds to the error of either; the
    covariance is G/(G-1) times the sum of its squares. ``effective`` are the numbers of participants, all of one
    weight, that would tell as much as those of each group. ``without`` (n x 2) are the rates without each of those
    ``left_out`` one at a time, missing where there are none: of them it takes the place of their influence.
    """

    untreated: float
    treated: float
    influence: Array
    effective: tuple[float, float]
    without: Array | None = None
    left_out: NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True)
class RateContrast:
    """A contrast of both rates with its standard error and degrees of freedom; or the ``problem``."""

    value: float
    std_error: float
    df: float
    problem: str | None = None


def stabilised(propensity: Array, treated: Flags) -> Array:
    """Return the weights: P(A) / P(A | x) of the treated, P(not A) / P(not A | x) of the others."""
    share = treated.mean()
    return np.asarray(np.where(treated, share / propensity, (1 - share) / (1 - propensity)), dtype=np.float64)


def truncated(weights: Array) -> Array:
    """Return the weights, none beyond the 1st and 99th centile of them all."""
    return np.asarray(np.clip(weights, *limits(weights)))


def limits(weights: Array) -> tuple[float, float]:
    """Return the centiles of weights between which they are held."""
    low, high = np.percentile(weights, CENTILES)
    return float(low), float(high)


def crude_rates(of: FollowUp) -> WeightedRates:
    """Return the rates as they are, everybody of weight 1."""
    n = len(of.treated)
    return _solved(of, np.ones(n), np.zeros((n, 0)), np.zeros((0, 0)), np.zeros((n, 0)))


def weighted_rates(of: FollowUp, propensity: Propensity, *, truncate: bool = False) -> WeightedRates:
    """Return the rates by stabilised weights, truncated or not.

    The estimating equations of the share of treated, of the propensity and of both rates are stacked. The centiles at
    which weights are truncated are held.

    Source: Robins, Hernán and Brumback 2000; Stefanski and Boos 2002 (stacked estimating equations); Lunceford and
    Davidian 2004; Cole and Hernán 2008 (truncation).
    """
    full, share, chance = stabilised(propensity.chance, of.treated), of.treated.mean(), propensity.chance
    weights = truncated(full) if truncate else full
    moves = (weights == full).astype(np.float64)
    # d weight / d share, and d weight / d coefficients.
    by_share = moves * np.where(of.treated, 1 / chance, -1 / (1 - chance))
    by_coefficients = (moves * weights * np.where(of.treated, chance - 1, chance))[:, None] * propensity.matrix
    k = propensity.matrix.shape[1]
    information = np.zeros((k + 1, k + 1))
    information[0, 0], information[1:, 1:] = len(chance), propensity.information
    scores = np.column_stack([of.treated - share, propensity.scores])
    return _solved(of, weights, scores, information, np.column_stack([by_share, by_coefficients]))


def _solved(of: FollowUp, weights: Array, scores: Array, information: Array, slopes: Array) -> WeightedRates:
    """Return the rates that solve sum w 1(A = a) (cramps - rate nights) = 0, with their influence.

    ``scores`` (n x q) and ``information`` (q x q) are of what the ``weights`` (n) depend on by ``slopes`` (n x q).
    """
    q = scores.shape[1]
    rates, equations, effective = [], [scores], []
    bread = np.zeros((q + 2, q + 2))
    bread[:q, :q] = information
    for at, group in enumerate((~of.treated, of.treated)):
        own = weights * group
        rate = float((own @ of.cramps) / (own @ of.nights))
        rest = of.cramps - rate * of.nights
        bread[q + at, :q] = -(group * rest) @ slopes
        bread[q + at, q + at] = own @ of.nights
        rates.append(rate)
        equations.append((own * rest)[:, None])
        effective.append(float(effective_number(weights[group])))
    influence: Array = np.linalg.solve(bread, np.column_stack(equations).T).T[:, q:].astype(np.float64)
    return WeightedRates(rates[0], rates[1], influence, (effective[0], effective[1]))


def log_ratio(rates: WeightedRates, treated: Flags) -> RateContrast:
    """Return the log of the rate of the treated over that of the untreated; neither may be 0."""
    value = float(np.log(rates.treated / rates.untreated))
    gradient = np.array([-1 / rates.untreated, 1 / rates.treated])
    if rates.without is None:
        return _contrast(value, rates, treated, gradient)
    if (rates.without == 0).any():
        return RateContrast(value, float("nan"), float("nan"), LONE)
    with np.errstate(invalid="ignore"):
        moved = np.log(rates.without[:, 1] / rates.without[:, 0]) - value
    return _contrast(value, rates, treated, gradient, moved)


def difference(rates: WeightedRates, treated: Flags, nights: float = 7.0) -> RateContrast:
    """Return how many cramps more the treated have in so many nights."""
    value = nights * (rates.treated - rates.untreated)
    moved = None if rates.without is None else nights * (rates.without[:, 1] - rates.without[:, 0]) - value
    return _contrast(value, rates, treated, np.array([-nights, nights]), moved)


def _contrast(
    value: float, rates: WeightedRates, treated: Flags, gradient: Array, moved: Array | None = None
) -> RateContrast:
    """Return a contrast; its degrees of freedom are those of Welch and Satterthwaite for two groups.

    Each group has those of its effective number. The variance is the sum of what each participant adds.

    Args:
        value: the contrast.
        rates: what it is of.
        treated: whether a participant is in the second group.
        gradient: slopes of the contrast in both rates.
        moved: by how much it moves without each of those who are left out one at a time.
    """
    n = len(treated)
    squares = n / (n - 1) * (rates.influence @ gradient) ** 2
    if moved is not None and rates.left_out is not None:
        squares[rates.left_out] = (n - 1) / n * moved[rates.left_out] ** 2
        if np.isnan(squares).any():
            return RateContrast(value, float("nan"), float("nan"), LONE_PROPENSITY)
    of_group = np.array([squares[~treated].sum(), squares[treated].sum()])
    left = np.maximum(np.array(rates.effective) - 1, np.finfo(np.float64).tiny)
    total = float(of_group.sum())
    df = total**2 / float((of_group**2 / left).sum()) if total else float("nan")
    return RateContrast(value, float(np.sqrt(total)), df)
