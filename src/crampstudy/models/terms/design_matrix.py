"""From a formula to a design matrix: which terms a cohort can answer, on which rows, in which columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from formulaic import Formula, ModelSpec
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor, Term
from formulaic.transforms.contrasts import TreatmentContrasts
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.arrays import Array
from crampstudy.errors import UsageError
from crampstudy.models.terms import formula, splines
from crampstudy.models.terms.columns import coded, decoded
from crampstudy.models.terms.declared_contrasts import Declared, declare
from crampstudy.models.terms.functions import CONTEXT, OFFSET, WEIGHTS
from crampstudy.models.terms.levels import check_levels, participants, reference_first
from crampstudy.models.terms.standardisation import Standard, standing

REFERENCE_FIRST = {"sex": ("male", "female")}
INTERCEPT = "intercept"
PER_COEFFICIENT = 5
"""As many participants should stand behind every coefficient of a model."""
THRESHOLD = "threshold"
"""The place of the intercept between ordered classes, one for each limit between two of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: the term it belongs to and, for a categorical term, level and reference."""

    term: str
    level: str | None = None
    reference: str | None = None


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


@dataclass(frozen=True, slots=True)
class Encoder:
    """What turns values into rows of a fitted design; it outlives the fit and holds on to its ``first`` row alone."""

    first: pd.DataFrame
    model: ModelSpec

    def __call__(self, new: pd.DataFrame) -> NDArray[np.float64]:
        """Return a row of the design per row of ``new``; a variable that it lacks stands at its value in ``first``.

        Raises:
            UsageError: a level was never on the rows fitted.
        """
        values = {name: _like(self.first[name], new.get(decoded(name)), len(new)) for name in self.first.columns}
        whole = pd.DataFrame(values, index=new.index).assign(_row=1)
        encoded = self.model.get_model_matrix(whole, context=CONTEXT, na_action="raise")
        return np.ascontiguousarray(encoded.to_numpy(dtype=float))


@dataclass(frozen=True, slots=True)
class Without:
    """What an encoder gives, but only the columns ``kept``."""

    encode: Callable[[pd.DataFrame], NDArray[np.float64]]
    kept: tuple[int, ...]

    def __call__(self, new: pd.DataFrame) -> NDArray[np.float64]:
        """Return a row of the kept columns per row of ``new``."""
        return self.encode(new)[:, self.kept]


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix: ``matrix`` (rows x columns) for the rows of the source frame that ``rows`` selects.

    ``not_measured`` are terms left out because the cohort never measured a variable they need, ``constant`` those left
    out because they do not vary on these rows, with the reason in ``flat`` where it is another; ``standard`` says how
    engines see the columns. Without a complete row the matrix is empty and ``columns`` holds one column per term.
    ``surplus`` are terms left out because there are too few participants for so many coefficients,
    ``remarks`` what a reader of the coefficients should know. ``incomplete`` counts the candidate rows left out because
    a value was missing, ``weightless`` those of weight 0; ``encode`` turns other values of the variables (a frame with
    a row each) into rows of the same matrix, a variable that is not given at its value of the first row. ``offset`` (a
    number per row) is the sum of the formula's ``offset(...)``, ``weights`` its ``weights(...)``, ``beside`` both as
    written, ``smooths`` its splines, ``declared`` the contrasts that have a verdict.
    """

    matrix: NDArray[np.float64]
    columns: tuple[Column, ...]
    rows: NDArray[np.bool_]
    variables: tuple[str, ...]
    not_measured: tuple[str, ...]
    constant: tuple[str, ...]
    incomplete: int
    encode: Callable[[pd.DataFrame], NDArray[np.float64]]
    offset: Array
    weights: Array | None = None
    smooths: tuple[Smooth, ...] = ()
    beside: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weightless: int = 0
    surplus: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    flat: Mapping[str, str] = field(default_factory=dict)
    standard: Standard = field(default_factory=Standard.none)
    declared: Declared = field(default_factory=Declared)

    def over_all_rows(self) -> NDArray[np.float64]:
        """Return the matrix with a row per row of the source frame, zeros where it was not selected."""
        full = np.zeros((len(self.rows), self.matrix.shape[1]))
        full[self.rows] = self.matrix
        return full

    def standardised(self) -> Design:
        """Return the design with its matrix as engines see it."""
        return replace(self, matrix=self.standard.columns(self.matrix))

    def bare(self) -> Design:
        """Return the design without its rows, light enough to be kept or sent to other processes."""
        empty = np.empty(0)
        matrix = np.empty((0, len(self.columns)))
        return replace(self, matrix=matrix, rows=empty.astype(bool), offset=empty, weights=None)

    def without_intercept(self) -> Design:
        """Return the design of a model whose baseline takes the intercept's place."""
        kept = [i for i, column in enumerate(self.columns) if column.term != INTERCEPT]
        return replace(self.keeping(kept), standard=self.standard.keeping(kept))

    def keeping(self, kept: Sequence[int]) -> Design:
        """Return the design of the columns ``kept``, those of all splines among them; how engines see it is left out.

        A term that keeps no column is one that does not vary.
        """
        place, columns = {column: i for i, column in enumerate(kept)}, tuple(self.columns[i] for i in kept)
        lost = {column.term: None for column in self.columns if column.term not in {c.term for c in columns}}
        return replace(
            self,
            matrix=self.matrix[:, kept],
            columns=columns,
            constant=(*self.constant, *(term for term in lost if term != INTERCEPT)),
            smooths=tuple(
                replace(s, columns=tuple(place[i] for i in s.columns), contrasts=s.contrasts[:, kept])
                for s in self.smooths
            ),
            encode=Without(self.encode, tuple(kept)),
            standard=Standard.none(len(kept)),
            declared=self.declared.kept(kept),
        )

    def terms(self) -> tuple[str, ...]:
        """Return the fitted terms but the intercept, in formula order."""
        return tuple(dict.fromkeys(c.term for c in self.columns if c.term != INTERCEPT))

    def all_terms(self) -> tuple[str, ...]:
        """Return the fitted terms and those that were left out."""
        return (*self.terms(), *self.not_measured, *self.constant, *self.surplus)


