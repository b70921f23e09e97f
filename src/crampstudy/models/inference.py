"""How sure the coefficients of a model of nights are: the covariance shown, its degrees of freedom, what it rests on.

``auto`` is decided by the data alone: bias-reduced (CR2) for regressions and the jackknife for the others where the
participants are few, the plain cluster-robust sandwich where they are many, and that of coefficients and dispersion
together where a few huge counts make the dispersion the larger part of the uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from crampstudy.models.count import CountFit, Joint
from crampstudy.models.covariance import (
    FEW_CLUSTERS,
    JACKKNIFE_BELOW,
    Array,
    Covariance,
    covariance,
    degrees_of_freedom,
    effective_number,
    without_rounding,
)
from crampstudy.models.linear import LinearFit
from crampstudy.models.small_sample import Nights, bias_reduced, reach

MOST_BIAS_REDUCED = 2000
"""Up to so many participants ``auto`` is CR2; beyond, both sandwiches are the same to the digits that are shown."""
JOINT = 1.5
"""How many times as wide intervals of the sandwich with the dispersion must be before ``auto`` shows it."""
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
        """Return the same of other coefficients, ``by`` (p x p) of these."""


@dataclass(frozen=True, slots=True)
class Inference:
    """Coefficients' ``variance`` (p x p), what was ``used`` for it, ``df`` (p) of t and ``effective`` participants (p).

    The variance of a coefficient that rests on one participant alone is NaN.

    ``moments`` give the degrees of freedom of combinations of coefficients, where these are known. ``problem`` says why
    there is no variance.
    """

    variance: Array
    df: Array
    effective: Array
    used: Covariance
    notes: tuple[str, ...] = ()
    problem: str | None = None
    moments: Moments | None = None


def named(made: Inference, kind: Covariance) -> tuple[str, ...]:
    """Return what ``auto`` turned out to be, for the note of a row."""
    return (f"covariance {made.used}",) if kind == "auto" else ()


def bias_reduces(kind: Covariance, clusters: int) -> bool:
    """Say whether a regression of so many participants is shown with CR2, which needs to know equal nights."""
    return kind == "cluster-small" or (kind == "auto" and clusters <= MOST_BIAS_REDUCED)


def of_regression(fitted: CountFit | LinearFit, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a Poisson, negative binomial, logistic or linear regression, fitted to ``nights``."""
    made = with_dispersion_held(fitted, nights, kind)
    if kind != "auto" or made.problem or isinstance(fitted, LinearFit):
        return made
    return _with_dispersion(made, fitted, nights)


