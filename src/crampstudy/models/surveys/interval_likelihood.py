"""The likelihood of interval-censored counts, and its maximum over parameters that may lie at 0."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from crampstudy.arrays import Array
from crampstudy.models.common.separation import separating_sides
from crampstudy.models.optimise.optimum import EIGENVALUE, Optimum
from crampstudy.models.optimise.quasi_newton import maximise
from crampstudy.models.surveys.interval_distributions import Distribution, Part
from crampstudy.models.surveys.sampling import too_many_slopes

_DISPERSIONS = (-2.0, 0.0, 1.5)
_SHARES = (-5.0, -3.0)
"""Starts on the log and the logit scale."""
_BOUND = 40.0
_ALIKE = 1e-7
"""Log-likelihoods that differ by less, in thousandths of themselves or in units of 1, are the same."""


def nightly(low: float | Array, high: float | Array, nights: Array) -> Array:
    """Return 1 where the interval holds one cramp a night, else 0 (r,)."""
    return ((low <= nights) & (nights <= high)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class IntervalRows:
    """Rows that differ, each standing for the ``weight`` of those like it; ``place`` (n,) leads from these to them.

    ``kinds`` are the intervals that occur, with the rows that have them.
    """

    matrix: Array
    nights: Array
    low: Array
    high: Array
    weight: Array
    place: NDArray[np.intp]
    every_weight: Array
    kinds: tuple[tuple[float, float, NDArray[np.intp]], ...]

    @classmethod
    def of(cls, x: Array, nights: Array, low: Array, high: Array, weight: Array) -> IntervalRows:
        """Gather rows that are alike.

        Args:
            x: columns of the model (n x p).
            nights: exposures (n).
            low: lower limits (n).
            high: upper limits (n), infinite where open.
            weight: weights (n).
        """
        whole, place = np.unique(np.column_stack([x, nights, low, high]), axis=0, return_inverse=True)
        place = place.reshape(-1)
        limits, kind = np.unique(whole[:, -2:], axis=0, return_inverse=True)
        kinds = tuple((a, b, np.flatnonzero(kind.reshape(-1) == i)) for i, (a, b) in enumerate(limits))
        sums = np.bincount(place, weights=weight).astype(np.float64)
        return cls(whole[:, :-3], whole[:, -3], whole[:, -2], whole[:, -1], sums, place, weight, kinds)

    def usual(self, distribution: Distribution, b: Array, dispersion: float) -> Part:
        """Return the log chance of each row's interval among those who are not near-nightly, with derivatives."""
        eta = self.matrix @ b + np.log(self.nights)
        made = np.empty(len(eta)), np.empty(len(eta)), np.empty(len(eta))
        for low, high, where in self.kinds:
            for whole, part in zip(made, distribution.interval(eta[where], dispersion, low, high), strict=True):
                whole[where] = part
        return made

    def nightly(self) -> Array:
        """Return 1 where a near-nightly person would have given the answer, else 0."""
        return nightly(self.low, self.high, self.nights)


@dataclass(frozen=True, slots=True)
class Model:
    """The likelihood with some of its parameters free; a dispersion that is not stands at ``held``, a share at 0."""

    rows: IntervalRows
    distribution: Distribution
    dispersed: bool
    mixed: bool
    held: float

    def __call__(self, theta: Array) -> tuple[float, Array]:
        value, scores = self.parts(theta)
        total = float(self.rows.weight @ value)
        if not np.isfinite(total):
            return -np.inf, np.full((len(value), len(theta)), np.nan)
        return total, scores * self.rows.weight[:, None]

    def parts(self, at: Array) -> tuple[Array, Array]:
        """Return the log-likelihood of each row, not weighted, and its derivatives (rows x k)."""
        p = self.rows.matrix.shape[1]
        alpha = self.dispersion(at)
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            value, in_eta, in_alpha = self.rows.usual(self.distribution, at[:p], alpha)
        slopes = [self.rows.matrix * in_eta[:, None]]
        if self.dispersed:
            slopes.append((alpha * in_alpha)[:, None])
        if not self.mixed:
            return value, np.column_stack(slopes)
        share = special.expit(at[-1])
        with np.errstate(divide="ignore"):
            usual = value + special.log_expit(-at[-1])
            value = np.logaddexp(usual, np.log(self.rows.nightly()) + special.log_expit(at[-1]))
        among = np.exp(usual - value)  # the chance that such an answer is not of a near-nightly person
        return value, np.column_stack([np.column_stack(slopes) * among[:, None], 1 - among - share])

    def dispersion(self, at: Array) -> float:
        """Return the dispersion at the parameters ``at``."""
        place = self.rows.matrix.shape[1]
        return float(np.exp(np.clip(at[place], -_BOUND, _BOUND))) if self.dispersed else self.held

    def share(self, at: Array) -> float:
        """Return the near-nightly share at the parameters ``at``."""
        return float(special.expit(at[-1])) if self.mixed else 0.0

    def step_norm(self, step: Array) -> float:
        """Return how far a step goes, 1 being far on the link scale."""
        p = self.rows.matrix.shape[1]
        return float(max(np.abs(self.rows.matrix @ step[:p]).max() / 4, *(np.abs(step[p:]) / 2), 0.0))

    def undetermined(self, at: Array) -> str | None:
        """Return a problem where a combination of parameters changes no chance of any answer, else ``None``.

        The scores are exact, so they see what the differenced information cannot tell from rounding.
        """
        scores = self.parts(at)[1] * np.sqrt(self.rows.weight)[:, None]
        lengths = np.linalg.norm(scores, axis=0)
        if not lengths.all() or np.linalg.svd(scores / lengths, compute_uv=False)[-1] ** 2 < EIGENVALUE:
            return "the answers do not tell the parameters apart; hold the dispersion, or ask for less"
        return None

    def rises(self, at: Array, dispersed: bool, mixed: bool) -> bool:
        """Say whether the likelihood rises from 0 in a parameter that the question has, but not this model."""
        p = self.rows.matrix.shape[1]
        value, _, in_alpha = self.rows.usual(self.distribution, at[:p], self.dispersion(at))
        share, whole = self.share(at), self.parts(at)[0]
        among = (1 - share) * np.exp(value - whole)
        up = dispersed and not self.dispersed and float(self.rows.weight @ (among * in_alpha)) > 0
        more = np.exp(np.where(self.rows.nightly() > 0, -value, -np.inf)) - 1
        return bool(up or (mixed and not self.mixed and float(self.rows.weight @ more) > 0))


