"""Times to an event: from a remedy to relief, and from one night with a cramp to the next.

A time is censored where it ended without the event being seen. Nothing is assumed of what was not observed: a
night without an entry ends the gap before it, for it may have had a cramp; relief that was not noted has no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import Diary, observed_night, people, person_nights
from crampstudy.readable import OneLine

Unrelieved = Literal["censor", "leave-out"]

UNTIMED, NOT_RELIEVED = "without a time to relief", "relief had not come"
UNFOLLOWED, IN_NO_GAP = "without an observed night", "before the first cramp or after a break, so in no gap"
"""Why a cramp, a gap or a night has no row here."""
RELIEVED = "relieved"
"""A cohort's own yes/no column of the episodes: false where ``relief_s`` had passed and relief had not come."""

DERIVED = ("time", "event", "gap", "start", "stop", "opened")
"""The columns that are added here; a cohort's own column may not have one of these names."""


@dataclass(frozen=True, slots=True, repr=False)
class Durations(OneLine):
    """A row per time to an event with ``participant_id``, ``time`` (in ``unit``) and ``event`` (false: censored).

    Night by night, ``start`` and ``stop`` stand in the place of ``time``.

    ``without`` says what was found beside them and has no row, reason and number: cramps, gaps, or of gaps night by
    night the nights; ``left_out`` counts cramps without a row, or gaps of which no night was observed.
    """

    frame: pl.DataFrame
    unit: Literal["s", "nights"]
    left_out: int
    without: tuple[tuple[str, int], ...] = ()


