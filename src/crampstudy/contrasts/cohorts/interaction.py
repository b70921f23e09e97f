"""Whether groups differ alike in all cohorts: the joint test of cohort by group, and the trend with age in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import COHORT
from crampstudy.estimates import kinds
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.coefficients.rows import untested, wald_cells
from crampstudy.models.fit import fit

MANY = 50
"""From so many participants in every group of every cohort on a diary's joint test is chi-squared."""
Row = dict[str, Any]


def interaction(
    cohorts: Cohort, by: str, *, outcome: str | None, beside: Sequence[str] = (), fewest: int, **more: Any
) -> list[Row]:
    """Return the Wald test that the groups of ``by`` differ alike in all cohorts.

    One Poisson model of the pooled cohorts has cohort by group, of surveys one design-based logistic model; it has
    nothing else but what is ``beside``. The test is chi-squared, and F with the fewest degrees of freedom of its
    coefficients where a group has fewer than 50 participants, and of surveys with those that the design has left.

    Args:
        cohorts: two or more, :func:`~crampstudy.cohort.pooling.pooled`.
        by: what the groups are formed by.
        outcome: of surveys, ``any_cramp`` or ``moderate_severe_vs_rest``.
        beside: terms that the model is adjusted for, such as ``sex``.
        fewest: participants of the smallest group.
        more: other arguments of :func:`crampstudy.fit`, such as ``where``, ``bands`` or ``ci_level``.

    Raises:
        UsageError: as :func:`crampstudy.fit`.
    """
    terms = " + ".join([f"{COHORT} * {by}", *beside])
    fitted = _fit(cohorts, terms, outcome, more | {"adjusted_for": beside})
    beside = [each for each in beside if each not in fitted.left_out]
    cells = _cells(fitted) | interaction_cells(by, beside)
    linear = fitted.linear
    if linear is None:
        return [estimates.row(status="not_estimable", **cells | {"note": _reason(fitted)})]
    places = [i for i, c in enumerate(linear.design.columns) if {*linear.design.names.get(c.term, ())} == {COHORT, by}]
    block = linear.variance[np.ix_(places, places)]
    if (reason := untested(block)) or not places:
        return [estimates.row(status="not_estimable", **cells | {"note": reason or "there is one group alone"})]
    df = float(np.min(linear.df[places])) if cohorts.kind == "survey" or fewest < MANY else float("inf")
    tested = wald_cells(linear.coefficients[places], block, df)
    return [estimates.row(status="converged", **cells | tested)]


def interaction_cells(by: str, beside: Sequence[str]) -> Row:
    """Return what the row of :func:`interaction` says of its test, whether or not there is one."""
    return {
        "analysis": kinds.COHORT_INTERACTION.name,
        "term": f"{COHORT}:{by}",
        "adjusted_for": "; ".join(beside) or None,
        "level": f"adjusted for {', '.join(beside)}" if beside else None,
        "estimand": "whether the groups differ alike in all cohorts",
    }


def trend(cohorts: Cohort, names: Sequence[str], *, outcome: str | None, **more: Any) -> list[Row]:
    """Return the ratio per 10 years of age in each cohort, of one model in which each has its own.

    Args:
        cohorts: one, or two or more, pooled.
        names: of the cohorts, the reference first.
        outcome: as of :func:`interaction`.
        more: other arguments of :func:`crampstudy.fit`.
    """
    several = len(names) > 1
    fitted = _fit(cohorts, f"{COHORT} * age_decade" if several else "age_decade", outcome, more)
    cells = _cells(fitted)
    if fitted.linear is None:
        lost = cells | {"scale": f"{fitted.estimates['scale'].iloc[0]}", "note": _reason(fitted)}
        return [estimates.row(status="not_estimable", **lost | trend_cells(name)) for name in names]
    made = []
    for name in names:
        of = {COHORT: name} if several else {}
        row = fitted.linear.ratio({**of, "age_decade": 1.0}, {**of, "age_decade": 0.0})
        made.append(_own(row, cells | trend_cells(name)))
    return made


def trend_cells(name: str) -> Row:
    """Return what the row of the trend in a cohort says, whether or not there is one."""
    cells = {"analysis": kinds.COHORT_TREND.name, "term": "age_decade", "level": name}
    return cells | {"unit": "per 10 years", "estimand": "trend with age"}


def _own(row: Row, cells: Row) -> Row:
    kept = {name: cell for name, cell in row.items() if cell is not None and name not in ("key", "reference")}
    return estimates.row(**kept | cells)


def _fit(cohorts: Cohort, terms: str, outcome: str | None, more: dict[str, Any]) -> Fit:
    model = "survey-logistic" if cohorts.kind == "survey" else "poisson"
    return fit(cohorts, model=model, outcome=outcome, terms=terms, **more)


def _cells(fitted: Fit) -> Row:
    first = fitted.estimates.iloc[0]
    shared = ("cohort", "population", "outcome", "model", "ci_level", "n_participants", "n_nights", "n_events")
    return {name: None if pd.isna(first[name]) else first[name] for name in (*shared, "note")}


def _reason(fitted: Fit) -> str:
    notes = fitted.estimates.loc[fitted.estimates["status"] != "converged", "note"].dropna()
    return str(notes.iloc[0]) if len(notes) else fitted.status
