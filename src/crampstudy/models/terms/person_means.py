"""Within and between: what a night's exposure has of the participant's mean, and how it deviates from it.

The mean is over all logged nights on which the exposure is known, so that it is the same whatever else a model needs
of a night. Where the night's outcome can move the exposure, the mean leaves that night out: it would otherwise carry
the outcome to the other side.

Source: Neuhaus and Kalbfleisch 1998.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from crampstudy import codebook, wording
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.terms.functions import OF_PERSON
from crampstudy.nights import ALIKE, Diary, diary_columns, logged_values, people

WITHIN, BETWEEN = OF_PERSON
_EXPOSURE = "_exposure"
_SAME = 1e-12
"""Means that differ by no more than this share of themselves differ by rounding."""


def added(cohort: Cohort | Diary, nights: pl.DataFrame, names: Collection[str], outcome: str) -> pl.DataFrame:
    """Return ``nights`` (one row each, or one for several that are alike) with the columns ``names``.

    These are ``within(x)`` and ``between(x)``, missing where the participant has no known x, or no other than the
    night's own where that is left out.

    Raises:
        UsageError: an x has one value per participant, or is no number and not yes or no.
    """
    wanted = [(name, found) for name in sorted(names) if (found := wording.of_person(name))]
    for name, (_, variable) in wanted:
        _check(name, variable, cohort)
    for variable in dict.fromkeys(variable for _, (_, variable) in wanted):
        if variable not in nights.columns:
            continue
        both = _parts(nights, variable, logged_values(cohort, variable), apart=codebook.can_move(outcome, variable))
        nights = nights.with_columns(both[function].alias(name) for name, (function, v) in wanted if v == variable)
    return nights


def splittable(cohort: Cohort | Diary, variable: str) -> bool:
    """Say whether a variable is a number or yes/no of the diary's nights."""
    dtype = diary_columns(cohort).get(variable)
    return variable == "cramp_night" or (dtype is not None and (dtype.is_numeric() or dtype == pl.Boolean))


def _check(name: str, variable: str, cohort: Cohort | Diary) -> None:
    columns = diary_columns(cohort)
    if splittable(cohort, variable):
        return
    known = codebook.find(variable)
    if variable in columns:
        raise UsageError(
            f"{name}: {variable} is neither a number nor yes or no, and has no mean; add a column of 0 and 1 to the "
            "diary, a level each"
        )
    if variable in people(cohort).columns or (known is not None and known.table == "participants"):
        raise UsageError(
            f"{name}: {variable} has one value per participant, so that all of it is between participants; write "
            f"{variable} alone"
        )


def _parts(nights: pl.DataFrame, variable: str, values: pl.DataFrame, *, apart: bool) -> dict[str, pl.Series]:
    """Return both parts of the variable by function, a value per night; ``apart`` leaves the night's own value out."""
    who = nights["participant_id"].cast(pl.String).to_frame()
    found = who.with_columns(nights[variable].cast(pl.Float64).alias(_EXPOSURE)).join(
        _totals(values), on="participant_id", how="left", maintain_order="left"
    )
    own = pl.col(_EXPOSURE).is_not_null() if apart else pl.lit(value=False)
    above = pl.col("above") - pl.when(own).then(pl.col(_EXPOSURE) - pl.col("least")).otherwise(0.0)
    number = pl.col("number") - own.cast(pl.Float64)
    found = found.with_columns(pl.when(number > 0).then(pl.col("least") + above / number).alias(BETWEEN))
    found = found.with_columns((pl.col(_EXPOSURE) - pl.col(BETWEEN)).alias(WITHIN))
    return {WITHIN: found[WITHIN], BETWEEN: _without_rounding(found[BETWEEN])}


def _totals(values: pl.DataFrame) -> pl.DataFrame:
    """Return the least value of each participant, the sum of what the others are above it, and how many they are.

    Sums above the least value are exact where a participant has no other.
    """
    first = values.unique("participant_id", keep="first", maintain_order=True)
    least = values.select("participant_id").join(
        first.select("participant_id", least="value"), on="participant_id", maintain_order="left"
    )["least"]
    codes, each = values["participant_id"].rle_id().to_numpy(), values[ALIKE].to_numpy().astype(np.float64)
    # One after the other: the order of a sum is part of its last digits.
    above = np.bincount(codes, weights=(values["value"] - least).to_numpy() * each, minlength=first.height)
    number = np.bincount(codes, weights=each, minlength=first.height)
    return first.select("participant_id", least="value").with_columns(
        above=pl.Series(above, dtype=pl.Float64), number=pl.Series(number, dtype=pl.Float64)
    )


def _without_rounding(means: pl.Series) -> pl.Series:
    """Return means that are the same but for rounding as one, so that they are not taken for persons who differ."""
    known = means.drop_nulls()
    if known.is_empty() or np.ptp(known.to_numpy()) > _SAME * np.abs(known.to_numpy()).max():
        return means
    return pl.select(pl.when(means.is_not_null()).then(known[0])).to_series()
