"""Whether what a row is adjusted for is what the causal graph asks for, as its columns ``adjustment`` and ``lacks``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

Enough = Literal["sufficient", "not measured", "too few participants", "not taken in", "no effect", "terms left out"]
SUFFICIENT: Enough = "sufficient"
NOT_MEASURED: Enough = "not measured"
"""No set of what was measured suffices."""
TOO_FEW: Enough = "too few participants"
"""The model had no room for all of it."""
NOT_TAKEN_IN: Enough = "not taken in"
"""Some of it has no value on the rows of the model, is the same on all of them, or sets the outcome apart."""
NO_EFFECT: Enough = "no effect"
"""Under the graph the outcome comes before the exposure."""
LEFT_OUT: Enough = "terms left out"
"""The model had no room for some of its terms, or no estimate with them, whatever a graph asks for."""
_SEPARATOR = "; "


def cells(adjustment: Enough, lacks: Sequence[str] = ()) -> dict[str, str | None]:
    """Return the cells of a row for how far it is adjusted, and for what it is not."""
    return {"adjustment": adjustment, "lacks": _SEPARATOR.join(lacks) or None}


NONE: Mapping[str, None] = {"adjustment": None, "lacks": None}
"""The cells of a row that no graph was asked of, or that has no estimate."""


def stated(rows: pd.DataFrame, made: Mapping[str, str | None]) -> pd.DataFrame:
    """Return rows with the cells ``made`` on each that has an estimate or lacks it for want of room."""
    own = rows["estimate"].notna() | rows["adjustment"].notna()
    return rows.assign(**{name: rows[name].mask(own, cell) for name, cell in made.items()})


def lacks(row: Mapping[str, Any]) -> list[str]:
    """Return what the graph asks for and the row is not adjusted for: variables, or terms of its model."""
    return [] if pd.isna(row["lacks"]) else str(row["lacks"]).split(_SEPARATOR)


def enough(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows are adjusted for all that the causal graph asks for."""
    return adjusted_as(rows, SUFFICIENT)


def adjusted_as(rows: pd.DataFrame, *adjustments: Enough) -> pd.Series[bool]:
    """Return which rows are adjusted as one of ``adjustments`` says."""
    return rows["adjustment"].isin(adjustments)


def by_graph(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows the causal graph had adjusted, enough or not."""
    return rows["adjustment"].notna() & ~adjusted_as(rows, NO_EFFECT, LEFT_OUT)
