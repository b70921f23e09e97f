"""The flow of participants: from the file to a comparison, and why some are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.nights import observed_nights
from crampstudy.readable import OneLine
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.time_zero import TimeZero


@dataclass(frozen=True, slots=True, repr=False)
class ArmFlow(OneLine):
    """How many participants of an ``arm`` reached each step.

    ``in_arm`` were allocated to it, or in open use are in it by what they took; ``started`` began anything; ``stopped``
    ended it before their last logged night; ``rescue`` took another agent of their own choice from time zero on;
    ``compared`` have nights on both sides of time zero, and ``left_out`` says why how many others have not.
    """

    arm: str
    in_arm: int
    started: int
    stopped: int
    rescue: int
    compared: int
    left_out: Mapping[str, int]


def flow(cohort: Cohort, design: TreatmentDesign, zero: TimeZero) -> tuple[ArmFlow, ...]:
    """Return the flow of each arm of a design, that of its agent first.

    Args:
        cohort: a diary.
        design: of one of its agents.
        zero: the time zero of its participants.
    """
    last = observed_nights(cohort).group_by("participant_id").agg(last_night=pl.col("date").max())
    ends = design.periods.group_by("participant_id").agg(
        stop=pl.when(pl.col("stop").null_count() == 0).then(pl.col("stop").max())
    )
    table = (
        zero.people.join(ends.with_columns(began=True), on="participant_id", how="left")
        .join(last, on="participant_id", how="left")
        .join(_others(cohort, design), on="participant_id", how="left")
        .with_columns(
            began=pl.col("began").fill_null(value=False),
            stopped=(pl.col("stop") < pl.col("last_night")).fill_null(value=False),
            rescued=(pl.col("other") >= pl.col("time_zero")).fill_null(value=False),
        )
    )
    return tuple(
        _of_arm(arm, table.filter(pl.col("arm") == arm))
        for arm in dict.fromkeys((design.agent, design.against))
        if (table["arm"] == arm).any()
    )


def _others(cohort: Cohort, design: TreatmentDesign) -> pl.DataFrame:
    """Return the last start of another agent that a participant took, which lots did not give."""
    own = {*design.periods["agent"], design.agent, design.against}
    table = cohort.frame("treatments").filter(~pl.col("agent").is_in(list(own)))
    return table.group_by("participant_id").agg(other=pl.col("start").max())


def _of_arm(arm: str, rows: pl.DataFrame) -> ArmFlow:
    reasons = rows["left_out"].drop_nulls().value_counts().sort("left_out").rows()
    return ArmFlow(
        arm,
        in_arm=rows.height,
        started=int(rows["began"].sum()),
        stopped=int(rows["stopped"].sum()),
        rescue=int(rows["rescued"].sum()),
        compared=rows["left_out"].null_count(),
        left_out=dict(reasons),
    )
