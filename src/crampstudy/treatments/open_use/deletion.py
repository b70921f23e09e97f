"""Weighted rates without one participant, the chance of treatment fitted anew: how far a rate rests on whom.

Stacked estimating equations take the weights as smooth in everybody, and those of few people are not: whoever is
treated against all odds moves the propensity, and with it the weights of others. Leaving participants out one at a time
shows it. Of a group of many nobody moves much, and the equations serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Flags
from crampstudy.models.inference.covariance import JACKKNIFE_BELOW
from crampstudy.treatments.open_use.weights import FollowUp, Propensity, WeightedRates, chances, limits, stabilised

JACKKNIFE = "covariance jackknife"
"""How the note of a row says so."""
_AT_ONCE = 2_000_000
"""Chances that are held at a time: those of everybody, without each of some."""
_STEPS, _SMALL = 25, 1e-9


@dataclass(frozen=True, slots=True)
class Deletion:
    """The coefficients (m x k) of a propensity without each of m participants, whose places among all are ``who`` (m).

    They are missing where without a participant treated and untreated are set apart.
    """

    who: NDArray[np.intp]
    coefficients: Array


def of_few(treated: Flags) -> NDArray[np.intp]:
    """Return who is in a group of fewer than :data:`JACKKNIFE_BELOW` participants."""
    sizes = np.where(treated, treated.sum(), (~treated).sum())
    return np.flatnonzero(sizes < JACKKNIFE_BELOW)


def deleted(propensity: Propensity, treated: Flags) -> Deletion:
    """Fit the chance of treatment without each participant of a group of few.

    Source: Quenouille 1956, Tukey 1958 (the jackknife); Pregibon 1981 (a logistic regression without one row, by one
    step of Newton's method, from which the others begin).
    """
    who = of_few(treated)
    found = [np.zeros((0, propensity.matrix.shape[1]))]
    found += [_refitted(propensity, treated, who[part]) for part in _parts(len(who), len(treated))]
    return Deletion(who, np.concatenate(found))


def without_each(
    rates: WeightedRates, of: FollowUp, propensity: Propensity, gone: Deletion, *, truncate: bool = False
) -> WeightedRates:
    """Return weighted rates with those that are left without each of some participants.

    Args:
        rates: the weighted rates of everybody.
        of: what followed time zero.
        propensity: the chance of treatment that the weights have.
        gone: the same without each of those who are left out one at a time.
        truncate: whether the weights are truncated, at the centiles of everybody.
    """
    n = len(of.treated)
    low, high = limits(stabilised(propensity.chance, of.treated)) if truncate else (0.0, np.inf)
    made = np.full((n, 2), np.nan)
    for part in _parts(len(gone.who), n):
        left = _left(gone.who[part], n)
        share = (left @ of.treated)[:, None] / (n - 1)
        chance = chances(propensity.matrix, gone.coefficients[part])
        weights = np.where(of.treated, share / chance, (1 - share) / (1 - chance))
        made[gone.who[part]] = _rates(of, left * np.clip(weights, low, high))
    return replace(rates, without=made, left_out=gone.who)


def without_each_crude(rates: WeightedRates, of: FollowUp) -> WeightedRates:
    """Return the rates as they are with those that are left without each participant of a group of few."""
    n = len(of.treated)
    who, made = of_few(of.treated), np.full((n, 2), np.nan)
    for part in _parts(len(who), n):
        made[who[part]] = _rates(of, _left(who[part], n))
    return replace(rates, without=made, left_out=who)


def _rates(of: FollowUp, weights: Array) -> Array:
    """Return the rates (m x 2) of untreated and treated by each of m sets of ``weights`` (m x n)."""
    groups = ((weights * group) for group in (~of.treated, of.treated))
    return np.column_stack([own @ of.cramps / (own @ of.nights) for own in groups])


def _parts(m: int, n: int) -> Iterator[slice]:
    size = max(_AT_ONCE // n, 1)
    return (slice(start, start + size) for start in range(0, m, size))


def _refitted(propensity: Propensity, treated: Flags, who: NDArray[np.intp]) -> Array:
    """Return the coefficients (m x k) without each of ``who`` (m)."""
    matrix, chance, (n, k) = propensity.matrix, propensity.chance, propensity.matrix.shape
    left = _left(who, n)
    spread = chance * (1 - chance)
    leverage = np.einsum("ij,ji->i", matrix[who], np.linalg.solve(propensity.information, matrix[who].T)) * spread[who]
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = propensity.scores[who] / (1 - leverage)[:, None]
    alone[~np.isfinite(alone)] = 0.0
    found: Array = propensity.coefficients - np.linalg.solve(propensity.information, alone.T).T
    products = (matrix[:, :, None] * matrix[:, None, :]).reshape(n, -1)
    step = np.full((len(who), k), np.inf)
    for _ in range(_STEPS):
        now = chances(matrix, found)
        information = ((left * now * (1 - now)) @ products).reshape(-1, k, k)
        try:
            step = np.linalg.solve(information, ((left * (treated - now)) @ matrix)[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        found = found + step
        if not np.isfinite(found).all() or np.abs(step).max() < _SMALL:
            break
    ended = np.isfinite(found).all(axis=1) & (np.abs(step).max(axis=1) < _SMALL)
    # Where steps go on for ever, or went astray, the slow way says whether there is an end.
    for place in np.flatnonzero(~ended):
        others = np.arange(n) != who[place]
        slow = Propensity.of(matrix[others], treated[others])
        found[place] = np.nan if slow.problem else slow.coefficients
    return found


def _left(who: NDArray[np.intp], n: int) -> Array:
    """Return an m x n matrix of ones, 0 where one of ``who`` (m) is left out."""
    left = np.ones((len(who), n))
    left[np.arange(len(who)), who] = 0.0
    return left
