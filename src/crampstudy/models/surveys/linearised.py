"""Design-based generalised linear models: pseudo-likelihood, its covariance linearised over the sampling design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from crampstudy.arrays import Array, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.common import separation
from crampstudy.models.inference.covariance import quantile, without_rounding
from crampstudy.models.optimise import newton
from crampstudy.models.surveys.sampling import COLLINEAR, SamplingDesign, domain_rows, too_many_slopes

Link = Literal["logit", "log"]


@dataclass(frozen=True, slots=True)
class SurveyFit:
    """A design-based regression on the link scale; numbers are NaN unless ``status`` is converged."""

    names: tuple[str, ...]
    coefficients: Array  # (p,)
    covariance: Array  # (p, p)
    df: int  # PSUs - strata in the domain
    df_residual: int  # what the slopes leave of these, of the t intervals
    n: int
    n_events: int  # rows with an outcome above 0, or above the lowest class
    n_psus: int
    status: Literal["converged", "not_converged", "not_estimable"]
    reason: str
    iterations: int
    gradient: float  # largest score per unit of weight, columns scaled to at most 1

    @classmethod
    def none(cls, names: Sequence[str], n: int, reason: str) -> SurveyFit:
        """Return the fit of ``n`` rows that cannot be made, for the ``reason`` given."""
        p = len(names)
        missing = np.full(p, np.nan), np.full((p, p), np.nan)
        return cls(tuple(names), *missing, 0, 0, n, 0, 0, "not_estimable", reason, 0, float("nan"))

    @property
    def std_error(self) -> Array:
        """Standard errors (p,) on the link scale."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float) -> tuple[Array, Array]:
        """Return the t limits (p,), (p,) on the link scale."""
        half = quantile(level, self.df_residual) * self.std_error
        return self.coefficients - half, self.coefficients + half

    @property
    def p_value(self) -> Array:
        """Two-sided p values (p,) from t with the degrees of freedom that the slopes leave."""
        return np.asarray(2 * special.stdtr(self.df_residual, -np.abs(self.coefficients / self.std_error)))


def regression(
    outcome: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: SamplingDesign,
    link: Link = "logit",
    offset: ArrayLike | None = None,
) -> SurveyFit:
    """Fit a weighted pseudo-likelihood over the domain ``members`` of the full design.

    Separation, collinear columns, an outcome that does not vary and a design with too few degrees of freedom are not
    estimable.

    Args:
        outcome: (n,), 0 or 1 for ``logit`` and at least 0 for ``log`` (Poisson).
        X: columns of the model (n, p), the intercept too.
        names: what the columns are called.
        members: the domain (n,); cells outside it may be missing.
        design: sampling design of all n rows.
        link: ``logit`` or ``log``.
        offset: (n,), added to the linear predictor.

    Raises:
        AnalysisError: a cell inside the domain is missing or the outcome impossible, or the domain is empty.

    Source: Binder 1983.
    """
    inside, y, x, w = domain_rows(outcome, X, members, design)
    likelihood = _PseudoLikelihood.of(x, y, w, _offset(offset, inside), link)
    psus, strata = design.units(inside)
    none = replace(
        SurveyFit.none(names, len(y), _obstacle(likelihood, psus - strata)),
        df=psus - strata,
        df_residual=psus - strata - (x.shape[1] - 1),
        n_events=int((y > 0).sum()),
        n_psus=psus,
    )
    if none.reason:
        return none
    found = newton.newton_refine(likelihood, newton.maximise(likelihood, likelihood.start()))
    gradient = float(np.abs(found.gradient).max() / w.sum())
    none = replace(none, iterations=found.iterations, gradient=gradient)
    if by := likelihood.separated_at(found.theta, converged=found.converged):
        return replace(none, reason=separation.separated("the outcome is separated", [names[i] for i in by]))
    if found.reason:
        reason = f"no maximum within {found.iterations} iterations: {found.reason}"
        return replace(none, status="not_converged", reason=reason)
    scores = np.zeros((len(inside), x.shape[1]))
    scores[inside] = likelihood.scores(found.theta)
    bread = np.linalg.inv(found.information).astype(np.float64)
    covariance = without_rounding(design.covariance(scores @ bread, inside), np.diag(bread))
    scale = likelihood.scale
    return replace(
        none, coefficients=found.theta / scale, covariance=covariance / np.outer(scale, scale), status="converged"
    )


def _offset(offset: ArrayLike | None, inside: Flags) -> Array:
    if offset is None:
        return np.zeros(int(inside.sum()))
    fixed = np.asarray(offset, dtype=np.float64)[inside]
    if not np.isfinite(fixed).all():
        raise AnalysisError("an offset inside the domain is missing; leave incomplete rows out of the domain")
    return fixed


@dataclass(frozen=True, slots=True)
class _PseudoLikelihood:
    """The sum of w (y eta - b(eta)), eta = offset + X b: b(eta) = log(1 + e^eta) for ``logit``, e^eta for ``log``.

    The columns of ``matrix`` are those given over their ``scale`` (p,), so that their numbers are at most 1.
    """

    matrix: Array
    outcome: Array
    weights: Array
    offset: Array
    link: Link
    scale: Array

    @classmethod
    def of(cls, x: Array, y: Array, w: Array, offset: Array, link: Link) -> _PseudoLikelihood:
        if (y < 0).any() or (link == "logit" and not np.isin(y, (0.0, 1.0)).all()):
            raise AnalysisError(f"the outcome of a {link} model is {'0 or 1' if link == 'logit' else 'at least 0'}")
        scale = np.maximum(np.abs(x).max(axis=0), np.finfo(np.float64).tiny)
        return cls(x / scale, y, w, offset, link, scale)

    def mean(self, theta: Array) -> Array:
        eta = self.matrix @ theta + self.offset
        return np.asarray(special.expit(eta) if self.link == "logit" else np.exp(np.minimum(eta, 700.0)))

    def value(self, theta: Array) -> float:
        eta = self.matrix @ theta + self.offset
        total = np.logaddexp(0.0, eta) if self.link == "logit" else np.exp(np.minimum(eta, 700.0))
        return float(self.weights @ (self.outcome * eta - total))

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        mean = self.mean(theta)
        variance = mean * (1 - mean) if self.link == "logit" else mean
        score = self.matrix.T @ (self.weights * (self.outcome - mean))
        return score, (self.matrix * (self.weights * variance)[:, None]).T @ self.matrix

    def scores(self, theta: Array) -> Array:
        return np.asarray((self.weights * (self.outcome - self.mean(theta)))[:, None] * self.matrix)

    def start(self) -> Array:
        mean = float(self.weights @ self.outcome / self.weights.sum())
        level = float(special.logit(mean) if self.link == "logit" else np.log(mean))
        return np.linalg.lstsq(self.matrix, level - self.offset, rcond=None)[0].astype(np.float64)

    def separated_at(self, theta: Array, *, converged: bool) -> tuple[int, ...]:
        """Return the columns that separate the outcome, looked for where the maximum ``theta`` is suspect."""
        far = np.abs(self.matrix @ theta + self.offset).max() > separation.SUSPECT_PREDICTOR
        return separation.separating(self.outcome, self.matrix, self.link) if far or not converged else ()


def _obstacle(likelihood: _PseudoLikelihood, df: int) -> str:
    y, x = likelihood.outcome, likelihood.matrix
    if reason := too_many_slopes(df, x.shape[1] - 1):
        return reason
    if not (y > 0).any() or (likelihood.link == "logit" and (y > 0).all()):
        return "the outcome does not vary in the domain"
    return COLLINEAR if np.linalg.matrix_rank(x) < x.shape[1] else ""
