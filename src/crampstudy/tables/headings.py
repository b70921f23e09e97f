"""What tables call groups and intervals."""

from __future__ import annotations

import math

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.groups import group


def of_group(population: object) -> str:
    """Return the group of a population as printed, without the condition that all rows share."""
    return wording.level(group(population))


def with_level(heading: str, rows: pd.DataFrame) -> str:
    """Return a heading that says 95% with the confidence level of the rows in its place."""
    levels = rows["ci_level"].dropna()
    return heading.replace("95%", f"{levels.iloc[0] * 100:g}%") if len(levels) else heading


def p_value(value: float) -> str:
    """Return a p-value as a cell: three digits, a dash where there is none."""
    if math.isnan(value):
        return wording.DASH
    return "<0.001" if value < 0.001 else wording.number(value, 3)
