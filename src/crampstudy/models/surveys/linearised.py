"""Design-based estimates: domain means and generalised linear models under stratified cluster sampling.

Variances are Taylor-linearised (Binder 1983; Woodruff 1971) with primary sampling units (PSUs) drawn with
replacement within strata. A domain keeps the full design: rows outside it score zero and their PSUs still count.
A stratum of which the design or the domain has one PSU is centred at the grand mean, which for linearised scores is
zero, as R's ``survey.lonely.psu = "adjust"`` with ``survey.adjust.domain.lonely = TRUE``. Degrees of freedom are PSUs
minus strata among the rows with positive weight in the domain, as R's ``degf``, and what the slopes of a regression
leave of them, as R's ``svyglm``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from crampstudy.errors import AnalysisError
from crampstudy.models.inference.covariance import without_rounding
from crampstudy.wording import counted

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Link = Literal["logit", "log"]

NO_VARIANCE = "the domain has no more PSUs than strata, so its variance cannot be estimated"
_FEW_DF = 5
COLLINEAR = "the columns of the model are collinear in the domain; drop a term or a level without rows"
_TOLERANCE = 1e-11
_MAX_ITERATIONS = 60
_SUSPECT_ETA = 10.0


@dataclass(frozen=True, slots=True)
class Design:
    """Sampling design of n rows: ``psu`` numbered over all strata, the stratum of each PSU, the weight of each row."""

    psu: NDArray[np.intp]
    stratum_of_psu: NDArray[np.intp]
    weight: FloatArray

    @classmethod
    def of(cls, stratum: ArrayLike, psu: ArrayLike, weight: ArrayLike) -> Design:
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

    def present(self, members: BoolArray) -> NDArray[np.intp]:
        """Return how many PSUs of each stratum hold weighted rows of a domain (n,)."""
        rows = np.bincount(self.psu[members & (self.weight > 0)], minlength=len(self.stratum_of_psu))
        return np.bincount(self.stratum_of_psu, weights=rows > 0).astype(np.intp)

    def units(self, members: BoolArray) -> tuple[int, int]:
        """Return the numbers of PSUs and of strata that hold weighted rows of a domain (n,)."""
        here = self.present(members)
        return int(here.sum()), int((here > 0).sum())

    def covariance(self, scores: FloatArray, members: BoolArray | None = None) -> FloatArray:
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
    if slopes > df - 2:
        return (
            f"{counted(slopes, 'slopes', 'are')} too many for the {df} degrees of freedom (PSUs - strata) of the "
            f"sampling design, of which each takes one and two must be left: have {df - 2 or 'none'} at most"
        )
    return ""


def few_note(df: int, df_residual: int) -> str:
    """Say that few of the ``df`` degrees of freedom of a sampling design are left beside the slopes, if so."""
    if df_residual >= _FEW_DF:
        return ""
    return f"rests on few PSUs: the slopes leave {df_residual} of the {df} degrees of freedom of the sampling design"


@dataclass(frozen=True, slots=True)
class Means:
    """Means of one variable in k domains; ``estimate`` is NaN where a domain has no weighted row."""

    estimate: FloatArray  # (k,)
    covariance: FloatArray  # (k, k), zero in rows of empty domains
    df: NDArray[np.int64]  # (k,) PSUs - strata
    n: NDArray[np.int64]  # (k,) unweighted rows
    psus: NDArray[np.int64]  # (k,)
    lonely: NDArray[np.int64]  # (k,) strata of which the domain has one PSU
    n_effective: FloatArray  # (k,) Kish's size under the weights alone

    @property
    def std_error(self) -> FloatArray:
        """Standard errors (k,) on the scale of the means."""
        return np.sqrt(np.diag(self.covariance))


def domain_means(values: ArrayLike, members: ArrayLike, design: Design) -> Means:
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
    half = stats.t.ppf((1 + level) / 2, df) * std_error / (proportion * (1 - proportion))
    return float(special.expit(middle - half)), float(special.expit(middle + half))


def boundary_interval(proportion: float, n: int, n_effective: float, df: int, level: float) -> tuple[float, float]:
    """Return the exact one-sided interval of an observed proportion of 0 or 1.

    Clopper and Pearson's bound at the effective size of Korn and Graubard (1998): Kish's size under the
    weights, reduced by the design's degrees of freedom. Clustering cannot be estimated from no events.
    """
    from statsmodels.stats.proportion import proportion_confint

    fewer = (stats.t.ppf((1 + level) / 2, max(n - 1, 1)) / stats.t.ppf((1 + level) / 2, df)) ** 2
    size = max(n_effective * fewer, 1e-9)
    # All of the error on the one side that is left.
    low, high = proportion_confint(proportion * size, size, alpha=2 * (1 - level), method="beta")
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class SurveyFit:
    """A design-based regression on the link scale; numbers are NaN unless ``status`` is converged."""

    names: tuple[str, ...]
    coefficients: FloatArray  # (p,)
    covariance: FloatArray  # (p, p)
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
    def std_error(self) -> FloatArray:
        """Standard errors (p,) on the link scale."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the t limits (p,), (p,) on the link scale."""
        half = stats.t.ppf((1 + level) / 2, self.df_residual) * self.std_error
        return self.coefficients - half, self.coefficients + half

    @property
    def p_value(self) -> FloatArray:
        """Two-sided p values (p,) from t with the degrees of freedom that the slopes leave."""
        return np.asarray(2 * stats.t.sf(np.abs(self.coefficients / self.std_error), self.df_residual))


