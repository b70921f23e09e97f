"""Bias-reduced cluster-robust covariance (CR2) with Satterthwaite degrees of freedom, for few participants.

Each participant's scores are adjusted by a symmetric matrix A = V^1/2 B^-1/2 V^1/2, one row and column a night, with
B = V^1/2 (V - D M D') V^1/2: V the variances of the nights, D the derivatives of their means, M the inverse
information. Written in the orthogonal factor Q of V^-1/2 D, B is V (I - QQ') V: diagonal less low rank. Its inverse
square root is therefore never formed: an elliptic quadrature turns it into a sum of resolvents, each solved by p x p
systems, so that the work grows with the number of nights and not with its cube.

Nights of a participant that are alike in design and offset share one adjustment: the scores see nothing of them but
their sum, which is the coordinate of the residuals along 1 / sqrt(m) of the m nights. So m such nights enter as one
row, its derivative and residual divided by the length of that vector, and every number is that of the nights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from crampstudy.errors import AnalysisError
from crampstudy.models.compress import pattern
from crampstudy.models.covariance import Array, without_rounding
from crampstudy.models.families import Family
from crampstudy.models.working_correlation import Codes

_DIGITS = 30.0  # the quadrature's relative error is e to the minus this
_ALONE = 1e-10
_BLOCK_CELLS = 1 << 16


@dataclass(frozen=True, slots=True)
class Nights:
    """The nights of a fitted generalised linear model with maximum-likelihood ``coefficients`` (p).

    ``matrix`` is n x p; ``outcome``, ``offset``, ``groups`` (codes 0..G-1) and ``multiplicity`` (as how many nights a
    row counts; each once, if not given) have length n. The dispersion of a negative binomial is held in ``family``.
    """

    matrix: Array
    outcome: Array
    offset: Array
    groups: Codes
    coefficients: Array
    family: Family
    multiplicity: Array | None = None


@dataclass(frozen=True, slots=True)
class SmallSample:
    """CR2 ``covariance`` (p x p) of coefficients and ``df`` (p) of their t intervals.

    ``effective`` (p) are the numbers of participants, all alike, that would tell as much. ``alone`` are the
    participants (codes) who alone determine some combination of the coefficients. Their scores say nothing of its
    spread: the generalised inverse leaves it out and the variance is too small.
    """

    covariance: Array
    df: Array
    effective: Array
    alone: tuple[int, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the participants carry a cluster-robust variance: ``df`` (p) of t, ``effective`` (p) participants."""

    df: Array
    effective: Array


def bias_reduced(nights: Nights) -> SmallSample:
    """Return the CR2 covariance of the coefficients of a generalised linear model, with the family's working variance.

    Raises:
        AnalysisError: there are fewer than two participants.

    Source: Bell and McCaffrey 2002; Pustejovsky and Tipton 2018 (R ``clubSandwich``, type CR2, inverse-variance
    weights); Hale, Higham and Trefethen 2008 (method 3, the quadrature).
    """
    rows = _rows(nights)
    p = len(nights.coefficients)
    if rows is None:
        empty = np.full((p, p), np.nan)
        return SmallSample(empty, empty[0], empty[0], problem="the information matrix is singular")
    meat, alone, moments = np.zeros((p, p)), [], _Moments()
    for codes, v, q, residual, present in _blocks(rows):
        adjusted, own = _adjusted(v, q, present)
        weights = np.sqrt(v)[:, :, None] * (adjusted @ rows.root.T)  # M D' V^-1 A, a row a night
        scores = np.einsum("gnp,gn->gp", weights, residual)
        meat += scores.T @ scores
        moments.add(weights, v, q)
        alone += codes[own].tolist()
    expected, df = moments.satterthwaite()
    of_model = np.square(rows.root).sum(axis=1)
    sound = np.isfinite(meat).all() and (expected > _ALONE * of_model).all()
    problem = None if sound else "a coefficient rests on one participant alone: its variance cannot be estimated"
    return SmallSample(without_rounding(meat, of_model), df, moments.effective(), tuple(sorted(alone)), problem)


