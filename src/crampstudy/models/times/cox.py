"""Cox regression: times to an event with Efron's ties, delayed entry and strata, and the check of its proportionality.

The scores of the rows come with the fit, so that :func:`crampstudy.models.inference.covariance.covariance` gives the
cluster-robust covariance. Of its kinds ``cluster-hc0`` is what R's ``coxph(..., cluster = id)`` calls robust,
``cluster`` the same times G/(G-1), ``model`` R's naive one. statsmodels' ``PHReg`` finds the same coefficients, but
its robust covariance takes the residuals of Breslow's ties (on whole seconds 0.6 % off in a trial), walks through
every risk set in Python, and comes without a check of proportionality.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy import special

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.common.separation import SUSPECT_PREDICTOR, separated
from crampstudy.models.inference.covariance import Covariance, cluster_sums
from crampstudy.models.optimise import newton, optimum
from crampstudy.models.times.kaplan_meier import survival
from crampstudy.models.times.risk_sets import RiskSets, separating

Transform = Literal["km", "identity"]

SEPARATED = separated("those with the event are always set apart from the others at risk", number="hazard ratio")
PARTLY = separated("those with the event are set apart from some of the others at risk", number="hazard ratio")
"""What is said where several columns set them apart together: others at risk may be as those with the event."""
NO_EVENT = "no event"


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model of n rows; where ``problem`` says why, its p coefficients are no solution.

    ``scores`` (n x p) are the score residuals, which sum to zero; ``information`` is p x p. Both belong to log hazard
    ratios, and so do the clusters' parts of it that ``curvatures`` returns (G x p x p) from their codes (n).
    ``separated`` are the columns along which the likelihood rises for ever; ``null_log_likelihood`` is that of
    no association, both partial likelihoods with Efron's ties.
    """

    coefficients: Array
    scores: Array
    information: Array
    log_likelihood: float
    null_log_likelihood: float
    iterations: int
    events: int
    problem: str | None
    separated: tuple[int, ...]
    curvatures: Callable[[Codes], Array] | None = None


@dataclass(frozen=True, slots=True)
class ProportionalityTest:
    """Tests that the p log hazard ratios do not change with time, one by one and ``overall`` (last of each array).

    ``statistic``, ``df`` and ``p_value`` have length p + 1. ``time`` (events), ``transformed`` and ``residuals``
    (events x p, scaled Schoenfeld residuals around the coefficient) are what a plot over time shows.
    """

    statistic: Array
    df: Array
    p_value: Array
    time: Array
    transformed: Array
    residuals: Array
    problem: str | None = None


def cox(matrix: Array, stop: Array, event: Flags, start: Array | None = None, strata: Codes | None = None) -> CoxFit:
    """Fit log hazard(t) = log baseline of the stratum(t) + X b by partial likelihood.

    Args:
        matrix: columns of the model (n x p), without an intercept.
        stop: until when (n) a row is at risk.
        event: whether it then has the event (n).
        start: from when on (n), at risk after it; without it at any time up to ``stop``.
        strata: any codes from 0 (n), each with a baseline of its own.

    Raises:
        AnalysisError: there is no column, a time is not finite, or an interval does not end after its start.

    Source: Cox 1972; Efron 1977 (ties); Andersen and Gill 1982 (delayed entry).
    """
    if not matrix.shape[1]:
        raise AnalysisError("a Cox model needs at least one column; its baseline takes the place of an intercept")
    sets = RiskSets.of(stop, event, start, strata)
    p = matrix.shape[1]
    if not event.any():
        none = np.full(p, np.nan)
        return CoxFit(none, np.zeros_like(matrix), np.zeros((p, p)), 0.0, 0.0, 0, 0, NO_EVENT, ())
    x = _centred(matrix, strata)
    likelihood = _PartialLikelihood(x, sets, strata)
    # Along a likelihood that rises for ever hazards leave the range of numbers; the guards below see what is left.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = newton.newton_refine(likelihood, newton.maximise(likelihood, np.zeros(p)))
        slots = _Slots.of(x @ found.theta, sets, strata)
        scores = slots.residuals(x)
    b, problem = found.theta, found.reason
    by: tuple[int, ...] = ()
    if problem or np.ptp(x @ b) > SUSPECT_PREDICTOR:
        by = separating(x, sets)
        # A column that sets them apart alone always does: others at risk are at its value, or below it.
        alone = tuple(i for i in by if separating(x[:, [i]], sets))
        problem = (SEPARATED if alone else PARTLY) if by else problem
        by = alone or by
    return CoxFit(
        coefficients=b,
        scores=scores,
        information=found.information,
        log_likelihood=found.value,
        null_log_likelihood=likelihood.value(np.zeros(p)),
        iterations=found.iterations,
        events=int(event.sum()),
        problem=problem,
        separated=by,
        curvatures=partial(slots.parts, x),
    )


