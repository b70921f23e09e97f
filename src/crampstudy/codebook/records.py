"""What the codebook says of a variable and of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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
