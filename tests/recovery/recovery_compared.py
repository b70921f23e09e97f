"""Do the intervals of compared cohorts cover, and does the test of cohort by group keep its size? A law that is exact.

The table goes to docs/recovery.md; ``make recover ARGS=--compared`` renews it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl
from recovery_sections import SectionCell, section_table

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.factors import compare_factors
from crampstudy.contrasts.cohorts.interaction import interaction
from crampstudy.contrasts.cohorts.measures import measures
from crampstudy.estimates import kinds
from crampstudy.nights import NIGHTS_PER_WEEK

MARKS = "<!-- compared: begin -->", "<!-- compared: end -->"
COHORTS = 400
BANDS = AgeBands((20, 40, 60))
SIZES = (40, 400)
RATIOS = (1.0, 1.5)
"""How many times the rates of the first cohort those of the second are, in every band: the null, and not."""
_RATES = np.array([0.15, 0.2, 0.3])
"""Cramps a night in each band of the first cohort."""
_AGES, _NIGHTS, _SHAPE, _EXPOSED = np.array([30.0, 50.0, 70.0]), 14, 2.0, 1.3
_FIRST = date(2024, 1, 1)


def drawn(name: str, people: int, times: float, rng: np.random.Generator) -> Cohort:
    """Draw a diary whose persons' rates are gamma about those of their bands, ``times`` those of the first cohort.

    A half of them have a condition that multiplies the rate by 1.3 in every cohort.
    """
    band = np.arange(people) % len(_AGES)
    exposed = rng.permutation(people) < people // 2
    mean = _RATES[band] * times * np.where(exposed, _EXPOSED, 1.0) * rng.gamma(_SHAPE, 1 / _SHAPE, people)
    who = [f"p{i}" for i in range(people)]
    table = pl.DataFrame(
        {"participant_id": who, "age_years": _AGES[band], "sex": ["female"] * people, "diabetes": exposed}
    )
    nights = pl.DataFrame(
        {
            "participant_id": np.repeat(who, _NIGHTS),
            "cramps": rng.poisson(np.repeat(mean, _NIGHTS)).astype(np.int64),
            "date": pl.date_range(_FIRST, _FIRST.replace(day=_NIGHTS), eager=True).to_list() * people,
        }
    )
    return Cohort(name, "diary", {"participants": table, "diary": nights})


def compared_cells(people: int, times: float, cohorts: int, seed: int) -> list[SectionCell]:
    """Draw pairs of cohorts of so many people each, and count the intervals that cover and the tests that hold.

    The cohort by band test, whose null is true, is counted where it does not reject at 5 per cent.
    """
    weights = np.array(BANDS.standard_weights("who"))
    rate = float(weights @ _RATES) * (1 + _EXPOSED) / 2 * NIGHTS_PER_WEEK
    truth = {
        "standardised ratio": math.log(times),
        "standardised difference": (times - 1) * rate,
        "ratio of ratios": 0.0,
    }
    covered, errors, answered = (dict.fromkeys(truth, 0.0) for _ in range(3))
    held = tested = 0
    for rng in np.random.default_rng([seed, people, int(100 * times)]).spawn(cohorts):
        pair = [drawn(name, people, by, rng) for name, by in (("first", 1.0), ("second", times))]
        found = [measures(each, "age_band", BANDS) for each in pair]
        one, other = (between.standardised(each, weights, each.cohort) for each in reversed(found))
        cells = {"analysis": kinds.BETWEEN_STANDARDISED.name, "scale": "rate", "unit": "", "ci_level": 0.95}
        rows = dict(zip(truth, between.rows_of(one, other, cells), strict=False))
        between_rows = kinds.FACTOR_BETWEEN.rows(compare_factors(pair, ["diabetes"], bands=BANDS))
        rows["ratio of ratios"] = between_rows.iloc[0].to_dict()
        for name, value in truth.items():
            row = rows[name]
            if row["status"] != "converged":
                continue
            limits = [row[cell] for cell in ("estimate", "ci_low", "ci_high")]
            estimate, low, high = limits if row["scale"] == "difference" else map(math.log, limits)
            answered[name] += 1
            covered[name] += low <= value <= high
            errors[name] += estimate - value
        fewest = min(int(each.participants[:-1].min()) for each in found)
        (test,) = interaction(pooled(pair), "age_band", outcome="cramps", fewest=fewest, bands=BANDS)
        if test["status"] == "converged":
            tested += 1
            held += test["p_value"] > 0.05
    made = [
        SectionCell(name, int(answered[name]), int(covered[name]), errors[name] / max(answered[name], 1))
        for name in truth
    ]
    return [*made, SectionCell("cohort by band does not reject", tested, held, math.nan)]


def measured(cohorts: int, seed: int, workers: compute.Workers) -> dict[str, list[SectionCell]]:
    """Return the cells by what they are of."""
    tasks = {
        f"{people} people each, ratio {times:g}": partial(compared_cells, people, times, cohorts, seed)
        for people in SIZES
        for times in RATIOS
    }
    return dict(zip(tasks, compute.map(_called, tasks.values(), workers=workers), strict=True))


def _called(task: partial[list[SectionCell]]) -> list[SectionCell]:
    return task()


def table(found: Mapping[str, Sequence[SectionCell]]) -> str:
    """Return the table in Markdown."""
    cohorts = max(cell.cohorts for cells in found.values() for cell in cells)
    said = f"Of {cohorts} pairs of cohorts, in per cent: covered, or not rejected; in brackets the mean error."
    return "\n".join([said, "", *section_table("compared", found)])
