"""The variables of a survey cohort from the published columns: codes, units, and what several columns say together."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import rules
from crampstudy.sources.readers.nhanes import codes as nc

_NOT_ASKED_FROM_AGE = 45


def coded(column: str, codes: Mapping[int, str | bool | int | None], dtype: pl.DataType) -> pl.Expr:
    """Return what the codes of a column stand for, null for any other."""
    return pl.col(column).replace_strict(
        [float(code) for code in codes], list(codes.values()), default=None, return_dtype=dtype
    )


def value(field: nc.NhanesField) -> pl.Expr:
    """Return a variable of the codebook from its published column."""
    dtype = rules.DTYPES[codebook.variable(field.name, "participants").type]
    if field.codes is not None:
        return coded(field.column, field.codes, dtype)
    number = pl.col(field.column)
    if field.missing:
        number = pl.when(~number.is_in([float(code) for code in field.missing])).then(number)
    if field.factor != 1.0 or field.offset != 0.0:
        number = number * field.factor + field.offset
    return number.cast(dtype)


def _smoking() -> pl.Expr:
    """Never: fewer than 100 cigarettes (SMQ020 2); current: now every day or some days (SMQ040 1, 2)."""
    ever, now = pl.col("SMQ020"), pl.col("SMQ040")
    return (
        pl.when(ever == 2)
        .then(pl.lit("never"))
        .when((ever == 1) & (now == 3))
        .then(pl.lit("former"))
        .when((ever == 1) & now.is_in([1.0, 2.0]))
        .then(pl.lit("current"))
    )


def _trimester() -> pl.Expr:
    """Month of the pregnancy where the examination does not contradict it; ``none`` where not pregnant.

    The examination status is published for ages 8-59 (D) and 20-44 (E), the question goes to women with
    periods. A pregnancy without a month, or one that the two sources disagree on, is missing.
    """
    told, found = pl.col("RHD143"), pl.col("RIDEXPRG")
    silent = told.is_null() & found.is_null() & (pl.col("RIDAGEYR") >= _NOT_ASKED_FROM_AGE)
    no = ((told == 2) | (found == 2)).fill_null(value=False)
    yes = ((told == 1) | (found == 1)).fill_null(value=False)
    return (
        pl.when((pl.col("RIAGENDR") == 1) | silent | (no & ~yes))
        .then(pl.lit("none"))
        .when(yes & ~no)
        .then(coded("RHD152", nc.MONTHS, pl.String()))
    )


def _depression() -> pl.Expr:
    """The sum of the nine answers of somebody who has given all of them.

    Source: Kroenke, Spitzer and Williams 2001 (PHQ-9).
    """
    scores = {code: code for code in nc.PHQ9_SCORES}
    return pl.sum_horizontal([coded(item, scores, pl.Int64()) for item in nc.PHQ9], ignore_nulls=False)


DERIVED: tuple[tuple[str, pl.Expr, tuple[str, ...]], ...] = (
    ("smoking", _smoking(), ("SMQ020", "SMQ040")),
    ("pregnancy_trimester", _trimester(), ("RHD143", "RHD152", "RIDEXPRG")),
    ("phq9_0_27", _depression(), nc.PHQ9),
    ("recalled_low", coded("SLQ160", {code: low for code, (low, _) in nc.RECALLED.items()}, pl.Int64()), ("SLQ160",)),
    ("recalled_high", coded("SLQ160", {code: hi for code, (_, hi) in nc.RECALLED.items()}, pl.Int64()), ("SLQ160",)),
)
"""Variables that several columns make: name, value, and the columns that are needed."""
MEDICATION = ("diuretic_class", "statin", "laba")
"""The columns that :func:`medication` makes."""


def medication(drugs: pl.DataFrame) -> pl.DataFrame:
    """Return one row per person from one row per drug.

    A class is taken where an ingredient of any drug, alone or combined, belongs to it. Nobody is called free of a
    class whose answer was refused, or who takes a drug that is unknown or named only by a group that may hold it.
    """
    ingredients = pl.col("RXDDRUG").fill_null("").str.split("; ")

    def taken(drug: nc.DrugClass) -> pl.Expr:
        return ingredients.list.eval(pl.element().is_in(drug.ingredients)).list.any().any()

    def free(drug: nc.DrugClass) -> pl.Expr:
        name = pl.col("RXDDRUG")
        listed = name.is_not_null() & ~name.is_in(nc.UNKNOWN_DRUGS)
        vague = name.str.contains(drug.vague) & name.str.contains("UNSPECIFIED")
        return ((pl.col("RXDUSE") == 2) | ((pl.col("RXDUSE") == 1) & listed & ~vague)).all()

    diuretic = pl.coalesce(
        *(pl.when(taken(drug)).then(pl.lit(drug.value)) for drug in nc.DIURETICS),
        pl.when(free(nc.DIURETICS[0])).then(pl.lit("none")),
    )
    return drugs.group_by("SEQN", maintain_order=True).agg(
        diuretic.alias("diuretic_class"),
        pl.when(taken(nc.STATINS)).then(True).when(free(nc.STATINS)).then(False).alias("statin"),
        pl.when(taken(nc.LONG_ACTING_BETA_AGONISTS))
        .then(True)
        .when(free(nc.LONG_ACTING_BETA_AGONISTS))
        .then(False)
        .alias("laba"),
    )
