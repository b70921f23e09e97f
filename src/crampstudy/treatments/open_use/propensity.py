"""What was measured of people before their time zero, and what of it the chance of treatment rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.arrays import Array
from crampstudy.causal import adjustment_set, measured_in, study
from crampstudy.causal.graph import source, together
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import Sufficiency, differing
from crampstudy.estimates.treatments import MEAN_BEFORE, RUN_IN_RATE
from crampstudy.nights import beside
from crampstudy.nights import people as participants
from crampstudy.treatments.time_zero import TimeZero

FIRST = ("age_years", "sex", RUN_IN_RATE)
"""The covariates of the first row."""
_KEPT_OUT = frozenset({"key", "design", "treatment"})
_SAID_AGAIN = frozenset({"birth_year", "recalled_high"})
"""What another column says as well: the age, and the class that ``recalled_low`` begins."""
_TYPES = ("number", "integer", "boolean", "level")


def measured_before(cohort: Cohort, zero: TimeZero) -> pl.DataFrame:
    """Return what was measured of the compared participants, a row each in their order: ``run_in_log_rate`` first.

    Beside the columns of the participants these are the means of nightly exposures over the nights before time zero,
    as ``between(name)``. Columns without any value, or with the same of all, are left out.
    """
    compared = zero.compared
    who = participants(cohort)
    own = [
        v.name
        for v in codebook.variables("participants")
        if v.name in who.columns and v.domain not in _KEPT_OUT and v.type in _TYPES and v.name not in _SAID_AGAIN
    ]
    nightly = [
        v.name
        for v in codebook.variables("diary")
        if v.name in cohort.frame("diary").columns
        and v.domain not in _KEPT_OUT
        and v.type in ("number", "integer", "boolean")
        and v.name not in ("cramps", "entry_made")
    ]
    diary = cohort.frame("diary")
    when = beside(diary.select("participant_id", "date"), compared.select("participant_id", "time_zero"))
    earlier = when.select((pl.col("date") < pl.col("time_zero")).fill_null(value=False)).to_series()
    before = (
        diary.select("participant_id", *nightly)
        .filter(earlier)
        .group_by("participant_id", maintain_order=True)
        .agg(pl.col(name).cast(pl.Float64).mean().alias(f"{MEAN_BEFORE}{name})") for name in nightly)
    )
    found = (
        compared.select("participant_id", RUN_IN_RATE)
        .join(who.select("participant_id", *own), on="participant_id", how="left", maintain_order="left")
        .join(before, on="participant_id", how="left", maintain_order="left")
        .drop("participant_id")
    )
    # The rate stays where all have the same, so that people in whom nothing differs are not lost.
    return found.select(
        column for column in found.iter_columns() if column.name == RUN_IN_RATE or column.drop_nulls().n_unique() > 1
    )


def graph_set(cohort: Cohort, exposure: str, measured: pl.DataFrame) -> tuple[Sufficiency, tuple[str, ...]] | None:
    """Return what the causal graph says of adjusting a treatment, and the columns of ``measured`` that it asks for.

    The cramps of earlier nights are the rate before time zero, other nightly columns their means before it. ``None``
    where the graph does not know the treatment.
    """
    if not study().shown_by(exposure):
        return None
    found = differing(cohort, adjustment_set(exposure, "cramps", measured_in(cohort)))
    shown = [[_shown(source(one), measured) for one in together(column)] for column in found.columns]
    held = Sufficiency.of(replace(found, columns=tuple(" + ".join(each) for each in shown)))
    names = dict.fromkeys(name for each in shown for name in each if name in measured.columns)
    return held, tuple(names)


def _shown(name: str, measured: pl.DataFrame) -> str:
    if name == "cramps":
        return RUN_IN_RATE
    return name if name in measured.columns else f"{MEAN_BEFORE}{name})"


@dataclass(frozen=True, slots=True)
class Covariates:
    """A ``matrix`` (n x k) of an intercept and covariates of the participants who have a value of each (``known``).

    A number is one column in standard deviations, a level all but its first. ``names`` are the covariates that differ
    among them, ``asked`` all that they have a value of; ``of_columns`` says of which each column is, empty of the
    intercept.
    """

    names: tuple[str, ...]
    asked: tuple[str, ...]
    matrix: Array
    known: pl.Series
    of_columns: tuple[str, ...]

    @classmethod
    def of(cls, measured: pl.DataFrame, names: Sequence[str]) -> Covariates:
        """Return those of ``names`` that were measured and differ among those who have a value of each."""
        used = [name for name in names if name in measured.columns]
        known = measured.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_not_null() for n in used)))
        inside = known.to_series()
        frame = measured.select(used).filter(inside)
        columns = {name: list(_columns(frame[name])) for name in used}
        matrix = np.column_stack([np.ones(frame.height), *chain.from_iterable(columns.values())])
        owners = ("", *(name for name in used for _ in columns[name]))
        return cls(tuple(name for name in used if columns[name]), tuple(used), matrix, inside, owners)


def _columns(values: pl.Series) -> Iterator[Array]:
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).to_numpy()
        spread = float(numbers.std()) if len(numbers) else 0.0
        if spread > 0:
            yield (numbers - numbers.mean()) / spread
        return
    texts = values.cast(pl.String)
    for level in sorted(texts.unique())[1:]:
        yield (texts == level).to_numpy().astype(np.float64)
