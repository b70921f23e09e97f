"""The logged nights of each period of treatment, by the calendar."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import observed_nights
from crampstudy.readable import OneLine

OUTSIDE, TREATED, BUILDING_UP, WASHING_OUT, SEVERAL = "outside", "treated", "build-up", "washout", "several"
STATES = pl.Enum([OUTSIDE, TREATED, BUILDING_UP, WASHING_OUT, SEVERAL])
"""What a night is: outside of all periods, inside one, in its first or just after its last nights, or in several."""


@dataclass(frozen=True, slots=True, repr=False)
class PeriodNights(OneLine):
    """Logged nights joined to the periods of treatment.

    ``nights`` has one row per logged night of every participant, sorted: participant_id, date, cramps, ``state``, and
    of a night in one period ``agent``, ``period`` (its rank among the starts of the participant, from 1), ``day``
    (nights since the start, 0 on the first; in the washout since the day after the last) and ``dose``.
    """

    nights: pl.DataFrame = field(repr=False)

    @property
    def treated(self) -> pl.DataFrame:
        """The nights on treatment, without those of build-up."""
        return self.nights.filter(pl.col("state") == TREATED)

    def count(self, state: str) -> int:
        """Return how many nights are in a state."""
        return self.nights.filter(pl.col("state") == state).height


def period_nights(cohort: Cohort, periods: pl.DataFrame, *, build_up: int = 0, washout: int = 0) -> PeriodNights:
    """Join logged nights to periods: the nights of ``start`` and of ``stop`` and all between are treated.

    A period without an end goes on until the participant's next start. A night inside periods of different agents is in
    several, and of none of them; of two periods of one agent it belongs to the later.

    Args:
        cohort: a diary.
        periods: participant_id, agent, start and stop, such as those of a design.
        build_up: nights from the start on that are set apart, as the effect is not there yet.
        washout: nights after the last that are set apart, as the effect may last, also into a period of another agent.

    Raises:
        UsageError: a number of nights is below 0.
    """
    for name, nights in (("build-up", build_up), ("washout", washout)):
        if nights < 0:
            raise UsageError(f"a {name} has 0 nights or more, got {nights}")
    logged, night = observed_nights(cohort), ["participant_id", "date"]
    found = logged.join(in_periods(logged, periods, build_up, washout), on=night, how="left", maintain_order="left")
    state = pl.col("state").fill_null(OUTSIDE).cast(STATES)
    columns = (*night, "cramps", "state", "agent", "period", "day", "dose")
    return PeriodNights(found.with_columns(state=state).select(columns).sort(night))


def in_periods(logged: pl.DataFrame, periods: pl.DataFrame, build_up: int = 0, washout: int = 0) -> pl.DataFrame:
    """Return the nights of :func:`period_nights` that are not outside of all periods, without their cramps.

    Args:
        logged: nights with participant_id and date.
        periods: as there.
        build_up: as there.
        washout: as there.
    """
    ranked, night = _ranked(periods), ["participant_id", "date"]
    every = (
        logged.select(night)
        .join(ranked, on="participant_id")
        .with_columns(
            day=(pl.col("date") - pl.col("start")).dt.total_days(),
            off=(pl.col("date") - pl.col("stop")).dt.total_days(),
        )
    )
    on = every.filter((pl.col("day") >= 0) & (pl.col("off") <= 0).fill_null(value=True)).with_columns(
        state=pl.when(pl.col("day") < build_up).then(pl.lit(BUILDING_UP)).otherwise(pl.lit(TREATED))
    )
    after = every.filter((pl.col("off") > 0) & (pl.col("off") <= washout)).with_columns(
        state=pl.lit(WASHING_OUT), day=pl.col("off") - 1
    )
    return _one_each(pl.concat([on, after]), night)


def _ranked(periods: pl.DataFrame) -> pl.DataFrame:
    """Return periods with their rank in the participant, each without an end closed by the next start."""
    if "dose" not in periods.columns:
        periods = periods.with_columns(dose=pl.lit(None, pl.Float64))
    starts = periods.select("participant_id", "start").unique().sort("participant_id", "start")
    following = pl.col("start").shift(-1).over("participant_id") - pl.duration(days=1)
    ranks = starts.with_columns(following=following, period=pl.int_range(1, pl.len() + 1).over("participant_id"))
    return periods.join(ranks, on=["participant_id", "start"]).select(
        *("participant_id", "agent", "start", "dose", "period"), stop=pl.coalesce("stop", "following")
    )


def _one_each(rows: pl.DataFrame, night: list[str]) -> pl.DataFrame:
    """Return one row per night: that of the latest period, or of what another agent leaves over; ``several`` of two."""
    on = pl.col("state") != WASHING_OUT
    rows = rows.with_columns(
        agents=pl.col("agent").filter(on).n_unique().over(night),
        left=(~on & (pl.col("agent") != pl.col("agent").filter(on).last().over(night)).fill_null(value=True)),
    )
    # Last stands what the night is: on treatment before washed out of the same agent, after what another leaves over.
    ordered = rows.sort("left", on, "period", "agent")
    kept = ordered.group_by(night, maintain_order=True).agg(
        pl.col("agents").first(), pl.col("state", "agent", "period", "day", "dose").last()
    )
    both = pl.col("agents") > 1
    single = [pl.when(~both).then(pl.col(name)).alias(name) for name in ("agent", "period", "day", "dose")]
    return kept.with_columns(*single, state=pl.when(both).then(pl.lit(SEVERAL)).otherwise(pl.col("state"))).drop(
        "agents"
    )
