"""Zero-inflated and hurdle negative-binomial (NB2) regression, by maximum likelihood from several starts.

Both have a log-linear mean, a logit part for the zeros and one dispersion, all estimated jointly. The likelihood of a
zero-inflated model has more than one maximum: the best of all starts counts, and the models on its boundary, without
inflation or without dispersion, are fitted too and preferred where they do no worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from crampstudy.arrays import Array
from crampstudy.models.common.estimability import dependent
from crampstudy.models.nights import count, logistic
from crampstudy.models.nights.zeros.likelihoods import Counts, Inflated, Truncated, density, series
from crampstudy.models.optimise.optimum import Optimum
from crampstudy.models.optimise.profile_likelihood import Profile, of_dispersion
from crampstudy.models.optimise.trust_region import MOST, curvatures, maximise, multistart

GAIN = 1e-6
"""Log-likelihood by which a model has to beat the one on its boundary."""

_MODERATE = 0.7
"""Log theta of a moderate dispersion, alpha of one half."""
_NEARLY_POISSON = 4.0
"""Log theta above which the model without dispersion is tried too (alpha below 0.02)."""
_MANY = 4000
"""With more rows than this, optima are looked for on this many of them."""
_TOPS = 3
_LOOK = 60
"""Evaluations within which a climb from a start shows what it is worth; the best are climbed from there to their end.
"""
_SAME = 1e-4
_SERIES = 1e-3
"""Log-likelihood within which a climb that has not ended is as good as the logarithmic series it leads to."""
_SHARES = (0.1, 0.5, 0.9)
"""Shares of the zeros that are taken for excess ones where a climb starts."""


@dataclass(frozen=True, slots=True)
class ZerosFit:
    """A fitted model of n rows with p coefficients of the log mean and q of the zero part.

    ``zero`` (q) are log odds: ``inflated``, of an excess zero against a count that may be zero too; ``hurdle``, of a
    zero against a positive count. ``coefficients`` (p) are of the mean of that count, ``hurdle``: before it is cut off
    at zero. ``scores`` (n x k, times the weights) and ``information`` (k x k, observed) are those of coefficients,
    zero part and, where it is not at its boundary, log theta; ``curvatures`` returns the clusters' parts of it (G x k x
    k) from their codes (n) and number. ``dispersion`` is alpha in Var(y) = mu + alpha mu^2, 0 at
    its boundary and infinite where counts above zero are a logarithmic series: ``coefficients`` are then those of
    log(mu / theta), of which only the ratios are those of a mean. ``dispersion_error`` is the standard error of log
    alpha. ``plain`` is the fit without a zero part where
    no inflation was found, the chance of an excess zero being at its boundary 0; ``zero`` is then minus infinity and
    has no place among scores and information. ``profile`` is that of the dispersion where it is estimated.
    """

    kind: Literal["inflated", "hurdle"]
    coefficients: Array
    zero: Array
    scores: Array
    information: Array
    log_likelihood: float
    iterations: int
    dispersion: float
    dispersion_error: float = float("nan")
    plain: count.CountFit | None = None
    problem: str | None = None
    curvatures: Callable[[NDArray[np.intp], int], Array] | None = None
    profile: Profile | None = None

    @property
    def dispersion_at_boundary(self) -> bool:
        """Whether the counts are no more dispersed than Poisson, or more than any negative binomial."""
        return self.dispersion == 0 or bool(np.isinf(self.dispersion))


def zero_inflated(matrix: Array, zero: Array, counts: Array, offset: Array, weights: Array | None = None) -> ZerosFit:
    """Fit a mixture of zeros, of odds exp(Z g), and NB2 counts with log mean offset + X b.

    Args:
        matrix: columns of the log mean (n x p).
        zero: columns of the zero part (n x q).
        counts: cramps (n).
        offset: log exposure (n), in the mean alone.
        weights: (n), a row of weight w stands for w rows that are all like it; 1 if not given.

    Source: Lambert 1992 (Technometrics 34:1); Ridout, Hinde and Demétrio 2001 (Biometrics 57:219).
    """
    times = np.ones(len(counts)) if weights is None else weights
    whole = np.rint(counts).astype(np.int64)
    plain = count.negative_binomial(matrix, counts, offset, times)
    likelihood = Inflated(matrix, zero, whole, offset, times)
    undispersed, dispersed = _starting_values(_subsample(likelihood), plain)
    optimum = _best(multistart(likelihood, dispersed))
    if optimum.reason or optimum.theta[-1] > _NEARLY_POISSON:
        poisson = replace(likelihood, held=np.inf)
        other = _best(multistart(poisson, undispersed))
        if optimum.value <= other.value + GAIN:
            optimum, likelihood = other, poisson
    without = plain.log_likelihood if plain.problem is None else -np.inf
    p, own = matrix.shape[1], matrix.shape[1] + zero.shape[1]
    if optimum.value <= without + GAIN:
        return _without(plain, Counts(matrix, whole, offset, times), np.full(own - p, -np.inf), optimum.iterations)
    dispersion, error = _dispersion(optimum, own)
    return ZerosFit(
        kind="inflated",
        coefficients=optimum.theta[:p],
        zero=optimum.theta[p:own],
        scores=optimum.scores,
        information=optimum.information,
        log_likelihood=optimum.value,
        iterations=optimum.iterations,
        dispersion=dispersion,
        dispersion_error=error,
        problem=optimum.reason,
        curvatures=partial(curvatures, likelihood, optimum.theta),
        profile=of_dispersion(likelihood, optimum.theta, optimum.value, error) if np.isfinite(error) else None,
    )


def _without(plain: count.CountFit, likelihood: Counts, zero: Array, iterations: int) -> ZerosFit:
    """Return the fit at its boundary: without a zero part, coefficients and dispersion together as within it."""
    error, at = plain.dispersion_error, plain.coefficients
    if plain.at_boundary:
        likelihood = replace(likelihood, held=np.inf)
    else:
        at = np.append(at, -np.log(plain.dispersion))
    joint = plain.joint or plain
    return ZerosFit(
        kind="inflated",
        coefficients=plain.coefficients,
        zero=zero,
        scores=joint.scores,
        information=joint.information,
        log_likelihood=plain.log_likelihood,
        iterations=iterations + plain.iterations,
        dispersion=plain.dispersion,
        dispersion_error=error,
        plain=plain,
        curvatures=partial(curvatures, likelihood, at),
        profile=None if plain.at_boundary else of_dispersion(likelihood, at, plain.log_likelihood, error),
    )


def nothing_on_a_side(counts: Array) -> str | None:
    """Say so where a hurdle has no zeros below it, or no counts above it that differ."""
    if (counts > 0).all():
        return "every night has a cramp: there are no zeros to explain"
    if counts.max(initial=0) < 2:
        return "no night has more than one cramp: there are no positive counts to explain"
    return None


def hurdle(matrix: Array, zero: Array, counts: Array, offset: Array, weights: Array | None = None) -> ZerosFit:
    """Fit the odds exp(Z g) of a zero, and NB2 counts above zero with log mean offset + X b before the cut.

    The two parts share no parameter; the offset is in the counts alone.

    Args:
        matrix: columns of the log mean (n x p).
        zero: columns of the zero part (n x q).
        counts: cramps (n).
        offset: log exposure (n), in the mean alone.
        weights: (n), a row of weight w stands for w rows that are all like it; 1 if not given.

    Source: Mullahy 1986 (J Econom 33:341).
    """
    times = np.ones(len(counts)) if weights is None else weights
    whole, some = np.rint(counts).astype(np.int64), counts > 0
    part = logistic.logistic(zero, (~some).astype(np.float64), np.zeros(len(counts)), times)
    optimum, limit = _positive(matrix[some], whole[some], offset[some], times[some])
    held = np.inf if limit == "poisson" else None
    likelihood = Truncated(matrix[some], whole[some], offset[some], times[some], held, limit == "series")
    problem = f"among the nights with a cramp, {optimum.reason}" if optimum.reason else None
    if part.problem:
        problem = f"in the zero part, {part.problem}"
    problem = nothing_on_a_side(counts) or problem
    p, q = matrix.shape[1], zero.shape[1]
    k = q + len(optimum.theta)
    ours = np.r_[:p, p + q : k]
    scores, information = np.zeros((len(counts), k)), np.zeros((k, k))
    scores[np.ix_(some, ours)], information[np.ix_(ours, ours)] = optimum.scores, optimum.information
    scores[:, p : p + q], information[p : p + q, p : p + q] = part.scores, part.information
    dispersion, error = (np.inf, np.nan) if limit == "series" else _dispersion(optimum, p)
    return ZerosFit(
        kind="hurdle",
        coefficients=optimum.theta[:p],
        zero=part.coefficients,
        scores=scores,
        information=information,
        log_likelihood=optimum.value + part.log_likelihood,
        iterations=optimum.iterations + part.iterations,
        dispersion=dispersion,
        dispersion_error=error,
        problem=problem,
        curvatures=partial(_hurdle_curvatures, (likelihood, optimum.theta, some), (zero, times, part.coefficients)),
        profile=of_dispersion(likelihood, optimum.theta, optimum.value, error) if np.isfinite(error) else None,
    )


def moved(
    model: Callable[[Array, Array, Array, Array, Array], ZerosFit],
    given: tuple[Array, Array, Array, Array, Array],
    fitted: ZerosFit,
    groups: NDArray[np.intp],
    left_out: int,
) -> Array | None:
    """Return how far the coefficients of both parts move without one of the ``groups`` (n), fitted anew.

    ``None`` where the others have no estimate.

    Args:
        model: :func:`zero_inflated` or :func:`hurdle`.
        given: the arguments of which it was ``fitted``.
        fitted: the fit of all participants.
        groups: codes of the participants (n).
        left_out: the code of the one left out.
    """
    matrix, zero, counts, offset, times = (values[groups != left_out] for values in given)
    if dependent(matrix) or dependent(zero):
        return None
    again = model(matrix, zero, counts, offset, times)
    if again.problem or again.plain or np.isinf(again.dispersion) != np.isinf(fitted.dispersion):
        return None
    return np.concatenate([again.coefficients - fitted.coefficients, again.zero - fitted.zero])


def _hurdle_curvatures(
    above: tuple[Truncated, Array, NDArray[np.bool_]],
    part: tuple[Array, Array, Array],
    groups: NDArray[np.intp],
    clusters: int,
) -> Array:
    """Return the clusters' parts of the information of a hurdle: counts above zero, then the odds of a zero between."""
    likelihood, at, some = above
    zero, times, coefficients = part
    p, q = likelihood.matrix.shape[1], zero.shape[1]
    made = np.zeros((clusters, len(at) + q, len(at) + q))
    ours = np.r_[:p, p + q : len(at) + q]
    made[np.ix_(np.arange(clusters), ours, ours)] = curvatures(likelihood, at, groups[some], clusters)
    chance = expit(zero @ coefficients)
    weighted = zero * (times * chance * (1 - chance))[:, None]
    for g in range(clusters):
        rows = groups == g
        made[g, p : p + q, p : p + q] = weighted[rows].T @ zero[rows]
    return made


