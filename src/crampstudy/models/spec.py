"""From a formula to a design matrix: which terms a cohort can answer, on which rows, in which columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd
import polars as pl
from formulaic import Formula
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.errors import UsageError

REFERENCE_FIRST = {"sex": ("male", "female")}
INTERCEPT = "intercept"
_LEVEL = re.compile(r"\[(?:T\.)?([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: the term it belongs to and, for a categorical term, level and reference."""

    term: str
    level: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix: ``matrix`` (rows x columns) for the rows of the source frame that ``rows`` selects.

    ``not_measured`` are terms left out because the cohort never measured a variable they need;
    ``incomplete`` counts the candidate rows left out because a value was missing; ``encode`` turns other
    values of the same variables (a frame with a row each) into rows of the same matrix.
    """

    matrix: NDArray[np.float64]
    columns: tuple[Column, ...]
    rows: NDArray[np.bool_]
    variables: tuple[str, ...]
    not_measured: tuple[str, ...]
    incomplete: int
    encode: Callable[[pd.DataFrame], NDArray[np.float64]]

    def terms(self) -> tuple[str, ...]:
        """Return the fitted terms but the intercept, in formula order."""
        return tuple(dict.fromkeys(c.term for c in self.columns if c.term != INTERCEPT))


def parse(terms: str) -> Formula:
    """Read a right-hand side such as ``age_decade + sex + diabetes``.

    Raises:
        UsageError: it is not a formula, or it has a left-hand side.
    """
    if "~" in terms:
        raise UsageError(f"terms {terms!r}: give the right-hand side alone; the outcome has its own option")
    try:
        return Formula(terms)
    except (FormulaicError, SyntaxError) as error:
        raise UsageError(f"terms {terms!r} is not a formula: {_first_line(error)}") from None


def names_in(formula: Formula) -> set[str]:
    """Return the names of the variables that a formula needs."""
    # Formula.required_variables passes over those inside calls such as cr(age_years).
    return {name for term in formula for factor in term.factors for name in _names(str(factor.expr))}


def _names(expression: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(expression.strip("`"), mode="eval")))
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    modules = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    return {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in functions | modules}


def build(frame: pl.DataFrame, terms: str, *, candidate: NDArray[np.bool_], needs: Sequence[str] = ()) -> Design:
    """Build the design of ``terms`` on the ``candidate`` rows of ``frame`` that are complete on terms and ``needs``.

    Booleans and levels enter by treatment coding; the reference is male, false, the youngest band present,
    else the first level.

    Raises:
        UsageError: a name is neither in the codebook nor a column of the cohort, or no row is complete.
    """
    formula = parse(terms)
    names = names_in(formula)
    for name in sorted(names):
        if name not in frame.columns and codebook.find(name) is None:
            close = get_close_matches(name, [*frame.columns, *(v.name for v in codebook.VARIABLES)], n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"terms name {name!r}, which neither the codebook nor the cohort has{hint}")
    inside = frame.filter(pl.Series(candidate))
    absent = {n for n in names if n not in frame.columns or inside[n].null_count() == inside.height}
    kept = [term for term in formula if not absent & names_in(Formula([term]))]
    left_out = tuple(str(term) for term in formula if term not in kept)
    used = sorted(names_in(Formula(kept)))
    complete = frame.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(c).is_not_null() for c in [*used, *needs])))
    rows = candidate & complete.to_series().to_numpy()
    if not rows.any():
        raise UsageError(f"no row is complete on {', '.join([*used, *needs])}; leave out a term")
    data = _categorical(frame.select(used).filter(pl.Series(rows)))
    try:
        # A frame of no columns would lose its rows.
        matrix = Formula(kept).get_model_matrix(data.assign(_row=1), context={}, na_action="raise")
    except FormulaicError as error:
        raise UsageError(f"terms {terms!r} cannot be evaluated: {_first_line(error)}") from None
    columns = tuple(
        _column(str(term), names_, data)
        for term, names_ in ((t, n) for t, where in matrix.model_spec.term_slices.items() for n in matrix.columns[where])
    )
    values = np.ascontiguousarray(matrix.to_numpy(dtype=float))


    def encode(new: pd.DataFrame) -> NDArray[np.float64]:
        encoded = matrix.model_spec.get_model_matrix(new.assign(_row=1), context={}, na_action="raise")
        return np.ascontiguousarray(encoded.to_numpy(dtype=float))

    return Design(values, columns, rows, tuple(used), left_out, int(candidate.sum() - rows.sum()), encode)


def _categorical(frame: pl.DataFrame) -> pd.DataFrame:
    data = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == pl.Boolean:
            data[name] = pd.Series(pd.Categorical(column.cast(pl.String).to_list(), ["false", "true"]))
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


def _column(term: str, name: str, data: pd.DataFrame) -> Column:
    if term == "1":
        return Column(INTERCEPT)
    levels = _LEVEL.findall(name)
    if not levels:
        return Column(term)
    categories = [
        [str(c) for c in data[variable].cat.categories]
        for variable in data.columns
        if isinstance(data[variable].dtype, pd.CategoricalDtype) and re.search(rf"\b{variable}\b", term)
    ]
    if len(categories) != 1 or len(levels) != 1:
        return Column(term, ":".join(levels))
    explicit = re.search(r"treatment\(\s*(?:base\s*=\s*)?['\"](.+?)['\"]", term)
    return Column(term, levels[0], explicit[1] if explicit else categories[0][0])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