def with_dispersion_held(fitted: CountFit | LinearFit, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a regression as :func:`of_regression`, ``auto`` holding the dispersion at any counts."""
    clusters, p = int(nights.groups.max()) + 1, len(fitted.coefficients)
    if bias_reduces(kind, clusters):
        small = bias_reduced(nights)
        variance = np.where(small.lone[:, None] | small.lone, np.nan, small.covariance)
        return Inference(
            variance, small.df, small.effective, "cluster-small", problem=small.problem, moments=small.moments
        )
    used: Covariance = "cluster" if kind == "auto" else kind
    df = np.full(p, degrees_of_freedom(clusters, used))
    if used == "model":
        return Inference(_sandwich(fitted, nights, used), df, np.full(p, np.nan), used)
    behind = reach(nights)
    made = Inference(_sandwich(fitted, nights, used), df, behind.effective(), used)
    return replace(made, df=behind.df(), moments=behind) if kind == "auto" else made


def times_wider(fitted: CountFit, nights: Nights, variance: Array) -> Array:
    """Return how many times as wide (p) as by ``variance`` (p x p) intervals of ``cluster-joint`` are."""
    return _times_wider(_sandwich(fitted, nights, "cluster-joint"), variance)


def _times_wider(joint: Array, variance: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):  # participants who are all alike have no spread at all
        times = np.sqrt(np.diag(joint) / np.diag(variance))
    return np.nan_to_num(times, nan=1.0, posinf=np.inf)


def _with_dispersion(made: Inference, fitted: CountFit, nights: Nights) -> Inference:
    """Return the inference with the joint sandwich where that is much the wider one."""
    if fitted.joint is None:
        return made
    joint = _sandwich(fitted, nights, "cluster-joint")
    wider = _times_wider(joint, made.variance)
    if not (wider > JOINT).any():
        return made
    note = f"few counts rule the dispersion: with it held, intervals would be up to {wider.max():.1f} times narrower"
    return replace(made, variance=joint, used="cluster-joint", notes=(*made.notes, note))


def _sandwich(fitted: CountFit | LinearFit, nights: Nights, kind: Covariance) -> Array:
    if kind != "cluster-joint" or isinstance(fitted, LinearFit):
        return covariance(fitted.information, fitted.scores, nights.groups, kind)
    joint = fitted.joint or Joint(fitted.scores, fitted.information)
    p = len(fitted.coefficients)
    return covariance(joint.information, joint.scores, nights.groups, "cluster")[:p, :p]


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
        """Return the same of other coefficients, ``by`` (p x p) of these."""
        return Jackknifed(by @ self.spread @ by.T)


def of_clusters(
    scores: Array,
    information: Array,
    curvatures: Array | None,
    p: int,
    kind: Covariance,
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
        refit: how far the ``p`` coefficients move without a participant, named by code, fitted anew; ``None`` where
            the others have no estimate. Asked for where one step does not tell, as where a likelihood is not concave.
    """
    clusters = len(scores)
    moments, effective = None, np.full(p, np.nan)
    if curvatures is not None:
        bread = np.linalg.inv(information)
        moments = Jackknifed((bread @ curvatures @ bread)[:, :p, :p])
        effective = moments.effective()
    few = moments is not None and (clusters < JACKKNIFE_BELOW or bool((effective < FEW_CLUSTERS).any()))
    if curvatures is not None and moments is not None and (kind == "jackknife" or (kind == "auto" and few)):
        variance = _jackknife(scores, information, curvatures, p, refit)
        return Inference(variance, moments.df(), effective, "jackknife", moments=moments)
    used: Covariance = "cluster" if kind == "auto" else kind
    variance = covariance(information, scores, np.arange(clusters), used)[:p, :p]
    return Inference(variance, np.full(p, degrees_of_freedom(clusters, used)), effective, used)


def _jackknife(scores: Array, information: Array, curvatures: Array, p: int, refit: Refit | None) -> Array:
    """Leave one participant out at a time, by one Newton step of the ``p`` coefficients from the fit of all.

    Spread and dispersion are held: all participants together tell them, and a step of theirs from few is wild. In a
    direction in which the likelihood of the others does not curve down there is no step. Then they are fitted anew;
    where they have no maximum, what depends on that direction has the variance NaN: it rests on one participant alone.

    Source: Lipsitz, Dear and Zhao 1994 (one step); Carter, Schnepel and Steigerwald 2017 (the effective number).
    """
    clusters = len(scores)
    scale = np.sqrt(np.diag(information))[:p]
    whole = information[:p, :p] / np.outer(scale, scale)
    moved, alone = np.empty((clusters, p)), np.zeros(p, dtype=bool)
    for g in range(clusters):
        values, vectors = np.linalg.eigh(whole - curvatures[g, :p, :p] / np.outer(scale, scale))
        told = values > _DEFINITE
        if refit is not None and not told.all() and (found := refit(g)) is not None:
            moved[g] = found
            continue
        alone |= (np.abs(vectors[:, ~told]) > _ALONE).any(axis=1)
        step = vectors[:, told] @ ((vectors[:, told].T @ (-scores[g, :p] / scale)) / values[told])
        moved[g] = step / scale
    variance = without_rounding((clusters - 1) / clusters * (moved.T @ moved), np.diag(np.linalg.inv(information))[:p])
    return np.where(alone[:, None] | alone, np.nan, variance)
