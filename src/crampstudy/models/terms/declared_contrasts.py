"""The declared contrasts of a design: on which of its columns, and between which values of its numbers, verdicts stand.

A ratio per unit says nothing of how much a number matters: the same slope is small per minute and large per hour. A
contrast between two values is the same in any unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.codebook import contrasts, exposures
from crampstudy.codebook.exposures import Exposure
from crampstudy.estimates import note
from crampstudy.estimates.verdicts import BEYOND_VALUES, unjudged
from crampstudy.models.terms.standardisation import is_zero_or_one

if TYPE_CHECKING:
    from crampstudy.models.terms.design_matrix import Design

_ROUNDED = 1 + 1e-9
_AS_DECLARED = ("value", "deviation")
"""Kinds of contrasts that are no centiles."""
WIDEST = 1.1
"""A contrast that is wider than so many times what was observed has no verdict."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """A contrast of a ``width`` wider than that of the values observed, which lie ``apart`` at most.

    Wider by no more than a tenth it is nearly what was seen, such as 300 mg against none where some took 297 on
    average; farther out the line of the model is a guess. So it is where both values lie on one side of all that were
    ``observed``, the least and the greatest of which are given then.
    """

    width: float
    apart: float
    observed: tuple[float, float] | None = None

    @classmethod
    def of(cls, width: float, apart: float) -> Beyond | None:
        """Return that of a width, ``None`` where two of the values lie so far apart."""
        return None if width <= apart * _ROUNDED else cls(width, apart)

    @property
    def judged(self) -> bool:
        """Whether it has a verdict all the same."""
        return self.observed is None and self.width <= self.apart * WIDEST * _ROUNDED

    def on(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row that says so in its note, without a verdict where it is too far out."""
        said = f"{BEYOND_VALUES} {self.apart:.3g} apart at most"
        if self.observed is not None:
            low, high = self.observed
            said = f"{BEYOND_VALUES} from {low:.3g} to {high:.3g}"
        if pd.isna(row["estimate"]):
            return dict(row)
        if self.judged:
            return {**row, "note": note(row["note"] or "", said)}
        return unjudged(row, f"{said}: no verdict", beyond=True)


@dataclass(frozen=True, slots=True)
class AppliedContrast:
    """Two values of a ``variable``, as texts and as ``printed``; ``vector`` (p) is the difference of their rows.

    ``beyond`` is there where no two of the values observed lie so far apart. Values that are ``centiles`` are
    other ones in other people.
    """

    variable: str
    level: str
    reference: str
    printed: str
    vector: Array
    beyond: Beyond | None = None
    centiles: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """The ``contrasts`` of a design's numbers, and the ``columns`` whose own coefficient is a contrast as it is.

    ``beyond`` are those of the columns, by place, whose values all lie nearer together than that contrast is wide.
    ``lags`` say of the terms of an exposure on several nights how far its mean over these nights lies apart at most.
    """

    contrasts: tuple[AppliedContrast, ...] = ()
    columns: tuple[int, ...] = ()
    beyond: Mapping[int, Beyond] = field(default_factory=dict)
    lags: Mapping[frozenset[str], float] = field(default_factory=dict)

    def kept(self, places: Sequence[int]) -> Declared:
        """Return what the design declares of which only the columns at these places are kept."""
        place = {column: i for i, column in enumerate(places)}
        return Declared(
            tuple(replace(c, vector=c.vector[list(places)]) for c in self.contrasts),
            tuple(place[i] for i in self.columns if i in place),
            {place[i]: beyond for i, beyond in self.beyond.items() if i in place},
            self.lags,
        )

    def without(self, places: Sequence[int]) -> Declared:
        """Return what is left where the columns at these places have more than one coefficient."""
        return Declared(
            tuple(c for c in self.contrasts if not c.vector[list(places)].any()),
            tuple(i for i in self.columns if i not in places),
            {i: beyond for i, beyond in self.beyond.items() if i not in places},
            self.lags,
        )


