"""Baselines from dated measurements: the last value on or before the first night, where participants have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from crampstudy import codebook
from crampstudy.cohort.frozen import Cohort
from crampstudy.wording import counted, label, listed, small

_MOST_NAMED = 3
"""Variables that are named."""


def with_baselines(cohort: Cohort) -> Cohort:
    """Return a cohort whose participants have the baselines that they lack and its ``labs`` have, and a notice of whom.

    A value that a study gives among the participants is its baseline and stays, whatever was measured besides. What was
    measured after the first night may follow from what happened then, and is none.
    """
    if cohort.kind != "diary" or "labs" not in cohort.tables:
        return cohort
    people, said = taken(*(cohort.frame(name) for name in ("participants", "diary", "labs")))
    if said is None:
        return cohort
    attrition = replace(cohort.attrition, notices=(*cohort.attrition.notices, said))
    return replace(cohort, tables={**cohort.tables, "participants": people}, attrition=attrition)


def taken(participants: pl.DataFrame, diary: pl.DataFrame, labs: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """Return participants with the baselines that they lack and ``labs`` have, and in words whose these are.

    Args:
        participants: as accepted.
        diary: as accepted, whose first date of a participant is the first night.
        labs: as accepted, in the codebook's units.
    """
    known = codebook.analytes()
    first = diary.select("participant_id", "date").group_by("participant_id").agg(first=pl.col("date").min())
    measured = labs.filter(pl.col("value").is_not_null(), pl.col("analyte").is_in(list(known))).join(
        first, on="participant_id"
    )
    had_by: dict[str, int] = {}
    late: dict[str, int] = {}
    for analyte, variable in known.items():
        own = measured.filter(pl.col("analyte") == analyte)
        if own.is_empty():
            continue
        name = variable.name
        had = pl.col(name) if name in participants.columns else pl.lit(None, dtype=pl.Float64)
        in_time = own.filter(pl.col("date") <= pl.col("first")).sort("date", maintain_order=True)
        last = in_time.group_by("participant_id").agg(pl.col("value").last().alias("measured"))
        beside = participants.select("participant_id", had=had).join(
            last, on="participant_id", how="left", maintain_order="left"
        )
        lacking = beside["had"].is_null()
        filled = int((lacking & beside["measured"].is_not_null()).sum())
        later = set(own["participant_id"]) - set(last["participant_id"])
        alone = len(later & set(beside.filter(lacking)["participant_id"]))
        if filled:
            participants = participants.with_columns(beside["had"].fill_null(beside["measured"]).alias(name))
            had_by[name] = filled
        if alone:
            late[name] = alone
    return participants, _said(had_by, late)


def _said(had_by: Mapping[str, int], late: Mapping[str, int]) -> str | None:
    said = []
    if had_by:
        said.append(f"the last value of labs on or before the first night is the baseline of {_of_whom(had_by)}")
    if late:
        said.append(f"labs have values after the first night alone, which are no baseline, of {_of_whom(late)}")
    return ", and ".join(said) or None


def _of_whom(counts: Mapping[str, int]) -> str:
    """Return variables with their participants, of many how many they are and of how many participants each."""
    if len(counts) <= _MOST_NAMED:
        return listed(f"{small(label(name))} ({counted(n, 'participants')})" for name, n in counts.items())
    few, most = min(counts.values()), max(counts.values())
    each = counted(few, "participants") if few == most else f"{few:,} to {most:,} participants"
    return f"{len(counts)} levels ({each} each)"
