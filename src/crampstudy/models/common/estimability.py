"""Why a count model has no answer, found before it is fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.models.common import separation
from crampstudy.models.optimise import products
from crampstudy.models.terms import design_matrix
from crampstudy.wording import counted

_INDEPENDENT = 1e-6
"""Columns of length one with products of an eigenvalue above this are no combinations of each other."""


def obstacle(design: design_matrix.Design, counts: Array, groups: NDArray[np.intp], kind: str) -> str | None:
    """Return why no finite estimate exists, or ``None``; ``groups`` (length n) are the participants' codes 0..G-1."""
    if found := no_rows(design, counts):
        return found
    if not counts.any():
        return "no cramp on any of the nights"
    return too_few(design, groups, kind) or collinear(design) or separated(design, counts) or lone(counts, groups)


def no_rows(design: design_matrix.Design, outcome: Array) -> str | None:
    """Say so where there is no night to fit a model to."""
    if not len(outcome):
        return (
            "every night that is complete on the terms has weight 0"
            if design.weightless
            else ("no night is complete on the terms")
        )
    return None


def too_few(design: design_matrix.Design, groups: NDArray[np.intp], kind: str) -> str | None:
    """Say so where the participants are too few for their scores to span the coefficients."""
    clusters = int(groups.max()) + 1
    if kind != "model" and clusters < 2:
        return "a cluster-robust covariance needs at least two participants"
    if kind != "model" and clusters <= len(design.columns):
        # The scores of G participants span at most G - 1 dimensions: some variance would come out as zero.
        few = counted(clusters, "participants", "are")
        return f"{few} too few for a cluster-robust covariance of {counted(len(design.columns), 'coefficients')}"
    return None


def lone(counts: Array, groups: NDArray[np.intp]) -> str | None:
    """Say so where one of several participants has all of the cramps: the others are alike."""
    said = "one participant has all of the cramps: an estimate would rest on that one"
    return said if groups.max() > 0 and with_any(counts, groups) == 1 else None


def with_any(counts: Array, groups: NDArray[np.intp]) -> int:
    """Return how many participants have a count above 0."""
    return int(np.count_nonzero(np.bincount(groups, counts > 0)))


def collinear(design: design_matrix.Design) -> str | None:
    """Name the first column that follows from those before it."""
    found = dependent(design.matrix)
    return f"{name(design.columns[found[0]])} follows from the terms before it" if found else None


def dependent(matrix: Array) -> tuple[int, ...]:
    """Return the columns that are combinations of those before them."""
    # Columns of length one, so that the unit of a variable does not matter.
    squares = products.weighted(matrix, np.ones(len(matrix)))
    length = np.maximum(np.sqrt(np.diag(squares)), np.finfo(float).tiny)
    # What a column has beside those before it is no less than the least singular value, which is found faster.
    if matrix.shape[1] and np.linalg.eigvalsh(squares / length / length[:, None])[0] > _INDEPENDENT:
        return ()
    remaining = np.zeros(matrix.shape[1])
    triangle = np.abs(np.diag(np.linalg.qr(matrix / length, mode="r")))
    remaining[: len(triangle)] = triangle
    return tuple(int(i) for i in np.flatnonzero(remaining < 1e-9))


def separated(design: design_matrix.Design, counts: Array) -> str | None:
    """Name what sets nights without a cramp apart so completely that a coefficient has no finite estimate.

    Source: Correia, Guimarães and Zylkin 2019.
    """
    # Where the nights with a cramp alone determine every coefficient, a finite estimate exists.
    if not dependent(design.matrix[counts > 0]):
        return None
    with_cramp = np.unique(design.matrix[counts > 0], axis=0)
    without = np.unique(design.matrix[counts == 0], axis=0)
    by = separation.separating_sides(with_cramp, without, "log")
    if not by:
        return None
    found = [design.columns[i] for i in by if design.columns[i].term != design_matrix.INTERCEPT]
    terms = {column.term for column in found}
    if len(terms) == 1 and found[0].reference is not None:
        if len(found) == len(by):
            where = " or ".join(name(column) for column in found)
        else:
            where = f"{found[0].term} = {found[0].reference}, the reference"
        return separation.separated(f"no cramp where {where}", number="ratio")
    names = list(dict.fromkeys(name(column) for column in found))
    return separation.separated("nights without a cramp are set apart completely", names, "ratio")


def name(column: design_matrix.Column) -> str:
    """Return a column as its term and, where it has one, its level; a part of a curve is its term alone."""
    bare = column.level is None or (column.reference is None and not column.parts)
    return column.term if bare else f"{column.term} = {column.level}"
