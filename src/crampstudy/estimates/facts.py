"""What tables, figures and sentences are made of beside the other columns of a row: names with values, in one column.

A note is for whoever reads the row. What anything is decided by, or said again elsewhere, stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

CARRIED_BY = "carried by"
"""The fact of a rate of several participants of whom one has all of the cramps."""
NOT_ASKED = "not asked"
"""The fact of a row that has no estimate as a condition leaves out all whom it is of, which is no failure."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "plan": "`planned` or `post hoc`, where a plan of the claims was given",
        "left out": "why a published trial is in no pool",
        "unit": "`presumed`, where a published trial does not say it",
        "trial": "whose participants a published row is of, where that is not its own name",
        "interval": "what that of a published trial follows from, where it is not the one that was published",
        "published interval": "the one that stands aside for it, and why, where that is known",
        "risk of bias": "of a published trial, as it was judged",
        "judged by": "who judged that",
        "certainty": "of published evidence, and who graded it",
        "covariance": "what `auto` turned out to be",
        "margins": "those of the verdict, where they are not the usual ones",
        "no verdict": "why an estimate with an interval has none",
        "beyond": "`observed`, where that is as it is compared beyond all that was observed",
        "reliability": "that of a mean of nights, where its ratio between participants has no verdict for it",
        "extrapolated": "how many per cent of the population that a share is standardised to are beyond all observed",
        "no interval": "why there is none",
        "q": "by which method, over how many tests",
        "time zero": "from which night on a treatment is followed",
        "never at": "a value of the modifier that no night had",
        "tell": "how many participants tell of a ratio within participants, where fewer than five: those in whom the "
        "value varies and who had an event",
        "rests on": "how many participants tell of a ratio beside what it is adjusted for, where not all do",
        "whom": "who these are",
        "centiles": "the cohort whose these are, where cohorts are compared at the centiles of one of them",
        "beside": "`ratio` or `difference`, where that of the same contrast rests on too few",
        "nights": "how many nights, each with a coefficient, a sum is of",
        "where": "at which values of what it interacts with a term is taken",
        "leaves out": "of a row with or without an estimate, whom it leaves out, as its note says it",
        "adjusted": "`for nothing`, where of what is asked for nothing could be taken in",
        "needs": "what was not measured, where it is not the term; several are joined by `and`",
        "set aside": "of what was recorded and has no value left, how many were set aside in cleaning, by which rules",
        "had by": "`nobody`, of a treatment that nobody took, `nights`, of one that was logged by night and has no "
        "course, or `combination`, of what lots gave in one alone",
        "other parts": "`estimated`, of a part of a claim that was not tested and whose other parts were",
        NOT_ASKED: "`condition`, of an age that a condition on participants leaves out",
        CARRIED_BY: "`1`, where one of several participants has all of the cramps",
        "most a night": "`1`, where no night has more than one cramp",
        "added": "how many nights are in no file, but were taken as without a cramp",
        "said": "what a table, a figure or a sentence says of the row in words",
    }
)
"""The names that there are, in the order in which they are written, and what the value of each says."""
_OF_ESTIMATE = (
    *("covariance", "margins", "no verdict", "beyond", "reliability", "no interval", "q"),
    *("tell", "rests on", "whom", "beside", "nights"),
)
"""What a row without an estimate does not say."""
_NEXT, _IS = "; ", ": "


def written(facts: Mapping[str, str | None]) -> str | None:
    """Return facts as the column has them, ``None`` where none has a value.

    Raises:
        TypeError: a name is none of :data:`MEANINGS`.
    """
    if unknown := [name for name in facts if name not in MEANINGS]:
        raise TypeError(f"no such fact of an estimate: {', '.join(unknown)}")
    told = ((name, facts.get(name)) for name in MEANINGS)
    # A semicolon would divide the value.
    return _NEXT.join(f"{name}{_IS}{value.replace(_NEXT, ' – ')}" for name, value in told if value) or None


def read(cell: Any) -> dict[str, str]:
    """Return the facts of a cell of the column by their names, also of one that is not written yet."""
    if isinstance(cell, Mapping):
        return {name: value for name, value in cell.items() if value}
    text = "" if cell is None or pd.isna(cell) else str(cell)
    pairs = (part.partition(_IS) for part in text.split(_NEXT) if part)
    return {name: value for name, _, value in pairs}


def fact(row: Mapping[str, Any], name: str) -> str:
    """Return what a row says by a name, empty where it says nothing."""
    return read(row.get("facts")).get(name, "")


def with_facts(row: Mapping[str, Any], facts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a row that says more; a name that it has already takes the new value."""
    return {**row, "facts": written({**read(row.get("facts")), **facts})}


def without_estimate(cell: Any) -> str | None:
    """Return the facts of a cell of the column but for those of an estimate."""
    return written({name: value for name, value in read(cell).items() if name not in _OF_ESTIMATE})


def of_rows(rows: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return what each of the rows says by a name, empty where it says nothing."""
    # Rows of one's own may have no such column.
    cells = rows["facts"] if "facts" in rows.columns else [None] * len(rows)
    return pd.Series([read(cell).get(name, "") for cell in cells], index=rows.index, dtype="object")
