"""Cramps a week before and after time zero, by arm: what there is to see before anything is modelled."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.estimates import FEWEST, kinds
from crampstudy.nights import observed_night
from crampstudy.treatments.designs import UNTREATED, Design
from crampstudy.treatments.flow import ArmFlow
from crampstudy.treatments.question import CRAMPS, Row, arm
from crampstudy.treatments.time_zero import TimeZero

BEFORE, AFTER = 4, 8
"""At most so many weeks before and after time zero are told."""
_UNIT = "cramps per person-week"


def group_of(design: Design, name: str) -> str:
    """Return what an arm, or in open use a group, is called as a population."""
    if design.randomised or design.arms.height:
        return f"randomised to {arm(name)}"
    return "untreated" if name == UNTREATED else f"took {arm(name)}"


def course(cohort: Cohort, design: Design, zero: TimeZero, ci_level: float = 0.95) -> list[Row]:
    """Return the rate of each arm in each week around time zero, of participants with nights on both sides of it.

    Weeks count from the night of time zero, which is the first of week 1; week -1 is the one before. A week in which
    fewer than 5 participants of an arm logged is not shown.
    """
    logged = cohort.frame("diary").filter(observed_night(cohort)).select("participant_id", "date", "cramps")
    people = zero.compared.select("participant_id", "arm", "time_zero")
    day = (pl.col("date") - pl.col("time_zero")).dt.total_days()
    week = pl.when(day >= 0).then(day // 7 + 1).otherwise(day // 7)
    sums = (
        logged.join(people, on="participant_id")
        .with_columns(week=week)
        .filter(pl.col("week").is_between(-BEFORE, AFTER))
        .group_by("arm", "week", "participant_id")
        .agg(nights=pl.len().cast(pl.Int64), cramps=pl.col("cramps").sum().cast(pl.Int64))
        .sort("arm", "week", "participant_id")
    )
    return list(_rates(cohort, design, sums, ci_level))


def _rates(cohort: Cohort, design: Design, sums: pl.DataFrame, ci_level: float) -> Iterator[Row]:
    for name in dict.fromkeys((design.agent, design.against or UNTREATED)):
        own = sums.filter(pl.col("arm") == name)
        for (week,), rows in own.group_by("week", maintain_order=True):
            if rows.height < FEWEST:
                continue
            rate = incidence_rate(rows["cramps"].to_numpy(), rows["nights"].to_numpy(), ci_level)
            yield estimates.row(
                status=rate.status,
                cohort=cohort.name,
                population=group_of(design, name),
                outcome=CRAMPS,
                analysis=kinds.TREATMENT_COURSE.name,
                estimand="rate as it is",
                term=design.agent,
                level=f"{week}",
                scale="rate",
                unit=_UNIT,
                ci_level=ci_level,
                note=rate.note,
                **_numbers(rate.estimate, rate.ci_low, rate.ci_high, rate.std_error, rate.df),
                n_participants=rate.participants,
                n_nights=rate.nights,
                n_events=rate.cramps,
            )


def _numbers(*values: float) -> Row:
    return dict(zip(("estimate", "ci_low", "ci_high", "std_error", "df"), values, strict=True))


_STEPS = {
    "in_arm": "in the arm",
    "started": "started",
    "stopped": "ended it before the last logged night",
    "rescue": "took another agent after time zero",
    "compared": "compared",
}
"""Steps of the flow in words, in order."""


def flow_rows(cohort: Cohort, design: Design, arms: tuple[ArmFlow, ...]) -> list[Row]:
    """Return the flow of a design as rows of counts."""
    made = []
    for each in arms:
        group = group_of(design, each.arm)
        steps = {said: getattr(each, name) for name, said in _STEPS.items()}
        first = "randomised" if design.arms.height else "in the file"
        counts = {
            first: steps.pop("in the arm"),
            **steps,
            **{f"left out: {why}": n for why, n in each.left_out.items()},
        }
        if each.arm == UNTREATED:
            counts = {step: n for step, n in counts.items() if step not in (_STEPS["started"], _STEPS["stopped"])}
        for step, n in counts.items():
            made.append(
                estimates.row(
                    status="converged",
                    cohort=cohort.name,
                    population=group,
                    analysis=kinds.TREATMENT_FLOW.name,
                    term=design.agent,
                    level=step,
                    scale="count",
                    unit="participants",
                    estimate=float(n),
                    n_participants=each.in_arm,
                )
            )
    return made