@dataclass(frozen=True, slots=True)
class WithoutCluster:
    """What each cluster takes along when it is left out: of the score (G x p) and of the information (G x p x p)."""

    scores: Array
    curvatures: Array


@dataclass(frozen=True, slots=True)
class Times:
    """Times to an event or to the end of watching, with delayed entry and strata, all of length n.

    A row is at risk from after ``start`` until ``stop``, of any time up to it without ``start``; ``strata`` are any
    codes from 0.
    """

    stop: Array
    event: Flags
    start: Array | None = None
    strata: Codes | None = None

    def fit(self, matrix: Array) -> CoxFit:
        """Fit log hazard ratios of the columns of ``matrix`` (n x p)."""
        return cox(matrix, self.stop, self.event, self.start, self.strata)

    def of(self, rows: Flags) -> Times:
        """Return some of the rows."""
        start = None if self.start is None else self.start[rows]
        return Times(self.stop[rows], self.event[rows], start, None if self.strata is None else self.strata[rows])

    def left_out(self, fitted: CoxFit, matrix: Array, groups: Codes) -> WithoutCluster:
        """Return score and information without one cluster after the other, at the coefficients of all.

        A cluster at risk bears on the others' contributions, so that these are no sums over its rows; among many
        clusters it hardly does, and the sums of a fit are as good. ``groups`` (n) are codes 0..G-1.
        """
        scores, curvatures = [], []
        for g in range(int(groups.max()) + 1):
            rest = groups != g
            kept = self.of(rest)
            x = _centred(matrix[rest], kept.strata)
            sets = RiskSets.of(kept.stop, kept.event, kept.start, kept.strata)
            score, information = _PartialLikelihood(x, sets, kept.strata).derivatives(fitted.coefficients)
            scores.append(-score)
            curvatures.append(fitted.information - information)
        return WithoutCluster(np.array(scores), np.array(curvatures))


