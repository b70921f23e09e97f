"""How an outcome changes over the values of an exposure: a natural cubic spline, and the test that it is a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.remembered import remembered
from crampstudy.contrasts.adjusted import AdjustedFit, adjusted_fit
from crampstudy.estimates import kinds, note
from crampstudy.estimates.absent import absent_row
from crampstudy.estimates.verdicts import FEW_DEGREES, FEWEST_DF
from crampstudy.models.coefficients.ratio import Linear
from crampstudy.models.coefficients.rows import ALONE, TEST, shown
from crampstudy.models.inference.covariance import combined, p_value, quantile
from crampstudy.models.terms.columns import quoted
from crampstudy.models.terms.person_time import means
from crampstudy.models.terms.smooths import Smooth
from crampstudy.models.validation import default_outcome
from crampstudy.nights import counted_nights, people

MIDDLE = (0.05, 0.95)
"""The centiles of the values between which a curve is drawn: beyond them are few participants."""
FEWEST_VALUES = 10
_POINTS, _DIGITS = 41, 4

Row = dict[str, Any]


def dose_response(
    cohort: Cohort,
    exposure: str,
    *,
    model: str,
    outcome: str | None = None,
    reference: float | None = None,
    df: int = 3,
    **more: Any,
) -> pd.DataFrame:
    """Return the ratios of an exposure over its values against one of them, and the test that they lie on a line.

    The model has a natural cubic spline of the exposure and a minimal sufficient set of the causal graph, as
    :func:`~crampstudy.contrasts.adjusted.adjusted_fit` takes it. The curve runs from the 5th to the 95th centile of the
    participants' values, each of theirs once. The shape is the Wald test that the curve is a straight line on the scale
    of the link: that the coefficients of all columns of the spline but the straight one are 0.

    Args:
        cohort: a diary or a survey.
        exposure: a number that the graph knows, or a term of one such as ``between(dietary_sodium_mg)``.
        model: a model with a linear predictor, by its name.
        outcome: one of the model's outcomes; the first of them by default.
        reference: the value that the others are compared with; the median by default, and where nobody is near it.
        df: degrees of freedom of the spline, of which all but one are its bends.
        more: other arguments of ``adjusted_fit``, such as ``besides``, a ``graph`` of one's own, or ``where``.

    Returns:
        Tidy estimates: first the shape, then a row for each value, which stands in ``level``. Without a curve the shape
        alone says why, in the note.

    Raises:
        UsageError: as of ``adjusted_fit``.

    Source: Durrleman and Simon 1989 (natural cubic splines against a reference); Hastie, Tibshirani and Friedman 2009,
    section 5.2.
    """
    cells = {
        "cohort": cohort.name,
        "population": more.get("where") or "all participants",
        "outcome": default_outcome(model, outcome),
        "analysis": kinds.SHAPE.name,
        "model": model,
        "term": exposure,
        "scale": TEST,
    }
    values = observed_values(cohort, exposure, more.get("where"))
    if not len(values):
        return estimates.frame([absent_row(cohort, exposure, **cells)])
    if reason := _no_spline(values, df):
        return estimates.frame([estimates.row(status="not_estimable", note=reason, **cells)])
    spline = f"ns({quoted(exposure)}, df={df})"
    made = adjusted_fit(cohort, exposure, model=model, outcome=outcome, terms=(spline,), **more)
    linear = made.fit.linear
    smooth = None if linear is None else next((s for s in linear.design.smooths if s.term in made.terms), None)
    if linear is None or smooth is None:
        return estimates.frame([_failed(made, cells)])
    beside = "; ".join(term for term in linear.design.terms() if term != smooth.term)
    cells = {**linear.cells, "term": exposure, "adjusted_for": beside or None}
    cells |= {"note": note(made.said, linear.cells.get("note") or ""), **made.held.cells}
    return estimates.frame([_shape(linear, smooth, cells), *_curve(linear, smooth, values, reference, cells)])


@remembered
def observed_values(cohort: Cohort, exposure: str, where: str | None = None) -> Array:
    """Return the values (n) of an exposure in a part of a cohort, each of a participant's once; none if unmeasured."""
    frame = people(cohort)
    if exposure not in frame.columns:
        nightly = exposures.find(exposure) or exposures.Exposure(quoted(exposure))
        if cohort.kind == "survey" or not means.splittable(cohort, nightly.variable):
            return np.empty(0)
        own = {nightly.variable} if nightly.at_own_night else set()
        others = means.of_other_nights([nightly], cohort)
        nights = counted_nights(cohort, own | {*(subpopulation.names(where) if where else ())}, exposures=others)
        frame = means.added(cohort, nights, [nightly])
    inside = frame.filter(subpopulation.select(frame, where).inside)
    once = inside.select("participant_id", exposure).drop_nulls().unique(maintain_order=True)
    values: Array = once[exposure].cast(pl.Float64).to_numpy()
    return values


