"""Three ways in which predictions look better than they are, each caught: later nights, same people, outcomes as input.

A model that has seen what it is to foretell tells nothing of the next participant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from crampstudy.arrays import Array, Codes
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.nights.diary import Diary
from crampstudy.prediction.features import FeatureTable, nights_of
from crampstudy.prediction.features.history import Days
from crampstudy.prediction.scores import weighted_area

AUDITED = 12
"""Participants whose features are made a second time."""
HIGHEST_AREA, HIGHEST_RANK = 0.97, 0.95
"""No measurement of a baseline tells cramps so well: it was made of them."""
FEWEST_RANKED = 10
_WHO = "participant_id"


def check_past(cohort: Cohort | Diary, make: Callable[[Diary], FeatureTable] = nights_of) -> None:
    """Check that the features of a night do not change with that night or a later one.

    The features of some participants are made again after every value from their middle night on was replaced.

    Raises:
        AnalysisError: one changes; it is named.
    """
    diary = Diary.of(cohort)
    who = diary.participants.sort(_WHO).head(AUDITED)
    nights = diary.nights.filter(pl.col(_WHO).is_in(who[_WHO].implode())).collect().sort(_WHO, "date")
    middle = pl.col("date").median().over(_WHO).cast(pl.Date)
    late = pl.col("date") >= middle
    numbers = [name for name, dtype in nights.schema.items() if dtype.is_numeric()]
    flags = [name for name, dtype in nights.schema.items() if dtype == pl.Boolean and name != "entry_made"]
    shifted = nights.with_columns(
        *(pl.when(late).then(pl.col(name) + 3).otherwise(pl.col(name)).alias(name) for name in numbers),
        *(pl.when(late).then(~pl.col(name)).otherwise(pl.col(name)).alias(name) for name in flags),
    )
    begins = nights.group_by(_WHO).agg(middle=pl.col("date").median().cast(pl.Date))
    of_dates = {"season_cos", "season_sin", "weekend_night"}
    before, after = (
        make(Diary(diary.name, who, table.drop(of_dates, strict=False).lazy())) for table in (nights, shifted)
    )
    cut = dict(zip(begins[_WHO], (begins["middle"].cast(pl.Int32)), strict=True))
    assert before.day is not None
    early = before.day <= np.array([cut[before.ids[number]] for number in before.person])
    same = (before.values == after.values) | (np.isnan(before.values) & np.isnan(after.values))
    changed = ~same[early].all(axis=0)
    if changed.any():
        named = ", ".join(name for name, each in zip(before.names, changed, strict=True) if each)
        raise AnalysisError(f"what is taken as known before a night changes with that night or a later one: {named}")


def check_people(train: Codes, test: Codes) -> None:
    """Check that no participant is both learned from and tested on.

    Raises:
        AnalysisError: some are.
    """
    if n := len(np.intersect1d(train, test)):
        raise AnalysisError(f"participants that are tested on were learned from as well: {n}")


def check_time(train: Days, test: Days) -> None:
    """Check that nothing is learned from a night on or after the first that is tested on.

    Raises:
        AnalysisError: something is.
    """
    if len(train) and len(test) and train.max() >= test.min():
        late = int((train >= test.min()).sum())
        raise AnalysisError(f"nights that are learned from lie on or after the first that is tested on: {late}")


def check_not_of_outcome(names: tuple[str, ...], values: Array, counts: Array, nights: Array) -> None:
    """Check that no column of the participants is made of the cramps that it is to foretell.

    Args:
        names: columns of the participants.
        values: their values (participants x columns).
        counts: cramps of each participant.
        nights: logged nights of each.

    Raises:
        AnalysisError: a column ranks people as their rates do, or tells those with cramps from those without.
    """
    rate = counts / nights
    found = [name for name, of in zip(names, values.T, strict=True) if _is_outcome(of, rate)]
    if found:
        raise AnalysisError(
            f"what is taken as known at baseline ranks people almost as their cramps do: {', '.join(found)}; leave "
            "columns out that were made of the diary"
        )


def _is_outcome(column: Array, rate: Array) -> bool:
    known = ~np.isnan(column)
    x, y = column[known], rate[known]
    if len(x) < FEWEST_RANKED or np.ptp(x) == 0 or np.ptp(y) == 0:
        return False
    rank = np.corrcoef(_ranks(x), _ranks(y))[0, 1]
    some = (y > 0).astype(float)
    area = weighted_area(some, x) if min(some.sum(), len(x) - some.sum()) >= FEWEST_RANKED else 0.5
    return bool(abs(rank) >= HIGHEST_RANK or max(area, 1 - area) >= HIGHEST_AREA)


def _ranks(values: Array) -> Array:
    """Return mean ranks."""
    _, place, number = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(number)
    return np.asarray((ends - (number - 1) / 2)[place])
