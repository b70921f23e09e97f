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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Codes
from crampstudy.models.common.distributions import BINOMIAL, GAUSSIAN, POISSON, ResponseFamily
from crampstudy.models.inference.covariance import CURVED_TO, cluster_sums
from crampstudy.models.nights.count import CountFit, poisson
from crampstudy.models.nights.linear import LinearFit, linear
from crampstudy.models.nights.logistic import logistic
from crampstudy.models.nights.working_correlation import Ar1, Exchangeable, ParticipantBlock, Structure
from crampstudy.models.nights.working_correlation import blocks as blocks_of
from crampstudy.models.optimise import optimum
from crampstudy.progress import track

Working = Literal["exchangeable", "ar1"]
FamilyName = Literal["poisson", "binomial", "gaussian"]

_STEPS = 200
_TOLERANCE = 1e-11
_EDGE = 1e-8
_TINY = 1e-14
_STEP = 1e-6
"""Step of a difference in the working correlation."""


@dataclass(frozen=True, slots=True)
class GeeFit:
    """A fitted marginal model of G participants and p coefficients.

    ``scores`` (G x p) are the participants' contributions to the estimating function and ``information`` (p x p)
    its sensitivity, both divided by ``scale``: ``covariance(information, scores, np.arange(G), kind)`` gives the
    covariances; ``curvatures`` (G x p x p) are the participants' parts of it, where they are few. ``alpha`` is the
    correlation of two nights (AR(1): of nights ``apart``, the largest step of which all distances are multiples and one
    as a rule: where nights are two apart nothing is known of neighbouring ones), ``scale`` the factor of the variance,
    1 where the family holds, of numbers the residual variance. ``alpha_error`` is the standard error of its inverse
    hyperbolic tangent, ``scale_error`` that of its logarithm.
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
    alpha_error: float = float("nan")
    scale_error: float = float("nan")


def gee(
    matrix: Array,
    outcome: Array,
    offset: Array,
    groups: Codes,
    nights: NDArray[np.int64],
    *,
    family: FamilyName,
    working: Working,
) -> GeeFit:
    """Fit a marginal model of ``outcome`` on ``matrix``.

    Args:
        matrix: columns of the model (n x p).
        outcome: counts, 0 or 1, or numbers (n).
        offset: log exposure (n), zeros for ``binomial``.
        groups: codes of the participants (n), 0..G-1.
        nights: the calendar night (n) as a whole number, days since any day, in any order.
        family: ``poisson``, ``binomial`` or ``gaussian``.
        working: ``exchangeable`` or ``ar1``.

    Raises:
        AnalysisError: a participant has two rows of one night, a code has no row, or a binary outcome is not 0 or 1.

    Source: Liang and Zeger 1986; Yan and Fine 2004 (the equation of the working correlation).
    """
    if family == "gaussian":
        # In units of its own spread, so that no threshold depends on the outcome's unit.
        unit = float(np.std(outcome)) or 1.0
        outcome, offset = outcome / unit, offset / unit
    start = _STARTS[family](matrix, outcome, offset)
    since, apart = _distances(groups, nights)
    blocks = tuple(blocks_of(matrix, outcome, offset, groups, since))
    structure: Structure = Exchangeable() if working == "exchangeable" else Ar1()
    if start.problem:
        return _none(start, groups, start.problem)
    if max(block.size.max() for block in blocks) < 2:
        return _none(start, groups, "no participant has two nights: a working correlation cannot be estimated")
    fitted = replace(_alternate(start.coefficients, blocks, _FAMILIES[family], structure), apart=apart)
    return _in_unit(fitted, unit) if family == "gaussian" else fitted


_FAMILIES: Mapping[FamilyName, ResponseFamily] = {"poisson": POISSON, "binomial": BINOMIAL, "gaussian": GAUSSIAN}
_STARTS: Mapping[FamilyName, Callable[[Array, Array, Array], CountFit | LinearFit]] = {
    "poisson": poisson,
    "binomial": logistic,
    "gaussian": linear,
}


def _in_unit(fit: GeeFit, unit: float) -> GeeFit:
    """Return the fit of an outcome times ``unit``."""
    return replace(
        fit,
        coefficients=fit.coefficients * unit,
        scores=fit.scores / unit,
        information=fit.information / unit**2,
        scale=fit.scale * unit**2,
        curvatures=None if fit.curvatures is None else fit.curvatures / unit**2,
    )


def _alternate(b: Array, blocks: tuple[ParticipantBlock, ...], family: ResponseFamily, structure: Structure) -> GeeFit:
    pairs = np.rint(_total([structure.products(block, np.ones(len(block.outcome))) for block in blocks]))
    rows = sum(len(block.outcome) for block in blocks)
    alpha, scale, steps, moved = 0.0, 1.0, 0, np.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a wild step ends as a problem, below
        state = [block.residuals(b, family) for block in blocks]
        for steps in track(iter(range(1, _STEPS + 1)), "steps of the fit"):
            information, score, _ = _equations(alpha, blocks, state, structure)
            step = optimum.solve(information, score)
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
        parts = _curvatures(alpha, blocks, state, structure) / scale if len(scores) <= CURVED_TO else None
        fit = GeeFit(b, scores / scale, information / scale, alpha, scale, steps, curvatures=parts)
    fit = replace(fit, problem=_problem(fit, structure.lowest(blocks), moved))
    return fit if fit.problem else _with_errors(fit, blocks, family, structure, pairs)


def _with_errors(
    fit: GeeFit, blocks: tuple[ParticipantBlock, ...], family: ResponseFamily, structure: Structure, pairs: Array
) -> GeeFit:
    """Return the fit with standard errors of scale and working correlation, by participants, with G/(G-1).

    The estimating equations of coefficients, scale and correlation are taken together, the later ones depending on
    those before (Yan and Fine 2004).
    """
    clusters, p = fit.scores.shape
    if clusters < 2:
        return fit
    correlation, slope = structure.curve(fit.alpha, len(pairs))
    of_scale, of_alpha, in_b, sums = [], [], np.zeros((2, p)), np.zeros(len(pairs))
    for block in blocks:
        residuals, _ = block.residuals(fit.coefficients, family)
        ones = np.ones(len(residuals))
        others = structure.sums(block, slope, residuals)
        expected = structure.sums(block, slope * correlation, ones)
        of_scale.append(cluster_sums(residuals**2 - fit.scale, block.member))
        of_alpha.append(cluster_sums(residuals * others / fit.scale - expected, block.member) / 2)
        sums += structure.products(block, residuals) / fit.scale
        derivative = block.matrix * block.in_link(fit.coefficients, family)[:, None]
        in_b += np.array([2 * residuals @ derivative, others @ derivative / fit.scale])
    rows, held = sum(len(block.outcome) for block in blocks), float(pairs @ (slope * correlation)) / fit.scale
    moved = fit.scores @ np.linalg.inv(fit.information)
    scale = (np.concatenate(of_scale) + moved @ in_b[0]) / rows
    up, down = (
        slope @ (sums - pairs * correlation)
        for correlation, slope in (structure.curve(fit.alpha + step, len(pairs)) for step in (_STEP, -_STEP))
    )
    # Where the working correlation is wrong this is not its expectation, the sum of squared slopes.
    in_alpha = float(down - up) / (2 * _STEP)
    if not in_alpha > 0:
        return fit
    alpha = (np.concatenate(of_alpha) + moved @ in_b[1] - held * scale) / in_alpha
    factor = np.sqrt(clusters / (clusters - 1))
    return replace(
        fit,
        scale_error=float(factor * np.linalg.norm(scale) / fit.scale),
        alpha_error=float(factor * np.linalg.norm(alpha) / (1 - fit.alpha**2)),
    )


def _equations(
    alpha: float, blocks: tuple[ParticipantBlock, ...], state: list[tuple[Array, Array]], structure: Structure
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
    alpha: float, blocks: tuple[ParticipantBlock, ...], state: list[tuple[Array, Array]], structure: Structure
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
    return optimum.failure(fit.coefficients, fit.scores, fit.information)


def _distances(groups: Codes, nights: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the nights (n) since each participant's first in units of their greatest common divisor, and that."""
    first = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, groups, nights)
    since = nights - first[groups]
    apart = max(int(np.gcd.reduce(since)), 1)
    return since // apart, apart


def _total(parts: list[Array]) -> Array:
    total: Array = np.sum(parts, axis=0)
    return total


def _none(start: CountFit | LinearFit, groups: Codes, problem: str) -> GeeFit:
    empty = np.full((int(groups.max()) + 1, len(start.coefficients)), np.nan)
    return GeeFit(start.coefficients, empty, start.information, np.nan, np.nan, 0, problem)
