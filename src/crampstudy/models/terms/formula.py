"""Reading formulas: their terms and the variables they need, offsets and weights, which have no coefficient."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import polars as pl
from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor, Term
from numpy.typing import NDArray

from crampstudy import codebook, suggestions, wording
from crampstudy.arrays import Array
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import Exposure
from crampstudy.errors import UsageError
from crampstudy.models.terms import grammar
from crampstudy.models.terms.columns import Written, coded, decoded, quoted, shown
from crampstudy.models.terms.functions import CODINGS, CONTEXT, FUNCTIONS, OFFSET, WEIGHTS
from crampstudy.models.terms.levels import check_column, may_be_named
from crampstudy.nights.calendar import CYCLE

_HALF = re.compile(rf"\b({'|'.join(CYCLE)})\b")


def parse(terms: str) -> Formula:
    """Read a right-hand side such as ``age_decade + sex + diabetes``; this evaluates nothing of it.

    It holds names of columns (in backticks, whatever their characters), ``+ - * : ^ / %in%``, and the functions of
    :data:`crampstudy.models.terms.functions.FUNCTIONS`, among them ``C(smoking, ref='never')``; ``ns(age_years, df=3,
    ref=60)``, a natural cubic spline whose ratios are against ``ref`` (inner ``knots=[...]`` instead of ``df``; shown
    at round values, or those of ``at=[...]``); ``within(x)`` and ``between(x)``, a night's deviation from the
    participant's mean and that mean; ``lag(x, 1)``, ``mean_last(x, 7)`` and other exposures of a participant's nights
    (:mod:`crampstudy.codebook.exposures`); ``offset(log(x))``, a term whose coefficient is 1; ``weights(w)``, as how
    many rows a row counts.

    Raises:
        UsageError: it is no formula, it holds anything else, or it takes the intercept away.
    """
    if not isinstance(terms, str):
        raise UsageError(f"terms are a text such as 'age_decade + sex', got {type(terms).__name__}")
    return _parsed(terms)


@lru_cache(maxsize=256)
def _parsed(terms: str) -> Formula:
    return Formula(grammar.read(terms))


def names_in(formula: Formula) -> set[str]:
    """Return the names of the variables that a formula needs."""
    # Formula.required_variables passes over those inside calls such as cr(age_years).
    return {name for term in formula for name in names_of(term)}


def columns_in(formula: Formula) -> set[str]:
    """Return the columns that a formula needs of a cohort: of an exposure of person-time that is its variable."""
    found = {name: exposures.find(name) for name in names_in(formula)}
    return {exposure.variable if exposure else name for name, exposure in found.items()}


def own_columns_in(formula: Formula) -> set[str]:
    """Return those of :func:`columns_in` that are needed of the night itself, and not of other nights alone."""
    found = {name: exposures.find(name) for name in names_in(formula)}
    return {e.variable if e else name for name, e in found.items() if e is None or e.at_own_night}


def exposures_in(formula: Formula) -> tuple[Exposure, ...]:
    """Return the exposures of person-time in a formula, by name."""
    return tuple(found for name in sorted(names_in(formula)) if (found := exposures.find(name)))


def names_of(term: Term) -> set[str]:
    """Return the names of the variables that a term needs."""
    return {name for factor in term.factors for name in names_of_factor(factor)}


def names_of_factor(factor: Factor) -> set[str]:
    """Return the names in a factor that are neither functions nor modules."""
    if factor.eval_method.value == "literal":
        return set()
    if factor.eval_method.value == "lookup":
        return {decoded(factor.expr)}
    return {*_names_called(factor.expr)}


@lru_cache(maxsize=1024)
def _names_called(expression: str) -> frozenset[str]:
    nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    modules = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    names = {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in functions | modules}
    return frozenset(decoded(name) for name in names - set(CODINGS))


def as_shown(text: str, terms: Collection[str]) -> str:
    """Return a term as the rows show it, whether ``text`` is that or the term as it is written in a formula.

    Raises:
        UsageError: it is no formula.
    """
    if text in terms:
        return text
    return " + ".join(str(term) for term in parse(text) if str(term) != "1")


def singly(text: str) -> list[str]:
    """Return the terms of a formula one by one, each as it is written in one.

    Raises:
        UsageError: it is no formula.
    """
    return [":".join(map(_written, term.factors)) for term in parse(text) if str(term) != "1"]


def whole(term: str) -> str:
    """Return a term with the annual cycle for either half of it: the same for terms that belong together."""
    return _HALF.sub("annual cycle", term)


def jointly(terms: Sequence[str]) -> list[str]:
    """Return terms, or texts of several, of which both halves of the annual cycle are one text, where the first was."""
    made: dict[str, list[str]] = {}
    for term in terms:
        made.setdefault(whole(term), []).append(term)
    return [" + ".join(dict.fromkeys(halves)) for halves in made.values()]


def _written(factor: Factor) -> str:
    return quoted(decoded(factor.expr)) if factor.eval_method.value == "lookup" else shown(factor.expr)


def without(text: str, lost: Collection[str]) -> str:
    """Return a formula without the terms ``lost``, given as they are shown; ``text`` itself where none is lost.

    Raises:
        UsageError: there is something to leave out, and it is no formula.
    """
    if not lost:
        return text
    terms = [term for term in parse(text) if str(term) != "1"]
    if not any(str(term) in lost for term in terms):
        return text
    kept = zip(terms, singly(text), strict=True)
    return " + ".join(written for term, written in kept if str(term) not in lost) or "1"


def check_names(names: Collection[str], frame: pl.DataFrame) -> None:
    """Check that the names in a formula are columns of the ``frame``, or at least in the codebook, and can be terms.

    Raises:
        UsageError: one is neither, or it is the participants' identifier or a date.
    """
    for name in sorted(names):
        if name not in frame.columns and wording.variable(name) is None:
            said = f"terms name {name!r}, which neither the codebook nor the cohort has"
            known = dict.fromkeys([*frame.columns, *(v.name for v in codebook.VARIABLES)])
            raise suggestions.unknown(UsageError, said, name, filter(may_be_named, known))
        check_column(name, frame, "terms")


def factors_of(term: Term) -> set[str]:
    """Return the columns whose levels are levels of the term, if they are texts."""
    alone = {decoded(factor.expr) for factor in term.factors if factor.eval_method.value == "lookup"}
    first = [call.args[0] for f in term.factors for call in calls(f) if ast.unparse(call.func) == "C"]
    return alone | {decoded(node.id) for node in first if isinstance(node, ast.Name)}


def row_by_row(formula: Formula) -> bool:
    """Say whether a row of the design depends on its own variables alone, so that rows alike in them are alike in it.

    A spline ``ns`` counts as such: its knots do not change when a participant's equal rows become one.
    """
    called = {ast.unparse(call.func) for term in formula for factor in term.factors for call in calls(factor)}
    return all(FUNCTIONS[name].row_by_row for name in called - set(CODINGS))


def calls(factor: Factor) -> list[ast.Call]:
    """Return the calls of functions in a factor."""
    if factor.eval_method.value != "python":
        return []
    return [node for node in ast.walk(ast.parse(factor.expr, mode="eval")) if isinstance(node, ast.Call)]


@dataclass(frozen=True, slots=True)
class Special:
    """An offset or the weights of a formula: its ``kind`` and what stands in its parentheses."""

    kind: str
    term: Term
    inner: str


def special(term: Term) -> Special | None:
    """Return a term as an offset or as weights, which have no coefficient, or ``None`` if it is neither.

    Raises:
        UsageError: an offset or weights stand within another term, or take more than one argument.
    """
    found = {call.func.id for f in term.factors for call in calls(f) if isinstance(call.func, ast.Name)}
    if not (kinds := found & {OFFSET, WEIGHTS}):
        return None
    match ast.parse(term.factors[0].expr, mode="eval").body:
        case ast.Call(func=ast.Name(id=kind), args=[inner], keywords=[]) if kind in kinds and len(term.factors) == 1:
            return Special(kind, term, ast.unparse(inner))
    name = min(kinds)
    raise UsageError(f"{term}: {name}() stands by itself and takes one number per row, such as {name}(x)")


def beside(frame: pl.DataFrame, specials: Sequence[Special], candidate: NDArray[np.bool_]) -> dict[str, Array]:
    """Return offset and weights by kind, a number per row of ``frame``; NaN where not candidate or a value is missing.

    Raises:
        UsageError: one is no number, infinite or a negative weight, or there are two weights.
    """
    made: dict[str, Array] = {}
    for found in specials:
        used = sorted(names_of(found.term))
        if not used:
            raise UsageError(f"{found.term} names no variable; a constant changes nothing that is estimated")
        if text := [name for name in used if not frame[name].dtype.is_numeric()]:
            raise UsageError(f"{found.term} needs a number, and {text[0]} is none")
        known = candidate & ~frame.select(pl.any_horizontal(pl.col(used).is_null())).to_series().to_numpy()
        inside = frame.filter(pl.Series(known))
        data = pd.DataFrame({coded(name): inside[name].cast(pl.Float64).to_numpy() for name in used})
        whole = np.full(frame.height, np.nan)
        if len(data):
            whole[known] = _evaluated(found, data)
        if found.kind == WEIGHTS and WEIGHTS in made:
            raise UsageError("the terms have two weights; write their product, such as weights(a * b)")
        made[found.kind] = made[found.kind] + whole if found.kind in made else whole
    return made


def _evaluated(found: Special, data: pd.DataFrame) -> Array:
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            alone = Formula([Term([Written(f"I({found.inner})", eval_method="python")])])
            matrix = alone.get_model_matrix(data, context=CONTEXT, na_action="ignore")
    except (FormulaicError, ValueError) as error:
        raise UsageError(f"{found.term} cannot be evaluated: {first_line(error)}") from None
    values: Array = matrix.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise UsageError(f"{found.term} is infinite on some rows; a logarithm needs values above 0")
    if found.kind == WEIGHTS and (values < 0).any():
        raise UsageError(f"{found.term} is negative on some rows; a weight says as how many rows a row counts")
    return values[:, 0]


def first_line(error: Exception) -> str:
    """Return the first line of an error's message in the words of a formula, or the name of its kind."""
    line = (str(error) or type(error).__name__).splitlines()[0]
    if "contains null values after evaluation" in line:
        return "it is no number on some rows; a logarithm needs values above 0, and a root values of at least 0"
    within = re.search(r"\[\w*Error: (.*)\]$", line)
    return within[1] if within else line
