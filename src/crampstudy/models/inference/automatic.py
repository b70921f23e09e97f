"""How sure the coefficients of a model of nights are: the covariance shown, its degrees of freedom, what it rests on.

``auto`` is decided by the data alone: bias-reduced (CR2) for regressions and the jackknife for the others where the
participants are few, the plain cluster-robust sandwich where they are many, and that of coefficients and dispersion
together where a few huge counts make the dispersion the larger part of the uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.models.inference.covariance import (
    FEW_CLUSTERS,
    JACKKNIFE_BELOW,
    Covariance,
    covariance,
    degrees_of_freedom,
    effective_number,
    sandwich,
    without_rounding,
)
from crampstudy.models.inference.satterthwaite import Satterthwaite
from crampstudy.models.inference.small_sample import Nights, bias_reduced, reach
from crampstudy.progress import track

MOST_BIAS_REDUCED = 2000
"""Up to so many participants ``auto`` is CR2; beyond, both sandwiches are the same to the digits that are shown."""
JOINT = 1.5
"""How many times as wide intervals of the sandwich with the dispersion must be before ``auto`` shows it."""
FEW_WITH_ANY = 1 / 3
"""Where fewer than this share of the participants have a cramp, those who have most of them tell of everything."""
Refit = Callable[[int], Array | None]
_DEFINITE = 1e-8
_ALONE = 0.05
"""How much of a direction, in standard errors, a coefficient has that depends on it."""


class Moments(Protocol):
    """What the degrees of freedom of coefficients (p) and of combinations of them (k x p) come from."""

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom."""

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the effective participants."""

    def turned(self, by: Array) -> Moments:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""


class Estimated(Protocol):
    """Parameters at their maximum: the participants' ``sums`` of scores (G x k) and the ``information`` (k x k)."""

    @property
    def information(self) -> Array: ...
    def sums(self, groups: Codes) -> Array: ...


class Regression(Estimated, Protocol):
    """A fitted regression of p coefficients, to which scores and information belong; ``joint`` has the dispersion too.

    ``joint`` is ``None`` where no dispersion was estimated along with the coefficients.
    """

    @property
    def coefficients(self) -> Array: ...
    @property
    def joint(self) -> Estimated | None: ...


@dataclass(frozen=True, slots=True)
class Inference:
    """Coefficients' ``variance`` (p x p), what was ``used`` for it, and the ``moments`` of what the coefficients tell.

    The variance of a coefficient that rests on one participant alone is NaN. ``problem`` says why there is no variance.
    """

    variance: Array
    used: Covariance
    moments: Moments
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def df(self) -> Array:
        """Degrees of freedom of t of the coefficients (p)."""
        return self.moments.df()

    @property
    def effective(self) -> Array:
        """The numbers of participants, all alike, that would tell as much of the coefficients (p)."""
        return self.moments.effective()


@dataclass(frozen=True, slots=True, eq=False)
class Conventional:
    """Degrees of freedom that every combination of p coefficients has, with the effective participants ``behind``."""

    degrees: float
    p: int
    behind: Moments | None = None

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom of coefficients or contrasts (k x p)."""
        return np.full(self.p if contrasts is None else len(contrasts), self.degrees)

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the effective participants of coefficients or contrasts (k x p), NaN where nobody asked for them."""
        if self.behind is None:
            return np.full(self.p if contrasts is None else len(contrasts), np.nan)
        return self.behind.effective(contrasts)

    def turned(self, by: Array) -> Conventional:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""
        return Conventional(self.degrees, len(by), self.behind and self.behind.turned(by))


@dataclass(frozen=True, slots=True, eq=False)
class Limited:
    """What ``moments`` tell where no more than ``participants`` have the outcome: who has none is like the others.

    The degrees of freedom are at most one less than these, though scores that the model expects spread over all.
    """

    moments: Moments
    participants: int

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom of coefficients or contrasts (k x p)."""
        return np.minimum(self.moments.df(contrasts), max(self.participants - 1, 1))

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the effective participants of coefficients or contrasts (k x p)."""
        return np.minimum(self.moments.effective(contrasts), self.participants)

    def turned(self, by: Array) -> Limited:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""
        return Limited(self.moments.turned(by), self.participants)


