"""From terms to the numbers of a design: complete rows, their columns, and how other values are encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from formulaic import Formula, ModelSpec
from formulaic.errors import FormulaicError
from formulaic.parser.types import Term

from crampstudy import suggestions
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import UsageError
from crampstudy.models.optimise import products
from crampstudy.models.terms import formula, splines
from crampstudy.models.terms.columns import coded, decoded
from crampstudy.models.terms.factors import INTERCEPT, Column, categorical, column_of, reference
from crampstudy.models.terms.functions import CONTEXT
from crampstudy.models.terms.levels import PEOPLE, check_levels
from crampstudy.models.terms.materialiser import DesignMaterialiser
from crampstudy.models.terms.smooths import Smooth, has_spline, smooth_of
from crampstudy.models.terms.standardisation import standing


@dataclass(frozen=True, slots=True)
class Encoder:
    """What turns values into rows of a fitted design; it outlives the fit and holds on to its first row alone.

    Those are the ``first`` values of the variables, and the ``row`` of the matrix (1 x p) that they make.
    """

    first: pd.DataFrame
    row: Array
    model: ModelSpec

    def __call__(self, new: pd.DataFrame) -> Array:
        """Return a row of the design per row of ``new``; a variable that it lacks stands at its value in ``first``.

        Raises:
            UsageError: a level was never on the rows fitted, or a term has no value there.
        """
        made = np.repeat(self.row, len(new), axis=0)
        # A term of none of these variables is what it is in the first row.
        terms = [term for term in self.model.term_slices if not formula.names_of(term).isdisjoint(new.columns)]
        if not terms:
            return made
        model = self.model.subset(terms)
        needed = {coded(name) for term in terms for name in formula.names_of(term)}
        used = [name for name in self.first.columns if name in needed]
        for rows in products.parts(len(new)):
            found = self._encoded(new.iloc[rows], model, used)
            for term, where in model.term_slices.items():
                made[rows, self.model.term_slices[term]] = found[:, where]
        return made

    def _encoded(self, new: pd.DataFrame, model: ModelSpec, used: Sequence[str]) -> Array:
        """Return the columns of ``model``, whose terms are of the variables ``used``, at the values of ``new``."""
        values = {name: _like(self.first[name], new.get(decoded(name)), len(new)) for name in used}
        whole = pd.DataFrame(values, index=new.index).assign(_row=1)
        try:
            with np.errstate(all="ignore"):
                encoded = model.get_model_matrix(whole, context=CONTEXT, na_action="raise")
        except (FormulaicError, ValueError) as error:
            raise UsageError(f"the terms cannot be evaluated at these values: {formula.first_line(error)}") from None
        found = np.asarray(encoded, dtype=float)
        if not np.isfinite(found).all():
            raise UsageError("the terms are infinite at these values; a logarithm needs values above 0")
        return found


@dataclass(frozen=True, slots=True)
class Encoded:
    """Terms as a ``matrix`` (n x p) of the ``rows`` that are complete; without one it has a column per term.

    ``flat`` are the terms that do not vary on these rows, with what is to be said of each; ``observed`` the lowest and
    the highest value of each number; all else is as of a design.
    """

    matrix: Array
    columns: tuple[Column, ...]
    rows: Flags
    variables: tuple[str, ...]
    encode: Callable[[pd.DataFrame], Array]
    flat: Mapping[str, str] = field(default_factory=dict)
    smooths: tuple[Smooth, ...] = ()
    remarks: tuple[str, ...] = ()
    observed: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def encoded(frame: pl.DataFrame, terms: Sequence[Term], candidate: Flags, needs: Sequence[str]) -> Encoded:
    """Encode ``terms`` on the ``candidate`` rows of ``frame`` that are complete on them and on ``needs``.

    Raises:
        UsageError: a term cannot be evaluated, is infinite on some rows, or has too many levels.
    """
    used = sorted({name for term in terms for name in formula.names_of(term)})
    complete = frame.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(c).is_not_null() for c in [*used, *needs])))
    rows = candidate & complete.to_series().to_numpy()
    # A frame of no columns would lose its rows.
    own = [name for name in frame.columns if name in {*used, PEOPLE}] or frame.columns[:1]
    inside = frame.select(own) if rows.all() else frame.select(own).filter(pl.Series(rows))
    for name in sorted({name for term in terms for name in formula.factors_of(term)}):
        check_levels(name, inside, "terms")
    if not rows.any():
        columns = tuple(Column(INTERCEPT if str(term) == "1" else str(term)) for term in terms)
        return Encoded(np.empty((0, len(columns))), columns, rows, tuple(used), _no_row)
    data, moved = categorical(inside, used)
    values, model, named = _evaluated(terms, data, partial(_people, frame, rows))
    slices, ends = model.term_slices, _ends(values)
    _check_finite(slices, ends)
    found = {str(term): standing(str(term), ends[:, where]) for term, where in slices.items() if str(term) != "1"}
    known = frame.select(own).filter(pl.Series(candidate))
    found |= {term: _throughout(term, known, inside) for term, why in found.items() if why == "" and term in own}
    return Encoded(
        matrix=values,
        columns=tuple(column_of(term, name, model) for term, where in slices.items() for name in named[where]),
        rows=rows,
        variables=tuple(used),
        encode=Encoder(data.iloc[:1].copy(), values[:1].copy(), model),
        flat={term: why for term, why in found.items() if why is not None},
        smooths=tuple(smooth_of(term, where, model, data) for term, where in slices.items() if has_spline(term)),
        remarks=_remarks(terms, model, moved),
        observed=_observed(data),
    )


def _throughout(name: str, known: pl.DataFrame, inside: pl.DataFrame) -> str:
    """Return which value a flag or a level has on all rows that are ``inside``; of a number nothing is to be said.

    ``known`` are those that would be without the other terms: that the value is the same there too is worth knowing.
    """
    values = inside[name].cast(pl.String).unique()
    if inside[name].dtype.is_numeric() or len(values) != 1:
        return ""
    said = f"{name} = {values.item()} throughout"
    return said if known[name].n_unique() - known[name].has_nulls() == 1 else f"{said} where the other terms are known"


def _evaluated(
    terms: Sequence[Term], data: pd.DataFrame, people: Callable[[], Codes]
) -> tuple[Array, ModelSpec, Sequence[str]]:
    """Return the matrix of the terms, how it was made, and the names of its columns."""
    try:
        # What is infinite is refused below. A frame of no columns would lose its rows.
        with np.errstate(all="ignore"):
            matrix = Formula(list(terms)).get_model_matrix(
                data.assign(_row=1),
                context={**CONTEXT, splines.PEOPLE: people},
                materializer=DesignMaterialiser.REGISTER_NAME,
                output="numpy",
                na_action="raise",
            )
    except (FormulaicError, ValueError) as error:
        shown = " + ".join(str(term) for term in terms if str(term) != "1")
        raise UsageError(f"terms {shown!r} cannot be evaluated: {formula.first_line(error)}") from None
    return np.asarray(matrix, dtype=float), matrix.model_spec, matrix.model_spec.column_names


def _ends(values: Array) -> Array:
    """Return the lowest and the highest value (2 x p) of each column (n x p), which are finite where all are."""
    return np.array([values.min(axis=0), values.max(axis=0)])


def _check_finite(slices: Mapping[Term, slice], ends: Array) -> None:
    if off := [str(term) for term, where in slices.items() if not np.isfinite(ends[:, where]).all()]:
        raise UsageError(
            f"the term {off[0]} is infinite on some rows; a logarithm needs values above 0, and no divisor is 0"
        )


def _remarks(terms: Sequence[Term], model: ModelSpec, moved: Mapping[str, str]) -> tuple[str, ...]:
    # Nothing is said of a reference that the formula itself states.
    unstated = (factor for term in terms for factor in term.factors if "ref=" not in factor.expr)
    references = {reference(factor, model) for factor in unstated}
    return tuple(remark for level, remark in moved.items() if level in references)


def _observed(data: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest value of each column that is a number."""
    numbers = (name for name, dtype in data.dtypes.items() if not isinstance(dtype, pd.CategoricalDtype))
    each = ((str(name), data[name].to_numpy()) for name in numbers)
    return {decoded(name): (float(values.min()), float(values.max())) for name, values in each}


