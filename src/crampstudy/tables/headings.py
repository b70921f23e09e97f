"""What tables call groups and intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.groups import group

_SHARES = "proportion"


def of_group(population: object) -> str:
    """Return the group of a population as printed, without the condition that all rows share."""
    return wording.level(group(population))


def by_group(groups: Iterable[str]) -> str:
    """Return what heads the names of age groups, as printed; where nobody has an age, none is of ages."""
    return "Age (years)" if any(any(map(str.isdigit, group)) for group in groups) else "Group"


def with_level(heading: str, rows: pd.DataFrame) -> str:
    """Return a heading that says 95% with the confidence level of the rows in its place."""
    levels = rows["ci_level"].dropna()
    return heading.replace("95%", f"{levels.iloc[0] * 100:g}%") if len(levels) else heading


def p_value(value: float) -> str:
    """Return a p-value as a cell: three digits, a dash where there is none."""
    if math.isnan(value):
        return wording.DASH
    return "<0.001" if value < 0.001 else wording.number(value, 3)


def unit_of_difference(rows: pd.DataFrame) -> str:
    """Return the unit of differences as a heading names it: those of shares are in percentage points."""
    return "percentage points" if rows["unit"].eq(_SHARES).any() else "cramps a week"


def difference(row: Mapping[str, Any]) -> str:
    """Return a difference with its interval, of shares in percentage points."""
    return wording.estimate(row, 1, 100.0) if row["unit"] == _SHARES else wording.estimate(row)


def in_groups(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with those of one cohort and outcome together, else in their order."""
    places = rows.groupby(["cohort", "outcome"], sort=False, dropna=False).ngroup()
    return rows.iloc[places.argsort(kind="stable")]


def grouped_stubs(rows: pd.DataFrame, stubs: Sequence[str], name: str) -> pd.Index:
    """Return the stubs of rows, in groups where these are of several cohorts or outcomes."""
    several = [column for column in ("cohort", "outcome") if rows[column].nunique() > 1]
    if not several:
        return pd.Index(list(stubs), name=name)
    told = rows[several].astype(str)
    if "outcome" in several:
        told["outcome"] = told["outcome"].map(wording.outcome)
    groups = [", ".join(cells) for cells in told.to_numpy()]
    return pd.MultiIndex.from_arrays([groups, list(stubs)], names=["", name])
