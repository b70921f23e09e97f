"""The variables and tables of the codebook, by name and by table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import cast

from crampstudy import suggestions
from crampstudy.codebook.records import Component, Severity, Table, Variable, VariableType
from crampstudy.errors import UsageError

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
    text = files("crampstudy.codebook").joinpath("variables.csv").read_text(encoding="utf-8")
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
    # The participants come last, and the diary before them, so that a name in several tables means theirs: a date is
    # that of a night, not of a sample.
    order = ("diary", "participants")
    return {v.name: v for v in sorted(VARIABLES, key=lambda v: order.index(v.table) if v.table in order else -1)}


@cache
def of_another(name: str, table: str) -> bool:
    """Say whether the codebook has a name not in this one of participants and diary, but in the other one."""
    other = {"participants": "diary", "diary": "participants"}[table]
    return find(name, table) is None and find(name, other) is not None


def find(name: str, table: str | None = None) -> Variable | None:
    """Return the variable called ``name`` (in ``table``, or in any), or ``None`` where the codebook has none."""
    if table is None:
        return _by_name().get(name)
    return next((v for v in variables(table) if v.name == name), None)


def candidates(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the ``known`` names that a wrong one may stand for; none for a variable: it is absent, not misspelt."""
    return () if find(name) else tuple(known)


def variable(name: str, table: str | None = None) -> Variable:
    """Return the variable called ``name``.

    Raises:
        UsageError: the codebook has no such variable.
    """
    found = find(name, table)
    if found is None:
        where = f" in {table}" if table else ""
        names = [v.name for v in variables(table)] if table else list(_by_name())
        said = f"the codebook has no variable {name!r}{where}"
        raise suggestions.unknown(UsageError, said, name, names, "all names: data/dictionary/dictionary.md")
    return found
