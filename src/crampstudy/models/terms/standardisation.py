"""The columns of a design as engines see them: of a spread near 1, and not far from 0 beside it.

An engine's thresholds and tolerances then mean the same whatever the unit of a variable and wherever its zero lies.
Coefficients are turned back into those of the columns themselves, so that a baseline is still that where all are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from crampstudy.arrays import Array
from crampstudy.models.optimise import products

_FAR = 0.01
"""A column whose part beside others is less than this share of it lies far from 0, or from where they hold it."""
ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""A part of a column smaller than this beside the whole is rounding."""
_SQUARED = (1e-30, 1e30)
"""Numbers between these have variances, and products of these, that are neither 0 nor infinite."""


@dataclass(frozen=True, slots=True)
class Standard:
    """How the p columns X of a design follow from the standard ones Z: X = ``centre`` + Z ``turned``.

    ``turned`` (p x p) is upper triangular. ``centre`` (p) is zero but where a baseline that is no column takes the
    place of the intercept. ``spread`` (p) are the standard deviations of X, 1 where a column has no values but 0 and 1.
    """

    centre: Array
    turned: Array
    spread: Array

    @classmethod
    def of(cls, matrix: Array, made_of: Sequence[frozenset[str]]) -> Standard:
        """Return the standard of a design ``matrix`` (n x p), whose columns are ``made_of`` these variables.

        A column is divided by a power of two near its standard deviation. Where it lies far from 0 beside what
        it varies, or near what columns before it that are made of its own variables say of it, their share is taken
        out first. Near the column of another variable it stays: of that one the rounding is not its own.
        """
        p = matrix.shape[1]
        # What is done to a column is done to numbers that stand together.
        columns, turned, spread = [np.ascontiguousarray(column) for column in matrix.T], np.eye(p), np.ones(p)
        for j, given in enumerate(columns):
            low, high = float(given.min(initial=0.0)), float(given.max(initial=0.0))
            if is_zero_or_one(given):
                continue
            largest = _power_of_two(max(high, -low))
            column = given / largest
            among = [i for i in range(j) if made_of[i] <= made_of[j]]
            spread[j] = size = float(np.std(column))
            if rest := _taken_out([columns[i] for i in among], column):
                turned[among, j], column = rest
                size = float(np.std(column))
            own = _power_of_two(size)
            columns[j] = column / own
            turned[: j + 1, j] *= largest
            turned[j, j] = own * largest
            spread[j] *= largest
        return cls(np.zeros(p), turned, spread)

    @classmethod
    def none(cls, p: int = 0) -> Standard:
        """Return the standard of p columns that stay as they are."""
        return cls(np.zeros(p), np.eye(p), np.ones(p))

    @property
    def far(self) -> tuple[int, ...]:
        """The columns that lie far from 0, or from what others say of them."""
        moved = (np.triu(self.turned, 1) != 0).any(axis=0) | (self.centre != 0)
        return tuple(int(i) for i in np.flatnonzero(moved))

    def beside(self, column: int) -> tuple[int, ...]:
        """Return the columns whose share is taken out of a column."""
        return tuple(int(i) for i in np.flatnonzero(self.turned[:column, column]))

    def affine(self, column: int) -> tuple[float, float]:
        """Return the numbers of which the first plus the second times its standard column is a column.

        That holds where no share is taken out of it but that of an intercept.
        """
        return float(self.centre[column] + self.turned[:column, column].sum()), float(self.turned[column, column])

    def columns(self, matrix: Array) -> Array:
        """Return the standard columns (n x p) of rows of the design; the numbers of a row stand together."""
        made = np.empty(matrix.shape)
        own = np.diag(self.turned)
        shares = [(j, above) for j in range(len(own)) if len(above := np.flatnonzero(self.turned[:j, j]))]
        for rows in products.parts(len(made)):
            part = matrix[rows] - self.centre
            for j, above in shares:
                part[:, j] -= (part[:, above] / own[above]) @ self.turned[above, j]
            np.divide(part, own, out=made[rows])
        return made

    def keeping(self, kept: Sequence[int]) -> Standard:
        """Return the standard of the columns ``kept`` where a baseline takes the part of the others, constants."""
        lost = [i for i in range(len(self.centre)) if i not in kept]
        centre: Array = self.centre[kept] + self.turned[np.ix_(lost, kept)].sum(axis=0)
        return Standard(centre, self.turned[np.ix_(kept, kept)], self.spread[kept])

    def back(self) -> Array:
        """Return the matrix (p x p) that turns coefficients of standard columns into those of the columns."""
        made: Array = solve_triangular(self.turned, np.eye(len(self.turned)))
        return made

    def coefficients(self, found: Array, variance: Array) -> tuple[Array, Array]:
        """Return coefficients (p) and their variance (p x p) per unit of the columns."""
        return propagated(self.back(), found, variance)


