"""Incidence rates of a diary cohort: by group, crude and age-standardised, with cluster-robust intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from crampstudy import codebook, estimates
from crampstudy.age_bands import AgeBands, AnyStandard, Standard, StandardPopulation, population
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import Account, unmet
from crampstudy.descriptive.incidence import Rate, incidence_rate, mean_person_rate, standardised_rate, withheld
from crampstudy.descriptive.rate_intervals import coverage_note
from crampstudy.errors import BandError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import CARRIED_BY, NOT_ASKED, with_facts
from crampstudy.estimates.groups import part_of
from crampstudy.models.common.outcome_parts import check_apart, check_condition
from crampstudy.models.terms.levels import check_group, groups_of, no_group
from crampstudy.nights import (
    NO_AGE,
    check_part_of_nights,
    denominator,
    night_account,
    no_night,
    outside_condition,
    people,
    person_nights,
)
from crampstudy.wording import counted

ALL = "all"
"""The label of everybody, also of those without a value of what the groups are formed by."""
NOBODY, NOBODY_KNOWN = "nobody of this age took part", "nobody who is known to be of this age took part"
"""Why there is nothing of an age group that nobody of the cohort is of, or of those whose age is known."""
_TOOK_PART, _MEETS = "took part", "meets the condition"
_KINDS = (kinds.INCIDENCE_RATE, kinds.MEAN_PERSON_RATE)
UNIT = "cramps per person-week"
_OUTSIDE = ("no observed night meets the condition", "of no observed night is it known whether it meets the condition")
"""Why a part has no rate: where it is known of some night, and of none, whether it is of the part."""

Row = dict[str, Any]


def rates(
    cohort: Cohort,
    by: str,
    bands: AgeBands,
    *,
    standard: AnyStandard,
    where: str | None,
    ci_level: float,
    everybody: bool = False,
) -> tuple[list[Row], Account]:
    """Return incidence rates, crude and as mean of person rates, by the levels of ``by`` and over all.

    With ``by="age_band"`` the summary rows (from the first limit on, and from 50 and 60 on where these are older) and
    the age-standardised rate follow. Participants without a value of ``by`` are counted in the note and stand in the
    row ``all`` alone.

    Args:
        cohort: a diary.
        by: ``age_band``, or a level or yes/no variable of the participants.
        bands: age bands behind ``age_band``.
        standard: standard population, or ``none``.
        where: condition that names a part of the nights.
        ci_level: confidence level.
        everybody: whether there is a row ``all`` also where all participants have an age.

    Raises:
        UsageError: ``by`` is not a level or yes/no variable of the cohort.
    """
    check_condition(where, "cramps")
    # What may be named is asked of all columns, and only those that are named are read.
    every = no_night(cohort, bands)
    check_part_of_nights(cohort, where, bands)
    who = people(cohort, bands).head(0)
    _check_groups(by, every, who)
    named = subpopulation.names(where) if where else ()
    observed = person_nights(cohort, bands, names={by, "age_years", "age_band", *named})
    part = subpopulation.select(observed, where)
    nights = observed.filter(part.inside)
    account = night_account(cohort, observed.height, unmet(where, part, observed))
    groups = dict(_groups(nights, by, bands, who))
    if everybody:
        groups.setdefault(ALL, pl.lit(value=True))
    why_not = denominator(cohort).why_not
    sums = (
        nights.group_by("participant_id")
        .agg(pl.col("cramps").sum(), pl.len().cast(pl.Int64).alias("nights"), pl.col(by, "age_years").first())
        .sort("participant_id")
    )
    without = sums[by].null_count()
    value = "an age" if by == "age_band" else f"a value of {by}"
    remarks = list(account.remarks())
    if without and without < sums.height:
        remarks.append(f"{counted(without, 'participants')} without {value}, in the row of all participants alone")
    base: Row = {
        "cohort": cohort.name,
        "outcome": "cramps",
        "term": by,
        "scale": "rate",
        "unit": UNIT,
        "ci_level": ci_level,
        "estimand": "incidence rate in the observed person-time",
        "note": "; ".join(remarks) or None,
    }
    made: list[Row] = []
    found: dict[str, Rate] = {}
    for label, members in groups.items():
        inside = sums.filter(members)
        counts = inside["cramps"].to_numpy(), inside["nights"].to_numpy()
        both = [incidence_rate(*counts, ci_level), mean_person_rate(*counts, ci_level)]
        if inside.is_empty() and without and without == sums.height:
            both = [replace(rate, note=f"no participant has {value}") for rate in both]
        elif nights.is_empty() and observed.height:
            both = [replace(rate, note=_OUTSIDE[part.undecided == observed.height]) for rate in both]
        both = [withheld(rate, why_not) for rate in both]
        found[label] = both[0]
        cells = base | {"population": part_of(label, where), "level": label}
        made += [_row(rate, cells | {"analysis": kind.name}) for rate, kind in zip(both, _KINDS, strict=True)]
    if by == "age_band" and standard != "none":
        made.append(_standardised(found, bands, standard, base, where, ci_level, why_not))
    # Where there is no rate at all that is the reason of every row.
    by_age = by == "age_band" and why_not is None
    return said_of_nobody(made, cohort, bands, where) if by_age else made, account


def age_groups(table: pl.DataFrame, bands: AgeBands) -> dict[str, pl.Expr]:
    """Return who is in each age group of a table with ``age_years`` and ``age_band``: bands, then what sums them up.

    The summary groups overlap with the bands and with each other; they are never added up. Everybody is a group of
    its own where an age is missing.
    """
    first, *_ = bands.limits
    younger = [bands.labels[0]] if (table["age_years"] < first).any() else []
    single = {label: pl.col("age_band") == label for label in (*younger, *bands.labels[1:])}
    later = bands.summaries_up_to(table["age_years"].max())  # type: ignore[arg-type]
    summaries = {label: pl.col("age_years") >= low for label, low in later.items() if label not in single}
    everybody = {ALL: pl.lit(value=True)} if table["age_years"].null_count() else {}
    return single | summaries | everybody


def said_of_nobody(rows: Iterable[Row], cohort: Cohort, bands: AgeBands, where: str | None = None) -> list[Row]:
    """Return rows by age, of which those of a group that nobody of the cohort is of say that and no other reason.

    Args:
        rows: of the age groups, and of others.
        cohort: whose rows they are.
        bands: the age bands.
        where: the condition of the part that they are of.
    """
    gone = nobody_of(cohort, bands)
    found = {part_of(label, where): reason for label, reason in gone.items()}
    return [
        _of_nobody(row, found[row["population"]])
        if row["status"] == "not_estimable" and row["population"] in found
        else row
        for row in rows
    ]


def _of_nobody(row: Row, why: str) -> Row:
    """Return a row of an age that nobody is of; of one that a condition leaves out it is no failure."""
    return with_facts(row, {NOT_ASKED: "condition" if _MEETS in why else None}) | {"note": why}


def nobody_of(cohort: Cohort, bands: AgeBands) -> Mapping[str, str]:
    """Return the age groups that nobody of a cohort is of, with that as the reason; none where no age is known."""
    ages = people(cohort, bands)["age_years"]
    if not ages.count():
        return {}
    limits = (*bands.limits, math.inf)
    edges = dict(zip(bands.labels, zip((-math.inf, *bands.limits), limits, strict=True), strict=True))
    edges |= {label: (low, math.inf) for label, low in bands.summaries.items()}
    empty = (label for label, (low, high) in edges.items() if not ((ages >= low) & (ages < high)).any())
    why = NOBODY_KNOWN if ages.null_count() else NOBODY
    # Of a part there may be others of this age; of a cohort that was split those are in another of its parts.
    left = not cohort.attrition.part and outside_condition(cohort, "participants") > 0
    return dict.fromkeys(empty, why.replace(_TOOK_PART, _MEETS) if left or cohort.attrition.outside else why)


def _check_groups(by: str, every: pl.DataFrame, who: pl.DataFrame) -> None:
    """Check that a column of all there are (``every``) forms groups of participants, whose own columns ``who`` has."""
    if by == "age_band":
        return
    check_group(by, every)
    if by not in every.columns or every[by].dtype not in (pl.Boolean, pl.String):
        own = every.select(name for name in every.columns if name in who.columns or name == by)
        raise no_group("rates are given by age_band or a level or yes/no variable of the participants", by, own)


def _groups(nights: pl.DataFrame, by: str, bands: AgeBands, who: pl.DataFrame) -> Mapping[str, pl.Expr]:
    if by == "age_band":
        return age_groups(nights, bands)
    check_group(by, nights)
    if nights.height and nights.group_by("participant_id").agg(pl.col(by).n_unique())[by].to_numpy().max() > 1:
        able = groups_of(who)
        said = f"{by} changes from night to night; rates are given by what a participant is"
        error = UsageError(f"{said}; allowed: {', '.join(able)}")
        error.correction = by, able[0]
        raise error
    check_apart([by], "cramps", "groups")
    levels = sorted(nights[by].drop_nulls().cast(pl.String).unique())
    if nights.height and not levels:
        # That nobody has a value is said of the levels that there could have been.
        known = codebook.find(by)
        levels = list(known.levels) if known and known.levels else ["false", "true"]
    return {level: pl.col(by).cast(pl.String) == level for level in levels} | {ALL: pl.lit(value=True)}


def _standardised(
    found: Mapping[str, Rate],
    bands: AgeBands,
    standard: Standard | StandardPopulation,
    base: Row,
    where: str | None,
    ci_level: float,
    why_not: str | None,
) -> Row:
    label = f"{bands.limits[0]}+"
    cells = base | {
        "population": part_of(label, where),
        "level": label,
        "analysis": kinds.STANDARDISED_RATE.name,
        "reference": population(standard).label,
        "estimand": "incidence rate at the ages of the standard population",
    }
    try:
        weights = bands.standard_weights(standard)
    except BandError as error:
        return estimates.row(status="not_estimable", **cells | {"note": estimates.reason(error)})
    labels = bands.labels[1:]
    # However many they are, of a sum of rates each has as many degrees of freedom as its participants leave.
    apart = [replace(found[name], df=found[name].participants - 1.0) for name in labels]
    rate = standardised_rate(apart, weights, labels, ci_level)
    unaged = {found[name].note for name in labels} if rate.status == "not_estimable" else set()
    # Without any age it is not this band or that which is empty.
    rate = replace(rate, note=unaged.pop()) if unaged == {NO_AGE} else rate
    return _row(withheld(rate, why_not), cells)


def _row(rate: Rate, cells: Row) -> Row:
    # What was left out is no reason why there is nothing to show.
    covers = None if math.isnan(rate.ci_high) or not rate.cramps else coverage_note(rate.participants)
    parts = (rate.note, covers, cells["note"] if rate.status != "not_estimable" else None)
    return estimates.row(
        status=rate.status,
        estimate=rate.estimate,
        ci_low=rate.ci_low,
        ci_high=rate.ci_high,
        std_error=None if math.isnan(rate.ci_high) else rate.std_error,
        df=rate.df,
        n_participants=rate.participants,
        n_nights=rate.nights,
        n_events=rate.cramps,
        n_groups=rate.participants,
        facts={CARRIED_BY: "1" if rate.alone else None},
        **cells | {"note": "; ".join(filter(None, parts)) or None},
    )
