"""Linear regression of a number of the diary with random effects of the participants."""

from __future__ import annotations

from dataclasses import replace

from crampstudy.models.coefficients import auxiliary_parameters
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights import linear
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.families.covariances import ROBUST
from crampstudy.models.nights.families.mixed import AT_BOUNDARY
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.random_effects import linear_mixed
from crampstudy.models.nights.second_opinion import of_nights
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion


def _solve(data: Data, outcome: Outcome, kind: Covariance, slope: int | None) -> Solved:
    fitted = linear_mixed.linear_mixed(
        data.matrix, data.outcome, data.offset, data.groups, multiplicity=data.weights, slope=slope
    )
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    effects = fitted.effects.of(*data.slope)
    made = auxiliary_parameters.spreads(effects, "in the outcome's unit")
    made.append(auxiliary_parameters.residual(fitted.residual, fitted.residual_error))
    if slope is None:
        made.append(auxiliary_parameters.share(float(fitted.sd[0]), fitted.residual, fitted.share_error))
    else:
        made.append(auxiliary_parameters.effects_correlation(effects.correlation, effects.correlation_error))
    notes = (AT_BOUNDARY,) if fitted.at_boundary else ()
    return Solved.of(fitted, found, tuple(made), (*notes, *automatic.named(found.used, kind)))


def _nothing_within(data: Data, _: Outcome) -> str | None:
    return linear.nothing_within(data.matrix, data.outcome, data.offset, data.groups, data.weights)


def _predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    if not isinstance(fitted, linear_mixed.LinearMixedFit):
        return None
    plain = PredictiveDistribution.without_effects(data, kind, fitted.coefficients, fitted.scores, fitted.information)
    return replace(plain.with_effects(data, slope, fitted), residual=fitted.residual**2)


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    remark = "the errors compared are the model's: statsmodels has no robust ones of a mixed model"
    return of_nights(MIXED_LINEAR, request, refits.mixed_linear, "model", remark)


MIXED_LINEAR = NightFamily(
    name="mixed-linear",
    outcomes=(),
    numbers_of="diary",
    number_example="sleep_hours or fatigue_0_10",
    covariances=ROBUST,
    options=frozenset({"random_slope"}),
    functions=frozenset({"offset"}),
    solve=_solve,
    predict=_predict,
    within_and_between=True,
    alike="number",
    lacking=_nothing_within,
    counterpart=_again,
)
