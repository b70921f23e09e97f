"""The one place where a variable is described.

``variables.csv`` holds a row per variable: name, label, unit, type, range, levels, domain, survey
component, severity of a violation, and source. Validation rules, the data dictionary and every label in
print derive from it. Units are part of the name, so a name never changes its meaning.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast, get_args

from crampstudy.errors import UsageError

VariableType = Literal["identifier", "text", "date", "datetime", "boolean", "integer", "number", "level"]
Component = Literal["interview", "exam", "diet1", "diet2"]
Severity = Literal["reject-row", "blank-cell", "warn"]

COMPONENTS: tuple[Component, ...] = get_args(Component)
"""Survey components from the least to the most restrictive; a model takes the most restrictive it touches."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a cohort.

    ``unit`` is as printed, ``None`` where dimensionless; ``minimum`` and ``maximum`` are the inclusive
    limits of what is possible, in that unit; ``severity`` is what a violation of type, range or level costs.
    ``usual_minimum`` and ``usual_maximum`` are wide limits of what is met; outside them a cell is looked at again,
    for a slip of the unit or for a distance from the person's own median of more than ``jump``.
    """

    table: str
    name: str
    label: str
    unit: str | None
    type: VariableType
    minimum: float | None
    maximum: float | None
    levels: tuple[str, ...]
    domain: str
    component: Component | None
    severity: Severity | None
    required: bool
    source: str | None
    description: str
    usual_minimum: float | None = None
    usual_maximum: float | None = None
    jump: float | None = None

    @property
    def heading(self) -> str:
        """Label with its unit, as on an axis or over a column: ``Serum sodium (mmol/L)``."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def laboratory(self) -> bool:
        """Whether this is a laboratory value: a concentration at an examination."""
        return self.component == "exam" and self.unit is not None and self.unit.endswith(("/L", "/mol"))

    @property
    def allowed(self) -> str:
        """What a cell of this variable may hold, in words."""
        low = None if self.minimum is None else f"{self.minimum:g}"
        high = None if self.maximum is None else f"{self.maximum:g}"
        span = f" from {low} to {high}" if low and high else f" of at least {low}" if low else ""
        match self.type:
            case "level":
                return "one of " + ", ".join(self.levels)
            case "boolean":
                return "true or false"
            case "date":
                return "a date as YYYY-MM-DD"
            case "datetime":
                return "a local date and time as YYYY-MM-DDTHH:MM"
            case "integer":
                return f"a whole number{span}"
            case "number":
                return f"a number{span}"
            case _:
                return "text that is not empty" if self.severity == "reject-row" else "text"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a cohort: what a row is and which columns identify it."""

    name: str
    row: str
    key: tuple[str, ...]


_AFTER_CRAMPS: Mapping[str, int] = {
    **dict.fromkeys(("cramps", "cramp_night"), 1),
    **dict.fromkeys(("sleep_quality_0_10", "sleep_hours", "sleep_latency_min", "awakenings", "nocturia"), 2),
    **dict.fromkeys(("fatigue_0_10", "concentration_0_10", "productivity_0_10"), 3),
}
"""When in a diary's row a variable comes about, after the exposures of the day: cramps, their night, the next day."""


def can_move(outcome: str, exposure: str) -> bool:
    """Say whether the outcome of a night may change an exposure that stands in the same row of the diary.

    Such is what comes after it, or with it in the same night or on the same next day: awakenings are moved by cramps,
    the day's exercise is not.
    """
    first, then = _AFTER_CRAMPS.get(outcome, 0), _AFTER_CRAMPS.get(exposure, 0)
    return then > first or then == first > 0


TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table("participants", "one participant", ("participant_id",)),
        Table("diary", "one participant and night", ("participant_id", "date")),
        Table("episodes", "one cramp", ("participant_id", "date", "episode")),
        Table("labs", "one dated measurement", ("participant_id", "date", "analyte")),
        Table("treatments", "one exposure period", ("participant_id", "start", "agent")),
    )
}


def _read() -> tuple[Variable, ...]:
    text = files(__name__).joinpath("variables.csv").read_text(encoding="utf-8")
    return tuple(
        Variable(
            table=row["table"],
            name=row["name"],
            label=row["label"],
            unit=row["unit"] or None,
            type=cast(VariableType, row["type"]),
            minimum=float(row["minimum"]) if row["minimum"] else None,
            maximum=float(row["maximum"]) if row["maximum"] else None,
            levels=tuple(row["levels"].split("|")) if row["levels"] else (),
            domain=row["domain"],
            component=cast(Component, row["component"]) if row["component"] else None,
            severity=cast(Severity, row["severity"]) if row["severity"] else None,
            required=row["required"] == "yes",
            source=row["source"] or None,
            description=row["description"],
            usual_minimum=float(row["usual_minimum"]) if row["usual_minimum"] else None,
            usual_maximum=float(row["usual_maximum"]) if row["usual_maximum"] else None,
            jump=float(row["jump"]) if row["jump"] else None,
        )
        for row in csv.DictReader(text.splitlines())
    )


VARIABLES: tuple[Variable, ...] = _read()


@cache
def variables(table: str) -> tuple[Variable, ...]:
    """Return the variables of one table in codebook order (``derived`` for those that terms may name)."""
    return tuple(v for v in VARIABLES if v.table == table)


_UNIT_SUFFIX = re.compile(r"_(mmol_l|nmol_l|pmol_l|mmol_mol|miu_l|mg_l|g_l|10_12_l|kg_m2|kg)$")


@cache
def analytes() -> Mapping[str, Variable]:
    """Return the numbers measured at an examination by their names in ``labs``: the column without its unit."""
    measured = (v for v in variables("participants") if v.type == "number" and v.component == "exam")
    return {_UNIT_SUFFIX.sub("", v.name): v for v in measured if v.domain != "design"}


@cache
def _by_name() -> dict[str, Variable]:
    # The participants come last, so that a name in several tables (participant_id) means theirs.
    return {v.name: v for v in sorted(VARIABLES, key=lambda v: v.table == "participants")}


def find(name: str, table: str | None = None) -> Variable | None:
    """Return the variable called ``name`` (in ``table``, or in any), or ``None`` where the codebook has none."""
    if table is None:
        return _by_name().get(name)
    return next((v for v in variables(table) if v.name == name), None)


def variable(name: str, table: str | None = None) -> Variable:
    """Return the variable called ``name``.

    Raises:
        UsageError: the codebook has no such variable.
    """
    found = find(name, table)
    if found is None:
        from difflib import get_close_matches

        close = get_close_matches(name, list(_by_name()), n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        where = f" in {table}" if table else ""
        raise UsageError(
            f"the codebook has no variable {name!r}{where}{hint} (all names: data/dictionary/dictionary.md)"
        )
    return found
