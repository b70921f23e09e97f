"""The cohort: clean tables, their design and where they came from, frozen.

A diary cohort has nights; a survey cohort has participants with a recalled 30-day class and a sampling
design. The constructor is the only door, and it lets in only tables that keep the codebook's rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import Literal, TypeVar, cast, get_args

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Component, Severity, rules
from crampstudy.errors import SchemaError

Kind = Literal["diary", "survey"]


K = TypeVar("K", bound=str)
V = TypeVar("V")


class ReadOnly(Mapping[K, V]):
    """A mapping that nobody can change; a frame comes out as a copy (which shares its data until it is changed)."""

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[K, V]) -> None:
        self._held = {name: _apart(value) for name, value in held.items()}

    def __getitem__(self, name: K) -> V:
        return _apart(self._held[name])

    def __iter__(self) -> Iterator[K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"ReadOnly({self._held!r})"


def _apart(value: V) -> V:
    return cast(V, value.clone()) if isinstance(value, pl.DataFrame) else value


@dataclass(frozen=True, slots=True)
class SurveyDesign:
    """How a survey was sampled: PSUs within strata, a weight column per component, the pooled cycles."""

    cycles: tuple[str, ...]
    weights: Mapping[Component, str]
    stratum: str = "stratum"
    psu: str = "psu"
    top_coded_age: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", ReadOnly(self.weights))


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table on their way in; accepted + rejected = read. ``blanked`` counts cells."""

    table: str
    file: str
    read: int
    accepted: int
    rejected: int
    blanked: int = 0


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule spoke, over all tables."""

    rule: str
    severity: Severity
    n: int


@dataclass(frozen=True, slots=True)
class Attrition:
    """What cleaning did: rows per table, violations per rule, and notices about the source.

    ``unlogged`` is the one among the notices that says how many nights without a row were taken to be without a cramp.
    """

    tables: tuple[TableCount, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    notices: tuple[str, ...] = ()
    unlogged: str | None = None


@dataclass(frozen=True, eq=False)
class Cohort:
    """A frozen, validated cohort.

    ``tables`` maps table names to polars frames in codebook types; :attr:`participants` and its like give
    pandas copies. ``as_of`` dates the data of a survey; a diary is dated by its last night. ``title`` is what
    readers are shown in place of ``name``.

    Raises:
        SchemaError: a table, a column or a cell breaks the codebook, a key repeats, a night belongs to
            nobody, or the design names a column that is not there.
    """

    name: str
    kind: Kind
    tables: Mapping[str, pl.DataFrame]
    design: SurveyDesign | None = None
    attrition: Attrition = field(default_factory=Attrition)
    as_of: date | None = None
    synthetic: bool = False
    title: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", ReadOnly(self.tables))
        _check_kind(self)
        for name, table in self.tables.items():
            _check_table(name, table)
        _check_names(self)
        people = self.tables["participants"]["participant_id"]
        for name, table in self.tables.items():
            if name != "participants" and not table["participant_id"].is_in(people.implode()).all():
                raise SchemaError(f"{name} has a participant_id that participants lacks; clean the tables first")

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
    def heading(self) -> str:
        """What readers are shown: the title, or without one the name."""
        return self.title or self.name

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
        """SHA-256 of tables and design, hexadecimal; the same whatever the order of rows and columns or the format."""
        content = hashlib.sha256(self.kind.encode())
        if self.design:
            design = [getattr(self.design, f.name) for f in fields(self.design) if f.name != "weights"]
            content.update(repr([*design, sorted(self.design.weights.items())]).encode())
        for name in sorted(self.tables):
            content.update(name.encode())
            content.update(_digest(self.tables[name], codebook.TABLES[name].key))
        return content.hexdigest()


def _check_kind(cohort: Cohort) -> None:
    tables = cohort.tables
    if cohort.kind not in get_args(Kind):
        raise SchemaError(f"no kind of cohort {cohort.kind!r}; allowed: {', '.join(get_args(Kind))}")
    if unknown := set(tables) - set(codebook.TABLES):
        raise SchemaError(f"a cohort has no table {sorted(unknown)[0]!r}; allowed: {', '.join(codebook.TABLES)}")
    if "participants" not in tables:
        raise SchemaError("a cohort needs the table participants")
    if tables["participants"].is_empty():
        raise SchemaError("a cohort needs at least one participant")
    if cohort.kind == "diary":
        if "diary" not in tables or tables["diary"].is_empty():
            raise SchemaError("a diary cohort needs the table diary with at least one night")
    elif cohort.design is None or cohort.as_of is None:
        raise SchemaError("a survey cohort needs its sampling design and the last date that it covers (as_of)")


def _check_table(name: str, table: pl.DataFrame) -> None:
    schema = table.schema
    for variable in codebook.variables(name):
        if variable.name not in schema:
            if variable.required:
                raise SchemaError(f"{name} lacks the required column {variable.name}")
            continue
        dtype, allowed = schema[variable.name], rules.DTYPES[variable.type]
        if dtype != allowed:
            raise SchemaError(f"{name}.{variable.name} has type {dtype}, the codebook says {allowed}")
    present = [v for v in codebook.variables(name) if v.name in schema]
    # All at once, for speed: a wide table has dozens of rules.
    doubts = table.select(rules.may_break(v).alias(v.name) for v in present).row(0)
    for v in (v for v, doubt in zip(present, doubts, strict=True) if doubt):
        for rule, violation in rules.value_rules(v).items():
            if table.select(violation.any()).item():
                raise SchemaError(f"{name}.{v.name} breaks the rule {rule!r}: allowed is {v.allowed}")
    for column, stored in schema.items():
        if stored not in rules.DTYPES.values():
            names = ", ".join(sorted({str(d) for d in rules.DTYPES.values()}))
            raise SchemaError(f"{name}.{column} has type {stored}; allowed: {names}")
        own = codebook.find(column, name) is None
        if own and stored == pl.Float64() and not table[column].is_finite().all():
            raise SchemaError(f"{name}.{column} has a number that is not finite; a missing one is null")
    # A file of text could not give such a cell back.
    text = pl.col(pl.String)
    untidy = table.select(((text == "") | (text != text.str.strip_chars())).any())
    if found := [column.name for column in untidy if column.item()]:
        raise SchemaError(f"{name}.{found[0]} has an empty or untrimmed text; a missing text is null")
    key = list(codebook.TABLES[name].key)
    if any(table[column].null_count() for column in key):
        raise SchemaError(f"{name} has a row without {' and '.join(key)}")
    if repeated_keys(table, key).any():
        raise SchemaError(f"{name} has two rows with the same {' and '.join(key)}")


def repeated_keys(table: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Return for each row whether another one has its key."""
    nights = ["participant_id", "date"]
    if list(key) == nights:
        person, date = table[nights[0]], table[nights[1]]
        people = person.rle().struct.field("value")
        same = person.eq_missing(person.shift())
        if people.n_unique() == len(people) and not (same & (date < date.shift())).any():
            # In the order of person and date, equal keys are neighbours.
            below = (same & date.eq_missing(date.shift())).fill_null(value=False)
            return below | below.shift(-1, fill_value=False)
    return table.select(pl.struct(key).is_duplicated()).to_series()


def _check_names(cohort: Cohort) -> None:
    """One name means one thing where nights meet participants, and no column hides a derived one."""
    people = cohort.tables["participants"].columns
    nights = cohort.tables["diary"].columns if "diary" in cohort.tables else []
    if twice := (set(people) & set(nights)) - {"participant_id"}:
        raise SchemaError(f"the column {min(twice)!r} stands in participants and in diary; rename one of them")
    if derived := {v.name for v in codebook.variables("derived")} & {*people, *nights}:
        raise SchemaError(f"the column {min(derived)!r} is derived by the analysis; rename or remove it")
    if cohort.design:
        for column in (*cohort.design.weights.values(), cohort.design.stratum, cohort.design.psu):
            if column not in people:
                raise SchemaError(f"the survey design names {column!r}, which participants lacks")


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
            content.update(filled.str.join("").item().encode())
        else:
            content.update(column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes())
    return content.digest()
