"""What an unreliable person mean does to the contrast between participants, in words that its rows lead back to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import facts, kinds, verdicts

WANTED, LEAST = 0.8, 0.5
"""Below the first a ratio between participants is shown corrected beside the plain one; below the second it is not.

Below the second, where reliability is poor, the plain one has no verdict: it is mostly the ratio within participants.
Source: Koo and Li 2016 (below 0.5 poor).
"""

POOR = "reliability"
"""The fact of how low that of a mean is whose ratio between participants has no verdict for it."""


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
    def poor(self) -> bool:
        """Whether the mean tells too little of a participant for anything to be said of what is between them."""
        return self.value < LEAST

    @property
    def so_that(self) -> str:
        """What follows from the reliability."""
        far = ", too far to be corrected or judged" if self.poor else ""
        return f"its {self.what} between participants is drawn towards that within{far}"


def warning(variable: str, value: float, what: str = "ratio") -> UnreliableMean | None:
    """Return what is to be said of ``what`` is between participants, where the mean has a reliability of ``value``."""
    # Of means of one night each it is not known.
    return UnreliableMean(variable, value, what) if value < WANTED else None


def warned(row: Mapping[str, Any], found: Iterable[UnreliableMean]) -> dict[str, Any]:
    """Return a row with the warnings of the means in its term, without a verdict where that of one of them is poor."""
    made = dict(row)
    for each in found:
        own = [] if pd.isna(made["note"]) else [made["note"]]
        poor = each.poor and not pd.isna(made["verdict"])
        made = verdicts.unjudged(made, str(each)) if poor else made | {"note": "; ".join([*own, str(each)])}
        made = facts.with_facts(made, {POOR: f"{max(each.value, 0):.2f}"}) if poor else made
    return made


def why_poor(row: Mapping[str, Any]) -> str:
    """Return why a row has no verdict, if that is as the mean that it is of tells too little of a participant."""
    return facts.fact(row, "no verdict") if facts.fact(row, POOR) and not facts.fact(row, "beyond") else ""


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
