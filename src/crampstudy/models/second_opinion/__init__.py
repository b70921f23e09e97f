"""A second opinion on a fit: the same rows refitted by statsmodels, and how far the two are apart.

Two implementations that share no code and agree leave little room for a mistake in either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crampstudy.models.coefficients.result import base
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion

__all__ = ["COLUMNS", "second_opinion", "without_fit"]

_TEXT = ("cohort", "population", "outcome", "analysis", "model", "refit", "term", "level", "reference")
_OURS = ("coefficient", "statsmodels_coefficient", "coefficient_difference")
_ERRORS = ("std_error", "statsmodels_std_error", "std_error_difference")

COLUMNS: tuple[str, ...] = (*_TEXT, "n_rows", *_OURS, "covariance", *_ERRORS, "status", "note")
"""Column order. Coefficients and errors stand on the link scale, per unit of the design; differences are theirs - ours.

``covariance`` names the kind of both standard errors; ``status`` is one of ``agrees`` (no difference above a thousandth
of a standard error), ``differs``, ``not_converged`` (statsmodels' fit), ``not_estimable`` (our fit),
``no_counterpart``.
"""
_NUMBERS = (*_OURS, *_ERRORS)
_TYPES: dict[str, Any] = dict.fromkeys(COLUMNS, "string") | dict.fromkeys(_NUMBERS, "float64") | {"n_rows": "Int64"}
_CLOSE, _NOTHING = 1e-3, 1e-6


def second_opinion(request: ModelRequest, found: Opinion | NoOpinion) -> pd.DataFrame:
    """Return a row per column of the design, then one per parameter beside them; one row where nothing is compared."""
    shared = {name: cell for name, cell in base(request).items() if name in _TEXT}
    if isinstance(found, NoOpinion):
        made = [shared | {"status": found.status, "note": found.reason}]
    else:
        same = {"refit": found.theirs.by, "n_rows": found.n_rows, "note": _note(found)}
        made = [shared | same | row for row in (*_columns(found), *_beside(found))]
    return _frame(made)


def without_fit(cohort: str, model: str, outcome: str | None, reason: str) -> pd.DataFrame:
    """Return the one row of a model that a cohort cannot be asked for, for the ``reason``."""
    cells = {"cohort": cohort, "model": model, "outcome": outcome, "status": "not_estimable", "note": reason}
    return _frame([cells])


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array([row.get(name) for row in rows], dtype=_TYPES[name]) for name in COLUMNS})


def _note(of: Opinion) -> str | None:
    warned = f"warnings of statsmodels: {', '.join(of.theirs.warned)}" if of.theirs.warned else ""
    return "; ".join(filter(None, (of.theirs.problem, of.remark, warned))) or None


def _columns(of: Opinion) -> Iterator[dict[str, Any]]:
    theirs = of.theirs.found if of.theirs.problem is None else None
    for i, column in enumerate(of.columns):
        named = {"term": column.term, "level": column.level, "reference": column.reference, "covariance": of.errors}
        rests = of.exposed.get(column)
        if rests and rests.lone:
            yield named | {"status": "not_estimable", "note": rests.lone}
            continue
        numbers = [of.ours.coefficients[i], np.nan, of.ours.std_errors[i], np.nan]
        if theirs:
            numbers[1::2] = theirs.coefficients[i], theirs.std_errors[i]
        yield named | _compared(*map(float, numbers))


def _compared(coefficient: float, other: float, error: float, other_error: float) -> dict[str, Any]:
    apart, errors_apart = other - coefficient, other_error - error
    # Participants who are all alike leave no error, there but rounding.
    close = max(abs(apart), abs(errors_apart)) <= (_CLOSE * error if error > 0 else _NOTHING)
    status = "not_converged" if np.isnan(other) else "agrees" if close else "differs"
    cells = (coefficient, other, apart, error, other_error, errors_apart)
    return {**dict(zip((*_OURS, *_ERRORS), cells, strict=True)), "status": status}


def _beside(of: Opinion) -> Iterator[dict[str, Any]]:
    theirs = of.theirs.found if of.theirs.found and of.theirs.problem is None else None
    for name, value in of.ours.beside.items():
        if theirs is None or name not in theirs.beside:
            continue
        other = theirs.beside[name]
        # A spread at its boundary is 0 here and as good as 0 there.
        status = "agrees" if abs(other - value) <= _CLOSE * (abs(value) or 1.0) else "differs"
        yield {"term": name, **dict(zip(_OURS, (value, other, other - value), strict=True)), "status": status}
