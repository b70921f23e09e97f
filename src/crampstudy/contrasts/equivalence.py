"""What the interval of a ratio says: near null, higher, lower, inconclusive, or that there was too little to say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from crampstudy.errors import UsageError

Verdict = Literal["near null", "higher", "lower", "inconclusive", "too few", "could not estimate"]

MARGIN = (0.8, 1.25)
"""Ratios between these are as good as 1: the limits of bioequivalence, symmetric on the log scale."""
FEWEST = 10
"""With fewer participants or events than this nothing is said of a ratio."""


def verdict(row: Mapping[str, Any], margin: tuple[float, float] = MARGIN) -> Verdict:
    """Return what the interval of one ratio, a row of estimates, says at its own confidence level.

    An interval inside ``margin`` is near null, also where it excludes 1; this is looked at first. One that excludes 1
    is higher or lower, any other inconclusive. A p value above 0.05 is never read as no effect.

    Raises:
        UsageError: the margin does not lie around 1, or the row is no ratio.

    Source: Schuirmann 1987, with the interval of the row in the place of the 90 % one.
    """
    low, high = margin
    if not 0 < low < 1 < high:
        raise UsageError(f"a margin of equivalence lies around 1, such as 0.8 to 1.25; got {low:g} to {high:g}")
    if not str(row["scale"]).endswith("_ratio"):
        raise UsageError(f"only a ratio is near null, higher or lower; {row['key']} is on the scale {row['scale']}")
    if row["status"] != "converged" or pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return "could not estimate"
    if any(pd.notna(row[count]) and row[count] < FEWEST for count in ("n_participants", "n_events")):
        return "too few"
    if low <= row["ci_low"] and row["ci_high"] <= high:
        return "near null"
    if row["ci_low"] > 1:
        return "higher"
    return "lower" if row["ci_high"] < 1 else "inconclusive"


def verdicts(estimates: pd.DataFrame, margin: tuple[float, float] = MARGIN) -> pd.Series[str]:
    """Return the :func:`verdict` of every row of estimates that is a ratio, missing for the others.

    Raises:
        UsageError: the margin does not lie around 1.
    """
    ratios = estimates["scale"].str.endswith("_ratio", na=False)
    said = [
        verdict({str(name): cell for name, cell in row.items()}, margin) for row in estimates[ratios].to_dict("records")
    ]
    return pd.Series(said, index=estimates.index[ratios], dtype="string", name="verdict").reindex(estimates.index)
