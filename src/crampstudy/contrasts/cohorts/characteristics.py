"""By how much cohorts, age bands, or the arms of a trial differ in who they are: standardised differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.contrasts.cohorts.measures import FEWEST
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import RANDOMISED
from crampstudy.wording import listed, records

Row = dict[str, Any]
_Cell = tuple[float, float, int]
_ROUNDING = 1e-9


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
    without = rows[rows["status"] == "not_estimable"]
    reasons = {(row["cohort"], row["term"]): f"{row['note']} in {row['cohort']}" for row in records(without)}
    first = cells[names[0]]
    empty = [name for name in names if not rows.loc[rows["cohort"] == name, "n_participants"].max() > 0]
    made: list[Row] = []
    for name in names[1:]:
        nobody = [each for each in (name, names[0]) if each in empty]
        said = f"nobody of {listed(nobody)} is among these participants" if nobody else None
        for place in dict.fromkeys([*first, *cells[name]]):
            one, other = cells[name].get(place), first.get(place)
            lacking = [(each, place[0]) for each, cell in ((name, one), (names[0], other)) if cell is None]
            why = said or next((reasons[each] for each in lacking if each in reasons), None)
            made.append(_row(place, name, names[0], one, other, why))
    return estimates.frame(made)


def differences_between_bands(described: pd.DataFrame) -> pd.DataFrame:
    """Return the largest standardised difference of each characteristic between two age bands, with its sign.

    It is that of the older band less the younger, with the denominator of :func:`standardised_differences`, of the two
    that are compared. A band in which fewer than :data:`FEWEST` have a value has no variance to speak of, and takes no
    part.

    Args:
        described: rows of :func:`~crampstudy.descriptive.characteristics.characteristics` by age band.

    Source: Austin 2009 (10.1002/sim.3697).
    """
    rows = kinds.CHARACTERISTICS.rows(described)
    bands = list(dict.fromkeys(rows["population"]))[1:]
    return estimates.frame(_largest(rows, "all", bands, kinds.DIFFERENCE_BETWEEN_BANDS, "age bands", fewest=FEWEST))


def differences_between_arms(described: pd.DataFrame) -> pd.DataFrame:
    """Return the largest standardised difference of each characteristic between two arms of a trial, with its sign.

    It is that of the earlier arm of the rows less the later one, and so of what is tried less what it is compared with;
    the denominator is that of :func:`standardised_differences`, of the two that are compared, and an arm in which one
    has a value takes no part. It is no test: what lots make unlike is chance.

    Args:
        described: rows of characteristics by arm, those of everybody first.

    Source: Austin 2009 (10.1002/sim.3697); Senn 1994 (10.1002/sim.4780131703).
    """
    rows = kinds.CHARACTERISTICS_BY_ARM.rows(described)
    arms = list(dict.fromkeys(rows["population"]))[1:]
    return estimates.frame(_largest(rows, RANDOMISED, arms[::-1], kinds.DIFFERENCE_BETWEEN_ARMS, "arms", fewest=2))


def _largest(
    rows: pd.DataFrame, whole: str, groups: Sequence[str], kind: kinds.Kind, what: str, *, fewest: int
) -> Iterator[Row]:
    """Yield the largest difference of each characteristic between two groups, the later less the earlier.

    Args:
        rows: characteristics by group, among others of the whole.
        whole: the group that everybody is in.
        groups: the groups that are compared, in order.
        kind: of the rows that are made.
        what: the groups are, in the plural.
        fewest: so many of a group have a value, or it takes no part.
    """
    cells = {name: _cells(rows[rows["population"] == name]) for name in groups}
    cohort = rows["cohort"].iloc[0] if len(rows) else None
    for place in dict.fromkeys(place for name in groups for place in cells[name]):
        having = [name for name in groups if place in cells[name]]
        pairs = [
            (later, earlier, _apart(cells[later][place], cells[earlier][place]))
            for earlier, later in combinations([name for name in having if cells[name][place][2] >= fewest], 2)
        ]
        known = [pair for pair in pairs if not math.isnan(pair[2])]
        row: Row = {
            "cohort": cohort,
            "analysis": kind.name,
            "estimand": f"largest difference between two {what}, in standard deviations",
            "term": place[0],
            "level": place[1],
            "scale": "standardised_difference",
            "unit": "standard deviations",
        }
        if not known:
            few = f"no two {what} have {fewest} participants with a value" if len(having) > 1 else ""
            few = few or (f"there are no two {what} with enough participants to compare" if len(groups) < 2 else "")
            why = f"no spread in any two {what}" if pairs else few or f"no two {what} have a value"
            yield estimates.row(status="not_estimable", population=whole, **row | {"note": why})
            continue
        later, earlier, apart = max(known, key=lambda pair: abs(pair[2]))
        counts = cells[later][place][2], cells[earlier][place][2]
        row |= {"population": later, "reference": earlier, "n_participants": sum(counts), "n_exposed": counts[0]}
        yield estimates.row(status="converged", estimate=apart, **row)


def _apart(one: _Cell, other: _Cell) -> float:
    """Return the standardised difference of two means or shares, not a number where neither has any spread."""
    apart, spread = one[0] - other[0], math.sqrt((one[1] + other[1]) / 2)
    # A value that everybody has comes out of a mean a little apart from itself.
    rounding = _ROUNDING * max(abs(one[0]), abs(other[0]))
    if abs(apart) <= rounding:
        return 0.0
    return apart / spread if spread > rounding else math.nan


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
    why: str | None,
) -> Row:
    """Return the difference of a characteristic, or why there is none.

    Args:
        place: the characteristic and, of a share, its level.
        name: the cohort.
        reference: the one that it is compared with.
        one: what the cohort has.
        other: what the reference has.
        why: there is none, where that is known: nobody is described, or nobody has a value.
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
    if why is not None:
        return estimates.row(status="not_estimable", **cells | {"note": why})
    if one is None or other is None:
        lacking = name if one is None else reference
        return estimates.row(status="not_measured", **cells | {"note": f"not measured in {lacking}"})
    cells |= {"n_participants": one[2] + other[2], "n_exposed": one[2]}
    if few := [whose for whose, each in ((name, one), (reference, other)) if each[2] < FEWEST]:
        said = f"fewer than {FEWEST} participants have a value ({listed(few)})"
        return estimates.row(status="not_estimable", **cells | {"note": said})
    apart = _apart(one, other)
    if math.isnan(apart):
        alone = math.isnan(one[1] + other[1])
        said = "a single value has no spread" if alone else f"no spread in {name} nor in {reference}"
        return estimates.row(status="not_estimable", **cells | {"note": said})
    return estimates.row(status="converged", estimate=apart, **cells)
