"""What is odd though it is possible: it is said, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.cleaning import unit_error
from crampstudy.cleaning.raw import ROW, Violation, worded
from crampstudy.cleaning.rule import Frames, View
from crampstudy.cleaning.searches.keys import form
from crampstudy.codebook import Variable, units

FEWEST = 3
"""Usual cells that a person must have in a column before another cell is held against their median."""
_TALLY = pl.Schema({"column": pl.String(), "cell": pl.Float64(), "n": pl.Int64()})
_STEP = 3
"""A low value is in line with the next higher one where that is no more than so many times as high."""
_LIKE = pl.Schema({"column": pl.String(), ROW: pl.UInt32(), "cell": pl.Float64(), "hint": pl.String()})
_ALONE = pl.Schema({"column": pl.String(), ROW: pl.UInt32(), "cell": pl.Float64()})


def unusual(view: View) -> list[Violation]:
    """Cells outside the usual limits that look like another unit, or like a jump from the person's own median."""
    frame = view.rows
    asked = [(v, odd) for v in view.present if (odd := unit_error.outside_usual(v)) is not None]
    flags = frame.select(_any_odd(v).alias(v.name) for v, _ in asked).row(0) if asked else ()
    found = []
    persons: NDArray[np.uint32] | None = None
    for (v, odd), flag in zip(asked, flags, strict=True):
        if not flag:
            continue
        if view.table != "diary":
            found += _slipped(frame.select(ROW, v.name).filter(odd), v, None)
            continue
        # What looks like another unit in a diary is held against everybody as well, of all of its parts.
        if v.jump is not None:
            persons = _persons(frame["participant_id"]) if persons is None else persons
            found += _jumps(_with_own_median(frame, frame.select(pl.arg_where(odd)).to_series(), persons, v), v)
    return found


def _persons(identifiers: pl.Series) -> NDArray[np.uint32]:
    """Return a number for each identifier, the same for the same one."""
    runs = identifiers.rle().struct.unnest()
    return np.repeat(runs["value"].rank("dense").to_numpy().astype(np.uint32), runs["len"].to_numpy())


def _any_odd(v: Variable) -> pl.Expr:
    """Return whether a whole column has a cell outside its usual limits, 0 apart: the highest and the others tell."""
    column = pl.col(v.name)
    return (column.max() > v.usual_maximum) | ((column != 0) & (column < v.usual_minimum)).any()


def _slipped(rows: pl.DataFrame, v: Variable, medians: pl.Series | None) -> list[Violation]:
    looks = unit_error.hints(v, rows[v.name], medians)
    told = looks.is_not_null()
    return [Violation(rows[ROW].filter(told), v.name, "unit-slip", "warn", looks.filter(told))] if told.any() else []


def _with_own_median(frame: pl.DataFrame, at: pl.Series, persons: NDArray[np.uint32], v: Variable) -> pl.DataFrame:
    """Return the cells in the rows ``at`` with the ``median`` of the same person's usual ones, null of hardly any."""
    concerned = np.zeros(int(persons.max()) + 1, dtype=bool)
    concerned[persons[at.to_numpy()]] = True
    (theirs,) = np.nonzero(concerned[persons])
    cells = pl.DataFrame({"person": persons[theirs], v.name: frame[v.name].gather(theirs)})
    usual = cells.lazy().filter(_is_usual(v.name, v))
    median = pl.col(v.name).median()
    own = usual.group_by("person").agg(median=median, n=pl.len()).filter(pl.col("n") >= FEWEST)
    rows = frame.select(pl.col(ROW, v.name).gather(at)).with_columns(person=persons[at.to_numpy()])
    return rows.join(own.collect(), on="person", how="left", maintain_order="left")


def _jumps(rows: pl.DataFrame, v: Variable) -> list[Violation]:
    """Return which cells are far from the median of their person, and look like no other unit."""
    far = rows.with_columns(away=(pl.col(v.name) - pl.col("median")).abs()).filter(pl.col("away") > v.jump)
    if far.is_empty():
        return []
    far = far.filter(unit_error.hints(v, far[v.name], far["median"]).is_null())
    hint = pl.format(
        f"{{}} {v.unit or ''} away from the person's own median: kept, look at it", pl.col("away").round(1)
    )
    return [Violation(far[ROW], v.name, "jump", "warn", worded(far, hint))] if far.height else []


