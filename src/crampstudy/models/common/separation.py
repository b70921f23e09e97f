"""Separation: directions of the coefficients along which a likelihood rises for ever, so that it has no maximum.

A direction d separates where no row loses along it and some row gains. Of a binary outcome a row gains by x'd, turned
round where the outcome is 0; of a count, a zero gains by -x'd, and a positive count holds x'd at 0. Whether there is
such a direction is a linear programme: maximise the gains of all rows over -1 <= d <= 1, none of them below 0.

Source: Konis 2007 (logit); Correia, Guimarães and Zylkin 2019 (log); Bryson and Johnson 1981 (Cox).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crampstudy.arrays import Array, Flags
from crampstudy.errors import AnalysisError
from crampstudy.wording import listed

Link = Literal["logit", "log"]
SUSPECT_PREDICTOR = 10.0
"""A linear predictor beyond this makes one ask whether the coefficients have a finite estimate.

A likelihood that rises for ever looks flat to rounding in the end, and its score zero.
"""
_NOTHING = 1e-7
_SEVERAL = 2


class Apart(str):
    """A reason why no estimate exists that knows what sets the outcome apart: ``by`` term or column, what is told.

    It is a text as any other reason; what it knows lets a model be asked again without a covariate.
    """

    by: Mapping[str, str]

    def __new__(cls, reason: str, by: Mapping[str, str]) -> Apart:
        """Return the ``reason`` with what it is ``by``."""
        made = super().__new__(cls, reason)
        made.by = by
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, str]]:  # type: ignore[override]
        return str(self), self.by


class Collinear(Apart):
    """A reason why no estimate exists that knows which column follows from others: ``by`` its term, what is told."""


class Follows(str):
    """What is told of a term that follows from others: it has nothing to add where they are there."""

    of: frozenset[str]

    def __new__(cls, others: Sequence[str]) -> Follows:
        """Return what is told of a term that follows from these."""
        made = super().__new__(cls, f"it follows from {listed(others)}" if others else "it is the same throughout")
        made.of = frozenset(others)
        return made

    def __getnewargs__(self) -> tuple[Sequence[str]]:  # type: ignore[override]
        return (sorted(self.of),)


def separated(what: str, by: Sequence[str] = (), number: str = "estimate") -> Apart:
    """Say ``what`` is set apart, ``by`` which columns, and that the ``number`` wanted does not exist."""
    columns = f" by {', '.join(dict.fromkeys(by))}" if by else ""
    return Apart(f"{what}{columns}: no finite {number} exists", dict.fromkeys(by, f"{what} by it"))


@dataclass(frozen=True, slots=True)
class Separation:
    """The ``columns`` that set rows apart, and which.

    ``without`` says that there are rows without an event among them, ``having`` that there are rows with one, and
    ``points`` at how many different values of the columns they are. It is ``complete`` where all rows are set apart; of
    counts also where those with an event are at one point, and all at several others are.
    """

    columns: tuple[int, ...]
    without: bool
    having: bool
    points: int
    complete: bool


def separating(outcome: Array, matrix: Array, link: Link) -> tuple[int, ...]:
    """Return the columns of ``matrix`` (n x p) along which the likelihood rises for ever, none where a maximum exists.

    ``outcome`` (n) is 0 or 1 for ``logit``, a count for ``log``.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    direction, gain = _rising(outcome > 0, scaled(matrix), link)
    return columns_of(direction, _NOTHING) if gain > _NOTHING else ()


def separation(outcome: Array, matrix: Array, link: Link) -> Separation | None:
    """Return what sets the rows of ``matrix`` (n x p) apart, as :func:`separating`, and which rows that are.

    Source: Albert and Anderson 1984 (complete and quasi-complete).
    """
    x, event = scaled(matrix), outcome > 0
    direction, gain = _rising(event, x, link)
    if gain <= _NOTHING:
        return None
    by, moved = columns_of(direction, _NOTHING), np.abs(x @ direction) > _NOTHING
    without, having = bool(moved[~event].any()), bool(moved[event].any())
    points = len(np.unique(x[moved][:, by], axis=0))
    return Separation(by, without, having, points, _complete(event, x[:, by], link))


def _rising(event: Flags, x: Array, link: Link) -> tuple[Array, float]:
    gains, held = _gains(event, x, link)
    return steepest(gains.sum(axis=0), gains, held)


def _gains(event: Flags, x: Array, link: Link) -> tuple[Array, Array | None]:
    """Return by what rows gain along a direction (m x p), and what holds it at 0."""
    if link == "logit":
        return np.where(event, 1.0, -1.0)[:, None] * x, None
    return -x[~event], x[event]


def _complete(event: Flags, x: Array, link: Link) -> bool:
    """Say whether one direction sets all rows apart that are not at the values of a row with an event."""
    gains, held = _gains(event, x, link)
    if held is not None:
        # A count above 0 is at one point with the zeros of the same values, which no direction tells from it.
        points = {tuple(row) for row in held.tolist()}
        others = [row for row in gains if tuple((-row).tolist()) not in points]
        if len(others) < len(gains) and len(np.unique(others, axis=0)) < _SEVERAL:
            return False
        gains = np.array(others)
    p = x.shape[1]
    # The least gain is a further variable, which no row may stay below.
    least = np.column_stack([gains, -np.ones(len(gains))])
    _, found = steepest(np.eye(p + 1)[p], least, None if held is None else np.column_stack([held, np.zeros(len(held))]))
    return bool(len(gains)) and found > _NOTHING


def separating_sides(above: Array, below: Array, link: Link) -> tuple[int, ...]:
    """Return the columns that set rows with an event ``above`` (m x p) apart from those ``below`` without one.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    return separating(*_stacked(above, below), link)


def of_sides(above: Array, below: Array, link: Link) -> Separation | None:
    """Return what sets rows with an event ``above`` (m x p) apart from those ``below`` without one.

    Raises:
        AnalysisError: the linear programme cannot be solved.
    """
    return separation(*_stacked(above, below), link)


def _stacked(above: Array, below: Array) -> tuple[Array, Array]:
    return np.repeat([1.0, 0.0], [len(above), len(below)]), np.vstack([above, below])


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
