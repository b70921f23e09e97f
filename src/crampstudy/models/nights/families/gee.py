"""Marginal models by generalised estimating equations, exchangeable and AR(1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from crampstudy.models.coefficients import auxiliary_parameters
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights import gee, linear
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.families.covariances import ROBUST
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.second_opinion import of_nights
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, robust

_MARGINAL: Mapping[str, gee.FamilyName] = {"cramps": "poisson", "cramp_night": "binomial"}
"""The family of a marginal model follows the outcome; any other outcome is a number."""
_NO_LIKELIHOOD = "estimating equations have no likelihood, so that no AIC compares it"


def _solve(working: gee.Working, data: Data, outcome: Outcome, kind: Covariance, _: int | None) -> Solved:
    fitted = gee.gee(
        data.matrix,
        data.outcome,
        data.offset,
        data.groups,
        data.nights,
        family=_MARGINAL.get(outcome, "gaussian"),
        working=working,
    )
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    of = "of any two nights" if working == "exchangeable" else "of neighbouring nights"
    if working == "ar1" and fitted.apart > 1:
        of = f"of nights {fitted.apart} apart"
    made = auxiliary_parameters.marginal(fitted, f"{of} of a participant", number=outcome not in _MARGINAL)
    return Solved.of(fitted, found, tuple(made), automatic.named(found.used, kind))


def _nothing_within(data: Data, outcome: Outcome) -> str | None:
    if outcome in _MARGINAL:
        return None
    return linear.nothing_within(data.matrix, data.outcome, data.offset, data.groups, data.weights)


def _predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    if not isinstance(fitted, gee.GeeFit):
        return None
    plain = PredictiveDistribution.without_effects(data, kind, fitted.coefficients, fitted.scores, fitted.information)
    residual = fitted.scale if kind == "number" else 1.0
    return replace(plain, distribution=False, residual=residual, variance_factor=fitted.scale)


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    family, like = _MARGINAL.get(request.outcome, "gaussian").capitalize(), robust(request)
    return of_nights(
        EXCHANGEABLE, request, lambda data, _, near: refits.gee_exchangeable(data, family, like, near), like
    )


EXCHANGEABLE = NightFamily(
    name="gee-exchangeable",
    outcomes=("cramps", "cramp_night"),
    numbers_of="diary",
    covariances=ROBUST,
    functions=frozenset({"offset"}),
    solve=partial(_solve, "exchangeable"),
    predict=_predict,
    within_and_between=True,
    lacking=_nothing_within,
    no_aic=_NO_LIKELIHOOD,
    counterpart=_again,
)
AR1 = NightFamily(
    name="gee-ar1",
    outcomes=("cramps", "cramp_night"),
    numbers_of="diary",
    covariances=ROBUST,
    functions=frozenset({"offset"}),
    solve=partial(_solve, "ar1"),
    predict=_predict,
    within_and_between=True,
    lacking=_nothing_within,
    no_aic=_NO_LIKELIHOOD,
    no_counterpart=", whose working correlation solves another equation",
)
