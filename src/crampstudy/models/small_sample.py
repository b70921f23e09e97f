"""Bias-reduced cluster-robust covariance (CR2) with Satterthwaite degrees of freedom, for few participants.

Each participant's scores are adjusted by a symmetric matrix A = V^1/2 B^-1/2 V^1/2, one row and column a night, with
B = V^1/2 (V - D M D') V^1/2: V the variances of the nights, D the derivatives of their means, M the inverse
information. Written in the orthogonal factor Q of V^-1/2 D, B is V (I - QQ') V: diagonal less low rank. Its inverse
square root is therefore never formed: an elliptic quadrature turns it into a sum of resolvents, each solved by p x p
systems, so that the work grows with the number of nights and not with its cube.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from crampstudy.errors import AnalysisError
from crampstudy.models.covariance import Array, without_rounding
from crampstudy.models.families import Family
from crampstudy.models.gee import Codes

_NODES = 48  # 4e-12 relative where the variances of a participant's nights differ by a factor of a million
_ALONE = 1e-10
_BLOCK_CELLS = 1 << 16


@dataclass(frozen=True, slots=True)
class SmallSample:
    """CR2 ``covariance`` (p x p) of coefficients and ``df`` (p) of their t intervals.

    ``alone`` are the participants (codes) who alone determine some combination of the coefficients. Their scores say
    nothing of its spread: the generalised inverse leaves it out and the variance is too small.
    """

    covariance: Array
    df: Array
    alone: tuple[int, ...] = ()
    problem: str | None = None


def bias_reduced(
    matrix: Array, outcome: Array, offset: Array, groups: Codes, coefficients: Array, family: Family
) -> SmallSample:
    """Return the CR2 covariance of maximum-likelihood ``coefficients`` (p) of a generalised linear model.

    ``matrix`` is n x p; ``outcome``, ``offset`` and ``groups`` (codes 0..G-1) have length n. The working variance is
    that of the family; the dispersion of the negative binomial is held.

    Raises:
        AnalysisError: there are fewer than two participants.

    Source: Bell and McCaffrey 2002; Pustejovsky and Tipton 2018 (R ``clubSandwich``, type CR2, inverse-variance
    weights); Hale, Higham and Trefethen 2008 (method 3, the quadrature).
    """
    if len(groups) == 0 or groups.min() == groups.max():
        raise AnalysisError("a cluster-robust covariance needs at least two participants")
    mu = family.mean(matrix @ coefficients + offset)
    variance = family.variance(mu)
    derivative = matrix * family.slope(mu)[:, None]
    orthogonal, triangle = np.linalg.qr(derivative / np.sqrt(variance)[:, None])
    p = len(coefficients)
    diagonal = np.abs(np.diag(triangle))
    if not (np.isfinite(diagonal).all() and (diagonal > 1e-9 * np.linalg.norm(triangle, axis=0)).all()):
        empty = np.full((p, p), np.nan)
        return SmallSample(empty, empty[0], problem="the information matrix is singular")
    root = linalg.solve_triangular(triangle, np.eye(p)).astype(np.float64)  # root root' = M
    spread, linked, meat, alone = [], [], np.zeros((p, p)), []
    for codes, rows in _blocks(groups):
        present = rows >= 0
        v = np.where(present, variance[rows], 1.0)
        q = np.where(present[:, :, None], orthogonal[rows], 0.0)
        residual = np.where(present, (outcome - mu)[rows], 0.0)
        adjusted, own = _adjusted(v, q, present)
        weights = np.sqrt(v)[:, :, None] * (adjusted @ root.T)  # M D' V^-1 A, a row a night
        scores = np.einsum("gnp,gn->gp", weights, residual)
        meat += scores.T @ scores
        spread.append(np.einsum("gnp,gn->gp", weights**2, v))
        linked.append(weights.transpose(0, 2, 1) @ (np.sqrt(v)[:, :, None] * q))
        alone += codes[own].tolist()
    expected, df = _satterthwaite(np.concatenate(spread), np.concatenate(linked))
    own = np.square(root).sum(axis=1)
    sound = np.isfinite(meat).all() and (expected > _ALONE * own).all()
    problem = None if sound else "a coefficient rests on one participant alone: its variance cannot be estimated"
    return SmallSample(without_rounding(meat, own), df, tuple(sorted(alone)), problem)


def _satterthwaite(spread: Array, linked: Array) -> tuple[Array, Array]:
    """Return E(V) and 2 E(V)^2 / Var(V) of each variance estimate V (p) under the working model.

    V is a quadratic form in the participants' scores, whose covariance is P = diag(``spread``) - ``linked`` linked'
    (G x p, G x p x p); its first two moments need no G x G matrix.
    """
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
    period = special.ellipkm1(ratio)
    half = (np.arange(_NODES // 2)[:, None] + 0.5) * period / _NODES
    sn, cn, dn, _ = special.ellipj(half, 1 - ratio)
    # The upper half follows from the lower by symmetry; computed directly it would lose half of its digits.
    tangent = np.concatenate([sn / cn, cn / (sn * np.sqrt(ratio))])
    slope = np.concatenate([dn / cn**2, dn / (sn**2 * np.sqrt(ratio))])
    return low * tangent**2, 2 * period * np.sqrt(low) / (np.pi * _NODES) * slope


def _blocks(groups: Codes) -> Iterator[tuple[Codes, Codes]]:
    """Yield codes (g) of participants with about equally many nights, and their rows (g x n; -1 fills the shorter)."""
    order = np.argsort(groups, kind="stable")
    codes, start, size = np.unique(groups[order], return_index=True, return_counts=True)
    by_size = np.argsort(size, kind="stable")[::-1]
    at = 0
    while at < len(codes):
        width = int(size[by_size[at]])
        among = by_size[at : at + max(1, _BLOCK_CELLS // width)]
        cell = np.arange(width)
        inside = cell < size[among][:, None]
        yield codes[among], np.where(inside, order[np.where(inside, start[among][:, None] + cell, 0)], -1)
        at += len(among)
