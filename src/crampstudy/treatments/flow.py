"""The flow of participants: from the file to a comparison, and why some are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.nights import observed_nights
from crampstudy.readable import OneLine
from crampstudy.treatments.combinations import parts
from crampstudy.treatments.crossover import Turns
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.n_of_1 import paired_nights
from crampstudy.treatments.parallel import Followed
from crampstudy.treatments.question import TreatmentQuestion
from crampstudy.treatments.time_zero import NO_NIGHT, TimeZero


@dataclass(frozen=True, slots=True, repr=False)
class ArmFlow(OneLine):
    """How many participants of an ``arm`` reached each step.

    ``in_arm`` were allocated to it, or in open use are in it by what they took; ``started`` began anything; ``stopped``
    ended it before their last logged night; ``rescue`` took another agent of their own choice from time zero on;
    ``compared`` have the nights that the design compares, on both sides of time zero or of both treatments, and
    ``left_out`` says why how many others have not.
    """

    arm: str
    in_arm: int
    started: int
    stopped: int
    rescue: int
    compared: int
    left_out: Mapping[str, int]


_WITHIN = ("crossover", "n-of-1")
NOT_BOTH, NO_PAIR = "no logged nights of both", "no pair of periods with logged nights"
SET_APART = "no nights but those of build-up and washout"


def within_participants(design: TreatmentDesign) -> bool:
    """Say whether the participants of a design have both treatments in turn."""
    return design.kind in _WITHIN


def flow(
    cohort: Cohort, design: TreatmentDesign, zero: TimeZero, asked: TreatmentQuestion | None = None
) -> tuple[ArmFlow, ...]:
    """Return the flow of each arm of a design, that of its agent first.

    Args:
        cohort: a diary.
        design: of one of its agents.
        zero: the time zero of its participants.
        asked: which nights are set apart.
    """
    zero = replace(zero, people=_left_out(cohort, design, zero, asked or TreatmentQuestion()))
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


def _left_out(cohort: Cohort, design: TreatmentDesign, zero: TimeZero, asked: TreatmentQuestion) -> pl.DataFrame:
    """Return the people of a time zero with why they are not among those whom the design compares."""
    if design.kind == "parallel" and asked.build_up:
        everybody, why = zero.compared, NOT_BOTH
        compared = Followed.of(cohort, design, asked, zero).people
    elif design.kind == "crossover":
        everybody, compared = (Turns.of(cohort, design, each).people for each in (asked.with_all_nights, asked))
        why = NOT_BOTH
    elif design.kind == "n-of-1":
        everybody, compared = (paired_nights(cohort, design, each) for each in (asked.with_all_nights, asked))
        why = NO_PAIR
    else:
        return zero.people
    known = pl.col("left_out")
    if within_participants(design):
        # Time zero is no part of such a comparison, but for whoever has no night at all.
        known = pl.when(known == NO_NIGHT).then(known)
    was, inside = (
        pl.col("participant_id").is_in(each["participant_id"].unique().implode()) for each in (everybody, compared)
    )
    lost = pl.when(was).then(pl.lit(SET_APART)).otherwise(pl.coalesce(known, pl.lit(why)))
    return zero.people.with_columns(left_out=pl.when(~inside).then(lost))


def _others(cohort: Cohort, design: TreatmentDesign) -> pl.DataFrame:
    """Return the last start of another agent that a participant took, which lots did not give."""
    given = {*design.periods["agent"], design.agent, design.against}
    own = {part for name in given for part in parts(name)}
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
