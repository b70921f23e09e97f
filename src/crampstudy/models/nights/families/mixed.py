"""Poisson, negative-binomial and logistic regression with random effects of the participants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from crampstudy.models.coefficients import auxiliary_parameters
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights import linear
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.families.covariances import ROBUST
from crampstudy.models.nights.families.dispersion import dispersion
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.random_effects import mixed
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit

AT_BOUNDARY = "a variance of the participants is at its boundary"


def _solve(model: Callable[..., MixedFit], data: Data, outcome: Outcome, kind: Covariance, slope: int | None) -> Solved:
    fitted = model(data.matrix, data.outcome, data.offset, data.groups, multiplicity=data.weights, slope=slope)
    p = data.matrix.shape[1]
    if fitted.problem:
        return Solved.none(p, fitted.iterations, fitted.problem, fitted)
    found = automatic.of_clusters(fitted.scores, fitted.information, fitted.curvatures, p, kind, data.baselines)
    odds = model is mixed.logistic
    where = f"on the {'logit' if odds else 'log'} scale"
    effects = fitted.effects.of(*data.slope)
    made = auxiliary_parameters.spreads(effects, where)
    if slope is not None:
        made.append(auxiliary_parameters.effects_correlation(effects.correlation))
    else:
        made += _heterogeneity(made[0], fitted, data, odds=odds)
    if model is mixed.negative_binomial:
        made.append(dispersion(fitted, fitted.profile))
    notes = (AT_BOUNDARY,) if fitted.at_boundary else ()
    return Solved.of(fitted, found, tuple(made), (*notes, *automatic.named(found.used, kind)))


def _heterogeneity(of: Extra, fitted: MixedFit, data: Data, *, odds: bool) -> tuple[Extra, Extra]:
    """Return the median ratio and the intraclass correlation that follow from a random intercept's spread."""
    if odds:
        latent = "of the latent scale, a night's variance pi^2/3"
        return auxiliary_parameters.median_ratio(of, "odds"), auxiliary_parameters.intraclass(
            of, auxiliary_parameters.LOGISTIC_RESIDUAL, latent
        )
    residual = auxiliary_parameters.log_residual(data.mean, fitted.dispersion)
    added = "" if fitted.dispersion == 0 else " + alpha"
    of_night = f"of the log scale, a night's variance log(1 + 1/{data.mean:.3g}{added}), the mean count of a night"
    return auxiliary_parameters.median_ratio(of, "rate"), auxiliary_parameters.intraclass(of, residual, of_night)


def _predict(data: Data, kind: OutcomeKind, slope: int | None, fitted: Fitted) -> PredictiveDistribution | None:
    if not isinstance(fitted, MixedFit):
        return None
    plain = PredictiveDistribution.without_effects(data, kind, fitted.coefficients, fitted.scores, fitted.information)
    plain = plain.with_effects(data, slope, fitted)
    return replace(plain, log_theta=-float(np.log(fitted.dispersion))) if fitted.dispersion > 0 else plain


def _one_night_each(data: Data, _: Outcome) -> str | None:
    return linear.one_night_each(data.groups, data.weights)


_POSTERIOR = ", which approximates a posterior of mixed models and no likelihood"

MIXED_POISSON = NightFamily(
    name="mixed-poisson",
    outcomes=("cramps",),
    covariances=ROBUST,
    options=frozenset({"random_slope"}),
    functions=frozenset({"offset"}),
    solve=partial(_solve, mixed.poisson),
    predict=_predict,
    lacking=_one_night_each,
    within_and_between=True,
    alike="count",
    called={"cramp_night": "mixed-logistic"},
    no_counterpart=_POSTERIOR,
)
MIXED_NEGATIVE_BINOMIAL = NightFamily(
    name="mixed-negative-binomial",
    outcomes=("cramps",),
    covariances=ROBUST,
    options=frozenset({"random_slope"}),
    functions=frozenset({"offset"}),
    solve=partial(_solve, mixed.negative_binomial),
    predict=_predict,
    lacking=_one_night_each,
    within_and_between=True,
    alike="count",
    dispersion=True,
    no_counterpart=", which has no mixed model of such counts",
)
MIXED_LOGISTIC = NightFamily(
    name="mixed-logistic",
    outcomes=("cramp_night",),
    covariances=ROBUST,
    options=frozenset({"random_slope"}),
    functions=frozenset({"offset"}),
    solve=partial(_solve, mixed.logistic),
    predict=_predict,
    lacking=_one_night_each,
    within_and_between=True,
    alike="count",
    no_counterpart=_POSTERIOR,
)
