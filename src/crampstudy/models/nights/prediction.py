"""What predictions of a model of nights are made of, and its residuals, night by night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.prediction import TYPICAL, Predictor
from crampstudy.models.coefficients.result import Fit, predictor, response
from crampstudy.models.common.distributions import BINOMIAL, GAUSSIAN, ResponseFamily, negative_binomial
from crampstudy.models.nights.engine import Engine
from crampstudy.models.nights.random_effects.linear_mixed import LinearMixedFit
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.solve import read_nights
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit
from crampstudy.models.request import ModelRequest

_HURDLE = (
    "the mean of a hurdle model rests on its dispersion as well, whose covariance with the coefficients a fit does not "
    "keep; its rows have both parts, and zero-inflated-negative-binomial predicts a mean"
)
_REST = "a zero part and terms that rest on one participant alone are not put together to a mean; leave these terms out"


def predictor_of(
    request: ModelRequest, solution: Solution, answer: rows.CoefficientTable, scale: rows.Scale
) -> Predictor | None:
    """Return what predictions of a solved model are made of, ``None`` where it has no estimate."""
    turned, fitted = response(scale), solution.fitted
    if isinstance(fitted, MixedFit):
        turned = replace(turned, mean_of=TYPICAL)
    made = predictor(request, solution.whole, answer, turned)
    if made is None or fitted is None:
        return made
    if isinstance(fitted, (MixedFit, LinearMixedFit)):
        made = replace(made, modes=fitted.modes, slope=solution.slope)
    if isinstance(fitted, ZerosFit) and fitted.plain is None:
        return _with_zero_part(made, solution, fitted)
    return replace(made, dispersion=float(getattr(fitted, "dispersion", 0.0)))


def _with_zero_part(made: Predictor, solution: Solution, fitted: ZerosFit) -> Predictor:
    """Return it with the odds of an excess zero, whose covariance with the other coefficients is known."""
    solved = solution.solved
    if fitted.kind == "hurdle" or solution.rests or solved is None or solved.zero is None or solution.zero is None:
        return replace(made, response=replace(made.response, refusal=_HURDLE if fitted.kind == "hurdle" else _REST))
    both = rows.CoefficientTable(
        columns=(*solution.design.columns, *solution.zero.columns),
        coefficients=np.append(solved.coefficients, solved.zero.coefficients),
        std_errors=np.sqrt(np.diag(solved.zero.together)),
        moments=solved.zero.of_both,
        status="converged",
        variance=solved.zero.together,
    )
    return replace(made, answer=both, zero=solution.zero.bare(), dispersion=float(fitted.dispersion))


def residuals(engine: Engine, request: ModelRequest, fitted: Fit) -> pd.Series[float]:
    """Return the Pearson residuals of a fit, a night each, by participant and date.

    Raises:
        AnalysisError: the mean of a night is not known.
    """
    of = fitted.predictor
    if of is None:
        raise TypeError("a fit without an estimate has no residuals")
    if of.response.refusal:
        raise AnalysisError(of.response.refusal)
    night = read_nights(engine, request)
    p = len(of.design.columns)
    design = night.design
    coefficients = of.answer.coefficients
    unknown = (design.matrix[:, np.isnan(coefficients[:p])] != 0).any(axis=1)
    eta = design.matrix @ np.nan_to_num(coefficients[:p]) + night.offset
    if of.modes is not None:
        z = np.ones((len(eta), 1))
        if of.slope is not None:
            z = np.column_stack([z, design.standard.columns(design.matrix)[:, of.slope]])
        eta = eta + (z * of.modes[night.groups]).sum(axis=1)
    family = _family(engine, request, of)
    mean = family.mean(eta)
    variance = family.variance(mean)
    if of.zero is not None and night.zero is not None:
        excess = special.expit(night.zero.matrix @ coefficients[p:])
        mean, variance = (1 - excess) * mean, (1 - excess) * (variance + excess * mean**2)
    found: Array = np.where(unknown, np.nan, (night.outcome - mean) / np.sqrt(variance))
    return pd.Series(found, index=night.index, name="pearson_residual")


def _family(engine: Engine, request: ModelRequest, of: Predictor) -> ResponseFamily:
    if engine.is_number(request.outcome):
        return GAUSSIAN
    return BINOMIAL if request.outcome == "cramp_night" else negative_binomial(of.dispersion)
