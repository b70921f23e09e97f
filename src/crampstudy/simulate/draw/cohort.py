"""From a truth to a complete cohort, in blocks: rates, cramps, and the tables that follow from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, rules
from crampstudy.cohort import Cohort
from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.calendar import season_of
from crampstudy.simulate.draw import cramp_counts
from crampstudy.simulate.draw.allocation import Untreated, assign
from crampstudy.simulate.draw.episodes import draw_episodes
from crampstudy.simulate.draw.exposures import Assigned, episode_shifts, log_effect
from crampstudy.simulate.draw.labs import draw_labs
from crampstudy.simulate.draw.next_day_effects import draw_next_day_effects
from crampstudy.simulate.draw.people import as_recorded, body_mass, draw_recalled_class
from crampstudy.simulate.draw.plan import Plan
from crampstudy.simulate.draw.recruitment import SLEEP, Asked, draw_counts_between, recruit, temperature_of
from crampstudy.simulate.truth.design import TRIALS, period_starts
from crampstudy.simulate.truth.truth import Truth

_LOWEST_RATE = 1e-9
"""Cramps per week; a rate of nothing has no logarithm."""


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """The complete tables of some participants, and the conditional rate of every night as a diary-shaped table."""

    tables: Mapping[str, pl.DataFrame]
    rates: pl.DataFrame


@dataclass(frozen=True, slots=True)
class DrawnRates:
    """People and the mean counts of their nights (participants x nights), before the cramps are counted.

    ``by_terms`` is given the effects, the calendar and the treatments; ``given`` also given the person's own multiplier
    and the lasting ones. Left to chance is then a night's own heterogeneity, and the feedback of sleep.
    """

    asked: Asked
    assigned: Assigned
    by_terms: Floats
    given: Floats


def draw(truth: Truth, *, participants: int, nights: int, rng: np.random.Generator) -> Cohort:
    """Draw a complete diary cohort: every night of every participant is logged, without gaps or mistakes.

    Every part has a generator of its own: other effects leave people and habits as they were. Values are held within
    the codebook's limits before they act on the cramps.

    Raises:
        ParameterError: ``participants`` or ``nights`` is out of range, or too few people would get in.
    """
    plan = Plan.of(truth, participants, nights, rng)
    blocks = [draw_block(plan, i) for i in range(plan.blocks)]
    return as_cohort({name: pl.concat([b.tables[name] for b in blocks]) for name in blocks[0].tables})


def as_cohort(tables: Mapping[str, pl.DataFrame]) -> Cohort:
    """Return simulated tables as a cohort."""
    return Cohort(name="simulated", kind="diary", tables=dict(tables), synthetic=True)


def draw_block(plan: Plan, index: int) -> DrawnBlock:
    """Draw one block of a plan; the same whatever was drawn before and where."""
    first, n, rng = plan.block(index)
    rates_rng, cramps_rng, after_rng = rng.spawn(3)
    drawn = draw_rates(plan.truth, n, plan.nights, rates_rng, weather=plan.weather)
    identifiers = _identifiers(first, n, plan.participants)
    tables = _tables(plan, drawn, draw_cramps(plan.truth, drawn, cramps_rng), identifiers, after_rng)
    rates = tables["diary"].select(
        "participant_id", "date", rate_by_terms=pl.Series(drawn.by_terms.ravel()), rate=pl.Series(drawn.given.ravel())
    )
    return DrawnBlock(tables, rates)


def draw_core(plan: Plan, index: int) -> pl.DataFrame:
    """Draw the counts of a block alone: participant_id, date, entry_made and cramps, as :func:`draw_block` has them."""
    first, n, rng = plan.block(index)
    rates_rng, cramps_rng, _ = rng.spawn(3)
    habits = [SLEEP] if plan.truth.cramps.sleep_feedback else []
    drawn = draw_rates(plan.truth, n, plan.nights, rates_rng, habits, plan.weather)
    date = drawn.asked.date
    diary: dict[str, Column] = {
        "date": date,
        "entry_made": np.ones(date.shape, dtype=np.bool_),
        "cramps": draw_cramps(plan.truth, drawn, cramps_rng),
    }
    identifiers = _identifiers(first, n, plan.participants)
    return _frame("diary", diary, identifiers, np.repeat(np.arange(n), plan.nights))


def draw_rates(
    truth: Truth,
    n: int,
    nights: int,
    rng: np.random.Generator,
    habits: Collection[str] | None = None,
    weather: Floats | None = None,
) -> DrawnRates:
    """Draw ``n`` people who get in, their treatments, and the mean count of each of their nights.

    Args:
        truth: The truth.
        n: Number of people who get in.
        nights: Nights of each.
        rng: The generator.
        habits: The habits to draw beside those that act on cramps; all by default.
        weather: The temperature of every day from the first on; by default that of an average year.
    """
    asked_rng, trial_rng = rng.spawn(2)
    asked = recruit(truth, n, nights, asked_rng, habits, weather)
    per_week = asked.multiplier * truth.cramps.rate_per_week
    own = cramp_counts.person_log_ratio(truth, asked.people) + np.log(np.maximum(per_week, _LOWEST_RATE))
    scaling = {measure.column: (measure.mean, measure.sd) for measure in truth.measures}
    assigned = assign(truth.design, truth.agents, Untreated(asked.people, asked.date, own, scaling), trial_rng)
    by_terms = np.exp(asked.log_terms + log_effect(truth.agents, assigned, asked.people, scaling))
    return DrawnRates(asked, assigned, by_terms, by_terms * np.exp(asked.log_lasting) * asked.multiplier[:, None])


def draw_cramps(truth: Truth, drawn: DrawnRates, rng: np.random.Generator) -> Integers:
    """Count the cramps of every night (participants x nights); those of the run-in are counted already."""
    asked, start = drawn.asked, truth.recruitment.run_in_nights
    later, _ = draw_counts_between(truth, asked, drawn.given, start, drawn.given.shape[1], asked.sleep_before, rng)
    return np.minimum(np.hstack([asked.run_in, later]), int(codebook.variable("cramps", "diary").maximum or 0))


def _tables(
    plan: Plan, drawn: DrawnRates, cramps: Integers, identifiers: pl.Series, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    truth, asked, assigned, date = plan.truth, drawn.asked, drawn.assigned, drawn.asked.date
    episodes_rng, burden_rng, labs_rng, recall_rng, mass_rng, class_rng = rng.spawn(6)
    own = as_recorded(truth, asked.people, asked.first_night)
    shifts = episode_shifts(truth.agents, assigned)
    episodes = draw_episodes(truth.episodes, truth.remedies, own, date, cramps, episodes_rng, shifts)
    # Whether a person recalls any cramp at baseline follows the person's own rate.
    nightly = drawn.given.mean(axis=1)
    ever = recall_rng.random(len(date)) < -np.expm1(-nightly * 7 * truth.people.ever_cramp_weeks)
    people: dict[str, Column] = {
        **own,
        "body_mass_kg": body_mass(own, mass_rng),
        "birth_year": asked.birth_year,
        "exam_season": season_of(asked.first_night),
        "cycle": np.full(len(date), "1"),
        "arm": assigned.arm,
        "ever_cramp": ever,
        **draw_recalled_class(truth.people, np.where(ever, nightly, 0.0), class_rng),
        **_entry(truth, asked.first_night),
    }
    diary: dict[str, Column] = {
        **asked.habits,
        **draw_next_day_effects(
            truth.burden, asked.habits, cramps, episodes.woken, asked.age.astype(np.float64), burden_rng
        ),
        "cramps": cramps,
        "ambient_temperature_c": temperature_of(truth, date, plan.weather),
        "date": date,
        "entry_made": np.ones(date.shape, dtype=np.bool_),
    }
    labs = draw_labs(truth, asked.people, own, asked.first_night, plan.nights, labs_rng)
    tables = {
        "participants": _frame("participants", people, identifiers, np.arange(len(date))),
        "diary": _frame("diary", diary, identifiers, np.repeat(np.arange(len(date)), plan.nights)),
        "episodes": episodes.frame(identifiers),
        "labs": _frame("labs", labs, identifiers, labs["row"].astype(np.int64)),
    }
    if truth.design.kind != "observation":
        tables["treatments"] = assigned.frame(identifiers)
    # There is no warming up for a session that was not.
    tables["diary"] = tables["diary"].with_columns(pl.when(pl.col("exercise_min") > 0).then(pl.col("warm_up")))
    return tables


def _entry(truth: Truth, first_night: Integers) -> dict[str, Column]:
    """Return the days on which people were let in by their run-in and allocated, where there was such a thing."""
    days: dict[str, Column] = {}
    if truth.recruitment.run_in_nights:
        days["enrolled_on"] = first_night + truth.recruitment.run_in_nights
    if truth.design.kind in TRIALS:
        days["randomised_on"] = first_night + period_starts(truth.design)[0]
    return days


def _identifiers(first: int, n: int, participants: int) -> pl.Series:
    width = max(4, len(str(participants)))
    return pl.Series([f"P{i:0{width}d}" for i in range(first + 1, first + n + 1)], dtype=pl.String)


def _frame(table: str, columns: Mapping[str, Column], identifiers: pl.Series, row: Integers) -> pl.DataFrame:
    theirs = identifiers.gather(row).alias("participant_id")
    drawn = [v for v in codebook.variables(table) if v.name in columns]
    return pl.DataFrame([theirs, *(_series(v, columns[v.name]).alias(v.name) for v in drawn)])


def _series(variable: Variable, values: Column) -> pl.Series:
    values = values.ravel()
    match variable.type:
        case "integer":
            # What may be missing is a float.
            return pl.Series(values, nan_to_null=True).cast(pl.Int64)
        case "date":
            return pl.Series(values.astype("datetime64[D]"))
        case "level" | "text" | "identifier":
            return pl.Series(values.tolist(), dtype=pl.String)
        case _:
            return pl.Series(values).cast(rules.DTYPES[variable.type])