def _people(frame: pl.DataFrame, rows: Flags) -> Codes:
    if "participant_id" not in frame.columns:
        return np.arange(int(rows.sum()))
    inside = frame["participant_id"].filter(pl.Series(rows))
    return inside.cast(pl.String).cast(pl.Categorical).to_physical().to_numpy().astype(np.intp)


def _like(first: pd.Series[Any], values: pd.Series[Any] | None, length: int) -> Any:
    """Return ``values`` in the type of the fitted rows, or the ``first`` of these as often as needed."""
    if values is None:
        return first.repeat(length).array
    if not isinstance(first.dtype, pd.CategoricalDtype):
        return values.to_numpy(dtype=float)
    levels = list(first.dtype.categories)
    codes, kinds = pd.factorize(values, use_na_sentinel=False)
    texts = [str(v).lower() if isinstance(v, (bool, np.bool_)) else str(v) for v in kinds]
    if unknown := sorted(set(texts) - set(levels)):
        name = decoded(str(first.name))
        said, allowed = f"{name} was never {unknown[0]!r} on the rows fitted", f"allowed: {', '.join(levels)}"
        raise suggestions.unknown(UsageError, said, unknown[0], levels, allowed)
    of_kinds = np.array([levels.index(text) for text in texts], dtype=np.intp)
    return pd.Categorical.from_codes(of_kinds[codes], dtype=first.dtype)


def _no_row(new: pd.DataFrame) -> Array:
    raise UsageError(f"no row was complete on the terms, so that {len(new)} other rows cannot be encoded")
