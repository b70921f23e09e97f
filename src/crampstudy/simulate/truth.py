"""The truth that a simulated cohort is drawn from: every parameter, and what it implies for simple estimands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from crampstudy import codebook
from crampstudy.errors import ParameterError
from crampstudy.simulate.groups import Burden, Cramps, Gaps, People, Weather
from crampstudy.simulate.parameters import (
    Condition,
    Effect,
    Habit,
    Level,
    Measure,
    check,
    described,
    table,
)

FORMAT = "crampstudy-truth/1"
FERTILE = "female_below_45"
"""The one parent that is no column: women below 45, in whom a pregnancy is drawn."""

MODEL = (
    "cramps[i, t] ~ Poisson(rate_per_week / 7 * exp(sum over effects of log_rate_ratio * x[i, t]) * person[i] * "
    "night[i, t]); person[i] ~ gamma, mean 1, shape person_shape; night[i, t] ~ gamma, mean 1, "
    "shape 1 / night_dispersion; all independent"
)
GROUPS = ("people", "cramps", "burden", "weather", "gaps")
TABLES = ("effects", "conditions", "measures", "levels", "habits")
SURVEY_ONLY = ("weight_", "stratum", "psu", "recalled_")
"""Beginnings of the participants columns that only a survey has, and so no simulated diary cohort."""

_MADE = {
    "participants": {"participant_id", "age_years", "birth_year", "sex", "exam_season", "cycle", "arm", "ever_cramp"},
    "diary": {"participant_id", "date", "entry_made", "cramps", "ambient_temperature_c", "nocturia", "sleep_hours"},
}


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything a simulated cohort is drawn from, frozen; change it with :func:`dataclasses.replace`.

    The package's tables (``effects.csv``, ``conditions.csv``, ``measures.csv``, ``levels.csv``, ``habits.csv``) are
    the defaults. The size of every effect is a judgement; where an association is published, the effect names it.

    Raises:
        ParameterError: a parameter is outside its limits, or one refers to another that is not there.
    """

    people: People = field(default_factory=People)
    cramps: Cramps = field(default_factory=Cramps)
    burden: Burden = field(default_factory=Burden)
    weather: Weather = field(default_factory=Weather)
    gaps: Gaps = field(default_factory=Gaps)
    effects: tuple[Effect, ...] = field(default_factory=lambda: table(Effect, "effects.csv"))
    conditions: tuple[Condition, ...] = field(default_factory=lambda: table(Condition, "conditions.csv"))
    measures: tuple[Measure, ...] = field(default_factory=lambda: table(Measure, "measures.csv"))
    levels: tuple[Level, ...] = field(default_factory=lambda: table(Level, "levels.csv"))
    habits: tuple[Habit, ...] = field(default_factory=lambda: table(Habit, "habits.csv"))

    def __post_init__(self) -> None:
        for name in GROUPS:
            check(name, getattr(self, name))
        self._check_ages()
        names = {c.column for c in self.conditions}
        _check_order("condition", [(c.column, c.given, c.includes) for c in self.conditions], ())
        _check_order("measure", [(m.column, m.given, None) for m in self.measures], names)
        _check_order("habit", [(h.column, h.given, None) for h in self.habits], ())
        if missing := [r.given for r in self.levels if r.given and r.given not in names | {FERTILE}]:
            raise ParameterError(f"level: {missing[0]} is no condition; allowed: {', '.join(sorted(names))}, {FERTILE}")
        self._check_levels()
        self._check_complete()
        known = names | {m.column for m in self.measures} | {"age_years", "sex"}
        gates = {h.column for h in self.habits if h.kind == "chance"}
        for effect in self.effects:
            allowed = known if effect.part == "person" else gates
            if effect.column not in allowed:
                raise ParameterError(
                    f"effect {effect.term} has no column {effect.column}; allowed: {', '.join(sorted(allowed))}"
                )

    def _check_ages(self) -> None:
        limits, shares = self.people.age_limits, self.people.age_shares
        if len(limits) != len(shares) + 1 or any(a >= b for a, b in pairwise(limits)):
            raise ParameterError(f"people.age_limits is {limits}; allowed: increasing, one more than people.age_shares")
        if not math.isclose(sum(shares), 1, abs_tol=1e-6):
            raise ParameterError(f"people.age_shares sums to {sum(shares):g}; allowed: shares that sum to 1")

    def _check_levels(self) -> None:
        for column in dict.fromkeys(r.column for r in self.levels):
            rows = [r for r in self.levels if r.column == column]
            for total in (sum(r.share for r in rows), sum(r.share_given for r in rows)):
                if not math.isclose(total, 1, abs_tol=1e-6):
                    raise ParameterError(f"level {column}: shares sum to {total:g}; allowed: shares that sum to 1")

    def _check_complete(self) -> None:
        drawn = {
            "participants": {row.column for row in (*self.conditions, *self.measures, *self.levels)},
            "diary": {row.column for row in self.habits},
        }
        for name, columns in drawn.items():
            wanted = {v.name for v in codebook.variables(name) if not v.name.startswith(SURVEY_ONLY)} - _MADE[name]
            if name == "diary":
                wanted.add("sleep_continuity")
            if missing := sorted(wanted - columns):
                raise ParameterError(f"nothing draws the {name} column {missing[0]}; add a row for it to a table")

    def with_effects(self, **log_rate_ratios: float) -> Truth:
        """Return this truth with other log rate ratios, by the column that a term reads, e.g. ``diabetes=0.4``.

        Raises:
            ParameterError: no effect reads that column, or the value is outside its limits.
        """
        columns = {e.column for e in self.effects}
        if unknown := sorted(set(log_rate_ratios) - columns):
            raise ParameterError(f"no effect of {unknown[0]}; allowed: {', '.join(sorted(columns))}")
        return replace(
            self,
            effects=tuple(
                replace(e, log_rate_ratio=log_rate_ratios.get(e.column, e.log_rate_ratio)) for e in self.effects
            ),
        )

    def scaling(self, effect: Effect) -> tuple[float, float]:
        """Return centre and scale of a person-level number, in its own unit: its measure's mean and SD unless set."""
        measure = next((m for m in self.measures if m.column == effect.column), None)
        mean, sd = (measure.mean, measure.sd) if measure else (0.0, 1.0)
        return (mean if effect.centre is None else effect.centre, sd if effect.scale is None else effect.scale)

    def implied(self) -> dict[str, Any]:
        """Return what follows exactly: the rate at the reference, rate ratios, variances.

        The gamma rates have mean one and the link is the logarithm, so conditional and marginal rate ratios
        agree in a model that holds every term with an effect.
        """
        person, night = 1 / self.cramps.person_shape, self.cramps.night_dispersion
        return {
            "reference": (
                "every x = 0: age 60, male, no condition, serum values at their means, "
                "own usual alcohol and exercise, no stretching"
            ),
            "rate_at_reference_per_person_week": self.cramps.rate_per_week,
            "rate_ratios": {
                effect.term: {
                    "log": effect.log_rate_ratio,
                    "ratio": math.exp(effect.log_rate_ratio),
                    "contrast": effect.unit,
                    "x": self._covariate(effect),
                }
                for effect in self.effects
            },
            "variance_of_persons_rates": person,
            "dispersion_within_person": night,
            "dispersion_of_a_night": (1 + person) * (1 + night) - 1,
            "variance_of_a_night": "m + dispersion_of_a_night * m**2 at mean m given the terms",
            "covariance_of_two_nights": "variance_of_persons_rates * m1 * m2 within a participant",
            "logging": "independent of cramps given participant, weekday and night of the diary",
            "other_columns": (
                "no effect on cramps; they go with cramps through age, sex and the conditions, "
                "or as what cramps do (burden, ever_cramp)"
            ),
        }

    def _covariate(self, effect: Effect) -> str:
        window = self._gate(effect.column)
        if effect.window_nights > 1 or effect.lag_nights:
            window = f"mean of {window} over {effect.window_nights} nights, the last of them {effect.lag_nights} back"
        match effect.part:
            case "within":
                return f"{window}, less its mean over all nights of the participant, logged or not"
            case "share":
                return window
            case _ if effect.level:
                return f"1 where {effect.column} is {effect.level}, else 0"
            case _ if effect.column in {c.column for c in self.conditions}:
                return f"1 where {effect.column}, else 0"
            case _:
                centre, scale = self.scaling(effect)
                return f"({effect.column} - {centre:g}) / {scale:g}"

    def _gate(self, column: str) -> str:
        # A gate shows in the diary by an amount that is above nothing on exactly its days.
        shown = (h.column for h in self.habits if h.given == column and h.chance == 1 and h.kind == "log-normal")
        return next((f"({name} > 0)" for name in shown), column)

    def to_json(self, **drawn: int) -> str:
        """Return the whole truth as JSON, the same bytes for the same truth; ``drawn`` states seed and sizes."""
        content: dict[str, Any] = {
            "format": FORMAT,
            **drawn,
            "model": MODEL,
            "implied": self.implied(),
            "parameters": {name: described(getattr(self, name)) for name in GROUPS},
        }
        for name in TABLES:
            content[name] = [row.as_dict() for row in getattr(self, name)]
        content["tables_basis"] = "conditions, measures, levels and habits are plausible assumptions, not estimates"
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Return the effects and the scalar parameters as two Markdown tables."""
        return "\n".join(self._markdown_rows()) + "\n"

    def _markdown_rows(self) -> Iterator[str]:
        yield "| term | x | log rate ratio | rate ratio | basis | source |"
        yield "|---|---|---|---|---|---|"
        for e in self.effects:
            ratio = f"{e.log_rate_ratio:g} | {math.exp(e.log_rate_ratio):.2f}"
            yield f"| {e.term} | {self._covariate(e)} | {ratio} | {e.basis} | {e.citation or ''} |"
        yield ""
        yield "| parameter | value | unit | basis |"
        yield "|---|---|---|---|"
        for group in GROUPS:
            for name, item in described(getattr(self, group)).items():
                value = ", ".join(map(str, item["value"])) if isinstance(item["value"], list) else item["value"]
                yield f"| {group}.{name} | {value} | {item['unit']} | {item['basis']} |"


def _check_order(kind: str, rows: list[tuple[str, str | None, str | None]], above: Iterable[str]) -> None:
    seen = set(above)
    for column, *parents in rows:
        for parent in parents:
            if parent and parent not in seen:
                raise ParameterError(
                    f"{kind} {column} needs {parent}, which does not stand before it; reorder or add it"
                )
        seen.add(column)
