"""Design-weighted cumulative logit models of ordered classes, such as a recalled frequency of cramps.

A weighted pseudo-likelihood, its covariance linearised over the whole sampling design as in
:mod:`crampstudy.models.surveys.linearised`; coefficients as R's ``survey::svyolr``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from crampstudy.arrays import Array, Flags
from crampstudy.models.classes import proportionality
from crampstudy.models.classes.ordinal import OrdinalFit, ordinal
from crampstudy.models.classes.proportionality import SlopeTest
from crampstudy.models.inference.covariance import without_rounding
from crampstudy.models.surveys import linearised
from crampstudy.models.surveys.sampling import NO_VARIANCE, SamplingDesign, domain_rows, too_many_slopes


def regression(
    classes: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: SamplingDesign,
    levels: Sequence[str],
    free: Sequence[int] = (),
) -> linearised.SurveyFit:
    """Fit ordered classes over the domain ``members`` (n,) of the full design.

    The parameters are those
    of :class:`crampstudy.models.classes.ordinal.OrdinalFit`: log odds ratios of a higher class, then thresholds, then
    the free slopes.

    Args:
        classes: codes (n), 0..K-1 of ``levels``; cells outside the domain may be missing.
        X: columns (n, p) without an intercept, whose place the thresholds take.
        names: what the columns are called.
        members: the domain (n,).
        design: sampling design of all n rows.
        levels: the classes in order.
        free: columns with a slope per threshold.

    Raises:
        AnalysisError: a cell inside the domain is missing, a class impossible, or the domain is empty.

    Source: McCullagh 1980; Binder 1983; Lumley 2010 (``svyolr``).
    """
    inside, y, x, w = domain_rows(classes, X, members, design)
    psus, strata = design.units(inside)
    fitted = ordinal(x, y, w, levels=levels, names=names, free=free)
    status, reason = fitted.status, fitted.problem or ""
    p = len(fitted.names)
    slopes = p - (len(levels) - 1)
    if found := too_many_slopes(psus - strata, slopes):
        status, reason = "not_estimable", found
    covariance = np.full((p, p), np.nan)
    if not reason:
        spread = design.covariance(_spread(fitted.influence(), inside), inside)
        covariance = without_rounding(spread, np.diag(np.linalg.inv(fitted.information)))
    return linearised.SurveyFit(
        names=fitted.names,
        coefficients=np.full(p, np.nan) if reason else fitted.parameters,
        covariance=covariance,
        df=psus - strata,
        df_residual=psus - strata - slopes,
        n=len(y),
        n_events=int((y > 0).sum()),
        n_psus=psus,
        status=status,
        reason=reason,
        iterations=fitted.iterations,
        gradient=_gradient(fitted),
    )


def brant(
    classes: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: SamplingDesign,
    levels: Sequence[str],
) -> tuple[SlopeTest, ...]:
    """Test proportional odds as :func:`crampstudy.models.classes.proportionality.brant`, with the design's covariance.

    The statistics are F with the design's degrees of freedom.

    Args:
        classes: codes (n), 0..K-1 of ``levels``.
        X: columns (n, p) without an intercept.
        names: what the columns are called.
        members: the domain (n,).
        design: sampling design of all n rows.
        levels: the classes in order.

    Raises:
        AnalysisError: as :func:`regression`, or there are no two thresholds or no column to compare.
    """
    inside, y, x, w = domain_rows(classes, X, members, design)
    psus, strata = design.units(inside)
    slopes = proportionality.slopes(x, y, w, levels, names)
    if psus - strata < 1:
        return proportionality.untested(slopes, names, NO_VARIANCE)
    return proportionality.compared(
        slopes, names, lambda influence: design.covariance(_spread(influence, inside), inside), psus - strata
    )


def _spread(rows: Array, inside: Flags) -> Array:
    """Put the rows of a domain into the full design, whose other rows score zero."""
    full = np.zeros((len(inside), rows.shape[1]))
    full[inside] = rows
    return full


def _gradient(fitted: OrdinalFit) -> float:
    return float(np.abs(fitted.scores.sum(axis=0)).max() / len(fitted.scores)) if len(fitted.scores) else np.nan