def low_cells(view: View) -> pl.DataFrame:
    """Return how often (``n``) each low ``cell`` stands in each ``column``: below the usual limit, or just inside."""
    found = [_TALLY.to_frame()]
    for v in _in_units(view):
        if v.usual_minimum is None or v.usual_minimum <= 0:
            continue
        cell = view.rows.lazy().select(cell=pl.col(v.name).cast(pl.Float64))
        low = cell.filter((pl.col("cell") > 0) & (pl.col("cell") < 2 * v.usual_minimum))
        counted = low.group_by("cell").agg(n=pl.len().cast(pl.Int64))
        found.append(counted.select(pl.lit(v.name).alias("column"), pl.all()).collect())
    return pl.concat(found)


def _unusual_cells(view: View) -> Iterator[tuple[Variable, pl.Series, NDArray[np.uint32]]]:
    """Yield the variables with unusual cells, the rows these are in, and the person of each row as a number."""
    persons: NDArray[np.uint32] | None = None
    for v in _in_units(view):
        odd = unit_error.outside_usual(v)
        if odd is None or not view.rows.select(_any_odd(v)).item():
            continue
        persons = _persons(view.rows["participant_id"]) if persons is None else persons
        yield v, view.rows.select(pl.arg_where(odd)).to_series(), persons


def unlike_own_median(view: View) -> pl.DataFrame:
    """Return the cells, by ``column``, that look like another unit by the median of their person, with the ``hint``."""
    found = [_LIKE.to_frame()]
    for v, at, persons in _unusual_cells(view):
        rows = _with_own_median(view.rows, at, persons, v)
        looks = rows.with_columns(hint=unit_error.hints(v, rows[v.name], rows["median"])).drop_nulls("hint")
        cell = pl.col(v.name).cast(pl.Float64).alias("cell")
        found.append(looks.select(pl.lit(v.name).alias("column"), ROW, cell, "hint"))
    return pl.concat(found)


def apart(tallies: pl.DataFrame, rows: pl.DataFrame) -> list[Violation]:
    """Return which of the ``rows`` look like another unit, but for low cells in line with everybody's usual ones."""
    found = []
    columns = set(rows["column"])
    for v in (v for v in codebook.variables("diary") if v.name in columns):
        own, known = (each.filter(pl.col("column") == v.name) for each in (rows, tallies))
        slips = own.filter(~pl.col("cell").is_in(_in_line(known, v).implode()))
        if slips.height:
            found.append(Violation(slips[ROW], v.name, "unit-slip", "warn", slips["hint"]))
    return found


def _in_line(tallies: pl.DataFrame, v: Variable) -> pl.Series:
    """Return the cells below the usual limit to which those above it lead down step by step, becoming fewer.

    A minute of exercise is no hour of it where others exercised for two, three and five minutes.
    """
    none = pl.Series([], dtype=pl.Float64)
    if tallies.is_empty():
        return none
    counts = tallies.group_by("cell").agg(pl.col("n").sum()).sort("cell", descending=True)
    usual = counts.filter(pl.col("cell") >= v.usual_minimum)
    below = counts.filter(pl.col("cell") < v.usual_minimum)
    if below["n"].sum() > usual["n"].sum():
        return none
    whole = (usual["cell"] % 1 == 0).all()
    stepwise = counts.filter((pl.col("cell") % 1 == 0) | pl.lit(not whole))["cell"]
    near = stepwise.shift(1).fill_null(v.usual_minimum) <= _STEP * stepwise
    return stepwise.filter(near.cum_min().cast(pl.Boolean) & (stepwise < v.usual_minimum))


def usual_cells(view: View) -> pl.DataFrame:
    """Return how often (``n``) each usual ``cell`` stands in each ``column`` whose numbers may be in another unit."""
    found = [_TALLY.to_frame()]
    for v in _in_units(view):
        usual = view.rows.lazy().select(cell=pl.col(v.name).cast(pl.Float64)).filter(_is_usual("cell", v))
        counted = usual.group_by("cell").agg(n=pl.len().cast(pl.Int64))
        found.append(counted.select(pl.lit(v.name).alias("column"), pl.all()).collect())
    return pl.concat(found)


def without_own_median(view: View) -> pl.DataFrame:
    """Return the unusual cells, by ``column``, of who has too few usual ones for a median to hold them against.

    A whole diary in another unit has no median of its own.
    """
    found = [_ALONE.to_frame()]
    for v, at, persons in _unusual_cells(view):
        usual = view.rows.select(_is_usual(v.name, v).fill_null(value=False)).to_series().to_numpy()
        n = np.bincount(persons[usual], minlength=int(persons.max()) + 1)
        rows = view.rows.select(pl.col(ROW, v.name).gather(at.filter(n[persons[at.to_numpy()]] < FEWEST)))
        found.append(rows.select(pl.lit(v.name).alias("column"), ROW, cell=pl.col(v.name).cast(pl.Float64)))
    return pl.concat(found)


