"""Design-based means of a variable in domains, and intervals of proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.inference.covariance import quantile
from crampstudy.models.surveys.sampling import SamplingDesign


@dataclass(frozen=True, slots=True)
class Means:
    """Means of one variable in k domains; ``estimate`` is NaN where a domain has no weighted row."""

    estimate: Array  # (k,)
    covariance: Array  # (k, k), zero in rows of empty domains
    df: NDArray[np.int64]  # (k,) PSUs - strata
    n: NDArray[np.int64]  # (k,) unweighted rows
    psus: NDArray[np.int64]  # (k,)
    lonely: NDArray[np.int64]  # (k,) strata of which the domain has one PSU
    n_effective: Array  # (k,) Kish's size under the weights alone

    @property
    def std_error(self) -> Array:
        """Standard errors (k,) on the scale of the means."""
        return np.sqrt(np.diag(self.covariance))


def domain_means(values: ArrayLike, members: ArrayLike, design: SamplingDesign) -> Means:
    """Return design-based means of ``values`` (n,) in the domains ``members`` (n, k), which may overlap.

    A value outside every domain is not looked at and may be missing.

    Raises:
        AnalysisError: a value inside a domain is missing.

    Source: Woodruff 1971; Särndal, Swensson and Wretman 1992, section 5.7.
    """
    inside = np.asarray(members, dtype=np.bool_) & (design.weight > 0)[:, None]
    y = np.asarray(values, dtype=np.float64)
    if np.isnan(y[inside.any(axis=1)]).any():
        raise AnalysisError("a value inside a domain is missing; leave its row out of the domain")
    y = np.where(np.isnan(y), 0.0, y)
    w = inside * design.weight[:, None]
    size = w.sum(axis=0)
    filled = size > 0
    safe = np.where(filled, size, 1.0)
    estimate = np.where(filled, (w * y[:, None]).sum(axis=0) / safe, np.nan)
    scores = w * (y[:, None] - np.where(filled, estimate, 0.0)) / safe
    here = np.column_stack([design.present(column) for column in inside.T])
    psus = here.sum(axis=0)
    squares = np.square(w).sum(axis=0)
    return Means(
        estimate=estimate,
        covariance=design.covariance(scores, inside),
        df=psus - (here > 0).sum(axis=0),
        n=inside.sum(axis=0),
        psus=psus,
        lonely=(here == 1).sum(axis=0),
        n_effective=np.where(filled, np.square(size) / np.where(filled, squares, 1.0), 0.0),
    )


def lonely_note(strata: int) -> str:
    """Say that so many ``strata`` have one PSU in a domain, nothing if none has."""
    if not strata:
        return ""
    return f"{strata} {'stratum' if strata == 1 else 'strata'} with one PSU in the domain, centred at the grand mean"


def logit_interval(proportion: float, std_error: float, df: int, level: float) -> tuple[float, float]:
    """Return the logit t interval of a proportion strictly between 0 and 1, as R ``svyciprop(method = "logit")``."""
    middle = special.logit(proportion)
    half = quantile(level, df) * std_error / (proportion * (1 - proportion))
    return float(special.expit(middle - half)), float(special.expit(middle + half))


def boundary_interval(proportion: float, n: int, n_effective: float, df: int, level: float) -> tuple[float, float]:
    """Return the exact one-sided interval of an observed proportion of 0 or 1.

    Clopper and Pearson's bound at the effective size of Korn and Graubard (1998): Kish's size under the
    weights, reduced by the design's degrees of freedom. Clustering cannot be estimated from no events.

    Args:
        proportion: 0 or 1.
        n: rows.
        n_effective: Kish's size under the weights.
        df: degrees of freedom of the design.
        level: confidence level, such as 0.95.
    """
    fewer = (quantile(level, max(n - 1, 1)) / quantile(level, df)) ** 2
    size = max(n_effective * fewer, 1e-9)
    # All of the error on the one side that is left.
    width = -math.expm1(math.log1p(-level) / size)
    return (1 - width, 1.0) if proportion else (0.0, width)