@dataclass(frozen=True, slots=True, eq=False)
class AtOwnRates:
    """What ``moments`` tell of few participants of unlike rates, of whose p coefficients some are told by ``own`` (p).

    The model expects as much of one participant as of another, but those with most cramps tell most of what their own
    nights are compared for, and of anything where few of all have a cramp. Combinations of these coefficients alone
    have the degrees of freedom that this leaves, of which ``note`` is said.
    """

    moments: Satterthwaite
    own: Flags
    note: str

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom of coefficients or contrasts (k x p)."""
        combinations = np.eye(len(self.own)) if contrasts is None else contrasts
        found, own = self.moments.df(contrasts), self.of_own(combinations)
        if own.any():
            found = found.copy()
            found[own] = self.moments.df_at_own_rates(combinations[own])
        return found

    def of_own(self, contrasts: Array) -> Flags:
        """Say of each of k contrasts (k x p) whether it is of these coefficients alone."""
        moved = contrasts != 0
        own: Flags = moved.any(axis=1) & ~moved[:, ~self.own].any(axis=1)
        return own

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the effective participants of coefficients or contrasts (k x p)."""
        return self.moments.effective(contrasts)

    def turned(self, by: Array) -> AtOwnRates:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""
        return AtOwnRates(self.moments.turned(by), self.of_own(by), self.note)


def notes(moments: Moments, contrasts: Array) -> list[str]:
    """Return what is to be said of the degrees of freedom of each of k contrasts (k x p), mostly nothing."""
    if isinstance(moments, Limited):
        return notes(moments.moments, contrasts)
    if not isinstance(moments, AtOwnRates):
        return [""] * len(contrasts)
    return [moments.note if own else "" for own in moments.of_own(contrasts)]


def named(used: Covariance, kind: Covariance) -> tuple[str, ...]:
    """Return what ``auto`` turned out to be, for the note of a row."""
    return (f"covariance {used}",) if kind == "auto" else ()


def chosen(used: Covariance, kind: Covariance) -> dict[str, str]:
    """Return what ``auto`` turned out to be, for the facts of a row."""
    return {"covariance": used} if kind == "auto" else {}


def bias_reduces(kind: Covariance, clusters: int) -> bool:
    """Say whether a regression of so many participants is shown with CR2, which needs to know equal nights."""
    return kind == "cluster-small" or (kind == "auto" and clusters <= MOST_BIAS_REDUCED)


