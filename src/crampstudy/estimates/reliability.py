"""What an unreliable person mean does to the contrast between participants, in words that its rows lead back to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds

WANTED, LEAST = 0.8, 0.5
"""Below the first a ratio between participants is shown corrected beside the plain one; below the second it is not."""


@dataclass(frozen=True, slots=True)
class UnreliableMean:
    """The mean of a nightly ``variable`` with its reliability (``value``), and ``what`` is drawn by it."""

    variable: str
    value: float
    what: str = "ratio"

    def __str__(self) -> str:
        """Return the warning as the row of a contrast between participants has it in its note."""
        return f"the mean of {self.variable} has a reliability of {max(self.value, 0):.2f}, so that {self.so_that}"

    @property
    def so_that(self) -> str:
        """What follows from the reliability."""
        far = ", and too far to be corrected" if self.value < LEAST else ""
        return f"its {self.what} between participants is drawn towards that within{far}"


def warning(variable: str, value: float, what: str = "ratio") -> str | None:
    """Return what is to be said of ``what`` is between participants, where the mean has a reliability of ``value``."""
    # Of means of one night each it is not known.
    return str(UnreliableMean(variable, value, what)) if value < WANTED else None


def unreliable(rows: pd.DataFrame) -> dict[str, UnreliableMean]:
    """Return the means of low reliability among rows, by the warnings that those of their contrasts may have."""
    own = kinds.RELIABILITY.rows(rows)
    if own.empty:
        return {}
    own = own.dropna(subset=["estimate"])
    found = [
        UnreliableMean(str(term).removeprefix(wording.RELIABILITY), float(value), what)
        for term, value in zip(own["term"], own["estimate"], strict=True)
        if value < WANTED
        for what in ("ratio", "difference")
    ]
    return {str(each): each for each in found}
