"""Poisson and negative-binomial regression of the cramps of a night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.common import distributions
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance, covariance
from crampstudy.models.inference.small_sample import Nights
from crampstudy.models.nights import count
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.families.covariances import REGRESSION
from crampstudy.models.nights.families.dispersion import dispersion
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.second_opinion import of_nights, unstandardised
from crampstudy.models.nights.solve import solve_nights
from crampstudy.models.nights.zeros.likelihoods import Counts, density
from crampstudy.models.optimise.profile_likelihood import Profile, of_dispersion
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, ours, robust


def solve(
    model: Callable[[Array, Array, Array, Array | None], count.CountFit],
    data: Data,
    outcome: Outcome,
    kind: Covariance,
    _: int | None,
) -> Solved:
    """Fit a regression of counts, or of nights with a cramp, and its covariance.

    Args:
        model: gives the fit of matrix, outcome, offset and weights.
        data: the nights.
        outcome: ``cramps`` or ``cramp_night``.
        kind: the covariance asked for.
    """
    fitted = model(data.matrix, data.outcome, data.offset, data.weights)
    return _of_counts(fitted, data, outcome, kind, dispersed=model is count.negative_binomial)


def _of_counts(fitted: count.CountFit, data: Data, outcome: Outcome, kind: Covariance, *, dispersed: bool) -> Solved:
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    family = distributions.BINOMIAL if outcome == "cramp_night" else _count_family(fitted)
    nights = Nights(
        data.matrix, data.outcome, data.offset, data.groups, fitted.coefficients, family, multiplicity=data.weights
    )
    found = automatic.of_regression(fitted, nights, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    undispersed = ("given the terms, the counts are no more dispersed than Poisson",) if fitted.at_boundary else ()
    return Solved(
        fitted.coefficients,
        found.variance,
        fitted.log_likelihood + data.constant,
        fitted.iterations,
        found.used,
        (dispersion(fitted, _profile(fitted, data)),) if dispersed else (),
        (*undispersed, *found.notes, *automatic.named(found.used, kind)),
        fitted=fitted,
        moments=found.moments,
    )


def _count_family(fitted: count.CountFit) -> distributions.ResponseFamily:
    return distributions.negative_binomial(fitted.dispersion) if fitted.dispersion else distributions.POISSON


def _profile(fitted: count.CountFit, data: Data) -> Profile | None:
    if fitted.at_boundary:
        return None
    times = np.ones(len(data.outcome)) if data.weights is None else data.weights
    law = Counts(data.matrix, np.rint(data.outcome).astype(np.int64), data.offset, times)
    at = np.append(fitted.coefficients, -np.log(fitted.dispersion))
    return of_dispersion(law, at, fitted.log_likelihood, fitted.dispersion_error)


def predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    """Return the predictive distribution of a regression of counts or of nights with a cramp."""
    if not isinstance(fitted, count.CountFit):
        return None
    return replace(PredictiveDistribution.of_counts(data, kind, fitted), independent=True)


def _probability(data: Data, fitted: Fitted, value: int) -> Array:
    if not isinstance(fitted, count.CountFit):
        raise TypeError(f"no regression of counts: {type(fitted).__name__}")
    log_theta = -float(np.log(fitted.dispersion)) if fitted.dispersion > 0 else np.inf
    eta = data.matrix @ fitted.coefficients + data.offset
    return np.asarray(np.exp(density(np.full(len(eta), value), eta, log_theta).value))


def _poisson_again(request: ModelRequest) -> Opinion | NoOpinion:
    like = robust(request)
    return of_nights(POISSON, request, lambda data, *_: refits.generalised_linear(data, "Poisson", like), like)


def _negative_binomial_again(request: ModelRequest) -> Opinion | NoOpinion:
    like = robust(request)
    solution = solve_nights(NEGATIVE_BINOMIAL, replace(request, covariance=like), night_by_night=True)
    solved, data = solution.solved, solution.data
    if solved is None or not isinstance(solved.fitted, count.CountFit) or solved.fitted.joint is None:
        remark = "the counts are no more dispersed than Poisson, so that Poisson regression is what is refitted"
        refit = lambda data, *_: refits.generalised_linear(data, "Poisson", like)  # noqa: E731
        return of_nights(NEGATIVE_BINOMIAL, request, refit, like, remark)
    if data.weights is not None:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its NegativeBinomial takes no weights")
    joint, p = solved.fitted.joint, len(solved.coefficients)
    variance = covariance(joint.information, joint.scores, data.groups, like)[:p, :p]
    found = ours(solution.design, solved.fitted.coefficients, variance, {"dispersion": solved.fitted.dispersion})
    return Opinion(
        columns=solution.design.columns,
        n_rows=len(data.outcome),
        errors="model, with the dispersion" if like == "model" else "cluster-joint without its factor",
        ours=found,
        theirs=refits.negative_binomial(unstandardised(solution), like, found),
        remark="the errors compared are those of coefficients and dispersion together, as statsmodels has them",
        exposed=solution.exposed,
    )


POISSON = NightFamily(
    name="poisson",
    outcomes=("cramps",),
    covariances=REGRESSION,
    functions=frozenset({"offset", "weights"}),
    solve=partial(solve, count.poisson),
    predict=predict,
    probability=_probability,
    alike="poisson",
    counterpart=_poisson_again,
)
NEGATIVE_BINOMIAL = NightFamily(
    name="negative-binomial",
    outcomes=("cramps",),
    covariances=(*REGRESSION, "cluster-joint"),
    functions=frozenset({"offset", "weights"}),
    solve=partial(solve, count.negative_binomial),
    predict=predict,
    probability=_probability,
    alike="count",
    dispersion=True,
    counterpart=_negative_binomial_again,
)