def of_regression(fitted: Regression, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a Poisson, negative binomial, logistic or linear regression, fitted to ``nights``."""
    made = with_dispersion_held(fitted, nights, kind)
    if kind != "auto" or made.problem:
        return made
    return _with_dispersion(made, fitted, nights)


def with_dispersion_held(fitted: Regression, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a regression as :func:`of_regression`, ``auto`` holding the dispersion at any counts."""
    clusters, p = int(nights.groups.max()) + 1, len(fitted.coefficients)
    if bias_reduces(kind, clusters):
        small = bias_reduced(nights)
        variance = np.where(small.lone[:, None] | small.lone, np.nan, small.covariance)
        return Inference(variance, "cluster-small", small.moments, problem=small.problem)
    used: Covariance = "cluster" if kind == "auto" else kind
    behind = None if used == "model" else reach(nights)
    if kind == "auto" and behind is not None:
        return Inference(_sandwich(fitted, nights, used), used, behind)
    moments = Conventional(degrees_of_freedom(clusters, used), p, behind)
    return Inference(_sandwich(fitted, nights, used), used, moments)


def times_wider(fitted: Regression, nights: Nights, variance: Array) -> Array:
    """Return how many times as wide (p) as by ``variance`` (p x p) intervals of ``cluster-joint`` are."""
    return _times_wider(_sandwich(fitted, nights, "cluster-joint"), variance)


def _times_wider(joint: Array, variance: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):  # participants who are all alike have no spread at all
        times = np.sqrt(np.diag(joint) / np.diag(variance))
    return np.nan_to_num(times, nan=1.0, posinf=np.inf)


def _with_dispersion(made: Inference, fitted: Regression, nights: Nights) -> Inference:
    """Return the inference with the joint sandwich where that is much the wider one."""
    if fitted.joint is None:
        return made
    joint = _sandwich(fitted, nights, "cluster-joint")
    wider = _times_wider(joint, made.variance)
    if not (wider > JOINT).any():
        return made
    note = f"few counts rule the dispersion: with it held, intervals would be up to {wider.max():.1f} times narrower"
    return replace(made, variance=joint, used="cluster-joint", notes=(*made.notes, note))


def _sandwich(fitted: Regression, nights: Nights, kind: Covariance) -> Array:
    if kind != "cluster-joint":
        return sandwich(fitted.information, lambda: fitted.sums(nights.groups), kind)
    joint = fitted.joint or fitted
    p = len(fitted.coefficients)
    return sandwich(joint.information, lambda: joint.sums(nights.groups), "cluster")[:p, :p]


@dataclass(frozen=True, slots=True, eq=False)
class Jackknifed:
    """The variances (``spread``, G x p x p) that the participants' scores have under the model, for degrees of freedom.

    t has those of the effective participants less one.
    """

    spread: Array

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the number of participants, all alike, who would tell as much of coefficients or contrasts (k x p)."""
        contrasts = np.eye(self.spread.shape[1]) if contrasts is None else contrasts
        return effective_number(np.maximum(np.einsum("ki,gij,kj->gk", contrasts, self.spread, contrasts), 0.0))

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom of coefficients or contrasts (k x p)."""
        return np.maximum(self.effective(contrasts) - 1, 1.0)

    def turned(self, by: Array) -> Jackknifed:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""
        return Jackknifed(by @ self.spread @ by.T)


def of_clusters(
    scores: Array,
    information: Array,
    curvatures: Array | None,
    p: int,
    kind: Covariance,
    baselines: Collection[int] = (),
    refit: Refit | None = None,
) -> Inference:
    """Return the inference of the first ``p`` of k parameters, from the participants' parts.

    ``auto`` is the jackknife below :data:`JACKKNIFE_BELOW` participants, and above where some coefficient rests on
    fewer than :data:`FEW_CLUSTERS` effective ones.

    Args:
        scores: G x k, the participants' contributions to the score, whose sum is zero.
        information: k x k, observed.
        curvatures: G x k x k, the participants' parts of ``information``; what the jackknife needs.
        p: the number of coefficients, which stand before dispersion and spread.
        kind: the covariance asked for.
        baselines: those of the coefficients that have no part in this choice, such as an intercept. What they rest on
            depends on where the others are 0, and where that is shall change no interval.
        refit: how far the ``p`` coefficients move without a participant, named by code, fitted anew; ``None`` where
            the others have no estimate. Asked for where one step does not tell, as where a likelihood is not concave.
    """
    clusters, behind = len(scores), None
    if curvatures is not None:
        bread = np.linalg.inv(information)
        behind = Jackknifed((bread @ curvatures @ bread)[:, :p, :p])
        rests_on = np.delete(behind.effective(), list(baselines))
        few = clusters < JACKKNIFE_BELOW or bool((rests_on < FEW_CLUSTERS).any())
        if kind == "jackknife" or (kind == "auto" and few):
            return Inference(_jackknife(scores, information, curvatures, p, refit), "jackknife", behind)
    used: Covariance = "cluster" if kind == "auto" else kind
    variance = covariance(information, scores, np.arange(clusters), used)[:p, :p]
    return Inference(variance, used, Conventional(degrees_of_freedom(clusters, used), p, behind))


def _jackknife(scores: Array, information: Array, curvatures: Array, p: int, refit: Refit | None) -> Array:
    """Leave one participant out at a time, by one Newton step of the ``p`` coefficients from the fit of all.

    Spread and dispersion are held: all participants together tell them, and a step of theirs from few is wild. In a
    direction in which the likelihood of the others does not curve down there is no step. Then they are fitted anew;
    where they have no maximum, what depends on that direction has the variance NaN: it rests on one participant alone.

    Source: Lipsitz, Dear and Zhao 1994 (one step); Carter, Schnepel and Steigerwald 2017 (the effective number).
    """
    clusters = len(scores)
    scale = np.sqrt(np.diag(information))[:p]
    rest = (information[:p, :p] - curvatures[:, :p, :p]) / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(rest)
    told = values > _DEFINITE
    along = np.einsum("gik,gi->gk", vectors, -scores[:, :p] / scale)
    moved = np.einsum("gik,gk->gi", vectors, np.where(told, along / np.where(told, values, 1.0), 0.0)) / scale
    unknown = np.flatnonzero(~told.all(axis=1))
    left_out = track(unknown, "participants left out")
    again = {g: found for g in left_out if refit is not None and (found := refit(int(g))) is not None}
    for g, found in again.items():
        moved[g] = found
    unknown = np.setdiff1d(unknown, list(again)).astype(np.intp)
    alone = ((np.abs(vectors[unknown]) > _ALONE) & ~told[unknown, None, :]).any(axis=(0, 2))
    variance = without_rounding((clusters - 1) / clusters * (moved.T @ moved), np.diag(np.linalg.inv(information))[:p])
    return np.where(alone[:, None] | alone, np.nan, variance)
