"""Cohorts of one kind as one, so that a model can hold them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from crampstudy.codebook import COMPONENTS, Component
from crampstudy.cohort.checks import Kind
from crampstudy.cohort.frozen import Cohort
from crampstudy.cohort.survey_design import SurveyDesign
from crampstudy.errors import UsageError

COHORT = "cohort"
"""The column of the participants that says of which cohort they are."""
_APART = "/"
_MOST_STRATA = 100_000
_POOLED = "pooled_"
"""How the names of a design's columns begin that surveys have copied under one name."""


def pooled(cohorts: Sequence[Cohort]) -> Cohort:
    """Return cohorts as one, whose participants have their cohort's name in the column ``cohort``.

    The same identifier in two cohorts is two people: identifiers are those of ``cohort/identifier``. Strata of surveys
    are apart as well; their weights stay as they are, so that each stands for its own population.

    Where the columns of surveys' designs have other names, they are copied under names of all; of components only
    those have a weight that all have one for.

    Raises:
        UsageError: they are not two or more of one kind with different names, one has a column ``cohort`` of another
            meaning, or no component of surveys has a weight in all of them.
    """
    names = [cohort.name for cohort in cohorts]
    if len(cohorts) < 2 or len(set(names)) < len(names):
        raise UsageError(f"two or more cohorts of different names can be pooled, got {', '.join(names) or 'none'}")
    kinds: set[Kind] = {cohort.kind for cohort in cohorts}
    if len(kinds) > 1:
        listed = ", ".join(f"{cohort.name} is a {cohort.kind}" for cohort in cohorts)
        raise UsageError(f"cohorts of one kind can be pooled; {listed}")
    cohorts = _of_one_design(cohorts)
    tables: dict[str, pl.DataFrame] = {}
    for name in dict.fromkeys(name for cohort in cohorts for name in cohort.tables):
        parts = [_marked(i, cohort, name) for i, cohort in enumerate(cohorts) if name in cohort.tables]
        tables[name] = pl.concat(parts, how="diagonal_relaxed")
    dates = [cohort.as_of for cohort in cohorts if cohort.as_of]
    latest: date | None = max(dates) if dates else None
    together = " and ".join(names)
    synthetic = any(cohort.synthetic for cohort in cohorts)
    return Cohort(together, kinds.pop(), tables, design=_design(cohorts), as_of=latest, synthetic=synthetic)


def _marked(position: int, cohort: Cohort, table: str) -> pl.DataFrame:
    frame = cohort.tables[table]
    apart = pl.format("{}" + _APART + "{}", pl.lit(cohort.name), pl.col("participant_id")).alias("participant_id")
    if table != "participants":
        return frame.with_columns(apart)
    if COHORT in frame.columns:
        raise UsageError(f"{cohort.name} has a column {COHORT!r} of its own; rename it")
    made = frame.with_columns(apart, pl.lit(cohort.name).alias(COHORT))
    if cohort.design is None:
        return made
    stratum = cohort.design.stratum
    return made.with_columns(pl.col(stratum).rank("dense").cast(frame[stratum].dtype) + position * _MOST_STRATA)


def _of_one_design(cohorts: Sequence[Cohort]) -> Sequence[Cohort]:
    """Return surveys whose designs name the same columns; others as they are."""
    designs = [cohort.design for cohort in cohorts if cohort.design is not None]
    if len({(*sorted(each.weights.items()), each.stratum, each.psu) for each in designs}) < 2:
        return cohorts
    shared = [component for component in COMPONENTS if all(component in each.weights for each in designs)]
    if not shared:
        listed = "; ".join(
            f"{cohort.name} has {', '.join(design.weights) or 'none'}"
            for cohort, design in zip(cohorts, designs, strict=True)
        )
        raise UsageError(f"no component has a weight in all of these surveys: {listed}; compare them without a model")
    return [_renamed(cohort, design, shared) for cohort, design in zip(cohorts, designs, strict=True)]


def _renamed(cohort: Cohort, design: SurveyDesign, components: Sequence[Component]) -> Cohort:
    """Return a survey with the columns of its design also under names that are the same in all."""
    weights = {component: f"{_POOLED}weight_{component}" for component in components}
    people = cohort.tables["participants"]
    # Codes of strata and units are compared within a survey alone.
    codes = {
        f"{_POOLED}{what}": people[column].rank("dense").cast(pl.Int64)
        for what, column in (("stratum", design.stratum), ("psu", design.psu))
    }
    made = people.with_columns(
        *(pl.col(design.weights[component]).cast(pl.Float64).alias(name) for component, name in weights.items()),
        *(code.alias(name) for name, code in codes.items()),
    )
    renamed = SurveyDesign(design.cycles, weights, f"{_POOLED}stratum", f"{_POOLED}psu", design.top_coded_age)
    return replace(cohort, tables={**cohort.tables, "participants": made}, design=renamed)


def _design(cohorts: Sequence[Cohort]) -> SurveyDesign | None:
    designs = [cohort.design for cohort in cohorts if cohort.design is not None]
    if not designs:
        return None
    first = designs[0]
    cycles = tuple(cycle for design in designs for cycle in design.cycles)
    # From the lowest age at which one of them is top-coded the ages of all are only known to be as high.
    top = min((design.top_coded_age for design in designs if design.top_coded_age is not None), default=None)
    return SurveyDesign(cycles, first.weights, first.stratum, first.psu, top)
