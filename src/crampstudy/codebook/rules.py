"""The codebook's rules as polars expressions: one rule, used to clean what comes in and to guard what is made."""

from __future__ import annotations

from collections.abc import Mapping

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


def typed(variable: Variable, dtype: pl.DataType) -> pl.Expr:
    """Return the column of ``variable`` in its codebook type; a cell that does not fit becomes null.

    ``dtype`` is what the column has now: text from a file, or a type from Parquet. Text is expected
    trimmed, with missing cells already null.
    """
    column = pl.col(variable.name)
    target = DTYPES[variable.type]
    if dtype == target:
        # A number that is not finite is not a measurement.
        return column.replace(float("nan"), None) if variable.type == "number" else column
    text = column.cast(pl.String)
    match variable.type:
        case "boolean" if dtype == pl.String:
            return text.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None)
        case "date" if dtype == pl.String:
            return text.str.strptime(pl.Date, "%Y-%m-%d", strict=False, exact=True)
        case "datetime" if dtype == pl.String:
            # Seconds are optional, and so is the T.
            plain = text.str.replace("T", " ", literal=True)
            formats = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
            return pl.coalesce(plain.str.strptime(pl.Datetime("us"), f, strict=False) for f in formats)
        case "integer":
            # 3.0 is a whole number, 3.5 is not.
            real = column.cast(pl.Float64, strict=False)
            return pl.when(real == real.round()).then(real).cast(pl.Int64, strict=False)
        case _:
            return column.cast(target, strict=False)


def out_of_range(variable: Variable) -> pl.Expr | None:
    """Return whether a typed cell lies outside the possible range or is not finite; ``None`` without a range."""
    column = pl.col(variable.name)
    rules = []
    if variable.type == "number":
        rules.append(column.is_infinite())
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


def value_rules(variable: Variable) -> dict[str, pl.Expr]:
    """Return the rules for the value of a typed cell, by name of the rule."""
    rules = {"range": out_of_range(variable), "level": unknown_level(variable)}
    return {name: rule for name, rule in rules.items() if rule is not None}