def build(
    frame: pl.DataFrame,
    terms: str,
    *,
    candidate: NDArray[np.bool_],
    needs: Sequence[str] = (),
    times: NDArray[np.int64] | None = None,
    per_coefficient: int | None = None,
) -> Design:
    """Build the design of ``terms`` on the ``candidate`` rows of ``frame`` that are complete on terms and ``needs``.

    Booleans and levels enter by treatment coding; the reference is male, false, the youngest band with at least
    :data:`~.levels.FEWEST_IN_REFERENCE` participants, else the first level. A row stands for ``times``
    rows, 1 if not given; one of weight 0 is left out. With ``per_coefficient`` the last terms are left out until there
    are so many participants to every coefficient.

    Raises:
        UsageError: a name is neither in the codebook nor a column of the cohort, or a term cannot be evaluated.
    """
    parsed = formula.parse(terms)
    used = formula.names_in(parsed)
    formula.check_names(used, frame)
    inside = frame.filter(pl.Series(candidate))
    absent = {n for n in used if n not in frame.columns or (inside.height and inside[n].null_count() == inside.height)}
    specials = [found for term in parsed if (found := formula.special(term))]
    with_coefficient = [term for term in parsed if formula.special(term) is None]
    needs = [*needs, *sorted({name for found in specials for name in formula.names_of(found.term)})]
    if lacking := sorted(absent & set(needs)):
        raise UsageError(f"offset() and weights() need {lacking[0]}, which was never measured in this cohort")
    beside = formula.beside(frame, specials, candidate)
    each, weightless = (np.ones(frame.height, dtype=np.int64) if times is None else times), 0
    if (weights := beside.get(WEIGHTS)) is not None:
        weightless = int(each[candidate & (weights == 0)].sum())
        candidate = candidate & (weights != 0)
    kept = [term for term in with_coefficient if not absent & formula.names_of(term)]
    not_measured = tuple(str(term) for term in with_coefficient if term not in kept)
    names = {str(term): tuple(sorted(formula.names_of(term))) for term in with_coefficient}
    constant: list[str] = []
    surplus: list[str] = []
    reasons: dict[str, str] = {}
    while True:
        design, flat = _encoded(frame, kept, candidate, needs, not_measured, tuple(constant))
        n = participants(frame, design.rows)
        last = next((term for term in reversed(kept) if str(term) != "1"), None)
        if not flat and per_coefficient and last and n and len(design.columns) * per_coefficient > n:
            surplus.insert(0, str(last))
            kept = [term for term in kept if term != last]
            continue
        if not flat:
            left = candidate & ~design.rows
            many = f"{len(design.columns)} coefficients of {n} participants, more than one to every {PER_COEFFICIENT}"
            crowded = (many,) if len(design.columns) * PER_COEFFICIENT > n > 0 else ()
            made_of = [frozenset(names.get(column.term, ())) for column in design.columns]
            some = len(design.matrix) > 0
            made = replace(
                design,
                incomplete=int(each[left].sum()),
                weightless=weightless,
                offset=beside[OFFSET][design.rows] if OFFSET in beside else np.zeros(int(design.rows.sum())),
                weights=None if weights is None else weights[design.rows],
                beside=tuple(str(found.term) for found in specials),
                names=names,
                surplus=tuple(surplus),
                remarks=(*design.remarks, *crowded),
                flat=reasons,
                standard=Standard.of(design.matrix, made_of) if some else Standard.none(len(design.columns)),
            )
            return replace(made, declared=declare(made, frame, candidate, each))
        # A term that does not vary says nothing about itself and takes nothing from the others.
        constant += flat
        reasons |= {term: why for term, why in flat.items() if why}
        kept = [term for term in kept if str(term) not in flat]


