"""What a model expects on average of the same people were they all in one group, and in another (g-computation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crampstudy.arrays import Array

Link = Literal["log", "logit", "identity"]


@dataclass(frozen=True, slots=True)
class MarginalMeans:
    """Means ``estimate`` (k) over the same people, and the ``covariance`` (k x k) that the coefficients give them.

    ``gradient`` (k x p) is that of the means by the coefficients.
    """

    estimate: Array
    covariance: Array
    gradient: Array

    def log_ratio(self, one: int, other: int) -> tuple[float, float, Array]:
        """Return log of the ratio of two means, its standard error, and its gradient (p) by the coefficients."""
        gradient = self.gradient[one] / self.estimate[one] - self.gradient[other] / self.estimate[other]
        step = np.zeros(len(self.estimate))
        step[one], step[other] = 1 / self.estimate[one], -1 / self.estimate[other]
        value = float(np.log(self.estimate[one] / self.estimate[other]))
        return value, self._error(step), gradient

    def difference(self, one: int, other: int) -> tuple[float, float, Array]:
        """Return the difference of two means, its standard error, and its gradient (p) by the coefficients."""
        step = np.zeros(len(self.estimate))
        step[one], step[other] = 1.0, -1.0
        value = float(self.estimate[one] - self.estimate[other])
        return value, self._error(step), self.gradient[one] - self.gradient[other]

    def _error(self, step: Array) -> float:
        # Of means that are the same it is 0, which rounding may put a little below.
        return float(np.sqrt(max(float(step @ self.covariance @ step), 0.0)))


def marginal_means(
    settings: tuple[Array, ...], coefficients: Array, variance: Array, link: Link, weights: Array | None = None
) -> MarginalMeans:
    """Return the mean of a model's expectation over the same n rows under each of k settings, by the delta method.

    What the rows have beside the setting is held fixed.

    Args:
        settings: of each setting the design matrix (n x p) of the rows as if they were in it.
        coefficients: of the model (p), on the scale of the link.
        variance: of the coefficients (p x p).
        link: of the model.
        weights: how many times each row counts (n); once each by default.

    Source: Lane and Nelder 1982 (averages of predictions); Robins 1986 (g-computation).
    """
    shares = np.ones(len(settings[0])) if weights is None else np.asarray(weights, dtype=float)
    shares = shares / shares.sum()
    means, gradients = [], []
    for matrix in settings:
        expected, slope = _inverse(matrix @ coefficients, link)
        means.append(float(shares @ expected))
        gradients.append((shares * slope) @ matrix)
    gradient = np.array(gradients)
    return MarginalMeans(np.array(means), gradient @ variance @ gradient.T, gradient)


def _inverse(linear: Array, link: Link) -> tuple[Array, Array]:
    """Return the expectation (n) of a linear predictor, and its derivative."""
    if link == "identity":
        return linear, np.ones_like(linear)
    if link == "log":
        expected = np.exp(linear)
        return expected, expected
    expected = 1 / (1 + np.exp(-linear))
    return expected, expected * (1 - expected)
