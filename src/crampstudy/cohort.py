"""The cohort: clean tables, their design and where they came from, frozen.

A diary cohort has nights; a survey cohort has participants with a recalled 30-day class and a sampling
design. The constructor is the only door, and it lets in only tables that keep the codebook's rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Literal, cast

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Component, Severity, rules
from crampstudy.errors import SchemaError

Kind = Literal["diary", "survey"]


@dataclass(frozen=True, slots=True)
class SurveyDesign:
    """How a survey was sampled: PSUs within strata, a weight column per component, the pooled cycles."""

    cycles: tuple[str, ...]
    weights: Mapping[Component, str]
    stratum: str = "stratum"
    psu: str = "psu"
    top_coded_age: int | None = None


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table on their way in; accepted + rejected = read."""

    table: str
    file: str
    read: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule spoke, over all tables."""

    rule: str
    severity: Severity
    n: int


@dataclass(frozen=True, slots=True)
class Attrition:
    """What cleaning did: rows per table, breaches per rule, and notices about the source."""

    tables: tuple[TableCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Cohort:
    """A frozen, validated cohort.

    ``tables`` maps table names to polars frames in codebook types; :attr:`participants` and its like give
    pandas copies. ``as_of`` dates the data of a survey; a diary is dated by its last night.

    Raises:
        SchemaError: a table, a column or a cell breaks the codebook, a key repeats, or a night belongs to
            nobody.
    """

    name: str
    kind: Kind
    tables: Mapping[str, pl.DataFrame]
    design: SurveyDesign | None = None
    attrition: Attrition = field(default_factory=Attrition)
    as_of: date | None = None
    synthetic: bool = False

    def __post_init__(self) -> None:
        _check_kind(self)
        for name, table in self.tables.items():
            _check_table(name, table)
        people = self.tables["participants"]["participant_id"]
        for name, table in self.tables.items():
            if name != "participants" and not table["participant_id"].is_in(people.implode()).all():
                raise SchemaError(f"{name} has a participant_id that participants lacks; clean the tables first")
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table as polars, empty with its codebook columns where the cohort lacks it."""
        if table in self.tables:
            return self.tables[table]
        return pl.DataFrame(schema={v.name: rules.DTYPES[v.type] for v in codebook.variables(table)})

    def has(self, column: str) -> bool:
        """Whether any participant or night has a value of ``column``."""
        return any(
            column in table.columns and table[column].null_count() < table.height
            for table in (self.tables.get("participants"), self.tables.get("diary"))
            if table is not None
        )

    @property
    def participants(self) -> pd.DataFrame:
        """Participants as pandas, one row each."""
        return self.frame("participants").to_pandas()

    @property
    def diary(self) -> pd.DataFrame:
        """Nights as pandas, one row per participant and night (logged or not)."""
        return self.frame("diary").to_pandas()

    @property
    def date_of_data(self) -> date:
        """Last night of the diary, or the last day that the survey covers."""
        return self.as_of or cast(date, self.tables["diary"]["date"].max())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal; the same whatever the order of rows and columns or the file format."""
        content = hashlib.sha256(self.kind.encode())
        for name in sorted(self.tables):
            content.update(_digest(self.tables[name], codebook.TABLES[name].key))
        return content.hexdigest()


def _check_kind(cohort: Cohort) -> None:
    tables = cohort.tables
    if unknown := set(tables) - set(codebook.TABLES):
        raise SchemaError(f"a cohort has no table {sorted(unknown)[0]!r}; allowed: {', '.join(codebook.TABLES)}")
    if "participants" not in tables:
        raise SchemaError("a cohort needs the table participants")
    if cohort.kind == "diary":
        if "diary" not in tables or tables["diary"].is_empty():
            raise SchemaError("a diary cohort needs the table diary with at least one night")
    elif cohort.design is None or cohort.as_of is None:
        raise SchemaError("a survey cohort needs its sampling design and the last date that it covers (as_of)")


def _check_table(name: str, table: pl.DataFrame) -> None:
    for variable in codebook.variables(name):
        if variable.name not in table.columns:
            if variable.required:
                raise SchemaError(f"{name} lacks the required column {variable.name}")
            continue
        dtype, allowed = table.schema[variable.name], rules.DTYPES[variable.type]
        if dtype != allowed:
            raise SchemaError(f"{name}.{variable.name} has type {dtype}, the codebook says {allowed}")
        for rule, breach in rules.value_rules(variable).items():
            if table.select(breach.any()).item():
                raise SchemaError(f"{name}.{variable.name} breaks the rule {rule!r}: allowed is {variable.allowed}")
    key = list(codebook.TABLES[name].key)
    if any(table[column].null_count() for column in key):
        raise SchemaError(f"{name} has a row without {' and '.join(key)}")
    if table.select(pl.struct(key).is_duplicated().any()).item():
        raise SchemaError(f"{name} has two rows with the same {' and '.join(key)}")


def _digest(table: pl.DataFrame, key: tuple[str, ...]) -> bytes:
    ordered = table.sort(key)
    content = hashlib.sha256()
    for name in sorted(table.columns):
        column = ordered[name]
        content.update(f"{name}:{column.dtype}:{len(column)};".encode())
        content.update(np.packbits(column.is_null().to_numpy()).tobytes())
        if column.dtype.is_float():
            # Adding zero makes -0.0 and 0.0 one number.
            values = (column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0).astype("<f8")
            content.update(values.tobytes())
        elif column.dtype == pl.String:
            filled = column.fill_null("")
            content.update(filled.str.len_bytes().to_numpy().astype("<i8").tobytes())
            content.update("".join(filled.to_list()).encode())
        else:
            content.update(column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes())
    return content.digest()
