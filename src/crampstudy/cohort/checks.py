"""What a cohort's tables must keep of the codebook; a violation names the table and the column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, rules
from crampstudy.cohort.keys import repeated_keys
from crampstudy.cohort.survey_design import SurveyDesign
from crampstudy.errors import SchemaError, UsageError

Kind = Literal["diary", "survey"]
Tables = Mapping[str, pl.DataFrame]


def check_opened(value: object) -> None:
    """Check that what an analysis is asked of is a cohort, and neither the path of one nor a table.

    Raises:
        UsageError: it is none.
    """
    if not hasattr(value, "kind"):
        source = repr(str(value)) if isinstance(value, (str, PurePath)) else "'my-study'"
        raise UsageError(
            f"an analysis takes a cohort, and a {type(value).__name__} is none; open it first: "
            f"crampstudy.open_cohort({source})"
        )


def check_kind(kind: str, tables: Tables, *, sampled: bool) -> None:
    """Check that a cohort of this kind has the tables it needs; ``sampled``: a design and a date were given."""
    if kind not in get_args(Kind):
        raise SchemaError(f"no kind of cohort {kind!r}; allowed: {', '.join(get_args(Kind))}")
    if unknown := set(tables) - set(codebook.TABLES):
        raise SchemaError(f"a cohort has no table {sorted(unknown)[0]!r}; allowed: {', '.join(codebook.TABLES)}")
    if "participants" not in tables:
        raise SchemaError("a cohort needs the table participants")
    if tables["participants"].is_empty():
        raise SchemaError("a cohort needs at least one participant")
    if kind == "diary":
        if "diary" not in tables or tables["diary"].is_empty():
            raise SchemaError("a diary cohort needs the table diary with at least one night")
    elif not sampled:
        raise SchemaError("a survey cohort needs its sampling design and the last date that it covers (as_of)")


def check_table(name: str, table: pl.DataFrame) -> None:
    """Check types, values, texts and keys of a table."""
    present = _check_types(name, table)
    _check_values(name, table, present)
    _check_other_columns(name, table)
    _check_texts(name, table)
    _check_keys(name, table)


def _check_types(name: str, table: pl.DataFrame) -> list[Variable]:
    """Check the columns that the codebook knows, and return those that are there."""
    schema, present = table.schema, []
    for variable in codebook.variables(name):
        if variable.name not in schema:
            if variable.required:
                raise SchemaError(f"{name} lacks the required column {variable.name}")
            continue
        dtype, allowed = schema[variable.name], rules.DTYPES[variable.type]
        if dtype != allowed:
            raise SchemaError(f"{name}.{variable.name} has type {dtype}, the codebook says {allowed}")
        present.append(variable)
    return present


def _check_values(name: str, table: pl.DataFrame, present: Sequence[Variable]) -> None:
    # All at once, for speed: a wide table has dozens of rules.
    doubts = table.select(rules.may_break(v).alias(v.name) for v in present).row(0)
    for v in (v for v, doubt in zip(present, doubts, strict=True) if doubt):
        for rule, violation in rules.value_rules(v).items():
            if table.select(violation.any()).item():
                raise SchemaError(f"{name}.{v.name} breaks the rule {rule!r}: allowed is {v.allowed}")


def _check_other_columns(name: str, table: pl.DataFrame) -> None:
    for column, stored in table.schema.items():
        if stored not in rules.DTYPES.values():
            names = ", ".join(sorted({str(d) for d in rules.DTYPES.values()}))
            raise SchemaError(f"{name}.{column} has type {stored}; allowed: {names}")
        own = codebook.find(column, name) is None
        if own and stored == pl.Float64() and not table[column].is_finite().all():
            raise SchemaError(f"{name}.{column} has a number that is not finite; a missing one is null")


def _check_texts(name: str, table: pl.DataFrame) -> None:
    # A file of text could not give such a cell back.
    text = pl.col(pl.String)
    untidy = table.select(((text == "") | (text != text.str.strip_chars())).any())
    if found := [column.name for column in untidy if column.item()]:
        raise SchemaError(f"{name}.{found[0]} has an empty or untrimmed text; a missing text is null")


def _check_keys(name: str, table: pl.DataFrame) -> None:
    key = list(codebook.TABLES[name].key)
    if any(table[column].null_count() for column in key):
        raise SchemaError(f"{name} has a row without {' and '.join(key)}")
    if repeated_keys(table, key).any():
        raise SchemaError(f"{name} has two rows with the same {' and '.join(key)}")


def check_names(tables: Tables, design: SurveyDesign | None) -> None:
    """Check that a name means one thing where nights meet participants, and that no column hides a derived one."""
    people = tables["participants"].columns
    nights = tables["diary"].columns if "diary" in tables else []
    if twice := (set(people) & set(nights)) - {"participant_id"}:
        raise SchemaError(f"the column {min(twice)!r} stands in participants and in diary; rename one of them")
    if derived := {v.name for v in codebook.variables("derived")} & {*people, *nights}:
        raise SchemaError(f"the column {min(derived)!r} is derived by the analysis; rename or remove it")
    if design:
        for column in (*design.weights.values(), design.stratum, design.psu):
            if column not in people:
                raise SchemaError(
                    f"the survey design has the column {column!r}, which participants lacks; add it there, or name "
                    "another as a weight, stratum or psu under crampstudy.design of datapackage.json"
                )


def check_strangers(tables: Tables) -> None:
    """Check that every row belongs to one of the participants."""
    people = tables["participants"]["participant_id"]
    for name, table in tables.items():
        if name != "participants" and not table["participant_id"].is_in(people.implode()).all():
            raise SchemaError(f"{name} has a participant_id that participants lacks; clean the tables first")
