"""By how much cohorts, or age bands, differ in who they are: standardised differences of means and of shares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.contrasts.cohorts.measures import FEWEST
from crampstudy.estimates import kinds
from crampstudy.wording import listed, records

Row = dict[str, Any]
_Cell = tuple[float, float, int]


def standardised_differences(described: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return by how much each of the cohorts differs from the first in each characteristic, in standard deviations.

    The difference of two means is divided by the root of the mean of both variances, that of two shares p likewise,
    with p (1 - p) for the variance; of a survey all of them are weighted. It has no interval and no test: it describes
    these participants.

    Args:
        described: rows of :func:`~crampstudy.descriptive.characteristics.characteristics` of all cohorts.
        names: of the cohorts, the reference first.

    Source: Cohen 1988; Austin 2009 (10.1002/sim.3697).
    """
    rows = described[described["population"] == "all"]
    cells = {name: _cells(rows[rows["cohort"] == name]) for name in names}
    first = cells[names[0]]
    empty = [name for name in names if not rows.loc[rows["cohort"] == name, "n_participants"].max() > 0]
    made: list[Row] = []
    for name in names[1:]:
        nobody = [each for each in (name, names[0]) if each in empty]
        for place in dict.fromkeys([*first, *cells[name]]):
            made.append(_row(place, name, names[0], cells[name].get(place), first.get(place), nobody))
    return estimates.frame(made)


def differences_between_bands(described: pd.DataFrame) -> pd.DataFrame:
    """Return the largest standardised difference of each characteristic between two age bands, with its sign.

    It is that of the older band less the younger, with the denominator of :func:`standardised_differences`, of the two
    that are compared.

    Args:
        described: rows of :func:`~crampstudy.descriptive.characteristics.characteristics` by age band.

    Source: Austin 2009 (10.1002/sim.3697).
    """
    bands = [name for name in dict.fromkeys(described["population"]) if name != "all"]
    cells = {name: _cells(described[described["population"] == name]) for name in bands}
    cohort = described["cohort"].iloc[0] if len(described) else None
    made: list[Row] = []
    for place in dict.fromkeys(place for name in bands for place in cells[name]):
        pairs = [
            (old, young, _apart(cells[old][place], cells[young][place]))
            for young, old in combinations([name for name in bands if place in cells[name]], 2)
        ]
        known = [pair for pair in pairs if not math.isnan(pair[2])]
        row: Row = {
            "cohort": cohort,
            "analysis": kinds.DIFFERENCE_BETWEEN_BANDS.name,
            "estimand": "largest difference between two age bands, in standard deviations",
            "term": place[0],
            "level": place[1],
            "scale": "standardised_difference",
            "unit": "standard deviations",
        }
        if not known:
            why = "no spread in any two age bands" if pairs else "no two age bands have a value"
            made.append(estimates.row(status="not_estimable", population="all", **row | {"note": why}))
            continue
        old, young, apart = max(known, key=lambda pair: abs(pair[2]))
        counts = cells[old][place][2], cells[young][place][2]
        row |= {"population": old, "reference": young, "n_participants": sum(counts), "n_exposed": counts[0]}
        made.append(estimates.row(status="converged", estimate=apart, **row))
    return estimates.frame(made)


def _apart(one: _Cell, other: _Cell) -> float:
    """Return the standardised difference of two means or shares, not a number where neither has any spread."""
    apart, spread = one[0] - other[0], math.sqrt((one[1] + other[1]) / 2)
    if apart == 0:
        return 0.0
    return apart / spread if spread > 0 else math.nan


def _cells(rows: pd.DataFrame) -> dict[tuple[str, str | None], _Cell]:
    """Return mean or share, variance and number of participants of each variable and level."""
    spread = dict(_spread(rows))
    made: dict[tuple[str, str | None], _Cell] = {}
    for row in records(rows):
        if row["status"] != "converged" or row["scale"] not in ("mean", "proportion"):
            continue
        share, middle = row["scale"] == "proportion", float(row["estimate"])
        variance = middle * (1 - middle) if share else spread.get(row["term"], math.nan)
        made[str(row["term"]), str(row["level"]) if share else None] = middle, variance, int(row["n_participants"])
    return made


def _spread(rows: pd.DataFrame) -> Iterator[tuple[str, float]]:
    for row in records(rows[rows["scale"] == "standard_deviation"]):
        yield row["term"], float(row["estimate"]) ** 2


def _row(
    place: tuple[str, str | None],
    name: str,
    reference: str,
    one: _Cell | None,
    other: _Cell | None,
    nobody: Sequence[str],
) -> Row:
    """Return the difference of a characteristic, or why there is none.

    Args:
        place: the characteristic and, of a share, its level.
        name: the cohort.
        reference: the one that it is compared with.
        one: what the cohort has.
        other: what the reference has.
        nobody: those of the two of which nobody is described.
    """
    term, level = place
    cells: Row = {
        "cohort": name,
        "reference": reference,
        "population": "all",
        "analysis": kinds.STANDARDISED_DIFFERENCE.name,
        "estimand": "difference in standard deviations",
        "term": term,
        "level": level,
        "scale": "standardised_difference",
        "unit": "standard deviations",
    }
    if nobody:
        said = f"nobody of {listed(nobody)} is among these participants"
        return estimates.row(status="not_estimable", **cells | {"note": said})
    if one is None or other is None:
        lacking = name if one is None else reference
        return estimates.row(status="not_measured", **cells | {"note": f"not measured in {lacking}"})
    cells |= {"n_participants": one[2] + other[2], "n_exposed": one[2]}
    if few := [whose for whose, each in ((name, one), (reference, other)) if each[2] < FEWEST]:
        said = f"fewer than {FEWEST} participants have a value ({listed(few)})"
        return estimates.row(status="not_estimable", **cells | {"note": said})
    apart = _apart(one, other)
    if math.isnan(apart):
        spread = one[1] + other[1]
        said = f"no spread in {name} nor in {reference}" if spread == 0 else "a single value has no spread"
        return estimates.row(status="not_estimable", **cells | {"note": said})
    return estimates.row(status="converged", estimate=apart, **cells)
