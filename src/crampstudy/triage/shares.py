"""How common red flags are by age, how steady from week to week, and what tests found in those who have one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.descriptive.frequency.diary import members, whole_group
from crampstudy.descriptive.rates import ALL, said_of_nobody
from crampstudy.descriptive.single_cramps.clustered import ClusteredGroup, clusters
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.nights import denominator
from crampstudy.triage.flags import FEWEST_NIGHTS, FLAGS, LONG, SYMPTOMS, TESTS, WEEKLY
from crampstudy.triage.people import flagged_people, suggested
from crampstudy.triage.weeks import weeks_of

EVALUABLE, WEEKS_ABOVE, WEEKS_LONG = "evaluable weeks", "weeks above 2 cramps", "weeks with a cramp above 10 min"
PEOPLE = {
    WEEKLY: "people with a week above 2 cramps",
    LONG: "people with a cramp above 10 min",
    **{name: name for name in SYMPTOMS},
}
"""The levels of the rows of people, by flag."""
SYMPTOM, ANY = "swelling, discoloration or numbness", "any red flag"
AFTER_ABOVE, AFTER_OTHER = "after a week above 2", "after another week"
ALWAYS, SOMETIMES, NEVER = "in all weeks", "in some weeks", "in no week"
FLAGGED, OTHERS = "with a flag that suggests it", "without"
TERMS = {WEEKLY: "cramps", LONG: "duration_s"}
_WHO = "participant_id"
_WEEKS, _PEOPLE = "share of weeks", "share of people"

Row = dict[str, Any]


def red_flags(
    cohort: Cohort, bands: AgeBands | None = None, *, where: str | None = None, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return how common the red flags are by age group, and of all how steady they are and what tests found.

    Shares of weeks are of those that can be told (:func:`person_weeks`), with participants as clusters; shares of
    people are of those of whom the flag is known. Fewer than 5 participants have no share. Of a list of events, which
    has no nights without a cramp, no share of weeks can be estimated, nor of people with more than 2 cramps in one, nor
    with a long cramp, as who has none is told by weeks; nor can they where no week has enough logged nights, as all
    that can be told are above then.

    Args:
        cohort: a diary.
        bands: the age bands.
        where: condition that names a part of the participants.
        ci_level: confidence level.

    Raises:
        UsageError: the cohort is a survey, which has no nights, or the condition cannot be read.
    """
    check_level(ci_level)
    bands = bands or AgeBands()
    people = flagged_people(cohort, bands, where)
    weeks = weeks_of(cohort).join(people.select(_WHO), on=_WHO, how="semi", maintain_order="left")
    listed = denominator(cohort).why_not
    why_not = listed or _never_whole(weeks)
    base: Row = {"cohort": cohort.name, "outcome": "red_flag", "ci_level": ci_level, "estimand": "share as logged"}
    if people.is_empty():
        cells = base | {"population": part_of(ALL, where), "analysis": kinds.RED_FLAG.name, "level": ANY}
        return estimates.frame([estimates.row(status="not_estimable", note="no participant", **cells)])
    groups = members(people, bands)
    whole = whole_group(people, bands)
    made: list[Row] = []
    by_week = clusters(weeks[_WHO]) if weeks.height else None
    by_person = clusters(people[_WHO])
    for label, inside in groups.items():
        own = people[_WHO].filter(pl.Series(inside))
        cells = base | {"population": part_of(label, where)}
        of_group = weeks[_WHO].is_in(own.implode()).to_numpy()
        if by_week is not None:
            made += _of_weeks(weeks, ClusteredGroup(of_group, by_week, cells, ci_level), listed, why_not)
        made += _of_people(people, ClusteredGroup(inside, by_person, cells, ci_level), why_not)
    everybody, cells = people.filter(pl.Series(groups[whole])), base | {"population": part_of(whole, where)}
    made += _stability(weeks.join(everybody.select(_WHO), on=_WHO), cells, why_not)
    made += _results(everybody, cells)
    return estimates.frame(said_of_nobody(made, cohort, bands, where))


def _never_whole(weeks: pl.DataFrame) -> str | None:
    """Return that every week that can be told is above by construction, where none has enough logged nights."""
    if weeks[WEEKLY].any() and (weeks["nights"] < FEWEST_NIGHTS).all():
        return (
            f"no week has {FEWEST_NIGHTS} logged nights, so that one can be told only where it had more than 2 cramps"
        )
    return None


def _of_weeks(weeks: pl.DataFrame, group: ClusteredGroup, listed: str | None, why_not: str | None) -> Iterator[Row]:
    """Yield the shares of weeks of a group.

    Args:
        weeks: those of everybody.
        group: which of them, and how its rows begin.
        listed: why nothing can be told, where the diary is a list of events.
        why_not: why none of the weeks above can be told.
    """
    told = _number(weeks[WEEKLY].is_not_null())
    for level, values, term in (
        (EVALUABLE, told, TERMS[WEEKLY]),
        (WEEKS_ABOVE, _number(weeks[WEEKLY]), TERMS[WEEKLY]),
        (WEEKS_LONG, _number(weeks[LONG]), TERMS[LONG]),
    ):
        nights = int(weeks["nights"].filter(pl.Series(group.inside & np.isfinite(values))).sum())
        cells = {"term": term, "level": level, "unit": _WEEKS, "n_nights": nights}
        why = listed if level == EVALUABLE else why_not
        yield _share(group, values, kinds.RED_FLAG, why, few="have a week that can be told", **cells)