def declare(design: Design, frame: pl.DataFrame, candidate: NDArray[np.bool_], times: NDArray[np.int64]) -> Declared:
    """Return the declared contrasts of a design on ``candidate`` rows of ``frame``, each of which is ``times`` rows.

    A level against its reference and a number that is 0 or 1 are contrasts as they are. Another number is taken at the
    two values that it has, at those that the codebook declares, or at centiles of the participants: of their means over
    all of their rows, where it changes between them. Those are the same whatever else is in the terms and may be
    missing. A night's deviation from the participant's mean is taken at the deviations declared, or at centiles of the
    nights. What interacts with another variable has no contrast of its own.
    """
    if not (design.variables and design.rows.any()):
        return Declared()
    inside = frame.select(design.variables).filter(pl.Series(design.rows))
    means, each = partial(_means, frame, candidate, times), times[design.rows]
    found: list[AppliedContrast] = []
    columns: list[int] = []
    far: dict[int, Beyond] = {}
    for name in design.variables:
        terms = [term for term in design.terms() if name in design.names[term]]
        if any(design.names[term] != (name,) for term in terms):
            continue
        own = _as_they_are(design, terms, yes_or_no=_is_yes_or_no(name, frame))
        columns += own
        far |= {i: beyond for i in own if (beyond := _beyond_means(design, i))}
        if own or not terms or not inside[name].dtype.is_numeric():
            continue
        straight = terms == [name]
        observed = _Observed(inside[name].cast(pl.Float64), each)
        for declared, at, reference in _values(name, straight, observed, means):
            vector = _along(design, name, at, reference) if straight else _between(design, name, at, reference)
            if vector is not None:
                printed = _as_observed(declared, frame, candidate).wording(at, reference)
                beyond = observed.beyond(at, reference)
                centiles = declared.kind not in _AS_DECLARED
                found.append(AppliedContrast(name, f"{at:g}", f"{reference:g}", printed, vector, beyond, centiles))
                break
    return Declared(tuple(found), tuple(sorted(columns)), far, _lags(design))


def _as_observed(declared: contrasts.Contrast, frame: pl.DataFrame, candidate: NDArray[np.bool_]) -> contrasts.Contrast:
    """Return a contrast as one of all candidate rows where it is within a sex and they have one: it is the same."""
    if declared.kind != "within-sex" or "sex" not in frame.columns:
        return declared
    sexes = frame["sex"].filter(pl.Series(candidate)).drop_nulls().n_unique()
    return replace(declared, kind="centile") if sexes == 1 else declared


def _as_they_are(design: Design, terms: Sequence[str], *, yes_or_no: bool) -> list[int]:
    """Return the columns of a variable's only term that are 0 or 1, or a level against its reference."""
    if len(terms) != 1:
        return []
    own = [i for i, column in enumerate(design.columns) if column.term == terms[0]]
    return [i for i in own if yes_or_no or design.columns[i].reference is not None or _is_zero_or_one(design, i)]


def _is_yes_or_no(name: str, frame: pl.DataFrame) -> bool:
    """Say whether a variable is a person's mean of nights that are yes or no, or the deviation from it."""
    exposure = exposures.find(name)
    of_nights = (exposure.variable, str(exposure.base)) if exposure and not exposure.window else ()
    return any(column in frame.columns and frame[column].dtype == pl.Boolean for column in of_nights)


def _lags(design: Design) -> dict[frozenset[str], float]:
    """Return how far the mean over its nights lies apart at most, of each exposure that has terms of several nights."""
    groups: dict[Exposure, list[int]] = {}
    for i, column in enumerate(design.columns):
        exposure = exposures.find(column.term)
        if exposure and exposure.part == exposures.WITHIN and not exposure.window:
            groups.setdefault(replace(exposure, steps=()), []).append(i)
    return {
        frozenset(design.columns[i].term for i in places): float(np.ptp(design.matrix[:, places].mean(axis=1)))
        for places in groups.values()
        if len(places) > 1
    }


def _beyond_means(design: Design, place: int) -> Beyond | None:
    """Return that participants' means of nights that are yes or no never lie so far apart as always and never do."""
    exposure = exposures.find(design.columns[place].term)
    if exposure is None or exposure.part != exposures.BETWEEN:
        return None
    return Beyond.of(1.0, float(np.ptp(design.matrix[:, place])))


def _is_zero_or_one(design: Design, place: int) -> bool:
    return design.columns[place].level is None and is_zero_or_one(design.matrix[:, place])


