"""On whom the ratio of a level rests where others beside it are of nobody, or of everybody, at that level.

Everybody with osteoarthritis has arthritis of any kind: beside osteoarthritis the ratio of any arthritis is one of
those who have no osteoarthritis, with and without arthritis, however many people have either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crampstudy import wording
from crampstudy.arrays import Array, Flags
from crampstudy.estimates import verdicts
from crampstudy.models.terms import design_matrix

_NEARLY_ALL = 0.9
"""Where this share of a side or more tell of a ratio, their number is not told: some level of a few people is of one
side by chance."""
_TAKEN, _SEX = "medication", "sex"


@dataclass(frozen=True, slots=True)
class Resting:
    """The ``participants`` on one side of a ratio that tell of it, where not nearly all of that side do, or few are.

    They are at the ``column``'s level where ``having``, else at its reference, and are those ``inside``: of each column
    in it at the level, or not.
    """

    column: design_matrix.Column
    having: bool
    participants: int
    inside: tuple[tuple[design_matrix.Column, bool], ...]

    @property
    def whom(self) -> str:
        """Who they are: ``with any arthritis who have no osteoarthritis``."""
        return self.side(having=self.having, one=self.participants == 1)

    def side(self, *, having: bool, one: bool = False) -> str:
        """Return who those ``inside`` are that are at the level, or at the reference, as :attr:`whom` says it."""
        who = _with(self.column, having=having, one=one)
        if not self.inside:
            return who
        return f"{who} who {wording.listed(_has(column, having=has, one=one) for column, has in self.inside)}"

    def on(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cells in which a row of the ratio says so."""
        return verdicts.resting_on_some(row, self.participants, self.whom)


def implied(design: design_matrix.Design, persons: Array) -> dict[design_matrix.Column, Resting]:
    """Return on whom the ratios of levels rest that not all participants tell of.

    Args:
        design: whose columns are asked of.
        persons: its values (participants x columns), NaN where they differ from night to night.
    """
    # Parts of a spline have no reference. Beside a product the ratios of its factors are at one, as their notes say.
    plain = [i for i, column in enumerate(design.columns) if column.reference is not None and not column.parts]
    on = {design.columns[i]: persons[:, i] != 0 for i in plain if np.isfinite(persons[:, i]).all()}
    asked = ((column, _resting(column, on)) for column in on)
    return {column: found for column, found in asked if found is not None}


def _resting(column: design_matrix.Column, on: Mapping[design_matrix.Column, Flags]) -> Resting | None:
    """Return on whom the ratio of a level rests; ``None`` where nearly all at it tell, or all at the reference."""
    has = on[column]
    lacks = ~np.logical_or.reduce([flags for other, flags in on.items() if other.term == column.term])
    inside, by = has | lacks, dict[design_matrix.Column, bool]()
    others = {other: flags for other, flags in on.items() if other.term != column.term}
    # Among fewer people a further one may be of everybody at the level.
    while found := next(_uninformative(has, inside, others), None):
        other, tells = found
        if tells is None:
            return None
        inside, by[other] = inside & (others[other] == tells), tells
    at_level, at_reference = int((has & inside).sum()), int((lacks & inside).sum())
    # Who is not at the level is told of where they are the fewer.
    if at_reference < at_level and at_reference < _NEARLY_ALL * lacks.sum():
        side, having, few = lacks, False, at_reference
    elif at_level < _NEARLY_ALL * has.sum():
        side, having, few = has, True, at_level
    else:
        return None
    kept = tuple((other, tells) for other, tells in by.items() if (side & (others[other] != tells)).any())
    return Resting(column, having, few, kept)


def _uninformative(
    has: Flags, inside: Flags, others: Mapping[design_matrix.Column, Flags]
) -> Iterator[tuple[design_matrix.Column, bool | None]]:
    """Yield columns on one side of which all are at a level, or nobody is, and the side on which people differ.

    ``None`` stands for the side where they differ on neither.
    """
    for other, flags in others.items():
        sides = {where: has[inside & (flags == where)] for where in (True, False)}
        if any(not len(side) for side in sides.values()):
            continue
        differ = [where for where, side in sides.items() if side.any() and not side.all()]
        if len(differ) < 2:
            yield other, differ[0] if differ else None


def _with(column: design_matrix.Column, *, having: bool, one: bool) -> str:
    level = str(column.level if having else column.reference)
    if column.term == _SEX:
        return _sex(level, one=one)
    name = wording.small(wording.term(column.term))
    if column.level == "true":
        return f"{'with' if having else 'without'} {name}"
    return f"with {name} ({wording.level(level)})"


def _has(column: design_matrix.Column, *, having: bool, one: bool) -> str:
    level, name, known = str(column.level), wording.small(wording.term(column.term)), wording.variable(column.term)
    if column.term == _SEX:
        return f"{'is' if one else 'are'} {'' if having else 'no '}{_sex(level, one=one)}"
    verb = "take" if known is not None and known.domain == _TAKEN else "have"
    verb = {"take": "takes", "have": "has"}[verb] if one else verb
    if column.level == "true":
        return f"{verb} {name}" if having else f"{verb} no {name.removeprefix('any ')}"
    which = wording.level(level)
    return f"{verb} {name} ({which})" if having else f"{verb} another {name} than {which}"


def _sex(level: str, *, one: bool) -> str:
    return {"female": "woman", "male": "man"}[level] if one else wording.SEXES[level].lower()
