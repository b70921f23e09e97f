"""The steps of numbers that ratios and differences are shown per: one unit, or as many as a readable number needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crampstudy.codebook import exposures
from crampstudy.models.coefficients.rows import BASELINES, LARGEST, CoefficientTable, Scale
from crampstudy.models.inference.covariance import quantile
from crampstudy.models.terms import design_matrix

_USUAL = float(np.log(1e6))
"""A ratio beyond the exponential of this, or of minus this, is shown per another step of its term."""
_NOTHING = 1e-6
"""A ratio whose interval lies as near 1 as this is 1 in all digits, and is shown per another step, too."""
_LEAST, _MOST = 0.005, 1e6
"""A difference below the first, as is half its interval, is 0.00; from the second on it has more than six digits."""


def steps(
    answer: CoefficientTable, design: design_matrix.Design, scale: Scale, per: Mapping[str, float], ci_level: float
) -> Mapping[str, float]:
    """Return the multiples in which numeric terms are reported: those of ``per``, and of others what a number needs.

    A term of which a unit is so small or so large a step that its ratio, or difference, would have no readable number
    is reported per the power of ten next to its standard deviation, which ``unit`` then names, where that is the step
    needed; its statistic is that of any unit. Within and between participants of one exposure, and its lags, share
    their step, the furthest that any needs: they are read side by side.

    Args:
        answer: the coefficients.
        design: the design of its columns.
        scale: what they are shown as.
        per: multiples that were asked for, by term.
        ci_level: confidence level, such as 0.95.
    """
    if answer.status != "converged":
        return dict(per)
    spread: dict[str, float] = {}
    for column, size in zip(design.columns, design.standard.spread, strict=True):
        spread[column.term] = max(size, spread.get(column.term, 0.0))
    needed: dict[str, float] = {}
    for column, coefficient, error, df in zip(
        answer.columns, answer.coefficients, answer.std_errors, answer.df, strict=True
    ):
        if column.term in per or column.term in BASELINES or not np.isfinite(coefficient):
            continue
        step = float(10.0 ** np.round(np.log10(spread[column.term])))
        if np.sign(np.log10(step)) * _needed(scale, coefficient, quantile(ci_level, df) * error) > 0:
            exposure = _shared(column.term)
            needed[exposure] = max(step, needed.get(exposure, 1.0), key=lambda size: abs(np.log10(size)))
    shared = {term: needed[_shared(term)] for term in spread if _shared(term) in needed}
    return shared | dict(per)


def _shared(term: str) -> str:
    """Return what terms are of that share their step: the exposure, of whichever night or part."""
    exposure = exposures.find(term)
    counts = exposure and exposure.window and exposure.window[0] != "mean_last"
    return exposure.name if exposure and not counts else exposures.unsplit(term)


def _needed(scale: Scale, value: float, half: float) -> int:
    """Return 1 where a coefficient needs a larger step to have a readable number, -1 a smaller one, else 0.

    ``half`` is half its interval.
    """
    if scale.of:
        return 1 if max(abs(value), half) < _LEAST else -int(abs(value) >= _MOST)
    if abs(value) + half < _NOTHING:
        return 1
    return -int(abs(value) > _USUAL or abs(value) + half > LARGEST)
