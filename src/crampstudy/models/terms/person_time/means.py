"""Exposures of person-time as columns of the nights of a model: what a night has of the participant's mean, and beyond.

The mean is over all logged nights on which the exposure is known, so that it is the same whatever else a model needs
of a night, and at every lag. Where the night's outcome can move the exposure, it would carry the outcome to the other
side; with ``leave_out`` it is without the night of the row.

Source: Neuhaus and Kalbfleisch 1998.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.codebook.exposures import WITHIN, Exposure
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import Diary, diary_columns, people
from crampstudy.nights.person_moments import moments_of

_EXPOSURE = "_exposure"
_SAME = 1e-12
"""Means that differ by no more than this share of themselves differ by rounding."""


def of_other_nights(wanted: Collection[Exposure], cohort: Cohort | Diary) -> tuple[Exposure, ...]:
    """Return the exposures that are made of the nights of a diary before its nights are chosen, their means aside.

    Raises:
        UsageError: one is of a variable with one value per participant, or of no number and not yes or no.
    """
    for exposure in wanted:
        _check(exposure, cohort)
    made = dict.fromkeys(e.base for e in wanted if e.steps and splittable(cohort, e.variable))
    return tuple(made)


def measured(cohort: Cohort | Diary, nights: pl.DataFrame, made: Collection[Exposure]) -> pl.DataFrame:
    """Return ``nights`` without the columns ``made`` of other nights whose variable was never measured."""
    empty = (e for e in made if nights.height and nights[str(e)].null_count() == nights.height)
    return nights.drop(str(e) for e in empty if moments_of(cohort, e.variable).is_empty())


def added(cohort: Cohort | Diary, nights: pl.DataFrame, wanted: Collection[Exposure]) -> pl.DataFrame:
    """Return ``nights`` (one row each, or one for several that are alike) with the columns that have a mean in them.

    These are missing where the participant has no known exposure, or no other than the night's own where that is left
    out. The columns of other nights (:func:`of_other_nights`) are there already.
    """
    means: dict[tuple[str, bool], pl.Series] = {}
    for exposure in wanted:
        variable, of = exposure.variable, str(exposure.base).strip("`")
        there = of in nights.columns if exposure.at_own_night or exposure.steps else splittable(cohort, variable)
        if exposure.part is None or not there:
            continue
        key = variable, exposure.leave_out
        if key not in means:
            means[key] = _means(nights, variable, moments_of(cohort, variable), apart=exposure.leave_out)
        within = exposure.part == WITHIN
        column = nights[of].cast(pl.Float64) - means[key] if within else _without_rounding(means[key])
        nights = nights.with_columns(column.alias(str(exposure)))
    return nights


def moved(wanted: Collection[Exposure], outcome: str) -> tuple[str, ...]:
    """Return what is to be said of means with a night in them of which the outcome can move the exposure."""
    names = dict.fromkeys(
        e.name for e in wanted if e.part and not e.leave_out and codebook.can_move(outcome, e.variable)
    )
    return tuple(
        f"the outcome of a night can move its {name}, and the mean has that night in it: "
        f"within({name}, leave_out=True) leaves it out"
        for name in names
    )


def splittable(cohort: Cohort | Diary, variable: str) -> bool:
    """Say whether a variable is a number or yes/no of the diary's nights."""
    dtype = diary_columns(cohort).get(variable)
    return variable == "cramp_night" or (dtype is not None and (dtype.is_numeric() or dtype == pl.Boolean))


def _check(exposure: Exposure, cohort: Cohort | Diary) -> None:
    variable, columns = exposure.variable, diary_columns(cohort)
    if splittable(cohort, variable):
        return
    known = codebook.find(variable)
    if variable in columns:
        raise UsageError(
            f"{exposure}: {variable} is neither a number nor yes or no, and has no mean; add a column of 0 and 1 to "
            "the diary, a level each"
        )
    if variable in people(cohort).columns or (known is not None and known.table == "participants"):
        all_of_it = "all of it is between participants" if exposure.part else "it is the same on every night"
        raise UsageError(
            f"{exposure}: {variable} has one value per participant, so that {all_of_it}; write {exposure.name} alone"
        )


def _means(nights: pl.DataFrame, variable: str, totals: pl.DataFrame, *, apart: bool) -> pl.Series:
    """Return the participant's mean of the variable for each night; ``apart`` leaves the night's own value out."""
    # Nights of one participant stand together, so that few rows have to be looked up.
    runs = nights["participant_id"].cast(pl.String).rle().struct.unnest().rename({"value": "participant_id"})
    found = runs.join(totals, on="participant_id", how="left", maintain_order="left")
    places = nights["participant_id"].rle_id()
    if not apart:
        return found["mean"].gather(places)
    found = found.select("least", "above", "number")[places]
    found = found.with_columns(nights[variable].cast(pl.Float64).alias(_EXPOSURE))
    own = pl.col(_EXPOSURE).is_not_null()
    taken = pl.when(own).then(pl.col(_EXPOSURE) - pl.col("least")).otherwise(0.0)
    number = pl.col("number") - own.cast(pl.Float64)
    return found.select(pl.when(number > 0).then(pl.col("least") + (pl.col("above") - taken) / number)).to_series()


def _without_rounding(means: pl.Series) -> pl.Series:
    """Return means that are the same but for rounding as one, so that they are not taken for persons who differ."""
    known = means.drop_nulls()
    if known.is_empty() or np.ptp(known.to_numpy()) > _SAME * np.abs(known.to_numpy()).max():
        return means
    return pl.select(pl.when(means.is_not_null()).then(known[0])).to_series()
