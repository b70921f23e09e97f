"""Whom lots put into each arm of a trial: their characteristics, and what they logged before time zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.characteristics import differences_between_arms
from crampstudy.descriptive.characteristics import characteristics_of
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import OF_RUN_IN, RANDOMISED, RUN_IN_CRAMPS, RUN_IN_NIGHTS
from crampstudy.nights import NIGHTS_PER_WEEK, people
from crampstudy.treatments.course import group_of
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.time_zero import TimeZero

FEWEST_ARMS = 2
IN_ARMS = ("parallel", "crossover")
"""Designs whose arms are groups of people; in alternating periods everybody is compared with oneself."""


def baseline(cohort: Cohort, trial: Sequence[tuple[TreatmentDesign, TimeZero]]) -> pd.DataFrame:
    """Return the characteristics of everybody who was randomised and of each arm, and how far the arms are apart.

    All who were randomised count, also those of whom nothing can be compared; of a crossover an arm is what people had
    first. There is no p-value: what lots make unlike is chance.

    Args:
        cohort: a diary.
        trial: the designs by which lots decided, each with the time zero of its participants.

    Returns:
        Tidy estimates, none where there are no two arms. An arm of one participant is among all who were randomised,
        and not shown by itself.
    """
    arms = dict(_arms(trial))
    if len(arms) < FEWEST_ARMS:
        return estimates.frame([])
    everybody = people(cohort)
    logged = pl.concat([zero.people for _, zero in trial]).unique("participant_id", maintain_order=True)
    before = logged.select(
        "participant_id",
        pl.col("run_in_nights").alias(RUN_IN_NIGHTS),
        pl.when(pl.col("run_in_nights") > 0)
        .then(NIGHTS_PER_WEEK * pl.col("run_in_cramps") / pl.col("run_in_nights"))
        .alias(RUN_IN_CRAMPS),
    )
    known = everybody.join(before, on="participant_id", how="inner", maintain_order="left")
    groups = {name: known.filter(pl.col("participant_id").is_in(ids.implode())) for name, ids in arms.items()}
    described = characteristics_of(
        cohort, {RANDOMISED: known, **groups}, kind=kinds.CHARACTERISTICS_BY_ARM, also=tuple(OF_RUN_IN.values())
    )
    return pd.concat([described, differences_between_arms(described)], ignore_index=True)


def _arms(trial: Sequence[tuple[TreatmentDesign, TimeZero]]) -> Iterator[tuple[str, pl.Series]]:
    """Yield the participants of each arm by its name, that which the others are compared with last."""
    made = {
        name: (group_of(design, name), zero.people.filter(pl.col("arm") == name)["participant_id"])
        for design, zero in trial
        if design.kind in IN_ARMS
        for name in (design.agent, design.against)
    }
    last = {design.against for design, _ in trial}
    for name in sorted(made, key=lambda each: each in last):
        if len(made[name][1]) > 1:
            yield made[name]