def propagated(by: Array, found: Array, variance: Array) -> tuple[Array, Array]:
    """Return k coefficients, ``by`` (k x p) of those ``found`` (p), and their variance (k x k) from theirs (p x p)."""
    # A variance that is not known leaves unknown what its coefficient has a part in, and nothing else.
    unknown = np.isnan(np.diag(variance))
    parted = (by[:, unknown] != 0).any(axis=1)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # per unit beyond all numbers: no estimate
        turned = by @ np.where(unknown[:, None] | unknown, 0.0, variance) @ by.T
        return by @ found, np.where(parted[:, None] | parted, np.nan, turned)


def standing(term: str, ends: Array) -> str | None:
    """Return what is to be said of a term whose columns cannot be told from a constant; ``None`` if they can.

    Nothing is to be said where they do not vary, and that says it all. ``ends`` (2 x k) are the lowest and the highest
    value of each of its columns.
    """
    largest, (low, high) = np.abs(ends).max(axis=0), ends / 2  # a half does not overflow
    reach = high - low
    if (reach > ROUNDING * largest / 2).any():
        return squared(term, float(reach[reach > 0].min()), float(largest.max()))
    if reach.any():
        return f"{term} does not vary by more than the rounding of so large numbers; subtract what is common to all"
    if (gap := float(np.spacing(largest.max(initial=0.0)))) < 1:
        return ""
    lost = f"it is {ends[0, 0]:g} on all rows, and so large a number has no digits left for differences below {gap:g}"
    return f"{term} does not vary: {lost}; subtract what is common to all before it is stored"


def squared(what: str, smallest: float, largest: float) -> str | None:
    """Say so where numbers between these sizes have a variance that cannot be worked with."""
    if _SQUARED[0] < smallest and largest < _SQUARED[1]:
        return None
    size = smallest if largest < _SQUARED[1] else largest
    return f"{what} has numbers of the size of {size:.0e}, too extreme for a variance; give it in another unit"


def is_zero_or_one(values: Array) -> bool:
    """Say whether all of some numbers are 0 or 1."""
    # Of many numbers the first ones tell already that they are more than two.
    return all(bool(((some == 0) | (some == 1)).all()) for some in (values[:1000], values))


def _taken_out(beside: Sequence[Array], column: Array) -> tuple[Array, Array] | None:
    """Return the coefficients of the columns ``beside`` that come near ``column`` (n), and what they leave of it.

    ``None`` where that is much, or nothing but rounding.
    """
    length = float(column @ column)
    with_it = np.array([other @ column for other in beside])
    squares = np.array([[one @ other for other in beside] for one in beside])
    said = float(with_it @ np.linalg.lstsq(squares, with_it, rcond=None)[0]) if len(beside) else 0.0
    if length - said > 4 * _FAR**2 * length:
        return None
    others = np.column_stack([np.empty((len(column), 0)), *beside])
    share: Array = np.linalg.lstsq(others, column, rcond=None)[0].astype(np.float64)
    # Once more: what is left is small beside the column, and so is then its rounding.
    share += np.linalg.lstsq(others, column - others @ share, rcond=None)[0]
    rest = column - others @ share
    return (share, rest) if np.abs(rest).max() > ROUNDING else None


def _power_of_two(size: float) -> float:
    # Dividing by it rounds nothing.
    return float(2.0 ** np.floor(np.log2(size))) if size > 0 and np.isfinite(size) else 1.0
