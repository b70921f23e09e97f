"""Cramps a week before and after time zero, by arm: what there is to see before anything is modelled."""

from __future__ import annotations

import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.treatments import ALL, EXPECTED, RUN_IN
from crampstudy.estimates.treatments import UNTREATED as UNTAKEN
from crampstudy.estimates.verdicts import CRAMPS
from crampstudy.nights import beside, observed_nights
from crampstudy.treatments.designs import UNTREATED, TreatmentDesign
from crampstudy.treatments.flow import ArmFlow
from crampstudy.treatments.question import Row, arm
from crampstudy.treatments.time_zero import TimeZero

BEFORE, AFTER = 4, 8
"""At most so many weeks before and after time zero are told."""
_USED = ("stretching", "tens")
"""Treatments that nobody takes, as one does a tablet."""
_UNIT = "cramps per person-week"
_BEFORE, _FIRST = " before", " first"


def group_of(design: TreatmentDesign, name: str) -> str:
    """Return what an arm, or in open use a group, is called as a population."""
    if design.kind == "open use" or not design.arms.height:
        return UNTAKEN if name == UNTREATED else f"{'used' if name in _USED else 'took'} {arm(name)}"
    first = _FIRST if design.kind in ("crossover", "n-of-1") or (design.kind is None and design.against) else ""
    return f"randomised to {arm(name)}{first}"


def label(week: int) -> str:
    """Return a week in words: ``week 1`` begins with time zero, ``week 1 before`` ends with it."""
    return f"week {week}" if week > 0 else f"week {-week}{_BEFORE}"


def week_of(text: str) -> int:
    """Return the number of a week in words, those before time zero with a minus."""
    number = int(text.removesuffix(_BEFORE).removeprefix("week "))
    return -number if text.endswith(_BEFORE) else number


def is_treated(population: str, term: str) -> bool:
    """Say whether a population of :func:`group_of` is that of the treatment ``term``, and not of its comparator."""
    name = population.removesuffix(_FIRST)
    return name in {f"{verb} {arm(term)}" for verb in ("randomised to", "used", "took")}


def expected_rate(rows: pd.DataFrame, falls: pd.DataFrame) -> float | None:
    """Return the rate to be expected after time zero of the run-in alone, ``None`` where a course has none beside it.

    That is one of a single trial, or of everybody's enrolment: the fall of who began by choice has another time zero.

    Args:
        rows: courses around time zero.
        falls: regression to the mean.
    """
    told = rows[rows["estimate"].notna()]
    levels = falls[falls["term"] == ALL].set_index("level")["estimate"].dropna()
    after = told["level"].map(week_of).max() if len(told) else 0
    chosen = told["population"].str.fullmatch(rf"{UNTAKEN}|(?:took|used) .*").any()
    if told["term"].nunique() != 1 or chosen or after <= 0 or not {RUN_IN, EXPECTED} <= {*levels.index}:
        return None
    return float(levels[RUN_IN] * levels[EXPECTED])


def course(cohort: Cohort, term: str, people: pl.DataFrame, ci_level: float = 0.95) -> list[Row]:
    """Return the rate of each group in each week around time zero.

    Weeks count from the night of time zero, which is the first of week 1. A week in which
    fewer than 5 participants of a group logged is not told.

    Args:
        cohort: a diary.
        term: the treatment, or what else begins at time zero.
        people: participant_id, ``group`` and ``time_zero``, groups in the order of the rows.
        ci_level: confidence level.
    """
    logged = observed_nights(cohort)
    day = (pl.col("date") - pl.col("time_zero")).dt.total_days()
    week = pl.when(day >= 0).then(day // 7 + 1).otherwise(day // 7)
    sums = (
        beside(logged, people.select("participant_id", "group", "time_zero"))
        .with_columns(week=week)
        .filter(pl.col("week").is_between(-BEFORE, AFTER))
        .group_by("week", "participant_id")
        .agg(pl.col("group").first(), nights=pl.len().cast(pl.Int64), cramps=pl.col("cramps").sum().cast(pl.Int64))
        .sort("week", "participant_id")
    )
    cells: Row = {
        "cohort": cohort.name,
        "outcome": CRAMPS,
        "analysis": kinds.TREATMENT_COURSE.name,
        "estimand": "rate as it is",
        "term": term,
        "scale": "rate",
        "unit": _UNIT,
        "ci_level": ci_level,
    }
    return [
        _rate(rows, cells | {"population": group, "level": label(int(str(week)))})
        for group in people["group"].unique(maintain_order=True)
        for (week,), rows in sums.filter(pl.col("group") == group).group_by("week", maintain_order=True)
        if rows.height >= FEWEST
    ]


def _rate(rows: pl.DataFrame, cells: Row) -> Row:
    rate = incidence_rate(rows["cramps"].to_numpy(), rows["nights"].to_numpy(), cells["ci_level"])
    numbers = {name: getattr(rate, name) for name in ("estimate", "ci_low", "ci_high", "std_error", "df", "note")}
    counts = {"n_participants": rate.participants, "n_nights": rate.nights, "n_events": rate.cramps}
    return estimates.row(status=rate.status, **cells, **numbers, **counts)


def of_design(
    cohort: Cohort, design: TreatmentDesign, zero: TimeZero, ci_level: float = 0.95, *, every: bool = False
) -> list[Row]:
    """Return the course of those whom a design compares, the group of its agent first.

    Args:
        cohort: a diary.
        design: of one of its agents.
        zero: the time zero of its participants.
        ci_level: confidence level.
        every: take also those with nights on one side of time zero alone.
    """
    names = {name: group_of(design, name) for name in (design.agent, design.against or UNTREATED)}
    who = zero.people.drop_nulls("time_zero") if every else zero.compared
    people = who.filter(pl.col("arm").is_in(list(names))).with_columns(group=pl.col("arm").replace_strict(names))
    return course(cohort, design.agent, people.sort(pl.col("arm") != design.agent, maintain_order=True), ci_level)


_STEPS = {
    "in_arm": "in the arm",
    "started": "started",
    "stopped": "ended it before the last logged night",
    "rescue": "took another agent after time zero",
    "compared": "compared",
}
"""Steps of the flow in words, in order."""


def flow_rows(cohort: Cohort, design: TreatmentDesign, arms: tuple[ArmFlow, ...]) -> list[Row]:
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
