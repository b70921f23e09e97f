"""The codebook's rules as polars expressions: one rule, used to clean what comes in and to guard what is made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl

from crampstudy.codebook import Variable, VariableType

DTYPES: Mapping[VariableType, pl.DataType] = {
    "identifier": pl.String(),
    "text": pl.String(),
    "level": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
}

MIDNIGHT = r"[T ]+(0?0:00(:00(\.0+)?)?|12:00(:00)?\s?[Aa]\.?\s?[Mm]\.?)$"
"""The end of a date that is written with the time 0:00; one with a zone leaves open which day it is."""


def typed(variable: Variable, dtype: pl.DataType) -> pl.Expr:
    """Return the column of ``variable`` in its codebook type; a cell that does not fit becomes null.

    ``dtype`` is what the column has now: text from a file, or a type from Parquet. Text is expected
    trimmed, with missing cells already null. Nothing is read into a value: a yes/no column is not a
    count, a number is not a date, and an instant is not a date unless it is midnight.
    """
    column = pl.col(variable.name)
    target = DTYPES[variable.type]
    if dtype.base_type() in (pl.Categorical, pl.Enum):
        dtype, column = pl.String(), column.cast(pl.String)
    if dtype == pl.String() and target != pl.String():
        cell = _from_text(column, variable.type)
        if target.is_temporal():
            cell = pl.when(in_calendar(cell, target)).then(cell)
    elif dtype == target:
        # A number that is not finite is not a measurement.
        cell = column.fill_nan(None) if variable.type == "number" else column
    else:
        cell = _from_stored(column, dtype, target)
    return cell.alias(variable.name)


def in_calendar(day: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return whether a date, or a date and time, lies in the years 1 to 9999: beyond them Python has none."""
    units = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
    days = day.to_physical() // units[dtype.time_unit] if isinstance(dtype, pl.Datetime) else day.to_physical()
    epoch = date(1970, 1, 1)
    return days.is_between((date.min - epoch).days, (date.max - epoch).days)


def _from_text(text: pl.Expr, type: VariableType) -> pl.Expr:
    match type:
        case "boolean":
            return text.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None)
        case "date":
            # Without the pattern 24-1-5 would be a day of the year 24. Midnight is how many programs write a date.
            day = text.str.replace(MIDNIGHT, "")
            fits = day.str.contains(r"^\d{4}-\d{2}-\d{2}$")
            return pl.when(fits).then(day).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
        case "datetime":
            # Seconds are optional, and so is the T.
            fits = text.str.contains(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$")
            plain = pl.when(fits).then(text.str.replace("T", " ", literal=True))
            formats = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
            return pl.coalesce(plain.str.strptime(pl.Datetime("us"), f, strict=False) for f in formats)
        case "integer":
            return pl.coalesce(text.cast(pl.Int64, strict=False), _whole(text.cast(pl.Float64, strict=False)))
        case _:
            return text.cast(pl.Float64, strict=False).fill_nan(None)


def _from_stored(column: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return a column that a typed file holds in another type than the codebook's."""
    integer, real = dtype.is_integer(), dtype.is_float() or dtype.is_decimal()
    if target == pl.String():
        # An identifier that a gap has turned into 17.0 is 17 again.
        whole = _whole(column).cast(pl.String) if real else pl.lit(None, pl.String)
        return pl.coalesce(whole, column.cast(pl.String))
    if target == pl.Float64() and (integer or real):
        return column.cast(pl.Float64).fill_nan(None)
    if target == pl.Int64() and integer:
        return column.cast(pl.Int64, strict=False)
    if target == pl.Int64() and real:
        return _whole(column)
    if isinstance(dtype, pl.Datetime) and target.is_temporal():
        clock = column.dt.replace_time_zone(None).dt.cast_time_unit("us")
        return clock if target != pl.Date() else pl.when(clock == clock.dt.truncate("1d")).then(clock.dt.date())
    return pl.lit(None, target)


def _whole(real: pl.Expr) -> pl.Expr:
    """Return 3.0 as 3, and nothing for 3.5 or for a number too large to be exact."""
    real = real.cast(pl.Float64)
    return pl.when((real == real.round()) & (real.abs() < 2**53)).then(real).cast(pl.Int64, strict=False)


def out_of_range(variable: Variable) -> pl.Expr | None:
    """Return whether a typed cell lies outside the possible range or is not finite; ``None`` without a range."""
    column = pl.col(variable.name)
    rules = []
    if variable.type == "number":
        rules.append(~column.is_finite())
    if variable.minimum is not None:
        rules.append(column < variable.minimum)
    if variable.maximum is not None:
        rules.append(column > variable.maximum)
    return pl.any_horizontal(rules) if rules else None


def unknown_level(variable: Variable) -> pl.Expr | None:
    """Return whether a typed cell is none of the levels; ``None`` where the variable has none."""
    if not variable.levels:
        return None
    column = pl.col(variable.name)
    return column.is_not_null() & ~column.is_in(list(variable.levels))


@cache
def may_break(variable: Variable) -> pl.Expr:
    """Return whether some typed cell of a whole column may break a rule for its value; if not, none does.

    For numbers the extremes and the sum tell, which costs less than to look at each cell.
    """
    column = pl.col(variable.name)
    if variable.levels or (variable.minimum is None and variable.maximum is None and variable.type != "number"):
        return pl.any_horizontal(pl.lit(value=False), *(rule.any() for rule in value_rules(variable).values()))
    low, high = column.min(), column.max()
    doubts = [~column.sum().is_finite()] if variable.type == "number" else []
    if variable.minimum is not None:
        doubts.append(low < variable.minimum)
    if variable.maximum is not None:
        doubts.append(high > variable.maximum)
    return pl.any_horizontal(doubts)


def value_rules(variable: Variable) -> dict[str, pl.Expr]:
    """Return the rules for the value of a typed cell, by name of the rule."""
    rules = {"range": out_of_range(variable), "level": unknown_level(variable)}
    return {name: rule for name, rule in rules.items() if rule is not None}