def _encoded(
    frame: pl.DataFrame,
    kept: Sequence[Term],
    candidate: NDArray[np.bool_],
    needs: Sequence[str],
    not_measured: tuple[str, ...],
    constant: tuple[str, ...],
) -> tuple[Design, dict[str, str]]:
    """Return the design of the ``kept`` terms and those that do not vary, each with what is to be said of it."""
    used = sorted({name for term in kept for name in formula.names_of(term)})
    complete = frame.select(pl.all_horizontal(pl.lit(value=True), *(pl.col(c).is_not_null() for c in [*used, *needs])))
    rows = candidate & complete.to_series().to_numpy()
    inside = frame.filter(pl.Series(rows))
    for name in sorted({name for term in kept for name in formula.factors_of(term)}):
        check_levels(name, inside, "terms")
    data, moved = _categorical(inside, used)
    left = int(candidate.sum() - rows.sum())
    context = {**CONTEXT, splines.PEOPLE: partial(_people, frame, rows)}
    if not rows.any():
        columns = tuple(Column(INTERCEPT if str(term) == "1" else str(term)) for term in kept)
        return Design(
            np.empty((0, len(columns))), columns, rows, tuple(used), not_measured, constant, left, _no_row, np.empty(0)
        ), {}
    try:
        # What is infinite is refused below. A frame of no columns would lose its rows.
        with np.errstate(all="ignore"):
            matrix = Formula(list(kept)).get_model_matrix(data.assign(_row=1), context=context, na_action="raise")
    except (FormulaicError, ValueError) as error:
        shown = " + ".join(str(term) for term in kept if str(term) != "1")
        raise UsageError(f"terms {shown!r} cannot be evaluated: {formula.first_line(error)}") from None
    values = np.ascontiguousarray(matrix.to_numpy(dtype=float))
    slices = matrix.model_spec.term_slices
    if off := [str(term) for term, where in slices.items() if not np.isfinite(values[:, where]).all()]:
        raise UsageError(
            f"the term {off[0]} is infinite on some rows; a logarithm needs values above 0, and no divisor is 0"
        )
    found = {str(term): standing(str(term), values[:, where]) for term, where in slices.items() if str(term) != "1"}
    flat = {term: why for term, why in found.items() if why is not None}
    named = [(term, name) for term, where in slices.items() for name in matrix.columns[where]]
    columns = tuple(_column(term, name, matrix.model_spec) for term, name in named)
    encode = Encoder(data.iloc[:1].copy(), matrix.model_spec)
    # Nothing is said of a reference that the formula itself states.
    unstated = (factor for term in kept for factor in term.factors if "ref=" not in factor.expr)
    references = {_reference(factor, matrix.model_spec) for factor in unstated}
    remarks = tuple(remark for level, remark in moved.items() if level in references)
    splined = [(term, where) for term, where in slices.items() if _has_spline(term)]
    smooths = tuple(_smooth(term, where, matrix.model_spec, data) for term, where in splined)
    return Design(
        matrix=values,
        columns=columns,
        rows=rows,
        variables=tuple(used),
        not_measured=not_measured,
        constant=constant,
        incomplete=left,
        encode=encode,
        offset=np.empty(0),
        smooths=smooths,
        remarks=remarks,
    ), flat


def _people(frame: pl.DataFrame, rows: NDArray[np.bool_]) -> NDArray[np.intp]:
    if "participant_id" not in frame.columns:
        return np.arange(int(rows.sum()))
    inside = frame["participant_id"].filter(pl.Series(rows))
    return inside.cast(pl.String).cast(pl.Categorical).to_physical().to_numpy().astype(np.intp)


