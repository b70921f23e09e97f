"""Kaplan-Meier curves: Greenwood's variance or that of the participants, medians and restricted means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.inference.covariance import Covariance, degrees_of_freedom, quantile
from crampstudy.models.times.risk_sets import RiskSets

_CELLS = 1 << 22
_FLAT = 1e-9
"""How far a curve may lie from one half, by rounding, and still stand at it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The share without an event after each of K event times; flat in between, 1 before the first.

    ``at_risk`` and ``events`` count rows at each ``time``. ``std_error`` (K) is that of log ``survival``, NaN where the
    curve has reached 0. ``last`` is the longest time of any row, ``df`` the degrees of freedom of intervals.
    """

    time: Array
    at_risk: Array
    events: Codes
    survival: Array
    std_error: Array
    df: float
    last: float

    def log_log_error(self) -> Array:
        """Return the standard error (K) of log(-log survival), NaN where the curve has reached 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.survival > 0, self.std_error / -np.log(self.survival), np.nan))

    def interval(self, ci_level: float) -> tuple[Array, Array]:
        """Return the pointwise limits (K each), symmetric on the scale log(-log survival).

        Source: Kalbfleisch and Prentice 1980.
        """
        spread = np.exp(quantile(ci_level, self.df) * self.log_log_error())
        return self.survival**spread, self.survival ** (1 / spread)

    def median(self, ci_level: float) -> tuple[float, float, float]:
        """Return the time at which half have had the event, and its limits; NaN where a curve does not come so low.

        Source: Brookmeyer and Crowley 1982, with the limits of :meth:`interval`.
        """
        low, high = self.interval(ci_level)
        middle, lower, upper = (self._half(curve) for curve in (self.survival, low, high))
        return middle, lower, upper

    def _half(self, curve: Array) -> float:
        below = np.flatnonzero(curve <= 0.5 + _FLAT)
        if not len(below):
            return float("nan")
        k = int(below[0])
        if curve[k] < 0.5 - _FLAT:
            return float(self.time[k])
        # A stretch that lies at one half: its middle.
        lower = np.flatnonzero(curve < 0.5 - _FLAT)
        until = self.time[lower[0]] if len(lower) else self.last
        return float(self.time[k] + until) / 2


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The mean time without the event within ``horizon``; NaN where the rows do not reach so far."""

    estimate: float
    std_error: float
    df: float
    horizon: float


def survival(sets: RiskSets) -> Array:
    """Return the share without an event after each event time of risk sets that have one stratum."""
    at_risk = sets.at_risk(np.ones(len(sets.event)))
    return np.asarray(np.cumprod(1 - sets.deaths / at_risk))


def kaplan_meier(
    stop: Array, event: Flags, groups: Codes, start: Array | None = None, *, kind: Covariance = "cluster"
) -> Curve:
    """Return the curve of rows at risk in (start, stop], each (n).

    ``model`` takes Greenwood's variance. ``cluster-hc0`` sums what each participant changes in the curve (R:
    ``survfit(..., cluster = id)``), ``cluster`` is that times G/(G-1), with t below 50 participants.

    Args:
        stop: until when (n) a row is at risk.
        event: whether it then has the event (n).
        groups: codes of the participants (n), 0..G-1.
        start: from when on (n), at risk after it.
        kind: how the curve varies.

    Raises:
        AnalysisError: a time is not finite, an interval does not end after its start, fewer than two participants
            for a cluster covariance, or the covariance is ``cluster-small``.

    Source: Kaplan and Meier 1958; Greenwood 1926; Williams 1995 (clusters).
    """
    sets, clusters = _checked(stop, event, groups, start, kind)
    at_risk = sets.at_risk(np.ones(len(stop)))
    share = survival(sets)
    open_ = int((at_risk > sets.deaths).cumprod().sum())
    variance = np.full(len(share), np.nan)
    if kind == "model":
        variance[:open_] = np.cumsum(_greenwood(at_risk[:open_], sets.deaths[:open_]))
    else:
        variance[:open_] = _factor(clusters, kind) * sum(
            (change**2).sum(axis=0) for change in _changes(sets, groups, at_risk, open_)
        )
    df = degrees_of_freedom(clusters, kind)
    return Curve(sets.time, at_risk, sets.deaths, share, np.sqrt(variance), df, float(stop.max(initial=0.0)))


def restricted_mean(
    horizon: float, stop: Array, event: Flags, groups: Codes, *, kind: Covariance = "cluster"
) -> RestrictedMean:
    """Return the area under the curve up to ``horizon``, in the unit of the times, with its standard error.

    Args:
        horizon: the end of the area, in the unit of the times.
        stop: until when (n) a row is at risk, from 0.
        event: whether it then has the event (n).
        groups: codes of the participants (n), 0..G-1.
        kind: how the area varies, as of :func:`kaplan_meier`.

    Raises:
        AnalysisError: as :func:`kaplan_meier`, or the horizon is not above 0.

    Source: Irwin 1949; Andersen, Hansen and Klein 2004 (clusters by pseudo-observations, here their linear form).
    """
    if not horizon > 0:
        raise AnalysisError(f"a restricted mean needs a horizon above 0, got {horizon:g}")
    sets, clusters = _checked(stop, event, groups, None, kind)
    df = degrees_of_freedom(clusters, kind)
    share, at_risk = survival(sets), sets.at_risk(np.ones(len(stop)))
    if not len(stop) or (horizon > stop.max() and not (len(share) and share[-1] == 0)):
        return RestrictedMean(float("nan"), float("nan"), df, horizon)
    edges = np.clip(np.append(sets.time, horizon), 0, horizon)
    area = share * np.diff(edges)
    open_ = int((at_risk > sets.deaths).cumprod().sum())
    if kind == "model":
        after = np.cumsum(area[::-1])[::-1][:open_]
        variance = float((after**2 * _greenwood(at_risk[:open_], sets.deaths[:open_])).sum())
    else:
        changes = (change @ area[:open_] for change in _changes(sets, groups, at_risk, open_))
        variance = float(_factor(clusters, kind) * sum((change**2).sum() for change in changes))
    return RestrictedMean(float(edges[0] + area.sum()), float(np.sqrt(variance)), df, horizon)


def _checked(stop: Array, event: Flags, groups: Codes, start: Array | None, kind: Covariance) -> tuple[RiskSets, int]:
    clusters = int(groups.max(initial=-1)) + 1
    if kind == "cluster-small":
        raise AnalysisError("a Kaplan-Meier curve has no covariance cluster-small; use cluster")
    if kind != "model" and clusters < 2:
        raise AnalysisError("a cluster-robust variance needs at least two participants")
    return RiskSets.of(stop, event, start), clusters


def _greenwood(at_risk: Array, deaths: Codes) -> Array:
    return np.asarray(deaths / (at_risk * (at_risk - deaths)))


def _factor(clusters: int, kind: Covariance) -> float:
    return clusters / (clusters - 1) if kind == "cluster" else 1.0


def _changes(sets: RiskSets, groups: Codes, at_risk: Array, upto: int) -> Iterator[Array]:
    """Yield what participants change in the log of the curve, some of them at a time (C x ``upto``).

    The derivative by the weight of a participant: each row adds d / n(n - d) where it is at risk and takes 1 / (n - d)
    away where it has its event.
    """
    n, d = at_risk[:upto], sets.deaths[:upto]
    order = np.argsort(groups, kind="stable")
    size = max(1, _CELLS // (upto + 1))
    for low in range(0, int(groups.max()) + 1, size):
        rows = order[slice(*np.searchsorted(groups[order], [low, low + size]))]
        clusters = min(size, int(groups.max()) + 1 - low)
        own, width = (groups[rows] - low) * (upto + 1), upto + 1
        enter, leave = (own + np.minimum(edge[rows], upto) for edge in (sets.first, sets.last))
        cells = clusters * width
        change = np.bincount(enter, minlength=cells) - np.bincount(leave, minlength=cells)
        present = np.cumsum(change.reshape(clusters, width), axis=1)[:, :upto]
        had = sets.event[rows] & (sets.place[rows] < upto)
        tied = np.bincount((own + sets.place[rows])[had], minlength=cells).reshape(clusters, width)[:, :upto]
        yield np.cumsum(present * (d / (n * (n - d))) - tied / (n - d), axis=1)
