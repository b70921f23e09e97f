"""Participants: age, sex, and everything that they cause, drawn column by column along the causal graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from crampstudy import codebook
from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.simulate.arrays import Column, Flags, Floats, Integers, expit, logit
from crampstudy.simulate.calendar import EPOCH, annual_cosine
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.scalar_parameters import People
from crampstudy.simulate.truth.tables.rows import Condition, Effect, Level, Measure
from crampstudy.simulate.truth.truth import Truth, correlation_root

_HEIGHT_WOMEN, _HEIGHT_MEN = (1.613, 0.071), (1.753, 0.076)
"""Mean and standard deviation of the height of adults, in metres."""


@dataclass(frozen=True, slots=True)
class Basics:
    """Age, sex and first night of each participant; ``first_night`` counts days from 1970-01-01."""

    age: Integers
    female: Flags
    first_night: Integers
    birth_year: Integers


@dataclass(frozen=True, slots=True)
class Chances:
    """The random numbers behind participants, one array per column: other parameters never move them."""

    scores: Mapping[str, Floats]
    uniforms: Mapping[str, Floats]
    habit_scores: Mapping[str, Floats]


def draw_basics(people: People, n: int, rng: np.random.Generator) -> Basics:
    """Draw who takes part and from when on."""
    limits = np.asarray(people.age_limits)
    shares = np.asarray(people.age_shares) / np.sum(people.age_shares)
    band = rng.choice(len(shares), size=n, p=shares)
    age = rng.integers(limits[band], limits[band + 1])
    female = rng.random(n) < people.female_share
    first = (people.start - EPOCH).days + rng.integers(0, people.start_spread_nights, size=n)
    # The last birthday lies up to a year before the first night.
    birth = first.astype("datetime64[D]") - np.floor((age + rng.random(n)) * 365.2425).astype("timedelta64[D]")
    return Basics(age, female, first, birth.astype("datetime64[Y]").astype(np.int64) + 1970)


def draw_chances(truth: Truth, n: int, rng: np.random.Generator) -> Chances:
    """Draw the standard normal scores of measures and usual habits, correlated, and the uniforms of all else."""
    names = [m.column for m in truth.measures], [h.column for h in truth.habits]
    scores: dict[str, Floats] = {}
    scores_rng, habits_rng, uniforms_rng = rng.spawn(3)
    for part, own in zip(names, (scores_rng, habits_rng), strict=True):
        scores |= dict(zip(part, own.standard_normal((len(part), n)), strict=True))
    correlated, root = correlation_root(truth, frozenset(scores))
    if correlated:
        scores |= dict(zip(correlated, root @ np.stack([scores[name] for name in correlated]), strict=True))
    columns = list(dict.fromkeys(row.column for row in (*truth.conditions, *truth.levels, *truth.measures)))
    uniforms = dict(zip(columns, uniforms_rng.random((len(columns), n)), strict=True))
    return Chances({m: scores[m] for m in names[0]}, uniforms, {h: scores[h] for h in names[1]})


def draw_people(
    truth: Truth,
    age: Integers,
    female: Flags,
    chances: Chances,
    fixed: Mapping[str, Column] | None = None,
    only: Collection[str] | None = None,
) -> dict[str, Column]:
    """Return the participants' columns.

    Measures are the persons' levels over the year, before the season of the sample, and unrounded.

    Args:
        truth: The truth.
        age: Ages in years.
        female: Who is a woman.
        chances: The random numbers behind the columns.
        fixed: Columns that are taken as they are, whatever would cause them: a part drawn before, or an intervention,
            which what it causes follows.
        only: Names of the columns to draw with what causes them; all by default.
    """
    fixed = fixed or {}
    needed = None if only is None else {c for name in only for c in (name, *causal_graph.ancestors(truth, name))}
    made: dict[str, Column] = {
        "age_years": age.astype(np.float64),
        "sex": np.where(female, "female", "male"),
    }
    rows: dict[str, Condition | Measure] = {c.column: c for c in truth.conditions}
    rows |= {m.column: m for m in truth.measures}
    for column in causal_graph.order(truth):
        if column in causal_graph.ROOTS or (needed is not None and column not in needed):
            continue
        if column in fixed:
            made[column] = fixed[column]
        elif isinstance(row := rows.get(column), Condition):
            made[column] = _condition(truth, row, made, chances.uniforms[column])
        elif isinstance(row, Measure):
            made[column] = _measure(truth, row, made, chances)
        else:
            of_name = [level for level in truth.levels if level.column == column]
            made[column] = _level(of_name, made, chances.uniforms[column])
    return made


def as_recorded(truth: Truth, columns: Mapping[str, Column], first_night: Integers) -> dict[str, Column]:
    """Return the participants' columns as a study records them: measures on their day, rounded and within limits."""
    season = annual_cosine(first_night)
    noted = dict(columns)
    for measure in truth.measures:
        value = columns[measure.column].astype(np.float64) * (1 + measure.season * season)
        noted[measure.column] = (
            np.round(_within_codebook("participants", measure.column, value), measure.decimals) + 0.0
        )
    return noted