def against_everybody(tallies: pl.DataFrame, rows: pl.DataFrame) -> list[Violation]:
    """Return which of the ``rows`` look like another unit, held against the median of everybody's usual cells."""
    found = []
    columns = set(rows["column"])
    for v in (v for v in codebook.variables("diary") if v.name in columns):
        own = rows.filter(pl.col("column") == v.name).select(ROW, pl.col("cell").alias(v.name))
        usual = tallies.filter(pl.col("column") == v.name)
        if usual.is_empty():
            # Where nobody has a usual cell they may all be in another unit, and the usual limits alone tell.
            found += _slipped(own, v, None)
        elif (median := _median(usual)) is not None:
            found += _slipped(own, v, pl.repeat(median, own.height, dtype=pl.Float64, eager=True))
    return found


def _in_units(view: View) -> list[Variable]:
    """Return the columns whose unusual numbers may be in another unit."""
    return [v for v in view.present if v.usual_maximum is not None and units.slips(v)]


def _is_usual(column: str, v: Variable) -> pl.Expr:
    return pl.col(column).is_between(v.usual_minimum, v.usual_maximum)


def _median(tallies: pl.DataFrame) -> float | None:
    """Return the median of cells that were counted, ``None`` of too few."""
    counts = tallies.group_by("cell").agg(pl.col("n").sum()).sort("cell").with_columns(until=pl.col("n").cum_sum())
    n = int(counts["n"].sum())
    if n < FEWEST:
        return None
    low, high = (counts["cell"][int(counts["until"].search_sorted(i + 1))] for i in ((n - 1) // 2, n // 2))
    return float(low + high) / 2


def similar_identifiers(view: View) -> list[Violation]:
    """Participants whose identifiers differ only in case, spaces, hyphens or leading zeros."""
    frame = view.rows
    identifiers = frame.select(ROW, "participant_id", form=form(frame["participant_id"]))
    rows = identifiers.filter(pl.col("form").is_duplicated())[ROW]
    hint = "another participant has nearly this identifier: are they one person?"
    return [Violation(rows, "participant_id", "similar-identifier", "warn", hint)] if len(rows) else []


def age_against_birth_year(frames: Frames) -> list[Violation]:
    """Participants whose age at their first night is not what their year of birth makes it, give or take a year."""
    people, diary = frames["participants"], frames["diary"]
    # Grouping copies all columns of a table that stands in parts.
    nights = diary.select("participant_id", "date")
    first = nights.group_by("participant_id").agg(first=pl.col("date").min().dt.year())
    turning = pl.col("first") - pl.col("birth_year")
    joined = people.join(first, on="participant_id", maintain_order="left")
    # In the year of the nth birthday one is n - 1 or n; a top-coded or rounded age may be off by one more.
    off = joined.filter((turning - pl.col("age_years").floor()).is_between(-1, 2).not_())
    hint = pl.format("born in that year, the participant turns {} in the year of the first night", turning)
    return [Violation(off[ROW], "age_years", "age-against-birth-year", "warn", worded(off, hint))] if off.height else []


def first_nights(frames: Frames) -> pl.DataFrame:
    """Return the first night of each participant."""
    night = ["participant_id", "date"]
    first = frames["diary"].group_by("participant_id", maintain_order=True).agg(pl.col("date").min())
    return frames["diary"].join(first, on=night, how="semi")


def nights_of_episodes(frames: Frames) -> pl.DataFrame:
    """Return the nights of the diary that have an episode."""
    return frames["diary"].join(frames["episodes"], on=["participant_id", "date"], how="semi")


def episodes_against_count(frames: Frames) -> list[Violation]:
    """Nights whose episodes are fewer or more than the diary counts; a night without episodes says nothing."""
    night = ["participant_id", "date"]
    counted = frames["episodes"].group_by(night).agg(pl.len(), pl.col(ROW).min())
    # The index of a join is as large as the table on its right, and nights are many more than those with episodes.
    logged = frames["diary"].select(*night, "cramps").join(counted.select(night), on=night, how="semi")
    nights = counted.join(logged, on=night, how="left")
    rows = nights.filter(~pl.col("len").eq_missing(pl.col("cramps")))[ROW].sort()
    hint = "the diary counts another number of cramps in this night, or none: both are kept, correct one of them"
    return [Violation(rows, "episode", "episodes-against-count", "warn", hint)] if len(rows) else []
