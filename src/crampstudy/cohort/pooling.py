"""Cohorts of one kind as one, so that a model can hold them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from crampstudy.cohort.checks import Kind
from crampstudy.cohort.frozen import Cohort
from crampstudy.cohort.survey_design import SurveyDesign
from crampstudy.errors import UsageError

COHORT = "cohort"
"""The column of the participants that says of which cohort they are."""
_APART = "/"
_MOST_STRATA = 100_000


def pooled(cohorts: Sequence[Cohort]) -> Cohort:
    """Return cohorts as one, whose participants have their cohort's name in the column ``cohort``.

    The same identifier in two cohorts is two people: identifiers are those of ``cohort/identifier``. Strata of surveys
    are apart as well; their weights stay as they are, so that each stands for its own population.

    Raises:
        UsageError: they are not two or more of one kind with different names, one has a column ``cohort`` of another
            meaning, or the designs of surveys name other columns.
    """
    names = [cohort.name for cohort in cohorts]
    if len(cohorts) < 2 or len(set(names)) < len(names):
        raise UsageError(f"two or more cohorts of different names can be pooled, got {', '.join(names) or 'none'}")
    kinds: set[Kind] = {cohort.kind for cohort in cohorts}
    if len(kinds) > 1:
        listed = ", ".join(f"{cohort.name} is a {cohort.kind}" for cohort in cohorts)
        raise UsageError(f"cohorts of one kind can be pooled; {listed}")
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


def _design(cohorts: Sequence[Cohort]) -> SurveyDesign | None:
    designs = [cohort.design for cohort in cohorts if cohort.design is not None]
    if not designs:
        return None
    first = designs[0]
    for cohort, design in zip(cohorts, designs, strict=True):
        if (dict(design.weights), design.stratum, design.psu) != (dict(first.weights), first.stratum, first.psu):
            raise UsageError(f"the weights or the design of {cohort.name} have other names than {cohorts[0].name}'s")
    cycles = tuple(cycle for design in designs for cycle in design.cycles)
    # From the lowest age at which one of them is top-coded the ages of all are only known to be as high.
    top = min((design.top_coded_age for design in designs if design.top_coded_age is not None), default=None)
    return SurveyDesign(cycles, first.weights, first.stratum, first.psu, top)
