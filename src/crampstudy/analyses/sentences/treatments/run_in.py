"""What is said of the fall of the rate after a run-in, and how much of it was to be expected."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables, wording
from crampstudy.estimates import verdicts
from crampstudy.estimates.sentences import TOO_IMPRECISE, in_brackets, in_text, times
from crampstudy.estimates.treatments import ALL, EXPECTED, OBSERVED, REMAINS
from crampstudy.estimates.verdicts import too_imprecise


def fall(rows: pd.DataFrame) -> str:
    """Return how far the rate fell after the run-in, and how much of that was to be expected."""
    own = rows[rows["term"].eq(ALL)] if len(rows) else rows
    parts = {str(row["level"]): row for row in wording.records(own) if pd.notna(row["estimate"])}
    if OBSERVED not in parts or EXPECTED not in parts:
        reason = tables.reasons(own)
        return f"How far cramps fall by themselves after a run-in could not be told: {reason}." if reason else ""
    if any(verdicts.too_imprecise(parts[name]) for name in (OBSERVED, EXPECTED, REMAINS) if name in parts):
        return f"How far cramps fall by themselves after a run-in is {TOO_IMPRECISE}."
    expected, alone = parts[EXPECTED], "to be expected of regression to the mean alone"
    # An interval that holds no change at all tells of none.
    unclear = pd.notna(expected["ci_low"]) and expected["ci_low"] <= 1 <= expected["ci_high"]
    told = f"whether a change was {alone} is not clear" if unclear else f"{in_text(expected)} was {alone}"
    text = (
        f"After the run-in the rate was {times(parts[OBSERVED])} that in it, in the "
        f"{wording.counted(int(parts[OBSERVED]['n_participants']), 'participants')} with nights of both; {told}"
    )
    if unclear:
        return f"{text} ({in_brackets(expected)})."
    rest = ""
    if REMAINS in parts:
        of = " " if too_imprecise(parts[REMAINS]) else " of "
        rest = f", which leaves a ratio{of}{in_text(parts[REMAINS])}"
    return f"{text}{rest}."
