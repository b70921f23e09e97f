"""Who the participants are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.estimates import kinds
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
    between the bands, the last column has them.
    """
    apart = {
        (row["term"], None if pd.isna(row["level"]) else row["level"]): row
        for row in wording.records(kinds.DIFFERENCE_BETWEEN_BANDS.rows(estimates))
    }
    estimates = kinds.CHARACTERISTICS.rows(estimates)
    lines: dict[tuple[str, str], dict[str, str]] = {}
    skewed = set(estimates.loc[estimates["scale"].isin(_OF_NUMBERS), "term"])
    absent = estimates[estimates["scale"] == "missing"].set_index(["term", "population"])
    told: set[str] = set()
    cells = {(row["term"], row["population"], row["scale"]): row for row in wording.records(estimates)}
    for row in wording.records(estimates):
        if row["scale"] in _BESIDE or (row["scale"] == "mean" and row["term"] in skewed):
            continue
        text = _stub(row)
        known = codebook.variable(row["term"], "participants")
        line = lines.setdefault((known.domain.capitalize(), text), {})
        line[row["population"]] = _characteristic(row, cells)
        if row["population"] == "all" and len(absent):
            # Said once of a variable, at the first of its levels.
            line[_MISSING] = "" if row["term"] in told else wording.count(absent.loc[(row["term"], "all"), "estimate"])
            told.add(row["term"])
        if row["population"] == "all" and apart:
            line[_APART] = _difference(apart.get((row["term"], None if pd.isna(row["level"]) else row["level"])))
    if not lines:
        lines["", "No characteristic was recorded"] = {"all": wording.DASH}
    # A domain stands in one place, wherever its variables stand in the codebook.
    domains = list(dict.fromkeys(domain for domain, _ in lines))
    lines = dict(sorted(lines.items(), key=lambda line: domains.index(line[0][0])))
    made = pd.DataFrame.from_dict(lines, orient="index")
    made.index = pd.MultiIndex.from_tuples(lines, names=["", "Characteristic"])
    populations = [c for c in dict.fromkeys(["all", *estimates["population"]]) if c in made.columns]
    numbers = dict(absent["n_participants"].groupby("population").max()) if len(absent) else {}
    headings = {name: _heading(name, numbers) for name in populations}
    columns = [*populations, *(name for name in (_MISSING, _APART) if name in made.columns)]
    return made.reindex(columns=columns).fillna(wording.DASH).rename(columns=headings)


_MISSING, _APART = "Missing", "SMD"


def _difference(row: Mapping[str, Any] | None) -> str:
    return wording.DASH if row is None or row["status"] != "converged" else wording.number(row["estimate"], 2)


def _heading(population: str, numbers: Mapping[Any, int]) -> str:
    name = ({"all": "All"} | SEXES).get(population) or wording.level(population)
    return f"{name} (N = {wording.count(numbers[population])})" if population in numbers else name


def _stub(row: Mapping[str, Any]) -> str:
    text = wording.term(row["term"], heading=True)
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
        return f"{wording.count(row['n_events'])} ({wording.number(100 * middle, 1)})"
    digits = 1 if abs(middle) >= 10 else 2
    beside = ("quartile_1", "quartile_3") if row["scale"] == "quartile_2" else ("standard_deviation",)
    if row["scale"] == "quartile_2" and abs(middle) >= 100:
        digits = 0
    found = [cells.get((row["term"], row["population"], scale)) for scale in beside]
    spread = [wording.number(each["estimate"], digits) for each in found if each is not None]
    return f"{wording.number(middle, digits)} ({wording.DASH.join(spread)})" if spread else wording.DASH
