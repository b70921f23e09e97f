"""Marginal models: generalised estimating equations with an exchangeable or AR(1) working correlation.

The working correlation of AR(1) follows the calendar: two nights d apart have rho^d, however many rows lie between.
Coefficients, scale and correlation are estimated in turn as geepack does (Halekoh, Højsgaard and Yan 2006), so that
the numbers agree also where the working correlation is wrong: the scale is the mean squared Pearson residual, and
every pair of nights of a participant counts once in the equation of the correlation (Yan and Fine 2004). For AR(1)
that equation can have several roots when the truth is no AR(1); as in geepack, the one found is the one that
Gauss-Newton steps reach from rho = 0. Moment estimators from neighbouring nights alone, as other software has them,
give other standard errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from crampstudy.errors import AnalysisError
from crampstudy.models import newton
from crampstudy.models.count import CountFit, poisson
from crampstudy.models.covariance import JACKKNIFE_BELOW, Array
from crampstudy.models.families import BINOMIAL, POISSON, Family
from crampstudy.models.logistic import logistic

Working = Literal["exchangeable", "ar1"]
Codes = NDArray[np.intp]

_STEPS = 200
_TOLERANCE = 1e-11
_EDGE = 1e-8
_TINY = 1e-14
_BLOCK_ROWS = 1 << 14
_BLOCK_CELLS = 1 << 19


@dataclass(frozen=True, slots=True)
class GeeFit:
    """A fitted marginal model of G participants and p coefficients.

    ``scores`` (G x p) are the participants' contributions to the estimating function and ``information`` (p x p)
    its sensitivity, both divided by ``scale``: ``covariance(information, scores, np.arange(G), kind)`` gives the
    covariances; ``curvatures`` (G x p x p) are the participants' parts of it, where they are few. ``alpha`` is the
    correlation of two nights (AR(1): of nights ``apart`` so many, the fewest of which all distances are multiples, one
    as a rule: where nights are two apart nothing is known of neighbouring ones), ``scale`` the factor of the variance, 1 where the family
    holds.
    """

    coefficients: Array
    scores: Array
    information: Array
    alpha: float
    scale: float
    iterations: int
    problem: str | None = None
    curvatures: Array | None = None
    apart: int = 1


def gee(
    matrix: Array,
    outcome: Array,
    offset: Array,
    groups: Codes,
    nights: NDArray[np.int64],
    *,
    family: Literal["poisson", "binomial"],
    working: Working,
) -> GeeFit:
    """Fit a marginal model of ``outcome`` on ``matrix`` (n x p).

    ``offset`` is log exposure (zeros for ``binomial``), ``groups`` the participants' codes 0..G-1 and ``nights`` the
    calendar night as a whole number (days since any day), all of length n, in any order.

    Raises:
        AnalysisError: a participant has two rows of one night, a code has no row, or a binary outcome is not 0 or 1.

    Source: Liang and Zeger 1986; Yan and Fine 2004 (the equation of the working correlation).
    """
    start = poisson(matrix, outcome, offset) if family == "poisson" else logistic(matrix, outcome, offset)
    since, apart = _distances(groups, nights)
    blocks = tuple(_blocks(matrix, outcome, offset, groups, since))
    structure: _Structure = _Exchangeable() if working == "exchangeable" else _Ar1()
    if start.problem:
        return _none(start, groups, start.problem)
    if max(block.size.max() for block in blocks) < 2:
        return _none(start, groups, "no participant has two nights: a working correlation cannot be estimated")
    fit = _alternate(start.coefficients, blocks, POISSON if family == "poisson" else BINOMIAL, structure)
    return replace(fit, apart=apart)


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows of g whole participants, by participant and night; ``place`` is their cell in a calendar of g rows."""

    matrix: Array
    outcome: Array
    offset: Array
    member: Codes  # 0..g-1
    size: Codes  # (g,) rows of each participant
    start: Codes  # (g,) their first row
    gap: Array  # nights since the participant's row before; 0 at the first
    place: Codes
    calendar: tuple[int, int]

    def residuals(self, b: Array, family: Family) -> tuple[Array, Array]:
        """Return the Pearson residuals (n) and the factor (n) that turns a design row into their derivative."""
        mu = family.mean(self.matrix @ b + self.offset)
        root = np.sqrt(family.variance(mu))
        return (self.outcome - mu) / root, family.slope(mu) / root


