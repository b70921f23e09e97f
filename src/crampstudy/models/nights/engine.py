"""What a family of nights is to its numbers: from arrays to coefficients, variance and what else it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crampstudy.arrays import Array
from crampstudy.estimates import Status
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.common.aggregation import Likelihood
from crampstudy.models.family import Family
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.gee import GeeFit
from crampstudy.models.nights.linear import LinearFit
from crampstudy.models.nights.predictive import OutcomeKind, PredictiveDistribution
from crampstudy.models.nights.random_effects.linear_mixed import LinearMixedFit
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit

Fitted = CountFit | LinearFit | MixedFit | LinearMixedFit | GeeFit | ZerosFit


@dataclass(frozen=True, slots=True)
class ZeroPart:
    """The part of a model that is about zeros alone: log odds (q) with variance (q x q) and ``moments``.

    ``together`` (p + q square) is their variance with the coefficients of the counts before them, ``of_both`` what both
    tell. At its boundary there are no excess zeros: no odds to compare, and the ``reason`` says so.
    """

    coefficients: Array
    variance: Array
    moments: automatic.Moments
    together: Array
    of_both: automatic.Moments
    status: Status = "converged"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """Coefficients (p) with variance (p x p), or the ``problem`` because of which there are none.

    ``moments`` give the degrees of freedom of coefficients and of their combinations, and the participants that they
    rest on, ``None`` where there are no coefficients. ``used`` is the covariance that ``variance`` is.
    ``fitted`` is what the numerical engine left, for checks of the fit; ``zero`` the zero part of a model that has one.
    ``no_baseline`` says why the intercept is no rate, though ratios are.
    """

    coefficients: Array
    variance: Array
    log_likelihood: float
    iterations: int
    used: Covariance
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None
    fitted: Fitted | None = None
    zero: ZeroPart | None = None
    no_baseline: str | None = None
    moments: automatic.Moments | None = None

    @property
    def df(self) -> Array:
        """Degrees of freedom of t of the coefficients (p), NaN where there are none."""
        return np.full(len(self.coefficients), np.nan) if self.moments is None else self.moments.df()

    @classmethod
    def none(cls, p: int, iterations: int, problem: str, fitted: Fitted | None = None) -> Solved:
        """Return what a fit that failed leaves."""
        missing = np.full(p, np.nan)
        empty = np.full((p, p), np.nan)
        return cls(missing, empty, float("nan"), iterations, "model", problem=problem, fitted=fitted)

    @classmethod
    def of(
        cls,
        fitted: LinearFit | MixedFit | LinearMixedFit | GeeFit,
        found: automatic.Inference,
        extras: tuple[Extra, ...],
        notes: tuple[str, ...],
    ) -> Solved:
        """Return the answer of a fit whose coefficients alone have the covariance ``found``."""
        return cls(
            fitted.coefficients,
            found.variance,
            float("nan") if isinstance(fitted, GeeFit) else fitted.log_likelihood,
            fitted.iterations,
            found.used,
            extras,
            notes,
            fitted=fitted,
            moments=found.moments,
        )


@dataclass(frozen=True, kw_only=True)
class Engine(Family):
    """A family of nights as its numbers.

    ``solve`` takes the nights, the outcome, the covariance and the column of the random slope, ``predict`` the nights,
    what their outcome is, that column and the fit; ``None`` where the distribution is none of these. ``alike`` is the
    likelihood by which a participant's rows may be added up; only a family that has it takes weights. ``zero_part``
    says what the odds of its zero part are of, ``None`` where it has none; ``lacking`` why it cannot be asked of nights
    and an outcome. ``dispersion`` says whether it estimates one of its counts, ``probability`` gives that (n) of a
    count on each night. ``within_and_between`` says that the ratio of a nightly exposure is a mixture of two, as
    participants differ.
    """

    solve: Callable[[Data, Outcome, Covariance, int | None], Solved]
    predict: Callable[[Data, OutcomeKind, int | None, Fitted], PredictiveDistribution | None]
    alike: Likelihood | None = None
    zero_part: str | None = None
    lacking: Callable[[Data, Outcome], str | None] | None = None
    dispersion: bool = False
    within_and_between: bool = False
    probability: Callable[[Data, Fitted, int], Array] | None = None
