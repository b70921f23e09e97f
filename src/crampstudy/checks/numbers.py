"""The arithmetic of the checks: arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Codes
from crampstudy.models.common.distributions import ResponseFamily
from crampstudy.models.inference.covariance import cluster_sums


def clustered_errors(moments: Array, slopes: Array, scores: Array, variance: Array, groups: Codes) -> Array:
    """Return the standard errors (m) of the sums of ``moments`` (n x m) whose expectation is zero under a model.

    The parameters (k) were estimated on the same nights. Participants are independent, their nights need not be.

    Args:
        moments: what is summed.
        slopes: expected derivatives of the sums in the parameters (m x k).
        scores: of the participants (G x k).
        variance: inverse information (k x k).
        groups: the participants' codes (n).

    Source: Newey 1985 (Econometrica 53:1047), with participants as the units.
    """
    theirs = cluster_sums(moments, groups) + scores @ variance @ slopes.T
    clusters = len(theirs)
    spread = np.square(theirs - theirs.mean(axis=0)).sum(axis=0)
    return np.asarray(np.sqrt(clusters / (clusters - 1) * spread))


def dean_lawless(outcome: Array, mu: Array, leverage: Array) -> float:
    """Return the score statistic of NB2 against Poisson, standard normal under Poisson, large when overdispersed.

    All arguments have length n; ``leverage`` is the diagonal of the Poisson fit's hat matrix.

    Source: Dean and Lawless 1989 (J Am Stat Assoc 84:467), the adjusted statistic T_a.
    """
    return float(np.sum((outcome - mu) ** 2 - outcome + leverage * mu) / np.sqrt(2 * np.sum(mu**2)))


def leverages(matrix: Array, weights: Array) -> Array:
    """Return the diagonal (n) of the hat matrix of a weighted regression; ``matrix`` is n x p of full rank."""
    orthogonal = np.linalg.qr(matrix * np.sqrt(weights)[:, None])[0]
    return np.asarray(np.square(orthogonal).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Within:
    """Squared Pearson residuals around each participant's own level, summed by participant, and their expectation.

    Both are of length G, zero for whom nothing can be told. ``slope`` is the expected derivative of their summed
    difference in log theta, 0 where there is none.
    """

    squares: Array
    expected: Array
    slope: float


def within(outcome: Array, link: Array, family: ResponseFamily, log_theta: float, groups: Codes) -> Within:
    """Return the squared residuals of counts given each participant's own total.

    Given the total the counts are multinomial (Poisson) or Dirichlet-multinomial (negative binomial with means that are
    alike), whatever the participant's effect: the expectation of the n squares is (n - 1) / (1 + alpha / n).

    Args:
        outcome: the counts (n).
        link: their linear predictor (n).
        family: mean and variance of a night.
        log_theta: infinite where the variance is the mean.
        groups: the participants' codes (n).
    """
    mean, told = _own_level(outcome, link, family, groups)
    variance = family.variance(mean)
    squares = np.where(told, (outcome - mean) ** 2 / variance, 0.0)
    nights = np.bincount(groups)
    alpha = float(np.exp(-log_theta))
    part = alpha / nights
    expected = np.where(np.bincount(groups, told) > 0, (nights - 1) / (1 + part), 0.0)
    slope = float(np.sum(squares * alpha * mean**2 / variance) - np.sum(expected * part / (1 + part)))
    return Within(cluster_sums(squares, groups), expected, slope)


@dataclass(frozen=True, slots=True)
class Serial:
    """Autocorrelation by lag, what independent nights would show, and its standard error over participants.

    All have a value per lag, NaN where no participant has two nights so far apart; ``pairs`` and ``participants`` are
    what a lag rests on.
    """

    correlation: Array
    expected: Array
    error: Array
    pairs: NDArray[np.int64]
    participants: NDArray[np.int64]


def serial(
    outcome: Array, link: Array, family: ResponseFamily, groups: Codes, nights: NDArray[np.int64], lags: Sequence[int]
) -> Serial:
    """Return the autocorrelation of Pearson residuals over calendar nights, each participant's own level taken out.

    Two nights are a pair of lag k when exactly k calendar nights lie between their dates. A level
    estimated from the participant's own nights makes independent residuals correlate by about -1/(nights - 1):
    ``expected`` is that value for these nights. Participants who have all or none of the events say nothing.

    Args:
        outcome: the outcomes (n).
        link: their linear predictor (n).
        family: mean and variance of a night.
        groups: the participants' codes (n).
        nights: calendar nights (n).
        lags: nights apart.
    """
    mean, told = _own_level(outcome, link, family, groups)
    outcome, mean, groups, nights = outcome[told], mean[told], groups[told], nights[told]
    clusters = int(groups.max()) + 1 if len(groups) else 0
    order = np.lexsort((nights, groups))
    outcome, mean, groups, nights = outcome[order], mean[order], groups[order], nights[order]
    variance, slope = family.variance(mean), family.slope(mean)
    residual = (outcome - mean) / np.sqrt(variance)
    share = slope / np.bincount(groups, slope)[groups]
    total = np.bincount(groups, variance)[groups]
    own = 1 - 2 * share + share**2 * total / variance  # expected squares, but for a common factor
    clock = groups * (int(np.ptp(nights)) + max(lags) + 1 if len(nights) else 1) + (nights - nights.min(initial=0))
    made: list[tuple[float, float, float, int, int]] = []
    for lag in lags:
        at = np.searchsorted(clock, clock + lag)
        first = np.flatnonzero(clock[np.minimum(at, len(clock) - 1)] == clock + lag) if len(clock) else at
        second = at[first]
        if not len(first):
            made.append((np.nan, np.nan, np.nan, 0, 0))
            continue
        products = np.bincount(groups[first], residual[first] * residual[second], clusters)
        squares = np.bincount(groups, residual**2, clusters)
        scale = len(first) / len(residual) * squares.sum()
        correlation = products.sum() / scale
        both = share[first] * share[second] * total[first] - share[first] * variance[second]
        both = (both - share[second] * variance[first]) / np.sqrt(variance[first] * variance[second])
        expected = both.mean() / own.mean()
        theirs = products - correlation * squares * len(first) / len(residual)
        members = len(np.unique(groups[first]))
        error = np.sqrt(members / (members - 1) * np.sum(theirs**2)) / scale if members > 1 else np.nan
        made.append((float(correlation), float(expected), float(error), len(first), members))
    columns = [np.array(column) for column in zip(*made, strict=True)]
    return Serial(columns[0], columns[1], columns[2], columns[3].astype(np.int64), columns[4].astype(np.int64))


def _own_level(outcome: Array, link: Array, family: ResponseFamily, groups: Codes) -> tuple[Array, NDArray[np.bool_]]:
    """Return means (n) moved on the link scale to each participant's own total, and which rows (n) that exists for."""
    nights = np.bincount(groups)
    events = np.bincount(groups, outcome)
    able = nights > 1
    if family.name != "gaussian":
        able &= (events > 0) & ((events < nights) | (family.name != "binomial"))
    told = np.asarray(able[groups])
    shift = np.zeros(len(nights))
    for _ in range(50):
        mean = family.mean(link + shift[groups])
        gap = np.bincount(groups, outcome - mean)
        if np.abs(gap[able]).max(initial=0.0) < 1e-9 * max(1.0, events.max(initial=0.0)):
            break
        if family.name in ("binomial", "gaussian"):
            step = gap / np.maximum(np.bincount(groups, family.slope(mean)), 1e-12)
        else:
            # On a log link the exact answer in one step.
            step = np.log(np.where(able, events, 1.0) / np.bincount(groups, mean))
        shift += np.where(able, step if family.name == "gaussian" else np.clip(step, -20.0, 20.0), 0.0)
    return family.mean(link + shift[groups]), told