class _Structure(Protocol):
    """A working correlation R of one parameter."""

    def solve(self, alpha: float, block: _Block, columns: Array) -> Array:
        """Return R^-1 times ``columns`` (n x k), participant by participant."""

    def products(self, block: _Block, residuals: Array) -> Array:
        """Return the sums of products over pairs of nights of a participant, by distance."""

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        """Return the correlation at each of ``n`` distances and its derivative in alpha."""

    def lowest(self, blocks: tuple[_Block, ...]) -> float:
        """Return the alpha above which (and below 1) R is positive definite."""


class _Exchangeable:
    def solve(self, alpha: float, block: _Block, columns: Array) -> Array:
        shared = alpha / (1 + (block.size - 1) * alpha)
        sums = np.add.reduceat(columns, block.start, axis=0) * shared[:, None]
        inverse: Array = (columns - sums[block.member]) / (1 - alpha)
        return inverse

    def products(self, block: _Block, residuals: Array) -> Array:
        sums = np.add.reduceat(residuals, block.start)
        return np.array([(sums @ sums - residuals @ residuals) / 2])

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        return np.full(n, alpha), np.ones(n)

    def lowest(self, blocks: tuple[_Block, ...]) -> float:
        return -1 / (max(int(block.size.max()) for block in blocks) - 1)


class _Ar1:
    def solve(self, alpha: float, block: _Block, columns: Array) -> Array:
        # Each night depends on the participant's night before alone: R^-1 = L' W L with L of two diagonals.
        link = np.where(block.gap > 0, alpha**block.gap, 0.0)
        innovation = columns.copy()
        innovation[1:] -= link[1:, None] * columns[:-1]
        innovation /= (1 - link**2)[:, None]
        innovation[:-1] -= link[1:, None] * innovation[1:]
        return innovation

    def products(self, block: _Block, residuals: Array) -> Array:
        # All distances at once: the autocorrelation of a calendar is the inverse transform of its power spectrum.
        people, width = block.calendar
        calendar = np.zeros(people * width)
        calendar[block.place] = residuals
        length = fft.next_fast_len(2 * width - 1, real=True)
        spectrum = fft.rfft(calendar.reshape(people, width), length, axis=1)
        power = np.einsum("gk,gk->k", spectrum.real, spectrum.real) + np.einsum(
            "gk,gk->k", spectrum.imag, spectrum.imag
        )
        sums: Array = fft.irfft(power, length)[1:width]
        return sums

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        distance = np.arange(1.0, n + 1)
        correlation: Array = alpha**distance
        slope: Array = distance * alpha ** (distance - 1)
        return correlation, slope

    def lowest(self, blocks: tuple[_Block, ...]) -> float:
        return -1.0


def _alternate(b: Array, blocks: tuple[_Block, ...], family: Family, structure: _Structure) -> GeeFit:
    pairs = np.rint(_total([structure.products(block, np.ones(len(block.outcome))) for block in blocks]))
    rows = sum(len(block.outcome) for block in blocks)
    alpha, scale, steps, moved = 0.0, 1.0, 0, np.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a wild step ends as a problem, below
        state = [block.residuals(b, family) for block in blocks]
        for steps in range(1, _STEPS + 1):
            information, score, _ = _equations(alpha, blocks, state, structure)
            step = newton.solve(information, score)
            if step is None:
                break
            b = b + step
            state = [block.residuals(b, family) for block in blocks]
            before = scale, alpha
            scale = sum(float(r @ r) for r, _ in state) / rows
            sums = _total([structure.products(block, r) for block, (r, _) in zip(blocks, state, strict=True)]) / scale
            if steps == 1 and not pairs[0]:
                # At 0 nothing but the correlation of neighbours has a slope: the first step is that of the nearest.
                near = int(np.flatnonzero(pairs)[0])
                seen = float(sums[near] / pairs[near])
                alpha = float(np.sign(seen) * np.abs(seen) ** (1 / (near + 1)))
            correlation, slope = structure.curve(alpha, len(pairs))
            # Steps that have not settled by now jump to and fro over the root.
            size = 1.0 if steps <= _STEPS // 4 else 0.5
            alpha += size * float(slope @ (sums - pairs * correlation) / (pairs @ slope**2))
            moved = max(np.max(np.abs(step)), abs(scale / before[0] - 1), abs(alpha - before[1]))
            if not moved > _TOLERANCE * (1 + np.max(np.abs(b))):
                break
        information, _, scores = _equations(alpha, blocks, state, structure)
        parts = _curvatures(alpha, blocks, state, structure) / scale if len(scores) < JACKKNIFE_BELOW else None
        fit = GeeFit(b, scores / scale, information / scale, alpha, scale, steps, curvatures=parts)
    return replace(fit, problem=_problem(fit, structure.lowest(blocks), moved))