def _dispersion(optimum: Optimum, own: int) -> tuple[float, float]:
    """Return alpha and the standard error of its logarithm; ``own`` parameters come before log theta."""
    if len(optimum.theta) == own:
        return 0.0, float("nan")
    alpha = float(np.exp(-optimum.theta[own]))
    return alpha, float("nan") if optimum.reason else float(np.sqrt(np.linalg.inv(optimum.information)[own, own]))


def _best(optima: Sequence[Optimum]) -> Optimum:
    # Of optima equally high one that is a maximum.
    highest = max(optimum.value for optimum in optima)
    equal = [optimum for optimum in optima if optimum.value > highest - GAIN]
    return min(equal, key=lambda optimum: (optimum.reason is not None, -optimum.value))


def _distinct(optima: Sequence[Optimum]) -> list[Array]:
    """Return where the highest of different optima are, best first."""
    kept: list[Optimum] = []
    for optimum in sorted(optima, key=lambda optimum: -optimum.value):
        if not kept or optimum.value < kept[-1].value - _SAME:
            kept.append(optimum)
    return [optimum.theta for optimum in kept[:_TOPS]]


def _subsample(likelihood: Inflated) -> Inflated:
    """Return some of very many rows, evenly spread, to look for optima on; each climb from there sees all rows."""
    n = len(likelihood.counts)
    if n <= _MANY:
        return likelihood
    # Multiples of the golden ratio fall evenly and in step with no week.
    some = (np.arange(n) * ((np.sqrt(5) - 1) / 2)) % 1 < _MANY / n
    return Inflated(
        likelihood.matrix[some],
        likelihood.zero[some],
        likelihood.counts[some],
        likelihood.offset[some],
        likelihood.weights[some],
    )


