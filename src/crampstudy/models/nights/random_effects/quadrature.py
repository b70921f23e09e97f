"""Likelihood of normal random effects by adaptive Gauss-Hermite quadrature, with its exact gradient.

A group's effects are v = L u, u standard normal in D dimensions, L lower triangular. The integrand is centred at
the mode of u and scaled by the curvature there (Pinheiro and Bates 1995; Liu and Pierce 1994); one node is
Laplace's approximation. The gradient is that of the approximation itself: the nodes move with the parameters,
and what their movement contributes is carried back through mode and curvature (Skaug and Fournier 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit

from crampstudy.arrays import Array, Codes

_MODE_STEPS = 200
_MODE_TOLERANCE = 1e-7
"""Newton's last step, in units of the curvature; the error left is its square."""
_LARGEST = 300.0
_TOGETHER = 100_000
"""Rows times nodes that are held at a time: small data are not slowed by a loop, large ones take no memory."""
_FEW = 8
"""Fewer nodes than this at a time are slower than one by one."""


@dataclass(frozen=True, slots=True)
class QuadratureRule:
    """Nodes (K x D) for a standard normal and the logarithm of weight x e^(t^2 / 2), K of them."""

    nodes: Array
    log_weights: Array

    @classmethod
    def of(cls, nodes: int, dimensions: int) -> QuadratureRule:
        """Return the product rule with ``nodes`` Gauss-Hermite nodes in each dimension."""
        points, weights = np.polynomial.hermite_e.hermegauss(nodes)
        log_weights = np.log(weights) - 0.5 * np.log(2 * np.pi) + points**2 / 2
        grid = np.array(list(product(range(nodes), repeat=dimensions)))
        return cls(points[grid], log_weights[grid].sum(axis=1))


@dataclass(frozen=True, slots=True)
class Sums:
    """Adds up rows sorted by group, none of them empty: ``sums @ rows`` of R or R x q numbers is G or G x q."""

    starts: Codes
    n_rows: int

    @classmethod
    def of(cls, groups: Codes) -> Sums:
        """Build the sums of rows with the ascending codes ``groups`` (0..G-1, length R)."""
        return cls(np.flatnonzero(np.diff(groups, prepend=-1)), len(groups))

    def __len__(self) -> int:
        return len(self.starts)

    def __matmul__(self, rows: Array) -> Array:
        if len(self.starts) == self.n_rows:
            return rows
        # A vector goes many times faster than a matrix of one column.
        flat = rows[:, 0] if rows.ndim == 2 and rows.shape[1] == 1 else rows
        total: Array = np.add.reduceat(flat, self.starts, axis=0)
        return total.reshape(len(self.starts), *rows.shape[1:])


@dataclass(frozen=True, slots=True)
class QuadratureCells:
    """R rows, sorted by group: ``counts`` (R,), the columns ``z`` (R x D) of the effects, ``groups`` codes 0..G-1."""

    counts: Array
    z: Array
    groups: Codes
    sums: Sums

    @classmethod
    def of(cls, counts: Array, z: Array, groups: Codes) -> QuadratureCells:
        """Build the cells of rows sorted by ``groups``."""
        return cls(counts, z, groups, Sums.of(groups))


@dataclass(frozen=True, slots=True)
class Integral:
    """Log-likelihoods of the groups (G,) and their derivatives.

    ``in_predictor`` and ``in_trials`` (R,) are with respect to each row's linear predictor and number of trials,
    ``in_factor`` (G x D x D) with respect to L; ``modes`` (G x D) are those of u.
    """

    values: Array
    in_predictor: Array
    in_trials: Array  # empty where there are no trials
    in_factor: Array
    modes: Array


