"""A cohort of those alone who meet a condition: of a survey a domain, whose design stays whole."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from crampstudy import wording
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.errors import UsageError
from crampstudy.nights import people


def within(cohort: Cohort, where: str | None) -> Cohort:
    """Return the cohort of the participants who meet a condition; those of whom it cannot be told are outside.

    Of a diary the others are left out with their nights. Of a survey they stay with their weights and sampling units,
    from which the intervals follow, and nothing else is known of them.

    Raises:
        UsageError: the condition is none, names an unknown column, or nobody meets it.
    """
    if where is None:
        return cohort
    who = people(cohort)
    domain = subpopulation.select_participants(cohort, who, where)
    inside = domain.inside
    if not inside.any():
        raise UsageError(
            f"nobody in {cohort.name} meets where {where!r}; write a condition that some participants meet"
        )
    attrition = replace(cohort.attrition, notices=(*cohort.attrition.notices, _said(where, inside)))
    if domain.undecided:
        unknown = subpopulation.select_participants(cohort, who, f"({where}) IS NULL").inside
        attrition = attrition.with_undecided(cohort.tables, who.filter(unknown)["participant_id"])
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
    return replace(cohort, tables=tables, attrition=attrition)


def _said(where: str, inside: pl.Series) -> str:
    left_out = int((~inside).sum())
    kept = wording.counted(int(inside.sum()), "participants")
    return f"{wording.condition(where)}: {kept} inside, {left_out:,} left out"
