"""What a fitted model expects at given values: a mean, a probability or the shares of classes, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
from scipy import special

from crampstudy import suggestions
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import TEXT
from crampstudy.models.coefficients.rows import ALONE, CoefficientTable
from crampstudy.models.common.estimability import name
from crampstudy.models.inference.covariance import combined, quantile
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.terms.functions import OFFSET
from crampstudy.nights import AGE_CENTRE
from crampstudy.readable import OneLine

Link = Literal["log", "logit", "identity"]
At = Mapping[str, Any] | pd.DataFrame
"""Values of variables: a mapping from each to one value or several, or a frame with a row per prediction."""
POPULATION = "population"
"""A mean of all who have these values."""
TYPICAL = "typical participant"
"""The mean of somebody whose random effects are 0."""
COLUMNS = (
    *("class", "estimate", "ci_low", "ci_high", "ci_level", "std_error", "df"),
    *("outcome", "unit", "mean_of", "extrapolated", "note"),
)
"""What a prediction has beside its values; ``class`` only of ordered classes."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a linear predictor is turned into: by which inverse ``link``, times which ``factor``, and in which unit.

    ``mean_of`` says whose mean it is. A model that cannot be asked says in ``refusal`` why.
    """

    link: Link
    unit: str
    factor: float = 1.0
    mean_of: str = POPULATION
    refusal: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Predictor(OneLine):
    """A fitted model as what it expects of given values.

    Args:
        design: the columns of the terms, without their rows.
        answer: the coefficients, those of the design first; thresholds or a part for zeros follow.
        response: what the linear predictor is turned into.
        terms: the formula, of which an offset is worked out.
        cells: ``outcome`` and ``ci_level``.
        bands: age bands behind ``age_band``.
        levels: the ordered classes.
        zero: the design of the odds of an excess zero, of a model that has such a part.
        dispersion: that of counts.
        modes: the participants' random effects (G x D), in the order of the participants.
        slope: the column with a random slope.
    """

    design: design_matrix.Design
    answer: CoefficientTable
    response: Response
    terms: str
    cells: Mapping[str, Any]
    bands: AgeBands = field(default_factory=AgeBands)
    levels: tuple[str, ...] = ()
    zero: design_matrix.Design | None = None
    dispersion: float = 0.0
    modes: Array | None = None
    slope: int | None = None

    @property
    def labels(self) -> list[str]:
        """What the coefficients are called."""
        p = len(self.design.columns)
        own = [name(column) for column in self.answer.columns]
        return own if self.zero is None else [*own[:p], *(f"zero: {label}" for label in own[p:])]

    def predict(self, at: At) -> pd.DataFrame:
        """Return what is expected at the values ``at``, a row each and, of ordered classes, a row per class.

        Raises:
            AnalysisError: the model says nothing of a mean.
            UsageError: a variable of the fit is not given, or a value is none that it can have.
        """
        if self.response.refusal:
            raise AnalysisError(self.response.refusal)
        given = _frame(at)
        values = self._complete(given)
        beyond = self._beyond(values)
        found = self._classes(values) if self._limits else {None: self._mean(values)}
        parts = [self._rows(given, beyond, level, *numbers) for level, numbers in found.items()]
        # The classes of a row stand together.
        made = pd.concat(parts).iloc[np.arange(len(given) * len(parts)).reshape(len(parts), -1).T.ravel()]
        return made if self._limits else made.drop(columns="class")

    @property
    def _limits(self) -> list[int]:
        """The places of the thresholds between ordered classes."""
        return [i for i, column in enumerate(self.answer.columns) if column.term == design_matrix.THRESHOLD]

    def _complete(self, given: pd.DataFrame) -> pd.DataFrame:
        """Return the values of the variables of the fit, what follows from the age filled in."""
        needed = [*dict.fromkeys((*self.design.variables, *(self.zero.variables if self.zero else ()), *self._beside))]
        values = given.copy()
        if "age_years" in values:
            age = _numbers("age_years", values["age_years"])
            if "age_decade" in needed and "age_decade" not in values:
                values["age_decade"] = (age - AGE_CENTRE) / 10
            if "age_band" in needed and "age_band" not in values:
                values["age_band"] = [None if np.isnan(years) else self.bands.label(years) for years in age]
        if lacking := [variable for variable in needed if variable not in values]:
            takes = [lacking[0], *(["age_years"] if lacking[0] in ("age_decade", "age_band") else [])]
            close = {meant: name for name in given.columns for meant in suggestions.closest(name, takes)}
            hint = next((f"; did you mean {meant} by {name!r}?" for meant, name in close.items()), "")
            raise UsageError(
                f"a prediction needs a value of every variable of the fit ({', '.join(needed)}), and {lacking[0]} is "
                f"not given{hint}"
            )
        for variable in needed:
            if (where := np.flatnonzero(pd.isna(values[variable]))).size:
                raise UsageError(f"{variable} is missing in row {values.index[where[0]]}: a prediction needs its value")
        return values

    @property
    def _beside(self) -> list[str]:
        """The variables of an offset."""
        return sorted({n for found in self._offsets for n in formula.names_of(found.term)})

    @property
    def _offsets(self) -> list[formula.Special]:
        specials = [found for term in formula.parse(self.terms) if (found := formula.special(term))]
        return [found for found in specials if found.kind == OFFSET]

    def _offset(self, values: pd.DataFrame) -> Array:
        if not self._offsets:
            return np.zeros(len(values))
        frame = pl.DataFrame({n: _numbers(n, values[n]).to_numpy() for n in self._beside})
        return formula.beside(frame, self._offsets, np.ones(len(values), dtype=bool))[OFFSET]

    def _beyond(self, values: pd.DataFrame) -> list[str | None]:
        """Return of each row which values lie beyond those that the model was fitted to."""
        said: list[list[str]] = [[] for _ in range(len(values))]
        observed = {**self.design.observed, **(self.zero.observed if self.zero else {})}
        for variable, (low, high) in observed.items():
            if variable == "age_decade" and "age_years" in values:
                variable, low, high = "age_years", 10 * low + AGE_CENTRE, 10 * high + AGE_CENTRE
            numbers = _numbers(variable, values[variable])
            for row, number in enumerate(numbers):
                if not low <= number <= high:
                    said[row].append(f"{variable} = {number:g} is beyond {low:g} to {high:g}")
        return ["; ".join(texts) or None for texts in said]

    def _encoded(self, design: design_matrix.Design, values: pd.DataFrame) -> Array:
        for variable in design.observed:
            values = values.assign(**{variable: _numbers(variable, values[variable])})
        return design.encode(values)

    def _mean(self, values: pd.DataFrame) -> tuple[Array, Array, Link]:
        """Return the means on the link scale, their gradients in the coefficients (n x q), and the link."""
        matrix, p = self._encoded(self.design, values), len(self.design.columns)
        gradient = np.zeros((len(matrix), len(self.answer.columns)))
        gradient[:, :p] = matrix
        eta = _at(gradient, self.answer.coefficients) + self._offset(values)
        if self.zero is None:
            return eta, gradient, self.response.link
        odds = self._encoded(self.zero, values)
        excess = special.expit(_at(odds, self.answer.coefficients[p:]))
        gradient[:, p:] = -excess[:, None] * odds
        return eta + np.log1p(-excess), gradient, "log"

    def _classes(self, values: pd.DataFrame) -> dict[str | None, tuple[Array, Array, Link]]:
        """Return the logits of the shares of each class, and their gradients."""
        columns, coefficients, limits = self.answer.columns, self.answer.coefficients, self._limits
        matrix, q = self._encoded(self.design, values), len(self.answer.columns)
        places = {column: i for i, column in enumerate(columns)}
        to_limits = []
        for limit in limits:
            above = np.zeros((len(matrix), q))
            above[:, limit] = 1.0
            for j, column in enumerate(self.design.columns):
                above[:, self._slope(places, j, column, str(columns[limit].level))] += matrix[:, j]
            to_limits.append(above)
        shares = [special.expit(_at(above, coefficients)) for above in to_limits]
        # Everybody is above no class, and nobody above the last.
        all_above = [np.ones(len(matrix)), *shares, np.zeros(len(matrix))]
        flat = np.zeros((len(matrix), q))
        inner = ((share * (1 - share))[:, None] * above for share, above in zip(shares, to_limits, strict=True))
        slopes = [flat, *inner, flat]
        made: dict[str | None, tuple[Array, Array, Link]] = {}
        for k, level in enumerate(self.levels):
            share = all_above[k] - all_above[k + 1]
            gradient = (slopes[k] - slopes[k + 1]) / (share * (1 - share))[:, None]
            made[level] = special.logit(share), gradient, "logit"
        return made

    @staticmethod
    def _slope(places: Mapping[design_matrix.Column, int], j: int, column: design_matrix.Column, limit: str) -> int:
        """Return the place of the slope of the column ``j`` of the design at a limit between two classes."""
        at_limit = f"{column.level}, {limit}" if column.level else limit
        return places.get(design_matrix.Column(column.term, at_limit, column.reference), j)

    def _rows(
        self,
        given: pd.DataFrame,
        beyond: Sequence[str | None],
        level: str | None,
        value: Array,
        gradient: Array,
        link: Link,
    ) -> pd.DataFrame:
        """Return the predictions of one class, or of the mean.

        Args:
            given: the values as they were given.
            beyond: which of them lie beyond the data, of each row.
            level: the class.
            value: what is expected on the link scale (n).
            gradient: its gradient in the coefficients (n x q).
            link: what the scale is.
        """
        unknown = np.isnan(self.answer.coefficients) | np.isnan(np.diag(self.answer.variance))
        alone = (gradient[:, unknown] != 0).any(axis=1)
        known = np.where(unknown[:, None] | unknown, 0.0, self.answer.variance)
        _, error = combined(gradient, np.nan_to_num(self.answer.coefficients), known)
        value, error = np.where(alone, np.nan, value), np.where(alone, np.nan, error)
        df = self.answer.moments.df(gradient)
        ci_level = self.cells["ci_level"]
        half = np.array([quantile(ci_level, its) for its in df]) * error
        factor = self.response.factor
        back = {"log": np.exp, "logit": special.expit, "identity": lambda number: number}[link]
        own = {
            "class": level,
            "estimate": factor * back(value),
            "ci_low": factor * back(value - half),
            "ci_high": factor * back(value + half),
            "ci_level": ci_level,
            "std_error": error,
            "df": df,
            "outcome": self.cells["outcome"],
            "unit": self.response.unit,
            "mean_of": self.response.mean_of,
            "extrapolated": pd.array(list(beyond), dtype=TEXT),
            "note": pd.array([ALONE if lone else None for lone in alone], dtype=TEXT),
        }
        # An own column of a cohort may be called like one of these.
        shown = given.rename(columns=lambda column: f"{column} (given)" if column in COLUMNS else column)
        return pd.concat([shown, pd.DataFrame(own, index=given.index)], axis=1)


def _frame(at: At) -> pd.DataFrame:
    """Return the values as a frame with a row per prediction."""
    if not isinstance(at, (Mapping, pd.DataFrame)):
        raise UsageError(
            f"a prediction takes a mapping or a data frame of values, such as {{'age_years': [40, 70]}}; got "
            f"{type(at).__name__}"
        )
    if isinstance(at, pd.DataFrame):
        made = at
    else:
        several = (Sequence, np.ndarray, pd.Series)
        lists = {n: v for n, v in at.items() if isinstance(v, several) and not isinstance(v, str)}
        if len(lengths := {len(v) for v in lists.values()}) > 1:
            raise UsageError(
                f"the values of a prediction differ in number: {', '.join(lists)}; give one each, or equally many"
            )
        n = next(iter(lengths), 1)
        made = pd.DataFrame({k: list(lists[k]) if k in lists else [v] * n for k, v in at.items()}, index=range(n))
    if made.empty and not len(made):
        raise UsageError("there are no values to predict at; give one row or more")
    return made


def _numbers(variable: str, values: pd.Series[Any]) -> pd.Series[float]:
    """Return values as numbers; a text that is none is refused."""
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = numbers.isna() & values.notna() | np.isinf(numbers)
    if wrong.any():
        first = values[wrong].iloc[0]
        shown = repr(first) if isinstance(first, str) else first
        raise UsageError(f"{variable} = {shown} is no number; {variable} takes a finite number")
    return numbers


def _at(gradient: Array, coefficients: Array) -> Array:
    """Return combinations of coefficients; what has no estimate adds nothing, and is seen to later."""
    return np.asarray(gradient @ np.nan_to_num(coefficients), dtype=np.float64)
