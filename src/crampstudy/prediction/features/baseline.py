"""What is known of participants before their diaries begin, as columns of numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from crampstudy import codebook

_NOT_KNOWN_BEFORE = frozenset({"key", "design", "cramps"})
"""Domains of what names a participant, says how a study was run, or is an outcome."""
_TWICE = frozenset({"birth_year"})
"""What another column says already, and ages with the calendar."""


@cache
def directions() -> Mapping[str, int]:
    """Return the variables for which a claim says whether more of them means more cramps (1) or fewer (-1)."""
    text = files("crampstudy.prediction.features").joinpath("directions.csv").read_text(encoding="utf-8")
    return {row["name"]: int(row["direction"]) for row in csv.DictReader(text.splitlines())}


def baseline_columns(participants: pl.DataFrame, *, constant: bool = False) -> list[str]:
    """Return the columns that may foretell cramps: in the codebook, no outcome, and with more than one value.

    With ``constant`` also those with one, which a model of another cohort may know.
    """
    kept = []
    for each in codebook.variables("participants"):
        if each.domain in _NOT_KNOWN_BEFORE or each.name in _TWICE or each.type in ("text", "date", "identifier"):
            continue
        if each.name in participants.columns and participants[each.name].drop_nulls().n_unique() > (
            0 if constant else 1
        ):
            kept.append(each.name)
    return kept


def with_levels(rows: pl.DataFrame, columns: list[str], table: str) -> pl.DataFrame:
    """Return the columns as numbers: yes and no as 1 and 0, a level but the first as a column of its own.

    Missing is missing in each of them. A level that the codebook does not have is an empty column.
    """
    made: list[pl.Expr] = []
    for name in columns:
        known = codebook.variable(name) if table == "participants" else codebook.find(name, table)
        if known is not None and known.type == "level":
            made += [(pl.col(name) == level).cast(pl.Float32).alias(f"{name}={level}") for level in known.levels[1:]]
        else:
            made.append(pl.col(name).cast(pl.Float32))
    return rows.select(made)
