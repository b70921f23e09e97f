"""Baselines from dated measurements: the last value on or before the first night, where participants have none."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from crampstudy import codebook
from crampstudy.wording import counted, label, listed, small

_MOST_NAMED = 3
"""Variables that are named."""


def with_baselines(
    participants: pl.DataFrame, diary: pl.DataFrame, labs: pl.DataFrame
) -> tuple[pl.DataFrame, str | None]:
    """Return participants with the baselines that they lack and ``labs`` have, and in words whose these are.

    A value that a study gives among the participants is its baseline and stays, whatever was measured besides. What was
    measured after the first night may follow from what happened then, and is none.

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
    taken: dict[str, int] = {}
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
            taken[name] = filled
        if alone:
            late[name] = alone
    return participants, _said(taken, late)


def _said(taken: Mapping[str, int], late: Mapping[str, int]) -> str | None:
    said = []
    if taken:
        said.append(f"the last value of labs on or before the first night is the baseline of {_of_whom(taken)}")
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
