"""A row per observed night, with what is known of the night and of its participant."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.codebook.asked_of import ASKED_OF, not_asked
from crampstudy.codebook.exposures import Exposure
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.remembered import remembered
from crampstudy.errors import UsageError
from crampstudy.nights.calendar import CALENDAR
from crampstudy.nights.diary import Diary, observed_night
from crampstudy.nights.exposures import by_person_and_date

NIGHTS_PER_WEEK = 7
AGE_CENTRE = 60
_NIGHTS_LOOKED_AT = 100_000
NO_AGE = "no participant has an age"
_CALCIUM_PER_ALBUMIN, _USUAL_ALBUMIN = 0.02, 40.0


@remembered
def people(cohort: Cohort | Diary, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return the participants with the derived ``age_decade`` (per 10 years, centred at 60) and ``age_band``.

    Where nobody was asked for age or sex, the column is there and empty. Where calcium and albumin were measured, there
    is ``serum_calcium_corrected_mmol_l``: total calcium + 0.02 (40 - albumin in g/L). Of whom a variable is not asked,
    as a man of a pregnancy, is at the level that this means.

    Source: Payne 1973, 10.1136/bmj.4.5893.643.
    """
    age = pl.col("age_years")
    table = cohort.participants if isinstance(cohort, Diary) else cohort.frame("participants")
    unasked = {"age_years": pl.Float64, "sex": pl.String}
    table = table.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in unasked.items() if name not in table.columns
    )
    if {"serum_calcium_mmol_l", "serum_albumin_g_l"} <= {*table.columns}:
        bound = _CALCIUM_PER_ALBUMIN * (_USUAL_ALBUMIN - pl.col("serum_albumin_g_l"))
        table = table.with_columns(serum_calcium_corrected_mmol_l=pl.col("serum_calcium_mmol_l") + bound)
    for name in ASKED_OF.keys() & {*table.columns}:
        if (others := not_asked(table, name)).any():
            known = pl.lit(ASKED_OF[name].level, table.schema[name])
            table = table.with_columns(pl.when(others).then(known).otherwise(pl.col(name)).alias(name))
    return table.with_columns(
        age_decade=(age - AGE_CENTRE) / 10,
        age_band=band_of(age, bands or AgeBands()),
    )


def members(cohort: Cohort, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return of :func:`people` those of whom the cohort is: of a survey under a condition those who meet it.

    The others are in its table for the sampling alone, and nothing else is known of them; nor may it be of one who
    meets the condition and left every question open.
    """
    frame, outside = people(cohort, bands), cohort.attrition.outside
    return frame.filter(~pl.col("participant_id").is_in(list(outside))) if outside else frame


def band_of(age: pl.Expr, bands: AgeBands) -> pl.Expr:
    """Return the band label of an age in years as an ordered level; a missing age has none."""
    reached = pl.sum_horizontal((age >= limit).cast(pl.Int64) for limit in bands.limits)
    labels = dict(enumerate(bands.labels))
    return pl.when(age.is_not_null()).then(reached).replace_strict(labels, return_dtype=pl.Enum(bands.labels))


def person_nights(
    cohort: Cohort | Diary,
    bands: AgeBands | None = None,
    known: str = "cramps",
    names: Collection[str] | None = None,
    exposures: Collection[Exposure] = (),
) -> pl.DataFrame:
    """Return one row per observed night: the diary's columns and the participant's, ``cramp_night`` beside ``cramps``.

    Sorted by participant and date; ``known`` as of :func:`observed_night`.

    Args:
        cohort: a diary.
        bands: age bands behind ``age_band``.
        known: the column that is known of an observed night.
        names: the columns that are needed beside ``known``, ``cramps``, participant and date; all by default.
        exposures: those of other nights, each a column of its name.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary, who = Diary.of(cohort), people(cohort, bands)
    schema = diary.schema
    if names is not None:
        who = who.select("participant_id", *(n for n in who.columns if n in {*names} - {"participant_id"}))
    wanted = {"participant_id", "date", "cramps", known} | {*(schema if names is None else names)}
    own = [name for name in schema if name in wanted]
    seen = observed_night(cohort, known)
    if exposures:
        pieces = [piece.filter(seen).drop(*_besides(piece, own, exposures)) for piece in diary.pieces(own, exposures)]
        nights = pl.concat(pieces)
    else:
        nights = diary.nights.filter(seen).select(own).collect()
    return beside(by_person_and_date(nights), who).with_columns(cramp_night=pl.col("cramps") > 0)


def beside(nights: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Return nights with what is known of their participants, those of one of them looked up once where they stand so.

    ``who`` has a row a participant; of one who is not among them nothing is known.
    """
    own = [name for name in who.columns if name not in nights.columns]
    if not own:
        return nights
    runs = nights["participant_id"].rle().struct.unnest().select(participant_id="value")
    found = runs.join(who.select("participant_id", *own), on="participant_id", how="left", maintain_order="left")
    return nights.hstack(found.select(own)[nights["participant_id"].rle_id()].get_columns())


def nights_of_part(
    cohort: Cohort | Diary,
    where: str | None,
    bands: AgeBands | None = None,
    names: Collection[str] = (),
    exposures: Collection[Exposure] = (),
) -> pl.DataFrame:
    """Return the nights of :func:`person_nights` that are of a part of a cohort, with what it names and ``names``.

    Args:
        cohort: a diary.
        where: condition that names a part of the cohort; all nights without one.
        bands: age bands behind ``age_band``.
        names: the columns that are needed beside those of the condition.
        exposures: those of other nights, each a column of its name.

    Raises:
        UsageError: the cohort is a survey, or the condition cannot be evaluated.
    """
    if where is None:
        return person_nights(cohort, bands, names=names, exposures=exposures)
    # What may be named is asked of all columns, and only those that are named are read.
    check_part_of_nights(cohort, where, bands)
    nights = person_nights(cohort, bands, names={*names, *subpopulation.names(where)}, exposures=exposures)
    return nights.filter(subpopulation.select(nights, where).inside)


def _besides(piece: pl.DataFrame, own: Collection[str], exposures: Collection[Exposure]) -> list[str]:
    """Return the columns of a piece that were read for its exposures alone."""
    return [name for name in piece.columns if name not in {*own, *map(str, exposures)}]


def numbers_of_a_night(cohort: Cohort | Diary) -> tuple[str, ...]:
    """Return the columns of a diary that are numbers, but for those that its dates make.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    schema = Diary.of(cohort).schema
    return tuple(name for name, dtype in schema.items() if dtype.is_numeric() and name not in CALENDAR)


@remembered
def no_night(cohort: Cohort | Diary, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return :func:`person_nights` without a row: the columns and their types."""
    diary = Diary.of(cohort)
    nights = pl.LazyFrame(schema=diary.schema)
    return person_nights(Diary(diary.name, diary.participants.head(0), nights), bands)


def check_part_of_nights(cohort: Cohort | Diary, where: str | None, bands: AgeBands | None = None) -> None:
    """Check of all columns that a condition names nights, before those that it names are read.

    Raises:
        UsageError: it does not.
    """
    try:
        subpopulation.select(no_night(cohort, bands), where)
    except UsageError:
        # What can be written instead depends on what the columns hold, and so on nights.
        diary = Diary.of(cohort)
        some = Diary(diary.name, diary.participants, diary.nights.head(_NIGHTS_LOOKED_AT))
        subpopulation.select(person_nights(some, bands), where)
        raise


def diary_columns(cohort: Cohort | Diary) -> pl.Schema:
    """Return the columns that a diary has a value of for each night, with their types."""
    return Diary.of(cohort).schema
