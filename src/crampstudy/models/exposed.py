"""How many participants bear on each coefficient, and which coefficients would rest on one of them alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crampstudy.models import spec
from crampstudy.models.covariance import Array

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Exposed:
    """The ``participants`` at a level, or whose value of a number varies; ``lone`` says what is one person's alone.

    A number that no participant's nights change counts all its participants, one of two values those at the higher.
    """

    participants: int
    lone: str | None = None


def exposed(design: spec.Design, groups: Codes) -> dict[spec.Column, Exposed]:
    """Return who bears on each column but the intercept; ``groups`` (n) are the participants' codes 0..G-1, ascending.

    A level, its reference, or a number that is one participant's alone leaves nothing to tell the participant from what
    the column stands for: the ratio would be that of two people, or of one to all others.
    """
    if not len(groups):
        return {}
    people, first = int(groups[-1]) + 1, np.flatnonzero(np.diff(groups, prepend=-1))
    lowest, highest = np.minimum.reduceat(design.matrix, first), np.maximum.reduceat(design.matrix, first)
    made: dict[spec.Column, Exposed] = {}
    for i, column in enumerate(design.columns):
        if column.term == spec.INTERCEPT:
            continue
        low, high = lowest[:, i], highest[:, i]
        least, most = low.min(), high.max()
        values = design.matrix[:, i]
        if column.level is None and not np.all((values == least) | (values == most)):
            varies = high > low
            made[column] = Exposed(int(varies.sum()) if varies.any() else people, _alone(column, low, varies))
            continue
        with_it = (high == most) if column.level is None else (high != 0) | (low != 0)
        without = (low == least) if column.level is None else _at_reference(design, column, groups, people)
        made[column] = Exposed(int(with_it.sum()), _lone(column, with_it, without, least, most))
    return made


def _alone(column: spec.Column, low: Array, varies: Flags) -> str | None:
    """Return that a number is one participant's alone, if everyone else has the same one on all nights."""
    others = low[~varies]
    if varies.sum() != 1 or not len(others) or np.ptp(others) > 0:
        return None
    return f"one participant alone has another {column.term} than {others[0]:g}: a ratio would rest on that one"


def _lone(column: spec.Column, with_it: Flags, without: Flags, least: float, most: float) -> str | None:
    named = (f"{column.term} = {most:g}", f"{column.term} = {least:g}")
    if column.level is not None:
        named = (f"{column.term} = {column.level}", f"{column.term} = {column.reference}, the reference")
    for members, what in zip((with_it, without), named, strict=True):
        if members.sum() == 1:
            return f"one participant alone has {what}: a ratio would rest on that one"
    return None


def _at_reference(design: spec.Design, column: spec.Column, groups: Codes, people: int) -> Flags:
    """Return which participants have a row at the reference of a level: where no column of the term is on."""
    if column.reference is None:
        return np.ones(people, dtype=bool)
    own = [i for i, other in enumerate(design.columns) if other.term == column.term]
    off = ~design.matrix[:, own].any(axis=1)
    return np.bincount(groups[off], minlength=people) > 0
