"""The random-effects model: a mean of trials, or its regression on what differs between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.evidence import heterogeneity
from crampstudy.evidence.effects import TrialEffects
from crampstudy.evidence.heterogeneity import Method
from crampstudy.readable import OneLine

Errors = Literal["Hartung-Knapp with the floor", "Hartung-Knapp without the floor", "Wald", "cluster-robust"]
ERRORS: tuple[Errors, ...] = get_args(Errors)
"""How the standard error of a pool is made; the first is the primary one."""
Prediction = Literal[
    "t with k-1, Hartung-Knapp with the floor", "t with k-1, Hartung-Knapp without the floor", "z", "t with k-2 (Riley)"
]
PREDICTIONS: tuple[Prediction, ...] = get_args(Prediction)
FEWEST_TO_PREDICT = 3
"""Below so many trials there is no interval for the next one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """An estimate with its interval: ``df`` infinite where it is by the normal distribution."""

    estimate: float
    low: float
    high: float
    std_error: float
    df: float

    @property
    def p_value(self) -> float:
        """Two-sided p-value that it is 0."""
        return 2 * below(-abs(self.estimate) / self.std_error, self.df)


@dataclass(frozen=True, slots=True, repr=False)
class RandomEffectsFit(OneLine):
    """A fitted model of trials' effects.

    Args:
        effects: what was pooled.
        design: rows by coefficients; a column of ones for a pool.
        method: the estimator of tau2.
        tau2: variance of the true effects round the model.
        coefficients: the mean, or the coefficients of the regression.
        at: the matrices at this tau2.
    """

    effects: TrialEffects
    design: Array
    method: Method
    tau2: float
    coefficients: Array
    at: heterogeneity.Projection

    @property
    def df(self) -> int:
        """Trials less coefficients."""
        return int(self.effects.k - self.design.shape[1])

    @property
    def scale(self) -> float:
        """Hartung and Knapp's factor of the variance: how far the effects spread round the model, 1 if as expected."""
        return float(self.effects.values @ self.at.residual @ self.effects.values) / self.df

    def covariance(self, errors: Errors = ERRORS[0]) -> Array:
        """Return the covariance of the coefficients; with the floor it is never below Wald's."""
        match errors:
            case "Wald":
                return self.at.covariance
            case "Hartung-Knapp without the floor":
                return self.scale * self.at.covariance
            case "Hartung-Knapp with the floor":
                return max(1.0, self.scale) * self.at.covariance
        return self._robust()

    def freedom(self, errors: Errors) -> float:
        """Return the degrees of freedom that go with a covariance."""
        if errors == "Wald":
            return np.inf
        return self.effects.n_trials - self.design.shape[1] if errors == "cluster-robust" else self.df

    def limits(self, ci_level: float, errors: Errors = ERRORS[0], coefficient: int = 0) -> Limits:
        """Return a coefficient with its interval."""
        df = self.freedom(errors)
        if df < 1:
            raise AnalysisError(f"{self.effects.k} trials are too few for an interval by {errors}")
        error = float(np.sqrt(self.covariance(errors)[coefficient, coefficient]))
        value = float(self.coefficients[coefficient])
        reach = quantile((1 + ci_level) / 2, df) * error
        return Limits(value, value - reach, value + reach, error, df)

    def prediction(self, ci_level: float, kind: Prediction = PREDICTIONS[0]) -> Limits:
        """Return the interval that holds the true effect of the next trial, by one definition.

        Raises:
            AnalysisError: there are fewer than three trials.
        """
        if (n := self.effects.n_trials) < FEWEST_TO_PREDICT:
            raise AnalysisError(f"{n} trials say nothing of the next one; at least {FEWEST_TO_PREDICT} do")
        errors: Errors = "Wald"
        df = np.inf if kind == "z" else float(self.effects.k - 2)
        if kind == PREDICTIONS[0]:
            errors, df = "Hartung-Knapp with the floor", float(self.df)
        elif kind == PREDICTIONS[1]:
            errors, df = "Hartung-Knapp without the floor", float(self.df)
        value = float(self.coefficients[0])
        spread = float(np.sqrt(self.covariance(errors)[0, 0] + self.tau2))
        reach = quantile((1 + ci_level) / 2, df) * spread
        return Limits(value, value - reach, value + reach, spread, df)

    def probability_below(self, threshold: float) -> float:
        """Return the probability that the true effect of the next trial is below a threshold (primary definition)."""
        found = self.prediction(0.95)
        return below((threshold - found.estimate) / found.std_error, found.df)

    @property
    def weights(self) -> Array:
        """Share of each row in a pool, summing to 1."""
        each = self.at.weights.sum(axis=0)
        return np.asarray(each / each.sum())

    def _robust(self) -> Array:
        """Return the cluster-robust covariance with the factor G / (G - p), as metafor's ``robust``."""
        residuals = self.effects.values - self.design @ self.coefficients
        bread = self.at.covariance @ self.design.T @ self.at.weights
        names = np.array(self.effects.clusters)
        meat: Array = np.zeros_like(self.at.covariance)
        for name in dict.fromkeys(self.effects.clusters):
            own = names == name
            score = bread[:, own] @ residuals[own]
            meat += np.outer(score, score)
        clusters = self.effects.n_trials
        return np.asarray(meat * (clusters / (clusters - self.design.shape[1])))


def pool(effects: TrialEffects, method: Method = "REML", design: Array | None = None) -> RandomEffectsFit:
    """Return the mean of trials, or with a ``design`` their regression.

    Raises:
        AnalysisError: there are not more trials than coefficients.
    """
    X = np.ones((effects.k, 1)) if design is None else np.asarray(design, dtype=float)
    tau2 = heterogeneity.estimate(effects, X, method)
    at = heterogeneity.project(effects, X, tau2)
    return RandomEffectsFit(effects, X, method, tau2, at.covariance @ X.T @ at.weights @ effects.values, at)


def quantile(p: float, df: float) -> float:
    """Return a quantile of t, or of the normal distribution where ``df`` is infinite."""
    return float(stdtrit(df, p) if np.isfinite(df) else ndtri(p))


def below(value: float, df: float) -> float:
    """Return the probability that t, or the normal distribution, is below a value."""
    return float(stdtr(df, value) if np.isfinite(df) else ndtr(value))
