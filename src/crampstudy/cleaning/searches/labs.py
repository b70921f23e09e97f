"""Dated measurements: what was measured, in which unit, and whether the value is possible in it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import unit_error
from crampstudy.cleaning.raw import ROW, Violation, worded
from crampstudy.cleaning.rule import View
from crampstudy.codebook import Variable, rules, units


def violations(view: View) -> list[Violation]:
    """Return what is wrong with a table ``labs`` of accepted rows."""
    frame, known = view.rows, codebook.analytes()
    strange = frame.filter(~pl.col("analyte").is_in(list(known)))[ROW]
    hint = (
        f"the codebook does not know this analyte: kept, its unit and range are not checked; known: {', '.join(known)}"
    )
    found = [Violation(strange, "analyte", "unknown-analyte", "warn", hint)]
    plain = {unit: units.plain(unit) for unit in frame["unit"].unique().drop_nulls()}
    unit = pl.col("unit").replace_strict(plain, return_dtype=pl.String).fill_null("")
    # One analyte at a time: a long table need not stand in memory twice.
    for analyte in frame["analyte"].unique(maintain_order=True):
        if (v := known.get(str(analyte))) is not None:
            of = frame.filter(pl.col("value").is_not_null(), pl.col("analyte") == analyte)
            found += _of(of.with_columns(plain=unit), v) if of.height else []
    return [violation for violation in found if len(violation.rows)]


def _of(frame: pl.DataFrame, v: Variable) -> Iterator[Violation]:
    right = {units.plain(v.unit or "")}
    right |= {name for name, by in units.conversions(v).items() if by == units.Conversion(1)}
    for unit, rows in frame.partition_by("plain", as_dict=True).items():
        if str(unit[0]) in right:
            continue
        by = units.conversions(v).get(str(unit[0]))
        if by is None:
            said = f"the unit is not known for {v.label.lower()}; allowed is {v.unit or 'an empty cell'}"
            yield Violation(rows[ROW], "value", "unit", "blank-cell", said, rows["value"].cast(pl.String))
        else:
            hint = pl.format(
                f"in {{}} it is {{}} {v.unit}; convert it and state {v.unit}",
                "unit",
                (pl.col("value") * by.factor + by.offset).round_sig_figs(4),
            )
            yield Violation(rows[ROW], "value", "unit-slip", "blank-cell", worded(rows, hint))
    measured = frame.filter(pl.col("plain").is_in(list(right)))
    as_column = measured.with_columns(pl.col("value").alias(v.name))
    beyond = rules.out_of_range(v)
    if beyond is not None and len(out := as_column.filter(beyond)):
        looks = unit_error.hints(v, out["value"])
        told = looks.is_not_null()
        yield Violation(out[ROW].filter(~told), "value", "range", "blank-cell", f"allowed is {v.allowed} ({v.unit})")
        yield Violation(out[ROW].filter(told), "value", "unit-slip", "blank-cell", looks.filter(told))
        as_column = as_column.filter(~beyond)
    yield from _jumps(as_column, v)


def _jumps(frame: pl.DataFrame, v: Variable) -> Iterator[Violation]:
    if (limits := unit_error.usual(v)) is None:
        return
    within = frame.sort("participant_id", "date").with_columns(step=pl.col("value").diff().over("participant_id").abs())
    # Between two samples nobody crosses half of all that is met.
    far = within.filter(pl.col("step") > (limits[1] - limits[0]) / 2).sort(ROW)
    if far.is_empty():
        return
    hint = pl.format(
        f"{{}} {v.unit or ''} away from the sample before: kept, look at it", pl.col("step").round_sig_figs(4)
    )
    yield Violation(far[ROW], "value", "jump", "warn", worded(far, hint))
