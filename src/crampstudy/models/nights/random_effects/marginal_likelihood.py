"""Likelihoods of the participants with their effects integrated out, as functions of the model's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import digamma, gammaln

from crampstudy.arrays import Array, Codes
from crampstudy.models.common.aggregation import Compressed, pattern
from crampstudy.models.nights.random_effects.quadrature import (
    Integral,
    QuadratureCells,
    QuadratureRule,
    Sums,
    integrate,
)
from crampstudy.models.nights.random_effects.spreads import centred

_LARGEST = 300.0


@dataclass(frozen=True, slots=True)
class PoissonLikelihood:
    """Given the coefficients, the rows of a participant that share the columns of the effects are one cell."""

    rows: Compressed
    cells: QuadratureCells
    of_cells: csr_array  # cells x rows
    events: Array  # (G x p) sums of counts times the design row
    constant: float
    turn: Array  # (D x D) from effects of the cells' columns to those of the rows' columns

    @classmethod
    def of(cls, rows: Compressed, slope: int | None) -> PoissonLikelihood:
        z, turn = centred(rows.matrix, slope, rows.multiplicity)
        cell = pattern(list(z.T), rows.groups)
        order = np.argsort(cell, kind="stable")
        of_cells = csr_array(
            (np.ones(len(cell)), order, np.concatenate([[0], np.cumsum(np.bincount(cell))])),
            shape=(int(cell.max()) + 1, len(cell)),
        )
        first = order[of_cells.indptr[:-1]]
        events = Sums.of(rows.groups) @ (rows.matrix * rows.counts[:, None])
        constant = rows.constant + float(rows.counts @ rows.offset - gammaln(rows.counts + 1).sum())
        cells = QuadratureCells.of(of_cells @ rows.counts, z[first], rows.groups[first])
        return cls(rows, cells, of_cells, events, constant, turn)

    def evaluate(
        self, inner: Array, factor: Array, rule: QuadratureRule, modes: Array
    ) -> tuple[Array, Array, Integral]:
        """Return log-likelihoods (G,) without the constant, scores of the coefficients (G x p) and the integral."""
        rows, cells = self.rows, self.cells
        mean = np.exp(np.minimum(rows.matrix @ inner + rows.offset, _LARGEST))
        total = self.of_cells @ mean
        where = self.of_cells
        # The means as weights of the sums: no copy of the matrix is made.
        weighted = csr_array((mean[where.indices], where.indices, where.indptr), shape=where.shape)
        average = (weighted @ rows.matrix) / total[:, None]
        predictor = np.log(total)
        found = integrate(cells, predictor, None, factor, rule, modes)
        values = found.values + self.events @ inner - cells.sums @ (cells.counts * predictor)
        scores = self.events + cells.sums @ (average * (found.in_predictor - cells.counts)[:, None])
        return values, scores, found


@dataclass(frozen=True, slots=True)
class CountConstant:
    """How often each participant had each count: the part of the NB likelihood that only the dispersion touches."""

    values: Array  # (V,)
    times: csr_array  # (G x V)
    constant: float

    @classmethod
    def of(cls, counts: Array, groups: Codes, times: Array) -> CountConstant:
        values, codes = np.unique(counts, return_inverse=True)
        table = csr_array((times, (groups, codes)), shape=(int(groups.max()) + 1, len(values)))
        return cls(values, table, -float(times @ gammaln(counts + 1)))

    def evaluate(self, theta: float) -> tuple[Array, Array]:
        """Return log(Gamma(y + theta) / Gamma(theta)) summed by participant (G,), and its derivative in log theta."""
        value = self.times @ (gammaln(self.values + theta) - gammaln(theta))
        return value, theta * (self.times @ (digamma(self.values + theta) - digamma(theta)))


@dataclass(frozen=True, slots=True)
class TrialsLikelihood:
    """Sums of counts x eta - trials x log(1 + e^eta): logistic.

    With a constant of the counts it is NB2, eta = log mean - log theta.
    """

    rows: Compressed
    cells: QuadratureCells
    of_counts: CountConstant | None
    constant: float
    turn: Array  # as of a Poisson likelihood

    @classmethod
    def of(cls, rows: Compressed, slope: int | None, of_counts: CountConstant | None) -> TrialsLikelihood:
        z, turn = centred(rows.matrix, slope, rows.multiplicity)
        return cls(
            rows,
            QuadratureCells.of(rows.counts, z, rows.groups),
            of_counts,
            of_counts.constant if of_counts else 0.0,
            turn,
        )

    def evaluate(
        self, inner: Array, factor: Array, rule: QuadratureRule, modes: Array
    ) -> tuple[Array, Array, Integral]:
        """Return log-likelihoods (G,) without the constant, scores of coefficients and log theta, the integral."""
        rows, cells, sums = self.rows, self.cells, self.cells.sums
        p = rows.matrix.shape[1]
        predictor, trials = rows.matrix @ inner[:p] + rows.offset, rows.multiplicity
        if self.of_counts is None:
            found = integrate(cells, predictor, trials, factor, rule, modes)
            return found.values, sums @ (rows.matrix * found.in_predictor[:, None]), found
        theta = float(np.exp(np.clip(inner[p], -30, 30)))
        found = integrate(cells, predictor - inner[p], rows.counts + theta * trials, factor, rule, modes)
        value, in_log_theta = self.of_counts.evaluate(theta)
        in_log_theta += sums @ (theta * trials * found.in_trials - found.in_predictor)
        scores = np.column_stack([sums @ (rows.matrix * found.in_predictor[:, None]), in_log_theta])
        return found.values + value, scores, found


MarginalLikelihood = PoissonLikelihood | TrialsLikelihood
