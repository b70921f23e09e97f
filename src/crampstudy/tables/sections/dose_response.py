"""Exposures measured as numbers: how high they are, how many people are low, their contrast, and their shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import WITHIN
from crampstudy.estimates import at_contrasts, kinds, ratios
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_Key = tuple[str, str]
"""Domain and name of an exposure."""


@table_of_rows
def dose_response(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each exposure: participants, mean (SD), share low, its ratio at a contrast, test of a line.

    What the rows do not tell of any exposure has no column. Of a nightly exposure the contrast is of the participants'
    means, or of a night against that mean, which is a row of its own. A contrast between centiles shows its
    values.
    """
    columns: dict[str, dict[_Key, str]] = {}
    every: dict[_Key, None] = {}
    for heading, key, text in _cells(estimates):
        every.setdefault(key)
        columns.setdefault(heading, {}).setdefault(key, text)
    domains = list(dict.fromkeys(domain for domain, _ in every))
    ordered = sorted(every, key=lambda key: domains.index(key[0]))
    made = pd.DataFrame(
        {heading: [cells.get(key, wording.DASH) for key in ordered] for heading, cells in columns.items()}
    )
    made.index = pd.MultiIndex.from_tuples(ordered, names=["", "Exposure"])
    return made


def _cells(estimates: pd.DataFrame) -> Iterator[tuple[str, _Key, str]]:
    """Yield heading, exposure and text of each cell, column by column."""
    levels = kinds.EXPOSURE_LEVEL.rows(estimates)
    spread = {row["term"]: row for row in wording.records(levels[levels["scale"] == "standard_deviation"])}
    means = wording.records(levels[levels["scale"] == "mean"])
    for row in means:
        yield "n", _key(row), wording.marked(row, wording.count(row["n_participants"] or float("nan")))
    for row in means:
        yield "Mean (SD)", _key(row), _mean(row, spread)
    low = kinds.LOW_LEVEL.rows(estimates)
    for row in wording.records(low):
        yield with_level("Low, % (95% CI)", low), _key(row), estimate(row)
    compared = kinds.GRAPH_ADJUSTED.rows(estimates)
    compared = at_contrasts(ratios(compared))
    scale = str(next(iter(compared["scale"]), "ratio")).replace("_", " ").capitalize()
    shown = wording.records(compared)
    for row in shown:
        yield "Contrast", _key(row), wording.contrast(row).rpartition(": ")[2]
    for row in shown:
        yield with_level(f"{scale} (95% CI)", compared), _key(row), estimate(row)
    for row in shown:
        if pd.notna(row["verdict"]):
            yield "Verdict", _key(row), str(row["verdict"])
    for row in wording.records(kinds.SHAPE.rows(estimates)):
        if row["status"] == "converged":
            yield "Shape", _key(row), wording.marked(row, wording.p_text(row["p_value"]))


def _key(row: dict[str, Any]) -> _Key:
    name = str(row["term"]).removeprefix(wording.CONTRAST)
    found = exposures.find(name)
    known = wording.variable(name)
    # A mean of nights stands in the row of its variable.
    label = wording.term(name if found and (found.steps or found.part == WITHIN) else found.variable if found else name)
    return (known.domain.capitalize() if known else "Own terms"), label


def _mean(row: dict[str, Any], spread: dict[str, Any]) -> str:
    if row["status"] != "converged":
        return wording.estimate(row)
    digits = next((digits for limit, digits in _DIGITS if abs(row["estimate"]) >= limit), 2)
    middle, about = (
        wording.marked(each, wording.number(each["estimate"], digits)) for each in (row, spread[row["term"]])
    )
    return f"{middle} ({about})"


_DIGITS = ((1000, 0), (10, 1))
"""Decimals of a mean from a size on; of smaller ones two."""
