"""A diary with its gaps: which nights are logged or filled in afterwards, and what is left of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.simulate.arrays import Column, Flags, Floats, Integers
from crampstudy.simulate.calendar import is_weekend
from crampstudy.simulate.corruption.gaps import Gaps
from crampstudy.simulate.corruption.participant_rows import first_night, index_of

_KEY = ("participant_id", "date")
_NEVER = 10.0**9


@dataclass(frozen=True, slots=True)
class DiaryNights:
    """Nights in the order of a diary's rows: whose (index of the participant), which, and whether with a cramp.

    ``date`` counts days from 1970-01-01, ``night`` from the person's first one.
    """

    person: Integers
    date: Integers
    night: Integers
    cramp: Flags


@dataclass(frozen=True, slots=True)
class ObservedNights:
    """What is seen of the nights: per participant the chance of logging, a paper diary, the first night after the end.

    Per night: logged in time, filled in later, and whether it has a row; without one and without an entry it is lost.
    """

    adherence: Floats
    paper: Flags
    dropout: Integers
    timely: Flags
    filled: Flags
    row: Flags
    ended: Flags


@dataclass(frozen=True, slots=True)
class Thinned:
    """Tables with gaps; ``kept`` has the former row numbers of the tables that lost rows.

    ``participants`` has a row per participant, ``filled`` one per night filled in later with its true and reported
    count.
    """

    tables: Mapping[str, pl.DataFrame]
    kept: Mapping[str, Integers]
    participants: pl.DataFrame
    filled: pl.DataFrame


def nights_of(people: pl.DataFrame, diary: pl.DataFrame) -> DiaryNights:
    """Return the nights of a diary as arrays; its rows may be in any order."""
    person = index_of(people, diary)
    date = diary["date"].to_physical().cast(pl.Int64).to_numpy()
    first = first_night(person, date, people.height)
    return DiaryNights(person, date, date - first[person], (diary["cramps"].fill_null(0) > 0).to_numpy())


def observe(gaps: Gaps, nights: DiaryNights, participants: int, rng: np.random.Generator) -> ObservedNights:
    """Draw what is seen of every night; each part has a generator of its own, so that none moves another."""
    persons, kind, on_paper, days, rows, ends, fills = rng.spawn(7)
    paper = kind.random(participants) < gaps.paper_share
    concentration = gaps.adherence_concentration
    adherence = np.where(
        paper,
        _draw_betas(gaps.paper_adherence_mean, concentration, on_paper, participants),
        _draw_betas(gaps.adherence_mean, concentration, persons, participants),
    )
    wait = np.full(participants, _NEVER)
    if gaps.dropout_per_night > 0:
        # Geometric by its inverse, so that a higher hazard ends the same diaries sooner.
        hazard = max(-np.log1p(-gaps.dropout_per_night), 1e-300)
        wait = np.minimum(-np.log1p(-ends.random(participants)) / hazard, _NEVER)
    dropout = 1 + wait.astype(np.int64)
    ended = nights.night >= dropout[nights.person]
    timely = days.random(len(nights.person)) < _logging_probabilities(gaps, adherence, nights)
    timely |= nights.night == 0
    timely &= ~ended
    missed = ~timely & ~ended
    row = timely | (missed & (rows.random(len(missed)) >= gaps.no_row_share))
    filled = np.zeros_like(timely)
    if paper.any():
        filled = missed & paper[nights.person] & (fills.random(len(missed)) < gaps.backfill_share)
    return ObservedNights(adherence, paper, dropout, timely, filled, row | filled, ended)


def _draw_betas(mean: float, concentration: float, rng: np.random.Generator, n: int) -> Floats:
    if mean == 1:
        return np.ones(n)
    return rng.beta(mean * concentration, (1 - mean) * concentration, n).clip(1e-9, 1 - 1e-9)


def _logging_probabilities(gaps: Gaps, adherence: Floats, nights: DiaryNights) -> Floats:
    """Return the chance of every night, looked up among the eight that each person has."""
    later, weekend, cramp = ((np.arange(8) >> bit) & 1 for bit in range(3))
    shifts = np.exp(gaps.decay_log_odds * later + gaps.weekend_log_odds * weekend + gaps.cramp_log_odds * cramp)
    odds = adherence[:, None] * shifts
    of_person = odds / (1 - adherence[:, None] + odds)
    case = (nights.night >= gaps.decay_after_nights) + 2 * is_weekend(nights.date) + 4 * nights.cramp
    return np.asarray(of_person.ravel()[8 * nights.person + case], dtype=np.float64)


def thin(tables: Mapping[str, pl.DataFrame], gaps: Gaps, rng: np.random.Generator) -> Thinned:
    """Take the nights out of a diary that are not logged, and their episodes; treatments and labs stay.

    A night that its tables had as not made stays so. A missing night has no row, or one with ``entry_made`` false and
    nothing else. A night filled in later has the person's typical values (:func:`typical_nights`) and no episodes.
    """
    people, diary = tables["participants"], tables["diary"]
    nights = nights_of(people, diary)
    seen = observe(gaps, nights, people.height, rng)
    made = np.ones(diary.height, dtype=np.bool_)
    if "entry_made" in diary.columns:
        made = diary["entry_made"].fill_null(value=True).to_numpy()
    timely = seen.timely & made
    # Without a night of their own nobody has a typical one.
    filled = seen.filled & made & (np.bincount(nights.person, timely, people.height) > 0)[nights.person]
    rows = np.where(made, seen.row & (timely | filled | ~seen.filled), ~seen.ended)
    true = diary["cramps"].fill_null(0).to_numpy()
    reported = np.where(timely, true, 0)
    thinned, kept = dict(tables), {}
    if not timely[made].all() or not rows.all():
        thinned["diary"], told = _diary(diary, timely, filled, rows)
        kept["diary"] = np.flatnonzero(rows)
        reported[filled] = told
        if "episodes" in tables:
            lost = diary.select(_KEY).filter(pl.Series(made & ~timely))
            left = tables["episodes"].with_row_index("__row").join(lost, on=_KEY, how="anti", maintain_order="left")
            kept["episodes"] = left["__row"].to_numpy().astype(np.int64)
            thinned["episodes"] = left.drop("__row")
    back = diary.select(*_KEY, "cramps").filter(pl.Series(filled)).with_columns(reported=pl.Series(reported[filled]))
    counts = {
        "nights": np.ones_like(true),
        "logged": timely,
        "back_filled": filled,
        "entry_not_made": rows & ~timely & ~filled,
        "without_row": ~rows & ~seen.ended,
        "after_dropout": seen.ended,
        "cramps": true,
        "cramps_reported": reported,
    }
    return Thinned(thinned, kept, _of_participants(people, nights, seen, counts), back)


def _of_participants(
    people: pl.DataFrame, nights: DiaryNights, seen: ObservedNights, counts: Mapping[str, Column]
) -> pl.DataFrame:
    """Return what happened to each participant's diary, with the sums of ``counts``."""
    record = people.select("participant_id").with_columns(
        pl.Series("adherence", seen.adherence),
        pl.Series("paper", seen.paper),
        pl.Series("dropout_night", seen.dropout),
        *(pl.Series(k, np.bincount(nights.person, v, people.height).astype(np.int64)) for k, v in counts.items()),
    )
    # A diary that would have ended after its last night has not.
    return record.with_columns(pl.when(pl.col("after_dropout") > 0).then("dropout_night"))


