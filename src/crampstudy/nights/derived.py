"""What follows from the columns of a night: the guideline on fluid met or not, its load of exercise, any stretching."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

GUIDELINE_ML = 1893
"""Eight glasses of 8 US fluid ounces, in mL."""


_STRETCHES = ("stretch_calf_min", "stretch_hamstring_min", "stretch_hip_flexor_min")
_MINUTES, _EFFORT = pl.col("exercise_min"), pl.col("exercise_rpe")


@dataclass(frozen=True, slots=True)
class _Derived:
    """A column that is made of others of the same night: of ``all`` of those it ``needs``, or of any that are there."""

    needs: tuple[str, ...]
    dtype: pl.DataType
    value: Callable[[Sequence[str]], pl.Expr]
    all: bool = True

    def among(self, schema: pl.Schema) -> list[str]:
        """Return which of the columns that it needs are there, none where that is too few."""
        there = [name for name in self.needs if name in schema and schema[name].is_numeric()]
        return there if not self.all or len(there) == len(self.needs) else []


_DERIVED: Mapping[str, _Derived] = {
    "fluid_guideline": _Derived(("fluid_ml",), pl.Boolean(), lambda _: pl.col("fluid_ml") >= GUIDELINE_ML),
    # A day without exercise has no effort to be rated, and no load.
    "session_load": _Derived(
        ("exercise_min", "exercise_rpe"),
        pl.Float64(),
        lambda _: pl.when(_MINUTES > 0).then(_MINUTES.cast(pl.Float64) * _EFFORT).when(_MINUTES == 0).then(0.0),
    ),
    "stretching_night": _Derived(
        _STRETCHES, pl.Boolean(), lambda names: pl.any_horizontal(pl.col(name) > 0 for name in names), all=False
    ),
}


def derived(schema: pl.Schema) -> pl.Schema:
    """Return the columns that are made of those of a ``schema``; a column of the cohort's own of such a name stays."""
    return pl.Schema({name: made.dtype for name, made in _DERIVED.items() if name not in schema and made.among(schema)})


def with_derived(nights: pl.LazyFrame) -> pl.LazyFrame:
    """Return nights with the columns that others of the same night make, computed when they are asked for."""
    schema = nights.collect_schema()
    return nights.with_columns(
        _DERIVED[name].value(_DERIVED[name].among(schema)).alias(name) for name in derived(schema)
    )
