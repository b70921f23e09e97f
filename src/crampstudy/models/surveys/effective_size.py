"""How many participants of a survey a coefficient rests on: Kish's effective size, coefficient by coefficient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import effective_number


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The ``told`` (n x p), squares of which are what each participant tells of p coefficients, and the ``degrees``.

    t has the degrees of freedom that the slopes leave of the sampling design, whatever the combination.
    """

    told: Array
    degrees: float

    @classmethod
    def of(cls, matrix: Array, weight: Array, degrees: float) -> Sampled:
        """Return what participants with ``weight`` (n) tell of the coefficients of the columns of ``matrix`` (n x p).

        A participant tells w (c'(X'WX)^-1 x)^2 of a contrast c, the share in its variance under equal residuals. Of the
        intercept alone the effective number is then Kish's size (sum w)^2 / sum w^2; of a level that few have it is
        about Kish's size of these few. Outcome and model do not enter: it is the sample that tells little or much.

        Source: Kish 1965, section 11.7; Carter, Schnepel and Steigerwald 2017.
        """
        q, r = np.linalg.qr(np.sqrt(weight)[:, None] * matrix)
        return cls(q @ solve_triangular(r, np.eye(len(r))).T, degrees)

    def df(self, contrasts: Array | None = None) -> Array:
        """Return the degrees of freedom of coefficients or contrasts (k x p)."""
        return np.full(self.told.shape[1] if contrasts is None else len(contrasts), self.degrees)

    def effective(self, contrasts: Array | None = None) -> Array:
        """Return the number of participants, of equal weight and all alike, who would tell as much (k)."""
        return effective_number(np.square(self.told if contrasts is None else self.told @ contrasts.T))

    def turned(self, by: Array) -> Sampled:
        """Return the same of k other coefficients, ``by`` (k x p) of these."""
        return Sampled(self.told @ by.T, self.degrees)
