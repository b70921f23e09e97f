"""The participants of one diary as several cohorts, by what they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import polars as pl

from crampstudy import codebook
from crampstudy.cohort.frozen import Cohort
from crampstudy.errors import UsageError
from crampstudy.wording import counted

_PERSON = "participant_id"
_YES_NO = {True: "yes", False: "no"}


def split(cohort: Cohort, by: str, levels: pl.Series, numbers: Collection[str] | None = None) -> tuple[Cohort, ...]:
    """Return a cohort of the participants at each of the ``levels`` that have nights, named after them.

    Args:
        cohort: a diary. Parts of a survey are none: they share its sampling units.
        by: the variable that the levels are of.
        levels: of every participant, in the order of the table.
        numbers: those of the nights that the parts need beside the count of cramps; all by default.

    Raises:
        UsageError: the cohort is a survey, or fewer than two levels have nights.
    """
    if cohort.kind == "survey":
        raise UsageError(f"{cohort.name} is a survey, whose parts share its sampling units and are no cohorts")
    people, nights = cohort.frame("participants"), cohort.frame("diary")[_PERSON].unique()
    found = people.select(_PERSON, level=levels).filter(pl.col(_PERSON).is_in(nights.implode()))
    own = [level for level in found["level"].unique(maintain_order=True).sort() if level is not None]
    if len(own) < 2:
        has = f"only {by} {_YES_NO.get(own[0], own[0])}" if own else f"no value of {by}"
        raise UsageError(f"{cohort.name} cannot be split by {by}: those with nights have {has}")
    without = people.height - int(found["level"].is_in(own).sum())
    lost = f"{counted(without, 'participants')} without a value of {by} or without nights, in no part"
    remarks = (*cohort.attrition.remarks, *([lost] if without else []))
    valueless = people.filter(levels.is_null())[_PERSON]
    attrition = replace(cohort.attrition, remarks=remarks, part=True).with_undecided(cohort.tables, valueless)
    held = dict(cohort.tables)
    if numbers is not None:
        held["diary"] = _with_numbers(held["diary"], numbers)
    made = []
    for level in own:
        members = found.filter(pl.col("level") == level)[_PERSON].implode()
        tables = {name: table.filter(pl.col(_PERSON).is_in(members)) for name, table in held.items()}
        name = f"{by}: {_YES_NO[level]}" if isinstance(level, bool) else str(level)
        credits = cohort.credits.titled(cohort.heading)
        made.append(replace(cohort, name=name, title=None, tables=tables, attrition=attrition, credits=credits))
    return tuple(made)


def _with_numbers(nights: pl.DataFrame, numbers: Collection[str]) -> pl.DataFrame:
    """Return nights without the numbers that are not needed, which are most of what a long diary holds."""
    kept = {*numbers, "cramps", *(v.name for v in codebook.variables("diary") if v.required)}
    return nights.select(name for name, dtype in nights.schema.items() if name in kept or not dtype.is_numeric())
