"""A table to learn from: features as numbers, what happened, and whose rows they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.cohort import Cohort
from crampstudy.nights import people
from crampstudy.nights.diary import Diary, observed_night
from crampstudy.prediction.features.baseline import baseline_columns, with_levels
from crampstudy.prediction.features.history import Days, History, history, own_past, previous
from crampstudy.readable import OneLine

OWN_PAST, CALENDAR = "own past", "calendar"
LAST = "last_"
"""What stands before a variable of the diary: its value on the last logged night."""
_SEASON = ("season_cos", "season_sin", "weekend_night")
_WHO = "participant_id"


@dataclass(frozen=True, slots=True, repr=False)
class FeatureTable(OneLine):
    """Rows to learn from.

    Args:
        names: names of the features, the columns of ``values``.
        values: features (n x p); ``nan`` is missing.
        counts: cramps.
        nights: logged nights that the cramps are of, 1 where a row is a night.
        person: participants by number.
        ids: their identifiers.
        day: dates as days since 1970, of rows that are nights.
        band: age bands by number, -1 without an age, a participant each.
        bands: names of the age bands.
        sums: each night's own past, of rows that are nights.
    """

    names: tuple[str, ...]
    values: Array
    counts: Array
    nights: Array
    person: Codes
    ids: tuple[str, ...]
    day: Days | None
    band: Codes
    bands: tuple[str, ...]
    sums: History | None = None

    def only(self, rows: Flags | Codes) -> FeatureTable:
        """Return some of the rows."""
        sums = self.sums
        if sums is not None:
            parts = (sums.cramps, sums.cramp_nights, sums.nights)
            sums = History(*({window: of[rows] for window, of in part.items()} for part in parts))
        return replace(
            self,
            values=self.values[rows],
            counts=self.counts[rows],
            nights=self.nights[rows],
            person=self.person[rows],
            day=None if self.day is None else self.day[rows],
            sums=sums,
        )

    def with_features(self, columns: Codes) -> FeatureTable:
        """Return the rows with some of the features."""
        return replace(self, names=tuple(self.names[i] for i in columns), values=self.values[:, columns])


def nights_of(
    cohort: Cohort | Diary, bands: AgeBands | None = None, *, covariates: bool = True, constant: bool = False
) -> FeatureTable:
    """Return the observed nights of a diary with what is known before each: own past, day before, calendar, baseline.

    A value of the diary is that of the last logged night before. Without ``covariates`` there is the own past alone;
    ``constant`` as of :func:`baseline_columns`.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary = Diary.of(cohort)
    own = _of_the_diary(diary) if covariates else []
    season = [name for name in _SEASON if name in diary.schema] if covariates else []
    kept = [_WHO, "date", "cramps", *own, *season]
    rows = diary.nights.filter(observed_night(cohort)).select(*dict.fromkeys(kept)).collect().sort(_WHO, "date")
    who = people(cohort, bands).sort(_WHO)
    who = who.filter(pl.col(_WHO).is_in(rows[_WHO].unique().implode()))
    person = _numbers(rows[_WHO], who[_WHO])
    day = rows["date"].cast(pl.Int32).to_numpy().astype(np.int64)
    counts = rows["cramps"].cast(pl.Float64).to_numpy()
    sums = history(person, day, counts)
    parts = own_past(person, day, counts, sums)
    names, values = [*parts], [np.column_stack([*parts.values()])]
    if own:
        levels = with_levels(rows, own, "diary")
        last = previous(person)
        before = levels.to_numpy()[last]
        before[last < 0] = np.nan
        names += [f"{LAST}{name}" for name in levels.columns]
        values.append(before)
    if season:
        names += season
        values.append(rows.select(pl.col(season).cast(pl.Float32)).to_numpy())
    if covariates and (columns := baseline_columns(who, constant=constant)):
        levels = with_levels(who, columns, "participants")
        names += levels.columns
        values.append(levels.to_numpy()[person])
    return FeatureTable(
        tuple(names),
        np.concatenate(values, axis=1, dtype=np.float32),
        counts,
        np.ones(len(counts)),
        person,
        tuple(who[_WHO]),
        day,
        *banded(who),
        sums,
    )


def newcomers(cohort: Cohort | Diary, bands: AgeBands | None = None, *, constant: bool = False) -> FeatureTable:
    """Return the participants of a diary with what is known before it begins, their cramps and logged nights.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary = Diary.of(cohort)
    summed = (
        diary.nights.filter(observed_night(cohort))
        .group_by(_WHO)
        .agg(_cramps=pl.col("cramps").sum().cast(pl.Float64), _nights=pl.len().cast(pl.Float64))
        .collect()
    )
    who = people(cohort, bands).join(summed, on=_WHO).sort(_WHO)
    levels = with_levels(who, baseline_columns(who, constant=constant), "participants")
    return FeatureTable(
        tuple(levels.columns),
        levels.to_numpy().astype(np.float32),
        who["_cramps"].to_numpy(),
        who["_nights"].to_numpy(),
        np.arange(who.height),
        tuple(who[_WHO]),
        None,
        *banded(who),
    )


def domain_of(feature: str) -> str:
    """Return the domain of a feature: own past, calendar, or that of its variable in the codebook."""
    name, table = feature.partition("=")[0], "participants"
    if name.startswith(LAST) and name != "last_night_cramps":
        name, table = name.removeprefix(LAST), "diary"
    known = codebook.find(name, table)
    if name in _SEASON:
        return CALENDAR
    return known.domain if known is not None else OWN_PAST


def _of_the_diary(diary: Diary) -> list[str]:
    """Return the columns of the codebook that a night has beside its count and date."""
    of_night = {each.name for each in codebook.variables("diary") if each.domain not in ("key", "cramps")}
    return [name for name in diary.schema if name in of_night]


def _numbers(ids: pl.Series, order: pl.Series) -> Codes:
    """Return the place of each identifier in an order."""
    places = pl.DataFrame({_WHO: order.cast(pl.String), "place": np.arange(len(order))})
    found = pl.DataFrame({_WHO: ids.cast(pl.String)}).join(places, on=_WHO, how="left", maintain_order="left")
    return np.asarray(found["place"].to_numpy(), dtype=np.intp)


def banded(who: pl.DataFrame) -> tuple[Codes, tuple[str, ...]]:
    """Return the age band of each participant by number, -1 without an age, and the names of the bands."""
    dtype = who["age_band"].dtype
    names: Sequence[str] = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
    return np.asarray(who["age_band"].to_physical().cast(pl.Int64).fill_null(-1).to_numpy(), dtype=np.intp), (*names,)