def proportionality(
    fitted: CoxFit,
    matrix: Array,
    times: Times,
    *,
    groups: Codes,
    kind: Covariance = "model",
    transform: Transform = "km",
) -> ProportionalityTest:
    """Test whether the log hazard ratios of a fit change with time: the score test of X g(t).

    g is the share of events before t (``km``, 1 minus Kaplan-Meier of all rows) or t itself. ``model`` is R's
    ``cox.zph``; the cluster kinds take the spread of the participants' scores (``groups``, codes 0..G-1), because
    episodes of one participant hang together.

    Args:
        fitted: the fit of ``matrix`` and ``times``.
        matrix: its columns (n x p).
        times: its times (n).
        groups: codes (n) of the participants, 0..G-1.
        kind: how the scores vary.
        transform: what the hazard ratios are held against.

    Raises:
        AnalysisError: the fit has a problem, or the kind is ``cluster-small``.

    Source: Grambsch and Therneau 1994; Boos 1992 (generalised score test).
    """
    if fitted.problem:
        raise AnalysisError(f"there is no fit whose proportionality could be checked: {fitted.problem}")
    if kind == "cluster-small":
        raise AnalysisError("the check of proportionality has no covariance cluster-small; use cluster")
    event, sets = times.event, RiskSets.of(times.stop, times.event, times.start, times.strata)
    x, p = _centred(matrix, times.strata), matrix.shape[1]
    slots = _Slots.of(x @ fitted.coefficients, sets, times.strata)
    g = sets.time if transform == "identity" else _share_before(sets.time, times)
    centred = g - np.average(g, weights=sets.deaths)
    once, twice = slots.information(x, centred), slots.information(x, centred**2)
    scores = np.hstack([fitted.scores, slots.residuals(x, centred)])
    between = once @ np.linalg.inv(fitted.information)
    # What is left of the score of X g(t) once the coefficients have had their share.
    left = scores[:, p:] - scores[:, :p] @ between.T
    spread = twice - between @ once.T
    if kind != "model":
        sums = cluster_sums(left, groups)
        spread = sums.T @ sums * (len(sums) / (len(sums) - 1) if kind == "cluster" else 1.0)
    u = left.sum(axis=0)
    order = np.argsort(sets.place[event], kind="stable")
    schoenfeld = slots.schoenfeld(x, slots.means(x))[order]
    variance = np.linalg.inv(fitted.information)
    df = np.append(np.ones(p), float(p))
    statistic, problem = np.full(p + 1, np.nan), None
    # A group of events at one time, or of too few participants, says nothing of change over time.
    if not optimum.definite(spread):
        problem = "the spread of the events over time is too small for a test"
    else:
        statistic = np.append(u**2 / np.diag(spread), u @ np.linalg.solve(spread, u))
    return ProportionalityTest(
        statistic=statistic,
        df=df,
        p_value=np.asarray(special.chdtrc(df, statistic)),
        time=sets.time[sets.place[event]][order],
        transformed=g[sets.place[event]][order],
        residuals=fitted.coefficients + fitted.events * schoenfeld @ variance,
        problem=problem,
    )


