"""What follows from the columns of a night: whether its day met the guideline on fluid, and its load of exercise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

GUIDELINE_ML = 1893
"""Eight glasses of 8 US fluid ounces, in mL."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """A column that is made of others of the same night, which the diary has to have."""

    needs: tuple[str, ...]
    dtype: pl.DataType
    value: pl.Expr


_MINUTES, _EFFORT = pl.col("exercise_min"), pl.col("exercise_rpe")
_DERIVED: Mapping[str, _Derived] = {
    "fluid_guideline": _Derived(("fluid_ml",), pl.Boolean(), pl.col("fluid_ml") >= GUIDELINE_ML),
    # A day without exercise has no effort to be rated, and no load.
    "session_load": _Derived(
        ("exercise_min", "exercise_rpe"),
        pl.Float64(),
        pl.when(_MINUTES > 0).then(_MINUTES.cast(pl.Float64) * _EFFORT).when(_MINUTES == 0).then(0.0),
    ),
}


def derived(schema: pl.Schema) -> pl.Schema:
    """Return the columns that are made of those of a ``schema``; a column of the cohort's own of such a name stays."""
    return pl.Schema(
        {
            name: made.dtype
            for name, made in _DERIVED.items()
            if name not in schema and all(need in schema and schema[need].is_numeric() for need in made.needs)
        }
    )


def with_derived(nights: pl.LazyFrame) -> pl.LazyFrame:
    """Return nights with the columns that others of the same night make, computed when they are asked for."""
    return nights.with_columns(_DERIVED[name].value.alias(name) for name in derived(nights.collect_schema()))
