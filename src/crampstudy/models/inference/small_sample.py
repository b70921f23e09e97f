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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.models.common.aggregation import pattern
from crampstudy.models.common.distributions import ResponseFamily
from crampstudy.models.inference.covariance import effective_number, without_rounding

_DIGITS = 30.0  # the quadrature's relative error is e to the minus this
_ALONE = 1e-10
_NOTHING, _TINY = 1e-15, 1e-30
"""An eigenvalue of QQ' smaller than the first beside its largest is rounding; below the second none is divided by."""
_DEPENDS = 0.05
"""How much of a direction, in standard errors, a coefficient has that depends on it."""
_BLOCK_CELLS = 1 << 13
"""So many nights are worked on at once: their arrays stay in the cache of a processor."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Satterthwaite:
    """How far G participants carry the variances of p coefficients, or of combinations of them (k x p), if given.

    A variance V is a quadratic form in the participants' scores, whose covariance under the working model is
    diag(spread) - linked linked' (``spread`` and ``linked`` G x p x p); its moments need no G x G matrix. ``rates`` (G)
    are the participants' events, each beside what the model expects of them.
    """

    spread: Array
    linked: Array
    rates: Array

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom (k) of t: 2 E(V)^2 / Var(V)."""
        spread, linked = self._of(contrasts)
        squares = np.square(linked).sum(axis=2)
        gram = linked.transpose(1, 2, 0) @ linked.transpose(1, 0, 2)
        norm = np.square(spread).sum(axis=0) - 2 * (spread * squares).sum(axis=0) + np.square(gram).sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where no score bears on a coefficient: a problem
            number: Array = (spread.sum(axis=0) - squares.sum(axis=0)) ** 2 / norm
        return number

    def df_at_own_rates(self, contrasts: Array) -> Array:
        """Return the degrees of freedom (k) where scores spread with the participants' own events, not the expected.

        Who has ten times the cramps of another tells most of what nights of one person are compared for; a working
        model in which both are alike counts them as two. Never more than :meth:`df`.

        Source: Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
        """
        spread = self._of(contrasts)[0]
        fewer = effective_number(spread * self.rates[:, None]) / effective_number(spread)
        number: Array = self.df(contrasts) * np.minimum(fewer, 1.0)
        return number

    def expected(self, contrasts: Array | None = None) -> Array:
        """Return E(V) (k)."""
        spread, linked = self._of(contrasts)
        trace: Array = spread.sum(axis=0) - np.square(linked).sum(axis=(0, 2))
        return trace

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the number of participants (k), all alike, whose scores would spread as much."""
        return effective_number(self._of(contrasts)[0])

    def turned(self, by: Array) -> Satterthwaite:
        """Return the moments of other coefficients, ``by`` (p x p) of these."""
        half = _times(self.spread, by.T).transpose(0, 2, 1)  # each spread is symmetric
        return Satterthwaite(_times(half, by.T), self._linked(by), self.rates)

    def _of(self, contrasts: Array | None) -> tuple[Array, Array]:
        if contrasts is None:
            return np.diagonal(self.spread, axis1=1, axis2=2), self.linked
        return (_times(self.spread, contrasts.T) * contrasts.T).sum(axis=1), self._linked(contrasts)

    def _linked(self, by: Array) -> Array:
        return _times(self.linked.transpose(0, 2, 1), by.T).transpose(0, 2, 1)


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
        none = Satterthwaite(empty[None], empty[None], np.ones(1))
        return SmallSample(empty, none, np.ones(p, dtype=bool), problem="the information matrix is singular")
    meat, alone, parts = np.zeros((p, p)), [], []
    told, length = np.zeros(p, dtype=bool), np.linalg.norm(rows.root, axis=1)
    for codes, v, q, residual, present in _blocks(rows):
        adjusted, directions = _adjusted(v, q, present)
        weights = np.sqrt(v)[:, :, None] * _times(adjusted, rows.root.T)  # M D' V^-1 A, a row a night
        scores = np.einsum("gnp,gn->gp", weights, residual)
        meat += scores.T @ scores
        parts.append((*_part(weights, v, q), rows.rates[codes]))
        alone += codes[list(directions)].tolist()
        for direction in directions.values():
            told |= np.linalg.norm(rows.root @ direction, axis=1) > _DEPENDS * length
    moments = _concatenated(parts)
    of_model = np.square(rows.root).sum(axis=1)
    lone = told | ~(moments.expected() > _ALONE * of_model)
    return SmallSample(without_rounding(meat, of_model), moments, lone, tuple(sorted(alone)))


def reach(nights: Nights) -> Satterthwaite:
    """Return the moments of the plain cluster-robust variances.

    Few exposed among many participants show here, where the number of participants does not tell.

    Source: Bell and McCaffrey 2002; Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
    """
    rows = _rows(nights)
    if rows is None:
        missing = np.full((1, len(nights.coefficients), len(nights.coefficients)), np.nan)
        return Satterthwaite(missing, missing, np.ones(1))
    parts = []
    for codes, v, q, _, present in _blocks(rows):
        plain = np.where(present[:, :, None], q / v[:, :, None], 0.0)
        spread, linked = _part(np.sqrt(v)[:, :, None] * _times(plain, rows.root.T), v, q)
        parts.append((spread, linked, rows.rates[codes]))
    return _concatenated(parts)


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
    rates = np.ones(int(groups.max()) + 1)
    if family.name != "gaussian":
        rates = np.bincount(groups, weights=outcomes) / np.bincount(groups[one], weights=times * mu)
    return _Rows(variance, orthogonal, residual, groups[one], root, rates)


def _times(many: Array, by: Array) -> Array:
    """Return the product of each of g matrices (g x n x p) with one other (p x k), as one product."""
    g, n, p = many.shape
    made: Array = (many.reshape(-1, p) @ by).reshape(g, n, by.shape[1])
    return made


def _concatenated(parts: Sequence[tuple[Array, Array, Array]]) -> Satterthwaite:
    return Satterthwaite(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _part(weights: Array, v: Array, q: Array) -> tuple[Array, Array]:
    """Return spread and linked of g participants: ``weights`` of their residuals in the coefficients, Q (g x n x p)."""
    scaled = np.sqrt(v)[:, :, None] * weights
    across = scaled.transpose(0, 2, 1)
    return across @ scaled, across @ q


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
