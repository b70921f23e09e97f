"""Spline terms of a design: what their coefficients say against the reference value."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.parser.types import Term

from crampstudy.arrays import Array
from crampstudy.errors import UsageError
from crampstudy.models.terms import formula, splines
from crampstudy.models.terms.columns import coded


@dataclass(frozen=True, slots=True)
class Smooth:
    """A spline term: its values against the reference are ``contrasts`` (k x p) of the coefficients.

    ``levels`` (k) are the values as texts, ``observed`` the lowest and the highest value of the ``variable``. A
    spline's interaction has its columns only, to be tested together.
    """

    term: str
    columns: tuple[int, ...]
    variable: str
    reference: str
    levels: tuple[str, ...]
    contrasts: Array
    interacts: bool
    observed: tuple[float, float]


def has_spline(term: Term) -> bool:
    """Say whether a term has a spline among its factors."""
    return any(
        isinstance(c.func, ast.Name) and c.func.id == splines.NAME for f in term.factors for c in formula.calls(f)
    )


def smooth_of(term: Term, where: slice, model: ModelSpec, data: pd.DataFrame) -> Smooth:
    """Return the spline that a term with the columns ``where`` is, fitted to ``data``.

    Raises:
        UsageError: the spline stands inside another function.
    """
    (spline,) = (f for f in term.factors if has_spline(Term([f])))
    state = model.transform_state.get(spline.expr, {})
    if "knots" not in state:
        raise UsageError(f"{term}: ns() stands by itself or in an interaction, such as ns(age_years, df=3):sex")
    columns = tuple(range(where.start, where.stop))
    alone = len(term.factors) == 1
    at = state["at"] if alone else ()
    contrasts = np.zeros((len(at), len(model.column_names)))
    if at:
        contrasts[:, where] = splines.centred(np.array(at), state)
    variable = min(formula.names_of(Term([spline])))
    interacts = alone and any(spline in other.factors for other in model.terms if other != term)
    values = data[coded(variable)]
    observed = float(values.min()), float(values.max())
    levels = tuple(f"{v:g}" for v in at)
    return Smooth(str(term), columns, variable, f"{state['ref']:g}", levels, contrasts, interacts, observed)
