"""How sure the coefficients of a model of nights are: the covariance shown, its degrees of freedom, what it rests on.

``auto`` is decided by the data alone: bias-reduced (CR2) for regressions and the jackknife for the others where the
participants are few, the plain cluster-robust sandwich where they are many, and that of coefficients and dispersion
together where a few huge counts make the dispersion the larger part of the uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crampstudy.models.count import CountFit, Joint
from crampstudy.models.covariance import (
    JACKKNIFE_BELOW,
    Array,
    Covariance,
    covariance,
    degrees_of_freedom,
    without_rounding,
)
from crampstudy.models.small_sample import Nights, Satterthwaite, bias_reduced, reach
from crampstudy.wording import counted

MOST_BIAS_REDUCED = 2000
"""Up to so many participants ``auto`` is CR2; beyond, both sandwiches are the same to the digits that are shown."""
JOINT = 1.5
"""How many times as wide intervals of the sandwich with the dispersion must be before ``auto`` shows it."""
_DEFINITE = 1e-8
_ALONE = 1e-5


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
    moments: Satterthwaite | None = None


def named(made: Inference, kind: Covariance) -> tuple[str, ...]:
    """Return what ``auto`` turned out to be, for the note of a row."""
    return (f"covariance {made.used}",) if kind == "auto" else ()


def bias_reduces(kind: Covariance, clusters: int) -> bool:
    """Say whether a regression of so many participants is shown with CR2, which needs to know equal nights."""
    return kind == "cluster-small" or (kind == "auto" and clusters <= MOST_BIAS_REDUCED)


def of_regression(fitted: CountFit, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a Poisson, negative-binomial or logistic regression, fitted to ``nights``."""
    made = with_dispersion_held(fitted, nights, kind)
    return _with_dispersion(made, fitted, nights) if kind == "auto" and not made.problem else made


def with_dispersion_held(fitted: CountFit, nights: Nights, kind: Covariance) -> Inference:
    """Return the inference of a regression as :func:`of_regression`, ``auto`` holding the dispersion at any counts."""
    clusters, p = int(nights.groups.max()) + 1, len(fitted.coefficients)
    if bias_reduces(kind, clusters):
        small = bias_reduced(nights)
        notes = (_alone(len(small.alone)),) if small.alone else ()
        return Inference(
            small.covariance, small.df, small.effective, "cluster-small", notes, small.problem, small.moments
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
    joint = _sandwich(fitted, nights, "cluster-joint")
    with np.errstate(divide="ignore", invalid="ignore"):  # participants who are all alike have no spread at all
        times = np.sqrt(np.diag(joint) / np.diag(variance))
    return np.nan_to_num(times, nan=1.0, posinf=np.inf)


def _with_dispersion(made: Inference, fitted: CountFit, nights: Nights) -> Inference:
    """Return the inference with the joint sandwich where that is much the wider one."""
    if fitted.joint is None:
        return made
    wider = times_wider(fitted, nights, made.variance)
    if not (wider > JOINT).any():
        return made
    joint = _sandwich(fitted, nights, "cluster-joint")
    note = f"few counts rule the dispersion: with it held, intervals would be up to {wider.max():.1f} times narrower"
    return replace(made, variance=joint, used="cluster-joint", notes=(*made.notes, note))


def _sandwich(fitted: CountFit, nights: Nights, kind: Covariance) -> Array:
    if kind != "cluster-joint":
        return covariance(fitted.information, fitted.scores, nights.groups, kind)
    joint = fitted.joint or Joint(fitted.scores, fitted.information)
    p = len(fitted.coefficients)
    return covariance(joint.information, joint.scores, nights.groups, "cluster")[:p, :p]


def _alone(number: int) -> str:
    who = counted(number, "participants")
    return f"{who} alone determine{'s' if number == 1 else ''} a combination of terms, of whose spread nothing is known"


def of_clusters(scores: Array, information: Array, curvatures: Array | None, p: int, kind: Covariance) -> Inference:
    """Return the inference of the first ``p`` of k parameters, from the participants' parts.

    Args:
        scores: G x k, the participants' contributions to the score, whose sum is zero.
        information: k x k, observed.
        curvatures: G x k x k, the participants' parts of ``information``; what the jackknife needs, and ``auto`` below
            :data:`JACKKNIFE_BELOW` participants.
        p: the number of coefficients, which stand before dispersion and spread.
        kind: the covariance asked for.
    """
    clusters = len(scores)
    effective = np.full(p, np.nan) if curvatures is None else _effective(information, curvatures)[:p]
    if curvatures is not None and (kind == "jackknife" or (kind == "auto" and clusters < JACKKNIFE_BELOW)):
        variance = _jackknife(scores, information, curvatures, p)
        if variance is None:
            missing = np.full((p, p), np.nan)
            reason = "without one of the participants the likelihood has no maximum: too much rests on that one"
            return Inference(missing, missing[0], effective, "jackknife", problem=reason)
        return Inference(variance, np.maximum(effective - 1, 1.0), effective, "jackknife")
    used: Covariance = "cluster" if kind == "auto" else kind
    variance = covariance(information, scores, np.arange(clusters), used)[:p, :p]
    return Inference(variance, np.full(p, degrees_of_freedom(clusters, used)), effective, used)


def _jackknife(scores: Array, information: Array, curvatures: Array, p: int) -> Array | None:
    """Leave one participant out at a time, by one Newton step from the fit of all; ``None`` where there is no step.

    What one participant alone tells stays as it is in that step, and what depends on it has the variance NaN.

    Source: Lipsitz, Dear and Zhao 1994 (one step); Carter, Schnepel and Steigerwald 2017 (the effective number).
    """
    clusters = len(scores)
    scale = np.sqrt(np.diag(information))
    moved, alone = np.empty((clusters, p)), np.zeros(p, dtype=bool)
    for g in range(clusters):
        rest, score = (information - curvatures[g]) / np.outer(scale, scale), -scores[g] / scale
        values, vectors = np.linalg.eigh(rest)
        if values[0] < _DEFINITE:
            # A spread or dispersion that only all participants together tell is held as they tell it.
            values, vectors = np.linalg.eigh(rest[:p, :p])
            score = score[:p]
            if values[0] < -_DEFINITE:
                return None
        told = values > _DEFINITE
        alone |= (np.abs(vectors[:p, ~told]) > _ALONE).any(axis=1)
        step = vectors[:, told] @ ((vectors[:, told].T @ score) / values[told])
        moved[g] = step[:p] / scale[:p]
    variance = without_rounding((clusters - 1) / clusters * (moved.T @ moved), np.diag(np.linalg.inv(information))[:p])
    return np.where(alone[:, None] | alone, np.nan, variance)


def _effective(information: Array, curvatures: Array) -> Array:
    """Return the number of participants, all alike, whose scores would spread as much in each parameter."""
    bread = np.linalg.inv(information)
    share = np.maximum(np.einsum("ij,gjk,ki->gi", bread, curvatures, bread), 0.0)
    with np.errstate(invalid="ignore"):
        number: Array = share.sum(axis=0) ** 2 / np.square(share).sum(axis=0)
    return number