def _positive(
    matrix: Array, counts: NDArray[np.int64], offset: Array, times: Array, most: int = MOST
) -> tuple[Optimum, Literal["poisson", "series"] | None]:
    """Return the optimum of the counts above zero, and the limit of the negative binomial that it is in."""
    # The mean above zero is larger than that before the cut, most so where it is small.
    first = _level(matrix, np.log(np.maximum(counts - 0.5, 0.3)) - offset, times)
    poisson = maximise(Truncated(matrix, counts, offset, times, np.inf), first, most=most)
    starts = [np.append(poisson.theta, t) for t in (0.0, 3.0)]
    starts += [np.append(poisson.theta + _level(matrix, np.full(len(counts), -2.0), times), -2.0)]
    optimum = _best(multistart(Truncated(matrix, counts, offset, times), starts, most))
    if optimum.value <= poisson.value + GAIN:
        return poisson, "poisson"
    series = maximise(Truncated(matrix, counts, offset, times, series=True), first, most=most)
    return (series, "series") if optimum.reason and optimum.value <= series.value + _SERIES else (optimum, None)


def _level(matrix: Array, values: Array, times: Array) -> Array:
    """Return the coefficients (p) whose predictor comes nearest to ``values`` (n), by least squares."""
    root = np.sqrt(times)
    return np.linalg.lstsq(matrix * root[:, None], values * root, rcond=None)[0].astype(np.float64)


