"""Random effects of the participants: their spread where the intercept is wanted, in the unit that is wanted.

Engines climb with a slope of a centred column, as where a column's zero lies and what its unit is then changes nothing.
The spread of the intercept is that where the variable is 0, which follows exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.optimise.profile_likelihood import Fall, Profile

Elements = tuple[tuple[int, int], ...]

_FLAT = 1e3
"""A standard deviation of a thousandth of its standard error is 0."""

_TOGETHER = 1e-4
"""Of a correlation r whose root of 1 - r^2 is below this an interval would have no width in the digits shown."""
_BELOW_ONE = float(np.nextafter(1.0, 0.0))
"""Where the intercept lies far away a correlation is 1 in all its digits, and yet no boundary."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of D columns, ``turn`` (D x D) times ``factor`` (D x D, lower triangular) times standard normals.

    The ``free`` elements of the factor have the ``covariance`` (k x k), NaN where that is unknown. ``falls`` gives, for
    the number of slopes that the intercept lies from the middle, how the likelihood falls as the intercept's spread
    there is held.
    """

    factor: Array
    free: Elements
    covariance: Array
    turn: Array
    falls: Callable[[float], Fall] | None = None

    def of(self, zero: float, unit: float) -> Effects:
        """Return the effects of a variable that is ``zero`` + ``unit`` times the column with a slope."""
        if len(self.turn) == 1:
            return self
        return replace(self, turn=np.array([[1.0, -zero / unit], [0.0, 1.0 / unit]]) @ self.turn)

    @property
    def turned(self) -> Array:
        """The matrix (D x D) by which standard normals become the effects."""
        made: Array = self.turn @ self.factor
        return made

    @property
    def sd(self) -> Array:
        """Standard deviations (D,), 0 where that is all that the data can tell."""
        return self._spreads[0]

    @property
    def sd_error(self) -> Array:
        """Standard errors (D,) of the logarithms of the standard deviations, NaN where one is 0 or unknown."""
        return self._spreads[1]

    @property
    def _spreads(self) -> tuple[Array, Array]:
        slopes = [np.outer(row, made) for row, made in zip(self.turn, self.turned, strict=True)]
        sizes = np.sqrt((self.turned**2).sum(axis=1))
        errors = np.array([self._error(slope) for slope in slopes])
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = np.where(sizes > 0, errors / sizes**2, np.nan)
        nothing = errors > _FLAT
        return np.where(nothing, 0.0, sizes), np.where(nothing, np.nan, errors)

    @property
    def correlation(self) -> float:
        """Correlation of intercept and slope: 1 or -1 where they go together wholly, NaN where one has no spread."""
        if len(self.turn) < 2 or not self.sd.all():
            return float("nan")
        first, second = self.turned / self.sd[:, None]
        value = float(first @ second)
        return float(np.clip(value, -_BELOW_ONE, _BELOW_ONE) if self._full else np.sign(value))

    @property
    def correlation_error(self) -> float:
        """Standard error of the inverse hyperbolic tangent of the correlation."""
        if len(self.turn) < 2 or not self._full or not self.sd.all():
            return float("nan")
        # The determinant tells 1 - r^2 without the digits that r loses near 1.
        first, second = self.turned
        a, b = map(float, self.sd)
        r, rest = self.correlation, abs(float(np.linalg.det(self.turned))) / (a * b)
        if rest < _TOGETHER:
            return float("nan")
        in_first = second / (a * b) - r * first / a**2
        in_second = first / (a * b) - r * second / b**2
        return self._error(np.outer(self.turn[0], in_first) + np.outer(self.turn[1], in_second)) / rest**2

    @property
    def profile(self) -> Profile | None:
        """The profile of the intercept's standard deviation, where there is one."""
        error = float(self.sd_error[0])
        if self.falls is None or not np.isfinite(error):
            return None
        away = 0.0 if len(self.turn) == 1 else -float(self.turn[0, 1])
        return Profile(float(np.log(self.sd[0])), error, self.falls(away))

    @property
    def _full(self) -> bool:
        return len(self.free) == len(self.turn) * (len(self.turn) + 1) // 2

    def _error(self, slope: Array) -> float:
        """Return the standard error of what has this ``slope`` (D x D) in the elements of the factor."""
        of_free = np.array([slope[element] for element in self.free])
        squared = float(of_free @ self.covariance @ of_free) if of_free.any() else np.nan
        return float(np.sqrt(squared)) if squared > 0 else float("nan")


def triangular(factor: Array) -> Array:
    """Return the lower triangular matrix, its diagonal not negative, that has the products of ``factor`` (D x D)."""
    made: Array = np.linalg.qr(factor.T)[1].T
    return made * np.where(np.diag(made) < 0, -1.0, 1.0)


def rotation(away: float) -> Array:
    """Return the rotation (2 x 2) of intercept and slope to the intercept so many slopes ``away``, scaled."""
    made: Array = np.array([[1.0, -away], [away, 1.0]]) / np.hypot(1.0, away)
    return made


def centred(matrix: Array, slope: int | None, times: Array) -> tuple[Array, Array]:
    """Return columns of effects (n x D), ones and a slope's at mean 0 and SD 1, and what turns effects of them back.

    ``slope`` is the column of ``matrix`` (n x p); ``times`` (n) are as how many rows a row counts.
    """
    ones = np.ones((len(matrix), 1))
    if slope is None:
        return ones, np.eye(1)
    x = matrix[:, slope]
    middle = float(np.average(x, weights=times))
    sd = float(np.sqrt(np.average((x - middle) ** 2, weights=times)))
    return np.column_stack([ones, (x - middle) / sd]), np.array([[1.0, -middle / sd], [0.0, 1.0 / sd]])


class WithEffects:
    """A fit with random ``effects``, whose spreads are its own."""

    __slots__ = ()
    effects: Effects

    @property
    def sd(self) -> Array:
        """Standard deviations (D,) of the effects."""
        return self.effects.sd

    @property
    def sd_error(self) -> Array:
        """Standard errors (D,) of their logarithms."""
        return self.effects.sd_error

    @property
    def correlation(self) -> float:
        """Correlation of intercept and slope."""
        return self.effects.correlation

    @property
    def correlation_error(self) -> float:
        """Standard error of its inverse hyperbolic tangent."""
        return self.effects.correlation_error
