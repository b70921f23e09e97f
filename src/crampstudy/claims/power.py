"""Which verdicts a cohort of this size could give: their probabilities were the truth known, by what a row rests on.

The standard error of a row holds the cohort's size, dispersion and serial dependence, its degrees of freedom how well
it is known itself. The estimate is taken as normal about the truth on the scale of the link, the squared standard error
as a multiple of chi-square, independent of it; the verdict is that of the t interval, as it is of the row.
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

Chances = Mapping[str, Mapping[ClaimVerdict, float]]


def chances(row: Mapping[str, Any], side: str, margins: Margins = MARGINS) -> Chances | None:
    """Return the probability of each verdict by truth, ``None`` of a row that is no contrast or has no error."""
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
    df = math.inf if pd.isna(row["df"]) else float(row["df"])
    reach = special.stdtrit(df, (1 + row["ci_level"]) / 2) * float(error) * _spread(df)
    found = (_of_truth(truth, (low, high), float(error), reach) for truth in truths)
    return dict(zip(TRUTHS, found, strict=True))


def foreseeable(found: Chances | None) -> bool:
    """Say whether a cohort could hardly have been other than inconclusive, whatever the truth."""
    return found is not None and all(each[INCONCLUSIVE] >= FORESEEABLE for each in found.values())


def _bounds(row: Mapping[str, Any], margins: Margins) -> tuple[float, float] | None:
    if row["scale"] != verdicts.DIFFERENCE:
        return math.log(margins[0]), math.log(margins[1])
    declared = contrasts.margin(row["outcome"])
    return (-declared.size, declared.size) if declared else None


def _spread(df: float) -> Array:
    """Return what standard errors are to their true value, at equally likely values."""
    if math.isinf(df):
        return np.ones(1)
    at = (np.arange(_NODES) + 0.5) / _NODES
    return np.asarray(np.sqrt(special.chdtri(df, 1 - at) / df))


def _of_truth(truth: float, bounds: tuple[float, float], error: float, reach: Array) -> dict[ClaimVerdict, float]:
    """Return the probabilities over the estimates and over what half the interval may be (k)."""
    low, high = bounds

    def below(limit: Array) -> Array:
        return np.asarray(special.ndtr((limit - truth) / error))

    above_null, other_side = 1 - below(reach), below(-reach)
    # Wholly inside and above no effect; wholly inside and around it.
    negligible = np.maximum(below(high - reach) - below(reach), 0)
    around = np.maximum(below(np.minimum(reach, high - reach)) - below(np.maximum(-reach, low + reach)), 0)
    found = {SUPPORTED: above_null - negligible, NEGLIGIBLE: negligible, CONTRADICTED: other_side + around}
    means = {name: float(np.mean(each)) for name, each in found.items()}
    return {**means, INCONCLUSIVE: max(0.0, 1 - sum(means.values()))}