def quantile_residuals(below: Array, chance: Array, rng: np.random.Generator) -> Array:
    """Return randomised quantile residuals on the uniform scale: between P(Y < y) and P(Y <= y), all of length n.

    Source: Dunn and Smyth 1996 (J Comput Graph Stat 5:236).
    """
    return np.asarray(np.clip(below + rng.random(len(below)) * chance, 0.0, 1.0))


def one_of_each(groups: Codes, rng: np.random.Generator) -> Codes:
    """Return a row drawn at random from each participant (codes 0..G-1, length n); G rows."""
    order = np.argsort(groups, kind="stable")
    size = np.bincount(groups)
    start = np.cumsum(size) - size
    return np.asarray(order[start + np.floor(rng.random(len(size)) * size).astype(np.intp)])


def uniformity(values: Array) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of independent ``values`` from the uniform distribution, and its p."""
    from scipy import stats

    found = stats.kstest(values, "uniform")
    return float(found.statistic), float(found.pvalue)


def deletions(scores: Array, variance: Array, own: Array | None) -> Array:
    """Return the change (G x k) of k parameters when each participant is left out, to first order.

    ``scores`` (G x k) are the participants', ``variance`` (k x k) the inverse information, ``own`` (G x k x k) what
    each contributes to the information, which one step then leaves out; NaN where nothing remains to estimate from.

    Source: Preisser and Qaqish 1996 (Biometrika 83:551).
    """
    if own is None:
        return -scores @ variance
    rest = np.eye(len(variance)) - own @ variance
    alone = np.abs(np.linalg.det(rest)) < 1e-10
    rest[alone] = np.eye(len(variance))
    # (J - J_g)^-1 s = V (1 - J_g V)^-1 s
    found: Array = -np.linalg.solve(rest, scores[:, :, None])[:, :, 0] @ variance
    found[alone] = np.nan
    return found


def own_information(matrix: Array, weights: Array, groups: Codes) -> Array:
    """Return each participant's part (G x p x p) of the information X'WX of a regression."""
    p = matrix.shape[1]
    made = np.empty((int(groups.max()) + 1, p, p))
    for i in range(p):
        for j in range(i + 1):
            made[:, i, j] = made[:, j, i] = np.bincount(groups, weights * matrix[:, i] * matrix[:, j])
    return made


def generalised_inflation(covariance: Array, columns: Sequence[int]) -> float:
    """Return the generalised variance inflation factor of some ``columns`` among all of ``covariance`` (p x p).

    The covariance is the model's of the coefficients without the intercept. One column's factor is the usual VIF.

    Source: Fox and Monette 1992 (J Am Stat Assoc 87:178).
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    others = [i for i in range(len(correlation)) if i not in columns]
    parts = [np.linalg.slogdet(correlation[np.ix_(part, part)])[1] for part in (list(columns), others) if part]
    return float(np.exp(sum(parts) - np.linalg.slogdet(correlation)[1]))


def condition_number(matrix: Array) -> float:
    """Return the ratio of the largest to the smallest singular value of ``matrix``, its columns of length one.

    Source: Belsley, Kuh and Welsch 1980.
    """
    lengths = np.linalg.norm(matrix, axis=0)
    values = np.linalg.svd(np.linalg.qr(matrix / lengths, mode="r"), compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else float("inf")
