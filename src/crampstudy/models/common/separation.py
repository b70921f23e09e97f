"""Separation: directions of the coefficients along which a likelihood rises for ever, so that it has no maximum.

A direction d separates where no row loses along it and some row gains. Of a binary outcome a row gains by x'd, turned
round where the outcome is 0; of a count, a zero gains by -x'd, and a positive count holds x'd at 0. Whether there is
such a direction is a linear programme: maximise the gains of all rows over -1 <= d <= 1, none of them below 0.

Source: Konis 2007 (logit); Correia, Guimarães and Zylkin 2019 (log); Bryson and Johnson 1981 (Cox).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError

SUSPECT_PREDICTOR = 10.0
"""A linear predictor beyond this makes one ask whether the coefficients have a finite estimate.

A likelihood that rises for ever looks flat to rounding in the end, and its score zero.
"""
_NOTHING = 1e-7


def separated(what: str, by: Sequence[str] = (), number: str = "estimate") -> str:
    """Say ``what`` is set apart, ``by`` which columns, and that the ``number`` wanted does not exist."""
    columns = f" by {', '.join(dict.fromkeys(by))}" if by else ""
    return f"{what}{columns}: no finite {number} exists"


def separating(outcome: Array, matrix: Array, link: Literal["logit", "log"]) -> tuple[int, ...]:
    """Return the columns of ``matrix`` (n x p) along which the likelihood rises for ever, none where a maximum exists.

    ``outcome`` (n) is 0 or 1 for ``logit``, a count for ``log``.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    x = scaled(matrix)
    if link == "logit":
        gains, held = np.where(outcome > 0, 1.0, -1.0)[:, None] * x, None
    else:
        gains, held = -x[outcome == 0], x[outcome > 0]
    direction, gain = steepest(gains.sum(axis=0), gains, held)
    return columns_of(direction, _NOTHING) if gain > _NOTHING else ()


def separating_sides(above: Array, below: Array, link: Literal["logit", "log"]) -> tuple[int, ...]:
    """Return the columns that set rows with an event ``above`` (m x p) apart from those ``below`` without one.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    outcome = np.repeat([1.0, 0.0], [len(above), len(below)])
    return separating(outcome, np.vstack([above, below]), link)


def steepest(gain: Array, at_least_0: Array, at_0: Array | None = None) -> tuple[Array, float]:
    """Return the direction d (p) of the highest ``gain`` (p) with rows of gains at least 0 or 0 along it, and its gain.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    # Next to no fit comes here.
    from scipy import optimize

    found = optimize.linprog(
        -gain,
        A_ub=-at_least_0 if len(at_least_0) else None,
        b_ub=np.zeros(len(at_least_0)) if len(at_least_0) else None,
        A_eq=at_0,
        b_eq=None if at_0 is None else np.zeros(len(at_0)),
        bounds=(-1, 1),
        method="highs",
    )
    if not found.success:
        raise AnalysisError(f"the search for separation failed: {found.message}; drop a term with few events")
    return np.asarray(found.x, dtype=np.float64), -float(found.fun)


def scaled(matrix: Array) -> Array:
    """Return the columns of ``matrix`` (n x p) with numbers of at most 1, so that the unit of none matters."""
    return np.asarray(matrix / np.maximum(np.abs(matrix).max(axis=0), np.finfo(np.float64).tiny))


def columns_of(direction: Array, least: float) -> tuple[int, ...]:
    """Return the columns that a ``direction`` (p) moves by more than ``least``."""
    return tuple(int(i) for i in np.flatnonzero(np.abs(direction) > least))
