"""Which columns may be a factor or form groups, and which level the others are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, suggestions
from crampstudy.errors import UsageError
from crampstudy.wording import counted

MOST_LEVELS = 12
FEWEST_IN_REFERENCE = 5
"""An age band of fewer participants is no reference: every ratio would rest on them."""
PEOPLE = "participant_id"
_SHOWN = 5
_BANDS = "add a column that says its groups, such as below 25 and from 25"


def check_column(name: str, frame: pl.DataFrame, role: str) -> None:
    """Check that a column says something of participants or nights, and neither who nor when; ``role`` as in ``terms``.

    Raises:
        UsageError: it is the participants' identifier or a date.
    """
    known = codebook.find(name)
    if name == PEOPLE:
        raise UsageError(
            f"{role} name {PEOPLE!r}, which says who it is: every participant would be a level; leave it out, for "
            "whose rows are whose is known anyway"
        )
    dated = name in frame.columns and frame[name].dtype.is_temporal()
    if dated or (known is not None and known.type in ("date", "datetime")):
        raise UsageError(
            f"{role} name {name!r}, which is a date or a time; add a column that says what is meant by it, such as "
            "the season or the days since the first night"
        )


def may_be_named(name: str) -> bool:
    """Say whether the codebook lets a name stand in terms or form groups: it says neither who nor when."""
    known = codebook.find(name)
    return known is None or known.type not in ("identifier", "date", "datetime")


def groups_of(frame: pl.DataFrame) -> list[str]:
    """Return the columns of ``frame`` that form groups, the age band first."""
    of_levels = (name for name, dtype in frame.schema.items() if dtype in (pl.Boolean, pl.String, pl.Enum))
    return ["age_band", *(name for name in of_levels if name != "age_band" and may_be_named(name))]


def no_group(said: str, by: str, frame: pl.DataFrame) -> UsageError:
    """Return an error that says which columns of ``frame`` form groups, as ``by`` does not."""
    known = groups_of(frame)
    allowed = f"allowed: {', '.join(known)}"
    if by in frame.columns:
        return UsageError(f"{said}, not {by!r}, which is a number: {_BANDS}; {allowed}")
    numbers = [name for name in frame.columns if name not in known and may_be_named(name)]
    if codebook.find(by) is not None:
        return UsageError(f"{said}, not {by!r}, which this cohort does not have; {allowed}")
    if not suggestions.closest(by, known) and suggestions.closest(by, numbers):
        return UsageError(f"{said}, not {by!r}{suggestions.hint(by, numbers)} That is a number: {_BANDS}; {allowed}")
    return suggestions.unknown(UsageError, f"{said}, not {by!r}", by, known, allowed, closed=True)


def check_levels(name: str, frame: pl.DataFrame, role: str) -> None:
    """Check that a column of texts that the codebook does not list has few enough levels on the rows of ``frame``.

    Raises:
        UsageError: it has more than :data:`MOST_LEVELS`, or more than half its participants.
    """
    known = codebook.find(name)
    if frame[name].dtype != pl.String or (known is not None and known.levels):
        return
    texts = frame.filter(pl.col(name).is_not_null())
    levels = texts[name].unique().sort()
    people = texts[PEOPLE].n_unique() if PEOPLE in frame.columns else texts.height
    if len(levels) <= min(MOST_LEVELS, people / 2) or len(levels) < 2:
        return
    first = ", ".join(map(repr, levels.head(_SHOWN))) + (", …" if len(levels) > _SHOWN else "")
    raise UsageError(
        f"{role} name {name!r}, a text with {len(levels):,} levels in {counted(people, 'participants')} ({first}): "
        f"a factor has at most {MOST_LEVELS} levels, and one for every two participants; group them in a column of "
        "fewer levels, or give a column of numbers"
    )


def check_group(by: str, frame: pl.DataFrame) -> None:
    """Check that the levels of a column of ``frame`` are groups of people, of nights or of cramps.

    Raises:
        UsageError: it is the participants' identifier, a date, or a text of too many levels.
    """
    check_column(by, frame, "groups")
    if by in frame.columns:
        check_levels(by, frame, "groups")


def participants(frame: pl.DataFrame, rows: NDArray[np.bool_]) -> int:
    """Return of how many participants the ``rows`` of ``frame`` are."""
    return frame[PEOPLE].filter(pl.Series(rows)).n_unique() if PEOPLE in frame.columns else int(rows.sum())


def reference_first(bands: Sequence[str], column: pl.Series, frame: pl.DataFrame) -> tuple[list[str], str | None]:
    """Return age bands with the youngest one of enough participants first, and why that is not the youngest, if so.

    Where no band has :data:`FEWEST_IN_REFERENCE` participants the youngest stays the reference.
    """
    who = frame[PEOPLE] if PEOPLE in frame.columns else pl.int_range(len(column), eager=True)
    pairs = pl.DataFrame({"band": column.cast(pl.String), "who": who})
    people = dict(pairs.group_by("band").agg(pl.col("who").n_unique()).iter_rows())
    found = next((band for band in bands if people.get(band, 0) >= FEWEST_IN_REFERENCE), None)
    if found is None or found == bands[0]:
        return list(bands), None
    few = list(bands[: bands.index(found)])
    said = f"{few[0]} has" if len(few) == 1 else f"{', '.join(few[:-1])} and {few[-1]} have"
    why = f"age bands are compared with {found}, as {said} fewer than {FEWEST_IN_REFERENCE} participants"
    return [found, *(band for band in bands if band != found)], why
