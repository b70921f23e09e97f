"""Baselines from dated measurements: the last value on or before the first night, where participants have none."""

from __future__ import annotations

import polars as pl

from crampstudy import codebook
from crampstudy.wording import counted, label, listed, small


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
    taken, late = [], []
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
            taken.append(f"{small(label(name))} ({counted(filled, 'participants')})")
        if alone:
            late.append(f"{small(label(name))} ({counted(alone, 'participants')})")
    return participants, _said(taken, late)


def _said(taken: list[str], late: list[str]) -> str | None:
    said = []
    if taken:
        said.append(f"the last value of labs on or before the first night is the baseline of {listed(taken)}")
    if late:
        said.append(f"labs have values after the first night alone, which are no baseline, of {listed(late)}")
    return ", and ".join(said) or None