def body_mass(recorded: Mapping[str, Column], rng: np.random.Generator) -> Floats:
    """Return the mass in kg of people of the recorded body-mass index, at a height that is drawn for their sex.

    Source: Fryar 2021 (NHANES 2015-2018), heights of adults in the United States.
    """
    mean, sd = (np.where(recorded["sex"] == "female", *of) for of in zip(_HEIGHT_WOMEN, _HEIGHT_MEN, strict=True))
    height = mean + sd * rng.standard_normal(len(mean))
    mass = recorded["bmi_kg_m2"].astype(np.float64) * height**2
    return np.round(_within_codebook("participants", "body_mass_kg", mass), 1)


def draw_recalled_class(people: People, nightly: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the limits of the class in which people recall their cramps of 30 nights, NaN the upper one of the last.

    What is recalled is drawn as 30 other nights would be at the person's rate, times an error of recall of mean one.
    """
    error, counts = rng.spawn(2)
    blurred = np.exp(people.recall_sd * error.standard_normal(len(nightly)) - people.recall_sd**2 / 2)
    place = np.searchsorted(LOWS[1:], counts.poisson(NIGHTS * nightly * blurred), side="right")
    high = np.append(np.array(LOWS[1:]) - 1.0, np.nan)
    return {"recalled_low": np.array(LOWS, dtype=np.float64)[place], "recalled_high": high[place]}


def at_scores(mean: Floats, sd: float | Floats, log: bool, z: Floats) -> Floats:
    """Return values of that mean and SD at the standard normal scores ``z``, normal or log-normal."""
    if not log:
        return mean + sd * z
    sigma2 = np.log1p((sd / mean) ** 2)
    return np.asarray(np.exp(np.log(mean) - sigma2 / 2 + np.sqrt(sigma2) * z), dtype=np.float64)


def as_number(column: Column, level: str | None = None) -> Floats:
    """Return a column as numbers: yes and no, or ``level`` against any other, as 1 and 0."""
    return np.asarray(column == level if level is not None else column, dtype=np.float64)


def person_x(truth: Truth, effect: Effect, column: Column) -> Floats:
    """Return the ``x`` of a person-level effect, one value per participant."""
    if effect.level is not None or column.dtype == np.bool_:
        return as_number(column, effect.level)
    centre, scale = truth.scaling(effect)
    return np.asarray((column.astype(np.float64) - centre) / scale, dtype=np.float64)


def _sum_of_causes(truth: Truth, column: str, made: Mapping[str, Column]) -> Floats | float:
    total: Floats | float = 0.0
    for cause in truth.causes:
        if cause.column == column and cause.coefficient:
            x = as_number(made[cause.parent], cause.level)
            measure = next((m for m in truth.measures if m.column == cause.parent), None)
            # A number acts by its distance from a man's mean at 60, so that the child's own mean stays its mean.
            total = total + cause.coefficient * (x - (measure.mean if measure else 0.0)) / cause.per
    return total


def _condition(truth: Truth, row: Condition, made: Mapping[str, Column], uniform: Floats) -> Flags:
    decade = (made["age_years"].astype(np.float64) - 60) / 10
    odds = logit(row.prevalence_at_60) + row.log_odds_per_decade * decade
    odds = odds + row.log_odds_female * (made["sex"] == "female") + _sum_of_causes(truth, row.column, made)
    flag = uniform < expit(odds)
    return flag | made[row.includes].astype(np.bool_) if row.includes else flag


def _measure(truth: Truth, row: Measure, made: Mapping[str, Column], chances: Chances) -> Floats:
    decade = (made["age_years"].astype(np.float64) - 60) / 10
    mean = (
        row.mean
        + row.per_decade * decade
        + row.female * (made["sex"] == "female")
        + _sum_of_causes(truth, row.column, made)
    )
    log = row.shape == "log-normal"
    if log:
        # A log-normal mean stays above 0 however the shifts add up.
        mean = np.maximum(mean, row.mean / 20)
    value = _within_codebook("participants", row.column, at_scores(mean, row.sd, log, chances.scores[row.column]))
    return np.where(chances.uniforms[row.column] < row.chance_of_any, value, 0.0)


def _level(rows: list[Level], made: Mapping[str, Column], uniform: Floats) -> Column:
    parent = rows[0].given
    plain, given = (np.cumsum([getattr(r, key) for r in rows]) for key in ("share", "share_given"))
    if parent == causal_graph.FERTILE:
        has = (made["sex"] == "female") & (made["age_years"].astype(np.float64) < 45)
    else:
        has = made[parent].astype(np.bool_) if parent else np.zeros(len(uniform), dtype=np.bool_)
    steps = np.where(has[:, None], given, plain)
    # The last step is left out, so that a sum just below 1 cannot fall off the end.
    chosen = (uniform[:, None] >= steps[:, :-1]).sum(axis=1)
    return np.asarray(np.asarray([row.level for row in rows])[chosen])


def _within_codebook(table: str, column: str, values: Floats) -> Floats:
    variable = codebook.variable(column, table)
    return values if variable.minimum is None else np.clip(values, variable.minimum, variable.maximum)
