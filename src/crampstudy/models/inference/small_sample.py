"""Bias-reduced cluster-robust covariance (CR2) with Satterthwaite degrees of freedom, for few participants.

Each participant's scores are adjusted by a symmetric matrix A = V^1/2 B^-1/2 V^1/2, one row and column a night, with
B = V^1/2 (V - D M D') V^1/2: V the variances of the nights, D the derivatives of their means, M the inverse
information. Written in the orthogonal factor Q of V^-1/2 D, B is V (I - QQ') V: diagonal less low rank. Its inverse
square root is therefore never formed. Where the nights have one variance it is known in closed form; elsewhere an
elliptic quadrature turns it into a sum of resolvents, so that the work grows with the number of nights and not with its
cube. Each is solved in the rank that Q has in these nights: 1 for all the coefficients of what does not change from
night to night.

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

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.common.aggregation import pattern
from crampstudy.models.common.distributions import ResponseFamily
from crampstudy.models.inference.covariance import without_rounding
from crampstudy.models.inference.satterthwaite import Satterthwaite, each_times
from crampstudy.models.optimise import products

_DIGITS = 30.0  # the quadrature's relative error is e to the minus this
_ALONE = 1e-10
_NOTHING, _TINY = 1e-15, 1e-30
"""An eigenvalue of QQ' smaller than the first beside its largest is rounding; below the second none is divided by."""
_DEPENDS = 0.05
"""How much of a direction, in standard errors, a coefficient has that depends on it."""
_SINGULAR = 1e-9
"""An information is singular whose root has a diagonal below this beside its columns."""


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
    family: ResponseFamily
    multiplicity: Array | None = None


@dataclass(frozen=True, slots=True)
class SmallSample:
    """CR2 ``covariance`` (p x p) of coefficients, with the ``moments`` behind the degrees of freedom of t intervals.

    ``lone`` (p) says which coefficients rest on one participant alone. ``alone`` are the participants (codes) who
    alone determine some combination of the coefficients. Their scores say nothing of its spread: the generalised
    inverse leaves it out and the variance is too small.
    """

    covariance: Array
    moments: Satterthwaite
    lone: NDArray[np.bool_]
    alone: tuple[int, ...] = ()
    problem: str | None = None

    @property
    def df(self) -> Array:
        """Degrees of freedom of the coefficients (p)."""
        return self.moments.df()

    @property
    def effective(self) -> Array:
        """The numbers of participants, all alike, that would tell as much of the coefficients (p)."""
        return self.moments.effective()


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
        none = Satterthwaite(empty[None], empty[None], np.ones(1), np.eye(p))
        return SmallSample(empty, none, np.ones(p, dtype=bool), problem="the information matrix is singular")
    meat, unadjusted, alone, parts = np.zeros((p, p)), np.zeros(p), [], []
    told, length = np.zeros(p, dtype=bool), np.linalg.norm(rows.root, axis=1)
    for codes, v, q, residual, present in _blocks(rows):
        adjusted, directions = _adjusted(v, q, present)
        weights = np.sqrt(v)[:, :, None] * each_times(adjusted, rows.root.T)  # M D' V^-1 A, a row a night
        scores = np.einsum("gnp,gn->gp", weights, residual)
        meat += scores.T @ scores
        plain = np.einsum("gnp,gn->gp", q, residual / np.sqrt(v)) @ rows.root.T
        unadjusted += np.square(plain).sum(axis=0)
        parts.append((*_part(weights, v, q), rows.rates[codes]))
        alone += codes[list(directions)].tolist()
        for direction in directions.values():
            told |= np.linalg.norm(rows.root @ direction, axis=1) > _DEPENDS * length
    spread, linked, rates = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    moments = Satterthwaite(spread, linked, rates, np.eye(p))
    of_model = np.square(rows.root).sum(axis=1)
    lone = told | ~(moments.expected() > _ALONE * of_model)
    # The adjustment weighs nights unequally: of people with one diary, whose scores are all 0, it makes a variance.
    return SmallSample(without_rounding(meat, of_model, unadjusted), moments, lone, tuple(sorted(alone)))