def _starting_values(likelihood: Inflated, plain: count.CountFit) -> tuple[list[Array], list[Array]]:
    """Return where the optima without dispersion are, and those with it."""
    starts = list(_mixtures(likelihood, plain))
    poisson = replace(likelihood, held=np.inf)
    undispersed = _distinct(multistart(poisson, (start[:-1] for start in starts), _LOOK))
    starts += [np.append(at, t) for at in undispersed for t in (0.0, 3.0)]
    return undispersed, _distinct(multistart(likelihood, starts, _LOOK))


def _mixtures(likelihood: Inflated, plain: count.CountFit) -> Iterator[Array]:
    """Yield places to start from: the plain fit, the counts above zero, and moments, with more or less inflation."""
    matrix, zero, counts, offset, times = (
        likelihood.matrix,
        likelihood.zero,
        likelihood.counts,
        likelihood.offset,
        likelihood.weights,
    )
    none, some = counts == 0, counts > 0
    share = float(times @ none / times.sum())
    ends = [(plain.coefficients, -np.log(max(plain.dispersion, 1e-3)))] if np.isfinite(plain.coefficients).all() else []
    (above, limit), p = _positive(matrix[some], counts[some], offset[some], times[some], _LOOK), matrix.shape[1]
    if limit != "series" and np.isfinite(above.theta).all():
        ends.append((above.theta[:p], float(np.clip(above.theta[p], -3, 5)) if len(above.theta) > p else 5.0))
    for b, t in ends:
        # One step of EM from the share of zeros that the counts leave room for.
        at_zero = np.exp(density(np.zeros_like(counts), matrix @ b + offset, t).value)
        free = np.clip((none - at_zero) / (1 - np.minimum(at_zero, 0.99)), 0.02, 0.98)
        mean = float(np.clip(times @ np.where(none, free, 0.0) / times.sum(), 0.02, 0.98))
        by_row = np.where(none, np.clip(mean / (mean + (1 - mean) * at_zero), 0.02, 0.98), 0.02)
        for target in (np.full(len(counts), mean), by_row):
            yield np.concatenate([b, _level(zero, logit(target), times), [t]])
    for part in _SHARES:
        # As many cramps as there are, on the nights that are left.
        pi = np.full(len(counts), np.clip(part * share, 0.01, 0.97))
        b = _level(matrix, np.log(np.maximum(counts, 0.5) / (1 - pi)) - offset, times)
        rise = np.log(times @ counts / (times @ (np.exp(np.clip(matrix @ b + offset, -30, 30)) * (1 - pi))))
        b = b + _level(matrix, np.full(len(counts), rise), times)
        yield np.concatenate([b, _level(zero, logit(pi), times), [_MODERATE]])


def chances(fitted: ZerosFit, matrix: Array, zero: Array, offset: Array, value: int) -> Array:
    """Return the probability (n) of the count ``value`` on rows of ``matrix`` (n x p) and ``zero`` (n x q).

    Args:
        fitted: the model.
        matrix: columns of the log mean (n x p).
        zero: columns of the zero part (n x q).
        offset: log exposure (n).
        value: the count whose probability is wanted.
    """
    eta = matrix @ fitted.coefficients + offset
    if np.isinf(fitted.dispersion):
        none = expit(zero @ fitted.zero)
        return np.asarray((1 - none) * np.exp(series(np.full(len(eta), value), eta).value) if value else none)
    log_theta = -np.log(fitted.dispersion) if fitted.dispersion > 0 else np.inf
    of_count = np.exp(density(np.full(len(eta), value), eta, log_theta).value)
    if fitted.plain is not None:
        return of_count
    pi = expit(zero @ fitted.zero)
    if fitted.kind == "inflated":
        return np.asarray(pi * (value == 0) + (1 - pi) * of_count)
    if value == 0:
        return np.asarray(pi, dtype=np.float64)
    at_zero = density(np.zeros(len(eta), dtype=np.int64), eta, log_theta).value
    return np.asarray((1 - pi) * of_count / -np.expm1(at_zero), dtype=np.float64)