def regression(
    outcome: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    members: ArrayLike,
    design: Design,
    link: Link = "logit",
    offset: ArrayLike | None = None,
) -> SurveyFit:
    """Fit a weighted pseudo-likelihood over the domain ``members`` (n,) of the full design.

    ``outcome`` (n,) is 0 or 1 for ``logit`` and at least 0 for ``log`` (Poisson), ``X`` (n, p) holds the
    intercept too, ``offset`` (n,) is added to the linear predictor. Cells outside the domain may be missing.
    Separation, collinear columns, an outcome that does not vary and a design with too few degrees of freedom are not
    estimable.

    Raises:
        AnalysisError: a cell inside the domain is missing or the outcome impossible, or the domain is empty.

    Source: Binder 1983; separation as in Konis 2007.
    """
    inside, y, x, w = domain_rows(outcome, X, members, design)
    if (y < 0).any() or (link == "logit" and not np.isin(y, (0.0, 1.0)).all()):
        raise AnalysisError(f"the outcome of a {link} model is {'0 or 1' if link == 'logit' else 'at least 0'}")
    scale = np.maximum(np.abs(x).max(axis=0), np.finfo(np.float64).tiny)
    x = x / scale
    fixed = np.zeros(len(y)) if offset is None else np.asarray(offset, dtype=np.float64)[inside]
    if not np.isfinite(fixed).all():
        raise AnalysisError("an offset inside the domain is missing; leave incomplete rows out of the domain")
    psus, strata = design.units(inside)
    reason = _obstacle(y, x, psus - strata, link)
    beta, information, iterations, gradient = np.full(x.shape[1], np.nan), np.eye(x.shape[1]), 0, np.nan
    if not reason:
        beta, information, iterations, gradient = _newton(y, x, w, fixed, link)
        eta = x @ beta + fixed
        if (not gradient < _TOLERANCE or np.abs(eta).max() > _SUSPECT_ETA) and (by := separation(y, x, link)):
            reason = f"the outcome is separated by {', '.join(names[i] for i in by)}: no finite estimate exists"
    failed = "" if reason or gradient < _TOLERANCE else f"no maximum within {iterations} iterations"
    covariance = np.full((x.shape[1], x.shape[1]), np.nan)
    if not (reason or failed):
        scores = np.zeros((len(inside), x.shape[1]))
        scores[inside] = (w * (y - _mean(eta, link)))[:, None] * x
        bread = np.linalg.inv(information).astype(np.float64)
        covariance = without_rounding(design.covariance(scores @ bread, inside), np.diag(bread)) / np.outer(
            scale, scale
        )
    return SurveyFit(
        names=tuple(names),
        coefficients=np.full(x.shape[1], np.nan) if reason or failed else beta / scale,
        covariance=covariance,
        df=psus - strata,
        df_residual=psus - strata - (x.shape[1] - 1),
        n=len(y),
        n_events=int((y > 0).sum()),
        n_psus=psus,
        status="not_estimable" if reason else "not_converged" if failed else "converged",
        reason=reason or failed,
        iterations=iterations,
        gradient=float(gradient),
    )


