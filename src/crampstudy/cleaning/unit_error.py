"""A number in another unit than its column's: recognised and named, never converted."""

from __future__ import annotations

import polars as pl

from crampstudy.cleaning.raw import worded
from crampstudy.codebook import Variable, units
from crampstudy.codebook.units import Conversion


def usual(variable: Variable) -> tuple[float, float] | None:
    """Return the limits of what is met: the usual ones, or where there are none the possible ones."""
    low = variable.minimum if variable.usual_minimum is None else variable.usual_minimum
    high = variable.maximum if variable.usual_maximum is None else variable.usual_maximum
    return None if low is None or high is None else (low, high)


def outside_usual(variable: Variable) -> pl.Expr | None:
    """Return whether a typed cell lies outside the usual limits; nothing at all (0) is always usual."""
    if variable.usual_minimum is None or variable.usual_maximum is None:
        return None
    column = pl.col(variable.name)
    return (column != 0) & ~column.is_between(variable.usual_minimum, variable.usual_maximum)


def hints(variable: Variable, values: pl.Series, medians: pl.Series | None = None) -> pl.Series:
    """Return for each value the unit that it looks like, null where it looks like none.

    A value looks like a unit if it would be a usual one converted; with ``medians``, those of the person, only if
    that brings it at least four times as near to the median (by ratio; by difference where the units have other
    zeros).
    """
    limits = usual(variable)
    if limits is None or values.is_empty():
        return pl.Series([None] * len(values), dtype=pl.String)
    frame = pl.DataFrame({"value": values.cast(pl.Float64), "median": values if medians is None else medians})
    told = []
    for name, by in units.slips(variable).items():
        converted = pl.col("value") * by.factor + by.offset
        fits = converted.is_between(*limits)
        if medians is not None:
            value, median = pl.col("value"), pl.col("median")
            fits &= (converted - median).abs() * 4 < (value - median).abs()
            if not by.offset:
                # Amounts are near as ratios are near: half and twice are as far from the median.
                fits = converted.is_between(*limits) & (
                    (converted / median).log().abs() * 4 < (value / median).log().abs()
                )
        # Nothing is nothing in every unit.
        fits &= pl.col("value") != 0
        number = converted.round_sig_figs(4).cast(pl.String).str.replace(r"\.0$", "")
        told.append(pl.when(fits).then(pl.format(f"{name} ({_sum(by)} = {{}} {variable.unit})", number)))
    if not told:
        return pl.Series([None] * len(values), dtype=pl.String)
    units_met = pl.concat_str(told, separator=" or ", ignore_nulls=True)
    advice = "; convert it, or name the unit in a mapping file"
    return worded(frame, pl.when(units_met != "").then(pl.format("looks like {}{}", units_met, pl.lit(advice))))


def slips_of(variable: Variable, values: pl.Series) -> int:
    """Return how many of the values look like another unit."""
    unusual = outside_usual(variable)
    if unusual is None:
        return 0
    odd = values.to_frame(variable.name).filter(unusual)[variable.name]
    return int(hints(variable, odd).is_not_null().sum())


def _sum(by: Conversion) -> str:
    # Five digits: 1 / 4.008 is 0.2495, and divided by it is what people know.
    scaled = f"÷ {1 / by.factor:.5g}" if by.factor < 1 else f"× {by.factor:.5g}"
    if by.factor == 1:
        scaled = ""
    shift = f"{'−' if by.offset < 0 else '+'} {abs(by.offset):.5g}" if by.offset else ""
    return " ".join(part for part in (scaled, shift) if part)
