"""From which night on a participant is compared, and what the nights before it were like."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import beside, observed_nights
from crampstudy.readable import OneLine
from crampstudy.treatments.designs import UNTREATED, TreatmentDesign
from crampstudy.wording import counted, term

NO_NIGHT, NO_RUN_IN, NO_FOLLOW_UP = (
    "no logged night",
    "no logged night before time zero",
    "no logged night from time zero on",
)
"""Why a participant has no part in a comparison."""


@dataclass(frozen=True, slots=True, repr=False)
class TimeZero(OneLine):
    """The participants of a design with their time zero, and how it was found, in a sentence.

    ``people`` has a row per participant (of a trial: who was randomised; in open use: all), sorted: participant_id,
    ``arm`` (the agent or its comparator), ``time_zero`` (date; none without a logged night), ``run_in_nights`` and
    ``run_in_cramps`` logged before it, ``run_in_log_rate``, the log of (cramps + 0.5) / nights, ``nights`` logged from
    it on, and ``left_out``, why a participant cannot be compared.
    """

    people: pl.DataFrame = field(repr=False)
    said: str

    @property
    def compared(self) -> pl.DataFrame:
        """The participants with nights on both sides of time zero."""
        return self.people.filter(pl.col("left_out").is_null())


def time_zero(cohort: Cohort, design: TreatmentDesign, *, run_in: int | None = None) -> TimeZero:
    """Return the time zero of a design's participants.

    It is ``randomised_on``, else the earliest start of a participant's randomised periods, else, in open use, the
    earliest start of the agent. Somebody untreated in open use has the median wait of those treated, in whole nights
    from the first logged night to the start; who began before the first logged night has no wait. The night of time
    zero is the first that counts.

    Args:
        cohort: a diary.
        design: of one of its agents.
        run_in: nights from the first logged night to time zero: of everybody in a trial, of the untreated in open use.

    Raises:
        UsageError: ``run_in`` is below 1.
    """
    if run_in is not None and run_in < 1:
        raise UsageError(f"a run-in has 1 night or more, got {run_in}")
    logged = observed_nights(cohort)
    first = logged.group_by("participant_id").agg(first_night=pl.col("date").min())
    found, said = (_of_trial if design.arms.height else _of_open_use)(cohort, design, first, run_in)
    people = _with_nights(found, logged)
    left_out = (
        pl.when(pl.col("first_night").is_null())
        .then(pl.lit(NO_NIGHT))
        .when(pl.col("time_zero").is_null() | (pl.col("run_in_nights") == 0))
        .then(pl.lit(NO_RUN_IN))
        .when(pl.col("nights") == 0)
        .then(pl.lit(NO_FOLLOW_UP))
    )
    return TimeZero(people.with_columns(left_out=left_out).drop("first_night").sort("participant_id"), said)


def _of_trial(
    cohort: Cohort, design: TreatmentDesign, first: pl.DataFrame, run_in: int | None
) -> tuple[pl.DataFrame, str]:
    people = design.arms.join(first, on="participant_id", how="left")
    if run_in is not None:
        after = pl.col("first_night") + pl.duration(days=run_in)
        return _selected(people, after), f"time zero is {counted(run_in, 'nights')} after the first logged night"
    table = cohort.frame("participants")
    if "randomised_on" not in table.columns:
        return _selected(people, pl.col("start")), "time zero is the first day of the first randomised period"
    people = people.join(table.select("participant_id", "randomised_on"), on="participant_id", how="left")
    missing = people["randomised_on"].null_count()
    said = "time zero is the day of randomisation"
    if missing:
        said += f", of {counted(missing, 'participants')} without one the first day of the first randomised period"
    return _selected(people, pl.coalesce("randomised_on", "start")), said


def _of_open_use(
    cohort: Cohort, design: TreatmentDesign, first: pl.DataFrame, run_in: int | None
) -> tuple[pl.DataFrame, str]:
    start = design.periods.group_by("participant_id").agg(start=pl.col("start").min())
    people = (
        cohort.frame("participants")
        .select("participant_id")
        .join(start, on="participant_id", how="left")
        .join(first, on="participant_id", how="left")
        .with_columns(arm=pl.when(pl.col("start").is_null()).then(pl.lit(UNTREATED)).otherwise(pl.lit(design.agent)))
    )
    said = f"time zero is the first day of {term(design.agent)}"
    wait, how = run_in, "as asked for"
    if wait is None:
        waits = people.select((pl.col("start") - pl.col("first_night")).dt.total_days()).to_series()
        waits, how = waits.filter(waits > 0), "the median wait of those who began in the diary"
        wait = int(waits.median() or 0) if len(waits) else None  # type: ignore[arg-type]
    if wait is None:
        return _selected(people, pl.col("start")), f"{said}; nobody began in the diary, so that the untreated have none"
    after = pl.coalesce("start", pl.col("first_night") + pl.duration(days=wait))
    untreated = f"of the untreated {counted(wait, 'nights')} after the first logged night, {how}"
    return _selected(people, after), f"{said}, {untreated}"


def _selected(people: pl.DataFrame, zero: pl.Expr) -> pl.DataFrame:
    return people.select("participant_id", "arm", "first_night", time_zero=zero)


def _with_nights(people: pl.DataFrame, logged: pl.DataFrame) -> pl.DataFrame:
    """Return people with what they logged before time zero, and how many nights from it on."""
    before = pl.col("date") < pl.col("time_zero")
    sums = (
        beside(logged, people.select("participant_id", "time_zero"))
        .group_by("participant_id")
        .agg(
            run_in_nights=before.sum().cast(pl.Int64),
            run_in_cramps=pl.col("cramps").filter(before).sum().cast(pl.Int64),
            nights=(~before).sum().cast(pl.Int64),
        )
    )
    counts = pl.col("run_in_nights", "run_in_cramps", "nights").fill_null(0)
    rate = (pl.col("run_in_cramps") + 0.5) / pl.col("run_in_nights")
    log_rate = pl.when(pl.col("run_in_nights") > 0).then(rate.log())
    return (
        people.join(sums, on="participant_id", how="left").with_columns(counts).with_columns(run_in_log_rate=log_rate)
    )
