"""How much a standardised comparison of cohorts rests on the standard, on the bands, and on who logged little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.age_bands import STANDARDS, AgeBands, AnyStandard, Standard, StandardPopulation, population
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.measures import OUTCOMES, measures
from crampstudy.contrasts.cohorts.parts import age_mix
from crampstudy.errors import AnalysisError, BandError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.estimates.sentences import in_text
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.nights import coverage

LOGGED = 0.8
"""The share of their nights that those who logged nearly all of them have."""
WIDTHS = (10, 20)
"""Years of the age bands that are tried beside those that are asked."""
AS_ASKED = "as asked"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to standardise: what it is called, its ``bands``, its ``standard``, and whether only those who logged."""

    label: str
    bands: AgeBands
    standard: Standard | StandardPopulation
    logged: bool = False


def compare_sensitivity(
    cohorts: Sequence[Cohort],
    *,
    bands: AgeBands | None = None,
    standard: AnyStandard = "who",
    where: str | None = None,
    ci_level: float = 0.95,
    margins: Margins = MARGINS,
) -> pd.DataFrame:
    """Return the standardised ratio and difference of each cohort against the first, in one way after the other.

    They are as asked; at the ages of the other published standards and of the participants of each cohort; in age bands
    of 10 and of 20 years; and, of diaries, with those participants alone who logged at least 80 % of the nights from
    their first to their last row. A way that a standard or a survey's top-coded ages do not allow says so.

    Args:
        cohorts: two or more of one kind with different names, the reference first.
        bands: age bands of all.
        standard: the standard population of the comparison; the WHO's where it has none.
        where: condition that names the same part of all.
        ci_level: confidence level.
        margins: between these a ratio is as good as 1.
    """
    bands = bands or AgeBands()
    asked: Standard | StandardPopulation = "who" if standard == "none" else standard
    thorough = [_thorough(cohort) for cohort in cohorts] if cohorts[0].kind == "diary" else []
    names = [cohort.name for cohort in cohorts]
    made: list[Row] = []
    for way in _ways(cohorts, bands, asked, where):
        of = thorough if way.logged else cohorts
        for outcome in OUTCOMES if cohorts[0].kind == "survey" else ("cramps",):
            made += _of_way(names, of, way, outcome, where, ci_level, margins)
    return estimates.frame(made)


def _ways(
    cohorts: Sequence[Cohort], bands: AgeBands, standard: Standard | StandardPopulation, where: str | None
) -> Iterator[_Way]:
    yield _Way(AS_ASKED, bands, standard)
    for name in STANDARDS:
        if name != standard:
            yield _Way(population(name).label, bands, name)  # type: ignore[arg-type]
    for cohort in cohorts:
        mix = age_mix(cohort, bands, where)
        if mix != standard and any(number for _, number in mix.groups):
            yield _Way(mix.label, bands, mix)
    for width in WIDTHS:
        regular = AgeBands(tuple(range(bands.limits[0], bands.limits[-1] + 1, width)))
        if regular != bands:
            yield _Way(f"bands of {width} years", regular, standard)
    if cohorts[0].kind == "diary":
        yield _Way(f"at least {LOGGED:.0%} of their nights logged", bands, standard, logged=True)


def _thorough(cohort: Cohort) -> Cohort | None:
    """Return the part of a diary whose participants logged nearly all of their nights, ``None`` if there is nobody."""
    seen = coverage(cohort).filter(pl.col("nights_observed") >= LOGGED * pl.col("nights_expected"))
    members = seen.filter(pl.col("nights_observed") > 0)["participant_id"].implode()
    tables = {name: table.filter(pl.col("participant_id").is_in(members)) for name, table in cohort.tables.items()}
    return replace(cohort, tables=tables) if tables["diary"].height else None


