"""The models of statsmodels that estimate what ours do, on the same arrays.

Standard errors are asked for in the definition that both share. ``cluster-hc0`` is the sandwich of the participants'
scores without a factor: statsmodels' own factor, G/(G-1) times (n-1)/(n-p), is not the one used here.

Where its search is long it begins ``near`` the answer, at ours. Were that no maximum of its own likelihood, there would
be a score to lead away from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.second_opinion.refit import Found, Refit, RefitResult, attempt

if TYPE_CHECKING:
    from crampstudy.models.nights.data import Data
    from crampstudy.models.times.cox import Times

_STEPS = 200
_TIGHT = 1e-12
_GRADIENT = 1e-7
"""Per row; below it the gradients that statsmodels takes by differences are rounding."""
_SPREADS = ("random intercept", "random slope")
_LEAST_SPREAD = 0.1
"""Beside that of the residual."""


def generalised_linear(data: Data, family: str, kind: Covariance) -> Refit:
    """Refit a Poisson or Binomial regression by iterated least squares."""

    def run() -> RefitResult:
        from statsmodels.genmod import families
        from statsmodels.genmod.generalized_linear_model import GLM

        law = {"Poisson": families.Poisson, "Binomial": families.Binomial}[family]()
        model = GLM(data.outcome, data.matrix, family=law, offset=data.offset, freq_weights=data.weights)
        fitted = model.fit(tol=_TIGHT, maxiter=_STEPS, **_of_kind(kind, data.groups))
        spread = np.sqrt(np.diag(fitted.normalized_cov_params))
        return RefitResult(Found(fitted.params, fitted.bse), fitted.converged, model.score(fitted.params), spread)

    return attempt(f"GLM ({family})", run)


def negative_binomial(data: Data, kind: Covariance, near: Found) -> Refit:
    """Refit a negative-binomial (NB2) regression; the covariance is that of coefficients and dispersion together.

    Newton's method, or, where that goes astray, a quasi-Newton one.
    """

    def run(method: str, options: Mapping[str, float]) -> RefitResult:
        from statsmodels.discrete.discrete_model import NegativeBinomial

        model = NegativeBinomial(data.outcome, data.matrix, offset=data.offset)
        how = {"method": method, "maxiter": _STEPS, "disp": 0, **options, **_of_kind(kind, data.groups)}
        fitted = model.fit(start_params=np.append(near.coefficients, near.beside["dispersion"]), **how)
        errors, beside = _errors(fitted, data.matrix.shape[1]), {"dispersion": float(fitted.params[-1])}
        converged = bool(fitted.mle_retvals["converged"])
        return RefitResult(Found(fitted.params[:-1], errors, beside), converged, *_left(model, fitted))

    by = "NegativeBinomial"
    refit = attempt(by, lambda: run("newton", {}))
    return attempt(by, lambda: run("bfgs", {"gtol": _GRADIENT})) if refit.problem else refit


def gee_exchangeable(data: Data, family: str, kind: Covariance, near: Found) -> Refit:
    """Refit a marginal model with an exchangeable working correlation, its scale without a correction for p."""

    def run() -> RefitResult | None:
        from statsmodels.genmod import cov_struct, families
        from statsmodels.genmod.generalized_estimating_equations import GEE

        law = {"Poisson": families.Poisson, "Binomial": families.Binomial, "Gaussian": families.Gaussian}[family]()
        working = cov_struct.Exchangeable()
        model = GEE(data.outcome, data.matrix, data.groups, family=law, cov_struct=working, offset=data.offset)
        fitted = model.fit(scale="X2", ddof_scale=0, ctol=1e-8, maxiter=_STEPS, start_params=near.coefficients)
        if fitted is None:
            return None
        errors = np.sqrt(np.diag(fitted.cov_naive if kind == "model" else fitted.cov_robust))
        scale = float(fitted.scale)
        beside = {"working correlation": float(working.dep_params), "scale": scale, "residual": float(np.sqrt(scale))}
        score, spread = np.asarray(fitted.fit_history["score"][-1]), np.sqrt(np.diag(fitted.cov_naive)) / scale
        return RefitResult(Found(fitted.params, errors, beside), bool(fitted.converged), score, spread)

    return attempt(f"GEE ({family}, exchangeable)", run)


def linear(data: Data, kind: Covariance) -> Refit:
    """Refit a linear regression by (weighted) least squares."""

    def run() -> RefitResult:
        from statsmodels.regression.linear_model import OLS, WLS

        outcome = data.outcome - data.offset
        if data.weights is not None:
            fitted = WLS(outcome, data.matrix, weights=data.weights).fit(**_of_kind(kind, data.groups))
            return RefitResult(Found(fitted.params, fitted.bse), converged=True)
        fitted = OLS(outcome, data.matrix).fit(**_of_kind(kind, data.groups))
        return RefitResult(Found(fitted.params, fitted.bse, {"residual": float(np.sqrt(fitted.scale))}), converged=True)

    return attempt("OLS" if data.weights is None else "WLS", run)


def mixed_linear(data: Data, slope: int | None, near: Found) -> Refit:
    """Refit a linear model with a random intercept, and a random ``slope`` of a column, by restricted likelihood."""

    def run() -> RefitResult:
        from statsmodels.regression.mixed_linear_model import MixedLM

        random, turn, scale = np.ones((len(data.outcome), 1)), np.eye(1), np.ones(1)
        if slope is not None:
            # The same model with the column at mean 0 and SD 1, without which its search ends nowhere.
            x = data.matrix[:, slope]
            middle, sd = x.mean(), x.std()
            random = np.column_stack([random, (x - middle) / sd])
            turn, scale = np.array([[1.0, -middle / sd], [0.0, 1.0 / sd]]), np.array([1.0, sd])
        model = MixedLM(data.outcome - data.offset, data.matrix, data.groups, exog_re=random)
        # Of a spread of 0 nothing would lead away.
        ratios = scale * [near.beside[name] / near.beside["residual"] for name in _SPREADS[: len(scale)]]
        start = np.diag(np.maximum(ratios, _LEAST_SPREAD))[np.tril_indices(len(scale))]
        fitted = model.fit(start_params=start, reml=True)
        variances = np.diag(turn @ np.asarray(fitted.cov_re) @ turn.T)
        spreads = np.sqrt(np.maximum(variances, 0.0))
        beside = dict(zip(_SPREADS, map(float, spreads), strict=False))
        beside["residual"] = float(np.sqrt(fitted.scale))
        return RefitResult(
            Found(np.asarray(fitted.fe_params), np.asarray(fitted.bse_fe), beside), bool(fitted.converged)
        )

    return attempt("MixedLM", run)


def ordered_logit(
    matrix: Array, classes: Array, groups: NDArray[np.intp], kind: Covariance, near: tuple[Array, Array]
) -> Refit:
    """Refit proportional odds.

    Args:
        matrix: the columns (n x p), no intercept among them.
        classes: codes 0..K-1 (n).
        groups: the participants' codes (n).
        kind: the covariance.
        near: coefficients (p) and thresholds (K - 1) at which the search begins.
    """

    def run() -> RefitResult:
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        p = matrix.shape[1]
        model = OrderedModel(classes.astype(int), matrix, distr="logit")
        how = {"method": "bfgs", "maxiter": 5 * _STEPS, "gtol": _GRADIENT, "disp": 0, **_of_kind(kind, groups)}
        coefficients, thresholds = near
        limits = model.transform_reverse_threshold_params(np.append(thresholds, np.inf))
        start = np.append(coefficients, limits)
        fitted = model.fit(start_params=start, **how)
        converged = bool(fitted.mle_retvals["converged"])
        return RefitResult(Found(fitted.params[:p], _errors(fitted, p)), converged, *_left(model, fitted))

    return attempt("OrderedModel (logit)", run)


def cox(matrix: Array, times: Times, near: Found) -> Refit:
    """Refit log hazard ratios with Efron's ties; the errors are the model's.

    statsmodels takes a row as at risk at the very time at which it enters, so that rows enter an instant later.
    """

    def run() -> RefitResult:
        from statsmodels.duration.hazard_regression import PHReg

        entry = None if times.start is None else np.nextafter(times.start, np.inf)
        status = times.event.astype(int)
        model = PHReg(times.stop, matrix, status=status, entry=entry, strata=times.strata, ties="efron")
        fitted = model.fit(start_params=near.coefficients)
        # It keeps no flag; the score says where it ended.
        return RefitResult(Found(fitted.params, fitted.bse), True, np.asarray(model.score(fitted.params)), fitted.bse)

    return attempt("PHReg (Efron)", run)


def _of_kind(kind: Covariance, groups: NDArray[np.intp]) -> dict[str, Any]:
    if kind == "model":
        return {}
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}


def _errors(fitted: Any, p: int) -> Array:
    """Return the first ``p`` standard errors, NaN where the information could not be inverted."""
    return np.full(p, np.nan) if fitted.normalized_cov_params is None else np.asarray(fitted.bse)[:p]


def _left(model: Any, fitted: Any) -> tuple[Array, Array]:
    """Return the score that is left and the errors of all parameters by the model."""
    score = np.asarray(model.score(fitted.params))
    if fitted.normalized_cov_params is None:
        return score, np.full(len(score), np.nan)
    with np.errstate(invalid="ignore"):
        return score, np.sqrt(np.diag(np.asarray(fitted.normalized_cov_params)))