@dataclass(frozen=True, slots=True)
class _Slots:
    """The risk sets as Efron sees them: of tied events one leaves after the other, a share of each at a time.

    A slot is one of E events: its event time ``at``, the ``share`` of the tied ones that has left before it, and
    ``total``, the sum of the hazards that remain. ``hazard`` (n) is that of each row.
    """

    sets: RiskSets
    hazard: Array
    at: Codes
    share: Array
    total: Array
    log_likelihood: float

    @classmethod
    def of(cls, eta: Array, sets: RiskSets, strata: Codes | None) -> _Slots:
        """Return the slots at the linear predictor ``eta`` (n)."""
        # Relative to the highest of its stratum, which the partial likelihood does not notice.
        if strata is None:
            eta = eta - eta.max()
        else:
            highest = np.full(int(strata.max()) + 1, -np.inf)
            np.maximum.at(highest, strata, eta)
            eta = eta - highest[strata]
        hazard = np.exp(eta)
        at = np.repeat(np.arange(len(sets.time)), sets.deaths)
        before = np.cumsum(sets.deaths) - sets.deaths
        share = (np.arange(len(at)) - before[at]) / sets.deaths[at]
        total = sets.at_risk(hazard)[at] - share * sets.tied(hazard)[at]
        if not (total > 0).all():
            return cls(sets, hazard, at, share, np.full(len(at), np.nan), -np.inf)
        return cls(sets, hazard, at, share, total, float(eta[sets.event].sum() - np.log(total).sum()))

    def means(self, x: Array) -> Array:
        """Return the mean of ``x`` (n x p) over those at risk, weighted by hazard; E x p."""
        weighted = x * self.hazard[:, None]
        sums = self.sets.at_risk(weighted)[self.at] - self.share[:, None] * self.sets.tied(weighted)[self.at]
        return np.asarray(sums / self.total[:, None])

    def expected(self, values: Array) -> Array:
        """Return for each row the sum of ``values`` (E) over the slots at which it is at risk, per unit of hazard."""
        k, each = len(self.sets.time), values / self.total
        sums = self.sets.over(np.bincount(self.at, weights=each, minlength=k).astype(np.float64))
        left = np.bincount(self.at, weights=each * self.share, minlength=k)
        sums[self.sets.event] -= left[self.sets.place[self.sets.event]]
        return sums

    def residuals(self, x: Array, by: Array | None = None) -> Array:
        """Return the score residuals (n x p) of the columns ``x``, each event time weighted with ``by`` (K)."""
        means, event = self.means(x), self.sets.event
        times = np.ones(len(self.at)) if by is None else by[self.at]
        made = -x * (self.hazard * self.expected(times))[:, None]
        for j, mean in enumerate(means.T):
            made[:, j] += self.hazard * self.expected(times * mean)
        own = self.schoenfeld(x, means)
        made[event] += own if by is None else own * by[self.sets.place[event]][:, None]
        return made

    def parts(self, x: Array, groups: Codes) -> Array:
        """Return the clusters' parts of the information on the columns ``x``, by their codes 0..G-1 (n); G x p x p.

        A part is the variance of the cluster's score residuals, were its rows independent: of each row at risk the
        square of how far it lies from the mean.
        """
        means = self.means(x)
        once, first = self.expected(np.ones(len(self.at))), np.column_stack([self.expected(mean) for mean in means.T])
        made = np.empty((int(groups.max()) + 1, x.shape[1], x.shape[1]))
        for j in range(x.shape[1]):
            for k in range(j + 1):
                both = self.expected(means[:, j] * means[:, k])
                each = x[:, j] * x[:, k] * once - x[:, j] * first[:, k] - x[:, k] * first[:, j] + both
                made[:, j, k] = made[:, k, j] = np.bincount(groups, weights=self.hazard * each)
        return made

    def schoenfeld(self, x: Array, means: Array) -> Array:
        """Return how far each event lies from the mean of those at risk (E x p), in the order of the rows."""
        sums = np.column_stack([np.bincount(self.at, weights=m, minlength=len(self.sets.time)) for m in means.T])
        event = self.sets.event
        return np.asarray(x[event] - (sums / self.sets.deaths[:, None])[self.sets.place[event]])

    def information(self, x: Array, by: Array | None = None) -> Array:
        """Return the information (p x p) on the columns ``x``, each event time weighted with ``by`` (K)."""
        means = self.means(x)
        times = np.ones(len(self.at)) if by is None else by[self.at]
        square = (x * (self.hazard * self.expected(times))[:, None]).T @ x
        return np.asarray(square - (means * times[:, None]).T @ means)


@dataclass(frozen=True, slots=True)
class _PartialLikelihood:
    """The sum over events i of x_i b - log(sum of e^(x_j b) over those at risk), tied events as Efron has them."""

    x: Array
    sets: RiskSets
    strata: Codes | None

    def value(self, theta: Array) -> float:
        return _Slots.of(self.x @ theta, self.sets, self.strata).log_likelihood

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        slots = _Slots.of(self.x @ theta, self.sets, self.strata)
        martingale = self.sets.event - slots.hazard * slots.expected(np.ones(len(slots.at)))
        return self.x.T @ martingale, slots.information(self.x)


def _centred(matrix: Array, strata: Codes | None) -> Array:
    """Take the mean of each stratum out, which changes nothing but the rounding."""
    if strata is None:
        return np.asarray(matrix - matrix.mean(axis=0))
    number = np.maximum(np.bincount(strata), 1)
    return np.asarray(matrix - (cluster_sums(matrix, strata) / number[:, None])[strata])


def _share_before(at: Array, times: Times) -> Array:
    """Return the share of events before the times ``at``: 1 minus Kaplan-Meier of all rows, strata taken together."""
    sets = RiskSets.of(times.stop, times.event, times.start)
    left = np.append(1.0, survival(sets))
    return np.asarray(1 - left[np.searchsorted(sets.time, at, side="left")])
