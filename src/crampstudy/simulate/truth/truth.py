"""The truth that a simulated cohort is drawn from: every parameter, frozen and checked."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from crampstudy import codebook
from crampstudy.errors import ParameterError
from crampstudy.readable import OneLine
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.design import StudyDesign, check_agents, check_design
from crampstudy.simulate.truth.episodes import Episodes, check_episodes
from crampstudy.simulate.truth.parameters import check
from crampstudy.simulate.truth.scalar_parameters import Burden, Cramps, People, Recruitment, Weather
from crampstudy.simulate.truth.tables.rows import (
    Agent,
    Cause,
    Condition,
    Correlation,
    Effect,
    Habit,
    Level,
    Measure,
    Remedy,
    read_table,
)

GROUPS = ("people", "cramps", "recruitment", "episodes", "burden", "weather", "design")
TABLES = ("effects", "conditions", "measures", "levels", "causes", "correlations", "habits", "remedies", "agents")
NOT_DRAWN = ("weight_", "stratum", "psu", "phq9_", "diary_", "enrolled_on", "randomised_on")
"""Beginnings of the participants columns that only a survey, a list of events or a trial needs, and not every diary."""

_MADE = {
    "participants": {
        *("participant_id", "age_years", "birth_year", "sex", "body_mass_kg", "exam_season", "cycle", "arm"),
        *("ever_cramp", "recalled_low", "recalled_high"),
    },
    "diary": {"participant_id", "date", "entry_made", "cramps", "ambient_temperature_c", "nocturia", "sleep_hours"},
}


@dataclass(frozen=True, slots=True, repr=False)
class Truth(OneLine):
    """Everything a simulated cohort is drawn from, frozen; change it with :func:`dataclasses.replace`.

    The package's tables (``effects.csv``, ``conditions.csv`` …) are the defaults. The size of every effect is a
    judgement; where an association is published, the effect names it.

    Raises:
        ParameterError: a parameter is outside its limits, or one refers to another that is not there.
    """

    people: People = field(default_factory=People)
    cramps: Cramps = field(default_factory=Cramps)
    recruitment: Recruitment = field(default_factory=Recruitment)
    episodes: Episodes = field(default_factory=Episodes)
    burden: Burden = field(default_factory=Burden)
    weather: Weather = field(default_factory=Weather)
    design: StudyDesign = field(default_factory=StudyDesign)
    effects: tuple[Effect, ...] = field(default_factory=lambda: read_table(Effect, "effects.csv"))
    conditions: tuple[Condition, ...] = field(default_factory=lambda: read_table(Condition, "conditions.csv"))
    measures: tuple[Measure, ...] = field(default_factory=lambda: read_table(Measure, "measures.csv"))
    levels: tuple[Level, ...] = field(default_factory=lambda: read_table(Level, "levels.csv"))
    causes: tuple[Cause, ...] = field(default_factory=lambda: read_table(Cause, "causes.csv"))
    correlations: tuple[Correlation, ...] = field(default_factory=lambda: read_table(Correlation, "correlations.csv"))
    habits: tuple[Habit, ...] = field(default_factory=lambda: read_table(Habit, "habits.csv"))
    remedies: tuple[Remedy, ...] = field(default_factory=lambda: read_table(Remedy, "remedies.csv"))
    agents: tuple[Agent, ...] = field(default_factory=lambda: read_table(Agent, "agents.csv"))

    def __post_init__(self) -> None:
        for name in GROUPS:
            check(name, getattr(self, name))
        self._check_ages()
        self._check_multipliers()
        self._check_levels()
        self._check_references()
        self._check_complete()
        check_episodes(self.episodes, self.remedies)
        check_agents(self.agents, [m.column for m in self.measures])
        check_design(self.design, self.agents)
        self._check_run_in()
        causal_graph.order(self)
        correlation_root(self, {m.column for m in self.measures} | {h.column for h in self.habits})

    def _check_ages(self) -> None:
        limits, shares = self.people.age_limits, self.people.age_shares
        if len(limits) != len(shares) + 1 or any(a >= b for a, b in pairwise(limits)):
            raise ParameterError(f"people.age_limits is {limits}; allowed: increasing, one more than people.age_shares")
        if not math.isclose(sum(shares), 1, abs_tol=1e-6):
            raise ParameterError(f"people.age_shares sums to {sum(shares):g}; allowed: shares that sum to 1")

    def _check_multipliers(self) -> None:
        share, factor = self.cramps.near_nightly_share, self.cramps.near_nightly_factor
        if share * factor >= 1:
            raise ParameterError(
                f"cramps.near_nightly_share times cramps.near_nightly_factor is {share * factor:g}; allowed: less "
                "than 1, as multipliers have mean one"
            )

    def _check_run_in(self) -> None:
        entry, kind = self.recruitment.run_in_nights, self.design.kind
        begins = {"observation": entry, "open-use": 0}.get(kind, self.design.run_in_nights)
        if entry > begins:
            raise ParameterError(
                f"recruitment.run_in_nights is {entry} where design.kind is {kind}; allowed: at most {begins}, as no "
                "treatment begins before it is known who gets in"
            )

    def _check_levels(self) -> None:
        for column in dict.fromkeys(r.column for r in self.levels):
            rows = [r for r in self.levels if r.column == column]
            for total in (sum(r.share for r in rows), sum(r.share_given for r in rows)):
                if not math.isclose(total, 1, abs_tol=1e-6):
                    raise ParameterError(f"level {column}: shares sum to {total:g}; allowed: shares that sum to 1")

    def _check_references(self) -> None:
        conditions, measures = {c.column for c in self.conditions}, {m.column for m in self.measures}
        levels, habits = {r.column for r in self.levels}, {h.column for h in self.habits}
        people = conditions | measures | levels | set(causal_graph.ROOTS)
        for condition in self.conditions:
            if condition.includes:
                _among(f"condition {condition.column} includes", condition.includes, conditions)
        for level in self.levels:
            if level.given:
                _among(f"level {level.column} is given", level.given, conditions | {causal_graph.FERTILE})
        for cause in self.causes:
            _among(f"cause of {cause.column}:", cause.column, conditions | measures)
            _among(f"cause of {cause.column}:", cause.parent, conditions | measures | levels)
        for pair in self.correlations:
            for name in (pair.column, pair.other):
                _among("correlation of", name, measures | {h.column for h in self.habits if h.kind != "chance"})
        _check_order([(h.column, h.given) for h in self.habits])
        for effect in self.effects:
            _among(f"effect {effect.term} reads", effect.column, people if effect.part == "person" else habits)
            if effect.meaning == "total" and effect.column != "age_years":
                raise ParameterError(f"effect {effect.term} is a total one; allowed: direct, or total for age_years")

    def _check_complete(self) -> None:
        drawn = {
            "participants": {row.column for row in (*self.conditions, *self.measures, *self.levels)},
            "diary": {row.column for row in self.habits},
        }
        for name, columns in drawn.items():
            wanted = {v.name for v in codebook.variables(name) if not v.name.startswith(NOT_DRAWN)} - _MADE[name]
            if name == "diary":
                wanted.add("sleep_continuity")
            if missing := sorted(wanted - columns):
                raise ParameterError(f"nothing draws the {name} column {missing[0]}; add a row for it to a table")

    def with_effects(self, **log_rate_ratios: float) -> Truth:
        """Return this truth with other log rate ratios, by term (``sex[female]`` as ``sex_female``), or by column
        where no term has that name.

        Raises:
            ParameterError: no effect has that name, or the value is outside its limits.
        """
        slugs = {slug(e.term) for e in self.effects}
        columns = {e.column for e in self.effects} - slugs
        if unknown := sorted(set(log_rate_ratios) - columns - slugs):
            raise ParameterError(f"no effect of {unknown[0]}; allowed: {', '.join(sorted(columns | slugs))}")
        by_column = {name: value for name, value in log_rate_ratios.items() if name in columns}
        values = [log_rate_ratios.get(slug(e.term), by_column.get(e.column, e.log_rate_ratio)) for e in self.effects]
        return replace(
            self,
            effects=tuple(replace(e, log_rate_ratio=value) for e, value in zip(self.effects, values, strict=True)),
        )

    def without_effects(self) -> Truth:
        """Return this truth with no effect of anything on cramps: no term, treatment, feedback, season or trend."""
        cramps = replace(self.cramps, season_amplitude=0.0, sleep_feedback=0.0, natural_history_log=0.0)
        still = tuple(
            replace(agent, log_rate_ratio=0.0, log_rate_ratio_per_sd=0.0, pain_points=0.0, duration_log=0.0)
            for agent in self.agents
        )
        return replace(self.with_effects(**{slug(e.term): 0.0 for e in self.effects}), cramps=cramps, agents=still)

    def scaling(self, effect: Effect) -> tuple[float, float]:
        """Return centre and scale of the number that an effect reads, in its own unit."""
        centre, scale = 0.0, 1.0
        if effect.part == "person":
            measure = next((m for m in self.measures if m.column == effect.column), None)
            centre, scale = (measure.mean, measure.sd) if measure else (centre, scale)
        elif effect.part != "share":
            habit = next(h for h in self.habits if h.column == effect.column)
            if habit.kind != "chance":
                scale = habit.sd_within if effect.part == "within" else habit.sd_between
                centre = habit.mean if effect.part == "between" else centre
        return (centre if effect.centre is None else effect.centre, scale if effect.scale is None else effect.scale)


def slug(term: str) -> str:
    """Return a term as a Python name: ``sex[female]`` as ``sex_female``."""
    return term.replace("[", "_").replace("]", "")


def correlation_root(truth: Truth, among: Collection[str]) -> tuple[tuple[str, ...], Floats]:
    """Return the names that are correlated, of those asked for, and the root (Cholesky) of their correlation matrix.

    Raises:
        ParameterError: the correlations contradict each other.
    """
    pairs = [pair for pair in truth.correlations if pair.column in among and pair.other in among]
    names = tuple(dict.fromkeys(name for pair in pairs for name in (pair.column, pair.other)))
    matrix = np.eye(len(names))
    for pair in pairs:
        i, j = names.index(pair.column), names.index(pair.other)
        matrix[i, j] = matrix[j, i] = pair.correlation
    if len(names) and np.linalg.eigvalsh(matrix).min() < 1e-6:
        raise ParameterError(
            f"correlations of {', '.join(names)} contradict each other (no positive definite matrix); "
            "make them smaller or add the missing pairs"
        )
    return names, np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)


def _among(what: str, name: str, allowed: Iterable[str]) -> None:
    if name not in (known := set(allowed)):
        raise ParameterError(f"{what} {name}, which is not drawn; allowed: {', '.join(sorted(known))}")


def _check_order(rows: list[tuple[str, str | None]]) -> None:
    seen: set[str] = set()
    for column, parent in rows:
        if parent and parent not in seen:
            raise ParameterError(f"habit {column} needs {parent}, which does not stand before it; reorder or add it")
        seen.add(column)
