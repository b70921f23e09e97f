"""Exposures of other nights than that of the row: lags and leads, means, counts and loads, by the calendar.

A participant's logged nights stand in one array under keys that rise with person and date, so that the nights of any
span are found by bisection; nothing is filled in between them, and no night is looped over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.codebook.exposures import ACUTE, CHRONIC, Exposure

FEWEST_ACUTE, FEWEST_CHRONIC = 5, 14
"""So many nights of each span of a load ratio must be known."""
_Places = NDArray[np.intp]


def value_of(variable: str) -> pl.Expr:
    """Return the values of a nightly variable as numbers, null where it is unknown; yes is 1."""
    if variable == "cramp_night":
        return (pl.col("cramps") > 0).cast(pl.Float64)
    number = pl.col(variable).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def with_exposures(logged: pl.DataFrame, wanted: Collection[Exposure]) -> pl.DataFrame:
    """Return logged nights, sorted by participant and date, with a column for each exposure of other nights.

    ``logged`` has a row per logged night of a participant, of all of whose nights it has either every one or none. An
    exposure is known on a night with an entry, whether or not its count is there. It is missing where a night that it
    needs is not logged: of a mean or a count where fewer than 80 % of the nights are known, of a load ratio fewer than
    :data:`FEWEST_ACUTE` or :data:`FEWEST_CHRONIC`, or where the chronic load is 0. A variable of yes or no stays one
    where it is only shifted.
    """
    nights = by_person_and_date(logged)
    calendar = _Calendar.of(nights, max((abs(n) for exposure in wanted for n in exposure.nights), default=0))
    made: dict[str, pl.Series] = {}
    for exposure in dict.fromkeys(wanted):
        name, values = str(exposure), pl.Series(calendar.values(exposure, nights)).fill_nan(None)
        yes_or_no = exposure.variable == "cramp_night" or nights.schema[exposure.variable] == pl.Boolean
        made[name] = values.cast(pl.Boolean) if yes_or_no and not exposure.window else values
    return nights.with_columns(**made)


def by_person_and_date(nights: pl.DataFrame) -> pl.DataFrame:
    """Return nights sorted by participant and date, as they are where they stand so."""
    who = nights["participant_id"]
    if who.is_sorted():
        same, days = np.diff(who.rle_id().to_numpy()) == 0, np.diff(nights["date"].to_physical().to_numpy())
        if not (same & (days < 0)).any():
            return nights
    return nights.sort("participant_id", "date")


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Logged nights (n) by ``keys`` that rise with person and date; ``first`` (n) is the place of the person's first.

    Keys of one person lie as far apart as the nights do, those of two persons further than any exposure reaches.
    """

    keys: NDArray[np.int64]
    first: _Places

    @classmethod
    def of(cls, nights: pl.DataFrame, reach: int) -> _Calendar:
        codes = nights["participant_id"].rle_id().to_numpy().astype(np.int64)
        days = nights["date"].cast(pl.Date).to_physical().to_numpy().astype(np.int64)
        days -= days.min(initial=0)
        keys = codes * (days.max(initial=0) + 2 * reach + 1) + days + reach
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        return cls(keys, starts[codes] if len(codes) else starts)

    def values(self, exposure: Exposure, nights: pl.DataFrame) -> Array:
        """Return the exposure of each night, NaN where it is unknown."""
        x = nights.select(value_of(exposure.variable)).to_series().fill_null(np.nan).to_numpy()
        last = exposure.shift
        match exposure.window:
            case None:
                return self._shifted(x, last)
            case ("load_ratio", _):
                acute = self._mean(x, last, last + ACUTE - 1, FEWEST_ACUTE)
                chronic = self._mean(x, last + ACUTE, last + ACUTE + CHRONIC - 1, FEWEST_CHRONIC)
                ratio: Array = np.divide(acute, chronic, out=np.full(len(x), np.nan), where=chronic != 0)
                return ratio
            case (function, nights_of_it):
                n = int(nights_of_it or 0)
                fewest = -(-4 * n // 5)
                if function == "mean_last":
                    return self._mean(x, last, last + n - 1, fewest)
                above = np.where(np.isnan(x), np.nan, x > 0)
                number, total = self._sums(above, last, last + n - 1)
                return np.where(number >= fewest, total, np.nan)

    def _shifted(self, x: Array, nights: int) -> Array:
        wanted = self.keys - nights
        place = np.minimum(np.searchsorted(self.keys, wanted), len(x) - 1)
        return np.where(self.keys[place] == wanted, x[place], np.nan) if len(x) else x

    def _mean(self, x: Array, last: int, first: int, fewest: int) -> Array:
        """Return the mean of the nights from ``first`` to ``last`` nights before each, NaN where too few are known."""
        # Sums above the participant's least value are exact where there is no other, and where it is 0 and all are.
        each = pl.DataFrame({"x": x, "first": self.first}).with_columns(pl.col("x").fill_nan(None))
        base = each.select(pl.col("x").min().over("first").fill_null(0.0)).to_series().to_numpy()
        number, above = self._sums(x - base, last, first)
        enough = number >= fewest
        return np.where(enough, base + np.divide(above, number, out=np.zeros(len(x)), where=enough), np.nan)

    def _sums(self, x: Array, last: int, first: int) -> tuple[Array, Array]:
        """Return how many of the nights from ``first`` to ``last`` nights before each are known, and their sum."""
        left = np.searchsorted(self.keys, self.keys - first, side="left")
        right = np.searchsorted(self.keys, self.keys - last, side="right")
        known = ~np.isnan(x)
        number = np.concatenate([[0], np.cumsum(known)])
        return (number[right] - number[left]).astype(np.float64), self._between(np.where(known, x, 0.0), left, right)

    def _between(self, x: Array, left: _Places, right: _Places) -> Array:
        """Return the sum of ``x`` (n) from the places ``left`` to those before ``right``, both of one person's."""
        # Summed up anew for each person: a running sum over all of them would lose the digits of a single night.
        running = pl.DataFrame({"x": x, "first": self.first}).select(pl.col("x").cum_sum().over("first"))
        sums = running.to_series().to_numpy()
        upper = np.where(right > left, sums[np.maximum(right - 1, 0)], 0.0)
        return upper - np.where((right > left) & (left > self.first), sums[np.maximum(left - 1, 0)], 0.0)