def _diary(diary: pl.DataFrame, timely: Flags, filled: Flags, rows: Flags) -> tuple[pl.DataFrame, Integers]:
    """Return the diary with its gaps, and the counts that were filled in."""
    cells = [name for name in diary.columns if name not in (*_KEY, "entry_made")]
    marked = diary.with_columns(pl.Series("entry_made", timely | filled))
    if not filled.any():
        left = marked.filter(pl.Series(rows))
        return left.with_columns(pl.when("entry_made").then(name).alias(name) for name in cells), np.empty(0, np.int64)
    late = marked.filter(pl.Series(filled))
    on_paper = diary["participant_id"].is_in(late["participant_id"].unique().implode())
    own = typical_nights(diary.filter(pl.Series(timely) & on_paper).select("participant_id", *cells))
    late = late.select(*_KEY, "entry_made").join(own, on="participant_id", how="left", maintain_order="left")
    others = rows & ~filled
    left = marked.filter(pl.Series(others)).with_columns(pl.when("entry_made").then(name).alias(name) for name in cells)
    order = np.argsort(np.concatenate([np.flatnonzero(others), np.flatnonzero(filled)]))
    return pl.concat([left, late.select(left.columns)])[order], late["cramps"].fill_null(0).to_numpy()


def typical_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """Return each participant's typical night: in every column the median, the lower of two, missing cells lowest.

    So the night holds together as the person's nights do: what is never above another column is not here either.
    """
    middle = pl.exclude("participant_id").sort(nulls_last=False).get((pl.len() - 1) // 2)
    return nights.group_by("participant_id", maintain_order=True).agg(middle)