def reach(nights: Nights) -> Satterthwaite:
    """Return the moments of the plain cluster-robust variances.

    Few exposed among many participants show here, where the number of participants does not tell.

    Source: Bell and McCaffrey 2002; Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
    """
    _check(nights.groups)
    family, p = nights.family, len(nights.coefficients)
    times = 1.0 if nights.multiplicity is None else nights.multiplicity
    mu = family.mean(nights.matrix @ nights.coefficients + nights.offset)
    weights = family.slope(mu) * np.sqrt(times / family.variance(mu))
    found = products.root(products.weighted(nights.matrix, weights**2))
    if found is None:
        found = np.asarray(np.linalg.qr(nights.matrix * weights[:, None], mode="r"))
    root = _root(found)
    if root is None:
        missing = np.full((1, p, p), np.nan)
        return Satterthwaite(missing, missing, np.ones(1), np.eye(p))
    # Of scores that are not adjusted, both moments follow from the participants' parts of the information, which sum to
    # the identity in the coordinates of the orthogonal factor.
    shares = products.within(nights.matrix, nights.groups, weights, root)
    rates = _rates(family, nights.outcome * times, nights.groups, times * mu, nights.groups)
    return Satterthwaite(shares, shares, rates, root)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows by participant: working ``variance``, ``orthogonal`` factor Q, ``residual``; M is root root'.

    ``rates`` (G) are the participants' events beside those expected of them, of numbers 1.
    """

    variance: Array
    orthogonal: Array
    residual: Array
    groups: Codes
    root: Array
    rates: Array


def _rows(nights: Nights) -> _Rows | None:
    """Return the nights that differ, or ``None`` where the information is singular."""
    groups, matrix, family = nights.groups, nights.matrix, nights.family
    _check(groups)
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
    root = _root(triangle)
    if root is None:
        return None
    rates = _rates(family, outcomes, groups, times * mu, groups[one])
    return _Rows(variance, orthogonal, residual, groups[one], root, rates)


def _check(groups: Codes) -> None:
    if len(groups) == 0 or groups.min() == groups.max():
        raise AnalysisError("a cluster-robust covariance needs at least two participants")


def _rates(family: ResponseFamily, outcomes: Array, of: Codes, expected: Array, of_expected: Codes) -> Array:
    """Return the participants' events beside those expected of them, of numbers 1.

    Args:
        family: that of the outcomes.
        outcomes: sums over the nights that each row (n) stands for.
        of: whose they are (n).
        expected: sums of the means (m).
        of_expected: whose they are (m).
    """
    if family.name == "gaussian":
        return np.ones(int(of.max()) + 1)
    rates: Array = np.bincount(of, weights=outcomes) / np.bincount(of_expected, weights=expected)
    return rates


def _root(triangle: Array) -> Array | None:
    """Return the inverse of a ``triangle`` (p x p), or ``None`` where it is singular."""
    if not products.is_regular(triangle, _SINGULAR):
        return None
    root: Array = linalg.solve_triangular(triangle, np.eye(len(triangle))).astype(np.float64)
    return root


def _part(weights: Array, v: Array, q: Array) -> tuple[Array, Array]:
    """Return spread and linked of g participants: ``weights`` of their residuals in the coefficients, Q (g x n x p)."""
    scaled = np.sqrt(v)[:, :, None] * weights
    return scaled.transpose(0, 2, 1) @ scaled, q.transpose(0, 2, 1) @ scaled


def _adjusted(v: Array, q: Array, present: Flags) -> tuple[Array, dict[int, Array]]:
    """Return B^-1/2 Q (g x n x p) of each of g participants, and the directions (p x d) that some determine alone.

    B = V (I - QQ') V with ``v`` (g x n) the diagonal of V and ``q`` (g x n x p); generalised inverse where singular.
    """
    factor, coordinates, share = _thin(q)
    rest = (q - factor @ coordinates) / v[:, :, None]
    null = share > 1 - _ALONE
    target, absent, alone = factor.copy(), np.zeros_like(factor), {}
    for g in np.flatnonzero(null.any(axis=1)):  # at most p participants: the shares sum to the identity
        own = factor[g][:, null[g]]
        alone[int(g)] = q[g].T @ own
        basis = np.linalg.qr(own / v[g][:, None])[0]
        absent[g, :, : basis.shape[1]] = basis
        target[g] -= basis @ (basis.T @ target[g])
    left = np.where(null, 1.0, 1 - share)
    low, high = np.where(present, v, np.inf).min(axis=1), np.where(present, v, 0.0).max(axis=1)
    # Of equal variances this is the root itself.
    rooted = target / (v[:, :, None] * np.sqrt(left)[:, None, :])
    if (uneven := low < high).any():
        bounds = low[uneven] ** 2 * left[uneven].min(axis=1), high[uneven] ** 2
        rooted[uneven] = _rooted(v[uneven], factor[uneven], share[uneven], target[uneven], bounds)
    result = rooted @ coordinates + rest
    result -= absent @ (absent.transpose(0, 2, 1) @ result)
    return result, alone


def _thin(q: Array) -> tuple[Array, Array, Array]:
    """Return F (g x n x r) with FF' = QQ' and as few columns as that needs, C with Q = FC, and the diagonal F'F."""
    across = q.transpose(0, 2, 1)
    if q.shape[1] < q.shape[2]:
        values, vectors = np.linalg.eigh(q @ across)
        length = np.sqrt(np.maximum(values, _TINY))
        factor = vectors * length[:, None, :]
        coordinates = (vectors.transpose(0, 2, 1) @ q) / length[:, :, None]
    else:
        values, vectors = np.linalg.eigh(across @ q)
        factor, coordinates = q @ vectors, vectors.transpose(0, 2, 1)
    kept = (values > _NOTHING * values[:, -1:]).any(axis=0)
    return factor[:, :, kept], coordinates[:, kept], np.maximum(values[:, kept], 0.0)


def _rooted(v: Array, factor: Array, share: Array, target: Array, bounds: tuple[Array, Array]) -> Array:
    """Return B^-1/2 times ``target`` (g x n x r) by quadrature; all eigenvalues of B are within ``bounds`` (g)."""
    diagonal = np.arange(share.shape[1])
    across, rooted = factor.transpose(0, 2, 1), target / v[:, :, None]
    for node, weight in zip(*_quadrature(*bounds), strict=True):
        resolvent = 1 / (v**2 + node[:, None])
        inner = across @ ((node[:, None] * resolvent)[:, :, None] * factor)
        inner[:, diagonal, diagonal] += 1 - share
        scaled = (v * resolvent)[:, :, None] * factor
        rooted += scaled @ (weight[:, None, None] * np.linalg.solve(inner, scaled.transpose(0, 2, 1) @ target))
    return rooted


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


def _blocks(rows: _Rows) -> Iterator[tuple[Codes, Array, Array, Array, Flags]]:
    """Yield codes (g) of participants with about equally many rows; their v, q and residuals, and which are present."""
    for codes, place, present in products.participants(rows.groups):
        v = np.where(present, rows.variance[place], 1.0)
        q = np.where(present[:, :, None], rows.orthogonal[place], 0.0)
        yield codes, v, q, np.where(present, rows.residual[place], 0.0), present