@dataclass(frozen=True, slots=True)
class _Observed:
    """The ``values`` of a number on the rows fitted, each of which is so many ``times`` a night."""

    values: pl.Series
    times: NDArray[np.int64]

    def beyond(self, at: float, reference: float) -> Beyond | None:
        """Return that no two values lie so far apart, or none on this side of both, ``None`` where some do."""
        values, width = self.values.to_numpy(), abs(at - reference)
        low, high = float(values.min()), float(values.max())
        if max(at, reference) < low or high < min(at, reference):
            return Beyond(width, high - low, (low, high))
        return Beyond.of(width, high - low)

    def nights(self) -> Array:
        """Return the value of each night."""
        return np.repeat(self.values.to_numpy(), self.times)


def _values(
    name: str, straight: bool, observed: _Observed, means: Callable[[str, bool], Array]
) -> Iterator[tuple[contrasts.Contrast, float, float]]:
    """Yield the contrasts of a number from the best one on, with their values; ``straight`` if its term is its name.

    A curve or another function of the number is asked nothing beyond the values observed.
    """
    low, high = float(observed.values.min()), float(observed.values.max())  # type: ignore[arg-type]
    if low < high and bool(((observed.values == low) | (observed.values == high)).all()):
        yield contrasts.Contrast(name, "value", high, low), high, low
    exposure = exposures.find(name)
    deviates = exposure is not None and exposure.part == "within"
    stated, by_centile = contrasts.of_exposure(exposure) if exposure else contrasts.of_variable(name)
    if stated and (straight or all(low <= value <= high for value in (stated.at, stated.reference))):
        yield stated, stated.at, stated.reference
    # The mean of a participant's deviations is none: those are of nights.
    within_sex = by_centile.kind == "within-sex"
    people = observed.nights() if deviates else means(name, within_sex)
    if not len(people):
        return
    at, reference = (float(np.quantile(people, centile / 100)) for centile in (by_centile.at, by_centile.reference))
    # Brought to one mean, the least of a sex may lie below what anybody has, while what they differ by is had by both.
    inside = low <= min(at, reference) and max(at, reference) <= high
    if at != reference and (inside or (within_sex and straight)):
        yield by_centile, at, reference


def _means(
    frame: pl.DataFrame, candidate: NDArray[np.bool_], times: NDArray[np.int64], name: str, within_sex: bool
) -> Array:
    """Return the mean of each participant over the candidate rows on which the number is known.

    Those ``within_sex`` are brought to the same mean in each sex; nobody of unknown sex is among them.
    """
    who = frame["participant_id"] if "participant_id" in frame.columns else pl.Series(range(frame.height))
    values = frame[name].cast(pl.Float64)
    known = candidate & values.is_not_null().to_numpy()
    codes = who.rle_id().to_numpy() if who.is_sorted() else who.rank("dense").to_numpy() - 1
    each = np.where(known, times, 0)
    number = np.bincount(codes, each)
    sums = np.bincount(codes, np.where(known, values.to_numpy(), 0.0) * each)
    means: Array = sums[number > 0] / number[number > 0]
    if not within_sex:
        return means
    unknown = pl.Series([None] * frame.height, dtype=pl.String)
    sex = frame["sex"] if "sex" in frame.columns else unknown
    one = np.empty(len(number), dtype=np.intp)
    one[codes] = np.arange(len(codes))
    of_each = pl.DataFrame({"mean": means, "sex": sex.gather(one[number > 0])}).drop_nulls("sex")
    centred = of_each.select(pl.col("mean") - pl.col("mean").mean().over("sex") + pl.col("mean").mean())
    return centred.to_series().to_numpy()


def _along(design: Design, name: str, at: float, reference: float) -> Array:
    """Return the difference of the design at two values of a number that is a term as it is."""
    return np.array([at - reference if column.term == name else 0.0 for column in design.columns])


def _between(design: Design, name: str, at: float, reference: float) -> Array | None:
    """Return the difference of the design at two values, ``None`` where a term has no number at one of them."""
    try:
        with np.errstate(all="ignore"):
            upper, lower = design.encode(pd.DataFrame({name: [at, reference]}))
    except (FormulaicError, ValueError):
        return None
    vector: Array = upper - lower
    return vector if np.isfinite(vector).all() and vector.any() else None
