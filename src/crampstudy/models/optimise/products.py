"""Products of a design of many rows, a part of them at a time: a temporary as long as the design is slower than they.

Up to :data:`WHOLE` rows are taken at once, so that sums are added up in the same order as without parts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array, Codes, Flags

WHOLE = 1 << 16
"""So many rows are one part; what saves time with more of them is not worth a digit with fewer."""
_PART = 1 << 13
"""So many rows are worked on at once: their arrays stay in the cache of a processor."""
_SURE = 1e-5
"""A root of products whose diagonal is above this beside its columns is as good as that of the rows themselves."""


def weighted(matrix: Array, weights: Array) -> Array:
    """Return X' W X (p x p) of rows X (n x p) and ``weights`` (n), none below 0, on the diagonal of W."""
    made = np.zeros((matrix.shape[1],) * 2)
    for rows in parts(len(matrix)):
        made += squares(matrix[rows], weights[rows])
    return made


def squares(matrix: Array, weights: Array) -> Array:
    """Return what :func:`weighted` does, of rows taken at once."""
    # A matrix times itself is symmetric: one triangle is worked out, in half the time.
    own = matrix * np.sqrt(weights)[:, None]
    return np.asarray(own.T @ own)


def triangle(matrix: Array) -> Array | None:
    """Return R (p x p) of ``matrix`` = QR (n x p) from its products, ``None`` where these do not tell it well."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite has no root
        return root(weighted(matrix, np.ones(len(matrix))))


def root(squares: Array) -> Array | None:
    """Return the upper triangle R (p x p) of products R'R, ``None`` where they do not tell it well."""
    if not np.isfinite(squares).all():
        return None
    try:
        found = np.linalg.cholesky(squares).astype(np.float64).T
    except np.linalg.LinAlgError:
        return None
    return found if is_regular(found, _SURE) else None


def is_regular(found: Array, least: float) -> bool:
    """Say whether all of the diagonal of a triangle (p x p) is above this share of its columns."""
    diagonal = np.abs(np.diag(found))
    return bool(np.isfinite(diagonal).all() and (diagonal > least * np.linalg.norm(found, axis=0)).all())


def parts(rows: int) -> Iterator[slice]:
    """Yield the rows of each part."""
    width = max(rows, 1) if rows <= WHOLE else _PART
    yield from (slice(at, at + width) for at in range(0, rows, width))


def within(columns: Array, groups: Codes, weights: Array | None = None, turn: Array | None = None) -> Array:
    """Return the products of columns within each participant (G x k x k).

    Args:
        columns: rows (n x p).
        groups: codes of the participants (n), 0..G-1.
        weights: what each row (n) is taken times first; 1 if not given.
        turn: what the columns are turned by (p x k); as they are, if not given.
    """
    width = columns.shape[1] if turn is None else turn.shape[1]
    made = np.empty((int(groups.max()) + 1, width, width))
    for codes, place, present in participants(groups):
        times = present if weights is None else np.where(present, weights[place], 0.0)
        own = columns[place] * times[:, :, None]
        own = own if turn is None else (own.reshape(-1, turn.shape[0]) @ turn).reshape(*place.shape, width)
        made[codes] = own.transpose(0, 2, 1) @ own
    return made


def participants(groups: Codes) -> Iterator[tuple[Codes, NDArray[np.intp], Flags]]:
    """Yield codes (g) of participants with about as many rows, the places of these (g x n), and which there are."""
    order = np.argsort(groups, kind="stable")
    codes, start, size = np.unique(groups[order], return_index=True, return_counts=True)
    by_size = np.argsort(size, kind="stable")[::-1]
    at = 0
    while at < len(codes):
        width = int(size[by_size[at]])
        among = by_size[at : at + max(1, _PART // width)]
        cell = np.arange(width)
        present = cell < size[among][:, None]
        yield codes[among], order[np.where(present, start[among][:, None] + cell, 0)], present
        at += len(among)
