"""The population that shares of classes are standardised to: a survey's people, given cells, or the diary's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.descriptive.class_windows import EVERYBODY
from crampstudy.errors import UsageError
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.nights.solution import Solution
from crampstudy.nights import Diary, people


@dataclass(frozen=True, slots=True)
class ClassPopulation:
    """Cells (c) of a population: the values of the model's variables, the group and the weight of each."""

    cells: pl.DataFrame
    weight: Array
    group: tuple[str, ...]
    about: str

    def values(self) -> pd.DataFrame:
        """Return the cells' values, a row each even where the model has no variable."""
        return pd.DataFrame(
            {name: self.cells[name].to_list() for name in self.cells.columns}, index=range(len(self.group))
        )


def population(
    solution: Solution,
    own: pl.DataFrame,
    standard: Cohort | pd.DataFrame | None,
    by: str | None,
    where: str | None,
    bands: AgeBands,
) -> ClassPopulation:
    """Return the cells of the population over which the shares that a model implies are averaged.

    Args:
        solution: the model, whose variables tell the cells apart.
        own: the diary's participants in the model.
        standard: a survey, a table of cells, or ``None`` for the diary's own participants.
        by: the variable by whose levels the shares are given.
        where: condition that names a part of a survey.
        bands: age bands behind ``age_band``.

    Raises:
        UsageError: the standard lacks a variable, or nobody in it is complete.
    """
    if standard is None:
        frame, about = own.with_columns(_weight=pl.lit(1.0)), "the diary's own participants"
    elif isinstance(standard, Cohort):
        frame, about = _of_survey(standard, where, bands)
    else:
        frame, about = _of_cells(standard, bands), "the shares given"
    names = list(solution.design.variables)
    needs = [*names, *([by] if by else [])]
    known = [name for name in frame.columns if not frame[name].is_null().all()]
    if absent := [name for name in needs if name not in known]:
        raise UsageError(f"the standard population has no {absent[0]!r}; it has {', '.join(known)}")
    complete = frame.drop_nulls(needs)
    if not complete.height:
        raise UsageError(f"nobody in the standard population is complete on {', '.join(needs)}")
    label = pl.lit(EVERYBODY) if by is None else pl.col(by).cast(pl.String)
    cells = (
        complete.with_columns(_group=label)
        .group_by(*names, "_group")
        .agg(pl.col("_weight").sum())
        .sort("_group", *names)
    )
    return ClassPopulation(
        cells.select(names), cells["_weight"].to_numpy(), tuple(cells["_group"]), f"standardised to {about}"
    )


def _of_survey(standard: Cohort, where: str | None, bands: AgeBands) -> tuple[pl.DataFrame, str]:
    if standard.kind != "survey" or standard.design is None:
        raise UsageError(f"{standard.name} is a {standard.kind} without a sampling design; a standard is a survey")
    frame = people(standard, bands)
    weight = recalled_outcomes.weight_for(standard.design, ("age_years", "sex", "recalled_class"))
    if weight not in frame.columns:
        raise UsageError(f"{standard.name} has no weight {weight!r}")
    inside = subpopulation.select(frame, where).inside & (frame[weight].fill_null(0.0) > 0)
    inside = inside & pl.Series(np.isfinite(recalled_outcomes.classes(frame)))
    return frame.filter(inside).with_columns(_weight=pl.col(weight)), f"{standard.name}, weight {weight}"


def _of_cells(standard: pd.DataFrame, bands: AgeBands) -> pl.DataFrame:
    if "share" not in standard.columns or "age_years" not in standard.columns:
        raise UsageError("a table of cells has the columns age_years and share, and the other variables of the terms")
    shares = standard["share"].to_numpy(dtype=float)
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise UsageError("the shares of the cells are numbers of at least 0, and one is above 0")
    frame = pl.DataFrame({str(name): standard[name].to_list() for name in standard.columns if name != "share"})
    cells = Diary("cells", frame, pl.LazyFrame())
    return people(cells, bands).with_columns(_weight=pl.Series(shares)).filter(pl.col("_weight") > 0)