def domain_rows(
    outcome: ArrayLike, X: ArrayLike, members: ArrayLike, design: Design
) -> tuple[BoolArray, FloatArray, FloatArray, FloatArray]:
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


def _obstacle(y: FloatArray, x: FloatArray, df: int, link: Link) -> str:
    if reason := too_many_slopes(df, x.shape[1] - 1):
        return reason
    if not (y > 0).any() or (link == "logit" and (y > 0).all()):
        return "the outcome does not vary in the domain"
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return COLLINEAR
    return ""


def _mean(eta: FloatArray, link: Link) -> FloatArray:
    return np.asarray(special.expit(eta) if link == "logit" else np.exp(np.minimum(eta, 700.0)))


def _objective(y: FloatArray, eta: FloatArray, w: FloatArray, link: Link) -> float:
    return float(w @ (y * eta - (np.logaddexp(0.0, eta) if link == "logit" else _mean(eta, "log"))))


def _newton(
    y: FloatArray, x: FloatArray, w: FloatArray, fixed: FloatArray, link: Link
) -> tuple[FloatArray, FloatArray, int, float]:
    """Maximise the concave pseudo-likelihood by Newton steps, halved while they lower it."""
    beta: FloatArray = np.linalg.lstsq(x, _start(y, w, link) - fixed, rcond=None)[0].astype(np.float64)
    information, gradient, iterations = np.eye(x.shape[1]), np.inf, 0
    while iterations < _MAX_ITERATIONS:
        iterations += 1
        mean = _mean(x @ beta + fixed, link)
        variance = mean * (1 - mean) if link == "logit" else mean
        score = x.T @ (w * (y - mean))
        information = (x * (w * variance)[:, None]).T @ x
        gradient = float(np.abs(score).max() / w.sum())
        if gradient < _TOLERANCE or not _positive(information):
            break
        step, here = np.linalg.solve(information, score), _objective(y, x @ beta + fixed, w, link)
        for _ in range(30):
            if _objective(y, x @ (beta + step) + fixed, w, link) >= here - 1e-12 * abs(here):
                break
            step = step / 2
        beta = beta + step
    return beta, information, iterations, gradient if _positive(information) else np.nan


def _start(y: FloatArray, w: FloatArray, link: Link) -> float:
    mean = float(w @ y / w.sum())
    return float(special.logit(mean) if link == "logit" else np.log(mean))


def _positive(information: FloatArray) -> bool:
    values = np.linalg.eigvalsh(information)
    return bool(np.isfinite(values).all() and values[0] > 1e-14 * values[-1])


def separation(y: FloatArray, x: FloatArray, link: Link) -> tuple[int, ...]:
    """Return the columns of ``x`` (n, p) along which the likelihood rises for ever, none where a maximum exists.

    ``y`` (n,) is 0 or 1 for ``logit``, a count for ``log``.

    Raises:
        AnalysisError: the linear programme cannot be solved.

    Source: Konis 2007 (logit); Correia, Guimarães and Zylkin 2019 (log).
    """
    x = x / np.maximum(np.abs(x).max(axis=0), np.finfo(np.float64).tiny)
    if link == "logit":
        signed, fixed = np.where(y > 0, 1.0, -1.0)[:, None] * x, None
    else:
        signed, fixed = -x[y == 0], x[y > 0]
    found = optimize.linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=fixed,
        b_eq=None if fixed is None else np.zeros(len(fixed)),
        bounds=(-1, 1),
        method="highs",
    )
    if not found.success:
        raise AnalysisError(f"the search for separation failed: {found.message}; drop a term with few events")
    return tuple(int(i) for i in np.flatnonzero(np.abs(found.x) > 1e-7)) if -found.fun > 1e-7 else ()