def _of_way(
    names: Sequence[str],
    cohorts: Sequence[Cohort | None],
    way: _Way,
    outcome: str,
    where: str | None,
    ci_level: float,
    margins: Margins,
) -> list[Row]:
    """Return the rows of one way, or the rows that say why there are none.

    Args:
        names: of the cohorts, the reference first.
        cohorts: what of them the way takes, ``None`` where that is nobody.
        way: how they are standardised.
        outcome: of surveys, a group of recalled classes; ``cramps`` of diaries.
        where: condition that names the same part of all.
        ci_level: confidence level.
        margins: between these a ratio is as good as 1.
    """
    survey = outcome in OUTCOMES
    whole = f"{way.bands.limits[0]}+"
    cells: Row = {
        "analysis": kinds.STANDARDISED_OTHERWISE.name,
        "population": part_of(whole, where),
        "outcome": OUTCOMES[outcome] if survey else "cramps",
        "term": "age_band",
        "level": way.label,
        "scale": "prevalence" if survey else "rate",
        "estimand": f"at the ages of the {population(way.standard).label}",
        "ci_level": ci_level,
    }
    try:
        weights = np.array(way.bands.standard_weights(way.standard))
        found = [
            None if cohort is None else measures(cohort, "age_band", way.bands, outcome=outcome, where=where)
            for cohort in cohorts
        ]
    except (BandError, AnalysisError) as problem:
        return [_without(cells, names[0], name, estimates.reason(problem)) for name in names[1:]]
    sides = [None if each is None else between.standardised(each, weights, each.cohort) for each in found]
    made: list[Row] = []
    for name, side, measured in zip(names[1:], sides[1:], found[1:], strict=True):
        if side is None or measured is None or sides[0] is None:
            made.append(_without(cells, names[0], name, "nobody logged so many of their nights"))
            continue
        own = cells | {"cohort": name, "reference": names[0], "unit": measured.unit}
        made += between.rows_of(side, sides[0], own, margins=margins)
    return made


def _without(cells: Row, reference: str, cohort: str, why: str) -> Row:
    own = {"cohort": cohort, "reference": reference, "scale": f"{cells['scale']}_ratio", "note": why}
    return estimates.row(status="not_estimable", **cells | own)


def sensitivity_sentences(rows: pd.DataFrame) -> list[str]:
    """Return for each cohort and outcome in one sentence from where to where its ratio goes, and what could not be."""
    ratios = rows[(rows["analysis"] == kinds.STANDARDISED_OTHERWISE.name) & rows["scale"].str.endswith("_ratio")]
    groups = ratios.groupby(["cohort", "outcome"], sort=False)
    return [_sentence(wording.records(of)) for _, of in groups]


def _sentence(rows: Sequence[Row]) -> str:
    first = rows[0]
    ratio = f"{first['scale'].replace('_', ' ')} of {first['cohort']} against {first['reference']}"
    if not first["scale"].startswith("rate"):
        ratio = f"{ratio} ({wording.small(wording.outcome(first['outcome']))})"
    known = [row for row in rows if pd.notna(row["estimate"])]
    if not known:
        why = wording.ranges(str(first["note"]))
        return f"In no way could the standardised {ratio} be estimated ({first['level']}: {why})."
    low, high = (pick(known, key=lambda row: row["estimate"]) for pick in (min, max))
    if len(known) == 1:
        said = f"Standardised in one way alone ({low['level']}), the {ratio} is {in_text(low)}"
    else:
        said = f"Standardised in {len(known)} ways, the {ratio} lies between {wording.number(low['estimate'])} "
        said += f"({low['level']}) and {wording.number(high['estimate'])} ({high['level']})"
    read: list[str] = ["no verdict" if pd.isna(row["verdict"]) else str(row["verdict"]) for row in known]
    distinct: list[str] = list(dict.fromkeys(read))
    if len(distinct) == 1:
        said += f"; {distinct[0]} in each" if len(known) > 1 else f": {distinct[0]}"
    else:
        counts = [f"{read.count(verdict)} {verdict}" for verdict in distinct]
        said += f"; {wording.listed(counts)}"
    lost = [str(row["level"]) for row in rows if pd.isna(row["estimate"])]
    return f"{said}. Not estimated: {wording.listed(lost)}." if lost else f"{said}."