def episodes(cohort: Cohort, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return one row per episode: its columns, the night's, the person's; by participant, date and episode.

    Raises:
        UsageError: the cohort has no episodes, is a survey, or a column of its own has a name that is used here.
    """
    _check(cohort)
    own = cohort.frame("episodes")
    if own.is_empty():
        raise UsageError(
            f"{cohort.name} has no episodes; a study of them needs the table episodes (episodes.csv), a row per cramp "
            f"with participant_id, date and episode, which 'crampstudy init' writes empty; the diary alone is enough "
            "for the time between cramps: crampstudy fit --model cox --outcome gap"
        )
    diary, persons, night = Diary.of(cohort), people(cohort, bands), ["participant_id", "date"]
    nightly = [c for c in diary.schema.names() if c not in own.columns or c in night]
    with_cramp = diary.nights.select(nightly).join(own.lazy().select(night), on=night, how="semi")
    joined = own.join(with_cramp.collect(), on=night, how="left")
    personal = [c for c in persons.columns if c == "participant_id" or c not in joined.columns]
    return joined.join(persons.select(personal), on="participant_id", how="left").sort(
        "participant_id", "date", "episode"
    )


def relief_times(cohort: Cohort, bands: AgeBands | None = None, *, unrelieved: Unrelieved = "censor") -> Durations:
    """Return one row per episode: seconds from the remedy to relief, the episode's columns, the night's, the person's.

    The event is at ``relief_s``. It is censored there where the cohort's own column ``relieved`` is false: so long
    relief had not come. Nothing else says so. An episode without ``relief_s`` is left out and counted: its
    ``duration_s`` runs from the onset and not from the remedy, and whether a time was noted may depend on it.
    ``leave-out`` takes only episodes whose relief came. Sorted by participant, date and episode.

    Raises:
        UsageError: the cohort is a survey, a column of its own has a name that is used here, or its column
            ``relieved`` is not one of true and false.
    """
    frame, own = episodes(cohort, bands), cohort.frame("episodes")
    if "relief_s" not in own.columns:
        raise UsageError(
            f"the episodes of {cohort.name} have no column relief_s, the seconds from the remedy to relief; without it "
            "there is no time to relief: add it to the table episodes (episodes.csv), then run "
            "'crampstudy validate' on the cohort"
        )
    if own["relief_s"].is_null().all():
        raise UsageError(
            f"all {own.height:,} episodes of {cohort.name} lack relief_s, the seconds from the remedy to relief, so "
            "that there is no time to relief: fill it in the table episodes (episodes.csv); 'crampstudy validate' "
            "says which cells were blanked, and why"
        )
    said = RELIEVED in own.columns and not own[RELIEVED].is_null().all()
    if said and own[RELIEVED].dtype != pl.Boolean:
        raise UsageError(
            f"the column {RELIEVED!r} of the episodes of {cohort.name} says whether relief had come by relief_s, as "
            "true or false; write it so, or rename it"
        )
    came = pl.col(RELIEVED).fill_null(value=True) if said else pl.lit(value=True)
    timed = frame.with_columns(time=pl.col("relief_s").cast(pl.Float64), event=came).drop_nulls("time")
    used = timed if unrelieved == "censor" else timed.filter("event")
    without = ((UNTIMED, frame.height - timed.height), (NOT_RELIEVED, timed.height - used.height))
    return Durations(used, "s", frame.height - used.height, without)


def gap_times(cohort: Cohort | Diary, bands: AgeBands | None = None) -> Durations:
    """Return one row per gap between nights with a cramp: its length in nights, and the participant's columns.

    A gap begins at an observed night with a cramp (``opened``) and has its event at the next one, if every night
    between was observed; else it is censored at the last night before the first unobserved one, as it is at the end of
    the diary. After a break no gap begins before the next observed cramp: how long the last one was ago is unknown,
    so that delayed entry would have no clock to enter. Nights before the first cramp belong to no gap. ``gap`` numbers
    the participant's gaps by the observed cramp nights, from 1, also those without an observed night (a break or the
    end comes at once), which have no row and are counted in ``left_out``. Sorted by participant and ``opened``.

    Raises:
        UsageError: the cohort is a survey, or a column of its own has a name that is used here.

    Source: Prentice, Williams and Peterson 1981 (gap times by event number).
    """
    _check(cohort)
    placed = _placed(_nights(cohort).select("participant_id", "date", _cramp=pl.col("cramps") > 0).collect())
    ends = pl.col("_open").ne_missing(pl.col("_open").shift(-1))
    gaps = placed.filter(pl.col("_open").is_not_null() & (pl.col("_cramp") | ends)).select(
        "participant_id",
        opened=pl.col("date") - pl.duration(days="_length"),
        gap="gap",
        time=pl.col("_length").cast(pl.Float64),
        event="_cramp",
    )
    left_out = int(placed["_cramp"].sum()) - gaps.height
    frame = gaps.join(people(cohort, bands), on="participant_id", how="left", maintain_order="left")
    return Durations(frame, "nights", left_out, ((UNFOLLOWED, left_out),))


def gap_nights(cohort: Cohort | Diary, bands: AgeBands | None = None) -> Durations:
    """Return one row per night at risk within a gap, (``start``, ``stop``] in nights since the last cramp night.

    The gaps of :func:`gap_times` night by night, with ``event`` in the last one where it was seen and every column of
    :func:`crampstudy.nights.person_nights`: exposures may change from night to night. ``left_out`` is as there.

    Raises:
        UsageError: the cohort is a survey, or a column of its own has a name that is used here.
    """
    _check(cohort)
    placed = _placed(person_nights(cohort, bands).with_columns(_cramp=pl.col("cramp_night")))
    inside = placed.filter(pl.col("_open").is_not_null()).with_columns(
        start=pl.col("_length").cast(pl.Float64) - 1,
        stop=pl.col("_length").cast(pl.Float64),
        event=pl.col("_cramp"),
    )
    gaps = inside.select((pl.col("start") == 0).sum()).item()
    left_out = int(placed["_cramp"].sum()) - int(gaps)
    without = ((IN_NO_GAP, placed.height - inside.height),)
    return Durations(inside.drop("_cramp", "_open", "_length"), "nights", left_out, without)


def _placed(nights: pl.DataFrame) -> pl.DataFrame:
    """Add to observed nights in the order of person and date the gap that each is at risk in.

    ``_open`` is the row of the cramp night that opened the gap, null outside of gaps; ``_length`` the nights since;
    ``gap`` its number among the participant's. Rows of an unbroken run are a night apart, so that rows count nights.
    """
    person, date = pl.col("participant_id"), pl.col("date")
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    arrives = (person != person.shift()).fill_null(value=True)
    begins = arrives | ((date - date.shift()).dt.total_days() != 1)
    before = pl.col("_cramp").cast(pl.Int64).cum_sum().shift(fill_value=0)
    opened = pl.when(pl.col("_cramp")).then(row).forward_fill().shift()
    run = pl.when(begins).then(row).forward_fill()
    return nights.with_columns(
        _open=pl.when(opened >= run).then(opened),
        gap=before - pl.when(arrives).then(before).forward_fill(),
    ).with_columns(_length=row - pl.col("_open"))


def _nights(cohort: Cohort | Diary) -> pl.LazyFrame:
    nights = Diary.of(cohort).nights
    return nights.filter(observed_night(cohort)).sort("participant_id", "date")


def _check(cohort: Cohort | Diary) -> None:
    if cohort.kind != "diary":
        raise UsageError(f"{cohort.name} is a survey: it has neither nights nor episodes to take a time from")
    people_ = cohort.participants if isinstance(cohort, Diary) else cohort.frame("participants")
    nights = Diary.of(cohort).schema.names()
    episodes = [] if isinstance(cohort, Diary) else cohort.frame("episodes").columns
    if taken := {*people_.columns, *nights, *episodes} & set(DERIVED):
        raise UsageError(
            f"the source has a column {min(taken)!r}, a name that times to an event have of their own; rename it in "
            f"{cohort.name}"
        )