def reach(nights: Nights) -> Reach:
    """Return the Satterthwaite degrees of freedom of the plain cluster-robust variances, and effective participants.

    Few exposed among many participants show here, where the number of participants does not tell.

    Source: Bell and McCaffrey 2002; Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
    """
    rows = _rows(nights)
    if rows is None:
        missing = np.full(len(nights.coefficients), np.nan)
        return Reach(missing, missing)
    moments = _Moments()
    for _, v, q, _, present in _blocks(rows):
        plain = np.where(present[:, :, None], q / v[:, :, None], 0.0)
        moments.add(np.sqrt(v)[:, :, None] * (plain @ rows.root.T), v, q)
    return Reach(moments.satterthwaite()[1], moments.effective())


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows by participant: working ``variance``, ``orthogonal`` factor Q, ``residual``; M is root root'."""

    variance: Array
    orthogonal: Array
    residual: Array
    groups: Codes
    root: Array


def _rows(nights: Nights) -> _Rows | None:
    """Return the nights that differ, or ``None`` where the information is singular."""
    groups, matrix, family = nights.groups, nights.matrix, nights.family
    if len(groups) == 0 or groups.min() == groups.max():
        raise AnalysisError("a cluster-robust covariance needs at least two participants")
    index = pattern([*matrix.T, nights.offset], groups)
    one = np.empty(int(index.max()) + 1, dtype=np.intp)
    one[index] = np.arange(len(index))
    times = np.bincount(index, weights=nights.multiplicity).astype(np.float64)
    outcomes = nights.outcome if nights.multiplicity is None else nights.outcome * nights.multiplicity
    mu = family.mean(matrix[one] @ nights.coefficients + nights.offset[one])
    variance, length = family.variance(mu), np.sqrt(times)
    residual = (np.bincount(index, weights=outcomes) - times * mu) / length
    derivative = matrix[one] * (family.slope(mu) * length)[:, None]
    orthogonal, triangle = np.linalg.qr(derivative / np.sqrt(variance)[:, None])
    diagonal = np.abs(np.diag(triangle))
    if not (np.isfinite(diagonal).all() and (diagonal > 1e-9 * np.linalg.norm(triangle, axis=0)).all()):
        return None
    root = linalg.solve_triangular(triangle, np.eye(len(triangle))).astype(np.float64)
    return _Rows(variance, orthogonal, residual, groups[one], root)


class _Moments:
    """The first two moments of variance estimates V (p) under the working model, participant by participant.

    V is a quadratic form in the participants' scores, whose covariance is P = diag(spread) - linked linked'
    (G x p, G x p x p); its moments need no G x G matrix.
    """

    def __init__(self) -> None:
        self._spread: list[Array] = []
        self._linked: list[Array] = []

    def add(self, weights: Array, v: Array, q: Array) -> None:
        """Add g participants: ``weights`` of their residuals in the coefficients and Q, both g x n x p."""
        self._spread.append(np.einsum("gnp,gn->gp", weights**2, v))
        self._linked.append(weights.transpose(0, 2, 1) @ (np.sqrt(v)[:, :, None] * q))

    def effective(self) -> Array:
        """Return the number of participants, all alike, whose scores would spread as much."""
        spread = np.concatenate(self._spread)
        with np.errstate(invalid="ignore"):
            number: Array = spread.sum(axis=0) ** 2 / np.square(spread).sum(axis=0)
        return number

    def satterthwaite(self) -> tuple[Array, Array]:
        """Return E(V) and 2 E(V)^2 / Var(V)."""
        spread, linked = np.concatenate(self._spread), np.concatenate(self._linked)
        squares = np.square(linked).sum(axis=2)
        gram = np.einsum("gip,giq->ipq", linked, linked)
        trace = spread.sum(axis=0) - squares.sum(axis=0)
        norm = np.square(spread).sum(axis=0) - 2 * (spread * squares).sum(axis=0) + np.square(gram).sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where no score bears on a coefficient: a problem
            return trace, trace**2 / norm