def _equations(
    alpha: float, blocks: tuple[_Block, ...], state: list[tuple[Array, Array]], structure: _Structure
) -> tuple[Array, Array, Array]:
    """Return the information, the score and its participants' parts (G x p), all at scale 1."""
    p = blocks[0].matrix.shape[1]
    information, scores = np.zeros((p, p)), []
    for block, (residuals, factor) in zip(blocks, state, strict=True):
        derivative = block.matrix * factor[:, None]
        solved = structure.solve(alpha, block, derivative)
        information += derivative.T @ solved
        scores.append(np.add.reduceat(solved * residuals[:, None], block.start, axis=0))
    parts = np.concatenate(scores)
    return (information + information.T) / 2, parts.sum(axis=0), parts


def _curvatures(
    alpha: float, blocks: tuple[_Block, ...], state: list[tuple[Array, Array]], structure: _Structure
) -> Array:
    """Return the participants' parts (G x p x p) of the information, at scale 1."""
    parts = []
    for block, (_, factor) in zip(blocks, state, strict=True):
        derivative = block.matrix * factor[:, None]
        solved = structure.solve(alpha, block, derivative)
        parts += [derivative[a : a + n].T @ solved[a : a + n] for a, n in zip(block.start, block.size, strict=True)]
    made = np.array(parts)
    symmetric: Array = (made + made.transpose(0, 2, 1)) / 2
    return symmetric


def _problem(fit: GeeFit, lowest: float, moved: float) -> str | None:
    if not (np.isfinite(fit.alpha) and fit.scale > _TINY):
        return "the outcome leaves no residual to estimate a working correlation from"
    if not lowest + _EDGE < fit.alpha < 1 - _EDGE:
        return f"the working correlation reached its boundary ({fit.alpha:.3g}; allowed: {lowest:.3g} to 1)"
    if not moved < 1e-7 * (1 + np.max(np.abs(fit.coefficients))):
        return f"coefficients and working correlation did not settle within {_STEPS} steps"
    return newton.problem(fit.coefficients, fit.scores, fit.information)


def _distances(groups: Codes, nights: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the nights (n) since each participant's first in units of their greatest common divisor, and that."""
    first = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, groups, nights)
    since = nights - first[groups]
    apart = max(int(np.gcd.reduce(since)), 1)
    return since // apart, apart


def _blocks(matrix: Array, outcome: Array, offset: Array, groups: Codes, nights: NDArray[np.int64]) -> Iterator[_Block]:
    """Cut the rows, by participant and night, into blocks that a processor's cache holds."""
    size = np.bincount(groups)
    if (size == 0).any():
        raise AnalysisError(f"participant code {int(np.argmin(size))} has no row; number participants 0, 1, 2, …")
    order = np.lexsort((nights, groups))
    gap = np.diff(nights[order], prepend=0)
    stop = np.cumsum(size)
    start = stop - size
    gap[start] = 1
    if (gap == 0).any():
        group = int(groups[order[np.argmin(gap)]])
        raise AnalysisError(f"participant code {group} has two rows of one night; keep one row a night")
    gap[start] = 0
    first = nights[order[start]]
    width = int((nights[order[stop - 1]] - first).max()) + 1
    people = max(1, min(_BLOCK_ROWS * len(size) // len(groups), _BLOCK_CELLS // width))
    for low in range(0, len(size), people):
        high = min(low + people, len(size))
        among = slice(start[low], stop[high - 1])
        rows, here = order[among], size[low:high]
        member = np.repeat(np.arange(high - low), here)
        place = member * width + nights[rows] - first[low:high][member]
        yield _Block(
            matrix=matrix[rows],
            outcome=outcome[rows],
            offset=offset[rows],
            member=member,
            size=here,
            start=start[low:high] - start[low],
            gap=gap[among].astype(np.float64),
            place=place,
            calendar=(high - low, width),
        )


def _total(parts: list[Array]) -> Array:
    total: Array = np.sum(parts, axis=0)
    return total


def _none(start: CountFit, groups: Codes, problem: str) -> GeeFit:
    empty = np.full((int(groups.max()) + 1, len(start.coefficients)), np.nan)
    return GeeFit(start.coefficients, empty, start.information, np.nan, np.nan, 0, problem)