def integrate(
    cells: QuadratureCells, predictor: Array, trials: Array | None, factor: Array, rule: QuadratureRule, modes: Array
) -> Integral:
    """Integrate the effects out of the likelihood of each group.

    With eta = ``predictor`` + z' L u the log-likelihood of a row is counts x eta - e^eta without ``trials``, else
    counts x eta - trials x log(1 + e^eta).

    Args:
        cells: counts and columns of the effects, by group.
        predictor: the linear predictor (R) without effects.
        trials: as how often (R) the counts could have been, ``None`` for Poisson.
        factor: L (D x D).
        rule: the nodes.
        modes: where the search for the modes (G x D) starts.
    """
    slopes = cells.z @ factor  # a = L' z, the derivative of eta in u
    modes, summit = _modes(cells, predictor, trials, slopes, modes)
    here = _derivatives(cells.counts, predictor + _along(slopes, modes, cells.groups), trials)
    root = _inverse_root(_curvature(cells, slopes, here.weight))
    integrand = _Integrand(cells, predictor, trials, factor, slopes)
    over = _over_nodes(integrand, rule, _Centre(modes, root, summit))
    # What the objective gains when the curvature grows, then when the mode moves, then when a row's eta does.
    in_curvature = _in_curvature(root, over.spread)
    bent = (slopes[:, None, :] @ in_curvature[cells.groups])[:, 0, :]
    quadratic = (bent * slopes).sum(axis=1)
    in_mode = over.shift + cells.sums @ (slopes * (here.skew * quadratic)[:, None])
    pulled = (root @ (root.transpose(0, 2, 1) @ in_mode[:, :, None]))[:, :, 0]
    along = _along(slopes, pulled, cells.groups)
    moved = here.skew * quadratic - here.weight * along
    in_factor = (
        over.crossed
        + (cells.sums @ (cells.z * here.left[:, None]))[:, :, None] * pulled[:, None, :]
        + (cells.sums @ (cells.z * moved[:, None]))[:, :, None] * modes[:, None, :]
    )
    for d in range(modes.shape[1]):
        in_factor[:, :, d] += 2 * (cells.sums @ (cells.z * (here.weight * bent[:, d])[:, None]))
    in_trials = np.zeros(0)
    if trials is not None:
        in_trials = here.chance * (1 - here.chance) * quadratic - here.chance * along
        in_trials -= over.log_terms
    values = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) + summit + np.log(over.total)
    return Integral(values, over.residual + moved, in_trials, in_factor, modes)


@dataclass(frozen=True, slots=True)
class _Over:
    """Expectations over the nodes, each by its share of the integral, and the ``total`` (G,) of the shares.

    With u a node, t the same before centring and f the log integrand: ``shift`` (G x D) of f', ``spread`` of f' t',
    ``crossed`` (G x D x D) of (sum of z times residual) u'; ``residual`` and ``log_terms`` (R,) of the rows'
    residuals and log(1 + e^eta).
    """

    total: Array
    shift: Array
    spread: Array
    crossed: Array
    residual: Array
    log_terms: Array


@dataclass(frozen=True, slots=True)
class _Integrand:
    """What is integrated: eta = ``predictor`` + ``slopes`` u in each row, slopes = z' L (R x D), L the ``factor``."""

    cells: QuadratureCells
    predictor: Array
    trials: Array | None
    factor: Array
    slopes: Array


@dataclass(frozen=True, slots=True)
class _Centre:
    """Where the nodes lie: around the ``modes`` (G x D), ``root`` (G x D x D) wide, ``summit`` (G,) high."""

    modes: Array
    root: Array
    summit: Array


def _over_nodes(of: _Integrand, rule: QuadratureRule, centre: _Centre) -> _Over:
    cells, predictor, factor, slopes = of.cells, of.predictor, of.factor, of.slopes
    modes, root, summit = centre.modes, centre.root, centre.summit
    people, dimensions = modes.shape
    each, groups = range(dimensions), cells.groups
    total, shift = np.zeros(people), np.zeros(modes.shape)
    spread, crossed = np.zeros((people, dimensions, dimensions)), np.zeros((people, dimensions, dimensions))
    residual, log_terms = np.zeros(len(predictor)), np.zeros(len(predictor))
    counts, wide_trials = cells.counts[:, None], None if of.trials is None else of.trials[:, None]
    together = _TOGETHER // len(predictor)
    if together < _FEW:
        together = 1
    for first in range(0, len(rule.nodes), together):
        nodes = rule.nodes[first : first + together]
        at = [modes[:, d, None] + sum(root[:, d, e, None] * nodes[:, e] for e in each) for d in each]
        eta = predictor[:, None] + sum(slopes[:, d, None] * at[d][groups] for d in each)
        value, left, log_term = _values(counts, eta, wide_trials)
        height = cells.sums @ value - sum(u * u for u in at) / 2 - summit[:, None]
        share = np.exp(rule.log_weights[first : first + together] + height)
        pull = [cells.sums @ (cells.z[:, d, None] * left) for d in each]
        one = np.ones(len(nodes))  # a product is many times faster than a sum over so short an axis
        total += share @ one
        for d in each:
            force = share * (sum(factor[e, d] * pull[e] for e in each) - at[d])
            shift[:, d] += force @ one
            spread[:, d] += force @ nodes
            for e in each:
                crossed[:, d, e] += (share * pull[d] * at[e]) @ one
        of_rows = share[groups]
        residual += (of_rows * left) @ one
        if log_term is not None:
            log_terms += (of_rows * log_term) @ one
    shift, spread, crossed = shift / total[:, None], spread / total[:, None, None], crossed / total[:, None, None]
    return _Over(total, shift, spread, crossed, residual / total[groups], log_terms / total[groups])


@dataclass(frozen=True, slots=True)
class _Derivatives:
    """Derivatives (R,) of the rows' log-likelihoods in eta: the first, minus the second, minus the third."""

    left: Array
    weight: Array
    skew: Array
    chance: Array  # e^eta / (1 + e^eta), where there are trials


