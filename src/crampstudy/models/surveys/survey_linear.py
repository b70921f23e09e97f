"""Design-weighted linear models of a number of a survey's participants, such as body-mass index.

Weighted least squares, the covariance linearised over the whole sampling design as in
:mod:`crampstudy.models.surveys.linearised`;
coefficients and covariance as R's ``survey::svyglm`` with the Gaussian family.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from crampstudy.models.inference.covariance import without_rounding
from crampstudy.models.nights.linear import least_squares, no_residual
from crampstudy.models.surveys import linearised
from crampstudy.models.surveys.sampling import COLLINEAR, SamplingDesign, domain_rows, too_many_slopes


def regression(
    outcome: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: SamplingDesign,
    offset: ArrayLike | None = None,
) -> linearised.SurveyFit:
    """Fit a number over the domain ``members`` (n,) of the full design.

    An outcome that does not vary or leaves no residual, collinear columns and a design without degrees of freedom are
    not estimable.

    Args:
        outcome: numbers (n,).
        X: columns (n, p), the intercept too.
        names: what the columns are called.
        members: the domain (n,); cells outside it may be missing.
        design: sampling design of all n rows.
        offset: added to the mean (n,).

    Raises:
        AnalysisError: a cell inside the domain is missing, or the domain is empty.

    Source: Binder 1983; Lumley 2010 (``svyglm``).
    """
    inside, y, x, w = domain_rows(outcome, X, members, design)
    fixed = np.zeros(len(y)) if offset is None else np.asarray(offset, dtype=np.float64)[inside]
    psus, strata = design.units(inside)
    scale = np.maximum(np.linalg.norm(x, axis=0), np.finfo(np.float64).tiny)
    reason = too_many_slopes(psus - strata, x.shape[1] - 1)
    reason = reason or no_residual(x, y, fixed, rows="participants") or ""
    if not reason and np.linalg.matrix_rank(x / scale) < x.shape[1]:
        reason = COLLINEAR
    if reason:
        return linearised.SurveyFit.none(names, len(y), reason)
    beta, residuals = least_squares(x, y - fixed, w)
    scores = np.zeros((len(inside), x.shape[1]))
    scores[inside] = (w * residuals)[:, None] * x / scale
    bread = np.linalg.inv((x / scale * w[:, None]).T @ (x / scale)).astype(np.float64)
    of_model = np.diag(bread) * float(w @ residuals**2 / w.sum())
    covariance = without_rounding(design.covariance(scores @ bread, inside), of_model) / np.outer(scale, scale)
    return linearised.SurveyFit(
        names=tuple(names),
        coefficients=beta,
        covariance=covariance,
        df=psus - strata,
        df_residual=psus - strata - (x.shape[1] - 1),
        n=len(y),
        n_events=0,
        n_psus=psus,
        status="converged",
        reason="",
        iterations=1,
        gradient=float(np.abs(scores.sum(axis=0)).max() / np.abs(scores).sum(axis=0).max()),
    )