def _no_spline(values: Array, df: int) -> str | None:
    """Return why there is no spline of so many degrees of freedom of these values, ``None`` where there is one."""
    different = len(np.unique(values))
    if different < FEWEST_VALUES:
        return f"a curve needs at least {FEWEST_VALUES} different values, and there are {different}"
    inner = np.quantile(values, np.arange(df + 1) / df)
    if (np.diff(inner) > 0).all():
        return None
    return f"too many participants have the same value, {inner[:-1][np.diff(inner) <= 0][0]:g}, for a curve"


def _failed(made: AdjustedFit, cells: Row) -> Row:
    """Return the row of a shape that has none, for the reason that the fit gives of the spline."""
    rows = wording.records(made.fit.estimates)
    found = next((row for row in rows if row["term"] in made.terms), rows[0])
    status: estimates.Status = "not_estimable" if found["status"] == "converged" else found["status"]
    return estimates.row(status=status, **{**cells, "note": found["note"]})


def _shape(linear: Linear, smooth: Smooth, cells: Row) -> Row:
    # The first column of the basis is the straight line, so that the others are all that bends.
    tested = linear.joint_test(smooth.columns[1:])
    said = note(tested.pop("note", ""), cells["note"] or "")
    return estimates.row(**cells | {"analysis": kinds.SHAPE.name, "unit": None, "note": said} | tested)


def _curve(linear: Linear, smooth: Smooth, values: Array, reference: float | None, cells: Row) -> Iterator[Row]:
    """Yield the row of each value of a grid against the reference."""
    low, high = (float(limit) for limit in np.quantile(values, MIDDLE))
    said = ""
    if reference is not None and not low <= reference <= high:
        said = f"against the median, since few values lie beyond {reference:g}"
    if reference is None or said:
        reference = _rounded(float(np.median(values)))
    grid = np.unique([_rounded(value) for value in np.linspace(low, high, _POINTS)])
    grid = grid[grid != reference]
    at = linear.design.encode(pd.DataFrame({smooth.variable: [*grid, reference]}))
    contrasts = at[:-1] - at[-1]
    own = list(smooth.columns)
    # What the curve does not move may have no estimate.
    block = linear.variance[np.ix_(own, own)]
    ratios, errors = combined(contrasts[:, own], linear.coefficients[own], block)
    known = wording.variable(smooth.variable)
    against = f"against {reference:g} {known.unit if known and known.unit else ''}".strip()
    cells |= {
        "analysis": kinds.DOSE_RESPONSE.name,
        "reference": f"{reference:g}",
        "unit": linear.scale.unit_of(against),
    }
    for value, ratio, error, its_df in zip(grid, ratios, errors, linear.moments.df(contrasts), strict=True):
        point = cells | {"level": f"{value:g}"}
        if not np.isfinite(ratio) or np.isnan(error):
            yield estimates.row(status="not_estimable", **point | {"note": ALONE})
            continue
        few = FEW_DEGREES if its_df < FEWEST_DF else ""
        point |= {"std_error": error, "df": its_df, "note": note(few, said, cells["note"] or "")}
        point |= {"p_value": p_value(ratio / error, its_df) if error > 0 else None}
        yield shown(ratio, quantile(cells["ci_level"], its_df) * error, linear.scale, point)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