def _derivatives(counts: Array, eta: Array, trials: Array | None) -> _Derivatives:
    if trials is None:
        mean = np.exp(np.minimum(eta, _LARGEST))
        return _Derivatives(counts - mean, mean, mean, mean)
    chance = expit(eta)
    weight = trials * chance * (1 - chance)
    return _Derivatives(counts - trials * chance, weight, weight * (1 - 2 * chance), chance)


def _values(counts: Array, eta: Array, trials: Array | None) -> tuple[Array, Array, Array | None]:
    """Return the rows' log-likelihoods, their derivatives in eta and, with trials, log(1 + e^eta)."""
    if trials is None:
        eta = np.minimum(eta, _LARGEST)
        mean = np.exp(eta)
        return counts * eta - mean, counts - mean, None
    small = np.exp(-np.abs(eta))
    log_term = np.maximum(eta, 0.0) + np.log1p(small)
    return counts * eta - trials * log_term, counts - trials * np.where(eta > 0, 1.0, small) / (1 + small), log_term


def _modes(
    cells: QuadratureCells, predictor: Array, trials: Array | None, slopes: Array, start: Array
) -> tuple[Array, Array]:
    """Return the modes of u (G x D) and the log of the integrand there (G,), by Newton's method, halved per group."""

    def height(u: Array) -> Array:
        value, _, _ = _values(cells.counts, predictor + _along(slopes, u, cells.groups), trials)
        summed: Array = cells.sums @ value - (u * u).sum(axis=1) / 2
        return summed

    at, top = start, height(start)
    for _ in range(_MODE_STEPS):
        here = _derivatives(cells.counts, predictor + _along(slopes, at, cells.groups), trials)
        gradient = cells.sums @ (slopes * here.left[:, None]) - at
        root = _inverse_root(_curvature(cells, slopes, here.weight))
        scaled = (root.transpose(0, 2, 1) @ gradient[:, :, None])[:, :, 0]
        step = (root @ scaled[:, :, None])[:, :, 0]
        there = height(at + step)
        for _ in range(60):
            worse = ~(there >= top - 1e-12 * (1 + np.abs(top)))
            if not worse.any():
                break
            step[worse] /= 2
            there = height(at + step)
        at, top = at + step, there
        if np.abs(scaled).max() < _MODE_TOLERANCE:
            break
    return at, top


def _along(slopes: Array, effects: Array, groups: Codes) -> Array:
    """Return the sum (R,) of each row's ``slopes`` (R x D) times its group's ``effects`` (G x D)."""
    total: Array = slopes[:, 0] * effects[groups, 0]
    for d in range(1, slopes.shape[1]):
        total += slopes[:, d] * effects[groups, d]
    return total


def _curvature(cells: QuadratureCells, slopes: Array, weight: Array) -> Array:
    """Return minus the second derivative in u of the groups' log integrands (G x D x D)."""
    dimensions = slopes.shape[1]
    made = np.empty((len(cells.sums), dimensions, dimensions))
    for d in range(dimensions):
        made[:, d, : d + 1] = cells.sums @ (slopes[:, : d + 1] * (weight * slopes[:, d])[:, None])
        made[:, : d + 1, d] = made[:, d, : d + 1]
        made[:, d, d] += 1.0
    return made


def _inverse_root(curvature: Array) -> Array:
    """Return C, upper triangular with C C' = H^-1, of each H (G x D x D) of one or two dimensions."""
    made = np.zeros_like(curvature)
    first = np.sqrt(curvature[:, 0, 0])
    made[:, 0, 0] = 1 / first
    if made.shape[1] == 2:
        below = curvature[:, 1, 0] / first
        # 1 + what the data add, so that rounding alone can take it below 1.
        second = np.sqrt(np.maximum(curvature[:, 1, 1] - below**2, 1.0))
        made[:, 1, 1] = 1 / second
        made[:, 0, 1] = -below / (first * second)
    return made


def _in_curvature(root: Array, spread: Array) -> Array:
    """Return the derivative (G x D x D, symmetric) of the objective in H, through the log-determinant and the nodes.

    With H = M M' and C = M^-T, dC = -C P', P the lower half of C' dH C with its diagonal halved (Smith 1995).
    """
    turned = (root.transpose(0, 2, 1) @ spread).transpose(0, 2, 1)
    lower = np.tril(turned)
    diagonal = np.arange(root.shape[1])
    lower[:, diagonal, diagonal] = (lower[:, diagonal, diagonal] + 1) / 2
    made = -root @ lower @ root.transpose(0, 2, 1)
    symmetric: Array = (made + made.transpose(0, 2, 1)) / 2
    return symmetric
