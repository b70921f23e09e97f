"""The frozen cohort: its constructor is the only door."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import cast

import pandas as pd
import polars as pl

from crampstudy import codebook
from crampstudy.codebook import rules
from crampstudy.cohort.attrition import Attrition
from crampstudy.cohort.checks import Kind, check_kind, check_names, check_strangers, check_table
from crampstudy.cohort.credits import Credits
from crampstudy.cohort.digest import table_digest
from crampstudy.cohort.read_only import ReadOnly
from crampstudy.cohort.survey_design import SurveyDesign
from crampstudy.readable import Readable, quoted
from crampstudy.wording import counted


@dataclass(frozen=True, eq=False, repr=False)
class Cohort(Readable):
    """A frozen, validated cohort.

    ``tables`` maps table names to polars frames in codebook types; :attr:`participants` and its like give
    pandas copies. ``as_of`` dates the data of a survey; a diary is dated by its last night. ``title`` is what
    readers are shown in place of ``name``, ``credits`` whose data they are.

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
    credits: Credits = field(default_factory=Credits)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", ReadOnly(self.tables))
        check_kind(self.kind, self.tables, sampled=self.design is not None and self.as_of is not None)
        for name, table in self.tables.items():
            check_table(name, table)
        check_names(self.tables, self.design)
        check_strangers(self.tables)

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table as polars, empty with its codebook columns where the cohort lacks it."""
        if table in self.tables:
            return self.tables[table]
        return pl.DataFrame(schema={v.name: rules.DTYPES[v.type] for v in codebook.variables(table)})

    def has(self, column: str) -> bool:
        """Whether any participant or night has a value of ``column``; of a diary where the codebook has it."""
        return any(
            column in table.columns and table[column].null_count() < table.height
            for name in ("participants", "diary")
            if (table := self.tables.get(name)) is not None
            and not (self.kind == "diary" and codebook.of_another(column, name))
        )

    def _facts(self) -> Iterator[str]:
        yield quoted(self.name)
        yield f"{self.kind} of {counted(self.frame('participants').height, 'participants')}"
        if self.kind == "diary":
            yield f"{self.frame('diary').height:,} rows of nights"
        yield f"data to {self.date_of_data}"
        if self.synthetic:
            yield "synthetic"

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

    @property
    def content(self) -> tuple[object, ...]:
        """All that an analysis may take of it, its tables by their digest."""
        facts = (self.name, self.title, self.kind, self.synthetic, self.as_of)
        return *facts, self.digest, asdict(self.attrition), asdict(self.credits)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of tables and design, hexadecimal; the same whatever the order of rows and columns or the format."""
        content = hashlib.sha256(self.kind.encode())
        if self.design:
            design = [getattr(self.design, f.name) for f in fields(self.design) if f.name != "weights"]
            content.update(repr([*design, sorted(self.design.weights.items())]).encode())
        for name in sorted(self.tables):
            content.update(name.encode())
            content.update(table_digest(self.tables[name], codebook.TABLES[name].key))
        return content.hexdigest()