@dataclass(frozen=True, slots=True)
class IntervalOptimum:
    """Where the climb ended, the problem that it met, and which parameters beside the coefficients were asked for."""

    model: Model
    optimum: Optimum
    problem: str | None
    asked_dispersion: bool
    asked_share: bool


def best(rows: IntervalRows, distribution: Distribution, near_nightly: bool, held: float | None) -> IntervalOptimum:
    """Return the highest maximum over parameters that are free or at 0, each climbed to from several starts.

    With a parameter at 0 it is a maximum only where the likelihood does not rise from there. A climb that went
    higher than every maximum leaves the problem that it met, and no number.
    """
    wanted = held is None, near_nightly
    climbed: list[IntervalOptimum] = []
    start = _start(rows)
    for dispersed, mixed in product(*(sorted({False, flag}) for flag in wanted)):
        model = Model(rows, distribution, dispersed, mixed, held or 0.0)
        extras = product(*([_DISPERSIONS] * dispersed), *([_SHARES] * mixed))
        for extra in extras:
            optimum = maximise(model, np.append(start, extra))
            problem = optimum.reason or model.undetermined(optimum.theta)
            if problem is None and model.rises(optimum.theta, *wanted):
                continue
            climbed.append(IntervalOptimum(model, optimum, problem, *wanted))
    highest = max((f.optimum.value for f in climbed), default=-np.inf)
    tolerance = _ALIKE * max(1.0, abs(highest) * 1e-3)
    near = [f for f in climbed if f.optimum.value >= highest - tolerance]
    # Of the same height the one that can be believed, and of those the one with the fewest parameters.
    return min(near, key=lambda f: (f.problem is not None, len(f.optimum.theta), -f.optimum.value))


def _start(rows: IntervalRows) -> Array:
    """Return the coefficients of least squares on the log of the intervals' middles."""
    middle = np.where(np.isfinite(rows.high), (rows.low + rows.high) / 2, 1.5 * rows.low)
    root = np.sqrt(rows.weight)
    right = (np.log(middle + 0.3) - np.log(rows.nights)) * root
    start: Array = np.linalg.lstsq(rows.matrix * root[:, None], right, rcond=None)[0].astype(np.float64)
    return start


def obstacle(rows: IntervalRows, df: int, top: float) -> str:
    """Return why there is no estimate, or nothing; counts end at ``top``."""
    if reason := too_many_slopes(df, rows.matrix.shape[1] - 1):
        return reason
    if not (rows.low > 0).any():
        return "every answer may be 0, so the counts do not vary in the domain"
    if (rows.high >= top).all():
        return "every answer is in the highest class, so the counts have no finite mean"
    if np.linalg.matrix_rank(rows.matrix * np.sqrt(rows.weight)[:, None]) < rows.matrix.shape[1]:
        return "the columns of the model are collinear in the domain; drop a term or a level without rows"
    return ""


def separating(rows: IntervalRows, top: float) -> tuple[int, ...]:
    """Return the columns along which the likelihood rises for ever.

    Answers that may be 0 let the mean fall, open ones let it rise, those with two limits hold it: they stand on both
    sides of a logistic separation.
    """
    above, below = rows.low > 0, rows.high < top
    return separating_sides(rows.matrix[above], rows.matrix[below], "logit")
