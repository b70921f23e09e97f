"""The sampling design of a survey: stratified clusters, and what its degrees of freedom carry.

Variances are Taylor-linearised (Binder 1983; Woodruff 1971) with primary sampling units (PSUs) drawn with
replacement within strata. A domain keeps the full design: rows outside it score zero and their PSUs still count.
A stratum of which the design or the domain has one PSU is centred at the grand mean, which for linearised scores is
zero, as R's ``survey.lonely.psu = "adjust"`` with ``survey.adjust.domain.lonely = TRUE``. Degrees of freedom are PSUs
minus strata among the rows with positive weight in the domain, as R's ``degf``, and what the slopes of a regression
leave of them, as R's ``svyglm``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crampstudy.arrays import Array, Flags
from crampstudy.errors import AnalysisError
from crampstudy.estimates import verdicts
from crampstudy.wording import counted

NO_VARIANCE = "the domain has no more PSUs than strata, so its variance cannot be estimated"
COLLINEAR = "the columns of the model are collinear in the domain; drop a term or a level without rows"
_FEW_DF = 5


@dataclass(frozen=True, slots=True)
class SamplingDesign:
    """Sampling design of n rows: ``psu`` numbered over all strata, the stratum of each PSU, the weight of each row."""

    psu: NDArray[np.intp]
    stratum_of_psu: NDArray[np.intp]
    weight: Array

    @classmethod
    def of(cls, stratum: ArrayLike, psu: ArrayLike, weight: ArrayLike) -> SamplingDesign:
        """Build a design from columns of length n; PSUs are numbered within strata, a missing weight counts as zero.

        Raises:
            AnalysisError: a weight is negative, no weight is positive, or a weighted row lacks its stratum or PSU.
        """
        w = np.nan_to_num(np.asarray(weight, dtype=np.float64), nan=0.0)
        where = np.column_stack([np.asarray(stratum, dtype=np.float64), np.asarray(psu, dtype=np.float64)])
        if not np.isfinite(w).all() or (w < 0).any():
            raise AnalysisError("a sampling weight is negative or infinite; weights are numbers of at least 0")
        if not (w > 0).any():
            raise AnalysisError("no row has a positive sampling weight; choose the weight of the component analysed")
        lost = np.isnan(where).any(axis=1)
        if (lost & (w > 0)).any():
            raise AnalysisError(
                f"{int((lost & (w > 0)).sum())} rows have a weight but no stratum or PSU; complete the design columns"
            )
        where[lost] = where[~lost][0]  # weight zero: scores nothing wherever it stands
        units, codes = np.unique(where, axis=0, return_inverse=True)
        strata = np.unique(units[:, 0], return_inverse=True)[1]
        return cls(codes.reshape(-1), strata.reshape(-1), w)

    def present(self, members: Flags) -> NDArray[np.intp]:
        """Return how many PSUs of each stratum hold weighted rows of a domain (n,)."""
        rows = np.bincount(self.psu[members & (self.weight > 0)], minlength=len(self.stratum_of_psu))
        return np.bincount(self.stratum_of_psu, weights=rows > 0).astype(np.intp)

    def units(self, members: Flags) -> tuple[int, int]:
        """Return the numbers of PSUs and of strata that hold weighted rows of a domain (n,)."""
        here = self.present(members)
        return int(here.sum()), int((here > 0).sum())

    def covariance(self, scores: Array, members: Flags | None = None) -> Array:
        """Return the covariance (k, k) of totals from weighted linearised scores (n, k) that sum to zero.

        ``members`` is the domain (n,) of all columns, or that of each (n, k); everybody, if not given.
        """
        totals = np.zeros((len(self.stratum_of_psu), scores.shape[1]))
        np.add.at(totals, self.psu, scores)
        size = np.bincount(self.stratum_of_psu)
        sums = np.zeros((len(size), scores.shape[1]))
        np.add.at(sums, self.stratum_of_psu, totals)
        domains = self.weight > 0 if members is None else members
        lonely = np.column_stack([self.present(own) == 1 for own in domains.reshape(len(self.psu), -1).T])
        centre = np.where(lonely, 0.0, sums / size[:, None])
        factor = np.where(size == 1, 1.0, size / np.maximum(size - 1, 1))
        spread = totals - centre[self.stratum_of_psu]
        return np.asarray((spread * factor[self.stratum_of_psu, None]).T @ spread)


def too_many_slopes(df: int, slopes: int) -> str:
    """Say why a sampling design with ``df`` degrees of freedom does not carry so many ``slopes``, or nothing.

    Intercept, thresholds, dispersion and the like count as one parameter together, as in R's ``svyglm`` and ``svyolr``:
    each slope takes one degree of freedom, and two must be left.
    """
    if df < 1:
        return NO_VARIANCE
    if df < 2:
        return "the domain has one PSU more than strata: one degree of freedom is too few for a model"
    if df == 2 and slopes:
        return (
            "the sampling design has 2 degrees of freedom (PSUs - strata) and both must be left: it carries no model "
            "with a term"
        )
    if slopes > df - 2:
        return (
            f"{counted(slopes, 'slopes', 'are')} too many for the {df} degrees of freedom (PSUs - strata) of the "
            f"sampling design, of which each takes one and two must be left: have {df - 2} at most"
        )
    return ""


def few_note(df: int, df_residual: int) -> str:
    """Say that few of the ``df`` degrees of freedom of a sampling design are left beside the slopes, if so."""
    if df_residual >= _FEW_DF:
        return ""
    return f"{verdicts.FEW_PSUS}: the slopes leave {df_residual} of the {df} degrees of freedom of the sampling design"


def domain_rows(
    outcome: ArrayLike, X: ArrayLike, members: ArrayLike, design: SamplingDesign
) -> tuple[Flags, Array, Array, Array]:
    """Return the weighted rows of a domain (n,), and on these the outcome, the columns and the weights of mean 1.

    Raises:
        AnalysisError: a cell inside the domain is missing, or the domain is empty.
    """
    inside = np.asarray(members, dtype=np.bool_) & (design.weight > 0)
    if not inside.any():
        raise AnalysisError("the domain has no complete row with a positive weight; widen it or drop a term")
    y, x = np.asarray(outcome, dtype=np.float64)[inside], np.asarray(X, dtype=np.float64)[inside]
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise AnalysisError("a cell inside the domain is missing; leave incomplete rows out of the domain")
    return inside, y, x, design.weight[inside] / design.weight[inside].mean()
