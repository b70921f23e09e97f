"""Linear regression of a number of the diary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crampstudy.models.coefficients import auxiliary_parameters
from crampstudy.models.common.distributions import gaussian
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance, cluster_sums
from crampstudy.models.inference.small_sample import Nights
from crampstudy.models.nights import linear
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.families.covariances import REGRESSION
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.second_opinion import of_nights
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, robust


def _solve(data: Data, outcome: Outcome, kind: Covariance, _: int | None) -> Solved:
    fitted = linear.linear(data.matrix, data.outcome, data.offset, data.weights)
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    family = gaussian(fitted.variance)
    nights = Nights(data.matrix, data.outcome, data.offset, data.groups, fitted.coefficients, family, data.weights)
    found = automatic.of_regression(fitted, nights, kind)
    if found.problem:
        return Solved.none(p, fitted.iterations, found.problem, fitted)
    residuals = data.outcome - data.offset - data.matrix @ fitted.coefficients
    error = linear.variance_error(fitted, residuals, data.groups, data.weights)
    if found.used == "model":
        found = replace(found, moments=automatic.Conventional(fitted.df, p))
    made = auxiliary_parameters.residual(float(np.sqrt(fitted.variance)), error, int(data.groups.max()) + 1)
    return Solved.of(fitted, found, (made,), (*found.notes, *automatic.named(found.used, kind)))


def _predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    if not isinstance(fitted, linear.LinearFit):
        return None
    scores = cluster_sums(fitted.scores, data.groups)
    plain = PredictiveDistribution.without_effects(data, kind, fitted.coefficients, scores, fitted.information)
    return replace(plain, residual=fitted.variance, independent=True)


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    like = robust(request)
    return of_nights(LINEAR, request, lambda data, *_: refits.linear(data, like), like)


LINEAR = NightFamily(
    name="linear",
    outcomes=(),
    numbers_of="diary",
    number_example="sleep_hours or fatigue_0_10",
    covariances=REGRESSION,
    functions=frozenset({"offset", "weights"}),
    solve=_solve,
    predict=_predict,
    alike="number",
    counterpart=_again,
)
