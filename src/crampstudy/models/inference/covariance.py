"""Covariances of estimated coefficients: model-based and cluster-robust."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crampstudy.arrays import Array

Covariance = Literal["auto", "cluster", "cluster-hc0", "cluster-small", "cluster-joint", "jackknife", "model"]
"""How coefficients vary from sample to sample; ``auto`` is one of the others, decided by the data."""

JACKKNIFE_BELOW = 100
"""Below this many clusters ``auto`` is the jackknife, for models that have no bias-reduced covariance."""
CURVED_TO = 2000
"""Up to this many clusters their parts of the information are kept, which show how many a coefficient rests on."""
FEW_CLUSTERS = 50
"""Below this many clusters, intervals use t with G - 1 degrees of freedom instead of z."""


_ROUNDING = 1e-12
"""A variance smaller than this beside the model's own is rounding: participants who are all alike have none."""
_CANCELLED = 1e-14


def cluster_sums(rows: Array, groups: NDArray[np.intp], times: Array | None = None) -> Array:
    """Sum ``rows`` (n or n x p) within ``groups`` (codes 0..G-1, length n), each so many ``times`` (n); G rows."""
    if rows.ndim == 1:
        return np.bincount(groups, weights=rows if times is None else rows * times).astype(np.float64)
    from scipy.sparse import csr_array

    ends = np.append(0, np.cumsum(np.bincount(groups)))
    each, order = np.ones(len(groups)) if times is None else times, np.arange(len(groups))
    if (groups[1:] < groups[:-1]).any():
        order = np.argsort(groups, kind="stable")
        each = each[order]
    sums: Array = csr_array((each, order, ends), shape=(len(ends) - 1, len(groups))) @ rows
    return sums


def covariance(information: Array, scores: Array, groups: NDArray[np.intp], kind: Covariance) -> Array:
    """Return the covariance (p x p) of coefficients from the ``scores`` (n x p) of rows; see :func:`sandwich`."""
    return sandwich(information, lambda: cluster_sums(scores, groups), kind)


def sandwich(information: Array, clusters: Callable[[], Array], kind: Covariance) -> Array:
    """Return the covariance (p x p) of coefficients; ``clusters`` gives the participants' scores (G x p).

    ``cluster`` is the sandwich of participant scores with the factor G/(G-1), ``cluster-hc0`` the same
    without it, ``model`` the inverse information. Where participants do not differ at all, a variance is exactly 0.

    Source: Liang and Zeger 1986; Zeileis, Koell and Graham 2020 (``vcovCL``, type HC0).
    """
    bread: Array = np.linalg.inv(information).astype(np.float64)
    if kind == "model":
        return bread
    sums = clusters()
    meat = sums.T @ sums
    if kind == "cluster":
        meat *= len(sums) / (len(sums) - 1)
    return without_rounding(bread @ meat @ bread, np.diag(bread))


def without_rounding(variance: Array, scale: Array, plain: Array | None = None) -> Array:
    """Return ``variance`` (p x p) with zeros in place of what is rounding beside the model's own variances (p).

    Of an adjusted variance it is the ``plain`` ones (p), those of the scores as they are, that tell.
    """
    alike = (np.diag(variance) if plain is None else plain) <= _ROUNDING * scale
    return np.where(alike[:, None] | alike, 0.0, variance)


def effective_number(spread: Array) -> Array:
    """Return how many participants, all alike, would tell as much as G whose scores ``spread`` so (G x k; length k).

    Source: Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
    """
    with np.errstate(invalid="ignore"):
        number: Array = spread.sum(axis=0) ** 2 / np.square(spread).sum(axis=0)
    return number


def degrees_of_freedom(clusters: int, kind: Covariance = "cluster") -> float:
    """Return the degrees of freedom of intervals: G - 1 below :data:`FEW_CLUSTERS` clusters, else infinite."""
    return float(clusters - 1) if kind != "model" and clusters < FEW_CLUSTERS else float("inf")


@lru_cache(maxsize=256)
def quantile(ci_level: float, df: float) -> float:
    """Return the two-sided critical value of t with ``df`` degrees of freedom (z where infinite)."""
    return float(special.stdtrit(df, 0.5 + ci_level / 2))


def combined(contrasts: Array, coefficients: Array, variance: Array) -> tuple[Array, Array]:
    """Return k combinations of coefficients and their standard errors; ``contrasts`` is k x p, ``variance`` p x p."""
    squares = np.einsum("ij,jk,ik->i", contrasts, variance, contrasts)
    largest = np.square(np.abs(contrasts) @ np.sqrt(np.diag(variance)))
    # What cancels out leaves rounding, which may even be negative.
    errors: Array = np.sqrt(np.where(squares > _CANCELLED * largest, squares, 0.0))
    return contrasts @ coefficients, errors


def wald(coefficients: Array, variance: Array, df: float) -> tuple[float, float]:
    """Return the test that ``coefficients`` (q, with ``variance`` q x q) are all zero: statistic and p-value.

    The statistic is chi-squared with q degrees of freedom; with finite ``df`` it is divided by q, as an F with
    q and ``df``.

    Raises:
        numpy.linalg.LinAlgError: the variance is singular.
    """
    q = len(coefficients)
    chi = float(coefficients @ np.linalg.solve(variance, coefficients))
    if np.isinf(df):
        return chi, float(special.chdtrc(q, chi))
    return chi / q, float(special.fdtrc(q, df, chi / q))


def p_value(statistic: float, df: float) -> float:
    """Return the two-sided p-value of a t statistic (z where ``df`` is infinite)."""
    return float(2 * special.stdtr(df, -abs(statistic)))
