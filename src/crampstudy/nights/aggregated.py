"""Nights that are alike as one row with their number: what most models of nights need."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.codebook.exposures import Exposure
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.errors import UsageError
from crampstudy.nights.diary import Diary
from crampstudy.nights.exposures import value_of, with_exposures
from crampstudy.nights.parts import ALIKE
from crampstudy.nights.person_time import people

_PLACE = "_place"
_SAMPLE, _DIFFERENT = 5_000, 0.8


def counted_nights(
    cohort: Cohort | Diary,
    names: Collection[str],
    bands: AgeBands | None = None,
    known: str = "cramps",
    exposures: Collection[Exposure] = (),
) -> pl.DataFrame:
    """Return a participant's observed nights that are alike in ``known`` and ``names`` as one row, with their number.

    Columns: participant_id, ``known`` (as of :func:`observed_night`), those of ``names`` that the diary or the
    participants have, ``exposures``, ``cramp_night`` where cramps are among them, and ``nights_alike``. A missing
    value is alike to a missing value. Sorted by participant, so that the rows are the same however the diary is cut; a
    scanned diary is read in parts and never stands in memory as a whole.

    Args:
        cohort: a diary.
        names: the columns that are needed of a night and its participant.
        bands: age bands behind ``age_band``.
        known: the column that is known of an observed night.
        exposures: those of other nights, each a column of its name.

    Raises:
        UsageError: the cohort is a survey, or a night belongs to none of the participants.
    """
    diary = Diary.of(cohort)
    columns = diary.schema.names()
    # Whose nights they are is in every row, asked for or not.
    names = ({*names} | ({"cramps"} if "cramp_night" in names else set())) - {"participant_id"}
    key = [name for name in dict.fromkeys([known, *sorted(names)]) if name in columns]
    key += [str(exposure) for exposure in exposures]
    alike = diary.alike(key, known, exposures)
    who = people(cohort, bands)
    who = who.select("participant_id", *(name for name in sorted(names) if name in who.columns and name not in key))
    # A place in the order of participants sorts much faster than a text.
    who = who.select(pl.all().exclude("participant_id"), "participant_id").sort("participant_id").with_row_index(_PLACE)
    made = alike.join(who, on="participant_id", how="left")
    if stranger := made.filter(pl.col(_PLACE).is_null())["participant_id"].min():
        raise UsageError(f"the diary has nights of {stranger!r}, who is none of the participants of {cohort.name}")
    made = made.sort(_PLACE, *key).drop(_PLACE)
    return made.with_columns(cramp_night=pl.col("cramps") > 0) if "cramps" in key else made


def logged_values(cohort: Cohort | Diary, name: str) -> pl.DataFrame:
    """Return how many of a participant's logged nights have each known value of a diary's column of numbers or yes/no.

    Columns: participant_id, ``value`` (yes is 1) and ``nights_alike``, sorted by the first two, so that sums over them
    are the same however the diary is cut. A night is logged when an entry was made, whether or not its count is there.
    """
    diary = Diary.of(cohort)
    column = "cramps" if name == "cramp_night" else name
    key = [column]
    found = diary.alike(key, None)
    return (
        found.select(pl.col("participant_id").cast(pl.String), value_of(name).alias("value"), ALIKE)
        .drop_nulls("value")
        .sort("participant_id", "value")
    )


def repetitive(
    cohort: Cohort | Diary, names: Collection[str], known: str = "cramps", exposures: Collection[Exposure] = ()
) -> bool:
    """Say whether a participant has many nights that are alike in ``known``, ``names`` and ``exposures``.

    Looks at all nights of some participants; of a scanned diary it is taken for granted.
    """
    if isinstance(cohort, Diary):
        return True
    own = {"participant_id", known, *names} & {*Diary.of(cohort).schema}
    return _repeats(cohort, frozenset(own), frozenset(exposures))


@remembered
def _repeats(cohort: Cohort, own: frozenset[str], exposures: frozenset[Exposure]) -> bool:
    """Say whether a participant has many nights that are alike in the diary's ``own`` columns and in ``exposures``."""
    diary = with_exposures(_sample(cohort), exposures)
    key = {*own, *map(str, exposures)} & {*diary.columns}
    return diary.height < 100 or diary.select(sorted(key)).n_unique() < _DIFFERENT * diary.height


@remembered
def _sample(cohort: Cohort) -> pl.DataFrame:
    """Return all nights of some participants, about as many as are enough to see what repeats."""
    nights, height = Diary.of(cohort).nights, cohort.frame("diary").height
    if height > _SAMPLE:
        people = cohort.frame("participants")["participant_id"]
        nights = nights.filter(pl.col("participant_id").is_in(people.gather_every(-(-height // _SAMPLE)).to_list()))
    return nights.sort("participant_id", "date").collect()
