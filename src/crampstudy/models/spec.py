"""From a formula to a design matrix: which terms a cohort can answer, on which rows, in which columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Term
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.errors import UsageError

REFERENCE_FIRST = {"sex": ("male", "female")}
INTERCEPT = "intercept"
_LEVEL = re.compile(r"\[(T\.)?([^\]]*)\]")
_BASE = re.compile(r"treatment\(\s*(?:base\s*=\s*)?['\"](.+?)['\"]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: the term it belongs to and, for a categorical term, level and reference."""

    term: str
    level: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix: ``matrix`` (rows x columns) for the rows of the source frame that ``rows`` selects.

    ``not_measured`` are terms left out because the cohort never measured a variable they need, ``constant``
    those left out because they do not vary on these rows. Without a complete row the matrix is empty and
    ``columns`` holds one column per term. ``incomplete`` counts the candidate rows left out because a value
    was missing; ``encode`` turns other values of the same variables (a frame with a row each) into rows of
    the same matrix.
    """

    matrix: NDArray[np.float64]
    columns: tuple[Column, ...]
    rows: NDArray[np.bool_]
    variables: tuple[str, ...]
    not_measured: tuple[str, ...]
    constant: tuple[str, ...]
    incomplete: int
    encode: Callable[[pd.DataFrame], NDArray[np.float64]]

    def over_all_rows(self) -> NDArray[np.float64]:
        """Return the matrix with a row per row of the source frame, zeros where it was not selected."""
        full = np.zeros((len(self.rows), self.matrix.shape[1]))
        full[self.rows] = self.matrix
        return full

    def terms(self) -> tuple[str, ...]:
        """Return the fitted terms but the intercept, in formula order."""
        return tuple(dict.fromkeys(c.term for c in self.columns if c.term != INTERCEPT))


def parse(terms: str) -> Formula:
    """Read a right-hand side such as ``age_decade + sex + diabetes``.

    Raises:
        UsageError: it is not a formula, it has a left-hand side or several parts, or it takes the intercept away.
    """
    if "~" in terms or "|" in terms:
        raise UsageError(f"terms {terms!r}: give the right-hand side alone; the outcome has its own option")
    try:
        formula = Formula(terms)
    except (FormulaicError, SyntaxError) as error:
        raise UsageError(f"terms {terms!r} is not a formula: {_first_line(error)}") from None
    if "1" not in {str(term) for term in formula}:
        raise UsageError(f"terms {terms!r} takes the intercept away; leave out 0 or -1, ratios have a reference")
    return formula


def names_in(formula: Formula) -> set[str]:
    """Return the names of the variables that a formula needs."""
    # Formula.required_variables passes over those inside calls such as cr(age_years).
    return {name for term in formula for name in _names_of(term)}


def _names_of(term: Term) -> set[str]:
    return {name for factor in term.factors for name in _names(factor.expr, factor.eval_method.value)}


def _names(expression: str, how: str) -> set[str]:
    if how == "lookup":
        return {expression}
    nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    modules = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    return {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in functions | modules}


def build(frame: pl.DataFrame, terms: str, *, candidate: NDArray[np.bool_], needs: Sequence[str] = ()) -> Design:
    """Build the design of ``terms`` on the ``candidate`` rows of ``frame`` that are complete on terms and ``needs``.

    Booleans and levels enter by treatment coding; the reference is male, false, the youngest band present,
    else the first level.

    Raises:
        UsageError: a name is neither in the codebook nor a column of the cohort, or a term cannot be evaluated.
    """
    formula = parse(terms)
    names = names_in(formula)
    for name in sorted(names):
        if name not in frame.columns and codebook.find(name) is None:
            close = get_close_matches(name, [*frame.columns, *(v.name for v in codebook.VARIABLES)], n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"terms name {name!r}, which neither the codebook nor the cohort has{hint}")
    inside = frame.filter(pl.Series(candidate))
    absent = {n for n in names if n not in frame.columns or (inside.height and inside[n].null_count() == inside.height)}
    kept = [term for term in formula if not absent & _names_of(term)]
    not_measured = tuple(str(term) for term in formula if term not in kept)
    constant: list[str] = []
    while True:
        design, flat = _encoded(frame, kept, candidate, needs, not_measured, tuple(constant))
        if not flat:
            return design
        # A term that does not vary says nothing about itself and takes nothing from the others.
        constant += flat
        kept = [term for term in kept if str(term) not in flat]


def _encoded(
    frame: pl.DataFrame,
    kept: Sequence[Term],
    candidate: NDArray[np.bool_],
    needs: Sequence[str],
    not_measured: tuple[str, ...],
    constant: tuple[str, ...],
) -> tuple[Design, list[str]]:
    """Return the design of the ``kept`` terms, and the terms among them that do not vary."""
    used = sorted({name for term in kept for name in _names_of(term)})
    complete = frame.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(c).is_not_null() for c in [*used, *needs])))
    rows = candidate & complete.to_series().to_numpy()
    data = _categorical(frame.filter(pl.Series(rows)), used)
    left = int(candidate.sum() - rows.sum())
    if not rows.any():
        columns = tuple(Column(INTERCEPT if str(term) == "1" else str(term)) for term in kept)
        return Design(
            np.empty((0, len(columns))), columns, rows, tuple(used), not_measured, constant, left, _no_row
        ), []
    try:
        # A frame of no columns would lose its rows.
        matrix = Formula(list(kept)).get_model_matrix(data.assign(_row=1), context={}, na_action="raise")
    except (FormulaicError, ValueError) as error:
        shown = " + ".join(str(term) for term in kept if str(term) != "1")
        raise UsageError(f"terms {shown!r} cannot be evaluated: {_first_line(error)}") from None
    values = np.ascontiguousarray(matrix.to_numpy(dtype=float))
    slices = matrix.model_spec.term_slices
    if off := [str(term) for term, where in slices.items() if not np.isfinite(values[:, where]).all()]:
        raise UsageError(f"the term {off[0]} is infinite on some rows; a logarithm needs values above 0")
    varying = {str(t) for t, where in slices.items() if (np.ptp(values[:, where], axis=0) > 0).any()}
    flat = [str(term) for term in kept if str(term) not in varying and str(term) != "1"]
    named = [(term, name) for term, where in slices.items() for name in matrix.columns[where]]
    columns = tuple(_column(term, name, data) for term, name in named)

    def encode(new: pd.DataFrame) -> NDArray[np.float64]:
        encoded = matrix.model_spec.get_model_matrix(new.assign(_row=1), context={}, na_action="raise")
        return np.ascontiguousarray(encoded.to_numpy(dtype=float))

    return Design(values, columns, rows, tuple(used), not_measured, constant, left, encode), flat


def _no_row(new: pd.DataFrame) -> NDArray[np.float64]:
    raise UsageError(f"no row was complete on the terms, so that {len(new)} other rows cannot be encoded")


def _categorical(frame: pl.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    data = {}
    for name in names:
        column = frame[name]
        if column.dtype == pl.Boolean:
            texts = column.cast(pl.String).to_list()
            data[name] = pd.Series(pd.Categorical(texts, [level for level in ("false", "true") if level in set(texts)]))
        elif column.dtype in (pl.String, pl.Enum):
            present = set(column.unique())
            known = codebook.find(name)
            levels = REFERENCE_FIRST.get(name) or (known.levels if known else ())
            if isinstance(column.dtype, pl.Enum):
                levels = tuple(column.dtype.categories)
            ordered = [level for level in (levels or sorted(present)) if level in present]
            data[name] = pd.Series(pd.Categorical(column.cast(pl.String).to_list(), ordered))
        else:
            data[name] = pd.Series(column.cast(pl.Float64).to_numpy())
    return pd.DataFrame(data, index=pd.RangeIndex(frame.height))


def _column(term: Term, name: str, data: pd.DataFrame) -> Column:
    if str(term) == "1":
        return Column(INTERCEPT)
    found = _LEVEL.findall(name)
    if not found:
        return Column(str(term))
    level = ":".join(text for _, text in found)
    # Only treatment coding, which names its columns [T.level], compares a level with one reference.
    treatment = [factor for factor in term.factors if _is_level(factor.expr, data)]
    if len(found) != 1 or len(treatment) != 1 or not found[0][0]:
        return Column(str(term), level)
    explicit = _BASE.search(treatment[0].expr)
    variable = min(_names(treatment[0].expr, treatment[0].eval_method.value))
    return Column(str(term), level, explicit[1] if explicit else _first_level(data[variable]))


def _is_level(expression: str, data: pd.DataFrame) -> bool:
    called = expression.startswith("C(")
    return called or (expression in data.columns and isinstance(data[expression].dtype, pd.CategoricalDtype))


def _first_level(values: pd.Series[Any]) -> str:
    levels = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else sorted(values.unique())
    return str(levels[0])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
