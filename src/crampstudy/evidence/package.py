"""The data package of published evidence: its tables and the schema that says what their columns hold."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from crampstudy import suggestions
from crampstudy.errors import SourceError, UsageError
from crampstudy.evidence.study import Study

TABLES = ("trials", "agents", "associations", "prevalence", "claims", "claim_rows")


@dataclass(frozen=True, slots=True)
class EvidenceColumn:
    """A column of a table as the descriptor has it."""

    name: str
    type: str
    description: str
    allowed: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.type in ("number", "integer")

    def read(self, text: str) -> Any:
        """Return a cell as what the column holds.

        Raises:
            ValueError: it is none; the message says what is allowed.
        """
        if not self.numeric:
            if self.allowed and text not in self.allowed:
                raise ValueError(f"allowed is one of {', '.join(self.allowed)}{suggestions.hint(text, self.allowed)}")
            return text
        whole = self.type == "integer"
        wanted = "a whole number" if whole else "a number"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"allowed is {wanted}") from None
        if not math.isfinite(value) or (whole and not value.is_integer()):
            raise ValueError(f"allowed is {wanted}")
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"allowed is {wanted} of at least {self.minimum:g}")
        return int(value) if whole else value


@cache
def folder() -> Path:
    """Return where the evidence is: in an installed package, or in a checkout.

    Raises:
        SourceError: it is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    places = [root / "data" / "evidence" for root in (package, package.parents[1])]
    for place in places:
        if (place / "datapackage.json").is_file():
            return place
    raise SourceError("this copy of crampstudy has no evidence; install it anew from a wheel or a checkout")


@cache
def columns(table: str) -> Mapping[str, EvidenceColumn]:
    """Return the columns of a table by name, in order."""
    described = json.loads((folder() / "datapackage.json").read_text(encoding="utf-8"))
    fields = next(each for each in described["resources"] if each["name"] == table)["schema"]["fields"]
    made = {}
    for field in fields:
        limits = field.get("constraints", {})
        allowed, required = tuple(limits.get("enum", ())), limits.get("required", False)
        column = EvidenceColumn(
            field["name"], field["type"], field["description"], allowed, required, limits.get("minimum")
        )
        made[column.name] = column
    return made


@cache
def records(table: str) -> tuple[Mapping[str, Any], ...]:
    """Return the rows of a table, each cell as what its column holds, empty ones left out."""
    known = columns(table)
    with (folder() / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            {name: known[name].read(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)
        )


def read(table: str) -> pd.DataFrame:
    """Return a table of the evidence by name, one of :data:`TABLES`.

    Raises:
        UsageError: there is no such table.
    """
    if table not in TABLES:
        allowed = f"allowed: {', '.join(TABLES)}"
        raise suggestions.unknown(UsageError, f"no table of evidence {table!r}", table, TABLES, allowed)
    return pd.DataFrame(records(table), columns=list(columns(table)))


@cache
def studies() -> tuple[Study, ...]:
    """Return the published comparisons, in the order of the table."""
    return tuple(Study(**row) for row in records("trials"))


@cache
def agents() -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of each treatment beside its trials, by its name."""
    return {row["agent"]: row for row in records("agents")}


def populations(agent: str) -> tuple[str, ...]:
    """Return in whom an agent was studied, in the order of the table."""
    return tuple(dict.fromkeys(each.population for each in studies() if each.agent == agent))
