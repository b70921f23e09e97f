"""The tidy answer of a model of ordered classes: odds ratios of a higher class, then the odds above each limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crampstudy import suggestions
from crampstudy.arrays import Array
from crampstudy.errors import UsageError
from crampstudy.models.coefficients import rows
from crampstudy.models.inference.automatic import Moments
from crampstudy.models.inference.exposed_participants import Exposed
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.terms.standardisation import propagated

SCALE = rows.Scale("odds_ratio", "odds", "odds of a higher class")
NO_RESIDUALS = "classes are ordered but no numbers, so that none is apart from its mean; crampstudy.check looks at it"


def free_columns(design: design_matrix.Design, free_terms: str | None) -> tuple[int, ...]:
    """Return the columns of a design without intercept whose slopes may differ between classes.

    Raises:
        UsageError: one is no term of the model, or a spline.
    """
    if free_terms is None:
        return ()
    terms = {*design.all_terms()}
    wanted = {str(term) for term in formula.parse(free_terms)} - {"1"}
    if not wanted:
        raise UsageError(f"free terms {free_terms!r} name no term; the terms are {', '.join(sorted(terms))}")
    if unknown := sorted(wanted - terms):
        said, listed = f"free terms name {unknown[0]!r}, which is no term", ", ".join(sorted(terms))
        raise suggestions.unknown(UsageError, said, unknown[0], sorted(terms), f"the terms are {listed}")
    if smooth := [s.term for s in design.smooths if s.term in wanted]:
        raise UsageError(f"{smooth[0]} is a spline, whose slopes are the same at all classes; free another term")
    return tuple(i for i, column in enumerate(design.columns) if column.term in wanted)


def answer(
    design: design_matrix.Design,
    levels: Sequence[str],
    free: Sequence[int],
    parameters: Array,
    variance: Array,
    moments: Moments,
) -> rows.CoefficientTable:
    """Return the answer of K classes: the columns of the design, the K - 1 thresholds, then the other free slopes.

    A free column shows its slope at the lowest limit in its own place; thresholds become the odds of a class above.

    Args:
        design: the design of the columns.
        levels: the classes in order.
        free: columns with a slope per threshold.
        parameters: (P), in the order of an :class:`~crampstudy.models.classes.ordinal.OrdinalFit`.
        variance: their variance (P x P).
        moments: what they tell.
    """
    above = [f"above {level}" for level in levels[:-1]]
    cuts, p = len(above), len(design.columns)
    held = [i for i in range(p) if i not in free]
    slope = {column: len(held) + cuts + k * cuts for k, column in enumerate(free)}
    place = {column: k for k, column in enumerate(held)}
    order = [place[i] if i in place else slope[i] for i in range(p)]
    columns = [c if i in place else _at(c, above[0]) for i, c in enumerate(design.columns)]
    order += range(len(held), len(held) + cuts)
    columns += [design_matrix.Column(design_matrix.THRESHOLD, limit) for limit in above]
    for i in free:
        order += range(slope[i] + 1, slope[i] + cuts)
        columns += [_at(design.columns[i], limit) for limit in above[1:]]
    sign = np.array([-1.0 if column.term == design_matrix.THRESHOLD else 1.0 for column in columns])
    turn = sign[:, None] * _back(design, cuts, free)[order]
    coefficients, turned = propagated(turn, parameters, variance)
    moments = moments.turned(turn)
    return rows.CoefficientTable(
        tuple(columns),
        coefficients,
        np.sqrt(np.diag(turned)),
        moments,
        "converged",
        smooths=design.smooths,
        variance=turned,
        declared=design.declared.without(free),
    )


def _back(design: design_matrix.Design, cuts: int, free: Sequence[int]) -> Array:
    """Return the matrix (P x P) that turns parameters of standard columns into those of the columns themselves."""
    p = len(design.columns)
    held = [i for i in range(p) if i not in free]
    # The columns' slopes at one threshold after the other, then the thresholds, from the parameters.
    each = np.zeros((cuts, p, len(held) + cuts * (1 + len(free))))
    for k, i in enumerate(held):
        each[:, i, k] = 1.0
    for k, i in enumerate(free):
        each[range(cuts), i, range(len(held) + cuts * (1 + k), len(held) + cuts * (2 + k))] = 1.0
    slopes = design.standard.back() @ each
    made = np.eye(each.shape[2])
    made[: len(held)] = slopes[0, held]
    made[len(held) : len(held) + cuts] += design.standard.centre @ slopes
    for k, i in enumerate(free):
        made[len(held) + cuts * (1 + k) : len(held) + cuts * (2 + k)] = slopes[:, i]
    return made


def by_parameter(design: design_matrix.Design, cuts: int, free: Sequence[int]) -> Array:
    """Return the parameters (P) as combinations of a slope per column and one intercept after them; P x (p + 1)."""
    columns = np.eye(len(design.columns) + 1)
    held = [i for i in range(len(design.columns)) if i not in free]
    return np.vstack(
        [columns[held], np.repeat(-columns[-1:], cuts, axis=0), np.repeat(columns[list(free)], cuts, axis=0)]
    )


def remark(all_levels: Sequence[str], levels: Sequence[str]) -> str:
    """Say which classes nobody is in."""
    unused = [level for level in all_levels if level not in levels]
    return f"no answer in class {', '.join(unused)}" if unused else ""


def at_limits(
    found: Mapping[design_matrix.Column, Exposed], levels: Sequence[str]
) -> dict[design_matrix.Column, Exposed]:
    """Return who bears on each column, and on its slopes at the limits of ``levels`` where they differ."""
    return {
        place: exposed
        for column, exposed in found.items()
        for place in (column, *(_at(column, f"above {level}") for level in levels[:-1]))
    }


def _at(column: design_matrix.Column, limit: str) -> design_matrix.Column:
    parts = (*column.parts, ("", limit, None)) if column.parts else ()
    return replace(column, level=f"{column.level}, {limit}" if column.level else limit, parts=parts)
