"""Recorded results of the tests that red flags suggest: whether one is there, and whether it is out of the ordinary."""

from __future__ import annotations

import polars as pl

from crampstudy import codebook
from crampstudy.age_bands import AgeBands
from crampstudy.codebook.laboratory import ReferenceRange, reference_ranges
from crampstudy.cohort import Cohort
from crampstudy.nights import people

BLOOD, ULTRASOUND, INDEX, NERVE = "blood tests", "ultrasound of flow", "ankle-brachial index", "nerve conduction study"
"""The tests by their names in ``red_flags.csv``."""
_READ: dict[str, str] = {ULTRASOUND: "leg_ultrasound", INDEX: "ankle_brachial_index", NERVE: "nerve_conduction"}
LOWEST_INDEX, HIGHEST_INDEX = 0.9, 1.4
"""Outside of these an ankle-brachial index speaks of an artery that is narrowed or stiff.

Source: Aboyans 2012, 10.1161/CIR.0b013e318276fbcb.
"""
OUT_OF_RANGE = "out_of_range"
"""The column of the blood values out of their range, in words."""


def with_results(cohort: Cohort, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return the participants with a column for each test, and the blood values that are out of range in words.

    The column of a test is true where a recorded result is out of the ordinary, false where it is not, and missing
    where none is recorded. Blood values are those of the baseline, calcium corrected for albumin.
    """
    table = people(cohort, bands)
    ranges = [each for each in reference_ranges() if each.name in table.columns]
    outside = [_outside(each) for each in ranges]
    words = [pl.when(out).then(_in_words(each)) for out, each in zip(outside, ranges, strict=True)]
    unknown = pl.lit(None, pl.Boolean)
    # Of several values one out of range is enough, and those that are missing say nothing.
    known = [pl.when(pl.col(each.name).is_not_null()).then(out) for out, each in zip(outside, ranges, strict=True)]
    tests = {BLOOD: pl.max_horizontal(known) if known else unknown}
    tests |= {test: _abnormal(column) if column in table.columns else unknown for test, column in _READ.items()}
    said = pl.concat_str(words, separator="; ", ignore_nulls=True) if words else pl.lit("")
    return table.with_columns(**{OUT_OF_RANGE: pl.when(said != "").then(said)}, **tests)


def _outside(each: ReferenceRange) -> pl.Expr:
    below = pl.col(each.name) < each.low
    return below if each.high is None else below | (pl.col(each.name) > each.high)


def _in_words(each: ReferenceRange) -> pl.Expr:
    known = codebook.variable(each.name)
    span = f"from {each.low:g}" if each.high is None else f"{each.low:g} to {each.high:g}"
    return pl.format("{} {} {} ({})", pl.lit(known.label), pl.col(each.name).round(4), pl.lit(known.unit), pl.lit(span))


def _abnormal(column: str) -> pl.Expr:
    if column == _READ[INDEX]:
        return (pl.col(column) < LOWEST_INDEX) | (pl.col(column) > HIGHEST_INDEX)
    text = pl.col(column).cast(pl.String)
    return pl.when(text.is_in(["normal", "abnormal"])).then(text == "abnormal")
