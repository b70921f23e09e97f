"""Which verdicts a cohort of this size could give: their probabilities were the truth known, by what a row rests on.

The standard error of a row holds the cohort's size, dispersion and serial dependence, its degrees of freedom how well
it is known itself. The estimate is taken as normal about the truth on the scale of the link, the squared standard error
as a multiple of chi-square, independent of it; the verdict is that of the t interval, as it is of the row. Of a ratio
that is read with a difference beside it, the difference that the same estimate makes has to be inside its own margins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from crampstudy.arrays import Array
from crampstudy.claims.rules import CONTRADICTED, HIGHER, INCONCLUSIVE, NEGLIGIBLE, SUPPORTED, ClaimVerdict
from crampstudy.codebook import contrasts
from crampstudy.estimates import verdicts
from crampstudy.estimates.verdicts import MARGINS, Margins

NO_EFFECT, AT_MARGIN, BEYOND = "no effect", "at the margin", "beyond it"
TRUTHS = (NO_EFFECT, AT_MARGIN, BEYOND)
"""What the truth is taken to be: a ratio of 1, at the margin and of 1.5 (or its inverse) on the claimed side; a
difference of 0, at the margin and of half as much again."""
LARGE = 1.5
FORESEEABLE = 0.9
"""A verdict of at least this probability whatever the truth could hardly have been another."""
_NODES = 40
_ALIKE, _MOST = 1e-4, 1 - 1e-9

Chances = Mapping[str, Mapping[ClaimVerdict, float]]


def chances(
    row: Mapping[str, Any],
    side: str,
    margins: Margins = MARGINS,
    *,
    difference: Mapping[str, Any] | None = None,
) -> Chances | None:
    """Return the probability of each verdict by truth, ``None`` of a row that is no contrast or has no error.

    Args:
        row: a ratio or a difference.
        side: where the claim lies.
        margins: between which a ratio is as good as 1.
        difference: what the ratio is read with, the difference of the same contrast.
    """
    error = row["std_error"]
    if not verdicts.compares(row) or pd.isna(error) or pd.isna(row["ci_low"]):
        return None
    if verdicts.too_few(row):
        return {name: {SUPPORTED: 0.0, NEGLIGIBLE: 0.0, CONTRADICTED: 0.0, INCONCLUSIVE: 1.0} for name in TRUTHS}
    bounds = _bounds(row, margins)
    if bounds is None:
        return None
    sign = 1 if side == HIGHER else -1
    # On the claimed side up, so that one set of regions serves both.
    low, high = sorted(sign * bound for bound in bounds)
    truths = (0.0, high, math.log(LARGE) if row["scale"] != verdicts.DIFFERENCE else LARGE * high)
    spread = _spread(_df(row))
    reach = _reach(row) * spread
    inside = low + reach, high - reach
    if difference is not None and (limits := _inside(row, difference, spread)):
        below, above = limits if sign > 0 else (-limits[1], -limits[0])
        inside = np.maximum(inside[0], below), np.minimum(inside[1], above)
    found = (_of_truth(truth, inside, float(error), reach) for truth in truths)
    return dict(zip(TRUTHS, found, strict=True))


def foreseeable(found: Chances | None) -> bool:
    """Say whether a cohort could hardly have been other than inconclusive, whatever the truth."""
    return found is not None and all(each[INCONCLUSIVE] >= FORESEEABLE for each in found.values())


def _bounds(row: Mapping[str, Any], margins: Margins) -> tuple[float, float] | None:
    if row["scale"] != verdicts.DIFFERENCE:
        return math.log(margins[0]), math.log(margins[1])
    declared = contrasts.margin(row["outcome"])
    return (-declared.size, declared.size) if declared else None


def _df(row: Mapping[str, Any]) -> float:
    return math.inf if pd.isna(row["df"]) else float(row["df"])


def _reach(row: Mapping[str, Any]) -> float:
    """Return half an interval on the scale of the link."""
    return float(special.stdtrit(_df(row), (1 + row["ci_level"]) / 2) * row["std_error"])


def _inside(row: Mapping[str, Any], difference: Mapping[str, Any], spread: Array) -> tuple[Array, Array] | None:
    """Return between which log ratios the difference is inside its margins, ``None`` where it decides nothing.

    A ratio x is a difference of rate (x - 1), whose error near no effect is to that of the row as the root of 1 is to
    that of (1 + ratio squared) / 2: both rates are taken to be known alike. Where half the interval is more than the
    margin the lower limit lies above the upper one.
    """
    declared = contrasts.margin(difference["outcome"])
    if declared is None or verdicts.verdict(difference) in (None, "too few") or pd.isna(difference["std_error"]):
        return None
    ratio, half = float(row["estimate"]), _reach(difference)
    # Of two rates that are nearly alike the errors tell the rate, and the differences do not.
    rate = float(difference["estimate"]) / (ratio - 1) if abs(ratio - 1) > _ALIKE else half / _reach(row)
    if rate <= 0:
        return None
    left = np.clip((declared.size - half * spread / math.sqrt((1 + ratio**2) / 2)) / rate, -_MOST, None)
    return np.log1p(-np.minimum(left, _MOST)), np.log1p(left)


def _spread(df: float) -> Array:
    """Return what standard errors are to their true value, at equally likely values."""
    if math.isinf(df):
        return np.ones(1)
    at = (np.arange(_NODES) + 0.5) / _NODES
    return np.asarray(np.sqrt(special.chdtri(df, 1 - at) / df))


def _of_truth(truth: float, inside: tuple[Array, Array], error: float, reach: Array) -> dict[ClaimVerdict, float]:
    """Return the probabilities over the estimates and over what half the interval may be (k).

    Args:
        truth: the true contrast, on the scale of the link.
        inside: between which estimates the interval lies inside the margins (k each).
        error: the standard error.
        reach: half the interval (k).
    """
    low, high = inside

    def below(limit: Array) -> Array:
        return np.asarray(special.ndtr((limit - truth) / error))

    above_null, other_side = 1 - below(reach), below(-reach)
    # Wholly inside and above no effect; wholly inside and around it.
    negligible = np.maximum(below(high) - below(np.maximum(reach, low)), 0)
    around = np.maximum(below(np.minimum(reach, high)) - below(np.maximum(-reach, low)), 0)
    found = {SUPPORTED: above_null - negligible, NEGLIGIBLE: negligible, CONTRADICTED: other_side + around}
    means = {name: float(np.mean(each)) for name, each in found.items()}
    return {**means, INCONCLUSIVE: max(0.0, 1 - sum(means.values()))}
