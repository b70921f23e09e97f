"""Zero-inflated and hurdle negative-binomial models of the cramps of a night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import CURVED_TO, Covariance, cluster_sums
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved, ZeroPart
from crampstudy.models.nights.families.covariances import ROBUST
from crampstudy.models.nights.families.dispersion import LOGARITHMIC, dispersion
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.zeros import zero_inflated

_NO_EXCESS = "no excess zeros: standard errors of coefficients and dispersion together, the chance of one held at 0"
_OF_COUNTS = {
    "inflated": "rate ratios are those on nights without an excess zero",
    "hurdle": "rate ratios are those before counts are cut off at zero",
}


def _solve(
    model: Callable[[Array, Array, Array, Array, Array | None], zero_inflated.ZerosFit],
    data: Data,
    outcome: Outcome,
    kind: Covariance,
    _: int | None,
) -> Solved:
    zero = np.ones((len(data.outcome), 1)) if data.zero is None else data.zero
    baselines = replace(data, zero=zero).baselines
    fitted = model(data.matrix, zero, data.outcome, data.offset, data.weights)
    p, q = data.matrix.shape[1], zero.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    clusters = int(data.groups.max()) + 1
    scores = cluster_sums(fitted.scores, data.groups)
    parts = fitted.curvatures(data.groups, clusters) if fitted.curvatures and clusters <= CURVED_TO else None
    given = data.matrix, zero, data.outcome, data.offset, np.ones(len(zero)) if data.weights is None else data.weights
    refit = None if fitted.plain else partial(zero_inflated.moved, model, given, fitted, data.groups)
    k = p if fitted.plain else p + q
    held = [i for i in baselines if i < k]
    found = automatic.of_clusters(scores, fitted.information, parts, k, kind, held, refit)
    each = np.eye(k)
    moments = found.moments.turned(each[:p])
    series = bool(np.isinf(fitted.dispersion))
    undispersed = ("given the terms, the counts are no more dispersed than Poisson",) if fitted.dispersion == 0 else ()
    return Solved(
        fitted.coefficients,
        found.variance[:p, :p],
        fitted.log_likelihood + data.constant,
        fitted.iterations,
        found.used,
        (dispersion(fitted, fitted.profile),),
        (_NO_EXCESS if fitted.plain else _OF_COUNTS[fitted.kind], *undispersed, *automatic.named(found.used, kind)),
        fitted=fitted,
        zero=(
            _no_zeros(p, q)
            if fitted.plain
            else ZeroPart(
                fitted.zero, found.variance[p:, p:], found.moments.turned(each[p:]), found.variance, found.moments
            )
        ),
        moments=moments,
        no_baseline=f"{LOGARITHMIC}, with a mean before the cut of all but zero" if series else None,
    )


def _no_zeros(p: int, q: int) -> ZeroPart:
    none, both = np.full(q, np.nan), automatic.Conventional(np.nan, p + q)
    reason = "no more zeros than the counts bring along: the fit is that without a zero part"
    unknown = np.full((q, q), np.nan), automatic.Conventional(np.nan, q), np.full((p + q, p + q), np.nan), both
    return ZeroPart(none, *unknown, "boundary", reason)


def _predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    """Return the distribution of the fit without a zero part, where that is what the data came to."""
    if not isinstance(fitted, zero_inflated.ZerosFit) or fitted.plain is None:
        return None
    return PredictiveDistribution.of_counts(data, kind, fitted.plain)


def _probability(data: Data, fitted: Fitted, value: int) -> Array:
    if not isinstance(fitted, zero_inflated.ZerosFit):
        raise TypeError(f"no model with a zero part: {type(fitted).__name__}")
    zero = np.ones((len(data.outcome), 1)) if data.zero is None else data.zero
    return zero_inflated.chances(fitted, data.matrix, zero, data.offset, value)


ZERO_INFLATED = NightFamily(
    name="zero-inflated-negative-binomial",
    outcomes=("cramps",),
    covariances=ROBUST,
    options=frozenset({"zero_terms"}),
    functions=frozenset({"offset", "weights"}),
    solve=partial(_solve, zero_inflated.zero_inflated),
    predict=_predict,
    probability=_probability,
    alike="count",
    dispersion=True,
    zero_part="odds of an excess zero",
    no_counterpart=", whose Newton fit ends without numbers and says that it converged",
)
HURDLE = NightFamily(
    name="hurdle-negative-binomial",
    outcomes=("cramps",),
    covariances=ROBUST,
    options=frozenset({"zero_terms"}),
    functions=frozenset({"offset", "weights"}),
    solve=partial(_solve, zero_inflated.hurdle),
    predict=_predict,
    probability=_probability,
    alike="count",
    dispersion=True,
    zero_part="odds of a night without a cramp",
    lacking=lambda data, _: zero_inflated.nothing_on_a_side(data.outcome),
    no_counterpart=", whose part for zeros is a count model and not a logistic one",
)
