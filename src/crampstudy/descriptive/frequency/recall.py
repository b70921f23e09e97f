"""What people recall of how often they have cramps, against what they then logged: Bland-Altman and weighted kappa."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.agreement import Measured, limits_of_agreement, weighted_kappa
from crampstudy.descriptive.frequency.diary import members, sums_of, whole_group
from crampstudy.descriptive.frequency.measures import ENOUGH_NIGHTS
from crampstudy.descriptive.single_cramps.clustered import ClusteredGroup, clusters
from crampstudy.estimates import FEWEST, kinds
from crampstudy.nights import denominator, people, person_nights

BIAS, LOWER, UPPER = "mean difference", "lower limit of agreement", "upper limit of agreement"
SAME, QUADRATIC, LINEAR = "same class", "weighted kappa, quadratic", "weighted kappa, linear"
_STEPS = 4
"""Of the rounding of what a figure draws: quarters."""

Row = dict[str, Any]


def recall_against_log(cohort: Cohort, bands: AgeBands | None = None, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how far the recalled number of cramps in 30 nights agrees with the logged one.

    A person counts once: the recalled number is the middle of the recalled class, of an open class its lower limit; the
    logged one that of the own logged nights, of at least 28, times 30. Numbers are compared by their square roots,
    which spread about as far at every size and can be 0; ``difference`` is recalled minus logged. Classes are those of
    30 nights, of the logged number rounded; who recalled a range that spans several has none.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    bands = bands or AgeBands()
    nights = person_nights(cohort, bands, names=("age_years", "age_band"))
    table = sums_of(nights)
    whole = whole_group(table, bands)
    base: Row = {
        "cohort": cohort.name,
        "population": whole,
        "outcome": "recalled_count",
        "term": "recalled_low",
        "ci_level": ci_level,
        "estimand": "recalled cramps in 30 nights against logged ones, a value a person",
    }
    cells = base | {"analysis": kinds.RECALL.name, "level": BIAS}
    persons = people(cohort)
    if "recalled_low" not in persons.columns or persons["recalled_low"].is_null().all():
        note = "nobody was asked how many cramps they recall"
        return estimates.frame([estimates.row(status="not_measured", note=note, **cells)])
    if (why_not := denominator(cohort).why_not) is not None:
        return estimates.frame([estimates.row(status="not_estimable", note=why_not, **cells)])
    table = table.filter(pl.Series(members(table, bands)[whole]))
    both = _both(persons, table.filter(pl.col("nights") >= ENOUGH_NIGHTS))
    base |= {"n_nights": int(both["nights"].sum()), "n_participants": both.height, "n_groups": both.height}
    if both.height < FEWEST:
        note = f"fewer than {FEWEST} participants recalled a number and logged at least {ENOUGH_NIGHTS} nights"
        return estimates.frame([estimates.row(status="not_estimable", note=note, **base | cells)])
    return estimates.frame([*_differences(both, base), *_classes(both, base), *_cells(both, base)])


def _both(persons: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Return a row per person with both numbers: as they are, and their classes."""
    low, high = pl.col("recalled_low").cast(pl.Float64), pl.col("recalled_high").cast(pl.Float64)
    if "recalled_high" not in persons.columns:
        persons = persons.with_columns(recalled_high=pl.lit(None, pl.Float64))
    recalled = persons.select("participant_id", low=low, high=high).drop_nulls("low")
    return table.join(recalled, on="participant_id").with_columns(
        recalled=pl.when(pl.col("high").is_null()).then("low").otherwise((pl.col("low") + pl.col("high")) / 2),
        logged=pl.col("cramps") / pl.col("nights") * NIGHTS,
    )


def _differences(both: pl.DataFrame, base: Row) -> Iterator[Row]:
    differences = _root(both["recalled"]) - _root(both["logged"])
    cells = base | {"analysis": kinds.RECALL.name, "scale": "root_difference", "df": float(len(differences) - 1)}
    cells |= {"unit": "of square roots of cramps in 30 nights", "n_events": int(both["cramps"].sum())}
    found = limits_of_agreement(differences, base["ci_level"])
    yield from (_row(each, cells | {"level": level}) for level, each in zip((BIAS, LOWER, UPPER), found, strict=True))


def _classes(both: pl.DataFrame, base: Row) -> Iterator[Row]:
    low, high = (_class(both[name].to_numpy()) for name in ("low", "high"))
    # A class is known by its lower limit where its upper one is open or in the same class.
    known = both["high"].is_null().to_numpy() | (low == high)
    recalled, logged = low[known], _class(np.floor(both["logged"].to_numpy() + 0.5))[known]
    n, k = int(known.sum()), len(LOWS)
    left = f"{both.height - n} of them recalled a range of several classes" if n < both.height else ""
    base = base | {"n_participants": n, "n_groups": n, "analysis": kinds.RECALL.name}
    base |= {"note": left or None, "n_nights": int(both["nights"].to_numpy()[known].sum())}
    group = ClusteredGroup(np.ones(n, dtype=bool), clusters(pl.Series(range(n))), base, base["ci_level"])
    few = "recalled a class"
    if n < FEWEST:
        yield estimates.row(status="not_estimable", level=SAME, **base | {"note": f"fewer than {FEWEST} {few}"})
        return
    yield group.share((recalled == logged) * 1.0, kinds.RECALL, few, level=SAME, unit="share of people")
    counts = np.zeros((k, k))
    np.add.at(counts, (recalled, logged), 1)
    for level, found in (
        (QUADRATIC, weighted_kappa(counts, "quadratic", base["ci_level"])),
        (LINEAR, weighted_kappa(counts, "linear", base["ci_level"])),
    ):
        cells = base | {"level": level, "scale": "kappa", "n_events": int((recalled == logged).sum())}
        if found is None:
            note = "all people recalled and logged the same class"
            yield estimates.row(status="not_estimable", **cells | {"note": note})
        else:
            yield _row(found, cells)


def _cells(both: pl.DataFrame, base: Row) -> Iterator[Row]:
    recalled, logged = _root(both["recalled"]), _root(both["logged"])
    pairs = np.round(np.stack([(recalled + logged) / 2, recalled - logged], axis=1) * _STEPS) / _STEPS + 0.0
    places, counts = np.unique(pairs, axis=0, return_counts=True)
    cells = base | {"analysis": kinds.RECALL_CELLS.name, "scale": "proportion", "unit": "share of people"}
    for (mean, difference), n in zip(places.tolist(), counts.tolist(), strict=True):
        level = f"{mean:g}, {difference:g}"
        yield estimates.row(status="converged", level=level, estimate=n / both.height, n_events=n, **cells)


def _row(found: Measured, cells: Row) -> Row:
    limits = {"estimate": found.estimate, "std_error": found.std_error}
    return estimates.row(status="converged", ci_low=found.ci_low, ci_high=found.ci_high, **limits, **cells)


def _class(numbers: Array) -> np.ndarray:
    """Return the place of the recalled class that each number of cramps in 30 nights lies in."""
    return np.searchsorted(np.asarray(LOWS[1:]), numbers, side="right")


def _root(values: pl.Series) -> Array:
    return np.asarray(np.sqrt(values.to_numpy()), dtype=np.float64)
