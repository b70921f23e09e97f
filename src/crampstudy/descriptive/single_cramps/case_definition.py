"""How many cramps meet the criteria of a case definition, who has what looks alike, and the rate by either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook, estimates
from crampstudy.codebook.cases import HALLEGRAEFF, criteria
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.case_definition import judged, meeting
from crampstudy.descriptive.incidence import incidence_rate, withheld
from crampstudy.descriptive.rates import ALL, UNIT
from crampstudy.descriptive.single_cramps.clustered import ClusteredGroup, clusters
from crampstudy.descriptive.single_cramps.uncounted import uncounted
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.nights import denominator, people, person_nights
from crampstudy.wording import counted

LOOK_ALIKES = {
    "urge_to_move": "an urge to move the legs, as in restless legs",
    "exertional_leg_pain": "leg pain on exertion, as in claudication",
}
"""What looks alike, by the column of the participants that tells it."""
ALL_CRITERIA = "all that are measured"
EVERY_CRAMP, MEETING, NEITHER = "all cramps", "cramps that meet the criteria", "people without either"
WITHOUT = {"urge_to_move": "people without an urge to move", "exertional_leg_pain": "people without pain on exertion"}
"""The levels of the rates of those who do not have what looks alike."""

Row = dict[str, Any]


def case_definition(
    cohort: Cohort, definition: str = HALLEGRAEFF, *, where: str | None = None, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return how many cramps meet each criterion and all, who has what looks alike, and incidence rates by either.

    A cramp that was not noted with a criterion does not count for its share, nor for that of all criteria; the rate is
    of the cramps that a case definition keeps, which are those that are not known to fail one. Intervals take
    participants as clusters.

    Args:
        cohort: a diary.
        definition: a case definition by name, or criteria by commas.
        where: condition that names a part of the people.
        ci_level: confidence level.

    Raises:
        UsageError: no definition has this name, the cohort is a survey, or the condition cannot be read.
    """
    persons = people(cohort)
    persons = persons.filter(subpopulation.select(persons, where).inside)
    base: Row = {"cohort": cohort.name, "outcome": "cramps", "population": part_of(ALL, where), "ci_level": ci_level}
    made = [*_of_cramps(cohort, definition, persons, base), *_of_people(persons, base)]
    return estimates.frame([*made, *_rates(cohort, definition, persons, base)])


def _of_cramps(cohort: Cohort, definition: str, persons: pl.DataFrame, base: Row) -> Iterator[Row]:
    own, asked = cohort.frame("episodes"), criteria(definition)
    met = judged(cohort, asked) if own.height else pl.DataFrame()
    cells = {"term": "cramps", "unit": "share of cramps"}
    inside = own["participant_id"].is_in(persons["participant_id"].implode()).to_numpy()
    for each in asked:
        if each.name not in met.columns:
            named = base | {"analysis": kinds.CRITERION.name, "term": subpopulation.names(each.condition)[0]}
            yield estimates.row(
                status="not_measured", level=each.wording, note=f"{each.wording} was not noted", **named
            )
            continue
        group = ClusteredGroup(inside, clusters(own["participant_id"]), base, base["ci_level"])
        few = f"have a cramp noted with {each.wording}"
        yield group.share(_number(met[each.name]), kinds.CRITERION, few, **cells, level=each.wording)
    if met.width:
        group = ClusteredGroup(inside, clusters(own["participant_id"]), base, base["ci_level"])
        # A cramp that fails one criterion and lacks another is left out, or only failures would be told of such cramps.
        known = pl.all_horizontal(pl.all().is_not_null())
        every = met.select(_=pl.when(known).then(pl.all_horizontal(pl.all())))["_"]
        few = "have a cramp noted with all of the criteria that are measured"
        yield group.share(_number(every), kinds.CRITERION, few, **cells, level=ALL_CRITERIA)


def _of_people(persons: pl.DataFrame, base: Row) -> Iterator[Row]:
    for name, wording in LOOK_ALIKES.items():
        cells = {"term": name, "unit": "share of people", "scale": "prevalence", "level": wording}
        if name not in persons.columns or persons[name].is_null().all():
            note = f"nobody was asked about {codebook.variable(name).label.lower()}"
            named = base | {"analysis": kinds.CRITERION.name} | cells
            yield estimates.row(status="not_measured", note=note, **named)
            continue
        group = ClusteredGroup(
            np.ones(persons.height, dtype=bool), clusters(persons["participant_id"]), base, base["ci_level"]
        )
        yield group.share(_number(persons[name]), kinds.CRITERION, **cells)


def _rates(cohort: Cohort, definition: str, persons: pl.DataFrame, base: Row) -> Iterator[Row]:
    asked = [name for name in LOOK_ALIKES if name in persons.columns and persons[name].count()]
    without = {WITHOUT[name]: ~pl.col(name) for name in asked}
    without |= {NEITHER: ~pl.any_horizontal(asked)} if len(asked) > 1 else {}
    yield _without_uncounted(_rate(cohort, persons, EVERY_CRAMP, base), cohort, persons)
    met = judged(cohort, criteria(definition))
    if met.width and met.select(pl.all_horizontal(pl.all().fill_null(value=True))).to_series().any():
        kept = meeting(cohort, definition)
        row = _rate(kept, persons, MEETING, base, why_not=denominator(cohort).why_not)
        yield _without_uncounted(row, kept, persons)
    else:
        why = "no cramp meets the criteria" if met.width else "no cramp was logged with what the criteria ask for"
        cells = base | {"analysis": kinds.CASE_RATE.name, "term": "cramps", "level": MEETING, "scale": "rate"}
        yield estimates.row(status="not_estimable", note=why, **cells)
    for level, them in without.items():
        yield _rate(cohort, persons.filter(them), level, base)


def _rate(cohort: Cohort, persons: pl.DataFrame, level: str, base: Row, why_not: str | None = None) -> Row:
    nights = person_nights(cohort, names=()).join(persons.select("participant_id"), on="participant_id", how="semi")
    sums = (
        nights.group_by("participant_id").agg(pl.sum("cramps"), nights=pl.len().cast(pl.Int64)).sort("participant_id")
    )
    found = incidence_rate(sums["cramps"].to_numpy(), sums["nights"].to_numpy(), base["ci_level"])
    alone = estimates.ALONE if found.participants == 1 else None
    found = withheld(found, why_not or denominator(cohort).why_not or alone)
    cells = base | {"analysis": kinds.CASE_RATE.name, "term": "cramps", "level": level, "scale": "rate", "unit": UNIT}
    cells |= {name: getattr(found, name) for name in ("estimate", "ci_low", "ci_high", "std_error", "df", "note")}
    counts = {"n_participants": found.participants, "n_nights": found.nights, "n_events": found.cramps}
    return estimates.row(status=found.status, **cells, **counts, n_groups=found.participants)


def _without_uncounted(row: Row, cohort: Cohort, persons: pl.DataFrame) -> Row:
    """Return the row of a rate with how many of the cramps noted one by one are of nights without a count."""
    if row["estimate"] is None or cohort.frame("episodes").is_empty():
        return row
    n = uncounted(cohort).join(persons.select("participant_id"), on="participant_id", how="semi").height
    said = f"{counted(n, 'cramps')} left out, of nights without a count" if n else ""
    return row | {"note": estimates.note(row["note"] or "", said)}


def _number(values: pl.Series) -> np.ndarray:
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