def _of_people(people: pl.DataFrame, group: ClusteredGroup, why_not: str | None) -> Iterator[Row]:
    flags = {flag.name: _number(people[f"flag:{flag.name}"]) for flag in FLAGS}
    for name, values in flags.items():
        cells = {"term": TERMS.get(name, name), "level": PEOPLE[name], "unit": _PEOPLE, "scale": "prevalence"}
        # Nobody is known to have had no long cramp but where the own weeks can be told.
        why = why_not if name in (WEEKLY, LONG) else None
        yield _share(group, values, kinds.RED_FLAG, why, few="are known to have it or not", **cells)
    several = {SYMPTOM: SYMPTOMS, ANY: tuple(flags)}
    for level, names in several.items():
        values = _any([flags[name] for name in names if np.isfinite(flags[name]).any()], people.height)
        cells = {"term": "red_flag", "level": level, "unit": _PEOPLE, "scale": "prevalence"}
        why = why_not if level == ANY else None
        yield _share(group, values, kinds.RED_FLAG, why, few="are known to have it or not", **cells)


def _any(measured: list[Array], n: int) -> Array:
    """Return whether any of several flags (each n) is there; that none is, is known where all that were asked are."""
    if not measured:
        return np.full(n, np.nan)
    each = np.stack(measured)
    there = (each == 1).any(axis=0)
    return np.where(there, 1.0, np.where(np.isfinite(each).all(axis=0), 0.0, np.nan))


def _stability(weeks: pl.DataFrame, base: Row, why_not: str | None) -> Iterator[Row]:
    """Yield of weeks the share above 2 by the week before, and of people how many of their weeks are."""
    follows = (pl.col("week").diff() == 1) & (pl.col(_WHO) == pl.col(_WHO).shift())
    paired = weeks.sort(_WHO, "week").with_columns(_before=pl.when(follows).then(pl.col(WEEKLY).shift()))
    now, before = _number(paired[WEEKLY]), _number(paired["_before"])
    by_week = clusters(paired[_WHO]) if paired.height else None
    cells = {"term": TERMS[WEEKLY], "unit": _WEEKS}
    for level, was, after in ((AFTER_ABOVE, 1, AFTER_ABOVE), (AFTER_OTHER, 0, "after a week with at most 2 cramps")):
        if by_week is not None:
            group = ClusteredGroup(before == was, by_week, base, base["ci_level"])
            few = f"have a week that can be told {after}"
            yield _share(group, now, kinds.FLAG_STABILITY, why_not, few=few, **cells, level=level)
    of_people = weeks.group_by(_WHO).agg(n=pl.col(WEEKLY).count(), k=pl.col(WEEKLY).sum())
    # In an order, so that sums are the same to the last digit.
    of_people = of_people.filter(pl.col("n") > 1).sort(_WHO)
    n, k = of_people["n"].to_numpy(), of_people["k"].to_numpy()
    cells = {"term": TERMS[WEEKLY], "unit": _PEOPLE, "scale": "prevalence"}
    for level, inside in ((ALWAYS, k == n), (SOMETIMES, (k > 0) & (k < n)), (NEVER, k == 0)):
        if of_people.height:
            everybody = np.ones(of_people.height, dtype=bool)
            group = ClusteredGroup(everybody, clusters(of_people[_WHO]), base, base["ci_level"])
            few = "have several weeks that can be told"
            yield _share(group, inside.astype(np.float64), kinds.FLAG_STABILITY, why_not, few=few, **cells, level=level)


def _results(people: pl.DataFrame, base: Row) -> Iterator[Row]:
    """Yield of each test the share of results out of the ordinary, in those whom a flag suggests it for and others."""
    for test in TESTS:
        cells = {"term": test, "unit": "share of those with a result", "scale": "prevalence"}
        if people[test].is_null().all():
            kind = {"analysis": kinds.TEST_RESULT.name}
            yield estimates.row(status="not_measured", note=f"nobody has a result of {test}", **base, **kind, **cells)
            continue
        there = people.select(suggested(test).alias("_"))["_"].to_numpy()
        values = _number(people[test])
        for level, inside in ((FLAGGED, there), (OTHERS, ~there)):
            group = ClusteredGroup(inside, clusters(people[_WHO]), base, base["ci_level"])
            few = "of a kind have a result of the test"
            yield group.share(values, kinds.TEST_RESULT, few, **cells, level=level)


def _share(group: ClusteredGroup, values: Array, kind: kinds.Kind, why_not: str | None, few: str, **cells: Any) -> Row:
    """Return a share, or why there is none: nothing is known, or the diary is a list of events."""
    made = group.cells | {"analysis": kind.name, "scale": "proportion"} | cells
    if not np.isfinite(values).any():
        return estimates.row(status="not_measured", note="it is known of nobody", **made)
    if why_not is not None:
        return estimates.row(status="not_estimable", note=why_not, **made)
    return group.share(values, kind, few, **cells)


def _number(values: pl.Series) -> Array:
    """Return whether it is so (n, 1 or 0), NaN where it is not known."""
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
