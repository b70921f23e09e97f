"""How high the exposures of participants are, and how many participants lie below a limit of low."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook, estimates
from crampstudy.arrays import Array, Flags
from crampstudy.cleaning.unit_error import slips_of
from crampstudy.codebook.laboratory import reference_range
from crampstudy.cohort import Cohort, SurveyDesign, subpopulation
from crampstudy.descriptive.characteristics import moments
from crampstudy.errors import NoWeight
from crampstudy.estimates import FEWEST, kinds, note
from crampstudy.estimates.absent import absent_row
from crampstudy.models.coefficients import in_another_unit
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.inference.proportion import wilson
from crampstudy.models.surveys.domain_means import boundary_interval, domain_means, logit_interval, lonely_note
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.nights import people
from crampstudy.nights.person_moments import moments_of

Row = dict[str, Any]
_Seen = tuple[Array, Array, Flags]
"""Values or their weights of each participant (n), and who has one."""


def levels(cohort: Cohort, names: Sequence[str], *, where: str | None = None, ci_level: float = 0.95) -> pd.DataFrame:
    """Return mean and standard deviation of numbers over the participants, and of laboratory values the share too low.

    A nightly number is taken as the mean over a participant's logged nights. Low is below the limit of deficiency of
    :mod:`crampstudy.codebook.laboratory`, or below the reference range where no such limit is declared. The interval of
    a share is Wilson's; in a survey all is weighted by the component of the variable and the interval is a logit one
    on the degrees of freedom of the design. Where more than a few values look like another unit, the share could not be
    estimated.

    Args:
        cohort: a diary or a survey.
        names: numbers of the participants or of the nights.
        where: condition that names a part of the participants.
        ci_level: confidence level of the shares.

    Source: Wilson 1927; Korn and Graubard 1999.
    """
    frame = people(cohort)
    inside = subpopulation.select(frame, where).inside.to_numpy()
    made: list[Row] = []
    for name in names:
        cells = {"cohort": cohort.name, "population": where or "all participants", "term": name}
        values = _values(cohort, frame, name)
        # What nobody has a value of lacks no weight.
        if not np.isfinite(values).any():
            kind = kinds.EXPOSURE_LEVEL.name
            made.append(absent_row(cohort, name, **cells, analysis=kind, n_participants=0, scale="mean"))
            continue
        weight = np.ones(frame.height)
        if cohort.design is not None:
            try:
                column = recalled_outcomes.weight_for(cohort.design, (name,))
            except NoWeight as problem:
                kind = kinds.EXPOSURE_LEVEL.name
                cells |= {"analysis": kind, "scale": "mean", "note": estimates.reason(problem)}
                made.append(estimates.row(status="not_estimable", **cells))
                continue
            weight = frame[column].fill_null(0.0).to_numpy()
            cells["note"] = f"weight {column}"
        known = inside & np.isfinite(values) & (weight > 0)
        made += _of(frame, cohort.design, cells, (values, weight, known), ci_level)
    return estimates.frame(made)


def _values(cohort: Cohort, frame: pl.DataFrame, name: str) -> Array:
    """Return the value of each participant (n), of a nightly number its mean; NaN where it is not known."""
    if name in frame.columns:
        column = pl.col(name).cast(pl.Float64)
    elif cohort.kind == "diary" and name in cohort.tables["diary"].columns:
        of_each = moments_of(cohort, name).select("participant_id", pl.col("mean").alias(_MEAN))
        frame = frame.select(pl.col("participant_id").cast(pl.String)).join(
            of_each, on="participant_id", how="left", maintain_order="left"
        )
        column = pl.col(_MEAN)
    else:
        return np.full(frame.height, np.nan)
    found: Array = frame.select(column.fill_null(float("nan")).alias(_MEAN)).to_series().to_numpy()
    return found


_MEAN, _ROUNDING = "_mean", 1e-9


def _of(frame: pl.DataFrame, survey: SurveyDesign | None, cells: Row, seen: _Seen, ci_level: float) -> Iterator[Row]:
    values, weight, known = seen
    n, name = int(known.sum()), str(cells["term"])
    cells |= {"analysis": kinds.EXPOSURE_LEVEL.name, "n_participants": n}
    if n < FEWEST:
        said = f"fewer than {FEWEST} participants have a value"
        yield estimates.row(status="not_estimable", **cells | {"scale": "mean", "note": said})
        return
    variable = codebook.variable(name)
    unit = variable.unit
    slips = slips_of(variable, pl.Series(values[known]))
    cells["note"] = note(cells.get("note") or "", in_another_unit.said(slips, n) if slips else "")
    for scale, value in zip(("mean", "standard_deviation"), moments(values[known], weight[known]), strict=True):
        yield estimates.row(status="converged", scale=scale, unit=unit, estimate=value, **cells)
    limits = reference_range(name)
    if limits is None:
        return
    limit = limits.low if limits.deficient_below is None else limits.deficient_below
    # What is worked out may miss the limit itself by rounding.
    low = known & (values < limit - _ROUNDING)
    cells |= {
        "analysis": kinds.LOW_LEVEL.name,
        "level": f"{limit:g}",
        "scale": "proportion",
        "unit": f"share below {limit:g} {unit}",
        "n_events": int(low.sum()),
        "ci_level": ci_level,
    }
    if in_another_unit.many(slips, n):
        # A share of numbers of which many are in another unit would be read as a fact of these people.
        yield estimates.row(status="not_estimable", **cells)
        return
    yield _observed(cells) if survey is None else _weighted(frame, survey, cells, (low.astype(float), weight, known))


def _observed(cells: Row) -> Row:
    """Return the share of participants, each of whom counts once."""
    low, n = cells["n_events"], cells["n_participants"]
    ci_low, ci_high = wilson(low, n, cells["ci_level"])
    return estimates.row(status="converged", estimate=low / n, ci_low=ci_low, ci_high=ci_high, **cells)


def _weighted(frame: pl.DataFrame, survey: SurveyDesign, cells: Row, seen: _Seen) -> Row:
    """Return the share of the population by the design of a survey."""
    low, weight, known = seen
    design = SamplingDesign.of(frame[survey.stratum], frame[survey.psu], pl.Series(weight))
    means = domain_means(low, known[:, None], design)
    share, df, n = float(means.estimate[0]), int(means.df[0]), int(means.n[0])
    said = note(cells["note"], lonely_note(int(means.lonely[0])))
    cells = cells | {"estimate": share, "df": float(df), "n_groups": int(means.psus[0]), "note": said}
    if df < 1:
        return estimates.row(status="boundary", **cells | {"note": note("no more PSUs than strata", said or "")})
    if cells["n_events"] in (0, n):
        edge = boundary_interval(round(share), n, float(means.n_effective[0]), df, cells["ci_level"])
        return estimates.row(status="boundary", ci_low=edge[0], ci_high=edge[1], **cells)
    error = float(means.std_error[0])
    limits = logit_interval(share, error, df, cells["ci_level"])
    return estimates.row(status="converged", ci_low=limits[0], ci_high=limits[1], std_error=error, **cells)
