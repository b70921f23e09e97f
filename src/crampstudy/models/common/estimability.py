"""Why a count model has no answer, found before it is fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.models.common import separation
from crampstudy.models.optimise import products
from crampstudy.models.terms import design_matrix
from crampstudy.wording import counted, listed

_YES = "true"
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


def collinear(design: design_matrix.Design, *, baseline: bool = False) -> separation.Collinear | None:
    """Name the first column that follows from those before it, and from which it does.

    A ``baseline``, such as thresholds, takes the part of an intercept, though it is no column.
    """
    constant = [np.ones((len(design.matrix), 1))] if baseline else []
    whole = np.column_stack([*constant, design.matrix])
    found = dependent(whole)
    if not found:
        return None
    own = [None] * len(constant) + [*design.columns]
    column, before = own[found[0]], own[: found[0]]
    if column is None:
        return None
    matrix = whole[:, : found[0] + 1]
    length = np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    of, *_ = np.linalg.lstsq(matrix[:, :-1] / length[:-1], matrix[:, -1] / length[-1], rcond=None)
    terms = [one.term for one, share in zip(before, of, strict=True) if one and abs(share) > _INDEPENDENT]
    others = [term for term in dict.fromkeys(terms) if term not in (design_matrix.INTERCEPT, column.term)]
    return separation.Collinear(
        f"{name(column)} follows from the terms before it", {column.term: separation.Follows(others)}
    )


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


def separated(design: design_matrix.Design, counts: Array, link: separation.Link = "log") -> separation.Apart | None:
    """Say what sets nights apart by whether they had a cramp, so that a coefficient has no finite estimate.

    Of ``log`` these are nights without a cramp alone; of ``logit`` ``counts`` above 0 are as good as 1.

    Source: Correia, Guimarães and Zylkin 2019 (log); Konis 2007 (logit).
    """
    event = counts > 0
    # Where the nights with a cramp alone determine every coefficient of a count, a finite estimate exists.
    if link == "log" and not dependent(design.matrix[event]):
        return None
    having, without = (np.unique(design.matrix[side], axis=0) for side in (event, ~event))
    found = separation.of_sides(having, without, link)
    if found is None:
        return None
    columns = [design.columns[i] for i in found.columns if design.columns[i].term != design_matrix.INTERCEPT]
    return separation.Apart(_reason(columns, found), {c.term: _how(columns, c.term, found) for c in columns})


def _reason(columns: Sequence[design_matrix.Column], found: separation.Separation) -> str:
    """Return why a ratio has no finite estimate, in words that hold of every night that they are of."""
    names = list(dict.fromkeys(map(name, columns)))
    if len({column.term for column in columns}) == 1 and columns[0].reference is not None:
        where = " or ".join(names)
        if len(columns) < len(found.columns):
            where = f"{columns[0].term} = {columns[0].reference}, the reference"
        if not (found.without and found.having):
            return separation.separated(
                f"{'no cramp' if found.without else 'a cramp on every night'} where {where}", number="ratio"
            )
    if found.complete:
        what = "nights with and without a cramp" if found.having else "nights without a cramp"
        return separation.separated(f"{what} are set apart completely", names, "ratio")
    take = "together take" if len(names) > 1 else "takes"
    return separation.separated(f"{listed(names)} {take} {_values(found)}", number="ratio")


def _values(found: separation.Separation) -> str:
    """Return at which values nights are of one kind alone."""
    if found.without and found.having:
        return "values at which every night was without a cramp, and others at which every night had one"
    values = "a value" if found.points == 1 else "values"
    return f"{values} at which every night {'was without a cramp' if found.without else 'had a cramp'}"


def _how(columns: Sequence[design_matrix.Column], term: str, found: separation.Separation) -> str:
    """Return what is told of one term of those that set nights apart."""
    others = list(dict.fromkeys(column.term for column in columns if column.term != term))
    return f"{f'together with {listed(others)} ' if others else ''}it takes {_values(found)}"


def counted_apart(
    apart: separation.Apart, design: design_matrix.Design, counts: Array, times: NDArray[np.int64]
) -> separation.Apart:
    """Return a reason that counts the nights of each level that sets them apart by itself.

    Args:
        apart: the reason.
        design: the columns as they are.
        counts: cramps (n).
        times: as how many nights (n) each row counts.
    """
    by = {term: _of_levels(design, term, counts, times) or how for term, how in apart.by.items()}
    return separation.Apart(str(apart), by)


def _of_levels(design: design_matrix.Design, term: str, counts: Array, times: NDArray[np.int64]) -> str | None:
    """Return which levels of a term have nights of one kind alone, ``None`` where it has no levels or none has."""
    places = [i for i, column in enumerate(design.columns) if column.term == term]
    columns, values = [design.columns[i] for i in places], design.matrix[:, places]
    if any(c.level is None or c.reference is None for c in columns) or not np.isin(values, (0, 1)).all():
        return None
    levels = [(str(c.level), own == 1) for c, own in zip(columns, values.T, strict=True)]
    levels.append((str(columns[0].reference), ~values.any(axis=1)))
    said = []
    for level, inside in levels:
        n, some = int(times[inside].sum()), counts[inside] > 0
        if n and (some.all() or not some.any()):
            at = "" if level == _YES else f" at {level}"
            each = f"every one of its {n:,} nights{at}" if n > 1 else f"its one night{at}"
            said.append(f"{each} {'had a cramp' if some.all() else 'was without a cramp'}")
    return " and ".join(said) or None


def apart_of(reason: str, columns: Sequence[design_matrix.Column]) -> dict[str, str]:
    """Return the terms of ``columns`` that are the reason why there is no estimate, each with what is told of it."""
    by = reason.by if isinstance(reason, separation.Apart) else {}
    return {c.term: by.get(c.term) or by[name(c)] for c in columns if {c.term, name(c)} & {*by}}


def name(column: design_matrix.Column) -> str:
    """Return a column as its term and, where it has one, its level; a part of a curve is its term alone."""
    bare = column.level is None or (column.reference is None and not column.parts)
    return column.term if bare else f"{column.term} = {column.level}"
