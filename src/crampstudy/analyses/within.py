"""A cohort of those alone who meet a condition: of a survey a domain, whose design stays whole."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from crampstudy import wording
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.errors import UsageError
from crampstudy.nights import diary_columns, people, person_nights

_MOST = 12


def within(cohort: Cohort, where: str | None) -> Cohort:
    """Return the cohort of the participants who meet a condition; those of whom it cannot be told are outside.

    Of a diary the others are left out with their nights. Of a survey they stay with their weights and sampling units,
    from which the intervals follow, and nothing else is known of them.

    Raises:
        UsageError: the condition is none, names an unknown column or one of nights, or nobody meets it.
    """
    if where is None:
        return cohort
    who = people(cohort)
    _check_of_participants(cohort, who, where)
    domain = subpopulation.select_participants(cohort, who, where)
    if not domain.inside.any():
        there = "; ".join(_there(who[name]) for name in subpopulation.names(where))
        raise _refusal(where, f"nobody in {cohort.name} meets where {where!r}: {there}; write one that some meet")
    return _of_those(cohort, who, where, domain)


def meeting(cohort: Cohort, where: str, bands: AgeBands) -> Cohort | None:
    """Return the cohort of what a comparison is of: of the participants who meet a condition, as of :func:`within`.

    Where nobody does there is ``None``. Of a condition on nights all participants stay, with the nights that meet it.

    Args:
        cohort: a diary or a survey.
        where: what is compared of each cohort.
        bands: age bands behind ``age_band``.
    """
    if is_of_nights(cohort, where):
        nights = person_nights(cohort, bands, names=subpopulation.names(where))
        met = nights.filter(subpopulation.select(nights, where).inside).select("participant_id", "date")
        diary = cohort.frame("diary").join(met, on=["participant_id", "date"], how="semi", maintain_order="left")
        return None if diary.is_empty() else replace(cohort, tables={**cohort.tables, "diary": diary})
    who = people(cohort, bands)
    domain = subpopulation.select_participants(cohort, who, where)
    return _of_those(cohort, who, where, domain) if domain.inside.any() else None


def is_of_nights(cohort: Cohort, where: str) -> bool:
    """Say whether a condition names a column of a diary's nights, so that it selects these and no participants."""
    nightly = {*diary_columns(cohort)} - {"participant_id"} if cohort.kind == "diary" else frozenset[str]()
    return not nightly.isdisjoint(subpopulation.names(where))


def _of_those(cohort: Cohort, who: pl.DataFrame, where: str, domain: subpopulation.Domain) -> Cohort:
    """Return the cohort of those of its participants, ``who`` they are, that are inside a domain."""
    inside = domain.inside
    attrition = replace(cohort.attrition, notices=(*cohort.attrition.notices, _said(where, inside)))
    if domain.undecided:
        attrition = attrition.with_undecided(cohort.tables, who.filter(domain.unknown)["participant_id"])
    participants = cohort.frame("participants")
    if cohort.design is None:
        kept = participants.filter(inside)["participant_id"]
        theirs = pl.col("participant_id").is_in(kept.implode())
        tables = {name: table.filter(theirs) for name, table in cohort.tables.items()}
    else:
        blank = [name for name in participants.columns if name not in cohort.design.columns]
        emptied = (pl.when(inside).then(pl.col(name)).otherwise(None).alias(name) for name in blank)
        tables = {**cohort.tables, "participants": participants.with_columns(emptied)}
        outside = participants.filter(~inside)["participant_id"].to_list()
        attrition = replace(attrition, outside=tuple(sorted({*attrition.outside, *outside})))
    # It is the data that are cited, whomever of them a report is of.
    credits = replace(cohort.credits, digest=cohort.credits.digest or cohort.digest)
    return replace(cohort, tables=tables, attrition=attrition, credits=credits)


def _check_of_participants(cohort: Cohort, who: pl.DataFrame, where: str) -> None:
    """Refuse a condition on nights, which select no participants.

    Raises:
        UsageError: it names a column of the diary.
    """
    if cohort.kind != "diary":
        return
    for name in subpopulation.names(where):
        if name in diary_columns(cohort) and name not in who.columns:
            able = ", ".join(each for each in who.columns if each != "participant_id")
            said = f"{name!r} is a column of nights, and this where selects participants, in where {where!r}"
            nights = "nights are selected by --where of describe, compare and fit"
            raise _refusal(where, f"{said}; allowed: {able}; {nights}")


def _refusal(where: str, said: str) -> UsageError:
    """Return an error after which one goes on without the condition."""
    error = UsageError(said)
    error.correction = f"where={where}", "where=null"
    return error


def _there(values: pl.Series) -> str:
    """Return which values participants have: ``age_years is 21 to 88``."""
    known = values.drop_nulls()
    if known.is_empty():
        return f"{values.name} has no value"
    if known.dtype.is_numeric() or known.dtype.is_temporal():
        return f"{values.name} is {_shown(known.min())} to {_shown(known.max())}"
    levels = known.cast(pl.String).unique().sort().to_list()
    return f"{values.name} is {', '.join(levels[:_MOST])}{', …' if len(levels) > _MOST else ''}"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _said(where: str, inside: pl.Series) -> str:
    left_out = int((~inside).sum())
    kept = wording.counted(int(inside.sum()), "participants")
    return f"{wording.condition(where)}: {kept} inside, {left_out:,} left out"
