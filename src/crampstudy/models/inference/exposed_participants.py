"""How many participants bear on each coefficient, and which coefficients would rest on one of them alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import WITHIN
from crampstudy.estimates import verdicts
from crampstudy.models.inference.implied import Resting, implied
from crampstudy.models.terms import design_matrix

ONE = "one participant "
RESTS = ": a ratio would rest on that one"
"""What follows where something is one participant's alone."""
_DIFFERENCE = RESTS.replace("ratio", "difference")
_YES_OR_NO = (0, 1)
"""Of a number of two values those that say whether somebody has it, and nothing more of one participant."""

NOBODY = "nobody in whom it varies from night to night had an event"
"""Why there is no ratio within participants where those whose value varies had no event."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """The ``participants`` at a level, or whose value of a number varies; ``lone`` says what is one person's alone.

    A number that no participant's nights change counts all its participants, one of two values those at the higher.
    ``resting`` says on whom the ratio rests, where not all of them tell of it, ``compared_with`` with whom it compares
    them, where those are few.
    Of a deviation from the own mean ``tell`` are those of them who had an event: of a ratio within participants nobody
    else tells, whose counts are 0 at any value (Neuhaus and Kalbfleisch 1998).
    ``rows`` (n) are the rows that are this person's alone; ``baseline`` says that where all columns are 0 is, too.
    """

    participants: int
    lone: str | None = None
    rows: Flags | None = field(default=None, compare=False)
    baseline: bool = False
    tell: int | None = None
    resting: Resting | None = None
    compared_with: Resting | None = None


def exposed(
    design: design_matrix.Design, groups: Codes, events: Array | None = None
) -> dict[design_matrix.Column, Exposed]:
    """Return who bears on each column but the intercept; ``groups`` (n) are the participants' codes 0..G-1, ascending.

    ``events`` (n) are the counts of the rows, of an outcome that has them.

    A level, its reference, or a number that is one participant's alone leaves nothing to tell the participant from what
    the column stands for: the ratio would be that of two people, or of one to all others.
    """
    if not len(groups):
        return {}
    people, first = int(groups[-1]) + 1, np.flatnonzero(np.diff(groups, prepend=-1))
    tell = None if events is None else np.add.reduceat(events, first) > 0
    made: dict[design_matrix.Column, Exposed] = {}
    persons = np.full((people, len(design.columns)), np.nan)
    for i, column in enumerate(design.columns):
        if column.term == design_matrix.INTERCEPT:
            continue
        values: Array = design.matrix[:, i]
        low, high = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
        persons[:, i] = np.where(low == high, low, np.nan)
        least, most = low.min(), high.max()
        # Of many numbers the ends of each participant tell already that they are more than two.
        if column.level is None and not all(_are_either(each, least, most) for each in (low, high, values)):
            varies = high > low
            made[column] = Exposed(int(varies.sum()) if varies.any() else people)
            if tell is not None and varies.any() and is_deviation(column.term):
                made[column] = _within(int(varies.sum()), int((varies & tell).sum()))
            if lone := _alone(column, low, varies):
                elsewhere = low[~varies][0]
                made[column] = Exposed(1, lone, np.not_equal(values, elsewhere), bool(elsewhere != 0))
            continue
        on: Flags = (values == most) if column.level is None else (values != 0)
        off: Flags = (values == least) if column.level is None else _at_reference(design, column)
        with_it, without = (np.logical_or.reduceat(rows, first) for rows in (on, off))
        made[column] = Exposed(int(with_it.sum()))
        if column.reference is not None and 1 < without.sum() < verdicts.FEWEST_EXPOSED:
            few = Resting(column, having=False, participants=int(without.sum()), inside=())
            made[column] = replace(made[column], compared_with=few)
        for members, rows, what, elsewhere in ((with_it, on, most, least), (without, off, least, most)):
            if members.sum() == 1 and made[column].lone is None:
                # Where a level is on, the baseline is not; with one of two numbers it is where both are 0.
                baseline = bool(elsewhere != 0) if column.level is None else rows is off
                made[column] = Exposed(int(with_it.sum()), _lone(column, what, reference=rows is off), rows, baseline)
    for column, resting in implied(design, persons).items():
        lone = f"{ONE}alone is one {resting.whom}{RESTS}" if resting.participants == 1 else None
        made[column] = replace(made[column], resting=resting, lone=made[column].lone or lone)
    return made


def of_scale(lone: str | None, scale: object) -> str | None:
    """Return what is one participant's alone as a row on a ``scale`` says it, of which there is a ratio or not."""
    return lone.replace(RESTS, _DIFFERENCE) if lone and scale == verdicts.DIFFERENCE else lone


def is_deviation(term: str) -> bool:
    """Say whether a term is the deviation of a night from the participant's own mean, or of such a one and others."""
    found = map(exposures.find, term.split(":"))
    return any(exposure is not None and exposure.part == WITHIN for exposure in found)


def _within(participants: int, tell: int) -> Exposed:
    lone = NOBODY if not tell else f"{ONE}alone in whom it varies had an event{RESTS}" if tell == 1 else None
    return Exposed(participants, lone, tell=tell)


def _are_either(values: Array, one: float, other: float) -> bool:
    return bool(((values == one) | (values == other)).all())


def _alone(column: design_matrix.Column, low: Array, varies: Flags) -> str | None:
    """Return that a number is one participant's alone, if everyone else has the same one on all nights."""
    others = low[~varies]
    if varies.sum() != 1 or not len(others) or np.ptp(others) > 0:
        return None
    # The number of one other participant is shown no more than that of this one.
    other = f"{others[0]:g}" if len(others) > 1 or others[0] in _YES_OR_NO else "the other participant"
    return f"{ONE}alone has another {column.term} than {other}{RESTS}"


def _lone(column: design_matrix.Column, value: float, *, reference: bool) -> str:
    """Return that a level or one of two numbers, or what it is compared with, is one participant's alone."""
    if column.level is None and value not in _YES_OR_NO:
        return f"{ONE}alone has one of the two values of {column.term}{RESTS}"
    shown = (
        f"{value:g}" if column.level is None else f"{column.reference}, the reference" if reference else column.level
    )
    return f"{ONE}alone has {column.term} = {shown}{RESTS}"


def _at_reference(design: design_matrix.Design, column: design_matrix.Column) -> Flags:
    """Return which rows are at the reference of a level: where no column of the term is on."""
    if column.reference is None:
        return np.ones(len(design.matrix), dtype=bool)
    own = [i for i, other in enumerate(design.columns) if other.term == column.term]
    return np.asarray(~design.matrix[:, own].any(axis=1))
