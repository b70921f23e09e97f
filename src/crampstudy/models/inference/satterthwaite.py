"""Degrees of freedom by the moments of a variance: how many participants a coefficient or a combination rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import effective_number

_CELLS = 1 << 21
"""So many numbers are in a product with the arrays of the participants at once."""


@dataclass(frozen=True, eq=False)
class Satterthwaite:
    """How far G participants carry the variances of k coefficients, or of combinations of them (m x k), if given.

    A variance V is a quadratic form in the participants' scores, whose covariance under the working model is
    diag(spread) - linked' linked (``spread`` and ``linked`` G x p x p); its moments need no G x G matrix. The
    coefficients are ``by`` (k x p) of those that both arrays are of. ``rates`` (G) are the participants' events, each
    beside what the model expects of them.
    """

    spread: Array
    linked: Array
    rates: Array
    by: Array

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom (k) of t: 2 E(V)^2 / Var(V)."""
        return self._moments[0] if contrasts is None else self.turned(contrasts)._moments[0]

    @property
    def plain(self) -> bool:
        """Whether scores are not adjusted, so that both arrays are the same."""
        return self.linked is self.spread

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """The degrees of freedom (k) and the effective participants (k)."""
        rows = self.by
        number, behind = np.empty(len(rows)), np.empty(len(rows))
        for few in self._few(len(rows)):
            linked = self._linked(rows[few])
            spread = (linked @ rows[few, :, None])[:, :, 0].T if self.plain else self._spread(rows[few])
            squares = np.einsum("kgp,kgp->gk", linked, linked)
            gram = linked.transpose(0, 2, 1) @ linked
            norm = np.square(spread).sum(axis=0) - 2 * (spread * squares).sum(axis=0) + np.square(gram).sum(axis=(1, 2))
            # 0 / 0 where no score bears on a coefficient: a problem.
            with np.errstate(invalid="ignore", divide="ignore"):
                number[few] = (spread.sum(axis=0) - squares.sum(axis=0)) ** 2 / norm
            behind[few] = effective_number(spread)
        return number, behind

    def df_at_own_rates(self, contrasts: Array) -> Array:
        """Return the degrees of freedom (k) where scores spread with the participants' own events, not the expected.

        Who has ten times the cramps of another tells most of what nights of one person are compared for; a working
        model in which both are alike counts them as two. Never more than :meth:`df`.

        Source: Carter, Schnepel and Steigerwald 2017 (the effective number of clusters).
        """
        spread = self._spread(self._rows(contrasts))
        fewer = effective_number(spread * self.rates[:, None]) / effective_number(spread)
        number: Array = self.df(contrasts) * np.minimum(fewer, 1.0)
        return number

    def expected(self, contrasts: Array | None = None) -> Array:
        """Return E(V) (k)."""
        rows = self._rows(contrasts)
        trace: Array = self._spread(rows).sum(axis=0) - np.square(self._linked(rows)).sum(axis=(1, 2))
        return trace

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the number of participants (k), all alike, whose scores would spread as much."""
        return self._moments[1] if contrasts is None else self.turned(contrasts)._moments[1]

    def turned(self, by: Array) -> Satterthwaite:
        """Return the moments of other coefficients, ``by`` (m x k) of these."""
        return replace(self, by=by @ self.by)

    def _rows(self, contrasts: Array | None) -> Array:
        return self.by if contrasts is None else contrasts @ self.by

    def _few(self, rows: int) -> Iterator[slice]:
        """Yield so many rows at once that their products with the arrays of the participants stay small."""
        width = max(1, _CELLS // self.linked[:, 0].size)
        yield from (slice(at, at + width) for at in range(0, rows, width))

    def _spread(self, rows: Array) -> Array:
        """Return the spread (G x k) of combinations (k x p)."""
        made = np.empty((len(self.spread), len(rows)))
        for few in self._few(len(rows)):
            made[:, few] = (each_times(self.spread, rows[few].T) * rows[few].T).sum(axis=1)
        return made

    def _linked(self, rows: Array) -> Array:
        """Return what links the scores of combinations (k x p): k x G x p."""
        return np.ascontiguousarray(each_times(self.linked, rows.T).transpose(2, 0, 1))


def each_times(many: Array, by: Array) -> Array:
    """Return the product of each of g matrices (g x n x p) with one other (p x k), as one product."""
    g, n, p = many.shape
    made: Array = (many.reshape(-1, p) @ by).reshape(g, n, by.shape[1])
    return made