def _has_spline(term: Term) -> bool:
    return any(
        isinstance(c.func, ast.Name) and c.func.id == splines.NAME for f in term.factors for c in formula.calls(f)
    )


def _smooth(term: Term, where: slice, model: ModelSpec, data: pd.DataFrame) -> Smooth:
    (spline,) = (f for f in term.factors if _has_spline(Term([f])))
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


def _like(first: pd.Series[Any], values: pd.Series[Any] | None, length: int) -> Any:
    """Return ``values`` in the type of the fitted rows, or the ``first`` of these as often as needed."""
    if values is None:
        return first.repeat(length).array
    if not isinstance(first.dtype, pd.CategoricalDtype):
        return values.to_numpy(dtype=float)
    levels = list(first.dtype.categories)
    texts = [str(v).lower() if isinstance(v, (bool, np.bool_)) else str(v) for v in values]
    if unknown := sorted(set(texts) - set(levels)):
        name = decoded(str(first.name))
        raise UsageError(f"{name} was never {unknown[0]!r} on the rows fitted; allowed: {', '.join(levels)}")
    return pd.Categorical(texts, levels)


def _no_row(new: pd.DataFrame) -> NDArray[np.float64]:
    raise UsageError(f"no row was complete on the terms, so that {len(new)} other rows cannot be encoded")


def _categorical(frame: pl.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the variables as a design takes them; and why a band is the reference, though not the youngest."""
    data: dict[str, pd.Series[Any]] = {}
    moved: dict[str, str] = {}
    for name in names:
        column, key = frame[name], coded(name)
        if column.dtype == pl.Boolean:
            column = column.cast(pl.String)
            ordered = [level for level in ("false", "true") if level in set(column.unique())]
            data[key] = _levels(column, ordered)
        elif column.dtype in (pl.String, pl.Enum):
            present = set(column.unique())
            known = codebook.find(name)
            levels = REFERENCE_FIRST.get(name) or (known.levels if known else ())
            if isinstance(column.dtype, pl.Enum):
                levels = tuple(column.dtype.categories)
            # An own column may be called as one of another table is, whose levels are not its own.
            levels = levels if present <= {*levels} else ()
            ordered = [level for level in (levels or sorted(present)) if level in present]
            if name == "age_band":
                ordered, why = reference_first(ordered, column, frame)
                moved |= {ordered[0]: why} if why else {}
            data[key] = _levels(column, ordered)
        else:
            data[key] = pd.Series(column.cast(pl.Float64).to_numpy())
    return pd.DataFrame(data, index=pd.RangeIndex(frame.height)), moved


def _levels(column: pl.Series, ordered: Sequence[str]) -> pd.Series[Any]:
    codes: Any = column.cast(pl.String).cast(pl.Enum(ordered)).to_physical().to_numpy().astype(np.int64)
    levels: Any = pd.Index(list(ordered), dtype="object")
    return pd.Series(pd.Categorical.from_codes(codes, levels))


def _column(term: Term, name: str, model: ModelSpec) -> Column:
    if str(term) == "1":
        return Column(INTERCEPT)
    # Where the other columns already say it, a column of an interaction lacks one of its factors.
    inside = "".join(rf"(?:{re.escape(factor.expr)}(?:\[(.*?)\])?(?::|$))?" for factor in term.factors)
    fields = re.fullmatch(inside, name, re.DOTALL).groups()  # type: ignore[union-attr]
    found = [(factor, text) for factor, text in zip(term.factors, fields, strict=True) if text is not None]
    if not found:
        return Column(str(term))
    treated = {factor: text.removeprefix("T.") for factor, text in found if _reference(factor, model) is not None}
    level = ":".join(treated.get(factor, text) for factor, text in found)
    # Only treatment coding, which names its columns [T.level], compares a level with one reference.
    (factor, text), *others = found
    if others or factor not in treated or not text.startswith("T."):
        return Column(str(term), level)
    return Column(str(term), level, _reference(factor, model))


def _reference(factor: Factor, model: ModelSpec) -> str | None:
    """Return the level that a factor's other ones are compared with; ``None`` if it has none."""
    _, state = model.encoder_state.get(factor.expr, (None, {}))
    used = state.get("contrasts")
    if used is None or not isinstance(used.contrasts, TreatmentContrasts):
        return None
    return str(used.contrasts.get_coefficient_row_names(used.levels, reduced_rank=True)[0])