def _adjusted(v: Array, q: Array, present: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """Return B^-1/2 Q (g x n x p) of each of g participants, and which of them (g) determine a direction alone.

    B = V (I - QQ') V with ``v`` (g x n) the diagonal of V and ``q`` (g x n x p); generalised inverse where singular.
    """
    p = q.shape[2]
    share = q.transpose(0, 2, 1) @ q  # of the whole information, in its own units: eigenvalues 0 to 1
    values, vectors = np.linalg.eigh(share)
    null = values > 1 - _ALONE
    target, absent = q.copy(), np.zeros_like(q)
    for g in np.flatnonzero(null.any(axis=1)):  # at most p participants: the shares sum to the identity
        basis = np.linalg.qr((q[g] @ vectors[g][:, null[g]]) / v[g][:, None])[0]
        absent[g, :, : basis.shape[1]] = basis
        target[g] -= basis @ (basis.T @ q[g])
    largest = np.where(null, 0.0, values).max(axis=1)
    low = np.where(present, v, np.inf).min(axis=1) ** 2 * (1 - largest)
    high = np.where(present, v, 0.0).max(axis=1) ** 2
    rest = np.eye(p) - share
    result = target / v[:, :, None]
    for node, weight in zip(*_quadrature(low, high), strict=True):
        resolvent = 1 / (v**2 + node[:, None])
        inner = rest + q.transpose(0, 2, 1) @ ((node[:, None] * resolvent)[:, :, None] * q)
        scaled = (v * resolvent)[:, :, None] * q
        result += scaled @ (weight[:, None, None] * np.linalg.solve(inner, scaled.transpose(0, 2, 1) @ target))
    result -= absent @ (absent.transpose(0, 2, 1) @ result)
    return result, np.asarray(null.any(axis=1))


def _quadrature(low: Array, high: Array) -> tuple[Array, Array]:
    """Return nodes s and weights w (both k x g) with x^-1/2 = sum w / (x + s) for x from ``low`` to ``high`` (g)."""
    ratio = low / high
    # As many nodes as the widest range needs: 48 where variances differ by a factor of a million, 10 where by two.
    nodes = 2 * int(np.ceil((3 - np.log(ratio.min())) * _DIGITS / (2 * np.pi) ** 2))
    period = special.ellipkm1(ratio)
    half = (np.arange(nodes // 2)[:, None] + 0.5) * period / nodes
    sn, cn, dn, _ = special.ellipj(half, 1 - ratio)
    # The upper half follows from the lower by symmetry; computed directly it would lose half of its digits.
    tangent = np.concatenate([sn / cn, cn / (sn * np.sqrt(ratio))])
    slope = np.concatenate([dn / cn**2, dn / (sn**2 * np.sqrt(ratio))])
    return low * tangent**2, 2 * period * np.sqrt(low) / (np.pi * nodes) * slope


def _blocks(rows: _Rows) -> Iterator[tuple[Codes, Array, Array, Array, NDArray[np.bool_]]]:
    """Yield codes (g) of participants with about equally many rows; their v, q and residuals, and which are present."""
    codes, start, size = np.unique(rows.groups, return_index=True, return_counts=True)
    by_size = np.argsort(size, kind="stable")[::-1]
    at = 0
    while at < len(codes):
        width = int(size[by_size[at]])
        among = by_size[at : at + max(1, _BLOCK_CELLS // width)]
        cell = np.arange(width)
        present = cell < size[among][:, None]
        place = np.where(present, start[among][:, None] + cell, 0)
        v = np.where(present, rows.variance[place], 1.0)
        q = np.where(present[:, :, None], rows.orthogonal[place], 0.0)
        yield codes[among], v, q, np.where(present, rows.residual[place], 0.0), present
        at += len(among)
