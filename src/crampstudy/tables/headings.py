"""What tables call groups and intervals."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.facts import fact
from crampstudy.estimates.groups import group
from crampstudy.estimates.sentences import estimate
from crampstudy.estimates.verdicts import why_beyond

WITHOUT_ESTIMATE = ("not_estimable", "not_converged")
"""Statuses of rows whose p-value is not shown, as their estimate is not."""
_SHARES = "proportion"
_AND, _EVERYBODY = " AND ", "all participants"
_FLAG = re.compile(r"(\w+) = (true|false)")
_SEX = re.compile(r"sex = '(female|male)'")
_NIGHTS = {
    "lag 0": "Same night",
    "cumulative": "All these nights together",
    "lag 1 against lag 0": "1 night later against same night",
    "lag 0 against lead 1": "Night after against night before",
}


def night(level: str) -> str:
    """Return which night a lag is of, as seen from the exposure: ``2 nights later``."""
    word, _, number = level.partition(" ")
    if word == "lead":
        return f"{wording.counted(int(number), 'nights')} before, control"
    if word == "lag" and number.isdecimal():
        return _NIGHTS.get(level) or f"{wording.counted(int(number), 'nights')} later"
    return _NIGHTS.get(level) or wording.capital(level)


def of_group(population: object) -> str:
    """Return the group of a population as printed, without the condition that all rows share."""
    return wording.level(group(population))


def of_fewer(
    rows: pd.DataFrame, heading: Callable[[Mapping[str, Any]], str], lines: pd.DataFrame | None = None
) -> list[str]:
    """Return of how many participants columns are, where that is fewer than the line of a group says.

    Args:
        rows: those of a table whose lines say the most participants that any column has in a group.
        heading: the name of the column that a row stands in.
        lines: all that the lines count, where that is more than the columns are of.
    """
    rows = rows[rows["estimate"].notna()]
    most = (rows if lines is None else lines).groupby("population", sort=False)["n_participants"].max()
    found: dict[str, list[str]] = {}
    fewer: dict[str, list[str]] = {}
    for row in wording.records(rows):
        n, every = row["n_participants"], most[row["population"]]
        if n < every:
            of = " participants" if heading(row) not in fewer else ""
            said = f"{wording.count(n)} of {wording.count(every)}{of} ({of_group(row['population'])})"
            fewer.setdefault(heading(row), []).append(said)
    for name, numbers in fewer.items():
        found.setdefault(wording.listed(numbers), []).append(name)
    return [
        f"known of {numbers} alone: {wording.listed(map(wording.small, names))}" for numbers, names in found.items()
    ]


def among(rows: pd.DataFrame, whole: pd.DataFrame | None = None) -> list[list[str]]:
    """Return among whom each row is, beyond what all rows share, those of the ``whole`` where it is given, in words."""
    parts, every = (
        [[] if each == _EVERYBODY else str(each).split(_AND) for each in of["population"]]
        for of in (rows, rows if whole is None else whole)
    )
    shared = set(every[0]).intersection(*every) if every else set()
    return [[_group(part) for part in own if part not in shared] for own in parts]


def _group(part: str) -> str:
    """Return among whom a row is, in words: ``without leg pain on exertion``, ``women``, ``age ≤ 49``."""
    if flag := _FLAG.fullmatch(part):
        return f"{'with' if flag[2] == 'true' else 'without'} {wording.small(wording.label(flag[1]))}"
    if sex := _SEX.fullmatch(part):
        return wording.small(wording.SEXES[sex[1]])
    return wording.small(wording.condition(part))


def age_and_sex(rows: pd.DataFrame) -> str:
    """Return which of age and sex any of the models of rows is adjusted for, empty where it is neither."""
    named = {name for each in rows["adjusted_for"].dropna() for name in each.split("; ")}
    held = [word for word, of in (("age", "age_"), ("sex", "sex")) if any(of in name for name in named)]
    return wording.listed(held) if held else ""


def by_group(groups: Iterable[str]) -> str:
    """Return what heads the names of age groups, as printed; where nobody has an age, none is of ages."""
    return "Age (years)" if any(any(map(str.isdigit, group)) for group in groups) else "Group"


def with_level(heading: str, rows: pd.DataFrame) -> str:
    """Return a heading that says 95% with the confidence level of the rows in its place."""
    levels = rows["ci_level"].dropna()
    return heading.replace("95%", f"{levels.iloc[0] * 100:g}%") if len(levels) else heading


def people_of(rows: pd.DataFrame) -> pd.Series[str]:
    """Return how many people each line of a table is of, by the ``row`` that rows are in: the most of these."""
    most = rows.sort_values("n_participants", ascending=False, kind="stable").drop_duplicates("row").set_index("row")
    return wording.counts(most, "n_participants").reindex(rows["row"].unique())


def p_of(row: Mapping[str, Any], of: str = "p_value") -> str:
    """Return the p-value of a row as a cell, or its q-value: a dash where it has none, or its number is not told."""
    untold = row["status"] in WITHOUT_ESTIMATE or fact(row, "beyond")
    return wording.DASH if untold else wording.marked(row, p_value(row[of]))


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
    of_shares = row["unit"] == _SHARES and not why_beyond(row)
    return wording.estimate(row, 1, 100.0) if of_shares else estimate(row)


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
