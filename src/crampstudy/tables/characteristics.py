"""Who the participants are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import OF_RUN_IN, RANDOMISED
from crampstudy.tables.table import table_of_rows
from crampstudy.wording import SEXES

_OF_NUMBERS = ("quartile_1", "quartile_2", "quartile_3")
_BESIDE = ("standard_deviation", "missing", "quartile_1", "quartile_3")
"""Numbers that stand in the cell of another one, or in the column of what is missing."""


@table_of_rows
def table_one(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return who the participants are, overall and by sex or age band, grouped by domain.

    Numbers are mean (SD), or where there are quartiles median (lower to upper quartile); the rest n (%). By age the
    headings say how many there are, and a column how many have no value; where there are standardised differences
    between the bands, the last column has them. What is the same of everybody has no row there.
    """
    return _by_group(kinds.CHARACTERISTICS.rows(estimates), kinds.DIFFERENCE_BETWEEN_BANDS.rows(estimates), "all")


@table_of_rows
def table_of_arms(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return who was randomised and who to which arm of a trial, as :func:`table_one` does by age."""
    described = kinds.CHARACTERISTICS_BY_ARM.rows(estimates)
    return _by_group(described, kinds.DIFFERENCE_BETWEEN_ARMS.rows(estimates), RANDOMISED)


def what_cells_say(described: pd.DataFrame) -> str:
    """Return what the cells of rows of characteristics are, for the note of a table, as far as it has such cells."""
    scales = set(described["scale"])
    skewed = "IQR: interquartile range, of a number that is skewed (skewness beyond 1). "
    absent = described[described["scale"] == "missing"]
    weightless = ", or whose value has weight 0" if (absent["estimate"] > absent["n_events"]).any() else ""
    missing = f"Missing: participants without a value{weightless}. "
    return (
        f"{skewed if 'quartile_2' in scales else ''}{missing if 'missing' in scales else ''}{_without_row(described)}"
        f"{_without_number(described)}"
    )


def _without_number(described: pd.DataFrame) -> str:
    """Return what has values and no number, and why: a survey lacks the weight that would tell it of a population."""
    lacking = described[described["status"].eq("not_estimable") & described["n_participants"].gt(0)]
    said = []
    for (cohort, why), own in lacking.groupby(["cohort", "note"], sort=False):
        names = dict.fromkeys(wording.small(wording.label(str(term))) for term in own["term"])
        of_which = f" of {cohort}" if described["cohort"].nunique() > 1 else ""
        said.append(f"without a number{of_which}, as {why}: {wording.listed([*names])}")
    return f"{wording.sentences(said)} " if said else ""


def _without_row(described: pd.DataFrame) -> str:
    """Return in what everybody is alike, so that it has no row in a table by group."""
    by_level: dict[str, list[str]] = {}
    for term, level in _alike(described).items():
        by_level.setdefault(wording.level(level), []).append(wording.small(wording.term(term)))
    said = [f"{wording.listed(names)} ({level})" for level, names in by_level.items()]
    return f"Without a row, as everybody is alike: {'; '.join(said)}. " if said else ""


def _alike(described: pd.DataFrame) -> dict[str, str]:
    """Return the variables of a table by group in which everybody with a value has the same level, with that level."""
    if not described["scale"].eq("missing").any():
        return {}
    whole = described[described["population"].eq(described["population"].iloc[0])]
    shares = whole[whole["scale"].eq("proportion") & whole["status"].eq("converged")]
    found = {}
    for term, own in shares.groupby("term", sort=False):
        levels, n = own.loc[own["n_events"].gt(0), "level"].tolist(), own["n_participants"].iloc[0]
        if own["level"].tolist() == ["true"] and not levels:
            found[str(term)] = "false"
        elif len(levels) == 1 and own["n_events"].max() == n:
            found[str(term)] = str(levels[0])
    return found


def _by_group(estimates: pd.DataFrame, differences: pd.DataFrame, whole: str) -> pd.DataFrame:
    """Return characteristics by group.

    Args:
        estimates: rows of characteristics.
        differences: the largest standardised difference of each between two groups, where they were made.
        whole: the group that everybody is in.
    """
    apart = {
        (row["term"], None if pd.isna(row["level"]) else row["level"]): row for row in wording.records(differences)
    }
    lines: dict[tuple[str, str], dict[str, str]] = {}
    absent = estimates[estimates["scale"] == "missing"].set_index(["term", "population"])
    told: set[str] = set()
    cells = {(row["term"], row["population"], row["scale"]): row for row in wording.records(estimates)}
    alike = _alike(estimates)
    for row in wording.records(with_a_line(estimates)):
        if row["term"] in alike:
            continue
        line = lines.setdefault(line_of(row), {})
        line[row["population"]] = _characteristic(row, cells)
        if row["population"] == whole and len(absent):
            # Said once of a variable, at the first of its levels.
            missing = absent.loc[(row["term"], whole)]
            line[_MISSING] = "" if row["term"] in told else wording.count_of(missing, "estimate")
            told.add(row["term"])
        if row["population"] == whole and apart:
            line[_APART] = _difference(apart.get((row["term"], None if pd.isna(row["level"]) else row["level"])))
    if not lines:
        lines["", "No characteristic was recorded"] = {whole: wording.DASH}
    # A domain stands in one place, wherever its variables stand in the codebook.
    domains = list(dict.fromkeys(domain for domain, _ in lines))
    lines = dict(sorted(lines.items(), key=lambda line: domains.index(line[0][0])))
    made = pd.DataFrame.from_dict(lines, orient="index")
    made.index = pd.MultiIndex.from_tuples(lines, names=["", "Characteristic"])
    populations = [c for c in dict.fromkeys([whole, *estimates["population"]]) if c in made.columns]
    numbers = dict(absent["n_participants"].groupby("population").max()) if len(absent) else {}
    headings = {name: _heading(name, numbers) for name in populations}
    columns = [*populations, *(name for name in (_MISSING, _APART) if name in made.columns)]
    return made.reindex(columns=columns).fillna(wording.DASH).rename(columns=headings)


def with_a_line(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of characteristics that have a line of their own: of a number its mean or its median."""
    skewed = estimates.loc[estimates["scale"].isin(_OF_NUMBERS), "term"]
    beside = estimates["scale"].isin(_BESIDE) | (estimates["scale"].eq("mean") & estimates["term"].isin(skewed))
    return estimates[~beside]


def line_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return domain and stub of the line of a row of characteristics."""
    known = OF_RUN_IN.get(row["term"]) or codebook.variable(row["term"], "participants")
    return known.domain.capitalize(), _stub(row)


_MISSING, _APART = "Missing", "SMD"
_TO = "randomised to "


def _difference(row: Mapping[str, Any] | None) -> str:
    return (
        wording.DASH
        if row is None or row["status"] != "converged"
        else wording.marked(row, wording.number(row["estimate"], 2))
    )


def _heading(population: str, numbers: Mapping[Any, int]) -> str:
    whole = dict.fromkeys(("all", RANDOMISED), "All")
    name = (whole | SEXES).get(population) or wording.capital(wording.level(population.removeprefix(_TO)))
    return f"{name} (N = {wording.count(numbers[population])})" if population in numbers else name


def _stub(row: Mapping[str, Any]) -> str:
    run_in = OF_RUN_IN.get(str(row["term"]))
    text = run_in.heading if run_in else wording.term(row["term"], heading=True)
    if row["scale"] == "proportion":
        _, _, among = str(row["estimand"]).partition(", of ")
        share = f"n (%) of {among}" if among else "n (%)"
        return f"{text}, {share}" if row["level"] == "true" else f"{text}: {wording.level(row['level'])}, {share}"
    return f"{text}, median (IQR)" if row["scale"] == "quartile_2" else f"{text}, mean (SD)"


def _characteristic(row: Mapping[str, Any], cells: Mapping[tuple[Any, ...], Mapping[str, Any]]) -> str:
    if row["status"] != "converged":
        return wording.DASH
    middle = float(str(row["estimate"]))
    if row["scale"] == "proportion":
        return wording.marked(row, f"{wording.count(row['n_events'])} ({wording.number(100 * middle, 1)})")
    digits = 1 if abs(middle) >= 10 else 2
    beside = ("quartile_1", "quartile_3") if row["scale"] == "quartile_2" else ("standard_deviation",)
    if row["scale"] == "quartile_2" and abs(middle) >= 100:
        digits = 0
    found = [cells.get((row["term"], row["population"], scale)) for scale in beside]
    spread = [wording.marked(each, wording.number(each["estimate"], digits)) for each in found if each is not None]
    shown = wording.marked(row, wording.number(middle, digits))
    return f"{shown} ({wording.DASH.join(spread)})" if spread else wording.DASH
