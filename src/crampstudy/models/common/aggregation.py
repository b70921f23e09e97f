"""Exact compression of rows: equal rows of one participant become one row, and no estimate changes.

What may be added up depends on the likelihood. Poisson: counts and exposures over all rows of a participant with
the same design row, or counts alone where nights must stay apart. Logit: events and nights, where the offset is the
same too. Any other likelihood of a count: rows alike in everything, counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from crampstudy.arrays import Array, Codes
from crampstudy.errors import AnalysisError

Likelihood = Literal["poisson", "means", "trials", "count", "number"]

_SAMPLE = 20_000
_ODD, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
_DIFFERENT = 0.8
"""Where more than this share of a sample's rows differ, the others are not even looked at."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """Rows sorted by participant that stand for ``n_rows`` rows.

    ``matrix`` is m x p; ``counts``, ``offset`` (log exposure), ``groups`` (codes 0..G-1, ascending) and
    ``multiplicity`` have length m. The log-likelihood of these rows, each times its multiplicity, plus ``constant``
    is that of the rows they stand for.
    """

    matrix: Array
    counts: Array
    offset: Array
    groups: Codes
    multiplicity: Array
    constant: float
    n_rows: int

    @property
    def shorter(self) -> bool:
        """Whether there are fewer rows than before."""
        return len(self.counts) < self.n_rows


def compress(
    matrix: Array,
    counts: Array,
    offset: Array,
    groups: Codes,
    likelihood: Likelihood,
    multiplicity: Array | None = None,
) -> Compressed:
    """Add up the rows that a likelihood cannot tell apart; where most differ, only sort them by participant.

    - ``poisson``: key (participant, design row); sums of counts and of exposures, multiplicity 1. Exact for the
      coefficients, the participants' scores and the likelihood of a random intercept, or slope of a column.
    - ``means``: key (participant, design row, offset); ``counts`` is the mean count, ``multiplicity`` the number of
      rows. Exact for the Poisson likelihood with all that differs between nights kept apart.
    - ``trials``: key (participant, design row, offset); ``counts`` is the sum of the counts, ``multiplicity`` the
      number of rows. Exact for the log-likelihood of 0 and 1, counts x eta - multiplicity x log(1 + e^eta).
    - ``count``: key (participant, design row, offset, count); ``multiplicity`` is the number of rows. ``number`` is the
      same of any number, which may lie below 0.

    Args:
        matrix: columns of the model (n x p).
        counts: cramps, or any number (n).
        offset: log exposure (n).
        groups: codes of the participants (n), 0..G-1.
        likelihood: what may be added up, as above.
        multiplicity: as how many rows (n) a row counts, 1 if not given.

    Raises:
        AnalysisError: the lengths differ, there is no row, a number is not finite, or the codes leave a number out.
    """
    times = np.ones(len(counts)) if multiplicity is None else multiplicity
    _check(matrix, counts, offset, groups, times)
    if likelihood != "number" and (counts < 0).any():
        raise AnalysisError("counts are at least 0; leave out rows that have another one")
    key = {"poisson": (), "means": (offset,), "trials": (offset,)}.get(likelihood, (offset, counts))
    index = pattern([*matrix.T, *key], groups)
    size = int(index.max()) + 1
    one = np.empty(size, dtype=np.intp)
    one[index] = np.arange(len(index))
    sums = _summed(index, counts * times)
    total = _summed(index, times)
    # Column by column, as they stand in a design.
    matrix = np.array([column[one] for column in matrix.T]).reshape(matrix.shape[1], size).T
    if likelihood in ("count", "number", "trials"):
        shown = sums if likelihood == "trials" else counts[one]
        return Compressed(matrix, shown, offset[one], groups[one], total, 0.0, len(counts))
    if likelihood == "means":
        means = sums / total
        constant = float(total @ gammaln(means + 1) - times @ gammaln(counts + 1))
        return Compressed(matrix, means, offset[one], groups[one], total, constant, len(counts))
    exposure = np.log(_summed(index, np.exp(offset) * times))
    constant = float((counts * times) @ offset - sums @ exposure)
    constant += float(gammaln(sums + 1).sum() - times @ gammaln(counts + 1))
    return Compressed(matrix, sums, exposure, groups[one], np.ones(size), constant, len(counts))


def _summed(index: Codes, weights: Array) -> Array:
    return np.bincount(index, weights=weights).astype(np.float64, copy=False)


def pattern(columns: Sequence[Array], groups: Codes) -> Codes:
    """Return a code 0..m-1 (length n) per row, ascending with ``groups`` (codes 0..G-1), the same for equal rows.

    Rows are equal when group and ``columns`` (each of length n) are. Where most rows differ, each has its own code.
    """
    n = len(groups)
    if n > 2 * _SAMPLE:
        # Whole participants, spread over the codes, so that what repeats within a participant is seen.
        some = groups % max(n // _SAMPLE, 1) == 0
        sample, few = [column[some] for column in columns], np.unique(groups[some], return_inverse=True)[1]
        if int(_equal(sample, few).max()) + 1 > _DIFFERENT * len(few):
            return _positions(groups)
    return _equal(columns, groups)


def _equal(columns: Sequence[Array], groups: Codes) -> Codes:
    seed = 0
    while True:
        index, one = _hashed(columns, groups, seed)
        # Rows of one number could still differ, those of two numbers do.
        if len(one) == len(index) or all(np.array_equal(column[one][index], column) for column in (*columns, groups)):
            return index
        seed += 1


def _hashed(columns: Sequence[Array], groups: Codes, seed: int) -> tuple[Codes, NDArray[np.intp]]:
    """Return a code per row, ascending with ``groups``, of a number made of all its values, and a row of each code."""
    key = groups.astype(np.uint64) + np.uint64(seed)
    for column in columns:
        key *= _ODD
        key ^= key >> _HALF
        key += (column + 0.0).view(np.uint64)  # 0 and -0 are equal
    key *= _ODD
    codes, _ = pd.factorize(key ^ (key >> _HALF))
    size = int(codes.max()) + 1
    one = np.empty(size, dtype=np.intp)
    one[codes[::-1]] = np.arange(len(codes))[::-1]
    order = np.argsort(groups[one], kind="stable")
    place = np.empty(size, dtype=np.intp)
    place[order] = np.arange(size)
    return place[codes], one[order]


def _positions(groups: Codes) -> Codes:
    """Return the position of each row when the rows are sorted by group."""
    if np.all(groups[1:] >= groups[:-1]):
        return np.arange(len(groups))
    positions = np.empty(len(groups), dtype=np.intp)
    positions[np.argsort(groups, kind="stable")] = np.arange(len(groups))
    return positions


def _check(matrix: Array, counts: Array, offset: Array, groups: Codes, multiplicity: Array) -> None:
    lengths = {"matrix": len(matrix), "counts": len(counts), "offset": len(offset), "groups": len(groups)}
    lengths["multiplicity"] = len(multiplicity)
    if len(set(lengths.values())) > 1 or not len(counts):
        raise AnalysisError(f"the rows of a model need one length of at least 1, got {lengths}")
    for name, values in (("matrix", matrix), ("counts", counts), ("offset", offset), ("multiplicity", multiplicity)):
        if not np.isfinite(values).all():
            raise AnalysisError(f"{name} holds a value that is not finite; leave incomplete rows out of the model")
    if (multiplicity <= 0).any():
        raise AnalysisError("counts are finite and multiplicities above 0; leave out rows that count for nothing")
    if groups.min() < 0 or not np.bincount(groups).all():
        raise AnalysisError("the participants' codes are not 0..G-1 without a gap; number them densely")
